"""Value and gradient of a delayed network, each in a process of its own."""

import json
import resource
import subprocess
import sys
import time

from .common import DT, best, network, table

ROWS = (("euler", 5000), ("heun", 5000), ("euler", 50000))


def one(method, steps):
    """Print time and memory of one row as JSON, for :func:`main`."""
    import brainunit as u
    import jax
    import jax.numpy as jnp

    import brainmass

    def loss(a, k):
        net = network(84, method, a=a)
        net.couplings[0].k.set_value(k)
        sim = brainmass.Simulator(net, dt=DT * u.ms)
        out = sim.run(steps * DT * u.ms, monitors="node.x", sample_every=10, seed=0)
        return jnp.mean(out["node.x"] ** 2)

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    point = (jnp.full(84, 0.2), jnp.float32(0.5))
    network(84)
    before = peak()
    start = time.perf_counter()
    both = jax.jit(jax.value_and_grad(loss, argnums=(0, 1))).lower(*point).compile()
    compiled, after = time.perf_counter() - start, peak()
    seconds = best(lambda: jax.block_until_ready(both(*point)), 3)
    resident = peak()
    alone = jax.jit(loss).lower(*point).compile()
    forward = best(lambda: jax.block_until_ready(alone(*point)), 3)
    print(
        json.dumps(
            [
                1e6 * seconds / steps, seconds / forward, compiled, before, after - before,
                resident - after,
            ]
        )
    )  # fmt: skip


def main():
    """Print time and memory of value and gradient for 84 regional parameters and the strength."""
    rows = []
    for method, steps in ROWS:
        # brainunit imports dask where it is installed; who lacks the extra lacks that memory too.
        program = "import sys; sys.modules['dask'] = None; from benchmarks.gradients import one"
        program += f"; one({method!r}, {steps})"
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr)
        step, ratio, compiled, before, compiling, running = json.loads(run.stdout.splitlines()[-1])
        rows.append(
            (method, steps, f"{step:.1f}", f"{ratio:.1f}", f"{compiled:.1f}",
             f"{before:.0f} + {compiling:.0f} + {running:.0f} = {before + compiling + running:.0f}")
        )  # fmt: skip
    header = (
        "method",
        "steps",
        "us a step (at most 13)",
        "times the run alone",
        "compile s (at most 1.5)",
        "peak MB (at most 400, 600): imports and first array + compiling + running",
    )
    table("Value and gradient, N = 84", header, rows)

"""Value and gradient of a delayed network."""

import resource
import time

import brainunit as u
import jax
import jax.numpy as jnp

import brainmass

from .common import DT, best, network, table


def main():
    """Print time and memory of value and gradient for 84 regional parameters and the strength."""
    rows = []
    for method, steps in (("euler", 5000), ("heun", 5000), ("euler", 50000)):

        def loss(a, k, method=method, steps=steps):
            net = network(84, method, a=a)
            net.couplings[0].k.set_value(k)
            sim = brainmass.Simulator(net, dt=DT * u.ms)
            out = sim.run(steps * DT * u.ms, monitors="node.x", sample_every=10, seed=0)
            return jnp.mean(out["node.x"] ** 2)

        point = (jnp.full(84, 0.2), jnp.float32(0.5))
        start = time.perf_counter()
        both = jax.jit(jax.value_and_grad(loss, argnums=(0, 1))).lower(*point).compile()
        compiled = time.perf_counter() - start
        one = jax.jit(loss).lower(*point).compile()
        forward = best(lambda: jax.block_until_ready(one(*point)), 3)  # noqa: B023
        seconds = best(lambda: jax.block_until_ready(both(*point)), 3)  # noqa: B023
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append(
            (method, steps, f"{1e6 * seconds / steps:.1f}", f"{seconds / forward:.1f}",
             f"{peak:.0f}", f"{compiled:.1f}")
        )  # fmt: skip
    header = ("method", "steps", "us a step (at most 13)", "times the run alone",
              "resident MB", "compile s")  # fmt: skip
    table("Value and gradient, N = 84", header, rows)

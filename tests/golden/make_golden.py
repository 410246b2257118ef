"""Short runs of every model with every integrator of ours, in float64.

``python tests/golden/make_golden.py`` writes ``golden.npz`` beside this file. Run it only after a
change of a model that is meant, and say in the change what moved and why.
"""

from pathlib import Path

import brainstate
import jax
import jax.numpy as jnp
import numpy as np

FILE = Path(__file__).with_name("golden.npz")
METHODS = ("euler", "heun", "rk4", "exp_euler")
NODES, STEPS = 3, 25


def models() -> dict:
    """Every model and variant that is a neural mass, by name."""
    import brainmass
    from brainmass import dynamics

    return {
        name: model
        for name, model in dynamics.registry.items()
        if model.__module__.startswith("brainmass.") and issubclass(model, brainmass.NeuralMass)
    }


def methods_of(model) -> tuple[str, ...]:
    """The integrators that the model takes."""
    return METHODS if model.elementwise else METHODS[:-1]


def start_of(model) -> dict:
    """Fixed initial values, different in every node, also where the default is random."""
    out = {}
    for k, (name, spec) in enumerate(model.declaration.states.items()):
        base = 0.02 if callable(spec.default) else float(jnp.asarray(_bare(spec.default)))
        out[name] = base + 0.01 * (k + 1) * (1 + np.arange(NODES))
    return out


def final_states(model) -> dict:
    """States of every node after the run, by integrator: arrays (state, node)."""
    node = model(NODES)
    params = {n: getattr(node, n).mantissa() for n in node.declaration.params}
    ports = node.declaration.ports
    inputs = {name: 0.1 * (1 + jnp.arange(NODES)) for name in ports}
    dt = float(_bare(model.suggested_dt))

    def run(y, method):
        rules = type(node.rules())(model, method, node.rules().options)

        def step(_, y):
            return rules.advance(params, y, lambda _y, _c: inputs, 0.0, dt)

        y = jax.lax.fori_loop(0, STEPS, step, y)
        return jnp.stack([y[name] for name in model.declaration.states])

    y = {name: jnp.asarray(value) for name, value in start_of(model).items()}
    return jax.jit(lambda y: {m: run(y, m) for m in methods_of(model)})(y)


def _bare(value):
    return getattr(value, "mantissa", value)


def main() -> None:
    """Write the file."""
    jax.config.update("jax_enable_x64", True)
    brainstate.environ.set(precision=64)
    arrays = {}
    for name, model in models().items():
        for method, value in final_states(model).items():
            arrays[f"{name}/{method}"] = np.asarray(value)
    np.savez_compressed(FILE, **arrays)
    print(f"{len(arrays)} runs in {FILE.name}, {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""What enters a model at one step, how it is linearised there, and which steps are stable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .cache import Cache
from .superblock import recent_samples
from .system import SystemRules

__all__ = ["Situation", "largest_step", "situation"]

_FULL = 400
_functions = Cache(32)


class Situation:
    """A system at one step.

    Attributes
    ----------
    inlets : dict of str to dict of str to array
        For every inlet what enters it: by coupling, by noise and from outside.
    jacobian : array
        Derivatives of the rates by the states, per millisecond; of all regions if they are few,
        else of one region alone.
    """

    def __init__(self, inlets: dict, jacobian: np.ndarray):
        self.inlets, self.jacobian = inlets, jacobian

    def totals(self) -> dict[str, Any]:
        """Return what enters every inlet in all."""
        return {name: sum(parts.values()) for name, parts in self.inlets.items() if parts}


def situation(
    rules: SystemRules, identity, values, carry, step: int, external, region
) -> Situation:
    """Evaluate a system before ``step``; ``external`` holds what enters from outside then."""
    carry = {name: carry[name] for name in ("y", "noise", "history")}
    arguments = (values, carry, np.int32(step), external, np.array(region, np.int32))
    shapes = [(np.shape(a), str(getattr(a, "dtype", type(a)))) for a in jax.tree.leaves(arguments)]
    key = None if identity is None else (identity, jax.tree.structure(arguments), tuple(shapes))
    function = _functions.get(key, lambda: jax.jit(partial(_evaluate, rules)))
    inlets, jacobian = jax.device_get(function(*arguments))
    return Situation(inlets, np.asarray(jacobian, np.float64))


def _evaluate(rules: SystemRules, values, carry, step, external, region):
    prepared = rules.prepare(values)
    size = rules.superblock
    index, low = step // size, step % size
    offset = low // rules.block * rules.block
    lane = low - offset
    history = carry["history"]
    sums = rules.block_sums(prepared, history, offset)
    recent = recent_samples(rules, history, offset)

    def coupling(y):
        return rules.coupling_inputs(prepared, y, 0.0, lane, sums, recent)

    y = carry["y"]
    noise = _noise(rules, prepared, carry, index, low)
    inlets: dict[str, dict[str, Any]] = {n: {} for n in rules.node.cls.declaration.inlets}
    for kind, parts in (("coupling", coupling(y)), ("noise", noise), ("input", external)):
        for name, value in parts.items():
            inlets[name][kind] = jnp.broadcast_to(value, rules.full_shape)

    def rates(y):
        given = {name: sum(parts.values()) for name, parts in inlets.items() if parts}
        for name, current in coupling(y).items():
            given[name] = given[name] - inlets[name]["coupling"] + current
        t = step * jnp.asarray(rules.dt, rules.dtype)
        return rules.node.rates(prepared["params"], y, given, t)

    return inlets, _jacobian(rates, y, region, rules.full_shape)


def _noise(rules: SystemRules, prepared, carry, index, low) -> dict:
    """Return what the noise of a step is, by inlet."""
    z = rules.normal(prepared, index, (rules.superblock,))
    out: dict[str, Any] = {}
    for slot, inlet, process in rules.noise:
        p = prepared["noise"][slot]
        _, value = process.advance(carry["noise"][slot], z[slot][low], p, rules.dt)
        if process.amplitude is not None:
            value = process.modulated(value, p, rules.node.attach(carry["y"]))
        out[inlet] = out[inlet] + value if inlet in out else value
    return out


def _jacobian(rates: Callable, y: dict, region, shape: tuple[int, ...]):
    """Return the Jacobian of all states, or of those of one region where that is too large."""
    names = list(y)
    count = int(np.prod(shape, dtype=np.int64))
    place = tuple(region[k] for k in range(len(shape)))

    def flat(y) -> jax.Array:
        return jnp.concatenate([jnp.ravel(y[n]) for n in names])

    def direction(k):
        """Return the derivative along one state, of all regions or of the one."""
        if len(names) * count <= _FULL:
            unit = jnp.zeros(len(names) * count).at[k].set(1.0).reshape(len(names), *shape)
        else:
            unit = jnp.zeros((len(names), *shape)).at[(k, *place)].set(1.0)
        tangent = {n: unit[m].astype(y[n].dtype) for m, n in enumerate(names)}
        slope = jax.jvp(rates, (y,), (tangent,))[1]
        if len(names) * count <= _FULL:
            return flat(slope)
        return jnp.stack([slope[n][place] for n in names])

    columns = len(names) * (count if len(names) * count <= _FULL else 1)
    return jax.vmap(direction)(jnp.arange(columns)).T


_GROWTH: dict[str, Callable] = {
    "heun": lambda z: 1 + z + z**2 / 2,
    "rk2": lambda z: 1 + z + z**2 / 2,
    "midpoint": lambda z: 1 + z + z**2 / 2,
    "ralston2": lambda z: 1 + z + z**2 / 2,
    "rk3": lambda z: 1 + z + z**2 / 2 + z**3 / 6,
    "rk4": lambda z: 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24,
    "rk4_38": lambda z: 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24,
}


def largest_step(jacobian: np.ndarray, method: str) -> float:
    """Return the step at which the first decaying mode would begin to grow; inf if none does.

    A mode ``exp(lambda t)`` is multiplied by the stability function ``R(lambda dt)`` of the method
    in each step (Hairer & Wanner 1996, doi:10.1007/978-3-642-05221-7). Methods whose function is
    not written here are taken as forward Euler, which is on the safe side.
    """
    modes = np.linalg.eigvals(jacobian)
    modes = modes[modes.real < -1e-9 * max(1.0, np.abs(modes).max(initial=0.0))]
    growth = _GROWTH.get(method)
    if not len(modes):
        return np.inf
    if growth is None:
        return float((-2 * modes.real / np.abs(modes) ** 2).min())
    return float(min(_marginal(mode, growth) for mode in modes))


def _marginal(mode: complex, growth: Callable) -> float:
    """Return the first step along one mode that is not damped any more."""
    steps = np.linspace(0, 4 / abs(mode), 401)[1:]
    grows = np.abs(growth(mode * steps)) > 1 + 1e-12
    if not grows.any():
        return np.inf
    first = int(np.argmax(grows))
    low, high = (0.0 if first == 0 else steps[first - 1]), steps[first]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if abs(growth(mode * middle)) > 1 + 1e-12 else (middle, high)
    return high

"""A stimulus: a sum of waveforms, each with its time, size and place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .._compat import is_tracer
from .._errors import UnitError
from ..engine.times import read_step, read_steps
from ._checks import fit_regions, read_numbers, read_time, to_steps

__all__ = ["Stimulus", "Wave"]


@dataclass(frozen=True, eq=False)
class Wave:
    """One waveform: what it is, its values, and when and where it enters.

    ``values`` holds plain numbers in ms and kHz; ``shape`` gives the waveform from the time since
    ``onset``; it is silent before ``begin`` and from ``until`` on. With a ``grid`` (the step in
    ms), ``onset``, ``begin`` and ``until`` are whole steps.
    """

    name: str
    shape: Callable
    unit: u.Unit
    inlet: str | None
    values: dict[str, Any]
    weights: Any = None
    grid: float | None = None

    def __call__(self, i, t):
        v = self.values
        if self.grid is None:
            since, slack = t - v["onset"], 3e-7 * jnp.abs(t) + 1e-9
            inside = (t + slack >= v["begin"]) & (t + slack < v["until"])
        else:
            since, slack = (i - v["onset"]) * self.grid, 0.5 * self.grid
            inside = (i >= v["begin"]) & (i < v["until"])
        wave = jnp.where(inside, self.shape(since, slack, i, v), 0.0) * v["amplitude"]
        wave = wave if self.weights is None else wave * self.weights
        return wave if self.unit.is_unitless else u.Quantity(wave, unit=self.unit)

    def on_grid(self, dt: float) -> Wave:
        """Return the waveform with its edges at whole steps."""
        steps = {n: to_steps(self.values[n], dt) for n in ("onset", "begin", "until")}
        return replace(self, values={**self.values, **steps}, grid=dt)

    def shifted(self, by) -> Wave:
        """Return the waveform later by ``by`` ms, and nothing of it before."""
        moved = {n: self.values[n] + by for n in ("onset", "begin", "until")}
        most = jnp.maximum if is_tracer((by, self.values["begin"])) else np.maximum
        moved["begin"] = most(moved["begin"], by)
        return replace(self, values=self.values | moved)

    def cut(self, at) -> Wave:
        """Return the waveform up to ``at`` ms."""
        least = jnp.minimum if is_tracer((at, self.values["until"])) else np.minimum
        return replace(self, values=self.values | {"until": least(self.values["until"], at)})

    def times(self, factor) -> Wave:
        """Return the waveform with its amplitude multiplied."""
        unit = self.unit * u.get_unit(factor)
        amplitude = self.values["amplitude"] * u.get_mantissa(factor)
        return replace(self, unit=unit, values=self.values | {"amplitude": amplitude})

    def flat(self):
        names = sorted(self.values)
        leaves = (tuple(self.values[n] for n in names), self.weights)
        return leaves, (self.name, self.shape, self.unit, self.inlet, tuple(names), self.grid)

    @classmethod
    def unflat(cls, static, leaves) -> Wave:
        name, shape, unit, inlet, names, grid = static
        values, weights = leaves
        return cls(name, shape, unit, inlet, dict(zip(names, values, strict=True)), weights, grid)


jax.tree_util.register_pytree_node(Wave, Wave.flat, Wave.unflat)


@dataclass(frozen=True, eq=False)
class Stimulus:
    """A function of time that enters a model: made by :func:`pulse`, :func:`sine` and the others.

    Stimuli can be added (``a + b``), scaled (``a * 2``) and joined in time
    (``a.then(b, at=50 * u.ms)``). They are immutable, and JAX pytrees of their numbers.

    Parameters
    ----------
    waves : tuple
        The waveforms that are added.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass import stimuli
    >>> both = stimuli.pulse(0.5, 2 * u.ms, 1 * u.ms) + 2 * stimuli.step(0.1, 4 * u.ms)
    >>> both
    Stimulus(pulse + step)
    >>> both.values(5 * u.ms, 1 * u.ms).tolist()
    [0.0, 0.0, 0.5, 0.0, 0.2...]
    >>> node = brainmass.HopfStep(3)
    >>> sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    >>> sim.run(10 * u.ms, inputs=both, monitors="x")["x"].shape
    (100, 3)
    """

    waves: tuple[Wave, ...]

    __array_ufunc__ = None  # so that NumPy leaves `array * stimulus` to us

    def __call__(self, i, t):
        """Return the value of one step.

        Parameters
        ----------
        i : int
            Step.
        t : brainunit.Quantity
            Time at the start of the step.

        Returns
        -------
        float, array, brainunit.Quantity or dict
            The value, one per region if there are regions; by inlet if inlets are named.
        """
        time = jnp.asarray(u.Quantity(t).to_decimal(u.ms))
        totals: dict[str | None, Any] = {}
        for wave in self.waves:
            value = wave(i, time)
            totals[wave.inlet] = totals[wave.inlet] + value if wave.inlet in totals else value
        return totals.get(None, totals)

    def on_grid(self, dt: float) -> Stimulus:
        """Return the stimulus with its edges at whole steps of ``dt`` ms, for the engine."""
        return Stimulus(tuple(wave.on_grid(dt) for wave in self.waves))

    def values(self, duration, dt):
        """Return the values of every step, time first: to plot them, or as ``inputs`` of a run.

        Parameters
        ----------
        duration, dt : brainunit.Quantity
            Time span and step.

        Returns
        -------
        array, brainunit.Quantity or dict
            One row per step; by inlet if inlets are named.

        Examples
        --------
        >>> import brainunit as u
        >>> from brainmass import stimuli
        >>> stimuli.ramp(1.0, 0 * u.ms, 4 * u.ms).values(6 * u.ms, 1 * u.ms).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
        """
        step = read_step(dt)
        steps = jnp.arange(read_steps(duration, step), dtype=jnp.int32)
        return _evaluate(self.on_grid(step), steps, step)

    def plot(self, duration, dt=0.1 * u.ms, ax=None):
        """Draw the stimulus against time.

        Parameters
        ----------
        duration : brainunit.Quantity
            Time span.
        dt : brainunit.Quantity, default 0.1 ms
            Step.
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: the current axes.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.

        Examples
        --------
        >>> import brainunit as u
        >>> from brainmass import stimuli
        >>> from matplotlib.figure import Figure
        >>> stimulus = stimuli.sine(1.0, 40 * u.Hz)
        >>> stimulus.plot(50 * u.ms, ax=Figure().subplots()).get_xlabel()
        'time (ms)'
        """
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.gca()
        values = self.values(duration, dt)
        values = values if isinstance(values, dict) else {"stimulus": values}
        for name, rows in values.items():
            time = np.arange(len(rows)) * read_step(dt)
            unit = u.get_unit(rows)
            label = name if unit.is_unitless else f"{name} ({unit})"
            ax.plot(time, np.asarray(u.get_mantissa(rows)), drawstyle="steps-post", label=label)
        ax.set_xlabel("time (ms)")
        ax.legend()
        return ax

    @property
    def end(self):
        """Time at which the stimulus ends; infinite if it never does."""
        ends = [wave.values["until"] for wave in self.waves]
        last = ends[0]
        for other in ends[1:]:
            last = jnp.maximum(last, other) if is_tracer((last, other)) else np.maximum(last, other)
        return u.Quantity(last, unit=u.ms)

    def then(self, other: Stimulus, at=None) -> Stimulus:
        """Return this stimulus up to ``at``, and ``other`` from there on, its time starting at 0.

        Parameters
        ----------
        other : Stimulus
            What follows.
        at : brainunit.Quantity, optional
            When. Default: where this stimulus ends.

        Returns
        -------
        Stimulus
            Both in sequence.

        Examples
        --------
        >>> import brainunit as u
        >>> from brainmass import stimuli
        >>> first = stimuli.step(1.0)
        >>> first.then(first * 3, at=2 * u.ms).values(4 * u.ms, 1 * u.ms).tolist()
        [1.0, 1.0, 3.0, 3.0]
        """
        _check_stimulus(other, "then")
        at = self.end if at is None else at
        moment = read_time(at, "then", "at", "when the next one begins")
        if not is_tracer(moment) and not np.isfinite(moment):
            raise ValueError(
                f"Stimulus.then: at (when the next one begins) must be finite; got {moment:g} ms, "
                "because the first one never ends. Pass for example at=100 * u.ms."
            )
        parts = [wave.cut(moment) for wave in self.waves]
        return _joined(parts, [wave.shifted(moment) for wave in other.waves])

    def __add__(self, other):
        if isinstance(other, int | float) and other == 0:
            return self
        return _joined(self.waves, other.waves) if isinstance(other, Stimulus) else NotImplemented

    __radd__ = __add__

    def __mul__(self, factor):
        if isinstance(factor, Stimulus | str) or factor is None:
            return NotImplemented
        factor = np.asarray(factor) if isinstance(factor, list | tuple) else factor
        _check_factor(factor, self.waves)
        return Stimulus(tuple(wave.times(factor) for wave in self.waves))

    __rmul__ = __mul__

    def __truediv__(self, factor):
        return NotImplemented if isinstance(factor, Stimulus) else self * (1.0 / factor)

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other if isinstance(other, Stimulus) else NotImplemented

    def __repr__(self):
        return f"Stimulus({' + '.join(wave.name for wave in self.waves)})"


jax.tree_util.register_pytree_node(
    Stimulus, lambda s: (s.waves, None), lambda _, waves: Stimulus(tuple(waves))
)


@jax.jit
def _evaluate(stimulus, steps, dt):
    return jax.vmap(lambda i: stimulus(i, u.Quantity(i * dt, unit=u.ms)))(steps)


def _joined(first, second) -> Stimulus:
    """Return the sum of waveforms, after checking that they can enter the same model."""
    waves = (*first, *second)
    inlets = {wave.inlet for wave in waves}
    if None in inlets and len(inlets) > 1:
        named = sorted(name for name in inlets if name is not None)
        raise ValueError(
            "Stimulus: inlet must be given for all parts or for none; got parts without and parts "
            f"for {named}. Pass inlet= to every part."
        )
    known: dict[Any, Any] = {}
    for wave in waves:
        unit = known.setdefault(wave.inlet, wave.unit)
        if not unit.has_same_dim(wave.unit):
            raise UnitError(
                f"Stimulus: parts that enter the same inlet must have the same unit; got [{unit}] "
                f"and [{wave.unit}]. Correct an amplitude or name the inlets."
            )
    sizes = {
        len(a) for wave in waves for a in (wave.values["amplitude"], wave.weights) if np.ndim(a)
    }
    if len(sizes) > 1:
        raise ValueError(
            f"Stimulus: parts must have the same number of regions; got {sorted(sizes)}. "
            "Correct n_regions."
        )
    return Stimulus(waves)


def _check_stimulus(value, method: str) -> None:
    if not isinstance(value, Stimulus):
        raise TypeError(
            f"Stimulus.{method}: the other must be a stimulus; got {type(value).__name__}. "
            "Make one, for example brainmass.stimuli.pulse(...)."
        )


def _check_factor(factor, waves) -> None:
    bare = u.get_mantissa(factor) if isinstance(factor, u.Quantity) else factor
    size = read_numbers(bare, "Stimulus", "factor", "what it is multiplied by")
    sizes = {np.shape(w.weights) for w in waves if w.weights is not None}
    sizes |= {np.shape(w.values["amplitude"]) for w in waves} - {()}
    fit_regions(np.shape(size), next(iter(sizes), ()), "Stimulus")

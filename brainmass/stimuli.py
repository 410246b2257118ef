"""Stimuli: what enters a model from outside, as functions of time that can be added and joined.

A stimulus goes to ``Simulator.run(inputs=...)``. Its amplitudes and times are values, not part of
the compiled program: changing one compiles nothing, and all of them can be differentiated or
vectorised. Edges fall on the nearest step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ._compat import is_tracer
from ._errors import UnitError
from .engine.times import read_step, read_steps

__all__ = ["Stimulus", "noise", "pulse", "pulse_train", "ramp", "sine", "step"]

_ENDLESS = np.float64(np.inf)
_TONES = 64


@dataclass(frozen=True, eq=False)
class _Wave:
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

    def on_grid(self, dt: float) -> _Wave:
        """Return the waveform with its edges at whole steps."""
        steps = {n: _whole(self.values[n], dt) for n in ("onset", "begin", "until")}
        return replace(self, values={**self.values, **steps}, grid=dt)

    def shifted(self, by) -> _Wave:
        """Return the waveform later by ``by`` ms, and nothing of it before."""
        moved = {n: self.values[n] + by for n in ("onset", "begin", "until")}
        most = jnp.maximum if is_tracer((by, self.values["begin"])) else np.maximum
        moved["begin"] = most(moved["begin"], by)
        return replace(self, values=self.values | moved)

    def cut(self, at) -> _Wave:
        """Return the waveform up to ``at`` ms."""
        least = jnp.minimum if is_tracer((at, self.values["until"])) else np.minimum
        return replace(self, values=self.values | {"until": least(self.values["until"], at)})

    def times(self, factor) -> _Wave:
        """Return the waveform with its amplitude multiplied."""
        unit = self.unit * u.get_unit(factor)
        amplitude = self.values["amplitude"] * u.get_mantissa(factor)
        return replace(self, unit=unit, values=self.values | {"amplitude": amplitude})

    def flat(self):
        names = sorted(self.values)
        leaves = (tuple(self.values[n] for n in names), self.weights)
        return leaves, (self.name, self.shape, self.unit, self.inlet, tuple(names), self.grid)

    @classmethod
    def unflat(cls, static, leaves) -> _Wave:
        name, shape, unit, inlet, names, grid = static
        values, weights = leaves
        return cls(name, shape, unit, inlet, dict(zip(names, values, strict=True)), weights, grid)


jax.tree_util.register_pytree_node(_Wave, _Wave.flat, _Wave.unflat)


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

    waves: tuple[_Wave, ...]

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
        moment = _time(at, "then", "at", "when the next one begins")
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


def pulse(
    amplitude, onset, duration, *, regions=None, weights=None, n_regions=None, inlet=None
) -> Stimulus:
    """Rectangular pulse.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Height, in the unit of the inlet; a number or one per region.
    onset : brainunit.Quantity
        When it begins.
    duration : brainunit.Quantity
        How long it lasts.
    regions : int or list of int, optional
        The regions that receive it; needs ``n_regions``. Default: all.
    weights : array, optional
        Instead of ``regions``, one plain factor per region.
    n_regions : int, optional
        Number of regions of the model.
    inlet : str, optional
        The inlet that receives it. Default: the first of the model.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> one = stimuli.pulse(2.0, 1 * u.ms, 2 * u.ms, regions=[1], n_regions=2)
    >>> one.values(4 * u.ms, 1 * u.ms).tolist()
    [[0.0, 0.0], [0.0, 2.0], [0.0, 2.0], [0.0, 0.0]]
    """
    onset = _time(onset, "pulse", "onset", "when it begins")
    length = _time(duration, "pulse", "duration", "how long it lasts", least=0.0)
    where = _Where.read("pulse", regions, weights, n_regions, inlet)
    return where.wave(_constant, amplitude, onset, onset + length)


def pulse_train(
    amplitude,
    frequency,
    duration,
    *,
    onset=0.0 * u.ms,
    count=None,
    regions=None,
    weights=None,
    n_regions=None,
    inlet=None,
) -> Stimulus:
    """Rectangular pulses at a fixed frequency.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Height, in the unit of the inlet; a number or one per region.
    frequency : brainunit.Quantity
        Pulses per time.
    duration : brainunit.Quantity
        How long each pulse lasts; less than a period.
    onset : brainunit.Quantity, default 0 ms
        When the first begins.
    count : int, optional
        How many pulses. Default: without end.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> train = stimuli.pulse_train(1.0, 500 * u.Hz, 1 * u.ms, count=2)
    >>> train.values(6 * u.ms, 1 * u.ms).tolist()
    [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    who = "pulse_train"
    rate = _rate(frequency, who, positive=True)
    length = _time(duration, who, "duration", "how long a pulse lasts", least=0.0)
    onset = _time(onset, who, "onset", "when it begins")
    if not is_tracer((rate, length)) and length * rate > 1:
        raise ValueError(
            f"{who}: duration (how long a pulse lasts) must be at most the period of "
            f"{1 / rate:g} ms; got {length:g} ms. Shorten the pulses or lower the frequency."
        )
    if count is not None and (
        isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1
    ):
        raise ValueError(
            f"{who}: count (how many pulses) must be a positive integer; got {count!r}. "
            "Leave it out for pulses without end."
        )
    until = _ENDLESS if count is None else onset + (count - 1) / rate + length
    where = _Where.read(who, regions, weights, n_regions, inlet)
    return where.wave(_train, amplitude, onset, until, rate=rate, length=length)


def sine(
    amplitude,
    frequency,
    *,
    phase=0.0,
    onset=0.0 * u.ms,
    duration=None,
    regions=None,
    weights=None,
    n_regions=None,
    inlet=None,
) -> Stimulus:
    """Sine wave, ``amplitude * sin(2 pi frequency (t - onset) + phase)``.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Half the distance from peak to trough, in the unit of the inlet.
    frequency : brainunit.Quantity
        Periods per time.
    phase : float, default 0.0
        Phase at the onset in radians.
    onset : brainunit.Quantity, default 0 ms
        When it begins.
    duration : brainunit.Quantity, optional
        How long it lasts. Default: without end.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> stimuli.sine(1.0, 250 * u.Hz).values(2 * u.ms, 1 * u.ms).round(3).tolist()
    [0.0, 1.0]
    """
    rate = _rate(frequency, "sine")
    phase = _plain(phase, "sine", "phase", "phase at the onset in radians")
    onset = _time(onset, "sine", "onset", "when it begins")
    until = _until(onset, duration, "sine")
    where = _Where.read("sine", regions, weights, n_regions, inlet)
    return where.wave(_sine, amplitude, onset, until, rate=rate, phase=phase)


def ramp(
    amplitude, onset, duration, *, regions=None, weights=None, n_regions=None, inlet=None
) -> Stimulus:
    """Linear rise from 0 to ``amplitude``, which is then held.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Value at the end, in the unit of the inlet.
    onset : brainunit.Quantity
        When the rise begins.
    duration : brainunit.Quantity
        How long it takes.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> up = stimuli.ramp(1.0, 0 * u.ms, 2 * u.ms)
    >>> up.values(4 * u.ms, 1 * u.ms).tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    onset = _time(onset, "ramp", "onset", "when it begins")
    length = _time(duration, "ramp", "duration", "how long the rise takes", least=0.0)
    where = _Where.read("ramp", regions, weights, n_regions, inlet)
    return where.wave(_ramp, amplitude, onset, _ENDLESS, length=length)


def step(
    amplitude, onset=0.0 * u.ms, *, regions=None, weights=None, n_regions=None, inlet=None
) -> Stimulus:
    """Constant value from ``onset`` on.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Height, in the unit of the inlet.
    onset : brainunit.Quantity, default 0 ms
        When it begins.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> stimuli.step(3 * u.Hz, 1 * u.ms).values(3 * u.ms, 1 * u.ms)
    Quantity([0. 3. 3.], "Hz")
    """
    onset = _time(onset, "step", "onset", "when it begins")
    where = _Where.read("step", regions, weights, n_regions, inlet)
    return where.wave(_constant, amplitude, onset, _ENDLESS)


def noise(
    sigma,
    *,
    seed: int = 0,
    band=None,
    onset=0.0 * u.ms,
    duration=None,
    regions=None,
    weights=None,
    n_regions=None,
    inlet=None,
) -> Stimulus:
    """Frozen noise: the same numbers in every run, whatever the seed of the run.

    Parameters
    ----------
    sigma : float, array or brainunit.Quantity
        Standard deviation, in the unit of the inlet.
    seed : int, default 0
        Which noise.
    band : tuple of brainunit.Quantity, optional
        Lowest and highest frequency. The noise is then a sum of 64 tones of random frequency in
        the band and random phase, a function of time that does not depend on ``dt``. Default: an
        independent normal number in every step.
    onset : brainunit.Quantity, default 0 ms
        When it begins.
    duration : brainunit.Quantity, optional
        How long it lasts. Default: without end.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`. With ``n_regions`` every region has its own noise,
        without it all have the same.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> slow = stimuli.noise(0.1, seed=1, band=(1 * u.Hz, 30 * u.Hz), n_regions=4)
    >>> slow.values(10 * u.ms, 0.1 * u.ms).shape
    (100, 4)
    """
    if isinstance(seed, bool) or not (isinstance(seed, int | np.integer) and 0 <= seed < 2**32):
        raise ValueError(
            f"noise: seed (which noise) must be an integer from 0 to 2**32 - 1; got {seed!r}. "
            "Pass for example seed=1."
        )
    onset = _time(onset, "noise", "onset", "when it begins")
    until = _until(onset, duration, "noise")
    where = _Where.read("noise", regions, weights, n_regions, inlet)
    size = () if where.weights is None else np.shape(where.weights)
    values = {"seed": np.uint32(seed)}
    if band is None:
        return where.wave(_White(size), sigma, onset, until, **values)
    if not isinstance(band, tuple | list) or len(band) != 2:
        raise ValueError(
            f"noise: band must be (lowest, highest) frequency; got {band!r}. "
            "Pass for example band=(1 * u.Hz, 40 * u.Hz)."
        )
    low, high = (_rate(edge, "noise") for edge in band)
    if not is_tracer((low, high)) and not 0 <= low < high:
        raise ValueError(
            f"noise: band must be (lowest, highest) frequency with 0 <= lowest < highest; "
            f"got {band}. Pass for example band=(1 * u.Hz, 40 * u.Hz)."
        )
    return where.wave(_Tones(size), sigma, onset, until, low=low, high=high, **values)


def _constant(since, slack, i, v):
    return 1.0


def _train(since, slack, i, v):
    late = since + slack
    phase = late - jnp.floor(late * v["rate"]) / v["rate"]
    return jnp.where(phase < v["length"], 1.0, 0.0)


def _sine(since, slack, i, v):
    return jnp.sin(2 * jnp.pi * v["rate"] * since + v["phase"])


def _ramp(since, slack, i, v):
    risen = jnp.clip(since / jnp.where(v["length"] > 0, v["length"], 1.0), 0.0, 1.0)
    return jnp.where(v["length"] > 0, risen, 1.0)


@dataclass(frozen=True)
class _White:
    size: tuple[int, ...]

    def __call__(self, since, slack, i, v):
        return jax.random.normal(jax.random.fold_in(jax.random.key(v["seed"]), i), self.size)


@dataclass(frozen=True)
class _Tones:
    size: tuple[int, ...]

    def __call__(self, since, slack, i, v):
        parts = jax.random.uniform(jax.random.key(v["seed"]), (2, _TONES, *self.size))
        tone = (jnp.arange(_TONES).reshape(-1, *[1] * len(self.size)) + parts[0]) / _TONES
        rate = v["low"] + (v["high"] - v["low"]) * tone
        waves = jnp.sin(2 * jnp.pi * (rate * since + parts[1]))
        return (2 / _TONES) ** 0.5 * waves.sum(0)


@dataclass(frozen=True)
class _Where:
    """Where a stimulus enters: the inlet, and one factor per region or None for all alike."""

    name: str
    inlet: str | None
    weights: Any

    @classmethod
    def read(cls, name: str, regions, weights, n_regions, inlet) -> _Where:
        if inlet is not None and not isinstance(inlet, str):
            raise TypeError(
                f"{name}: inlet (where it enters) must be a name; got {inlet!r}. "
                "Pass for example inlet='E_inp'."
            )
        if n_regions is not None and (
            isinstance(n_regions, bool)
            or not isinstance(n_regions, int | np.integer)
            or n_regions < 1
        ):
            raise ValueError(
                f"{name}: n_regions (number of regions) must be a positive integer; "
                f"got {n_regions!r}. Pass the size of the model."
            )
        if weights is not None:
            if regions is not None:
                raise ValueError(
                    f"{name}: regions and weights (who receives it) must not both be given; "
                    "got both. Give the weights of all regions, or a list of regions."
                )
            weights = _plain(weights, name, "weights", "factor of each region")
            if np.ndim(weights) != 1 or n_regions not in (None, np.shape(weights)[0]):
                wanted = "one number per region" if n_regions is None else f"{n_regions} numbers"
                raise ValueError(
                    f"{name}: weights (factor of each region) must be {wanted}; "
                    f"got shape {np.shape(weights)}. Pass a list of that length."
                )
        elif regions is not None:
            weights = _mask(name, regions, n_regions)
        elif n_regions is not None:
            weights = np.ones(n_regions)
        return cls(name, inlet, weights)

    def wave(self, shape, amplitude, onset, until, **values) -> Stimulus:
        """Return the stimulus of one waveform, after checking its amplitude."""
        unit = u.get_unit(amplitude)
        size = _plain(u.get_mantissa(amplitude), self.name, "amplitude", "height")
        _fit(np.shape(size), np.shape(self.weights) if self.weights is not None else (), self.name)
        values = {"amplitude": size, "onset": onset, "begin": onset, "until": until, **values}
        return Stimulus((_Wave(self.name, shape, unit, self.inlet, values, self.weights),))


def _mask(name: str, regions, n_regions):
    if n_regions is None:
        raise ValueError(
            f"{name}: regions (who receives it) must come with n_regions, the number of regions "
            "of the model; got none. Pass for example n_regions=84."
        )
    index = np.atleast_1d(np.asarray(regions))
    if index.ndim != 1 or index.dtype.kind not in "iu" or not index.size:
        raise TypeError(
            f"{name}: regions (who receives it) must be whole numbers; got {regions!r}. "
            "Pass for example regions=[0, 3], or a factor for every region as weights."
        )
    if index.min() < 0 or index.max() >= n_regions:
        raise ValueError(
            f"{name}: regions (who receives it) must be from 0 to {n_regions - 1}; "
            f"got {regions!r}. Correct the list or n_regions."
        )
    weights = np.zeros(n_regions)
    weights[index] = 1.0
    return weights


def _fit(shape, other, name: str):
    if len(shape) > 1 or (shape and other and shape != other):
        wanted = f"a number or {other[0]} numbers" if other else "a number or one per region"
        raise ValueError(
            f"{name}: amplitude (height) must be {wanted}; got shape {tuple(shape)}. "
            "Pass one value per region."
        )


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
    size = _plain(bare, "Stimulus", "factor", "what it is multiplied by")
    sizes = {np.shape(w.weights) for w in waves if w.weights is not None}
    sizes |= {np.shape(w.values["amplitude"]) for w in waves} - {()}
    _fit(np.shape(size), next(iter(sizes), ()), "Stimulus")


def _plain(value, who: str, name: str, doc: str):
    """Return plain real numbers; concrete ones as a NumPy array."""
    if is_tracer(value) and not isinstance(value, u.Quantity):
        return value
    title = f"{who}: {name} ({doc})"
    value = np.asarray(value) if isinstance(value, list | tuple) else value
    if not u.get_unit(value).is_unitless:
        raise UnitError(f"{title} must be plain numbers; got {value}. Remove the unit.")
    wrong = value is None or isinstance(value, bool | str | bytes | dict | set)
    array = None if wrong else np.asarray(value)
    if array is None or array.dtype.kind not in "fiu":
        raise TypeError(f"{title} must be real numbers; got {value!r}. Pass numbers.")
    if not np.isfinite(array).all():
        raise ValueError(f"{title} must be finite; got NaN or infinity. Pass finite numbers.")
    return array.astype(np.float64)


def _time(value, who: str, name: str, doc: str, least: float | None = None):
    """Return a time in ms."""
    title = f"{who}: {name} ({doc})"
    if not u.get_unit(value).has_same_dim(u.ms):
        raise UnitError(
            f"{title} must be a quantity of time; got {value!r}. Pass for example {name}=10 * u.ms."
        )
    time = u.Quantity(value).to_decimal(u.ms)
    if is_tracer(time):
        return time
    if np.ndim(time) or np.isnan(time) or (least is not None and not least <= time < np.inf):
        wanted = "one finite time of at least 0 ms" if least is not None else "one time"
        raise ValueError(f"{title} must be {wanted}; got {value}. Pass for example 10 * u.ms.")
    return np.float64(time)


def _rate(value, who: str, positive: bool = False):
    """Return a frequency in kHz."""
    if not u.get_unit(value).has_same_dim(u.Hz):
        raise UnitError(
            f"{who}: frequency must be a quantity in Hz; got {value!r}. Pass for example 10 * u.Hz."
        )
    rate = u.Quantity(value).to_decimal(u.Hz) * 1e-3
    if is_tracer(rate):
        return rate
    if np.ndim(rate) or not np.isfinite(rate) or (positive and rate <= 0):
        wanted = "positive and finite" if positive else "one finite number"
        raise ValueError(
            f"{who}: frequency must be {wanted}; got {value}. Pass for example 10 * u.Hz."
        )
    return np.float64(rate)


def _until(onset, duration, who: str):
    if duration is None:
        return _ENDLESS
    return onset + _time(duration, who, "duration", "how long it lasts", least=0.0)


def _whole(time, dt: float):
    """Return a time as whole steps."""
    if is_tracer(time):
        return jnp.round(jnp.clip(time / dt, -(2.0**30), 2.0**30)).astype(jnp.int32)
    return np.int32(np.round(np.clip(np.float64(time) / dt, -(2.0**30), 2.0**30)))

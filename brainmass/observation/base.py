"""What every observer has: a source, parameters, a period, and three pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param
from jax import lax

from .._compat import is_tracer
from .._declare import Declaration
from .._errors import UnitError, choices
from .._param import DeclaredParam
from .._sizes import read_shape
from ..engine.observers import ObserverRules, Stream, attach, known_ends

__all__ = ["Observer", "Signal", "time_in_ms"]


@dataclass(frozen=True)
class Signal:
    """What an observer is told about its source before a run.

    Attributes
    ----------
    shape : tuple of int
        Shape of one sample; with a batch, its size comes first.
    unit : brainunit.Unit
        Unit of the samples.
    interval : float
        Time between two samples in milliseconds.
    """

    shape: tuple[int, ...]
    unit: u.Unit
    interval: float


class Observer(brainstate.nn.Module):
    """Base class of what is computed from a signal while it is simulated.

    An observer is given as a monitor, ``monitors={"name": observer}``, and sees every step of its
    source, also in the transient, without the run being recorded. What it keeps is part of the
    compiled program, so memory does not grow with the duration. The same object called with a
    recorded signal, ``observer(signal, dt)``, gives the same result.

    A subclass declares parameters with :func:`brainmass.param` and writes three pure functions of
    bare numbers: ``start(p, like)``, what is kept before the first sample; ``step(p, kept, x)``,
    what is kept after one more; and ``value(p, kept)``, what comes out at the end of each period.
    ``p`` has the parameters in their declared units and ``dt``, the milliseconds between samples.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is observed: a state such as ``'node.x'``, a function of the model, or what another
        observer gives. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Time between two samples of the result, which then has its own time axis, ``'name.ts'``.
        Default: as often as the run records, on its time axis.
    in_size : int or tuple of int, optional
        Shape of one sample. Default: that of the source.
    **settings
        Parameters and options that the class declares.

    Raises
    ------
    UnitError
        If a parameter or the period has the wrong unit.
    ValueError
        If the period is no multiple of the step, or a shape does not fit.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> class LowPass(brainmass.Observer):
    ...     "Exponential average of the recent past."
    ...     tau = brainmass.param(10.0 * u.ms, domain="positive", doc="memory")
    ...     @staticmethod
    ...     def start(p, like):
    ...         return like
    ...     @staticmethod
    ...     def step(p, kept, x):
    ...         return kept + (x - kept) * p.dt / p.tau
    ...     @staticmethod
    ...     def value(p, kept):
    ...         return kept
    >>> sim = brainmass.Simulator(brainmass.LinearStep(2, gamma=-1.0, init_x=1.0), dt=0.1 * u.ms)
    >>> slow = LowPass("x", tau=5 * u.ms, period=1 * u.ms)
    >>> result = sim.run(10 * u.ms, monitors={"slow": slow})
    >>> result["slow"].shape, result["slow.ts"][0]
    ((10, 2), Quantity(1., "ms"))
    """

    reduces: ClassVar[bool] = False
    """Whether one value comes out at the end, of what was seen behind the transient."""
    random: bool = False
    """Whether random numbers are drawn; ``p.key`` is then a fresh key for each superblock."""
    declaration: ClassVar[Declaration] = Declaration({}, {}, {}, {})

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.declaration = Declaration.collect(cls, cls.declaration)

    def __init__(self, source=None, *, period=None, in_size=None, **settings):
        super().__init__()
        who = type(self).__name__
        if not (source is None or isinstance(source, str) or callable(source)):
            raise TypeError(
                f"{who}: source (what is observed) must be a state name, a function of the model "
                f"or an observer; got {source!r}. Pass for example source='node.x'."
            )
        if isinstance(source, Observer) and source.reduces:
            raise TypeError(
                f"{who}: source (what is observed) must give a signal; got a "
                f"{type(source).__name__}, which gives one value. Pass what it observes."
            )
        self.source, self.period = source, period
        if period is not None:
            time_in_ms(period, who)
        if in_size is not None:
            self.in_size = read_shape(in_size, who, "shape of one sample")
        known = [*self.declaration.params, *self.declaration.options]
        for name in settings:
            if name not in known:
                raise TypeError(
                    f"{who}: parameters must be among {choices(known)}; got '{name}'. "
                    "Correct the name."
                )
        for name, spec in self.declaration.options.items():
            vars(self)[name] = spec.check(settings.pop(name, spec.default), who)
        for name, spec in self.declaration.params.items():
            value = settings.pop(name, spec.default)
            if value is not None:
                self.adopt(spec, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample, where it is known."""
        size: Any = self.in_size
        return () if size is None else tuple(size)

    def adopt(self, spec, value, shape: tuple[int, ...] | None = None) -> None:
        """Keep a parameter, checked against its declaration and the shape it must fit."""
        who = type(self).__name__
        if shape is None:
            shape = _own_shape(value) if self.in_size is None else self.shape
        parameter = DeclaredParam.adopt(value, spec, who, shape)
        brainstate.nn.Module.__setattr__(self, spec.name, parameter)

    def __setattr__(self, name, value):
        spec = self.declaration.params.get(name)
        held = vars(self).get(name)
        if spec is None or not isinstance(held, DeclaredParam):
            super().__setattr__(name, value)
        elif isinstance(value, Param):
            self.adopt(held.spec, value, held.fits)
        else:
            held.set_value(value)

    # The science: pure functions of bare numbers.

    @staticmethod
    def start(p, like):
        """Return what is kept before the first sample; ``like`` is a sample of zeros."""
        return ()

    @staticmethod
    def step(p, kept, x):
        """Return what is kept after the sample ``x``."""
        raise NotImplementedError

    @staticmethod
    def value(p, kept):
        """Return what comes out."""
        raise NotImplementedError

    @classmethod
    def feed(cls, p, kept, stream: Stream, ends):
        """Take in the samples of a superblock at once.

        Parameters
        ----------
        p : mapping
            Parameters and options.
        kept : pytree
            What ``start`` or the last superblock left.
        stream : Stream
            The samples, and which of them are valid.
        ends : array of int or None
            Absolute steps after which a sample comes out; None for a reducer.

        Returns
        -------
        kept, rows
            What is kept, and one row for each of ``ends``; rows outside the valid samples are
            ignored.
        """
        use = stream.valid & stream.kept if cls.reduces else stream.valid

        def one(kept, row):
            x, use = row
            new = jax.tree.map(jnp.asarray, cls.step(p, kept, x))
            kept = jax.tree.map(lambda n, o: jnp.where(use, n.astype(o.dtype), o), new, kept)
            return kept, None if ends is None else cls.value(p, kept)

        kept, values = lax.scan(one, kept, (stream.rows, use))
        if ends is None:
            return kept, None
        return kept, jnp.take(values, stream.lanes(ends)[0], axis=0)

    # What the engine asks for.

    def check(self, signal: Signal) -> None:
        """Refuse a source that does not fit.

        Parameters
        ----------
        signal : Signal
            Shape, unit and interval of the source.
        """
        if self.in_size is not None:
            _check_trailing(signal.shape, self.shape, type(self).__name__)

    def bind(self, shape: tuple[int, ...], unit: u.Unit, rules: ObserverRules):
        """Check this observer, and those that it observes, against a source.

        Returns the unit of the result, and the rules for a source in that unit.
        """
        if isinstance(self.source, Observer):
            unit, inner = self.source.bind(shape, unit, rules.source)
            rules = replace(rules, source=inner)
            shape = self.source.out_shape(tuple(shape))
        self.check(Signal(tuple(shape), unit, rules.interval))
        return self.unit(unit), replace(rules, factor=self.factor(unit))

    def factor(self, signal_unit: u.Unit) -> float:
        """Return what takes numbers in ``signal_unit`` to the unit that the class works in."""
        return 1.0

    def least(self, interval: float) -> int:
        """Return how many samples, ``interval`` milliseconds apart, are needed for a result."""
        return 0 if self.reduces else 1

    def check_length(self, steps: int, rules: ObserverRules) -> None:
        """Refuse too few steps for a result."""
        interval = rules.every * rules.dt
        least = self.least(interval)
        if steps < least * rules.every:
            raise ValueError(
                f"{type(self).__name__}: source (what is observed) must last at least "
                f"{least * interval:g} ms behind the transient; got {steps * rules.dt:g} ms. "
                "Give more, or shorten the period."
            )

    def out_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one sample of the result for a source of that shape."""
        return shape

    def unit(self, signal_unit: u.Unit) -> Any:
        """Return the unit of the result for a source in ``signal_unit``; a tuple for a tuple."""
        return signal_unit

    def options(self) -> dict:
        """Return the static settings by name; hashable, so that programs are found again."""
        return {name: getattr(self, name) for name in self.declaration.options}

    def observer_rules(self, dt: float, every: int, extra: dict | None = None) -> ObserverRules:
        """Return the static part for steps of ``dt`` milliseconds, every so many recorded."""
        inner = None
        if isinstance(self.source, Observer):
            inner = self.source.observer_rules(dt, every)
            every = inner.every
        own = inner is not None and inner.own
        if self.period is not None:
            unit = inner.every if inner is not None else 1
            every = _steps(self.period, dt, unit, type(self).__name__)
            own = True
        options = tuple({**self.options(), **(extra or {})}.items())
        source = self.source if inner is None else inner
        return ObserverRules(type(self), options, source, every, own, dt, self.random)

    def observer_values(self, cast) -> dict:
        """Return the parameters as bare arrays."""
        own = {
            name: cast(value.mantissa())
            for name, value in vars(self).items()
            if isinstance(value, DeclaredParam)
        }
        if isinstance(self.source, Observer):
            return {"own": own, "source": self.source.observer_values(cast)}
        return {"own": own}

    def __call__(self, signal, dt=None):
        """Apply the observer to a recorded signal.

        Parameters
        ----------
        signal : array or brainunit.Quantity (time, ...)
            Samples at equal distances; finite.
        dt : brainunit.Quantity
            Time between two samples.

        Returns
        -------
        array or brainunit.Quantity
            One row per period, or one value of a reducer: what the same observer gives as a
            monitor of a run with this signal as its source.

        Raises
        ------
        UnitError
            If a unit is wrong.
        ValueError
            If the signal has NaN or the wrong shape, or is too short.
        """
        return apply(self, signal, dt)

    def __repr__(self):
        period = "" if self.period is None else f", period={self.period}"
        source = "" if self.source is None else f"source={self.source!r}"
        return f"{type(self).__name__}({(source + period).removeprefix(', ')})"


def apply(observer: Observer, signal, dt):
    """Run an observer over a recorded signal."""
    who = type(observer).__name__
    step = _interval(dt, who, observer)
    mantissa, unit = u.get_mantissa(signal), u.get_unit(signal)
    if not is_tracer(mantissa):
        mantissa = np.asarray(mantissa)
        if mantissa.dtype.kind not in "fiub" or not np.isfinite(mantissa).all():
            raise ValueError(
                f"{who}: signal must hold finite real numbers; got others, such as NaN. "
                "Clean it first."
            )
    if np.ndim(mantissa) < 1:
        raise ValueError(
            f"{who}: signal must have time as its first axis; got shape {np.shape(mantissa)}. "
            "Pass an array (time, regions)."
        )
    dtype = np.dtype(brainstate.environ.dftype())
    cast = partial(jnp.asarray, dtype=dtype)
    rules = observer.observer_rules(step, 1)
    unit, rules = observer.bind(np.shape(mantissa)[1:], unit, rules)
    observer.check_length(len(mantissa), rules)
    key = brainstate.random.split_key() if rules.draws else jax.random.key(0)
    out = _apply(rules, observer.observer_values(cast), cast(mantissa), key)
    return attach(out, unit)


@partial(jax.jit, static_argnums=0)
def _apply(rules: ObserverRules, values: dict, signal, key):
    length = signal.shape[0]
    size = min(1024, max(64, 1 << (length - 1).bit_length()))
    count = -(-length // size)
    rows = jnp.pad(signal, [(0, count * size - length)] + [(0, 0)] * (signal.ndim - 1))
    rows = rows.reshape(count, size, *signal.shape[1:])
    like = jax.ShapeDtypeStruct(signal.shape[1:], signal.dtype)

    def superblock(kept, given):
        index, rows = given
        end = index * size + jnp.arange(1, size + 1, dtype=jnp.int32)
        stream = rules.stream(rows, end, end <= length, jnp.ones(size, bool))
        kept, out = rules.run(values, kept, stream, index, size, 0, key)
        return kept, () if out is None else out.rows

    work = jax.checkpoint(superblock)
    kept, out = lax.scan(work, rules.start(values, like), (jnp.arange(count), rows))
    if rules.reduces:
        return rules.value(values, kept)
    ends, within = known_ends(0, count, size, rules.every, 0)
    flat = out.reshape(-1, *out.shape[2:])
    return flat[np.flatnonzero(within & (ends <= length)).astype(np.int32)]


def _interval(dt, who: str, observer) -> float:
    if dt is None:
        if observer.reduces and observer.period is None:
            return 1.0
        raise TypeError(
            f"{who}: dt (time between two samples of the signal) must be given; got none. "
            "Pass for example dt=0.1 * u.ms."
        )
    return time_in_ms(dt, who, "dt", "time between two samples", "0.1 * u.ms")


def time_in_ms(value, who: str, name="period", doc="sampling period", example="720 * u.ms"):
    """Return a time in milliseconds, or say what is wrong with it."""
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.ms):
        got = f"a value in [{unit}]" if not unit.is_unitless else repr(value)
        raise UnitError(
            f"{who}: {name} ({doc}) must be a quantity of time; got {got}. "
            f"Pass for example {name}={example}."
        )
    time = float(u.Quantity(value).to_decimal(u.ms)) if np.ndim(u.get_mantissa(value)) == 0 else 0.0
    if not np.isfinite(time) or time <= 0:
        raise ValueError(
            f"{who}: {name} ({doc}) must be one positive, finite time; got {value}. "
            f"Pass for example {name}={example}."
        )
    return time


def _steps(period, dt: float, unit: int, who: str) -> int:
    """Return a period in steps; a multiple of ``unit`` of them."""
    time = time_in_ms(period, who)
    exact = time / (dt * unit)
    count = round(exact)
    if count < 1 or abs(exact - count) > 1e-6 * max(1.0, exact):
        what = (
            f"the step of {dt * unit:g} ms" if unit == 1 else f"the {dt * unit:g} ms of its source"
        )
        wrong = "at least" if exact < 1 else "a multiple of"
        raise ValueError(
            f"{who}: period (sampling period) must be {wrong} {what}; got {time:g} ms. "
            f"Take for example {max(count, 1) * dt * unit:g} ms."
        )
    return count * unit


def _own_shape(value) -> tuple[int, ...]:
    value = value.value() if isinstance(value, Param) else value
    return () if callable(value) else tuple(np.shape(u.get_mantissa(value)))


def _check_trailing(shape, in_size, who: str) -> None:
    if tuple(shape[len(shape) - len(in_size) :]) != tuple(in_size):
        raise ValueError(
            f"{who}: source (what is observed) must have samples of shape {tuple(in_size)}; "
            f"got {tuple(shape)}. Build the observer with the in_size of its source."
        )

"""Blood-oxygen-level dependent signal by the Balloon-Windkessel model."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .. import _step
from .._declare import StateSpec, param
from .._errors import UnitError
from ..observation.base import Observer, Signal
from ..observation.sums import compensated

__all__ = ["BOLDSignal"]

_LARGEST_STEP = 10.0
"""Milliseconds of the longest step of the haemodynamics."""
_GROUP = 64
"""Most samples that share one step of the haemodynamics; divides every superblock."""
_LEAST_FLOW = float(np.log(0.01))
"""Logarithm of the least flow, relative to rest."""
_REST = {"x": 0.0, "f": 1.0, "v": 1.0, "q": 1.0}


class BOLDSignal(Observer):
    """BOLD signal of every region: Balloon-Windkessel haemodynamics driven by activity.

    With time in seconds, vasodilatory signal x, blood flow f, volume v and deoxyhaemoglobin q, the
    last three relative to rest::

        dx/dt = epsilon z - k x - gamma (f - 1)
        df/dt = x
        dv/dt = (f - v^(1/alpha)) / tau
        dq/dt = (f (1 - (1 - rho)^(1/f)) / rho - q v^(1/alpha - 1)) / tau
        BOLD  = V0 (k1 (1 - q) + k2 (1 - q/v) + k3 (1 - v))

    At rest, ``x = 0`` and ``f = v = q = 1``, the signal is exactly 0.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    gamma : brainunit.Quantity, default 0.41 Hz
        Rate of the autoregulation of flow.
    k : brainunit.Quantity, default 0.65 Hz
        Rate at which the vasodilatory signal decays.
    alpha : float, default 0.32
        Stiffness of the vessels (Grubb's exponent).
    tau : brainunit.Quantity, default 0.98 s
        Transit time of blood.
    rho : float, default 0.34
        Resting oxygen extraction fraction, between 0 and 1.
    V0 : float, default 0.02
        Resting volume fraction of blood.
    init : dict, optional
        Values of ``x``, ``f``, ``v`` and ``q`` before the first step, by name. Default: rest.
    source : str, callable or Observer, optional
        Activity z, a plain number around 0 at rest. Default: what ``update`` returns.
    period : brainunit.Quantity, default 1000 ms
        Repetition time TR: one sample at the end of each; a multiple of the step.
    epsilon : float, default 1
        Efficacy with which activity drives the vasodilatory signal.
    k1, k2, k3 : float, optional
        Coefficients of the signal. Default: ``7 rho``, ``2`` and ``2 rho - 0.2``, those for 1.5 T.

    Notes
    -----
    All parameters take one value, one per region, or ``Param`` to train them. As a monitor,
    haemodynamics run from the first step on, also in the transient; samples are kept behind it.
    Activity is averaged over steps of at most 10 ms, over which the logarithms of f, v and q take
    one Runge-Kutta step of order 3 with compensated sums: single precision holds for any ``dt``,
    and no state becomes negative. Flow cannot fall below 1 % of rest.

    References
    ----------
    .. [1] Friston, Harrison & Penny 2003, NeuroImage 19:1273, doi:10.1016/S1053-8119(03)00202-7
    .. [2] Friston et al. 2000, NeuroImage 12:466, doi:10.1006/nimg.2000.0630

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> node = brainmass.HopfStep(2, a=0.25, init_x=0.1)
    >>> bold = brainmass.BOLDSignal(2, source="x", period=720 * u.ms)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(3 * u.second, monitors={"bold": bold})
    >>> result["bold"].shape, result["bold.ts"].mantissa.tolist()
    ((4, 2), [720.0, 1440.0, 2160.0, 2880.0])

    Of a recorded signal, here activity 0.1 for a minute; the last sample is the steady state:

    >>> bold = brainmass.BOLDSignal(1)(jnp.full((60000, 1), 0.1), 1 * u.ms)
    >>> f"{bold[-1, 0]:.6f}"
    '0.010864'
    """

    gamma: Any = param(0.41 * u.Hz, bounds=(0.2, 0.8), domain="positive", doc="autoregulation rate")
    k: Any = param(0.65 * u.Hz, bounds=(0.3, 1.3), domain="positive", doc="rate of signal decay")
    alpha: Any = param(0.32, bounds=(0.1, 0.6), domain="positive", doc="stiffness of the vessels")
    tau: Any = param(0.98 * u.second, bounds=(0.4, 2.0), domain="positive", doc="transit time")
    rho: Any = param(0.34, bounds=(0.2, 0.8), domain="fraction", doc="resting oxygen extraction")
    V0: Any = param(0.02, bounds=(0.01, 0.08), domain="positive", doc="resting volume fraction")
    epsilon: Any = param(1.0, bounds=(0.0, 2.0), doc="efficacy of the activity")
    k1: Any = param(None, doc="coefficient of deoxyhaemoglobin")
    k2: Any = param(None, doc="coefficient of the concentration")
    k3: Any = param(None, doc="coefficient of the volume")

    def __init__(
        self,
        in_size,
        gamma: Any = 0.41 * u.Hz,
        k: Any = 0.65 * u.Hz,
        alpha: Any = 0.32,
        tau: Any = 0.98 * u.second,
        rho: Any = 0.34,
        V0: Any = 0.02,  # noqa: N803
        init: dict | None = None,
        *,
        source=None,
        period=1000.0 * u.ms,
        epsilon: Any = 1.0,
        k1: Any = None,
        k2: Any = None,
        k3: Any = None,
    ):
        given = {"gamma": gamma, "k": k, "alpha": alpha, "tau": tau, "rho": rho, "V0": V0}
        given |= {"epsilon": epsilon, "k1": k1, "k2": k2, "k3": k3}
        given = {name: value for name, value in given.items() if value is not None}
        super().__init__(source, period=period, in_size=in_size, **given)
        self.init = self._read_init(init)

    def _read_init(self, init) -> dict:
        unknown = sorted(set(init or {}) - set(_REST)) if isinstance(init, dict | None) else [init]
        if unknown:
            raise ValueError(
                f"BOLDSignal: init (values before the first step) must be a dict with keys among "
                f"'x', 'f', 'v', 'q'; got {unknown[0]!r}. Pass for example init={{'f': 1.1}}."
            )
        out = {}
        for name, value in (init or {}).items():
            spec = StateSpec(_REST[name], "haemodynamic state", name=name)
            out[name] = spec.start(value, "BOLDSignal", self.shape)
            if name != "x" and np.any(np.asarray(out[name]) <= 0):
                raise ValueError(
                    f"BOLDSignal: initial value '{name}' (relative to rest) must be positive; "
                    f"got {value}. Pass a value around 1."
                )
        return out

    # As an observer.

    def check(self, signal):
        """Refuse activity with a unit or of another shape."""
        super().check(signal)
        if not signal.unit.is_unitless:
            raise UnitError(
                f"BOLDSignal: source (neural activity) must be a plain number; got a value in "
                f"[{signal.unit}]. Divide by a unit, for example source=lambda m: m.V.value / u.mV."
            )

    def observer_values(self, cast):
        """Return the parameters, and the states before the first step, as bare arrays."""
        values = super().observer_values(cast)
        values["own"]["init"] = {name: cast(value) for name, value in self.init.items()}
        return values

    @staticmethod
    def start(p, like):
        """Return the states before the first step, each in two parts."""
        init = [jnp.broadcast_to(p.init.get(n, rest), like.shape) for n, rest in _REST.items()]
        states = (init[0], *map(jnp.log, init[1:]))
        return tuple((a.astype(like.dtype), jnp.zeros_like(like)) for a in states)

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Take the haemodynamics through a superblock, with a step that ends at each of ``ends``.

        All steps are taken in one small loop, of which the compiler makes few kernels.
        """
        count = stream.rows.shape[0]
        group = _group(count, stream.interval)
        parts = max(1, int(np.ceil(group * stream.interval / _LARGEST_STEP)))
        edges = group * jnp.arange(1, count // group + 1)
        place = None
        if ends is not None:
            asked = stream.lanes(ends)[0] + 1
            place = jnp.sum(edges < asked[:, None], axis=1) + jnp.arange(len(ends))
            edges = jnp.sort(jnp.concatenate([edges, asked]))
        p = _prepared(p)

        def one(states, given):
            z, seconds = given
            states = _advanced(p, states, z, seconds, parts)
            return states, None if place is None else states[2:]

        kept, after = lax.scan(one, kept, _averaged(stream, edges, group))
        if place is None:
            return kept, None
        volume, content = jax.tree.map(lambda a: a[place], after)
        return kept, _signal(p, (None, None, volume, content))

    @staticmethod
    def value(p, kept):
        """Return the signal."""
        return _signal(_prepared(p), kept)

    # Step by step, by hand.

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Allocate or reset the states.

        Parameters
        ----------
        batch_size : int, optional
            Number of independent copies, as a leading axis of every state.
        **kwargs
            Ignored; brainstate passes its own arguments here.
        """
        batch = () if batch_size is None else (batch_size,)
        shape = (*batch, *self.shape)
        dtype = brainstate.environ.dftype()
        for name, rest in _REST.items():
            value = jnp.broadcast_to(jnp.asarray(self.init.get(name, rest), dtype), shape)
            setattr(self, name, brainstate.HiddenState(value))
        values = [getattr(self, name).value for name in _REST]
        self.exact = brainstate.ShortTermState(_two_parts(values))

    def update(self, z):
        """Advance the haemodynamics by one step of ``brainstate.environ``'s ``dt``.

        Parameters
        ----------
        z : array
            Activity during the step.

        Returns
        -------
        array
            The BOLD signal after the step.
        """
        if not u.get_unit(z).is_unitless:
            self.check(_as_signal(z))
        dt = brainstate.environ.get("dt", None)
        if dt is None:
            raise ValueError(
                "BOLDSignal: update needs a step dt in brainstate.environ; got none. Use "
                "`with brainstate.environ.context(dt=1 * u.ms):` or the signal as a monitor."
            )
        p, states = _prepared(self._by_hand()), self._states()
        seconds = _step.milliseconds(dt) / 1000.0
        parts = max(1, int(np.ceil(1000.0 * float(seconds) / _LARGEST_STEP)))
        z = jnp.broadcast_to(jnp.asarray(z, self.x.value.dtype), self.x.value.shape)
        states = _advanced(p, states, z, seconds, parts)
        for name, value in zip(_REST, _values(states), strict=True):
            getattr(self, name).value = value
        self.exact.value = jnp.stack([jnp.stack(pair) for pair in states])
        return _signal(p, states)

    def bold(self):
        """Return the BOLD signal of the current states.

        Returns
        -------
        array
            Relative change of the signal; 0 at rest.
        """
        return _signal(_prepared(self._by_hand()), self._states())

    def _states(self):
        """Return x and the logarithms of the other states, each in two parts.

        A state holds one number, rounded; beside it is kept what it was rounded from. Where a state
        was set by hand since, that is forgotten.
        """
        held = [getattr(self, name).value for name in _REST]
        known = tuple((pair[0], pair[1]) for pair in self.exact.value)
        near = 8.0 * jnp.finfo(self.exact.value.dtype).eps
        out = []
        for value, was, old, new in zip(held, _values(known), known, _two_parts(held), strict=True):
            same = jnp.abs(value - was) <= near * jnp.abs(was)
            out.append((jnp.where(same, old[0], new[0]), jnp.where(same, old[1], new[1])))
        return tuple(out)

    def derivative(self, y, t, z):
        """Return the time derivatives of the states.

        Parameters
        ----------
        y : tuple
            ``(x, f, v, q)``.
        t : brainunit.Quantity
            Time; the equations do not depend on it.
        z : array
            Activity.

        Returns
        -------
        tuple of brainunit.Quantity
            One derivative per state, in Hz.
        """
        x, f, v, q = (jnp.asarray(s, brainstate.environ.dftype()) for s in y)
        states = (x, jnp.log(f), jnp.log(v), jnp.log(q))
        slopes = _rates(_prepared(self._by_hand()), states, z)
        rates = (slopes[0], f * slopes[1], v * slopes[2], q * slopes[3])
        return tuple(u.Quantity(rate, unit=u.Hz) for rate in rates)

    def _by_hand(self):
        rules = self.observer_rules(float(u.Quantity(self.period).to_decimal(u.ms)), 1)
        return rules.parameters(self.observer_values(jnp.asarray))

    def __call__(self, signal, dt=None):
        """Apply the model to recorded activity; without ``dt``, advance by one step."""
        return self.update(signal) if dt is None else super().__call__(signal, dt)


def _as_signal(z) -> Signal:
    return Signal(tuple(np.shape(u.get_mantissa(z))), u.get_unit(z), 0.0)


def _group(count: int, interval: float) -> int:
    """Return how many samples share one step: a power of two that divides their number."""
    group = 1
    while group < _GROUP and count % (2 * group) == 0 and 2 * group * interval <= _LARGEST_STEP:
        group *= 2
    return group


def _averaged(stream, edges, group: int) -> tuple:
    """Return mean activity and seconds of the samples between successive edges."""
    starts = jnp.concatenate([jnp.zeros(1, edges.dtype), edges[:-1]])
    lanes = starts[:, None] + jnp.arange(group)
    # Lanes past an edge are left out, not multiplied by 0: they may hold what is not finite.
    within = (lanes < edges[:, None]) & jnp.take(stream.valid, lanes, mode="clip")
    rows = jnp.take(stream.rows, lanes, axis=0, mode="clip")
    columns = (1,) * (rows.ndim - 2)
    rows = jnp.where(within.reshape(*within.shape, *columns), rows, 0)
    number = within.sum(1, dtype=rows.dtype)
    mean = rows.sum(1) / jnp.maximum(number, 1.0).reshape(-1, *columns)
    return mean, number * (stream.interval / 1000.0)


def _prepared(p) -> dict:
    """Return the parameters in Hz and seconds, with all coefficients."""
    tau = p["tau"]
    defaults = {"k1": 7.0 * p["rho"], "k2": 2.0, "k3": 2.0 * p["rho"] - 0.2}
    return {**defaults, **p, "tau": tau, "kept": jnp.log1p(-p["rho"])}


def _rates(p, states, z) -> tuple:
    """Return the rates of x and of the logarithms of f, v and q, per second.

    Written with ``expm1`` so that they vanish exactly at rest. The states are separate arrays: the
    compiler makes no vector code of a stack of different expressions.
    """
    x, log_f, log_v, log_q = states
    away = jnp.expm1(jnp.maximum(log_f, _LEAST_FLOW))
    flow = 1.0 + away
    out = jnp.expm1(log_v / p["alpha"])
    volume = jnp.exp(-log_v)
    extracted = jnp.expm1(p["kept"] / flow) / jnp.expm1(p["kept"])
    return (
        p["epsilon"] * z - p["k"] * x - p["gamma"] * away,
        x / flow,
        (away - out) * volume / p["tau"],
        (flow * extracted * jnp.exp(-log_q) - (1.0 + out) * volume) / p["tau"],
    )


def _advanced(p, states, z, seconds, parts: int) -> tuple:
    """Return the states, each in two parts, after steps of Kutta's method of order 3.

    The flow is kept from vanishing, which the model would let it do in finite time.
    """
    step = seconds / parts

    def one(states, _=None):
        now = [high for high, _ in states]

        def at(slopes):
            return [a + step * b for a, b in zip(now, slopes, strict=True)]

        first = _rates(p, now, z)
        second = _rates(p, at([0.5 * a for a in first]), z)
        third = _rates(p, at([2.0 * b - a for a, b in zip(first, second, strict=True)]), z)
        slopes = [(a + 4.0 * b + c) / 6.0 for a, b, c in zip(first, second, third, strict=True)]
        new = [
            compensated(state, step * slope) for state, slope in zip(states, slopes, strict=True)
        ]
        new[1] = (jnp.maximum(new[1][0], _LEAST_FLOW), new[1][1])
        return tuple(new), None

    return one(states)[0] if parts == 1 else lax.scan(one, states, length=parts)[0]


def _values(states) -> list:
    """Return x, f, v and q from the states in two parts."""
    (x, _), *logs = states
    return [x, *(1.0 + jnp.expm1(high) for high, _ in logs)]


def _two_parts(values):
    """Return x and the logarithms of f, v and q: what is known of them, and 0 beyond."""
    x, *others = values
    high = jnp.stack([x, *(jnp.log1p(value - 1.0) for value in others)])
    return jnp.stack([high, jnp.zeros_like(high)], axis=1)


def _signal(p, states):
    """Return the signal; exactly 0 at rest."""
    _, _, (log_v, _), (log_q, _) = states
    lost = p["k1"] * jnp.expm1(log_q) + p["k2"] * jnp.expm1(log_q - log_v)
    return p["V0"] * (0.0 - lost - p["k3"] * jnp.expm1(log_v))

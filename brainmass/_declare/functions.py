"""The functions that a model file calls: parameters, states, inlets, options, presets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax

from .._errors import choices
from .._random import fresh_key
from .specs import DOMAINS, InletSpec, OptionSpec, ParamSpec, StateSpec

__all__ = ["delayed", "inlet", "option", "param", "state", "uniform"]


def param(
    default,
    *,
    doc: str,
    bounds=None,
    domain: str = "real",
    log: bool = False,
    source: str = "",
    pairs: bool = False,
) -> Any:
    """Declare a parameter of a model.

    Parameters
    ----------
    default : float or brainunit.Quantity
        Default value. Its unit is the unit of the parameter.
    doc : str
        What it means, in a few words.
    bounds : tuple of float, optional
        Useful range, in the unit of the default, for sliders and fits. Not a hard limit.
    domain : {'real', 'positive', 'nonnegative', 'negative', 'nonzero', 'fraction'}
        Where the equations make sense. Values outside are refused.
    log : bool, default False
        Whether a slider should be logarithmic.
    source : str, optional
        Where default and bounds come from, when that is not the reference of the model.
    pairs : bool, default False
        Whether it holds one value per pair of nodes, a matrix with row = target.

    Returns
    -------
    brainstate.nn.Param
        On the class a specification; on an instance the parameter.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> class Leak(brainmass.NeuralMass):
    ...     "Leaky integrator."
    ...     catalogued = False
    ...     tau = brainmass.param(10.0 * u.ms, bounds=(1.0, 100.0), domain="positive", doc="decay")
    ...     x = brainmass.state(1.0, doc="activity")
    ...     @staticmethod
    ...     def equations(s, p, i, t):
    ...         return dict(x=-s.x / p.tau)
    >>> Leak(2).tau.value()
    Quantity(10., "ms")
    """
    if domain not in DOMAINS:
        raise ValueError(
            f"param: domain must be one of {choices(DOMAINS)}; got {domain!r}. Choose one of them."
        )
    if bounds is not None:
        try:
            low, high = (float(b) for b in bounds)
        except (TypeError, ValueError):
            low = high = float("nan")
        if not low < high:
            raise ValueError(
                f"param: bounds must be (low, high) with low < high; got {bounds!r}. "
                "Give two plain numbers in the unit of the default."
            )
        bounds = (low, high)
    return ParamSpec(
        default,
        doc,
        unit=u.get_unit(default),
        bounds=bounds,
        domain=domain,
        log=log,
        source=source,
        pairs=pairs,
    )


def state(default=0.0, *, doc: str, unit=None, clamp=None) -> Any:
    """Declare a state variable of a model.

    Parameters
    ----------
    default : float, brainunit.Quantity or callable
        Initial value, or a callable ``f(shape)`` such as :func:`uniform`.
    doc : str
        What it is, in a few words.
    unit : brainunit.Unit, optional
        Needed when ``default`` is a callable that returns quantities.
    clamp : tuple of (float or None), optional
        Interval to which the state is clamped after each step, in its unit.

    Returns
    -------
    brainstate.HiddenState
        On the class a specification; on an instance, after ``init_state``, the state.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> brainmass.state(-60.0 * u.mV, doc="membrane potential").unit
    Unit("mV")
    """
    unit = u.get_unit(default) if unit is None and not callable(default) else unit
    return StateSpec(default, doc, unit=u.UNITLESS if unit is None else unit, clamp=clamp)


def inlet(
    default=0.0, *, doc: str, noise: str | None = "", additive: bool = True, port: bool = True
) -> Any:
    """Declare an input of a model.

    Parameters
    ----------
    default : float or brainunit.Quantity
        Value when nothing is connected; its unit is the unit of the input.
    doc : str
        What enters here, in a few words.
    noise : str or None, optional
        Name of the noise slot that enters here. Default ``noise_`` and the name without ``_inp``;
        None for an inlet without noise.
    additive : bool, default True
        Whether the derivative is linear in it. White noise is refused where it is not.
    port : bool, default True
        Whether it is an argument of ``update``; False for a place that only noise reaches.

    Returns
    -------
    InletSpec
        The specification.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> brainmass.inlet(0.0 * u.Hz, doc="firing rate").unit
    Unit("Hz")
    """
    return InletSpec(
        default, doc, unit=u.get_unit(default), noise=noise, additive=additive, port=port
    )


@dataclass(frozen=True)
class _Present:
    """Reads a state as it is now: what its delayed value is without delay, and at rest."""

    state: str

    def __call__(self, s, p):
        return s[self.state]


def delayed(source: str, *, by: str, doc: str) -> Any:
    """Declare the past of a state, for delays within a node.

    ``equations`` reads it as an input: ``i.x_late`` is the state ``x`` of the same node as it was
    one delay ago. Before time 0 the state is held at its initial value. A delay goes to the nearest
    step. One that is trained or traced is read between the steps, is at least one step, and stays
    within the bounds of its parameter (without bounds, half to twice its default). Where no time
    passes, as in the phase plane or at a fixed point, the delayed value is the present one.

    Parameters
    ----------
    source : str
        Name of the state.
    by : str
        Name of the parameter that holds the delay, a time: one value, or one per node.
    doc : str
        What it is, in a few words.

    Returns
    -------
    InletSpec
        The specification.

    Examples
    --------
    The equation x' = -x(t - 1) has the solution 1 - t up to t = 1.

    >>> import brainmass, brainunit as u
    >>> class Late(brainmass.NeuralMass):
    ...     "Negative feedback with a delay."
    ...     catalogued = False
    ...     lag = brainmass.param(1.0 * u.ms, domain="nonnegative", doc="delay of the feedback")
    ...     x = brainmass.state(1.0, doc="activity")
    ...     x_late = brainmass.delayed("x", by="lag", doc="activity one delay ago")
    ...     @staticmethod
    ...     def equations(s, p, i, t):
    ...         return dict(x=-i.x_late / u.ms)
    >>> x = brainmass.Simulator(Late(1), dt=0.01 * u.ms).run(1 * u.ms, monitors="x")["x"]
    >>> bool(abs(x[-1, 0]) < 1e-4)
    True
    """
    return InletSpec(
        0.0, doc, noise=None, additive=False, port=False,
        now=_Present(source), source=source, delay=by,
    )  # fmt: skip


def option(default, *, doc: str, choices: Sequence[Hashable] | None = None) -> Any:
    """Declare a static choice that is not a number.

    Parameters
    ----------
    default : hashable
        Default choice, for example a function.
    doc : str
        What it chooses.
    choices : sequence of hashable, optional
        The allowed values; any hashable value if omitted.

    Returns
    -------
    object
        On the class a specification; on an instance the chosen value.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.option("shifted", doc="form of the sigmoid", choices=("shifted", "plain")).choices
    ('shifted', 'plain')
    """
    return OptionSpec(default, doc, choices=None if choices is None else tuple(choices))


@dataclass(frozen=True)
class uniform:  # noqa: N801 - reads as a function where it is used
    """Initial values drawn uniformly from ``[low, high)``.

    Parameters
    ----------
    low, high : float or brainunit.Quantity
        The interval; both in the same unit.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.uniform(0.0, 0.05)((3,)).shape
    (3,)
    """

    low: Any
    high: Any

    def __call__(self, shape: tuple[int, ...]):
        """Draw an array of ``shape`` from brainstate's random state."""
        unit = u.get_unit(self.low)
        low, high = u.get_mantissa(self.low), u.Quantity(self.high).to_decimal(unit)
        draw = jax.random.uniform(fresh_key(), shape, brainstate.environ.dftype(), low, high)
        return draw if unit.is_unitless else u.Quantity(draw, unit=unit)

    @property
    def unit(self) -> u.Unit:
        """Unit of the drawn values."""
        return u.get_unit(self.low)

    def __repr__(self):
        # By hand: formatting a quantity would load array packages that nobody asked for.
        unit = "" if self.unit.is_unitless else f" {self.unit}"
        low, high = u.get_mantissa(self.low), u.get_mantissa(self.high)
        return f"uniform({low!r}{unit}, {high!r}{unit})"

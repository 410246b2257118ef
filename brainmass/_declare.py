"""What a model file declares: parameters, states, inlets and options.

Each function returns a small immutable specification. The class that owns them is told their
names by :class:`brainmass.dynamics.NeuralMass`, which reads everything else from here too: the
constructor, the checks, the documentation, the slider ranges and the catalogue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ._compat import is_tracer
from ._errors import UnitError, choices
from ._random import fresh_key

__all__ = ["inlet", "option", "param", "state", "uniform"]

_DOMAINS = {
    "real": (lambda v: np.isfinite(v), "finite"),
    "positive": (lambda v: np.isfinite(v) & (v > 0), "positive and finite"),
    "nonnegative": (lambda v: np.isfinite(v) & (v >= 0), "non-negative and finite"),
    "negative": (lambda v: np.isfinite(v) & (v < 0), "negative and finite"),
    "speed": (lambda v: v > 0, "positive"),
    "nonzero": (lambda v: np.isfinite(v) & (v != 0), "non-zero and finite"),
    "fraction": (lambda v: (v > 0) & (v < 1), "between 0 and 1"),
}


@dataclass(frozen=True, eq=False)
class Spec:
    """What every declaration has: a name, a default with its unit, and one line of meaning."""

    kind = "value"

    default: Any
    doc: str
    name: str = ""
    unit: u.Unit = field(default=u.UNITLESS)

    def named(self, name: str):
        """Return the same declaration under the name that the class body gave it."""
        return replace(self, name=name)

    @property
    def dimensional(self) -> bool:
        """Whether values carry a physical unit."""
        return not self.unit.is_unitless

    def attach(self, mantissa):
        """Return a bare array as a quantity in the declared unit."""
        return u.Quantity(mantissa, unit=self.unit) if self.dimensional else mantissa

    def mantissa(self, value, who: str, argument: str | None = None):
        """Return ``value`` as a bare array in the declared unit, or say what is wrong with it."""
        argument = argument or self.name
        title = f"{who}: {self.kind} '{argument}' ({self.doc})"
        unit = u.get_unit(value)
        if unit == self.unit:
            return u.get_mantissa(value)
        if self.dimensional and unit.is_unitless:
            raise UnitError(
                f"{title} must be a quantity in [{self.unit}]; got {_short(value)}. "
                f"Pass one, for example {argument}={_short(value)} * {unit_code(self.unit)}."
            )
        try:
            return u.Quantity(value).to_decimal(self.unit)
        except (u.UnitMismatchError, u.DimensionMismatchError):
            wanted = f"in [{self.unit}]" if self.dimensional else "a plain number"
            raise UnitError(
                f"{title} must be {wanted}; got a value in [{unit}]. Convert or correct it."
            ) from None


@dataclass(frozen=True, eq=False)
class ParamSpec(Spec):
    """A parameter: default, mathematical domain, useful range."""

    kind = "parameter"

    bounds: tuple[float, float] | None = None
    domain: str = "real"
    log: bool = False
    source: str = ""
    pairs: bool = False

    def check(self, value, who: str, shape: tuple[int, ...]):
        """Return the mantissa of ``value`` after checking unit, shape, finiteness and domain."""
        _refuse_text(value, self, who)
        mantissa = self.mantissa(value, who)
        if not is_tracer(mantissa):
            mantissa = np.asarray(mantissa)
            _refuse_other_dtypes(mantissa, self, who)
            check, wording = _DOMAINS[self.domain]
            if not np.all(check(mantissa)):
                bad = mantissa[~check(mantissa)].ravel()[0] if mantissa.ndim else mantissa
                raise ValueError(
                    f"{who}: parameter '{self.name}' ({self.doc}) must be {wording}; "
                    f"got {float(bad):.6g}. Pass a value in that range."
                )
        wanted = (shape[-1], shape[-1]) if self.pairs else shape
        _fit_shape(np.shape(mantissa), wanted, self, who)
        return mantissa


@dataclass(frozen=True, eq=False)
class StateSpec(Spec):
    """A state variable: initial value and, if it is bounded, the interval it is clamped to."""

    kind = "initial value"

    clamp: tuple[float | None, float | None] | None = None

    def start(self, value, who: str, shape: tuple[int, ...]):
        """Return the initial mantissa of ``shape`` from a number, an array or a callable."""
        if type(value) is float and not self.dimensional and math.isfinite(value):
            return np.full(shape, value, brainstate.environ.dftype())
        argument = f"init_{self.name}"
        if callable(value):
            value = value(shape)
        _refuse_text(value, self, who, argument)
        mantissa = self.mantissa(value, who, argument)
        if not is_tracer(mantissa):
            mantissa = np.asarray(mantissa)
            _refuse_other_dtypes(mantissa, self, who, argument)
            if not np.all(np.isfinite(mantissa)):
                raise ValueError(
                    f"{who}: initial value '{argument}' ({self.doc}) must be finite; "
                    "got NaN or infinity. Pass finite numbers."
                )
        _fit_shape(np.shape(mantissa), shape, self, who, argument)
        dtype = brainstate.environ.dftype()
        if isinstance(mantissa, np.ndarray):
            return np.array(np.broadcast_to(mantissa, shape), dtype=dtype)
        return jnp.broadcast_to(jnp.asarray(mantissa, dtype=dtype), shape)


@dataclass(frozen=True, eq=False)
class InletSpec(Spec):
    """A place where input enters: its value when nothing is connected, and its noise slot.

    ``additive`` states that the inlet enters the derivative of its state linearly, so that white
    noise there is well defined.
    """

    kind = "input"

    noise: str | None = None
    additive: bool = True
    port: bool = True


@dataclass(frozen=True, eq=False)
class OptionSpec(Spec):
    """A static choice that is not a number, for example a transfer function."""

    kind = "option"

    choices: tuple[Hashable, ...] | None = None

    def check(self, value, who: str):
        """Return ``value`` if it is one of the choices and hashable."""
        if self.choices is not None and value not in self.choices:
            raise ValueError(
                f"{who}: option '{self.name}' ({self.doc}) must be one of "
                f"{choices(self.choices)}; got {value!r}. Choose one of them."
            )
        try:
            hash(value)
        except TypeError:
            raise TypeError(
                f"{who}: option '{self.name}' ({self.doc}) must be hashable; "
                f"got {type(value).__name__}. Pass a function or a constant."
            ) from None
        return value


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
    if domain not in _DOMAINS:
        raise ValueError(f"param: domain must be one of {choices(_DOMAINS)}; got {domain!r}.")
    if bounds is not None:
        low, high = (float(b) for b in bounds)
        if not low < high:
            raise ValueError(f"param: bounds must be (low, high) with low < high; got {bounds}.")
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


@dataclass(frozen=True)
class Declaration:
    """Everything one model class declares, by kind and in order."""

    params: dict[str, ParamSpec]
    states: dict[str, StateSpec]
    inlets: dict[str, InletSpec]
    options: dict[str, OptionSpec]

    @classmethod
    def collect(cls, owner: type, inherited: Declaration | None) -> Declaration:
        """Read the class body of ``owner`` on top of what it inherits."""
        kinds: list[dict[str, Any]] = [{}, {}, {}, {}]
        if inherited is not None:
            kinds = [
                dict(k)
                for k in (inherited.params, inherited.states, inherited.inlets, inherited.options)
            ]
        order = (ParamSpec, StateSpec, InletSpec, OptionSpec)
        for name, value in list(vars(owner).items()):
            known = [name in kind for kind in kinds]
            if any(known) and (value is None or isinstance(value, Spec)):
                for kind in kinds:
                    kind.pop(name, None)
            for kind, spec in zip(kinds, order, strict=True):
                if isinstance(value, spec):
                    kind[name] = _complete(value, name)
                    delattr(owner, name)
        return cls(*kinds)

    @property
    def ports(self) -> dict[str, InletSpec]:
        """The inlets that are arguments of ``update``."""
        return {name: spec for name, spec in self.inlets.items() if spec.port}

    @property
    def noise_slots(self) -> dict[str, str]:
        """Noise slot names and the inlet that each one enters."""
        return {spec.noise: name for name, spec in self.inlets.items() if spec.noise}


def _complete(spec: Spec, name: str) -> Spec:
    if isinstance(spec, InletSpec) and spec.noise == "":
        spec = replace(spec, noise="noise_" + name.removesuffix("_inp"))
    if isinstance(spec, StateSpec) and isinstance(spec.default, uniform):
        spec = replace(spec, unit=spec.default.unit)
    return spec.named(name)


def _fit_shape(shape, wanted, spec: Spec, who: str, argument: str | None = None) -> None:
    try:
        fits = np.broadcast_shapes(shape, wanted) == tuple(wanted)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must have a shape that "
            f"broadcasts to {tuple(wanted)}; got {tuple(shape)}. "
            "Pass a scalar or one value per region."
        )


def _refuse_text(value, spec: Spec, who: str, argument: str | None = None) -> None:
    if value is None or isinstance(value, str | bytes | dict | set | bool):
        raise TypeError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must be a number, a "
            f"quantity or an array; got {value!r}. Pass one of these."
        )


def _refuse_other_dtypes(array, spec: Spec, who: str, argument: str | None = None) -> None:
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{who}: {spec.kind} '{argument or spec.name}' ({spec.doc}) must hold real numbers; "
            f"got dtype {array.dtype}. Convert it first."
        )


def _short(value) -> str:
    known = np.ndim(value) == 0 and not is_tracer(value)
    text = str(np.asarray(value)) if known else "values"
    return text if len(text) < 30 else "value"


def unit_code(unit: u.Unit) -> str:
    """Write a unit as Python, for example ``u.mV / u.second``."""
    return re.sub(r"[A-Za-z]+", lambda m: f"u.{_LONG_NAMES.get(m[0], m[0])}", str(unit))


_LONG_NAMES = {"s": "second", "m": "meter", "V": "volt", "A": "amp", "T": "tesla"}

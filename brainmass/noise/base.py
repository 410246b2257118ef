"""What every noise process has: strength, mean, covariance, amplitude, and its place in a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .. import _step
from .._compat import is_tracer
from .._declare import InletSpec, ParamSpec, StateSpec
from .._errors import UnitError
from .._param import DeclaredParam
from .._sizes import read_shape
from . import covariance

__all__ = ["Noise", "NoiseRules"]


@dataclass(frozen=True)
class NoiseRules:
    """The static part of a noise process, for the engine.

    Attributes
    ----------
    cls : type
        Class with the pure functions of the process.
    shape : tuple of int
        Shape of the population.
    scale : float
        Factor from the unit of the process to that of the inlet.
    lead : tuple of int
        Axes of the normal numbers of one step that stand before the population's.
    amplitude : callable, optional
        Function of the states of the model that multiplies the noise.
    staged : bool
        Whether the amplitude is evaluated at each stage of a step, not once at its start.
    free : bool
        Whether the correlations may be differentiated.
    """

    cls: Any
    shape: tuple[int, ...]
    scale: float
    lead: tuple[int, ...] = ()
    amplitude: Callable | None = None
    staged: bool = False
    free: bool = False

    @property
    def elementwise(self) -> bool:
        """Whether each region is a function of its own state and numbers, in arrays of its size."""
        return not (self.lead or self.amplitude or self.free)

    def draws(self, batch: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the normal numbers that one step takes."""
        return (*batch, *self.lead, *self.shape)

    def prepare(self, params: dict, dt: float) -> dict:
        """Return what one run computes once."""
        out = self.cls.prepare(params, dt)
        return out | {"factor": params["factor"]} if "factor" in params else out

    def color(self, z, prepared: dict):
        """Return independent normal numbers with the correlations of the process."""
        return z @ prepared["factor"].T if "factor" in prepared else z

    def advance(self, state: dict, z, prepared: dict, dt: float):
        """Return the state one step later and the value held meanwhile, in the inlet's unit."""
        state, value = self.cls.advance(state, z, prepared, dt)
        return state, value * self.scale if self.scale != 1.0 else value

    def modulated(self, value, prepared: dict, states):
        """Return the value with its deviation from the mean multiplied by the amplitude."""
        amplitude = self.amplitude(states)  # pyright: ignore[reportOptionalCall]
        unit = u.get_unit(amplitude)
        if not unit.is_unitless:
            raise UnitError(
                f"{self.cls.__name__}: amplitude (factor of the noise) must return plain numbers; "
                f"got a value in [{unit}]. Divide by a unit, for example lambda s: s.V / u.mV."
            )
        mean = prepared["mean"] * self.scale
        return mean + jnp.asarray(u.get_mantissa(amplitude), value.dtype) * (value - mean)


class Noise(brainstate.nn.Dynamics):
    """Base class of noise processes.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population, as in the model.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity, optional
        Strength, in the unit of the inlet: a number or one per region. Default 1.
    cov : array or brainunit.Quantity, optional
        Symmetric matrix (N, N) that correlates the regions. Without ``sigma`` it is the covariance
        of the noise, in the squared unit of the inlet; with ``sigma`` it is a correlation matrix,
        with ones on its diagonal. Default: independent regions.
    amplitude : callable, optional
        Function of the states of the model, for example ``lambda s: s.x``, that returns the plain
        numbers by which the deviation from the mean is multiplied. Default: additive noise.

    Examples
    --------
    >>> import brainmass
    >>> isinstance(brainmass.GaussianNoise(3, sigma=0.1), brainmass.Noise)
    True
    """

    white: ClassVar[bool] = False
    state_names: ClassVar[tuple[str, ...]] = ()
    variance: ClassVar[float] = 1.0
    """What the covariance refers to, for ``sigma = 1``."""
    staged: bool = True
    """Whether an amplitude is evaluated at each stage of the integrator."""
    lead: tuple[int, ...] = ()

    def __init__(self, in_size, mean=None, sigma: Any = None, *, cov=None, amplitude=None):
        who = type(self).__name__
        super().__init__(read_shape(in_size, who))
        self.factor = None
        if cov is not None:
            sigma, self.factor = covariance.read(
                cov, sigma, tuple(self.in_size), self.variance, who
            )
        unit = _unit(sigma if sigma is not None else mean)
        self.unit = unit
        self._adopt("sigma", unit * 1.0 if sigma is None else sigma, 1.0, "nonnegative", "strength")
        self._adopt("mean", unit * 0.0 if mean is None else mean, 0.0, "real", "mean")
        if amplitude is not None and not callable(amplitude):
            raise TypeError(
                f"{who}: amplitude (factor of the noise) must be a function of the states; "
                f"got {amplitude!r}. Pass for example amplitude=lambda s: s.x, or a larger sigma."
            )
        self.amplitude = amplitude

    def _adopt(self, name, value, default, domain, doc, unit=None):
        spec = ParamSpec(default, doc, name=name, unit=unit or self.unit, domain=domain)
        who = type(self).__name__
        setattr(self, name, DeclaredParam.adopt(value, spec, who, tuple(self.in_size)))

    @property
    def params(self) -> dict[str, DeclaredParam]:
        """The parameters of the process, by name."""
        return {k: v for k, v in vars(self).items() if isinstance(v, DeclaredParam)}

    def mantissas(self) -> dict:
        """Return the current parameter values as bare arrays."""
        values = {name: value.mantissa() for name, value in self.params.items()}
        return values if self.factor is None else values | {"factor": self.factor}

    def rules(self, unit: u.Unit | None = None) -> NoiseRules:
        """Return the static part of the process, with values in ``unit``."""
        scale = 1.0 if unit in (None, self.unit) else float((1.0 * self.unit).to_decimal(unit))
        size, free = tuple(self.in_size), is_tracer(self.factor)
        return NoiseRules(type(self), size, scale, self.lead, self.amplitude, self.staged, free)

    def check_slot(self, who: str, slot: str, inlet: InletSpec, shape: tuple[int, ...]) -> None:
        """Refuse an inlet whose unit or shape does not fit, or where white noise has no meaning."""
        title = f"{who}: {slot} (noise entering {inlet.name})"
        if not self.unit.has_same_dim(inlet.unit):
            raise UnitError(
                f"{title} must have sigma in [{inlet.unit}]; got [{self.unit}]. "
                "Give sigma in that unit."
            )
        if tuple(self.in_size) != tuple(shape):
            raise ValueError(
                f"{title} must have in_size {tuple(shape)} like the model; "
                f"got {tuple(self.in_size)}. Build the noise with the model's in_size."
            )
        if self.white and not inlet.additive:
            raise ValueError(
                f"{title} must not be white, because the inlet sits inside a nonlinearity where "
                f"white noise has no limit for small dt; got {type(self).__name__}. "
                "Take OUProcess, which has a correlation time."
            )

    def check_method(self, who: str, slot: str, method: str) -> None:
        """Refuse an integrator that would solve another equation than the one asked for."""
        if self.white and self.amplitude is not None and self.staged and _one_stage(method):
            raise ValueError(
                f"{who}: {slot} (multiplicative white noise) must be interpreted as 'ito' with "
                f"method '{method}', which reads the amplitude at the start of a step only; "
                "got 'stratonovich'. Take method='heun' or 'rk4', or interpretation='ito'."
            )

    @staticmethod
    def prepare(p: dict, dt: float) -> dict:
        """Return what ``advance`` needs and one run computes once."""
        return p

    @staticmethod
    def start(p: dict, z, dt: float) -> dict:
        """Return the state before the first step from the numbers of one step."""
        return {}

    @staticmethod
    def advance(s: dict, z, p: dict, dt: float):
        """Return the next state and the value held during the step."""
        raise NotImplementedError

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Allocate or reset the state of the process, from brainstate's random state.

        Parameters
        ----------
        batch_size : int, optional
            Number of independent copies, as a leading axis.
        **kwargs
            Ignored.
        """
        if not self.state_names:
            return
        batch = () if batch_size is None else (batch_size,)
        dt = brainstate.environ.get("dt", 0.1 * u.ms)
        z = self._normal(self.rules().draws(batch))
        for name, value in self.initial(z, _step.milliseconds(dt)).items():
            setattr(self, name, brainstate.HiddenState(self._attach(value)))

    def initial(self, z, dt: float) -> dict:
        """Return the mantissas of the state before the first step, from independent numbers."""
        params = {name: jnp.asarray(v, z.dtype) for name, v in self.mantissas().items()}
        return self.start(params, self.rules().color(z, params), dt)

    def update(self, states=None):
        """Draw the value for one step of ``brainstate.environ``'s ``dt``.

        Parameters
        ----------
        states : object, optional
            The states of the model by name, for a process with ``amplitude``.

        Returns
        -------
        array or brainunit.Quantity
            One value per node, in the unit of ``sigma``.
        """
        dt, rules = _step.milliseconds(brainstate.environ.get("dt")), self.rules()
        prepared = rules.prepare(self.mantissas(), dt)
        state = {n: u.get_mantissa(getattr(self, n).value) for n in self.state_names}
        batch = next(iter(state.values())).shape if state else self.in_size
        batch = tuple(batch)[: len(batch) - len(self.in_size) - bool(self.lead)] if state else ()
        z = rules.color(self._normal(rules.draws(batch)), prepared)
        state, value = rules.advance(state, z, prepared, dt)
        if self.amplitude is not None:
            value = rules.modulated(value, prepared, self._states_by_hand(states))
        for name, new in state.items():
            getattr(self, name).value = self._attach(new)
        return self._attach(value)

    def _states_by_hand(self, states):
        if states is None or (self.white and self.staged):
            wanted = "the states of the model" if states is None else "the stages of the integrator"
            raise ValueError(
                f"{type(self).__name__}: noise with an amplitude must be given {wanted}; got a "
                "bare call. Attach it to a model and run that with a Simulator."
            )
        return states

    def _attach(self, mantissa):
        return mantissa if self.unit.is_unitless else u.Quantity(mantissa, unit=self.unit)

    @staticmethod
    def _normal(shape):
        key = brainstate.random.split_key()
        return jax.random.normal(key, shape, brainstate.environ.dftype())

    def __repr__(self):
        sigma = u.Quantity(np.asarray(self.sigma.mantissa()), unit=self.unit)
        return f"{type(self).__name__}(in_size={tuple(self.in_size)}, sigma={sigma})"


def given_start(noise, shape) -> dict:
    """Return the start that the user gave as ``init``, as bare numbers."""
    spec = StateSpec(0.0, "start of the noise", name="x", unit=noise.unit)
    return {"x": spec.start(noise.init, type(noise).__name__, shape)}


def _unit(value) -> u.Unit:
    return u.get_unit(value.value() if isinstance(value, brainstate.nn.Param) else value)


def _one_stage(method: str) -> bool:
    return _step.stages(method) == 0

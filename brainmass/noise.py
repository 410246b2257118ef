"""Noise processes: sized like the model, attached to one of its inlets.

A process is declared by two pure functions of bare arrays: ``start``, its state before the first
step, and ``advance``, which turns standard normal numbers into the value that is held during one
step. The engine draws the numbers in blocks; calling the process by hand draws for one step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from . import _step
from ._declare import InletSpec, ParamSpec, StateSpec
from ._errors import UnitError
from ._param import DeclaredParam

__all__ = ["BrownianNoise", "GaussianNoise", "Noise", "NoiseRules", "OUProcess", "WhiteNoise"]


@dataclass(frozen=True)
class NoiseRules:
    """The static part of a noise process, for the engine."""

    cls: Any
    shape: tuple[int, ...]
    scale: float
    stationary: bool = True

    def draws(self, batch: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the normal numbers that one step takes."""
        return (*batch, *self.shape)

    def start(self, params: dict, z, dt: float) -> dict:
        """Return the state before the first step from standard normal numbers."""
        return self.cls.start(params, z, dt)

    def advance(self, state: dict, z, params: dict, dt: float):
        """Return the state one step later and the value held meanwhile, in the inlet's unit."""
        state, value = self.cls.advance(state, z, params, dt)
        return state, value * self.scale if self.scale != 1.0 else value


class Noise(brainstate.nn.Dynamics):
    """Base class of noise processes.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population, as in the model.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity
        Strength, in the unit of the inlet. Default 1.

    Examples
    --------
    >>> import brainmass
    >>> isinstance(brainmass.GaussianNoise(3, sigma=0.1), brainmass.Noise)
    True
    """

    white: ClassVar[bool] = False
    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, in_size, mean=None, sigma: Any = 1.0):
        super().__init__(in_size)
        unit = u.get_unit(sigma.value() if isinstance(sigma, brainstate.nn.Param) else sigma)
        self.unit = unit
        self._adopt("sigma", sigma, 1.0, unit, "nonnegative", "strength")
        self._adopt("mean", unit * 0.0 if mean is None else mean, 0.0, unit, "real", "mean")

    def _adopt(self, name, value, default, unit, domain, doc):
        spec = ParamSpec(default, doc, name=name, unit=unit, domain=domain)
        who = type(self).__name__
        setattr(self, name, DeclaredParam.adopt(value, spec, who, tuple(self.in_size)))

    @property
    def params(self) -> dict[str, DeclaredParam]:
        """The parameters of the process, by name."""
        return {k: v for k, v in vars(self).items() if isinstance(v, DeclaredParam)}

    def mantissas(self) -> dict:
        """Return the current parameter values as bare arrays."""
        return {name: value.mantissa() for name, value in self.params.items()}

    def rules(self, unit: u.Unit | None = None) -> NoiseRules:
        """Return the static part of the process, with values in ``unit``."""
        scale = 1.0 if unit in (None, self.unit) else float((1.0 * self.unit).to_decimal(unit))
        return NoiseRules(type(self), tuple(self.in_size), scale)

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

    @staticmethod
    def start(p: dict, z, dt: float) -> dict:
        """Return the state before the first step."""
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
        """Return the mantissas of the state before the first step."""
        return self.start(self.mantissas(), z, dt)

    def update(self):
        """Draw the value for one step of ``brainstate.environ``'s ``dt``.

        Returns
        -------
        array or brainunit.Quantity
            One value per node, in the unit of ``sigma``.
        """
        dt = _step.milliseconds(brainstate.environ.get("dt"))
        state = {n: u.get_mantissa(getattr(self, n).value) for n in self.state_names}
        shape = next(iter(state.values())).shape if state else tuple(self.in_size)
        state, value = self.advance(state, self._normal(shape), self.mantissas(), dt)
        for name, new in state.items():
            getattr(self, name).value = self._attach(new)
        return self._attach(value)

    def _attach(self, mantissa):
        return mantissa if self.unit.is_unitless else u.Quantity(mantissa, unit=self.unit)

    @staticmethod
    def _normal(shape):
        key = brainstate.random.split_key()
        return jax.random.normal(key, shape, brainstate.environ.dftype())

    def __repr__(self):
        sigma = u.Quantity(np.asarray(self.sigma.mantissa()), unit=self.unit)
        return f"{type(self).__name__}(in_size={tuple(self.in_size)}, sigma={sigma})"


class GaussianNoise(Noise):
    """Independent normal samples, one per step, held during the step.

    The samples have the same variance whatever the step, so their effect on a model shrinks with
    ``dt``; for a limit that does not depend on it take :class:`WhiteNoise` or :class:`OUProcess`.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Mean of the samples, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity
        Standard deviation of the samples. Default 1.

    Examples
    --------
    >>> import brainmass, brainstate, brainunit as u
    >>> with brainstate.environ.context(dt=0.1 * u.ms):
    ...     brainmass.GaussianNoise(3, sigma=0.1)().shape
    (3,)
    """

    @staticmethod
    def advance(s, z, p, dt):
        return s, p["mean"] + p["sigma"] * z


class WhiteNoise(Noise):
    """White noise: the model's state gains ``sigma * sqrt(dt / ms)`` times a normal number a step.

    Only for inlets that enter the derivative linearly. The value held during a step is
    ``mean + sigma * sqrt(ms / dt) * N(0, 1)``, so that the diffusion does not depend on ``dt``
    (Kloeden & Platen 1992, doi:10.1007/978-3-662-12616-5).

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Constant drive added to the noise, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity
        Standard deviation of the increment over 1 ms, in the unit of the inlet. Default 1.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.LinearStep(4, gamma=-1.0, noise_x=brainmass.WhiteNoise(4, sigma=0.1))
    >>> sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    >>> sim.run(10 * u.ms, monitors="x", seed=1)["x"].shape
    (100, 4)
    """

    white = True

    @staticmethod
    def advance(s, z, p, dt):
        return s, p["mean"] + p["sigma"] * (z / dt**0.5)


class OUProcess(Noise):
    """Ornstein-Uhlenbeck process, advanced by its exact update.

    ``dx = (mean - x) / tau dt + sigma / sqrt(tau) dW``. The stationary standard deviation is
    ``sigma / sqrt(2)``, the autocorrelation ``exp(-t / tau)`` and the spectrum a Lorentzian, for
    every ``dt`` (Uhlenbeck & Ornstein 1930, doi:10.1103/PhysRev.36.823; Gillespie 1996,
    doi:10.1103/PhysRevE.54.2084). Starts in the stationary distribution.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Mean, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity
        Strength; the stationary standard deviation is ``sigma / sqrt(2)``. Default 1.
    tau : brainunit.Quantity
        Correlation time. Default 10 ms.
    init : float, array, brainunit.Quantity or callable, optional
        Start value instead of a draw from the stationary distribution.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> noise = brainmass.OUProcess(in_size=3, sigma=0.1, tau=20.0 * u.ms)
    >>> node = brainmass.HopfStep(in_size=3, noise_x=noise)
    >>> brainmass.Simulator(node, dt=0.1 * u.ms).run(50 * u.ms, monitors=["x"])["x"].shape
    (500, 3)
    """

    state_names = ("x",)

    def __init__(self, in_size, mean=None, sigma: Any = 1.0, tau=10.0 * u.ms, init=None):
        super().__init__(in_size, mean, sigma)
        self._adopt("tau", tau, 10.0, u.ms, "positive", "correlation time")
        self.init = init

    @staticmethod
    def start(p, z, dt):
        return {"x": p["mean"] + p["sigma"] * 0.5**0.5 * z}

    @staticmethod
    def advance(s, z, p, dt):
        decay = jnp.exp(-dt / p["tau"])
        spread = p["sigma"] * jnp.sqrt(-0.5 * jnp.expm1(-2.0 * dt / p["tau"]))
        x = p["mean"] + (s["x"] - p["mean"]) * decay + spread * z
        return {"x": x}, x

    def initial(self, z, dt):
        return super().initial(z, dt) if self.init is None else _given(self, z.shape)


class BrownianNoise(Noise):
    """Brownian motion, the integral of white noise: its variance grows without bound.

    The increment over a step is ``sigma * sqrt(dt / ms)`` times a normal number, so the variance
    after a time t is ``sigma**2 * t / ms`` for every ``dt``.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Constant added to the path, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity
        Standard deviation of the increment over 1 ms. Default 1.
    init : float, array, brainunit.Quantity or callable, optional
        Start of the path. Default 0.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.BrownianNoise(2, sigma=0.1)
    BrownianNoise(in_size=(2,), sigma=0.1)
    """

    state_names = ("x",)

    def __init__(self, in_size, mean=None, sigma: Any = 1.0, init=None):
        super().__init__(in_size, mean, sigma)
        self.init = init

    @staticmethod
    def start(p, z, dt):
        return {"x": jnp.zeros_like(z)}

    @staticmethod
    def advance(s, z, p, dt):
        x = s["x"] + p["sigma"] * (z * dt**0.5)
        return {"x": x}, p["mean"] + x

    def initial(self, z, dt):
        return super().initial(z, dt) if self.init is None else _given(self, z.shape)


def _given(noise, shape) -> dict:
    spec = StateSpec(0.0, "start of the noise", name="x", unit=noise.unit)
    return {"x": spec.start(noise.init, type(noise).__name__, shape)}

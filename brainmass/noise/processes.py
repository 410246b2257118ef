"""The processes that a textbook begins with: independent, white, Ornstein-Uhlenbeck, Brownian."""

from __future__ import annotations

from typing import Any

import brainunit as u
import jax.numpy as jnp

from .base import Noise, given_start

__all__ = ["BrownianNoise", "GaussianNoise", "OUProcess", "WhiteNoise"]


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
    sigma : float or brainunit.Quantity, optional
        Standard deviation of the samples. Default 1.
    cov : array or brainunit.Quantity, optional
        Covariance (N, N) of the samples across regions; with ``sigma`` their correlations.
    amplitude : callable, optional
        Function of the model's states that multiplies the noise; it returns plain numbers and is
        evaluated at every stage of a step.

    Examples
    --------
    >>> import brainmass, brainstate, brainunit as u
    >>> with brainstate.environ.context(dt=0.1 * u.ms):
    ...     brainmass.GaussianNoise(3, sigma=0.1)().shape
    (3,)
    >>> brainmass.GaussianNoise(2, cov=[[4.0, 1.0], [1.0, 1.0]])
    GaussianNoise(in_size=(2,), sigma=[2. 1.])
    """

    @staticmethod
    def advance(s, z, p, dt):
        """Return the next state and the value held during the step."""
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
    sigma : float or brainunit.Quantity, optional
        Standard deviation of the increment over 1 ms, in the unit of the inlet. Default 1.
    cov : array or brainunit.Quantity, optional
        Covariance (N, N) of the increments over 1 ms; with ``sigma`` their correlations.
    amplitude : callable, optional
        Function of the model's states that multiplies the noise and returns plain numbers, for
        example ``lambda s: s.x``. Default: additive noise.
    interpretation : {'ito', 'stratonovich'}, default 'ito'
        Which stochastic integral an amplitude means; without one they are the same.

    Notes
    -----
    With an amplitude b(x) the equation is ``dx = f(x) dt + sigma b(x) dW`` after Ito or
    ``dx = f(x) dt + sigma b(x) o dW`` after Stratonovich, whatever the integrator. Ito: the
    amplitude is read once, at the start of each step (with ``method='euler'`` this is the
    Euler-Maruyama method). Stratonovich: the noise is held and the amplitude is read at every stage
    (with ``method='heun'`` this is the stochastic Heun method); ``'euler'`` and ``'exp_euler'``
    read only the start of a step and are refused there. Every method converges with strong order
    at least 1/2; with additive noise Euler-Maruyama has strong order 1.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.LinearStep(4, gamma=-1.0, noise_x=brainmass.WhiteNoise(4, sigma=0.1))
    >>> sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    >>> sim.run(10 * u.ms, monitors="x", seed=1)["x"].shape
    (100, 4)

    Geometric Brownian motion, whose noise grows with the state:

    >>> noise = brainmass.WhiteNoise(4, sigma=0.1, amplitude=lambda s: s.x)
    >>> node = brainmass.LinearStep(4, gamma=-0.1, init_x=1.0, noise_x=noise)
    >>> x = brainmass.Simulator(node, dt=0.1 * u.ms).run(10 * u.ms, monitors="x", seed=1)["x"]
    >>> bool((x > 0).all())
    True
    """

    white = True

    def __init__(
        self,
        in_size,
        mean=None,
        sigma: Any = None,
        *,
        cov=None,
        amplitude=None,
        interpretation: str = "ito",
    ):
        super().__init__(in_size, mean, sigma, cov=cov, amplitude=amplitude)
        if interpretation not in ("ito", "stratonovich"):
            raise ValueError(
                "WhiteNoise: interpretation (of an amplitude that depends on the state) must be "
                f"'ito' or 'stratonovich'; got {interpretation!r}. Choose one of them."
            )
        self.interpretation = interpretation
        self.staged = interpretation == "stratonovich"

    @staticmethod
    def advance(s, z, p, dt):
        """Return the next state and the value held during the step."""
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
    sigma : float or brainunit.Quantity, optional
        Strength; the stationary standard deviation is ``sigma / sqrt(2)``. Default 1.
    tau : brainunit.Quantity
        Correlation time. Default 10 ms.
    init : float, array, brainunit.Quantity or callable, optional
        Start value instead of a draw from the stationary distribution.
    cov : array or brainunit.Quantity, optional
        Stationary covariance (N, N) across regions, whose diagonal is ``sigma**2 / 2``; with
        ``sigma`` the correlations. The covariance is exact where ``tau`` is the same everywhere.
    amplitude : callable, optional
        Function of the model's states that multiplies the noise and returns plain numbers. It is
        evaluated at every stage of a step; for small ``tau`` the limit is Stratonovich's.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> noise = brainmass.OUProcess(in_size=3, sigma=0.1, tau=20.0 * u.ms)
    >>> node = brainmass.HopfStep(in_size=3, noise_x=noise)
    >>> brainmass.Simulator(node, dt=0.1 * u.ms).run(50 * u.ms, monitors=["x"])["x"].shape
    (500, 3)
    """

    state_names = ("x",)
    variance = 0.5

    def __init__(
        self,
        in_size,
        mean=None,
        sigma: Any = None,
        tau=10.0 * u.ms,
        init=None,
        *,
        cov=None,
        amplitude=None,
    ):
        super().__init__(in_size, mean, sigma, cov=cov, amplitude=amplitude)
        self._adopt("tau", tau, 10.0, "positive", "correlation time", u.ms)
        self.init = init

    @staticmethod
    def prepare(p, dt):
        """Return what ``advance`` needs and one run computes once."""
        spread = p["sigma"] * jnp.sqrt(-0.5 * jnp.expm1(-2.0 * dt / p["tau"]))
        return {"mean": p["mean"], "decay": jnp.exp(-dt / p["tau"]), "spread": spread}

    @staticmethod
    def start(p, z, dt):
        """Return the state before the first step, drawn from the stationary distribution."""
        return {"x": p["mean"] + p["sigma"] * 0.5**0.5 * z}

    @staticmethod
    def advance(s, z, p, dt):
        """Return the next state and the value held during the step."""
        x = p["mean"] + (s["x"] - p["mean"]) * p["decay"] + p["spread"] * z
        return {"x": x}, x

    def initial(self, z, dt):
        """Return the state before the first step, as given or drawn."""
        return super().initial(z, dt) if self.init is None else given_start(self, z.shape)


class BrownianNoise(Noise):
    """Brownian motion, the integral of white noise: its variance grows without bound.

    The increment over a step is ``sigma * sqrt(dt / ms)`` times a normal number, so the variance
    after a time t is ``sigma**2 * t / ms`` for every ``dt``, and the spectrum falls as 1/f^2. The
    stationary process with that spectrum in a band is ``ColoredNoise(beta=2)``.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population.
    mean : float or brainunit.Quantity, optional
        Constant added to the path, in the unit of ``sigma``. Default 0.
    sigma : float or brainunit.Quantity, optional
        Standard deviation of the increment over 1 ms. Default 1.
    init : float, array, brainunit.Quantity or callable, optional
        Start of the path. Default 0.
    cov : array or brainunit.Quantity, optional
        Covariance (N, N) of the increments over 1 ms; with ``sigma`` their correlations.
    amplitude : callable, optional
        Function of the model's states that multiplies the path and returns plain numbers.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.BrownianNoise(2, sigma=0.1)
    BrownianNoise(in_size=(2,), sigma=0.1)
    """

    state_names = ("x",)

    def __init__(
        self, in_size, mean=None, sigma: Any = None, init=None, *, cov=None, amplitude=None
    ):
        super().__init__(in_size, mean, sigma, cov=cov, amplitude=amplitude)
        self.init = init

    @staticmethod
    def start(p, z, dt):
        """Return the start of the path."""
        return {"x": jnp.zeros_like(z)}

    @staticmethod
    def advance(s, z, p, dt):
        """Return the next state and the value held during the step."""
        x = s["x"] + p["sigma"] * (z * dt**0.5)
        return {"x": x}, p["mean"] + x

    def initial(self, z, dt):
        """Return the state before the first step, as given or drawn."""
        return super().initial(z, dt) if self.init is None else given_start(self, z.shape)

"""Synchrony of phases over time."""

from __future__ import annotations

import jax.numpy as jnp

from .base import Reducer
from .moments import Variance

__all__ = ["OrderParameter"]


class OrderParameter(Reducer):
    """Kuramoto order parameter of a population of phases, over time.

    At each instant ``R = |mean over regions of exp(i theta)|``, 1 for equal phases and about
    ``sqrt(pi) / (2 sqrt(N))`` for N random ones.

    Parameters
    ----------
    source : str, callable or Observer, optional
        Phases in radian, for example ``'theta'``, or of an oscillator in the plane
        ``lambda m: jnp.arctan2(m.y.value, m.x.value)``. Default: what ``update`` returns.
    statistic : {'mean', 'metastability'}
        What is made of R over time: its mean, or its standard deviation.
    period : brainunit.Quantity, optional
        Time between two samples that are looked at. Default: as often as the run records.

    References
    ----------
    .. [1] Kuramoto 1984, Chemical Oscillations, Waves, and Turbulence, Springer,
       doi:10.1007/978-3-642-69689-3
    .. [2] Shanahan 2010, Chaos 20:013108, doi:10.1063/1.3305451

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> node = brainmass.HopfStep(3, a=0.25, init_x=0.1)
    >>> phase = lambda m: jnp.arctan2(m.y.value, m.x.value)
    >>> order = brainmass.reducers.OrderParameter(phase)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(50 * u.ms, monitors={"R": order})
    >>> f"{result['R']:.3f}"
    '1.000'
    """

    def __init__(self, source=None, *, statistic: str = "mean", period=None):
        super().__init__(source, period=period)
        if statistic not in ("mean", "metastability"):
            raise ValueError(
                "OrderParameter: statistic (what is made of R over time) must be 'mean' or "
                f"'metastability'; got {statistic!r}. Choose one of them."
            )
        self.statistic = statistic

    def options(self):
        """Return the static settings."""
        return {"statistic": self.statistic, "ddof": 0}

    def check(self, signal):
        """Refuse a source that holds no phases of regions."""
        super().check(signal)
        if not signal.unit.is_unitless or not signal.shape:
            got = f"a value in [{signal.unit}]" if signal.shape else "single numbers"
            raise ValueError(
                f"OrderParameter: source (phases) must hold one phase in radian per region; "
                f"got {got}. Observe a phase, for example source='theta'."
            )

    @staticmethod
    def start(p, like):
        """Return no samples yet."""
        return Variance.start(p, like[..., 0])

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Merge the moments of R in a superblock into those of the run."""
        real, imaginary = jnp.cos(stream.rows).mean(-1), jnp.sin(stream.rows).mean(-1)
        square = real**2 + imaginary**2
        order = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1.0)), 0.0)
        return Variance.feed(p, kept, stream.replaced(order), ends)

    @staticmethod
    def value(p, kept):
        """Return the statistic, NaN of no samples."""
        if p.statistic == "mean":
            return jnp.where(kept["count"] > 0, kept["mean"][0], jnp.nan)
        variance = jnp.maximum(Variance.value(p, kept), 0.0)
        return jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), variance)

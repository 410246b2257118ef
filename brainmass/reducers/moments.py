"""Mean, variance and functional connectivity, by the parallel form of Welford's method."""

from __future__ import annotations

import jax.numpy as jnp

from ..observation.sums import compensated
from .base import Reducer, weights

__all__ = ["FC", "Mean", "Variance"]

_REFERENCE = "Chan, Golub & LeVeque 1983, Am. Stat. 37:242, doi:10.1080/00031305.1983.10483115"


def _block(stream):
    """Return the number, the mean and the deviations of the samples that count."""
    weight, count = weights(stream)
    columns = weight.reshape(-1, *(1,) * (stream.rows.ndim - 1))
    mean = (columns * stream.rows).sum(0) / jnp.maximum(count, 1).astype(weight.dtype)
    return count, mean, columns * (stream.rows - mean)


def _merge(kept: dict, count, mean) -> tuple:
    """Return the new number and mean, the step between the means, and the weight of its square."""
    total = kept["count"] + count
    as_float = lambda n: n.astype(mean.dtype)  # noqa: E731
    share = as_float(count) / as_float(jnp.maximum(total, 1))
    step = mean - kept["mean"][0]
    new = compensated(kept["mean"], share * step)
    return total, new, step, as_float(kept["count"]) * share


def _twice(like) -> tuple:
    return like, like


class Mean(Reducer):
    """Mean over time of every region.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is averaged. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Time between two samples that are looked at. Default: as often as the run records.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> sim = brainmass.Simulator(brainmass.LinearStep(2, gamma=-1.0, init_x=1.0), dt=0.1 * u.ms)
    >>> result = sim.run(20 * u.ms, monitors={"x": "x", "mean": brainmass.reducers.Mean("x")})
    >>> bool(abs(result["mean"] - result["x"].mean(0)).max() < 1e-6)
    True
    """

    @staticmethod
    def start(p, like):
        """Return no samples yet."""
        return {"count": jnp.int32(0), "mean": _twice(like)}

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Merge the mean of a superblock into that of the run."""
        count, mean, _ = _block(stream)
        total, mean, _, _ = _merge(kept, count, mean)
        return {"count": total, "mean": mean}, None

    @staticmethod
    def value(p, kept):
        """Return the mean, NaN of no samples."""
        return jnp.where(kept["count"] > 0, kept["mean"][0], jnp.nan)


class Variance(Reducer):
    """Variance over time of every region.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is looked at. Default: what ``update`` returns.
    ddof : int, default 0
        Subtracted from the number of samples in the divisor, as in NumPy.
    period : brainunit.Quantity, optional
        Time between two samples that are looked at. Default: as often as the run records.

    References
    ----------
    .. [1] Chan, Golub & LeVeque 1983, Am. Stat. 37:242, doi:10.1080/00031305.1983.10483115

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, a=0.25, init_x=0.1), dt=0.1 * u.ms)
    >>> result = sim.run(200 * u.ms, monitors={"x": "x", "var": brainmass.reducers.Variance("x")})
    >>> bool(abs(result["var"] / result["x"].var(0) - 1).max() < 1e-5)
    True
    """

    def __init__(self, source=None, *, ddof: int = 0, period=None):
        super().__init__(source, period=period)
        self.ddof = ddof

    def options(self):
        """Return the static settings."""
        return {"ddof": self.ddof}

    def unit(self, signal_unit):
        """Return the squared unit of the source."""
        return signal_unit * signal_unit

    @staticmethod
    def start(p, like):
        """Return no samples yet."""
        return {"count": jnp.int32(0), "mean": _twice(like), "squares": _twice(like)}

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Merge the moments of a superblock into those of the run."""
        count, mean, deviation = _block(stream)
        total, mean, step, weight = _merge(kept, count, mean)
        squares = compensated(kept["squares"], (deviation**2).sum(0) + weight * step**2)
        return {"count": total, "mean": mean, "squares": squares}, None

    @staticmethod
    def value(p, kept):
        """Return the variance, NaN of too few samples."""
        divisor = kept["count"] - p.ddof
        squares = kept["squares"][0]
        share = squares / jnp.maximum(divisor, 1).astype(squares.dtype)
        return jnp.where(divisor > 0, share, jnp.nan)


class FC(Reducer):
    """Functional connectivity: the Pearson correlations between regions over time.

    Parameters
    ----------
    source : str, callable or Observer, optional
        What is correlated, for example ``'node.x'`` or a :class:`brainmass.BOLDSignal`. Default:
        what ``update`` returns.
    period : brainunit.Quantity, optional
        Time between two samples that are looked at. Default: as often as the run records.

    Notes
    -----
    The result is ``(N, N)``, with ones on the diagonal; a region that does not move has
    correlation 0 with all others. Gradients are finite there too.

    References
    ----------
    .. [1] Chan, Golub & LeVeque 1983, Am. Stat. 37:242, doi:10.1080/00031305.1983.10483115

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> node = brainmass.HopfStep(3, a=0.25, w=[0.3, 0.31, 0.6], init_x=0.1)
    >>> sim = brainmass.Simulator(node, dt=0.1 * u.ms)
    >>> result = sim.run(500 * u.ms, monitors={"x": "x", "fc": brainmass.reducers.FC("x")})
    >>> bool(abs(result["fc"] - np.corrcoef(result["x"].T)).max() < 1e-5)
    True
    """

    def check(self, signal):
        """Refuse a source without regions."""
        super().check(signal)
        if not signal.shape:
            raise ValueError(
                "FC: source (what is correlated) must have regions; got single numbers. "
                "Observe an array with one value per region."
            )

    def unit(self, signal_unit):
        """Return no unit: correlations are plain numbers."""
        return signal_unit / signal_unit

    @staticmethod
    def start(p, like):
        """Return no samples yet."""
        products = _twice(jnp.zeros((*like.shape, like.shape[-1]), like.dtype))
        return {"count": jnp.int32(0), "mean": _twice(like), "products": products}

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Merge the products of a superblock into those of the run."""
        count, mean, deviation = _block(stream)
        total, mean, step, weight = _merge(kept, count, mean)
        products = jnp.einsum("t...i,t...j->...ij", deviation, deviation)
        products = products + weight * step[..., :, None] * step[..., None, :]
        products = compensated(kept["products"], products)
        return {"count": total, "mean": mean, "products": products}, None

    @staticmethod
    def value(p, kept):
        """Return the correlations."""
        products = kept["products"][0]
        power = jnp.diagonal(products, axis1=-2, axis2=-1)
        moves = power > 0
        scale = jnp.where(moves, 1.0 / jnp.sqrt(jnp.where(moves, power, 1.0)), 0.0)
        fc = products * scale[..., :, None] * scale[..., None, :]
        own = jnp.eye(products.shape[-1], dtype=bool)
        return jnp.where(own, 1.0, jnp.clip(fc, -1.0, 1.0))

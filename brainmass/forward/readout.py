"""EEG readout with a normalised lead field."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

from .._declare import ParamSpec
from .._errors import UnitError
from ..engine.observers import attach
from ..observation.average import average, average_start
from ..observation.base import Observer, Signal

__all__ = ["LeadfieldReadout"]


class LeadfieldReadout(Observer):
    """Electrodes as a scaled, shifted and normalised mixture of regions.

    ``EEG = cy0 (Lhat x) - y0``, where ``Lhat`` is the lead field with normalised rows, of which the
    mean over the electrodes is subtracted.

    Parameters
    ----------
    lm : array
        Lead field ``(sensors, regions)``; ``Param`` to train it.
    y0 : float or brainunit.Quantity
        Offset, in the unit of the result; ``Param`` to train it.
    cy0 : float or brainunit.Quantity
        Gain; ``Param`` to train it.
    normalize : {True, 'l1', 'l2', False, None}
        What a row is divided by: the sum of its absolute values (True or 'l1'), its Euclidean norm,
        or nothing. A row of zeros stays as it is.
    demean : bool, default True
        Whether the mean over the sensors is subtracted, after the normalisation.
    source : str, callable or Observer, optional
        Activity x of the regions. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Sampling period, over which activity is averaged. Default: the instants that are recorded.

    References
    ----------
    .. [1] Momi, Wang & Griffiths 2023, eLife 12:e83232, doi:10.7554/eLife.83232

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> eeg = brainmass.LeadfieldReadout([[3.0, 1.0], [1.0, 1.0]], y0=0.5, cy0=2.0)
    >>> eeg.update(np.array([1.0, 0.0]))
    Array([-0.25, -0.75], dtype=float32)
    """

    def __init__(
        self,
        lm: Any,
        y0: Any = 0.0,
        cy0: Any = 1.0,
        normalize: bool | str | None = True,
        demean: bool = True,
        *,
        source=None,
        period=None,
    ):
        super().__init__(source, period=period)
        if normalize not in (True, "l1", "l2", False, None):
            raise ValueError(
                "LeadfieldReadout: normalize must be True, 'l1', 'l2', False or None; "
                f"got {normalize!r}. Choose one of them."
            )
        shape = np.shape(u.get_mantissa(lm.value() if isinstance(lm, Param) else lm))
        if len(shape) != 2:
            raise ValueError(
                f"LeadfieldReadout: lm (lead field) must have the shape (sensors, regions); "
                f"got {shape}. Pass a matrix."
            )
        given = (("lm", lm, "lead field"), ("y0", y0, "offset"), ("cy0", cy0, "gain"))
        for name, value, doc in given:
            unit = u.get_unit(value.value() if isinstance(value, Param) else value)
            value = value if isinstance(value, Param | u.Quantity) else np.asarray(value, float)
            spec = ParamSpec(1.0 * unit, doc, name=name, unit=unit)
            self.adopt(spec, value, shape if name == "lm" else ())
        self.normalize = "l1" if normalize is True else normalize or None
        self.demean, self.in_size = bool(demean), (shape[1],)

    def options(self):
        """Return the static settings."""
        averages = self.period is not None
        return {"averages": averages, "normalize": self.normalize, "demean": self.demean}

    def check(self, signal):
        """Refuse activity of another shape, or an offset in another unit."""
        super().check(signal)
        self.unit(signal.unit)

    def _product(self, signal_unit):
        lead = u.UNITLESS if self.normalize else self.lm.spec.unit
        return self.cy0.spec.unit * lead * signal_unit

    def _own_unit(self, signal_unit):
        """Return the unit of the result: that of the offset unless it is a plain number."""
        own = self.y0.spec.unit
        return self._product(signal_unit) if own.is_unitless else own

    def unit(self, signal_unit):
        """Return the unit of the result."""
        product, own = self._product(signal_unit), self._own_unit(signal_unit)
        if not product.has_same_dim(own):
            raise UnitError(
                "LeadfieldReadout: source (activity) must be such that cy0 times it is in "
                f"[{own}], like y0; got [{product}]. Give y0 and cy0 in matching units."
            )
        return own

    def factor(self, signal_unit):
        """Return what takes the product of gain and activity to the unit of the result."""
        product = u.Quantity(1.0, unit=self._product(signal_unit))
        own = self._own_unit(signal_unit)
        return 1.0 if own.is_unitless else float(product.to_decimal(own))

    def out_shape(self, shape):
        """Return the shape of one sample of the electrodes."""
        return (*shape[:-1], self.lm.fits[0])

    @staticmethod
    def start(p, like):
        """Return an open window without samples."""
        return average_start(like) if p.averages else ()

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Read the electrodes at the end of each period."""
        if p.averages:
            kept, rows = average(kept, stream, ends, round(p.period / stream.interval))
        else:
            rows = jnp.take(stream.rows, stream.lanes(ends)[0], axis=0)
        return kept, _electrodes(p, rows)

    def update(self, x):
        """Return the electrodes for activity at an instant, or at many.

        Parameters
        ----------
        x : array or brainunit.Quantity (..., regions)
            Activity.

        Returns
        -------
        array or brainunit.Quantity (..., sensors)
            The electrodes.
        """
        mantissa, unit = u.get_mantissa(x), u.get_unit(x)
        self.check(Signal(np.shape(mantissa), unit, 0.0))
        dtype = brainstate.environ.dftype()
        p = self.observer_rules(1.0, 1).parameters(
            self.observer_values(lambda a: jnp.asarray(a, dtype))
        )
        out = _electrodes(p, jnp.asarray(mantissa, dtype) * self.factor(unit))
        return attach(out, self.unit(unit))

    def __call__(self, signal, dt=None):
        """Read recorded activity; without ``dt``, instant by instant as :meth:`update`."""
        return self.update(signal) if dt is None else super().__call__(signal, dt)


def _electrodes(p, rows):
    lead = p.lm
    if p.normalize is not None:
        power = jnp.abs(lead).sum(1) if p.normalize == "l1" else (lead**2).sum(1)
        some = power > 0
        power = jnp.where(some, power, 1.0)
        lead = lead / (power if p.normalize == "l1" else jnp.sqrt(power))[:, None]
    if p.demean:
        lead = lead - lead.mean(0)
    return p.cy0 * (rows @ lead.T) - p.y0

"""A prior for parameters with units."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import numpy as np
from brainstate.nn import Regularization

from brainmass._errors import UnitError

__all__ = ["NormalPrior"]


class NormalPrior(Regularization):
    r"""Normal prior of a parameter, as what its negative logarithm adds to the loss.

    .. math:: \frac{w}{2} \sum_i \left(\frac{x_i - \mu_i}{\sigma_i}\right)^2

    Parameters
    ----------
    mean : float, array or brainunit.Quantity
        Mean :math:`\mu`, in the unit of the parameter.
    sd : float, array or brainunit.Quantity
        Standard deviation :math:`\sigma`, positive.
    weight : float, default 1.0
        Weight :math:`w`; 1 for a loss that is a negative log-likelihood.

    Raises
    ------
    UnitError
        If mean and standard deviation have different units.
    ValueError
        If the standard deviation is not positive.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass.fitter import NormalPrior
    >>> from brainstate.nn import Param
    >>> gain = Param(4.0 * u.mV, reg=NormalPrior(3.25 * u.mV, 0.5 * u.mV), fit=True)
    >>> float(gain.reg_loss())
    1.125
    """

    def __init__(self, mean: Any, sd: Any, weight: float = 1.0):
        super().__init__()
        unit = u.get_unit(mean)
        if not u.have_same_dim(unit, u.get_unit(sd)):
            raise UnitError(
                f"NormalPrior: sd must have the unit of the mean [{unit}]; got "
                f"[{u.get_unit(sd)}]. Convert or correct it."
            )
        dtype = brainstate.environ.dftype()
        self.unit = unit
        self.mean = np.asarray(u.get_mantissa(mean), dtype)
        self.sd = np.asarray(u.Quantity(sd).to_decimal(unit), dtype)
        if not (np.all(np.isfinite(self.mean)) and np.all(self.sd > 0)):
            raise ValueError(
                f"NormalPrior: mean must be finite and sd positive; got mean {mean} and sd {sd}. "
                "Correct them."
            )
        self.weight = float(weight)

    def loss(self, value: Any) -> Any:
        """Return the negative log density, without its constant."""
        if not u.have_same_dim(u.get_unit(value), self.unit):
            raise UnitError(
                f"NormalPrior: mean must be in the unit of the parameter [{u.get_unit(value)}]; "
                f"got [{self.unit}]. Convert or correct it."
            )
        number = u.Quantity(value).to_decimal(self.unit)
        return 0.5 * self.weight * u.math.sum(((number - self.mean) / self.sd) ** 2)

    def sample_init(self, shape: Any) -> Any:
        """Draw a start value."""
        return self._with_unit(self.mean + self.sd * brainstate.random.normal(size=shape))

    def reset_value(self) -> Any:
        """Return the mean."""
        return self._with_unit(self.mean)

    def _with_unit(self, number: Any) -> Any:
        return number if self.unit.is_unitless else u.Quantity(number, unit=self.unit)

    def __repr__(self) -> str:
        return f"NormalPrior({self._with_unit(self.mean)}, {self._with_unit(self.sd)})"

"""Electrodes and magnetometers: lead fields of dipole moments."""

from __future__ import annotations

from typing import Any

import brainunit as u

from .leadfield import NANOAMPERE_METER, LeadFieldModel

__all__ = ["EEGLeadFieldModel", "MEGLeadFieldModel"]


class EEGLeadFieldModel(LeadFieldModel):
    """Electroencephalogram: potentials at electrodes from dipole moments of regions.

    Parameters
    ----------
    in_size, out_size : int or tuple of int
        Numbers of regions R and of electrodes M.
    L : brainunit.Quantity or callable
        Lead field ``(R, M)`` in ``sensor_unit / (nA m)``, for example from
        :meth:`SphericalHead.electric`. ``Param`` to train it.
    sensor_unit : brainunit.Unit, default mV
        Unit of the electrodes.
    noise_cov : brainunit.Quantity, optional
        Covariance ``(M, M)`` of the noise of one sample, in ``sensor_unit**2``.
    scale : brainunit.Quantity, optional
        Dipole moment per observable. Default: 1 nA m per mV, or per unit of a plain number.
    reference : {None, 'average'} or int
        What potentials are measured against: that of the lead field, the mean of all electrodes,
        which then sum to 0, or one electrode.
    source : str, callable or Observer, optional
        Observable. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Sampling period, over which activity is averaged. Default: the instants that are recorded.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> L = np.array([[1.0, 0.5], [0.2, 1.0]]) * u.uvolt / (u.namp * u.meter)
    >>> eeg = brainmass.EEGLeadFieldModel(2, 2, L, sensor_unit=u.uvolt, reference="average")
    >>> eeg.update(np.array([1.0, 0.0]) * u.mV)
    Quantity([ 0.25 -0.25], "uV")
    """

    def __init__(
        self,
        in_size,
        out_size,
        L: Any,  # noqa: N803
        sensor_unit: u.Unit = u.mV,
        noise_cov: Any = None,
        *,
        scale: Any = None,
        reference: str | int | None = None,
        source=None,
        period=None,
    ):
        given = {"scale": scale, "noise_cov": noise_cov, "source": source, "period": period}
        super().__init__(in_size, out_size, L, sensor_unit, NANOAMPERE_METER, **given)
        if reference not in (None, "average", *range(self.M)) or isinstance(reference, bool):
            raise ValueError(
                f"EEGLeadFieldModel: reference must be None, 'average' or an electrode from 0 to "
                f"{self.M - 1}; got {reference!r}. Choose one of them."
            )
        self.reference = reference


class MEGLeadFieldModel(LeadFieldModel):
    """Magnetoencephalogram: magnetic field at sensors from dipole moments of regions.

    Parameters
    ----------
    in_size, out_size : int or tuple of int
        Numbers of regions R and of sensors M.
    L : brainunit.Quantity or callable
        Lead field ``(R, M)`` in ``sensor_unit / (nA m)``, for example from
        :meth:`SphericalHead.magnetic`. ``Param`` to train it.
    sensor_unit : brainunit.Unit, default T
        Unit of the sensors.
    noise_cov : brainunit.Quantity, optional
        Covariance ``(M, M)`` of the noise of one sample, in ``sensor_unit**2``.
    scale : brainunit.Quantity, optional
        Dipole moment per observable. Default: 1 nA m per mV, or per unit of a plain number.
    source : str, callable or Observer, optional
        Observable. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Sampling period, over which activity is averaged. Default: the instants that are recorded.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> L = np.array([[10.0, 5.0]]) * u.ftesla / (u.namp * u.meter)
    >>> brainmass.MEGLeadFieldModel(1, 2, L, sensor_unit=u.ftesla).update(np.ones(1) * u.mV)
    Quantity([10.  5.], "fT")
    """

    def __init__(
        self,
        in_size,
        out_size,
        L: Any,  # noqa: N803
        sensor_unit: u.Unit = u.tesla,
        noise_cov: Any = None,
        *,
        scale: Any = None,
        source=None,
        period=None,
    ):
        given = {"scale": scale, "noise_cov": noise_cov, "source": source, "period": period}
        super().__init__(in_size, out_size, L, sensor_unit, NANOAMPERE_METER, **given)

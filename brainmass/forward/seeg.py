"""Intracranial electrodes: potentials by distance in an infinite conductor."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from .._errors import UnitError
from .leadfield import NANOAMPERE_METER, LeadFieldModel

__all__ = ["SEEGLeadFieldModel"]


class SEEGLeadFieldModel(LeadFieldModel):
    """Stereo-EEG: potentials at contacts within the brain, from the distance to the regions.

    Tissue is an infinite conductor. A region is a current source, ``V = I / (4 pi sigma d)``, or
    with ``orientations`` a dipole, ``V = p cos(angle) / (4 pi sigma d^2)``.

    Parameters
    ----------
    centres : brainunit.Quantity (R, 3)
        Positions of the regions.
    contacts : brainunit.Quantity (M, 3)
        Positions of the contacts.
    conductivity : brainunit.Quantity, default 0.3 S/m
        Conductivity of the tissue.
    orientations : array (R, 3), optional
        Directions of the dipoles. Default: regions are current sources.
    least_distance : brainunit.Quantity, default 1 mm
        A contact that is closer to a region counts as that far away from it.
    sensor_unit : brainunit.Unit, default mV
        Unit of the contacts.
    scale : brainunit.Quantity, optional
        Current, or dipole moment, per observable. Default: 1 nA, or 1 nA m, per mV or per unit of a
        plain number.
    noise_cov : brainunit.Quantity, optional
        Covariance ``(M, M)`` of the noise of one sample, in ``sensor_unit**2``.
    source : str, callable or Observer, optional
        Observable. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Sampling period, over which activity is averaged. Default: the instants that are recorded.

    Notes
    -----
    The differences of neighbouring contacts, the bipolar montage, are ``np.diff`` of the result
    along the contacts of a shaft.

    References
    ----------
    .. [1] Nunez & Srinivasan 2006, Electric Fields of the Brain, Oxford University Press,
       doi:10.1093/acprof:oso/9780195050387.001.0001

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> centres = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 40.0]]) * u.mm
    >>> contacts = np.array([[0.0, 0.0, 10.0], [0.0, 0.0, 20.0], [0.0, 0.0, 30.0]]) * u.mm
    >>> seeg = brainmass.SEEGLeadFieldModel(centres, contacts, sensor_unit=u.uvolt)
    >>> seeg.update(np.array([1.0, 1.0])).round(4)
    Quantity([0.0354 0.0265 0.0354], "uV")
    """

    def __init__(
        self,
        centres,
        contacts,
        conductivity: Any = 0.3 * u.siemens / u.meter,
        orientations=None,
        *,
        least_distance: Any = 1.0 * u.mm,
        sensor_unit: u.Unit = u.mV,
        scale: Any = None,
        noise_cov: Any = None,
        source=None,
        period=None,
    ):
        there = _points(centres, "centres (positions of the regions)")
        here = _points(contacts, "contacts (positions of the electrodes)")
        sigma = _positive(conductivity, u.siemens / u.meter, "conductivity")
        least = _positive(least_distance, u.meter, "least_distance")
        away = here[None] - there[:, None]
        distance = np.linalg.norm(away, axis=-1)
        bounded = np.maximum(distance, least)
        dipole_unit = u.namp if orientations is None else NANOAMPERE_METER
        if orientations is None:
            lead = 1.0 / bounded
        else:
            moment = np.asarray(orientations, np.float64)
            size = np.linalg.norm(moment, axis=-1, keepdims=True)
            if moment.shape != there.shape or not (size > 0).all():
                raise ValueError(
                    f"SEEGLeadFieldModel: orientations (of the dipoles) must be {len(there)} "
                    f"directions of non-zero length; got shape {moment.shape}. Give one row per "
                    "region."
                )
            cosine = np.einsum("rk,rmk->rm", moment / size, away) / np.maximum(distance, 1e-300)
            lead = cosine / bounded**2
        # In volt per ampere, or per ampere metre.
        lead = u.Quantity(1e-6 * lead / (4 * np.pi * sigma), unit=u.mV / dipole_unit)
        given = {"scale": scale, "noise_cov": noise_cov, "source": source, "period": period}
        super().__init__(len(there), len(here), lead, sensor_unit, dipole_unit, **given)


def _points(value, name: str):
    unit = u.get_unit(value)
    if not unit.has_same_dim(u.meter):
        raise UnitError(
            f"SEEGLeadFieldModel: {name} must be lengths; got [{unit}]. Pass an array * u.mm."
        )
    scale = float((1.0 * unit).to_decimal(u.meter))
    points = np.asarray(u.get_mantissa(value), np.float64) * scale
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise ValueError(
            f"SEEGLeadFieldModel: {name} must be finite and have the shape (points, 3); "
            f"got {points.shape}. Give one row per point."
        )
    return points


def _positive(value, unit, name: str) -> float:
    given = u.get_unit(value)
    if not given.has_same_dim(unit):
        raise UnitError(
            f"SEEGLeadFieldModel: {name} must be in [{unit}]; got [{given}]. Convert it."
        )
    number = float(u.Quantity(value).to_decimal(unit))
    if not np.isfinite(number) or number <= 0:
        raise ValueError(
            f"SEEGLeadFieldModel: {name} must be positive and finite; got {value}. Correct it."
        )
    return number

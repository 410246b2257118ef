"""Lead fields of dipoles in a spherical head, in closed form or as a series."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from .._errors import UnitError

__all__ = ["SphericalHead"]

_MU_0 = 4e-7 * np.pi
_SIEMENS_PER_METER = u.siemens / u.meter


class SphericalHead:
    """A head of concentric spheres of constant conductivity, with analytic lead fields.

    The default is the three-shell head of brain, skull and scalp; one radius and one conductivity
    give the homogeneous sphere.

    Parameters
    ----------
    radii : brainunit.Quantity, default (80, 86, 92) mm
        Outer radii of the spheres, from the inside out.
    conductivities : brainunit.Quantity, default (0.33, 0.0042, 0.33) S/m
        Their conductivities.
    centre : brainunit.Quantity, default the origin
        Centre of the head.

    Raises
    ------
    UnitError
        If a length or conductivity has the wrong unit.
    ValueError
        If the radii do not increase, a conductivity is not positive, or shapes do not fit.

    Notes
    -----
    Potentials are a Legendre series, summed until its terms are below the precision of the numbers
    (the boundary conditions between the spheres are solved for each degree). The magnetic field
    outside of a sphere does not depend on its conductivities; radial dipoles have none.

    References
    ----------
    .. [1] Sarvas 1987, Phys. Med. Biol. 32:11, doi:10.1088/0031-9155/32/1/004
    .. [2] Mosher, Leahy & Lewis 1999, IEEE Trans. Biomed. Eng. 46:245, doi:10.1109/10.748978
    .. [3] Rush & Driscoll 1969, IEEE Trans. Biomed. Eng. 16:15, doi:10.1109/TBME.1969.4502598
    .. [4] Naess et al. 2017, Front. Hum. Neurosci. 11:490, doi:10.3389/fnhum.2017.00490

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> head = brainmass.SphericalHead()
    >>> electrodes = head.place(32)
    >>> positions = np.array([[0.0, 0.0, 60.0], [0.0, 40.0, 40.0]]) * u.mm
    >>> L = head.electric(positions, electrodes)
    >>> L.shape, L.unit.has_same_dim(u.mV / (u.namp * u.meter))
    ((2, 32), True)
    >>> eeg = brainmass.EEGLeadFieldModel(2, 32, L, reference="average")
    """

    def __init__(self, radii=None, conductivities=None, centre=None):
        radii = np.array([80.0, 86.0, 92.0]) * u.mm if radii is None else radii
        if conductivities is None:
            conductivities = np.array([0.33, 0.0042, 0.33]) * _SIEMENS_PER_METER
        self._radii = np.atleast_1d(_numbers(radii, u.meter, "radii", "80 * u.mm"))
        example = "0.33 * u.siemens / u.meter"
        given = _numbers(conductivities, _SIEMENS_PER_METER, "conductivities", example)
        self._sigma = np.atleast_1d(given)
        centre = np.zeros(3) * u.mm if centre is None else centre
        self._centre = _numbers(centre, u.meter, "centre", "(0, 0, 0) * u.mm")
        if self._radii.shape != self._sigma.shape or self._radii.ndim != 1:
            raise ValueError(
                "SphericalHead: radii and conductivities must have one value per sphere; got "
                f"shapes {self._radii.shape} and {self._sigma.shape}. Give equally many."
            )
        if (np.diff(self._radii, prepend=0.0) <= 0).any() or (self._sigma <= 0).any():
            raise ValueError(
                "SphericalHead: radii must be positive and increase, and conductivities be "
                f"positive; got {radii} and {conductivities}. Order them from the inside out."
            )
        if self._centre.shape != (3,):
            raise ValueError(
                f"SphericalHead: centre must be one point; got shape {self._centre.shape}. "
                "Pass for example (0, 0, 0) * u.mm."
            )

    @property
    def radii(self) -> u.Quantity:
        """Outer radii of the spheres."""
        return u.Quantity(1000.0 * self._radii, unit=u.mm)

    @property
    def conductivities(self) -> u.Quantity:
        """Their conductivities."""
        return u.Quantity(self._sigma, unit=_SIEMENS_PER_METER)

    def place(self, count: int, distance=0.0 * u.mm, lowest: float = -0.2) -> u.Quantity:
        """Return sensors spread evenly over the upper part of the head.

        Parameters
        ----------
        count : int
            Number of sensors.
        distance : brainunit.Quantity, default 0 mm
            Distance from the scalp, for example 20 mm for magnetometers.
        lowest : float, default -0.2
            Height of the lowest sensor in radii, from -1 to 1.

        Returns
        -------
        brainunit.Quantity (count, 3)
            Positions, on a spiral.
        """
        k = np.arange(count) + 0.5
        z = 1.0 - (1.0 - lowest) * k / count
        angle = np.pi * (1.0 + np.sqrt(5.0)) * k
        across = np.sqrt(1.0 - z**2)
        unit = np.stack([across * np.cos(angle), across * np.sin(angle), z], axis=1)
        radius = self._radii[-1] + _numbers(distance, u.meter, "distance", "20 * u.mm")
        return u.Quantity(1000.0 * (self._centre + radius * unit), unit=u.mm)

    def electric(self, positions, electrodes, orientations=None) -> u.Quantity:
        """Return the potentials of dipoles on the surface of the head.

        Parameters
        ----------
        positions : brainunit.Quantity (R, 3)
            Positions of the dipoles, within the innermost sphere.
        electrodes : brainunit.Quantity (M, 3)
            Positions of the electrodes; they are moved to the surface along the radius.
        orientations : array (R, 3), optional
            Directions of the dipoles; their length does not matter. Default: away from the centre.

        Returns
        -------
        brainunit.Quantity (R, M)
            Lead field in mV / (nA m).
        """
        source, depth = self._sources(positions)
        moment = self._moments(orientations, source, depth, "electric")
        sensors = _points(electrodes, "electrodes") - self._centre
        sensors = sensors / np.linalg.norm(sensors, axis=1, keepdims=True)
        size = np.maximum(depth, 1e-300)[:, None]
        radial = np.where(depth[:, None] > 0, source / size, [0.0, 0.0, 1.0])
        cosine = radial @ sensors.T
        along = np.sum(moment * radial, axis=1)[:, None]
        across = moment @ sensors.T - cosine * along
        # V in volt for 1 A m; the unit below is mV / (nA m).
        field = self._series(depth / self._radii[-1], cosine, along, across)
        scale = 1.0 / (4 * np.pi * self._sigma[0] * self._radii[-1] ** 2)
        return u.Quantity(1e-6 * scale * field, unit=u.mV / (u.namp * u.meter))

    def _series(self, depth, cosine, along, across):
        """Sum the Legendre series; depths are in outer radii."""
        legendre, before = cosine.copy(), np.ones_like(cosine)
        slope, slope_before = np.ones_like(cosine), np.zeros_like(cosine)
        power = np.ones_like(depth)[:, None]
        total = np.zeros_like(cosine)
        largest = depth.max(initial=0.0)
        for degree in range(1, 20_000):
            gain = self._gain(degree)
            total += gain * power * (degree * legendre * along + slope * across)
            if gain * largest ** (degree - 1) * degree**2 < 1e-16 * self._gain(1):
                return total
            power = power * depth[:, None]
            n = degree
            after = ((2 * n + 1) * cosine * legendre - n * before) / (n + 1)
            slope_after = slope_before + (2 * n + 1) * legendre
            before, legendre = legendre, after
            slope_before, slope = slope, slope_after
        raise ValueError(
            "SphericalHead.electric: positions (of the dipoles) must not touch the surface; got "
            f"one at {largest:.6g} of the outer radius. Move it inward."
        )

    def _gain(self, n: int) -> float:
        """Return potential at the surface per term of degree n of a source in the inner sphere.

        From the surface inward, with no current through it, the potential and the radial current
        are continuous. At each sphere both parts are multiplied by the ratio of the radii to the
        power n + 1, which keeps the numbers small; the radius of the source takes that back.
        """
        r, sigma = self._radii, self._sigma
        potential, current = 1.0, 0.0
        for k in range(len(r) - 1, 0, -1):
            outward = ((n + 1) * potential + current / sigma[k]) / (2 * n + 1)
            inward = (n * potential - current / sigma[k]) / (2 * n + 1)
            outward = outward * (r[k - 1] / r[k]) ** (2 * n + 1)
            potential = outward + inward
            current = sigma[k] * (n * outward - (n + 1) * inward)
        return float((2 * n + 1) / (n * potential - current / sigma[0]))

    def magnetic(self, positions, sensors, orientations, directions=None) -> u.Quantity:
        """Return the magnetic field of dipoles outside of the head.

        Parameters
        ----------
        positions : brainunit.Quantity (R, 3)
            Positions of the dipoles.
        sensors : brainunit.Quantity (M, 3)
            Positions of the magnetometers, outside of the head. A gradiometer is the difference of
            two lead fields.
        orientations : array (R, 3)
            Directions of the dipoles; their length does not matter. Radial ones are silent.
        directions : array (M, 3), optional
            Directions in which the field is measured. Default: away from the centre.

        Returns
        -------
        brainunit.Quantity (R, M)
            Lead field in fT / (nA m).

        Examples
        --------
        >>> import brainmass, brainunit as u, numpy as np
        >>> head = brainmass.SphericalHead()
        >>> sensors = head.place(10, distance=20 * u.mm)
        >>> position = np.array([[0.0, 0.0, 70.0]]) * u.mm
        >>> bool(abs(head.magnetic(position, sensors, [[0, 0, 1.0]]).mantissa).max() == 0)
        True
        >>> f"{abs(head.magnetic(position, sensors, [[1.0, 0, 0]]).mantissa).max():.1f} fT/(nA m)"
        '15.8 fT/(nA m)'
        """
        source, depth = self._sources(positions)
        moment = self._moments(orientations, source, depth, "magnetic")
        points = _points(sensors, "sensors") - self._centre
        distance = np.linalg.norm(points, axis=1)
        if (distance < self._radii[-1] * (1 - 1e-9)).any():
            raise ValueError(
                f"SphericalHead.magnetic: sensors must lie outside of the head, at least "
                f"{1000 * self._radii[-1]:g} mm from its centre; got {1000 * distance.min():g} mm. "
                "Move them out, for example head.place(n, distance=20 * u.mm)."
            )
        if directions is None:
            normal = points / distance[:, None]
        else:
            normal = _unit_vectors(directions, len(points), "directions")
        field = _sarvas(moment, source, points)
        lead = np.einsum("rmk,mk->rm", field, normal)
        return u.Quantity(1e6 * lead, unit=u.ftesla / (u.namp * u.meter))

    def _sources(self, positions):
        source = _points(positions, "positions") - self._centre
        depth = np.linalg.norm(source, axis=1)
        if (depth >= self._radii[0]).any():
            raise ValueError(
                "SphericalHead: positions (of the dipoles) must lie within the innermost sphere of "
                f"{1000 * self._radii[0]:g} mm; got one at {1000 * depth.max():g} mm from the "
                "centre. Shrink them, or enlarge radii."
            )
        return source, depth

    @staticmethod
    def _moments(orientations, source, depth, who: str):
        if orientations is not None:
            return _unit_vectors(orientations, len(source), "orientations")
        if (depth == 0).any():
            raise ValueError(
                f"SphericalHead.{who}: orientations must be given for a dipole in the centre, "
                "which has no radial direction; got none. Pass one direction per dipole."
            )
        return source / depth[:, None]

    def __repr__(self):
        return f"SphericalHead(radii={self.radii}, conductivities={self.conductivities})"


def _sarvas(moment, source, points):
    """Return the field in tesla of dipoles of 1 A m: ``(R, M, 3)``."""
    r0, r = source[:, None], points[None]
    a = r - r0
    a_size = np.linalg.norm(a, axis=-1, keepdims=True)
    r_size = np.linalg.norm(r, axis=-1, keepdims=True)
    a_r = np.sum(a * r, axis=-1, keepdims=True)
    factor = a_size * (r_size * a_size + r_size**2 - np.sum(r0 * r, axis=-1, keepdims=True))
    slope = (a_size**2 / r_size + a_r / a_size + 2 * a_size + 2 * r_size) * r
    slope = slope - (a_size + 2 * r_size + a_r / a_size) * r0
    turned = np.cross(moment, source)[:, None]
    along = np.sum(turned * r, axis=-1, keepdims=True)
    return _MU_0 / (4 * np.pi * factor**2) * (factor * turned - along * slope)


def _numbers(value, unit, name: str, example: str) -> Any:
    given = u.get_unit(value)
    if not given.has_same_dim(unit):
        got = f"a value in [{given}]" if not given.is_unitless else "plain numbers"
        raise UnitError(
            f"SphericalHead: {name} must be in [{unit}]; got {got}. Pass for example "
            f"{name}={example}."
        )
    out = np.asarray(u.get_mantissa(value), np.float64) * float((1.0 * given).to_decimal(unit))
    if not np.isfinite(out).all():
        raise ValueError(f"SphericalHead: {name} must be finite; got NaN or infinity. Correct it.")
    return out


def _points(value, name: str):
    points = _numbers(value, u.meter, name, "np.zeros((1, 3)) * u.mm")
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(
            f"SphericalHead: {name} must have the shape (points, 3); got {points.shape}. "
            "Give one row per point."
        )
    return points


def _unit_vectors(value, count: int, name: str):
    vectors = np.asarray(u.get_mantissa(value), np.float64)
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if vectors.shape != (count, 3) or not (size > 0).all():
        raise ValueError(
            f"SphericalHead: {name} must be {count} directions of non-zero length; got shape "
            f"{vectors.shape}. Give one row per point."
        )
    return vectors / size

"""Lead fields: sensors as weighted sums of regions, with sensor noise."""

from __future__ import annotations

from functools import partial
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

from .._compat import is_tracer
from .._declare import ParamSpec
from .._errors import UnitError
from ..engine.observers import attach
from ..observation.average import average, average_start
from ..observation.base import Observer, Signal

__all__ = ["NANOAMPERE_METER", "LeadFieldModel"]

NANOAMPERE_METER = u.namp * u.meter


class LeadFieldModel(Observer):
    """Sensor signals as a linear function of the activity of regions.

    A region's observable times ``scale`` is its dipole moment; the sensors are the moments times
    the lead field, plus noise, always in ``sensor_unit``.

    Parameters
    ----------
    in_size, out_size : int or tuple of int
        Numbers of regions R and of sensors M.
    L : brainunit.Quantity or callable
        Lead field ``(R, M)`` in ``sensor_unit / dipole_unit``; plain numbers are in that unit. A
        callable is given the shape. ``Param`` to train it.
    sensor_unit : brainunit.Unit, default mV
        Unit of the sensors.
    dipole_unit : brainunit.Unit, default nA m
        Unit of the dipole moments.
    scale : brainunit.Quantity, optional
        Dipole moment per observable, one value or one per region. Default: 1 ``dipole_unit`` per
        mV, or per unit of an observable that is a plain number.
    noise_cov : brainunit.Quantity, optional
        Covariance ``(M, M)`` of the noise of one sample, in ``sensor_unit**2``; plain numbers are
        in that unit. Default: no noise. ``Param`` to train it.
    source : str, callable or Observer, optional
        Observable, for example ``lambda m: m.node.eeg()``. Default: what ``update`` returns.
    period : brainunit.Quantity, optional
        Sampling period of the sensors, over which the activity is averaged, so that nothing
        aliases. Default: the instants that the run records.

    Raises
    ------
    UnitError
        If a unit does not fit.
    ValueError
        If a shape does not fit, or the covariance is not symmetric and positive.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> L = np.array([[1.0, 0.5], [0.2, 1.0], [0.0, 0.3]]) * u.mV / (u.namp * u.meter)
    >>> sensors = brainmass.LeadFieldModel(3, 2, L)
    >>> sensors.update(np.array([1.0, 0.0, 0.0]) * u.mV)
    Quantity([1.  0.5], "mV")
    >>> node = brainmass.HopfStep(3, a=0.25, init_x=0.1)
    >>> sensors = brainmass.LeadFieldModel(3, 2, L, source="x", period=1 * u.ms)
    >>> result = brainmass.Simulator(node, dt=0.1 * u.ms).run(20 * u.ms, monitors={"eeg": sensors})
    >>> result["eeg"].shape, result["eeg"].unit
    ((20, 2), Unit("mV"))
    """

    reference: str | int | None = None

    def __init__(
        self,
        in_size,
        out_size,
        L: Any,  # noqa: N803
        sensor_unit: u.Unit = u.mV,
        dipole_unit: u.Unit = NANOAMPERE_METER,
        scale: Any = None,
        noise_cov: Any = None,
        *,
        source=None,
        period=None,
    ):
        super().__init__(source, period=period, in_size=in_size)
        self.sensors = out_size if isinstance(out_size, tuple | list) else (out_size,)
        self.sensor_unit, self.dipole_unit = sensor_unit, dipole_unit
        self.random = noise_cov is not None
        if len(self.shape) != 1 or len(self.sensors) != 1:
            raise ValueError(
                f"{type(self).__name__}: in_size and out_size (regions and sensors) must be single "
                f"numbers; got {self.shape} and {tuple(self.sensors)}. Flatten them."
            )
        unit = self.sensor_unit / dipole_unit
        self._keep("L", L, unit, (self.R, self.M), "lead field")
        self.scale = None
        if scale is not None:
            value = scale.value() if isinstance(scale, Param) else scale
            self._keep("scale", scale, u.get_unit(value), (self.R,), "moment per observable")
        if noise_cov is not None:
            unit = self.sensor_unit * self.sensor_unit
            self._keep("noise_cov", noise_cov, unit, (self.M, self.M), "covariance of the noise")
            self._check_covariance()

    def _keep(self, name, value, unit, shape, doc) -> None:
        """Keep a parameter; plain numbers are in its unit."""
        if callable(value) and not isinstance(value, Param):
            value = value(shape)
        if not isinstance(value, Param) and u.get_unit(value).is_unitless:
            value = u.Quantity(value, unit=unit)
        spec = ParamSpec(1.0 * unit, doc, name=name, unit=unit)
        mantissa = u.get_mantissa(value.value() if isinstance(value, Param) else value)
        if name != "scale" and np.shape(mantissa) != shape:
            raise ValueError(
                f"{type(self).__name__}: {name} ({doc}) must have the shape {shape}; "
                f"got {np.shape(mantissa)}. Transpose it or correct in_size and out_size."
            )
        self.adopt(spec, value, shape)

    def _check_covariance(self) -> None:
        covariance = self.noise_cov.mantissa()
        if is_tracer(covariance):
            return
        covariance = np.asarray(covariance, np.float64)
        least = np.linalg.eigvalsh(covariance).min()
        size = np.abs(covariance).max()
        if not np.allclose(covariance, covariance.T, atol=1e-6 * size) or least < -1e-6 * size:
            raise ValueError(
                f"{type(self).__name__}: noise_cov (covariance of the noise) must be symmetric and "
                f"have no negative eigenvalue; got the smallest one {least:.4g}. Correct it."
            )

    @property
    def R(self) -> int:  # noqa: N802
        """Number of regions."""
        return self.shape[0]

    @property
    def M(self) -> int:  # noqa: N802
        """Number of sensors."""
        return int(self.sensors[0])

    def options(self):
        """Return the static settings."""
        return {"averages": self.period is not None, "reference": self.reference}

    def factor(self, signal_unit):
        """Return the number that ``scale`` times an observable takes to the unit of the moments."""
        if self.scale is not None:
            product = 1.0 * self.scale.spec.unit * signal_unit
            if u.get_unit(product).has_same_dim(self.dipole_unit):
                return float(u.Quantity(product).to_decimal(self.dipole_unit))
            wanted = f"such that scale times it is in [{self.dipole_unit}]"
        elif signal_unit.is_unitless:
            return 1.0
        elif signal_unit.has_same_dim(u.mV):
            return float((1.0 * signal_unit).to_decimal(u.mV))
        else:
            wanted = "in [mV] or a plain number, unless scale is given"
        raise UnitError(
            f"{type(self).__name__}: source (observable) must be {wanted}; got a value in "
            f"[{signal_unit}]. Pass scale, the dipole moment per observable."
        )

    def unit(self, signal_unit):
        """Return the unit of the sensors."""
        return self.sensor_unit

    def out_shape(self, shape):
        """Return the shape of one sample of the sensors."""
        return (*shape[:-1], self.M)

    def observer_values(self, cast):
        """Return the parameters as bare arrays, with a root of the covariance."""
        values = super().observer_values(cast)
        if "noise_cov" in values["own"]:
            values["own"]["root"] = _root(values["own"].pop("noise_cov"))
        return values

    @staticmethod
    def start(p, like):
        """Return an open window without samples."""
        return average_start(like) if p.averages else ()

    @classmethod
    def feed(cls, p, kept, stream, ends):
        """Measure at the end of each period."""
        if p.averages:
            kept, rows = average(kept, stream, ends, round(p.period / stream.interval))
        else:
            rows = jnp.take(stream.rows, stream.lanes(ends)[0], axis=0)
        return kept, _measured(p, rows)

    def update(self, obs, key=None):
        """Measure activity at an instant, or at many.

        Parameters
        ----------
        obs : array or brainunit.Quantity (..., R)
            Observable of every region.
        key : jax.Array, optional
            Key of the noise. Default: from brainstate's random state.

        Returns
        -------
        brainunit.Quantity (..., M)
            Sensors in ``sensor_unit``; the noise is independent along all leading axes.
        """
        mantissa, unit = u.get_mantissa(obs), u.get_unit(obs)
        self.check(Signal(np.shape(mantissa), unit, 0.0))
        cast = partial(jnp.asarray, dtype=brainstate.environ.dftype())
        rules = self.observer_rules(1.0, 1)
        if rules.random and key is None:
            key = brainstate.random.split_key()
        p = rules.parameters(self.observer_values(cast), key)
        out = _measured(p, cast(mantissa) * self.factor(unit))
        return attach(out, self.sensor_unit)

    def __call__(self, signal, dt=None):
        """Measure recorded activity; without ``dt``, instant by instant as :meth:`update`."""
        return self.update(signal) if dt is None else super().__call__(signal, dt)

    @staticmethod
    def compress_vertex_leadfield(L_vertex, W):  # noqa: N803
        """Return the lead field of regions from that of the vertices of a surface.

        Parameters
        ----------
        L_vertex : array or brainunit.Quantity (M, 3 V)
            Sensors by x, y and z components of the dipole at every vertex.
        W : array (3 V, R)
            Weights of :meth:`build_fixed_orientation_weights`.

        Returns
        -------
        array or brainunit.Quantity (R, M)
            The lead field as the constructor takes it.

        Examples
        --------
        >>> import brainmass, numpy as np
        >>> compress = brainmass.LeadFieldModel.compress_vertex_leadfield
        >>> compress(np.ones((2, 6)), np.ones((6, 4))).shape
        (4, 2)
        """
        left, right = np.shape(u.get_mantissa(L_vertex)), np.shape(u.get_mantissa(W))
        if len(left) != 2 or len(right) != 2 or left[1] != right[0]:
            raise ValueError(
                "LeadFieldModel.compress_vertex_leadfield: L_vertex and W (lead field and weights) "
                f"must have the shapes (M, 3 V) and (3 V, R); got {left} and {right}. "
                "Transpose them."
            )
        return (L_vertex @ W).T

    @staticmethod
    def build_fixed_orientation_weights(normals, parcel, area=None):
        """Return how much each vertex, with its fixed orientation, contributes to each region.

        Parameters
        ----------
        normals : array (V, 3)
            Unit normals of the surface.
        parcel : array (V, R)
            Membership of the vertices, for example 0 or 1.
        area : array (V,), optional
            Weight of every vertex. Default 1.

        Returns
        -------
        array (3 V, R)
            All x components, then all y, then all z.

        Examples
        --------
        >>> import brainmass, numpy as np
        >>> build = brainmass.LeadFieldModel.build_fixed_orientation_weights
        >>> build(np.array([[0.0, 0.0, 1.0]]), np.array([[1.0]]), np.array([2.0])).ravel().tolist()
        [0.0, 0.0, 2.0]
        """
        normals, parcel = np.asarray(normals), np.asarray(parcel)
        area = np.ones(len(normals)) if area is None else np.asarray(area)
        if normals.shape != (len(area), 3) or parcel.shape[:1] != area.shape or parcel.ndim != 2:
            raise ValueError(
                "LeadFieldModel.build_fixed_orientation_weights: normals, parcel and area must "
                f"have the shapes (V, 3), (V, R) and (V,); got {normals.shape}, {parcel.shape} and "
                f"{area.shape}. Give one row per vertex."
            )
        weights = normals.T[:, :, None] * (area[:, None] * parcel)
        return weights.reshape(-1, parcel.shape[1])


def _measured(p, rows):
    """Return the sensors for observables in the unit of the moments, once they are scaled."""
    out = (rows * p.get("scale", 1.0)) @ p.L
    if "root" in p:
        out = out + jax.random.normal(p.key, out.shape, out.dtype) @ p.root.T
    if p.reference is None:
        return out
    against = out.mean(-1, keepdims=True)
    if p.reference != "average":
        against = out[..., p.reference, None]
    return out - against


def _root(covariance):
    """Return a matrix whose product with its transpose is the covariance.

    Cholesky's, which can be differentiated; another where sensors are without noise of their own.
    """
    if is_tracer(covariance):
        return jnp.linalg.cholesky(covariance)
    exact = np.asarray(covariance, np.float64)
    try:
        root = np.linalg.cholesky(exact)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(exact)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
    return root.astype(np.asarray(covariance).dtype)

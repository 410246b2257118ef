"""How well data determine parameters: Fisher information, or the curvature of the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from brainmass import objectives

from ._data import Data
from ._derivative import choose_mode, value_and_gradient
from ._loss import FromPrediction, series_of
from ._problem import Program
from ._search import compiled

__all__ = ["Information", "labels_of", "measure", "residuals_of"]

_NEGLIGIBLE = 1e-7  # eigenvalues below this fraction of the largest are no more than rounding
_INVOLVED = 1e-3  # squared weight from which a parameter takes part in a direction
_AT_ONCE = 8  # directions that are differentiated in one go


@dataclass(frozen=True)
class Information:
    """Curvature of the negative log-likelihood at a point, in scaled parameters.

    Attributes
    ----------
    method : str
        ``'fisher'`` or ``'laplace'``.
    labels : list of str
        Name of each number, such as ``'node.a[3]'``.
    matrix : numpy.ndarray
        ``(numbers, numbers)``.
    eigenvalues : numpy.ndarray
        From the stiffest to the sloppiest.
    directions : numpy.ndarray
        Unit vectors, one per column.
    residual : float or None
        Standard deviation of the residuals, in their unit; None for ``'laplace'``.
    """

    method: str
    labels: list[str]
    matrix: np.ndarray
    eigenvalues: np.ndarray
    directions: np.ndarray
    residual: float | None

    @classmethod
    def of(cls, method, labels, matrix, residual=None) -> Information:
        """Decompose a matrix."""
        matrix = (matrix + matrix.T) / 2
        if not np.all(np.isfinite(matrix)):
            count = len(labels)
            return cls(method, labels, matrix, np.zeros(count), np.eye(count), residual)
        values, vectors = np.linalg.eigh(matrix)
        return cls(method, labels, matrix, values[::-1], vectors[:, ::-1], residual)

    @property
    def determined(self) -> np.ndarray:
        """Which directions the data determine."""
        largest = self.eigenvalues[0] if len(self.eigenvalues) else 0.0
        return self.eigenvalues > max(_NEGLIGIBLE * largest, 0.0)

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the scaled parameters; infinite variance where nothing is known."""
        known = self.determined
        vectors, values = self.directions[:, known], self.eigenvalues[known]
        covariance = (vectors / values) @ vectors.T
        lost = np.any(self.directions[:, ~known] ** 2 > _INVOLVED, axis=1)
        covariance[lost, lost] = np.inf
        return covariance

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of the scaled parameters."""
        return np.sqrt(np.diagonal(self.covariance))


def labels_of(theta: dict[str, Any]) -> list[str]:
    """Return a name for every number, in the order in which they are flattened."""
    out = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(theta)[0]:
        name = ".".join(str(getattr(key, "key", getattr(key, "idx", key))) for key in path)
        places = np.ndindex(np.shape(leaf))
        out += [name if place == () else f"{name}{list(place)}" for place in places]
    return out


def measure(
    loss: Any, program: Program, theta: Any, rest: tuple, data: Data, method: str, scale: float
) -> Information:
    """Return the information at a point; ``rest`` are the further arguments of the program."""
    labels = labels_of(theta)
    residuals = residuals_of(loss)
    if method == "fisher" or (method == "auto" and residuals is not None):
        if residuals is None:
            raise ValueError(
                "FitResult.report: method='fisher' needs timeseries_rmse as the objective, whose "
                "residuals are those of a regression; got another one. Use method='laplace'."
            )
        matrix, deviation = _fisher(program, residuals, theta, rest, data)
        return Information.of("fisher", labels, matrix, deviation)
    return Information.of("laplace", labels, scale * _hessian(program, theta, rest))


def residuals_of(loss: Any) -> Callable | None:
    """Return ``(prediction, target) -> list of residuals``, None if the loss has none."""
    if not isinstance(loss, FromPrediction):
        return None
    given = loss.objective if isinstance(loss.objective, dict) else {"": loss.objective}
    plain = objectives.timeseries_rmse().__name__
    if any(getattr(part, "__name__", None) != plain for part in given.values()):
        return None

    def residuals(prediction, target):
        out = []
        for name, objective in given.items():
            one = prediction[name] if name else series_of(prediction, objective)
            data = target[name] if name and isinstance(target, dict) else target
            unit = u.get_unit(one)
            number = u.get_mantissa(data) if u.get_unit(data) == unit else data.to_decimal(unit)
            out.append(jnp.ravel(u.get_mantissa(one) - number))
        return out

    return residuals


def _fisher(program, residuals, theta, rest, data) -> tuple[np.ndarray, float]:
    """Return ``J^T J / s^2`` summed over the parts, each with its own residual variance."""
    x, unravel = ravel_pytree(theta)

    def make(_):
        def function(x, rest):
            def numbers(x):
                prediction = program.call_forward(unravel(x), *rest)[1]["prediction"]
                return residuals(prediction, data.joined(rest[2])[1])

            slopes = jax.lax.map(
                lambda v: jax.jvp(numbers, (x,), (v,))[1],
                jnp.eye(x.size, dtype=x.dtype),
                batch_size=_AT_ONCE,
            )
            return numbers(x), slopes

        return jax.jit(function)

    values, slopes = jax.device_get(compiled(program, "jacobian", make)(x, rest))
    total, deviation = np.zeros((x.size, x.size)), 0.0
    for r, j in zip(values, slopes, strict=True):
        r, j = np.asarray(r, float), np.asarray(j, float)
        deviation = np.sqrt(np.sum(r**2) / max(r.size - x.size, 1))
        smallest = np.finfo(np.float32).eps * max(np.abs(j).max(initial=0.0), 1e-30)
        total += j @ j.T / max(deviation, smallest) ** 2
    return total, float(deviation)


def _hessian(program, theta, rest) -> np.ndarray:
    x, unravel = ravel_pytree(theta)
    mode = choose_mode("auto", program.jaxpr, theta)
    call = program.call if mode == "reverse" else program.call_forward

    def make(_):
        def function(x, rest):
            def gradient(x):
                return value_and_gradient(lambda x: call(unravel(x), *rest), mode)(x)[1]

            return jax.lax.map(
                lambda v: jax.jvp(gradient, (x,), (v,))[1], jnp.eye(x.size, dtype=x.dtype)
            )

        return jax.jit(function)

    return np.asarray(compiled(program, "curvature", make)(x, rest), dtype=float)

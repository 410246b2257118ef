"""Fixed points of a model, their Jacobian, eigenvalues and stability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import brainunit as u
import jax
import numpy as np

from .flow import Flow, flow_of
from .search import find, read_box

__all__ = ["FixedPoint", "fixed_points", "jacobian", "kind_of", "ordered", "point_of", "written"]

_ZERO = 1e-9
"""Real parts below this share of the largest eigenvalue count as zero."""


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A state that does not change, and what happens around it.

    Parameters
    ----------
    state : dict of str to float or brainunit.Quantity
        Value of every state; one per region in a network.
    eigenvalues : numpy.ndarray of complex
        Eigenvalues of the Jacobian in 1/ms, largest real part first.
    jacobian : numpy.ndarray
        Derivatives of the rates, row = rate, in the units of the states per ms.
    kind : str
        ``'stable node'``, ``'stable focus'``, ``'saddle'``, ``'saddle-focus'``,
        ``'unstable node'``, ``'unstable focus'``, ``'centre'`` or ``'non-hyperbolic'``; a focus is
        left or reached in a spiral, judged by the slowest eigenvalues.

    Examples
    --------
    >>> import brainmass
    >>> node = brainmass.HopfStep(1, w=0.3)
    >>> [point.kind for point in brainmass.analysis.fixed_points(node)]
    ['unstable focus']
    """

    state: dict[str, Any]
    eigenvalues: np.ndarray
    jacobian: np.ndarray
    kind: str = field(default="")

    @property
    def stable(self) -> bool:
        """Whether every small disturbance dies out."""
        return self.kind.startswith("stable")

    @property
    def unstable_dimensions(self) -> int:
        """Number of eigenvalues with a positive real part."""
        return int((self.eigenvalues.real > _slack(self.eigenvalues)).sum())

    @property
    def frequency(self):
        """Frequency of the slowest spiral in Hz, 0 Hz where nothing turns."""
        turning = self.eigenvalues[np.abs(self.eigenvalues.imag) > _slack(self.eigenvalues)]
        if not turning.size:
            return 0.0 * u.Hz
        slowest = turning[np.argmin(np.abs(turning.real))]
        return float(abs(slowest.imag) * 1000 / (2 * np.pi)) * u.Hz

    def __repr__(self):
        return f"FixedPoint({written(self.state)}, {self.kind})"


def fixed_points(
    model, *, at=None, box=None, starts: int = 256, region: int | None = None
) -> list[FixedPoint]:
    """Find the fixed points of a model, stable and unstable, from many starts.

    Newton's method with the exact Jacobian runs in double precision from many starts at once, in
    a box that is found by simulating the model, and again in a larger one while that brings new
    points. Noise is left out. Where a state is limited by a clamp, points on the limit itself are
    not found. In a :class:`~brainmass.Network` the delays are left out too: they do not move fixed
    points, but they can change whether these are stable.

    Parameters
    ----------
    model : NeuralMass or Network
        A model of one region, or of several of which ``region`` is taken; a network as a whole.
    at : dict, optional
        Parameters and inputs by name in place of those of the model, with units, for example
        ``{"E_inp": 120 * u.Hz}``.
    box : dict, optional
        Where to look, ``(low, high)`` by state. Default: around what simulations visit and around
        the points found there. Equations also have solutions without a meaning, such as negative
        rates; a box leaves them out.
    starts : int, default 256
        Number of starts.
    region : int, optional
        Which region, where they differ.

    Returns
    -------
    list of FixedPoint
        In ascending order of the first state; empty if there are none.

    Raises
    ------
    TypeError
        If the model is not one of ours, or a value is traced.
    ValueError
        If a name or a value is wrong, or the equations depend on time.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass.analysis import fixed_points
    >>> node, rates = brainmass.MontbrioPazoRoxinStep(1), (0 * u.Hz, 3000 * u.Hz)
    >>> for point in fixed_points(node, box={"r": rates}):
    ...     print(point)
    FixedPoint(r=81.1344 Hz, v=-1.96162, stable node)
    FixedPoint(r=472.98 Hz, v=-0.336494, saddle)
    FixedPoint(r=1030.6 Hz, v=-0.15443, stable focus)
    """
    flow = flow_of(model, at, region, "fixed_points")
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise ValueError(
            f"fixed_points: starts must be a positive whole number; got {starts!r}. Pass 256."
        )
    area = read_box(flow, box)
    found, linear = find(flow, area, starts)
    return [point_of(flow, y, matrix) for y, matrix in zip(found, linear, strict=True)]


def jacobian(model, state=None, *, at=None, region: int | None = None) -> np.ndarray:
    """Return the exact Jacobian of a model's equations.

    Parameters
    ----------
    model : NeuralMass or Network
        As for :func:`fixed_points`.
    state : dict or FixedPoint, optional
        Where, by state; what is left out is at the initial value of the model.
    at : dict, optional
        Parameters and inputs by name in place of those of the model.
    region : int, optional
        Which region, where they differ.

    Returns
    -------
    numpy.ndarray (n, n)
        ``J[i, j]``, the derivative of the rate of state i by state j, in the declared unit of i
        per ms and per declared unit of j. In a network the regions of the first state come first.

    Raises
    ------
    ValueError
        If a name or a value is wrong.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass.analysis import jacobian
    >>> jacobian(brainmass.HopfStep(1, a=-0.5, w=0.25)).tolist()
    [[-0.5, -0.25], [0.25, -0.5]]
    """
    flow = flow_of(model, at, region, "jacobian")
    given = state.state if isinstance(state, FixedPoint) else state
    return flow.call(_linear, flow.w, flow.pack(given))[1]


def resting(flow: Flow, y: np.ndarray, scale: np.ndarray) -> bool:
    """Whether hardly anything moves at ``y``: no state gets far in the range of ``scale``."""
    rates = flow.call(_linear, flow.w, y)[0]
    return bool(np.abs(rates * flow.dt / scale).max() < 1e-6)


def _linear(rules):
    """Rates and Jacobian at one state."""

    def run(fixed, w, y):
        rates = partial(rules.bind(fixed), w)
        return rates(y), jax.jacfwd(rates)(y)

    return run


# -- what they are ------------------------------------------------------------------------------


def point_of(flow: Flow, y: np.ndarray, matrix: np.ndarray) -> FixedPoint:
    """Return the fixed point at ``y``."""
    eigenvalues = ordered(np.linalg.eigvals(matrix))
    return FixedPoint(flow.attach(y), eigenvalues, matrix, kind_of(eigenvalues))


def ordered(eigenvalues: np.ndarray) -> np.ndarray:
    """Sort eigenvalues by falling real part, conjugate pairs with the positive one first."""
    eigenvalues = np.asarray(eigenvalues, complex)
    return eigenvalues[np.lexsort((-eigenvalues.imag, -np.round(eigenvalues.real, 12)))]


def _slack(eigenvalues: np.ndarray) -> float:
    return _ZERO * float(np.abs(eigenvalues).max(initial=0.0)) + 1e-300


def kind_of(eigenvalues: np.ndarray) -> str:
    """Name a fixed point after its eigenvalues.

    Examples
    --------
    >>> kind_of([-1 + 2j, -1 - 2j]), kind_of([1, -1]), kind_of([2j, -2j])
    ('stable focus', 'saddle', 'centre')
    """
    eigenvalues = np.asarray(eigenvalues, complex)
    slack = _slack(eigenvalues)
    real = eigenvalues.real
    up, down = eigenvalues[real > slack], eigenvalues[real < -slack]
    if len(up) + len(down) < len(eigenvalues):
        still = eigenvalues[np.abs(real) <= slack]
        turning = np.abs(still.imag) > slack
        return "centre" if turning.all() and not len(up) else "non-hyperbolic"
    if len(up) and len(down):
        return "saddle-focus" if np.abs(up.imag).max() > slack else "saddle"
    slowest = eigenvalues[np.argmin(np.abs(real))]
    shape = "focus" if abs(slowest.imag) > slack else "node"
    return f"{'unstable' if len(up) else 'stable'} {shape}"


def written(state: dict[str, Any], names: Sequence[str] = ()) -> str:
    """Write states in a few characters: values, or their range over the regions."""
    parts = []
    for name in names or state:
        value = state[name]
        unit = u.get_unit(value)
        bare = np.asarray(u.get_mantissa(value))
        lo, hi = float(bare.min()), float(bare.max())
        alike = hi - lo <= 1e-9 * max(abs(lo), abs(hi), 1e-300)
        text = f"{_tidy(lo):.6g}" if alike else f"{_tidy(lo):.6g}..{_tidy(hi):.6g}"
        parts.append(f"{name}={text}" + ("" if unit.is_unitless else f" {unit}"))
    return ", ".join(parts)


def _tidy(value: float) -> float:
    """Write what rounding left of a zero as zero."""
    return 0.0 if abs(value) < 1e-12 else value

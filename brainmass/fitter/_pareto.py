"""Several objectives at once: the points that none other beats in all of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import brainunit as u
import jax
import numpy as np

from brainmass._errors import choices

from ._search import Candidate, Row, numbers_of

__all__ = ["Front", "ParetoFront"]


class ParetoFront:
    """The trade-off between several objectives: points that no other point beats in all of them.

    Points are ordered by the first objective. The losses are those of each point evaluated by
    itself.

    Parameters
    ----------
    losses : dict
        Name of an objective to an array of its weighted losses, one per point.
    params : list of dict
        Parameters of each point, as ``FitResult.best_params``.

    Examples
    --------
    >>> from brainmass.fitter import ParetoFront
    >>> front = ParetoFront({"fc": [0.1, 0.4], "psd": [0.5, 0.2]}, [{"k": 1.0}, {"k": 2.0}])
    >>> len(front), front.choose(fc=1.0, psd=2.0)
    (2, {'k': 2.0})
    """

    def __init__(self, losses: dict[str, Any], params: list[dict[str, Any]]):
        self.losses = {name: np.asarray(values, dtype=float) for name, values in losses.items()}
        self.params = list(params)

    def __len__(self) -> int:
        return len(self.params)

    def choose(self, **weights: float) -> dict[str, Any]:
        """Return the parameters with the smallest weighted sum of losses.

        Parameters
        ----------
        **weights
            Objective to weight; one that is not named has weight 1.

        Returns
        -------
        dict
            Parameters of that point.
        """
        if unknown := [name for name in weights if name not in self.losses]:
            raise ValueError(
                f"ParetoFront.choose: weights must be for {choices(self.losses)}; got "
                f"{choices(unknown)}. Correct the name."
            )
        if not self.params:
            raise ValueError(
                "ParetoFront.choose: the front must hold a point; got none with finite losses. "
                "Search elsewhere."
            )
        total = sum(weights.get(name, 1.0) * loss for name, loss in self.losses.items())
        return self.params[int(np.argmin(total))]

    def plot(self, x: str | None = None, y: str | None = None, *, ax: Any = None, **kwargs) -> Any:
        """Draw one loss against another.

        Parameters
        ----------
        x, y : str, optional
            Objectives. Default: the first two.
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        **kwargs
            For ``Axes.plot``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from matplotlib import pyplot as plt

        names = list(self.losses)
        x, y = x or names[0], y or names[1]
        ax = plt.subplots()[1] if ax is None else ax
        ax.plot(self.losses[x], self.losses[y], **{"marker": "o", **kwargs})
        ax.set(xlabel=x, ylabel=y)
        return ax

    def __repr__(self) -> str:
        return f"ParetoFront({len(self)} points of {choices(self.losses)})"


class Front:
    """The front of a running search, in coordinates of its cube.

    Parameters
    ----------
    names : tuple of str
        Names of the objectives.
    """

    def __init__(self, names: tuple[str, ...]):
        self.names = names
        self._losses = np.empty((0, len(names)))
        self._cube: np.ndarray | None = None
        self._evaluated: dict[bytes, Candidate] = {}

    def with_points(self, cube: np.ndarray, rows: list[Row]) -> Front:
        """Return the front with further evaluated points taken in."""
        table = np.array([[row.numbers[name] for name in self.names] for row in rows])
        good = np.all(np.isfinite(table), axis=1)
        old = np.empty((0, cube.shape[1])) if self._cube is None else self._cube
        losses = np.concatenate([self._losses, table[good]])
        places = np.concatenate([old, cube[good]])
        keep = not_dominated(losses)
        new = copy.copy(self)
        new._losses, new._cube = losses[keep], places[keep]
        return new

    def result(self, evaluate: Callable[[np.ndarray], Candidate], program: Any) -> ParetoFront:
        """Return the front with every point evaluated by itself."""
        places = [] if self._cube is None else list(self._cube)
        known = {z.tobytes(): self._evaluated.get(z.tobytes()) for z in places}
        self._evaluated = {
            key: found or evaluate(z)
            for (key, found), z in zip(known.items(), _distinct(places), strict=True)
        }
        points = list(self._evaluated.values())
        numbers = [numbers_of(program, point.record["extra"]) for point in points]
        table = np.array([[n[name] for name in self.names] for n in numbers])
        table = table.reshape(-1, len(self.names))
        order = [i for i in np.argsort(table[:, 0], kind="stable") if not_dominated(table)[i]]
        losses = {name: table[order, k] for k, name in enumerate(self.names)}
        return ParetoFront(losses, [_on_host(points[i].record["values"]) for i in order])

    def pack(self) -> dict[str, Any]:
        """Return losses and places."""
        return {"losses": self._losses, "cube": self._cube}

    def unpack(self, packed: dict[str, Any]) -> None:
        """Take losses and places back."""
        self._losses, self._cube = packed["losses"], packed["cube"]


def not_dominated(losses: np.ndarray) -> np.ndarray:
    """Return which rows no other row beats or equals in all columns; of equal rows the first."""
    keep = np.ones(len(losses), bool)
    for i, row in enumerate(losses):
        beaten = np.all(losses <= row, axis=1) & np.any(losses < row, axis=1)
        same = np.all(losses[:i] == row, axis=1)
        keep[i] = not (beaten.any() or same.any())
    return keep


def _distinct(places: list[np.ndarray]) -> list[np.ndarray]:
    return list({z.tobytes(): z for z in places}.values())


def _on_host(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: u.Quantity(jax.device_get(v.mantissa), unit=v.unit)
        if isinstance(v, u.Quantity)
        else jax.device_get(v)
        for name, v in values.items()
    }

"""The course of a fit: losses, and columns of what else was noted."""

from __future__ import annotations

from typing import Any

import brainunit as u
import jax
import numpy as np

from brainmass._errors import choices

from ._search import Row

__all__ = ["Columns", "History", "better"]

_LARGEST_COLUMN = 256  # numbers; larger parameters are not kept for every step
_FIXED = ("step", "loss", "best_loss", "gradient_norm")


class History(list):
    """The course of a fit: a list of losses, and columns of what else was noted.

    Parameters
    ----------
    columns : dict
        Name to list of equal length; ``'loss'`` is one of them.

    Examples
    --------
    >>> from brainmass.fitter import History
    >>> history = History({"step": [0, 1], "loss": [2.0, 1.5]})
    >>> len(history), history[-1], min(history)
    (2, 1.5, 1.5)
    >>> history["step"]
    array([0, 1])
    """

    def __init__(self, columns: dict[str, list]):
        super().__init__(columns["loss"])
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, str):
            return super().__getitem__(index)
        if index not in self._columns:
            raise KeyError(
                f"History: column must be one of {choices(self._columns)}; got {index!r}. "
                "Choose one."
            )
        column = self._columns[index]
        if column and isinstance(column[0], u.Quantity):
            unit = column[0].unit
            return u.Quantity(np.stack([np.asarray(v.to_decimal(unit)) for v in column]), unit=unit)
        return column if column and isinstance(column[0], dict) else np.asarray(column)

    def __repr__(self) -> str:
        return f"History({len(self)} losses; columns {choices(self._columns)})"


class Columns:
    """The history of a running fit.

    Parameters
    ----------
    lists : dict, optional
        Name to column, of the steps that are done already.
    """

    def __init__(self, lists: dict[str, list] | None = None):
        self.lists = {name: [] for name in _FIXED} if lists is None else lists
        self._whole = len(self.lists["loss"])  # rows that are complete in every column

    def __len__(self) -> int:
        return self._whole

    def cut(self, count: int) -> None:
        """Forget what came after so many rows."""
        self._whole = count
        for name in list(self.lists):
            del self.lists[name][count:]
            if not self.lists[name] and name not in _FIXED:
                del self.lists[name]

    def add(self, step: int, rows: list[Row], **last: float) -> None:
        """Add the evaluations of a step; further numbers belong to the last of them."""
        for k, row in enumerate(rows):
            numbers = {
                "step": step,
                "loss": row.loss,
                "best_loss": self._smallest(row.loss),
                "gradient_norm": row.gradient_norm,
                **{_free(name, _FIXED, "part"): value for name, value in row.numbers.items()},
                **(last if k + 1 == len(rows) else {}),
            }
            self._append(numbers)
            for name, value in row.values.items():
                if sum(np.size(leaf) for leaf in jax.tree.leaves(value)) <= _LARGEST_COLUMN:
                    self.lists.setdefault(_free(name, numbers, "value"), []).append(value)
        self._whole = len(self.lists["loss"])

    def _append(self, numbers: dict[str, float]) -> None:
        before = len(self.lists["loss"])
        for name, value in numbers.items():
            column = self.lists.setdefault(name, [])
            column += [float("nan")] * (before - len(column))
            column.append(value)

    def _smallest(self, loss: float) -> float:
        before = self.lists["best_loss"]
        if not before or better(loss, before[-1]):
            return loss
        return before[-1]

    def history(self, step: int, pending: list[Row]) -> History:
        """Return the history, with the evaluations of an unfinished step at its end."""
        whole = self._whole  # another thread may be adding a row
        out = Columns({name: column[:whole] for name, column in list(self.lists.items())})
        out.add(step, pending)
        for column in out.lists.values():
            column += [float("nan")] * (len(out) - len(column))
        return History(out.lists)


def better(new: float, old: float) -> bool:
    """Whether a loss is an improvement; one that is not finite never is."""
    return bool(np.isfinite(new) and (new < old or not np.isfinite(old)))


def _free(name: str, taken: Any, suffix: str) -> str:
    """Return a name for a column that is not taken."""
    return f"{name}_{suffix}" if name in taken else name

"""What a target is, and the checked values that it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

__all__ = ["INPUTS", "Column", "Target", "member_of", "owner_of"]

INPUTS = "inputs"


@dataclass(frozen=True)
class Column:
    """The checked values of one parameter, first axis: the points.

    Attributes
    ----------
    numbers : array (points, ...) or None
        Bare values in ``unit``.
    objects : list or None
        Values that are no numbers: inputs, functions, names.
    unit : brainunit.Unit
        Unit of the numbers.
    doc : str
        What the parameter means.
    axes : tuple of str
        Names of the axes behind the first.
    """

    numbers: np.ndarray | None
    objects: list | None
    unit: u.Unit
    doc: str
    axes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.objects if self.numbers is None else self.numbers)

    @property
    def scalar(self) -> bool:
        """Whether each point is one number."""
        return self.numbers is not None and self.numbers.ndim == 1

    def value(self, k: int) -> Any:
        """Return the value of one point as the model takes it."""
        if self.numbers is None:
            return self.objects[k]  # pyright: ignore[reportOptionalSubscript]
        number = self.numbers[k]
        return number if self.unit.is_unitless else u.Quantity(number, unit=self.unit)


@dataclass(frozen=True)
class Target:
    """One thing that can be varied.

    Attributes
    ----------
    name : str
        Dotted name.
    unit : brainunit.Unit
        Unit of its values.
    doc : str
        What it is.
    read : callable
        ``values -> Column``; refuses what does not fit.
    apply : callable
        ``(model, value, hint) -> None``; sets one value.
    hint : callable, optional
        ``Column -> hint``: what lets one compiled program serve all values; it travels to workers.
    structural : bool
        Whether a value decides about more than numbers that the program takes.
    bare : callable, optional
        ``value -> array`` of bare numbers in ``unit``; None where nothing can be drawn at random.
    """

    name: str
    unit: u.Unit
    doc: str
    read: Callable[[Any], Column]
    apply: Callable[[Any, Any, Any], None]
    hint: Callable[[Column], Any] | None = None
    structural: bool = True
    bare: Callable[[Any], Any] | None = None


def owner_of(model, name: str) -> tuple[Any, str]:
    """Return the module that holds the last part of a dotted name."""
    *path, last = name.split(".")
    owner = model
    for part in path:
        owner = member_of(owner, part)
        if owner is None:
            return None, last
    return owner, last


def member_of(owner, part: str):
    if isinstance(owner, list | tuple):
        return owner[int(part)] if part.isdigit() and int(part) < len(owner) else None
    found = vars(owner).get(part)
    if found is None and isinstance(getattr(type(owner), part, None), property):
        found = getattr(owner, part)
    return found

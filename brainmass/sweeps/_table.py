"""Where finished points go: arrays in memory, or a store on disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ._points import Design
from ._recipe import Piece
from ._result import MARKS, Variable, coordinates, decode
from ._work import Done

__all__ = ["MemoryTable", "Table", "filled"]


def filled(dtype: np.dtype) -> Any:
    """Return what stands where nothing was computed."""
    return np.nan if dtype.kind in "fc" else np.zeros((), dtype)[()]


class Table(ABC):
    """All points of a sweep, as they come in.

    Parameters
    ----------
    design : Design
        The points.
    states : sequence of str
        Names of the states, for marks of divergence.
    attrs : dict
        Attributes of the result.
    """

    def __init__(self, design: Design, states: Sequence[str], attrs: dict[str, Any]):
        self.design, self.states, self.attrs = design, list(states), dict(attrs)
        self.variables: dict[str, Variable] = {}
        self.coords: dict[str, tuple] = coordinates(design)
        self.finished = np.zeros(len(design), bool)
        self.diverged = 0

    def put(self, done: dict[int, Done]) -> None:
        """Take in finished points."""
        if not done:
            return
        for point in done.values():
            if point.pieces:
                self._check(point.pieces)
        points = sorted(done)
        self._write(np.array(points), self._columns([done[p] for p in points]))
        self.finished[points] = True
        self.diverged += sum(d.diverged is not None for d in done.values())

    def _check(self, pieces: dict[str, Piece]) -> None:
        """Let the first point decide what there is; refuse points that differ from it."""
        if not self.variables:
            self._refuse_clashes(pieces)
            self.variables = {name: Variable.of(piece) for name, piece in pieces.items()}
            for piece in pieces.values():
                for dim, (values, unit) in piece.coords.items():
                    self.coords[dim] = (dim,), values, {"units": unit} if unit else {}
            self._allocate()
            return
        if pieces.keys() != self.variables.keys():
            raise ValueError(
                "sweep: reduce must give the same names at every point; got "
                f"{sorted(pieces)} after {sorted(self.variables)}. Return the same everywhere."
            )
        for name, piece in pieces.items():
            if piece.array.shape != self.variables[name].shape:
                raise ValueError(
                    f"sweep: '{name}' must have one shape at all points; got {piece.array.shape} "
                    f"after {self.variables[name].shape}. Return arrays of one shape."
                )

    def _refuse_clashes(self, pieces: dict[str, Piece]) -> None:
        taken = {*MARKS, *self.coords}
        if clash := sorted(taken & pieces.keys()):
            raise ValueError(
                f"sweep: names of results must differ from those of points and marks; got "
                f"'{clash[0]}'. Rename it in reduce or monitors."
            )

    def _columns(self, done: list[Done]) -> dict[str, np.ndarray]:
        """Return every variable and mark of these points, first axis the points."""
        out: dict[str, np.ndarray] = {}
        for name, v in self.variables.items():
            rows = np.full((len(done), *v.shape), filled(v.dtype), v.dtype)
            for k, point in enumerate(done):
                if point.pieces:
                    rows[k] = point.pieces[name].array
            out[name] = rows
        marks = [self._mark(d) for d in done]
        for k, (name, (dtype, _, _)) in enumerate(MARKS.items()):
            out[name] = np.array([m[k] for m in marks], dtype)
        return out

    def _mark(self, done: Done) -> tuple:
        if done.diverged is None:
            return (True, *(empty for _, empty, _ in list(MARKS.values())[1:]))
        state, region, time = done.diverged
        known = self.states.index(state) if state in self.states else -1
        return True, True, known, region[-1] if region else 0, time

    def mark_attrs(self, name: str) -> dict[str, str]:
        """Return the attributes of a mark; the numbers of states are explained as in CF."""
        named = {"flag_meanings": " ".join(self.states)} if name == "diverged_state" else {}
        return MARKS[name][2] | named

    @property
    def final_attrs(self) -> dict[str, Any]:
        """Attributes with how far the sweep came."""
        counts = {"points_finished": int(self.finished.sum()), "points_diverged": self.diverged}
        return {**self.attrs, **counts}

    @abstractmethod
    def _allocate(self) -> None:
        """Make room, now that the variables are known."""

    @abstractmethod
    def _write(self, points: np.ndarray, columns: dict[str, np.ndarray]) -> None:
        """Take in some points."""

    @abstractmethod
    def result(self):
        """Return the dataset."""

    def close(self) -> None:  # noqa: B027 - a table in memory has nothing to close
        """Finish writing."""


class MemoryTable(Table):
    """Points in arrays of this process."""

    def __init__(self, design, states, attrs):
        super().__init__(design, states, attrs)
        n = len(design)
        self._arrays = {name: np.full(n, empty, dtype) for name, (dtype, empty, _) in MARKS.items()}

    def _allocate(self) -> None:
        for name, v in self.variables.items():
            shape = (len(self.design), *v.shape)
            self._arrays[name] = np.full(shape, filled(v.dtype), v.dtype)

    def _write(self, points, columns) -> None:
        for name, rows in columns.items():
            self._arrays[name][points] = rows

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the variables and where points diverged, without names of axes."""
        shape = self.design.shape
        names = [*self.variables, "diverged"]
        return {n: self._arrays[n].reshape(*shape, *self._arrays[n].shape[1:]) for n in names}

    def result(self):
        """Return the dataset."""
        import xarray

        dims, shape = self.design.dim_names, self.design.shape
        variables = {
            name: (
                (*dims, *v.dims),
                self._arrays[name].reshape(*shape, *v.shape),
                v.attrs,
            )
            for name, v in self.variables.items()
        }
        for name in MARKS:
            variables[name] = dims, self._arrays[name].reshape(shape), self.mark_attrs(name)
        return decode(xarray.Dataset(variables, self.coords, self.final_attrs))


def runs(points: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[slice, tuple]]:
    """Yield stretches of points that lie side by side in the last dimension, and their place."""
    start = 0
    for k in range(1, len(points) + 1):
        side = k < len(points) and points[k] == points[k - 1] + 1
        if side and points[k] % shape[-1]:
            continue
        first = np.unravel_index(points[start], shape)
        yield (
            slice(start, k),
            (*map(int, first[:-1]), slice(int(first[-1]), int(first[-1]) + k - start)),
        )
        start = k

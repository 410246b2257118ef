"""Which axis of a variable is time, the batch, the regions, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import brainunit as u
import jax
import numpy as np

from .._errors import choices
from ..connectome import Connectome
from ..simulator import Simulator
from ._codec import clean

__all__ = ["Layout", "leaves_of", "model_of", "wished_names"]


def model_of(source: Any) -> Any:
    return source.model if isinstance(source, Simulator) else source


def wished_names(result: dict) -> dict[str, str]:
    """Return names of variables: 'ts' is 'time', 'bold.ts' is 'time_bold', none is a dimension."""
    names = {"ts": "time"}
    for key in map(str, result):
        if key.endswith(".ts"):
            names[key] = f"time_{key[:-3]}"
        elif key in ("time", "batch", "region", "other_region") or key.startswith("time_"):
            names[key] = f"{key}_"
    return names


def leaves_of(tree: Any) -> list[Any]:
    return jax.tree.leaves(tree, is_leaf=lambda value: isinstance(value, u.Quantity))


@dataclass
class Layout:
    """The names of dimensions: which axis is time, which the batch, which the regions.

    Attributes
    ----------
    times : dict
        Variable to the name and length of its time axis.
    regions, batch : int or None
        Lengths of these axes.
    axes : dict
        Entry and length of an axis, to the variable that labels it.
    given : dict
        Names that the user gave, by variable.
    """

    times: dict[str, tuple[str, int]] = field(default_factory=dict)
    regions: int | None = None
    batch: int | None = None
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Sequence[str] | None = None
    axes: dict[tuple[str, int], str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, thing, kind, model, labels, given) -> Layout:
        layout = cls(given=given)
        if kind == "result":
            layout._read_times(thing, wished_names(thing))
        source = model_of(thing if kind in ("model", "simulator") else model)
        shape = getattr(getattr(source, "node", source), "varshape", None)
        if shape:
            layout.regions = shape[-1]
        elif isinstance(thing, Connectome):
            layout.regions, labels = thing.n_regions, thing.labels if labels is None else labels
        if labels is not None:
            labels = labels.labels if isinstance(labels, Connectome) else tuple(labels)
            fits = len(labels) == layout.regions if shape else layout._may_have(thing, len(labels))
            if not fits:
                raise ValueError(
                    f"to_xarray: labels must name the {layout.regions} regions; got "
                    f"{len(labels)} names. Give one per region."
                )
            layout.regions, layout.labels = len(labels), labels
        return layout

    @staticmethod
    def _may_have(thing: Any, regions: int) -> bool:
        """Whether anything has an axis for that many regions."""
        return any(np.shape(leaf)[-1:] == (regions,) for leaf in leaves_of(thing))

    def _read_times(self, result: dict, names: dict[str, str]) -> None:
        steps = np.shape(result["ts"])[0] if "ts" in result else None
        for key, value in result.items():
            own = np.shape(result[f"{key}.ts"])[0] if f"{key}.ts" in result else None
            name, length = (f"time_{key}", own) if own is not None else ("time", steps)
            for leaf in leaves_of(value):
                shape = np.shape(leaf)
                if shape and shape[0] == length:
                    self.times[clean(names.get(key, key))] = (clean(name), length)
                    if len(shape) > 1 and own is None and self.regions is None:
                        self.regions = shape[-1]
                    if len(shape) == 3 and self.batch is None:
                        self.batch = shape[1]

    def learn(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Let a series within an entry, such as the frequencies of a spectrum, label its axis."""
        for name, shape in shapes.items():
            entry = name.rpartition(".")[0]
            time = self.times.get(entry.partition(".")[0], ("", None))[1]
            if entry and len(shape) == 1 and shape[0] not in (self.regions, self.batch, time):
                self.axes.setdefault((entry, shape[0]), name)

    def dims(self, name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
        """Return the names of the axes of a variable."""
        if name in self.given:
            names = tuple(self.given[name])
            if len(names) != len(shape):
                raise ValueError(
                    f"to_xarray: dims of '{name}' must name its {len(shape)} axes; got "
                    f"{choices(names)}. Give one name per axis."
                )
        elif len(shape) == 1 and (name == "time" or name in {t for t, _ in self.times.values()}):
            names = (name,)
        else:
            names = self._guess(name, shape)
        out = []
        for k, (axis, size) in enumerate(zip(names, shape, strict=True)):
            if axis in out or self.sizes.get(axis, size) != size:
                axis = f"{name}_{k}"
            self.sizes[axis] = size
            out.append(axis)
        return tuple(out)

    def _guess(self, name: str, shape: tuple[int, ...]) -> tuple[str, ...]:
        key = next((k for k in self.times if name == k or name.startswith(f"{k}.")), None)
        time = self.times.get(key) if key is not None else None
        rest = list(shape)
        entry = name.rpartition(".")[0]
        names = [self.axes.get((entry, n), f"{name}_{k}") for k, n in enumerate(shape)]
        first = 0
        if time is not None and rest and rest[0] == time[1]:
            names[0], first = time[0], 1
        left = len(shape) - first
        if left and shape[-1] == self.regions:
            names[-1] = "region"
            square = left >= 2 and shape[-2] == self.regions
            if square and (first == 0 or left > 2):
                names[-2:] = ["region", "other_region"]
                left -= 1
            if left == 2 and shape[first] == self.batch:
                names[first] = "batch"
        elif left == 1 and first and self.batch is not None and shape[-1] == self.batch:
            names[-1] = "batch"
        return tuple(names)

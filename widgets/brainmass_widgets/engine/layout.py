"""What a program is compiled for: which inputs and noises it has, and which numbers vary by region.

A program serves all values, but not all structures. If every combination of inputs, noises and
arrays had its own, their number would double with every slider. Three questions are asked instead,
and the inputs are there for every yes: that makes five programs, few enough to compile them all
before anybody needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .drive import path_of
from .fields import Field
from .noise import AddedNoise

__all__ = ["Layout", "Layouts"]

_ORDER = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1), (0, 0, 0)]

_TOUCH = 1e-3
"""A value that is not zero, to compile with; any other finds the same program."""


class Layout(NamedTuple):
    """The answers to the three questions.

    Attributes
    ----------
    driven : bool
        Whether an inlet that was without constant input has one, or noise or arrays were added:
        then all of them count.
    noisy : bool
        Whether noise was added in a free slot: then all free slots have some, of strength zero.
    regional : bool
        Whether a number that all regions shared has values by region: then all such numbers have.
    """

    driven: bool
    noisy: bool
    regional: bool


class Layouts:
    """Brings the numbers of a model into the layout that they need.

    Parameters
    ----------
    fields : dict of str to Field
        The numbers.
    start : dict of str to numpy.ndarray
        Their values at first.
    shape : tuple of int
        Shape of the population.
    """

    def __init__(self, fields: dict[str, Field], start: dict[str, np.ndarray], shape):
        self._start, self._shape = start, tuple(shape)
        inputs = [p for p, f in fields.items() if f.group == "Constant input"]
        self._given = [p for p in inputs if np.any(start[p] != 0)]
        self._inputs = inputs if len(self._given) < len(inputs) else []
        added = [p for p, f in fields.items() if isinstance(f.owner, AddedNoise)]
        self._sigmas = [p for p in added if p.endswith(".sigma")]
        # A single node has no region to pick.
        self._several = int(np.prod(shape)) > 1
        self._drives = [*inputs, *added] if self._several else []
        self._shared = [
            path
            for path, f in fields.items()
            if self._several
            and f.group in ("Parameters", "Coupling", "Noise")
            and f.shape == self._shape
            and start[path].ndim == 0
        ]

    def of(self, values: dict[str, np.ndarray]) -> Layout:
        """Return the layout that values need."""
        noisy = any(np.any(values.get(p, 0.0)) for p in self._sigmas)
        regional = any(np.ndim(values.get(p, 0.0)) > 0 for p in self._shared)
        driven = any(np.any(values.get(p, 0.0)) for p in self._inputs if p not in self._given)
        return Layout(bool(self._inputs) and (driven or noisy or regional), noisy, regional)

    def inputs(self, layout: Layout) -> list[str]:
        """Return the constant inputs that count at zero, too."""
        return self._inputs if layout.driven else self._given

    def lay(self, values: dict[str, Any], layout: Layout, stimulus: str = "") -> dict[str, Any]:
        """Return the values with an entry for each region where the program takes one.

        Parameters
        ----------
        values : dict of str to numpy.ndarray
            Numbers by path.
        layout : Layout
            What they need.
        stimulus : str, optional
            Path of the height of a stimulus.
        """
        paths = [*self._drives, *([stimulus] if stimulus and self._several else [])]
        paths += self._shared if layout.regional else []
        wide = {
            p: np.full(self._shape, values[p]) for p in paths if p in values and not values[p].ndim
        }
        return {**values, **wide} if wide else values

    def others(self, values: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """Return values for every other layout, those that one touch leads to first."""
        seen = {self.of(values)}
        free = [p for p in self._inputs if p not in self._given]
        for driven, noisy, regional in _ORDER:
            size = {**dict.fromkeys(free, driven), **dict.fromkeys(self._sigmas, noisy)}
            other = {**values, **{p: np.asarray(_TOUCH * there) for p, there in size.items()}}
            for p in self._shared:
                first = np.ravel(values[p])[0]
                other[p] = np.full(self._shape, first) if regional else np.asarray(first)
            if (layout := self.of(other)) not in seen:
                seen.add(layout)
                yield other


def height_of(request: Any) -> str:
    """Return the path of the height of the stimulus of a request, '' without one."""
    return "" if request.stimulus == "none" else path_of("amplitude", request.inlet)

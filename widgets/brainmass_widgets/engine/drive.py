"""What enters a model from outside: constants and one stimulus, with a control for each number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

import brainmass
from brainmass import stimuli

from .fields import Field

__all__ = ["STIMULI", "Part", "drive_fields", "parts_of"]

STIMULI: dict[str, tuple[str, ...]] = {
    "none": (),
    "step": ("amplitude", "onset"),
    "pulse": ("amplitude", "onset", "length"),
    "pulse train": ("amplitude", "frequency", "length", "onset"),
    "ramp": ("amplitude", "onset", "length"),
    "sine": ("amplitude", "frequency", "onset"),
    "noise": ("amplitude", "onset"),
}
"""The stimuli that a widget offers, with the numbers that each takes."""

_FUNCTIONS = {
    "step": (stimuli.step, ("amplitude", "onset")),
    "pulse": (stimuli.pulse, ("amplitude", "onset", "duration")),
    "pulse train": (stimuli.pulse_train, ("amplitude", "frequency", "duration", "onset")),
    "ramp": (stimuli.ramp, ("amplitude", "onset", "duration")),
    "sine": (stimuli.sine, ("amplitude", "frequency", "onset")),
    "noise": (stimuli.noise, ("sigma", "onset")),
}

_HEIGHTS = ((u.Hz, 100.0), (u.mV, 5.0))
"""Height that a stimulus starts with; ours, 1 where the unit is another."""

_SHARED = {
    "onset": brainmass.param(
        50.0 * u.ms, bounds=(0.0, 500.0), domain="nonnegative", doc="when the stimulus begins"
    ),
    "length": brainmass.param(
        20.0 * u.ms, bounds=(1.0, 200.0), domain="positive", doc="how long it, or one pulse, lasts"
    ),
    "frequency": brainmass.param(
        10.0 * u.Hz, bounds=(0.5, 200.0), domain="positive", log=True, doc="repetitions per time"
    ),
}


@dataclass(frozen=True)
class Part:
    """One summand of the input: a stimulus, or a constant, which is a step at time zero.

    Attributes
    ----------
    kind : str
        One of ``STIMULI``.
    numbers : dict of str to tuple
        Value and unit of each argument of the function in :mod:`brainmass.stimuli`.
    inlet : str
        Where it enters.
    """

    kind: str
    numbers: dict[str, tuple[np.ndarray, u.Unit]]
    inlet: str

    @property
    def function(self) -> str:
        """Name of the function in :mod:`brainmass.stimuli`."""
        return _FUNCTIONS[self.kind][0].__name__

    def make(self) -> Any:
        """Return the stimulus."""
        values = {
            name: (value if value.ndim else float(value)) * (1.0 if unit.is_unitless else unit)
            for name, (value, unit) in self.numbers.items()
        }
        return _FUNCTIONS[self.kind][0](**values, inlet=self.inlet)


def drive_fields(kinds: Any, shape: tuple[int, ...]) -> Iterator[Field]:
    """Return a constant for each inlet of a declaration, and the numbers of a stimulus."""
    for name, spec in kinds.ports.items():
        yield Field(f"input.{name}", "Constant input", spec, shape, None, name)
    if len(shape) != 1 or not kinds.ports:
        return
    for name, spec in kinds.ports.items():
        size = next((h for unit, h in _HEIGHTS if unit == spec.unit), 1.0)
        height = brainmass.param(
            spec.attach(size), bounds=(-2 * size, 2 * size), doc=f"height, entering {name}"
        ).named("amplitude")
        yield Field(f"stimulus.{name}.amplitude", "Stimulus", height, shape, None, "amplitude")
    for name, spec in _SHARED.items():
        yield Field(f"stimulus.{name}", "Stimulus", spec.named(name), (), None, name)


def parts_of(
    fields: dict[str, Field], values: dict[str, Any], request: Any, always: Sequence[str] = ()
) -> list[Part]:
    """Return what enters the model in a run; constants that are zero count where they must."""
    parts = []
    for path, f in fields.items():
        if path.startswith("input."):
            value = values[path]
            if path in always or np.any(value != 0):
                parts.append(Part("step", {"amplitude": (value, f.spec.unit)}, f.attribute))
    if request.stimulus != "none":
        numbers = {}
        names = _FUNCTIONS[request.stimulus][1]
        for argument, name in zip(names, STIMULI[request.stimulus], strict=True):
            path = path_of(name, request.inlet)
            numbers[argument] = (values[path], fields[path].spec.unit)
        parts.append(Part(request.stimulus, numbers, request.inlet))
    return parts


def path_of(number: str, inlet: str) -> str:
    """Return the path of a number of the stimulus; the height has the unit of its inlet."""
    return f"stimulus.{inlet}.{number}" if number == "amplitude" else f"stimulus.{number}"

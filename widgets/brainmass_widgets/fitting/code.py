"""A fit as a script that gives the same losses."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from ..code.model import call
from ..quantities import write
from .course import Course
from .setup import AS_GIVEN, Choices, Setup

__all__ = ["fit_code"]


def fit_code(setup: Setup, choices: Choices, course: Course, n_steps: int, seed: int) -> str:
    """Write a fit that was run in a widget.

    Parameters
    ----------
    setup : Setup
        What was fitted.
    choices : Choices
        How.
    course : Course
        Its course, with what was set by hand.
    n_steps, seed : int
        Steps that were asked for, and the seed.

    Returns
    -------
    str
        Python code that starts from ``fitter`` and ``target`` of the user, and from ``predict``
        and ``objective`` where it has to make another fitter.
    """
    body = ["# `fitter` and `target` are what you gave to the widget."]
    body.append("model = fitter.model")
    changed = choices != setup.given
    if changed:
        body += _remade(setup, choices, course)
    else:
        body += [
            f"model.{name} = {write(_short(value), setup.candidates[name].unit)}"
            for name, value in course.start.items()
            if setup.candidates[name].movable
        ]
    body += _loop(setup, course, n_steps, seed)
    text = "\n".join(body)
    head = []
    if "brainmass." in text:
        head.append("import brainmass")
    if "braintools." in text:
        head.append("import braintools")
    if " u." in text or "(u." in text:
        head.append("import brainunit as u")
    if "np." in text:
        head.append("import numpy as np")
    names = [name for name in ("Param", "SigmoidT") if f"{name}(" in text]
    if names:
        head.append(f"from brainstate.nn import {', '.join(names)}")
    return "\n".join([*head, *([""] if head else []), text]) + "\n"


def _short(value: np.ndarray) -> np.ndarray:
    """Return one number where all are equal."""
    return value.ravel()[0] if value.size and np.ptp(value) == 0 and value.ndim == 0 else value


def _remade(setup: Setup, choices: Choices, course: Course) -> list[str]:
    """Write the parameters and the fitter anew."""
    lines, bounds = [], dict(choices.bounds)
    for name, value in course.start.items():
        candidate = setup.candidates[name]
        if not candidate.movable:
            continue
        arguments = [write(value, candidate.unit)]
        given = setup.given_params[name]
        if name in bounds and choices.backend == "grad":
            low, high = (write(end, candidate.unit) for end in bounds[name])
            arguments.append(f"t=SigmoidT({low}, {high})")
        elif type(given.t).__name__ != "IdentityT":
            arguments.append(f"t=model.{name}.t")
        arguments.append(f"fit={name in choices.ticked}")
        lines.append(f"model.{name} = Param({', '.join(arguments)})")
    return [*lines, f"fitter = {_fitter(setup, choices)}"]


def _fitter(setup: Setup, choices: Choices) -> str:
    arguments = ["model"]
    if choices.optimizer == AS_GIVEN:
        if choices.backend == setup.fitter.backend:
            arguments.append("fitter.optimizer")
    elif choices.backend == "grad":
        arguments.append(f"braintools.optim.{choices.optimizer}(lr={choices.rate!r})")
    else:
        arguments.append(repr(choices.optimizer))
    for name, value in setup.arguments(choices).items():
        if name in ("predict", "loss_fn", "callbacks", "metrics"):
            arguments.append(f"{name}={name}")
        elif name == "objective":
            if not _is_default(value):
                arguments.append("objective=objective")
        elif name == "search_space":
            arguments.append(f"search_space={{{_space(value)}}}")
        else:
            quantity = isinstance(value, u.Quantity)
            text = write(np.asarray(value.mantissa), value.unit) if quantity else repr(value)
            arguments.append(f"{name}={text}")
    return call("brainmass.Fitter", arguments, indent=len("fitter = "))


def _is_default(objective: Any) -> bool:
    return getattr(objective, "__name__", "") == "timeseries_rmse"


def _space(space: dict[str, tuple[Any, Any]]) -> str:
    entries = []
    for name, ends in space.items():
        written = ", ".join(
            write(float(np.mean(u.get_mantissa(end))), u.get_unit(end)) for end in ends
        )
        entries.append(f"{name!r}: ({written})")
    return ", ".join(entries)


def _loop(setup: Setup, course: Course, n_steps: int, seed: int) -> list[str]:
    """Write the fit: in one call, or step by step where it was stopped or nudged."""
    done = len(course)
    if not course.changes and done in (0, n_steps):
        return [f"result = fitter.fit(target, n_steps={n_steps}, seed={seed})"]
    most = max([n_steps, done, *(c["n_steps"] for _, c in course.changes if "n_steps" in c)])
    lines = [f"fitter.start(target, n_steps={most}, seed={seed})"]
    at = 0
    for step, change in [*course.changes, (done, {})]:
        if step > at:
            lines += [f"for _ in range({step - at}):", "    fitter.step()"]
            at = step
        for name, value in change.get("values", {}).items():
            number = write(value, setup.candidates[name].unit)
            lines.append(f"fitter.set({{{name!r}: {number}}})")
        if "learning_rate" in change:
            lines.append(f"fitter.set(learning_rate={change['learning_rate']!r})")
    return [*lines, "result = fitter.result()" if done >= most else "result = fitter.stop()"]

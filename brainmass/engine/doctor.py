"""What to say when a run diverges: where, when, through which term, and which step would do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import brainunit as u
import numpy as np

from .._errors import DivergenceError
from .loop import NonFinite
from .node import NodeRules
from .stability import Situation, largest_step, situation
from .terms import Term, largest_term, terms_of

__all__ = ["Diagnosis", "brief", "diagnose", "examine", "first_bad"]

_brief: ContextVar[bool] = ContextVar("brainmass_brief", default=False)
_ADVICE = "Use a smaller dt, or check parameters and inputs."


@contextmanager
def brief():
    """Let divergences of this thread be told without looking for their cause."""
    token = _brief.set(True)
    try:
        yield
    finally:
        _brief.reset(token)


@dataclass(frozen=True)
class Diagnosis:
    """Why a run diverged.

    Attributes
    ----------
    term : Term or None
        Largest term of the derivative of the state where it last was finite.
    part : str
        What an inlet in that term is made of, if it is one.
    dt : float or None
        Step in milliseconds that would have been stable; None if the step was not the cause.
    limit : float or None
        Step from which on it is not.
    """

    term: Term | None = None
    part: str = ""
    dt: float | None = None
    limit: float | None = None
    known: bool = False

    def text(self, state: str, dt: float) -> str:
        """Say it."""
        said = ""
        if self.term is not None:
            said = f"The largest term of d{state}/dt was {self.term.text} = {self.term.value:.3g}"
            said += f" per ms{self.part}. "
        if self.limit is not None:
            advice = f"There dt must be below {self.limit:.3g} ms; got {dt:g} ms. Use a smaller dt"
            return said + advice + f", for example dt={self.dt:g} * u.ms."
        if self.known:
            return said + (
                "At that state dt was small enough, so the equations themselves run away there: "
                "check parameters, inputs and initial values."
            )
        return said + _ADVICE


def diagnose(system, failure: NonFinite, loop, drive, result: dict) -> DivergenceError:
    """Return the error that names state, region, time, the dominant term, and what to do."""
    state, region = first_bad(failure.after["y"])
    where = f"region {region[-1]}" if region else "the only node"
    if len(region) > 1:
        where = f"index {region}"
    time = failure.step * system.dt
    found = Diagnosis() if _brief.get() else system.diagnosis(failure, loop, drive, state, region)
    message = (
        f"Simulator: the states of {system.who} must stay finite; '{state}' of {where} was not "
        f"after t = {time:g} ms. {found.text(state, system.dt)} What was recorded until then is "
        "in .result."
    )
    return DivergenceError(
        message,
        state=state,
        region=region,
        time=u.Quantity(time, unit=u.ms),
        result=result,
        term=None if found.term is None else found.term.text,
        stable_dt=None if found.dt is None else u.Quantity(found.dt, unit=u.ms),
    )


def first_bad(y: dict) -> tuple[str, tuple]:
    """Return the first state that is not finite, and its region."""
    for name, value in y.items():
        bad = np.argwhere(~np.isfinite(np.asarray(value)))
        if len(bad):
            return name, tuple(int(k) for k in bad[0])
    return "noise", ()


def examine(rules, identity, values, failure: NonFinite, external, state, region) -> Diagnosis:
    """Find the cause from the states on the way to the failure.

    Near the end states are so large that every step is too large. What tells is the first state at
    which the step was too large, and the term that dominates while that is still so.
    """
    if state not in failure.after["y"]:
        return Diagnosis()
    known: dict[int, tuple[dict, Situation, float]] = {}

    def at(step: int) -> tuple[dict, Situation, float]:
        """Return states, what is known of them, and the largest stable step there."""
        if step not in known:
            carry = failure.before if step == failure.step else failure.at(step)
            here = situation(rules, identity, values, carry, step, external(step), region)
            finite = np.isfinite(here.jacobian).all()
            limit = largest_step(here.jacobian, rules.node.method) if finite else 0.0
            known[step] = carry, here, limit
        return known[step]

    with np.errstate(all="ignore"):
        first = _first(failure.start, failure.step, lambda step: at(step)[2] < rules.dt)
        limit, told = None, failure.step
        if first is not None and at(first)[2] > 0:
            limit = at(first)[2]
            worse = _first(first, failure.step, lambda step: at(step)[2] < limit / 2)
            told = failure.step if worse is None else max(first, worse - 1)
        term, part = _dominant(rules.node, values, told, *at(told)[:2], state, region, rules.dt)
    safe = None if limit is None else _round_down(limit / 2)
    return Diagnosis(term, part, safe, limit, known=True)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Return the first step from ``low`` on at which something holds that goes on holding."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def _dominant(node: NodeRules, values, step, carry, here: Situation, state, region, dt):
    """Return the largest term of one state's derivative, and what an inlet in it is made of."""
    y, totals = carry["y"], here.totals()
    params = values["params"]
    arguments: dict[str, Any] = {**params, **y}
    # A state, a parameter and an inlet may share a name with each other.
    given = {n: (n if n not in arguments else f"{n} (input)") for n in totals}
    arguments |= {given[n]: value for n, value in totals.items()}

    def rate(**now):
        return node.rates(
            {n: now[n] for n in params},
            {n: now[n] for n in y},
            {n: now[label] for n, label in given.items()},
            step * dt,
        )[state]

    term = largest_term(terms_of(rate, arguments, region))
    if term is None:
        return None, ""
    inlet = next((n for n, label in given.items() if label in term.text.split()), None)
    parts = {} if inlet is None else here.inlets[inlet]
    if len(parts) < 1 or term.text.strip("-") != given.get(inlet):
        return term, ""
    sizes = {kind: float(np.asarray(value)[region]) for kind, value in parts.items()}
    told = ", ".join(f"{kind} {size:.3g}" for kind, size in sizes.items())
    return term, f", made of {told}"


def _round_down(value: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above ``value``."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(m for m in (1, 2, 5) if m * power <= value * (1 + 1e-9)) * power)

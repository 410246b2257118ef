"""Search by the evolutionary and other gradient-free methods of nevergrad."""

from __future__ import annotations

import difflib
import warnings
from typing import Any

import numpy as np

from ._problem import Problem, Program
from ._search import BoxSearch, Candidate, Step

__all__ = ["NevergradSearch"]


class NevergradSearch(BoxSearch):
    """A population per step, evaluated in one compiled call."""

    name = "nevergrad"
    default = "DE"
    settings = {  # noqa: RUF012 - never written to
        "method": "DE",
        "n_sample": 8,
        "budget": None,
        "num_workers": None,
        "method_params": None,
        "seed": None,
        "use_nevergrad_recommendation": False,
    }

    def __init__(self, problem: Problem, optimizer: Any, search_space: dict | None):
        try:
            import nevergrad
        except ImportError:
            raise ImportError(
                "Fitter: backend='nevergrad' needs the package nevergrad, which is not installed. "
                "Install it with: pip install 'brainmass[fit]'"
            ) from None
        super().__init__(problem, optimizer, search_space)
        self._nevergrad = nevergrad
        method, n_sample = self.options["method"], self.options["n_sample"]
        if method not in nevergrad.optimizers.registry:
            close = difflib.get_close_matches(str(method), nevergrad.optimizers.registry, 3)
            known = ", ".join(f"'{m}'" for m in (close or ["DE", "TwoPointsDE", "CMA", "PSO"]))
            raise ValueError(
                f"Fitter: method must be one of nevergrad's, for example {known}; got {method!r}. "
                "Choose one of nevergrad.optimizers.registry."
            )
        if not isinstance(n_sample, int | np.integer) or n_sample < 1:
            raise ValueError(
                f"Fitter: n_sample must be a whole number, at least 1; got {n_sample!r}. Pass one."
            )

    def start(self, program: Program, target: Any, key: Any, n_steps: int) -> None:
        """Take the present parameters as the first candidate."""
        super().start(program, target, key, n_steps)
        options, size = self.options, self.options["n_sample"]
        parameters = self._nevergrad.p.Array(init=self.origin)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on how to use nevergrad alone
            parameters.set_bounds(0.0, 1.0, method="bouncing")
            parameters.random_state = np.random.RandomState(self.random.integers(2**31))
            self._asker = self._method()(
                parametrization=parameters,
                budget=options["budget"] or n_steps * size,
                num_workers=options["num_workers"] or size,
            )
            self._asker.suggest(self.origin)
        self._steps = 0

    def _method(self) -> Any:
        method: Any = self._nevergrad.optimizers.registry[self.options["method"]]
        if not self.options["method_params"]:
            return method
        return type(method)(**{**method.config(), **self.options["method_params"]})

    def step(self) -> Step:
        """Ask for a population, evaluate it, tell the losses."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked = [self._asker.ask() for _ in range(self.options["n_sample"])]
            cube = np.clip(np.stack([candidate.value for candidate in asked]), 0.0, 1.0)
            losses, rows = self.many(cube)
            for candidate, loss in zip(asked, losses, strict=True):
                self._asker.tell(candidate, float(loss))
        self._steps += 1
        outcome = self.outcome(list(cube), rows)
        self.raw = dict(outcome.best.record["values"])
        if self.options["use_nevergrad_recommendation"] and self._steps == self.n_steps:
            outcome.best, outcome.chosen = self._recommended(), True
        return outcome

    def _recommended(self) -> Candidate:
        z = np.clip(self._asker.provide_recommendation().value, 0.0, 1.0)
        self._best = None
        return self.judge(z, np.inf)

    def move(self, theta: Any) -> None:
        """Make a point the next candidate."""
        self._asker.suggest(self.box.place(theta))

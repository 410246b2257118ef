"""Search by the evolutionary and other gradient-free methods of nevergrad."""

from __future__ import annotations

import difflib
import warnings
from typing import Any

import numpy as np

from ._box_search import BoxSearch
from ._pareto import Front
from ._problem import Problem
from ._search import Candidate, Row, Step, Task

__all__ = ["NevergradSearch"]


class NevergradSearch(BoxSearch):
    """A population per step, evaluated in one compiled call.

    nevergrad's own optimisers cannot be written to a file, but what they do follows from their seed
    and from what they are told. So that is what is remembered, and a search is continued by telling
    it again.
    """

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

    def __init__(
        self, problem: Problem, optimizer: Any, search_space: dict | None, pareto: bool = False
    ):
        try:
            import nevergrad
        except ImportError:
            raise ImportError(
                "Fitter: backend='nevergrad' needs the package nevergrad, which is not installed. "
                "Install it with: pip install 'brainmass[fit]'"
            ) from None
        super().__init__(problem, optimizer, search_space)
        self._nevergrad = nevergrad
        self._pareto = pareto
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

    def start(self, task: Task) -> None:
        """Take the present parameters as the first candidate."""
        super().start(task)
        if self._pareto and len(task.program.parts) < 2:
            raise ValueError(
                "Fitter: pareto needs an objective with at least two parts; got "
                f"{max(1, len(task.program.parts))}. Pass a dict of objectives, or "
                "objectives.combine of several."
            )
        self._seed = int(self.random.integers(2**31))
        self._budget = self.options["budget"] or task.n_steps * self.options["n_sample"]
        self._told: list[tuple[np.ndarray, np.ndarray]] = []
        self._suggested: list[tuple[int, np.ndarray]] = [(0, self.origin)]
        self._asker: Any = None
        self.front = Front(task.program.parts) if self._pareto else None

    def step(self) -> Step:
        """Ask for a population, evaluate it, tell the losses."""
        if self._asker is None:
            self._asker = self._replayed()
        asker, self._asker = self._asker, None  # of no use if it is interrupted in between
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on how to use nevergrad alone
            asked = [asker.ask() for _ in range(self.options["n_sample"])]
            cube = np.clip(np.stack([candidate.value for candidate in asked]), 0.0, 1.0)
            losses, rows = self.many(cube)
            told = self._scores(losses, rows)
            outcome = self.outcome(list(cube), rows)
            for candidate, score in zip(asked, told, strict=True):
                asker.tell(candidate, score)
        self._told = [*self._told, (cube, np.asarray(told))]
        self._asker = asker
        if self.front is not None:
            self.front = self.front.with_points(cube, rows)
        self.raw = dict(outcome.best.record["values"]) if outcome.best else None
        if self.options["use_nevergrad_recommendation"] and len(self._told) == self.task.n_steps:
            outcome.best, outcome.chosen = self._recommended(), True
        return outcome

    def _scores(self, losses: np.ndarray, rows: list[Row]) -> list[Any]:
        if not self._pareto:
            return [float(loss) for loss in self.usable(losses)]
        table = np.array([[row.numbers[n] for n in self.program.parts] for row in rows])
        return list(np.stack([self.usable(column) for column in table.T], axis=-1))

    def _replayed(self) -> Any:
        """Return the optimiser that has been told all that was told."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parameters = self._nevergrad.p.Array(init=self.origin)
            parameters.set_bounds(0.0, 1.0, method="bouncing")
            parameters.random_state = np.random.RandomState(self._seed)
            asker = self._method()(
                parametrization=parameters,
                budget=self._budget,
                num_workers=self.options["num_workers"] or self.options["n_sample"],
            )
            for step, (cube, told) in enumerate([*self._told, (None, None)]):
                for _, z in (pair for pair in self._suggested if pair[0] == step):
                    asker.suggest(z)
                if cube is None:
                    break
                asked = [asker.ask() for _ in cube]
                values = np.clip(np.stack([candidate.value for candidate in asked]), 0.0, 1.0)
                if not np.array_equal(values, cube):
                    raise ValueError(
                        "Fitter: nevergrad must ask for the same candidates when it is told the "
                        "same losses; got others. Continue with the version of nevergrad that "
                        "began the fit, or begin anew."
                    )
                for candidate, score in zip(asked, told, strict=True):
                    asker.tell(candidate, score if self._pareto else float(score))
        return asker

    def _method(self) -> Any:
        method: Any = self._nevergrad.optimizers.registry[self.options["method"]]
        if not self.options["method_params"]:
            return method
        return type(method)(**{**method.config(), **self.options["method_params"]})

    def _recommended(self) -> Candidate:
        z = np.clip(self._asker.provide_recommendation().value, 0.0, 1.0)
        self._best = None
        return self.judge(z, np.inf)

    def move(self, theta: Any) -> None:
        """Make a point the next candidate."""
        z = self.box.place(theta)
        self._suggested.append((len(self._told), z))
        if self._asker is not None:
            self._asker.suggest(z)

    def recall(self, memo: dict[str, Any]) -> None:
        """Be where the search was before a step; nevergrad itself is told all again."""
        super().recall({**memo, "_asker": None})

    def pack(self) -> dict[str, Any]:
        """Return the seed, and all that was suggested, asked and told."""
        return {
            **super().pack(),
            "seed": self._seed,
            "budget": self._budget,
            "cubes": [cube for cube, _ in self._told],
            "told": [told for _, told in self._told],
            "suggested": [list(pair) for pair in self._suggested],
            "front": None if self.front is None else self.front.pack(),
        }

    def unpack(self, packed: dict[str, Any]) -> None:
        """Continue where :meth:`pack` was called."""
        super().unpack(packed)
        self._seed, self._budget = packed["seed"], packed["budget"]
        self._told = list(zip(packed["cubes"], packed["told"], strict=True))
        self._suggested = [(int(step), z) for step, z in packed["suggested"]]
        self._asker = self._replayed()
        if self.front is not None:
            self.front.unpack(packed["front"])

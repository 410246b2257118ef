"""How long a fit runs, when it ends early, what it prints, where it is kept."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brainunit as u
import numpy as np

from ._data import Data
from ._problem import Problem
from ._search import Candidate, evaluator, numbers_of

__all__ = ["HeldOut", "Patience", "Plan"]


@dataclass
class Plan:
    """The arguments of ``Fitter.fit`` that are not data.

    Attributes
    ----------
    n_steps : int
        Number of steps.
    verbose : bool or int
        Whether, or how often, to print.
    progress : bool
        Whether to show a bar.
    seed : int or None
        Seed.
    patience : int or None
        Steps without improvement after which to stop.
    min_delta : float
        Smallest improvement that counts.
    checkpoint : Path or None
        File in which the fit is kept.
    every : float
        Seconds between two writings of it.
    """

    n_steps: int
    verbose: bool | int = False
    progress: bool = False
    seed: int | None = None
    patience: int | None = None
    min_delta: float = 0.0
    checkpoint: Path | None = None
    every: float = 30.0

    @classmethod
    def read(
        cls,
        n_steps,
        verbose: bool | int = False,
        progress: bool = False,
        seed: int | None = None,
        patience=None,
        min_delta=0.0,
        checkpoint=None,
        checkpoint_every=30.0,
    ) -> Plan:
        """Check the arguments of ``Fitter.fit``."""
        n_steps = whole("n_steps", n_steps, "number of steps")
        if seed is not None and (
            not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0
        ):
            raise ValueError(
                f"Fitter.fit: seed must be a whole number, at least 0; got {seed!r}. "
                "Pass for example seed=0."
            )
        if not isinstance(verbose, bool | int | np.integer | np.bool_) or verbose < 0:
            raise ValueError(
                f"Fitter.fit: verbose must be True, False or a number of steps; got {verbose!r}. "
                "Pass for example verbose=10."
            )
        if patience is not None:
            patience = whole("patience", patience, "number of steps without improvement")
        if isinstance(min_delta, bool) or not isinstance(min_delta, int | float) or min_delta < 0:
            raise ValueError(
                f"Fitter.fit: min_delta must be a number, at least 0; got {min_delta!r}. "
                "Pass the smallest improvement of the loss that counts."
            )
        if checkpoint is not None and not isinstance(checkpoint, str | os.PathLike):
            raise TypeError(
                f"Fitter.fit: checkpoint must be the name of a file; got {checkpoint!r}. "
                "Pass for example checkpoint='fit.npz'."
            )
        path = None if checkpoint is None else Path(checkpoint)
        if path is not None and path.is_dir():
            raise ValueError(
                f"Fitter.fit: checkpoint must be a file; got the folder '{path}'. Add a name."
            )
        seconds = _seconds(checkpoint_every)
        return cls(n_steps, verbose, progress, seed, patience, float(min_delta), path, seconds)


class Patience:
    """Whether a fit still improves.

    Parameters
    ----------
    plan : Plan
        With ``patience`` and ``min_delta``.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self.best, self.waited = float("nan"), 0

    def spent(self, score: float | None) -> str:
        """Take the best number after one more step; return why to stop, or ``''``."""
        if self._plan.patience is None or score is None:
            return ""
        known = np.isfinite(self.best)
        if np.isfinite(score) and (not known or score < self.best - self._plan.min_delta):
            self.best, self.waited = float(score), 0
            return ""
        self.waited += 1
        if self.waited < self._plan.patience:
            return ""
        return f"no improvement in {self._plan.patience} steps"


class Clock:
    """Says when it is time to write."""

    def __init__(self, every: float):
        self._every, self._last = every, time.monotonic()

    def rings(self) -> bool:
        """Whether the interval has passed since it last rang."""
        now = time.monotonic()
        if now - self._last < self._every:
            return False
        self._last = now
        return True


class HeldOut:
    """Data that the search does not see and candidates are judged by.

    Parameters
    ----------
    problem : Problem
        Model and objective.
    data : Data
        Inputs and target that were held out.
    key : jax.Array
        Random key.
    """

    def __init__(self, problem: Problem, data: Data, key: Any):
        self._problem, self._data = problem, data
        self._program = problem.program(data, key)
        self._frozen = problem.frozen(self._program)

    @property
    def data(self) -> Data:
        """The data."""
        return self._data

    def judge(self, candidate: Candidate) -> Candidate:
        """Evaluate a candidate, unless that has been done."""
        if candidate.score is None:
            function = evaluator(self._program, self._problem)
            record = function(candidate.theta, self._frozen, candidate.key, self._data.leaves)
            candidate.score = float(record["loss"])
            metrics = numbers_of(self._program, {**record["extra"], "parts": {}})
            candidate.validation = {
                "validation_loss": candidate.score,
                **{f"validation_{name}": value for name, value in metrics.items()},
            }
        return candidate


def whole(name: str, value: Any, what: str, who: str = "Fitter.fit") -> int:
    """Return a count, or refuse what is none."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(
            f"{who}: {name} must be a whole number, at least 1; got {value!r}. Pass the {what}."
        )
    return int(value)


def _seconds(every: Any) -> float:
    value = every.to_decimal(u.second) if isinstance(every, u.Quantity) else every
    if not isinstance(value, int | float | np.floating | np.ndarray) or not float(value) >= 0:
        raise ValueError(
            f"Fitter.fit: checkpoint_every must be a time, at least 0; got {every!r}. "
            "Pass for example 30 * u.second."
        )
    return float(value)

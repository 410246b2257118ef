"""What the loop of a fit asks of a backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import numpy as np

from ._box import Box, slices
from ._problem import Problem, Program

__all__ = ["BoxSearch", "Candidate", "Row", "Search", "Step"]


@dataclass
class Candidate:
    """A point that was evaluated by itself.

    Attributes
    ----------
    theta : pytree
        Where.
    loss : float
        Its loss.
    key : jax.Array
        The random key it was evaluated with.
    record : dict
        What the program gave: ``extra`` (prediction, parts, aux), ``values`` (parameters with
        units).
    """

    theta: Any
    loss: float
    key: Any
    record: dict


@dataclass(frozen=True)
class Row:
    """One evaluation, for the history."""

    loss: float
    parts: dict[str, float]
    values: dict[str, Any]
    gradient_norm: float = float("nan")


@dataclass
class Step:
    """What one step of a search did.

    Attributes
    ----------
    rows : list of Row
        All evaluations, in order.
    best : Candidate
        The best of them; any if none is finite.
    failed : int
        How many were not usable.
    trouble : str
        What was not finite: ``''``, ``'loss'`` or ``'gradient'``.
    finished : str
        Why the search cannot go on, or ``''``.
    chosen : bool
        Whether ``best`` replaces what was best before, whatever its loss.
    interrupted : bool
        Whether Ctrl-C came in the middle.
    """

    rows: list[Row]
    best: Candidate
    failed: int = 0
    trouble: str = ""
    finished: str = ""
    chosen: bool = False
    interrupted: bool = False


class Search(ABC):
    """A way to look for the smallest loss, one step at a time.

    Parameters
    ----------
    problem : Problem
        Model and objective.
    """

    name: str = ""
    raw: Any = None
    optimizer: Any = None
    resample = False
    seed: int | None = None

    def __init__(self, problem: Problem):
        self.problem = problem
        self.stopped: Callable[[], bool] = lambda: False

    def start(self, program: Program, target: Any, key: Any, n_steps: int) -> None:
        """Begin anew from the parameters that the model holds."""
        self.program, self.key, self.n_steps = program, key, n_steps
        self._data = Problem.leaves(target)
        self._frozen = self.problem.frozen(program)

    def arguments(self) -> tuple:
        """Return the arguments of the program after theta."""
        return self._frozen, self.key, self._data

    @abstractmethod
    def step(self) -> Step:
        """Do one step."""

    @property
    @abstractmethod
    def theta(self) -> Any:
        """The point that the next step starts from."""

    @abstractmethod
    def move(self, theta: Any) -> None:
        """Continue from another point."""

    def set_rate(self, rate: float) -> None:
        """Change the learning rate."""
        raise ValueError(
            f"Fitter.set: learning_rate needs backend='grad'; got backend='{self.name}'. "
            "Set parameters instead."
        )

    def evaluate(self, theta: Any) -> Candidate:
        """Evaluate one point."""
        record = self._compiled("evaluate", self._make_evaluate)(theta, *self.arguments())
        return Candidate(theta, float(record["loss"]), self.key, record)

    def row(self, loss: float, parts: dict, values: dict, norm: float = float("nan")) -> Row:
        """Return a row of the history."""
        numbers = {n: float(u.get_mantissa(parts[n])) for n in self.program.parts if n in parts}
        return Row(loss, numbers, values, norm)

    def _compiled(self, name: str, make: Callable[[Program], Callable]) -> Callable:
        """Return a function made from the program, the same one each time."""
        if name not in self.program.compiled:
            self.program.compiled[name] = make(self.program)
        return self.program.compiled[name]

    def _make_evaluate(self, program: Program) -> Callable:
        space = self.problem.space

        def evaluate(theta, frozen, key, target):
            loss, extra = program.call(theta, frozen, key, target)
            return {"loss": loss, "extra": extra, "values": space.values(theta)}

        return jax.jit(evaluate)


class BoxSearch(Search):
    """A search in a box, over points of the unit cube.

    Parameters
    ----------
    problem : Problem
        Model and objective.
    optimizer : str, dict or None
        Name of a method, or a dict with ``'method'`` and its settings.
    search_space : dict or None
        Bounds by name.
    """

    settings: dict[str, Any]
    default: str

    def __init__(self, problem: Problem, optimizer: Any, search_space: dict | None):
        super().__init__(problem)
        self.box = Box(problem.space, search_space)
        self.optimizer = optimizer if optimizer is not None else self.default
        self.options = self._read(self.optimizer)

    def _read(self, optimizer: Any) -> dict[str, Any]:
        if isinstance(optimizer, str):
            optimizer = {"method": optimizer}
        if not isinstance(optimizer, dict):
            raise TypeError(
                f"Fitter: optimizer of backend='{self.name}' must be the name of a method or a "
                f"dict with 'method'; got {type(optimizer).__name__}. Pass for example "
                f"'{self.default}'."
            )
        if unknown := sorted(set(optimizer) - set(self.settings)):
            known = ", ".join(f"'{name}'" for name in self.settings)
            raise ValueError(
                f"Fitter: optimizer of backend='{self.name}' must use the keys {known}; got "
                f"{unknown}. Correct the key."
            )
        return {**self.settings, **optimizer}

    def start(self, program: Program, target: Any, key: Any, n_steps: int) -> None:
        """Begin anew from the parameters that the model holds."""
        super().start(program, target, key, n_steps)
        self.origin = self.box.place(self.problem.space.current())
        seed = self.seed if self.seed is not None else self.options.get("seed")
        if seed is None:
            seed = int(np.asarray(jax.random.key_data(key)).ravel()[-1])
        self.random = np.random.default_rng(seed)
        self._best: Candidate | None = None
        self._worst = 0.0

    @property
    def theta(self) -> Any:
        """The best point so far."""
        return self.problem.space.current() if self._best is None else self._best.theta

    def many(self, cube: np.ndarray) -> tuple[np.ndarray, list[Row]]:
        """Evaluate a population of points of the cube in one call."""
        function = self._compiled("population", self._make_population)
        losses, parts, values = jax.device_get(function(floats(cube), *self.arguments()))
        rows = [
            self.row(float(loss), slices(parts, k), slices(values, k))
            for k, loss in enumerate(losses)
        ]
        return self.usable(losses), rows

    def usable(self, losses: np.ndarray) -> np.ndarray:
        """Replace losses that are not finite by one worse than all seen."""
        losses = np.asarray(losses, dtype=float)
        finite = losses[np.isfinite(losses)]
        if finite.size:
            self._worst = max(self._worst, float(np.abs(finite).max()))
        return np.where(np.isfinite(losses), losses, 10.0 * self._worst + 1.0)

    def judge(self, z: np.ndarray, loss: float) -> Candidate:
        """Evaluate the best point of a step by itself if it is better than all before."""
        best = self._best
        if best is None or (np.isfinite(loss) and not best.loss <= loss):
            theta = self._compiled("place", lambda _: jax.jit(self.box.theta))(floats(z))
            candidate = self.evaluate(theta)
            if best is None or not best.loss <= candidate.loss:
                self._best = best = candidate
        return best

    def outcome(self, cube: list[np.ndarray], rows: list[Row], **more: Any) -> Step:
        """Return the step that consisted of these evaluations."""
        losses = np.array([row.loss for row in rows])
        best = int(np.nanargmin(np.where(np.isfinite(losses), losses, np.inf)))
        failed = int(np.sum(~np.isfinite(losses)))
        return Step(
            rows, self.judge(cube[best], losses[best]), failed, "loss" if failed else "", **more
        )

    def _make_population(self, program: Program) -> Callable:
        space, box = self.problem.space, self.box

        def one(z, frozen, key, target):
            theta = box.theta(z)
            loss, extra = program.call(theta, frozen, key, target)
            return loss, extra["parts"], space.values(theta)

        return jax.jit(jax.vmap(one, in_axes=(0, None, None, None)))


def floats(z: np.ndarray) -> np.ndarray:
    return np.asarray(z, dtype=jax.dtypes.canonicalize_dtype(np.float64))

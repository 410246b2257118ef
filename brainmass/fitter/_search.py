"""What the loop of a fit asks of a backend."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import brainunit as u
import jax

from ._data import Batches, Data
from ._problem import Problem, Program

__all__ = ["STOPPED", "Candidate", "Enough", "Row", "Search", "Step", "Task", "Unfinished"]

STOPPED = "a callback returned True"


class Unfinished(Exception):
    """A step was told to stop before its end; what it has done so far is pending."""


class Enough(Exception):
    """A callback has ended the fit in the middle of a step."""


@dataclass(frozen=True)
class Task:
    """What a search is to minimise, and how long.

    Attributes
    ----------
    program : Program
        The traced objective; of one mini-batch, where there are any.
    whole : Program
        The traced objective of all data.
    data : Data
        Inputs and target.
    key : jax.Array
        Random key of the fit.
    n_steps : int
        Planned number of steps.
    seed : int or None
        Seed of the random choices of the search.
    batches : Batches or None
        Mini-batches.
    """

    program: Program
    whole: Program
    data: Data
    key: Any
    n_steps: int
    seed: int | None = None
    batches: Batches | None = None


@dataclass
class Candidate:
    """A point that was evaluated by itself, on all data.

    Attributes
    ----------
    theta : pytree
        Where.
    loss : float
        Its loss.
    key : jax.Array
        The random key it was evaluated with.
    record : dict
        What the program gave: ``extra`` (prediction, parts, metrics, aux), ``values`` (parameters
        with units).
    score : float or None
        What it is judged by, if that is not its loss.
    validation : dict
        Loss and metrics on held-out data.
    """

    theta: Any
    loss: float
    key: Any
    record: dict
    score: float | None = None
    validation: dict[str, float] = field(default_factory=dict)

    @property
    def judged(self) -> float:
        """The number by which candidates are compared; smaller is better."""
        return self.loss if self.score is None else self.score


@dataclass(frozen=True)
class Row:
    """One evaluation, for the history: loss, columns of numbers, parameters."""

    loss: float
    numbers: dict[str, float]
    values: dict[str, Any]
    gradient_norm: float = float("nan")


@dataclass
class Step:
    """What one step of a search did.

    Attributes
    ----------
    rows : list of Row
        All evaluations, in order.
    best : Candidate or None
        The best of them, any if none is finite; None if no point was evaluated on all data.
    values, prediction : object
        Parameters and prediction of the step, for callbacks.
    failed : int
        How many evaluations were not usable.
    trouble : str
        What was not finite: ``''``, ``'loss'`` or ``'gradient'``.
    finished : str
        Why the search cannot go on, or ``''``.
    chosen : bool
        Whether ``best`` replaces what was best before, whatever its loss.
    """

    rows: list[Row]
    best: Candidate | None
    theta: Any
    values: dict[str, Any]
    prediction: Any = None
    failed: int = 0
    trouble: str = ""
    finished: str = ""
    chosen: bool = False


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

    def __init__(self, problem: Problem):
        self.problem = problem
        self.stopped: Callable[[], bool] = lambda: False
        self.tick: Callable[[], None] = lambda: None
        self.look: Callable[[list[Row], Callable[[int], Any]], None] = lambda rows, theta: None

    def start(self, task: Task) -> None:
        """Begin anew from the parameters that the model holds."""
        self.task, self.key, self.program = task, task.key, task.program
        self._frozen = self.problem.frozen(task.program)
        self.whole = self._frozen
        if task.whole is not task.program:
            self.whole = self.problem.frozen(task.whole)

    def arguments(self) -> tuple:
        """Return the arguments of the program after theta."""
        return self._frozen, self.key, self.task.data.leaves

    def check(self) -> None:
        """Refuse parameters from which this search cannot start, before anything is traced."""
        self.problem.space.check()

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

    def pending(self) -> tuple[list[Row], Candidate | None]:
        """Return the evaluations of a step that was not finished, and the best of them."""
        return [], None

    @abstractmethod
    def pack(self) -> dict[str, Any]:
        """Return arrays and plain values from which :meth:`unpack` continues exactly."""

    @abstractmethod
    def unpack(self, packed: dict[str, Any]) -> None:
        """Continue, after :meth:`start`, where :meth:`pack` was called."""

    def memo(self) -> dict[str, Any]:
        """Return from where :meth:`recall` takes back a step that was interrupted.

        Cheap, as it is asked for before every step: what a step changes, it replaces.
        """
        return dict(vars(self))

    def recall(self, memo: dict[str, Any]) -> None:
        """Be where :meth:`memo` was called."""
        vars(self).clear()
        vars(self).update(memo)

    def set_rate(self, rate: float) -> None:
        """Change the learning rate."""
        raise ValueError(
            f"Fitter.set: learning_rate needs backend='grad'; got backend='{self.name}'. "
            "Set parameters instead."
        )

    def evaluate(self, theta: Any, key: Any = None) -> Candidate:
        """Evaluate one point on all data, with the random key of the present step or another."""
        key = self.key if key is None else key
        function = evaluator(self.task.whole, self.problem)
        record = function(theta, self.whole, key, self.task.data.leaves)
        return Candidate(theta, float(record["loss"]), key, record)

    def row(self, loss: float, extra: dict, values: dict, norm: float = float("nan")) -> Row:
        """Return a row of the history."""
        return Row(loss, numbers_of(self.program, extra), values, norm)

    def _compiled(self, name: str, make: Callable[[Program], Callable]) -> Callable:
        """Return a function made from the program, the same one each time."""
        return compiled(self.program, name, make)


def numbers_of(program: Program, extra: dict) -> dict[str, float]:
    """Return the parts of the loss and the metrics as plain numbers."""
    named = ((program.parts, extra["parts"]), (program.metrics, extra["metrics"]))
    return {n: float(u.get_mantissa(of[n])) for names, of in named for n in names if n in of}


def compiled(program: Program, name: str, make: Callable[[Program], Callable]) -> Callable:
    """Return a function made from a program, the same one each time."""
    if name not in program.compiled:
        program.compiled[name] = make(program)
    return program.compiled[name]


def evaluator(program: Program, problem: Problem) -> Callable:
    """Return ``(theta, frozen, key, data) -> record``, compiled."""
    space = problem.space

    def make(program: Program) -> Callable:
        def evaluate(theta, frozen, key, leaves):
            loss, extra = program.call(theta, frozen, key, leaves)
            return {"loss": loss, "extra": extra, "values": space.values(theta)}

        return jax.jit(evaluate)

    return compiled(program, "evaluate", make)

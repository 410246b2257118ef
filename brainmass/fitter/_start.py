"""From the arguments of a fit to a run that can be stepped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainstate
import jax

from . import _arguments as arguments
from ._checkpoint import Checkpoint
from ._data import Batches, Data
from ._plan import HeldOut, Plan
from ._problem import Problem
from ._run import Run
from ._search import Search, Task

__all__ = ["Given", "make_search", "prepare"]


@dataclass(frozen=True)
class Given:
    """What a fit compares with.

    Attributes
    ----------
    inputs, target, validation : pytree
        As for ``Fitter.fit``.
    batch_size : int or None
        Samples of a step.
    """

    inputs: Any
    target: Any
    validation: Any
    batch_size: int | None


def make_search(backend: str, problem: Problem, settings: dict[str, Any]) -> Search:
    """Return the backend of a fitter."""
    optimizer, space = settings["optimizer"], settings["search_space"]
    if backend == "grad":
        from ._grad import GradientSearch

        return GradientSearch(problem, optimizer, settings["mode"], settings["n_starts"], space)
    if backend == "nevergrad":
        from ._nevergrad import NevergradSearch

        return NevergradSearch(problem, optimizer, space, settings["pareto"])
    from ._scipy import ScipySearch

    return ScipySearch(problem, optimizer, space, settings["mode"])


def prepare(
    problem: Problem, loss: Any, search: Search, given: Given, plan: Plan,
    callbacks: list[Callable], fresh: bool,
) -> Run:  # fmt: skip
    """Check everything, trace what is not traced yet, and return the run."""
    data, held_out = _data(loss, search, given)
    search.check()
    file = content = None
    if plan.checkpoint is not None:
        settings = {"seed": plan.seed, "batch_size": given.batch_size}
        file = Checkpoint(plan.checkpoint, problem, search, data, held_out, settings)
        content = file.read()
    if content is not None:
        key = content["key"]
    else:
        key = brainstate.random.split_key() if plan.seed is None else jax.random.key(plan.seed)
    task = _task(problem, data, plan, key, given.batch_size)
    judge = None if held_out is None else HeldOut(problem, held_out, key)
    if file is not None:
        file.check_model(content, problem.frozen(task.whole))
    search.start(task)
    run = Run(problem, search, plan, judge, callbacks, fresh)
    if file is not None:
        run.save = lambda: file.write(run)
        if content is not None:
            file.restore(run, content)
    return run


def _data(loss: Any, search: Search, given: Given) -> tuple[Data, Data | None]:
    loss.check(given.inputs, given.target)
    arguments.check_batches(search.name, given.batch_size)
    data = Data(given.inputs, given.target)
    if given.validation is None:
        return data, None
    pair = arguments.validation_of(given.validation, loss.takes_inputs)
    loss.check(*pair)
    return data, Data(*pair)


def _task(problem: Problem, data: Data, plan: Plan, key: Any, batch_size: int | None) -> Task:
    batches = None if batch_size is None else Batches(data, batch_size, key)
    whole = program = problem.program(data, key)
    if batches is not None:
        index = batches.index(0)
        program = problem.program(data, key, [leaf[index] for leaf in data.leaves])
    return Task(program, whole, data, key, plan.n_steps, plan.seed, batches)

"""The work of one thread: its own copy of the model, and one run per point."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import brainstate
import brainunit as u
import numpy as np

from .._errors import DivergenceError
from ..engine import doctor, loop
from ..engine.cache import compile_count
from ..engine.common_noise import CommonNoise, share
from ..simulator import Simulator
from ._describe import Description
from ._recipe import Piece, Recipe
from ._targets import INPUTS, Target, find_target

__all__ = ["Crew", "Done", "Outcome", "Task", "Unit", "enter"]


@dataclass(frozen=True)
class Task:
    """Everything that a worker must know, in this process or another.

    Attributes
    ----------
    model : Description
        The model.
    dt : float
        Step in milliseconds.
    names : tuple of str
        What is varied.
    options : dict
        Arguments of ``Simulator.run``.
    recipe : Recipe
        What is made of each result.
    settings : dict
        brainstate's environment, which some threads do not inherit.
    lanes : int
        How many points one compiled call holds.
    seeds : bool
        Whether points differ in their seeds.
    share : bool
        Whether the normal numbers of a seed are drawn once for all points.
    """

    model: Description
    dt: float
    names: tuple[str, ...]
    options: dict[str, Any]
    recipe: Recipe
    settings: dict[str, Any]
    lanes: int = 1
    seeds: bool = False
    share: bool = False


@dataclass(frozen=True)
class Unit:
    """Some points that one worker computes one after the other.

    Attributes
    ----------
    points : tuple of int
        Which points of the sweep these are.
    values : list of dict
        Their values by name.
    seeds : list of int
        Their seeds.
    hints : dict
        What lets one program serve all values, by name.
    """

    points: tuple[int, ...]
    values: list[dict[str, Any]]
    seeds: list[int]
    hints: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """One finished point: its variables, or where it diverged."""

    pieces: dict[str, Piece]
    diverged: tuple[str, tuple[int, ...], float] | None = None


@dataclass
class Outcome:
    """What a worker made of a unit; less than asked for if it was stopped.

    Attributes
    ----------
    done : dict
        Finished points by number.
    seconds, timed : float, int
        Time of the points that compiled nothing, and how many they are.
    error : tuple or None
        Point and exception, if the user's function failed.
    """

    done: dict[int, Done] = field(default_factory=dict)
    seconds: float = 0.0
    timed: int = 0
    error: tuple[int, BaseException] | None = None


class Runner:
    """A copy of the model and its simulator; used by one thread at a time."""

    def __init__(self, task: Task, noise: CommonNoise | None = None):
        self.task, self.noise = task, noise
        self.model = task.model.build()
        self.simulator = Simulator(self.model, dt=task.dt * u.ms)
        self.targets: dict[str, Target] = {n: find_target(self.model, n) for n in task.names}
        self.shape = tuple(getattr(getattr(self.model, "node", self.model), "varshape", ()) or ())

    def apply(self, values: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
        """Set the values of one point; return the arguments of its run."""
        for name, value in values.items():
            self.targets[name].apply(self.model, value, hints.get(name))
        options = dict(self.task.options)
        if INPUTS in values:
            options["inputs"] = values[INPUTS]
        return options

    def one(self, values: dict[str, Any], seed: int, hints: dict[str, Any]) -> Done:
        """Compute one point."""
        options = self.apply(values, hints)
        try:
            with share(self.noise):
                result = self.simulator.run(
                    monitors=self.task.recipe.monitors, seed=seed, progress=False, **options
                )
        except DivergenceError as error:
            return Done({}, mark_of(error))
        return Done(self.task.recipe.pieces(result, self.shape))

    def some(self, unit: Unit, stop: Callable[[], bool], out: Outcome) -> None:
        """Compute the points of a unit one after the other."""
        for point, values, seed in zip(unit.points, unit.values, unit.seeds, strict=True):
            if stop():
                return
            began, before = time.perf_counter(), compile_count()
            try:
                out.done[point] = self.one(values, seed, unit.hints)
            except KeyboardInterrupt:
                return
            except Exception as error:
                out.error = (point, error)
                return
            if compile_count() == before:
                out.seconds += time.perf_counter() - began
                out.timed += 1


def mark_of(error: DivergenceError) -> tuple[str, tuple[int, ...], float]:
    """Return state, region and time of a divergence."""
    return error.state, tuple(error.region), float(np.asarray(error.time.to_decimal(u.ms)))


class Crew:
    """Runners for any number of threads: each takes a free one, or a new one is built."""

    def __init__(self, task: Task):
        self.task = task
        self._noise = CommonNoise() if task.share else None
        self._free: list[Runner] = []
        self._lock = threading.Lock()

    @contextmanager
    def runner(self):
        """Lend a runner."""
        with self._lock:
            runner = self._free.pop() if self._free else None
        if runner is None:
            runner = self._build()
        try:
            yield runner
        finally:
            with self._lock:
                self._free.append(runner)

    def _build(self) -> Runner:
        if self.task.lanes > 1:
            from ._lanes import LaneRunner

            return LaneRunner(self.task)
        return Runner(self.task, self._noise)

    def work(self, unit: Unit, stop: Callable[[], bool] = lambda: False) -> Outcome:
        """Compute a unit in this thread."""
        out = Outcome()
        enter(self.task.settings)
        with loop.stop_when(stop), doctor.brief(), self.runner() as runner:
            runner.some(unit, stop, out)
        return out


def enter(settings: dict[str, Any]) -> None:
    """Give a worker's thread the environment of the sweep.

    A context would end by setting the precision of all of JAX back, under the feet of others.
    """
    here = brainstate.environ.all()
    if other := {n: v for n, v in settings.items() if n not in here or here[n] is not v}:
        brainstate.environ.set(**other)

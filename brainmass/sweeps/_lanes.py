"""Several points in one compiled call: small models on a CPU, all models on an accelerator.

The chunk program of the engine is vectorised over lanes, one point each. What no point changes is
held once; noise that all points share is drawn once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..engine import doctor, program
from ..engine.bind import BoundSystem
from ..engine.cache import compile_count, programs
from ..engine.loop import ChunkLoop, stopped
from ._targets import INPUTS
from ._work import Done, Outcome, Runner, Task, Unit

__all__ = ["LaneRunner", "choose_lanes"]

# Numbers of one state that a vectorised call holds: on a CPU until the caches are full, though not
# for networks and larger models, which are as fast one by one; on an accelerator until it is busy.
_CPU_NUMBERS, _CPU_MODEL, _CPU_LANES = 512, 64, 128
_OTHER_NUMBERS, _OTHER_LANES = 2**17, 4096


def choose_lanes(setup, design) -> int:
    """Return how many points one compiled call holds; it does not depend on the threads."""
    system = setup.system
    if not isinstance(system, BoundSystem) or not _vectorises(design):
        return 1
    numbers = int(np.prod(system.rules.shape, dtype=np.int64))
    points = len(design)
    if jax.default_backend() == "cpu":
        alone = numbers >= _CPU_MODEL or system.paths
        lanes = 1 if alone else min(_CPU_LANES, _CPU_NUMBERS // numbers)
        lanes = min(lanes, points // 8)
    else:
        lanes = min(_OTHER_LANES, _OTHER_NUMBERS // numbers, -(-points // jax.device_count()))
    return max(1, min(lanes, setup.batch or lanes))


def _vectorises(design) -> bool:
    """Whether inputs that vary are stimuli, whose numbers the program takes as arguments."""
    inputs = design.columns.get(INPUTS)
    return inputs is None or all(hasattr(v, "on_grid") for v in inputs.objects or ())


class LaneLoop(ChunkLoop):
    """Calls a program of several lanes; a lane that diverges is looked up and left alone."""

    def chunks(self, carry: Any, start: int, stop: int) -> Iterator[tuple[int, int, Any, Any, Any]]:
        """Yield ``(start, end, carry before, out, ok)`` for every chunk."""
        steps = self._first_guess(stop - start)
        position = start
        while position < stop:
            if stopped():
                raise KeyboardInterrupt
            end = self._end(position, stop, steps)
            began = time.perf_counter()
            after, out, ok = self._call(carry, position, end)
            ok = np.asarray(ok)
            elapsed = time.perf_counter() - began
            yield position, end, carry, out, ok
            carry = after
            rate = (end - position) / max(elapsed, 1e-6)
            steps = int(max(self.aligned, min(rate * 0.08, 4 * steps)))
            position = end


@dataclass
class _Lane:
    """One point of a call: what it is, and how it starts."""

    point: int
    plan: Any
    values: Any
    carry: Any


class LaneRunner(Runner):
    """A runner that computes the points of a unit several at a time."""

    def __init__(self, task: Task):
        super().__init__(task)
        self._plan: Any = None
        self._programs: dict[Any, Any] = {}

    def some(self, unit: Unit, stop: Callable[[], bool], out: Outcome) -> None:
        """Compute the points of a unit, as many at a time as there are lanes."""
        points = list(zip(unit.points, unit.values, unit.seeds, strict=True))
        for first in range(0, len(points), self.task.lanes):
            if stop():
                return
            group = points[first : first + self.task.lanes]
            began, before = time.perf_counter(), compile_count()
            try:
                self._group(group, unit.hints, out)
            except KeyboardInterrupt:
                return
            if out.error is not None:
                return
            if compile_count() == before:
                out.seconds += time.perf_counter() - began
                out.timed += len(group)

    def _group(self, group: list, hints: dict, out: Outcome) -> None:
        """Compute some points; where their structure differs, one structure after the other."""
        point = group[0][0]
        try:
            for lanes, axes in self._alike(group, hints):
                for lane, result, mark in self._run(lanes, axes):
                    point = lane.point
                    pieces = {} if result is None else self.task.recipe.pieces(result, self.shape)
                    out.done[point] = Done(pieces, mark)
        except Exception as error:
            out.error = (point, error)

    # -- how the lanes start -----------------------------------------------------------------------

    def _alike(self, group: list, hints: dict) -> Iterator[tuple[list[_Lane], Any]]:
        """Yield the points that have one structure, and which of their values differ."""
        parts: dict[Any, list[_Lane]] = {}
        axes: dict[Any, Any] = {}
        many = any(target.structural for target in self.targets.values())
        for point, values, seed in group:
            lane = self._start(point, values, seed, hints)
            key = (lane.plan.system.rules, _shapes((lane.values, lane.carry))) if many else 0
            if key not in parts:
                # What is a new array when the same is set again is what the sweep varies.
                again = self._start(point, values, seed, hints)
                axes[key] = jax.tree.map(
                    lambda a, b: None if a is b else 0, lane.values, again.values
                )
                axes[key]["key"] = 0 if self.task.seeds else None
            parts.setdefault(key, []).append(lane)
        for key, lanes in parts.items():
            yield lanes, axes[key]

    def _start(self, point: int, values: dict, seed: int, hints: dict) -> _Lane:
        """Set one point and return how its run starts."""
        options = self.apply(values, hints)
        plan = self._plan
        if plan is None or any(t.structural for t in self.targets.values()):
            duration, inputs, transient, every = (
                options[n] for n in ("duration", "inputs", "transient", "sample_every")
            )
            monitors = self.task.recipe.monitors
            plan = self.simulator._plan(
                duration, inputs, monitors, transient, every, None, True, seed
            )
            self._plan = plan
        plan.seed = seed
        start, carry, *_ = plan._begin()
        return _Lane(point, plan, start, carry)

    def _stack(self, trees: list, axes):
        """Stack what differs from lane to lane; the last point fills lanes that are left over."""
        trees = trees + [trees[-1]] * (self.task.lanes - len(trees))
        return jax.tree.map(_stacked, axes, *trees, is_leaf=lambda axis: axis is None)

    # -- running -----------------------------------------------------------------------------------

    def _run(self, lanes: list[_Lane], axes) -> Iterator[tuple[_Lane, Any, Any]]:
        """Yield every lane with its result, or with where it diverged."""
        plan = lanes[0].plan
        everywhere = jax.tree.map(lambda _: 0, lanes[0].carry)
        values = self._stack([lane.values for lane in lanes], axes)
        carry = self._stack([lane.carry for lane in lanes], everywhere)
        call = _Call(self, plan, values, carry, axes)
        loop = call.loop()
        marks: dict[int, Any] = {}
        parts: list[list] = [[] for _ in lanes]
        for start, end, before, out, ok in loop.chunks(carry, 0, plan.n_steps):
            bad = [k for k in range(len(lanes)) if k not in marks and not ok[k]]
            if bad:
                marks |= call.failures(loop, before, start, end, bad)
            if len(marks) == len(lanes):
                break
            out = jax.device_get(out)
            for k, mine in enumerate(parts):
                if k not in marks:
                    mine.append(loop._samples(jax.tree.map(lambda a, k=k: a[k], out), start, end))
        for k, lane in enumerate(lanes):
            result = None if k in marks else plan.finished(parts[k])
            yield lane, result, marks.get(k)


class _Call:
    """The vectorised program of one structure, with the values of its lanes."""

    def __init__(self, runner: LaneRunner, plan, values, carry, axes):
        self.runner, self.plan, self.values, self.axes = runner, plan, values, axes
        self.lanes = runner.task.lanes
        self.limit = plan.drive.capacity(plan.system.superblock, plan.n_steps)
        flat, structure = jax.tree.flatten(axes, is_leaf=lambda axis: axis is None)
        self.key = (
            "lanes", self.lanes, self.limit, structure, tuple(flat), _shapes((values, carry)),
        )  # fmt: skip
        self.program = self._compiled("chunk", carry, None)

    def _compiled(self, kind: str, carry, stop_axis) -> tuple:
        """Return the compiled program and how many samples of a lane one call of it holds."""
        plan, runner = self.plan, self.runner
        # What has no identity is the same from point to point within this sweep all the same.
        own = (plan.system.identity(), plan.monitors.identity(), plan.drive.identity())
        parts = None if None in own else (*own, plan.every, kind, self.key)
        mine = (plan.system.rules, kind, self.key)
        if parts is None and mine in runner._programs:
            return runner._programs[mine]

        def build():
            recording = plan.monitors.recording(jax.tree.map(_first, self.axes, self.values,
                is_leaf=lambda axis: axis is None), plan.every)  # fmt: skip
            rows = program.capacity(recording.numbers * self.lanes, plan.every)
            chunk = plan.system.chunk(recording, rows, plan.drive.function)
            axes = (self.axes, 0, None, stop_axis, None, None)
            stop = np.int32(1) if stop_axis is None else np.ones(self.lanes, np.int32)
            example = (self.values, carry, np.int32(0), stop, np.int32(0), self._rows(0, 1))
            return jax.jit(jax.vmap(chunk, axes)).lower(*example).compile(), rows

        out = programs.get(parts, build)
        if parts is None:
            runner._programs[mine] = out
        return out

    def _rows(self, start: int, stop: int) -> dict:
        return self.plan.drive.rows(start, stop, 0, self.plan.system.superblock, self.limit)

    def loop(self) -> LaneLoop:
        """Return the loop over chunks."""
        plan, (call, rows) = self.plan, self.program
        observed = plan.monitors.observed
        largest = max(1, self.limit - plan.system.superblock) if plan.drive.arrays else 2**30
        if observed is not None:
            largest = min(largest, observed.watch.longest(observed.layout))
        return LaneLoop(
            program=call,
            values=self.values,
            rows_at=self._rows,
            count=lambda step: program.kept_before(int(step), plan.dropped, plan.every),
            origin=plan.dropped,
            every=plan.every,
            capacity=rows if plan.monitors.entries else 2**30,
            largest=largest,
            aligned=plan.system.superblock,
            work=plan.system.work * self.lanes,
            cut=observed and observed.cut,
        )

    def failures(self, loop: LaneLoop, carry, start: int, end: int, bad: list[int]) -> dict:
        """Return where the lanes ``bad`` left the finite numbers: all bisected at once."""
        compiled, _ = self._compiled("bisect", carry, 0)
        low = np.full(self.lanes, start, np.int32)
        high = np.full(self.lanes, end, np.int32)
        rows, first, origin = self._rows(start, end), np.int32(start), np.int32(loop.origin)
        while (high - low).max() > 1:
            middle = (low + high) // 2
            _, _, ok = compiled(self.values, carry, first, middle, origin, rows)
            ok = np.asarray(ok)
            low, high = np.where(ok, middle, low), np.where(ok, high, middle)
        after, _, _ = compiled(self.values, carry, first, high, origin, rows)
        y = jax.device_get(after["y"])
        out = {}
        for k in bad:
            state, region = doctor.first_bad({name: a[k] for name, a in y.items()})
            out[k] = (state, region, float(low[k]) * self.plan.dt)
        return out


def _first(axis, leaf):
    """Return the value of the first lane, in shape."""
    if axis is None:
        return leaf
    return leaf[0]


def _stacked(axis, *leaves):
    if axis is None:
        return leaves[0]
    first = leaves[0]
    if isinstance(first, jax.Array) and jax.numpy.issubdtype(first.dtype, jax.dtypes.prng_key):
        data = np.stack([np.asarray(jax.random.key_data(key)) for key in leaves])
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(first))
    return np.stack([np.asarray(leaf) for leaf in leaves])


def _shapes(tree):
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((np.shape(a), str(getattr(a, "dtype", type(a)))) for a in leaves)

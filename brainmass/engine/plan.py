"""One run with every argument read and checked: from the start of the states to the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import brainunit as u
import jax
import numpy as np

from .._errors import DivergenceError, RunInterrupted
from .._random import seeded
from . import doctor, program
from .cache import programs
from .common_noise import common_numbers
from .inputs import Drive
from .loop import ChunkLoop, NonFinite
from .monitors import Monitors
from .program import Program
from .progress import Bar
from .simulations import Simulation, note

__all__ = ["Plan"]


@dataclass
class Plan:
    """One run, with every argument read and checked."""

    system: Any
    monitors: Monitors
    drive: Drive
    dt: float
    n_steps: int
    dropped: int
    every: int
    init_states: bool
    seed: Any
    traced: bool
    _program: Any = None

    def _start(self) -> tuple[dict, dict, int, Any]:
        """Return values, carry, first step and key."""
        system = self.system
        if not self.init_states:
            carry, clock = system.resume()
            key = clock.key if self.seed is None else system.default_key(self.seed)
            return system.values(key) | {"drive": self.drive.values}, carry, clock.steps, key
        key = system.default_key(self.seed)
        values = system.values(key) | {"drive": self.drive.values}
        values |= common_numbers(system, key, self.seed, self.n_steps)
        with seeded(key, self.seed if system.random_start else None, system.foreign_start):
            carry = system.initial(values, key)
        return values, carry, 0, key

    def _begin(self) -> tuple[dict, dict, int, Any]:
        """Return what :meth:`_start` gives, with what the observers need."""
        values, carry, start, key = self._start()
        if (observed := self.monitors.observed) is None:
            return values, carry, start, key
        system, drive = self.system, self.drive
        parts = (system.identity(), self.monitors.identity(), drive.identity(), self.every)
        structure = None if None in parts else (*parts, _shapes((values, carry["y"])))
        limit = drive.capacity(system.superblock, self.n_steps)
        rows = drive.rows(start, start + 1, start, system.superblock, limit)
        earlier = None if self.init_states else vars(system.model)["_clock"].watch

        def abstract(values, carry, read):
            return system.shapes(read, values, carry, rows, drive.function)

        span = (start, start + self.dropped, start + self.n_steps)
        values, carry = observed.begin(values, carry, span, self.seed, abstract, structure, earlier)
        return values, carry, start, key

    def run_traced(self) -> dict:
        """Run inside a JAX transformation."""
        note(self._described())
        values, carry, start, _ = self._begin()
        recording = self.monitors.recording(values, self.every)
        stop, origin = start + self.n_steps, start + self.dropped
        rows = self.drive.rows(start, stop, start, self.system.superblock, stop)
        out = self.system.traced(
            recording, values, carry, (start, stop, origin), rows, self.drive.function
        )[1]
        return self._result(out, start, start, stop)

    def _described(self) -> Simulation:
        model = self.system.model
        method = getattr(getattr(model, "node", model), "method", "")
        return Simulation(
            dt=self.dt,
            duration=self.n_steps * self.dt,
            transient=self.dropped * self.dt,
            sample_every=self.every,
            method=method if isinstance(method, str) else "",
        )

    def run_chunks(self, on_divergence, progress, longest) -> dict:
        """Run chunk by chunk, with a bar, and leave the model where the run ends."""
        loop, carry, start, key = self._prepare(on_divergence, longest)
        parts, done = [], start
        bar = Bar(self.n_steps, progress)
        try:
            for step, after, samples in loop.run(carry, start, start + self.n_steps):
                parts.append(samples)
                done, carry = step, after
                bar.move(step - start)
        except KeyboardInterrupt:
            result = self._result(self._join(parts), start, start, done)
            self._store(carry, done, key)
            raise RunInterrupted(
                f"Simulator: the run was interrupted after {(done - start) * self.dt:g} ms of "
                f"{self.n_steps * self.dt:g} ms; what was recorded is in .result.",
                result=result,
            ) from None
        except NonFinite as failure:
            raise self._divergence(failure, parts, loop, start, start) from None
        finally:
            bar.close()
        self._store(carry, done, key)
        if on_divergence == "warn":
            self.system.warn_if_diverged(carry)
        return self._result(self._join(parts), start, start, done)

    def stream_chunks(self, on_divergence, longest) -> Iterator[dict]:
        """Yield the result of one chunk after the other."""
        loop, carry, start, key = self._prepare(on_divergence, longest)
        before = start
        try:
            for step, after, samples in loop.run(carry, start, start + self.n_steps):
                carry = after
                since, before = before, step
                yield self._result(_on_device(samples), start, since, step)
        except NonFinite as failure:
            raise self._divergence(failure, [], loop, start, before) from None
        finally:
            self._store(carry, before, key)

    def _prepare(self, on_divergence, longest):
        values, carry, start, key = self._begin()
        system, drive, observed = self.system, self.drive, self.monitors.observed
        origin = start + self.dropped
        parts = (system.identity(), self.monitors.identity(), drive.identity(), self.every)
        shape = system.superblock
        limit = drive.capacity(shape, self.n_steps)
        cache_key = None if None in parts else (*parts, limit, _shapes((values, carry)))

        def build():
            recording = self.monitors.recording(values, self.every)
            rows = program.capacity(recording.numbers, self.every)
            function = system.chunk(recording, rows, drive.function)
            example = (values, carry, np.int32(0), np.int32(1), np.int32(0))
            example += (drive.rows(start, start + 1, start, shape, limit),)
            return Program.compile(function, example, rows)

        self._program = programs.get(cache_key, build)
        largest = min(longest or 2**30, max(1, limit - shape) if drive.arrays else 2**30)
        if observed is not None:
            largest = min(largest, observed.watch.longest(observed.layout))
        loop = ChunkLoop(
            program=self._program.call,
            values=values,
            rows_at=lambda a, b: drive.rows(a, b, start, shape, limit),
            count=lambda step: program.kept_before(int(step), origin, self.every),
            origin=origin,
            every=self.every,
            capacity=self._program.rows if self.monitors.entries else 2**30,
            largest=largest,
            aligned=min(shape, longest or shape),
            work=system.work,
            check=on_divergence == "raise",
            cut=observed and observed.cut,
        )
        return loop, carry, start, key

    def _store(self, carry, steps: int, key) -> None:
        """Leave the model, and what observes it, where a later run can go on."""
        self.system.store(carry, steps, key)
        if (observed := self.monitors.observed) is not None:
            vars(self.system.model)["_clock"].watch = observed.watch.leave(carry["watch"])

    def _join(self, parts) -> Any:
        """Join chunks in time and put them on the device."""
        if (observed := self.monitors.observed) is not None:
            return _on_device(observed.join(parts, self._program.sample))
        if not parts:
            return self._program.empty()
        if len(parts) == 1:
            return _on_device(parts[0])
        return _on_device(jax.tree.map(lambda *a: np.concatenate(a), *parts))

    def finished(self, parts: list) -> dict:
        """Return the result of a run from step 0 whose samples were computed elsewhere."""
        observed = self.monitors.observed
        if observed is None:
            return self._result(self._join(parts), 0, 0, self.n_steps)
        joined = observed.join(parts, (None, None))
        return self._result(_on_device(joined), 0, 0, self.n_steps)

    def _count(self, step, start) -> int:
        return int(program.kept_before(step, start + self.dropped, self.every))

    def _kept(self, start, stop):
        """Return the absolute steps whose results are kept."""
        origin = start + self.dropped
        return np.arange(origin + self.every - 1, stop, self.every)

    def _result(self, samples, start, since, stop) -> dict:
        """Return what lies between the steps ``since`` and ``stop``, with the time axes."""
        monitors = self.monitors
        if monitors.observed is not None:
            samples, watched = samples
            samples = {**samples, **monitors.observed.result(watched, since, stop)}
            axes = monitors.observed.axes
            names = [name for key in monitors.keys for name in (key, axes.get(key)) if name]
        else:
            names = monitors.keys
        result = {name: samples[name] for name in names}
        if monitors.entries:
            kept = self._kept(start, stop)[self._count(since, start) :]
            result["ts"] = u.Quantity((kept + 1) * self.dt, unit=u.ms)
        return result

    def _divergence(self, failure: NonFinite, parts, loop, start, since) -> DivergenceError:
        """Return the error, with what was recorded from the step ``since`` on."""
        if failure.samples is not None:
            parts = [*parts, failure.samples]
        result = self._result(self._join(parts), start, since, failure.step)
        return doctor.diagnose(self.system, failure, loop, self.drive, result)


def _on_device(tree):
    return jax.tree.map(jax.device_put, tree)


def _shapes(tree):
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((np.shape(a), getattr(a, "dtype", type(a))) for a in leaves)

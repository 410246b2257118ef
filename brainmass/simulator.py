"""Run a model: duration to steps, monitors, transient, batches, chunks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import brainstate
import brainunit as u
import jax
import numpy as np

from ._compat import inside_trace, is_tracer
from ._errors import DivergenceError, RunInterrupted
from ._random import seeded
from .engine import doctor, program
from .engine.bind import BoundSystem
from .engine.cache import programs
from .engine.inputs import Drive
from .engine.loop import ChunkLoop, NonFinite
from .engine.monitors import Monitors
from .engine.plain import PlainSystem
from .engine.program import Program
from .engine.times import read_count, read_step, read_steps

__all__ = ["Simulator"]


class Simulator:
    """Runs a model for a duration and records what is asked for.

    Parameters
    ----------
    model : brainstate.nn.Module
        A neural mass, a :class:`Network`, or any brainstate module with ``update``.
    dt : brainunit.Quantity, optional
        Integration step. Default: ``brainstate.environ``'s ``dt`` at the time of the run.

    Raises
    ------
    UnitError
        If ``dt`` has no unit of time.
    ValueError
        If ``dt`` is not positive and finite.

    Notes
    -----
    A run outside of JAX transformations calls a compiled program in chunks of at most about 100 ms.
    The program depends on structure alone: parameters, seed, duration, inputs and initial states
    may change without compiling anything. Inside ``jit``, ``grad`` or ``vmap`` a run is one pure
    scan; it leaves the states of the model untouched.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> sim = brainmass.Simulator(brainmass.HopfStep(3, a=0.25, init_x=0.1), dt=0.1 * u.ms)
    >>> result = sim.run(100 * u.ms, monitors=["x", "y"], transient=20 * u.ms)
    >>> result["x"].shape, list(result)
    ((800, 3), ['x', 'y', 'ts'])
    """

    def __init__(self, model, dt=None):
        if not isinstance(model, brainstate.nn.Module) or not callable(
            getattr(model, "update", None)
        ):
            raise TypeError(
                "Simulator: model must be a brainstate module with an update method; "
                f"got {type(model).__name__}. Pass a *Step model or a Network."
            )
        self.model = model
        self.dt = dt
        if dt is not None:
            read_step(dt)

    def run(
        self,
        duration,
        *,
        inputs=None,
        monitors=None,
        transient=None,
        sample_every=None,
        batch_size: int | None = None,
        init_states: bool = True,
        seed: int | None = None,
        progress: bool | None = None,
        on_divergence: str = "raise",
        chunk=None,
        jit: bool = True,
    ) -> dict:
        """Simulate and return what was recorded.

        Parameters
        ----------
        duration : brainunit.Quantity
            Simulated time. A duration that is no multiple of ``dt`` is floored with a warning.
        inputs : array, callable or dict, optional
            External input. An array has one row per step and goes to the first inlet; a callable
            ``(i, t)`` is given the step and the time and returns one value, a tuple for the
            inlets in order, or a dict; a dict gives arrays by inlet name.
        monitors : str, callable, list or dict, optional
            What to record after each step. A state name, dotted for parts of a network
            (``'node.x'``); a function of the model, recorded under ``'output'``; a list of names;
            or a dict from key to name, function or observer. Default: what ``update`` returns,
            under ``'output'``. An observer, such as :class:`BOLDSignal`, sees every step without
            the run being recorded; a reducer, such as ``reducers.FC``, gives one value.
        transient : brainunit.Quantity or int, optional
            Leading time or steps that are simulated but not kept.
        sample_every : int or brainunit.Quantity, optional
            Keep every so many steps, or one sample per time span; the last step of each span.
        batch_size : int, optional
            Run that many independent copies; results are ``(time, batch, ...)``.
        init_states : bool, default True
            False continues where the last run ended, time axis included; so do observers of the
            same key and structure.
        seed : int, optional
            Makes noise and random initial values reproducible. Default: brainstate's random
            state is used and moves on.
        progress : bool, optional
            Show a progress bar. Default: only for runs of more than a few seconds.
        on_divergence : {'raise', 'warn', 'ignore'}
            What to do when a state is not finite any more.
        chunk : int or brainunit.Quantity, optional
            Longest stretch computed between two looks at progress and interruption.
        jit : bool, default True
            Kept for compatibility; every run is compiled.

        Returns
        -------
        dict
            One array per monitor, time first, with units, and the time axis ``'ts'`` in ms:
            ``ts[k]`` is the end of the step that sample k belongs to. An observer with a period
            of its own has the time axis ``'<key>.ts'``; where nothing else is recorded there is
            no ``'ts'``.

        Raises
        ------
        UnitError
            If a time has no unit of time, or an input not the unit of its inlet.
        ValueError
            If a value is out of range, a shape does not fit, or a monitor is unknown.
        DivergenceError
            If the run diverges; ``.result`` holds what was recorded until then.
        RunInterrupted
            On Ctrl-C; ``.result`` holds what was recorded until then.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> sim = brainmass.Simulator(brainmass.LinearStep(2, gamma=-1.0), dt=0.1 * u.ms)
        >>> sim.run(1 * u.ms, monitors="x", sample_every=0.5 * u.ms)["ts"].mantissa.tolist()
        [0.5, 1.0]
        """
        plan = self._plan(
            duration, inputs, monitors, transient, sample_every, batch_size, init_states, seed
        )
        _check_choice("on_divergence", on_divergence, ("raise", "warn", "ignore"))
        if plan.traced:
            return plan.run_traced()
        longest = None if chunk is None else read_count(chunk, plan.dt, "chunk")
        return plan.run_chunks(on_divergence, progress, longest)

    def stream(
        self,
        duration,
        *,
        chunk=None,
        inputs=None,
        monitors=None,
        transient=None,
        sample_every=None,
        batch_size: int | None = None,
        init_states: bool = True,
        seed: int | None = None,
        on_divergence: str = "raise",
    ) -> Iterator[dict]:
        """Simulate and yield the results of one chunk after the other.

        The chunks, joined in time, equal the result of :meth:`run`; closing the generator stops
        the run and leaves the model where it stands.

        Parameters
        ----------
        duration, inputs, monitors, transient, sample_every, batch_size, init_states, seed, \
on_divergence
            As for :meth:`run`.
        chunk : int or brainunit.Quantity, optional
            Longest stretch of a chunk. Default: about 100 ms of computing.

        Raises
        ------
        DivergenceError
            If the run diverges; ``.result`` holds what was recorded since the last chunk.

        Yields
        ------
        dict
            As from :meth:`run`, for the part of the time axis in ``'ts'``.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> sim = brainmass.Simulator(brainmass.HopfStep(1, init_x=0.1), dt=0.1 * u.ms)
        >>> [part["x"].shape for part in sim.stream(30 * u.ms, chunk=10 * u.ms, monitors="x")]
        [(100, 1), (100, 1), (100, 1)]
        """
        plan = self._plan(
            duration, inputs, monitors, transient, sample_every, batch_size, init_states, seed
        )
        _check_choice("on_divergence", on_divergence, ("raise", "warn", "ignore"))
        if plan.traced:
            raise ValueError(
                "Simulator.stream: must be called outside of jit, grad and vmap; got a traced "
                "call. Use Simulator.run there."
            )
        longest = None if chunk is None else read_count(chunk, plan.dt, "chunk")
        return plan.stream_chunks(on_divergence, longest)

    def _plan(
        self, duration, inputs, monitors, transient, every, batch_size, init_states, seed
    ) -> _Plan:
        dt = self.dt if self.dt is not None else brainstate.environ.get("dt", None)
        if dt is None:
            raise ValueError(
                "Simulator: dt (integration step) must be given; got none. Pass "
                "Simulator(model, dt=0.1 * u.ms) or set brainstate.environ's dt."
            )
        dt = read_step(dt)
        n_steps = read_steps(duration, dt)
        dropped = 0 if transient is None else read_count(transient, dt, "transient", least=0)
        if dropped >= n_steps:
            raise ValueError(
                f"Simulator: transient must be shorter than the duration of {n_steps} steps; "
                f"got {dropped} steps. Run longer or drop less."
            )
        stride = 1 if every is None else read_count(every, dt, "sample_every")
        if batch_size is not None and (
            isinstance(batch_size, bool)
            or not isinstance(batch_size, int | np.integer)
            or batch_size < 1
        ):
            raise ValueError(
                f"Simulator: batch_size must be a positive integer; got {batch_size!r}. "
                "Pass the number of copies."
            )
        _check_seed(seed)
        ours = hasattr(self.model, "engine_parts") and not _has_hooks(self.model)
        kind = BoundSystem if ours else PlainSystem
        system = kind(self.model, dt, batch_size)
        drive = Drive.read(inputs, system, n_steps)
        watched = Monitors.read(monitors, system, stride)
        return _Plan(
            system, watched, drive, dt, n_steps, dropped, stride, init_states, seed,
            inside_trace() or is_tracer((drive.arrays, drive.values, seed)),
        )  # fmt: skip

    def __repr__(self):
        return f"Simulator({self.model!r}, dt={self.dt})"


@dataclass
class _Plan:
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
        values, carry, start, _ = self._begin()
        recording = self.monitors.recording(values, self.every)
        stop, origin = start + self.n_steps, start + self.dropped
        rows = self.drive.rows(start, stop, start, self.system.superblock, stop)
        out = self.system.traced(
            recording, values, carry, (start, stop, origin), rows, self.drive.function
        )[1]
        return self._result(out, start, start, stop)

    def run_chunks(self, on_divergence, progress, longest) -> dict:
        loop, carry, start, key = self._prepare(on_divergence, longest)
        parts, done = [], start
        bar = _Bar(self.n_steps, progress)
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


def _has_hooks(model) -> bool:
    """Whether something was hung on the calls of a model, for example a delay buffer."""
    parts = (model, getattr(model, "node", None))
    return any(getattr(p, k, None) for p in parts for k in ("before_updates", "after_updates"))


def _on_device(tree):
    return jax.tree.map(jax.device_put, tree)


def _shapes(tree):
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((np.shape(a), getattr(a, "dtype", type(a))) for a in leaves)


def _check_seed(seed) -> None:
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if seed is not None and not whole and not is_tracer(seed):
        kind = getattr(getattr(seed, "dtype", None), "kind", "")
        if kind not in ("i", "u") or np.ndim(seed):
            raise TypeError(
                f"Simulator: seed must be an integer; got {seed!r}. Pass for example seed=0."
            )


def _check_choice(name: str, value, allowed) -> None:
    if value not in allowed:
        raise ValueError(
            f"Simulator: {name} must be one of {', '.join(map(repr, allowed))}; got {value!r}. "
            "Choose one of them."
        )


class _Bar:
    """A tqdm bar that appears only when a run turns out to be long."""

    def __init__(self, total: int, wanted: bool | None):
        self._total, self._wanted, self._bar = total, wanted, None
        self._began = None

    def move(self, done: int) -> None:
        now = time.perf_counter()
        if self._wanted is False:
            return
        if self._began is None:
            self._began = now
        if self._bar is None:
            expected = (now - self._began) * (self._total / max(done, 1) - 1)
            if self._wanted is None and (now - self._began < 0.5 or expected < 2.0):
                return
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self._total, unit="step", leave=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

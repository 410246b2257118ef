"""Run a model: duration to steps, monitors, transient, batches, chunks."""

from __future__ import annotations

from collections.abc import Iterator

import brainstate
import numpy as np

from ._compat import inside_trace, is_tracer
from .engine.bind import BoundSystem
from .engine.inputs import Drive
from .engine.monitors import Monitors
from .engine.plain import PlainSystem
from .engine.plan import Plan
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
    ) -> Plan:
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
        return Plan(
            system, watched, drive, dt, n_steps, dropped, stride, init_states, seed,
            inside_trace() or is_tracer((drive.arrays, drive.values, seed)),
        )  # fmt: skip

    def __repr__(self):
        return f"Simulator({self.model!r}, dt={self.dt})"


def _has_hooks(model) -> bool:
    """Whether something was hung on the calls of a model, for example a delay buffer."""
    parts = (model, getattr(model, "node", None))
    return any(getattr(p, k, None) for p in parts for k in ("before_updates", "after_updates"))


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

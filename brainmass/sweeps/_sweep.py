"""Map a model over parameters: the public function and the loop behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import brainstate
import brainunit as u
import numpy as np

from .._compat import inside_trace
from .._errors import SweepError
from .._version import __version__
from ..engine.cache import ReadsModel, Uncacheable, fingerprint
from ..engine.common_noise import worth_sharing
from ..simulator import Simulator
from ._cluster import ClusterWorkers, check_client
from ._describe import Description, copy_model
from ._lanes import choose_lanes
from ._points import Design, read_design
from ._recipe import Recipe, read_recipe
from ._schedule import Schedule
from ._store import StoredTable, digest, read_store
from ._table import MemoryTable, Table
from ._targets import INPUTS
from ._threads import LocalWorkers, default_threads
from ._work import Task

__all__ = ["Setup", "Work", "compute", "sweep"]

_SECONDS = {"here": 0.5, "cluster": 2.0}


def sweep(
    sim: Simulator,
    params: Mapping[str, Any],
    *,
    duration,
    monitors=None,
    mode: str = "grid",
    reduce: Mapping[str, Any] | Callable | None = None,
    seeds=None,
    common: bool | None = None,
    points: int | None = None,
    sampler: str = "uniform",
    sample_seed: int = 0,
    inputs=None,
    transient=None,
    sample_every=None,
    batch: int | str = "auto",
    threads: int | None = None,
    client=None,
    store=None,
    progress: bool = True,
):
    """Run a model at many points of its parameters and return the results with coordinates.

    Parameters
    ----------
    sim : Simulator
        The model and its step. A sweep works on copies: the model stays as it is.
    params : dict
        What is varied, by dotted name: ``'node.a'``, ``'k'``, ``'speed'``, ``'conn'``,
        ``'node.noise_x.sigma'``, ``'node.init_x'``, ``'delay_init'``, ``'inputs'``, and of a
        single model ``'a'``. Values have the points first: an array ``(points,)`` of single
        numbers, ``(points, regions)``, for the connectome ``(points, N, N)``, or a list. With
        ``mode='random'`` a value says how to draw: ``(low, high)``, ``(low, high, 'log')``, a
        ``scipy.stats`` distribution in the unit of the parameter, or a function of ``(rng, n)``.
    duration : brainunit.Quantity
        Simulated time of each run.
    monitors : optional
        What each run records, as for :meth:`Simulator.run`. Without ``reduce`` it is the result.
    mode : {'grid', 'zip', 'random'}
        Every combination, one point per position, or ``points`` random draws.
    reduce : dict, callable or reducer, optional
        What is kept of each run, by name: a reducer or observer that works inside the loop, the
        name of a state, or a function of the result that :meth:`Simulator.run` returns. Functions
        are called as soon as a run ends, so trajectories are never all held.
    seeds : int or list of int, optional
        Run every point with so many, or these, seeds; adds a dimension ``'seed'``. Default: seed 0.
    common : bool, optional
        Whether all points share their random numbers (common random numbers), which makes
        differences between them clear. Default: True, but False with ``mode='random'``, where
        every run has noise of its own.
    points : int, optional
        How many points are drawn with ``mode='random'``.
    sampler : {'uniform', 'sobol', 'latin'}
        Independent draws, a scrambled Sobol sequence or a Latin hypercube.
    sample_seed : int, default 0
        Seed of the drawn points.
    inputs, transient, sample_every
        As for :meth:`Simulator.run`.
    batch : int or 'auto'
        Points that a worker computes before it hands them over. Default: about half a second of
        computing, two seconds on a cluster.
    threads : int, optional
        Threads of this process. Default: one per core, or two per accelerator.
    client : dask.distributed.Client, optional
        Compute on its workers instead.
    store : path, optional
        A ``.zarr`` folder or ``.nc`` file. Finished batches are on disk at once, and the same call
        made again computes only what is missing. A store of another sweep is refused.
    progress : bool, default True
        Show a progress bar when it takes more than half a second.

    Returns
    -------
    SweepResult
        An ``xarray.Dataset``: one dimension per parameter (``mode='grid'``) or ``'point'``, then
        ``'seed'``; coordinates and variables with their units in the attribute ``units``; and the
        variables ``finished``, ``diverged``, ``diverged_state``, ``diverged_region``,
        ``diverged_time``. A point that diverged is NaN. Ctrl-C returns what is finished, with the
        attribute ``interrupted``. ``.to_sbi()`` gives arrays for simulation-based inference.

    Raises
    ------
    UnitError
        If a value has not the unit of its parameter.
    ValueError
        If a name is unknown, a shape does not fit, or the store holds something else.
    SweepError
        If ``reduce`` raises at a point; ``.result`` holds what was finished.

    Notes
    -----
    No point compiles: parameters are arguments of one program. On a CPU threads call it, small
    models several points at a time, and on a GPU batches are vectorised. A speed or a connectome
    that varies shares one program too, laid out for all its values.

    References
    ----------
    .. [1] Glasserman & Yao 1992, Management Science 38:884, doi:10.1287/mnsc.38.6.884 (common
       random numbers)

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> sim = brainmass.Simulator(brainmass.HopfStep(2, init_x=0.1), dt=0.1 * u.ms)
    >>> result = brainmass.sweep(
    ...     sim, {"a": np.array([-0.5, 0.25])}, duration=200 * u.ms, monitors="x",
    ...     transient=100 * u.ms, reduce={"top": lambda result: result["x"].max(0)},
    ...     progress=False,
    ... )
    >>> result["top"].dims, result["top"].values.round(2).tolist()
    (('a', 'top_0'), [[0.0, 0.0], [0.5, 0.5]])
    """
    setup = Setup(
        sim, duration, monitors, reduce, inputs, transient, sample_every, batch, threads, client
    )
    design = read_design(setup.model, params, mode, seeds, common, points, sampler, sample_seed)
    place = read_store(store)
    setup.check(design)
    attrs = setup.attrs(design)
    states = setup.state_names
    if place is None:
        table: Table = MemoryTable(design, states, attrs)
    else:
        table = StoredTable(design, states, attrs, *place)
    with _bar(len(design), int(table.finished.sum()), progress) as bar:
        return compute(setup, design, table, bar)


class Setup:
    """The arguments of a sweep that do not depend on its points, read and checked."""

    def __init__(
        self, sim, duration, monitors, reduce, inputs, transient, every, batch, threads, client
    ):
        if inside_trace():
            raise ValueError(
                "sweep: must be called outside of jit, grad and vmap; got a traced call. "
                "Use jax.vmap over Simulator.run there."
            )
        if not isinstance(sim, Simulator):
            raise TypeError(
                f"sweep: sim must be a Simulator; got {type(sim).__name__}. "
                "Pass Simulator(model, dt=...)."
            )
        _check_count("batch", batch, "auto")
        _check_count("threads", threads, None)
        self.batch, self.threads = (None if batch == "auto" else batch), threads
        self.client = check_client(client)
        self.recipe: Recipe = read_recipe(monitors, reduce)
        self.model = copy_model(sim.model)
        self.sim = Simulator(self.model, dt=sim.dt)
        run = {"inputs": inputs, "transient": transient, "sample_every": every}
        plan = self.plan(duration, **run)
        self.system, self.dt, self.state_names = plan.system, plan.dt, _short_names(plan.system)
        self.n_steps = plan.n_steps
        # Floored once, so that no point warns again.
        self.options = {"duration": plan.n_steps * plan.dt * u.ms, **run}
        self.random = bool(getattr(plan.system, "noise", True)) or plan.system.random_start

    def plan(self, duration, inputs, transient, sample_every):
        """Let the simulator read the arguments of one run, without running."""
        return self.sim._plan(
            duration, inputs, self.recipe.monitors, transient, sample_every, None, True, 0
        )

    def check(self, design: Design) -> None:
        """Refuse inputs that do not fit."""
        if INPUTS in design.columns:
            for value in design.columns[INPUTS].objects or ():
                self.plan(**(self.options | {"inputs": value}))

    def task(self, design: Design, lanes: int) -> Task:
        """Return what workers must know."""
        seeds = len(design.seeds)
        return Task(
            model=Description.of(self.model),
            dt=self.dt,
            names=tuple(design.columns),
            options=self.options,
            recipe=self.recipe,
            settings=brainstate.environ.all(),
            lanes=lanes,
            seeds=not design.common or seeds > 1,
            share=lanes == 1
            and design.common
            and worth_sharing(self.system, self.n_steps, seeds, len(design)),
        )

    def attrs(self, design: Design) -> dict[str, Any]:
        """Return the attributes of the result."""
        return {
            "brainmass_kind": "SweepResult",
            "brainmass_sweep": self._identity(design),
            "brainmass_version": __version__,
            "model": repr(self.model),
            "parameters": " ".join(design.columns),
            "mode": design.mode,
            "duration_ms": self.n_steps * self.dt,
            "dt_ms": self.dt,
            "noise": "none" if not self.random else "common" if design.common else "independent",
        }

    def _identity(self, design: Design) -> str:
        columns = [
            (name, None if c.numbers is None else c.numbers.tobytes(), _mark(c.objects))
            for name, c in design.columns.items()
        ]
        points = (design.mode, columns, design.seeds.tobytes(), design.seed_dim, design.common)
        parts = [(p.cls.__qualname__, _content(p)) for p in Description.of(self.model).parts]
        recipe = (_mark(self.recipe.monitors), self.recipe.kept, _mark(self.recipe.functions))
        dtype = np.dtype(brainstate.environ.dftype()).name
        return digest((points, parts, recipe, _mark(self.options), self.dt, dtype))


class Work:
    """The workers of a sweep, and what they remember from one table to the next.

    Parameters
    ----------
    setup : Setup
        The arguments that do not depend on the points.
    """

    def __init__(self, setup: Setup):
        self.setup = setup
        self._workers: dict[Any, Any] = {}

    def fill(self, design: Design, table: Table, bar=None):
        """Compute what is missing of a table; return what stopped it, None if nothing did."""
        lanes = choose_lanes(self.setup, design)
        workers = self._for(self.setup.task(design, lanes))
        here = self.setup.client is None
        schedule = Schedule(
            design,
            table.finished,
            lanes=lanes,
            batch=self.setup.batch,
            seconds=_SECONDS["here" if here else "cluster"],
            workers=lambda: workers.count,
        )
        return _drive(workers, schedule, table, bar)

    def _for(self, task: Task):
        key = (task.lanes, task.seeds, task.share)
        if key not in self._workers:
            self._workers.clear()
            if self.setup.client is None:
                workers: Any = LocalWorkers(task, self.setup.threads or default_threads())
            else:
                workers = ClusterWorkers(task, self.setup.client)
            self._workers[key] = workers
        return self._workers[key]


def compute(setup: Setup, design: Design, table: Table, bar=None):
    """Compute what is missing of a table and return the dataset."""
    failure = Work(setup).fill(design, table, bar)
    table.close()
    result = table.result()
    result.attrs.pop("interrupted", None)
    if isinstance(failure, KeyboardInterrupt):
        result.attrs["interrupted"] = "yes"
    elif failure is not None:
        point, error = failure
        raise SweepError(
            f"sweep: reduce and monitors must work at every point; got {_in_short(error)} at "
            f"{design.where(point)}. What was finished is in .result.",
            result=result,
        ) from error
    return result


def _drive(workers, schedule: Schedule, table: Table, bar):
    """Run the workers; return what stopped them, None if nothing did."""
    failure: Any = None

    def take_in(outcome) -> None:
        table.put(outcome.done)
        schedule.learn(outcome)
        if bar is not None:
            bar.update(len(outcome.done))

    try:
        for _, outcome in workers.run(schedule.take):
            take_in(outcome)
            if outcome.error is not None:
                failure = outcome.error
                break
    except KeyboardInterrupt as stop:
        failure = stop
    except BaseException:
        for _ in workers.leave():
            pass
        table.close()
        raise
    for _, outcome in workers.leave():
        take_in(outcome)
    return failure


def _in_short(error: BaseException) -> str:
    """Return kind and first line of an exception."""
    text = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text if len(text) < 200 else text[:196] + ' ...'}"


def _short_names(system) -> list[str]:
    names = system.state_names()
    return [name.removeprefix(getattr(system, "prefix", "")) for name in names]


def _check_count(name: str, value, otherwise) -> None:
    if value == otherwise and type(value) is type(otherwise):
        return
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(
            f"sweep: {name} must be a positive integer or {otherwise!r}; got {value!r}. "
            "Pass one of these."
        )


def _mark(value):
    """Return an identity of code and constants that is the same in every process."""
    try:
        return fingerprint(value)
    except (Uncacheable, ReadsModel, TypeError, ValueError, RecursionError):
        pass
    if isinstance(value, Mapping):
        return tuple((name, _mark(v)) for name, v in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(_mark, value))
    # What refers to something without an identity is known by its own code at least.
    code = getattr(value, "__code__", None)
    own = () if code is None else (code.co_code, code.co_names, repr(code.co_consts))
    return (type(value).__qualname__, own)


def _content(part):
    if issubclass(part.cls, brainstate.State) and not issubclass(part.cls, brainstate.ParamState):
        return ()
    return _mark(part.content)


@contextmanager
def _bar(total: int, done: int, wanted: bool) -> Iterator[Any]:
    if not wanted:
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, initial=done, unit="point", delay=0.5) as bar:
        yield bar

"""A function from points to results, for whoever chooses the points one generation at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._errors import SweepError, choices
from ._points import read_design
from ._sweep import Setup, Work
from ._table import MemoryTable
from ._targets import find_target

__all__ = ["Evaluator"]


class Evaluator:
    """A model as a function of its parameters, evaluated at many points at a time.

    It is the machinery of :func:`brainmass.sweep` for points that come in generations: those of a
    derivative-free optimiser, of a sampler, of sequential inference. Model and compiled program are
    kept from call to call, on the threads of this process or on the workers of a cluster.

    Parameters
    ----------
    sim : Simulator
        The model and its step; a copy is made.
    names : sequence of str
        Dotted names of what varies, as in :func:`brainmass.sweep`.
    duration : brainunit.Quantity
        Simulated time of each run.
    monitors, reduce, inputs, transient, sample_every, batch, threads, client
        As for :func:`brainmass.sweep`.

    Raises
    ------
    ValueError
        If a name is unknown or an argument out of range.

    Notes
    -----
    A conduction speed that varies should have a ``speed_range`` in the network, so that one
    compiled program serves all generations.

    Examples
    --------
    With an optimiser that asks for a whole generation at once:

    >>> import brainmass, brainunit as u
    >>> from scipy.optimize import differential_evolution
    >>> sim = brainmass.Simulator(brainmass.HopfStep(1, init_x=0.5), dt=0.1 * u.ms)
    >>> evaluate = brainmass.sweeps.Evaluator(
    ...     sim, ["a"], duration=60 * u.ms, transient=30 * u.ms, monitors="x",
    ...     reduce={"loss": lambda result: (result["x"].max() - 0.5) ** 2},
    ... )
    >>> found = differential_evolution(
    ...     lambda x: evaluate({"a": x[0]})["loss"], [(0.1, 0.6)], vectorized=True,
    ...     updating="deferred", maxiter=3, popsize=8, polish=False, rng=0,
    ... )
    >>> bool(abs(found.x[0] - 0.25) < 0.05)
    True
    """

    def __init__(
        self,
        sim,
        names: Sequence[str],
        *,
        duration,
        monitors=None,
        reduce: Mapping[str, Any] | Callable | None = None,
        inputs=None,
        transient=None,
        sample_every=None,
        batch: int | str = "auto",
        threads: int | None = None,
        client=None,
    ):
        if isinstance(names, str) or not isinstance(names, Sequence) or not len(names):
            raise TypeError(
                f"Evaluator: names must be a list of dotted names; got {names!r}. "
                "Pass for example ['node.a', 'k']."
            )
        self._setup = Setup(
            sim, duration, monitors, reduce, inputs, transient, sample_every, batch, threads, client
        )
        for name in names:
            find_target(self._setup.model, name)
        self.names = tuple(names)
        self._work = Work(self._setup)

    def __call__(
        self,
        points: Mapping[str, Any],
        *,
        seeds=None,
        common: bool = True,
        on_points: Callable[[list[int], dict[str, np.ndarray]], None] | None = None,
    ) -> dict[str, np.ndarray]:
        """Evaluate a generation of points.

        Parameters
        ----------
        points : dict
            Values of every name, first axis the points.
        seeds : int or list of int, optional
            Seeds of the noise; adds a second axis. Default: seed 0.
        common : bool, default True
            Whether all points share their random numbers.
        on_points : callable, optional
            ``on_points(finished, results)`` is called on the thread of this call whenever points
            are finished, with their numbers and with what is returned at the end, as far as it is
            filled: for pictures that grow.

        Returns
        -------
        dict
            What ``reduce`` gives, bare numbers by name, first axis the points; and ``'diverged'``.
            A point that diverged is NaN.

        Raises
        ------
        SweepError
            If ``reduce`` raises at a point.
        KeyboardInterrupt
            On Ctrl-C.
        """
        if not isinstance(points, Mapping) or set(points) != set(self.names):
            got = sorted(points) if isinstance(points, Mapping) else points
            raise ValueError(
                f"Evaluator: points must give values for {choices(self.names)}; got {got!r}. "
                "Pass one array for each."
            )
        ordered = {name: points[name] for name in self.names}
        setup = self._setup
        design = read_design(setup.model, ordered, "zip", seeds, common, None, "uniform", 0)
        setup.check(design)
        table = _ToldTable(design, setup.state_names, on_points)
        failure = self._work.fill(design, table)
        if isinstance(failure, KeyboardInterrupt):
            raise failure
        if failure is not None:
            point, error = failure
            raise SweepError(
                f"Evaluator: reduce must work at every point; got {type(error).__name__} at "
                f"{design.where(point)}. Correct the function.",
                result=table.arrays(),
            ) from error
        return table.arrays()

    def __repr__(self):
        return f"Evaluator({self._setup.sim!r}, {list(self.names)})"


class _ToldTable(MemoryTable):
    """A table that tells somebody which points came in."""

    def __init__(self, design, states, tell):
        super().__init__(design, states, {})
        self._tell = tell

    def put(self, done) -> None:
        """Take in finished points."""
        super().put(done)
        if done and self._tell is not None:
            self._tell(sorted(done), self.arrays())

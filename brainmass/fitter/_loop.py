"""The loop of a fit in pieces, for widgets and for loops of one's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from . import _arguments as arguments
from ._history import Columns, History
from ._plan import Plan, whole
from ._problem import Evaluation, Problem
from ._result import FitResult
from ._run import Run
from ._search import Search
from ._start import Given, prepare

__all__ = ["Loop"]


class Loop:
    """What can be done with a fit from its start to its end; :class:`Fitter` is one."""

    callbacks: list[Callable]
    _problem: Problem
    _loss: Any
    _search: Search
    _fresh: bool
    _lock: Any
    _run: Run | None

    @property
    def params(self) -> list[str]:
        """Dotted names of the parameters that are fitted."""
        return self._problem.space.names

    @property
    def values(self) -> dict[str, Any]:
        """Present values of the parameters that are fitted, by name, with unit."""
        entries = self._problem.space.entries
        return {name: entry.values(entry.state.value) for name, entry in entries.items()}

    @property
    def status(self) -> str:
        """``'idle'``, ``'running'``, ``'paused'``, ``'finished'`` or ``'interrupted'``."""
        return "idle" if self._run is None else self._run.status

    @property
    def steps_done(self) -> int:
        """Steps of the present fit that are done."""
        return 0 if self._run is None else self._run.done

    @property
    def history(self) -> History:
        """Course of the present fit so far; empty before the first.

        May be read at any time, by another thread too, and stays as it was when it was read.
        """
        return Columns().history(0, []) if self._run is None else self._run.history()

    def start(self, target: Any = None, n_steps: int = 100, **options: Any) -> None:
        """Prepare a fit from the present parameters; :meth:`step` or :meth:`resume` runs it.

        The loss is traced here, on the calling thread, if it has not been for a target of this
        shape.

        Parameters
        ----------
        target, n_steps, **options
            As for :meth:`fit`.
        """
        given, told = arguments.options_of(options)
        plan = Plan.read(n_steps, **told)
        with self._lock:
            self._run = prepare(
                self._problem, self._loss, self._search, Given(target=target, **given), plan,
                self.callbacks, self._fresh,
            )  # fmt: skip

    def step(self) -> dict[str, Any]:
        """Do one step, also of a paused fit.

        Returns
        -------
        dict
            What callbacks are given: ``step``, ``loss``, ``best_loss``, ``model``, ``params``,
            ``prediction``, ``gradient_norm``, ``parts``, ``metrics``, ``step_done``.
        """
        with self._lock:
            return self._started("step").step()

    def pause(self) -> None:
        """Hold the loop after the step it is in; :meth:`resume` continues.

        A long search of ``'scipy'`` is held after the evaluation it is in. May be called from
        another thread, or between pieces of a loop of your own.
        """
        run = self._started("pause")
        run.gate.clear()
        if run.status == "running":
            run.status = "paused"

    def resume(self) -> FitResult | None:
        """Continue a fit that was paused, stopped, interrupted or given more steps.

        Returns
        -------
        FitResult or None
            The result at the end, or None if a loop in another thread was set going again.

        Examples
        --------
        >>> import brainmass, brainstate
        >>> from brainstate.nn import Param
        >>> class Parabola(brainstate.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.p = Param(0.0, fit=True)
        >>> fitter = brainmass.Fitter(Parabola(), loss_fn=lambda m: (m.p.value() - 2.0) ** 2)
        >>> fitter.start(n_steps=300)
        >>> round(fitter.step()["loss"], 1)
        4.0
        >>> fitter.set(p=1.9)
        >>> result = fitter.resume()
        >>> print(f"{float(result.best_params['p']):.2f}")
        2.00
        """
        run = self._started("resume")
        run.go_on()
        run.gate.set()
        if run.loop is not None and run.loop != threading.get_ident():
            return None
        run.run(self._lock)
        return self.result()

    def set(
        self,
        values: dict[str, Any] | None = None,
        /,
        *,
        n_steps: int | None = None,
        learning_rate: float | None = None,
        **named: Any,
    ) -> None:
        """Change a running or paused fit.

        Parameters
        ----------
        values : dict, optional
            Dotted name to value, with unit, for parameters to continue from.
        n_steps : int, optional
            New total number of steps.
        learning_rate : float, optional
            New learning rate of a braintools optimiser.
        **named
            Parameters whose name has no dot.

        Raises
        ------
        ValueError
            If a name is unknown or a value has the wrong shape.
        UnitError
            If a value has the wrong unit.
        """
        run = self._started("set")
        with self._lock:
            if n_steps is not None:
                run.plan.n_steps = whole("n_steps", n_steps, "number of steps", "Fitter.set")
            if learning_rate is not None:
                run.search.set_rate(arguments.rate_of(learning_rate))
            if changes := {**(values or {}), **named}:
                run.search.move(run.theta_of(changes, run.search.theta))

    def stop(self) -> FitResult | None:
        """End the fit after the step it is in.

        Returns
        -------
        FitResult or None
            The best so far, or None if a loop in another thread is about to return it.
        """
        run = self._started("stop")
        if run.status in ("running", "paused"):
            run.end("interrupted", f"stopped after {run.done} of {run.plan.n_steps} steps")
        run.gate.set()
        if run.loop is not None:
            return None
        run.save()
        return self.result()

    def result(self) -> FitResult:
        """Return the best point so far, and put the model there.

        Returns
        -------
        FitResult
            As from :meth:`fit`.
        """
        run = self._started("result")
        with self._lock:
            result = run.result()
            result.fitter, result._run = self, run
            return result

    def evaluate(self, values: dict[str, Any] | None = None, /, **named: Any) -> Evaluation:
        """Evaluate loss and prediction at a point, with the noise of the best point.

        Parameters
        ----------
        values : dict, optional
            Dotted name to value; parameters that are not named keep their best value.
        **named
            Parameters whose name has no dot.

        Returns
        -------
        Evaluation
            With ``loss``, ``parts``, ``metrics``, ``prediction`` and ``aux``. Without arguments,
            and with ``best_params``, the loss is exactly ``best_loss``.
        """
        run = self._started("evaluate")
        with self._lock:
            return run.evaluation(run.evaluate({**(values or {}), **named}))

    def _started(self, what: str) -> Run:
        if self._run is None:
            raise ValueError(
                f"Fitter.{what}: a fit must have been started; got none. Call start() or fit()."
            )
        return self._run

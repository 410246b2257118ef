"""The loop of a fit, whole or in pieces, over one of three backends."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import brainstate
import brainunit as u
import jax
import numpy as np

from brainmass._errors import choices

from ._arguments import Bar, callbacks_of, loss_of, outside
from ._problem import Evaluation, Problem
from ._result import FitResult, History
from ._search import Candidate, Search, Step

__all__ = ["Fitter"]

BACKENDS = ("grad", "nevergrad", "scipy")
_LARGEST_COLUMN = 256  # numbers; larger parameters are not kept for every step


class Fitter:
    """Tunes the trainable parameters of a model so that a loss becomes small.

    All ``Param(value, fit=True)`` of the model, and all other ``ParamState`` in it, are fitted;
    everything else is held fixed. The loss is traced and compiled once: further steps, a second
    fit, another target of the same shape and other fixed parameters of a ``*Step`` compile
    nothing.

    Parameters
    ----------
    model : brainstate.nn.Module
        A model with at least one trainable parameter. It is left at the best point.
    optimizer : object, optional
        For ``'grad'`` an optimiser of ``braintools.optim``, constructed or even in use, or an
        optax transformation; default ``braintools.optim.Adam(lr=0.01)``. For ``'nevergrad'``
        and ``'scipy'`` the name of a method or a dict with ``'method'`` and its settings;
        default ``'DE'`` and ``'L-BFGS-B'``.
    loss_fn : callable, optional
        ``loss_fn(model)`` or ``loss_fn(model, target)``, returning the loss or ``(loss, aux)``.
    objective : callable or dict, optional
        ``objective(prediction, target)``, see :mod:`brainmass.objectives`, or one per name of
        what ``predict`` returns. Default ``timeseries_rmse()``.
    predict : callable, optional
        ``predict(model)`` returns what is compared with the target: an array, a quantity or a
        dict. Exactly one of ``predict`` and ``loss_fn`` is needed.
    backend : {'grad', 'nevergrad', 'scipy'}
        How to search.
    callbacks : callable or sequence of callable, optional
        Called after each step with a dict of ``step`` (from 0), ``loss``, ``best_loss``, ``model``
        (at the parameters of this loss), ``params``, ``prediction`` and ``gradient_norm``. One
        that returns exactly ``True`` ends the fit.
    transient : int or brainunit.Quantity, optional
        Leading samples, or time, of the prediction that are not compared. A time needs ``'ts'`` in
        the prediction or ``dt`` in ``brainstate.environ``.
    search_space : dict, optional
        For ``'nevergrad'`` and ``'scipy'``: name to ``(low, high)``, with unit. Default the
        bounds of the transform, else those that the model declares.
    fresh_noise : bool, default False
        Draw new noise at every step. Otherwise all steps of a fit see the same noise, so that the
        loss is a function of the parameters.

    Raises
    ------
    TypeError
        If the model, optimiser or a callback is of another kind.
    ValueError
        If there is nothing to fit, or arguments contradict each other.

    Notes
    -----
    Optimisers move plain numbers: parameters in the unconstrained space of their transform, without
    units. A declared parameter is measured in widths of its useful range (``bounds``), so a
    learning rate of 0.01 is about one percent of it per step with Adam; another parameter with a
    unit in its initial size; a plain number is taken as it is. Declared domains such as
    ``tau > 0`` are kept.

    Where a loss or gradient is not finite, the search goes half of the way back to the last
    good point, warns once, and counts it in ``FitResult.n_failed``.

    Examples
    --------
    >>> import brainmass, braintools, brainstate, brainunit as u, jax.numpy as jnp
    >>> from brainstate.nn import Param
    >>> class Gain(brainstate.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gain = Param(0.0, fit=True)
    ...     def update(self):
    ...         return self.gain.value()
    >>> def predict(m):
    ...     sim = brainmass.Simulator(m, dt=0.1 * u.ms)
    ...     return jnp.mean(sim.run(1.0 * u.ms, monitors=None)["output"])
    >>> fitter = brainmass.Fitter(Gain(), braintools.optim.Adam(lr=0.2), predict=predict)
    >>> result = fitter.fit(target=jnp.asarray(2.0), n_steps=60)
    >>> print(f"{float(result.best_params['gain']):.2f}")
    2.00
    """

    def __init__(
        self,
        model: brainstate.nn.Module,
        optimizer: Any = None,
        *,
        loss_fn: Callable | None = None,
        objective: Any = None,
        predict: Callable | None = None,
        backend: str = "grad",
        callbacks: Callable | Sequence[Callable] | None = None,
        transient: Any = None,
        search_space: dict[str, tuple[Any, Any]] | None = None,
        fresh_noise: bool = False,
    ):
        if not isinstance(model, brainstate.nn.Module):
            raise TypeError(
                f"Fitter: model must be a brainstate module; got {type(model).__name__}. "
                "Pass a *Step model or a Network."
            )
        if backend not in BACKENDS:
            raise ValueError(
                f"Fitter: backend must be one of {choices(BACKENDS)}; got {backend!r}. Choose one."
            )
        if search_space is not None and backend == "grad":
            raise ValueError(
                "Fitter: search_space is for backend='nevergrad' and 'scipy'; got it with 'grad'. "
                "Bound a parameter by its transform, for example Param(x, t=SigmoidT(low, high))."
            )
        self.model = model
        self.backend = backend
        self.callbacks = callbacks_of(callbacks)
        self._loss = loss_of(loss_fn, predict, objective, transient)
        self._problem = Problem(model, self._loss)
        self._optimizer = optimizer
        self._space = search_space
        self._fresh = bool(fresh_noise)
        self._search_made: Search | None = None
        if optimizer is not None or backend != "grad":
            self._search_made = self._make_search()
        self._lock = threading.RLock()
        self._gate = threading.Event()
        self._gate.set()
        self._loop: int | None = None
        self._status = "idle"

    # -- what it is --------------------------------------------------------------------------

    @property
    def optimizer(self) -> Any:
        """The optimiser: the one given, or the default of the backend."""
        return self._search.optimizer

    @property
    def params(self) -> list[str]:
        """Dotted names of the parameters that are fitted."""
        return self._problem.space.names

    @property
    def status(self) -> str:
        """``'idle'``, ``'running'``, ``'paused'``, ``'finished'`` or ``'interrupted'``."""
        return self._status

    @property
    def _search(self) -> Search:
        if self._search_made is None:
            self._search_made = self._make_search()
        return self._search_made

    def _make_search(self) -> Search:
        if self.backend == "grad":
            from ._grad import GradientSearch

            return GradientSearch(self._problem, self._optimizer)
        if self.backend == "nevergrad":
            from ._nevergrad import NevergradSearch

            return NevergradSearch(self._problem, self._optimizer, self._space)
        from ._scipy import ScipySearch

        return ScipySearch(self._problem, self._optimizer, self._space)

    def __repr__(self) -> str:
        return (
            f"Fitter({type(self.model).__name__}, backend={self.backend!r}, "
            f"params=[{', '.join(self.params)}])"
        )

    # -- the whole loop ----------------------------------------------------------------------

    def fit(
        self,
        target: Any = None,
        n_steps: int = 100,
        *,
        verbose: bool | int = False,
        progress: bool = False,
        seed: int | None = None,
    ) -> FitResult:
        """Search from the present parameters and return the best point seen.

        Parameters
        ----------
        target : array, quantity or pytree of them, optional
            What the prediction is compared with.
        n_steps : int, default 100
            Optimiser steps (``'grad'``), generations (``'nevergrad'``) or restarts
            (``'scipy'``).
        verbose : bool or int, default False
            Print the loss about ten times, or every so many steps.
        progress : bool, default False
            Show a progress bar.
        seed : int, optional
            Makes the noise of the model and the random choices of the search reproducible.
            Default: brainstate's random state is used and moves on.

        Returns
        -------
        FitResult
            With ``interrupted=True`` if Ctrl-C or :meth:`stop` ended the fit; :meth:`resume`
            continues it.

        Raises
        ------
        ValueError
            If ``n_steps`` is less than 1, or the target is missing, superfluous or does not
            fit the prediction.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> from brainstate.nn import Param
        >>> node = brainmass.LinearStep(1, gamma=Param(-0.05, fit=True), init_x=1.0)
        >>> def predict(model):
        ...     return brainmass.Simulator(model, dt=0.1 * u.ms).run(20 * u.ms, monitors="x")["x"]
        >>> data = predict(brainmass.LinearStep(1, gamma=-0.1, init_x=1.0))
        >>> result = brainmass.Fitter(node, predict=predict).fit(data, n_steps=100)
        >>> print(f"{float(result.best_params['gamma']):.2f}")
        -0.10
        """
        self.start(target, n_steps, verbose=verbose, progress=progress, seed=seed)
        return self._run()

    def _run(self) -> FitResult:
        self._loop = threading.get_ident()
        try:
            while self._status in ("running", "paused"):
                self._gate.wait()
                if self._status == "running":
                    self.step()
        except KeyboardInterrupt:
            self._end("interrupted", f"interrupted after {self._done} of {self._n_steps} steps")
            if self._best is None:
                raise
        except BaseException:
            self._end("interrupted", f"ended by an error after {self._done} steps")
            raise
        finally:
            self._loop = None
            self._bar.close()
            if self._best is not None:
                self._problem.space.write(self._best.theta)
        return self.result()

    # -- the loop in pieces ------------------------------------------------------------------

    def start(
        self,
        target: Any = None,
        n_steps: int = 100,
        *,
        verbose: bool | int = False,
        progress: bool = False,
        seed: int | None = None,
    ) -> None:
        """Prepare a fit from the present parameters; :meth:`step` or :meth:`resume` runs it.

        The loss is traced here, on the calling thread, if it has not been for a target of this
        shape.

        Parameters
        ----------
        target, n_steps, verbose, progress, seed
            As for :meth:`fit`.
        """
        if not isinstance(n_steps, int | np.integer) or isinstance(n_steps, bool) or n_steps < 1:
            raise ValueError(
                f"Fitter.fit: n_steps must be a whole number, at least 1; got {n_steps!r}. "
                "Pass the number of steps."
            )
        self._loss.check_target(target)
        with self._lock:
            search = self._search
            self._key = brainstate.random.split_key() if seed is None else jax.random.key(seed)
            program = self._problem.program(target, self._key)
            search.resample = self._fresh
            search.seed = seed
            search.stopped = lambda: self._status == "interrupted"
            search.start(program, target, self._key, int(n_steps))
            self._seed, self._verbose, self._n_steps = seed, verbose, int(n_steps)
            self._unit = program.loss_unit
            self._columns: dict[str, list] = {
                "step": [], "loss": [], "best_loss": [], "gradient_norm": [],
            }  # fmt: skip
            self._best: Candidate | None = None
            self._done = self._failed = 0
            self._warned = False
            self._message = ""
            self._bar = Bar(progress, self._n_steps)
            self._gate.set()
            self._status = "running"

    def step(self) -> dict[str, Any]:
        """Do one step, also of a paused fit.

        Returns
        -------
        dict
            What callbacks are given: ``step``, ``loss``, ``best_loss``, ``model``, ``params``,
            ``prediction``, ``gradient_norm``.
        """
        with self._lock:
            self._started("step")
            search, index = self._search, self._done
            if self._fresh:
                search.key = jax.random.fold_in(self._key, index)
            outcome = search.step()
            self._done += 1
            best = self._note(index, outcome)
            if outcome.interrupted:
                raise KeyboardInterrupt
            report = self._report(index, outcome, best)
            self._tell(report)
            if outcome.finished:
                self._end("finished", outcome.finished)
            elif self._done >= self._n_steps:
                self._end("finished", "all steps done")
            if self._call_back(report, outcome.best.theta):
                self._end("finished", "a callback returned True")
            return report

    def pause(self) -> None:
        """Hold the loop after the step it is in; :meth:`resume` continues.

        May be called from another thread, or between pieces of a loop of your own.
        """
        self._started("pause")
        self._gate.clear()
        if self._status == "running":
            self._status = "paused"

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
        self._started("resume")
        if self._done < self._n_steps:
            self._status = "running"
        self._gate.set()
        if self._loop is not None and self._loop != threading.get_ident():
            return None
        return self._run()

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
        self._started("set")
        with self._lock:
            if n_steps is not None:
                self._n_steps = int(n_steps)
            if learning_rate is not None:
                self._search.set_rate(float(learning_rate))
            changes = {**(values or {}), **named}
            if changes:
                self._search.move(self._changed(self._search.theta, changes))

    def stop(self) -> FitResult | None:
        """End the fit after the step it is in.

        Returns
        -------
        FitResult or None
            The best so far, or None if a loop in another thread is about to return it.
        """
        self._started("stop")
        self._end("interrupted", f"stopped after {self._done} of {self._n_steps} steps")
        self._gate.set()
        return None if self._loop is not None else self.result()

    def result(self) -> FitResult:
        """Return the best point so far, and put the model there.

        Returns
        -------
        FitResult
            As from :meth:`fit`.
        """
        self._started("result")
        with self._lock:
            if self._best is None:
                raise ValueError(
                    "Fitter.result: at least one step must have been done; got none. "
                    "Call step() or resume() first."
                )
            self._problem.space.write(self._best.theta)
            evaluation = self._evaluation(self._best)
            return FitResult(
                backend=self.backend,
                best_loss=evaluation.loss if np.isfinite(evaluation.loss) else float("nan"),
                best_params=dict(self._best.record["values"]),
                history=History({name: list(column) for name, column in self._columns.items()}),
                n_steps=self._done,
                prediction=evaluation.prediction,
                optimizer=self.optimizer,
                raw=self._search.raw,
                model=self.model,
                loss_unit=self._unit,
                parts=evaluation.parts,
                aux=evaluation.aux,
                interrupted=self._status == "interrupted",
                message=self._message,
                n_failed=self._failed,
                seed=self._seed,
            )

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
            With ``loss``, ``parts``, ``prediction`` and ``aux``. Without arguments the loss is
            exactly ``best_loss``.
        """
        self._started("evaluate")
        with self._lock:
            best = self._best
            theta = self._problem.space.current() if best is None else best.theta
            changes = {**(values or {}), **named}
            if changes:
                theta = self._changed(theta, changes)
            self._search.key = self._key if best is None else best.key
            return self._evaluation(self._search.evaluate(theta))

    # -- inside ------------------------------------------------------------------------------

    def _started(self, what: str) -> None:
        if self._status == "idle":
            raise ValueError(
                f"Fitter.{what}: a fit must have been started; got none. Call start() or fit()."
            )

    def _end(self, status: str, message: str) -> None:
        self._status, self._message = status, message

    def _changed(self, theta: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
        theta = dict(theta)
        for name, value in changes.items():
            entry = self._problem.space.entry(name)
            new = entry.theta(entry.invert(entry.read(value)))
            if not all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(new)):
                raise ValueError(
                    f"Fitter: parameter '{name}' must be finite and inside the range of its "
                    f"transform; got {value}. Pass a value inside."
                )
            theta[name] = new
        return theta

    def _note(self, index: int, outcome: Step) -> Candidate:
        best = outcome.best
        if self._best is not None and not outcome.chosen:
            best = best if _better(best.loss, self._best.loss) else self._best
        self._best = best
        for row in outcome.rows:
            columns = {
                "step": index,
                "loss": row.loss,
                "best_loss": self._smallest(row.loss),
                "gradient_norm": row.gradient_norm,
                **row.parts,
            }
            for name, value in row.values.items():
                if sum(np.size(leaf) for leaf in jax.tree.leaves(value)) <= _LARGEST_COLUMN:
                    columns[name] = value
            for name, value in columns.items():
                self._columns.setdefault(name, []).append(value)
        self._failed += outcome.failed
        if outcome.trouble and not self._warned:
            self._warned = True
            self._warn(index, outcome)
        return best

    def _smallest(self, loss: float) -> float:
        before = self._columns["best_loss"]
        if not before or _better(loss, before[-1]):
            return loss
        return before[-1]

    def _warn(self, index: int, outcome: Step) -> None:
        advice = "The search went back towards the last good point. "
        if outcome.finished:
            advice = "There was no good point to go back to: start elsewhere. "
        elif self.backend != "grad":
            advice = "Such points count as bad ones. "
        warnings.warn(
            f"Fitter: loss and gradient must be finite; the {outcome.trouble} was NaN or infinite "
            f"at step {index}. {advice}Check the model for divergence, or bound the parameters.",
            RuntimeWarning,
            stacklevel=outside(),
        )

    def _report(self, index: int, outcome: Step, best: Candidate) -> dict[str, Any]:
        row, record = outcome.rows[-1], outcome.best.record
        return {
            "step": index,
            "loss": row.loss if len(outcome.rows) == 1 else outcome.best.loss,
            "best_loss": best.loss,
            "model": self.model,
            "params": record["values"],
            "prediction": record["extra"]["prediction"],
            "gradient_norm": row.gradient_norm,
        }

    def _tell(self, report: dict[str, Any]) -> None:
        self._bar.move(report)
        if not self._verbose:
            return
        ten = max(1, self._n_steps // 10)
        every = ten if self._verbose is True else max(1, int(self._verbose))
        done = report["step"] + 1
        if done % every == 0 or done in (1, self._n_steps):
            print(
                f"step {done}/{self._n_steps}: loss {report['loss']:.6g}, "
                f"best {report['best_loss']:.6g}"
            )

    def _call_back(self, report: dict[str, Any], theta: Any) -> bool:
        if not self.callbacks:
            return False
        self._problem.space.write(theta)
        return any([callback(report) is True for callback in self.callbacks])

    def _evaluation(self, candidate: Candidate) -> Evaluation:
        extra = candidate.record["extra"]
        parts = {
            name: float(u.get_mantissa(extra["parts"][name]))
            for name in self._search.program.parts
            if name in extra["parts"]
        }
        return Evaluation(candidate.loss, parts, extra["prediction"], extra["aux"])


def _better(new: float, old: float) -> bool:
    return bool(np.isfinite(new) and (new < old or not np.isfinite(old)))

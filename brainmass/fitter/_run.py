"""One fit from its start to its end: the loop, what it has found, what it tells."""

from __future__ import annotations

import dataclasses
import threading
import warnings
from collections.abc import Callable
from typing import Any

import brainunit as u
import jax
import numpy as np

from ._arguments import Bar, outside
from ._history import Columns, History, better
from ._plan import Clock, HeldOut, Patience, Plan
from ._problem import Evaluation, Problem
from ._result import FitResult
from ._search import (
    STOPPED,
    Candidate,
    Enough,
    Row,
    Search,
    Step,
    Unfinished,
    numbers_of,
)

__all__ = ["Run"]

_ALL = "all steps done"


class Run:
    """A fit that has been started.

    Parameters
    ----------
    problem : Problem
        Model and objective.
    search : Search
        The backend, started.
    plan : Plan
        How long, and what to tell.
    held_out : HeldOut or None
        Data that candidates are judged by.
    callbacks : list of callable
        Called after each step.
    fresh : bool
        Whether each step draws new noise.
    """

    def __init__(
        self,
        problem: Problem,
        search: Search,
        plan: Plan,
        held_out: HeldOut | None,
        callbacks: list[Callable],
        fresh: bool,
    ):
        self.problem, self.search, self.plan = problem, search, plan
        self.held_out, self.callbacks, self.fresh = held_out, callbacks, fresh
        self.key = search.task.key
        self.origin = jax.device_get(problem.space.current())
        self.status, self.message = "running", ""
        self.done = self.failed = 0
        self.over = ""  # why no further step is needed
        self.warned = False
        self.best: Candidate | None = None
        self.columns = Columns()
        self.validation: dict[str, float] = {}
        self.patience = Patience(plan)
        self.bar = Bar(plan.progress, plan.n_steps)
        self.loop: int | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._clock = Clock(plan.every)
        self.save: Callable[[], None] = lambda: None
        search.resample = fresh
        self._least, self._watched = float("inf"), 0
        search.stopped = self._leaves
        search.tick = self._tick
        search.look = self._look

    # -- the loop ------------------------------------------------------------------------------

    def run(self, lock) -> None:
        """Step until the fit ends."""
        self.loop = threading.get_ident()
        try:
            while self.status in ("running", "paused"):
                self.gate.wait()
                with lock:
                    if self.status == "running":
                        self.step()
        except KeyboardInterrupt:
            self.end("interrupted", f"interrupted after {self.done} of {self.plan.n_steps} steps")
            if self.found() is None:
                raise
        except BaseException:
            self.end("interrupted", f"ended by an error after {self.done} steps")
            raise
        finally:
            self.loop = None
            self.bar.close()
            self.save()
            if (found := self.found()) is not None:
                self.problem.space.write(found.theta)

    def step(self) -> dict[str, Any]:
        """Do one step and return what callbacks are given."""
        index, search = self.done, self.search
        before = self._memo()
        self._least, self._watched = float("inf"), 0
        try:
            if self.fresh:
                search.key = jax.random.fold_in(self.key, index)
            outcome = search.step()
            self._note(index, outcome)
        except Unfinished:
            return {}
        except BaseException:  # Ctrl-C may come anywhere: nothing is half done
            self._recall(before)
            raise
        if outcome.trouble and not self.warned:
            self.warned = True
            self._warn(index, outcome)
        report = self._report(index, outcome)
        self._tell(report)
        if self.over:
            self.end("finished", self.over)
        if outcome.finished != STOPPED and self._call_back(report, outcome.theta):
            self.end("finished", STOPPED)
        if self.status == "finished":
            self.save()
        else:
            self._tick()
        return report

    def go_on(self) -> None:
        """Be ready for further steps, if there are any to do."""
        over = self.over if self.over != _ALL else ""
        if self.status == "interrupted" and over:
            self.end("finished", over)
        elif self.done < self.plan.n_steps:
            self.status = "running"
        elif self.status == "interrupted":
            self.end("finished", _ALL)

    def end(self, status: str, message: str) -> None:
        """End the fit."""
        self.status, self.message = status, message

    def _leaves(self) -> bool:
        """Whether a long step should stop in its middle; it goes on from there."""
        paused = self.status == "paused" and self.loop == threading.get_ident()
        return paused or self.status == "interrupted"

    def _memo(self) -> tuple:
        patience = (self.patience.best, self.patience.waited)
        own = (self.done, self.failed, self.over, self.best, self.validation)
        return own, patience, len(self.columns), self.search.memo()

    def _recall(self, memo: tuple) -> None:
        own, patience, rows, search = memo
        self.done, self.failed, self.over, self.best, self.validation = own
        self.patience.best, self.patience.waited = patience
        self.columns.cut(rows)
        self.search.recall(search)

    def _tick(self) -> None:
        if self._clock.rings():
            self.save()

    # -- what was found ------------------------------------------------------------------------

    def _note(self, index: int, outcome: Step) -> None:
        found, last = outcome.best, {}
        if found is not None and self.held_out is not None:
            last = self.validation = self.held_out.judge(found).validation
        if found is not None and self.search.task.batches is not None:
            last = {"epoch_loss": found.loss, **last}
        if found is not None and self._improves(found, outcome.chosen):
            self.best = found
        self.columns.add(index, outcome.rows, **last)
        self.failed += outcome.failed
        spent = self.patience.spent(None if self.best is None else self.best.judged)
        last_one = _ALL if self.done + 1 >= self.plan.n_steps else ""
        self.over = outcome.finished or last_one or spent
        self.done += 1

    def _improves(self, found: Candidate, chosen: bool) -> bool:
        return chosen or self.best is None or better(found.judged, self.best.judged)

    def history(self, pending: list[Row] | None = None) -> History:
        """Return the history, with the evaluations of a step that is not finished."""
        return self.columns.history(self.done, pending or [])

    def found(self) -> Candidate | None:
        """Return the best point so far, that of an unfinished step included."""
        pending = self.search.pending()[1]
        if pending is None:
            return self.best
        if self.held_out is not None:
            self.held_out.judge(pending)
        return pending if self._improves(pending, False) else self.best

    def result(self) -> FitResult:
        """Return the best point so far, and put the model there."""
        best, pending = self.found(), self.search.pending()[0]
        if best is None:
            raise ValueError(
                "Fitter.result: at least one step must have been done; got none. "
                "Call step() or resume() first."
            )
        space, search = self.problem.space, self.search
        space.write(best.theta)
        evaluation = self.evaluation(best)
        front = getattr(search, "front", None)
        return FitResult(
            backend=search.name,
            best_loss=evaluation.loss if np.isfinite(evaluation.loss) else float("nan"),
            best_params=dict(best.record["values"]),
            history=self.history(pending),
            n_steps=self.done,
            prediction=evaluation.prediction,
            optimizer=search.optimizer,
            raw=search.raw,
            model=self.problem.model,
            loss_unit=search.program.loss_unit,
            parts=evaluation.parts,
            aux=evaluation.aux,
            interrupted=self.status == "interrupted",
            message=self.message,
            n_failed=self.failed,
            seed=self.plan.seed,
            metrics=evaluation.metrics,
            validation=best.validation,
            pareto=None if front is None else front.result(search.at, search.program),
            simulations=[_with_units(run) for run in search.task.whole.simulated],
        )

    def theta_of(self, changes: dict[str, Any], theta: Any) -> dict[str, Any]:
        """Return theta with parameters changed, and those that are at the best point as there."""
        theta, best = dict(theta), self.found()
        for name, value in changes.items():
            entry = self.problem.space.entry(name)
            if best is not None and _same(value, best.record["values"][name]):
                theta[name] = best.theta[name]
                continue
            read = entry.read(value)
            new = entry.theta(entry.invert(read))
            finite = all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(new))
            if not (finite and entry.inside(read)):
                raise ValueError(
                    f"Fitter: parameter '{name}' must be finite and inside the range of its "
                    f"transform; got {value}. Pass a value inside."
                )
            theta[name] = new
        return theta

    def evaluate(self, changes: dict[str, Any]) -> Candidate:
        """Evaluate a point, with the noise of the best one."""
        best = self.found()
        theta = self.problem.space.current() if best is None else best.theta
        return self.search.evaluate(
            self.theta_of(changes, theta), self.key if best is None else best.key
        )

    def evaluation(self, candidate: Candidate) -> Evaluation:
        """Return a candidate as the user sees it."""
        extra, program = candidate.record["extra"], self.search.task.whole
        numbers = numbers_of(program, extra)
        parts = {n: numbers[n] for n in program.parts if n in extra["parts"]}
        metrics = {n: numbers[n] for n in program.metrics}
        return Evaluation(candidate.loss, parts, extra["prediction"], extra["aux"], metrics)

    # -- what is told --------------------------------------------------------------------------

    def _warn(self, index: int, outcome: Step) -> None:
        advice = "The search went back towards the last good point. "
        if outcome.finished:
            advice = "There was no good point to go back to: start elsewhere. "
        elif self.search.name != "grad":
            advice = "Such points count as bad ones. "
        remedy = "Check the model for divergence, or bound the parameters."
        if outcome.trouble == "gradient":
            remedy = "Fitter.check_gradient tells whether it grows with the simulated time."
        warnings.warn(
            f"Fitter: loss and gradient must be finite; the {outcome.trouble} was NaN or infinite "
            f"at step {index}. {advice}{remedy}",
            RuntimeWarning,
            stacklevel=outside(),
        )

    def _report(self, index: int, outcome: Step) -> dict[str, Any]:
        row, found = outcome.rows[-1], outcome.best
        losses = [row.loss for row in outcome.rows]
        loss = losses[0] if found is None or len(losses) == 1 else found.loss
        report = {
            "step": index,
            "loss": loss,
            "best_loss": float("nan") if self.best is None else self.best.loss,
            "model": self.problem.model,
            "params": outcome.values,
            "prediction": outcome.prediction,
            **self._numbers(row),
            "step_done": True,
        }
        return report if found is None else {**report, **found.validation}

    def _numbers(self, row: Row) -> dict[str, Any]:
        program = self.search.program
        return {
            "gradient_norm": row.gradient_norm,
            "parts": {name: row.numbers[name] for name in program.parts if name in row.numbers},
            "metrics": {name: row.numbers[name] for name in program.metrics},
        }

    def _look(self, rows: list[Row], theta: Callable[[int], Any]) -> None:
        """Tell of the evaluations inside a step that is a whole search, as scipy's are."""
        new, self._watched = range(self._watched, len(rows)), len(rows)
        best = min(new, key=lambda k: np.nan_to_num(rows[k].loss, nan=np.inf))
        self._least = np.fmin(self._least, rows[best].loss)
        least = float(np.fmin(self._least, np.inf if self.best is None else self.best.loss))
        self.bar.show(least, len(rows))
        if self.plan.verbose and _is_round(len(new), len(rows)):
            print(
                f"step {self.done + 1}/{self.plan.n_steps}, evaluation {len(rows)}: "
                f"loss {rows[best].loss:.6g}, best {least:.6g}"
            )
        report = {
            "step": self.done,
            "loss": rows[best].loss,
            "best_loss": least,
            "model": self.problem.model,
            "params": rows[best].values,
            "prediction": None,
            **self._numbers(rows[best]),
            "step_done": False,
        }
        if self.callbacks and self._call_back(report, theta(best)):
            raise Enough

    def _tell(self, report: dict[str, Any]) -> None:
        self.bar.move(report)
        verbose, n_steps = self.plan.verbose, self.plan.n_steps
        if not verbose:
            return
        every = max(1, n_steps // 10) if verbose is True else max(1, int(verbose))
        done = report["step"] + 1
        if done % every == 0 or done in (1, n_steps):
            more = "".join(f", {name} {number:.6g}" for name, number in self.validation.items())
            print(
                f"step {done}/{n_steps}: loss {report['loss']:.6g}, "
                f"best {report['best_loss']:.6g}{more}"
            )

    def _call_back(self, report: dict[str, Any], theta: Any) -> bool:
        if not self.callbacks:
            return False
        self.problem.space.write(theta)
        return any([callback(report) is True for callback in self.callbacks])


def _with_units(run: Any) -> dict[str, Any]:
    times = ("dt", "duration", "transient")
    facts = dataclasses.asdict(run).items()
    return {name: value * u.ms if name in times else value for name, value in facts}


def _is_round(new: int, count: int) -> bool:
    """Whether one of the last evaluations was the 10th, 20th, 50th, 100th, 200th and so on."""
    size = 10 ** max(1, len(str(count)) - 1)
    return any(count - new < k * size <= count for k in (1, 2, 5))


def _same(value: Any, other: Any) -> bool:
    """Whether two values are equal bit for bit, unit included."""
    a, b = jax.tree.leaves(value), jax.tree.leaves(other)
    units = [
        [
            u.get_unit(leaf)
            for leaf in jax.tree.leaves(v, is_leaf=lambda x: isinstance(x, u.Quantity))
        ]
        for v in (value, other)
    ]
    return (
        len(a) == len(b)
        and units[0] == units[1]
        and all(
            np.shape(x) == np.shape(y) and np.array_equal(x, y) for x, y in zip(a, b, strict=True)
        )
    )

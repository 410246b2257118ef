"""What searches without gradients in the space of the model have in common."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ._box import Box, slices
from ._problem import Problem, Program
from ._search import Candidate, Row, Search, Step, Task

__all__ = ["BoxSearch", "floats"]


class BoxSearch(Search):
    """A search in a box, over points of the unit cube.

    Parameters
    ----------
    problem : Problem
        Model and objective.
    optimizer : str, dict or None
        Name of a method, or a dict with ``'method'`` and its settings.
    search_space : dict or None
        Bounds by name.
    """

    settings: dict[str, Any]
    default: str

    def __init__(self, problem: Problem, optimizer: Any, search_space: dict | None):
        super().__init__(problem)
        self.box = Box(problem.space, search_space)
        self.optimizer = optimizer if optimizer is not None else self.default
        self.options = self._read(self.optimizer)

    def _read(self, optimizer: Any) -> dict[str, Any]:
        if isinstance(optimizer, str):
            optimizer = {"method": optimizer}
        if not isinstance(optimizer, dict):
            raise TypeError(
                f"Fitter: optimizer of backend='{self.name}' must be the name of a method or a "
                f"dict with 'method'; got {type(optimizer).__name__}. Pass for example "
                f"'{self.default}'."
            )
        if unknown := sorted(set(optimizer) - set(self.settings)):
            known = ", ".join(f"'{name}'" for name in self.settings)
            raise ValueError(
                f"Fitter: optimizer of backend='{self.name}' must use the keys {known}; got "
                f"{unknown}. Correct the key."
            )
        return {**self.settings, **optimizer}

    def check(self) -> None:
        """Refuse parameters outside of their bounds."""
        super().check()
        self.box.place(self.problem.space.current())

    def start(self, task: Task) -> None:
        """Begin anew from the parameters that the model holds."""
        super().start(task)
        self.origin = self.box.place(self.problem.space.current())
        seed = task.seed if task.seed is not None else self.options.get("seed")
        if seed is None:
            seed = int(np.asarray(jax.random.key_data(task.key)).ravel()[-1])
        self.random = np.random.default_rng(seed)
        self._best: Candidate | None = None
        self._worst = 0.0

    @property
    def theta(self) -> Any:
        """The best point so far."""
        return self.problem.space.current() if self._best is None else self._best.theta

    def pack(self) -> dict[str, Any]:
        """Return what every search in a box has to remember."""
        best = self._best
        return {
            "best": None if best is None else jax.device_get(best.theta),
            "best_key": None if best is None else best.key,
            "worst": self._worst,
            "random": self.random.bit_generator.state,
            "origin": self.origin,
        }

    def unpack(self, packed: dict[str, Any]) -> None:
        """Continue where :meth:`pack` was called."""
        self.random.bit_generator.state = packed["random"]
        self._worst, self.origin = packed["worst"], packed["origin"]
        self._best = None
        if packed["best"] is not None:
            self._best = self.evaluate(packed["best"], packed["best_key"])

    def many(self, cube: np.ndarray) -> tuple[np.ndarray, list[Row]]:
        """Evaluate a population of points of the cube in one call."""
        function = self._compiled("population", self._make_population)
        losses, extra, values = jax.device_get(function(floats(cube), *self.arguments()))
        rows = [
            self.row(float(loss), slices(extra, k), slices(values, k))
            for k, loss in enumerate(losses)
        ]
        return losses, rows

    def usable(self, losses: np.ndarray) -> np.ndarray:
        """Replace losses that are not finite by one worse than all seen."""
        losses = np.asarray(losses, dtype=float)
        finite = losses[np.isfinite(losses)]
        if finite.size:
            self._worst = max(self._worst, float(np.abs(finite).max()))
        return np.where(np.isfinite(losses), losses, 10.0 * self._worst + 1.0)

    def at(self, z: np.ndarray) -> Candidate:
        """Evaluate one point of the cube by itself."""
        return self.evaluate(self._place(z))

    def _place(self, z: np.ndarray) -> Any:
        """Return theta at a point of the cube."""
        return self._compiled("place", lambda _: jax.jit(self.box.theta))(floats(z))

    def judge(self, z: np.ndarray, loss: float) -> Candidate:
        """Evaluate the best point of a step by itself if it is better than all before."""
        best = self._best
        if best is None or (np.isfinite(loss) and not best.loss <= loss):
            candidate = self.at(z)
            if best is None or not best.loss <= candidate.loss:
                self._best = best = candidate
        return best

    def best_of(self, cube: list[np.ndarray], rows: list[Row]) -> Candidate:
        """Return the best of these evaluations, or of those before."""
        losses = np.array([row.loss for row in rows])
        best = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
        return self.judge(cube[best], losses[best])

    def outcome(self, cube: list[np.ndarray], rows: list[Row], **more: Any) -> Step:
        """Return the step that consisted of these evaluations."""
        failed = sum(not np.isfinite(row.loss) for row in rows)
        best = self.best_of(cube, rows)
        return Step(
            rows=rows,
            best=best,
            theta=best.theta,
            values=best.record["values"],
            prediction=best.record["extra"]["prediction"],
            failed=failed,
            trouble="loss" if failed else "",
            **more,
        )

    def _make_population(self, program: Program):
        space, box = self.problem.space, self.box

        def one(z, frozen, key, leaves):
            theta = box.theta(z)
            loss, extra = program.call(theta, frozen, key, leaves)
            numbers = {"parts": extra["parts"], "metrics": extra["metrics"]}
            return loss, numbers, space.values(theta)

        return jax.jit(jax.vmap(one, in_axes=(0, None, None, None)))


def floats(z: np.ndarray) -> np.ndarray:
    """Return coordinates in the precision of JAX."""
    return np.asarray(z, dtype=jax.dtypes.canonicalize_dtype(np.float64))

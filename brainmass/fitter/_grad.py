"""Search along gradients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._box import Box
from ._derivative import choose_mode, value_and_gradient
from ._optimizers import Rule, default_optimizer
from ._problem import Problem, Program
from ._search import Candidate, Row, Search, Step, Task

__all__ = ["GradientSearch"]


class GradientSearch(Search):
    """Points that move along the gradient of the loss, one optimiser step at a time.

    Loss, gradient, prediction and parameters of a step all come from one call of one compiled
    program, so they belong to the same point. Where the loss or its gradient is not finite, the
    point goes half of the way back to the last good one and the optimiser's state stays.

    Parameters
    ----------
    problem : Problem
        Model and objective.
    optimizer : object
        Optimiser of braintools or optax.
    mode : {'auto', 'reverse', 'forward'}
        How to differentiate.
    n_starts : int
        Points that are moved at once; the first begins at the present parameters, the others
        anywhere within their bounds.
    search_space : dict or None
        Bounds for the other starts.
    """

    name = "grad"

    def __init__(
        self,
        problem: Problem,
        optimizer: Any,
        mode: str = "auto",
        n_starts: int = 1,
        search_space: dict | None = None,
    ):
        super().__init__(problem)
        self.optimizer = default_optimizer() if optimizer is None else optimizer
        self.rule = Rule(self.optimizer)
        self._mode, self._starts = mode, n_starts
        self._box = None
        if n_starts > 1:
            self._box = Box(problem.space, search_space)
            self._places = jax.jit(jax.vmap(self._box.theta))
            self._states = jax.jit(jax.vmap(self.rule.fresh))

    @property
    def _alone(self) -> bool:
        """Whether a step evaluates one point on all data, as :meth:`evaluate` does."""
        return self._starts == 1 and self.task.batches is None

    def check(self) -> None:
        """Refuse parameters outside of their transforms, or of the bounds of several starts."""
        super().check()
        if self._box is not None:
            self._box.place(self.problem.space.current())

    def start(self, task: Task) -> None:
        """Take the present parameters as the first point."""
        super().start(task)
        theta = self.problem.space.current()
        if self._box is not None:
            theta = self._scattered(theta, task)
            state = self._states(theta)
            self.rule.rewind()
        else:
            state = self.rule.init(theta)
        self._carry = (theta, theta, state)
        self._lost = np.ones(self._starts, bool)  # no good point yet to go back to
        self._count = 0
        self._checked: tuple[int, Candidate] | None = None

    def _scattered(self, theta: Any, task: Task) -> Any:
        """Return a stack of starting points."""
        seed = task.seed
        if seed is None:
            seed = [int(word) for word in np.ravel(jax.random.key_data(task.key))]
        box: Any = self._box
        cube = np.random.default_rng(seed).random((self._starts - 1, box.size))
        cube = cube.astype(jax.dtypes.canonicalize_dtype(np.float64))
        others = jax.device_get(self._places(cube))
        first = jax.device_get(theta)
        return jax.tree.map(
            lambda a, b: jax.device_put(np.concatenate([a[None], b.astype(a.dtype)])), first, others
        )

    def step(self) -> Step:
        """Evaluate the present points and move on."""
        batches = self.task.batches
        index = None if batches is None else batches.index(self._count)
        before = self._carry[0]
        function = self._compiled("step" if batches is None else "batch", self._make_step)
        self._carry, record = function(self._carry, *self.arguments(), index, self.rule.rates)
        losses = np.atleast_1d(np.asarray(record["loss"]))
        good = np.atleast_1d(np.asarray(record["good"]))
        rows = self._rows(record, losses)
        self.rule.advance(float(np.nanmin(losses)) if np.isfinite(losses).any() else float("nan"))
        self._count += 1
        stuck = bool(np.all(self._lost & ~good)) and not self.resample and batches is None
        self._lost = self._lost & ~good
        best = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
        theta, found = self._best(before, record, best)
        finite = np.isfinite(losses).all()
        return Step(
            rows=rows,
            best=found,
            theta=theta,
            values=rows[best].values if self._starts > 1 else record["values"],
            prediction=None if found is None else found.record["extra"]["prediction"],
            failed=int(np.sum(~good)),
            trouble="" if good.all() else ("gradient" if finite else "loss"),
            finished="no point with a finite loss and gradient to go back to" if stuck else "",
        )

    def _rows(self, record: dict, losses: np.ndarray) -> list[Row]:
        extra, values = jax.device_get((record["numbers"], record["values"]))
        norms = np.atleast_1d(np.asarray(record["gradient_norm"]))
        if self._starts == 1:
            return [self.row(float(losses[0]), extra, values, float(norms[0]))]
        rows = []
        for k, loss in enumerate(losses):
            some, here = jax.tree.map(lambda a, k=k: a[k], (extra, values))
            row = self.row(float(loss), some, here, float(norms[k]))
            rows.append(Row(row.loss, {"start": k, **row.numbers}, row.values, row.gradient_norm))
        return rows

    def _best(self, before: Any, record: dict, best: int) -> tuple[Any, Candidate | None]:
        """Return where the best point of the step is, and that point if it was evaluated."""
        if self._alone:
            return before, Candidate(before, float(record["loss"]), self.key, record)
        if self.task.batches is not None and not self.task.batches.ends_epoch(self._count - 1):
            return self._one(best), None
        theta = self._one(best) if self.task.batches is not None else _member(before, best)
        return theta, self.evaluate(theta)

    def _one(self, index: int) -> Any:
        """Return one of the present points."""
        return _member(self._carry[0], index) if self._starts > 1 else self._carry[0]

    def pending(self) -> tuple[list[Row], Candidate | None]:
        """Return the present point of a search over mini-batches, evaluated on all data."""
        if self.task.batches is None or self._count == 0:
            return [], None
        if self._checked is None or self._checked[0] != self._count:
            self._checked = (self._count, self.evaluate(self._one(0)))
        return [], self._checked[1]

    def evaluate(self, theta: Any, key: Any = None) -> Candidate:
        """Evaluate a point on all data, with the very program that the fit runs."""
        if not self._alone:
            return super().evaluate(theta, key)
        key = self.key if key is None else key
        carry = (theta, theta, self._carry[2])
        step = self._compiled("step", self._make_step)
        leaves = self.task.data.leaves
        record = step(carry, self._frozen, key, leaves, None, self.rule.rates)[1]
        return Candidate(theta, float(record["loss"]), key, record)

    @property
    def theta(self) -> Any:
        """The point that the next step evaluates; of several the first."""
        return self._one(0)

    def move(self, theta: Any) -> None:
        """Continue from another point; of several the first is moved."""
        if self._starts > 1:
            theta = jax.tree.map(
                lambda all_, one: jax.device_put(_replaced(all_, one)), self._carry[0], theta
            )
        self._carry = (theta, theta, self._carry[2])
        self._lost = np.ones(self._starts, bool)

    def set_rate(self, rate: float) -> None:
        """Change the learning rate."""
        self._carry = (*self._carry[:2], self.rule.set_rate(rate, self._carry[2]))

    def memo(self) -> dict[str, Any]:
        """Return points, state and schedule."""
        return {**super().memo(), "schedule": self.rule.pack()}

    def recall(self, memo: dict[str, Any]) -> None:
        """Be where :meth:`memo` was called."""
        super().recall({name: value for name, value in memo.items() if name != "schedule"})
        self.rule.unpack(memo["schedule"])

    def pack(self) -> dict[str, Any]:
        """Return the points, the optimiser's state and where its schedule stands."""
        return {
            "carry": jax.tree.leaves(self._carry),
            "lost": self._lost,
            "count": self._count,
            "schedule": self.rule.pack(),
        }

    def unpack(self, packed: dict[str, Any]) -> None:
        """Continue where :meth:`pack` was called."""
        leaves = [jax.device_put(leaf) for leaf in packed["carry"]]
        self._carry = jax.tree.unflatten(jax.tree.structure(self._carry), leaves)
        self._lost, self._count = np.array(packed["lost"]), packed["count"]
        self.rule.unpack(packed["schedule"])

    def _make_step(self, program: Program):
        space, rule = self.problem.space, self.rule
        mode = choose_mode(self._mode, program.jaxpr, space.current())
        call = program.call if mode == "reverse" else program.call_forward

        def one(carry, frozen, key, leaves, rates):
            theta, anchor, state = carry

            def loss_of(theta):
                return call(theta, frozen, key, leaves)

            def value_of(theta):  # optimisers that search along a line differentiate in reverse
                return program.call(theta, frozen, key, leaves)[0]

            (loss, extra), gradient = value_and_gradient(loss_of, mode)(theta)
            norm = _norm(gradient)
            good = jnp.isfinite(loss) & jnp.isfinite(norm)
            usable = jax.tree.map(lambda g: jnp.where(good, g, jnp.zeros_like(g)), gradient)
            moved, new_state = rule.update(
                usable, state, theta, rates,
                value=loss, grad=usable, value_fn=value_of,
            )  # fmt: skip
            sound = _finite(moved)  # an optimiser may lose its way where loss and gradient do not
            moved = space.project(_choose(sound, moved, theta))
            new_state = _choose(sound, new_state, rule.fresh(theta))
            back = jax.tree.map(_halfway, theta, anchor)
            after = (
                _choose(good, moved, back),
                _choose(good, theta, anchor),
                _choose(good, new_state, state),
            )
            record = {"loss": loss, "gradient_norm": norm, "good": good}
            record["numbers"] = {"parts": extra["parts"], "metrics": extra["metrics"]}
            if self._alone:
                record["extra"] = extra
            return after, {**record, "values": space.values(theta)}

        def step(carry, frozen, key, leaves, index, rates):
            if index is not None:
                leaves = [leaf[index] for leaf in leaves]
            if self._starts == 1:
                return one(carry, frozen, key, leaves, rates)
            moved = jax.vmap(one, in_axes=(0, None, None, None, None))
            return moved(carry, frozen, key, leaves, rates)

        return jax.jit(step)


def _member(tree: Any, index: int) -> Any:
    """Return one of a stack of points, without compiling a slice for each of them."""
    return jax.tree.map(lambda leaf: jax.device_put(np.asarray(leaf)[index]), tree)


def _replaced(stack: Any, first: Any) -> np.ndarray:
    out = np.array(stack)
    out[0] = np.asarray(first)
    return out


def _choose(condition, yes, no):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _halfway(a, b):
    return jnp.where(jnp.isfinite(a), (a + b) / 2, b)


def _finite(tree) -> jax.Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def _norm(tree) -> jax.Array:
    return jnp.sqrt(sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(tree)))

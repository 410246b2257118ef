"""Search along gradients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ._optimizers import Rule, default_optimizer
from ._problem import Problem, Program
from ._search import Candidate, Search, Step

__all__ = ["GradientSearch"]


class GradientSearch(Search):
    """One point that moves along the gradient of the loss, one optimiser step at a time.

    Loss, gradient, prediction and parameters of a step all come from one call of one compiled
    program, so they belong to the same point. Where the loss or its gradient is not finite, the
    point goes half of the way back to the last good one and the optimiser's state stays.
    """

    name = "grad"

    def __init__(self, problem: Problem, optimizer: Any):
        super().__init__(problem)
        self.optimizer = default_optimizer() if optimizer is None else optimizer
        self.rule = Rule(self.optimizer)

    def start(self, program: Program, target: Any, key: Any, n_steps: int) -> None:
        """Take the present parameters as the first point."""
        super().start(program, target, key, n_steps)
        theta = self.problem.space.current()
        self._carry = (theta, theta, self.rule.init(theta))
        self._lost = True  # no good point yet to go back to

    def step(self) -> Step:
        """Evaluate the present point and move on."""
        theta = self._carry[0]
        self._carry, record = self._compiled("step", self._make_step)(
            self._carry, *self.arguments(), self.rule.rates
        )
        loss, good = float(record["loss"]), bool(record["good"])
        self.rule.advance(loss)
        norm = float(record["gradient_norm"])
        row = self.row(loss, record["extra"]["parts"], record["values"], norm)
        trouble = "" if good else ("gradient" if np.isfinite(loss) else "loss")
        stuck = not good and self._lost and not self.resample
        self._lost = self._lost and not good
        best = Candidate(theta, loss, self.key, record)
        finished = "no point with a finite loss and gradient to go back to" if stuck else ""
        return Step([row], best, int(not good), trouble, finished)

    def evaluate(self, theta: Any) -> Candidate:
        """Evaluate a point with the very program that the fit runs."""
        carry = (theta, theta, self._carry[2])
        step = self._compiled("step", self._make_step)
        record = step(carry, *self.arguments(), self.rule.rates)[1]
        return Candidate(theta, float(record["loss"]), self.key, record)

    @property
    def theta(self) -> Any:
        """The point that the next step evaluates."""
        return self._carry[0]

    def move(self, theta: Any) -> None:
        """Continue from another point."""
        self._carry = (theta, theta, self._carry[2])
        self._lost = True

    def set_rate(self, rate: float) -> None:
        """Change the learning rate."""
        self._carry = (*self._carry[:2], self.rule.set_rate(rate, self._carry[2]))

    def _make_step(self, program: Program):
        space, rule = self.problem.space, self.rule

        def step(carry, frozen, key, target, rates):
            theta, anchor, state = carry

            def loss_of(theta):
                return program.call(theta, frozen, key, target)

            (loss, extra), gradient = jax.value_and_grad(loss_of, has_aux=True)(theta)
            norm = _norm(gradient)
            good = jnp.isfinite(loss) & jnp.isfinite(norm)
            usable = jax.tree.map(lambda g: jnp.where(good, g, jnp.zeros_like(g)), gradient)
            moved, new_state = rule.update(
                usable, state, theta, rates,
                value=loss, grad=usable, value_fn=lambda theta: loss_of(theta)[0],
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
            record = {"loss": loss, "gradient_norm": norm, "good": good, "extra": extra}
            return after, {**record, "values": space.values(theta)}

        return jax.jit(step)


def _choose(condition, yes, no):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def _halfway(a, b):
    return jnp.where(jnp.isfinite(a), (a + b) / 2, b)


def _finite(tree) -> jax.Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def _norm(tree) -> jax.Array:
    return jnp.sqrt(sum(jnp.sum(leaf * leaf) for leaf in jax.tree.leaves(tree)))

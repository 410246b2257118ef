"""One view of braintools and optax optimisers: a pure rule that is given its learning rates."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["Rule", "default_optimizer"]


def default_optimizer() -> Any:
    """Return what a gradient fit uses when no optimiser is given."""
    import braintools

    return braintools.optim.Adam(lr=1e-2)


class Rule:
    """A gradient rule as pure functions of theta, gradient and state.

    The optimiser itself is never changed; its learning rate schedule is stepped and put back. The
    same optimiser can serve any number of fits.

    Parameters
    ----------
    optimizer : braintools.optim.OptaxOptimizer or optax.GradientTransformation
        Constructed by the user; whether it has been registered with weights does not matter.
    """

    def __init__(self, optimizer: Any):
        import optax

        self._schedule: Any = None
        tx = optimizer
        if not isinstance(optimizer, optax.GradientTransformation):
            import braintools

            if not isinstance(optimizer, braintools.optim.OptaxOptimizer):
                raise TypeError(
                    "Fitter: optimizer must be an optimiser of braintools.optim or an optax "
                    f"transformation; got {_shown(optimizer)}. Pass for example "
                    "braintools.optim.Adam(lr=0.01) or optax.adam(0.01)."
                )
            if len(optimizer.param_groups) > 1:
                raise ValueError(
                    "Fitter: an optimizer must have a single parameter group; got "
                    f"{len(optimizer.param_groups)}. Use optax.multi_transform over the names of "
                    "the parameters."
                )
            tx, self._schedule = optimizer.tx, optimizer.lr_scheduler
            self._states = _states(self._schedule)
            self._original = self._own = [state.value for state in self._states]
        self._tx = optax.with_extra_args_support(tx)
        self._apply = optax.apply_updates
        self._init = jax.jit(self._tx.init)

    def init(self, theta: Any) -> Any:
        """Return the state before the first step, and start the schedule anew."""
        self.rewind()
        return self._init(theta)

    def rewind(self) -> None:
        """Start the schedule anew."""
        if self._schedule is not None:
            self._own = self._original

    def pack(self) -> list[Any]:
        """Return where the schedule of this fit stands."""
        return [] if self._schedule is None else list(self._own)

    def unpack(self, packed: list[Any]) -> None:
        """Put the schedule where :meth:`pack` was called."""
        if self._schedule is not None:
            self._own = list(packed)

    def fresh(self, theta: Any) -> Any:
        """Return the state before the first step; for use inside a trace."""
        return self._tx.init(theta)

    def update(self, gradient, state, theta, rates, **extra) -> tuple[Any, Any]:
        """Return the next theta and state; pure, for use inside a trace."""
        with self._lent(rates):
            updates, state = self._tx.update(gradient, state, theta, **extra)
        return self._apply(theta, updates), state

    @property
    def rates(self) -> list[np.ndarray]:
        """Learning rates of the schedule now; empty for an optax transformation."""
        if self._schedule is None:
            return []
        with self._running():
            return [np.asarray(float(rate)) for rate in self._schedule.current_lrs.value]

    def advance(self, loss: float) -> None:
        """Take one step of the schedule."""
        if self._schedule is None or getattr(self._schedule, "factor", None) == 1.0:
            return
        with self._running():
            if type(self._schedule).__name__ != "ReduceLROnPlateau":
                self._schedule.step()
            elif np.isfinite(loss):
                self._schedule.step(loss)

    def set_rate(self, rate: float, state: Any) -> Any:
        """Set the learning rate, and return the optimiser state that goes with it."""
        if self._schedule is not None:
            with self._running():
                current = self._schedule.current_lrs
                current.value = [float(rate)] * len(current.value)
            return state
        if hasattr(state, "hyperparams") and "learning_rate" in state.hyperparams:
            old = state.hyperparams["learning_rate"]
            rates = jnp.full(jnp.shape(old), rate, jnp.result_type(old))  # one for each start
            return state._replace(hyperparams={**state.hyperparams, "learning_rate": rates})
        raise ValueError(
            "Fitter.set: learning_rate can be set for braintools optimisers and for those made by "
            "optax.inject_hyperparams; got another optax transformation. Use one of these."
        )

    @contextmanager
    def _running(self):
        """Put the schedule where this fit stands, and back to where the user has it."""
        found = [state.value for state in self._states]
        for state, value in zip(self._states, self._own, strict=True):
            state.restore_value(value)
        try:
            yield
            # Plain numbers, as it began with: a schedule that makes arrays of them would compile
            # its second step anew.
            self._own = [jax.tree.map(_plain, state.value) for state in self._states]
        finally:
            for state, value in zip(self._states, found, strict=True):
                state.restore_value(value)

    @contextmanager
    def _lent(self, rates):
        """Let the schedule return traced rates."""
        if self._schedule is None:
            yield
            return
        holder = self._schedule.current_lrs
        before = holder.value
        holder.restore_value(list(rates))
        try:
            yield
        finally:
            holder.restore_value(before)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, jax.Array) and value.ndim == 0 else value


def _states(schedule: Any) -> list[brainstate.State]:
    """Return everything that a schedule, and those it is made of, changes as it steps."""
    found = []
    for value in vars(schedule).values():
        if isinstance(value, brainstate.State):
            found.append(value)
        elif isinstance(value, list | tuple):
            for part in value:
                if hasattr(part, "current_lrs"):
                    found += _states(part)
    return found


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | dict | int | float) else type(value).__name__

"""Connections of a model to itself, as modules: immediate or delayed, additive or diffusive.

Each has ``update``, called before every step of the model, and ``update_tr``, called once before
the steps of a repetition time (TR); their sum is the recurrent drive.
"""

from __future__ import annotations

from typing import Any, ClassVar

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

from ..._step import environment_dt, milliseconds, steps_per_tr
from ..._weights import Affine, normal, read_delay, trainable
from ...coupling.laplacian import LaplacianConnParam
from ...dynamics import NeuralMass

__all__ = [
    "AdditiveConn",
    "DelayedAdditiveConn",
    "DelayedAdditiveConnTR",
    "DelayedLaplacianConn",
    "DelayedLaplacianConnTR",
]


class _Connection(brainstate.nn.Module):
    """What is sent, how strongly, and to how many."""

    def __init__(self, model: NeuralMass, state: str, k: Any):
        super().__init__()
        who = type(self).__name__
        if not isinstance(model, NeuralMass) or len(model.varshape) != 1:
            raise TypeError(
                f"{who}: model must be a neural mass of one dimension; got {model!r}. "
                "Pass for example HORNStep(n)."
            )
        if state not in model.declaration.states:
            raise ValueError(
                f"{who}: state must be one of {list(model.declaration.states)}; got {state!r}. "
                "Name a state of the model."
            )
        self.model, self.state, self.n = model, state, model.varshape[0]
        self.k = k if isinstance(k, Param) else Param(jnp.asarray(k, float), fit=False)

    def _now(self):
        return u.get_mantissa(getattr(self.model, self.state).value)


class AdditiveConn(_Connection):
    """An affine map of the present state.

    Parameters
    ----------
    model : NeuralMass
        Model of n units.
    state : str, default 'y'
        State that is sent.
    w_init : float, array (n, n), Param or callable, optional
        Weights (inputs, outputs), trainable. Default: normal with variance 2 / n.
    b_init : float, array (n,), Param or None, default 0.0
        Offset, trainable.
    k : float or Param, default 1.0
        Strength.

    Examples
    --------
    >>> import brainmass, brainmass.horn, brainunit as u
    >>> cell = brainmass.HORNStep(3, init_y=1.0)
    >>> conn = brainmass.horn.AdditiveConn(cell, w_init=0.5)
    >>> _ = conn.init_all_states()
    >>> conn.update().tolist()
    [1.5, 1.5, 1.5]
    """

    def __init__(self, model, state: str = "y", w_init=None, b_init: Any = 0.0, k: Any = 1.0):
        super().__init__(model, state, k)
        self.map = Affine(self.n, self.n, w_init, b_init, "AdditiveConn")

    def update(self):
        """Return the drive of the next step.

        Returns
        -------
        array (..., n)
            Recurrent drive.
        """
        return self.k.value() * self.map.update(self._now())

    def update_tr(self):
        """Return the drive held during a TR: none.

        Returns
        -------
        float
            0.
        """
        return 0.0


class _Delayed(_Connection):
    """A weighted sum of the past, from a history of its own."""

    per_tr: ClassVar[bool] = False

    def __init__(
        self, model, delay_time, state: str = "y", delay_init: float = 0.0, w_init=None,
        k: Any = 1.0, tr: Any = None,
    ):  # fmt: skip
        super().__init__(model, state, k)
        self.delay_time, self.delay_init = delay_time, float(delay_init)
        self.tr: Any = None if tr is None else milliseconds(tr)
        self.weights = self._weights(w_init)

    def _weights(self, w_init) -> Param:
        return trainable(
            normal if w_init is None else w_init, (self.n, self.n), type(self).__name__
        )

    def _delays(self) -> np.ndarray:
        """Return delays in records of the history."""
        step = self.tr if self.per_tr else environment_dt(type(self).__name__)
        return read_delay(self.delay_time, self.n, step, type(self).__name__)

    @brainstate.nn.call_order(1)
    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Fill the history; the model is initialised before.

        Parameters
        ----------
        batch_size : int, optional
            Ignored: the model has that many copies already.
        **kwargs
            Ignored.
        """
        now = self._now()
        length = int(self._delays().max(initial=0)) + 1
        past = jnp.full((length, *now.shape), self.delay_init, now.dtype)
        self.history = brainstate.ShortTermState(past)

    def _record(self) -> None:
        past = self.history.value
        self.history.value = jnp.concatenate([self._now()[None], past[:-1]])

    def _read(self):
        """Return the weighted sum of what every sender was one delay ago."""
        past = jnp.moveaxis(self.history.value, 0, -2)[..., self._delays(), np.arange(self.n)]
        return self.k.value() * jnp.einsum("ij,...ij->...i", self.weights.value(), past)

    def update(self):
        """Return the drive of the next step; call it once before every step of the model.

        Returns
        -------
        array (..., n)
            Recurrent drive.
        """
        self._record()
        return self._read()

    def update_tr(self):
        """Return the drive held during a TR: none.

        Returns
        -------
        float
            0.
        """
        return 0.0


class DelayedAdditiveConn(_Delayed):
    """A weighted sum of the delayed state: ``k * sum_j w_ij y_j(t - d_ij)``.

    Parameters
    ----------
    model : NeuralMass
        Model of n units.
    delay_time : int, brainunit.Quantity or array (n, n) of them
        Delays, row = target, in steps or as times, to the nearest step.
    state : str, default 'y'
        State that is sent.
    delay_init : float, default 0.0
        The state before the first step.
    w_init : float, array (n, n), Param or callable, optional
        Weights, row = target, trainable. Default: normal with variance 2 / n.
    k : float or Param, default 1.0
        Strength.

    Examples
    --------
    >>> import brainmass, brainmass.horn, brainstate, brainunit as u
    >>> cell = brainmass.HORNStep(3, init_y=1.0)
    >>> conn = brainmass.horn.DelayedAdditiveConn(cell, 2.0 * u.ms, w_init=0.5)
    >>> with brainstate.environ.context(dt=1.0 * u.ms):
    ...     _ = conn.init_all_states()
    ...     late = conn.update()
    >>> late.tolist()
    [0.0, 0.0, 0.0]
    """


class DelayedLaplacianConn(_Delayed):
    """Differences to the delayed state of others: ``k * sum_j w_ij (y_j(t - d_ij) - y_i(t))``.

    Parameters
    ----------
    model : NeuralMass
        Model of n units.
    delay_time : int, brainunit.Quantity or array (n, n) of them
        Delays, row = target, in steps or as times; that of a unit to itself counts as 0.
    state, delay_init, k
        As in :class:`DelayedAdditiveConn`.
    w_init : float, array (n, n), LaplacianConnParam or callable, optional
        Weights whose graph Laplacian is taken, trainable. Default: absolute values of normal
        numbers with variance 2 / n.

    Examples
    --------
    >>> import brainmass, brainmass.horn, brainstate, brainunit as u
    >>> cell = brainmass.HORNStep(3, init_y=1.0)
    >>> conn = brainmass.horn.DelayedLaplacianConn(cell, 0.0 * u.ms, w_init=0.5)
    >>> with brainstate.environ.context(dt=1.0 * u.ms):
    ...     _ = conn.init_all_states()
    ...     spread = conn.update()
    >>> spread.tolist()
    [0.0, 0.0, 0.0]
    """

    def _weights(self, w_init) -> Param:
        if isinstance(w_init, LaplacianConnParam):
            return w_init
        start = trainable(
            _positive if w_init is None else w_init, (self.n, self.n), type(self).__name__
        )
        return LaplacianConnParam(start.value(), fit=True)

    def _delays(self) -> np.ndarray:
        return np.where(np.eye(self.n, dtype=bool), 0, super()._delays())


class _PerTR(_Delayed):
    """A history that is written every TR and read once before the steps of each call."""

    per_tr = True

    def __init__(self, model, delay_time, tr: Any = 1.0 * u.ms, **settings):
        super().__init__(model, delay_time, tr=tr, **settings)

    @brainstate.nn.call_order(1)
    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Fill the history; the model is initialised before.

        Parameters
        ----------
        batch_size : int, optional
            Ignored: the model has that many copies already.
        **kwargs
            Ignored.
        """
        super().init_state(batch_size)
        self.count = brainstate.ShortTermState(jnp.int32(0))

    def update(self):
        """Keep the record and add nothing; call it once before every step of the model.

        Returns
        -------
        float
            0.
        """
        who = type(self).__name__
        steps = steps_per_tr(self.tr, environment_dt(who), who)
        count, past = self.count.value, self.history.value
        after = jnp.concatenate([self._now()[None], past[:-1]])
        due = (count > 0) & (count % steps == 0)
        self.history.value = jnp.where(due, after, past)
        self.count.value = count + 1
        return 0.0

    def update_tr(self):
        """Return the drive held during the steps that follow; call it once before them.

        Returns
        -------
        array (..., n)
            Recurrent drive.
        """
        self._record()
        self.count.value = jnp.int32(0)
        return self._read()


class DelayedAdditiveConnTR(_PerTR, DelayedAdditiveConn):
    """A delayed weighted sum that is read once per call and recorded every TR.

    Parameters
    ----------
    model, delay_time, state, delay_init, w_init, k
        As in :class:`DelayedAdditiveConn`; delays in whole TRs or as times.
    tr : brainunit.Quantity, default 1 ms
        Repetition time, a multiple of the step.

    Examples
    --------
    >>> import brainmass, brainmass.horn, brainstate, brainunit as u
    >>> cell = brainmass.HORNStep(3, init_y=1.0)
    >>> conn = brainmass.horn.DelayedAdditiveConnTR(cell, 0, tr=5.0 * u.ms, w_init=0.5)
    >>> with brainstate.environ.context(dt=1.0 * u.ms):
    ...     _ = conn.init_all_states()
    ...     held = conn.update_tr()
    >>> held.tolist()
    [1.5, 1.5, 1.5]
    """


class DelayedLaplacianConnTR(_PerTR, DelayedLaplacianConn):
    """Delayed differences that are read once per call and recorded every TR.

    Parameters
    ----------
    model, delay_time, state, delay_init, w_init, k
        As in :class:`DelayedLaplacianConn`; delays in whole TRs or as times.
    tr : brainunit.Quantity, default 1 ms
        Repetition time, a multiple of the step.

    Examples
    --------
    >>> import brainmass, brainmass.horn, brainstate, brainunit as u
    >>> cell = brainmass.HORNStep(3, init_y=1.0)
    >>> conn = brainmass.horn.DelayedLaplacianConnTR(cell, 0, tr=5.0 * u.ms, w_init=0.5)
    >>> with brainstate.environ.context(dt=1.0 * u.ms):
    ...     _ = conn.init_all_states()
    ...     held = conn.update_tr()
    >>> held.tolist()
    [0.0, 0.0, 0.0]
    """


def _positive(shape):
    return jnp.abs(normal(shape))

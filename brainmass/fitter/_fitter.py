"""The fitter: a model, what is compared with data, and one of three ways to search."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any

import brainstate
import brainunit as u
import jax

from . import _arguments as arguments
from ._data import Data
from ._health import GradientHealth, check_gradient
from ._loop import Loop
from ._problem import Problem
from ._result import FitResult
from ._search import Search
from ._start import make_search

__all__ = ["Fitter"]


class Fitter(Loop):
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
        ``loss_fn(model)``, ``loss_fn(model, target)`` or ``loss_fn(model, inputs, target)``,
        returning the loss or ``(loss, aux)``.
    objective : callable or dict, optional
        ``objective(prediction, target)``, see :mod:`brainmass.objectives`, or one per name of
        what ``predict`` returns. Default ``timeseries_rmse()``.
    predict : callable, optional
        ``predict(model)`` or ``predict(model, inputs)`` returns what is compared with the target:
        an array, a quantity or a dict. Exactly one of ``predict`` and ``loss_fn`` is needed.
    backend : {'grad', 'nevergrad', 'scipy'}
        How to search.
    callbacks : callable or sequence of callable, optional
        Called after each step with a dict of ``step`` (from 0), ``loss``, ``best_loss``, ``model``
        (at the parameters of this loss), ``params``, ``prediction``, ``gradient_norm``,
        ``parts`` of the loss, ``metrics``, ``step_done`` and, with held-out data,
        ``validation_loss``. One that returns exactly ``True`` ends the fit. A step of ``'scipy'``
        is a whole local search: inside of it they are called after each evaluation too, with
        ``step_done`` false and without prediction.
    transient : int or brainunit.Quantity, optional
        Leading samples, or time, of the prediction that are not compared. A time needs ``'ts'`` in
        the prediction or ``dt`` in ``brainstate.environ``.
    search_space : dict, optional
        For ``'nevergrad'``, ``'scipy'`` and several starts: name to ``(low, high)``, with unit.
        Default the bounds of the transform, else those that the model declares.
    fresh_noise : bool, default False
        Draw new noise at every step. Otherwise all steps of a fit see the same noise, so that the
        loss is a function of the parameters.
    metrics : dict, optional
        Name to ``metric(prediction, target)``: numbers that are reported but not minimised, such
        as an accuracy.
    differentiation : {'auto', 'reverse', 'forward'}
        How gradients are computed. ``'auto'`` takes the cheaper: forward for up to six numbers,
        and for more in small systems; reverse for many and for networks with delays.
    window : brainunit.Quantity, optional
        Time that gradients reach back in a simulation; where a window begins, they stop. For
        chaotic or very long runs; see :meth:`check_gradient`.
    n_starts : int, default 1
        For ``'grad'``: points that move at once in one compiled call, the first from the present
        parameters and the others from anywhere within their bounds.
    pareto : bool, default False
        For ``'nevergrad'`` and several objectives: search for all trade-offs between them. They
        are in ``FitResult.pareto``; the best point is that of the smallest sum.

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

    What a ``Param`` declares as ``reg``, a regularisation or a prior, is added to the loss as its
    part ``'regularization'``.

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
        metrics: dict[str, Callable] | None = None,
        differentiation: str = "auto",
        window: Any = None,
        n_starts: int = 1,
        pareto: bool = False,
    ):
        self._arguments = arguments.given(
            optimizer=optimizer, loss_fn=loss_fn, objective=objective, predict=predict,
            backend=backend, callbacks=callbacks, transient=transient, search_space=search_space,
            fresh_noise=fresh_noise, metrics=metrics, differentiation=differentiation,
            window=window, n_starts=n_starts, pareto=pareto,
        )  # fmt: skip
        arguments.check_model(model)
        arguments.check_backend(backend, search_space, differentiation, n_starts, pareto, window)
        self.model = model
        self.backend = backend
        self.callbacks = arguments.callbacks_of(callbacks)
        self._loss = arguments.loss_of(loss_fn, predict, objective, transient, metrics)
        self._problem = Problem(model, self._loss, arguments.window_of(window))
        self._settings = {
            "optimizer": optimizer, "search_space": search_space, "mode": differentiation,
            "n_starts": n_starts, "pareto": bool(pareto),
        }  # fmt: skip
        self._fresh = bool(fresh_noise)
        self._search_made: Search | None = None
        if optimizer is not None or backend != "grad" or n_starts > 1:
            self._search_made = make_search(self.backend, self._problem, self._settings)
        self._lock = threading.RLock()
        self._run = None

    # -- what it is --------------------------------------------------------------------------

    @property
    def optimizer(self) -> Any:
        """The optimiser: the one given, or the default of the backend."""
        return self._search.optimizer

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments with which the fitter was made; those left at their default are not in.

        ``Fitter(fitter.model, **fitter.arguments)`` makes another one of the same kind.
        """
        return dict(self._arguments)

    @property
    def _search(self) -> Search:
        if self._search_made is None:
            self._search_made = make_search(self.backend, self._problem, self._settings)
        return self._search_made

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
        inputs: Any = None,
        validation: Any = None,
        batch_size: int | None = None,
        patience: int | None = None,
        min_delta: float = 0.0,
        checkpoint: Any = None,
        checkpoint_every: Any = 30.0 * u.second,
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
        inputs : array or pytree, optional
            What ``predict(model, inputs)`` is given.
        validation : array or pytree, optional
            A held-out target, or ``(inputs, target)`` where there are inputs. The best point is
            then the one with the smallest loss on it, and the history has its course.
        batch_size : int, optional
            For ``'grad'``: samples of a step, drawn anew in every epoch along the first axis of
            inputs and target. The best point is judged on all data at the end of each epoch.
        patience : int, optional
            Steps without improvement after which the fit ends.
        min_delta : float, default 0.0
            Smallest improvement that counts for ``patience``.
        checkpoint : str or Path, optional
            File that holds the state of the fit. If it exists, the fit goes on from there and ends
            exactly as if it had never been interrupted.
        checkpoint_every : brainunit.Quantity, default 30 s
            Time between two writings; it is written when a fit ends or is interrupted too.
        verbose : bool or int, default False
            Print the loss about ten times, or every so many steps; inside of a step of
            ``'scipy'`` after 10, 20, 50, 100, ... evaluations.
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
        self.start(
            target, n_steps, inputs=inputs, validation=validation, batch_size=batch_size,
            patience=patience, min_delta=min_delta, checkpoint=checkpoint,
            checkpoint_every=checkpoint_every, verbose=verbose, progress=progress, seed=seed,
        )  # fmt: skip
        self._started("fit").run(self._lock)
        return self.result()

    # -- before a fit ---------------------------------------------------------------------------

    def check_gradient(
        self, target: Any = None, *, inputs: Any = None, seed: int | None = None
    ) -> GradientHealth:
        """Look at the gradient at the present parameters, before trusting it with a fit.

        Parameters
        ----------
        target, inputs, seed
            As for :meth:`fit`.

        Returns
        -------
        GradientHealth
            Whether the gradient agrees with finite differences, how it grows with the time it
            reaches back, and what to do if it explodes.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> from brainstate.nn import Param
        >>> node = brainmass.HopfStep(1, a=Param(-0.1, fit=True), init_x=0.5)
        >>> def predict(model):
        ...     return brainmass.Simulator(model, dt=0.1 * u.ms).run(60 * u.ms, monitors="x")["x"]
        >>> data = predict(brainmass.HopfStep(1, a=-0.2, init_x=0.5))
        >>> brainmass.Fitter(node, predict=predict).check_gradient(data).kind
        'healthy'
        """
        with self._lock:
            self._loss.check(inputs, target)
            key = brainstate.random.split_key() if seed is None else jax.random.key(seed)
            return check_gradient(self._problem, Data(inputs, target), key)

    # -- inside ------------------------------------------------------------------------------

    def _twin(self) -> Fitter:
        """Return a fitter of the same problem that has not begun, without callbacks."""
        twin = copy.copy(self)
        twin.callbacks, twin._run, twin._lock = [], None, threading.RLock()
        twin._search_made = make_search(self.backend, self._problem, self._settings)
        return twin

"""What a fit returns."""

from __future__ import annotations

from typing import Any

import brainunit as u

__all__ = ["FitResult"]


class FitResult:
    """Outcome of a fit: the best point that was seen, and how the search got there.

    ``best_loss``, ``best_params`` and ``prediction`` belong to one and the same point, and the
    model is left there.

    Parameters
    ----------
    backend : str
        ``'grad'``, ``'nevergrad'`` or ``'scipy'``.
    best_loss : float
        Smallest finite loss, a number in ``loss_unit``; NaN if no loss was finite.
    best_params : dict
        Dotted name to value at the best point, as ``Param.value()`` gives it, with unit.
    history : History
        Losses, and columns ``'step'``, ``'loss'``, ``'best_loss'``, ``'gradient_norm'`` (of the
        scaled parameters), parts of the loss, and parameters.
    n_steps : int
        Steps that were done.
    prediction : object
        What ``predict`` returned at the best point, without its transient; None with a
        ``loss_fn``.
    optimizer : object
        The optimiser.
    raw : object
        What the optimiser's own library returned, if anything.
    model : brainstate.nn.Module
        The model, at the best point.
    loss_unit : brainunit.Unit, optional
        Unit of the losses.
    parts : dict, optional
        Weighted parts of the best loss.
    aux : object, optional
        What ``loss_fn`` returned beside the loss, at the best point.
    interrupted : bool, default False
        Whether the fit ended by Ctrl-C or :meth:`Fitter.stop`.
    message : str, default ''
        Why the fit ended.
    n_failed : int, default 0
        Evaluations whose loss or gradient was not finite.
    seed : int, optional
        Seed of the fit.
    metrics : dict, optional
        Metrics at the best point.
    validation : dict, optional
        Loss and metrics on held-out data, at the best point.
    pareto : ParetoFront, optional
        Trade-offs between the objectives.

    Examples
    --------
    >>> from brainmass.fitter import FitResult
    >>> FitResult(backend="grad", best_loss=0.0125, best_params={"k": 0.5}, n_steps=10)
    FitResult(backend='grad', best_loss=0.0125, n_steps=10, params=[k])
    """

    def __init__(
        self,
        *,
        backend: str,
        best_loss: float,
        best_params: dict[str, Any],
        history: Any = (),
        n_steps: int = 0,
        prediction: Any = None,
        optimizer: Any = None,
        raw: Any = None,
        model: Any = None,
        loss_unit: u.Unit = u.UNITLESS,
        parts: dict[str, float] | None = None,
        aux: Any = None,
        interrupted: bool = False,
        message: str = "",
        n_failed: int = 0,
        seed: int | None = None,
        metrics: dict[str, float] | None = None,
        validation: dict[str, float] | None = None,
        pareto: Any = None,
    ):
        self.backend = backend
        self.best_loss = best_loss
        self.best_params = best_params
        self.history = history
        self.n_steps = n_steps
        self.prediction = prediction
        self.optimizer = optimizer
        self.raw = raw
        self.model = model
        self.loss_unit = loss_unit
        self.parts = parts or {}
        self.aux = aux
        self.interrupted = interrupted
        self.message = message
        self.n_failed = n_failed
        self.seed = seed
        self.metrics = metrics or {}
        self.validation = validation or {}
        self.pareto = pareto
        self.fitter: Any = None

    def __repr__(self) -> str:
        unit = "" if self.loss_unit.is_unitless else f" {self.loss_unit}"
        return (
            f"FitResult(backend={self.backend!r}, best_loss={self.best_loss:.6g}{unit}, "
            f"n_steps={self.n_steps}, params=[{', '.join(self.best_params)}]"
            + (", interrupted=True)" if self.interrupted else ")")
        )

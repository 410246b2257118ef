"""What a fit returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import brainunit as u

if TYPE_CHECKING:
    from ._report import FitReport

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
    simulations : sequence of dict, optional
        The different calls of ``Simulator.run`` that the loss is made of: ``dt``, ``duration``,
        ``transient``, ``sample_every`` and ``method``.

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
        simulations: Sequence[dict[str, Any]] = (),
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
        self.simulations = list(simulations)
        self.fitter: Any = None
        self._run: Any = None

    def report(
        self,
        level: float = 0.95,
        *,
        method: str = "auto",
        scale: float = 1.0,
        recovery: bool = True,
        synthesize: Callable | None = None,
        seed: int = 0,
    ) -> FitReport:
        """Say how far the result can be trusted.

        The loss is evaluated again; parameters get intervals in physical units; the directions
        that the data determine well and badly are named; automatic gradients are compared with
        finite differences; and the fit is done again on data simulated with what it has found.

        Parameters
        ----------
        level : float, default 0.95
            Probability that an interval covers.
        method : {'auto', 'fisher', 'laplace'}
            ``'fisher'`` takes the residuals of ``timeseries_rmse`` as independent and normal with
            the variance that they have; priors do not count. ``'laplace'`` takes
            ``scale * loss`` as a negative log-likelihood, or with priors a log-posterior.
            ``'auto'`` is ``'fisher'`` where there are residuals.
        scale : float, default 1.0
            Factor on the loss for ``'laplace'``.
        recovery : bool, default True
            Fit simulated data; costs as much as the fit.
        synthesize : callable, optional
            From the prediction to a target, for the recovery. Default: the prediction itself, or
            its functional connectivity where the target is one.
        seed : int, default 0
            Seed of the noise of the simulated data.

        Returns
        -------
        FitReport
            Prints as text.

        Raises
        ------
        ValueError
            If the result was read from a file, or its fitter has begun another fit.

        Examples
        --------
        >>> import brainmass, brainunit as u, numpy as np
        >>> from brainstate.nn import Param
        >>> node = brainmass.LinearStep(1, gamma=Param(-0.5, fit=True), init_x=1.0)
        >>> def predict(model):
        ...     return brainmass.Simulator(model, dt=0.1 * u.ms).run(20 * u.ms, monitors="x")["x"]
        >>> data = predict(brainmass.LinearStep(1, gamma=-0.3, init_x=1.0))
        >>> data = data + 0.01 * np.random.default_rng(0).normal(size=data.shape)
        >>> fitter = brainmass.Fitter(node, predict=predict, backend="scipy")
        >>> result = fitter.fit(data, n_steps=1)
        >>> report = result.report()
        >>> low, high = report.intervals["gamma"]
        >>> bool(low < -0.3 < high), report.method, report.loss == result.best_loss
        (True, 'fisher', True)
        """
        from ._report import make_report

        if not 0 < level < 1:
            raise ValueError(
                f"FitResult.report: level must lie between 0 and 1; got {level!r}. Pass 0.95."
            )
        if method not in ("auto", "fisher", "laplace"):
            raise ValueError(
                "FitResult.report: method must be 'auto', 'fisher' or 'laplace'; got "
                f"{method!r}. Choose one."
            )
        if self.fitter is None or self.fitter._run is not self._run:
            raise ValueError(
                "FitResult.report: the fitter must still hold this fit; got "
                + ("a result without one" if self.fitter is None else "one that began another")
                + ". Ask for the report before the next fit, or fit again."
            )
        return make_report(self.fitter, self, level, method, scale, recovery, synthesize, seed)

    def plot(self, target: Any = None, *, axes: Any = None) -> Any:
        """Draw the course of loss and parameters, and the prediction.

        Parameters
        ----------
        target : array or quantity, optional
            Drawn dashed over the prediction.
        axes : sequence of matplotlib.axes.Axes, optional
            Two, or three where there is a prediction in time. Default: a new figure.

        Returns
        -------
        numpy.ndarray of matplotlib.axes.Axes
            The axes.
        """
        from ._plot import plot_fit

        return plot_fit(self, target, axes=axes)

    def to_xarray(self) -> Any:
        """Return everything but model and optimiser as an ``xarray.Dataset``.

        Returns
        -------
        xarray.Dataset
            The history along ``evaluation``; best parameters, parts, metrics and prediction; units
            as attributes.
        """
        from ._store import to_xarray

        return to_xarray(self)

    @classmethod
    def from_xarray(cls, dataset: Any) -> FitResult:
        """Return the result that :meth:`to_xarray` has written, bit for bit.

        Parameters
        ----------
        dataset : xarray.Dataset
            What :meth:`to_xarray` returned.

        Returns
        -------
        FitResult
            Without model, optimiser and what its library returned.
        """
        from ._store import from_xarray

        return from_xarray(dataset)

    def save(self, path: Any) -> Path:
        """Write the result to a file.

        Parameters
        ----------
        path : str or Path
            The file, as for :func:`brainmass.save`.

        Returns
        -------
        pathlib.Path
            Where it was saved.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from brainmass.fitter import FitResult
        >>> result = FitResult(backend="grad", best_loss=0.0125, best_params={"k": 0.5})
        >>> path = result.save(pathlib.Path(tempfile.mkdtemp()) / "fit.nc")
        >>> FitResult.load(path)
        FitResult(backend='grad', best_loss=0.0125, n_steps=0, params=[k])
        """
        from brainmass import io

        return io.save(path, self)

    @classmethod
    def load(cls, path: Any) -> FitResult:
        """Read what :meth:`save` has written.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        FitResult
            As from :meth:`from_xarray`.

        Raises
        ------
        ValueError
            If the file is damaged or holds something else.
        """
        from brainmass import io

        found = io.load(path)
        if not isinstance(found, cls):
            raise ValueError(
                f"FitResult.load: path must be the file of a fit; got '{path}' with "
                f"{type(found).__name__}. Read it with brainmass.load."
            )
        return found

    def __repr__(self) -> str:
        unit = "" if self.loss_unit.is_unitless else f" {self.loss_unit}"
        return (
            f"FitResult(backend={self.backend!r}, best_loss={self.best_loss:.6g}{unit}, "
            f"n_steps={self.n_steps}, params=[{', '.join(self.best_params)}]"
            + (", interrupted=True)" if self.interrupted else ")")
        )

"""A fit to watch: start, pause, resume, stop, and the result back in the notebook."""

from __future__ import annotations

import html
import threading
import time
from typing import Any

import brainunit as u
import ipywidgets as widgets
import jax
import numpy as np

from brainmass.fitter import Fitter

from .base import Instrument
from .canvas import Canvas
from .figure import draw
from .plots import Axis, Lines, Panel, Plot, Trace
from .quantities import parse, show
from .worker import Job

__all__ = ["FitterWidget"]

_EVERY = 0.1
"""Seconds between two pictures while a fit runs."""

_MOST_TRACES = 8

LABEL_WIDTH = "112px"


def button(text, tip, action):
    made = widgets.Button(description=text, tooltip=tip, layout={"width": "auto", "margin": "2px"})
    made.on_click(lambda _: action())
    return made


_COMMANDS = {
    "Start": "Fit from the present parameters",
    "Step": "Do one step and pause",
    "Pause": "Hold after the step it is in",
    "Resume": "Go on",
    "Stop": "End with the best so far",
}


class FitterWidget(Instrument):
    """Runs a fitter in a thread and shows loss, parameters and prediction while it runs.

    The kernel stays free: other cells answer, and each command is acknowledged after the step that
    the fit is in. A parameter can be set by hand while the fit is paused or running; it goes on
    from there.

    Parameters
    ----------
    fitter : brainmass.Fitter
        The fitter. Its model is left at the best point, as by :meth:`brainmass.Fitter.fit`.
    target : array, quantity or pytree of them, optional
        What the prediction is compared with.
    n_steps : int, default 100
        Number of steps.
    seed : int, default 0
        Seed of the noise and of the search.

    Attributes
    ----------
    result : brainmass.FitResult or None
        Result of the last fit that ended.
    status : str
        ``'ready'``, ``'running'``, ``'pausing'``, ``'paused'``, ``'stopping'``, ``'stopped'``,
        ``'done'`` or ``'failed'``. A state that ends in ``-ing`` has been asked for.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass_widgets import FitterWidget
    >>> from brainstate.nn import Param
    >>> def predict(model):
    ...     return brainmass.Simulator(model, dt=0.1 * u.ms).run(5 * u.ms, monitors="x")["x"]
    >>> data = predict(brainmass.LinearStep(1, gamma=-0.3, init_x=1.0))
    >>> node = brainmass.LinearStep(1, gamma=Param(-0.1, fit=True), init_x=1.0)
    >>> w = FitterWidget(brainmass.Fitter(node, predict=predict), data, n_steps=50)
    >>> w
    FitterWidget(LinearStep, 1 parameter)
    >>> w.start()
    >>> w.flush()
    >>> w.status, w.result.n_steps
    ('done', 50)
    >>> w.close()
    """

    def __init__(self, fitter, target=None, *, n_steps: int = 100, seed: int = 0):
        if not isinstance(fitter, Fitter):
            raise TypeError(
                f"FitterWidget: fitter must be a Fitter; got {type(fitter).__name__}. "
                "Pass brainmass.Fitter(model, ...)."
            )
        self.fitter, self.target = fitter, target
        self.result: Any = None
        self._lock = threading.RLock()
        self._drawing = threading.RLock()
        self._quiet = False
        self._seed = int(seed)
        self._job = Job(self._work)
        self._single = False
        self._losses: list[float] = []
        self._values: dict[str, list[np.ndarray]] = {}
        self._units: dict[str, u.Unit] = {}
        self._prediction: Any = None
        self._message = ("", "info")
        super().__init__(self._build(int(n_steps)))
        self._show_state("ready")

    # -- what it is ---------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """Where the fit stands."""
        return self._job.state

    @property
    def problem(self) -> str:
        """Why the fit failed or an entry was refused; empty if all is well."""
        text, level = self._message
        return text if level in ("error", "warning") else ""

    def __repr__(self):
        if not hasattr(self, "fitter"):
            return "FitterWidget()"
        count = len(self.fitter.params)
        name = type(self.fitter.model).__name__
        return f"FitterWidget({name}, {count} parameter{'s' if count != 1 else ''})"

    # -- commands -----------------------------------------------------------------------------

    def start(self) -> None:
        """Fit from the present parameters of the model; does nothing while a fit runs."""
        with self._lock:
            if self._job.active:
                return
            self._read_steps()
            self._job.close()
            self._losses, self._values, self._prediction = [], {}, None
            self._say()
            self._job = Job(self._work, on_state=self._show_state, name="brainmass-fit")
        self._job.start()

    def pause(self) -> None:
        """Hold after the step the fit is in."""
        self._job.pause()

    def resume(self) -> None:
        """Go on with a paused fit."""
        self._single = False
        self._job.resume()

    def step(self) -> None:
        """Do one step and pause."""
        self._single = True
        if self._job.active:
            self._job.resume()
        else:
            self.start()

    def stop(self) -> None:
        """End the fit with the best so far."""
        self._single = False
        self._job.stop()

    def nudge(self, name: str, value: Any) -> None:
        """Set a parameter of a running or paused fit, which goes on from there.

        Parameters
        ----------
        name : str
            Dotted name, one of ``fitter.params``.
        value : float, array or brainunit.Quantity
            New value.
        """
        self.fitter.set({name: value})

    def flush(self, timeout: float = 600.0) -> None:
        """Wait until the fit has ended or rests in a pause.

        Parameters
        ----------
        timeout : float, default 600
            Longest wait in seconds.

        Raises
        ------
        TimeoutError
            If it takes longer.
        """
        if not self._job.wait(timeout):
            raise TimeoutError(
                f"FitterWidget: a fit must end within {timeout:g} s; it is still running. "
                "Wait longer, or stop it."
            )

    def picture(self, form: str = "png") -> bytes:
        """Draw what is shown with matplotlib.

        Parameters
        ----------
        form : {'png', 'svg', 'pdf'}
            Format of the picture.

        Returns
        -------
        bytes
            The file; empty before the first step.
        """
        with self._drawing:
            plots = [p for p in self._plots().values() if p is not None]
        return draw(plots, title=self._headline(), note=self.problem, form=form) if plots else b""

    def _stop(self) -> None:
        self._job.close()

    # -- the fit ------------------------------------------------------------------------------

    def _work(self, checkpoint):
        fitter = self.fitter
        self._status("Compiling …")
        fitter.start(self.target, self._n_steps, seed=self._seed)
        shown = 0.0
        while checkpoint() and fitter.status == "running":
            self._note(fitter.step())
            if self._single:
                self._single = False
                self._job.pause()
            now = time.monotonic()
            if now - shown > _EVERY or self._job.state != "running":
                shown = now
                self._redraw()
        if not self._losses:
            return None
        if fitter.status == "running":
            fitter.stop()
        self.result = fitter.result()
        self._prediction = self.result.prediction
        self._redraw()
        return self.result

    def _note(self, report: dict[str, Any]) -> None:
        with self._drawing:
            self._losses.append(float(u.get_mantissa(report["loss"])))
            self._prediction = report["prediction"]
            for name, value in report["params"].items():
                if isinstance(value, dict):
                    continue
                self._units[name] = u.get_unit(value)
                self._values.setdefault(name, []).append(np.ravel(u.get_mantissa(value)))

    # -- drawing ------------------------------------------------------------------------------

    def _plots(self) -> dict[str, Plot | None]:
        if not self._losses:
            return {}
        prediction = _signals("prediction", self._prediction)
        compared = [*prediction, *_signals("target", self.target, ghost=True)]
        dashed = ", target dashed" if len(compared) > len(prediction) else ""
        signal = Axis(f"prediction{dashed}", _unit(self._prediction))
        return {
            "loss": self._loss_plot(),
            "params": self._params_plot(),
            "prediction": (
                Lines(Axis("sample"), (Panel(signal, tuple(compared)),)) if prediction else None
            ),
        }

    def _loss_plot(self) -> Lines:
        loss = np.asarray(self._losses)
        good = loss[np.isfinite(loss)]
        label = "loss"
        if good.size and good.min() > 0 and good.max() > 30 * good.min():
            loss, label = np.log10(loss), "log₁₀ loss"
        return Lines(Axis("step"), (Panel(Axis(label), (Trace("loss", loss),)),), start=0.0)

    def _params_plot(self) -> Lines | None:
        panels = []
        for k, (name, rows) in enumerate(self._values.items()):
            columns = np.stack(rows)[:, :_MOST_TRACES].T
            many = len(columns) > 1
            traces = tuple(
                Trace(f"{name}[{i}]" if many else name, y, color=i if many else k)
                for i, y in enumerate(columns)
            )
            unit = self._units[name]
            panels.append(Panel(Axis(name, "" if unit.is_unitless else str(unit)), traces))
        return Lines(Axis("step"), tuple(panels[:6]), start=0.0) if panels else None

    def _redraw(self) -> None:
        with self._drawing:
            if not self._open:
                return
            for name, plot in self._plots().items():
                self._cells[name].layout.display = "none" if plot is None else ""
                if plot is not None:
                    panels = len(plot.panels) if isinstance(plot, Lines) else 1
                    self.canvases[name].height = 130 + 90 * max(1, panels)
                    self.canvases[name].show(plot)
            self._show_values()
            self._status(self._headline())

    def _headline(self) -> str:
        done = len(self._losses)
        if not done:
            return self.status
        best = np.nanmin(self._losses) if np.isfinite(self._losses).any() else np.nan
        return (
            f"{self.status}: step {done} of {self._n_steps} · loss {show(self._losses[-1])} · "
            f"best {show(best)}"
        )

    def _status(self, text: str) -> None:
        self._line.value = f'<span class="brainmass-status">{html.escape(text)}</span>'

    def _say(self, text: str = "", level: str = "info") -> None:
        self._message = (text, level)
        self.canvases["loss"].say(text, level)

    def _show_state(self, state: str) -> None:
        running, paused = state == "running", state == "paused"
        idle = not self._job.active
        enabled = {
            "Start": idle,
            "Step": idle or paused,
            "Pause": running,
            "Resume": paused,
            "Stop": running or paused or state == "pausing",
        }
        for name, on in enabled.items():
            self.buttons[name].disabled = not on
        if state == "failed":
            self._cells["loss"].layout.display = ""
            self._say(str(self._job.error) or type(self._job.error).__name__, "error")
        self._status(self._headline())

    def _show_values(self) -> None:
        self._quiet = True
        try:
            for name, rows in self._values.items():
                entry = self.entries.get(name)
                if entry is not None and rows[-1].size == 1:
                    entry.value = show(float(rows[-1][0]))
        finally:
            self._quiet = False

    # -- parts --------------------------------------------------------------------------------

    def _build(self, n_steps: int) -> list[widgets.Widget]:
        self._n_steps = n_steps
        self._line = widgets.HTML(layout={"margin": "2px 8px"})
        self.canvases = {
            "loss": Canvas(220, "Loss of the fit"),
            "params": Canvas(220, "Parameters of the fit"),
            "prediction": Canvas(220, "Prediction and target"),
        }
        self._cells = {
            name: widgets.VBox(
                [canvas],
                layout={"flex": "1 1 300px", "min_width": "270px", "display": "none"},
            )
            for name, canvas in self.canvases.items()
        }
        actions = {
            "Start": self.start,
            "Step": self.step,
            "Pause": self.pause,
            "Resume": self.resume,
            "Stop": self.stop,
        }
        self.buttons = {
            name: button(name, _COMMANDS[name], lambda act=act: self._guarded(act))
            for name, act in actions.items()
        }
        look = {
            "continuous_update": False,
            "style": {"description_width": LABEL_WIDTH},
            "layout": {"width": "230px"},
        }
        self._steps = widgets.Text(
            value=str(n_steps), description="steps", tooltip="Number of steps", **look
        )
        self._steps.observe(lambda change: self._guarded(self._more_steps), "value")
        self.entries: dict[str, widgets.Text] = {}
        for name in self.fitter.params:
            entry = widgets.Text(
                value="", description=name, tooltip=f"Type {name} to go on from there", **look
            )
            entry.observe(lambda change, n=name: self._typed(n, change["new"]), "value")
            self.entries[name] = entry
        title = widgets.HTML(f"<b>Fit of {html.escape(type(self.fitter.model).__name__)}</b>")
        title.layout.margin = "2px 10px 2px 4px"
        toolbar = widgets.HBox(
            [title, *self.buttons.values()],
            layout={"flex_flow": "row wrap", "width": "100%", "align_items": "center"},
        )
        numbers = widgets.HBox(
            [self._steps, *self.entries.values()], layout={"flex_flow": "row wrap"}
        )
        plots = widgets.HBox(
            list(self._cells.values()), layout={"flex_flow": "row wrap", "overflow": "visible"}
        )
        return [toolbar, numbers, plots, self._line]

    # -- reactions ----------------------------------------------------------------------------

    def _guarded(self, action) -> None:
        if not self._open or self._quiet:
            return
        try:
            action()
        except Exception as error:  # shown where the user looks, not lost in a log
            self._cells["loss"].layout.display = ""
            self._say(str(error), "warning")

    def _read_steps(self) -> None:
        try:
            steps = int(self._steps.value)
        except ValueError:
            steps = 0
        if steps < 1:
            raise ValueError(
                "FitterWidget: steps must be a whole number, at least 1; "
                f"got '{self._steps.value}'. Type for example 100."
            )
        self._n_steps = steps

    def _more_steps(self) -> None:
        self._read_steps()
        if self._job.active and self._losses:
            self.fitter.set(n_steps=self._n_steps)

    def _typed(self, name: str, text: str) -> None:
        def act():
            unit = self._units.get(name)
            if unit is None:
                raise ValueError(
                    f"FitterWidget: '{name}' can be set once a fit has started. Press Step first."
                )
            number = parse(text, unit)
            self.nudge(name, number if unit.is_unitless else u.Quantity(number, unit=unit))
            self._say()

        self._guarded(act)


def _unit(tree: Any) -> str:
    """Unit of the first array of a prediction."""
    leaves = jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, u.Quantity))
    unit = u.get_unit(leaves[0]) if leaves else u.UNITLESS
    return "" if unit.is_unitless else str(unit)


def _signals(name: str, tree: Any, ghost: bool = False) -> list[Trace]:
    """Return the arrays of a prediction or target as lines; single numbers have none."""
    traces = []
    for leaf in jax.tree.leaves(tree, is_leaf=lambda x: isinstance(x, u.Quantity)):
        data = np.asarray(u.get_mantissa(leaf))
        if data.ndim == 0 or data.shape[0] < 2:
            continue
        columns = data.reshape(data.shape[0], -1)[:, :_MOST_TRACES].T
        start = len(traces)
        for k, y in enumerate(columns):
            label = name if len(columns) == 1 else f"{name} {k}"
            role = "ghost" if ghost else "main"
            traces.append(Trace(label, y, color=start + k, role=role))
    return traces[:_MOST_TRACES]

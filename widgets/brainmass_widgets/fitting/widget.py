"""A fit to watch: start, pause, resume, stop, and the result back in the notebook."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import brainunit as u
import ipywidgets as widgets

from brainmass.fitter import Fitter

from ..base import wrapped
from ..canvas import Canvas
from ..controls import ChoiceControl, TextControl
from ..plots import Lines, Plot
from ..quantities import parse, show
from ..sheet import Sheet
from .bench import FitBench, whole
from .code import fit_code
from .course import Course
from .plots import fit_plots
from .rows import FitControl
from .setup import AS_GIVEN, OPTIMIZERS, Choices

__all__ = ["FitterWidget"]

_TITLES = {
    "loss": "Loss of the fit",
    "prediction": "Prediction and target",
    "target": "Target",
    "params": "Parameters of the fit",
    "parts": "Parts of the loss",
}


class FitterWidget(FitBench):
    """Runs a fitter in a thread and shows loss, parameters and prediction while it runs.

    Tick what is fitted, set bounds, choose backend and optimiser, start. The kernel stays free:
    other cells answer, and each command is acknowledged after the step that the fit is in. A
    parameter can be set by hand while the fit is paused or running; it goes on from there.

    Parameters
    ----------
    fitter : brainmass.Fitter
        The fitter. Its model is left at the best point, as by :meth:`brainmass.Fitter.fit`. Where
        something else is ticked or chosen, a new fitter of the same model and loss is made.
    target : array, quantity or pytree of them, optional
        What the prediction is compared with.
    n_steps : int, default 100
        Number of steps.
    seed : int, default 0
        Seed of the noise and of the search.

    Attributes
    ----------
    fitter : brainmass.Fitter
        The fitter of the present or last fit.
    result : brainmass.FitResult or None
        Result of the last fit that ended.
    status : str
        ``'ready'``, ``'running'``, ``'pausing'``, ``'paused'``, ``'stopping'``, ``'stopped'``,
        ``'done'`` or ``'failed'``. A state that ends in ``-ing`` has been asked for.
    course : Course
        Losses, parts and parameters after each step.
    state : dict
        What was ticked, bounded and chosen, as plain JSON; assign it to restore it.

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
        self._prepare(fitter, target, n_steps, seed)
        super().__init__(self._build())
        self._show_state("ready")

    # -- what it is ---------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Any]:
        """What was ticked, bounded and chosen, as plain JSON."""
        choices = self.choices
        return {
            "format": 1,
            "model": type(self.setup.model).__name__,
            "ticked": list(choices.ticked),
            "bounds": {name: list(ends) for name, ends in choices.bounds},
            "backend": choices.backend,
            "optimizer": choices.optimizer,
            "rate": choices.rate,
            **self._numbers,
            "values": {name: self.setup.value(name).tolist() for name in self.setup.candidates},
        }

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._check_idle("restored")
        choices = self.setup.read_state(state)
        self.choices = choices
        self._numbers = {name: int(state[name]) for name in self._numbers}
        for name, value in state.get("values", {}).items():
            self.setup.put(name, value)
        self._show_choices()

    def __repr__(self):
        if not hasattr(self, "choices"):
            return "FitterWidget()"
        count = len(self.choices.ticked)
        name = type(self.setup.model).__name__
        return f"FitterWidget({name}, {count} parameter{'s' if count != 1 else ''})"

    def to_code(self) -> str:
        """Return a script that gives the losses that are shown.

        Returns
        -------
        str
            Python code. It starts from your variables ``fitter`` and ``target``, and from
            ``predict`` and ``objective`` where another fitter was chosen.
        """
        choices, steps, seed = self._ran
        if not len(self.course):
            choices, (steps, seed) = self.choices, self._numbers.values()
            return fit_code(self.setup, choices, Course(self.setup.settle()), steps, seed)
        return fit_code(self.setup, choices, self.course, steps, seed)

    # -- drawing ------------------------------------------------------------------------------

    def _shown(self) -> dict[str, Plot | None]:
        return fit_plots(self.course, self.target, list(self._ran[0].ticked))

    def _plots(self) -> list[Plot]:
        return [plot for plot in self._shown().values() if plot is not None]

    def _canvases(self) -> list[Canvas]:
        return list(self.canvases.values())

    def _facts(self) -> list[tuple[str, str]]:
        facts = [(name, row.text) for name, row in self.rows.items() if row.on]
        return [*facts, *((n, e.text) for n, e in self.entries.items() if not e.hidden)]

    def _redraw(self) -> None:
        with self._lock:
            if not self._open:
                return
            shown = self._shown()
            for name, canvas in self.canvases.items():
                plot = shown.get(name)
                self._cells[name].layout.display = "none" if plot is None else ""
                if plot is not None:
                    panels = len(plot.panels) if isinstance(plot, Lines) else 1
                    canvas.height = 130 + 90 * max(1, panels)
                    canvas.show(plot)
            self._show_values()
            self._line.say(self._title())
            self._code.refresh()

    def _title(self) -> str:
        done = len(self.course)
        if not done:
            return self.status
        ended = getattr(self.result, "message", "") if self.status in ("done", "stopped") else ""
        text = (
            f"{self.status}: step {done} of {self._ran[1]} · loss {show(self.course.losses[-1])} · "
            f"best {show(self.course.best[-1])}"
        )
        return f"{text} · {ended}" if ended else text

    def _say(self, text: str = "", level: str = "info") -> None:
        self._message = (text, level)
        if text:
            self._cells["loss"].layout.display = ""
        self.canvases["loss"].say(text, level)

    def _entries(self) -> list[Any]:
        steps = self.entries["steps"]  # more may be given while it runs
        return [c for c in (*self.entries.values(), *self.rows.values()) if c is not steps]

    def _show_state(self, state: str) -> None:
        super()._show_state(state)
        if state in ("done", "stopped"):
            self._show_values()  # those of the best point

    def _show_values(self) -> None:
        with self.panel.holding():
            for name, row in self.rows.items():
                now = self.course.last(name) if self._job.active else self.setup.value(name)
                if now is not None:
                    row.put(value=now)

    # -- parts --------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        self.canvases = {name: Canvas(220, title) for name, title in _TITLES.items()}
        layout = {"flex": "1 1 300px", "min_width": "270px", "display": "none"}
        self._cells = {
            name: widgets.VBox([canvas], layout=dict(layout))
            for name, canvas in self.canvases.items()
        }
        self.toolbar = self._build_toolbar(type(self.setup.model).__name__)
        self.rows = self._build_rows()
        self.entries = self._build_entries()
        groups = {"Search": dict(self.entries), "Parameters": dict(self.rows)}
        self.panel = Sheet(groups, on_error=self._refuse)
        left = widgets.VBox(
            [self.panel],
            layout={
                "flex": "0 1 400px",
                "min_width": "330px",
                "max_height": "560px",
                "overflow": "hidden auto",
                "padding": "0 8px 0 0",
            },
        )
        right = wrapped(self._cells.values(), flex="1 1 420px", min_width="340px")
        self._show_fitting_entries()
        return [self.toolbar, wrapped([left, right]), self._line, self._code]

    def _build_rows(self) -> dict[str, FitControl]:
        return {
            name: FitControl(
                candidate,
                name in self.choices.ticked,
                self.setup.value(name),
                on_tick=lambda on, name=name: self._tick(name, on),
                on_value=lambda number, name=name: self.nudge(name, number),
                on_bounds=lambda ends, name=name: self._choose(self.choices.bound(name, ends)),
                on_error=self._refuse,
            )
            for name, candidate in self.setup.candidates.items()
        }

    def _build_entries(self) -> dict[str, Any]:
        choices, refuse = self.choices, self._refuse
        entries: dict[str, Any] = {
            "backend": ChoiceControl(
                "backend", "How to search: along gradients, by evolution, or with scipy",
                choices.backend, self._choose_backend, list(OPTIMIZERS), refuse,
            ),
            "optimizer": ChoiceControl(
                "optimiser", "Which method; as given is that of your fitter", choices.optimizer,
                self._choose_optimizer, [AS_GIVEN, *OPTIMIZERS[choices.backend]], refuse,
            ),
            "rate": TextControl(
                "learning rate", "Of the optimiser; may be changed while the fit runs",
                show(choices.rate), self._choose_rate, refuse,
            ),
        }  # fmt: skip
        tips = {"steps": "Number of steps; more may be given while the fit runs", "seed": "Seed"}
        for name, tip in tips.items():
            entries[name] = TextControl(
                name, tip, str(self._numbers[name]), lambda t, n=name: self._number(n, t), refuse
            )
        return entries

    # -- reactions ----------------------------------------------------------------------------

    def _choose(self, choices: Choices) -> None:
        self._check_idle()
        self.choices = choices
        self._say()

    def _tick(self, name: str, on: bool) -> None:
        if not self.setup.candidates[name].movable:
            raise ValueError("is a state of a layer and is always fitted.")
        ticked = set(self.choices.ticked) ^ {name}
        if (name in ticked) != on:
            return
        order = tuple(n for n in self.setup.candidates if n in ticked)
        self._choose(replace(self.choices, ticked=order))

    def _choose_backend(self, backend: str) -> None:
        self._choose(replace(self.choices, backend=backend, optimizer=AS_GIVEN))
        self._show_fitting_entries()

    def _choose_optimizer(self, optimizer: str) -> None:
        self._choose(replace(self.choices, optimizer=optimizer))
        self._show_fitting_entries()

    def _choose_rate(self, text: str) -> str:
        rate = parse(text, u.UNITLESS)
        if not rate > 0:
            raise ValueError(f"FitterWidget: learning rate must be positive; got '{text}'.")
        if self._job.active:
            self._change({"learning_rate": rate})
        self.choices = replace(self.choices, rate=rate)
        return show(rate)

    def _number(self, name: str, text: str) -> str:
        value = whole(name, text, 1 if name == "steps" else 0)
        self._numbers[name] = value
        if name == "steps" and self._job.active:
            self._change({"n_steps": value})
            self._ran = (self._ran[0], value, self._ran[2])
        return str(value)

    def _show_fitting_entries(self) -> None:
        """Offer the optimisers of the backend, and the rate of those that have one."""
        choices = self.choices
        self.entries["optimizer"].options = [AS_GIVEN, *OPTIMIZERS[choices.backend]]
        self.entries["optimizer"].put(choices.optimizer)
        fixed = choices.optimizer == AS_GIVEN or choices.backend != "grad"
        self.entries["rate"].hidden = fixed

    def _show_choices(self) -> None:
        choices = self.choices
        self.entries["backend"].put(choices.backend)
        self.entries["rate"].put(show(choices.rate))
        for name, number in self._numbers.items():
            self.entries[name].put(str(number))
        self._show_fitting_entries()
        bounds = dict(choices.bounds)
        for name, row in self.rows.items():
            row.put(
                on=name in choices.ticked, value=self.setup.value(name), bounds=bounds.get(name)
            )

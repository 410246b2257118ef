"""A network to play with: its connectome beside the activity it makes."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

import brainmass

from .board import Board, offered_plots
from .code import inputs_code
from .controls import ButtonControl, ChoiceControl, Control, TextControl
from .engine import Engine, Outcome, Request
from .engine.bold import bold_code, run_bold
from .explorer import SimulatorWidget
from .network_board import NetworkBoard
from .network_views import Bold
from .quantities import parse, show
from .worker import Job

__all__ = ["NetworkWidget"]


class NetworkWidget(SimulatorWidget):
    """A connectome that can be edited, and what the network makes of it.

    A :class:`SimulatorWidget` with sliders for coupling strength and conduction speed, the regions
    over time, functional connectivity beside a measured one, synchrony, and BOLD on request. Click
    a cell of the connectome to edit that connection, or cut it; cut a whole region. A changed or
    cut connection compiles nothing; a new one compiles once.

    Parameters
    ----------
    network : brainmass.Network or brainmass.Simulator
        The network, or a simulator of one.
    empirical_fc : array (N, N), optional
        Measured functional connectivity to compare with.
    plots : sequence of str, optional
        Which plots are open at first: besides those of :class:`SimulatorWidget` there are
        ``'connectome'``, ``'fc'``, ``'empirical'``, ``'order'`` (the Kuramoto order parameter)
        and ``'bold'``.
    bold_duration, bold_period : brainunit.Quantity, optional
        Length and repetition time of a run that gives BOLD. Default 60 s and 720 ms, that of the
        Human Connectome Project.
    **settings
        As for :class:`SimulatorWidget`.

    Attributes
    ----------
    weights : numpy.ndarray
        The weights now, row = target. Assign to change them.
    bold : dict or None
        ``'bold'`` and ``'bold.ts'`` of the last BOLD run.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass_widgets import NetworkWidget
    >>> conn = brainmass.datasets.load_dataset("example_connectome")
    >>> net = brainmass.Network(
    ...     brainmass.HopfStep(8, a=0.2, w=0.3), conn=conn.weights, distance=conn.distances,
    ...     speed=10 * u.mm / u.ms, coupling="diffusive", coupled_var="x", k=0.5,
    ... )
    >>> w = NetworkWidget(net)
    >>> w
    NetworkWidget(Network of HopfStep, 5 parameters)
    >>> w.flush()
    >>> before = w.compilations
    >>> w.controls["speed"].value = 20.0
    >>> w.lesion(3)
    >>> w.flush()
    >>> bool(w.weights[3].any()), w.compilations - before
    (False, 0)
    >>> w.close()

    References
    ----------
    .. [1] Van Essen et al. 2013, NeuroImage 80:62, doi:10.1016/j.neuroimage.2013.05.041
    """

    def __init__(
        self,
        network,
        *,
        empirical_fc=None,
        plots=None,
        bold_duration=60.0 * u.second,
        bold_period=720.0 * u.ms,
        **settings,
    ):
        model = network.model if isinstance(network, brainmass.Simulator) else network
        if not isinstance(model, brainmass.Network):
            raise TypeError(
                f"NetworkWidget: network must be a Network; got {type(model).__name__}. "
                "Pass a Network, or use SimulatorWidget."
            )
        count = model.node.varshape[-1]
        self._empirical = _read_matrix(empirical_fc, count)
        self._bold_times = {
            "duration": float(u.Quantity(bold_duration).to_decimal(u.ms)),
            "period": float(u.Quantity(bold_period).to_decimal(u.ms)),
        }
        self.bold: dict[str, Any] | None = None
        self._bold_request: Request | None = None
        self._bold_job = Job(lambda checkpoint: None)
        if plots is None:
            plots = ["time", "regions", "connectome", "fc"]
            plots += ["empirical"] if self._empirical is not None else []
        super().__init__(network, plots=plots, **settings)

    # -- connectome ---------------------------------------------------------------------------

    @property
    def weights(self) -> np.ndarray:
        """The weights now, row = target."""
        with self._lock:
            return self._values["weights"]

    @weights.setter
    def weights(self, weights) -> None:
        new = np.array(u.get_mantissa(weights), dtype=float)
        self.engine.fields["weights"].check(new)
        self._moved("weights", new)
        self._show_edge()
        self.board.redraw()

    def select(self, target: int, source: int) -> None:
        """Choose the connection that is edited.

        Parameters
        ----------
        target, source : int
            Regions that receive and send.
        """
        count = len(self.weights)
        if not (0 <= target < count and 0 <= source < count):
            raise ValueError(
                f"NetworkWidget: regions must be from 0 to {count - 1}; got {target} and {source}. "
                "Choose two of them."
            )
        self.board.selected = (int(target), int(source))
        self._show_edge()
        self.board.redraw()

    def set_weight(self, weight: float) -> None:
        """Set the weight of the selected connection; 0 cuts it.

        Parameters
        ----------
        weight : float
            In the unit of the connectome.
        """
        target, source = self._edge()
        if target == source and not self.engine.model.self_connection:
            raise ValueError(
                "NetworkWidget: a region must not be connected with itself; the network was made "
                "without self_connection. Choose two regions."
            )
        new = self.weights.copy()
        new[target, source] = weight
        self.weights = new

    def cut(self) -> None:
        """Cut the selected connection."""
        self.set_weight(0.0)

    def lesion(self, region: int | None = None) -> None:
        """Cut all connections of a region.

        Parameters
        ----------
        region : int, optional
            Which one. Default: the target of the selected connection.
        """
        region = self._edge()[0] if region is None else region
        new = self.weights.copy()
        new[region, :] = new[:, region] = 0.0
        self.weights = new

    def restore_weights(self) -> None:
        """Give the network the weights back that it was opened with."""
        self.weights = self.engine.start["weights"]

    # -- BOLD ---------------------------------------------------------------------------------

    def run_bold(self) -> None:
        """Start a long run of the present numbers that gives BOLD, beside everything else."""
        if self._bold_job.active:
            return
        # Before the first run there is no plot that says which signal is shown.
        request, signal = self.request, self.board.heat or next(iter(self.engine.states), "")
        engine = Engine(self.engine.given, inputs=self.engine.given_inputs)
        engine.history = self.engine.history

        def work(checkpoint):
            def part(data, times):
                self._show_bold(Bold(data, times, self._bold_times["duration"]))
                return checkpoint()

            return run_bold(engine, request, signal, **self._bold_times, on_part=part)

        self._bold_request = request
        self._bold_signal = signal
        self._bold_job.close()
        self._bold_job = Job(work, on_state=self._show_bold_state, name="brainmass-bold")
        if "bold" not in self.board.opened:
            self.board.chips.flip(self.board.titles["bold"])
        self._bold_job.start()

    def stop_bold(self) -> None:
        """End the run that gives BOLD; what it has given stays."""
        self._bold_job.stop()

    def flush(self, timeout: float = 120.0) -> None:
        """Wait until the plots show the present sliders, and BOLD has been computed.

        Parameters
        ----------
        timeout : float, default 120
            Longest wait in seconds.
        """
        super().flush(timeout)
        if not self._bold_job.wait(timeout):
            raise TimeoutError(
                f"NetworkWidget: BOLD must be there within {timeout:g} s; it is still computing. "
                "Wait longer or ask for a shorter time."
            )

    def to_code(self) -> str:
        """Return a script that gives exactly the arrays that are shown."""
        code = super().to_code()
        if self.bold is None or self.board.stale or self._bold_request is None:
            return code
        inputs = inputs_code(self.engine, self._bold_request)
        return code + bold_code(
            self.engine, self._bold_request, self._bold_signal, **self._bold_times, inputs=inputs
        )

    def _stop(self) -> None:
        self._bold_job.close()
        super()._stop()

    def _show_bold(self, bold: Bold) -> None:
        self.bold = {"bold": bold.data, "bold.ts": u.Quantity(bold.times, unit=u.ms)}
        if self._open:
            self.board.show_bold(bold)
            self._bold_note(f"{show(bold.times[-1] / 1e3)} of {show(bold.wanted / 1e3)} s")

    def _show_bold_state(self, state: str) -> None:
        if not self._open:
            return
        self._bold_buttons["run"].disabled = self._bold_job.active
        self._bold_buttons["stop"].disabled = not self._bold_job.active
        if state == "failed":
            self.board.canvases["bold"].say(str(self._bold_job.error), "error")
        elif state == "running":
            self.board.canvases["bold"].say()
            self._bold_note("Computing …")

    def _bold_note(self, text: str) -> None:
        self._bold_buttons["run"].tooltip = text
        self._line.say(f"BOLD: {text}")

    # -- reactions ----------------------------------------------------------------------------

    def _restore(self, numbers) -> None:
        super()._restore(numbers)
        self._show_edge()
        self.board.redraw()

    def _shown(self, outcome: Outcome) -> None:
        super()._shown(outcome)
        if self._bold_request is not None and not _same(self._bold_request, outcome.request):
            self.board.outdate()

    def _edge(self) -> tuple[int, int]:
        if self.board.selected is None:
            raise ValueError(
                "NetworkWidget: a connection must be selected; got none. Click a cell of the "
                "connectome, or choose two regions."
            )
        return self.board.selected

    def _clicked(self, event: dict[str, Any]) -> None:
        count = len(self.weights)
        target, source = int(event["y"]), round(event["x"])
        if 0 <= target < count and 0 <= source < count:
            self._guarded(lambda: self.select(target, source))

    def _choose_end(self, which: int, text: str) -> None:
        region = self._region_names.index(text)
        other = (self.board.selected or (region, region))[1 - which]
        self.select(*((region, other) if which == 0 else (other, region)))

    def _show_edge(self) -> None:
        if self.board.selected is None:
            return
        target, source = self.board.selected
        self._editors["target"].put(self._region_names[target])
        self._editors["source"].put(self._region_names[source])
        self._editors["weight"].put(show(self.weights[target, source]))

    # -- parts --------------------------------------------------------------------------------

    def _build_board(self, plots, labels) -> Board:
        count = self.engine.shape[-1]
        self._region_names = [
            f"{k} {labels[k]}" if k < len(labels) else str(k) for k in range(count)
        ]
        offered = [*offered_plots(self.engine.shape, len(self.engine.states)), "connectome", "fc"]
        offered += ["empirical"] if self._empirical is not None else []
        offered += ["order", "bold"]
        board = NetworkBoard(
            *self._chosen_plots(offered, plots),
            labels,
            weights=lambda: self.weights,
            empirical=self._empirical,
            bars={"connectome": self._build_editors(), "bold": self._build_bold()},
        )
        board.canvases["connectome"].on_event(self._clicked, "click")
        return board

    def _build_editors(self) -> dict[str, Control]:
        names = self._region_names

        def press(label: str, tip: str, act) -> ButtonControl:
            return ButtonControl(label, tip, lambda: self._guarded(act))

        def weigh(text: str) -> str:
            self.set_weight(parse(text, self.engine.fields["weights"].spec.unit))
            return show(self.weights[self._edge()])

        self._editors: dict[str, Any] = {
            "source": ChoiceControl(
                "from", "Region that sends", names[0], lambda t: self._choose_end(1, t), names
            ),
            "target": ChoiceControl(
                "to", "Region that receives", names[0], lambda t: self._choose_end(0, t), names
            ),
            "weight": TextControl(
                "weight", "Weight of this connection; 0 cuts it", "", weigh, self._refuse
            ),
            "cut": press("Cut", "Cut this connection", self.cut),
            "lesion": press(
                "Lesion", "Cut all connections of the region that receives", self.lesion
            ),
            "restore": press("Restore", "Give all weights back", self.restore_weights),
        }
        return self._editors

    def _build_bold(self) -> dict[str, Control]:
        def time(name: str) -> TextControl:
            def enter(text: str) -> str:
                value = parse(text, u.ms)
                if not value > 0:
                    raise ValueError(
                        f"{name} must be positive; got '{text}'. Type for example 60 s."
                    )
                self._bold_times[name] = value
                return _seconds(value)

            tips = {"duration": "Length of the run", "period": "Repetition time TR"}
            label = "TR" if name == "period" else "for"
            return TextControl(
                label, tips[name], _seconds(self._bold_times[name]), enter, self._refuse
            )

        tip = "Simulate the present numbers for long and show BOLD"
        self._bold_buttons = {
            "run": ButtonControl("Run", tip, lambda: self._guarded(self.run_bold)),
            "stop": ButtonControl("Stop", "End that run", lambda: self._guarded(self.stop_bold)),
        }
        self._bold_buttons["stop"].disabled = True
        return {"duration": time("duration"), "period": time("period"), **self._bold_buttons}


def _seconds(milliseconds: float) -> str:
    seconds = milliseconds / 1e3
    return f"{show(seconds)} s" if seconds >= 1 else f"{show(milliseconds)} ms"


def _same(first: Request, second: Request) -> bool:
    """Whether two requests are about the same numbers."""
    same = (first.method, first.stimulus, first.inlet) == (
        second.method, second.stimulus, second.inlet,
    )  # fmt: skip
    pairs = ((value, second.values.get(path)) for path, value in first.values.items())
    return same and all(a is b or np.array_equal(a, b) for a, b in pairs)


def _read_matrix(matrix: Any, count: int) -> np.ndarray | None:
    """Return a measured functional connectivity after checking its shape."""
    if matrix is None:
        return None
    data = np.asarray(u.get_mantissa(matrix), dtype=float)
    if data.shape != (count, count):
        raise ValueError(
            f"NetworkWidget: empirical_fc must have shape ({count}, {count}), as the network has "
            f"{count} regions; got {data.shape}. Pass one correlation per pair of regions."
        )
    return data

"""The live plot: one small anywidget canvas fed with binary buffers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from .assets import bundle
from .packing import pack
from .plots import Heat, Plot

__all__ = ["PLOT", "STYLE", "Canvas"]

PLOT = ("common.js", "colours.js", "plot.js", "plot_axes.js", "plot_draw.js", "plot_pointer.js")
"""The files that draw a plot."""

SEGMENT = 1 << 16
"""More bytes than fit in one segment of the connection to a server on the same machine."""

SCRIPTS = (*PLOT, "canvas.js")
STYLE = "canvas.css"


class Canvas(anywidget.AnyWidget):
    """A live plot of lines, of trajectories in a plane, or of a heat map.

    It pans by dragging, zooms with Ctrl and the wheel (or Shift and a dragged box, or the keys
    ``+`` and ``-``), shows everything again after a double click or ``Home``, and reads values
    under the pointer. It follows the light and dark theme of JupyterLab.

    Parameters
    ----------
    height : int, default 260
        Height in pixels.
    label : str, default 'plot'
        What the plot is, for screen readers.
    **traits
        Further traits of the widget.

    Examples
    --------
    >>> import numpy as np
    >>> from brainmass_widgets import Canvas
    >>> from brainmass_widgets.plots import Axis, Lines, Panel, Trace
    >>> canvas = Canvas(label="sine")
    >>> wave = Trace("sin", np.sin(np.linspace(0, 6, 500)))
    >>> canvas.show(Lines(Axis("time", "ms"), (Panel(Axis("sin"), (wave,)),)))
    >>> canvas.summary
    'sin from -1 to 1; time 0 to 499 ms.'
    """

    _esm = bundle(*SCRIPTS)
    _css = bundle(STYLE)

    frame = traitlets.Dict().tag(sync=True)
    height = traitlets.Int(260).tag(sync=True)
    label = traitlets.Unicode("plot").tag(sync=True)
    summary = traitlets.Unicode("").tag(sync=True)
    margins = traitlets.List(traitlets.Int(), [0, 0]).tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    events = traitlets.List(traitlets.Unicode()).tag(sync=True)
    near = traitlets.Bool(False).tag(sync=True, echo_update=False)

    def __init__(self, height: int = 260, label: str = "plot", **traits):
        self._lock = threading.RLock()
        self._plot: Plot | None = None
        self._window: tuple[float, float] | None = None
        self._count = 0
        self._listeners: list[Callable[[dict[str, Any]], None]] = []
        super().__init__(height=height, label=label, **traits)
        self.on_msg(self._receive)

    @property
    def plot(self) -> Plot | None:
        """What is shown, at full resolution."""
        return self._plot

    def show(self, plot: Plot) -> None:
        """Draw ``plot`` in place of what was there; the view of the user stays.

        Parameters
        ----------
        plot : Lines, Phase or Heat
            What to draw.
        """
        with self._lock:
            self._plot = plot
            self._transmit()

    def say(self, text: str = "", level: str = "info", action: str = "") -> None:
        """Show one sentence on the plot, or take it away.

        Parameters
        ----------
        text : str, optional
            The sentence; nothing is shown when it is empty.
        level : {'info', 'warning', 'error'}
            How serious it is.
        action : str, optional
            Text of a button below it; pressing it is an event of the kind ``'action'``.
        """
        notice = {"text": text, "level": level} if text else {}
        if text and action:
            notice["action"] = action
        self.notice = notice

    def download(self, name: str, mime: str, content: bytes) -> None:
        """Ask the browser to save a file.

        Parameters
        ----------
        name, mime : str
            File name and media type.
        content : bytes
            The file.
        """
        self.send({"type": "download", "name": name, "mime": mime}, [content])

    def copy(self, text: str) -> None:
        """Ask the browser to put ``text`` on the clipboard."""
        self.send({"type": "copy", "text": text})

    def on_event(self, callback: Callable[[dict[str, Any]], None], *kinds: str) -> None:
        """Call ``callback`` with a dictionary for each event of these kinds.

        Parameters
        ----------
        callback : callable
            Called with ``type``, ``panel``, ``x`` and ``y`` in the units of the axes; a drag has
            a ``phase`` that is ``'start'``, ``'move'`` or ``'end'``. A view of a plane has the
            ranges of ``x`` and ``y`` that are seen, None for all.
        *kinds : {'click', 'drag', 'view', 'copied', 'action'}
            What to listen for. While someone listens for drags, dragging no longer pans.
        """
        self._listeners.append(callback)
        self.events = sorted({*self.events, *kinds})

    def _transmit(self) -> None:
        if self._plot is None:
            return
        self._count += 1
        frame = {"id": self._count, **pack(self._plot, self._window)}
        if self.near and (missing := SEGMENT - _weight(frame)) > 0:
            # Jupyter's server leaves Nagle's algorithm on: less than a segment waits until the
            # browser has acknowledged the status messages before it, which takes up to 40 ms.
            frame["fill"] = bytes(missing)
        with self.hold_sync():
            self.frame = frame
            self.summary = describe(self._plot, frame)

    def _receive(self, _widget, content, _buffers) -> None:
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "view" and "view" not in self.events:
            window = content.get("x")
            with self._lock:
                before, self._window = self._window, tuple(window) if window else None
                if before != self._window:
                    self._transmit()
        elif kind in self.events:
            for callback in list(self._listeners):
                callback(content)

    def __repr__(self):
        kind = type(self._plot).__name__.lower() if self._plot is not None else "empty"
        return f"Canvas({kind})"


def _weight(part: Any) -> int:
    """Return how many bytes of arrays a message holds."""
    if isinstance(part, bytes | bytearray | memoryview):
        return len(memoryview(part).cast("B"))
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return sum(map(_weight, parts))


def describe(plot: Plot, frame: dict[str, Any]) -> str:
    """Say in one line what a plot shows, for those who do not see it."""

    def extent(name, unit, lo, hi):
        return f"{name} from {lo:.3g} to {hi:.3g}{' ' + unit if unit else ''}"

    x = frame["x"]
    if isinstance(plot, Heat):
        lo, hi = plot.ends
        what = f"{plot.data.shape[0]} rows of {extent(plot.value.label, plot.value.unit, lo, hi)}"
    elif frame["kind"] == "phase":
        y = frame["panels"][0]["y"]
        across = extent(x["label"], x["unit"], x["lo"], x["hi"])
        return f"{across}, {extent(y['label'], y['unit'], y['lo'], y['hi'])}."
    else:
        parts = [
            extent(panel["y"]["label"], panel["y"]["unit"], panel["y"]["lo"], panel["y"]["hi"])
            for panel in frame["panels"]
            if panel["traces"]
        ]
        what = ", ".join(parts) or "nothing"
    return f"{what}; {x['label']} {x['lo']:.4g} to {x['hi']:.4g} {x['unit']}".rstrip() + "."

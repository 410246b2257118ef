"""What all widgets share: a static picture beside the view, saving, exporting, closing."""

from __future__ import annotations

import base64
import html
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets

from .canvas import Canvas
from .controls import CheckControl, ChoiceControl
from .figure import draw
from .plots import Plot
from .snapshot import page

__all__ = ["Instrument"]

FORMS = ("png", "svg", "pdf", "html")

_MIMES = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "html": "text/html",
}

_EXPORTS = {"PNG picture": "png", "SVG picture": "svg", "PDF": "pdf", "HTML page": "html"}


class Instrument(widgets.VBox):
    """A widget that computes in a thread and can be drawn without a browser.

    A subclass builds its children, starts its thread, and defines ``flush``, ``to_code``,
    ``state``, ``problem``, ``_title``, ``_canvases``, ``_plots``, ``_facts`` and ``_stop``.
    """

    def __init__(self, children, **more):
        self._open = True
        super().__init__(children, layout={"width": "100%", "overflow": "visible"}, **more)
        self.add_class("brainmass-widget")

    # -- what a subclass defines ----------------------------------------------------------------

    state: dict[str, Any]
    problem: str
    """Why the last run ended early or something was refused; empty if all is well."""

    _code: CodeBox
    _waits = True  # whether a picture waits for what is being computed

    def flush(self, timeout: float = 120.0) -> None:
        """Wait until the widget shows what was asked for."""
        raise NotImplementedError

    def to_code(self) -> str:
        """Return a script that gives exactly the arrays that are shown."""
        raise NotImplementedError

    def _canvases(self) -> list[Canvas]:
        """Return the canvases, the one that speaks first."""
        raise NotImplementedError

    def _plots(self) -> list[Plot]:
        """Return what is shown."""
        raise NotImplementedError

    def _title(self) -> str:
        """Return what stands above a static picture."""
        raise NotImplementedError

    def _facts(self) -> list[tuple[str, str]]:
        """Return name and value of what was set, for an exported page."""
        raise NotImplementedError

    def _refuse(self, sentence: str) -> None:
        """Say on the plot why something was refused."""
        raise NotImplementedError

    def _stop(self) -> None:
        """End the threads."""
        raise NotImplementedError

    # -- saving and exporting -------------------------------------------------------------------

    def picture(self, form: str = "png") -> bytes:
        """Draw what is shown with matplotlib.

        Parameters
        ----------
        form : {'png', 'svg', 'pdf'}
            Format of the picture.

        Returns
        -------
        bytes
            The file; empty when nothing has been computed.
        """
        if self._waits:
            self.flush()
        return self._drawn(form)

    def _drawn(self, form: str) -> bytes:
        plots = self._plots()
        return draw(plots, title=self._title(), note=self.problem, form=form) if plots else b""

    def snapshot(self) -> str:
        """Return what is shown as one HTML page that needs no kernel and no network.

        Its plots can be panned, zoomed and read like the live ones; below them stand the numbers
        that were set and the code that gives the same arrays.

        Returns
        -------
        str
            The page.
        """
        self.flush()
        try:
            code = self.to_code()
        except ValueError as error:
            code = f"# {error}"
        return page(repr(self), self._plots(), self._facts(), code)

    def save(self, path) -> None:
        """Save the picture or the page to a file.

        Parameters
        ----------
        path : str or pathlib.Path
            File name that ends in ``.png``, ``.svg`` or ``.pdf``, or in ``.html`` for the page of
            :meth:`snapshot`.
        """
        path = pathlib.Path(path)
        form = path.suffix[1:]
        if form not in FORMS:
            raise ValueError(
                f"{type(self).__name__}.save: path must end in .png, .svg, .pdf or .html; "
                f"got '{path.name}'. Choose one of these."
            )
        path.write_bytes(self._file(form))

    def _file(self, form: str) -> bytes:
        return self.snapshot().encode() if form == "html" else self.picture(form)

    def _export_control(self) -> ChoiceControl:
        """Return a list of the forms in which the browser can save what is shown."""
        first = "Export …"

        def export(choice: str) -> str:
            if choice != first:
                form = _EXPORTS[choice]
                self._guarded(lambda: self._hand_over(form))
            return first

        tip = "Save what is shown as a file"
        return ChoiceControl("", tip, first, export, [first, *_EXPORTS])

    def _code_control(self) -> CheckControl:
        """Return a button that shows the code and copies it."""

        def show(on: bool) -> None:
            def act() -> None:
                self._code.show(on)
                if on:
                    self._canvases()[0].copy(self._code.value)

            self._guarded(act)

        tip = "Show Python code for what is shown, and copy it"
        return CheckControl("Code", tip, False, show, kind="toggle")

    def _hand_over(self, form: str) -> None:
        name = "".join(c if c.isalnum() else "-" for c in repr(self)).strip("-").lower()
        self._canvases()[0].download(f"{name}.{form}", _MIMES[form], self._file(form))

    def _guarded(self, action: Callable[[], Any]) -> None:
        """Do what a button asks for; tell on the plot what went wrong."""
        if not self._open:
            return
        try:
            action()
        except Exception as error:  # shown where the user looks, not lost in a log
            self._refuse(str(error) or type(error).__name__)

    # -- the notebook -----------------------------------------------------------------------------

    def _first_picture(self) -> bytes:
        """Return the picture that a cell keeps; its live view appears when this returns."""
        return self.picture()

    def close(self) -> None:
        """End the thread and remove the widget."""
        # Also called by the garbage collector, for a widget whose constructor raised.
        if getattr(self, "_open", False):
            self._open = False
            self._stop()
            for part in _descendants(self):
                _discard(part)
        _discard(self, super().close)
        # ipywidgets takes the method away from what is closed, and a cell would show a bare name.
        vars(self)["_repr_mimebundle_"] = self._closed_bundle

    def _closed_bundle(self, include=None, exclude=None, **kwargs):
        return {"text/plain": f"{self!r}, closed. Run the cell that made it again."}

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        if not bundle:
            return {"text/plain": repr(self)}
        bundle["text/plain"] = repr(self)
        # A saved notebook has no kernel that could draw the live view.
        if picture := self._first_picture():
            bundle["image/png"] = base64.b64encode(picture).decode("ascii")
        return bundle


class StatusLine(widgets.HTML):
    """One line of text below the plots."""

    def __init__(self):
        super().__init__(layout={"margin": "2px 8px"})

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    _text = ""

    def say(self, text: str) -> None:
        """Write a line."""
        self._text = text
        self.value = f'<span class="brainmass-status">{html.escape(text)}</span>'


class CodeBox(widgets.Textarea):
    """Code that can be copied, hidden at first.

    Parameters
    ----------
    write : callable
        Returns the code.
    """

    def __init__(self, write: Callable[[], str]):
        super().__init__(
            layout={"width": "calc(100% - 4px)", "height": "190px", "display": "none"},
            tooltip="Python code that gives the arrays shown",
        )
        self._write = write
        self.add_class("brainmass-code")

    @property
    def opened(self) -> bool:
        """Whether it is shown."""
        return self.layout.display != "none"

    def show(self, shown: bool) -> None:
        """Show or hide it."""
        self.layout.display = "" if shown else "none"
        self.refresh()

    def refresh(self) -> None:
        """Write the code of what is shown now."""
        if self.opened:
            self.value = self._write()


def _discard(part: widgets.Widget, close=None) -> None:
    """Close a widget with its layout and style, which ipywidgets would keep for ever."""
    own = [getattr(part, name, None) for name in ("layout", "style")]
    (close or part.close)()
    for widget in own:
        if isinstance(widget, widgets.Widget):
            widget.close()


def _descendants(box) -> list[widgets.Widget]:
    parts: list[widgets.Widget] = []
    for child in getattr(box, "children", ()):
        parts += [*_descendants(child), child]
    return parts


def wrapped(parts: Sequence[widgets.Widget], **layout: str) -> widgets.HBox:
    """Return parts side by side, on further lines where they do not fit."""
    return widgets.HBox(
        list(parts),
        layout={"flex_flow": "row wrap", "width": "100%", "overflow": "visible", **layout},
    )

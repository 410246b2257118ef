"""What all widgets share: a static picture beside the view, saving, closing."""

from __future__ import annotations

import base64
import pathlib

import ipywidgets as widgets

__all__ = ["Instrument", "button", "toggle"]

FORMS = ("png", "svg", "pdf")

_BUTTON = {"width": "auto", "margin": "2px"}


class Instrument(widgets.VBox):
    """A widget that computes in a thread and can be drawn without a browser.

    A subclass builds its children, starts its thread, and defines ``flush``, ``picture`` and
    ``_stop``.
    """

    def __init__(self, children, **more):
        self._open = True
        super().__init__(children, layout={"width": "100%", "overflow": "visible"}, **more)
        self.add_class("brainmass-widget")

    def flush(self, timeout: float = 120.0) -> None:
        """Wait until the widget shows what was asked for."""
        raise NotImplementedError

    def picture(self, form: str = "png") -> bytes:
        """Draw what is shown, without a browser; empty when there is nothing."""
        raise NotImplementedError

    def _stop(self) -> None:
        """End the threads."""
        raise NotImplementedError

    def save(self, path) -> None:
        """Save the picture to a file.

        Parameters
        ----------
        path : str or pathlib.Path
            File name that ends in ``.png``, ``.svg`` or ``.pdf``.
        """
        path = pathlib.Path(path)
        form = path.suffix[1:]
        if form not in FORMS:
            raise ValueError(
                f"{type(self).__name__}.save: path must end in .png, .svg or .pdf; "
                f"got '{path.name}'. Choose one of these."
            )
        path.write_bytes(self.picture(form))

    def close(self) -> None:
        """End the thread and remove the widget."""
        # Also called by the garbage collector, for a widget whose constructor raised.
        if getattr(self, "_open", False):
            self._open = False
            self._stop()
            for part in _descendants(self):
                part.close()
        super().close()

    def _repr_mimebundle_(self, include=None, exclude=None, **kwargs):
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude, **kwargs)
        if not bundle or not self._open:
            return {"text/plain": f"{self!r}, closed"}
        bundle["text/plain"] = repr(self)
        # A saved notebook has no kernel that could draw the live view.
        if picture := self.picture():
            bundle["image/png"] = base64.b64encode(picture).decode("ascii")
        return bundle


def button(text: str, tip: str, action) -> widgets.Button:
    """Return a button of the toolbar that calls ``action()``."""
    made = widgets.Button(description=text, tooltip=tip, layout=_BUTTON)
    made.on_click(lambda _: action())
    return made


def toggle(text: str, tip: str, action) -> widgets.ToggleButton:
    """Return a toggle of the toolbar that calls ``action(on)``."""
    made = widgets.ToggleButton(description=text, tooltip=tip, layout=_BUTTON)
    made.observe(lambda change: action(change["new"]), "value")
    return made


def _descendants(box) -> list[widgets.Widget]:
    parts: list[widgets.Widget] = []
    for child in getattr(box, "children", ()):
        parts += [*_descendants(child), child]
    return parts

"""Rows of controls in the browser: one small anywidget for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import anywidget
import traitlets

from .assets import bundle
from .controls import ButtonControl, Control
from .numbers import NumberControl

__all__ = ["ParameterControl", "Sheet", "control_for"]


class Sheet(anywidget.AnyWidget):
    """Controls in rows, in groups that fold.

    The browser writes ``asked`` and the kernel writes ``shown``, never the other way round, so
    that a value cannot be pulled back by an echo. See ``static/sheet.js``.

    Parameters
    ----------
    groups : dict of str to dict of str to Control
        The rows by heading and name; the heading ``''`` is not shown.
    opened : sequence of str, optional
        Headings whose rows are shown at first. Default: all.
    on_undo : callable, optional
        Called with ``'undo'`` or ``'redo'`` when that key is pressed.
    on_error : callable, optional
        Called with the sentence of an exception that a deed led to.
    bar : bool, default False
        Whether the controls stand side by side, as in a toolbar.
    title : str, optional
        What stands at the beginning of a bar.
    busy : callable, optional
        Whether something is being computed that is more urgent than the answer to a moved slider.
        The answer then waits for :meth:`settle`; the browser shows where the slider is anyway.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.numbers import NumberControl
    >>> from brainmass_widgets.sheet import Sheet
    >>> spec = brainmass.HopfStep.declaration.params["a"]
    >>> sheet = Sheet({"Parameters": {"a": NumberControl(spec)}})
    >>> sheet.act("a", number=0.5)
    >>> sheet.shown["a"]["value"], sheet.controls["a"].value
    (0.5, array(0.5))
    """

    _esm = bundle("common.js", "sheet_rows.js", "sheet.js")
    _css = bundle("sheet.css")

    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    # An echo would tell the browser what it said itself: one message more for every move.
    asked = traitlets.Dict().tag(sync=True, echo_update=False)
    bar = traitlets.Bool(False).tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        groups: dict[str, dict[str, Any]],
        opened: Sequence[str] | None = None,
        on_undo: Callable[[str], None] | None = None,
        on_error: Callable[[str], None] | None = None,
        bar: bool = False,
        title: str = "",
        busy: Callable[[], bool] = lambda: False,
        **traits,
    ):
        self._busy = busy
        self._lock = threading.RLock()
        self._handled: dict[str, Any] = {}
        self._holding = self._postponed = 0
        self._dirty: set[str] = set()
        self._on_error = on_error
        self.controls: dict[str, Any] = {}
        if on_undo is not None:  # keys, without a row to be seen
            for key in ("undo", "redo"):
                self.controls[key] = ButtonControl(key, "", lambda key=key: on_undo(key))
        rows = []
        for group, controls in groups.items():
            shown = opened is None or group in opened
            for name, control in controls.items():
                self.controls[name] = control
                rows.append({"id": name, "group": group, "open": shown, **control.row()})
        first = {name: self._row(name) for name in self.controls}
        super().__init__(rows=rows, shown=first, bar=bar, title=title, **traits)
        for name, control in self.controls.items():
            control.bind(lambda name=name: self._refresh(name))
        self.observe(self._hear, "asked")

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Send all changes made inside in one message."""
        with self._lock:
            self._holding += 1
        try:
            yield
        finally:
            with self._lock:
                self._holding -= 1
                if not self._holding and self._dirty:
                    self._transmit()

    def settle(self) -> None:
        """Send the answers that have waited."""
        with self._lock:
            if not self._holding and self._dirty:
                self._transmit()

    def act(self, name: str, **deed: Any) -> None:
        """Do to a row what a person could do in the browser.

        Parameters
        ----------
        name : str
            The row.
        **deed
            ``number=`` for a moved slider, with the same ``gesture=`` for what belongs to one
            movement; ``text=`` for a finished entry or a choice, ``on=`` for a tick, ``chosen=``
            for chips, ``press=`` with the count of clicks so far.
        """
        n = 1 + max((done["n"] for done in self.asked.values()), default=0)
        self.asked = {**self.asked, name: {**deed, "n": n}}

    def _row(self, name: str) -> dict[str, Any]:
        return {**self.controls[name].shown(), "n": self._handled.get(name, {}).get("n", 0)}

    @contextmanager
    def _postponing(self, postponed: bool) -> Iterator[None]:
        """Send nothing of what the answer to a moved slider changes before it is known to be late.

        The lock is not held: the worker may settle what waits at any time.
        """
        with self._lock:
            self._postponed += postponed
        try:
            yield
        finally:
            with self._lock:
                self._postponed -= postponed

    def _refresh(self, name: str, late: bool = False) -> None:
        with self._lock:
            self._dirty.add(name)
            # Asked after it was noted: whoever is not busy any more settles what was noted before.
            late = late and self._busy()
            if not (late or self._holding or self._postponed):
                self._transmit()

    def _transmit(self) -> None:
        changed = {name: self._row(name) for name in self._dirty}
        self._dirty.clear()
        self.shown = {**self.shown, **changed}

    def _hear(self, change) -> None:
        with self._lock:
            known = self._handled
            deeds = {
                name: deed
                for name, deed in change["new"].items()
                # Another browser may repeat what it heard long ago.
                if name in self.controls and deed["n"] > known.get(name, {"n": 0})["n"]
            }
            self._handled = known | deeds
        for name, deed in sorted(deeds.items(), key=lambda item: item[1]["n"]):
            try:
                with self._postponing("number" in deed):
                    self.controls[name].answer(deed)
            except Exception as error:  # shown where the user looks, not lost in a log
                if self._on_error is None:
                    raise
                self._on_error(str(error) or type(error).__name__)
            finally:
                # Also where nothing changed: the browser waits for the number of its deed.
                self._refresh(name, late="number" in deed)

    def __repr__(self):
        return f"Sheet({len(self.controls)} controls)"


class ParameterControl(Sheet):
    """A sheet of one number, to be placed anywhere; see :class:`NumberControl` for the rest.

    Parameters
    ----------
    control : NumberControl
        The number.
    """

    def __init__(self, control: NumberControl):
        self.control = control
        super().__init__({"": {"value": control}}, layout={"width": "100%"})

    @property
    def value(self):
        """The value in the declared unit; assigning a number sets it as a person would."""
        return self.control.value

    @value.setter
    def value(self, number: float) -> None:
        self.control.set(number)

    def __getattr__(self, name: str):
        if name in ("set", "put", "widen", "select", "region", "spec", "plan", "text", "range"):
            return getattr(self.control, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __repr__(self):
        return f"ParameterControl({self.control.plan.label}, {self.control.text})"


def control_for(
    spec: Any,
    value: Any = None,
    *,
    name: str | None = None,
    on_change: Callable[[Control], None] | None = None,
    check: Callable[[Any], None] | None = None,
    on_error: Callable[[str], None] | None = None,
) -> ParameterControl:
    """Build the control of a declared number.

    Parameters
    ----------
    spec, value, name, on_change, check, on_error
        As for :class:`brainmass_widgets.numbers.NumberControl`; ``on_change`` is called with
        that control.

    Returns
    -------
    ParameterControl
        A slider and a field to type into.

    Examples
    --------
    >>> import brainmass
    >>> from brainmass_widgets.sheet import control_for
    >>> control = control_for(brainmass.HopfStep.declaration.params["a"], 0.25)
    >>> control.range, control.text
    ((-1.0, 1.0), '0.25')
    """
    control = NumberControl(
        spec, value, name=name, on_change=on_change, check=check, on_error=on_error
    )
    return ParameterControl(control)

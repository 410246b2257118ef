"""Controls as plain objects: what a row of a sheet shows, and what happens when it is used.

:mod:`brainmass_widgets.sheet` shows them in the browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

__all__ = [
    "ButtonControl",
    "CheckControl",
    "ChipsControl",
    "ChoiceControl",
    "Control",
    "NoteControl",
    "TextControl",
]


class Control:
    """One row of a sheet.

    Attributes
    ----------
    label, tooltip : str
        What stands beside it, and what it means.
    hidden, disabled : bool
        Whether it is hidden, and whether it cannot be used.
    """

    kind = ""

    def __init__(self, label: str, tooltip: str = ""):
        self._lock = threading.RLock()
        self._publish: Callable[[], None] = lambda: None
        self._hidden = self._disabled = False
        self.label, self.tooltip = label, tooltip

    @property
    def hidden(self) -> bool:
        """Whether the row is hidden."""
        return self._hidden

    @hidden.setter
    def hidden(self, hidden: bool) -> None:
        if hidden != self._hidden:
            self._hidden = hidden
            self._publish()

    @property
    def disabled(self) -> bool:
        """Whether the row can not be used."""
        return self._disabled

    @disabled.setter
    def disabled(self, disabled: bool) -> None:
        if disabled != self._disabled:
            self._disabled = disabled
            self._publish()

    def row(self) -> dict[str, Any]:
        """Return what does not change."""
        return {"kind": self.kind, "label": self.label, "tooltip": self.tooltip}

    def shown(self) -> dict[str, Any]:
        """Return what the row shows now."""
        marks = {"hidden": self._hidden, "disabled": self._disabled}
        return {name: True for name, on in marks.items() if on}

    def answer(self, deed: dict[str, Any]) -> None:
        """React to what a person did in the browser."""
        raise NotImplementedError

    def bind(self, publish: Callable[[], None]) -> None:
        """Call ``publish`` whenever the row shows something else."""
        self._publish = publish


class NoteControl(Control):
    """A line of text to read.

    Parameters
    ----------
    text : str
        What it says; an empty note takes no room.
    """

    kind = "note"

    def __init__(self, text: str = ""):
        super().__init__("")
        self._text = text

    @property
    def text(self) -> str:
        """What it says."""
        return self._text

    def put(self, text: str) -> None:
        """Say something else."""
        if text != self._text:
            self._text = text
            self._publish()

    def shown(self) -> dict[str, Any]:
        """Return the text."""
        return {**super().shown(), "text": self._text, "hidden": not self._text}


class TextControl(Control):
    """A field for text, such as a duration.

    Parameters
    ----------
    label, tooltip : str
        What stands beside it, and what it means.
    text : str
        What it shows.
    on_enter : callable
        Called with what was typed; raises ``ValueError`` to refuse it, or returns what the field
        is to show.
    on_error : callable, optional
        Called with the sentence that tells why an entry was refused.
    """

    kind = "text"

    def __init__(self, label, tooltip, text, on_enter, on_error=None):
        super().__init__(label, tooltip)
        self._text, self._on_enter, self._on_error = str(text), on_enter, on_error

    @property
    def text(self) -> str:
        """What the field shows."""
        return self._text

    def put(self, text: str) -> None:
        """Show a text without telling anyone."""
        if text != self._text:
            self._text = str(text)
            self._publish()

    def type(self, text: str) -> None:
        """React to what a person typed or chose."""
        try:
            written = self._on_enter(text)
        except (ValueError, TypeError) as error:
            if self._on_error is not None:
                self._on_error(str(error))
            return
        self.put(text if written is None else written)

    def shown(self) -> dict[str, Any]:
        """Return the text."""
        return {**super().shown(), "text": self._text}

    def answer(self, deed: dict[str, Any]) -> None:
        """React to a finished entry."""
        self.type(str(deed["text"]))

    def __repr__(self):
        return f"{type(self).__name__}({self.label}, {self._text})"


class ChoiceControl(TextControl):
    """One of several texts.

    Parameters
    ----------
    label, tooltip, text, on_enter, on_error
        As for :class:`TextControl`.
    options : sequence of str
        What can be chosen.
    """

    kind = "choice"

    def __init__(self, label, tooltip, text, on_enter, options: Sequence[str], on_error=None):
        super().__init__(label, tooltip, text, on_enter, on_error)
        self._options = [str(option) for option in options]

    @property
    def options(self) -> list[str]:
        """What can be chosen."""
        return self._options

    @options.setter
    def options(self, options: Sequence[str]) -> None:
        self._options = [str(option) for option in options]
        self._publish()

    def type(self, text: str) -> None:
        """React to a choice."""
        if text not in self._options:
            if self._on_error is not None:
                self._on_error(f"{self.label} must be one of {', '.join(self._options)}.")
            return
        super().type(text)

    def shown(self) -> dict[str, Any]:
        """Return choice and options."""
        return {**super().shown(), "options": self._options}


class CheckControl(Control):
    """A box to tick, or a button that stays down.

    Parameters
    ----------
    label, tooltip : str
        What stands beside it, and what it means.
    on : bool
        Whether it is on.
    on_change : callable
        Called with the new state.
    kind : {'check', 'toggle'}
        Box or button.
    """

    def __init__(self, label, tooltip, on: bool, on_change: Callable[[bool], Any], kind="check"):
        super().__init__(label, tooltip)
        self._on, self._on_change, self.kind = bool(on), on_change, kind

    @property
    def on(self) -> bool:
        """Whether it is on."""
        return self._on

    def put(self, on: bool) -> None:
        """Switch it without telling anyone."""
        if on != self._on:
            self._on = bool(on)
            self._publish()

    def tick(self, on: bool | None = None) -> None:
        """Switch it as a person would; to the other state by default."""
        self.put(not self._on if on is None else on)
        self._on_change(self._on)

    def shown(self) -> dict[str, Any]:
        """Return whether it is on."""
        return {**super().shown(), "on": self._on}

    def answer(self, deed: dict[str, Any]) -> None:
        """React to a click."""
        self.tick(bool(deed["on"]))

    def __repr__(self):
        return f"CheckControl({self.label}, {'on' if self._on else 'off'})"


class ChipsControl(Control):
    """Several of several texts, side by side.

    Parameters
    ----------
    label, tooltip : str
        What stands beside them, and what they mean.
    options, chosen : sequence of str
        What there is and what is chosen.
    on_change : callable
        Called with the list of what is chosen.
    least : int, default 0
        How many must stay chosen.
    """

    kind = "chips"

    def __init__(self, label, tooltip, options, chosen, on_change, least: int = 0):
        super().__init__(label, tooltip)
        self._options, self._chosen = list(options), list(chosen)
        self._on_change, self._least = on_change, least

    @property
    def options(self) -> list[str]:
        """What there is."""
        return self._options

    @property
    def chosen(self) -> list[str]:
        """What is chosen, in the order of the options."""
        return [o for o in self._options if o in self._chosen]

    def put(self, chosen: Sequence[str], options: Sequence[str] | None = None) -> None:
        """Show a choice, and other options if they are given, without telling anyone."""
        with self._lock:
            self._options = self._options if options is None else list(options)
            self._chosen = list(chosen)
        self._publish()

    def choose(self, chosen: Sequence[str]) -> None:
        """Choose as a person would."""
        known = [o for o in self._options if o in chosen]
        if len(known) >= self._least:
            self.put(known)
            self._on_change(self.chosen)

    def flip(self, option: str) -> None:
        """Choose or drop one of them, as a click does."""
        before = self.chosen
        self.choose([o for o in before if o != option] if option in before else [*before, option])

    def shown(self) -> dict[str, Any]:
        """Return options and choice."""
        return {**super().shown(), "options": self._options, "chosen": self.chosen}

    def answer(self, deed: dict[str, Any]) -> None:
        """React to a click."""
        self.choose([str(c) for c in deed["chosen"]])

    def __repr__(self):
        return f"ChipsControl({self.label}, {', '.join(self.chosen)})"


class ButtonControl(Control):
    """A button.

    Parameters
    ----------
    label, tooltip : str
        What stands on it, and what it does.
    on_click : callable
        Called without arguments.
    """

    kind = "button"

    def __init__(self, label: str, tooltip: str, on_click: Callable[[], Any]):
        super().__init__(label, tooltip)
        self._on_click, self._count = on_click, 0

    def click(self) -> None:
        """Do what a click does."""
        if not self._disabled:
            self._on_click()

    def answer(self, deed: dict[str, Any]) -> None:
        """React to clicks; the browser counts them, so that none is lost on the way."""
        with self._lock:
            new, self._count = int(deed["press"]) - self._count, int(deed["press"])
        for _ in range(min(new, 20)):
            self.click()

    def __repr__(self):
        return f"ButtonControl({self.label})"

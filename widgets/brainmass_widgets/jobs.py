"""What widgets share that run one long piece of work: its commands and what they say."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from .base import CodeBox, Instrument, StatusLine
from .controls import ButtonControl
from .sheet import Sheet
from .worker import Job

__all__ = ["JobInstrument"]


class JobInstrument(Instrument):
    """A widget around one :class:`~brainmass_widgets.worker.Job` at a time.

    A subclass names its work, calls :meth:`_prepare_job` before it builds its parts, defines
    ``commands``, ``_work``, ``_entries``, ``_say`` and ``_title``, and starts jobs with
    :meth:`_new_job`.
    """

    work: ClassVar[str]
    """What it runs, such as ``'fit'``."""

    commands: ClassVar[dict[str, str]]
    """Name and meaning of the buttons."""

    _waits = False
    toolbar: Sheet
    panel: Sheet

    def _prepare_job(self) -> None:
        self._lock = threading.RLock()
        self._job = Job(self._work)
        self._message = ("", "info")
        self._line = StatusLine()
        self._code = CodeBox(self.to_code)

    def _work(self, checkpoint) -> Any:
        raise NotImplementedError

    def _entries(self) -> list[Any]:
        """Return the controls that cannot be used while it runs."""
        raise NotImplementedError

    def _say(self, text: str = "", level: str = "info") -> None:
        raise NotImplementedError

    @property
    def status(self) -> str:
        """Where the work stands."""
        return self._job.state

    @property
    def problem(self) -> str:
        """Why the work failed or an entry was refused; empty if all is well."""
        text, level = self._message
        return text if level in ("error", "warning") else ""

    def pause(self) -> None:
        """Hold after what it is in."""
        self._job.pause()

    def resume(self) -> None:
        """Go on."""
        self._job.resume()

    def flush(self, timeout: float = 600.0) -> None:
        """Wait until the work has ended or rests in a pause.

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
                f"{type(self).__name__}: a {self.work} must end within {timeout:g} s; it is still "
                "running. Wait longer, or stop it."
            )

    def _new_job(self) -> None:
        self._say()
        self._job = Job(self._work, on_state=self._show_state, name=f"brainmass-{self.work}")

    def _check_idle(self, what: str = "changed") -> None:
        if self._job.active:
            raise ValueError(
                f"{type(self).__name__}: a {self.work} must not run while it is {what}; it is "
                f"{self.status}. Stop it first."
            )

    def _refuse(self, sentence: str) -> None:
        self._say(sentence, "warning")

    def _build_toolbar(self, name: str) -> Sheet:
        self.buttons = {
            command: ButtonControl(
                command.capitalize(),
                tip,
                lambda command=command: self._guarded(getattr(self, command)),
            )
            for command, tip in self.commands.items()
        }
        controls = {**self.buttons, "code": self._code_control(), "export": self._export_control()}
        title = f"{self.work.capitalize()} of {name}"
        return Sheet({"commands": controls}, bar=True, title=title, on_error=self._refuse)

    def _show_state(self, state: str) -> None:
        """Let buttons and entries be what can be used now."""
        running, paused, idle = state == "running", state == "paused", not self._job.active
        enabled = {
            "start": idle,
            "step": idle or paused,
            "pause": running,
            "resume": paused,
            "stop": running or paused or state == "pausing",
        }
        with self.toolbar.holding():
            for name, button in self.buttons.items():
                button.disabled = not enabled[name]
        with self.panel.holding():
            for entry in self._entries():
                entry.disabled = not idle
        if state == "failed":
            self._say(str(self._job.error) or type(self._job.error).__name__, "error")
        self._line.say(self._title())

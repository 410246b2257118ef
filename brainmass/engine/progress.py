"""A progress bar for runs that turn out to be long."""

from __future__ import annotations

import time

__all__ = ["Bar"]


class Bar:
    """A tqdm bar that appears only when a run turns out to be long."""

    def __init__(self, total: int, wanted: bool | None):
        self._total, self._wanted, self._bar = total, wanted, None
        self._began = None

    def move(self, done: int) -> None:
        """Show that so many steps are done."""
        now = time.perf_counter()
        if self._wanted is False:
            return
        if self._began is None:
            self._began = now
        if self._bar is None:
            expected = (now - self._began) * (self._total / max(done, 1) - 1)
            if self._wanted is None and (now - self._began < 0.5 or expected < 2.0):
                return
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self._total, unit="step", leave=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()

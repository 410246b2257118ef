"""The loop over chunks: progress, cancellation, divergence, and results as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

__all__ = ["ChunkLoop", "NonFinite", "first_rows", "stop_when", "stopped"]

_CHUNK_SECONDS = 0.08

_stop: ContextVar[Callable[[], bool] | None] = ContextVar("brainmass_stop", default=None)


@contextmanager
def stop_when(asked: Callable[[], bool]):
    """Let runs of this thread end between two chunks, as by Ctrl-C, once ``asked()`` is true."""
    outer = _stop.get()
    token = _stop.set(asked if outer is None else lambda: asked() or outer())
    try:
        yield
    finally:
        _stop.reset(token)


def stopped() -> bool:
    """Whether runs of this thread were asked to end."""
    asked = _stop.get()
    return asked is not None and asked()


class NonFinite(Exception):
    """A step produced a number that is not finite.

    ``step`` is the absolute step, ``before`` and ``after`` are the states around it, ``start`` is
    the first step of the chunk, and ``at(step)`` computes the states of any step in between.
    """

    def __init__(
        self, step: int, before: dict, after: dict, samples: Any, start: int, at: Callable
    ):
        super().__init__(step)
        self.step, self.before, self.after, self.samples = step, before, after, samples
        self.start, self.at = start, at


@dataclass
class ChunkLoop:
    """Calls a compiled chunk program until ``stop``.

    Attributes
    ----------
    program : callable
        ``(values, carry, start, stop, origin, drive) -> (carry, out, ok)``.
    values : dict
        Traced values.
    rows_at : callable
        ``(start, stop) -> drive``, the padded rows of external input.
    count : callable
        ``step -> int``, how many samples are kept before that absolute step.
    capacity : int
        Most samples that one call can hold.
    largest : int
        Most steps of one call.
    aligned : int
        Chunks end on multiples of this many steps where they can.
    work : int
        Rough number of operations of one step, to choose the first chunk.
    cut : callable or None
        ``(out, kept, start, stop) -> samples``, where more comes out than kept samples.
    """

    program: Callable
    values: dict
    rows_at: Callable[[int, int], dict]
    count: Callable[[int], int]
    origin: int
    every: int
    capacity: int
    largest: int
    aligned: int
    work: int
    check: bool = True
    cut: Callable | None = None

    def run(self, carry: dict, start: int, stop: int) -> Iterator[tuple[int, dict, Any]]:
        """Yield ``(step, carry, samples)`` after each chunk; samples are NumPy arrays."""
        steps = self._first_guess(stop - start)
        position = start
        while position < stop:
            if stopped():
                raise KeyboardInterrupt
            end = self._end(position, stop, steps)
            began = time.perf_counter()
            after, out, ok = self._call(carry, position, end)
            ok = bool(ok)
            elapsed = time.perf_counter() - began
            if self.check and not ok:
                raise self._first_failure(carry, position, end)
            carry = after
            yield end, carry, self._samples(out, position, end)
            rate = (end - position) / max(elapsed, 1e-6)
            steps = int(max(self.aligned, min(rate * _CHUNK_SECONDS, 4 * steps)))
            position = end

    def _first_guess(self, total: int) -> int:
        """Return a cautious first chunk: some ten milliseconds for any size of model."""
        return min(total, max(self.aligned, 2**26 // self.work))

    def _end(self, position: int, stop: int, steps: int) -> int:
        steps = min(steps, self.largest)
        if stop - position <= steps + steps // 4 and stop - position <= self.largest:
            end = stop
        else:
            end = max(position + 1, (position + steps) // self.aligned * self.aligned)
            end = min(stop, end if end > position else position + steps)
        if self.count(end) - self.count(position) > self.capacity:
            full = max(position, self.origin) + self.capacity * self.every
            # A superblock that is cut draws its noise twice.
            whole = full // self.aligned * self.aligned
            end = whole if whole > position else full
        return end

    def _call(self, carry, start, stop):
        return self.program(
            self.values,
            carry,
            np.int32(start),
            np.int32(stop),
            np.int32(self.origin),
            self.rows_at(start, stop),
        )

    def _samples(self, out, start, stop):
        kept = self.count(stop) - self.count(start)
        if self.cut is not None:
            return self.cut(out, kept, start, stop)
        return jax.tree.map(lambda a: first_rows(a, kept), out)

    def _first_failure(self, carry, start, stop) -> NonFinite:
        """Find the step by bisection: the program runs any number of steps without compiling."""
        good, bad = start, stop
        good_carry, (bad_carry, out, _) = carry, self._call(carry, start, stop)
        samples = None
        while bad - good > 1:
            middle = (good + bad) // 2
            middle_carry, out, ok = self._call(carry, start, middle)
            if bool(ok):
                good, good_carry = middle, middle_carry
                samples = self._samples(out, start, middle)
            else:
                bad, bad_carry = middle, middle_carry

        def at(step: int) -> dict:
            return carry if step == start else self._call(carry, start, step)[0]

        return NonFinite(good, good_carry, bad_carry, samples, start, at)


def first_rows(array, kept: int) -> np.ndarray:
    """Return the first rows; those of an array that is mostly empty are copied out of it."""
    array = np.asarray(array)
    return array[:kept] if 2 * kept >= len(array) else array[:kept].copy()

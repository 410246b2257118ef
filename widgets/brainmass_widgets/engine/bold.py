"""BOLD signals of a long run, made while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import brainunit as u
import numpy as np

from brainmass.forward import BOLDSignal

from .core import Engine
from .runs import Request

__all__ = ["bold_code", "run_bold"]


def run_bold(
    engine: Engine,
    request: Request,
    signal: str,
    duration: float,
    period: float,
    on_part: Callable[[np.ndarray, np.ndarray], bool],
) -> bool:
    """Simulate for long and keep nothing but BOLD.

    Parameters
    ----------
    engine : Engine
        The model.
    request : Request
        Its numbers, step and seed.
    signal : str
        The state that drives the vessels, without its unit.
    duration, period : float
        Length of the run and repetition time in ms.
    on_part : callable
        ``on_part(data, times)`` with all samples so far, (time, region) and ms; returns False to
        end the run.

    Returns
    -------
    bool
        Whether the run came to its end.
    """
    simulator, arguments = engine.prepare(request)
    arguments = {k: v for k, v in arguments.items() if k in ("inputs", "seed")}
    monitor = BOLDSignal(engine.shape[-1], source=source_of(engine, signal), period=period * u.ms)
    data: list[np.ndarray] = []
    times: list[np.ndarray] = []
    stream: Any = simulator.stream(
        _whole(duration, request.dt) * u.ms, monitors={"bold": monitor}, **arguments
    )
    for part in stream:
        if not len(part["bold.ts"]):
            continue
        data.append(np.asarray(part["bold"]).reshape(len(part["bold.ts"]), -1))
        times.append(np.asarray(part["bold.ts"].to_decimal(u.ms)))
        if not on_part(np.concatenate(data), np.concatenate(times)):
            stream.close()
            return False
    return True


def source_of(engine: Engine, signal: str) -> Any:
    """Return the source of a BOLD signal: a plain number."""
    series = engine.node.declaration.states.get(signal)
    if series is not None and not series.dimensional:
        return f"node.{signal}" if engine.network else signal
    if series is None:
        return plain_output_of_network if engine.network else plain_output
    return _Plain(signal, engine.network)


def bold_code(
    engine: Engine, request: Request, signal: str, duration: float, period: float, inputs: str = ""
) -> str:
    """Return the lines that make the BOLD signals, after ``simulator`` was made.

    ``inputs`` is the argument with what enters from outside, if anything does.
    """
    source = source_of(engine, signal)
    if isinstance(source, str):
        text = f'"{source}"'
    elif isinstance(source, _Plain):
        text = f"lambda m: u.get_mantissa(m.{source.path}.value)"
    else:
        text = f"lambda m: u.get_mantissa(m.{'node.' * engine.network}read_output())"
    size = engine.shape[-1]
    return (
        f"bold = brainmass.BOLDSignal({size}, source={text}, period={period!r} * u.ms)\n"
        f"long = simulator.run({_whole(duration, request.dt)!r} * u.ms, monitors={{'bold': bold}}, "
        f"{inputs}{', ' if inputs else ''}seed={request.seed})\n"
    )


def _whole(duration: float, dt: float) -> float:
    return max(1, round(duration / dt)) * dt


class _Plain:
    """A state without its unit."""

    def __init__(self, signal: str, network: bool):
        self.path = f"node.{signal}" if network else signal

    def __call__(self, model):
        value = model
        for name in self.path.split("."):
            value = getattr(value, name)
        return u.get_mantissa(value.value)

    def __eq__(self, other):
        return type(other) is type(self) and other.path == self.path

    def __hash__(self):
        return hash(self.path)


def plain_output(model):
    """Return the output of a model without its unit."""
    return u.get_mantissa(model.read_output())


def plain_output_of_network(model):
    """Return the output of the nodes without its unit."""
    return u.get_mantissa(model.node.read_output())

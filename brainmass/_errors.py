"""The exceptions that users meet."""

from typing import Any

__all__ = ["DivergenceError", "RunInterrupted", "SweepError", "UnitError", "choices"]


class UnitError(TypeError):
    """A quantity has the wrong physical unit, or a bare number was given for one.

    Examples
    --------
    >>> import brainmass
    >>> try:
    ...     brainmass.JansenRitStep(1, Ae=3.25)
    ... except brainmass.UnitError as error:
    ...     print(error)
    JansenRitStep: parameter 'Ae' (excitatory synaptic gain) must be a quantity in [mV]; got 3.25. \
Pass one, for example Ae=3.25 * u.mV.
    """


class DivergenceError(FloatingPointError):
    """A simulation left the finite numbers.

    Parameters
    ----------
    message : str
        What diverged, where, when, and what to do about it.
    state : str
        Name of the first state variable that was not finite.
    region : tuple of int
        Its index within the model (batch index first in a batched run).
    time : brainunit.Quantity
        Start of the step that produced it.
    result : dict
        What had been recorded until then, laid out as by :meth:`Simulator.run`.
    term : str, optional
        The largest term of the derivative of that state where it last was finite.
    stable_dt : brainunit.Quantity, optional
        A step that would have been stable; None where the step was not the cause.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> node = brainmass.HopfStep(1, beta=-1.0, init_x=1.0)
    >>> try:
    ...     brainmass.Simulator(node, dt=0.1 * u.ms).run(50 * u.ms, monitors="x")
    ... except brainmass.DivergenceError as error:
    ...     print(error.state, len(error.result["x"]) > 0, "|", error.term)
    x True | -x**2 * beta * x
    """

    def __init__(
        self,
        message: str,
        *,
        state: str,
        region: tuple,
        time: Any,
        result: dict,
        term: str | None = None,
        stable_dt: Any = None,
    ):
        super().__init__(message)
        self.term = term
        self.stable_dt = stable_dt
        self.state = state
        self.region = region
        self.time = time
        self.result = result


class RunInterrupted(KeyboardInterrupt):
    """A run was stopped by the user; nothing that it had recorded is lost.

    It is a :class:`KeyboardInterrupt`, so that *Run All* stops where it should.

    Parameters
    ----------
    message : str
        How far the run had come.
    result : dict
        What had been recorded until then, laid out as by :meth:`Simulator.run`.

    Examples
    --------
    >>> from brainmass import RunInterrupted
    >>> issubclass(RunInterrupted, KeyboardInterrupt)
    True
    """

    def __init__(self, message: str, *, result: dict):
        super().__init__(message)
        self.result = result


class SweepError(RuntimeError):
    """A function of the user failed at one point of a sweep; the other points are not lost.

    Parameters
    ----------
    message : str
        What failed, and where.
    result : xarray.Dataset
        What had been finished until then.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> sim = brainmass.Simulator(brainmass.HopfStep(1, init_x=0.1), dt=0.1 * u.ms)
    >>> try:
    ...     brainmass.sweep(sim, {"a": [0.1]}, duration=1 * u.ms, reduce={"x": lambda r: r["z"]})
    ... except brainmass.SweepError as error:
    ...     print(error)
    sweep: reduce and monitors must work at every point; got KeyError: 'z' at a = 0.1. What was \
finished is in .result.
    """

    def __init__(self, message: str, *, result: Any):
        super().__init__(message)
        self.result = result


def choices(names) -> str:
    """Write names as a list for an error message."""
    names = [f"'{name}'" for name in names]
    return ", ".join(names) if names else "(none)"

"""What a fit is made of: which parameters, in which bounds, searched by what."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import brainstate
import brainunit as u
import numpy as np
from brainstate.nn import IdentityT, Param

from brainmass.fitter import Fitter

from ..engine import decimals

__all__ = ["AS_GIVEN", "OPTIMIZERS", "Candidate", "Choices", "Setup"]

AS_GIVEN = "as given"
"""The optimiser of the fitter that the widget was given."""

OPTIMIZERS: dict[str, tuple[str, ...]] = {
    "grad": ("Adam", "AdamW", "RMSprop", "Momentum", "SGD", "Lion"),
    "nevergrad": ("DE", "TwoPointsDE", "CMA", "PSO", "OnePlusOne"),
    "scipy": ("L-BFGS-B", "Nelder-Mead", "Powell", "TNC", "SLSQP"),
}
"""What can be chosen for each backend: optimisers of braintools, methods of the others."""

LARGEST = 64
"""Numbers of a parameter that may be ticked; a larger one is fitted only if it was given so."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A parameter that can be fitted.

    Attributes
    ----------
    name : str
        Its dotted name, as in ``fitter.params``.
    unit : brainunit.Unit
        Its unit.
    size : int
        How many numbers it holds.
    bounds : tuple of float or None
        Useful range from its declaration, or the range of its transform.
    doc : str
        What it means.
    movable : bool
        Whether it can be ticked and bounded; a bare state of a layer cannot.
    """

    name: str
    unit: u.Unit
    size: int
    bounds: tuple[float, float] | None
    doc: str
    movable: bool


@dataclass(frozen=True)
class Choices:
    """What was chosen for a fit; equal choices make the same fitter.

    ``ticked`` names the parameters that are fitted, ``bounds`` the ranges that were set by hand,
    in declared units.
    """

    ticked: tuple[str, ...] = ()
    bounds: tuple[tuple[str, tuple[float, float]], ...] = ()
    backend: str = "grad"
    optimizer: str = AS_GIVEN
    rate: float = 0.01

    def bound(self, name: str, ends: tuple[float, float]) -> Choices:
        """Return the same choices with other bounds of one parameter."""
        return replace(self, bounds=tuple(sorted({**dict(self.bounds), name: ends}.items())))


class Setup:
    """Makes fitters of the same model and loss, with other parameters, bounds and optimisers.

    Parameters
    ----------
    fitter : brainmass.Fitter
        What the widget was given.

    Attributes
    ----------
    candidates : dict of str to Candidate
        The parameters by name, those of the given fitter first.
    given : Choices
        The choices that the given fitter stands for.
    given_params : dict of str to brainstate.nn.Param
        The parameters as the model held them.
    """

    def __init__(self, fitter: Fitter):
        self.fitter = fitter
        self._lock = threading.RLock()
        self._params = {name: (owner, attribute) for name, owner, attribute in _holders(fitter)}
        self.candidates = {name: self._candidate(name) for name in self._order()}
        self.given = Choices(tuple(fitter.params), backend=fitter.backend)
        self.given_params = {
            name: getattr(owner, attribute) for name, (owner, attribute) in self._params.items()
        }

    @property
    def model(self) -> Any:
        """The model that is fitted."""
        return self.fitter.model

    def value(self, name: str) -> np.ndarray:
        """Return the present value of a parameter in its unit."""
        value = self._read(name)
        return decimals(np.asarray(u.get_mantissa(u.Quantity(value).in_unit(self._unit(name)))))

    def put(self, name: str, value: Any) -> None:
        """Set the value of a parameter that no fit is running on."""
        unit = self._unit(name)
        old = self._read(name)
        full = np.broadcast_to(np.asarray(value, float), np.shape(old))
        quantity = full if unit.is_unitless else u.Quantity(full, unit=unit)
        if name in self._params:
            owner, attribute = self._params[name]
            getattr(owner, attribute).set_value(quantity)

    def settle(self) -> dict[str, np.ndarray]:
        """Write every value as its shortest decimals, so that code can begin at the same point."""
        with self._lock:
            start = {name: self.value(name) for name in self.candidates}
            for name, value in start.items():
                self.put(name, value)
        return start

    def build(self, choices: Choices) -> Fitter:
        """Return a fitter for these choices; the given one where nothing was changed."""
        with self._lock:
            if not choices.ticked:
                raise ValueError(
                    "FitterWidget: at least one parameter must be fitted; got none. Tick one."
                )
            if choices == self.given:
                self._give_back()
                return self.fitter
            for name in self._params:
                self._hold(name, choices)
            return Fitter(self.model, self._optimizer(choices), **self.arguments(choices))

    def arguments(self, choices: Choices) -> dict[str, Any]:
        """Return the keyword arguments of the fitter."""
        out = self.loss_arguments(choices.backend)
        if choices.backend != "grad" or "n_starts" in out:
            out["backend"] = choices.backend
            space = {**self._space(), **self.bounds(choices)}
            space = {name: ends for name, ends in space.items() if name in choices.ticked}
            if space:
                out["search_space"] = space
        return out

    def loss_arguments(self, backend: str) -> dict[str, Any]:
        """Return what the given fitter minimises, and how, as keyword arguments for a backend."""
        left = {"optimizer", "backend", "search_space"}
        useless = {"grad": {"pareto"}, "scipy": {"pareto", "n_starts"}}
        left |= useless.get(backend, {"n_starts", "window"})
        return {n: v for n, v in self.fitter.arguments.items() if n not in left}

    def bounds(self, choices: Choices) -> dict[str, tuple[Any, Any]]:
        """Return the bounds that were set by hand, with units."""
        return {n: tuple(self._attach(n, end) for end in ends) for n, ends in choices.bounds}

    def read_state(self, state: dict[str, Any]) -> Choices:
        """Return the choices of a state, or say why it is none of this model."""
        name = type(self.model).__name__
        if not isinstance(state, dict) or state.get("format") != 1 or state.get("model") != name:
            raise ValueError(
                f"FitterWidget: state must be a dict that .state of a fit of {name} gave; got "
                f"{type(state).__name__} of another kind. Save it anew."
            )
        names = {*state["ticked"], *state["bounds"], *state.get("values", {})}
        if unknown := sorted(names - set(self.candidates)):
            raise ValueError(
                f"FitterWidget: state must name parameters of the model; got '{unknown[0]}'. "
                f"Known are {', '.join(self.candidates)}."
            )
        bounds = tuple(sorted((n, tuple(map(float, e))) for n, e in state["bounds"].items()))
        ticked = tuple(n for n in self.candidates if n in state["ticked"])
        return Choices(ticked, bounds, state["backend"], state["optimizer"], float(state["rate"]))

    # -- inside -------------------------------------------------------------------------------

    def _order(self) -> list[str]:
        ours = list(self.fitter.params)
        rest = [name for name in self._params if name not in ours and self._small(name)]
        return ours + rest

    def _small(self, name: str) -> bool:
        value = self._read(name)
        return np.size(u.get_mantissa(value)) <= LARGEST and not isinstance(value, dict)

    def _read(self, name: str) -> Any:
        if name in self._params:
            owner, attribute = self._params[name]
            return getattr(owner, attribute).value()
        states = self.model.states(brainstate.ParamState)
        return next(s.value for path, s in states.items() if ".".join(map(str, path)) == name)

    def _unit(self, name: str) -> u.Unit:
        if name in self._params:
            owner, attribute = self._params[name]
            spec = getattr(getattr(owner, attribute), "spec", None)
            if spec is not None:
                return spec.unit
        return u.get_unit(self._read(name))

    def _attach(self, name: str, number: float) -> Any:
        unit = self._unit(name)
        return float(number) if unit.is_unitless else u.Quantity(float(number), unit=unit)

    def _candidate(self, name: str) -> Candidate:
        movable = name in self._params
        bounds, doc = None, name
        if movable:
            owner, attribute = self._params[name]
            param = getattr(owner, attribute)
            spec = getattr(param, "spec", None)
            bounds = getattr(spec, "bounds", None)
            bounds = _ends(param.t, self._unit(name)) or bounds
            doc = getattr(spec, "doc", name)
        size = int(np.size(u.get_mantissa(self._read(name))))
        return Candidate(name, self._unit(name), size, bounds, doc, movable)

    def _hold(self, name: str, choices: Choices) -> None:
        """Make one parameter trainable, bounded, or fixed."""
        owner, attribute = self._params[name]
        param, given = getattr(owner, attribute), self.given_params[name]
        ticked, ends = name in choices.ticked, dict(choices.bounds).get(name)
        transform = given.t
        if ends is not None and choices.backend == "grad":
            low, high = (self._attach(name, end) for end in ends)
            transform = brainstate.nn.SigmoidT(low, high)
        if param.fit == ticked and param.t is transform:
            return
        value = self._attach_array(name, self.value(name))
        setattr(owner, attribute, Param(value, t=transform, reg=given.reg, fit=ticked))

    def _give_back(self) -> None:
        """Put the parameters back as they were given, with their present values."""
        for name, (owner, attribute) in self._params.items():
            given = self.given_params[name]
            if getattr(owner, attribute) is not given:
                given.set_value(self._attach_array(name, self.value(name)))
                vars(owner)[attribute] = given

    def _attach_array(self, name: str, value: np.ndarray) -> Any:
        unit = self._unit(name)
        return value if unit.is_unitless else u.Quantity(value, unit=unit)

    def _optimizer(self, choices: Choices) -> Any:
        if choices.optimizer == AS_GIVEN:
            return self.fitter.optimizer if choices.backend == self.fitter.backend else None
        if choices.backend != "grad":
            return choices.optimizer
        import braintools

        return getattr(braintools.optim, choices.optimizer)(lr=choices.rate)

    def _space(self) -> dict[str, Any]:
        return dict(self.fitter.arguments.get("search_space") or {})


def _holders(fitter: Fitter) -> Iterator[tuple[str, Any, str]]:
    """Return name, owner and attribute of every parameter of a model that holds real numbers."""
    nodes = dict(fitter.model.nodes().items())
    for path, node in nodes.items():
        if not isinstance(node, Param) or node.precompute is not None:
            continue
        owner = nodes.get(path[:-1])
        value = node.value()
        if owner is None or not isinstance(path[-1], str) or isinstance(value, dict):
            continue
        if getattr(owner, path[-1], None) is not node:
            continue
        if np.issubdtype(np.asarray(u.get_mantissa(value)).dtype, np.floating):
            yield ".".join(map(str, path)), owner, path[-1]


def _ends(transform: Any, unit: u.Unit) -> tuple[float, float] | None:
    """Return the range of a transform, None if it is not bounded on both sides."""
    if isinstance(transform, IdentityT):
        return None
    low, width = getattr(transform, "lower", None), getattr(transform, "width", None)
    if low is None or width is None:
        return None
    low = float(np.min(u.Quantity(low).to_decimal(unit)))
    return low, low + float(np.max(u.Quantity(width).to_decimal(unit)))

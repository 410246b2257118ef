"""Search by the methods of scipy.optimize."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from brainmass._errors import choices

from ._problem import Problem, Program
from ._search import BoxSearch, Row, Step, floats

__all__ = ["ScipySearch"]

_WITH_GRADIENT = (
    "CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-constr",
)  # fmt: skip
_WITH_HESSIAN = ("dogleg", "trust-ncg", "trust-krylov", "trust-exact")
_WITHOUT = ("Nelder-Mead", "Powell", "COBYLA", "COBYQA")
_POPULATION = ("differential_evolution",)
_BOUNDED = ("Nelder-Mead", "Powell", "L-BFGS-B", "TNC", "SLSQP", "trust-constr", "COBYLA", "COBYQA")
_METHODS = _WITH_GRADIENT + _WITH_HESSIAN + _WITHOUT + _POPULATION


_TRIES = 20  # at most so many starting points whose loss is not finite


class _Stopped(Exception):
    """Ends a restart from inside."""


class ScipySearch(BoxSearch):
    """A local search per step: the first from the present parameters, the others from random ones.

    Gradients come from JAX. Methods that know no bounds search a cube that is mapped to all
    numbers. ``'differential_evolution'`` evaluates a population per compiled call.
    """

    name = "scipy"
    default = "L-BFGS-B"
    settings = {  # noqa: RUF012 - never written to
        "method": "L-BFGS-B",
        "constraints": (),
        "tol": None,
        "callback": None,
        "options": None,
        "seed": None,
    }

    def __init__(self, problem: Problem, optimizer: Any, search_space: dict | None):
        super().__init__(problem, optimizer, search_space)
        names = {name.lower(): name for name in _METHODS}
        method = str(self.options["method"])
        if method.lower() not in names:
            raise ValueError(
                f"Fitter: method of backend='scipy' must be one of {choices(_METHODS)}; got "
                f"{method!r}. Choose one."
            )
        self.method = names[method.lower()]

    def start(self, program: Program, target: Any, key: Any, n_steps: int) -> None:
        """Take the present parameters as the first starting point."""
        super().start(program, target, key, n_steps)
        self._next: np.ndarray | None = self.origin

    def move(self, theta: Any) -> None:
        """Start the next search from a point."""
        self._next = self.box.place(theta)

    def step(self) -> Step:
        """Search from one starting point until the method ends."""
        self._cube: list[np.ndarray] = []
        self._rows: list[Row] = []
        interrupted = False
        try:
            run = self._evolve if self.method in _POPULATION else self._minimize
            found = run(self._start())
            if self.raw is None or not self.raw.fun <= found.fun:
                self.raw = found
        except _Stopped:
            pass
        except KeyboardInterrupt:
            interrupted = True
        if not self._rows:
            raise KeyboardInterrupt
        return self.outcome(self._cube, self._rows, interrupted=interrupted)

    def _start(self) -> np.ndarray:
        """Return a starting point, a random one if there is none or its loss is not finite."""
        z, self._next = self._next, None
        if z is None:
            z = self.random.random(self.box.size)
        for _ in range(_TRIES if self.method not in _POPULATION else 0):
            self._one(z, self.method not in _WITHOUT)
            if np.isfinite(self._rows[-1].loss):
                break
            z = self.random.random(self.box.size)
        return z

    # -- the two kinds of scipy functions ----------------------------------------------------

    def _minimize(self, start: np.ndarray) -> Any:
        from scipy import optimize

        bounded = self.method in _BOUNDED
        more: dict[str, Any] = {"bounds": [(0.0, 1.0)] * self.box.size} if bounded else {}
        coordinates = _Cube() if bounded else _Line()
        if self.options["constraints"]:
            more["constraints"] = self._constraints(coordinates)
        gradient = self.method not in _WITHOUT
        if self.method in _WITH_HESSIAN:
            more["hess"] = lambda x: self._hessian(coordinates, x)

        def function(x):
            z, slope = coordinates.cube(x)
            value, gradient_z = self._one(z, gradient)
            return (value, gradient_z * slope) if gradient else value

        callback = self.options["callback"]
        return optimize.minimize(
            function,
            coordinates.line(start),
            method=self.method,
            jac=gradient or None,
            tol=self.options["tol"],
            options=self.options["options"],
            callback=None
            if callback is None
            else lambda x: callback(self.box.flat(coordinates.cube(x)[0])),
            **more,
        )

    def _evolve(self, start: np.ndarray) -> Any:
        from scipy import optimize

        def function(columns):
            if self.stopped():
                raise _Stopped
            cube = np.clip(np.atleast_2d(columns.T), 0.0, 1.0)
            losses, rows = self.many(cube)
            self._cube += list(cube)
            self._rows += rows
            return losses if np.ndim(columns) > 1 else losses[0]

        options = {"polish": False, **(self.options["options"] or {})}
        if self.options["tol"] is not None:
            options.setdefault("tol", self.options["tol"])
        return optimize.differential_evolution(
            function,
            [(0.0, 1.0)] * self.box.size,
            vectorized=True,
            updating="deferred",
            x0=start,
            rng=self.random,
            **options,
        )

    def _constraints(self, coordinates) -> list[dict]:
        """Return constraints on the parameters as constraints on the coordinates of the search."""
        given = self.options["constraints"]
        out = []
        for constraint in given if isinstance(given, list | tuple) else [given]:
            if not (isinstance(constraint, dict) and callable(constraint.get("fun"))):
                raise TypeError(
                    "Fitter: constraints must be dicts with 'type' and 'fun', a function of the "
                    "vector of all parameters in the units of their bounds; got "
                    f"{type(constraint).__name__}. Write it as such a dict."
                )
            fun, args = constraint["fun"], constraint.get("args", ())
            out.append({
                "type": constraint["type"],
                "fun": lambda x, fun=fun, args=args: fun(
                    self.box.flat(coordinates.cube(x)[0]), *args
                ),
            })  # fmt: skip
        return out

    # -- evaluations -------------------------------------------------------------------------

    def _one(self, z: Any, gradient: bool) -> tuple[float, Any]:
        if self.stopped():
            raise _Stopped
        name, make = ("slope", self._make_slope) if gradient else ("single", self._make_single)
        z = np.clip(z, 0.0, 1.0)
        out = jax.device_get(self._compiled(name, make)(floats(z), *self.arguments()))
        loss, slope = float(out["loss"]), out.get("slope")
        norm = float(np.linalg.norm(slope)) if gradient else float("nan")
        self._cube.append(z)
        self._rows.append(self.row(loss, out["parts"], out["values"], norm))
        value = float(self.usable(np.array([loss]))[0])
        if gradient:
            usable = np.isfinite(loss) and np.all(np.isfinite(slope))
            slope = np.asarray(slope, dtype=float) if usable else np.zeros(self.box.size)
        return value, slope

    def _hessian(self, coordinates, x: np.ndarray) -> np.ndarray:
        function = self._compiled("hessian", lambda p: self._make_hessian(p, coordinates))
        return np.asarray(function(floats(x), *self.arguments()), dtype=float)

    def _make_single(self, program: Program):
        space, box = self.problem.space, self.box

        def single(z, frozen, key, target):
            theta = box.theta(z)
            loss, extra = program.call(theta, frozen, key, target)
            return {"loss": loss, "parts": extra["parts"], "values": space.values(theta)}

        return jax.jit(single)

    def _make_slope(self, program: Program):
        single = self._make_single(program)

        def slope(z, *rest):
            def loss_of(z):
                out = single(z, *rest)
                return out["loss"], out

            gradient, out = jax.grad(loss_of, has_aux=True)(z)
            return {**out, "slope": gradient}

        return jax.jit(slope)

    def _make_hessian(self, program: Program, coordinates):
        box = self.box

        def loss(x, frozen, key, target):
            return program.call(box.theta(coordinates.cube(x)[0]), frozen, key, target)[0]

        return jax.jit(jax.hessian(loss))


class _Cube:
    """Coordinates of a method that knows bounds."""

    @staticmethod
    def cube(x):
        return x, 1.0

    @staticmethod
    def line(z):
        return z


class _Line:
    """Coordinates of a method that knows none: all numbers, squeezed into the cube."""

    @staticmethod
    def cube(x):
        tanh: Any = jax.numpy.tanh if isinstance(x, jax.Array) else np.tanh
        z = 0.5 * (1.0 + tanh(0.5 * x))
        return z, z * (1.0 - z)

    @staticmethod
    def line(z):
        z = np.clip(z, 1e-6, 1 - 1e-6)
        return np.log(z / (1.0 - z))

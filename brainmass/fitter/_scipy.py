"""Search by the methods of scipy.optimize."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from brainmass._errors import choices

from ._box_search import BoxSearch, floats
from ._derivative import choose_mode, value_and_gradient
from ._problem import Problem, Program
from ._search import STOPPED, Candidate, Enough, Row, Step, Task, Unfinished

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


class ScipySearch(BoxSearch):
    """A local search per step: the first from the present parameters, the others from random ones.

    Gradients come from JAX. Methods that know no bounds search a cube that is mapped to all
    numbers. ``'differential_evolution'`` evaluates a population per compiled call.

    A step that was interrupted is not lost: its evaluations are kept, and when it is done again
    they are not computed but given once more, so that the method comes to the same place.
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

    def __init__(
        self, problem: Problem, optimizer: Any, search_space: dict | None, mode: str = "auto"
    ):
        super().__init__(problem, optimizer, search_space)
        self._mode = mode
        names = {name.lower(): name for name in _METHODS}
        method = str(self.options["method"])
        if method.lower() not in names:
            raise ValueError(
                f"Fitter: method of backend='scipy' must be one of {choices(_METHODS)}; got "
                f"{method!r}. Choose one."
            )
        self.method = names[method.lower()]

    def start(self, task: Task) -> None:
        """Take the present parameters as the first starting point."""
        super().start(task)
        self._next: np.ndarray | None = self.origin
        self._begin()

    def _begin(self) -> None:
        """Forget the evaluations of the last step."""
        self._cube: list[np.ndarray] = []
        self._rows: list[Row] = []
        self._slopes: list[np.ndarray] = []
        self._replay = 0
        self._generator = self.random.bit_generator.state
        self._worst_then = self._worst

    def move(self, theta: Any) -> None:
        """Start the next search from a point; one that was interrupted is given up."""
        self._begin()
        self._next = self.box.place(theta)

    def step(self) -> Step:
        """Search from one starting point until the method ends."""
        whole = min(len(self._cube), len(self._rows), len(self._slopes))
        for kept in (self._cube, self._rows, self._slopes):
            del kept[whole:]
        self._replay, self._worst = 0, self._worst_then
        self.random.bit_generator.state = self._generator
        start = self._next
        run = self._evolve if self.method in _POPULATION else self._minimize
        try:
            found, finished = run(self._start(start)), ""
        except Enough:
            found, finished = None, STOPPED
        if found is not None and (self.raw is None or not self.raw.fun <= found.fun):
            self.raw = found
        outcome = self.outcome(self._cube, self._rows, finished=finished)
        self._next = None
        self._begin()
        return outcome

    def pending(self) -> tuple[list[Row], Candidate | None]:
        """Return what a search that was interrupted has evaluated."""
        if not self._rows:
            return [], None
        best = self._best
        found = self.best_of(self._cube, self._rows)
        self._best = best  # when the step is done again, this is found once more
        return list(self._rows), found

    def pack(self) -> dict[str, Any]:
        """Return where the present search began and all it has evaluated."""
        return {
            **super().pack(),
            "random": self._generator,
            "worst": self._worst_then,
            "next": self._next,
            "cube": self._cube,
            "slopes": self._slopes,
            "rows": [[r.loss, r.numbers, r.values, r.gradient_norm] for r in self._rows],
        }

    def unpack(self, packed: dict[str, Any]) -> None:
        """Continue where :meth:`pack` was called."""
        super().unpack(packed)
        self._begin()
        self._next, self._cube = packed["next"], list(packed["cube"])
        self._slopes = list(packed["slopes"])
        self._rows = [Row(*row) for row in packed["rows"]]

    def _start(self, z: np.ndarray | None) -> np.ndarray:
        """Return a starting point, a random one if there is none or its loss is not finite."""
        if z is None:
            z = self.random.random(self.box.size)
        for _ in range(_TRIES if self.method not in _POPULATION else 0):
            self._one(z, self.method not in _WITHOUT)
            if np.isfinite(self._rows[self._replay - 1].loss):
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
            losses = self._several(np.clip(np.atleast_2d(columns.T), 0.0, 1.0))
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
        z = np.clip(z, 0.0, 1.0)
        if not self._seen(z[None]):
            name, make = ("slope", self._make_slope) if gradient else ("single", self._make_single)
            out = jax.device_get(self._compiled(name, make)(floats(z), *self.arguments()))
            loss, slope = float(out["loss"]), out.get("slope")
            norm = float(np.linalg.norm(slope)) if gradient else float("nan")
            self._note([z], [self.row(loss, out["extra"], out["values"], norm)], [slope])
        row, slope = self._rows[self._replay - 1], self._slopes[self._replay - 1]
        value = float(self.usable(np.array([row.loss]))[0])
        if gradient:
            usable = np.isfinite(row.loss) and np.all(np.isfinite(slope))
            slope = np.asarray(slope, dtype=float) if usable else np.zeros(self.box.size)
        return value, slope

    def _several(self, cube: np.ndarray) -> np.ndarray:
        first = self._replay
        if not self._seen(cube):
            self._note(list(cube), self.many(cube)[1], [None] * len(cube))
        return self.usable(np.array([row.loss for row in self._rows[first : self._replay]]))

    def _seen(self, cube: np.ndarray) -> bool:
        """Whether these points are the next of those that were evaluated before."""
        known = self._cube[self._replay : self._replay + len(cube)]
        if len(known) == len(cube) and np.array_equal(np.stack(known), cube):
            self._replay += len(cube)
            return True
        if known:
            raise ValueError(
                "Fitter: scipy must come by the same points when it is given the same losses; got "
                "others. Continue with the version of scipy that began the fit, or begin anew."
            )
        if self.stopped():
            raise Unfinished
        return False

    def _note(self, places: list, rows: list[Row], slopes: list) -> None:
        self._cube += places
        self._rows += rows
        self._slopes += slopes
        self._replay += len(places)
        self.tick()
        self.look(self._rows, lambda k: self._place(self._cube[k]))

    def _hessian(self, coordinates, x: np.ndarray) -> np.ndarray:
        function = self._compiled("hessian", lambda p: self._make_hessian(p, coordinates))
        return np.asarray(function(floats(x), *self.arguments()), dtype=float)

    def _make_single(self, program: Program, forward: bool = False):
        space, box = self.problem.space, self.box
        call = program.call_forward if forward else program.call

        def single(z, frozen, key, leaves):
            theta = box.theta(z)
            loss, extra = call(theta, frozen, key, leaves)
            numbers = {"parts": extra["parts"], "metrics": extra["metrics"]}
            return {"loss": loss, "extra": numbers, "values": space.values(theta)}

        return jax.jit(single)

    def _make_slope(self, program: Program):
        mode = choose_mode(self._mode, program.jaxpr, self.problem.space.current())
        single = self._make_single(program, mode == "forward")

        def slope(z, *rest):
            def loss_of(z):
                out = single(z, *rest)
                return out["loss"], out

            (_, out), gradient = value_and_gradient(loss_of, mode)(z)
            return {**out, "slope": gradient}

        return jax.jit(slope)

    def _make_hessian(self, program: Program, coordinates):
        box = self.box

        def loss(x, frozen, key, leaves):
            return program.call(box.theta(coordinates.cube(x)[0]), frozen, key, leaves)[0]

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

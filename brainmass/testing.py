"""Checks that every model passes, offered for models of your own."""

from __future__ import annotations

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from .dynamics import NeuralMass
from .simulator import Simulator

__all__ = ["check_model"]


def check_model(model: type[NeuralMass], *, regions: int = 3, dt=None, steps: int = 40) -> None:
    """Check that a model keeps the contract of :class:`NeuralMass`.

    The checks: the documentation and a reference are there; derivatives have units, shapes and
    finite values over the declared ranges; a step by hand, a compiled run and a traced run agree;
    ``vmap`` over a parameter equals a loop; batches have independent noise and the right shape;
    node k does not depend on node j unless ``elementwise`` is False; additive inlets enter
    linearly; gradients with respect to every parameter are finite and, in float64, equal to
    central differences; and every preset can be built, has a source, and runs.

    Parameters
    ----------
    model : type
        A subclass of :class:`NeuralMass`.
    regions : int, default 3
        Number of regions of the test instances.
    dt : brainunit.Quantity, optional
        Step of the test runs. Default: ``suggested_dt`` of the model.
    steps : int, default 40
        Length of the test runs.

    Raises
    ------
    AssertionError
        With one sentence that names the model and what it breaks.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.testing.check_model(brainmass.HopfStep)
    """
    if not (isinstance(model, type) and issubclass(model, NeuralMass)):
        raise TypeError(
            f"check_model: model must be a class derived from NeuralMass; got {model!r}. "
            "Pass the class itself, for example HopfStep."
        )
    checks = _Checks(model, regions, model.suggested_dt if dt is None else dt, steps)
    checks.documentation()
    checks.derivatives()
    checks.bounds()
    checks.paths_agree()
    checks.batches()
    checks.parameters_map()
    checks.elementwise()
    checks.linear_inlets()
    checks.gradients()
    checks.presets()


class _Checks:
    """The checks of one model; each raises an AssertionError with a sentence."""

    def __init__(self, model, regions, dt, steps):
        self.model, self.regions, self.dt, self.steps = model, regions, dt, steps
        self.kinds = model.declaration
        self.duration = steps * dt
        self.starts = self._starts()
        rules = self.instance().rules()
        self.rates = jax.jit(lambda params, y, inputs: rules.rates(params, y, inputs, 0.0))
        self.loss = jax.jit(self._loss)

    def fail(self, what: str) -> None:
        raise AssertionError(f"{self.model.__name__}: {what}")

    def demand(self, condition, what: str) -> None:
        if not bool(condition):
            self.fail(what)

    def instance(self, **settings) -> NeuralMass:
        """Build the model away from special points: states a little off their defaults."""
        node = self.model(self.regions, **settings)
        for name, value in self.starts.items():
            setattr(node, f"init_{name}", value)
        return node

    def _starts(self) -> dict:
        rng = np.random.default_rng(0)
        starts = {}
        for name, spec in self.kinds.states.items():
            start = spec.start(spec.default, self.model.__name__, (self.regions,))
            shifted = np.asarray(start) + 0.05 * rng.random(self.regions)
            low, high = spec.clamp or (None, None)
            starts[name] = spec.attach(
                shifted if spec.clamp is None else np.clip(shifted, low, high)
            )
        return starts

    def run(self, node, **options) -> dict:
        monitors = list(self.kinds.states)
        return Simulator(node, self.dt).run(self.duration, monitors=monitors, **options)

    def documentation(self) -> None:
        doc = self.model.__doc__ or ""
        for name, spec in (*self.kinds.params.items(), *self.kinds.states.items()):
            self.demand(spec.doc, f"'{name}' must have a doc")
            self.demand(name in doc, f"'{name}' must be in the docstring")
        if self.model.__module__.startswith("brainmass."):
            self.demand("doi:" in self.model.reference, "reference must give a DOI")
            self.demand(self.model.use, "use must say what the model is for")
        self.demand(self.model.__name__ in repr(self.instance()), "repr must name the model")

    def _state(self, node):
        return tuple(
            s.attach(jnp.asarray(s.start(getattr(node, f"init_{n}"), "check", (self.regions,))))
            for n, s in self.kinds.states.items()
        )

    def _mantissas(self, node):
        states = zip(self.kinds.states, self._state(node), strict=True)
        params = {n: getattr(node, n).mantissa() for n in self.kinds.params}
        return {n: u.get_mantissa(v) for n, v in states}, params

    def derivatives(self) -> None:
        node = self.instance()
        values = jax.jit(lambda y: node.derivative(y, 0.0 * u.ms))(self._state(node))
        for (name, spec), value in zip(self.kinds.states.items(), values, strict=True):
            unit = u.get_unit(value)
            wanted = spec.unit / u.ms
            self.demand(
                unit.has_same_dim(wanted), f"d{name}/dt must be in [{wanted}]; got [{unit}]"
            )
            self.demand(value.shape == (self.regions,), f"d{name}/dt must have the state's shape")
            self.demand(np.isfinite(u.get_mantissa(value)).all(), f"d{name}/dt must be finite")

    def bounds(self) -> None:
        y, params = self._mantissas(self.instance())
        for name, spec in self.kinds.params.items():
            if spec.bounds is None:
                continue
            default = float(np.asarray(u.get_mantissa(spec.default)))
            low, high = spec.bounds
            self.demand(low <= default <= high, f"default of '{name}' must lie in its bounds")
            for value in spec.bounds:
                inside = spec.check(spec.attach(value), self.model.__name__, (self.regions,))
                rates = self.rates({**params, name: jnp.asarray(inside, params[name].dtype)}, y, {})
                finite = all(np.isfinite(rate).all() for rate in rates.values())
                self.demand(finite, f"derivatives must be finite at {name} = {value}")

    def paths_agree(self) -> None:
        node = self.instance()
        compiled = self.run(node)
        traced = jax.jit(lambda: self.run(self.instance()))()
        with brainstate.environ.context(dt=self.dt):
            node.init_all_states()
            for _ in range(3):
                node.update()
        for name in self.kinds.states:
            a = np.asarray(u.get_mantissa(compiled[name]))
            b = np.asarray(u.get_mantissa(traced[name]))
            by_hand = np.asarray(u.get_mantissa(getattr(node, name).value))
            close = np.allclose(a, b, rtol=1e-4, atol=1e-5 * (1 + np.abs(a).max()))
            self.demand(close, f"'{name}' of a compiled and of a traced run must agree")
            close = np.allclose(a[2], by_hand, rtol=1e-4, atol=1e-5 * (1 + np.abs(a).max()))
            self.demand(close, f"'{name}' of a run and of steps by hand must agree")
            self.demand(np.isfinite(a).all(), f"'{name}' must stay finite at the defaults")

    def batches(self) -> None:
        out = self.run(self.instance(), batch_size=2)
        for name in self.kinds.states:
            shape = (self.steps, 2, self.regions)
            self.demand(out[name].shape == shape, f"a batch of '{name}' must have shape {shape}")

    def _loss(self, values):
        """Return the mean final state for some parameter values."""
        specs = self.kinds.params
        result = self.run(self.instance(**{n: specs[n].attach(v) for n, v in values.items()}))
        return sum(jnp.mean(u.get_mantissa(result[name])[-1]) for name in self.kinds.states)

    def _defaults(self) -> dict:
        """Return parameters at their defaults; delays between two steps, where they are smooth."""
        values = {n: float(u.get_mantissa(s.default)) for n, s in self.kinds.params.items()}
        for k, spec in enumerate(self.kinds.past.values()):
            between = (5.3 + k) * self.dt
            values[spec.delay] = float(between.to_decimal(self.kinds.params[spec.delay].unit))
        return {name: jnp.asarray(value) for name, value in values.items()}

    def parameters_map(self) -> None:
        defaults = self._defaults()
        if not defaults:
            return
        name, value = next(iter(defaults.items()))
        values = jnp.stack([value, value * 1.01 + 1e-3])
        each = jax.vmap(lambda v, rest: self._loss({**rest, name: v}), in_axes=(0, None))
        mapped = jax.jit(each)(values, defaults)
        looped = [float(self.loss({**defaults, name: v})) for v in values]
        close = np.allclose(np.asarray(mapped), looped, rtol=1e-4, atol=1e-5)
        self.demand(close, f"vmap over '{name}' must equal a loop")

    def elementwise(self) -> None:
        if not self.model.elementwise:
            return
        y, params = self._mantissas(self.instance())
        matrix = jax.jit(jax.jacfwd(lambda y: self.rates(params, y, {})))(y)
        for a in self.kinds.states:
            for b in self.kinds.states:
                block = np.asarray(matrix[a][b])
                rest = block - np.diag(np.diag(block))
                self.demand(not rest.any(), f"d{a}/dt of one node must not depend on another node")

    def linear_inlets(self) -> None:
        y, params = self._mantissas(self.instance())
        for name, spec in self.kinds.inlets.items():
            if not spec.additive:
                continue

            @jax.jit
            def slope(value, name=name):
                return jax.jvp(
                    lambda v: self.rates(params, y, {name: v}),
                    (value,),
                    (jnp.ones_like(value),),
                )[1]

            here, there = slope(jnp.zeros(self.regions)), slope(jnp.full(self.regions, 0.3))
            for state in self.kinds.states:
                a, b = np.asarray(here[state]), np.asarray(there[state])
                self.demand(
                    np.allclose(a, b, rtol=1e-4, atol=1e-6),
                    f"'{name}' must enter d{state}/dt linearly, or be declared additive=False",
                )

    def gradients(self) -> None:
        x64 = jax.config.jax_enable_x64 and brainstate.environ.get_precision() == 64
        defaults = self._defaults()
        slopes = jax.jit(jax.grad(self._loss))(defaults)
        for name, slope in slopes.items():
            slope = float(slope)
            self.demand(np.isfinite(slope), f"the gradient with respect to '{name}' must be finite")
            if not x64:
                continue
            h = 1e-5 * max(1.0, abs(float(defaults[name])))
            up, down = (self.loss({**defaults, name: defaults[name] + d}) for d in (h, -h))
            central = (float(up) - float(down)) / (2 * h)
            self.demand(
                abs(slope - central) <= 1e-3 * max(abs(central), 1e-4),
                f"the gradient of '{name}' must equal a central difference; "
                f"got {slope:.6g} and {central:.6g}",
            )

    def presets(self) -> None:
        for name, regime in self.model.presets.items():
            self.demand(regime["doc"] and regime["source"], f"preset '{name}' must have a source")
            node = self.model.from_preset(name, self.regions)
            inputs = (lambda i, t, given=regime["inputs"]: given) if regime["inputs"] else None
            for state, values in self.run(node, inputs=inputs).items():
                finite = np.isfinite(np.asarray(u.get_mantissa(values))).all()
                self.demand(finite, f"'{state}' must stay finite in the preset '{name}'")

"""The base of every neural-mass model: from a declaration to a checked, runnable module."""

from __future__ import annotations

import difflib
import inspect
from functools import partial
from typing import Any, ClassVar

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
from brainstate.nn import Param

from . import _step
from ._declare import Declaration, check_presets, fitting_presets
from ._describe import document, signature
from ._errors import choices
from ._param import DeclaredParam
from ._sizes import read_shape
from .engine import feedback
from .engine.node import NodeRules, Values
from .noise import Noise

__all__ = ["NeuralMass"]

registry: dict[str, Any] = {}
"""Every model class that was defined, by name; the newest definition wins."""


def register(cls):
    """Enter a model class into the registry, in place of an older one of the same name."""
    registry[cls.__name__] = cls
    return cls


class Catalogued:
    """What the catalogue reads from a model class."""

    category: ClassVar[str] = "user"
    reference: ClassVar[str] = ""
    use: ClassVar[str] = ""
    catalogued: ClassVar[bool] = True
    rank: ClassVar[int] = 100
    ranges: ClassVar[str] = ""
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    declaration: ClassVar[Declaration] = Declaration({}, {}, {}, {})

    def cite(self) -> str:
        """Return the literature reference of the model.

        Returns
        -------
        str
            Authors, year, journal and DOI.

        Examples
        --------
        >>> import brainmass
        >>> "10.1007/BF00199471" in brainmass.JansenRitStep(1).cite()
        True
        """
        return self.reference


class NeuralMass(Catalogued, brainstate.nn.Dynamics):
    """Base class of neural-mass models.

    A subclass declares its science once, as class attributes made by :func:`param`, :func:`state`,
    :func:`inlet` and :func:`option`, and one pure function ``equations(s, p, i, t)`` that returns
    the time derivative of every state. The constructor, the checks, the documentation, every
    integrator and the catalogue entry follow from it.

    Parameters
    ----------
    in_size : int or tuple of int
        Shape of the population of nodes, for example the number of regions.
    **settings
        Parameters, options, ``noise_<inlet>``, ``init_<state>`` and ``method`` of the model.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> class Leak(brainmass.NeuralMass):
    ...     "Leaky integrator."
    ...     catalogued = False
    ...     tau = brainmass.param(10.0 * u.ms, domain="positive", doc="decay time")
    ...     x = brainmass.state(1.0, doc="activity")
    ...     x_inp = brainmass.inlet(0.0, doc="drive")
    ...     @staticmethod
    ...     def equations(s, p, i, t):
    ...         return dict(x=(i.x_inp - s.x) / p.tau)
    >>> result = brainmass.Simulator(Leak(2), dt=0.1 * u.ms).run(10 * u.ms, monitors="x")
    >>> bool(abs(result["x"][-1, 0] - 0.36788) < 1e-4)
    True
    """

    elementwise: ClassVar[bool] = True
    output_reads_parameters: ClassVar[bool] = False
    suggested_dt: ClassVar[Any] = 0.1 * u.ms
    default_method: ClassVar[str] = "heun"
    graph_invisible_attrs = ("_clock", "_wirings")

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.declaration = Declaration.collect(cls, cls.declaration)
        if not cls.declaration.states or not hasattr(cls, "equations"):
            return
        if not isinstance(inspect.getattr_static(cls, "equations"), staticmethod):
            raise TypeError(
                f"{cls.__name__}: equations must be a static method of (s, p, i, t); "
                "got an ordinary method. Put @staticmethod above it."
            )
        _refuse_clashes(cls)
        if "presets" in vars(cls):
            check_presets(cls.presets, cls.declaration, cls.__name__)
        else:
            cls.presets = fitting_presets(cls.presets, cls.declaration)
        cls.output_reads_parameters = list(inspect.signature(cls.output).parameters)[1:] == ["p"]
        cls.__signature__ = signature(cls.declaration, cls.default_method)
        cls.__doc__ = document(cls)
        register(cls)

    def __init__(self, in_size, **settings):
        who = type(self).__name__
        declaration = self.declaration
        if not declaration.states or not hasattr(type(self), "equations"):
            raise TypeError(
                f"{who}: must declare states and equations; got none. Subclass it and declare them."
            )
        super().__init__(read_shape(in_size, who))
        allowed = list(type(self).__signature__.parameters)
        for name in settings:
            if name not in allowed:
                close = difflib.get_close_matches(name, allowed, n=1)
                hint = f" Did you mean '{close[0]}'?" if close else " Correct the name."
                raise TypeError(
                    f"{who}: arguments must be among {choices(allowed)}; got '{name}'.{hint}"
                )
        self.method = settings.pop("method", self.default_method)
        for name, spec in declaration.options.items():
            vars(self)[name] = spec.check(settings.pop(name, spec.default), who)
        for name, spec in declaration.params.items():
            value = settings.pop(name, spec.default)
            super().__setattr__(name, DeclaredParam.adopt(value, spec, who, self.varshape))
        for slot in declaration.noise_slots:
            setattr(self, slot, settings.pop(slot, None))
        for name, spec in declaration.states.items():
            setattr(self, f"init_{name}", settings.pop(f"init_{name}", spec.default))

    def __setattr__(self, name, value):
        declaration = self.declaration
        who = type(self).__name__
        held = name in declaration.params and name in vars(self)
        if held and not isinstance(value, Param):
            vars(self)[name].set_value(value)
            return
        if held:
            value = DeclaredParam.adopt(value, declaration.params[name], who, self.varshape)
        elif name in declaration.options:
            value = declaration.options[name].check(value, who)
        elif name == "method":
            value = _step.check_method(value, who)
            if value == "exp_euler" and not self.elementwise:
                raise ValueError(
                    f"{who}: method must not be 'exp_euler', which treats every node on its own; "
                    "got 'exp_euler' for a model whose nodes interact. Take 'heun' or 'rk4'."
                )
        elif name in declaration.noise_slots and value is not None:
            inlet = declaration.inlets[declaration.noise_slots[name]]
            if not isinstance(value, Noise):
                raise TypeError(
                    f"{who}: {name} must be a noise process or None; got {type(value).__name__}. "
                    "Pass for example brainmass.OUProcess(in_size, sigma=..., tau=...)."
                )
            value.check_slot(who, name, inlet, self.varshape)
        elif name in {f"init_{n}" for n in declaration.states} and not callable(value):
            declaration.states[name[5:]].start(value, who, self.varshape)
        super().__setattr__(name, value)

    @classmethod
    def from_preset(cls, preset: str, in_size=1, **settings):
        """Build the model in one of its published regimes.

        Parameters
        ----------
        preset : str
            Name of the regime, a key of ``presets``.
        in_size : int or tuple of int, default 1
            Shape of the population of nodes.
        **settings
            Further settings, before those of the regime.

        Returns
        -------
        NeuralMass
            The model with parameters and initial values of the regime. Its inputs are given to
            the run: ``presets[preset]["inputs"]``.

        Raises
        ------
        ValueError
            If there is no such regime.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> column = brainmass.JansenRitStep.from_preset("alpha rhythm")
        >>> given = column.presets["alpha rhythm"]["inputs"]
        >>> sim = brainmass.Simulator(column, dt=0.1 * u.ms)
        >>> eeg = sim.run(1 * u.second, inputs=lambda i, t: given, transient=0.5 * u.second)
        >>> bool(6 < eeg["output"].min() / u.mV < eeg["output"].max() / u.mV < 9.1)
        True
        """
        if preset not in cls.presets:
            raise ValueError(
                f"{cls.__name__}: preset must be one of {choices(cls.presets)}; got {preset!r}. "
                "Choose one of them."
            )
        regime = cls.presets[preset]
        starts = {f"init_{name}": value for name, value in regime["init"].items()}
        return cls(in_size, **{**regime["params"], **starts, **settings})

    @property
    def varshape(self) -> tuple[int, ...]:
        """Shape of the population."""
        return tuple(self.in_size)

    def __getattr__(self, name):
        if name in type(self).declaration.states:
            raise AttributeError(
                f"{type(self).__name__}: state '{name}' must be initialised first; "
                "got an uninitialised model. Call model.init_all_states() or run a Simulator."
            )
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Allocate or reset the states.

        Parameters
        ----------
        batch_size : int, optional
            Number of independent copies, as a leading axis of every state.
        **kwargs
            Ignored; brainstate passes its own arguments here.
        """
        shape = self.varshape if batch_size is None else (batch_size, *self.varshape)
        for name, spec in self.declaration.states.items():
            mantissa = spec.start(getattr(self, f"init_{name}"), type(self).__name__, shape)
            setattr(self, name, brainstate.HiddenState(spec.attach(jnp.asarray(mantissa))))
        if self.has_past:
            feedback.start_by_hand(self, batch_size)

    def update(self, *inputs, **named):
        """Advance the states by one step of ``brainstate.environ``'s ``dt``.

        Parameters
        ----------
        *inputs, **named
            Values of the inlets, by position in the order of the declaration or by name.

        Returns
        -------
        array, brainunit.Quantity or tuple
            The model's output after the step.
        """
        given = self.read_inputs(inputs, named)
        dt = _step.environment_dt(type(self).__name__)
        if self.has_past:
            feedback.step_by_hand(self, given)
            return self.read_output()
        t = _step.milliseconds(brainstate.environ.get("t", 0.0 * u.ms))
        for slot, inlet in self.declaration.noise_slots.items():
            if (noise := getattr(self, slot)) is not None:
                drawn = noise() if noise.amplitude is None else noise(self.read_states())
                value = self.declaration.inlets[inlet].mantissa(drawn, type(self).__name__)
                given[inlet] = given[inlet] + value if inlet in given else value
        rules = self.rules()
        y = {name: u.get_mantissa(getattr(self, name).value) for name in self.declaration.states}
        params = {name: getattr(self, name).mantissa() for name in self.declaration.params}
        y = _one_step(rules, y, params, given, t, dt)
        for name, spec in self.declaration.states.items():
            getattr(self, name).value = spec.attach(y[name])
        return self.read_output()

    def derivative(self, state, t, *inputs):
        """Return the time derivatives, in the order in which the states are declared.

        Parameters
        ----------
        state : tuple
            One value per state, with units.
        t : brainunit.Quantity
            Time.
        *inputs
            Values of the inlets, in order.

        Returns
        -------
        tuple
            One derivative per state, in the unit of the state per time.
        """
        who = type(self).__name__
        specs = self.declaration.states
        y = {
            n: jnp.asarray(s.mantissa(v, who, n), brainstate.environ.dftype())
            for (n, s), v in zip(specs.items(), state, strict=True)
        }
        params = {name: getattr(self, name).mantissa() for name in self.declaration.params}
        rates = self.rules().rates(
            params, y, self.read_inputs(inputs, {}), _step.milliseconds(t or 0.0 * u.ms)
        )
        return tuple(u.Quantity(rates[n], unit=s.unit / u.ms) for n, s in specs.items())

    def read_inputs(self, inputs: tuple, named: dict) -> dict:
        """Check the inputs of one step and return them as mantissas by inlet name."""
        who, ports = type(self).__name__, self.declaration.ports
        if len(inputs) > len(ports) or set(named) - set(ports):
            extra = sorted(set(named) - set(ports)) or f"{len(inputs)} inputs"
            raise TypeError(
                f"{who}: inputs must be among {choices(ports)}; got {extra}. Pass one value each."
            )
        given = {**dict(zip(ports, inputs, strict=False)), **named}
        return {n: ports[n].mantissa(v, who) for n, v in given.items() if v is not None}

    def read_output(self):
        """Return the model's output from the current states."""
        more = (self.read_parameters(),) if self.output_reads_parameters else ()
        return self.output(self.read_states(), *more)

    def read_states(self) -> Values:
        """Return the current states by name; a monitor has only those that it reads."""
        states = self.declaration.states
        known = [name for name in states if name in vars(self)] or states
        return Values({name: getattr(self, name).value for name in known})

    def read_parameters(self) -> Values:
        """Return the current parameters and options by name, as ``equations`` gets them."""
        values = Values({name: getattr(self, name).value() for name in self.declaration.params})
        values.update({name: getattr(self, name) for name in self.declaration.options})
        return values

    @staticmethod
    def output(s):
        """Return what ``update`` returns; by default the first state.

        A model may define it as ``output(s)`` or, to read parameters, as ``output(s, p)``.
        """
        return next(iter(s.values()))

    def rules(self) -> NodeRules:
        """Return the static part of the model, for the engine: hashable and without arrays."""
        options = tuple((name, getattr(self, name)) for name in self.declaration.options)
        return NodeRules(type(self), self.method, options)

    def engine_parts(self, dt: float):
        """Return the node, its couplings and additional noise, for the engine."""
        return self, feedback.own_pathways(self, dt), []

    @property
    def has_past(self) -> bool:
        """Whether the node reads its own past, so that a step needs a history."""
        return bool(self.declaration.past)

    def __repr__(self):
        size = self.varshape[0] if len(self.varshape) == 1 else self.varshape
        return f"{type(self).__name__}(in_size={size}, method='{self.method}')"


@partial(jax.jit, static_argnums=0, inline=True)
def _one_step(rules: NodeRules, y, params, inputs, t, dt):
    return rules.advance(params, y, lambda _y, _c: inputs, t, dt)


_RESERVED = frozenset(dir(NeuralMass)) | {"method", "in_size"}
_HISTORY = frozenset({"history", "position"})


def _refuse_clashes(cls: type) -> None:
    kinds = cls.declaration
    for name in (*kinds.params, *kinds.states, *kinds.inlets, *kinds.options):
        if name in (_RESERVED | _HISTORY if kinds.past else _RESERVED):
            raise TypeError(
                f"{cls.__name__}: declared names must not be names of the base class; "
                f"got '{name}'. Rename it."
            )

"""Networks: one neural mass per region, coupled through a connectome with delays."""

from __future__ import annotations

from collections.abc import Callable

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

from .. import _step
from .._compat import is_tracer
from .._declare import StateSpec, uniform
from .._param import DeclaredParam
from ..coupling import Coupling
from ..dynamics import NeuralMass
from ..engine import superblock
from ..engine.bind import BoundSystem
from ..engine.system import Pathway
from ..engine.wiring import Delays, PathBinding, Wiring
from ..noise import Noise
from ._reading import (
    is_laplacian,
    read_couplings,
    read_lengths,
    read_range,
    read_source,
    read_target,
    read_weights,
)

__all__ = ["Network"]


class Network(brainstate.nn.Module):
    """One neural mass per region, coupled through weights and conduction delays.

    Region i receives ``post(sum_j w_ij pre(x_j(t - d_ij)), x_i(t))``, with ``d_ij = distance_ij /
    speed``; ``conn[i, j]`` weighs the connection from j to i. Zero-delay coupling is evaluated at
    every stage of the integrator and delayed coupling is read at each stage's own time, so the
    order of the method survives.

    Parameters
    ----------
    node : NeuralMass
        Model of one region, sized for N regions.
    conn : array (N, N), Quantity, sparse matrix, Param or Connectome
        Weights, row = target; a run costs what the edges cost. The diagonal is ignored unless
        ``self_connection``. Signed weights are allowed. A trainable ``Param`` trains every weight
        off the diagonal. Of a sparse matrix (``scipy.sparse`` or ``jax.experimental.sparse``)
        only the entries are stored, zeros among them too: ``net.conn`` then holds one weight per
        entry, by row, then by column, and ``net.conn = Param(values, fit=True)`` trains those.
    distance : brainunit.Quantity (N, N), optional
        Lengths of the connections. Plain numbers together with a plain speed are read as ms. With
        a sparse ``conn`` also a sparse matrix with an entry per connection, or one number for
        each.
    speed : brainunit.Quantity or Param, optional
        Conduction speed. It may be changed at any time; within ``speed_range`` without
        compiling. Infinite speed means no delay.
    coupling : str, Coupling or list of Coupling, default 'diffusive'
        Name or object; several couplings add up.
    coupled_var : str, optional
        State that is sent. Give this or ``source``.
    k : float, brainunit.Quantity or Param, optional
        Global strength of a coupling given by name. Default 1.
    source : str or callable, optional
        What is sent: a state, a sum or difference such as ``'E - I'``, or a function of the
        states ``s``, or of states and parameters ``(s, p)``, of the node.
    target : str, optional
        Inlet that receives the current. Default: the first input of the node.
    delay_init : float, array or callable, optional
        The source before time 0. A number, one value per region, or a callable of the shape
        ``(time, ..., N)``. Default: uniform in [0, 0.05) in the unit of the source.
    self_connection : bool, default False
        Whether the diagonal of ``conn`` counts.
    noise : Noise, optional
        Added to the coupling current.
    speed_range : tuple of brainunit.Quantity, optional
        Slowest and fastest speed for which the same compiled program serves.

    Raises
    ------
    ValueError
        If shapes do not fit, a distance is negative, the connectome has NaN, or only one of
        distance and speed is given.
    UnitError
        If distance / speed is no time.

    References
    ----------
    .. [1] Sanz-Leon, Knock, Spiegler & Jirsa 2015, NeuroImage 111:385,
       doi:10.1016/j.neuroimage.2015.01.002

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> net = brainmass.Network(
    ...     brainmass.HopfStep(3, a=0.2, w=0.3, init_x=0.1),
    ...     conn=np.ones((3, 3)), distance=np.full((3, 3), 20.0) * u.mm, speed=10 * u.mm / u.ms,
    ...     coupling="diffusive", coupled_var="x", k=0.5,
    ... )
    >>> brainmass.Simulator(net, dt=0.1 * u.ms).run(5 * u.ms, monitors="node.x")["node.x"].shape
    (50, 3)
    """

    graph_invisible_attrs = ("_clock", "_units", "_wirings")

    def __init__(
        self,
        node: NeuralMass,
        *,
        conn,
        distance=None,
        speed=None,
        coupling: str | Coupling | list = "diffusive",
        coupled_var: str | None = None,
        k=None,
        source: str | Callable | None = None,
        target: str | None = None,
        delay_init=None,
        self_connection: bool = False,
        noise: Noise | None = None,
        speed_range: tuple | None = None,
    ):
        super().__init__()
        if not isinstance(node, NeuralMass):
            raise TypeError(
                f"Network: node must be a *Step model; got {type(node).__name__}. "
                "Pass for example HopfStep(in_size=N)."
            )
        if len(node.varshape) != 1:
            raise ValueError(
                f"Network: node must have one dimension, its regions; got in_size {node.varshape}. "
                "Build it with in_size=N."
            )
        self.node = node
        self.n_node = n = node.varshape[0]
        self.self_connection = bool(self_connection) or is_laplacian(conn)
        if hasattr(conn, "weights"):
            distance = conn.distances if distance is None and speed is not None else distance
            conn = conn.weights
        self.conn, self._edges = read_weights(conn, n, self.self_connection)
        self.distance, self.speed = read_lengths(distance, speed, n, self._edges)
        self.speed_range = read_range(speed_range, self.speed)
        self.coupled_var = coupled_var
        # Edges that stay even where their weight is 0: one program then serves many connectomes.
        self.kept_edges = None
        self._wirings: dict = {}
        self._units: dict = {}
        self._target = read_target(target, node)
        self._source = read_source(source if source is not None else coupled_var, node)
        self.coupling = read_couplings(coupling, k)
        for c in self.couplings:
            c.fit_regions(n)
        if noise is not None:
            if not isinstance(noise, Noise):
                raise TypeError(
                    f"Network: noise must be a noise process; got {type(noise).__name__}. "
                    "Pass for example OUProcess(in_size=N, sigma=..., tau=...)."
                )
            noise.check_slot("Network", "noise", node.declaration.inlets[self._target], (n,))
        self.noise = noise
        self.delay_init = delay_init
        self._check_currents()
        if delay_init is not None and not callable(delay_init):
            unit = self._sent_unit(self._pathway(self.couplings[0], (1, 8, 0, 0, 0), False))
            self._past_spec(unit).start(delay_init, "Network", (n,))

    @property
    def random_start(self) -> bool:
        """Whether the time before 0 is drawn at random."""
        return self.delay_init is None or callable(self.delay_init)

    @property
    def couplings(self) -> tuple[Coupling, ...]:
        """The couplings, also when there is only one."""
        return self.coupling if isinstance(self.coupling, tuple) else (self.coupling,)

    def weight_matrix(self):
        """Return the weights as a matrix, whether they are stored dense or sparse.

        Returns
        -------
        array or brainunit.Quantity (N, N)
            Row = target, column = source.

        Examples
        --------
        >>> import brainmass, scipy.sparse
        >>> ring = scipy.sparse.csr_array([[0, 2.0, 0], [0, 0, 2.0], [2.0, 0, 0]])
        >>> net = brainmass.Network(brainmass.HopfStep(3), conn=ring, coupled_var="x")
        >>> net.conn.value().shape, net.weight_matrix().tolist()[0]
        ((3,), [0.0, 2.0, 0.0])
        """
        weights = np.asarray(self.conn.mantissa())
        if self._edges is not None:
            stored, weights = weights, np.zeros((self.n_node,) * 2, weights.dtype)
            weights[self._edges.target, self._edges.source] = stored
        return self.conn.spec.attach(weights)

    @property
    def k(self):
        """Global strength of the (first) coupling."""
        return self.couplings[0].k

    def __setattr__(self, name, value):
        if name == "k" and "coupling" in vars(self):
            self.couplings[0].k.set_value(value)
            return
        held = vars(self).get(name)
        if name in ("speed", "conn") and isinstance(held, DeclaredParam):
            if isinstance(value, Param):
                value = DeclaredParam.adopt(value, held.spec, held.owner, held.fits)
            else:
                edges = self._edges if name == "conn" else None
                held.set_value(value if edges is None else edges.values(value, "conn"))
                return
        super().__setattr__(name, value)

    @brainstate.nn.call_order(1)
    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Allocate or reset the history of what the regions send.

        Parameters
        ----------
        batch_size : int, optional
            Number of independent copies.
        **kwargs
            Ignored.
        """
        vars(self).pop("_clock", None)
        self.position = brainstate.ShortTermState(jnp.int32(0))
        dt = brainstate.environ.get("dt", None)
        if dt is None:
            self.history = brainstate.ShortTermState([])
            return
        system = BoundSystem(self, _step.milliseconds(dt), batch_size)
        y = {n: u.get_mantissa(getattr(self.node, n).value) for n in self.node.declaration.states}
        values = system.values(None)
        past = [path.past(system.rules) for path in system.paths]
        self.history = brainstate.ShortTermState(system.rules.start_history(values, y, past))

    def update(self, *inputs, **named):
        """Advance all regions by one step of ``brainstate.environ``'s ``dt``.

        Parameters
        ----------
        *inputs, **named
            External input by the inlets of the node, in their order; it adds to the coupling.

        Returns
        -------
        array, brainunit.Quantity or tuple
            The node's output after the step.
        """
        given = self.node.read_inputs(inputs, named)
        dt = brainstate.environ.get("dt", None)
        if dt is None or "history" not in vars(self):
            raise ValueError(
                "Network: update must have dt in brainstate.environ and initialised states; got "
                f"{'no dt' if dt is None else 'no states'}. Use environ.context(dt=...) and "
                "init_all_states() within it, or a Simulator."
            )
        first = getattr(self.node, next(iter(self.node.declaration.states))).value
        batch = np.shape(first)[0] if np.ndim(first) > 1 else None
        system = BoundSystem(self, _step.milliseconds(dt), batch)
        random = bool(system.noise)
        values = system.values(brainstate.random.split_key() if random else None)
        carry = system.current()
        carry["history"] = self.history.value
        rules = system.rules
        given = {
            n: jnp.broadcast_to(jnp.asarray(v, rules.dtype), rules.full_shape)
            for n, v in given.items()
        }
        carry = superblock.single_step(rules, values, carry, self.position.value, given)
        system.write_states(carry)
        self.history.value = carry["history"]
        self.position.value = self.position.value + 1
        return self.node.read_output()

    def engine_parts(self, dt: float):
        """Return the node, its couplings and additional noise, for the engine."""
        _, own, _ = self.node.engine_parts(dt)
        paths = tuple(self._bind(c, dt) for c in self.couplings)
        extra = [("network", self._target, self.noise)] if self.noise is not None else []
        return self.node, paths + own, extra

    def engine_view(self, node):
        """Return a stand-in of the network that shows the given node."""
        view = object.__new__(type(self))
        vars(view).update(vars(self))
        vars(view)["node"] = node
        return view

    def _bind(self, coupling: Coupling, dt: float) -> PathBinding:
        weights = self.conn.mantissa()
        wiring = self._wiring(weights, dt)
        rules = self._pathway(coupling, wiring.plan.structure, wiring.interpolated)
        return PathBinding(rules, wiring, coupling, weights, self._past(rules))

    def _pathway(self, coupling, plan, interpolated) -> Pathway:
        source = self._source if coupling.source is None else coupling.source
        target = self._target if coupling.target is None else coupling.target
        return Pathway(
            coupling=type(coupling),
            units=tuple((n, getattr(coupling, n).spec.unit) for n in coupling.defaults),
            weight_unit=self.conn.spec.unit,
            source=read_source(source, self.node),
            target=read_target(target, self.node),
            plan=plan,
            interpolated=interpolated,
        )

    def _wiring(self, weights, dt: float) -> Wiring:
        """Return the edges; those of concrete connectomes are remembered."""
        trained = self.conn.fit or is_tracer(weights)
        speed = None if self.speed is None else self.speed.mantissa()
        abstract = is_tracer(speed) or (self.speed is not None and self.speed.fit)
        fixed = trained or self._edges is not None
        key = (dt, id(weights) if not fixed else None, id(speed) if speed is not None else None)
        if not abstract and key in self._wirings:
            return self._wirings[key][0]
        target, source = self._connections(weights, trained)
        wiring = Wiring.build(target, source, self._delays(target, source, speed), self.n_node, dt)
        if not abstract:
            if len(self._wirings) > 8:
                self._wirings.clear()
            self._wirings[key] = (wiring, weights, speed)
        return wiring

    def _connections(self, weights, trained: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return target and source of every edge."""
        if self._edges is not None:
            return self._edges.target, self._edges.source
        mask = np.ones((self.n_node,) * 2, bool) if trained else np.asarray(weights) != 0
        if self.kept_edges is not None:
            mask = mask | self.kept_edges
        if not self.self_connection:
            np.fill_diagonal(mask, False)
        target, source = np.nonzero(mask)
        return target, source

    def _delays(self, target, source, speed) -> Delays | None:
        if self.speed is None:
            return None
        length = np.asarray(self.distance)
        length = length[target, source] if self._edges is None else length
        trained = is_tracer(speed) or self.speed.fit
        if self.speed_range is not None:
            slow, fast = self.speed_range
            if not trained:
                now = float(np.asarray(speed))
                slow, fast = min(slow, now), max(fast, now)
        elif trained:
            slow, fast = self._trained_range
        else:
            slow = fast = np.asarray(speed)
        if np.any(np.isinf(fast)):
            return None
        value = length / speed if trained else length / np.asarray(speed, np.float64)
        return Delays(value, length / fast, length / slow, trained)

    @property
    def _trained_range(self):
        """Speeds between which a trained speed is read: a factor two around where it began."""
        start = self.speed.spec.default if self.speed is not None else np.nan
        if not np.isfinite(start):
            raise ValueError(
                "Network: speed_range (slowest, fastest) must be given where the speed itself is "
                "traced; got none. Pass speed_range=(slow, fast)."
            )
        return start / 2, start * 2

    def _past(self, rules: Pathway):
        spec = self._past_spec(self._sent_unit(rules))
        given = self.delay_init

        def past(shape):
            if given is None:
                return uniform(0.0, 0.05)(shape)
            return spec.start(given, "Network", shape)

        return past

    @staticmethod
    def _past_spec(unit: u.Unit) -> StateSpec:
        return StateSpec(0.0, "source before time 0", name="delay", unit=unit)

    def _abstract(self):
        shape = jax.ShapeDtypeStruct((self.n_node,), brainstate.environ.dftype())
        kinds = self.node.declaration
        return dict.fromkeys(kinds.params, shape), dict.fromkeys(kinds.states, shape)

    def _sent_unit(self, rules: Pathway) -> u.Unit:
        """Return the unit of the source; it is found by tracing, so it is remembered."""
        key = (rules.source, self.node.rules().options)
        if key not in self._units:
            params, y = self._abstract()
            sent = jax.eval_shape(lambda p, y: rules.sent(self.node.rules(), p, y), params, y)
            self._units[key] = u.get_unit(sent)
        return self._units[key]

    def _check_currents(self) -> None:
        """Evaluate every coupling abstractly, so that wrong units are refused here."""
        params, y = self._abstract()
        node = self.node.rules()
        like = next(iter(y.values()))
        for coupling in self.couplings:
            rules = self._pathway(coupling, (1, 8, 0, 0, 0), False)
            shapes = {n: jax.ShapeDtypeStruct((), like.dtype) for n in coupling.defaults}

            def current(params, y, own, rules=rules):
                path = {"params": own, "degree": y[next(iter(y))]}
                sent = rules.sent(node, params, y)
                totals, units = rules.features(path, sent)
                return rules.current(node, path, totals, units, sent, next(iter(y.values())))

            jax.eval_shape(current, params, y, shapes)

    def __repr__(self):
        kinds = ", ".join(type(c).__name__ for c in self.couplings)
        return f"Network({self.node!r}, {kinds})"

"""Any brainstate module with ``update``, run step by step.

The module is split into structure and values inside the trace, so that a compiled program holds no
module; fixed parameters, which a trace would bake in, are passed as values too.
"""

from __future__ import annotations

from functools import partial

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._compat import inside_trace
from . import doctor, streams, truncation
from .bind import Clock
from .cache import Uncacheable, module_fingerprint
from .program import Recording, kept_before

__all__ = ["PlainSystem"]


class PlainSystem:
    """A module that the engine knows nothing about, ready to run at a given step.

    Parameters
    ----------
    model : brainstate.nn.Module
        Anything with ``update``.
    dt : float
        Step in milliseconds.
    batch_size : int or None
        Passed to ``init_all_states``.
    """

    random_start = foreign_start = True
    superblock = 64
    work = 2**14

    def __init__(self, model, dt: float, batch_size: int | None):
        self.model, self.dt, self._batch = model, dt, batch_size
        self.dtype = np.dtype(brainstate.environ.dftype()).name
        self.who = type(model).__name__

    def default_key(self, seed):
        """Return the key of a run."""
        return streams.run_key(seed)

    def values(self, key) -> dict:
        """Return everything that may change between runs."""
        return {
            "fixed": {path: module.val for path, module in _fixed(self.model).items()},
            "trained": _values(self.model, trained=True),
            "key": key,
        }

    def initial(self, values: dict, key) -> dict:
        """Return the carry before the first step; inside a trace a copy is initialised."""
        traced = inside_trace()
        model = self._copy() if traced else self.model
        batch = () if self._batch is None else (self._batch,)
        with brainstate.environ.context(dt=self.dt * u.ms):
            if traced:
                with jax.ensure_compile_time_eval():
                    brainstate.nn.init_all_states(model, *batch)
            else:
                brainstate.nn.init_all_states(model, *batch)
        return {"y": _arrays(_values(model)), "noise": {}, "random": key}

    def resume(self):
        """Return the carry and clock that an earlier run left in the module."""
        clock = vars(self.model).get("_clock")
        if clock is None or clock.dt != self.dt:
            raise ValueError(
                f"{self.who}: init_states=False must follow an earlier run of the same model with "
                "the same dt; got none. Run once with init_states=True."
            )
        carry = {"y": _arrays(_values(self.model)), "noise": {}, "random": clock.random}
        return carry, clock

    def store(self, carry: dict, steps: int, key) -> None:
        """Leave the final states in the module."""
        states = self.model.states()
        for path, value in carry["y"].items():
            states[path].value = value
        vars(self.model)["_clock"] = Clock(steps, self.dt, key, carry["random"])

    def identity(self):
        """Return what the program depends on beside shapes, or None if that has no identity."""
        try:
            return ("plain", self.dt, self._batch, self.dtype, module_fingerprint(self.model))
        except Uncacheable:
            return None

    def _copy(self):
        graph, tree = brainstate.graph.treefy_split(self.model)
        return brainstate.graph.treefy_merge(graph, tree)

    def _stepper(self, observe, values, carry, inputs, function):
        """Return ``(carry, index, inputs) -> (carry, observed)``, traced once."""
        model = self._copy()
        for path, module in _fixed(model).items():
            module.val = values["fixed"][path]
        if not set(carry["y"]) <= set(model.states()):
            with brainstate.environ.context(dt=self.dt * u.ms):
                brainstate.nn.init_all_states(
                    model, *(() if self._batch is None else (self._batch,))
                )
        by_path = model.states()
        for path, value in {**values["trained"], **carry["y"]}.items():
            by_path[path].value = value
        random = brainstate.random.DEFAULT

        def one(index, inputs):
            given = inputs if function is None else function(values["drive"], index)
            t = u.Quantity(index * jnp.asarray(self.dt, self.dtype), unit=u.ms)
            with brainstate.environ.context(i=index, t=t, dt=self.dt * u.ms):
                output = model(*(given[k] for k in sorted(given)))
                return jax.tree.map(jnp.asarray, observe(values, (model, output)))

        traced = brainstate.transform.StatefulFunction(one, return_only_write=False)
        states = traced.get_states(jnp.int32(0), inputs)
        paths = {id(state): path for path, state in by_path.items()}

        def step(carry, index, inputs):
            known = {**values["trained"], **carry["y"]}
            before = [carry["random"] if s is random else known[paths[id(s)]] for s in states]
            after, observed = traced.jaxpr_call(before, index, inputs)
            carry = {**carry, "y": dict(carry["y"])}
            for state, value in zip(states, after, strict=True):
                if state is random:
                    carry["random"] = value
                elif paths[id(state)] in carry["y"]:
                    carry["y"][paths[id(state)]] = value
            return carry, observed

        return step

    def recording(self, observe, values, every: int) -> Recording:
        """Return what the program must keep to evaluate the monitors."""
        return Recording((), every, observe)

    def shapes(self, read, values, carry, drive, drive_function):
        """Return the shapes of what ``read`` takes from the module."""
        first = jax.tree.map(lambda a: a[0], drive)
        step = self._stepper(read, values, carry, first, drive_function)
        return jax.eval_shape(lambda c: step(c, jnp.int32(0), first)[1], carry)

    def chunk(self, recording: Recording, rows: int, drive_function):
        """Return the chunk function of the eager path."""
        size, every = self.superblock, recording.every
        if recording.watch is not None:
            return self._watched_chunk(recording, rows, drive_function)

        def chunk(values, carry, start, stop, origin, drive):
            first = jax.tree.map(lambda a: a[0], drive)
            step = self._stepper(recording.observe, values, carry, first, drive_function)
            base = start // size * size
            row = lambda i: jax.tree.map(lambda a: a[i - base], drive)  # noqa: E731
            shapes = jax.eval_shape(lambda c: step(c, jnp.int32(0), first)[1], carry)
            out = jax.tree.map(lambda a: jnp.zeros((rows + 1, *a.shape), a.dtype), shapes)
            before = kept_before(start, origin, every)

            def one(index, loop):
                carry, out = loop
                carry, observed = step(carry, index, row(index))
                count = kept_before(index + 1, origin, every)
                keep = count > kept_before(index, origin, every)
                at = jnp.where(keep, count - 1 - before, rows)
                return carry, jax.tree.map(
                    lambda o, n: lax.dynamic_update_index_in_dim(o, n.astype(o.dtype), at, 0),
                    out,
                    observed,
                )

            carry, out = lax.fori_loop(start, stop, one, (carry, out))
            return carry, out, _finite(carry["y"])

        return chunk

    def _watched_stepper(self, recording: Recording, *given):
        """Return the step function with what is recorded and what the observers read."""
        read = recording.watch.read

        def observe(values, y):
            return recording.observe(values, y), [u.get_mantissa(r) for r in read(values, y)]

        return self._stepper(observe, *given)

    def _watched_chunk(self, recording: Recording, rows: int, drive_function):
        """Return the chunk function with observers, which take whole superblocks."""
        size, every, watch = self.superblock, recording.every, recording.watch

        def chunk(values, carry, start, stop, origin, drive):
            carry = dict(carry)
            seen = watch.begin(values, carry.pop("watch"))
            first = jax.tree.map(lambda a: a[0], drive)
            step = self._watched_stepper(recording, values, carry, first, drive_function)
            base = start // size * size
            shapes = jax.eval_shape(lambda c: step(c, jnp.int32(0), first)[1], carry)
            out = jax.tree.map(lambda a: jnp.zeros((rows + 1, *a.shape), a.dtype), shapes[0])
            none = jax.tree.map(lambda a: jnp.zeros((size, *a.shape), a.dtype), shapes[1])
            before = kept_before(start, origin, every)

            def one_step(index, loop):
                carry, out, roots = loop
                given = jax.tree.map(lambda a: a[index - base], drive)
                carry, (observed, root) = step(carry, index, given)
                count = kept_before(index + 1, origin, every)
                keep = count > kept_before(index, origin, every)
                at = jnp.where(keep, count - 1 - before, rows)
                write = partial(lax.dynamic_update_index_in_dim, axis=0)
                out = jax.tree.map(lambda o, n: write(o, n.astype(o.dtype), at), out, observed)
                roots = jax.tree.map(lambda o, n: write(o, n, index % size), roots, root)
                return carry, out, roots

            def superblock(index, loop):
                carry, out, seen = loop
                low = jnp.maximum(start - index * size, 0)
                high = jnp.minimum(stop - index * size, size)
                steps = (index * size + low, index * size + high)
                carry, out, roots = lax.fori_loop(*steps, one_step, (carry, out, none))
                span = (start, stop, origin)
                seen = watch.take_rows(values, seen, roots, index, low, high, span)
                return carry, out, seen

            loop = (carry, out, seen)
            carry, out, seen = lax.fori_loop(start // size, -(-stop // size), superblock, loop)
            ok = _finite(carry["y"])
            carry["watch"], watched = watch.end(values, seen)
            return carry, (out, watched), ok

        return chunk

    def _watched_trace(self, recording: Recording, values, carry, span, drive, drive_function):
        """Run inside a trace with observers, which take whole superblocks."""
        start, stop, origin = span
        size, watch = self.superblock, recording.watch
        carry = dict(carry)
        watched = carry.pop("watch")
        anchors = watch.anchors(watched, origin)
        base = start // size * size
        first = jax.tree.map(lambda a: a[0], drive)
        step = self._watched_stepper(recording, values, carry, first, drive_function)

        def one_step(carry, index):
            return step(carry, index, jax.tree.map(lambda a: a[index - base], drive))

        def piece(loop, index, low, high):
            carry, watched = loop
            steps = index * size + jnp.arange(low, high, dtype=jnp.int32)
            carry, (observed, roots) = lax.scan(one_step, carry, steps)
            pad = lambda a: jnp.pad(a, [(low, size - high)] + [(0, 0)] * (a.ndim - 1))  # noqa: E731
            roots = jax.tree.map(pad, roots)
            span = (index, low, high, origin)
            watched, out = watch.traced_rows(values, watched, roots, *span)
            return (carry, watched), (observed, out)

        loop, observed, pieces, position = (carry, watched), [], [], start
        while position < stop:
            index, low = divmod(position, size)
            whole = (stop - position) // size if low == 0 else 0
            if whole > 1:
                loop = (loop[0], watch.between(loop[1]))
                one = jax.checkpoint(partial(piece, low=0, high=size))
                loop, (rows, out) = lax.scan(one, loop, index + jnp.arange(whole))
                rows = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), rows)
                position += whole * size
            else:
                high = min(stop - index * size, size)
                loop, (rows, out) = piece(loop, index, low, high)
                whole, position = None, index * size + high
            observed.append(rows)
            pieces.append((index, whole, out))
        kept = slice(origin - start + recording.every - 1, None, recording.every)
        plain = jax.tree.map(lambda *a: jnp.concatenate(a)[kept], *observed)
        carry, watched = loop
        return carry, (plain, watch.result(values, watched, pieces, span, anchors))

    def traced(self, recording, values, carry, span, drive, drive_function):
        """Run inside a trace."""
        if recording.watch is not None:
            return self._watched_trace(recording, values, carry, span, drive, drive_function)
        start, stop, origin = span
        base = start // self.superblock * self.superblock
        first = jax.tree.map(lambda a: a[0], drive)
        step = self._stepper(recording.observe, values, carry, first, drive_function)

        cut = truncation.cutter(self.dt)

        def one(carry, index):
            carry = cut(carry, index)
            return step(carry, index, jax.tree.map(lambda a: a[index - base], drive))

        carry, observed = lax.scan(one, carry, jnp.arange(start, stop, dtype=jnp.int32))
        kept = slice(origin - start + recording.every - 1, None, recording.every)
        return carry, jax.tree.map(lambda a: a[kept], observed)

    def state_names(self) -> list[str]:
        """Return the names a monitor may use."""
        model = self.model
        if not _values(model):
            model = self._copy()
            with brainstate.environ.context(dt=self.dt * u.ms), jax.ensure_compile_time_eval():
                brainstate.nn.init_all_states(model)
        return [".".join(map(str, path)) for path in _values(model)]

    def read_state(self, name: str, y):
        """Return one state."""
        return _dotted(y[0], name).value

    def read_output(self, values, y):
        """Return what ``update`` returned."""
        return y[1]

    def view(self, values, y):
        """Return the module itself, as it is within the trace."""
        return y[0]

    def first_port(self) -> int:
        """Return the key of the first positional argument."""
        return 0

    def ports(self, count: int) -> list[int]:
        """Return keys of the positional arguments."""
        return list(range(count))

    def read_input(self, name, value):
        """Return an input as it is; the module checks it."""
        if not isinstance(name, int):
            raise ValueError(
                f"Simulator: inputs of {self.who} must be an array or a function; got a dict with "
                f"'{name}'. Only models of brainmass have named inlets."
            )
        return value

    def check_row(self, name, shape) -> None:
        """Accept any row; the module checks it."""

    def warn_if_diverged(self, carry) -> None:
        """Do nothing: what a foreign module may hold is not known."""

    def diagnosis(self, failure, loop, drive, state, region) -> doctor.Diagnosis:
        """Find out nothing: what the states of a foreign module mean is not known."""
        return doctor.Diagnosis()


def _fixed(model) -> dict:
    """Return the fixed parameters of a module by path."""
    found = model.nodes(brainstate.nn.Param).items()
    return {p: m for p, m in found if not isinstance(m.val, brainstate.State)}


def _values(model, trained: bool = False) -> dict:
    states = model.states().items()
    return {p: s.value for p, s in states if isinstance(s, brainstate.ParamState) == trained}


def _arrays(tree):
    return jax.tree.map(jnp.asarray, tree)


def _dotted(module, name: str):
    for part in name.split("."):
        module = module[int(part)] if part.isdigit() else getattr(module, part)
    return module


def _finite(tree):
    ok = jnp.array(True)
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            ok &= jnp.isfinite(leaf).all()
    return ok

"""From the rules of a system to the program that runs a chunk of it.

Three levels of loops: superblocks, for which noise is drawn; blocks, for which delayed coupling is
summed; and steps, a small loop that is never unrolled. Blocks and superblocks lie on a grid of
absolute steps and the bounds of the loops are values, so one program serves every duration, and
where a run is cut changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._compat import is_tracer
from . import adjoint, truncation
from .system import SystemRules
from .watched import watched_superblock

__all__ = ["Program", "Recording", "chunk_function", "kept_before", "single_step", "traced_run"]

_OUTPUT_NUMBERS = 2**18


@dataclass(frozen=True)
class Recording:
    """What is kept of a run: which states are needed, how often, and what is made of them.

    ``numbers`` is the size of one sample. With observers, ``watch`` holds them, and ``plain`` names
    the states of which samples are kept.
    """

    states: tuple[str, ...]
    every: int
    observe: Callable[[dict, dict], Any]
    numbers: int = 1
    plain: tuple[str, ...] | None = None
    watch: Any = None

    @property
    def recorded(self) -> tuple[str, ...]:
        """States of which samples are kept."""
        return self.states if self.plain is None else self.plain

    def picks(self, superblock: int) -> int:
        """Return the largest number of samples kept in a superblock."""
        return -(-superblock // self.every)


@dataclass(frozen=True)
class Program:
    """A compiled chunk function: it holds code and shapes, no model.

    Attributes
    ----------
    call : callable
        ``(values, carry, start, stop, origin, drive) -> (carry, out, ok)``.
    rows : int
        How many samples one call can hold.
    sample : pytree
        Abstract samples of one call.
    """

    call: Callable
    rows: int
    sample: Any

    @classmethod
    def compile(cls, function, example: tuple, rows: int) -> Program:
        """Trace and compile for arguments shaped like ``example``."""
        lowered = jax.jit(function).lower(*example)
        return cls(lowered.compile(), rows, lowered.out_info[1])

    def empty(self):
        """Return samples of no step at all."""
        return jax.tree.map(
            lambda a: jax.device_put(np.zeros((0, *a.shape[1:]), a.dtype)), self.sample
        )


def kept_before(step, origin, every: int):
    """Return how many samples are kept before ``step``, when ``origin`` ends the transient."""
    maximum = np.maximum if isinstance(step, int | np.integer) else jnp.maximum
    return maximum(step - origin, 0) // every


def capacity(row_numbers: int, every: int) -> int:
    """Return how many samples one call of the program can hold; fewer where few are kept."""
    rows = np.clip(_OUTPUT_NUMBERS // max(1, row_numbers), 64, 16384)
    return int(max(64, rows // min(every, 16)))


def chunk_function(rules: SystemRules, recording: Recording, rows: int, drive_function=None):
    """Return the function ``(values, carry, start, stop, origin, drive) -> (carry, out, ok)``.

    ``start``, ``stop`` and ``origin`` are absolute steps; ``drive`` holds the rows of external
    input from the superblock of ``start`` on.
    """
    size = rules.superblock

    def chunk(values, carry, start, stop, origin, drive):
        prepared = rules.prepare(values)
        given = drive_function and partial(drive_function, values["drive"])
        before = kept_before(start, origin, recording.every)
        lanes = jnp.arange(recording.picks(size)) * recording.every

        def kept(index, low, samples):
            count = kept_before(index * size + low, origin, recording.every)
            first = origin + (count + 1) * recording.every - 1 - index * size
            picked = jax.tree.map(partial(_picked, recording.every, first, lanes), samples)
            return count - before, jax.vmap(partial(recording.observe, values))(picked)

        shapes = jax.eval_shape(
            recording.observe,
            values,
            {n: jax.ShapeDtypeStruct(rules.full_shape, rules.dtype) for n in recording.recorded},
        )
        total = rows + recording.picks(size)
        out = jax.tree.map(lambda a: jnp.zeros((total, *a.shape), a.dtype), shapes)
        watch = recording.watch
        seen: Any = None
        if watch is not None:
            carry = dict(carry)
            seen = watch.begin(values, carry.pop("watch"))

        def superblock(index, loop):
            carry, out, seen = loop
            low = jnp.maximum(start - index * size, 0)
            high = jnp.minimum(stop - index * size, size)
            inputs = _inputs(rules, drive, index - start // size, index, given)
            carry, samples = _dynamic_superblock(
                rules, recording.states, prepared, carry, index, low, high, inputs
            )
            if watch is not None:
                seen = watch.superblock(values, seen, samples, index, low, high, span)
            if not recording.recorded:
                return carry, out, seen
            at, observed = kept(index, low, {name: samples[name] for name in recording.recorded})
            out = jax.tree.map(
                lambda o, n: lax.dynamic_update_slice_in_dim(o, n.astype(o.dtype), at, 0),
                out,
                observed,
            )
            return carry, out, seen

        span = (start, stop, origin)
        loop = (carry, out, seen)
        carry, out, seen = lax.fori_loop(start // size, -(-stop // size), superblock, loop)
        ok = jnp.array(True)
        for leaf in jax.tree.leaves((carry["y"], carry["noise"])):
            ok &= jnp.isfinite(leaf).all()
        if watch is not None:
            carry["watch"], watched = watch.end(values, seen)
            out = (out, watched)
        return carry, out, ok

    return chunk


def _picked(every: int, first, lanes, rows):
    """Return the rows ``first + lanes``; what lies past the end is anything, nobody keeps it."""
    size = rows.shape[0]
    if every == 1:  # a copy of what lies side by side, many times faster than a gather
        return lax.dynamic_slice_in_dim(jnp.concatenate([rows, rows]), first, size, 0)
    return jnp.take(rows, jnp.clip(first + lanes, 0, size - 1), axis=0)


def _inputs(rules, drive, relative, index, drive_function) -> dict:
    """Return the rows of external input of one superblock, by inlet."""
    size = rules.superblock
    rows = {
        name: lax.dynamic_slice_in_dim(array, relative * size, size, 0)
        for name, array in drive.items()
    }
    if drive_function is not None:
        steps = index * size + jnp.arange(size)
        rows |= jax.vmap(drive_function)(steps)
    return rows


def _block_stepper(rules: SystemRules, prepared, index, z, inputs, offset):
    """Return the step function ``(y, noise, lane, sums, recent) -> (y, noise)`` of one block.

    Everything it reads is cut to the block first: the compiler turns a loop over small arrays into
    one kernel, and a loop over large ones into many.
    """
    cut = partial(lax.dynamic_slice_in_dim, start_index=offset, slice_size=rules.block, axis=0)
    z, inputs = jax.tree.map(cut, (z, inputs))

    def step(y, noise, lane, sums, recent):
        now = {slot: array[lane] for slot, array in z.items()}
        given = {
            name: jnp.broadcast_to(rows[lane].astype(rules.dtype), rules.full_shape)
            for name, rows in inputs.items()
        }
        j = index * rules.superblock + offset + lane
        t = j * jnp.asarray(rules.dt, rules.dtype)
        stage = partial(_stage, rules, prepared, lane, sums, recent)
        return rules.step(prepared, y, noise, now, given, t, stage)

    return step


def _stage(rules, prepared, lane, sums, recent, y, c):
    return rules.coupling_inputs(prepared, y, c, lane, sums, recent)


def _normal(rules: SystemRules, prepared, index) -> dict:
    return rules.normal(prepared, index, (rules.superblock,))


def _recent(rules: SystemRules, history, offset) -> list:
    """Return, where short edges need them, the samples from a block before to a block after."""
    out = []
    for path, features in zip(rules.pathways, history, strict=True):
        if path.delayed and path.plan[3]:
            first = path.plan[1] + offset - rules.block
            width = 2 * rules.block + 1
            out.append(tuple(lax.dynamic_slice_in_dim(h, first, width, -1) for h in features))
        else:
            out.append(())
    return out


def _sent(rules: SystemRules, prepared, y) -> list:
    """Return the features that every delayed pathway sends, as bare arrays."""
    out = []
    for path, p in zip(rules.pathways, prepared["paths"], strict=True):
        if not path.delayed:
            out.append(())
            continue
        features, _ = path.features(p, path.sent(rules.node, prepared["params"], y))
        out.append(
            tuple(jnp.broadcast_to(jnp.asarray(f, rules.dtype), rules.full_shape) for f in features)
        )
    return out


def _append_recent(rules: SystemRules, prepared, recent, y, lane) -> list:
    if not any(recent):
        return recent
    out = []
    for features, new in zip(recent, _sent(rules, prepared, y), strict=True):
        column = rules.block + 1 + lane
        out.append(
            tuple(
                lax.dynamic_update_slice_in_dim(r, n[..., None], column, -1)
                for r, n in zip(features, new, strict=False)
            )
        )
    return out


def _dynamic_superblock(rules, wanted, prepared, carry, index, low, high, inputs):
    """Run the steps ``low`` to ``high`` of one superblock; the bounds are values."""
    size, block = rules.superblock, rules.block
    z = _normal(rules, prepared, index)
    delayed = any(path.delayed for path in rules.pathways)
    needed = tuple(rules.node.states) if delayed else wanted
    samples = {n: jnp.zeros((size, *rules.full_shape), rules.dtype) for n in wanted}

    def one_block(b, loop):
        y, noise, history, samples = loop
        offset = b * block
        step = _block_stepper(rules, prepared, index, z, inputs, offset)
        sums = rules.block_sums(prepared, history, offset)
        rows = {n: jnp.zeros((block, *rules.full_shape), rules.dtype) for n in needed}
        first, last = jnp.maximum(low - offset, 0), jnp.minimum(high - offset, block)

        def one_step(lane, loop):
            y, noise, recent, rows = loop
            y, noise = step(y, noise, lane, sums, recent)
            recent = _append_recent(rules, prepared, recent, y, lane)
            rows = {n: lax.dynamic_update_index_in_dim(rows[n], y[n], lane, 0) for n in rows}
            return y, noise, recent, rows

        loop = (y, noise, _recent(rules, history, offset), rows)
        y, noise, _, rows = lax.fori_loop(first, last, one_step, loop)
        if delayed:
            lanes = jnp.arange(block)
            done = (lanes >= first) & (lanes < last)
            history = _write_history(rules, prepared, history, rows, offset, done)
        samples = {
            n: lax.dynamic_update_slice_in_dim(samples[n], rows[n], offset, 0) for n in samples
        }
        return y, noise, history, samples

    loop = (carry["y"], carry["noise"], carry["history"], samples)
    y, noise, history, samples = lax.fori_loop(low // block, -(-high // block), one_block, loop)
    history = _shift_history(rules, history, jnp.where(high == size, size, 0))
    return {"y": y, "noise": noise, "history": history}, samples


@partial(jax.jit, static_argnums=0, inline=True)
def single_step(rules: SystemRules, values: dict, carry: dict, position, inputs: dict) -> dict:
    """Run the one step at the absolute ``position``; noise comes from the key in ``values``."""
    prepared = rules.prepare(values)
    low = position % rules.superblock
    offset = low // rules.block * rules.block
    lane = low - offset
    z = rules.normal(prepared, 0, ())
    history = carry["history"]
    sums = rules.block_sums(prepared, history, offset)
    stage = partial(_stage, rules, prepared, lane, sums, _recent(rules, history, offset))
    t = position * jnp.asarray(rules.dt, rules.dtype)
    y, noise = rules.step(prepared, carry["y"], carry["noise"], z, inputs, t, stage)
    if any(path.delayed for path in rules.pathways):
        lanes = jnp.arange(rules.block)
        rows = {n: jnp.broadcast_to(v, (rules.block, *v.shape)) for n, v in y.items()}
        history = _write_history(rules, prepared, history, rows, offset, lanes == lane)
        last = low + 1 == rules.superblock
        history = _shift_history(rules, history, jnp.where(last, rules.superblock, 0))
    return {"y": y, "noise": noise, "history": history}


def _write_history(rules: SystemRules, prepared, history, rows, offset, done=None) -> list:
    """Append what a block has sent; steps that were not done keep what is there."""
    sent = jax.vmap(partial(_sent, rules, prepared))(rows)
    out = []
    for path, features, new in zip(rules.pathways, history, sent, strict=True):
        written = []
        for h, f in zip(features, new, strict=True):
            columns = jnp.moveaxis(f, 0, -1)
            at = path.plan[1] + 1 + offset
            if done is not None:
                old = lax.dynamic_slice_in_dim(h, at, rules.block, -1)
                columns = jnp.where(done, columns, old)
            written.append(lax.dynamic_update_slice_in_dim(h, columns, at, -1))
        out.append(tuple(written))
    return out


def _shift_history(rules: SystemRules, history, by) -> list:
    """Move the end of a finished superblock to where the next one expects its past."""
    out = []
    for path, features in zip(rules.pathways, history, strict=True):
        kept = path.plan[1] + 1 if path.delayed else 0
        out.append(
            tuple(
                lax.dynamic_update_slice_in_dim(h, lax.dynamic_slice_in_dim(h, by, kept, -1), 0, -1)
                for h in features
            )
        )
    return out


def _static_superblock(rules, wanted, prepared, carry, index, low: int, high: int, inputs):
    """Run the steps ``low`` to ``high`` of one superblock; fixed bounds, differentiable."""
    size, block = rules.superblock, rules.block
    z = _normal(rules, prepared, index)
    delayed = any(path.delayed for path in rules.pathways)
    needed = tuple(rules.node.states) if delayed else wanted
    # History enters a whole block at once, so where there is one, windows begin with blocks.
    cut = truncation.cutter(rules.dt, block if delayed else 1)

    def some_steps(loop, offset, first: int, last: int):
        y, noise, history = cut(loop, index * size + offset) if delayed else loop
        step = _block_stepper(rules, prepared, index, z, inputs, offset)
        sums = rules.block_sums(prepared, history, offset)

        def one_step(loop, lane):
            y, noise, recent = loop if delayed else cut(loop, index * size + offset + lane)
            y, noise = step(y, noise, lane, sums, recent)
            recent = _append_recent(rules, prepared, recent, y, lane)
            return (y, noise, recent), {n: y[n] for n in needed}

        loop = (y, noise, _recent(rules, history, offset))
        (y, noise, _), rows = lax.scan(one_step, loop, jnp.arange(first, last))
        if delayed:
            full = first == 0 and last == block
            padded = rows
            if not full:
                padded = {
                    n: jnp.pad(r, [(first, block - last)] + [(0, 0)] * (r.ndim - 1))
                    for n, r in rows.items()
                }
            lanes = np.arange(block)
            done = None if full else jnp.asarray((lanes >= first) & (lanes < last))
            history = _write_history(rules, prepared, history, padded, offset, done)
        return (y, noise, history), {n: rows[n] for n in wanted}

    loop = (carry["y"], carry["noise"], carry["history"])
    parts = []
    position = low
    while position < high:
        offset = position // block * block
        full = (high - position) // block
        if position == offset and full > 1:
            loop, rows = lax.scan(
                lambda loop, at: some_steps(loop, at, 0, block),
                loop,
                offset + block * jnp.arange(full),
            )
            parts.append({n: r.reshape(-1, *r.shape[2:]) for n, r in rows.items()})
            position += full * block
        else:
            last = min(high - offset, block)
            loop, rows = some_steps(loop, offset, position - offset, last)
            parts.append(rows)
            position = offset + last
    y, noise, history = loop
    samples = {n: jnp.concatenate([part[n] for part in parts]) for n in wanted}
    if high == size:
        history = _shift_history(rules, history, size)
    return {"y": y, "noise": noise, "history": history}, samples


def _with_adjoint(
    rules, wanted, prepared, carry, index, length, high, inputs, trained: bool, observed=None
):
    """Run the first ``high`` of ``length`` steps of a superblock; the derivative is our own.

    ``observed`` holds the values that observers read, and the function that feeds them.
    """
    numbers, others, structure = adjoint.split(prepared)
    tree, floats, heavy = structure
    task = adjoint.Task(rules, wanted, length, tree, floats, heavy, trained)
    if observed is not None:
        light, feed = observed
        carry, seen = dict(carry), carry["watch"]
        carry.pop("watch")
        given = (light, seen, carry, index, high, inputs)
        result: Any = watched_superblock(task, feed, numbers, others, *given)
        y, noise, history, seen, out = result
        if length == rules.superblock:
            history = _shift_history(rules, history, length)
        return {"y": y, "noise": noise, "history": history, "watch": seen}, out
    out: Any = adjoint.superblock(
        task, numbers, others, carry["y"], carry["noise"], carry["history"], index, high, inputs
    )
    y, noise, history, samples = out
    if length == rules.superblock:
        history = _shift_history(rules, history, length)
    return {"y": y, "noise": noise, "history": history}, samples


def traced_run(
    rules: SystemRules,
    recording: Recording,
    values: dict,
    carry: dict,
    start: int,
    stop: int,
    origin: int,
    drive: dict,
    drive_function=None,
):
    """Run inside a JAX trace: one scan over superblocks, each recomputed when differentiated.

    ``drive`` holds the rows of external input from the superblock of ``start`` on. Returns the
    carry and what was observed, time first.
    """
    size = rules.superblock
    watch = recording.watch
    prepared = rules.prepare(values)
    given = drive_function and partial(drive_function, values["drive"])
    trained = any(
        path.interpolated or is_tracer(v["weights"])
        for path, v in zip(rules.pathways, values["paths"], strict=True)
    )
    first = start // size
    pieces = []

    def inputs_at(index, drive):
        return _inputs(rules, drive, index - first, index, given)

    def run_piece(carry, index, low, high, remember):
        def work(prepared, carry, index, drive):
            after, samples = _static_superblock(
                rules, recording.states, prepared, carry, index, low, high, inputs_at(index, drive)
            )
            return observed(carry, after, samples, index, low, high)

        return (jax.checkpoint(work) if remember else work)(prepared, carry, index, drive)

    def run_adjoint(carry, index, length):
        high = jnp.minimum(stop - index * size, length)
        given = (carry, index, length, high, inputs_at(index, drive), trained)
        if watch is not None:
            light = {name: values[name] for name in ("params", "watch")}
            return _with_adjoint(rules, recording.states, prepared, *given, (light, feed))
        carry, samples = _with_adjoint(rules, recording.states, prepared, *given)
        return carry, (_kept_rows(samples, index, 0), None)

    def feed(light, seen, samples, index, high):
        """Return what observers keep of a superblock, and its samples and what came out."""
        seen, out = watch.traced(light, seen, samples, index, 0, high, origin)
        rows = {name: samples[name] for name in recording.recorded}
        return seen, (_kept_rows(rows, index, 0), out)

    def observed(before, carry, samples, index, low, high):
        """Return carry and samples, and what the observers make of them."""
        out = None
        if watch is not None:
            span = (index, low, high, origin)
            carry["watch"], out = watch.traced(values, before["watch"], samples, *span)
            samples = {name: samples[name] for name in recording.recorded}
        return carry, (_kept_rows(samples, index, low), out)

    def _kept_rows(samples, index, low):
        if recording.every == 1 or not samples:
            return samples
        begin = index * size + low
        count = kept_before(begin, origin, recording.every)
        lane = origin + (count + 1) * recording.every - 1 - begin
        lane = lane + jnp.arange(recording.picks(size)) * recording.every
        length = next(iter(samples.values())).shape[0] if samples else size
        lane = jnp.clip(lane, 0, length - 1)
        return jax.tree.map(lambda a: jnp.take(a, lane, axis=0), samples)

    def count(begin, end):
        if recording.every == 1:
            return end - begin
        return int(
            kept_before(end, origin, recording.every) - kept_before(begin, origin, recording.every)
        )

    position, watched = start, []
    anchors = {} if watch is None else watch.anchors(carry["watch"], origin)
    while position < stop:
        index = position // size
        low = position - index * size
        own = rules.has_adjoint and low == 0 and not truncation.active()
        whole = -(-(stop - position) // size) if own else (stop - position) // size
        if own and whole == 1:
            length = -(-(stop - position) // rules.block) * rules.block
            carry, (rows, out) = run_adjoint(carry, jnp.int32(index), length)
            watched.append((index, None, out))
            pieces.append({n: r[: count(position, stop)] for n, r in rows.items()})
            position = stop
        elif low == 0 and whole > 1:
            one = partial(run_adjoint, length=size)
            if not own:
                one = partial(run_piece, low=0, high=size, remember=True)
            if watch is not None:
                carry["watch"] = watch.between(carry["watch"])
            carry, (rows, out) = lax.scan(one, carry, index + jnp.arange(whole))
            watched.append((index, whole, out))
            ends = [min(position + (k + 1) * size, stop) for k in range(whole)]
            counts = [count(position + k * size, end) for k, end in enumerate(ends)]
            flat = np.concatenate(
                [k * _length(rows, 1) + np.arange(n) for k, n in enumerate(counts)]
            ).astype(np.int32)
            rows = {n: r.reshape(-1, *r.shape[2:]) for n, r in rows.items()}
            if len(flat) != _length(rows, 0):
                rows = {n: r[flat] for n, r in rows.items()}
            pieces.append(rows)
            position = ends[-1]
        else:
            high = min(stop - index * size, size)
            carry, (rows, out) = run_piece(carry, index, low, high, stop - start > size)
            watched.append((index, None, out))
            kept = count(position, index * size + high)
            pieces.append({n: r[:kept] for n, r in rows.items()})
            position = index * size + high
    samples = {n: jnp.concatenate([p[n] for p in pieces]) for n in recording.recorded}
    if recording.every == 1:
        samples = {n: r[max(0, origin - start) :] for n, r in samples.items()}
    out = jax.vmap(partial(recording.observe, values))(samples) if samples else {}
    if watch is not None:
        out = (out, watch.result(values, carry["watch"], watched, (start, stop, origin), anchors))
    return carry, out


def _length(rows: dict, axis: int) -> int:
    return next(iter(rows.values())).shape[axis] if rows else 0

"""A run inside a JAX transformation: one scan over superblocks, differentiable."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._compat import is_tracer
from . import adjoint, truncation
from .program import Recording, kept_before
from .superblock import input_rows, shift_history, static_superblock
from .system import SystemRules
from .watched import watched_superblock

__all__ = ["traced_run"]


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
            history = shift_history(rules, history, length)
        return {"y": y, "noise": noise, "history": history, "watch": seen}, out
    out: Any = adjoint.superblock(
        task, numbers, others, carry["y"], carry["noise"], carry["history"], index, high, inputs
    )
    y, noise, history, samples = out
    if length == rules.superblock:
        history = shift_history(rules, history, length)
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
        return input_rows(rules, drive, index - first, index, given)

    def run_piece(carry, index, low, high, remember):
        def work(prepared, carry, index, drive):
            after, samples = static_superblock(
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

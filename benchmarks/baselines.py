"""What the tables compare with: C loops compiled here, and the plain gather in ``lax.scan``."""

import ctypes
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .common import DT, connectome

K, A, W, SIGMA = 0.5, 0.2, 0.3, 0.01


@cache
def library():
    """Compile the C baselines."""
    folder = Path(tempfile.mkdtemp())
    source = Path(__file__).with_name("baseline.c")
    target = folder / "baseline.so"
    flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(target), "-lm"], check=True)
    return ctypes.CDLL(str(target))


def _pointer(array):
    kind = ctypes.c_int if array.dtype == np.int32 else ctypes.c_float
    return array.ctypes.data_as(ctypes.POINTER(kind))


def _numbers():
    return [ctypes.c_float(v) for v in (K, A, W, DT, SIGMA)]


def naive_c(n, steps, every=10):
    """Return a call that runs the first loop one would write."""
    weights, delays = connectome(n)
    w, d = weights.astype(np.float32), delays.astype(np.int32)
    x, y = np.full(n, 0.1, np.float32), np.zeros(n, np.float32)
    out = np.zeros((steps // every + 1, n), np.float32)
    function = library().naive
    start = (n, steps, int(d.max()) + 1, _pointer(w), _pointer(d), _pointer(x), _pointer(y))
    return lambda: function(*start, *_numbers(), _pointer(out), every)


def blocked_c(n, steps, every=10, block=8):
    """Return a call that runs the blocked loop."""
    weights, delays = connectome(n)
    target, source = np.nonzero(weights)
    first = np.searchsorted(target, np.arange(n + 1)).astype(np.int32)
    edges = weights[target, source].astype(np.float32)
    w = np.concatenate([edges, weights.sum(1).astype(np.float32)])
    d, src = delays[target, source].astype(np.int32), source.astype(np.int32)
    x, y = np.full(n, 0.1, np.float32), np.zeros(n, np.float32)
    out = np.zeros((steps // every + 1, n), np.float32)
    function = library().blocked
    start = (n, steps, block, int(d.max()), _pointer(first), _pointer(src), _pointer(w))
    start += (_pointer(d), _pointer(x), _pointer(y))
    return lambda: function(*start, *_numbers(), _pointer(out), every)


def gather_scan(n, steps, every=10):
    """Return a call of the plain scheme: one (N, N) gather from a ring per step, under ``jit``."""
    weights, delays = connectome(n)
    w, d = jnp.asarray(weights, jnp.float32), jnp.asarray(delays)
    ring = int(delays.max()) + 1
    column = jnp.arange(n)[None, :]

    @jax.jit
    def run(key, a):
        def step(carry, t):
            x, y, history = carry
            history = history.at[t % ring].set(x)
            delayed = history[(t - d) % ring, column]
            current = K * jnp.sum(w * (delayed - x[:, None]), axis=1)
            noise = SIGMA * DT**0.5 * jax.random.normal(jax.random.fold_in(key, t), (n,))
            growth = a - x * x - y * y
            dx, dy = growth * x - W * y + current, growth * y + W * x
            return (x + DT * dx + noise, y + DT * dy, history), x

        start = (jnp.full(n, 0.1), jnp.zeros(n), jnp.full((ring, n), 0.01))
        return lax.scan(step, start, jnp.arange(steps))[1][every - 1 :: every]

    return lambda: jax.block_until_ready(run(jax.random.key(0), 0.2))


def blocked_scan(n, steps, every=10, block=8):
    """Return a call of the blocked scheme written bare in ``lax``, under ``jit``."""
    weights, delays = connectome(n)
    width = int((weights > 0).sum(1).max())
    source, w = np.zeros((n, width), np.int32), np.zeros((n, width), np.float32)
    d = np.full((n, width), 10)
    for i in range(n):
        j = np.flatnonzero(weights[i])
        source[i, : j.size], w[i, : j.size], d[i, : j.size] = j, weights[i, j], delays[i, j]
    past, long = int(delays.max()), 512
    start = jnp.asarray(np.stack([source, past - d], -1).astype(np.int32))
    w, degree = jnp.asarray(w), jnp.asarray(w.sum(1))
    numbers = lax.GatherDimensionNumbers((2,), (0,), (0, 1))

    @jax.jit
    def run(key, a):
        def superblock(carry, s):
            z = SIGMA * DT**0.5 * jax.random.normal(jax.random.fold_in(key, s), (long, n))

            def one_block(carry, b):
                x, y, history = carry
                windows = lax.gather(
                    history, start + jnp.array([0, 1]) * (b * block), numbers, (1, block),
                    mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
                )  # fmt: skip
                sums = jnp.einsum("ij,ijb->bi", w, windows)

                def step(lane, carry):
                    x, y, rows = carry
                    growth = a - x * x - y * y
                    dx = growth * x - W * y + K * (sums[lane] - degree * x)
                    dy = growth * y + W * x
                    x = x + DT * dx + z[b * block + lane]
                    return x, y + DT * dy, lax.dynamic_update_index_in_dim(rows, x, lane, 0)

                x, y, rows = lax.fori_loop(0, block, step, (x, y, jnp.zeros((block, n))))
                history = lax.dynamic_update_slice(history, rows.T, (0, past + 1 + b * block))
                return (x, y, history), rows

            (x, y, history), rows = lax.scan(one_block, carry, jnp.arange(long // block))
            kept = lax.dynamic_slice_in_dim(history, long, past + 1, 1)
            history = lax.dynamic_update_slice(history, kept, (0, 0))
            return (x, y, history), rows.reshape(-1, n)

        carry = (jnp.full(n, 0.1), jnp.zeros(n), jnp.full((n, past + 1 + long), 0.01))
        rows = lax.scan(superblock, carry, jnp.arange(-(-steps // long)))[1]
        return rows.reshape(-1, n)[:steps][every - 1 :: every]

    return lambda: jax.block_until_ready(run(jax.random.key(0), 0.2))

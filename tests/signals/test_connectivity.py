"""Functional connectivity, static and in windows."""

import time

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from signals.helpers import number, series

import brainmass
from brainmass import analysis


def test_fc_is_the_pearson_matrix_whatever_the_unit(x64):
    x = series()
    assert np.allclose(analysis.fc(x * u.mV), np.corrcoef(x.T), atol=1e-13)
    assert np.all(np.diag(analysis.fc(x)) == 1.0)


def test_fc_of_tiny_and_huge_signals_neither_underflows_nor_overflows():
    x = series().astype(np.float32)
    for scale in (1e-30, 1e30):
        assert np.allclose(analysis.fc(x * np.float32(scale)), np.corrcoef(x.T), atol=1e-5)


def test_fc_of_a_batch_is_one_matrix_per_member(x64):
    x = np.stack([series(s) for s in range(3)], axis=1)
    known = [np.corrcoef(x[:, b].T) for b in range(3)]
    assert np.allclose(analysis.fc(x), known, atol=1e-13)


def test_fc_of_a_linear_network_is_that_of_its_lyapunov_equation():
    weights = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    node = brainmass.LinearStep(3, gamma=-2.0, noise_x=brainmass.WhiteNoise(3, sigma=1.0))
    net = brainmass.Network(node, conn=weights, coupling="additive", k=0.5, coupled_var="x")
    x = brainmass.Simulator(net, dt=0.02 * u.ms).run(
        300 * u.ms, monitors="node.x", transient=10 * u.ms, sample_every=5, batch_size=64, seed=1
    )["node.x"]
    found = np.asarray(analysis.fc(x))
    error = found.std(axis=0) / 8
    for (i, j), known in {(0, 1): 0.258599, (0, 2): 0.142187, (1, 2): 0.084578}.items():
        assert error[i, j] < 0.01
        assert abs(found[:, i, j].mean() - known) < 3 * error[i, j]


def test_fc_has_a_second_derivative(x64):
    x = series(time=12, region=3)
    f = number(analysis.fc)
    step = 1e-5 * np.random.default_rng(3).normal(size=x.shape)
    slope = jax.jit(jax.grad(f))
    known = (slope(x + step) - slope(x - step)) / 2
    product = jax.jit(lambda x: jax.jvp(jax.grad(f), (x,), (step,))[1])(x)
    assert np.allclose(product, known, atol=1e-9)


def test_fc_and_its_gradient_cost_less_than_one_and_a_half_bare_products():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(5000, 84)), jnp.float32)
    weight = jnp.asarray(np.random.default_rng(1).normal(size=(84, 84)), jnp.float32)

    def bare(x):
        z = x - jnp.mean(x, axis=0)
        z = z / jnp.sqrt(jnp.sum(z * z, axis=0))
        return z.T @ z

    programs = [
        jax.jit(jax.value_and_grad(lambda x, f=f: jnp.sum(f(x) * weight)))
        for f in (analysis.fc, bare)
    ]
    jax.block_until_ready([f(x) for f in programs])
    best = [np.inf, np.inf]
    for _ in range(60):
        for k, f in enumerate(programs):
            began = time.perf_counter()
            jax.block_until_ready(f(x))
            best[k] = min(best[k], time.perf_counter() - began)
    assert best[0] < 1.5 * best[1]


def test_fcd_matches_a_loop_over_windows(x64):
    x = series(time=100, region=5)
    rows = np.triu_indices(5, 1)
    triangles = [np.corrcoef(x[s : s + 30].T)[rows] for s in range(0, 71, 10)]
    assert np.allclose(analysis.fcd(x, 30, 10), np.corrcoef(triangles), atol=1e-12)
    given = analysis.fcd(x, 60 * u.second, 20_000 * u.ms, dt=2 * u.second)
    assert np.allclose(given, analysis.fcd(x, 30, 10))

"""Random numbers do not depend on chunks, batches and traces; gradients with them frozen."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param
from noise.helpers import HZ, MS, Integrator

import brainmass

EVERY = {
    "gaussian": lambda n: brainmass.GaussianNoise(n, sigma=0.1),
    "white": lambda n: brainmass.WhiteNoise(n, sigma=0.1),
    "ou": lambda n: brainmass.OUProcess(n, sigma=0.1, tau=5 * MS),
    "brownian": lambda n: brainmass.BrownianNoise(n, sigma=0.1),
    "pink": lambda n: brainmass.PinkNoise(n, sigma=0.1),
    "blue": lambda n: brainmass.BlueNoise(n, sigma=0.1),
    "violet": lambda n: brainmass.VioletNoise(n, sigma=0.1),
    "correlated": lambda n: brainmass.WhiteNoise(n, cov=np.eye(n) * 0.5 + 0.5),
    "multiplied": lambda n: brainmass.WhiteNoise(n, sigma=0.1, amplitude=lambda s: s.x),
    "staged": lambda n: brainmass.WhiteNoise(
        n, sigma=0.1, amplitude=lambda s: s.x, interpretation="stratonovich"
    ),
}
each = pytest.mark.parametrize("name", EVERY)
each_kind = pytest.mark.parametrize("name", ["ou", "pink", "blue", "correlated", "staged"])


def hopf(name, **settings):
    node = brainmass.HopfStep(3, a=0.25, w=0.3, init_x=0.5, noise_x=EVERY[name](3), **settings)
    return brainmass.Simulator(node, dt=0.1 * MS)


@each
def test_chunks_change_no_bit_and_runs_continue(name):
    whole = hopf(name).run(30 * MS, monitors="x", seed=5)["x"]
    parts = hopf(name).run(30 * MS, monitors="x", seed=5, chunk=37)["x"]
    np.testing.assert_array_equal(parts, whole)
    sim = hopf(name)
    first = sim.run(11.3 * MS, monitors="x", seed=5)["x"]
    rest = sim.run(18.7 * MS, monitors="x", init_states=False)["x"]
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)


@each_kind
def test_traced_runs_of_delayed_networks_equal_compiled_ones(name):
    network = brainmass.Network(
        hopf(name).model,
        conn=np.ones((3, 3)),
        distance=np.full((3, 3), 20.0) * u.mm,
        speed=10.0 * u.mm / u.ms,
        coupled_var="x",
        k=0.1,
        delay_init=0.0,
    )
    sim = brainmass.Simulator(network, dt=0.1 * MS)
    monitor = {"x": lambda m: m.node.x.value}
    eager = sim.run(20 * MS, monitors=monitor, seed=3)["x"]
    traced = jax.jit(lambda: sim.run(20 * MS, monitors=monitor, seed=3)["x"])()
    np.testing.assert_allclose(traced, eager, atol=2e-5)


@each_kind
def test_batch_members_are_independent(name):
    node = brainmass.LinearStep(2, gamma=-0.1, init_x=1.0, noise_x=EVERY[name](2))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    x = np.asarray(sim.run(3 * MS, monitors="x", batch_size=4000, seed=0)["x"][-1])
    first, second = x[:2000, 0], x[2000:, 0]
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(2000)
    assert np.unique(x).size > 7000


@each
def test_update_by_hand_draws_one_value_per_region(name):
    noise = EVERY[name](3)
    with brainstate.environ.context(dt=0.1 * MS):
        if noise.amplitude is None:
            noise.init_state()
            assert noise().shape == (3,)
            assert not np.array_equal(noise(), noise())
        if noise.state_names:
            noise.init_state(5)
            assert noise().shape == (5, 3)


def test_a_population_may_have_several_axes():
    node = brainmass.HopfStep((2, 3), noise_x=brainmass.PinkNoise((2, 3), sigma=0.1))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    assert sim.run(2 * MS, monitors="x", batch_size=4)["x"].shape == (20, 4, 2, 3)


def test_new_values_of_coloured_noise_compile_nothing(compile_count):
    def run(beta, sigma, top):
        noise = brainmass.ColoredNoise(3, beta, sigma=sigma, f_max=top * HZ)
        node = Integrator(3, noise_x=noise)
        return brainmass.Simulator(node, dt=0.1 * MS).run(5 * MS, monitors="x", seed=1)

    run(1.0, 0.1, 100)
    run(1.1, 0.1, 100)
    with compile_count:
        run(1.3, 0.2, 110)
    assert compile_count.n == 0


def test_units_of_noise_convert_to_those_of_the_inlet():
    node = Integrator(3, noise_v=brainmass.PinkNoise(3, sigma=0.001 * u.volt))
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    small = sim.run(2 * MS, monitors="v", seed=1)["v"]
    node.noise_v = brainmass.PinkNoise(3, sigma=1.0 * u.mV)
    large = sim.run(2 * MS, monitors="v", seed=1)["v"]
    # Sums of numbers near 1 that pass through zero: float32 rounding is absolute there.
    np.testing.assert_allclose(small.mantissa, large.mantissa, rtol=1e-5, atol=1e-6)


def test_defaults_of_mean_and_sigma():
    noise = brainmass.GaussianNoise(3)
    assert (float(noise.sigma.value()), float(noise.mean.value())) == (1.0, 0.0)
    noise = brainmass.OUProcess(3, mean=2 * u.mV)
    assert noise.unit == u.mV
    assert noise.sigma.value() == 1 * u.mV
    noise = brainmass.WhiteNoise(3, sigma=2 * u.mV)
    assert noise.mean.value() == 0 * u.mV
    with brainstate.environ.context(dt=0.1 * MS):
        noise = brainmass.BrownianNoise(2, sigma=0.1)
        noise.init_state()
        assert noise().shape == (2,)


TRAINED = {
    "ou": lambda p: brainmass.OUProcess(2, sigma=Param(p[0]), tau=Param(p[1] * MS)),
    "pink": lambda p: brainmass.PinkNoise(2, sigma=Param(p[0]), mean=Param(p[1])),
    "blue": lambda p: brainmass.BlueNoise(2, sigma=Param(p[0]), mean=Param(p[1])),
    "correlated": lambda p: brainmass.OUProcess(
        2, cov=jnp.array([[1.0, 0.3], [0.3, 1.0]]) * p[0] ** 2 + jnp.eye(2) * p[1]
    ),
    "multiplied": lambda p: brainmass.WhiteNoise(
        2, sigma=Param(p[0]), mean=Param(p[1]), amplitude=lambda s: s.x
    ),
}


@pytest.mark.parametrize(
    ("name", "delayed"),
    [
        ("ou", False),
        ("blue", False),
        ("multiplied", False),
        ("ou", True),
        ("pink", True),
        ("correlated", True),
    ],
)
def test_gradient_with_frozen_noise_is_the_difference_quotient(name, delayed, x64):
    def loss(p):
        node = brainmass.HopfStep(2, a=-0.2, init_x=0.5, noise_x=TRAINED[name](p))
        if delayed:
            node = brainmass.Network(
                node,
                conn=np.array([[0.0, 1.0], [0.5, 0.0]]),
                distance=np.full((2, 2), 5.0) * u.mm,
                speed=10.0 * u.mm / u.ms,
                coupled_var="x",
                k=0.5,
                delay_init=0.0,
            )
        read = (lambda m: m.node.x.value) if delayed else (lambda m: m.x.value)
        sim = brainmass.Simulator(node, dt=0.1 * MS)
        return (sim.run(3 * MS, monitors=read, seed=7)["output"][-1] ** 2).sum()

    at = jnp.array([0.3, 4.0 if name == "ou" else 0.4])
    slope = jax.grad(loss)(at)
    for k in range(2):
        move = jnp.zeros(2).at[k].set(1e-5)
        central = (loss(at + move) - loss(at - move)) / 2e-5
        np.testing.assert_allclose(slope[k], central, rtol=1e-5, atol=1e-9)

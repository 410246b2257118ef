"""Noise that is correlated across regions."""

import brainunit as u
import numpy as np
import pytest
from noise.helpers import MS, Integrator, held

import brainmass

COV = np.array([[4.0, 1.0, -0.5], [1.0, 1.0, 0.0], [-0.5, 0.0, 0.25]])


@pytest.mark.parametrize(
    ("cls", "seen"),
    [
        (brainmass.GaussianNoise, 1.0),
        (brainmass.WhiteNoise, 10.0),  # held over 0.1 ms, the increments over 1 ms are cov
        (brainmass.OUProcess, 1.0),
        (brainmass.PinkNoise, 1.0),
        (brainmass.BrownianNoise, 0.8),  # after 0.8 ms
    ],
)
def test_covariance_is_the_one_asked_for(cls, seen):
    n = 20_000
    values = held(cls(3, cov=COV), 0.8, 0.1, batch_size=n)[-1] / np.sqrt(seen)
    found = np.cov(values.T)
    # The standard error of a covariance of n pairs: sqrt((c_ij^2 + c_ii c_jj) / n).
    error = np.sqrt((COV**2 + np.outer(np.diag(COV), np.diag(COV))) / n)
    assert (abs(found - COV) < 3.5 * error).all()


def test_a_correlation_matrix_goes_with_sigma_and_keeps_its_convention():
    corr = np.array([[1.0, 0.6], [0.6, 1.0]])
    noise = brainmass.OUProcess(2, sigma=np.array([1.0, 2.0]), cov=corr)
    values = held(noise, 0.5, 0.1, batch_size=20_000)[-1]
    np.testing.assert_allclose(values.std(0), np.array([1, 2]) / 2**0.5, rtol=4 / np.sqrt(40_000))
    assert abs(np.corrcoef(values.T)[0, 1] - 0.6) < 4 * (1 - 0.36) / np.sqrt(20_000)


def test_a_covariance_keeps_its_unit_and_sets_sigma():
    noise = brainmass.OUProcess(3, cov=COV * u.mV**2, mean=1 * u.mV)
    assert noise.unit == u.mV
    np.testing.assert_allclose(noise.sigma.value().mantissa, np.sqrt(2 * np.diag(COV)), rtol=1e-6)
    node = Integrator(3, noise_v=noise)
    v = brainmass.Simulator(node, dt=0.1 * MS).run(1 * MS, monitors="v")["v"]
    assert v.unit == u.mV


def test_a_singular_covariance_is_drawn_exactly():
    values = held(brainmass.GaussianNoise(3, cov=np.ones((3, 3))), 1, 0.1)
    np.testing.assert_allclose(values, values[:, :1] * np.ones(3), atol=1e-4)
    silent = held(brainmass.GaussianNoise(2, cov=np.diag([0.0, 1.0])), 1, 0.1)
    assert not silent[:, 0].any()
    assert silent[:, 1].all()


def test_a_new_covariance_compiles_nothing(compile_count):
    def run(scale):
        node = Integrator(3, noise_x=brainmass.WhiteNoise(3, cov=scale * COV))
        return brainmass.Simulator(node, dt=0.1 * MS).run(5 * MS, monitors="x", seed=1)["x"]

    first = run(1.0)
    run(2.0)
    with compile_count:
        second = run(4.0)
    assert compile_count.n == 0
    np.testing.assert_allclose(second, 2 * first, rtol=1e-4, atol=1e-5)

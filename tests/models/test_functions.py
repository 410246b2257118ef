"""Shared functions: values, limits, and gradients where a plain formula fails."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass
from brainmass.functions import soft_rectifier
from brainmass.models.jansen_rit import S
from brainmass.models.larter_breakspear import gate
from brainmass.models.wilson_cowan.base import response


@pytest.mark.parametrize("x", [-1e4, -30.0, -0.3, -1e-3, 0.0, 1e-3, 0.3, 30.0, 1e4])
def test_soft_rectifier_and_its_slope_are_exact_everywhere(x, x64):
    value, slope = jax.jit(jax.value_and_grad(soft_rectifier))(x, 6.5)
    z = np.longdouble(x) / np.longdouble(6.5)
    if x == 0:
        exact, steep = 6.5, 0.5
    elif z < -700:
        exact, steep = 0.0, 0.0
    else:
        e = np.exp(-z)
        exact = x / -np.expm1(-z)
        steep = 1 / -np.expm1(-z) - z * e / np.expm1(-z) ** 2
    assert float(value) == pytest.approx(float(exact), rel=1e-12, abs=1e-300)
    assert float(slope) == pytest.approx(float(steep), rel=1e-9, abs=1e-12)


def test_soft_rectifier_is_smooth_across_its_series(x64):
    curvature = jax.jit(jax.vmap(jax.grad(jax.grad(lambda x: soft_rectifier(x, 1.0)))))
    found = np.asarray(curvature(jnp.array([-0.0101, -0.0099, 0.0, 0.0099, 0.0101])))
    np.testing.assert_allclose(found, 1 / 6, rtol=1e-4)


# Every sigmoid and rate of a current in the package, with arguments of the models that use it.
CURVES = {
    "sigmoid": lambda x: brainmass.sigmoid(x, 5.0, 6.0, 0.56),
    "soft rectifier": lambda x: soft_rectifier(x, 6.5),
    "steep soft rectifier": lambda x: soft_rectifier(x, 1e-3),
    "bounded input": lambda x: brainmass.bounded_input(x, 500.0),
    "Wilson-Cowan": lambda x: response(x, 1.2, 2.8),
    "Jansen-Rit": lambda x: S(x * u.mV, 5.0 * u.Hz, 6.0 * u.mV, 0.56) / u.Hz,
    "Larter-Breakspear": lambda x: gate(x, -0.01, 0.15),
    "sigmoidal coupling": lambda x: brainmass.sigmoidal_coupling(x[..., None, None], [[1.0]])[0],
    "tanh coupling": lambda x: brainmass.hyperbolic_tangent_coupling(x[..., None, None], [[1.0]])[
        0
    ],
    "Jansen-Rit coupling": lambda x: brainmass.sigmoidal_jansen_rit_coupling(
        x[..., None, None], [[1.0]]
    )[0],
}
EVERYWHERE = (-1e4, -88.8, -1e-2, -1e-30, 0.0, 1e-30, 1e-2, 2.8, 6.0, 88.8, 1e4)


@pytest.mark.parametrize("precision", [32, 64])
@pytest.mark.parametrize("name", list(CURVES))
def test_curve_has_a_finite_value_and_slope_everywhere(name, precision):
    brainstate.environ.set(precision=precision)
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda x: jnp.sum(CURVES[name](x)))))
    value, slope = both(jnp.array(EVERYWHERE))
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert (np.diff(value) >= 0).all()
    assert (np.asarray(slope) >= 0).all()


def test_sigmoid_checks_units():
    assert brainmass.sigmoid(6 * u.mV, 5 * u.Hz, 6 * u.mV, 0.56 / u.mV) == 2.5 * u.Hz
    with pytest.raises((u.UnitMismatchError, u.DimensionMismatchError)):
        brainmass.sigmoid(6 * u.mV, 5 * u.Hz, 6 * u.mV, 0.56)


def test_second_order_synapse_settles_at_its_gain():
    x = 3.25 * u.mV * 2.0 / (100 * u.Hz) * u.Hz
    found = brainmass.sys2nd(3.25 * u.mV, 100 * u.Hz, 2.0 * u.Hz, x, 0.0 * u.mV * u.Hz)
    assert abs(found / (u.mV * u.Hz**2)) < 1e-4


def test_bounded_input_saturates_and_keeps_the_unit():
    assert brainmass.bounded_input(1e6 * u.Hz, 500.0) == 500 * u.Hz
    assert float(brainmass.bounded_input(1e-3)) == pytest.approx(1e-3, rel=1e-6)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("last", 3.0), ("first", 1.0), ("avg", 2.0), ("mean", 2.0), ("max", 3.0), ("min", 1.0)],
)
def test_process_sequence_reduces_time(mode, expected):
    data = {"a": jnp.array([1.0, 2.0, 3.0]), "b": jnp.array([1.0, 2.0, 3.0]) * u.mV}
    out = brainmass.process_sequence(data, mode)
    assert float(out["a"]) == expected
    assert float(out["b"] / u.mV) == expected


def test_process_sequence_takes_a_function_and_refuses_a_wrong_name():
    assert brainmass.process_sequence(jnp.arange(3.0), lambda x: x.sum()) == 3.0
    with pytest.raises(ValueError, match="mode must be one of 'stack'"):
        brainmass.process_sequence(jnp.arange(3.0), "middle")


def test_delay_index_counts_sources():
    np.testing.assert_array_equal(brainmass.delay_index(3), [[0, 1, 2]] * 3)

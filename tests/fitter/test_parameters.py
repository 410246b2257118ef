"""What can be fitted: units, transforms, arrays, layers, networks."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import ExpT, Param, SigmoidT
from fitter_models import Gain, adam, parabola

import brainmass
from brainmass import Fitter


@pytest.mark.parametrize("unit", [u.mV, u.volt, u.uvolt], ids=str)
def test_fit_is_the_same_in_any_unit(x64, unit):
    class Cell(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.v = Param((3.0 * u.mV).in_unit(unit), fit=True)

    fitter = Fitter(Cell(), adam(0.05), predict=lambda m: m.v.value())
    result = fitter.fit(5.0 * u.mV, n_steps=30)
    assert result.best_params["v"].unit == unit
    known = [2.0, 1.85, 1.7]  # each step of Adam moves by 0.05 of the initial 3 mV
    losses = u.Quantity(np.asarray(result.history[:3]), unit=result.loss_unit)
    assert np.allclose(losses.to_decimal(u.mV), known, rtol=1e-6)
    assert f"{losses.unit}" in repr(result)


def test_declared_parameters_move_in_widths_of_their_range(x64):
    class Pair(brainstate.nn.Module):
        def __init__(self, gain):
            super().__init__()
            self.node = brainmass.JansenRitStep(1, Ae=Param(gain, fit=True))

    for gain in (3.25 * u.mV, 3.25e-3 * u.volt):
        fitter = Fitter(Pair(gain), adam(0.01), predict=lambda m: m.node.Ae.value())
        result = fitter.fit(5.0 * u.mV, n_steps=2)
        first, second = result.history["node.Ae"].to_decimal(u.mV)
        low, high = result.model.node.Ae.spec.bounds
        assert second - first == pytest.approx(0.01 * (high - low), rel=1e-5)


def test_declared_domains_are_kept():
    node = brainmass.VanDerPolStep(1, mu=Param(0.05, fit=True))
    fitter = Fitter(node, adam(0.5), loss_fn=lambda m: jnp.sum(m.mu.value()))
    result = fitter.fit(n_steps=5)
    assert 0 < float(result.best_params["mu"]) < 1e-4


def test_transforms_are_optimised_in_their_own_space():
    model = Gain(0.5, t=SigmoidT(0.0, 1.0))
    result = Fitter(model, adam(), loss_fn=parabola).fit(n_steps=100)
    assert 0.99 < float(result.best_params["gain"]) < 1.0


def test_transform_with_units():
    class Cell(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.tau = Param(10.0 * u.ms, t=ExpT(0.0 * u.ms), fit=True)

    result = Fitter(Cell(), adam(0.1), predict=lambda m: m.tau.value()).fit(20.0 * u.ms, n_steps=60)
    assert abs(result.best_params["tau"] - 20.0 * u.ms) < 0.1 * u.ms


def test_linear_layers_are_fitted():
    class Readout(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = brainstate.nn.Linear(3, 1)

    brainstate.random.seed(0)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(40, 3)), dtype=jnp.float32)
    y = x @ jnp.array([[1.0], [-2.0], [0.5]]) + 0.3
    fitter = Fitter(Readout(), adam(0.05), predict=lambda m: m.layer(x))
    result = fitter.fit(y, n_steps=300)
    assert list(result.best_params) == ["layer.weight"]
    weights = result.best_params["layer.weight"]
    assert np.allclose(weights["weight"].ravel(), [1.0, -2.0, 0.5], atol=0.02)
    assert np.allclose(weights["bias"], 0.3, atol=0.02)
    assert fitter.evaluate(result.best_params).loss == result.best_loss


def test_arrays_and_several_parameters_are_fitted_together():
    class Many(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = [Param(jnp.zeros(3)), Param(1.0)]
            self.fixed = Param(4.0, fit=False)

    model = Many()
    fitter = Fitter(
        model,
        adam(),
        predict=lambda m: m.parts[0].value() * m.fixed.value() + m.parts[1].value(),
    )
    assert fitter.params == ["parts.0", "parts.1"]
    result = fitter.fit(jnp.array([1.0, 2.0, 3.0]), n_steps=100)
    assert result.best_loss < 0.02
    assert result.best_params["parts.0"].shape == (3,)
    assert float(model.fixed.value()) == 4.0


def test_parameters_of_a_delayed_noisy_network_are_fitted():
    conn = brainmass.datasets.load_dataset("example_connectome")

    def network(k):
        return brainmass.Network(
            brainmass.HopfStep(
                8, a=-0.1, w=np.linspace(0.2, 0.3, 8), init_x=0.1,
                noise_x=brainmass.OUProcess(8, sigma=0.02, tau=5 * u.ms),
            ),
            conn=conn.weights, distance=conn.distances, speed=10 * u.mm / u.ms,
            coupling="diffusive", coupled_var="x", k=k,
        )  # fmt: skip

    def predict(model):
        run = brainmass.Simulator(model, dt=0.2 * u.ms).run(
            100 * u.ms, monitors=lambda m: m.node.x.value, seed=3
        )
        return run["output"]

    data = predict(network(0.2))
    fitter = Fitter(network(Param(0.02, fit=True)), adam(0.01), predict=predict)
    result = fitter.fit(data, n_steps=60)
    (name,) = result.best_params
    assert float(result.best_params[name]) == pytest.approx(0.2, abs=0.01)

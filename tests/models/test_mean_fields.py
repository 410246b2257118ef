# ruff: noqa: N806 - variables keep the letters of the papers
"""Exact mean fields of QIF neurons: the numbers of Montbrio, Pazo and Roxin."""

import brainunit as u
import numpy as np
import pytest

import brainmass

# Delta = 1, eta = -5, J = 15, tau = 1: rate, and whether it is stable.
STATES = {0.081134: True, 0.472980: False, 1.030597: True}


@pytest.mark.parametrize("tau", [1.0, 10.0])
@pytest.mark.parametrize("r", list(STATES))
def test_default_has_the_three_states_of_the_paper_at_every_tau(r, tau, x64, rates, eigenvalues):
    node = brainmass.MontbrioPazoRoxinStep(1, tau=tau * u.ms)
    v = -1 / (2 * np.pi * r)
    point = dict(r=1000 * r / tau, v=v)
    assert all(abs(rate[0]) < 2e-2 for rate in rates(node, **point).values())
    found = eigenvalues(node, **point) * tau
    assert (found.real.max() < 0) == STATES[r]
    if r > 1:
        np.testing.assert_allclose(found.real, -0.30886, atol=1e-4)
        np.testing.assert_allclose(np.abs(found.imag), 3.31863, atol=1e-4)


def test_high_state_survives_a_run(x64, simulate):
    node = brainmass.MontbrioPazoRoxinStep(2, init_r=np.array([10.0, 1000.0]) * u.Hz, init_v=0.0)
    r = simulate(node, 60.0, 0.01, monitors="r")[-1]
    np.testing.assert_allclose(r, [81.134, 1030.597], atol=1e-2)


def test_high_state_survives_the_default_integrator_at_a_coarse_step(x64, simulate):
    node = brainmass.MontbrioPazoRoxinStep(1, init_r=1030.0 * u.Hz, init_v=-0.15)
    assert simulate(node, 100.0, 0.1, monitors="r")[-1, 0] == pytest.approx(1030.597, abs=1e-2)


def test_time_constant_only_stretches_time(x64, simulate):
    start = dict(init_r=100.0 * u.Hz, init_v=0.3)
    fast = simulate(brainmass.MontbrioPazoRoxinStep(1, **start), 5.0, 0.01)
    start["init_r"] = 10.0 * u.Hz
    slow = simulate(brainmass.MontbrioPazoRoxinStep(1, tau=10.0 * u.ms, **start), 50.0, 0.1)
    np.testing.assert_allclose(slow["r"], fast["r"] / 10, rtol=1e-9)
    np.testing.assert_allclose(slow["v"], fast["v"], rtol=1e-9)


def closed_form_rate(eta, delta):
    return np.sqrt((eta + np.sqrt(eta**2 + delta**2)) / 2) / np.pi


def test_uncoupled_rate_has_its_closed_form(x64, simulate):
    assert closed_form_rate(1.0, 1.0) == pytest.approx(0.3497220, abs=1e-7)
    eta = np.array([1.0, 3.0, -0.5])
    node = brainmass.MontbrioPazoRoxinStep(3, J=0.0, eta=eta, init_r=300.0 * u.Hz)
    r = simulate(node, 60.0, 0.01, monitors="r")[-1]
    np.testing.assert_allclose(r / 1000, closed_form_rate(eta, 1.0), atol=1e-6)


def test_rates_of_other_regions_enter_the_potential(rates):
    net = brainmass.Network(
        brainmass.MontbrioPazoRoxinStep(2, init_r=100.0 * u.Hz),
        conn=np.ones((2, 2)), coupling="additive", coupled_var="r", k=1.0 * u.ms,
    )  # fmt: skip
    run = brainmass.Simulator(net, 0.1 * u.ms).run(1 * u.ms, monitors="node.r")
    assert np.isfinite(run["node.r"] / u.Hz).all()
    node = brainmass.MontbrioPazoRoxinStep(1, tau=2.0 * u.ms)
    still, driven = (rates(node, i, r=100.0, v=0.1) for i in ({}, {"v_inp": 1.0}))
    assert driven["v"] - still["v"] == pytest.approx(0.5, rel=1e-4)
    assert driven["r"] == still["r"]


def test_synchrony_is_the_modulus_of_the_conformal_map():
    node = brainmass.MontbrioPazoRoxinStep(1, init_r=1000.0 * u.Hz, init_v=0.5)
    node.init_state()
    W = np.pi + 0.5j
    expected = abs((1 - np.conj(W)) / (1 + np.conj(W)))
    assert float(node.synchrony()[0]) == pytest.approx(expected, rel=1e-5)


def test_conductance_model_without_synapses_is_the_uncoupled_mean_field(x64, simulate):
    start = dict(init_v=0.1, eta=1.5, method="rk4")
    a = simulate(brainmass.CoombesByrneStep(1, k=0.0, Delta=0.7, init_r=0.2, **start), 10.0, 0.01)
    b = simulate(
        brainmass.MontbrioPazoRoxinStep(1, J=0.0, delta=0.7, init_r=200.0 * u.Hz, **start),
        10.0, 0.01,
    )  # fmt: skip
    np.testing.assert_allclose(a["r"], b["r"] / 1000, atol=1e-6)
    np.testing.assert_allclose(a["v"], b["v"], atol=1e-6)


def test_conductance_model_settles_where_its_potential_says(x64, simulate, rates):
    """At rest 2 v = k pi r - Delta / (pi r): the first equation solved for the potential."""
    node = brainmass.CoombesByrneStep(1)
    out = simulate(node, 200.0, 0.02)
    r, v = out["r"][-1, 0], out["v"][-1, 0]
    assert v == pytest.approx((np.pi * r - 1 / (np.pi * r)) / 2, abs=1e-6)
    assert abs(rates(node, r=r, v=v)["v"][0]) < 1e-6
    assert -4 < v < 0

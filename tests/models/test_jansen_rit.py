# ruff: noqa: E741, N806 - variables keep the letters of the papers
"""Jansen-Rit: the folds and the alpha cycle, and the model of Momi et al. on top of it."""

import brainstate
import brainunit as u
import jax
import numpy as np
import pytest

import brainmass
from brainmass.models.jansen_rit import pathway_weights

A, B, a, b, C = 3.25, 22.0, 0.1, 0.05, 135.0  # mV, mV, 1/ms, 1/ms


def sigmoid(v):
    return 5.0 / (1 + np.exp(0.56 * (6.0 - v)))  # Hz


def fixed_point(eeg):
    """States and drive of the fixed point at which the pyramidal potential is ``eeg``."""
    M = A / (1000 * a) * sigmoid(eeg)
    I = B / (1000 * b) * C / 4 * sigmoid(C / 4 * M)
    E = eeg + I
    drive = E * 1000 * a / A - 0.8 * C * sigmoid(C * M)
    return dict(M=M, E=E, I=I, Mv=0.0, Ev=0.0, Iv=0.0), drive


@pytest.mark.parametrize(("eeg", "drive"), [(2.5805, 113.586), (5.3265, -41.301)])
def test_folds_of_the_fixed_points(eeg, drive, x64, rates, eigenvalues):
    states, p = fixed_point(eeg)
    assert p == pytest.approx(drive, abs=1e-2)
    node = brainmass.JansenRitStep(1)
    assert all(abs(v[0]) < 1e-9 for v in rates(node, {"E_inp": p}, **states).values())
    assert np.abs(eigenvalues(node, {"E_inp": p}, **states)).min() < 1e-4


def test_alpha_cycle_follows_the_drive(x64, simulate, period):
    drives = np.array([150.0, 200.0, 220.0, 250.0, 300.0])
    node = brainmass.JansenRitStep(
        5, init_M=0.13 * u.mV, init_E=24.0 * u.mV, init_I=17.0 * u.mV, method="rk4"
    )
    eeg = simulate(node, 4000.0, 0.1, inputs=lambda i, t: drives * u.Hz, monitors=None,
                   transient=2000 * u.ms)  # fmt: skip
    found = [1000 / period(signal, 0.1) for signal in eeg.T]
    np.testing.assert_allclose(found, [10.622, 10.862, 10.938, 11.030, 11.135], rtol=5e-3)
    assert eeg[:, 2].min() == pytest.approx(6.0873, rel=5e-3)
    assert eeg[:, 2].max() == pytest.approx(9.0356, rel=5e-3)


def test_drive_of_120_from_rest_leads_to_the_large_spikes(x64, simulate):
    node = brainmass.JansenRitStep(1, method="rk4")
    eeg = simulate(node, 3000.0, 0.2, inputs=lambda i, t: 120.0 * u.Hz, monitors=None,
                   transient=1000 * u.ms)  # fmt: skip
    assert np.ptp(eeg) > 8.0


def test_network_carries_firing_rates(simulate):
    node = brainmass.JansenRitStep(2)
    net = brainmass.Network(
        node,
        conn=np.ones((2, 2)),
        coupling="additive",
        k=10.0,
        source=lambda s, p: p.s_max * jax.nn.sigmoid(p.r * ((s.E - s.I - p.v0) / u.mV)),
    )
    run = brainmass.Simulator(net, 0.1 * u.ms).run(5 * u.ms, monitors="node.E")
    assert float((run["node.E"] / u.mV).min()) >= 0


def test_noise_of_every_slot_has_the_unit_of_its_inlet():
    ou = dict(tau=5 * u.ms)
    node = brainmass.JansenRitStep(
        2,
        noise_E=brainmass.WhiteNoise(2, sigma=10.0 * u.Hz),
        noise_M=brainmass.OUProcess(2, sigma=0.1 * u.mV, **ou),
        noise_I=brainmass.OUProcess(2, sigma=0.1 * u.mV, **ou),
    )
    run = brainmass.Simulator(node, 0.1 * u.ms).run(2 * u.ms, monitors="E", seed=0)
    assert np.isfinite(run["E"] / u.mV).all()
    with pytest.raises(ValueError, match="noise_M .* must not be white"):
        brainmass.JansenRitStep(2, noise_M=brainmass.WhiteNoise(2, sigma=0.1 * u.mV))


# -- the whole-brain model sampled once per TR ----------------------------------------------------

N = 3
RNG = np.random.default_rng(1)
SC = RNG.random((N, N))


def brain(**given):
    given = dict(k=2.0, w_ll=0.0, w_ff=0.0, w_bb=0.0, g_l=0.5, g_f=0.4, g_b=0.3) | given
    given.setdefault("delay", np.arange(9).reshape(3, 3) % 4)
    return brainmass.JansenRitTR(N, sc=SC, **given)


def advance(model, inputs, dt=0.1):
    with brainstate.environ.context(dt=dt * u.ms):
        _ = model.init_all_states()
        return np.stack([np.asarray(model.update(row) / u.mV) for row in inputs])


def test_lateral_weights_are_symmetric_and_normalised():
    weights = np.asarray(pathway_weights(RNG.random((N, N)), SC, np.ones((N, N)), True))
    np.testing.assert_allclose(weights, weights.T, rtol=1e-6)
    assert np.linalg.norm(weights) == pytest.approx(1.0, abs=1e-6)
    forward = np.asarray(pathway_weights(0.0, SC, np.ones((N, N)), False))
    np.testing.assert_allclose(forward, SC / np.linalg.norm(SC), rtol=1e-6)


def reference_loop(inputs, delay, dt=0.1, tr=10):
    """The same model as a NumPy loop, with Euler steps."""
    S = (SC + SC.T) / 2
    Wl, Wf = S / np.linalg.norm(S), SC / np.linalg.norm(SC)
    y = np.zeros((6, N))
    history = np.zeros((delay.max() + 1, N))
    out = []
    for row in inputs:
        past = history[delay, np.arange(N)]
        for _ in range(tr):
            M, E, I, Mv, Ev, Iv = y
            eeg = E - I
            M_inp = 0.5 * ((Wl * past).sum(1) - Wl.sum(1) * M) + 2.0 * row
            E_inp = 0.4 * ((Wf * past).sum(1) - Wf.sum(1) * eeg)
            I_inp = -0.3 * ((Wf * past).sum(1) - Wf.sum(1) * eeg)
            rates = np.stack([
                Mv, Ev, Iv,
                A * a * sigmoid(eeg + M_inp) - 2 * a * Mv - a**2 * 1000 * M,
                A * a * (E_inp + 0.8 * C * sigmoid(C * M)) - 2 * a * Ev - a**2 * 1000 * E,
                B * b * C / 4 * sigmoid(C / 4 * M + I_inp) - 2 * b * Iv - b**2 * 1000 * I,
            ])  # fmt: skip
            rates[:3] /= 1000
            y = y + dt * rates
        history = np.concatenate([y[:1], history[:-1]])
        out.append(y[1] - y[2])
    return np.array(out)


def test_run_equals_a_plain_loop(x64):
    delay = np.arange(9).reshape(3, 3) % 4
    inputs = RNG.random((12, N))
    found = advance(brain(method="euler", delay=delay), inputs)
    np.testing.assert_allclose(found, reference_loop(inputs, delay), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("delay", [3, 6, 7, 12, 13, 21, 26, 31])
def test_delay_of_n_trs_reads_exactly_n_back(delay, x64):
    """Rounding up the quotient of two floating-point times makes some of these one TR longer."""
    apart = np.full((N, N), delay)
    inputs = RNG.random((delay + 3, N))
    given = dict(method="euler", delay=apart, tr=0.1 * u.ms)
    found = advance(brain(**given), inputs)
    np.testing.assert_allclose(found, reference_loop(inputs, apart, tr=1), rtol=1e-9, atol=1e-12)
    shorter = reference_loop(inputs, apart - 1, tr=1)
    assert not np.allclose(found[-1], shorter[-1], rtol=1e-12, atol=0)


def test_noise_of_the_brain_enters_all_three_inputs():
    quiet, noisy = (advance(brain(std_in=s), np.zeros((3, N))) for s in (None, 1.0))
    assert np.isfinite(noisy).all()
    assert not np.allclose(quiet, noisy)


@pytest.mark.parametrize(
    ("given", "message"),
    [(dict(delay=np.full((N, N), 0.5)), "whole TRs"), (dict(delay=np.ones((2, 2))), "delay must"),
     (dict(mask=np.ones(4)), "mask must have shape")],
)  # fmt: skip
def test_brain_refuses_what_does_not_fit(given, message):
    with pytest.raises(ValueError, match=message):
        brain(**given)


def test_tr_must_be_a_multiple_of_the_step():
    with pytest.raises(ValueError, match="tr must be a multiple of dt"):
        advance(brain(), np.zeros((1, N)), dt=0.3)


def test_every_gain_has_a_gradient(x64):
    def last(values):
        model = brain(**values)
        with brainstate.environ.context(dt=0.5 * u.ms):
            _ = model.init_all_states()
            for _ in range(3):
                out = model.update(np.ones(N))
        return (out / u.mV).sum()

    given = {n: jax.numpy.asarray(0.3) for n in ("k", "g_l", "g_f", "g_b", "w_ll", "w_ff", "w_bb")}
    slopes = jax.grad(last)(given)
    for name in ("k", "g_l", "g_f", "g_b"):
        up, down = (last({**given, name: given[name] + h}) for h in (1e-3, -1e-3))
        assert float(slopes[name]) == pytest.approx(float(up - down) / 2e-3, rel=1e-3)

"""Limit cycles and Lyapunov exponents."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.analysis import LyapunovSpectrum, limit_cycle, lyapunov_exponents


def milliseconds(cycle):
    return float(cycle.period / u.ms)


@pytest.mark.parametrize(
    ("mu", "period", "amplitude"), [(1.0, 6.663287, 2.008620), (5.0, 11.612231, 2.021508)]
)
def test_van_der_pol_has_its_period_and_amplitude(mu, period, amplitude):
    cycle = limit_cycle(brainmass.VanDerPolStep(1, mu=mu))
    assert milliseconds(cycle) == pytest.approx(period, abs=1e-6)
    assert cycle.maximum["x"] == pytest.approx(amplitude, abs=1e-6)
    assert cycle.amplitude["x"] == pytest.approx(amplitude, abs=1e-6)
    assert cycle.stable


def test_hopf_cycle_has_radius_frequency_and_attraction_of_the_normal_form():
    cycle = limit_cycle(brainmass.HopfStep(1, a=0.25, beta=1.0, w=0.3))
    assert cycle.amplitude["x"] == pytest.approx(0.5, abs=1e-6)
    assert float(cycle.frequency / u.Hz) == pytest.approx(47.746483, abs=1e-6)
    # Radial disturbances decay at 2 a.
    assert cycle.multipliers[0] == pytest.approx(np.exp(-0.5 * milliseconds(cycle)), rel=1e-4)
    assert cycle.states["x"][0] == pytest.approx(cycle.states["x"][-1], abs=1e-9)
    assert cycle.times[-1] / u.ms == pytest.approx(milliseconds(cycle))


def test_jansen_rit_alpha_cycle_follows_the_drive():
    node = brainmass.JansenRitStep(1)
    state = {"M": 0.1 * u.mV, "E": 20 * u.mV, "I": 10 * u.mV}
    drives = {150: 10.622, 200: 10.862, 220: 10.938, 250: 11.030, 300: 11.135}
    for drive, hertz in drives.items():
        cycle = limit_cycle(node, at={"E_inp": drive * u.Hz}, state=state)
        assert float(cycle.frequency / u.Hz) == pytest.approx(hertz, rel=5e-3)
        if drive == 220:
            eeg = (cycle.states["E"] - cycle.states["I"]) / u.mV
            assert (eeg.min(), eeg.max()) == pytest.approx((6.0873, 9.0356), rel=5e-3)


def test_other_start_leads_to_the_large_spikes():
    cycle = limit_cycle(brainmass.JansenRitStep(1), at={"E_inp": 120 * u.Hz})
    assert float(cycle.amplitude["E"] / u.mV) > 4
    assert float(cycle.frequency / u.Hz) < 4


def test_unstable_cycle_is_found_from_its_period():
    """A Hopf node with a < 0 and beta < 0 has an unstable cycle of radius sqrt(a / beta)."""
    node = brainmass.HopfStep(1, a=-0.25, beta=-1.0, w=0.3)
    cycle = limit_cycle(node, state={"x": 0.45, "y": 0.0}, period=20 * u.ms)
    assert cycle.amplitude["y"] == pytest.approx(0.5, abs=1e-6)
    assert not cycle.stable


def test_coupled_nodes_have_cycles_too():
    pair = brainmass.Network(
        brainmass.HopfStep(2, a=0.2, w=0.3, init_x=0.1),
        conn=np.ones((2, 2)),
        coupled_var="x",
        k=0.5,
    )
    cycle = limit_cycle(pair)
    # In phase a diffusive coupling does nothing.
    assert milliseconds(cycle) == pytest.approx(2 * np.pi / 0.3, rel=1e-9)
    assert cycle.states["x"].shape == (1025, 2)
    assert cycle.stable


def test_cycle_is_written_in_one_line():
    cycle = limit_cycle(brainmass.HopfStep(1, a=0.25))
    assert repr(cycle) == "LimitCycle(31.4159 ms, x=0.5, y=0.5, stable)"


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (brainmass.HopfStep(1, a=-0.1), "it came to rest at a fixed point"),
        (brainmass.HopfStep(1, a=0.1, beta=-1.0, init_x=1.0), "it diverged"),
    ],
)
def test_no_cycle_is_said_in_one_sentence(node, text):
    with pytest.raises(ValueError, match=text):
        limit_cycle(node)


def test_lorenz_exponents_are_those_of_the_textbook():
    spectrum = lyapunov_exponents(brainmass.LorenzStep(1), duration=4000 * u.ms)
    assert spectrum.exponents[0] == pytest.approx(0.9056, abs=0.02)
    assert spectrum.exponents[1] == pytest.approx(0.0, abs=0.02)
    assert spectrum.exponents.sum() == pytest.approx(-13.66667, abs=1e-3)
    assert spectrum.errors[0] < 0.02
    assert spectrum.dimension == pytest.approx(2.062, abs=0.01)
    assert spectrum.chaotic


def test_cycle_has_one_exponent_of_zero_and_one_of_its_attraction():
    node = brainmass.HopfStep(1, a=0.25, init_x=0.5)
    spectrum = lyapunov_exponents(node, duration=500 * u.ms)
    assert spectrum.exponents == pytest.approx([0.0, -0.5], abs=1e-6)
    assert not spectrum.chaotic


def test_linear_network_has_the_exponents_of_its_matrix():
    weights = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    net = brainmass.Network(
        brainmass.LinearStep(3, gamma=-2.0), conn=weights, coupled_var="x", coupling="additive",
        k=0.5,
    )  # fmt: skip
    expected = np.linalg.eigvalsh(-2 * np.eye(3) + 0.5 * weights)[::-1]
    spectrum = lyapunov_exponents(net, count=2, duration=100 * u.ms, dt=0.05 * u.ms)
    assert spectrum.exponents == pytest.approx(expected[:2], abs=1e-5)


def test_dimension_is_unknown_with_too_few_exponents():
    assert np.isnan(LyapunovSpectrum(np.array([0.9]), np.array([0.01])).dimension)
    assert LyapunovSpectrum(np.array([-0.1]), np.array([0.01])).dimension == 0.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"count": 3}, "count must be from 1 to 2; got 3"),
        ({"duration": -1 * u.ms}, "duration must be a positive time"),
        ({"dt": 3.0}, "dt must be a positive time"),
        ({"transient": 1 * u.mV}, "transient must be a non-negative time"),
        ({"dt": 1000 * u.ms, "state": {"x": 2.0}}, "must stay finite; it diverged"),
    ],
)
def test_bad_input_is_one_sentence(arguments, text):
    with pytest.raises(ValueError, match=text):
        lyapunov_exponents(brainmass.HopfStep(1), **arguments)

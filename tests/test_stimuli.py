"""Stimuli: their values, where they enter, what they compile, and what they refuse."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass
from brainmass import stimuli

MS, HZ = u.ms, u.Hz


def linear(n=3, **settings):
    node = brainmass.LinearStep(n, gamma=-0.5, init_x=0.0, **settings)
    return brainmass.Simulator(node, dt=0.1 * MS)


def rows(stimulus, duration=10, dt=1.0):
    return np.asarray(stimulus.values(duration * MS, dt * MS))


def test_each_kind_has_its_textbook_values():
    t = np.arange(10.0)
    np.testing.assert_allclose(rows(stimuli.pulse(2.0, 3 * MS, 4 * MS)), 2.0 * ((t >= 3) & (t < 7)))
    np.testing.assert_allclose(rows(stimuli.step(2.0, 3 * MS)), 2.0 * (t >= 3))
    np.testing.assert_allclose(
        rows(stimuli.ramp(2.0, 3 * MS, 4 * MS)), 2.0 * np.clip((t - 3) / 4, 0, 1)
    )
    wave = stimuli.sine(2.0, 40 * HZ, phase=0.3, onset=1 * MS, duration=6 * MS)
    expected = 2 * np.sin(2 * np.pi * 0.04 * (t - 1) + 0.3) * ((t >= 1) & (t < 7))
    np.testing.assert_allclose(rows(wave), expected, atol=1e-6)
    train = stimuli.pulse_train(2.0, 250 * HZ, 2 * MS, onset=1 * MS, count=2)
    np.testing.assert_allclose(rows(train), 2.0 * np.isin(t, (1, 2, 5, 6)))


def test_a_ramp_of_no_duration_is_a_step():
    np.testing.assert_array_equal(
        rows(stimuli.ramp(1.0, 3 * MS, 0 * MS)), rows(stimuli.step(1.0, 3 * MS))
    )


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.3, 1 / 3])
def test_edges_fall_on_the_nearest_step_also_late_in_a_run(dt):
    onset = round(2000 / dt) * dt
    stimulus = stimuli.pulse(1.0, onset * MS, 100 * dt * MS)
    on = np.flatnonzero(rows(stimulus, 2400, dt) if dt != 1 / 3 else _floored(stimulus, dt))
    np.testing.assert_array_equal(on, round(onset / dt) + np.arange(100))


def _floored(stimulus, dt):
    return rows(stimulus, 7200 * dt, dt)


def test_a_train_at_no_multiple_of_the_step_has_the_right_number_of_pulses():
    on = rows(stimuli.pulse_train(1.0, 30 * HZ, 5 * MS), 10_000, 0.1) > 0
    starts = np.flatnonzero(np.diff(on.astype(int), prepend=0) == 1)
    assert len(starts) == 300
    np.testing.assert_allclose(starts * 0.1, np.arange(300) * 1000 / 30, atol=0.051)


def test_a_run_equals_a_run_with_its_values():
    stimulus = stimuli.pulse(1.0, 5 * MS, 2 * MS) + stimuli.sine(0.2, 40 * HZ, onset=3 * MS)
    run = linear().run(30 * MS, inputs=stimulus, monitors="x")["x"]
    values = stimulus.values(30 * MS, 0.1 * MS)
    np.testing.assert_allclose(run, linear().run(30 * MS, inputs=values, monitors="x")["x"])
    function = linear().run(30 * MS, inputs=lambda i, t: stimulus(i, t), monitors="x")["x"]
    np.testing.assert_allclose(run, function, atol=1e-6)


def test_a_pulse_into_a_linear_node_has_the_closed_form(x64):
    node = brainmass.LinearStep(1, gamma=-0.5, init_x=0.0, method="rk4")
    stimulus = stimuli.pulse(0.3, 2 * MS, 3 * MS)
    x = brainmass.Simulator(node, dt=0.01 * MS).run(8 * MS, inputs=stimulus, monitors="x")["x"]
    top = 0.6 * (1 - np.exp(-0.5 * 3))
    np.testing.assert_allclose(x[499, 0], top, rtol=1e-9)
    np.testing.assert_allclose(x[-1, 0], top * np.exp(-0.5 * 3), rtol=1e-9)


def test_continued_runs_go_on_in_time():
    stimulus = stimuli.pulse(1.0, 5 * MS, 10 * MS)
    whole = linear().run(20 * MS, inputs=stimulus, monitors="x")["x"]
    sim = linear()
    first = sim.run(7.3 * MS, inputs=stimulus, monitors="x")["x"]
    rest = sim.run(12.7 * MS, inputs=stimulus, monitors="x", init_states=False)["x"]
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)


@pytest.mark.parametrize("chunk", [1, 37, 1000])
def test_chunks_change_no_bit(chunk):
    stimulus = stimuli.noise(1.0, seed=3, n_regions=3) + stimuli.sine(1.0, 40 * HZ)
    whole = linear().run(20 * MS, inputs=stimulus, monitors="x")["x"]
    parts = linear().run(20 * MS, inputs=stimulus, monitors="x", chunk=chunk)["x"]
    np.testing.assert_array_equal(parts, whole)


def test_new_numbers_compile_nothing(compile_count):
    sim = linear()

    def stimulus(a, onset, seed):
        return (
            stimuli.pulse(a, onset * MS, 2 * MS, regions=[0], n_regions=3)
            + stimuli.sine(a, (10 + onset) * HZ, phase=a)
            + stimuli.noise(a, seed=seed, band=(1 * HZ, 30 * HZ))
            + stimuli.noise(a, seed=seed, n_regions=3)
        )

    before = sim.run(20 * MS, inputs=stimulus(1.0, 2.0, 1), monitors="x")["x"]
    programs = brainmass.engine.compile_count()
    with compile_count:
        after = sim.run(20 * MS, inputs=stimulus(2.0, 5.0, 2), monitors="x")["x"]
        sim.run(33 * MS, inputs=stimulus(2.0, 5.0, 2) * 3, monitors="x")
    assert compile_count.n == 0
    assert brainmass.engine.compile_count() == programs
    assert abs(after - before).max() > 0.1


def test_another_structure_is_another_program():
    sim = linear()
    one = sim.run(10 * MS, inputs=stimuli.step(1.0), monitors="x")["x"]
    two = sim.run(10 * MS, inputs=stimuli.ramp(1.0, 0 * MS, 5 * MS), monitors="x")["x"]
    assert abs(one - two).max() > 0.1


def test_a_pytree_of_the_user_is_a_value_too():
    gain = jax.tree_util.Partial(lambda a, i, t: a * jnp.sin(t / MS), 1.0)
    double = jax.tree_util.Partial(gain.func, 2.0)
    sim = linear()
    one = sim.run(10 * MS, inputs=gain, monitors="x")["x"]
    programs = brainmass.engine.compile_count()
    two = sim.run(10 * MS, inputs=double, monitors="x")["x"]
    assert brainmass.engine.compile_count() == programs
    np.testing.assert_allclose(two, 2 * one, rtol=1e-5, atol=1e-7)


def test_regions_and_weights_choose_who_receives_it():
    x = linear().run(5 * MS, inputs=stimuli.step(1.0, regions=[0, 2], n_regions=3), monitors="x")[
        "x"
    ][-1]
    assert x[0] == x[2] > 0
    assert x[1] == 0
    w = linear().run(5 * MS, inputs=stimuli.step(1.0, weights=[1.0, 0.5, 0.0]), monitors="x")["x"]
    np.testing.assert_allclose(w[-1], [x[0], 0.5 * x[0], 0.0], rtol=1e-6)
    a = linear().run(5 * MS, inputs=stimuli.step(np.array([1.0, 0.5, 0.0])), monitors="x")["x"]
    np.testing.assert_allclose(a, w, rtol=1e-6)
    one = stimuli.step(1.0, regions=1, n_regions=3)
    assert rows(one, 1)[0].tolist() == [0, 1, 0]


def test_batches_receive_the_same():
    x = linear().run(5 * MS, inputs=stimuli.step(1.0), monitors="x", batch_size=2)["x"]
    np.testing.assert_array_equal(x[:, 0], x[:, 1])


def test_an_inlet_is_chosen_by_name():
    node = brainmass.HopfStep(2, a=-1.0, w=0.0)
    both = stimuli.step(1.0, inlet="y_inp") + stimuli.step(0.5, inlet="x_inp")
    result = brainmass.Simulator(node, dt=0.1 * MS).run(1 * MS, inputs=both, monitors=["x", "y"])
    assert (result["y"][-1] > result["x"][-1]).all()
    assert (result["x"][-1] > 0).all()
    assert set(both.values(1 * MS, 0.1 * MS)) == {"x_inp", "y_inp"}


def test_units_reach_the_inlet():
    node = brainmass.JansenRitStep(1)
    sim = brainmass.Simulator(node, dt=0.1 * MS)
    drive = stimuli.step(220 * HZ, inlet="E_inp")
    a = sim.run(50 * MS, inputs=drive, monitors="M")["M"]
    b = sim.run(50 * MS, inputs=stimuli.step(0.22 * u.kHz, inlet="E_inp"), monitors="M")["M"]
    np.testing.assert_allclose(a.mantissa, b.mantissa, rtol=1e-5)
    scaled = stimuli.step(1.0, inlet="E_inp") * (220 * HZ)
    c = sim.run(50 * MS, inputs=scaled, monitors="M")["M"]
    np.testing.assert_array_equal(a.mantissa, c.mantissa)
    with pytest.raises(brainmass.UnitError, match="JansenRitStep: input 'E_inp'"):
        sim.run(50 * MS, inputs=stimuli.step(220.0, inlet="E_inp"), monitors="M")


def test_arithmetic_of_stimuli():
    a, b = stimuli.pulse(1.0, 2 * MS, 3 * MS), stimuli.sine(0.5, 100 * HZ)
    for combined, expected in (
        (a + b, rows(a) + rows(b)),
        (a - b, rows(a) - rows(b)),
        (-a, -rows(a)),
        (2 * a, 2 * rows(a)),
        (np.float64(2) * a, 2 * rows(a)),
        (a / 4, rows(a) / 4),
        (sum([a, b]), rows(a) + rows(b)),
        ((a + b) * 3, 3 * (rows(a) + rows(b))),
    ):
        np.testing.assert_allclose(rows(combined), expected, atol=1e-6)
    regional = np.array([1.0, 2.0]) * a
    np.testing.assert_allclose(rows(regional), rows(a)[:, None] * [1.0, 2.0])
    assert repr(a + b) == "Stimulus(pulse + sine)"


def test_stimuli_follow_each_other():
    a, b = stimuli.pulse(1.0, 1 * MS, 2 * MS), stimuli.sine(1.0, 100 * HZ, phase=1.0)
    joined = rows(a.then(b))
    np.testing.assert_allclose(joined[:3], rows(a)[:3])
    np.testing.assert_allclose(joined[3:], rows(b)[:7], atol=1e-6)
    cut = rows(b.then(a, at=5 * MS))
    np.testing.assert_allclose(cut, np.concatenate([rows(b)[:5], rows(a)[:5]]), atol=1e-6)
    assert a.end == 3 * MS
    assert (a + b).end.mantissa == np.inf
    thrice = a.then(a).then(a)
    np.testing.assert_allclose(rows(thrice), np.tile([0, 1, 1], 4)[:10] * (np.arange(10) < 9))


def test_gradient_of_a_run_by_the_amplitude_is_the_difference_quotient(x64):
    def last(a):
        stimulus = stimuli.pulse(a, 1 * MS, 2 * MS) + stimuli.sine(a**2, 40 * HZ)
        sim = brainmass.Simulator(brainmass.HopfStep(2, a=0.2, init_x=0.1), dt=0.1 * MS)
        return sim.run(10 * MS, inputs=stimulus, monitors="x")["x"][-1].sum()

    h = 1e-6
    central = (last(0.3 + h) - last(0.3 - h)) / (2 * h)
    np.testing.assert_allclose(jax.grad(last)(0.3), central, rtol=1e-6)


def test_gradient_by_frequency_and_phase_and_through_a_delayed_network(x64):
    def last(values):
        stimulus = stimuli.sine(1.0, values[0] * HZ, phase=values[1], weights=values[2:])
        network = brainmass.Network(
            brainmass.HopfStep(2, a=-0.2, init_x=0.1),
            conn=np.array([[0.0, 1.0], [0.5, 0.0]]),
            distance=np.full((2, 2), 10.0) * u.mm,
            speed=10.0 * u.mm / u.ms,
            coupling="diffusive",
            coupled_var="x",
            k=0.5,
            delay_init=0.0,
        )
        sim = brainmass.Simulator(network, dt=0.1 * MS)
        x = sim.run(12 * MS, inputs=stimulus, monitors=lambda m: m.node.x.value)["output"]
        return (x[-1] ** 2).sum()

    at = jnp.array([40.0, 0.3, 1.0, 0.5])
    slope = jax.grad(last)(at)
    for k, h in enumerate((1e-4, 1e-6, 1e-6, 1e-6)):
        move = jnp.zeros(4).at[k].set(h)
        central = (last(at + move) - last(at - move)) / (2 * h)
        np.testing.assert_allclose(slope[k], central, rtol=1e-5)


def test_vmap_over_amplitudes_equals_a_loop():
    def last(a):
        return linear().run(5 * MS, inputs=stimuli.step(a), monitors="x")["x"][-1]

    values = jnp.array([0.5, 1.0, 2.0])
    np.testing.assert_allclose(
        jax.vmap(last)(values), jnp.stack([last(v) for v in values]), rtol=1e-5
    )


def test_frozen_noise_is_the_same_in_every_run_and_independent_across_regions():
    stimulus = stimuli.noise(2.0, seed=1, n_regions=20)
    values = rows(stimulus, 500, 0.1)
    np.testing.assert_array_equal(values, rows(stimulus, 500, 0.1))
    # 100 000 independent numbers: standard errors sd / sqrt(2 n) and sd / sqrt(n), and 1 / sqrt(n)
    # of each of 190 correlations, whose largest lies below 4.5 of them.
    assert abs(values.std() / 2.0 - 1) < 4 / np.sqrt(2e5)
    assert abs(values.mean()) < 4 * 2.0 / np.sqrt(1e5)
    correlation = np.corrcoef(values.T) - np.eye(20)
    assert abs(correlation).max() < 4.5 / np.sqrt(5000)
    other = rows(stimuli.noise(2.0, seed=2, n_regions=20), 500, 0.1)
    assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(1e5)


def test_band_limited_noise_stays_in_its_band_and_does_not_depend_on_dt():
    stimulus = stimuli.noise(1.5, seed=4, band=(5 * HZ, 20 * HZ), n_regions=8)
    values = rows(stimulus, 20_000, 1.0)
    power = (abs(np.fft.rfft(values * np.hanning(len(values))[:, None], axis=0)) ** 2).mean(1)
    f = np.fft.rfftfreq(len(values), 1e-3)
    assert power[(f > 4.8) & (f < 20.2)].sum() > 0.999 * power.sum()
    # A sum of tones of fixed power: over 20 s only beats of neighbouring tones are left.
    np.testing.assert_allclose(values.std(0), 1.5, rtol=0.05)
    fine = rows(stimulus, 100, 0.25)
    np.testing.assert_allclose(fine[::4], values[:100], atol=1e-4)


def test_plotting_draws_one_line_per_region():
    from matplotlib.figure import Figure

    ax = stimuli.step(3 * HZ, n_regions=4).plot(5 * MS, ax=Figure().subplots())
    assert len(ax.get_lines()) == 4
    assert "Hz" in ax.get_legend_handles_labels()[1][0]


def test_a_foreign_module_takes_a_stimulus():
    import brainstate

    class Sum(brainstate.nn.Module):
        def init_state(self, batch_size=None, **_):
            self.n = brainstate.HiddenState(jnp.zeros(2))

        def update(self, x=0.0):
            self.n.value = self.n.value + x
            return self.n.value

    n = brainmass.Simulator(Sum(), dt=1 * MS).run(
        6 * MS, inputs=stimuli.pulse(1.0, 1 * MS, 2 * MS), monitors="n"
    )["n"]
    np.testing.assert_array_equal(n[:, 0], [0, 1, 2, 2, 2, 2])


PULSE = (1 * MS, 2 * MS)
REFUSED = {
    "time without unit": (lambda: stimuli.pulse(1.0, 5.0, 2 * MS), "pulse: onset .* time"),
    "time of another unit": (lambda: stimuli.step(1.0, 5 * HZ), "step: onset .* time"),
    "negative duration": (lambda: stimuli.pulse(1.0, 5 * MS, -1 * MS), "at least 0 ms"),
    "two times": (lambda: stimuli.step(1.0, [1, 2] * MS), "one time"),
    "frequency without unit": (lambda: stimuli.sine(1.0, 40.0), "sine: frequency .* Hz"),
    "no frequency": (lambda: stimuli.pulse_train(1.0, 0 * HZ, 1 * MS), "positive and finite"),
    "pulses that overlap": (lambda: stimuli.pulse_train(1.0, 500 * HZ, 3 * MS), "the period of 2"),
    "no pulses": (lambda: stimuli.pulse_train(1.0, 5 * HZ, 3 * MS, count=0), "count"),
    "text": (lambda: stimuli.step("1"), "amplitude .* real numbers"),
    "nan": (lambda: stimuli.step(np.nan), "amplitude .* finite"),
    "matrix": (lambda: stimuli.step(np.ones((2, 2))), "one per region"),
    "phase with unit": (lambda: stimuli.sine(1.0, 4 * HZ, phase=1 * MS), "phase .* plain"),
    "regions alone": (lambda: stimuli.pulse(1.0, *PULSE, regions=[0]), "n_regions"),
    "regions outside": (
        lambda: stimuli.pulse(1.0, *PULSE, regions=[3], n_regions=3),
        "from 0 to 2; got \\[3\\]",
    ),
    "regions that are no indices": (
        lambda: stimuli.pulse(1.0, *PULSE, regions=[0.5], n_regions=3),
        "whole numbers",
    ),
    "regions and weights": (
        lambda: stimuli.pulse(1.0, *PULSE, regions=[0], weights=[1.0]),
        "not both",
    ),
    "weights of another size": (
        lambda: stimuli.pulse(1.0, *PULSE, weights=[1.0], n_regions=3),
        "weights .* 3 numbers",
    ),
    "amplitude of another size": (
        lambda: stimuli.step(np.ones(2), n_regions=3),
        "amplitude .* 3 numbers",
    ),
    "bad n_regions": (lambda: stimuli.step(1.0, n_regions=0), "positive integer"),
    "bad inlet": (lambda: stimuli.step(1.0, inlet=3), "inlet .* name"),
    "bad seed": (lambda: stimuli.noise(1.0, seed=-1), "seed"),
    "bad band": (lambda: stimuli.noise(1.0, band=4 * HZ), "band"),
    "band upside down": (lambda: stimuli.noise(1.0, band=(4 * HZ, 1 * HZ)), "lowest < highest"),
    "units that differ": (
        lambda: stimuli.step(1.0) + stimuli.step(1 * u.mV),
        "same unit; got \\[1\\] and \\[mV\\]",
    ),
    "sizes that differ": (
        lambda: stimuli.step(1.0, n_regions=2) + stimuli.step(1.0, n_regions=3),
        "same number of regions; got \\[2, 3\\]",
    ),
    "inlets for some": (
        lambda: stimuli.step(1.0) + stimuli.step(1.0, inlet="y_inp"),
        "for all parts or for none",
    ),
    "then without end": (lambda: stimuli.step(1.0).then(stimuli.step(2.0)), "never ends"),
    "then a number": (lambda: stimuli.step(1.0).then(2.0), "must be a stimulus; got float"),
    "factor of text": (lambda: stimuli.step(1.0) * [1, "a"], "factor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_in_one_sentence(name):
    make, match = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=match) as caught:
        make()
    assert str(caught.value).count("\n") == 0


def test_a_run_refuses_an_unknown_inlet_and_another_size():
    with pytest.raises(ValueError, match="inputs of LinearStep must be among 'x_inp'"):
        linear().run(1 * MS, inputs=stimuli.step(1.0, inlet="z"))
    with pytest.raises(ValueError, match="must fit the shape \\(3,\\)"):
        linear().run(1 * MS, inputs=stimuli.step(1.0, n_regions=2))


def test_a_stimulus_cannot_be_changed():
    with pytest.raises(AttributeError):
        stimuli.step(1.0).waves = ()

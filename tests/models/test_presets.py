# ruff: noqa: N815
"""Presets: the models do what their published regimes promise."""

import brainunit as u
import numpy as np
import pytest

import brainmass


def late(model, preset, state, **settings):
    """The second half of a run in a preset, in bare numbers of the state's unit."""
    regime = model.presets[preset]
    node = model.from_preset(preset, **settings)
    inputs = (lambda i, t: regime["inputs"]) if regime["inputs"] else None
    half = regime["duration"] / 2
    run = brainmass.Simulator(node, model.suggested_dt).run(
        regime["duration"], inputs=inputs, monitors=state, transient=half
    )
    values = run["output"] if callable(state) else run[state]
    return np.asarray(u.get_mantissa(values))


def span(low, high):
    return lambda x: low < x.min() <= x.max() < high


def swing(low, high):
    return lambda x: low < np.ptp(x) < high


CLAIMS = [
    ("HopfStep", "limit cycle", lambda m: m.amplitude(), span(0.499, 0.501)),
    ("HopfStep", "stable focus", "x", span(-1e-2, 1e-2)),
    ("VanDerPolStep", "relaxation", "x", swing(4.03, 4.05)),
    ("FitzHughNagumoStep", "excitable", "V", span(0.23, 0.25)),
    ("FitzHughNagumoStep", "oscillating", "V", swing(0.6, 0.8)),
    ("FitzHughNagumoStep", "depolarisation block", "V", swing(-1, 1e-2)),
    ("Generic2dOscillatorStep", "bistable, rest", "V", swing(-1, 1e-3)),
    ("Generic2dOscillatorStep", "bistable, cycle", "V", swing(2.0, 3.0)),
    ("LorenzStep", "steady convection", "z", span(12.8, 13.2)),
    ("LorenzStep", "no convection", "x", span(-0.1, 0.1)),
    ("WilsonCowanStep", "bistable, silent", "rE", span(-1e-3, 1e-3)),
    ("WilsonCowanStep", "bistable, active", "rE", span(0.462, 0.463)),
    ("WilsonCowanStep", "limit cycle", "rE", swing(0.16, 0.18)),
    ("JansenRitStep", "alpha rhythm", lambda m: m.eeg(), span(6.0, 9.1)),
    ("JansenRitStep", "spikes", lambda m: m.eeg(), swing(8.0, 20.0)),
    ("JansenRitStep", "rest", lambda m: m.eeg(), swing(-1, 1e-2)),
    ("JansenRitStep", "high activity", lambda m: m.eeg(), swing(-1, 0.2)),
    ("WongWangStep", "easy decision", "S1", span(0.6, 0.8)),
    ("WongWangStep", "hard decision", "S2", span(0.0, 0.1)),
    ("WongWangStep", "working memory", "S1", span(0.5, 0.6)),
    ("WongWangStep", "spontaneous", "S1", span(0.09, 0.11)),
    ("WongWangExcInhStep", "weak inhibition", "S_e", span(0.6, 0.7)),
    ("MontbrioPazoRoxinStep", "bistable, low", "r", span(81.0, 81.3)),
    ("MontbrioPazoRoxinStep", "bistable, high", "r", span(1025.0, 1035.0)),
    ("MontbrioPazoRoxinStep", "driven", "r", span(1000.0, 1800.0)),
    ("LarterBreakspearStep", "rest", "V", swing(-1, 1e-3)),
    ("LarterBreakspearStep", "limit cycle", "V", swing(0.5, 1.5)),
    ("EpileptorStep", "epileptogenic", "x1", swing(2.0, 5.0)),
    ("EpileptorStep", "healthy", "x1", span(-1.8, -1.5)),
    ("HORNStep", "undamped", lambda m: m.energy(), swing(-1, 0.01)),
]


@pytest.mark.parametrize(("name", "preset", "state", "holds"), CLAIMS)
def test_preset_does_what_it_says(name, preset, state, holds):
    assert holds(late(getattr(brainmass, name), preset, state))


def test_kuramoto_presets_meet_or_part(x64):
    spread = dict(in_size=3, init_theta=np.array([0.0, 1.0, 2.5]))
    model, order = brainmass.KuramotoNetwork, lambda m: m.order_parameter()
    drifting = late(model, "drifting", order, **spread)
    np.testing.assert_allclose(drifting, drifting[0], rtol=1e-6)
    assert late(model, "synchronised", order, **spread)[-1] > 0.999
    assert late(model, "repelling", order, **spread)[-1] < 0.1


def test_settings_go_before_those_of_the_preset():
    node = brainmass.HopfStep.from_preset("limit cycle", 3, w=0.1, method="rk4")
    assert node.varshape == (3,)
    assert (float(node.a.value()), float(node.w.value())) == pytest.approx((0.25, 0.1))
    assert node.init_x == 0.1


def test_unknown_preset_lists_the_known():
    with pytest.raises(ValueError, match="preset must be one of 'limit cycle', 'edge of"):
        brainmass.HopfStep.from_preset("chaos")


@pytest.mark.parametrize("part", ["params", "init", "inputs"])
def test_preset_of_a_name_that_is_not_declared_is_refused(part):
    with pytest.raises(TypeError, match=f"{part} of the preset 'odd' must be among"):
        type(
            "OddStep",
            (brainmass.HopfStep,),
            {"presets": {"odd": brainmass.preset("odd", source="ours", **{part: {"q": 1.0}})}},
        )


def test_subclass_keeps_the_presets_that_still_fit():
    class PlainStep(brainmass.WilsonCowanStep):
        """The pair without a choice of slopes."""

        catalogued = False
        a_E = None

        @staticmethod
        def equations(s, p, i, t):
            return dict(rE=-s.rE / p.tau_E, rI=-s.rI / p.tau_I)

    assert list(PlainStep.presets) == ["bistable, silent", "bistable, active"]

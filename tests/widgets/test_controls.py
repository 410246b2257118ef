"""From a declaration to a slider."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets.controls import STEPS, control_for, plan_for

HOPF = brainmass.HopfStep.declaration.params


def spec(default, **more):
    return brainmass.param(default, doc="a number", **more).named("p")


EVERY = [
    pytest.param(s, id=f"{info.name}.{s.name}")
    for info in brainmass.list_models()
    for model in [getattr(brainmass, info.name)]
    if issubclass(model, brainmass.NeuralMass)
    for kinds in [model.declaration]
    for s in (*kinds.params.values(), *kinds.states.values(), *kinds.inlets.values())
]


@pytest.mark.parametrize("declared", EVERY)
def test_every_declared_number_gets_a_sensible_slider(declared):
    plan = plan_for(declared)
    default = np.mean(u.get_mantissa(getattr(declared.default, "low", declared.default)))
    assert plan.lo <= default <= plan.hi
    assert plan.lo < plan.hi
    assert STEPS / 5 <= (plan.hi - plan.lo) / plan.step <= STEPS * 1.001
    assert declared.doc.split()[0].lower() in plan.tooltip.lower()
    if declared.dimensional:
        assert f"[{str(declared.unit).replace(' ', '')}]" in plan.label
    bounds = getattr(declared, "bounds", None)
    if bounds:
        assert (plan.lo, plan.hi) == bounds


@pytest.mark.parametrize(
    ("default", "domain", "lo", "hi"),
    [
        (10.0, "positive", 0.5, 40.0),
        (10.0, "nonnegative", 0.0, 40.0),
        (-10.0, "negative", -40.0, -0.5),
        (10.0, "nonzero", 0.5, 40.0),
        (-10.0, "nonzero", -40.0, -0.5),
        (10.0, "real", -10.0, 30.0),
        (0.0, "real", -1.0, 1.0),
        (0.0, "nonnegative", 0.0, 1.0),
    ],
)
def test_range_without_bounds_stays_inside_the_domain(default, domain, lo, hi):
    plan = plan_for(spec(default, domain=domain))
    assert (plan.lo, plan.hi) == (lo, hi)


def test_range_always_contains_the_value():
    plan = plan_for(HOPF["a"], np.array([-3.0, 2.0]))
    assert (plan.lo, plan.hi) == (-3.0, 2.0)


def test_bounds_that_touch_zero_leave_it_out_for_a_positive_number():
    assert plan_for(spec(1.0, bounds=(0.0, 2.0), domain="positive")).lo > 0


def test_clamped_state_never_starts_outside_its_interval():
    clamped = brainmass.state(0.1, doc="gating", clamp=(0.0, 1.0)).named("S")
    plan = plan_for(clamped)
    assert plan.lo >= 0.0
    assert plan.hi <= 1.0


def test_logarithmic_slider_counts_in_decades(opened):
    declared = spec(10.0 * u.ms, bounds=(0.1, 1000.0), domain="positive", log=True)
    control = opened(control_for(declared))
    assert (control.slider.min, control.slider.max) == (-1.0, 3.0)
    assert control.slider.step == pytest.approx(4 / STEPS)
    control.slider.value = 100.0
    assert control.value == 100.0
    assert control.entry.value == "100"


@pytest.fixture
def heard():
    return []


@pytest.fixture
def refused():
    return []


@pytest.fixture
def gain(opened, heard, refused):
    declared = brainmass.JansenRitStep.declaration.params["Ae"]

    def check(value):
        declared.check(declared.attach(value), "JansenRitStep", (3,))

    return opened(
        control_for(
            declared,
            3.25,
            check=check,
            on_change=lambda control: heard.append(control.value.tolist()),
            on_error=refused.append,
        )
    )


def test_slider_and_entry_follow_each_other_and_tell_once(gain, heard):
    gain.slider.value = 4.0
    assert gain.entry.value == "4"
    gain.entry.value = "0.005 V"
    assert gain.slider.value == 5.0
    assert gain.entry.value == "5"
    assert heard == [4.0, 5.0]


def test_typed_value_outside_the_range_widens_the_slider(gain, heard):
    gain.entry.value = "20 mV"
    assert gain.slider.max == gain.slider.value == 20.0
    assert heard == [20.0]


@pytest.mark.parametrize("text", ["three", "3 ms", "-1 mV", "nan", ""])
def test_refused_entry_says_why_and_shows_the_old_value(gain, heard, refused, text):
    gain.entry.value = text
    assert gain.entry.value == "3.25"
    assert gain.value == 3.25
    assert heard == []
    assert "Ae" in refused[0]


def test_value_set_from_outside_is_shown_and_not_told(gain, heard):
    gain.put(6.0)
    assert (gain.slider.value, gain.entry.value, heard) == (6.0, "6", [])


def test_region_is_set_alone_and_all_together(gain, heard):
    gain.select((1,), (3,))
    gain.slider.value = 5.0
    assert heard == [[3.25, 5.0, 3.25]]
    gain.select(None, (3,))
    assert gain.entry.value == "varies"
    assert gain.slider.value == pytest.approx(11.5 / 3)
    gain.select((2,), (3,))
    assert gain.entry.value == "3.25"
    gain.select(None, (3,))
    gain.entry.value = "4"
    assert heard[-1] == 4.0


def test_setting_the_same_value_tells_nobody(gain, heard):
    assert gain.set(3.25)
    assert heard == []


def test_rounding_of_the_browser_does_not_reach_the_model(opened, heard):
    control = opened(control_for(HOPF["a"], 0.25, on_change=lambda c: heard.append(float(c.value))))
    control.slider.value = 0.30000000000000004
    assert heard == [0.3]


def test_label_tooltip_and_width_are_there(gain):
    assert gain.slider.description == "Ae [mV]"
    assert gain.slider.tooltip == "Excitatory synaptic gain [mV]. Default 3.25."
    assert gain.slider.layout.min_width
    assert repr(gain) == "ParameterControl(Ae [mV], 3.25)"


def test_the_browsers_answer_to_a_new_range_does_not_pull_a_typed_value_back():
    """It widens the slider; the browser may answer with the value cut to the old range."""
    changes = []
    control = control_for(
        brainmass.HopfStep.declaration.params["beta"], 1.0, on_change=lambda c: changes.append(1)
    )
    before = control.slider.min
    control.entry.value = "-0.5"
    control.slider.value = before
    assert control.value == -0.5
    assert control.slider.value == -0.5
    assert len(changes) == 1

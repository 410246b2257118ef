"""From a declaration to a slider, and the rows of a sheet."""

import re

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets.assets import bundle
from brainmass_widgets.controls import (
    ButtonControl,
    CheckControl,
    ChipsControl,
    ChoiceControl,
    TextControl,
)
from brainmass_widgets.numbers import NumberControl
from brainmass_widgets.plans import STEPS, plan_for
from brainmass_widgets.sheet import Sheet, control_for

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


@pytest.fixture
def heard():
    return []


@pytest.fixture
def refused():
    return []


@pytest.fixture
def gain(opened, heard, refused):
    """The row of a gain, in a sheet of its own."""
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


def shown(gain):
    row = gain.shown["value"]
    return row["value"], row["text"]


def test_slider_and_entry_follow_each_other_and_tell_once(gain, heard):
    gain.act("value", number=4.0)
    assert shown(gain) == (4.0, "4")
    gain.act("value", text="0.005 V")
    assert shown(gain) == (5.0, "5")
    assert heard == [4.0, 5.0]


def test_every_deed_is_answered_with_its_number_also_when_nothing_changes(gain):
    for n, deed in enumerate([{"number": 4.0}, {"number": 4.0}, {"text": "nonsense"}], start=1):
        gain.act("value", **deed)
        assert gain.shown["value"]["n"] == n
    assert shown(gain) == (4.0, "4")


@pytest.mark.parametrize("number", [3.123456789, 1e-7, 2.6, 9.75, 20.0, -0.5])
def test_no_value_or_range_that_the_kernel_shows_is_written_back(opened, number):
    """The two directions are two traits, so an echo of one cannot be a change of the other."""
    changes = []
    spec = brainmass.HopfStep.declaration.params["beta"]
    control = opened(control_for(spec, 1.0, on_change=lambda c: changes.append(float(c.value))))
    asked = control.asked
    control.set(number)
    control.set_state({"shown": control.shown})  # what a browser could send back
    assert control.value == number
    assert changes == [number]
    assert control.asked == asked


def test_typed_value_keeps_all_its_digits_whatever_the_step_of_the_slider(gain):
    gain.act("value", text="3.1234567")
    assert gain.value == 3.1234567
    assert gain.text == "3.12346"


def test_typed_value_outside_the_range_widens_the_slider(gain, heard):
    gain.act("value", text="20 mV")
    assert gain.range == (2.6, 20.0)
    assert gain.shown["value"]["hi"] == 20.0
    assert heard == [20.0]


@pytest.mark.parametrize("text", ["three", "3 ms", "-1 mV", "nan", ""])
def test_refused_entry_says_why_and_shows_the_old_value(gain, heard, refused, text):
    gain.act("value", text=text)
    assert shown(gain) == (3.25, "3.25")
    assert gain.value == 3.25
    assert heard == []
    assert "Ae" in refused[0]


def test_value_set_from_outside_is_shown_and_not_told(gain, heard):
    gain.put(6.0)
    assert (shown(gain), heard) == ((6.0, "6"), [])


def test_assigning_a_value_is_what_a_person_does(gain, heard):
    gain.value = 6.0
    assert (shown(gain), heard) == ((6.0, "6"), [6.0])


def test_region_is_set_alone_and_all_together(gain, heard):
    gain.select((1,), (3,))
    gain.act("value", number=5.0)
    assert heard == [[3.25, 5.0, 3.25]]
    gain.select(None, (3,))
    assert shown(gain) == (pytest.approx(11.5 / 3), "varies")
    gain.select((2,), (3,))
    assert gain.text == "3.25"
    gain.select(None, (3,))
    gain.act("value", text="4")
    assert heard[-1] == 4.0


def test_setting_the_same_value_tells_nobody(gain, heard):
    assert gain.set(3.25)
    assert heard == []


def test_logarithmic_slider_is_told_so_and_steps_in_decades(opened):
    declared = spec(10.0 * u.ms, bounds=(0.1, 1000.0), domain="positive", log=True)
    row = opened(control_for(declared)).shown["value"]
    assert row["log"]
    assert row["step"] == pytest.approx(4 / STEPS)


def test_label_and_tooltip_are_there(gain):
    (row,) = gain.rows
    assert row["label"] == "Ae [mV]"
    assert row["tooltip"] == "Excitatory synaptic gain [mV]. Default 3.25."
    assert row["first"] == 3.25
    assert repr(gain) == "ParameterControl(Ae [mV], 3.25)"


# -- the other rows ----------------------------------------------------------------------------


def test_text_is_rewritten_or_refused(opened, refused):
    control = TextControl("steps", "", "5", lambda text: str(int(text)), refused.append)
    sheet = opened(Sheet({"": {"steps": control}}))
    sheet.act("steps", text=" 7 ")
    assert sheet.shown["steps"]["text"] == control.text == "7"
    sheet.act("steps", text="many")
    assert sheet.shown["steps"]["text"] == "7"
    assert "many" in refused[0]


def test_a_choice_is_one_of_its_options(opened, heard, refused):
    control = ChoiceControl("method", "", "heun", heard.append, ["heun", "rk4"], refused.append)
    sheet = opened(Sheet({"": {"method": control}}))
    sheet.act("method", text="rk4")
    sheet.act("method", text="magic")
    assert (control.text, heard) == ("rk4", ["rk4"])
    assert refused == ["method must be one of heun, rk4."]


def test_ticks_chips_and_buttons_report_what_was_done(opened, heard):
    controls = {
        "tick": CheckControl("fit", "", False, heard.append),
        "chips": ChipsControl("", "", ["x", "y", "z"], ["x"], heard.append, least=1),
        "go": ButtonControl("go", "", lambda: heard.append("go")),
    }
    sheet = opened(Sheet({"": controls}))
    sheet.act("tick", on=True)
    sheet.act("chips", chosen=["z", "x"])
    sheet.act("chips", chosen=[])
    assert heard == [True, ["x", "z"]]
    assert sheet.shown["chips"]["chosen"] == ["x", "z"]
    sheet.act("go", press=3)  # two clicks more while the first was on its way
    assert heard[2:] == ["go"] * 3
    controls["go"].disabled = True
    sheet.act("go", press=4)
    assert len(heard) == 5


def test_an_error_in_a_reaction_becomes_a_sentence_and_is_answered(opened, refused):
    control = ButtonControl("go", "", lambda: 1 / 0)
    sheet = opened(Sheet({"": {"go": control}}, on_error=refused.append))
    sheet.act("go", press=1)
    assert refused == ["division by zero"]
    assert sheet.shown["go"]["n"] == 1


def test_many_changes_are_one_message(opened):
    declared = brainmass.HopfStep.declaration.params
    sheet = opened(Sheet({"": {name: NumberControl(s) for name, s in declared.items()}}))
    sent = []
    sheet.observe(lambda change: sent.append(change["new"]), "shown")
    with sheet.holding():
        for control in sheet.controls.values():
            control.put(0.5)
    assert len(sent) == 1
    assert {row["value"] for row in sent[0].values()} == {0.5}


def test_browser_and_kernel_know_the_same_traits_of_a_sheet():
    source = bundle("common.js", "sheet.js")
    read = set(re.findall(r'model\.get\("(\w+)"\)', source))
    followed = set(re.findall(r'"change:(\w+)"', source))
    written = set(re.findall(r'model\.set\("(\w+)"', source))
    assert read | followed <= set(Sheet.class_trait_names(sync=True))
    assert written == {"asked"}
    assert followed == {"rows", "shown"}

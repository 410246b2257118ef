"""Published regimes of the models, in the widget."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets import NetworkWidget, SimulatorWidget
from brainmass_widgets.panel import NO_PRESET

PRESETS = [
    pytest.param(info.name, name, id=f"{info.name}, {name}")
    for info in brainmass.list_models()
    for name in (getattr(getattr(brainmass, info.name), "presets", None) or {})
]


@pytest.mark.parametrize(("model", "name"), PRESETS)
def test_every_preset_is_what_its_model_declares(opened, model, name):
    cls = getattr(brainmass, model)
    preset = cls.presets[name]
    w = opened(SimulatorWidget(cls(1), preset=name, monitors=next(iter(cls.declaration.states))))
    w._worker.cancel()
    values = w.request.values
    for part, path in (("params", "{}"), ("inputs", "input.{}"), ("init", "init_{}")):
        for key, value in preset[part].items():
            unit = w.engine.fields[path.format(key)].spec.unit
            wanted = u.Quantity(value).to_decimal(unit)
            np.testing.assert_allclose(values[path.format(key)], wanted, rtol=1e-6)
    for key, spec in cls.declaration.params.items():
        if key not in preset["params"] and np.ndim(u.get_mantissa(spec.default)) == 0:
            assert values[key] == pytest.approx(float(u.get_mantissa(spec.default)))
    if preset["duration"] is not None:
        assert w.request.duration == pytest.approx(float(preset["duration"].to_decimal(u.ms)))


def test_a_preset_is_one_run_and_can_be_undone(opened):
    w = opened(SimulatorWidget(brainmass.JansenRitStep(1), duration=100 * u.ms))
    w.flush()
    runs, before = w.runs, w.state
    w.panel.sheet.act("preset", text="alpha rhythm")
    w.flush()
    assert w.runs == runs + 1
    assert w.controls["input.E_inp"].text == "220"
    assert w.panel.entries["duration"].text == "2000 ms"
    assert "10.9 Hz" in w.panel.sheet.shown["preset_note"]["text"]
    assert "Jansen" in w.panel.sheet.shown["preset_note"]["text"]
    assert w.state["preset"] == "alpha rhythm"
    names = {}
    exec(w.to_code(), names)
    np.testing.assert_array_equal(names["result"]["output"].mantissa, w.result["output"].mantissa)
    w.controls["C"].value = 140.0
    assert w.panel.sheet.shown["preset"]["text"] == NO_PRESET
    assert w.panel.sheet.shown["preset_note"]["hidden"]
    w.undo()
    assert w.panel.sheet.shown["preset"]["text"] == "alpha rhythm"
    w.undo()
    assert w.state == before


def test_presets_of_the_nodes_leave_the_network_alone(opened, ring):
    w = opened(NetworkWidget(ring, duration=10 * u.ms))
    w.controls["k"].value = 0.25
    w.preset("limit cycle")
    a = brainmass.HopfStep.presets["limit cycle"]["params"].get("a", 0.25)
    assert w.request.values["node.a"] == a
    assert w.request.values["k"] == 0.25
    with pytest.raises(ValueError, match="preset must be one of 'limit cycle'"):
        w.preset("epilepsy")

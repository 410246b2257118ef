"""Every model of the catalogue opens in the widget and can be written as code."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets import SimulatorWidget

NAMES = [
    info.name
    for info in brainmass.list_models()
    if issubclass(getattr(brainmass, info.name), brainmass.NeuralMass)
]


@pytest.mark.parametrize("name", NAMES)
def test_model_opens_moves_and_is_written(opened, name):
    model = getattr(brainmass, name)(2)
    w = opened(SimulatorWidget(model, duration=20 * u.ms))
    w.flush()
    assert (w.error, w.problem) == (None, "")
    assert set(model.declaration.params) <= set(w.controls)
    for control in w.controls.values():
        assert control.range[0] < control.range[1]
    before = w.result
    path = next(iter(model.declaration.params))
    control = w.controls[path]
    control.set(float(control.value.mean()) * 0.9 or control.range[1] / 2)
    w.flush()
    assert w.error is None
    names = {}
    exec(w.to_code(), names)
    assert list(before) == list(w.result)
    for signal, value in w.result.items():
        if signal != "ts":
            pair = value if isinstance(value, tuple) else (value,)
            again = names["result"][signal]
            again = again if isinstance(again, tuple) else (again,)
            for a, b in zip(again, pair, strict=True):
                np.testing.assert_array_equal(u.get_mantissa(a), u.get_mantissa(b))

"""What the tests of SimulatorWidget share."""

import warnings

import brainunit as u
import numpy as np

import brainmass


def hopf(size=1, **settings):
    return brainmass.HopfStep(size, **{"a": 0.25, "w": 0.3, "init_x": 0.1, **settings})


def press(w, name):
    """Click the button of that name in the toolbar."""
    control = w.toolbar.controls[name.lower()]
    if control.kind == "button":
        w.toolbar.act(name.lower(), press=control._count + 1)
    else:
        w.toolbar.act(name.lower(), on=not control.on)
    w.flush()


def run_code(w, **names):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(w.to_code(), names)
    return names["result"]


def assert_same(result, shown):
    assert set(result) == set(shown)
    for name, value in shown.items():
        if name != "ts":
            assert u.get_unit(result[name]) == u.get_unit(value)
            np.testing.assert_array_equal(u.get_mantissa(result[name]), u.get_mantissa(value))
    np.testing.assert_allclose(result["ts"].mantissa, shown["ts"].mantissa, rtol=1e-5)

"""What all widgets promise: state, pictures, pages, names, and an end."""

import base64
import json
import threading

import brainunit as u
import numpy as np
import pytest
from brainstate.nn import Param
from widget_models import hopf

import brainmass
from brainmass_widgets import explore
from brainmass_widgets.open import VIEWS


def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(5 * u.ms, monitors="x")["x"]


def build(view):
    """Open a small widget, let it do its work, and return it."""
    if view == "network":
        net = brainmass.Network(
            hopf(3), conn=np.ones((3, 3)) - np.eye(3), distance=30.0 * np.ones((3, 3)) * u.mm,
            speed=10 * u.mm / u.ms, coupled_var="x", k=0.2,
        )  # fmt: skip
        w = explore(net, duration=20 * u.ms)
    elif view == "fit":
        node = brainmass.LinearStep(1, gamma=Param(-0.1, fit=True), init_x=1.0)
        data = predict(brainmass.LinearStep(1, gamma=-0.3, init_x=1.0))
        w = explore(brainmass.Fitter(node, predict=predict), target=data, n_steps=3)
        w.start()
    elif view == "sweep":
        w = explore(hopf(), view, params={"a": (0.1, 0.3, 3)}, duration=20 * u.ms)
        w.start()
    else:
        w = explore(hopf(), view, duration=20 * u.ms)
    w.flush()
    return w


NAMES = {
    "simulator": "SimulatorWidget(HopfStep, 3 parameters)",
    "network": "NetworkWidget(Network of HopfStep, 5 parameters)",
    "phase plane": "PhasePlaneWidget(HopfStep, x, y)",
    "sweep": "SweepWidget(HopfStep, a)",
    "fit": "FitterWidget(LinearStep, 1 parameter)",
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_widget_can_be_named_saved_restored_drawn_and_closed(view, tmp_path):
    w, other = build(view), build(view)
    assert type(w) is VIEWS[view]
    assert repr(w) == NAMES[view]
    saved = json.loads(json.dumps(w.state))
    other.state = saved
    other.flush()
    assert other.state == saved
    with pytest.raises(ValueError, match="Save it anew"):
        other.state = {"format": 0}
    for form, first in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("html", b"<!doctype html>")):
        w.save(tmp_path / f"shown.{form}")
        assert (tmp_path / f"shown.{form}").read_bytes().lower().startswith(first.lower())
    with pytest.raises(ValueError, match="must end in"):
        w.save(tmp_path / "shown.docx")
    page = (tmp_path / "shown.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "import brainmass" in page or "fitter" in page
    bundle = w._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert bundle["text/plain"] == NAMES[view]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert len(bundle["image/png"]) < 200_000
    for part in (w, other):
        part.close()
        part.close()
    assert [t for t in threading.enumerate() if t.name.startswith("brainmass-")] == []
    assert w._repr_mimebundle_() == {
        "text/plain": f"{NAMES[view]}, closed. Run the cell that made it again."
    }
    w.toolbar.act("code", on=True)  # a button that was on its way says nothing


def test_explore_refuses_what_a_view_cannot_show():
    with pytest.raises(ValueError, match="view must be one of 'simulator', 'network'"):
        explore(hopf(), "sideways")
    with pytest.raises(TypeError, match="network must be a Network; got HopfStep"):
        explore(hopf(), "network")
    with pytest.raises(ValueError, match="at least two states"):
        explore("LinearStep", "phase plane")
    with pytest.raises(TypeError, match="fitter must be a Fitter"):
        explore(hopf(), "fit")


def test_phase_plane_of_a_network_is_that_of_one_region(opened, ring):
    w = opened(explore(brainmass.Simulator(ring, dt=0.05 * u.ms), "phase plane"))
    assert repr(w) == "PhasePlaneWidget(HopfStep, x, y)"
    assert w.request.dt == 0.05

"""Every test closes the widgets it opened and leaves no thread behind."""

import threading

import brainunit as u
import numpy as np
import pytest
from widget_models import hopf

import brainmass
from brainmass_widgets import SimulatorWidget


def running_threads():
    return [t for t in threading.enumerate() if t.name.startswith("brainmass-")]


@pytest.fixture
def opened():
    """Registers widgets and workers, and closes them after the test."""
    parts = []

    def register(part):
        parts.append(part)
        return part

    yield register
    for part in parts:
        part.close()
    assert running_threads() == []


@pytest.fixture
def ring():
    """Four regions in a ring, with delays."""
    weights = np.roll(np.eye(4), 1, axis=1) + np.roll(np.eye(4), -1, axis=1)
    return brainmass.Network(
        brainmass.HopfStep(4, a=0.2, w=0.3, init_x=0.1),
        conn=weights,
        distance=np.where(weights > 0, 30.0, 60.0) * u.mm,
        speed=10.0 * u.mm / u.ms,
        coupled_var="x",
        k=0.5,
    )


@pytest.fixture
def widget(opened):
    w = opened(SimulatorWidget(hopf(), duration=50 * u.ms))
    w.flush()
    return w

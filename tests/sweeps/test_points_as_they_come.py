"""Evaluator tells which points have come in."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.engine.loop import stop_when
from brainmass.sweeps import Evaluator


def evaluator():
    sim = brainmass.Simulator(brainmass.HopfStep(1, init_x=0.5), dt=0.1 * u.ms)
    largest = {"largest": lambda result: result["x"].max()}
    return Evaluator(sim, ["a"], duration=20 * u.ms, monitors="x", reduce=largest, batch=4)


def test_every_point_is_told_once_with_its_number():
    told, numbers = [], np.full(40, np.nan)

    def take(points, found):
        told.extend(points)
        numbers[points] = found["largest"][points]

    found = evaluator()({"a": np.linspace(-0.5, 0.5, 40)}, on_points=take)
    assert sorted(told) == list(range(40))
    np.testing.assert_array_equal(numbers, found["largest"])


def test_points_that_were_told_survive_a_stop():
    told = []
    with pytest.raises(KeyboardInterrupt), stop_when(lambda: len(told) >= 8):
        evaluator()({"a": np.linspace(-0.5, 0.5, 400)}, on_points=lambda p, _: told.extend(p))
    assert 8 <= len(told) < 400

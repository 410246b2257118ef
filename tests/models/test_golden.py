"""Every model with every integrator still gives the numbers it gave, and at the right order."""

from itertools import pairwise

import brainunit as u
import numpy as np
import pytest
from golden import make_golden

import brainmass

RUNS = dict(np.load(make_golden.FILE))
MODELS = make_golden.models()


@pytest.mark.parametrize("name", list(MODELS))
def test_short_run_gives_the_stored_numbers(name, x64):
    found = make_golden.final_states(MODELS[name])
    for method, value in found.items():
        np.testing.assert_allclose(value, RUNS[f"{name}/{method}"], rtol=1e-9, atol=1e-12)


def test_stored_runs_are_those_of_the_models():
    expected = {f"{n}/{m}" for n, model in MODELS.items() for m in make_golden.methods_of(model)}
    assert set(RUNS) == expected


def measured_order(build, duration, steps):
    """Slope of the error over dt between the last two of three halvings of the step."""
    ends = []
    for dt in steps:
        node = build()
        names = list(node.declaration.states)
        out = brainmass.Simulator(node, dt * u.ms).run(duration * u.ms, monitors=names)
        ends.append(np.array([out[name][-1] for name in names]))
    first, second = (np.linalg.norm(a - b) for a, b in pairwise(ends))
    return np.log2(first / second)


ORDERS = {"euler": 1, "exp_euler": 1, "heun": 2, "rk4": 4}


@pytest.mark.parametrize("method", list(ORDERS))
@pytest.mark.parametrize("name", ["HopfStep", "FitzHughNagumoStep"])
def test_integrators_converge_at_their_order(name, method, x64):
    given = dict(init_x=0.3) if name == "HopfStep" else dict(init_V=0.6, init_w=0.1)

    def build():
        return getattr(brainmass, name)(1, method=method, **given)

    fine = 0.4 if method == "rk4" else 0.1
    found = measured_order(build, 8.0, [fine, fine / 2, fine / 4])
    assert found == pytest.approx(ORDERS[method], abs=0.15)


def test_clamping_after_the_step_leaves_heun_at_order_two(x64):
    def build():
        return brainmass.WongWangStep(1, init_S1=0.99, init_S2=0.0)

    assert measured_order(build, 40.0, [2.0, 1.0, 0.5]) == pytest.approx(2.0, abs=0.15)

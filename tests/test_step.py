"""Orders of convergence, and the schemes that have an exact answer."""

import brainunit as u
import numpy as np
import pytest

import brainmass

MS = u.ms


def final(method, dt, duration=20.0):
    node = brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.3, init_y=0.1, method=method)
    result = brainmass.Simulator(node, dt=dt * MS).run(duration * MS, monitors=["x", "y"])
    return np.array([result["x"][-1, 0], result["y"][-1, 0]])


def exact(duration=20.0, a=0.25, w=0.3):
    """Closed form of the Hopf normal form in polar coordinates."""
    r0, phase = np.hypot(0.3, 0.1), np.arctan2(0.1, 0.3) + w * duration
    r = np.sqrt(a / (1 + (a / r0**2 - 1) * np.exp(-2 * a * duration)))
    return r * np.array([np.cos(phase), np.sin(phase)])


@pytest.mark.parametrize(
    ("method", "order"),
    [
        ("euler", 1),
        ("exp_euler", 1),
        ("semi_implicit_euler", 1),
        ("heun", 2),
        ("rk4", 4),
        ("rk2", 2),
    ],
)
def test_order_of_convergence(method, order, x64):
    errors = [np.abs(final(method, dt) - exact()).max() for dt in (0.2, 0.1, 0.05)]
    slope = np.log2(errors[0] / errors[2]) / 2
    assert abs(slope - order) < 0.15, (slope, errors)


def test_exp_euler_is_exact_for_a_linear_node(x64):
    node = brainmass.LinearStep(1, gamma=-10.0, method="exp_euler")
    x = brainmass.Simulator(node, dt=0.1 * MS).run(1 * MS, monitors="x")["x"]
    np.testing.assert_allclose(x[-1, 0], 0.01 * np.exp(-10), rtol=1e-12)


def test_exp_euler_is_finite_where_the_slope_vanishes(x64):
    node = brainmass.LinearStep(1, gamma=-1e-9, method="exp_euler")
    run = brainmass.Simulator(node, dt=0.1 * MS).run
    x = run(1 * MS, monitors="x", inputs=np.ones(10))["x"]
    np.testing.assert_allclose(x[-1, 0], 1.01, rtol=1e-6)


def test_order_survives_a_bounded_state(x64):
    """Clamping happens after the step, never on a stage."""

    class Bounded(brainmass.NeuralMass):
        """A rotation whose first coordinate is bounded below its amplitude by far."""

        catalogued = False
        x = brainmass.state(0.4, doc="x", clamp=(-10.0, 10.0))
        y = brainmass.state(0.0, doc="y")

        @staticmethod
        def equations(s, p, i, t):
            return {"x": -0.3 * s.y / u.ms, "y": 0.3 * s.x / u.ms}

    errors = []
    for dt in (0.4, 0.1):
        x = brainmass.Simulator(Bounded(1), dt=dt * MS).run(20 * MS, monitors="x")["x"]
        errors.append(abs(float(x[-1, 0]) - 0.4 * np.cos(6.0)))
    assert abs(np.log2(errors[0] / errors[1]) / 2 - 2) < 0.15


def test_semi_implicit_euler_keeps_the_energy_of_an_undamped_oscillator(x64):
    """A symplectic rule conserves x**2 w**2 + y**2 + h w**2 x y exactly (Hairer et al. 2006)."""
    w, h = 0.5, 0.4
    node = brainmass.HORNStep(1, init_x=1.0, gamma=0.0, omega=w, method="semi_implicit_euler")
    out = brainmass.Simulator(node, dt=h * MS).run(400 * MS, monitors=["x", "y"])
    x, y = (np.asarray(out[n])[:, 0] for n in "xy")
    energy = w**2 * x**2 + y**2 - h * w**2 * x * y
    np.testing.assert_allclose(energy, w**2, rtol=1e-10)

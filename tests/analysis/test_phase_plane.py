"""Vector fields and nullclines."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.analysis import fixed_points, nullclines, vector_field

VDP = {"x": (-3.0, 3.0), "y": (-2.0, 2.0)}


def finite(curve):
    x, y = (np.asarray(u.get_mantissa(c)) for c in curve)
    return x[~np.isnan(x)], y[~np.isnan(y)]


def test_nullclines_of_van_der_pol_are_its_cubic_and_its_axis():
    curves = nullclines(brainmass.VanDerPolStep(1, mu=2.0), "x", "y", box=VDP)
    x, y = finite(curves["x"])
    assert np.abs(y - (x - x**3 / 3)).max() < 1e-12
    assert x.size > 100
    x, y = finite(curves["y"])
    assert np.abs(x).max() < 1e-12
    assert (y.min(), y.max()) == (-2.0, 2.0)


def test_field_is_that_of_the_equations():
    field = vector_field(brainmass.VanDerPolStep(1, mu=2.0), "x", "y", box=VDP, points=(7, 5))
    x, y = np.meshgrid(field.x, field.y)
    np.testing.assert_allclose(u.get_mantissa(field.dx), 2 * (x - x**3 / 3 - y), atol=1e-12)
    np.testing.assert_allclose(u.get_mantissa(field.dy), x / 2, atol=1e-12)
    assert field.dx.shape == (5, 7)


def test_units_are_those_of_the_states():
    field = vector_field(brainmass.MontbrioPazoRoxinStep(1), "r", "v", points=5)
    assert field.x.unit == u.Hz
    assert field.dx.unit == u.Hz / u.ms
    assert field.dy.unit == 1 / u.ms


def test_curves_in_pieces_are_separated():
    """The quadratic activator of Montbrio et al. vanishes on two branches of a parabola."""
    node = brainmass.MontbrioPazoRoxinStep(1)
    curves = nullclines(node, "r", "v", box={"r": (0 * u.Hz, 1500 * u.Hz), "v": (-3.0, 3.0)})
    x, y = (np.asarray(u.get_mantissa(c)) for c in curves["v"])
    assert np.isnan(x).sum() == np.isnan(y).sum() == 1
    rate = x[~np.isnan(x)] / 1000
    left = y[~np.isnan(y)] ** 2 - 5 + 15 * rate - (np.pi * rate) ** 2
    assert np.abs(left).max() < 1e-9


@pytest.fixture(scope="module")
def column():
    node, at = brainmass.JansenRitStep(1), {"E_inp": 100 * u.Hz}
    return node, at, fixed_points(node, at=at)


def test_quasi_steady_nullclines_cross_in_every_fixed_point(column):
    node, at, points = column
    curves = nullclines(node, "E", "I", at=at)
    assert len(points) == 3
    for name in ("E", "I"):
        x, y = finite(curves[name])
        for point in points:
            at_point = float(point.state["E"] / u.mV), float(point.state["I"] / u.mV)
            # The neighbours on the curve, and the line between them.
            near = np.argsort(np.hypot(x - at_point[0], y - at_point[1]))[:2]
            a, b = (np.array([x[k], y[k]]) for k in near)
            along = (b - a) / np.linalg.norm(b - a)
            off = (np.array(at_point) - a) @ np.array([-along[1], along[0]])
            assert abs(off) < 2e-3 * np.ptp(x)


def test_held_states_stay_where_they_are(column):
    node, at, points = column
    here = points[0]
    field = vector_field(node, "Ev", "Iv", at=at, state=here, others="held", points=3,
                         box={"Ev": (-1 * u.mV / u.second, 1 * u.mV / u.second),
                              "Iv": (-1 * u.mV / u.second, 1 * u.mV / u.second)})  # fmt: skip
    # Around the fixed point the held field is linear: dEv/dt = -2 be Ev, with be = 0.1 / ms.
    np.testing.assert_allclose(u.get_mantissa(field.dx)[1], [0.2, 0.0, -0.2], atol=1e-9)


def test_other_grids_ranges_and_axes_compile_nothing(column, compile_count):
    node, at, _ = column
    nullclines(node, "E", "I", at=at)
    with compile_count:
        nullclines(node, "M", "I", at={"E_inp": 50 * u.Hz}, points=40)
        vector_field(node, "M", "E", points=(9, 11), box={"E": (0 * u.mV, 20 * u.mV)})
    assert compile_count.n == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"y": "x"}, "x and y must be two states"),
        ({"y": "z"}, "states must be among 'x', 'y'"),
        ({"others": "free"}, "others must be one of 'quasi-steady', 'held'"),
        ({"points": 1}, "points must be a whole number"),
        ({"box": {"x": (1.0, 1.0)}}, "low < high"),
    ],
)
def test_bad_input_is_one_sentence(arguments, text):
    given = {"x": "x", "y": "y", **arguments}
    with pytest.raises(ValueError, match=text):
        nullclines(brainmass.HopfStep(1), **given)


def test_networks_are_sent_to_their_node():
    net = brainmass.Network(brainmass.HopfStep(2), conn=np.ones((2, 2)), coupled_var="x")
    with pytest.raises(TypeError, match="Pass its node, for example network.node"):
        nullclines(net, "x", "y")
    assert nullclines(net.node, "x", "y").names == ("x", "y")

"""Fixed points, Jacobians and stability, from the equations of a model alone."""

import brainunit as u
import jax
import numpy as np
import pytest

import brainmass
from brainmass.analysis import FixedPoint, fixed_points, jacobian
from brainmass.analysis.dynamics.points import kind_of


def mpr(**settings):
    return brainmass.MontbrioPazoRoxinStep(1, **settings)


def rates(points):
    return [float(p.state["r"] / u.Hz) for p in points]


def test_montbrio_has_a_node_a_saddle_and_a_focus():
    """Montbrio, Pazo & Roxin 2015: delta = 1, eta = -5, J = 15; one rate unit is 1000 Hz."""
    low, middle, high = fixed_points(mpr(), box={"r": (0 * u.Hz, 3000 * u.Hz)})
    np.testing.assert_allclose(rates([low, middle, high]), [81.134, 472.980, 1030.597], rtol=1e-5)
    assert [p.kind for p in (low, middle, high)] == ["stable node", "saddle", "stable focus"]
    assert high.eigenvalues == pytest.approx([-0.30886 + 3.31863j, -0.30886 - 3.31863j], abs=1e-5)
    assert (low.unstable_dimensions, middle.unstable_dimensions) == (0, 1)
    assert float(high.frequency / u.Hz) == pytest.approx(3.31863 * 1000 / (2 * np.pi), rel=1e-5)


def test_montbrio_without_coupling_has_one_state_with_a_positive_rate():
    node = mpr(J=0.0, eta=1.0)
    (point,) = fixed_points(node, box={"r": (0 * u.Hz, 3000 * u.Hz)})
    expected = np.sqrt((1 + np.sqrt(2)) / 2) / np.pi
    assert rates([point])[0] == pytest.approx(1000 * expected, rel=1e-6)


def test_lorenz_has_its_three_equilibria():
    left, origin, right = fixed_points(brainmass.LorenzStep(1))
    assert [left.state["x"], right.state["x"]] == pytest.approx([-8.4852814, 8.4852814], abs=1e-6)
    assert [p.kind for p in (left, origin, right)] == ["saddle-focus", "saddle", "saddle-focus"]
    assert right.state["z"] == pytest.approx(27.0, abs=1e-9)


def test_resting_area_is_that_of_deco_2014():
    (point,) = fixed_points(brainmass.WongWangExcInhStep(1))
    assert point.state["S_e"] == pytest.approx(0.1647572, abs=1e-5)
    assert point.state["S_i"] == pytest.approx(0.0392184, abs=1e-5)
    assert point.stable


def test_jansen_rit_has_three_states_between_its_folds_and_one_outside():
    column = brainmass.JansenRitStep(1)
    counts = {p: len(fixed_points(column, at={"E_inp": p * u.Hz})) for p in (-50, 0, 100, 120)}
    assert counts == {-50: 1, 0: 3, 100: 3, 120: 1}


def test_double_precision_comes_from_single_precision_models_and_leaves_the_switch_alone(
    x32,
):
    before = jax.config.jax_enable_x64
    node = brainmass.HopfStep(1, a=0.1, w=0.3, beta=0.7)
    assert node.a.value().dtype == np.float32
    assert jacobian(node).tolist() == [[0.1, -0.3], [0.3, 0.1]]
    assert jax.config.jax_enable_x64 == before


def test_double_precision_models_give_the_same(restored_globals):
    import brainstate

    box = {"r": (0 * u.Hz, 3000 * u.Hz)}
    single = fixed_points(mpr(eta=-5.1), box=box)
    brainstate.environ.set(precision=64)
    double = fixed_points(mpr(eta=-5.1), box=box)
    np.testing.assert_allclose(rates(single), rates(double), rtol=1e-13)


def test_values_are_overridden_by_name_and_other_values_compile_nothing(compile_count):
    node = brainmass.JansenRitStep(1)
    first = fixed_points(node, at={"E_inp": 50 * u.Hz})
    with compile_count:
        second = fixed_points(node, at={"E_inp": 60 * u.Hz, "C": 130.0, "Ae": 0.0033 * u.volt})
        node.C = 120.0
        third = fixed_points(node, at={"E_inp": 50 * u.Hz})
    assert compile_count.n == 0
    assert len({float(p[0].state["E"] / u.mV) for p in (first, second, third)}) == 3


def test_the_region_is_chosen_where_regions_differ():
    node = brainmass.HopfStep(3, a=[-0.1, 0.2, 0.3])
    assert fixed_points(node, region=0)[0].kind == "stable focus"
    assert fixed_points(node, region=2)[0].eigenvalues.real == pytest.approx([0.3, 0.3])
    with pytest.raises(ValueError, match="region must be given where parameters differ"):
        fixed_points(node)


def test_clamped_states_have_no_fixed_points_outside_of_their_limits():
    for point in fixed_points(brainmass.WongWangStep(1)):
        assert 0 <= point.state["S1"] <= 1
        assert 0 <= point.state["S2"] <= 1


def ring(**settings):
    weights = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    return brainmass.Network(
        brainmass.LinearStep(3, gamma=-2.0),
        conn=weights,
        coupled_var="x",
        coupling="additive",
        k=0.5,
        **settings,
    )


def test_network_is_linearised_as_a_whole_and_without_its_delays():
    expected = -2 * np.eye(3) + 0.5 * np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    np.testing.assert_allclose(jacobian(ring()), expected, atol=1e-7)
    delayed = ring(distance=np.full((3, 3), 10.0) * u.mm, speed=2.0 * u.mm / u.ms)
    np.testing.assert_allclose(jacobian(delayed), expected, atol=1e-7)
    strong = jacobian(delayed, at={"k": 1.0, "gamma": [-3.0, -2.0, -2.0]})
    np.testing.assert_allclose(np.diag(strong), [-3, -2, -2])
    assert strong[0, 1] == pytest.approx(1.0)


def test_network_of_two_switches_has_nine_states():
    pair = brainmass.Network(
        brainmass.WilsonCowanStep(2),
        conn=np.ones((2, 2)),
        coupled_var="rE",
        coupling="additive",
        k=0.02,
    )
    points = fixed_points(pair)
    assert len(points) == 9
    assert sum(p.stable for p in points) == 4
    assert points[0].state["rE"].shape == (2,)


def test_couplings_inside_a_model_count():
    """Four phase oscillators in phase: the Jacobian is minus the Laplacian of their ring."""
    node = brainmass.KuramotoNetwork(4, K=1.0, omega=0.0)
    expected = np.full((4, 4), 0.25) - np.eye(4)
    np.testing.assert_allclose(jacobian(node, {"theta": 0.0}), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("eigenvalues", "kind"),
    [
        ([-1, -2], "stable node"),
        ([-1 + 1j, -1 - 1j], "stable focus"),
        ([1, -1], "saddle"),
        ([1 + 1j, 1 - 1j, -1], "saddle-focus"),
        ([1, 2], "unstable node"),
        ([1 + 1j, 1 - 1j], "unstable focus"),
        ([1j, -1j], "centre"),
        ([0, -1], "non-hyperbolic"),
        ([-3, -1 + 2j, -1 - 2j], "stable focus"),
        ([-0.5, -1 + 2j, -1 - 2j], "stable node"),
    ],
)
def test_kind_follows_from_the_eigenvalues(eigenvalues, kind):
    point = FixedPoint({"x": 0.0}, np.array(eigenvalues), np.eye(2), kind_of(eigenvalues))
    assert point.kind == kind
    assert point.stable == kind.startswith("stable")


def test_points_and_states_are_written_in_one_short_line():
    (point,) = fixed_points(brainmass.HopfStep(1, a=-0.1))
    assert repr(point) == "FixedPoint(x=0, y=0, stable focus)"


class Driven(brainmass.NeuralMass):
    """A model that reads the time."""

    catalogued = False
    x = brainmass.state(0.0, doc="activity")

    @staticmethod
    def equations(s, p, i, t):
        return dict(x=(u.math.sin(t / u.ms) - s.x) / u.ms)


HOPF = brainmass.HopfStep(1)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: fixed_points(3), TypeError, "model must be a .* got int"),
        (lambda: fixed_points(brainmass.HopfStep), TypeError, "got the class HopfStep"),
        (lambda: fixed_points(HOPF, at={"q": 1.0}), ValueError, "must be among 'a', 'w', 'beta'"),
        (lambda: fixed_points(HOPF, at=3), TypeError, "at must be a dict"),
        (lambda: fixed_points(HOPF, at={"a": np.nan}), ValueError, "must be finite"),
        (
            lambda: fixed_points(brainmass.JansenRitStep(1), at={"E_inp": 1.0}),
            brainmass.UnitError,
            r"must be a quantity in \[Hz\]; got 1.0",
        ),
        (lambda: fixed_points(HOPF, box={"x": (1, 0)}), ValueError, "low < high"),
        (lambda: fixed_points(HOPF, box={"z": (0, 1)}), ValueError, "must be among 'x', 'y'"),
        (lambda: fixed_points(HOPF, starts=0), ValueError, "starts must be a positive"),
        (lambda: fixed_points(HOPF, region=1), ValueError, "region must be from 0 to 0"),
        (lambda: fixed_points(ring(), region=0), ValueError, "region must be left out"),
        (lambda: fixed_points(Driven(1)), ValueError, "must not depend on time"),
        (lambda: jacobian(HOPF, {"x": np.inf}), ValueError, "must be finite"),
        (lambda: jacobian(HOPF, {"x": [1.0, 2.0]}), ValueError, "must be one number"),
        (
            lambda: jax.jit(lambda a: jacobian(brainmass.HopfStep(1, a=a)))(0.1),
            TypeError,
            "got a traced value",
        ),
    ],
)
def test_bad_input_is_one_sentence(call, error, text):
    with pytest.raises(error, match=text):
        call()

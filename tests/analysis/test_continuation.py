"""Bifurcation diagrams of fixed points."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass.analysis import continuation, fixed_points


def values(bifurcations):
    return [float(u.get_mantissa(b.value)) for b in bifurcations]


@pytest.fixture(scope="module")
def column():
    return continuation(brainmass.JansenRitStep(1), "E_inp", (-60 * u.Hz, 350 * u.Hz))


def test_jansen_rit_has_its_two_folds(column):
    assert values(column.folds) == pytest.approx([-41.301, 113.586], abs=1e-2)
    eeg = [float((f.state["E"] - f.state["I"]) / u.mV) for f in column.folds]
    assert eeg == pytest.approx([5.3265, 2.5805], abs=1e-4)


def test_jansen_rit_has_its_three_hopf_points(column):
    """Grimbert & Faugeras 2006, doi:10.1162/neco.2006.18.12.3052: alpha from 89.83 to 315.70."""
    assert values(column.hopfs) == pytest.approx([-12.15, 89.83, 315.70], abs=1e-2)
    kinds = [h.criticality for h in column.hopfs]
    assert kinds == ["subcritical", "supercritical", "supercritical"]
    assert float(column.hopfs[1].frequency / u.Hz) == pytest.approx(10.38, abs=0.01)
    for hopf in column.hopfs:
        pair = hopf.eigenvalues[np.argsort(np.abs(hopf.eigenvalues.real))[:2]]
        assert np.abs(pair.real).max() < 1e-10


def test_one_curve_through_all_of_them_with_units(column):
    (branch,) = column.branches
    assert branch.values.unit == u.Hz
    assert branch.values.mantissa[[0, -1]].tolist() == [-60.0, 350.0]
    assert branch.states["E"].unit == u.mV
    assert branch.eigenvalues.shape == (len(branch), 6)
    assert repr(column) == "Continuation(E_inp: 1 branch, 2 folds, 3 Hopf points)"


def test_points_of_the_curve_are_fixed_points(column):
    (branch,) = column.branches
    drive = 50.0
    found = fixed_points(brainmass.JansenRitStep(1), at={"E_inp": drive * u.Hz})
    p, e = branch.values.mantissa, branch.states["E"].mantissa
    k = np.flatnonzero((p[:-1] - drive) * (p[1:] - drive) < 0)
    crossed = e[k] + (drive - p[k]) / (p[k + 1] - p[k]) * (e[k + 1] - e[k])
    expected = [float(f.state["E"] / u.mV) for f in found]
    assert sorted(crossed) == pytest.approx(sorted(expected), rel=0.02)
    assert [bool(branch.stable[i]) for i in k[np.argsort(crossed)]] == [f.stable for f in found]


class Area(brainmass.NeuralMass):
    """One population with NMDA currents, Wong & Wang 2006."""

    catalogued = False
    I0 = brainmass.param(0.32 * u.nA, doc="background current")
    S = brainmass.state(0.1, doc="open channels")

    @staticmethod
    def equations(s, p, i, t):
        x = 270 * u.Hz / u.nA * (0.2609 * u.nA * s.S + p.I0) - 108 * u.Hz
        rate = x / (1 - u.math.exp(-(0.154 * u.second * x)))
        return dict(S=(1 - s.S) * 0.641 * rate - s.S / (0.1 * u.second))


def test_wong_wang_population_is_bistable_in_its_window():
    diagram = continuation(Area(1), "I0", (0.30 * u.nA, 0.34 * u.nA))
    assert values(diagram.folds) == pytest.approx([0.319803, 0.325079], abs=1e-6)
    assert len(diagram.branches) == 1
    assert diagram.hopfs == []


def test_hopf_cycle_is_born_at_zero_with_its_frequency():
    diagram = continuation(brainmass.HopfStep(1, w=0.3), "a", (-0.5, 0.5))
    (hopf,) = diagram.hopfs
    assert hopf.value == pytest.approx(0.0, abs=1e-9)
    assert float(hopf.frequency / u.Hz) == pytest.approx(47.746483, abs=1e-6)
    assert hopf.criticality == "supercritical"
    (branch,) = diagram.branches
    away = np.abs(branch.values) > 1e-9
    assert (branch.stable == (branch.values < 0))[away].all()


@pytest.mark.parametrize(("beta", "kind"), [(-1.0, "subcritical"), (1.0, "supercritical")])
def test_sign_of_the_cubic_term_decides_the_criticality(beta, kind):
    diagram = continuation(brainmass.HopfStep(1, beta=beta), "a", (-0.5, 0.4))
    assert [h.criticality for h in diagram.hopfs] == [kind]


def test_lorenz_has_its_pitchfork_and_its_subcritical_hopf_points():
    """rho = 1, and sigma (sigma + beta + 3) / (sigma - beta - 1) = 470 / 19."""
    diagram = continuation(brainmass.LorenzStep(1), "rho", (0.0, 30.0))
    assert values(diagram.branch_points) == pytest.approx([1.0], abs=1e-6)
    assert values(diagram.hopfs) == pytest.approx([470 / 19] * 2, rel=1e-8)
    assert {h.criticality for h in diagram.hopfs} == {"subcritical"}
    assert diagram.folds == []
    assert sorted(np.sign(h.state["x"]) for h in diagram.hopfs) == [-1, 1]


def test_closed_curve_is_followed_once():
    """The lopsided states of two competing populations form a ring with four folds."""
    node = brainmass.WongWangStep(1, mu_0=0 * u.Hz)
    diagram = continuation(node, "I_0", (0.25 * u.nA, 0.4 * u.nA))
    assert len(diagram.branches) == 2
    ring = next(b for b in diagram.branches if b.values[0] == b.values[-1])
    assert float(ring.states["S1"].min()) == pytest.approx(float(ring.states["S2"].min()), abs=1e-3)
    assert len(diagram.folds) == 4
    assert len(diagram.branch_points) == 2


def test_box_leaves_out_solutions_without_a_meaning():
    node = brainmass.MontbrioPazoRoxinStep(1)
    rates = {"r": (0 * u.Hz, 3000 * u.Hz)}
    diagram = continuation(node, "eta", (-10.0, 0.0), box=rates)
    assert len(diagram.branches) == 1
    assert (diagram.branches[0].states["r"] > 0 * u.Hz).all()
    assert len(diagram.folds) == 2
    assert len(continuation(node, "eta", (-10.0, 0.0)).branches) == 2


def test_network_is_followed_along_its_strength():
    """Additive coupling of two Hopf nodes in x shifts a by k / 2: in phase they start at 0.4."""
    net = brainmass.Network(
        brainmass.HopfStep(2, a=-0.2, w=0.3), conn=np.ones((2, 2)), coupled_var="x",
        coupling="additive", k=0.1,
    )  # fmt: skip
    diagram = continuation(net, "k", (0.0, 0.5))
    assert values(diagram.hopfs) == pytest.approx([0.4], abs=1e-8)
    assert diagram.branches[0].states["x"].shape == (len(diagram.branches[0]), 2)


def test_another_parameter_compiles_nothing(compile_count):
    node = brainmass.FitzHughNagumoStep(1)
    continuation(node, "V_inp", (0.0, 2.0))
    with compile_count:
        diagram = continuation(node, "tau", (2 * u.ms, 30 * u.ms), at={"V_inp": 1.0})
    assert compile_count.n == 0
    assert len(diagram.branches) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"parameter": "q"}, "must be among 'a', 'w', 'beta'"),
        ({"span": (1.0, 0.0)}, "span must be \\(low, high\\)"),
        ({"span": 1.0}, "span must be \\(first, last\\)"),
        ({"step": 0.0}, "step must be in"),
        ({"parameter": "w", "span": (0.0, np.inf)}, "must be finite"),
    ],
)
def test_bad_input_is_one_sentence(arguments, text):
    given = {"parameter": "a", "span": (-0.5, 0.5), **arguments}
    with pytest.raises(ValueError, match=text):
        continuation(brainmass.HopfStep(1), **given)

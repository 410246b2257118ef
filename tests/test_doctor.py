"""What a diverging run is told: where, when, through which term, and which step would have done."""

import brainstate
import brainunit as u
import jax
import numpy as np
import pytest

import brainmass
from brainmass.engine.stability import largest_step
from brainmass.engine.terms import largest_term, terms_of

MS = u.ms


def failure(model, dt=0.1, duration=200, **settings):
    sim = brainmass.Simulator(model, dt=dt * MS)
    with pytest.raises(brainmass.DivergenceError) as caught:
        sim.run(duration * MS, seed=0, **settings)
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["HopfStep", "JansenRitStep", "WilsonCowanStep", "EpileptorStep", "LarterBreakspearStep"],
)
def test_terms_add_up_to_the_derivative(name):
    node = getattr(brainmass, name)(2)
    rules, kinds = node.rules(), node.declaration
    rng = np.random.default_rng(0)
    given = {n: np.asarray(getattr(node, n).mantissa(), float) for n in kinds.params}
    given |= {f"{n}_state": rng.normal(size=2) for n in kinds.states}
    given |= {f"{n}_inlet": rng.normal(size=2) for n in kinds.inlets}
    for state in kinds.states:

        def rate(state=state, **now):
            return rules.rates(
                {n: now[n] for n in kinds.params},
                {n: now[f"{n}_state"] for n in kinds.states},
                {n: now[f"{n}_inlet"] for n in kinds.inlets},
                0.0,
            )[state]

        terms = terms_of(rate, given, (1,))
        with jax.enable_x64(True):
            whole = float(rate(**given)[1])
        np.testing.assert_allclose(sum(t.value for t in terms), whole, rtol=1e-9, atol=1e-12)


def test_terms_are_written_in_the_names_of_the_model():
    texts = {t.text: t.value for t in terms_of(
        lambda x, a, tau: (a * x - x**3 + 0.001 * a) / tau, {"x": 2.0, "a": 3.0, "tau": 4.0}
    )}  # fmt: skip
    assert texts == {"a * x / tau": 1.5, "-x**3 / tau": -2.0, "a / tau": 0.00075}


def test_a_term_that_is_not_finite_is_the_largest():
    terms = terms_of(lambda x: np.float64(1e300) - x * x, {"x": 1e200})
    assert largest_term(terms).text == "-x * x"


@pytest.mark.parametrize(
    ("method", "mode", "step"),
    [
        ("euler", -10.0, 0.2),
        ("heun", -10.0, 0.2),
        ("rk4", -10.0, 0.27853),
        ("euler", -1 + 3j, 0.2),
        ("unknown to us", -4.0, 0.5),
    ],
)
def test_the_largest_step_is_where_the_mode_stops_decaying(method, mode, step):
    mode = complex(mode)
    jacobian = np.array([[mode.real, mode.imag], [-mode.imag, mode.real]])
    np.testing.assert_allclose(largest_step(jacobian, method), step, rtol=1e-4)


def test_the_dt_that_is_advised_is_stable_and_the_limit_is_sharp():
    node = brainmass.LinearStep(1, gamma=-10.0, method="rk4")
    error = failure(node, dt=0.3, duration=900)
    assert error.term == "gamma * x"
    assert float(error.stable_dt.mantissa) == 0.1
    assert "dt must be below 0.279 ms; got 0.3 ms" in str(error)
    brainmass.Simulator(node, dt=0.275 * MS).run(200.2 * MS, monitors="x")


def test_a_nonlinear_model_is_judged_where_it_began_to_go_wrong():
    """On its cycle Hopf decays at 2 a = 0.5 per ms: the step is too large from there on."""
    error = failure(brainmass.HopfStep(1, a=0.25, init_x=0.4, method="euler"), dt=5, duration=2000)
    assert 0.1 <= float(error.stable_dt.mantissa) <= 2.0


def test_equations_that_run_away_are_not_blamed_on_the_step():
    node = brainmass.HopfStep(3, beta=np.array([1.0, -1.0, 1.0]), init_x=0.9)
    error = failure(node)
    assert (error.state, error.region, error.stable_dt) == ("x", (1,), None)
    assert error.term == "-x**2 * beta * x"
    assert "dt was small enough" in str(error)


def test_strong_coupling_is_named_as_what_is_stiff():
    """Each region decays at k times its in-strength: 2 / (1000 * 2) ms is the largest step."""
    net = brainmass.Network(
        brainmass.HopfStep(3, init_x=np.array([0.1, 0.2, 0.3])),
        conn=np.ones((3, 3)), distance=20 * np.ones((3, 3)) * u.mm, speed=10 * u.mm / MS,
        coupled_var="x", k=1000.0, delay_init=0.0,
    )  # fmt: skip
    error = failure(net)
    assert error.term == "x_inp"
    assert "made of coupling" in str(error)
    assert "dt must be below 0.001 ms" in str(error)


@pytest.mark.parametrize("source", ["input", "noise"])
def test_input_and_noise_are_named(source):
    largest = float(np.finfo(brainstate.environ.dftype()).max)
    if source == "noise":
        noise = brainmass.WhiteNoise(2, sigma=largest**0.5)
        error = failure(brainmass.HopfStep(2, noise_x=noise))
    else:
        rows = np.where(np.arange(2000) == 20, largest**0.8, 0.0)
        error = failure(brainmass.HopfStep(2), inputs={"x_inp": rows})
        np.testing.assert_allclose(error.time.mantissa, 2.0)
    assert error.term == "x_inp"
    assert f"made of {source}" in str(error)


def test_a_region_of_a_batch_is_named():
    node = brainmass.HopfStep(2, beta=np.array([1.0, -1.0]), init_x=0.9)
    error = failure(node, batch_size=3)
    assert error.region == (0, 1)
    assert error.term == "-x**2 * beta * x"

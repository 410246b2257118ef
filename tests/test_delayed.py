"""Delays within a node: the past of a state as an input of the same node."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass


class LateStep(brainmass.NeuralMass):
    """Negative feedback with a delay, x' = -g x(t - lag)."""

    catalogued = False
    g = brainmass.param(1.0, bounds=(0.1, 2.0), doc="strength of the feedback in 1/ms")
    lag = brainmass.param(
        1.0 * u.ms, bounds=(0.2, 4.0), domain="nonnegative", doc="delay of the feedback"
    )
    x = brainmass.state(1.0, doc="activity")
    x_late = brainmass.delayed("x", by="lag", doc="activity one delay ago")
    x_inp = brainmass.inlet(0.0, doc="drive")

    @staticmethod
    def equations(s, p, i, t):
        return dict(x=(i.x_inp - p.g * i.x_late) / u.ms)


def run(node, duration=3.0, dt=0.01, **options):
    sim = brainmass.Simulator(node, dt * u.ms)
    return sim.run(duration * u.ms, monitors="x", **options)["x"]


def polynomial(t):
    """Exact solution of x' = -x(t - 1) with x = 1 before 0, by the method of steps."""
    pieces = (1 - t, 1 - t + (t - 1) ** 2 / 2, 1 - t + (t - 1) ** 2 / 2 - (t - 2) ** 3 / 6)
    return np.where(t <= 1, pieces[0], np.where(t <= 2, pieces[1], pieces[2]))


def test_delay_equation_has_its_exact_solution(x64):
    x = np.asarray(run(LateStep(1)))[:, 0]
    np.testing.assert_allclose(x[[99, 199, 299]], [0.0, -0.5, -1 / 6], atol=1e-3)
    np.testing.assert_allclose(x, polynomial(0.01 * np.arange(1, 301)), atol=1e-4)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("heun", 2), ("rk4", 2)])
def test_order_of_the_method_survives_the_delay(method, order, x64):
    # x' = -x(t - 1) is exact for heun up to t = 2, so the feedback is made nonlinear by a drive.
    ends = []
    for dt in (0.1, 0.05, 0.025):
        steps = round(4.0 / dt)
        node = LateStep(1, g=1.3, method=method)
        drive = np.full(steps, 0.5)
        ends.append(float(run(node, 4.0, dt, inputs=drive)[-1, 0]))
    found = np.log2(abs(ends[0] - ends[1]) / abs(ends[1] - ends[2]))
    assert found > order - 0.15


def test_every_node_has_its_own_delay_and_zero_is_no_delay(x64):
    lags = np.array([0.0, 0.5, 1.0, 2.0])
    x = np.asarray(run(LateStep(4, lag=lags * u.ms)))
    for k, lag in enumerate(lags):
        alone = np.asarray(run(LateStep(1, lag=lag * u.ms)))[:, 0]
        np.testing.assert_allclose(x[:, k], alone, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(x[:, 0], np.exp(-0.01 * np.arange(1, 301)), atol=1e-5)


def test_changing_a_delay_compiles_nothing(compile_count):
    node = LateStep(1)
    first = np.asarray(run(node))
    with compile_count:
        node.lag = 0.7 * u.ms
        second = np.asarray(run(node))
    assert compile_count.n == 0
    assert np.abs(first - second).max() > 0.1
    np.testing.assert_array_equal(second, np.asarray(run(LateStep(1, lag=0.7 * u.ms))))


def test_delay_follows_the_step_of_the_run():
    node = LateStep(1)
    ends = [float(run(node, dt=dt)[-1, 0]) for dt in (0.01, 0.05, 0.1)]
    np.testing.assert_allclose(ends, -1 / 6, atol=5e-3)


def test_batch_and_two_dimensions_equal_single_nodes(x64):
    start = np.linspace(0.5, 1.5, 6).reshape(2, 3)
    whole = np.asarray(run(LateStep((2, 3), init_x=start), batch_size=2))
    assert whole.shape == (300, 2, 2, 3)
    single = np.asarray(run(LateStep(1, init_x=1.0)))
    np.testing.assert_allclose(whole[:, 1], single[:, :, None] * start, rtol=1e-9, atol=1e-12)


def test_stepping_by_hand_equals_a_run(x64):
    node = LateStep(2, init_x=np.array([1.0, 0.3]))
    expected = np.asarray(run(node, 2.5, 0.1))
    with brainstate.environ.context(dt=0.1 * u.ms):
        brainstate.nn.init_all_states(node)
        by_hand = np.array([node.update() for _ in range(25)])
    np.testing.assert_allclose(by_hand, expected, rtol=1e-12)


def test_run_can_be_continued_across_the_delay(x64):
    node = LateStep(1)
    whole = np.asarray(run(node, 3.0, 0.1))
    first = np.asarray(run(node, 1.3, 0.1))
    second = np.asarray(run(node, 1.7, 0.1, init_states=False))
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)


def test_delay_has_the_slope_of_a_central_difference(x64):
    def last(lag):
        return run(LateStep(1, lag=lag * u.ms), 3.0, 0.05)[-1, 0]

    function = jax.jit(jax.value_and_grad(last))
    value, slope = function(1.025)
    up, down = (function(1.025 + h)[0] for h in (1e-4, -1e-4))
    assert float(slope) == pytest.approx(float(up - down) / 2e-4, rel=1e-6)
    assert abs(float(value) - float(run(LateStep(1, lag=1.0 * u.ms), 3.0, 0.05)[-1, 0])) < 0.1


def test_trained_delay_reads_between_the_steps(x64):
    trained = run(LateStep(1, lag=Param(1.0 * u.ms, fit=True)), 3.0, 0.05)
    np.testing.assert_allclose(trained, run(LateStep(1), 3.0, 0.05), rtol=1e-9, atol=1e-12)


def test_vmap_over_a_delay_equals_a_loop(x64):
    def last(lag):
        return run(LateStep(1, lag=lag * u.ms), 2.0, 0.05)[-1, 0]

    lags = jnp.array([0.5, 1.0, 1.5])
    looped = [float(run(LateStep(1, lag=float(v) * u.ms), 2.0, 0.05)[-1, 0]) for v in lags]
    np.testing.assert_allclose(jax.jit(jax.vmap(last))(lags), looped, rtol=1e-9, atol=1e-12)


def test_node_with_a_delay_works_in_a_network_with_delays(x64):
    def network(lag):
        return brainmass.Network(
            LateStep(2, lag=lag * u.ms, init_x=np.array([1.0, 0.5])),
            conn=np.array([[0.0, 1.0], [0.5, 0.0]]), distance=np.full((2, 2), 3.0) * u.mm,
            speed=10.0 * u.mm / u.ms, coupling="additive", coupled_var="x", k=0.4, delay_init=0.2,
        )  # fmt: skip

    found = np.asarray(
        brainmass.Simulator(network(0.7), 0.1 * u.ms).run(3 * u.ms, monitors="node.x")["node.x"]
    )
    x = [np.array([1.0, 0.5])]

    def slope(n):
        own = x[n - 7] if n >= 7 else x[0]
        sent = x[n - 3] if n >= 3 else np.full(2, 0.2)
        return -own + 0.4 * np.array([sent[1], 0.5 * sent[0]])

    for n in range(30):
        x.append(x[n] + 0.05 * (slope(n) + slope(n + 1)))
    np.testing.assert_allclose(found, np.array(x[1:]), rtol=1e-9)
    with brainstate.environ.context(dt=0.1 * u.ms):
        net = network(0.7)
        brainstate.nn.init_all_states(net)
        by_hand = np.array([net.update() for _ in range(30)])
    np.testing.assert_allclose(by_hand, np.array(x[1:]), rtol=1e-9)


def test_derivative_reads_the_present():
    assert float(LateStep(1).derivative((2.0,), 0.0 * u.ms)[0] * u.ms) == -2.0


@pytest.mark.parametrize(
    ("source", "by", "message"), [("y", "lag", "one of the states 'x'"), ("x", "g", "a time")]
)
def test_declaration_of_a_past_that_is_not_there_is_refused(source, by, message):
    with pytest.raises(TypeError, match=message):
        type(
            "WrongStep",
            (brainmass.NeuralMass,),
            {
                "g": brainmass.param(1.0, doc="g"),
                "lag": brainmass.param(1.0 * u.ms, doc="lag"),
                "x": brainmass.state(1.0, doc="x"),
                "late": brainmass.delayed(source, by=by, doc="late"),
                "equations": staticmethod(lambda s, p, i, t: dict(x=-i.late / u.ms)),
            },
        )


@pytest.mark.parametrize("value", [-1.0, np.nan])
def test_negative_delay_is_refused_by_name(value):
    with pytest.raises(ValueError, match="'lag' .* must be non-negative"):
        LateStep(1, lag=value * u.ms)


def test_delays_that_differ_between_rows_are_refused():
    node = LateStep((2, 3), lag=np.arange(6.0).reshape(2, 3) * u.ms)
    with pytest.raises(ValueError, match="'lag' .* one per node along the last axis"):
        run(node)


def test_model_with_a_past_keeps_the_contract():
    brainmass.testing.check_model(LateStep, steps=20)

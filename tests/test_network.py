"""Coupling, delays and their exact timing; what a network refuses."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param
from reference_network import hopf_rates, simulate

import brainmass

MS, MM = u.ms, u.mm
N = 6
DELAYS = {
    "none": (0, 0),
    "longer than a block": (10, 60),
    "mixed": (0, 60),
    "short": (1, 5),
    "one step": (1, 1),
}


def connectome(lowest, highest, seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.random((N, N)) * (rng.random((N, N)) < 0.7)
    np.fill_diagonal(weights, 0)
    steps = rng.integers(lowest, highest + 1, (N, N))
    return weights / weights.sum(1).max(), steps


def network(weights, steps, method="heun", past=None, start=None, **settings):
    rng = np.random.default_rng(1)
    x, y = start if start is not None else (rng.random(N) * 0.1, rng.random(N) * 0.1)
    node = brainmass.HopfStep(N, a=0.2, w=0.3, init_x=x, init_y=y, method=method)
    options = {"coupling": "diffusive", "coupled_var": "x", "k": 0.5, **settings}
    options["delay_init"] = 0.0 if past is None else (lambda shape: past[-shape[0] :])
    if "coupling" in settings and not isinstance(settings["coupling"], str):
        options.pop("k")
    return brainmass.Network(
        node, conn=weights, distance=steps * 1.0 * MM, speed=10.0 * MM / MS, **options
    )


@pytest.mark.parametrize("method", ["euler", "heun"])
@pytest.mark.parametrize("kind", DELAYS)
def test_network_equals_a_numpy_loop(kind, method, x64):
    weights, steps = connectome(*DELAYS[kind])
    rng = np.random.default_rng(2)
    past = rng.random((200, N)) * 0.05
    x, y = rng.random(N) * 0.1, rng.random(N) * 0.1
    net = network(weights, steps, method, past, (x, y))
    result = brainmass.Simulator(net, dt=0.1 * MS).run(60 * MS, monitors="node.x")["node.x"]
    used = steps * (weights > 0)

    def current(delayed, i, x):
        return 0.5 * np.sum(weights[i] * (delayed - x[i]))

    expected = simulate(hopf_rates(), current, weights, used, x, y, past, 0.1, 600, method)
    np.testing.assert_allclose(result, expected, atol=1e-12)


@pytest.mark.parametrize("kind", DELAYS)
def test_chunks_resume_trace_and_steps_by_hand_agree(kind, x64):
    net = network(*connectome(*DELAYS[kind]))
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    whole = np.asarray(sim.run(120 * MS, monitors="node.x")["node.x"])
    chunked = sim.run(120 * MS, monitors="node.x", chunk=37)["node.x"]
    np.testing.assert_array_equal(chunked, whole)
    first = sim.run(50.3 * MS, monitors="node.x")["node.x"]
    rest = sim.run(69.7 * MS, monitors="node.x", init_states=False)["node.x"]
    np.testing.assert_array_equal(np.concatenate([first, rest]), whole)
    traced = jax.jit(lambda: sim.run(120 * MS, monitors="node.x")["node.x"])()
    np.testing.assert_allclose(traced, whole, atol=1e-12)
    with brainstate.environ.context(dt=0.1 * MS):
        net.init_all_states()
        by_hand = []
        for _ in range(30):
            net.update()
            by_hand.append(np.asarray(net.node.x.value))
    np.testing.assert_allclose(by_hand, whole[:30], atol=1e-12)


def pair(delay_steps, dt, **settings):
    """One linear node that hears only the other, which does not move."""
    node = brainmass.LinearStep(2, gamma=-1e-9, init_x=np.array([0.0, 1.0]), method="euler")
    weights = np.array([[0.0, 1.0], [0.0, 0.0]])
    distance = np.full((2, 2), delay_steps * dt)
    return brainmass.Network(
        node, conn=weights, distance=distance * MM, speed=1.0 * MM / MS,
        coupling="additive", coupled_var="x", delay_init=0.0, **settings,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 7, 12, 13, 21, 26, 31, 64])
def test_a_delay_of_n_steps_is_exactly_n_steps(steps):
    sim = brainmass.Simulator(pair(steps, 0.1), dt=0.1 * MS)
    x = np.asarray(sim.run((steps + 5) * 0.1 * MS, monitors="node.x")["node.x"][:, 0])
    assert np.count_nonzero(np.abs(x) < 1e-6) == steps
    np.testing.assert_allclose(x[steps], 0.1, rtol=1e-5)


def test_delays_follow_the_dt_of_the_run():
    net = pair(10, 0.3)
    for dt, steps in ((0.1, 30), (0.05, 60), (0.3, 10)):
        x = brainmass.Simulator(net, dt=dt * MS).run(4 * dt * MS + 3 * MS, monitors="node.x")
        assert np.count_nonzero(np.abs(np.asarray(x["node.x"][:, 0])) < 1e-6) == steps


def test_infinite_speed_equals_no_delay():
    weights, steps = connectome(5, 40)
    net = network(weights, steps)
    net.speed = np.inf * MM / MS
    without = network(weights, steps * 0)
    run = [
        brainmass.Simulator(n, dt=0.1 * MS).run(20 * MS, monitors="node.x")["node.x"]
        for n in (net, without)
    ]
    np.testing.assert_allclose(run[0], run[1], atol=1e-6)


def test_an_edge_of_weight_zero_never_matters():
    weights, steps = connectome(5, 40)
    weights[0, 1] = 0.0
    other = steps.copy()
    other[0, 1] = 3000
    runs = [
        brainmass.Simulator(network(weights, s), dt=0.1 * MS).run(20 * MS, monitors="node.x")
        for s in (steps, other)
    ]
    np.testing.assert_array_equal(runs[0]["node.x"], runs[1]["node.x"])


@pytest.mark.parametrize(("method", "order"), [("heun", 2), ("rk4", 2), ("euler", 1)])
def test_order_of_convergence_survives_delayed_coupling(method, order, x64):
    """Delays are multiples of every dt; the past is smooth into the start."""
    weights = np.array([[0.0, 1.0], [0.7, 0.0]])

    def final(dt):
        node = brainmass.HopfStep(
            2, a=0.2, w=0.3, init_x=np.array([0.3, 0.2]), init_y=0.1, method=method
        )
        net = brainmass.Network(
            node, conn=weights, distance=np.full((2, 2), 8.0) * MM, speed=1 * MM / MS,
            coupled_var="x", k=0.5, delay_init=np.array([0.3, 0.2]),
        )  # fmt: skip
        result = brainmass.Simulator(net, dt=dt * MS).run(32 * MS, monitors="node.x")
        return np.asarray(result["node.x"][-1])

    exact = final(0.0025)
    errors = [np.abs(final(dt) - exact).max() for dt in (0.4, 0.2, 0.1)]
    slope = np.log2(errors[0] / errors[2]) / 2
    assert slope > order - 0.15, (slope, errors)


def test_exact_delay_equation(x64):
    """x' = -x(t - 1), x = 1 before: x(1) = 0, x(2) = -1/2, x(3) = -1/6."""
    node = brainmass.LinearStep(1, gamma=-1e-12, init_x=1.0)
    net = brainmass.Network(
        node, conn=np.ones((1, 1)), distance=np.ones((1, 1)) * MM, speed=1 * MM / MS,
        coupling="additive", coupled_var="x", k=-1.0, delay_init=1.0, self_connection=True,
    )  # fmt: skip
    x = brainmass.Simulator(net, dt=0.01 * MS).run(3 * MS, monitors="node.x")["node.x"][:, 0]
    np.testing.assert_allclose(np.asarray(x)[[99, 199, 299]], [0.0, -0.5, -1 / 6], atol=1e-3)


def test_no_edit_of_k_speed_or_weights_compiles(compile_count):
    weights, steps = connectome(12, 60)
    net = network(weights, steps, speed_range=(8 * MM / MS, 11 * MM / MS))
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    sim.run(10 * MS, monitors="node.x")
    sim.run(10 * MS, monitors="node.x")
    with compile_count:
        runs = [sim.run(10 * MS, monitors="node.x")["node.x"]]
        net.k = 0.7
        runs.append(sim.run(12 * MS, monitors="node.x")["node.x"])
        net.speed = 9.0 * MM / MS
        runs.append(sim.run(10 * MS, monitors="node.x")["node.x"])
        net.conn = weights * 0.5
        runs.append(sim.run(10 * MS, monitors="node.x")["node.x"])
    assert compile_count.n == 0
    ends = {float(np.abs(r[99]).sum()) for r in runs}
    assert len(ends) == 4


def test_a_declared_speed_gives_the_delays_of_a_plain_one():
    weights, steps = connectome(12, 60)
    live = network(weights, steps, speed_range=(8 * MM / MS, 11 * MM / MS))
    live.speed = 9.0 * MM / MS
    plain = network(weights, steps)
    plain.speed = 9.0 * MM / MS
    a, b = (
        brainmass.Simulator(n, dt=0.1 * MS).run(30 * MS, monitors="node.x")["node.x"]
        for n in (live, plain)
    )
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_speed_outside_its_declared_range_is_exact_too():
    weights, steps = connectome(12, 60)
    live = network(weights, steps, speed_range=(8 * MM / MS, 11 * MM / MS))
    plain = network(weights, steps)
    live.speed = plain.speed = 4.0 * MM / MS
    a, b = (
        brainmass.Simulator(n, dt=0.1 * MS).run(30 * MS, monitors="node.x")["node.x"]
        for n in (live, plain)
    )
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_gradients_through_weights_strength_and_speed_equal_differences(x64):
    weights, steps = connectome(8, 40)

    def loss(k, speed, scale):
        net = brainmass.Network(
            brainmass.HopfStep(N, a=0.2, w=0.3, init_x=np.linspace(0.1, 0.4, N)),
            conn=Param(jnp.asarray(weights) * scale, fit=False),
            distance=steps * 1.0 * MM,
            speed=Param(speed * MM / MS),
            coupling=brainmass.DiffusiveCoupling(k=Param(k)),
            coupled_var="x",
            delay_init=0.1,
            speed_range=(5 * MM / MS, 20 * MM / MS),
        )
        result = brainmass.Simulator(net, dt=0.1 * MS).run(30 * MS, monitors="node.x")
        return jnp.sum(result["node.x"][-1] ** 2)

    point = (0.5, 9.3, 1.0)
    slopes = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*point)
    evaluate = jax.jit(loss)
    for k, slope in enumerate(slopes):
        h = 1e-5
        up, down = list(point), list(point)
        up[k] += h
        down[k] -= h
        central = (evaluate(*up) - evaluate(*down)) / (2 * h)
        assert abs(central) > 1e-6
        np.testing.assert_allclose(slope, central, rtol=1e-4)


def test_source_target_and_units():
    n = 3
    column = brainmass.JansenRitStep(n, init_E=10 * u.mV)
    net = brainmass.Network(
        column, conn=np.ones((n, n)), source="E - I",
        coupling=brainmass.AdditiveCoupling(k=1.0 * u.Hz / u.mV), target="E_inp",
    )  # fmt: skip
    result = brainmass.Simulator(net, dt=0.1 * MS).run(2 * MS, monitors=["node.E", "node.M"])
    assert result["node.E"].unit == u.mV
    alone = brainmass.Simulator(column, dt=0.1 * MS).run(2 * MS, monitors="E")["E"]
    assert float(abs(result["node.E"][-1] - alone[-1]).mantissa.max()) > 1e-4


def test_two_couplings_add_up():
    weights, steps = connectome(5, 30)
    one = network(weights, steps, coupling=brainmass.AdditiveCoupling(k=0.3))
    two = network(weights, steps, coupling=[brainmass.AdditiveCoupling(k=k) for k in (0.1, 0.2)])
    a, b = (
        brainmass.Simulator(n, dt=0.1 * MS).run(20 * MS, monitors="node.x")["node.x"]
        for n in (one, two)
    )
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_batches_and_external_drive_run_with_delays():
    net = network(*connectome(5, 40))
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    one = sim.run(10 * MS, monitors="node.x")["node.x"]
    batch = sim.run(10 * MS, monitors="node.x", batch_size=3)["node.x"]
    assert batch.shape == (100, 3, N)
    np.testing.assert_allclose(batch[:, 2], one, atol=1e-6)
    driven = sim.run(10 * MS, monitors="node.x", inputs=np.ones(100))["node.x"]
    assert np.abs(np.asarray(driven - one)).max() > 0.1


def test_random_history_follows_the_seed():
    weights, steps = connectome(5, 40)
    node = brainmass.HopfStep(N, a=0.2, w=0.3)
    net = brainmass.Network(
        node, conn=weights, distance=steps * 1.0 * MM, speed=10.0 * MM / MS, coupled_var="x"
    )
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    a, b, c = (sim.run(9 * MS, monitors="node.x", seed=s)["node.x"] for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert np.abs(np.asarray(a[-1])).max() > 0


def test_connectome_object_brings_its_distances():
    conn = brainmass.datasets.load_dataset("example_connectome")
    node = brainmass.HopfStep(8, init_x=0.1)
    by_object = brainmass.Network(
        node, conn=conn, speed=10 * MM / MS, coupled_var="x", delay_init=0.0
    )
    by_parts = brainmass.Network(
        node, conn=conn.weights, distance=conn.distances, speed=10 * MM / MS,
        coupled_var="x", delay_init=0.0,
    )  # fmt: skip
    a, b = (
        brainmass.Simulator(n, dt=0.1 * MS).run(20 * MS, monitors="node.x")["node.x"]
        for n in (by_object, by_parts)
    )
    np.testing.assert_array_equal(a, b)


def build(**changes):
    weights, steps = connectome(5, 40)
    options = {
        "node": brainmass.HopfStep(N),
        "conn": weights,
        "distance": steps * 1.0 * MM,
        "speed": 10.0 * MM / MS,
        "coupled_var": "x",
        **changes,
    }
    return brainmass.Network(options.pop("node"), **options)


BAD = {
    "node is no model": ({"node": 3}, "node must be a"),
    "two-dimensional node": ({"node": brainmass.HopfStep((2, 3))}, "one dimension"),
    "small connectome": ({"conn": np.ones((3, 3))}, r"conn \(weights\) must have shape \(6, 6\)"),
    "nan weight": ({"conn": np.full((N, N), np.nan)}, "'conn'.*finite"),
    "distance without speed": ({"speed": None}, "given together; got distance without speed"),
    "speed without distance": ({"distance": None}, "given together; got speed without distance"),
    "negative distance": ({"distance": -np.ones((N, N)) * MM}, "non-negative"),
    "distance of wrong shape": ({"distance": np.ones((2, 2)) * MM}, "distance must have shape"),
    "distance in mV": ({"distance": np.ones((N, N)) * u.mV}, "distance / speed must be a time"),
    "zero speed": ({"speed": 0.0 * MM / MS}, "'speed'.*positive"),
    "negative speed": ({"speed": -1.0 * MM / MS}, "'speed'.*positive"),
    "unknown coupling": ({"coupling": "magic"}, "coupling must be one of"),
    "unknown state": ({"coupled_var": "z"}, r"one of 'x', 'y'"),
    "no state": ({"coupled_var": None}, "coupled_var .* got none"),
    "unknown target": ({"target": "z"}, "target .* must be one of 'x_inp'"),
    "strength with a unit": ({"k": 1.0 * u.mV}, "plain number"),
    "noise of wrong size": ({"noise": brainmass.WhiteNoise(3)}, "in_size"),
    "noise that is none": ({"noise": 3}, "noise must be"),
    "range the wrong way": (
        {"speed_range": (20 * MM / MS, 10 * MM / MS)},
        "slower speed first",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_networks_are_refused_in_one_sentence(case):
    changes, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        build(**changes)
    assert "\n" not in str(caught.value)

# ruff: noqa: N803, N806 - variables keep the letters of the papers
"""Kuramoto oscillators: the order parameter, the phase lag, and synchrony under delay."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import brainmass


def lorentzian(n, gamma):
    return gamma * np.tan(np.pi * (np.arange(n) + 0.5 - n / 2) / n)


# Below the critical coupling 2 gamma the mean field vanishes like 1/sqrt(n) (Kuramoto 1984).
@pytest.mark.parametrize(("K", "expected"), [(2.5, 0.449), (3, 0.579), (4, 0.708), (6, 0.818)])
def test_order_parameter_of_lorentzian_frequencies(K, expected, x64, simulate):
    assert expected == pytest.approx(np.sqrt(1 - 2 / K), abs=2e-3)
    net = brainmass.KuramotoNetwork(
        1000, omega=lorentzian(1000, 0.01), K=0.01 * K, init_theta=0.0, exclude_self=False
    )
    R = simulate(net, 4000.0, 1.0, monitors=lambda m: m.order_parameter(),
                 transient=2000 * u.ms)  # fmt: skip
    assert R.mean() == pytest.approx(np.sqrt(1 - 2 / K), abs=0.01)


def test_below_the_critical_coupling_phases_drift_apart(simulate):
    net = brainmass.KuramotoNetwork(
        1000, omega=lorentzian(1000, 0.01), K=0.01, init_theta=0.0, exclude_self=False
    )
    R = simulate(net, 2000.0, 1.0, monitors=lambda m: m.order_parameter())
    assert R[-500:].mean() < 0.1


def pairwise(theta, omega, K, alpha, conn, self_too):
    n = theta.size
    pull = np.zeros(n)
    for i in range(n):
        for j in range(n):
            if i != j or self_too:
                pull[i] += conn[i, j] * np.sin(theta[j] - theta[i] - alpha[i])
    return omega + K / n * pull


@pytest.mark.parametrize("self_too", [True, False])
def test_matrix_form_equals_the_double_sum(self_too, x64, rates):
    rng = np.random.default_rng(0)
    theta, omega, K, alpha = rng.random((4, 5))
    conn = rng.random((5, 5))
    net = brainmass.KuramotoNetwork(
        5, omega=omega, K=K, alpha=alpha, conn=conn, exclude_self=not self_too
    )
    expected = pairwise(theta, omega, K, alpha, conn, self_too)
    np.testing.assert_allclose(rates(net, theta=theta)["theta"], expected, rtol=1e-12)
    ones = brainmass.KuramotoNetwork(
        5, omega=omega, K=K, alpha=alpha, exclude_self=not self_too, normalize_by_n=False
    )
    expected = pairwise(theta, omega, 5 * K, alpha, np.ones((5, 5)), self_too)
    np.testing.assert_allclose(rates(ones, theta=theta)["theta"], expected, rtol=1e-12)


def test_weights_can_be_trained(x64):
    def loss(conn):
        net = brainmass.KuramotoNetwork(3, K=0.1, conn=conn, init_theta=np.array([0.0, 0.5, 2.0]))
        run = brainmass.Simulator(net, 0.5 * u.ms).run(10 * u.ms, monitors="theta")
        return run["theta"][-1, 0]

    slope = np.asarray(jax.jit(jax.grad(loss))(jnp.ones((3, 3))))
    assert slope[0, 1:].all()
    np.testing.assert_allclose(np.diag(slope), 0.0, atol=1e-12)


def test_pair_locks_at_the_difference_of_its_frequencies(x64, simulate):
    # Adler: sin(difference) = (omega_2 - omega_1) / K for two oscillators.
    net = brainmass.KuramotoNetwork(2, omega=np.array([0.19, 0.21]), K=0.05, init_theta=0.0)
    theta = simulate(net, 1000.0, 0.5, monitors="theta")[-1]
    assert theta[1] - theta[0] == pytest.approx(np.arcsin(0.02 / 0.05), abs=1e-8)


def test_delay_slows_a_synchronous_pair(x64):
    """Two oscillators at delay T turn at Omega = omega - K sin(Omega T) (Yeung & Strogatz 1999)."""
    omega, K, T = 0.2, 0.05, 5.0
    net = brainmass.Network(
        brainmass.KuramotoNetwork(2, omega=omega, init_theta=0.0),
        conn=np.ones((2, 2)), distance=np.full((2, 2), 50.0) * u.mm, speed=10.0 * u.mm / u.ms,
        coupling="kuramoto", k=K, coupled_var="theta", delay_init=0.0,
    )  # fmt: skip
    theta = brainmass.Simulator(net, 0.1 * u.ms).run(1000 * u.ms, monitors="node.theta")
    theta = np.asarray(theta["node.theta"])
    expected = brentq(lambda W: omega - K * np.sin(W * T) - W, 0.0, 0.4)
    assert (theta[-1] - theta[-1001])[0] / 100.0 == pytest.approx(expected, abs=1e-6)
    assert theta[-1, 0] == pytest.approx(theta[-1, 1], abs=1e-9)


def test_exponential_euler_is_refused_where_nodes_interact():
    with pytest.raises(ValueError, match="method must not be 'exp_euler'"):
        brainmass.KuramotoNetwork(2, method="exp_euler")


@pytest.mark.parametrize("shape", [(3,), (2, 3), (9,)])
def test_weights_must_be_a_square_matrix(shape):
    if shape == (3,):  # one value per source broadcasts to every row
        brainmass.KuramotoNetwork(3, conn=np.ones(shape))
        return
    with pytest.raises(ValueError, match=r"'conn' .* broadcasts to \(3, 3\)"):
        brainmass.KuramotoNetwork(3, conn=np.ones(shape))


# -- delays within the model ----------------------------------------------------------------------

DELAY = np.array([[0.0, 3.0, 0.0], [1.0, 0.0, 2.0], [0.7, 4.0, 0.0]])
CONN = np.array([[0.0, 1.0, 0.5], [0.3, 0.0, 0.0], [2.0, 0.4, 0.0]])
PHASES = dict(omega=np.array([0.2, 0.25, 0.3]), init_theta=np.array([0.0, 1.0, 2.5]))


def delayed_loop(delay, conn, K, alpha, steps, dt=0.1):
    """Euler steps of the double sum with every phase as it was one delay ago."""
    back = np.rint(delay / dt).astype(int)
    theta = [PHASES["init_theta"]]
    for n in range(steps):
        late = np.array([[theta[max(n - back[i, j], 0)][j] for j in range(3)] for i in range(3)])
        lead = np.sin(late - theta[n][:, None] - alpha[:, None])
        theta.append(theta[n] + dt * (PHASES["omega"] + K / 3 * (conn * lead).sum(axis=1)))
    return np.array(theta[1:])


def test_delays_equal_the_double_sum_over_the_past(x64, simulate):
    K, alpha = np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.4, -0.2])
    net = brainmass.KuramotoNetwork(
        3, K=K, alpha=alpha, conn=CONN, delay=DELAY * u.ms, method="euler", **PHASES
    )
    found = simulate(net, 20.0, 0.1, monitors="theta")
    np.testing.assert_allclose(found, delayed_loop(DELAY, CONN, K, alpha, 200), rtol=1e-10)


def test_delays_within_the_model_equal_those_of_a_network(x64, simulate):
    own = brainmass.KuramotoNetwork(3, K=0.3, conn=CONN, delay=DELAY * u.ms, **PHASES)
    net = brainmass.Network(
        brainmass.KuramotoNetwork(3, **PHASES), conn=CONN, distance=DELAY * u.mm,
        speed=1.0 * u.mm / u.ms, coupling="kuramoto", k=0.1, coupled_var="theta",
        delay_init=PHASES["init_theta"],
    )  # fmt: skip
    sim = brainmass.Simulator(net, 0.1 * u.ms)
    expected = sim.run(20 * u.ms, monitors="node.theta")["node.theta"]
    np.testing.assert_allclose(simulate(own, 20.0, 0.1, monitors="theta"), expected, rtol=1e-10)


def test_zero_delay_is_the_instant_pull(x64, simulate):
    given = dict(K=0.3, conn=CONN, **PHASES)
    a = simulate(brainmass.KuramotoNetwork(3, delay=0.0 * u.ms, **given), 20.0, 0.1)
    b = simulate(brainmass.KuramotoNetwork(3, **given), 20.0, 0.1)
    c = simulate(brainmass.KuramotoNetwork(3, delay=1e-4 * u.ms, **given), 20.0, 0.1)
    np.testing.assert_array_equal(a["theta"], b["theta"])
    np.testing.assert_array_equal(c["theta"], b["theta"])


def test_delayed_pair_turns_at_the_speed_of_yeung_and_strogatz(x64, simulate):
    omega, K, T = 0.2, 0.1, 5.0
    net = brainmass.KuramotoNetwork(2, omega=omega, K=K, delay=T * u.ms, init_theta=0.0)
    theta = simulate(net, 1000.0, 0.1, monitors="theta")
    expected = brentq(lambda W: omega - K / 2 * np.sin(W * T) - W, 0.0, 0.4)
    assert (theta[-1] - theta[-1001])[0] / 100.0 == pytest.approx(expected, abs=1e-6)


def test_delayed_oscillators_take_batches_and_steps_by_hand(x64):
    net = brainmass.KuramotoNetwork(3, K=0.3, conn=CONN, delay=DELAY * u.ms, **PHASES)
    sim = brainmass.Simulator(net, 0.1 * u.ms)
    single = np.asarray(sim.run(3 * u.ms, monitors="theta")["theta"])
    batch = np.asarray(sim.run(3 * u.ms, monitors="theta", batch_size=2)["theta"])
    np.testing.assert_allclose(batch[:, 1], single, rtol=1e-12)
    with brainstate.environ.context(dt=0.1 * u.ms):
        brainstate.nn.init_all_states(net)
        by_hand = np.array([net.update() for _ in range(30)])
    np.testing.assert_allclose(by_hand, single, rtol=1e-12)


def test_delays_and_weights_of_connections_can_be_trained(x64):
    def last(delay, conn):
        net = brainmass.KuramotoNetwork(3, K=0.3, conn=conn, delay=delay * u.ms, **PHASES)
        return brainmass.Simulator(net, 0.1 * u.ms).run(10 * u.ms, monitors="theta")["theta"][-1, 0]

    point = (jnp.asarray(DELAY + 0.55), jnp.asarray(CONN))
    slopes = jax.jit(jax.grad(last, argnums=(0, 1)))(*point)
    one = jax.jit(last)
    for k in range(2):
        bump = jnp.zeros((3, 3)).at[0, 1].set(1e-5)
        up, down = (one(*(v + s * bump if i == k else v for i, v in enumerate(point)))
                    for s in (1, -1))  # fmt: skip
        assert float(slopes[k][0, 1]) == pytest.approx(float(up - down) / 2e-5, rel=1e-5)


def test_negative_delays_of_connections_are_refused():
    with pytest.raises(ValueError, match="'delay' .* must be non-negative"):
        brainmass.KuramotoNetwork(3, delay=-DELAY * u.ms)

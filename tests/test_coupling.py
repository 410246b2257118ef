"""Every coupling against a NumPy loop: by function, by hand, in networks with and without delay."""

import tracemalloc

import brainunit as u
import jax
import jax.experimental.sparse
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from brainstate.nn import Param
from reference_network import hopf_rates, simulate

import brainmass

MS, MM = u.ms, u.mm
N = 5


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Name, coupling, and the current into node i from delayed values of every source.
CASES = {
    "diffusive": (
        lambda: brainmass.DiffusiveCoupling(k=0.4),
        lambda w, d, xi: 0.4 * np.sum(w * (d - xi)),
    ),
    "laplacian": (
        lambda: brainmass.LaplacianCoupling(k=0.4),
        lambda w, d, xi: 0.4 * (np.sum(w * d) - w.sum() * xi),
    ),
    "additive": (
        lambda: brainmass.AdditiveCoupling(k=0.3, b=0.1),
        lambda w, d, xi: 0.3 * np.sum(w * d) + 0.1,
    ),
    "scaling": (lambda: brainmass.ScalingCoupling(k=0.3), lambda w, d, xi: 0.3 * np.sum(w * d)),
    "sigmoidal": (
        lambda: brainmass.SigmoidalCoupling(k=0.2, midpoint=0.1, sigma=0.5, a=1.5),
        lambda w, d, xi: 0.2 * (-1 + 2 * sigmoid(1.5 * (np.sum(w * d) - 0.1) / 0.5)),
    ),
    "tanh": (
        lambda: brainmass.HyperbolicTangentCoupling(k=0.1, a=0.5, b=2.0, midpoint=0.1, sigma=0.7),
        lambda w, d, xi: 0.1 * np.sum(w * 0.5 * (1 + np.tanh((2 * d - 0.1) / 0.7))),
    ),
    "sigmoidal_jansen_rit": (
        lambda: brainmass.SigmoidalJansenRitCoupling(k=40.0, midpoint=0.2, r=3.0),
        lambda w, d, xi: 40 * np.sum(w * 0.005 * sigmoid(3.0 * (d - 0.2))),
    ),
    "kuramoto": (
        lambda: brainmass.KuramotoCoupling(k=0.3),
        lambda w, d, xi: 0.3 * np.sum(w * np.sin(d - xi)),
    ),
    "presigmoidal": (
        lambda: brainmass.PreSigmoidalCoupling(k=0.1, G=3.0, theta=0.1),
        lambda w, d, xi: 0.1 * np.sum(w * 0.5 * (1 + np.tanh(3.0 * (d - 0.1)))),
    ),
}


def example(density=0.8):
    rng = np.random.default_rng(3)
    weights = rng.random((N, N)) * (rng.random((N, N)) < density)
    np.fill_diagonal(weights, 0)
    return weights, rng


def run(coupling, weights, steps, past, x, y, n_steps, conn=None):
    node = brainmass.HopfStep(N, a=0.2, w=0.3, init_x=x, init_y=y)
    delays = {}
    if steps.any():
        delays = {"distance": steps * 1.0 * MM, "speed": 10 * MM / MS}
    net = brainmass.Network(
        node, conn=weights if conn is None else conn, coupling=coupling, coupled_var="x",
        delay_init=lambda shape: past[-shape[0] :], **delays,
    )  # fmt: skip
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    return np.asarray(sim.run(n_steps * 0.1 * MS, monitors="node.x")["node.x"])


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_coupling_in_a_network_equals_a_numpy_loop(name, delayed, x64):
    build, current = CASES[name]
    weights, rng = example()
    steps = rng.integers(0, 40, (N, N)) * delayed
    np.fill_diagonal(steps, 0)
    past, x, y = rng.random((200, N)) * 0.3, rng.random(N) * 0.3, rng.random(N) * 0.3
    result = run(build(), weights, steps, past, x, y, 150)

    def into(delayed, i, x):
        return current(weights[i], delayed, x[i])

    expected = simulate(hopf_rates(), into, weights, steps * (weights > 0), x, y, past, 0.1, 150)
    np.testing.assert_allclose(result, expected, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_names_in_a_network_mean_these_classes(name):
    kinds = type(CASES[name][0]())
    net = brainmass.Network(
        brainmass.HopfStep(N), conn=np.ones((N, N)), coupling=name, coupled_var="x", k=0.7
    )
    assert type(net.coupling) is kinds
    assert float(net.k.value()) == pytest.approx(0.7)


@pytest.mark.parametrize("form", ["scipy", "bcoo"])
def test_sparse_connectomes_equal_dense_ones(form, x64):
    weights, rng = example(0.3)
    steps = rng.integers(0, 40, (N, N))
    np.fill_diagonal(steps, 0)
    past, x = rng.random((200, N)) * 0.3, rng.random(N) * 0.3
    if form == "scipy":
        conn = scipy.sparse.csr_array(weights)
    else:
        conn = jax.experimental.sparse.BCOO.fromdense(jnp.asarray(weights))
    coupling = brainmass.AdditiveCoupling(k=0.3)
    a, b = (run(coupling, weights, steps, past, x, x, 100, conn=c) for c in (None, conn))
    np.testing.assert_array_equal(a, b)


def test_functions_follow_the_definitions_of_the_virtual_brain():
    rng = np.random.default_rng(0)
    x, w, y = rng.random((4, 3)), rng.random((4, 3)), rng.random(4)
    s = (w * x).sum(1)
    np.testing.assert_allclose(
        brainmass.sigmoidal_coupling(x, w), -1 + 2 * sigmoid(s / 230), atol=1e-6
    )
    np.testing.assert_allclose(
        brainmass.hyperbolic_tangent_coupling(x, w), (w * (1 + np.tanh(x))).sum(1), rtol=1e-5
    )
    np.testing.assert_allclose(
        brainmass.sigmoidal_jansen_rit_coupling(x, w),
        (w * 0.005 * sigmoid(0.56 * (x - 6))).sum(1), rtol=1e-5,
    )  # fmt: skip
    np.testing.assert_allclose(
        brainmass.diffusive_coupling(x, y, w, 0.5), 0.5 * (s - w.sum(1) * y), rtol=1e-5
    )
    np.testing.assert_allclose(
        brainmass.diffusive_coupling(x.ravel(), lambda: y, w.ravel(), 0.5),
        0.5 * (s - w.sum(1) * y), rtol=1e-5,
    )  # fmt: skip
    batch = brainmass.additive_coupling(np.stack([x, 2 * x]), w)
    np.testing.assert_allclose(batch, np.stack([s, 2 * s]), rtol=1e-5)


def test_a_coupling_called_by_hand_reads_its_parts():
    coupling = brainmass.DiffusiveCoupling(lambda: np.ones((2, 2)), np.zeros(2), np.ones((2, 2)))
    np.testing.assert_allclose(coupling(), [2.0, 2.0])
    with pytest.raises(ValueError, match="x and conn must be given"):
        brainmass.AdditiveCoupling()()


def test_units_pass_through_a_jansen_rit_network():
    column = brainmass.JansenRitStep(2, init_E=10 * u.mV)
    net = brainmass.Network(
        column, conn=np.ones((2, 2)), source="E - I",
        coupling=brainmass.SigmoidalJansenRitCoupling(k=1000 * u.Hz),
    )  # fmt: skip
    out = brainmass.Simulator(net, dt=0.1 * MS).run(1 * MS)["output"]
    assert out.unit == u.mV
    with pytest.raises(brainmass.UnitError, match=r"in \[Hz\]"):
        brainmass.Network(
            column, conn=np.ones((2, 2)), source="E - I", coupling="sigmoidal_jansen_rit"
        )


def test_region_specific_parameters_of_a_coupling():
    weights, _ = example()
    k = np.linspace(0.1, 0.5, N)
    net = brainmass.Network(
        brainmass.HopfStep(N, init_x=0.1), conn=weights, coupled_var="x",
        coupling=brainmass.AdditiveCoupling(k=k),
    )  # fmt: skip
    x = brainmass.Simulator(net, dt=0.1 * MS).run(0.1 * MS, monitors="node.x")["node.x"]
    assert np.unique(np.asarray(x)).size == N


@pytest.mark.parametrize("normalize", [None, "rw", "sym"])
def test_a_fresh_laplacian_parameter_is_the_laplacian(normalize):
    weights, _ = example()
    parameter = brainmass.LaplacianConnParam(weights, normalize=normalize)
    expected = brainmass.laplacian_connectivity(weights, normalize=normalize)
    np.testing.assert_allclose(parameter.value(), expected, rtol=1e-5, atol=1e-6)
    assert not parameter.fit


def test_additive_coupling_with_a_laplacian_equals_diffusion(x64):
    weights, rng = example()
    x = rng.random(N)
    past = np.zeros((100, N))
    steps = np.zeros((N, N), int)
    laplacian = brainmass.LaplacianConnParam(weights)
    a = run(brainmass.AdditiveCoupling(k=0.3), weights, steps, past, x, x, 50, conn=laplacian)
    b = run(brainmass.DiffusiveCoupling(k=0.3), weights, steps, past, x, x, 50)
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_trained_weights_get_gradients_equal_to_differences(x64):
    weights, rng = example()
    steps = rng.integers(8, 40, (N, N))
    np.fill_diagonal(steps, 0)

    def loss(w, a, slope):
        net = brainmass.Network(
            brainmass.HopfStep(N, a=a, w=0.3, init_x=np.linspace(0.1, 0.4, N)),
            conn=Param(w), distance=steps * 1.0 * MM, speed=10 * MM / MS,
            coupling=brainmass.HyperbolicTangentCoupling(k=0.2, b=Param(slope)),
            coupled_var="x", delay_init=0.1,
        )  # fmt: skip
        result = brainmass.Simulator(net, dt=0.1 * MS).run(30 * MS, monitors="node.x")
        return jnp.sum(result["node.x"][-1] ** 2)

    point = (jnp.asarray(weights), jnp.full(N, 0.2), jnp.asarray(1.5))
    slopes = jax.jit(jax.grad(loss, argnums=(0, 1, 2)))(*point)
    evaluate = jax.jit(loss)
    h = 1e-5
    for k, index in ((0, (0, 1)), (0, (3, 2)), (1, (2,)), (2, ())):
        up, down = ([*point] for _ in range(2))
        up[k] = point[k].at[index].add(h)
        down[k] = point[k].at[index].add(-h)
        central = (evaluate(*up) - evaluate(*down)) / (2 * h)
        np.testing.assert_allclose(slopes[k][index], central, rtol=1e-4, atol=1e-9)


def test_a_source_that_mixes_regions_has_right_gradients(x64):
    """Our adjoint takes regions one by one, so it must not serve here."""
    weights, rng = example()
    steps = rng.integers(8, 40, (N, N))
    np.fill_diagonal(steps, 0)

    def loss(x):
        net = brainmass.Network(
            brainmass.HopfStep(N, a=0.2, w=0.3, init_x=x), conn=weights,
            distance=steps * 1.0 * MM, speed=10 * MM / MS, coupling="additive", k=0.5,
            source=lambda s: s.x - jnp.mean(s.x, axis=-1, keepdims=True), delay_init=0.1,
        )  # fmt: skip
        result = brainmass.Simulator(net, dt=0.1 * MS).run(20 * MS, monitors="node.x")
        return jnp.sum(result["node.x"][-1] ** 2)

    x = jnp.linspace(0.1, 0.4, N)
    slope = jax.jit(jax.grad(loss))(x)
    evaluate, h = jax.jit(loss), 1e-5
    for i in range(N):
        central = (evaluate(x.at[i].add(h)) - evaluate(x.at[i].add(-h))) / (2 * h)
        np.testing.assert_allclose(slope[i], central, rtol=1e-4)


BAD = {
    "unknown parameter": (lambda: brainmass.DiffusiveCoupling(q=1), "parameters must be among 'k'"),
    "one part": (lambda: brainmass.AdditiveCoupling(np.ones(3)), "positional arguments"),
    "shapes": (
        lambda: brainmass.additive_coupling(np.ones((2, 3)), np.ones((3, 2))),
        r"shape \(3, 2\) of conn; got \(2, 3\)",
    ),
    "flat": (lambda: brainmass.additive_coupling(np.ones(5), np.ones(5)), "flat conn"),
    "cube": (lambda: brainmass.additive_coupling(np.ones(8), np.ones((2, 2, 2))), "a matrix"),
    "laplacian of a vector": (lambda: brainmass.LaplacianConnParam(np.ones(3)), "square matrix"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_couplings_are_refused(case):
    call, message = BAD[case]
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def ring(n: int, values):
    """A sparse ring in which region i listens to i - 1."""
    at = np.arange(n)
    return scipy.sparse.csr_array((values, (at, at - 1 + n * (at == 0))), shape=(n, n))


def test_memory_of_a_sparse_network_goes_with_its_edges():
    n = 30_000
    tracemalloc.start()
    net = brainmass.Network(
        brainmass.HopfStep(n, init_x=0.1, method="euler"), conn=ring(n, np.ones(n)),
        distance=np.full(n, 20.0) * u.mm, speed=10.0 * u.mm / u.ms, coupled_var="x",
    )  # fmt: skip
    out = brainmass.Simulator(net, dt=0.1 * u.ms).run(1 * u.ms, monitors="node.x")["node.x"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out.shape == (10, n)
    assert peak < n * n / 4  # a matrix of single bytes would be four times as large


def test_weights_of_a_sparse_network_are_set_and_trained_by_edge(compile_count):
    n, rng = 5, np.random.default_rng(0)
    first, second = rng.random(n), rng.random(n)
    net = brainmass.Network(
        brainmass.HopfStep(n, init_x=np.arange(n) / 10), conn=ring(n, first), coupled_var="x",
        distance=np.full(n, 20.0) * u.mm, speed=10.0 * u.mm / u.ms, delay_init=0.0,
    )  # fmt: skip
    sim = brainmass.Simulator(net, dt=0.1 * u.ms)
    run = lambda: np.asarray(sim.run(5 * u.ms, monitors="node.x")["node.x"])  # noqa: E731
    before = run()
    with compile_count:
        net.conn = ring(n, second)
        by_matrix = run()
        net.conn = second
        by_edge = run()
    assert compile_count.n == 0
    seen = net.weight_matrix()
    np.testing.assert_array_equal(seen, ring(n, second.astype(seen.dtype)).toarray())
    np.testing.assert_array_equal(by_matrix, by_edge)
    assert not np.array_equal(before, by_edge)
    net.conn = Param(jnp.asarray(second), fit=True)
    np.testing.assert_allclose(run(), by_edge, rtol=1e-6)


def test_a_sparse_matrix_that_lacks_a_connection_is_refused():
    full, less = ring(4, np.ones(4)), ring(4, np.ones(4)).toarray()
    less[1, 0] = 0
    net = brainmass.Network(brainmass.HopfStep(4), conn=full, coupled_var="x")
    with pytest.raises(ValueError, match=r"conn must have an entry for each of the 4 connections"):
        net.conn = scipy.sparse.csr_array(less)
    with pytest.raises(ValueError, match=r"conn must have shape \(4, 4\), or \(4,\)"):
        net.conn = np.ones(3)
    with pytest.raises(ValueError, match=r"distance must have an entry for each"):
        brainmass.Network(
            brainmass.HopfStep(4), conn=full, distance=scipy.sparse.csr_array(less) * 10.0,
            speed=1.0, coupled_var="x",
        )  # fmt: skip


def test_entries_of_a_sparse_matrix_that_are_given_twice_add_up():
    twice = scipy.sparse.coo_array(([1.0, 2.0, 4.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    net = brainmass.Network(brainmass.HopfStep(2), conn=twice, coupled_var="x")
    assert net.weight_matrix().tolist() == [[0.0, 3.0], [4.0, 0.0]]

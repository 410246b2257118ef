"""The connectome type, tools on weight matrices, random graphs."""

import base64
import re
import struct

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brainmass import connectome
from brainmass._errors import UnitError
from brainmass.connectome import Connectome


def example(n=4, seed=0, **extra):
    rng = np.random.default_rng(seed)
    weights = rng.random((n, n))
    np.fill_diagonal(weights, 0.0)
    return Connectome(weights, 100 * rng.random((n, n)) * u.mm, **extra)


# -- the type --------------------------------------------------------------------------------


def test_fields_are_read_by_name_position_and_unpacking():
    conn = example()
    weights, distances, labels = conn
    assert weights is conn.weights is conn[0]
    assert distances is conn.distances is conn[1]
    assert labels == ("R0", "R1", "R2", "R3") == conn[-1]
    assert len(conn) == 3


def test_it_is_immutable():
    given = np.ones((2, 2))
    conn = Connectome(given)
    given[0, 0] = 7.0
    assert conn.weights[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        conn.weights[0, 0] = 2.0
    with pytest.raises(AttributeError):
        conn.weights = given


def test_it_is_a_pytree_with_units():
    conn = example()
    doubled = jax.tree.map(lambda x: 2 * x, conn)
    assert np.allclose(doubled.weights, 2 * conn.weights)
    assert doubled.distances.unit == u.mm
    assert doubled.labels == conn.labels
    total = jax.jit(lambda c: jnp.sum(c.weights) + jnp.sum(c.distances / (1 * u.mm)))(conn)
    known = conn.weights.sum() + conn.distances.to_decimal(u.mm).sum()
    assert np.isclose(total, known, rtol=1e-5)


def test_equality_is_of_values_units_and_names():
    assert example() == example()
    assert example() != example(seed=1)
    assert example() != example(labels=list("abcd"))
    assert example() != Connectome(example().weights)
    assert (example() == "something else") is False


def test_repr_is_one_short_line():
    assert repr(Connectome(np.ones((3, 3)))) == "Connectome(3 regions, 6 connections)"
    assert len(repr(example(50, name="many"))) < 100


def test_repr_works_inside_a_trace():
    seen = []
    jax.jit(lambda c: seen.append(repr(c)) or c.weights)(example())
    assert seen == ["Connectome(4 regions)"]


def test_html_shows_a_valid_picture_and_escapes_text():
    page = example(source="<b>here</b>")._repr_html_()
    assert "&lt;b&gt;here" in page
    png = base64.b64decode(re.search("base64,([^']+)'", page)[1])
    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">II", png[16:24]) == (4, 4)


def test_html_shows_regions_from_above_and_stays_small():
    page = connectome.synthetic_brain(360)._repr_html_()
    assert page.count("<circle") == 360
    assert "weight matrix, 360 by 360" in page
    png = base64.b64decode(re.search("base64,([^']+)'", page)[1])
    assert struct.unpack(">II", png[16:24]) == (180, 180)
    assert len(page) < 100_000
    # Without centres there is nothing to see from above.
    assert "<svg" not in example()._repr_html_()


def test_delays_are_distance_over_speed():
    conn = example()
    delays = conn.delays(5 * u.meter / u.second)
    assert delays.unit == u.ms
    assert np.allclose(delays.mantissa, conn.distances.to_decimal(u.mm) / 5)


def test_subset_keeps_matrices_labels_centres_and_sides_together():
    conn = example(labels=list("abcd"), hemispheres="LLRR", centres=np.eye(4, 3) * u.mm)
    part = conn.subset(["c", 0])
    assert part.labels == ("c", "a")
    assert part.hemispheres == ("R", "L")
    assert part.weights[0, 1] == conn.weights[2, 0]
    assert part.distances[0, 1] == conn.distances[2, 0]
    assert np.array_equal(part.centres.mantissa, np.eye(4, 3)[[2, 0]])


def test_methods_return_new_connectomes():
    conn = example()
    assert conn.scaled(2.0).weights.max() == 2 * conn.weights.max()
    assert conn.scaled(1.0 * u.Hz).weights.unit == u.Hz
    assert conn.normalized().weights.max() == 1.0
    assert conn.symmetrized().is_symmetric
    assert np.allclose(
        conn.symmetrized().distances.mantissa.T, conn.symmetrized().distances.mantissa
    )
    assert conn.thresholded(density=0.5).density == 0.5
    assert conn.with_weights(np.eye(4)).distances is not None
    assert np.allclose(conn.laplacian(), connectome.laplacian_connectivity(conn.weights))
    assert not conn.is_symmetric


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((np.ones((2, 3)),), ValueError, r"weights must be a square .*got shape \(2, 3\)"),
        ((np.ones((0, 0)),), ValueError, r"got shape \(0, 0\)"),
        ((-np.ones((2, 2)),), ValueError, r"weights must be finite and not negative; got -1.0"),
        ((np.full((2, 2), np.nan),), ValueError, r"got nan at \(0, 0\)"),
        ((np.array([["a"]]),), TypeError, "real numbers"),
        ((np.ones((2, 2)), np.ones((2, 2))), UnitError, r"distances must be lengths; got \[1\]"),
        ((np.ones((2, 2)), np.ones((2, 2)) * u.ms), UnitError, r"got \[ms\]"),
        ((np.ones((2, 2)), np.ones((3, 3)) * u.mm), ValueError, r"shape \(2, 2\), matching"),
        ((np.ones((2, 2)), -np.ones((2, 2)) * u.mm), ValueError, "distances must be finite and"),
        ((np.ones((2, 2)), None, ["a"]), ValueError, "each of the 2 regions; got 1"),
        ((np.ones((2, 2)), None, ["a", "a"]), ValueError, "different; got 'a' more than once"),
        ((np.ones((2, 2)), None, None, np.ones((2, 2)) * u.mm), ValueError, r"shape \(2, 3\)"),
        ((np.ones((2, 2)), None, None, None, "LX"), ValueError, "'L', 'R' or 'M'; got 'X'"),
    ],
)
def test_what_is_no_connectome_is_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        Connectome(*arguments)


def test_bad_requests_are_refused():
    conn = example()
    with pytest.raises(ValueError, match=r"region must be one of 'R0'.*got 'V1'"):
        conn.index("V1")
    with pytest.raises(ValueError, match=r"positions from 0 to 3; got \[4\]"):
        conn.subset([4])
    with pytest.raises(UnitError, match=r"speed must be a length per time; got \[1\]"):
        conn.delays(10.0)
    with pytest.raises(ValueError, match="speed must be positive"):
        conn.delays(0.0 * u.mm / u.ms)
    with pytest.raises(ValueError, match="delays need distances; got none"):
        Connectome(np.ones((2, 2))).delays(1.0 * u.mm / u.ms)


# -- tools -----------------------------------------------------------------------------------


def test_normalisations_make_their_size_one():
    w = example(6).weights
    normalize = connectome.normalize_weights
    assert normalize(w).max() == 1.0
    assert np.isclose(normalize(w, "mean")[w > 0].mean(), 1.0)
    assert np.allclose(normalize(w, "row").sum(axis=1), 1.0)
    assert np.isclose(normalize(w, "strength").sum(axis=1).mean(), 1.0)
    assert np.isclose(np.abs(np.linalg.eigvals(normalize(w, "spectral"))).max(), 1.0)
    assert np.all(normalize(np.zeros((3, 3)), "row") == 0.0)
    assert np.allclose(normalize(w * u.Hz), normalize(w))
    with pytest.raises(ValueError, match=r"by must be one of 'max'.*got 'size'"):
        normalize(w, "size")


def test_symmetrize_combines_both_directions():
    w = np.array([[0.0, 2.0], [4.0, 0.0]])
    assert connectome.symmetrize(w)[0, 1] == 3.0
    assert connectome.symmetrize(w, "max")[0, 1] == 4.0
    assert connectome.symmetrize(w * u.mm, "min")[1, 0] == 2.0 * u.mm
    with pytest.raises(ValueError, match="how must be one of"):
        connectome.symmetrize(w, "sum")


def test_threshold_by_weight_and_by_density():
    w = example(6).weights
    assert np.array_equal(connectome.threshold(w, 0.5), np.where(w >= 0.5, w, 0))
    kept = connectome.threshold(w, density=0.4)
    assert np.count_nonzero(kept) == 12
    assert kept[kept > 0].min() >= np.sort(w[w > 0])[-12]
    assert np.all(connectome.threshold(w, density=0.0) == 0)
    assert np.array_equal(connectome.threshold(w, density=1.0), w)
    in_hertz = connectome.threshold(w * u.Hz, 500.0 / (1000.0 * u.second))
    assert np.array_equal(in_hertz.mantissa, connectome.threshold(w, 0.5))


def test_threshold_refuses_contradictions():
    w = example().weights
    with pytest.raises(ValueError, match="exactly one of weight and density.*neither"):
        connectome.threshold(w)
    with pytest.raises(ValueError, match="both"):
        connectome.threshold(w, 0.1, density=0.1)
    with pytest.raises(ValueError, match="between 0 and 1; got 2"):
        connectome.threshold(w, density=2)
    with pytest.raises(UnitError, match=r"\[Hz\]; got \[1\]"):
        connectome.threshold(w * u.Hz, 0.5)


# -- Laplacian -------------------------------------------------------------------------------


def test_laplacian_equals_its_definition(x64):
    w = example(5).weights
    d = w.sum(axis=1)
    laplacian = connectome.laplacian_connectivity
    assert np.allclose(laplacian(w), w - np.diag(d))
    assert np.allclose(laplacian(w, normalize="rw"), w / d[:, None] - np.eye(5))
    root = np.sqrt(d)
    assert np.allclose(laplacian(w, normalize="sym"), w / np.outer(root, root) - np.eye(5))


@pytest.mark.parametrize("normalize", [None, "rw", "sym"])
def test_laplacian_of_a_symmetric_matrix_is_negative_semidefinite(x64, normalize):
    w = example(5).symmetrized().weights
    values = np.linalg.eigvals(connectome.laplacian_connectivity(w, normalize=normalize))
    assert np.isclose(values.real.max(), 0.0, atol=1e-12)


@pytest.mark.parametrize("normalize", [None, "rw", "sym"])
def test_laplacian_works_with_units(x64, normalize):
    w = example(5).weights
    plain, degree = connectome.laplacian_connectivity(w, normalize=normalize, return_diag=True)
    with_unit, d = connectome.laplacian_connectivity(
        w * u.Hz, normalize=normalize, return_diag=True
    )
    assert d.unit == u.Hz
    assert u.get_unit(with_unit) == (u.Hz if normalize is None else u.UNITLESS)
    assert np.allclose(u.get_mantissa(with_unit), plain)
    assert np.allclose(d.mantissa, degree)


@pytest.mark.parametrize("normalize", [None, "rw", "sym"])
def test_laplacian_is_differentiable_also_with_isolated_regions(normalize):
    w = jnp.asarray(example(5).weights).at[2].set(0.0).at[:, 2].set(0.0)
    gradient = jax.jit(
        jax.grad(lambda w: jnp.sum(connectome.laplacian_connectivity(w, normalize=normalize) ** 2))
    )(w)
    assert np.all(np.isfinite(gradient))


def test_laplacian_refuses_other_modes_and_shapes():
    with pytest.raises(ValueError, match="None, 'rw' or 'sym'; got 'row'"):
        connectome.laplacian_connectivity(np.eye(2), normalize="row")
    with pytest.raises(ValueError, match=r"square matrix; got shape \(2, 3\)"):
        connectome.laplacian_connectivity(np.ones((2, 3)))


# -- random graphs ---------------------------------------------------------------------------

GRAPHS = [
    connectome.erdos_renyi,
    connectome.small_world,
    connectome.scale_free,
    connectome.lognormal,
]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda g: g.__name__)
def test_random_graphs_follow_their_seed(graph):
    assert graph(20, seed=4) == graph(20, seed=4)
    assert graph(20, seed=4) != graph(20, seed=5)


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda g: g.__name__)
def test_random_graphs_are_symmetric_connectomes_on_a_sphere(graph):
    conn = graph(30, radius=5.0 * u.cmeter)
    assert conn.is_symmetric
    assert np.all(np.diag(conn.weights) == 0)
    assert conn.weights.max() == 1.0
    assert np.allclose(np.linalg.norm(conn.centres.to_decimal(u.mm), axis=1), 50.0)
    assert conn.distances.to_decimal(u.mm).max() <= 100.0
    assert np.isclose(
        conn.distances.to_decimal(u.mm)[3, 7],
        np.linalg.norm(conn.centres.to_decimal(u.mm)[3] - conn.centres.to_decimal(u.mm)[7]),
    )


def test_erdos_renyi_has_the_density_asked_for():
    assert abs(connectome.erdos_renyi(100, 0.3).density - 0.3) < 0.03
    directed = connectome.erdos_renyi(100, 0.3, directed=True, weights="binary")
    assert not directed.is_symmetric
    assert set(np.unique(directed.weights)) == {0.0, 1.0}


def test_small_world_keeps_the_number_of_connections_and_shortens_paths():
    def mean_path(conn):
        n = conn.n_regions
        steps, reached, length = np.eye(n, dtype=bool), np.eye(n, dtype=bool), 0.0
        for k in range(1, n):
            steps = (steps @ (conn.weights > 0)) & ~reached
            length += k * steps.sum()
            reached |= steps
        return length / (n * (n - 1))

    ring = connectome.small_world(60, 4, 0.0, weights="binary")
    mixed = connectome.small_world(60, 4, 0.3, weights="binary")
    assert ring.n_connections == mixed.n_connections == 240
    assert np.all(ring.weights.sum(axis=1) == 4)
    assert mean_path(mixed) < 0.6 * mean_path(ring)


def test_scale_free_graphs_have_hubs():
    conn = connectome.scale_free(200, 2, weights="binary")
    degree = conn.weights.sum(axis=1)
    assert degree.max() > 5 * np.median(degree)
    assert degree.min() >= 1


def test_lognormal_weights_fall_with_distance_and_spread_over_decades():
    conn = connectome.lognormal(60)
    off = ~np.eye(60, dtype=bool)
    w, d = np.log(conn.weights[off]), conn.distances.to_decimal(u.mm)[off]
    slope, _ = np.polyfit(d, w, 1)
    assert abs(slope + 1 / 30) < 0.003
    assert np.ptp(w) > np.log(1000)


def test_bad_sizes_and_probabilities_are_refused():
    with pytest.raises(ValueError, match="erdos_renyi: n_regions must be a whole number"):
        connectome.erdos_renyi(1)
    with pytest.raises(ValueError, match="density must be between 0 and 1; got 1.5"):
        connectome.erdos_renyi(5, 1.5)
    with pytest.raises(ValueError, match="weights must be one of 'lognormal'"):
        connectome.erdos_renyi(5, weights="normal")
    with pytest.raises(ValueError, match="degree must be even and smaller"):
        connectome.small_world(10, 3)
    with pytest.raises(ValueError, match="attachments must be smaller"):
        connectome.scale_free(3, 3)
    with pytest.raises(ValueError, match="sigma must be a number >= 0"):
        connectome.lognormal(5, -1.0)
    with pytest.raises(UnitError, match=r"radius must be a length; got \[1\]"):
        connectome.lognormal(5, radius=70.0)
    with pytest.raises(ValueError, match="length must be positive"):
        connectome.lognormal(5, length=0.0 * u.mm)

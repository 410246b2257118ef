"""Plots of matrices and brains."""

from itertools import pairwise

import brainunit as u
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from viz.conftest import CONN, lightness, waves

from brainmass import datasets, viz
from brainmass.connectome import Connectome


def test_connectivity_shows_targets_as_rows_and_names_units():
    weights = np.array([[0.0, 3.0], [1.0, 0.0]])
    axes = viz.plot_connectivity(weights * u.Hz, labels=["V1", "MT"])
    assert np.array_equal(axes.images[0].get_array(), weights)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("from", "to")
    assert axes.images[0].colorbar.ax.get_ylabel() == "weight (Hz)"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["V1", "MT"]
    assert axes.images[0].get_cmap().name == "viridis"
    assert viz.plot_connectivity(weights, colorbar=False).images[0].colorbar is None
    with pytest.raises(ValueError, match=r"must be square, .*got shape \(2, 3\)"):
        viz.plot_connectivity(np.ones((2, 3)))


def test_weights_over_decades_get_logarithmic_colours():
    conn = datasets.load_dataset("synthetic_68")
    axes = viz.plot_connectivity(conn)
    assert isinstance(axes.images[0].norm, mpl.colors.LogNorm)
    assert np.ma.count_masked(axes.images[0].get_array()) == 68**2 - conn.n_connections
    linear = viz.plot_connectivity(conn, log=False).images[0]
    assert type(linear.norm) is mpl.colors.Normalize
    even = Connectome([[0.0, 1.0], [0.9, 0.0]])
    assert type(viz.plot_connectivity(even).images[0].norm) is mpl.colors.Normalize
    with pytest.raises(ValueError, match="log needs a positive entry"):
        viz.plot_connectivity(np.zeros((2, 2)), log=True)


def test_functional_connectivity_is_pinned_to_one():
    axes = viz.plot_functional_connectivity(0.01 * waves() * u.mV)
    assert axes.images[0].get_clim() == (-1.0, 1.0)
    assert np.allclose(axes.images[0].get_array(), np.corrcoef(waves().T))
    fc = np.array([[1.0, 0.2], [0.2, 1.0]])
    given = viz.plot_functional_connectivity(fc, is_matrix=True)
    assert np.array_equal(given.images[0].get_array(), fc)
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]; got 0.4 to 2"):
        viz.plot_functional_connectivity(2 * fc, is_matrix=True)


def test_the_middle_of_correlations_is_the_page(dark):
    on_dark = viz.plot_functional_connectivity(waves()).images[0]
    assert lightness(on_dark.cmap(0.5)[:3]) < 0.15
    with plt.style.context("default"):
        on_light = viz.plot_functional_connectivity(waves()).images[0]
    assert lightness(on_light.cmap(0.5)[:3]) > 0.9


def test_pairs_show_every_pair_once_with_their_correlation():
    a, b = waves(n=6), waves(n=6, seed=1)
    axes = viz.plot_fc_pairs(a, np.corrcoef(b.T), is_matrix=(False, True))
    upper = np.triu_indices(6, 1)
    x, y = np.corrcoef(b.T)[upper], np.corrcoef(a.T)[upper]
    assert np.allclose(axes.collections[0].get_offsets(), np.stack([x, y], axis=1))
    assert axes.get_title() == f"r = {np.corrcoef(x, y)[0, 1]:.2f} over 15 pairs"
    assert axes.get_xlim()[1] == axes.get_ylim()[1] == 1.0
    crowd = viz.plot_fc_pairs(waves(n=90), waves(n=90, seed=1))
    assert crowd.collections[0].get_array().sum() == 4005
    with pytest.raises(ValueError, match="the same regions, three or more; got 6 and 5"):
        viz.plot_fc_pairs(a, b[:, :5])


def test_glass_brain_shows_three_views_with_the_strongest_connections():
    axes = viz.plot_glass_brain(CONN, n_edges=10)
    lines, dots = axes.collections[0::2], axes.collections[1::2]
    assert [len(dot.get_offsets()) for dot in dots] == [8, 8, 8]
    assert [len(line.get_segments()) for line in lines] == [10, 10, 10]
    views = ["from the right", "from above", "from behind"]
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text.startswith("from")] == views
    assert "50 mm" in texts
    centres = CONN.centres.to_decimal(u.mm)
    above = dots[1].get_offsets()
    assert np.allclose(above - above.mean(axis=0), (centres - centres.mean(axis=0))[:, :2])
    strongest = np.unravel_index(np.argmax(CONN.weights), CONN.weights.shape)
    ends = np.sort(lines[1].get_segments()[-1], axis=0)
    assert np.allclose(ends, np.sort(above[list(strongest)], axis=0))


def test_views_do_not_overlap():
    axes = viz.plot_glass_brain(datasets.load_dataset("synthetic_68"))
    spans = [
        (dot.get_offsets()[:, 0].min(), dot.get_offsets()[:, 0].max())
        for dot in axes.collections[1::2]
    ]
    assert all(left[1] < right[0] for left, right in pairwise(spans))


def test_glass_brain_shows_values_with_their_unit():
    rates = np.arange(8.0)
    axes = viz.plot_glass_brain(CONN, rates * u.Hz, value_name="rate", labels=["L frontal"])
    dots = axes.collections[-1]
    assert np.array_equal(dots.get_array(), rates)
    assert dots.colorbar.ax.get_ylabel() == "rate (Hz)"
    assert sum(text.get_text() == "L frontal" for text in axes.texts) == 1


def test_brains_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="must be a Connectome with centres; got none"):
        viz.plot_glass_brain(Connectome(np.ones((2, 2))))
    with pytest.raises(ValueError, match=r"each of the 8 regions; got shape \(3,\)"):
        viz.plot_glass_brain(CONN, np.ones(3))
    with pytest.raises(ValueError, match="n_edges must be a whole number, at least 0; got -1"):
        viz.plot_glass_brain(CONN, n_edges=-1)
    with pytest.raises(ValueError, match="region must be one of 'L frontal'"):
        viz.plot_glass_brain(CONN, labels=["V1"])

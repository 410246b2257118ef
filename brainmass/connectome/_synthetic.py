"""A synthetic connectome that looks like a brain: geometry, wiring, weights."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from ._checks import is_number
from ._connectome import Connectome
from ._graphs import _count, _fraction, _pairwise, _radius

# Half axes in mm of the ellipsoid that holds both hemispheres, and its centre: x to the right,
# y to the front, z up. Rounded from the bounding box of the MNI152 template.
AXES = np.array([66.0, 86.0, 61.0])
CENTRE = np.array([0.0, -18.0, 14.0])
MEDIAL = 7.0  # x of the cortex that faces the other hemisphere
CORE = np.array([28.0, -18.0, 14.0])  # the middle of the right hemisphere
FOLDING = 0.35  # regions in sulci lie this much nearer to it, at most
STEM = (np.array([-20.0, 2.0]), np.array([40.0, 22.0]))  # where that wall has no cortex: y and z

# Points of each lobe on the right; a region belongs to the lobe of the nearest point.
LOBES = {
    "frontal": [
        (30, 45, 20), (12, 62, 0), (10, 45, 40), (48, 12, 30), (35, 35, -14), (10, -5, 66),
        (45, -8, 52), (55, 5, 10), (10, 30, -18),
    ],
    "parietal": [(42, -35, 52), (25, -62, 55), (52, -48, 32), (9, -60, 42), (60, -25, 28)],
    "temporal": [(62, -20, -5), (58, -48, -4), (45, 8, -30), (36, -30, -24), (25, 0, -34)],
    "occipital": [(20, -94, 5), (38, -80, 2), (10, -80, 12), (20, -76, -14)],
    "cingulate": [(7, 34, 16), (7, 5, 36), (7, -28, 38)],
}  # fmt: skip

# The corpus callosum in the midsagittal plane, y and z from genu to splenium.
CALLOSUM = np.array([(32, 2), (28, 14), (15, 22), (0, 26), (-15, 26), (-30, 20), (-38, 10)], float)

HUB = np.array([8.0, -55.0, 38.0])  # the structural core, around the precuneus
HUB_REACH = 25.0
HUB_GAIN = 0.6
PROPENSITY = 0.3  # spread of the logarithm of a region's own tendency to connect
LIKENESS = 0.8  # correlation of a connection with its mirror image
DETOUR = (1.2, 0.08)  # length of a tract over that of the direct way, and the spread of its log
CHANCE = 1.2  # noise on the logarithm of the weight that decides whether a connection exists
JITTER = 1.5  # mm, departure of the right hemisphere from the mirror image of the left


def synthetic_brain(
    n_regions: int = 68,
    *,
    density: float = 0.3,
    decay_length: u.Quantity | None = None,
    sigma: float = 1.0,
    homotopic: float = 20.0,
    seed: int = 0,
) -> Connectome:
    r"""Synthetic connectome that looks like that of a human cortex, at any resolution.

    Nothing in it is measured. It follows what is known of measured ones:

    * two hemispheres, each a mirror image of the other up to a few millimetres; region ``i`` on
      the left and ``i + n_regions / 2`` on the right are twins;
    * weights fall exponentially with the length of the tract and are log-normal at each length,
      over four to five decades in all [1]_ [2]_ [3]_:
      :math:`w_{ij} \propto \exp(-\ell_{ij} / \lambda + \sigma \xi_{ij} + g_i + g_j)`;
    * twins are connected much more strongly than their distance tells [1]_ [4]_;
    * some regions connect more than others, most of all the posterior medial cortex [5]_;
    * tracts between the hemispheres run through the corpus callosum; the others take a small
      detour.

    Weights are symmetric, as those of tractography are, and the graph is connected.

    Parameters
    ----------
    n_regions : int, default 68
        Number of regions, even and at least 4.
    density : float, default 0.3
        Fraction of the possible connections that exist; short ones are the more likely. A few
        more may exist, as twins and neighbours are always connected. The default is ours, as are
        the next three.
    decay_length : brainunit.Quantity, optional
        :math:`\lambda`, over which weights fall by a factor of e. Default 25 mm: human tracts
        reach further than those of a macaque, for which [2]_ measured 5 mm.
    sigma : float, default 1.0
        Standard deviation of the logarithm of the weights of equally long tracts.
    homotopic : float, default 20.0
        How many times stronger twins are connected than others at the same distance, at the
        median distance of twins. Nearer ones gain less, and further ones more.
    seed : int, default 0
        Seed of the random numbers; equal seeds give equal connectomes.

    Returns
    -------
    Connectome
        Largest weight 1, tract lengths of all pairs in mm, centres in mm, hemispheres, and
        labels such as ``'L frontal 3'``.

    Raises
    ------
    ValueError
        If ``n_regions`` is odd or a parameter is outside its range.

    References
    ----------
    .. [1] Rosen & Halgren 2021, eNeuro 8:ENEURO.0416-20.2020, doi:10.1523/ENEURO.0416-20.2020
    .. [2] Ercsey-Ravasz et al. 2013, Neuron 80:184, doi:10.1016/j.neuron.2013.07.036
    .. [3] Markov et al. 2014, Cereb. Cortex 24:17, doi:10.1093/cercor/bhs270
    .. [4] Shen et al. 2015, PNAS 112:6473, doi:10.1073/pnas.1503436112
    .. [5] Hagmann et al. 2008, PLoS Biol. 6:e159, doi:10.1371/journal.pbio.0060159

    Examples
    --------
    >>> from brainmass.connectome import synthetic_brain
    >>> conn = synthetic_brain(40, seed=1)
    >>> conn.labels[0], conn.labels[20]
    ('L frontal 1', 'R frontal 1')
    >>> conn.is_symmetric, round(conn.density, 2)
    (True, 0.3)
    """
    who = "synthetic_brain"
    n = _count(who, "n_regions", n_regions, 4)
    if n % 2:
        raise ValueError(
            f"{who}: n_regions must be even, as many on the left as on the right; got {n}. "
            f"Pass {n + 1}."
        )
    _fraction(who, "density", density)
    _at_least(who, "sigma", sigma, 0.0)
    _at_least(who, "homotopic", homotopic, 1.0)
    scale = _radius(who, "decay_length", 25.0 * u.mm if decay_length is None else decay_length)
    rng = np.random.default_rng(seed)
    names, centres = _regions(n // 2, rng)
    lengths = _tract_lengths(centres, rng)
    affinity = _affinity(centres, lengths / scale, np.log(homotopic), rng)
    strength = affinity + sigma * _mirrored(n, rng)
    edges = _edges(affinity, density, rng)
    weights = np.where(edges, np.exp(strength - strength[edges].max()), 0.0)
    return Connectome(
        weights,
        lengths * u.mm,
        labels=[f"{side} {name}" for side in "LR" for name in names],
        centres=centres * u.mm,
        hemispheres=["L"] * (n // 2) + ["R"] * (n // 2),
        name=f"synthetic brain, seed {seed}",
        source="synthetic, brainmass.connectome.synthetic_brain",
        licence="Apache-2.0",
        citation="brainmass; rules of Rosen & Halgren 2021, doi:10.1523/ENEURO.0416-20.2020",
    )


def _regions(half: int, rng) -> tuple[list[str], np.ndarray]:
    """Names of the regions of one side, and centres of both in mm, left before right."""
    points, area = _cortex(max(2000, 30 * half))
    right = _clusters(points, area, half, rng)
    right += FOLDING * rng.random((half, 1)) * (CORE - right)
    lobe_points = np.concatenate([np.array(p, float) for p in LOBES.values()])
    of_point = np.repeat(np.arange(len(LOBES)), [len(p) for p in LOBES.values()])
    nearest = np.linalg.norm(right[:, None] - lobe_points, axis=-1).argmin(axis=1)
    lobes = of_point[nearest]
    order = np.lexsort((-right[:, 1], lobes))  # by lobe, then from front to back
    right, lobes = right[order], lobes[order]
    ranks = [int(np.sum(lobes[:i] == lobe)) + 1 for i, lobe in enumerate(lobes)]
    kinds = list(LOBES)
    names = [f"{kinds[lobe]} {rank}" for lobe, rank in zip(lobes, ranks, strict=True)]
    left = right * [-1.0, 1.0, 1.0]
    return names, np.concatenate([left, right + rng.normal(0.0, JITTER, right.shape)])


def _cortex(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on the right cortex, outer surface and medial wall, and the area each stands for."""
    step = np.arange(2 * n)
    height = 1 - (2 * step + 1) / len(step)
    angle = np.pi * (3 - np.sqrt(5)) * step
    ring = np.sqrt(1 - height**2)
    unit = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    stretch = np.prod(AXES) * np.linalg.norm(unit / AXES, axis=1)  # of area, sphere to ellipsoid
    outer = unit * AXES + CENTRE
    keep = outer[:, 0] > MEDIAL
    outer, area = outer[keep], stretch[keep] * 4 * np.pi / len(step)
    side = np.sqrt(area.mean())
    y, z = np.meshgrid(
        *(np.arange(c - a, c + a, side) for c, a in zip(CENTRE[1:], AXES[1:], strict=True))
    )
    wall = np.stack([np.full(y.size, MEDIAL), y.ravel(), z.ravel()], axis=1)
    inside = np.sum(((wall - CENTRE) / AXES) ** 2, axis=1) < 1
    bare = np.sum(((wall[:, 1:] - STEM[0]) / STEM[1]) ** 2, axis=1) < 1
    wall = wall[inside & ~bare]
    return np.concatenate([outer, wall]), np.concatenate([area, np.full(len(wall), side**2)])


def _clusters(points, area, n: int, rng, rounds: int = 12) -> np.ndarray:
    """Centres of n compact regions of unequal size: a few rounds of k-means."""
    centres = points[rng.choice(len(points), n, replace=False, p=area / area.sum())]
    for _ in range(rounds):
        apart = np.sum(centres**2, axis=1) - 2 * points @ centres.T
        own = apart.argmin(axis=1)
        total = np.bincount(own, area, n)
        sums = np.stack([np.bincount(own, area * x, n) for x in points.T], axis=1)
        centres = np.where(total[:, None] > 0, sums / np.maximum(total, 1e-12)[:, None], centres)
    return centres


def _tract_lengths(centres: np.ndarray, rng) -> np.ndarray:
    half = len(centres) // 2
    direct = _pairwise(centres)
    arch = np.concatenate([np.zeros((len(CALLOSUM), 1)), CALLOSUM], axis=1)
    to_arch = np.linalg.norm(centres[:, None] - arch, axis=-1)
    across = np.min(to_arch[:half, None] + to_arch[None, half:], axis=-1)
    direct[:half, half:] = across
    direct[half:, :half] = across.T
    detour, spread = DETOUR
    lengths = detour * direct * np.exp(spread * _mirrored(len(centres), rng))
    np.fill_diagonal(lengths, 0.0)
    return lengths


def _affinity(centres: np.ndarray, decay: np.ndarray, twins: float, rng) -> np.ndarray:
    """Logarithm of the median weight of each pair."""
    n = len(centres)
    own = rng.normal(size=n // 2)
    own = np.concatenate([own, LIKENESS * own + np.sqrt(1 - LIKENESS**2) * rng.normal(size=n // 2)])
    apart = np.linalg.norm(np.abs(centres) * [1, 0, 0] + centres * [0, 1, 1] - HUB, axis=1)
    own = PROPENSITY * own + HUB_GAIN * np.exp(-0.5 * (apart / HUB_REACH) ** 2)
    affinity = (own[:, None] + own) - decay  # in this order it is symmetric to the last bit
    left = np.arange(n // 2)
    gain = decay[left, left + n // 2]
    gain = twins * gain / np.median(gain)  # least for neighbours across the midline
    affinity[left, left + n // 2] += gain
    affinity[left + n // 2, left] += gain
    return affinity


def _mirrored(n: int, rng) -> np.ndarray:
    """Symmetric standard normal numbers; a pair and its mirror image are alike."""
    left = np.arange(n // 2)
    twin = np.concatenate([left + n // 2, left])
    noise = np.triu(rng.normal(size=(n, n)), 1)
    noise = noise + noise.T
    mirror = noise[np.ix_(twin, twin)]
    # A sum of two independent normals a x + b y and a y + b x, with a^2 + b^2 = 1 and 2 a b the
    # correlation asked for. A pair that is its own image needs no mixing.
    a = np.sqrt((1 + np.sqrt(1 - LIKENESS**2)) / 2)
    mixed = a * noise + np.sqrt(1 - a**2) * mirror
    return np.where(twin[:, None] == np.arange(n), noise, mixed)


def _edges(affinity: np.ndarray, density: float, rng) -> np.ndarray:
    """Which pairs are connected: twins, a spanning tree, and others by chance.

    The others are those of the largest affinity after noise of its own is added, so that weak
    connections exist too and the weights keep their distribution.
    """
    n = len(affinity)
    edges = _spanning_tree(affinity)
    left = np.arange(n // 2)
    edges[left, left + n // 2] = edges[left + n // 2, left] = True
    rows, columns = np.triu_indices(n, 1)
    keys = (affinity + CHANCE * _mirrored(n, rng))[rows, columns]
    keys[edges[rows, columns]] = np.inf
    chosen = np.argsort(-keys, kind="stable")[: round(density * len(rows))]
    edges[rows[chosen], columns[chosen]] = True
    return edges | edges.T


def _spanning_tree(affinity: np.ndarray) -> np.ndarray:
    """The tree of strongest total affinity, so that no region is left alone (Prim)."""
    n = len(affinity)
    edges = np.zeros((n, n), dtype=bool)
    best, origin = affinity[0].copy(), np.zeros(n, dtype=int)
    best[0] = -np.inf
    reached = np.arange(n) == 0
    for _ in range(n - 1):
        new = int(best.argmax())
        edges[new, origin[new]] = edges[origin[new], new] = True
        reached[new] = True
        closer = (affinity[new] > best) & ~reached
        best, origin = np.where(closer, affinity[new], best), np.where(closer, new, origin)
        best[new] = -np.inf
    return edges


def _at_least(who: str, what: str, value: Any, least: float) -> None:
    if not (is_number(value) and np.isfinite(value) and value >= least):
        raise ValueError(f"{who}: {what} must be a number >= {least:g}; got {value!r}. Pass one.")

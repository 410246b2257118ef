"""Random graphs, with regions on a sphere so that connections have lengths."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

from brainmass._errors import UnitError, choices

from ._checks import is_number
from ._connectome import Connectome


def erdos_renyi(
    n_regions: int,
    density: float = 0.3,
    *,
    weights: str = "lognormal",
    directed: bool = False,
    radius: u.Quantity | None = None,
    seed: int = 0,
) -> Connectome:
    """Random connectome in which every connection exists with the same probability [1]_.

    Parameters
    ----------
    n_regions : int
        Number of regions.
    density : float, default 0.3
        Probability of each connection, 0 to 1.
    weights : {'lognormal', 'uniform', 'binary'}
        Weights of the connections that exist: log-normal with a sigma of 1, uniform on (0, 1], or
        1. The first two are scaled to a maximum of 1.
    directed : bool, default False
        Whether the two directions are drawn independently.
    radius : brainunit.Quantity, optional
        Regions lie evenly on a sphere of this radius. Default 70 mm, about that of a brain.
    seed : int, default 0
        Seed of the random numbers; equal seeds give equal connectomes.

    Returns
    -------
    Connectome
        With straight distances between the centres.

    References
    ----------
    .. [1] Erdős & Rényi 1959, Publ. Math. Debrecen 6:290, doi:10.5486/PMD.1959.6.3-4.12

    Examples
    --------
    >>> from brainmass.connectome import erdos_renyi
    >>> conn = erdos_renyi(20, 0.5, seed=1)
    >>> conn.is_symmetric, 0.3 < conn.density < 0.7
    (True, True)
    """
    who = "erdos_renyi"
    n = _count(who, "n_regions", n_regions, 2)
    _fraction(who, "density", density)
    rng = np.random.default_rng(seed)
    edges = rng.random((n, n)) < density
    return _assemble(who, edges, weights, directed, radius, rng, f"Erdős–Rényi, seed {seed}")


def small_world(
    n_regions: int,
    degree: int = 6,
    rewiring: float = 0.1,
    *,
    weights: str = "lognormal",
    radius: u.Quantity | None = None,
    seed: int = 0,
) -> Connectome:
    """Ring of neighbours with some connections rewired at random [1]_: short paths, tight groups.

    Parameters
    ----------
    n_regions : int
        Number of regions.
    degree : int, default 6
        Even number of neighbours that each region starts with.
    rewiring : float, default 0.1
        Probability, 0 to 1, that a connection is moved to a random region.
    weights, radius, seed
        As in :func:`erdos_renyi`.

    Returns
    -------
    Connectome
        Symmetric, with exactly ``n_regions * degree`` connections.

    References
    ----------
    .. [1] Watts & Strogatz 1998, Nature 393:440, doi:10.1038/30918

    Examples
    --------
    >>> from brainmass.connectome import small_world
    >>> small_world(20, 4).n_connections
    80
    """
    who = "small_world"
    n = _count(who, "n_regions", n_regions, 3)
    degree = _count(who, "degree", degree, 2)
    if degree % 2 or degree >= n:
        raise ValueError(
            f"{who}: degree must be even and smaller than n_regions={n}; got {degree}. "
            "Pass an even number of neighbours."
        )
    _fraction(who, "rewiring", rewiring)
    rng = np.random.default_rng(seed)
    edges = np.zeros((n, n), dtype=bool)
    for hop in range(1, degree // 2 + 1):
        edges[np.arange(n), (np.arange(n) + hop) % n] = True
    edges |= edges.T
    for hop in range(1, degree // 2 + 1):
        for i in range(n):
            free = np.flatnonzero(~edges[i] & (np.arange(n) != i))
            if rng.random() < rewiring and free.size:
                j, new = (i + hop) % n, rng.choice(free)
                edges[i, j] = edges[j, i] = False
                edges[i, new] = edges[new, i] = True
    return _assemble(who, edges, weights, False, radius, rng, f"small world, seed {seed}")


def scale_free(
    n_regions: int,
    attachments: int = 3,
    *,
    weights: str = "lognormal",
    radius: u.Quantity | None = None,
    seed: int = 0,
) -> Connectome:
    """Graph grown by preferential attachment [1]_: few hubs, many weakly connected regions.

    Parameters
    ----------
    n_regions : int
        Number of regions.
    attachments : int, default 3
        Connections that each new region makes, to regions drawn in proportion to their degree.
    weights, radius, seed
        As in :func:`erdos_renyi`.

    Returns
    -------
    Connectome
        Symmetric.

    References
    ----------
    .. [1] Barabási & Albert 1999, Science 286:509, doi:10.1126/science.286.5439.509

    Examples
    --------
    >>> from brainmass.connectome import scale_free
    >>> scale_free(50, 2, seed=3).n_connections
    192
    """
    who = "scale_free"
    n = _count(who, "n_regions", n_regions, 2)
    m = _count(who, "attachments", attachments, 1)
    if m >= n:
        raise ValueError(
            f"{who}: attachments must be smaller than n_regions={n}; got {m}. Pass fewer."
        )
    rng = np.random.default_rng(seed)
    edges = np.zeros((n, n), dtype=bool)
    edges[:m, m] = edges[m, :m] = True
    for new in range(m + 1, n):
        degree = edges[:new, :new].sum(axis=1)
        chosen = rng.choice(new, size=m, replace=False, p=degree / degree.sum())
        edges[chosen, new] = edges[new, chosen] = True
    return _assemble(who, edges, weights, False, radius, rng, f"scale free, seed {seed}")


def lognormal(
    n_regions: int,
    sigma: float = 1.0,
    *,
    length: u.Quantity | None = None,
    radius: u.Quantity | None = None,
    seed: int = 0,
) -> Connectome:
    r"""Dense connectome whose weights are log-normal and fall with distance.

    :math:`w \propto e^{\sigma \xi - d / \lambda}`, as measured by tract tracing in the
    macaque [1]_.

    Parameters
    ----------
    n_regions : int
        Number of regions.
    sigma : float, default 1.0
        Standard deviation of the logarithm of the weights at equal distance.
    length : brainunit.Quantity, optional
        Decay length :math:`\lambda`. Default 30 mm; ours, the order of the 5 mm to 10 mm of [1]_
        scaled to a human brain.
    radius, seed
        As in :func:`erdos_renyi`.

    Returns
    -------
    Connectome
        Symmetric, all connections present, largest weight 1.

    References
    ----------
    .. [1] Ercsey-Ravasz et al. 2013, Neuron 80:184, doi:10.1016/j.neuron.2013.07.036

    Examples
    --------
    >>> from brainmass.connectome import lognormal
    >>> lognormal(10).density
    1.0
    """
    who = "lognormal"
    n = _count(who, "n_regions", n_regions, 2)
    if not (is_number(sigma) and np.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"{who}: sigma must be a number >= 0; got {sigma!r}. Pass one.")
    scale = _radius(who, "length", 30.0 * u.mm if length is None else length)
    centres = _sphere(n, _radius(who, "radius", radius))
    distances = _pairwise(centres)
    rng = np.random.default_rng(seed)
    noise = np.triu(rng.normal(size=(n, n)), 1)
    weights = np.exp(sigma * (noise + noise.T) - distances / scale)
    np.fill_diagonal(weights, 0.0)
    return _random(weights / weights.max(), centres, distances, f"log-normal, seed {seed}")


def _assemble(who, edges, kind, directed, radius, rng, name) -> Connectome:
    kinds = {
        "lognormal": lambda shape: rng.lognormal(size=shape),
        "uniform": lambda shape: 1.0 - rng.random(shape),
        "binary": np.ones,
    }
    if kind not in kinds:
        raise ValueError(f"{who}: weights must be one of {choices(kinds)}; got {kind!r}. Choose.")
    weights = np.where(edges, kinds[kind](edges.shape), 0.0)
    if not directed:
        weights = np.triu(weights, 1)
        weights = weights + weights.T
    np.fill_diagonal(weights, 0.0)
    if kind != "binary" and weights.max() > 0:
        weights = weights / weights.max()
    centres = _sphere(len(weights), _radius(who, "radius", radius))
    return _random(weights, centres, _pairwise(centres), name)


def _random(weights, centres, distances, name) -> Connectome:
    return Connectome(
        weights,
        distances * u.mm,
        centres=centres * u.mm,
        hemispheres=["L" if x < 0 else "R" if x > 0 else "M" for x in centres[:, 0]],
        name=name,
        source="synthetic, brainmass.connectome",
        licence="Apache-2.0",
    )


def _sphere(n: int, radius: float) -> np.ndarray:
    """Spread n points evenly on a sphere (Fibonacci lattice)."""
    height = 1 - (2 * np.arange(n) + 1) / n
    angle = np.pi * (3 - np.sqrt(5)) * np.arange(n)
    ring = np.sqrt(1 - height**2)
    return radius * np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)


def _pairwise(centres: np.ndarray) -> np.ndarray:
    return np.linalg.norm(centres[:, None] - centres[None], axis=-1)


def _radius(who: str, what: str, value: Any) -> float:
    value = 70.0 * u.mm if value is None else value
    if not u.have_same_dim(u.get_unit(value), u.mm):
        raise UnitError(
            f"{who}: {what} must be a length; got [{u.get_unit(value)}]. "
            "Pass for example 70 * u.mm."
        )
    length = float(u.Quantity(value).to_decimal(u.mm))
    if not (np.isfinite(length) and length > 0):
        raise ValueError(f"{who}: {what} must be positive and finite; got {value}. Correct it.")
    return length


def _count(who: str, what: str, value: Any, least: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"{who}: {what} must be a whole number, at least {least}; got {value!r}. Pass one."
        )
    return int(value)


def _fraction(who: str, what: str, value: Any) -> None:
    if not (is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{who}: {what} must be between 0 and 1; got {value!r}. Pass a fraction.")

"""The connectome type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import brainunit as u
import jax
import numpy as np
from jax.typing import ArrayLike

from brainmass._compat import is_tracer
from brainmass._errors import UnitError, choices

from . import _display
from ._checks import WHO, lengths, matrix_of, names_of, same
from ._tools import laplacian_connectivity, normalize_weights, symmetrize, threshold


@dataclass(frozen=True, eq=False)
class Connectome:
    """Structural connectivity between regions, with the distances that delay it.

    Immutable: its arrays are read-only, and every method returns a new connectome. It unpacks
    as ``weights, distances, labels`` and is a JAX pytree.

    Parameters
    ----------
    weights : array_like
        ``(region, region)``, finite and non-negative; ``weights[i, j]`` leads to ``i`` from
        ``j``. May carry a unit.
    distances : brainunit.Quantity, optional
        ``(region, region)``, a length, finite and non-negative: tract lengths or the straight
        distances between centres.
    labels : sequence of str, optional
        Names of the regions, all different. Default ``'R0'``, ``'R1'``, ...
    centres : brainunit.Quantity, optional
        ``(region, 3)``, a length: x to the right, y to the front, z up.
    hemispheres : sequence of {'L', 'R', 'M'}, optional
        Side of each region; ``'M'`` for the midline.
    name, source, licence, citation : str, optional
        What it is, where it comes from, and under which terms.

    Raises
    ------
    ValueError
        If a matrix is not square, has another size, or holds negative or non-finite values.
    UnitError
        If distances or centres are not lengths.

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> from brainmass.connectome import Connectome
    >>> conn = Connectome([[0, 1], [1, 0]], [[0, 30], [30, 0]] * u.mm, labels=["V1", "MT"])
    >>> conn
    Connectome(2 regions, 2 connections, distances 30 to 30 mm)
    >>> conn.delays(10 * u.mm / u.ms)[0, 1]
    Quantity(3., "ms")
    >>> weights, distances, labels = conn
    >>> labels
    ('V1', 'MT')
    """

    weights: Any
    distances: Any = None
    labels: Any = None
    centres: Any = None
    hemispheres: Any = None
    name: str = ""
    source: str = ""
    licence: str = ""
    citation: str = ""

    def __post_init__(self):
        weights = matrix_of(self.weights, "weights")
        n = weights.shape[0]
        self._set(weights=weights)
        if self.distances is not None:
            self._set(distances=lengths(self.distances, "distances", (n, n), negative=False))
        if self.centres is not None:
            self._set(centres=lengths(self.centres, "centres", (n, 3), negative=True))
        labels = [f"R{i}" for i in range(n)] if self.labels is None else self.labels
        labels = names_of(labels, "labels", n)
        self._set(labels=labels)
        if len(set(labels)) != n:
            twice = sorted({x for x in labels if labels.count(x) > 1})
            raise ValueError(
                f"{WHO}: labels must all be different; got {choices(twice)} more than once. "
                "Rename the duplicates."
            )
        if self.hemispheres is not None:
            sides = names_of(self.hemispheres, "hemispheres", n)
            if unknown := sorted(set(sides) - {"L", "R", "M"}):
                raise ValueError(
                    f"{WHO}: hemispheres must be 'L', 'R' or 'M'; got {choices(unknown)}. "
                    "Use one letter per region."
                )
            self._set(hemispheres=sides)

    def _set(self, **values):
        for name, value in values.items():
            object.__setattr__(self, name, value)

    # -- access ------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Any]:
        return iter((self.weights, self.distances, self.labels))

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int | slice) -> Any:
        return (self.weights, self.distances, self.labels)[index]

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, values and units."""
        if not isinstance(other, Connectome):
            return NotImplemented
        arrays = all(
            same(getattr(self, f), getattr(other, f)) for f in ("weights", "distances", "centres")
        )
        return arrays and all(getattr(self, f) == getattr(other, f) for f in _STATIC)

    __hash__ = None  # type: ignore[assignment]

    @property
    def n_regions(self) -> int:
        """Number of regions."""
        return self.weights.shape[0]

    @cached_property
    def n_connections(self) -> int:
        """Number of non-zero weights off the diagonal."""
        weights = np.asarray(u.get_mantissa(self.weights))
        return int(np.count_nonzero(weights)) - int(np.count_nonzero(np.diag(weights)))

    @property
    def density(self) -> float:
        """Non-zero weights off the diagonal, as a fraction of the possible ones."""
        return self.n_connections / max(self.n_regions * (self.n_regions - 1), 1)

    @property
    def is_symmetric(self) -> bool:
        """Whether ``weights`` equals its transpose exactly."""
        weights = np.asarray(u.get_mantissa(self.weights))
        return bool(np.array_equal(weights, weights.T))

    def index(self, label: str) -> int:
        """Return the position of a region.

        Parameters
        ----------
        label : str
            Its name.

        Returns
        -------
        int
            Row and column of the region.
        """
        if label not in self.labels:
            raise ValueError(
                f"{WHO}: region must be one of {choices(self.labels)}; got {label!r}. "
                "Choose one of them."
            )
        return self.labels.index(label)

    def delays(self, speed: u.Quantity) -> u.Quantity:
        """Return the conduction delay of every connection.

        Parameters
        ----------
        speed : brainunit.Quantity
            Conduction speed, positive, for example ``10 * u.mm / u.ms``.

        Returns
        -------
        brainunit.Quantity
            ``(region, region)`` in ms: distance over speed.

        Examples
        --------
        >>> import brainmass, brainunit as u
        >>> conn = brainmass.datasets.load_dataset("example_connectome")
        >>> conn.delays(10 * u.mm / u.ms).shape
        (8, 8)
        """
        if self.distances is None:
            raise ValueError(
                f"{WHO}: delays need distances; got none. Give distances= when building it."
            )
        unit = u.get_unit(speed)
        if not u.have_same_dim(unit, _SPEED):
            raise UnitError(
                f"{WHO}: speed must be a length per time; got [{unit}]. "
                "Pass for example 10 * u.mm / u.ms."
            )
        value = u.Quantity(speed).to_decimal(_SPEED)
        if not is_tracer(value) and not (np.all(np.isfinite(value)) and np.all(value > 0)):
            raise ValueError(
                f"{WHO}: speed must be positive and finite; got {speed}. "
                "Pass for example 10 * u.mm / u.ms."
            )
        return u.Quantity(self.distances.to_decimal(u.mm) / value, unit=u.ms)

    # -- new connectomes ---------------------------------------------------------------------

    def with_weights(self, weights: ArrayLike) -> Connectome:
        """Return a copy with other weights.

        Parameters
        ----------
        weights : array_like
            ``(region, region)``.

        Returns
        -------
        Connectome
            Everything else unchanged.
        """
        return replace(self, weights=weights)

    def scaled(self, factor: Any) -> Connectome:
        """Return a copy with all weights multiplied by ``factor``.

        Parameters
        ----------
        factor : float or brainunit.Quantity
            Non-negative.

        Returns
        -------
        Connectome
            With weights in the unit of the product.
        """
        return self.with_weights(self.weights * factor)

    def normalized(self, by: str = "max") -> Connectome:
        """Return a copy with normalised weights, see :func:`normalize_weights`.

        Parameters
        ----------
        by : {'max', 'mean', 'row', 'strength', 'spectral'}
            What becomes 1.

        Returns
        -------
        Connectome
            With dimensionless weights.
        """
        return self.with_weights(normalize_weights(self.weights, by))

    def symmetrized(self, how: str = "mean") -> Connectome:
        """Return a copy with symmetric weights and distances, see :func:`symmetrize`.

        Parameters
        ----------
        how : {'mean', 'max', 'min'}
            How to combine the two directions of the weights. Distances take the mean.

        Returns
        -------
        Connectome
            With ``is_symmetric`` True.
        """
        distances = self.distances if self.distances is None else symmetrize(self.distances)
        return replace(self, weights=symmetrize(self.weights, how), distances=distances)

    def thresholded(self, weight: Any = None, *, density: float | None = None) -> Connectome:
        """Return a copy without the weak connections, see :func:`threshold`.

        Parameters
        ----------
        weight : float or brainunit.Quantity, optional
            Drop all connections below it.
        density : float, optional
            Keep this fraction of the possible connections, the strongest.

        Returns
        -------
        Connectome
            With zeros in place of the dropped weights.
        """
        return self.with_weights(threshold(self.weights, weight, density=density))

    def subset(self, regions: Sequence[str | int]) -> Connectome:
        """Return a copy with some of the regions, in the order given.

        Parameters
        ----------
        regions : sequence of str or int
            Labels or positions.

        Returns
        -------
        Connectome
            Of those regions.

        Examples
        --------
        >>> import brainmass
        >>> conn = brainmass.datasets.load_dataset("example_connectome")
        >>> conn.subset(["L frontal", "R frontal"]).n_regions
        2
        """
        rows = np.array([self.index(r) if isinstance(r, str) else int(r) for r in regions])
        if rows.size == 0 or np.any((rows < 0) | (rows >= self.n_regions)):
            raise ValueError(
                f"{WHO}: regions must be labels or positions from 0 to {self.n_regions - 1}; "
                f"got {list(regions)}. Correct the list."
            )
        square = np.ix_(rows, rows)
        pick = lambda names: None if names is None else [names[i] for i in rows]  # noqa: E731
        return replace(
            self,
            weights=self.weights[square],
            distances=None if self.distances is None else self.distances[square],
            labels=pick(self.labels),
            centres=None if self.centres is None else self.centres[rows],
            hemispheres=pick(self.hemispheres),
        )

    def laplacian(self, normalize: str | None = None) -> Any:
        """Return the graph Laplacian of the weights, see :func:`laplacian_connectivity`.

        Parameters
        ----------
        normalize : {None, 'rw', 'sym'}
            Normalisation.

        Returns
        -------
        jax.Array or brainunit.Quantity
            ``(region, region)``.
        """
        return laplacian_connectivity(self.weights, normalize=normalize)

    # -- display -----------------------------------------------------------------------------

    def _summary(self) -> dict[str, str]:
        if is_tracer((self.weights, self.distances)):
            return {"regions": str(self.n_regions)}
        facts = {"regions": str(self.n_regions), "connections": str(self.n_connections)}
        if self.distances is not None:
            off = ~np.eye(self.n_regions, dtype=bool)
            values = np.asarray(u.get_mantissa(self.distances))[off]
            if values.size:
                low, high = values.min(), values.max()
                facts["distances"] = f"{low:.3g} to {high:.3g} {self.distances.unit}"
        return facts

    def __repr__(self) -> str:
        facts = self._summary()
        text = f"{facts.pop('regions')} regions"
        if "connections" in facts:
            text += f", {facts.pop('connections')} connections"
        text += "".join(f", {key} {value}" for key, value in facts.items())
        return f"Connectome({self.name!r}, {text})" if self.name else f"Connectome({text})"

    def _repr_html_(self) -> str:
        facts = {"name": self.name, **self._summary(), "source": self.source}
        facts |= {"licence": self.licence, "citation": self.citation}
        if is_tracer(self.weights):
            return _display.page(facts, [])
        pictures = [_display.matrix(self.weights)]
        if self.centres is not None:
            pictures.append(_display.from_above(self.weights, self.centres))
        return _display.page(facts, pictures)


_SPEED: Any = u.mm / u.ms
_STATIC = ("labels", "hemispheres", "name", "source", "licence", "citation")


def _flatten(conn: Connectome):
    children = (conn.weights, conn.distances, conn.centres)
    return children, tuple(getattr(conn, field) for field in _STATIC)


def _unflatten(static, children) -> Connectome:
    conn = object.__new__(Connectome)  # transformations pass placeholders: nothing to check
    conn._set(weights=children[0], distances=children[1], centres=children[2])
    conn._set(**dict(zip(_STATIC, static, strict=True)))
    return conn


jax.tree_util.register_pytree_node(Connectome, _flatten, _unflatten)

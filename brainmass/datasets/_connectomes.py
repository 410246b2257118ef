"""Readers of structural connectivity."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

import brainunit as u
import numpy as np
from jax.typing import ArrayLike

from brainmass._errors import UnitError, choices
from brainmass.connectome import Connectome

from ._files import Table, existing, is_path, parsed, table_of

# Names of the parts of an archive, in the spellings that are in use.
PARTS = {
    "weights": ("weights",),
    "lengths": ("tract_lengths", "tracts", "tract_length"),
    "centres": ("centres", "centers", "positions"),
    "hemispheres": ("hemispheres", "hemisphere"),
}
RIGHT = {"1": "R", "true": "R", "r": "R", "0": "L", "false": "L", "l": "L"}


def read_matrix(path: str | PathLike, *, key: str | None = None) -> np.ndarray:
    r"""Read one array from a file.

    Parameters
    ----------
    path : str or path
        A text table (``.csv``, ``.tsv``, ``.txt``, ``.dat``), ``.npy``, ``.npz`` or ``.mat`` (up
        to version 7). Separator, a first line of names and a first column of names of a text are
        recognised; lines that start with ``#`` or ``%`` are skipped.
    key : str, optional
        Which array of an ``.npz`` or ``.mat``. Not needed if there is only one.

    Returns
    -------
    numpy.ndarray
        float64. Missing values are NaN.

    Raises
    ------
    FileNotFoundError
        If there is no such file. Addresses on the network are not followed.
    ValueError
        If the file holds no such array.

    Examples
    --------
    >>> import os, tempfile
    >>> from brainmass.datasets import read_matrix
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("V1,MT\n0,0.5\n0.25,0\n")
    >>> read_matrix(path)
    array([[0.  , 0.5 ],
           [0.25, 0.  ]])
    """
    return table_of(path, "read_matrix", key).values


def read_connectome(
    weights: str | PathLike | ArrayLike,
    distances: str | PathLike | ArrayLike | u.Quantity | None = None,
    *,
    labels: str | PathLike | Iterable[str] | None = None,
    centres: str | PathLike | ArrayLike | u.Quantity | None = None,
    hemispheres: Iterable[str] | None = None,
    unit: u.Unit = u.mm,
    rows: str = "targets",
    name: str = "",
    source: str = "",
    licence: str = "",
    citation: str = "",
) -> Connectome:
    """Read a connectome from files.

    Each part is a path (see :func:`read_matrix`) or an array.

    Parameters
    ----------
    weights : str, path or array_like
        ``(region, region)``. A ``.zip`` or a folder is read by :func:`read_tvb`.
    distances : str, path, array_like or brainunit.Quantity, optional
        ``(region, region)``, the tract lengths. Default: straight distances between ``centres``,
        if these are given.
    labels : str, path or iterable of str, optional
        Names of the regions, or a text file with one in each line. Default: those in the file of
        the weights, if it has some.
    centres : str, path, array_like or brainunit.Quantity, optional
        ``(region, 3)``.
    hemispheres : iterable of {'L', 'R', 'M'}, optional
        Side of each region.
    unit : brainunit.Unit, default mm
        Of distances and centres that carry none, as in files.
    rows : {'targets', 'sources'}
        What the rows of the matrices stand for. A matrix whose entry (i, j) leads **from** i
        **to** j has sources as rows, and is transposed.
    name, source, licence, citation : str, optional
        What it is, where it comes from, and under which terms. By default the name is that of the
        file.

    Returns
    -------
    Connectome
        In brainmass's convention: ``weights[i, j]`` leads to i from j.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a matrix is not square, or holds negative or non-finite values.

    Examples
    --------
    >>> import brainunit as u, numpy as np
    >>> from brainmass.datasets import read_connectome
    >>> to_from = np.array([[0.0, 0.5], [0.25, 0.0]])
    >>> read_connectome(to_from, [[0, 3], [3, 0]], unit=u.cmeter, labels=["V1", "MT"])
    Connectome(2 regions, 2 connections, distances 3 to 3 cm)
    """
    who = "read_connectome"
    if rows not in ("targets", "sources"):
        raise ValueError(f"{who}: rows must be 'targets' or 'sources'; got {rows!r}. Choose one.")
    about = {"name": name, "source": source, "licence": licence, "citation": citation}
    if is_path(weights) and _is_archive(existing(weights, who)):
        conn = read_tvb(weights)
        given = {key: value for key, value in about.items() if value}
        return replace(conn, **given)
    table = _table(weights, who)
    matrix, names = table.values, table.columns or table.rows
    lengths = None if distances is None else _length(distances, unit, "distances", who)
    if rows == "sources":
        matrix = matrix.T
        lengths = None if lengths is None else lengths.T
    points = None if centres is None else _length(centres, unit, "centres", who)
    if lengths is None and points is not None:
        lengths = _straight(points)
    if is_path(weights):
        about["name"] = name or Path(weights).stem
        about["source"] = source or Path(weights).name
    return Connectome(
        matrix,
        lengths,
        labels=names_of(labels, who) if labels is not None else names,
        centres=points,
        hemispheres=hemispheres,
        **about,
    )


def read_tvb(path: str | PathLike) -> Connectome:
    r"""Read a connectivity archive in the format of The Virtual Brain [1]_.

    A zip or a folder with ``weights.txt`` and, if they are there, ``tract_lengths.txt`` (mm),
    ``centres.txt`` (name, x, y and z of each region, mm) and ``hemispheres.txt`` (1 for the
    right). Rows are targets, as in brainmass. Areas, orientations and the cortical flags are not
    read.

    Parameters
    ----------
    path : str or path
        The zip file or the folder.

    Returns
    -------
    Connectome
        Without tract lengths the distances are the straight ones between the centres.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the weights are missing, or two files contradict each other.

    References
    ----------
    .. [1] Sanz-Leon et al. 2013, Front. Neuroinform. 7:10, doi:10.3389/fninf.2013.00010

    Examples
    --------
    >>> import os, tempfile, zipfile
    >>> from brainmass.datasets import read_tvb
    >>> path = os.path.join(tempfile.mkdtemp(), "connectivity_2.zip")
    >>> with zipfile.ZipFile(path, "w") as archive:
    ...     archive.writestr("weights.txt", "0 1\n2 0\n")
    ...     archive.writestr("centres.txt", "lV1 -10 -80 5\nrV1 10 -80 5\n")
    ...     archive.writestr("hemispheres.txt", "0\n1\n")
    >>> conn = read_tvb(path)
    >>> conn, conn.hemispheres
    (Connectome('connectivity_2', 2 regions, 2 connections, distances 20 to 20 mm), ('L', 'R'))
    """
    who = "read_tvb"
    found = existing(path, who)
    if not _is_archive(found):
        raise ValueError(
            f"{who}: path must be a zip file or a folder; got '{found.name}'. For one matrix use "
            "read_connectome."
        )
    texts = _texts(found, who)
    parts = {part: _part(texts, part, found.name, who) for part in PARTS}
    if parts["weights"] is None:
        raise ValueError(
            f"{who}: '{found.name}' must hold weights.txt; got none. Check that it is a "
            "connectivity archive."
        )
    weights = parsed(parts["weights"], "weights.txt", who).values
    labels, centres = (None, None)
    if parts["centres"] is not None:
        table = parsed(parts["centres"], "centres.txt", who)
        labels, centres = _named_points(table, who)
    lengths = None
    if parts["lengths"] is not None:
        lengths = parsed(parts["lengths"], "tract_lengths.txt", who).values * u.mm
    elif centres is not None:
        lengths = _straight(centres)
    sides = None if parts["hemispheres"] is None else _sides(parts["hemispheres"], who)
    return Connectome(
        weights,
        lengths,
        labels=labels,
        centres=centres,
        hemispheres=sides,
        name=found.stem,
        source=found.name,
    )


def _is_archive(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() == ".zip"


def _texts(path: Path, who: str) -> dict[str, str]:
    """Content of the text files inside, under their lower-case names without folder and ending."""
    if path.is_dir():
        files = {p.name: p.read_bytes() for p in path.glob("*.txt")}
    else:
        try:
            with zipfile.ZipFile(path) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
        except zipfile.BadZipFile:
            raise ValueError(
                f"{who}: path must be a zip file; got '{path.name}', which is damaged or is none. "
                "Fetch it again."
            ) from None
    texts = {}
    for name, content in files.items():
        if name.lower().endswith(".txt") and "__MACOSX" not in name:
            texts[PurePosixPath(name).stem.lower()] = content.decode("utf-8-sig")
    return texts


def _part(texts: dict[str, str], part: str, name: str, who: str) -> str | None:
    there = {spelling: texts[spelling] for spelling in PARTS[part] if spelling in texts}
    if len(set(there.values())) > 1:
        raise ValueError(
            f"{who}: '{name}' must hold one file of {part}; got {choices(there)}, which differ. "
            "Remove the wrong one."
        )
    return next(iter(there.values()), None)


def _named_points(table: Table, who: str) -> tuple[list[str] | None, u.Quantity]:
    values = table.values
    if values.shape[1] == 4 and table.rows is None:  # names that are numbers
        return [f"{x:g}" for x in values[:, 0]], values[:, 1:] * u.mm
    if values.shape[1] != 3:
        raise ValueError(
            f"{who}: centres.txt must hold name, x, y and z in each line; got "
            f"{values.shape[1]} numbers. Correct the file."
        )
    return table.rows, values * u.mm


def _sides(text: str, who: str) -> list[str]:
    words = text.split()
    if unknown := sorted({word for word in words if word.lower() not in RIGHT}):
        raise ValueError(
            f"{who}: hemispheres.txt must hold 0 for left and 1 for right; got "
            f"{choices(unknown[:3])}. Correct the file."
        )
    return [RIGHT[word.lower()] for word in words]


def _table(value: Any, who: str) -> Table:
    return table_of(value, who) if is_path(value) else Table(np.asarray(value, dtype=float))


def _length(value: Any, unit: u.Unit, what: str, who: str) -> u.Quantity:
    if not u.have_same_dim(unit, u.mm):
        raise UnitError(f"{who}: unit must be a length; got [{unit}]. Pass for example u.mm.")
    if is_path(value):
        return u.Quantity(_table(value, who).values, unit=unit)
    given = u.get_unit(value)
    if given.is_unitless:
        return u.Quantity(np.asarray(value, dtype=float), unit=unit)
    if not u.have_same_dim(given, u.mm):
        raise UnitError(f"{who}: {what} must be lengths; got [{given}]. Give them in u.mm.")
    return value


def _straight(centres: u.Quantity) -> u.Quantity:
    points = np.asarray(u.get_mantissa(centres))
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return u.Quantity(distances, unit=u.get_unit(centres))


def names_of(labels: Any, who: str) -> list[str]:
    if not is_path(labels):
        return [str(label) for label in labels]
    text = existing(labels, who).read_text(encoding="utf-8-sig")
    return [line.strip() for line in text.splitlines() if line.strip()]

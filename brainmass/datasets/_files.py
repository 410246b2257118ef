"""Numbers from files: text tables, NumPy and MATLAB."""

from __future__ import annotations

import csv
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from brainmass._errors import choices

TEXT = (".csv", ".tsv", ".txt", ".dat")
KNOWN = (*TEXT, ".npy", ".npz", ".mat")
MISSING = {"", "na", "n/a", "nan", "null", "none"}


class Table(NamedTuple):
    """Numbers, and the names of their columns and rows if the file has some."""

    values: np.ndarray
    columns: list[str] | None = None
    rows: list[str] | None = None


def is_path(value: Any) -> bool:
    return isinstance(value, str | PathLike)


def existing(path: str | PathLike, who: str) -> Path:
    """Return a path that exists; an address on the network is none."""
    found = Path(fspath(path))
    if not found.exists():
        away = "://" in str(path)
        raise FileNotFoundError(
            f"{who}: path must be that of a file here; got '{path}', which "
            + ("is an address. Download it first." if away else "does not exist. Correct it.")
        )
    return found


def table_of(path: str | PathLike, who: str, key: str | None = None) -> Table:
    """Read the array of a file: of one or two dimensions, or more in binary formats."""
    found = existing(path, who)
    kind = found.suffix.lower()
    if kind not in KNOWN:
        raise ValueError(
            f"{who}: file must end in one of {choices(KNOWN)}; got '{found.name}'. Convert it, or "
            "read it yourself and pass the array."
        )
    if kind in TEXT:
        return parsed(found.read_text(encoding="utf-8-sig"), found.name, who)
    if kind == ".npy":
        return Table(_numeric(np.load(found, allow_pickle=False), found.name, who))
    arrays = _npz(found) if kind == ".npz" else _mat(found, who)
    return Table(_numeric(_chosen(arrays, key, found.name, who), found.name, who))


def parsed(text: str, name: str, who: str) -> Table:
    """Read a text table; separator, a line of names and a column of names are recognised."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "%"))]
    if not lines:
        raise ValueError(f"{who}: '{name}' must hold numbers; got an empty table. Check the file.")
    rows = _split(lines)
    columns = rows.pop(0) if any(_is_name(field) for field in rows[0][1:] or rows[0]) else None
    names = None
    if rows and len(rows[0]) > 1 and any(_is_name(row[0]) for row in rows if row):
        names = [row[0] for row in rows]
        rows = [row[1:] for row in rows]
    width = len(rows[0]) if rows else 0
    for number, row in enumerate(rows):
        if len(row) != width or any(_is_name(field) for field in row):
            raise ValueError(
                f"{who}: each row of '{name}' must hold {width} numbers; got {row[:4]} in row "
                f"{number} of the numbers. Correct the file."
            )
    values = np.array([[_number(field) for field in row] for row in rows], dtype=float)
    if columns is not None:
        columns = columns[len(columns) - width :] if len(columns) in (width, width + 1) else None
    return Table(values.reshape(len(rows), width), columns, names)


def _split(lines: list[str]) -> list[list[str]]:
    first = lines[0]
    for delimiter in ";\t,":
        if delimiter in first:
            rows = [[f.strip() for f in row] for row in csv.reader(lines, delimiter=delimiter)]
            if delimiter == ";":  # the separator of countries that write decimals with a comma
                rows = [[f.replace(",", ".") if _is_name(f) else f for f in row] for row in rows]
            # a separator at the end of each line opens no column
            if all(row and not row[-1] for row in rows):
                rows = [row[:-1] for row in rows]
            return rows
    return [line.split() for line in lines]


def _number(field: str) -> float:
    return np.nan if field.lower() in MISSING else float(field)


def _is_name(field: str) -> bool:
    try:
        _number(field)
    except ValueError:
        return True
    return False


def _npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _mat(path: Path, who: str) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        stored = loadmat(path)
    except NotImplementedError:
        raise ValueError(
            f"{who}: '{path.name}' must be a MATLAB file of version 7 or earlier; got version 7.3, "
            "which is HDF5. Save it in MATLAB with -v7, or read it with h5py and pass the array."
        ) from None
    arrays = {name: value for name, value in stored.items() if not name.startswith("__")}
    return {n: v.toarray() if hasattr(v, "toarray") else v for n, v in arrays.items()}


def _chosen(arrays: dict[str, Any], key: str | None, file: str, who: str) -> Any:
    numeric = [
        n for n, v in arrays.items() if np.asarray(v).dtype.kind in "fiub" and np.size(v) > 1
    ]
    if key is None and len(numeric) == 1:
        key = numeric[0]
    if key not in numeric:
        raise ValueError(
            f"{who}: key must be one of the arrays {choices(numeric)} of '{file}'; got {key!r}. "
            "Name one with key=."
        )
    return arrays[key]


def _numeric(values: Any, name: str, who: str) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise TypeError(
            f"{who}: '{name}' must hold real numbers; got dtype {values.dtype}. Convert them."
        )
    return values.astype(float)

"""Stores on disk: finished points at once, written by a thread of its own, found again later.

While a sweep runs its store is a Zarr folder in the shape of the result, NaN where nothing was
computed yet; any program can open it meanwhile. Each file of a Zarr array is replaced as a whole,
and a point is marked as finished after its values are written, so a killed process leaves nothing
half written that counts. A NetCDF file is written from such a folder when the sweep ends.
"""

from __future__ import annotations

import hashlib
import os
import queue
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np

from ._result import MARKS, Variable, decode
from ._table import Table, filled, runs

__all__ = ["StoredTable", "digest", "read_store"]

_CHUNK_NUMBERS = 2**17
_LOADED_BYTES = 2**28
_SUFFIXES = {".zarr": "zarr", ".nc": "netcdf", ".nc4": "netcdf"}


def read_store(store) -> tuple[Path, str] | None:
    """Return the path of a store and its format."""
    if store is None:
        return None
    if not isinstance(store, str | os.PathLike):
        raise TypeError(
            f"sweep: store must be a path that ends in .zarr or .nc; got {store!r}. "
            "Pass for example store='sweep.zarr'."
        )
    path = Path(store)
    kind = _SUFFIXES.get(path.suffix)
    if kind is None:
        raise ValueError(
            f"sweep: store must be a path that ends in .zarr or .nc; got '{path}'. "
            "Pass for example store='sweep.zarr'."
        )
    if not path.absolute().parent.is_dir():
        raise ValueError(
            f"sweep: store must lie in a folder that exists; got '{path}'. Make the folder first."
        )
    return path, kind


def digest(identity) -> str:
    """Return a short text that is the same for the same identity in every process."""
    return hashlib.sha256(_text(identity).encode()).hexdigest()[:32]


def _text(identity) -> str:
    if isinstance(identity, tuple | list):
        return f"({','.join(map(_text, identity))})"
    if isinstance(identity, set | frozenset):
        return f"{{{','.join(sorted(map(_text, identity)))}}}"
    return f"{type(identity).__name__}:{identity!s}"


class StoredTable(Table):
    """Points in a store, and a thread that writes them.

    Parameters
    ----------
    design, states, attrs
        As for :class:`Table`; ``attrs['brainmass_sweep']`` tells one sweep from another.
    path : Path
        Where.
    kind : {'zarr', 'netcdf'}
        In which format.
    """

    def __init__(self, design, states, attrs, path: Path, kind: str):
        super().__init__(design, states, attrs)
        self.path, self.kind = path, kind
        self.folder = path if kind == "zarr" else path.with_name(path.name + ".unfinished.zarr")
        self.done_before = False
        self._queue: queue.Queue = queue.Queue(maxsize=64)
        self._failed: BaseException | None = None
        self._writer: threading.Thread | None = None
        self._open()

    # -- beginning and going on ----------------------------------------------------------------

    def _open(self) -> None:
        import zarr

        if self.kind == "netcdf" and self.path.exists() and not self.folder.exists():
            self._adopt(self._read_netcdf())
            self.done_before = True
            if not self.finished.all():
                raise ValueError(
                    f"sweep: store '{self.path}' must come with its folder '{self.folder.name}' to "
                    "be gone on with; got the file of an unfinished sweep alone. Name another file."
                )
            return
        if self.folder.exists():
            self._resume(zarr)
            return
        self._write_frame()
        self._group = zarr.open_group(str(self.folder), mode="r+", zarr_format=2)
        self._make_marks()
        self._consolidate()

    def _resume(self, zarr) -> None:
        try:
            self._group = zarr.open_group(str(self.folder), mode="r+", zarr_format=2)
            stored = dict(self._group.attrs)
        except Exception:
            stored = {}
        self._refuse_other(stored)
        dims = len(self.design.dim_names)
        if "finished" in self._group:
            self.finished = np.asarray(self._group["finished"][...]).ravel()
            self.diverged = int(np.sum(np.asarray(self._group["diverged"][...])))
        else:
            self._make_marks()
        for name, array in self._group.arrays():
            if name not in MARKS and name not in self.coords and array.attrs.get("result"):
                names = tuple(array.attrs["_ARRAY_DIMENSIONS"])[dims:]
                attrs = {k: v for k, v in array.attrs.items() if k in ("units", "long_name")}
                self.variables[name] = Variable(names, array.shape[dims:], array.dtype, attrs)

    def _refuse_other(self, stored: dict) -> None:
        if stored.get("brainmass_sweep") != self.attrs["brainmass_sweep"]:
            other = "another sweep" if "brainmass_sweep" in stored else "something else"
            raise ValueError(
                f"sweep: store '{self.path}' must be new or hold this very sweep; got {other} "
                "there. Name another file, or remove it."
            )

    def _write_frame(self) -> None:
        """Write coordinates and attributes to a folder of another name, then rename it."""
        import xarray

        fresh = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        frame = xarray.Dataset(coords=self.coords, attrs=self.attrs)
        frame.to_zarr(fresh, mode="w", zarr_format=2, consolidated=False)
        os.replace(fresh, self.folder)

    def _make_marks(self) -> None:
        dims, shape = self.design.dim_names, self.design.shape
        for name, (dtype, empty, _) in MARKS.items():
            attrs = self.mark_attrs(name)
            array = self._create(name, shape, np.dtype(dtype), None, attrs, dims, ())
            array[...] = empty

    def _create(self, name, shape, dtype, empty, attrs, dims, own: tuple[int, ...]):
        """Create an array; readers take ``empty`` for missing, so that marks have none."""
        chunks = (*_chunks(self.design.shape, int(np.prod(own, dtype=np.int64))), *_whole(own))
        array = self._group.create_array(
            name, shape=shape, chunks=chunks, dtype=dtype, fill_value=empty, overwrite=True
        )
        array.attrs.update({**attrs, "_ARRAY_DIMENSIONS": list(dims)})
        return array

    def _consolidate(self) -> None:
        import zarr

        zarr.consolidate_metadata(str(self.folder), zarr_format=2)

    # -- writing -------------------------------------------------------------------------------

    def _allocate(self) -> None:
        if self.kind == "netcdf":
            for name, v in self.variables.items():
                if v.dtype.kind == "c":
                    raise ValueError(
                        f"sweep: store must end in .zarr for complex results; got '{self.path}' "
                        f"for '{name}'. Use Zarr, or return real and imaginary part."
                    )
        self._put(("allocate", dict(self.variables), dict(self.coords)))

    def _write(self, points, columns) -> None:
        self._put(("write", points, columns))

    def _put(self, item) -> None:
        self._raise_failure()
        if self._writer is None:
            self._writer = threading.Thread(
                target=self._write_all, name="brainmass-store", daemon=True
            )
            self._writer.start()
        self._queue.put(item)

    def _write_all(self) -> None:
        item: Any = ()
        while item is not None:
            item, waiting = self._gather(self._queue.get())
            if self._failed is None:
                try:
                    self._write_together(waiting)
                except BaseException as error:
                    self._failed = error

    def _gather(self, item) -> tuple[Any, list]:
        """Return the end of the queue, None at the end of the sweep, and all that waits in it."""
        waiting = []
        while item is not None:
            waiting.append(item)
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return (), waiting
        return None, waiting

    def _write_together(self, waiting: list) -> None:
        """Write what waits; batches that came since the last write go in one."""
        batches = []
        for item in waiting:
            if item[0] == "allocate":
                self._allocate_now(*item[1:])
            else:
                batches.append(item[1:])
        if batches:
            points = np.concatenate([points for points, _ in batches])
            order = np.argsort(points)
            names = batches[-1][1]
            columns = {n: _together([c for _, c in batches], n)[order] for n in names}
            self._write_now(points[order], columns)

    def _allocate_now(self, variables: dict[str, Variable], coords: dict) -> None:
        dims, shape = self.design.dim_names, self.design.shape
        for name, v in variables.items():
            if name not in self._group:
                attrs = {**v.attrs, "result": 1}
                full = (*shape, *v.shape)
                self._create(name, full, v.dtype, filled(v.dtype), attrs, (*dims, *v.dims), v.shape)
        for name, (names, values, attrs) in coords.items():
            if name not in self._group:
                array = self._group.create_array(name, data=np.asarray(values))
                array.attrs.update({**attrs, "_ARRAY_DIMENSIONS": list(names)})
        self._consolidate()

    def _write_now(self, points, columns) -> None:
        shape = self.design.shape
        marks = [n for n in MARKS if n != "finished"]
        for name in (*self._names(columns), *marks, "finished"):
            for rows, place in runs(points, shape):
                self._group[name][place] = columns[name][rows]

    @staticmethod
    def _names(columns) -> list[str]:
        return [name for name in columns if name not in MARKS]

    def _raise_failure(self) -> None:
        if self._failed is not None:
            failure, self._failed = self._failed, None
            raise OSError(
                f"sweep: store '{self.path}' must be writable; got {failure}. "
                "Make room or name another path."
            ) from failure

    def close(self) -> None:
        """Wait for the last write; turn a finished folder into the NetCDF file."""
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
            self._writer = None
        self._raise_failure()
        if self.done_before:
            return
        self._group.attrs.update(self.final_attrs)
        self._consolidate()
        if self.kind == "netcdf":
            self._write_netcdf()

    def _write_netcdf(self) -> None:
        fresh = self.path.with_name(self.path.name + ".new")
        dataset = self._open_folder()
        for name in dataset.variables:
            dataset[name].encoding = {}
        dataset.to_netcdf(fresh, engine="h5netcdf")
        os.replace(fresh, self.path)
        if self.finished.all():
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- reading -------------------------------------------------------------------------------

    def _open_folder(self):
        import xarray

        return xarray.open_dataset(self.folder, engine="zarr", chunks=None)

    def _read_netcdf(self):
        import xarray

        with xarray.open_dataset(self.path, engine="h5netcdf") as dataset:
            self._refuse_other(dataset.attrs)
            return dataset.load()

    def _adopt(self, dataset) -> None:
        dims = self.design.dim_names
        self.finished = dataset["finished"].transpose(*dims).values.ravel().astype(bool)
        self.diverged = int(dataset["diverged"].sum())

    def result(self):
        """Return the dataset, in memory unless it is large."""
        if self.kind == "netcdf" and (self.done_before or self.finished.all()):
            dataset = self._read_netcdf()
        else:
            dataset = self._open_folder()
            if dataset.nbytes <= _LOADED_BYTES:
                dataset = dataset.load()
        return decode(dataset)


def _together(batches: list[dict], name: str) -> np.ndarray:
    """Join one variable of some batches; a batch that only diverged does not have it."""
    like = next(b[name] for b in reversed(batches) if name in b)
    sizes = [len(b["finished"]) for b in batches]
    empty = [np.full((n, *like.shape[1:]), filled(like.dtype), like.dtype) for n in sizes]
    return np.concatenate([b.get(name, e) for b, e in zip(batches, empty, strict=True)])


def _chunks(shape: tuple[int, ...], numbers: int) -> tuple[int, ...]:
    """Return how many points lie in one file: whole last dimensions while they are small."""
    room = max(1, _CHUNK_NUMBERS // max(1, numbers))
    out: list[int] = []
    for length in reversed(shape):
        out.append(max(1, min(length, room)))
        room //= max(1, length)
    return tuple(reversed(out))


def _whole(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunks of the axes of one point: cut along the first where it is large."""
    numbers = int(np.prod(shape, dtype=np.int64))
    if numbers <= 2**23 or not shape:
        return tuple(max(1, n) for n in shape)
    first = max(1, shape[0] * 2**22 // numbers)
    return (first, *(max(1, n) for n in shape[1:]))

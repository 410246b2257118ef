"""A running fit as a file, from which it goes on exactly where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np

from brainmass._errors import choices
from brainmass._version import __version__

from . import _packed
from ._data import Data, digest
from ._history import Columns
from ._problem import Problem
from ._run import Run
from ._search import Search

__all__ = ["Checkpoint"]


class Checkpoint:
    """The file of one fit.

    Parameters
    ----------
    path : Path
        Where.
    problem : Problem
        Model and objective.
    search : Search
        The backend.
    data, held_out : Data
        What is compared.
    settings : dict
        Further plain values that two runs of the same fit share.
    """

    def __init__(
        self,
        path: Path,
        problem: Problem,
        search: Search,
        data: Data,
        held_out: Data | None,
        settings: dict[str, Any],
    ):
        self._path = path
        self._signature = {
            "backend": search.name,
            "optimizer": _described(search),
            "parameters": _shapes(problem),
            "target": data.digest(),
            "validation": None if held_out is None else held_out.digest(),
            "precision": str(jnp.result_type(float)),
            **settings,
        }

    def read(self) -> dict[str, Any] | None:
        """Return what the file holds, None if there is none.

        Raises
        ------
        ValueError
            If it is damaged, or belongs to another fit.
        """
        try:
            content = _packed.read(self._path)
        except FileNotFoundError:
            return None
        except _packed.Damaged:
            raise ValueError(
                f"Fitter.fit: checkpoint must be a file written by a fit; got '{self._path}', "
                "which is damaged or something else. Remove it, or choose another name."
            ) from None
        found = content["signature"]
        differ = [name for name, value in self._signature.items() if found.get(name) != value]
        if differ:
            raise ValueError(
                f"Fitter.fit: checkpoint '{self._path}' must belong to this fit; got one with "
                f"another {choices(differ)}. Remove it, or choose another name."
            )
        return content

    def check_model(self, content: dict[str, Any] | None, frozen: dict[str, Any]) -> None:
        """Refuse a file whose model had other fixed parameters or states."""
        self._signature["model"] = digest(frozen)
        if content is not None and content["signature"]["model"] != self._signature["model"]:
            raise ValueError(
                f"Fitter.fit: checkpoint '{self._path}' must belong to this fit; got one whose "
                "model had other fixed parameters or states. Remove it, or choose another name."
            )

    def write(self, run: Run) -> None:
        """Write where a fit stands."""
        best = run.best
        _packed.write(
            self._path,
            {
                "version": __version__,
                "dt": str(brainstate.environ.get("dt", None)),
                "signature": self._signature,
                "key": run.key,
                "origin": run.origin,
                "done": run.done,
                "n_steps": run.plan.n_steps,
                "failed": run.failed,
                "warned": run.warned,
                "over": run.over,
                "finished": run.message if run.status == "finished" else "",
                "columns": run.columns.lists,
                "patience": [run.patience.best, run.patience.waited],
                "best": None if best is None else [jax.device_get(best.theta), best.key],
                "search": run.search.pack(),
            },
        )

    @staticmethod
    def restore(run: Run, content: dict[str, Any]) -> None:
        """Put a fit that was just started where the file was written."""
        run.search.unpack(content["search"])
        run.origin = content["origin"]
        run.done, run.failed = content["done"], content["failed"]
        run.warned, run.over = content["warned"], content["over"]
        run.columns = Columns(content["columns"])
        run.patience.best, run.patience.waited = content["patience"]
        if content["best"] is not None:
            theta, key = content["best"]
            run.best = run.search.evaluate(theta, key)
            if run.held_out is not None:
                run.held_out.judge(run.best)
        ended = content["finished"]
        if run.done >= run.plan.n_steps or (ended and content["n_steps"] == run.plan.n_steps):
            run.end("finished", ended or run.over)


def _described(search: Search) -> str:
    """Describe an optimiser as far as that can be compared between processes."""
    optimizer = search.optimizer
    if isinstance(optimizer, str):
        return optimizer
    if isinstance(optimizer, dict):
        plain = {k: v for k, v in optimizer.items() if isinstance(v, str | int | float | dict)}
        return repr(sorted(plain.items()))
    return type(optimizer).__name__


def _shapes(problem: Problem) -> list:
    out = []
    for name, entry in problem.space.entries.items():
        leaves = jax.tree.leaves(entry.state.value)
        units = [str(unit) for unit in jax.tree.leaves(entry.units)]
        out.append([name, [list(np.shape(leaf)) for leaf in leaves], units])
    return out

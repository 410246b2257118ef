"""Data sets by name: the bundled ones, and those that you register. Nothing is downloaded."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib import resources
from typing import Any, NamedTuple

import brainunit as u
import numpy as np

from ._errors import choices
from .connectome import Connectome

__all__ = [
    "Connectome",
    "Signal",
    "delayed_match_task",
    "list_datasets",
    "load_dataset",
    "register_dataset",
]


class Signal(NamedTuple):
    """Recorded or simulated activity of several regions.

    Parameters
    ----------
    signal : numpy.ndarray
        ``(time, region)``.
    dt : brainunit.Quantity
        Sampling interval.
    labels : tuple of str
        Names of the regions.
    fc : numpy.ndarray
        ``(region, region)``, Pearson correlation over time.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.datasets.load_dataset("example_signal").signal.shape
    (500, 8)
    """

    signal: np.ndarray
    dt: u.Quantity
    labels: tuple[str, ...]
    fc: np.ndarray


class _Entry(NamedTuple):
    loader: Callable[[], Any]
    description: str


_REGISTRY: dict[str, _Entry] = {}


def register_dataset(
    name: str, loader: Callable[[], Any], *, description: str | None = None
) -> None:
    """Make a data set available under a name.

    Parameters
    ----------
    name : str
        The name; it must be new.
    loader : callable
        Called without arguments by each :func:`load_dataset`.
    description : str, optional
        One line for :func:`list_datasets`. Default the first line of the loader's docstring.

    Raises
    ------
    TypeError
        If ``loader`` is not callable.
    ValueError
        If the name is taken.

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> brainmass.datasets.register_dataset("ring", lambda: np.eye(4), description="four regions")
    >>> brainmass.datasets.load_dataset("ring").shape
    (4, 4)
    """
    if not callable(loader):
        raise TypeError(
            f"register_dataset: loader must be a callable without arguments; got {loader!r}. "
            "Pass a function, for example lambda: data."
        )
    if name in _REGISTRY:
        raise ValueError(
            f"register_dataset: name must be new; got {name!r}, which exists. Choose another."
        )
    if description is None:
        description = (loader.__doc__ or "").strip().split("\n")[0]
    _REGISTRY[name] = _Entry(loader, description)


def list_datasets() -> list[tuple[str, str]]:
    """List what :func:`load_dataset` knows.

    Returns
    -------
    list of tuple
        ``(name, description)``, sorted by name.

    Examples
    --------
    >>> import brainmass
    >>> "example_connectome" in [name for name, _ in brainmass.datasets.list_datasets()]
    True
    """
    return sorted((name, entry.description) for name, entry in _REGISTRY.items())


def load_dataset(name: str) -> Any:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of the names of :func:`list_datasets`. Bundled are ``'example_connectome'`` (a
        :class:`~brainmass.connectome.Connectome` of eight synthetic regions, distances in mm),
        ``'example_signal'`` (a :class:`Signal` of the same regions) and
        ``'delayed_match_task'`` (see :func:`delayed_match_task`).

    Returns
    -------
    object
        What its loader returns.

    Raises
    ------
    KeyError
        If there is none of that name; the message lists the names.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.datasets.load_dataset("example_connectome")
    Connectome('example', 8 regions, 56 connections, distances 44 to 132 mm)
    """
    if name not in _REGISTRY:
        raise KeyError(
            f"load_dataset: name must be one of {choices(sorted(_REGISTRY))}; got {name!r}. "
            "Choose one, or register it with register_dataset."
        )
    return _REGISTRY[name].loader()


def delayed_match_task(
    n_samples: int = 128, *, seq_len: int = 10, n_symbols: int = 4, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Make a working memory task: is the last symbol the same as the first.

    A cue at the first step, silence, a probe at the last step [1]_.

    Parameters
    ----------
    n_samples : int, default 128
        Number of trials. Half of them match, rounded down.
    seq_len : int, default 10
        Steps in a trial, at least 2.
    n_symbols : int, default 4
        Number of different symbols, at least 2.
    seed : int, default 0
        Seed of the random numbers; equal seeds give equal trials.

    Returns
    -------
    inputs : numpy.ndarray
        ``(trial, step, symbol)``, one-hot at the first and last step, zero between.
    targets : numpy.ndarray
        ``(trial,)``, 1 where the two symbols are equal.

    References
    ----------
    .. [1] Miller et al. 1996, J. Neurosci. 16:5154, doi:10.1523/JNEUROSCI.16-16-05154.1996

    Examples
    --------
    >>> import brainmass
    >>> inputs, targets = brainmass.datasets.delayed_match_task(6)
    >>> inputs.shape, int(targets.sum())
    ((6, 10, 4), 3)
    """
    for what, value, least in (
        ("n_samples", n_samples, 1),
        ("seq_len", seq_len, 2),
        ("n_symbols", n_symbols, 2),
    ):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"delayed_match_task: {what} must be a whole number, at least {least}; got "
                f"{value!r}. Pass one."
            )
    rng = np.random.default_rng(seed)
    targets = rng.permutation((np.arange(n_samples) < n_samples // 2).astype(np.int64))
    cue = rng.integers(n_symbols, size=n_samples)
    other = (cue + rng.integers(1, n_symbols, size=n_samples)) % n_symbols
    inputs = np.zeros((n_samples, seq_len, n_symbols))
    inputs[np.arange(n_samples), 0, cue] = 1.0
    inputs[np.arange(n_samples), -1, np.where(targets == 1, cue, other)] = 1.0
    return inputs, targets


def _rows(name: str) -> tuple[list[str], list[list[str]]]:
    text = resources.files("brainmass").joinpath("data", name).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    return header, rows


def _example_connectome() -> Connectome:
    _, rows = _rows("example_connectome.csv")
    numbers = np.array([row[2:] for row in rows], dtype=float)
    centres, weights = numbers[:, :3], numbers[:, 3:]
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    return Connectome(
        weights,
        distances * u.mm,
        labels=[row[0] for row in rows],
        centres=centres * u.mm,
        hemispheres=[row[1] for row in rows],
        name="example",
        source="synthetic, brainmass.data.make_example",
        licence="Apache-2.0",
        citation="brainmass",
    )


def _example_signal() -> Signal:
    labels, rows = _rows("example_signal.csv")
    signal = np.array(rows, dtype=float)
    return Signal(signal, u.Quantity(1.0, unit=u.ms), tuple(labels), np.corrcoef(signal.T))


register_dataset(
    "example_connectome",
    _example_connectome,
    description="Synthetic connectome of 8 regions, distances in mm",
)
register_dataset(
    "example_signal",
    _example_signal,
    description="Synthetic activity of these 8 regions, 500 samples at 1 ms, with its FC",
)
register_dataset(
    "delayed_match_task",
    delayed_match_task,
    description="Working memory task: inputs (128, 10, 4) and targets (128,)",
)

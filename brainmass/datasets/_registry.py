"""Names of data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from brainmass._errors import choices


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
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"register_dataset: name must be text; got {name!r}. Pass for example 'my_recording'."
        )
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
        One of the names of :func:`list_datasets`. Bundled are

        * ``'example_connectome'``, a :class:`~brainmass.connectome.Connectome` of eight regions,
          and ``'example_signal'``, a :class:`Signal` of them;
        * ``'synthetic_68'``, ``'synthetic_90'`` and ``'synthetic_360'``, brains at the
          resolutions of common parcellations (see
          :func:`~brainmass.connectome.synthetic_brain`), and ``'synthetic_68_bold'``, 14
          minutes of BOLD of the first at a TR of 0.72 s;
        * ``'delayed_match_task'``, see :func:`delayed_match_task`.

        All are synthetic.

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

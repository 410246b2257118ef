"""The JavaScript and style sheets of the widgets, each put together from a few files."""

from __future__ import annotations

import pathlib

__all__ = ["bundle"]

_STATIC = pathlib.Path(__file__).parent / "static"


def bundle(*names: str) -> str:
    """Return files of the folder ``static``, one after the other, as one module.

    Parameters
    ----------
    *names : str
        File names. Only the last may export; what the others define it can use.

    Returns
    -------
    str
        The text.
    """
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names)

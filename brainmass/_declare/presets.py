"""Published regimes of a model: named sets of parameters, initial values and inputs."""

from __future__ import annotations

from typing import Any

from .._errors import choices
from .collect import Declaration

__all__ = ["check_presets", "fitting_presets", "preset"]

_PARTS = {"params": "params", "init": "states", "inputs": "ports"}


def preset(
    doc: str,
    *,
    source: str,
    params: dict[str, Any] | None = None,
    init: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    duration: Any = None,
) -> dict[str, Any]:
    """Declare a regime of a model, an entry of the class attribute ``presets``.

    Parameters
    ----------
    doc : str
        What the model does there, in a few words.
    source : str
        Where the regime was published, or that it is ours.
    params : dict, optional
        Parameters and options that differ from the defaults, with units.
    init : dict, optional
        Initial values by state, with units.
    inputs : dict, optional
        Constant inputs by inlet, with units.
    duration : brainunit.Quantity, optional
        Time in which the regime shows.

    Returns
    -------
    dict
        The arguments by name.

    Examples
    --------
    >>> import brainmass
    >>> regime = brainmass.preset("damped", source="textbook", params={"a": -0.1})
    >>> regime["params"], regime["inputs"]
    ({'a': -0.1}, {})
    """
    return {
        "params": params or {}, "init": init or {}, "inputs": inputs or {},
        "doc": doc, "source": source, "duration": duration,
    }  # fmt: skip


def fitting_presets(presets: dict, declaration: Declaration) -> dict:
    """Return the presets that a subclass can keep: those of names that it still declares."""
    return {n: p for n, p in presets.items() if not any(_unknown(p, declaration).values())}


def check_presets(presets: dict, declaration: Declaration, who: str) -> None:
    """Refuse presets of parameters, states or inlets that the model does not declare."""
    for name, given in presets.items():
        for part, unknown in _unknown(given, declaration).items():
            if unknown:
                raise TypeError(
                    f"{who}: {part} of the preset '{name}' must be among "
                    f"{choices(_known(part, declaration))}; got '{unknown[0]}'. Correct the name."
                )


def _known(part: str, declaration: Declaration) -> dict:
    more = declaration.options if part == "params" else {}
    return {**getattr(declaration, _PARTS[part]), **more}


def _unknown(given: dict, declaration: Declaration) -> dict[str, list[str]]:
    return {part: sorted(set(given[part]) - set(_known(part, declaration))) for part in _PARTS}

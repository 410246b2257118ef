"""Numbers of the literature beside ours: one declared table, checked by the tests."""

from __future__ import annotations

from ._network import FACTS as _NETWORK
from ._phenomenological import FACTS as _PHENOMENOLOGICAL
from ._physiological import FACTS as _PHYSIOLOGICAL
from ._tools import Fact

__all__ = ["Fact", "facts", "to_table"]

_FACTS = (*_PHENOMENOLOGICAL, *_PHYSIOLOGICAL, *_NETWORK)


def facts(model: str | None = None) -> list[Fact]:
    """List the numbers of the literature that the models must reproduce.

    Parameters
    ----------
    model : str, optional
        Only those of this model.

    Returns
    -------
    list of Fact
        In the order of the catalogue.

    Examples
    --------
    >>> import brainmass.textbook
    >>> [fact.expected for fact in brainmass.textbook.facts("ThresholdLinearStep")]
    [19.8, 105.3, 10.0]
    """
    known = {fact.model for fact in _FACTS}
    if model is not None and model not in known:
        raise ValueError(
            f"textbook.facts: model must be one of {sorted(known)}; got {model!r}. "
            "Correct the name."
        )
    return [fact for fact in _FACTS if model in (None, fact.model)]


def to_table(model: str | None = None) -> str:
    """Compute every number and write it beside that of the literature, as a Markdown table.

    Parameters
    ----------
    model : str, optional
        Only those of this model.

    Returns
    -------
    str
        One row per number.

    Examples
    --------
    >>> import brainmass.textbook
    >>> print(brainmass.textbook.to_table("LinearStep").splitlines()[0])
    | model | quantity | unit | textbook | ours | source |
    """
    rows = ["| model | quantity | unit | textbook | ours | source |", "|---|---|---|---|---|---|"]
    for fact in facts(model):
        cells = (fact.model, fact.quantity, fact.unit, f"{fact.expected:.8g}")
        cells += (f"{fact.value():.8g}", fact.source)
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)

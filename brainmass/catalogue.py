"""The catalogue of models, read from the classes themselves."""

from __future__ import annotations

from typing import NamedTuple

from ._errors import choices
from .dynamics import NeuralMass, registry

__all__ = ["ModelInfo", "list_models"]

_CATEGORIES = ("phenomenological", "physiological", "network")


class ModelInfo(NamedTuple):
    """One line of the catalogue.

    Attributes
    ----------
    name : str
        Name of the class.
    category : str
        ``'phenomenological'``, ``'physiological'``, ``'network'`` or ``'user'``.
    n_state_vars : int
        Number of state variables.
    use_case : str
        What the model is for.

    Examples
    --------
    >>> import brainmass
    >>> next(m for m in brainmass.list_models() if m.name == "HopfStep")
    ModelInfo(name='HopfStep', category='phenomenological', n_state_vars=2, \
use_case='Oscillation onset, rhythm generation')
    """

    name: str
    category: str
    n_state_vars: int
    use_case: str


def list_models(category: str | None = None, *, user: bool = False) -> list[ModelInfo]:
    """List the models of the catalogue.

    Parameters
    ----------
    category : {'phenomenological', 'physiological', 'network'}, optional
        Only this category.
    user : bool, default False
        List the models defined outside of brainmass instead.

    Returns
    -------
    list of ModelInfo
        One record per model, in the order of the catalogue.

    Examples
    --------
    >>> import brainmass
    >>> [m.name for m in brainmass.list_models("physiological")]
    ['JansenRitStep'...]
    """
    if category is not None and category not in _CATEGORIES:
        raise ValueError(
            f"list_models: category must be one of {choices(_CATEGORIES)}; got {category!r}. "
            "Choose one of them."
        )
    found = [m for m in registry.values() if m.catalogued and _ours(m) != user]
    if not user:
        found.sort(key=_rank)
    records = [ModelInfo(m.__name__, m.category, len(m.declaration.states), m.use) for m in found]
    return [r for r in records if category in (None, r.category)]


def _ours(model: type[NeuralMass]) -> bool:
    return model.__module__.startswith("brainmass.")


def _rank(model: type[NeuralMass]):
    return _CATEGORIES.index(model.category), model.rank, model.__name__

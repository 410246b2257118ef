"""Objectives added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import brainunit as u
import numpy as np

from brainmass._compat import is_tracer
from brainmass._errors import UnitError

from ._common import Array

__all__ = ["combine"]


class combine:  # noqa: N801 - reads as a function where it is used
    """Weighted sum of objectives.

    Parameters
    ----------
    *terms : tuple
        ``(weight, objective)`` each. A weight may carry a unit, to bring an objective that has
        one to a plain number: ``(1 / (5 * u.mV), timeseries_rmse())``.
    names : sequence of str, optional
        Names of the terms, under which a fit reports them. Default the names of the objectives,
        numbered where one occurs twice.
    **named_terms : tuple
        More terms, by name.

    Attributes
    ----------
    names : tuple of str
        Names of the terms.

    Raises
    ------
    TypeError
        If a term is not a pair of a weight and a callable.
    ValueError
        If a weight is not finite, or names are not different.
    UnitError
        When called, if the weighted terms do not have the same unit.

    Notes
    -----
    The target is what every objective is given. A dict with exactly the names of the terms is
    taken apart: each objective is given its own target.

    Examples
    --------
    >>> import brainmass, jax.numpy as jnp
    >>> from brainmass.objectives import combine, cosine_sim, timeseries_rmse
    >>> loss = combine(size=(1.0, timeseries_rmse()), shape=(0.5, cosine_sim(as_loss=True)))
    >>> pred, target = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])
    >>> float(loss(pred, target))
    1.5
    >>> {name: float(part) for name, part in loss.parts(pred, target).items()}
    {'size': 1.0, 'shape': 0.5}
    >>> float(loss(pred, {"size": pred, "shape": target}))
    0.5
    """

    def __init__(
        self,
        *terms: tuple[Any, Callable],
        names: Sequence[str] | None = None,
        **named_terms: tuple[Any, Callable],
    ):
        if names is not None and (len(names) != len(terms) or len(set(names)) != len(names)):
            raise ValueError(
                f"combine: names must be {len(terms)} different names, one per term; got "
                f"{list(names)}. Pass one for each."
            )
        self.terms = tuple(_read_term(t) for t in (*terms, *named_terms.values()))
        functions = [f for _, f in self.terms[: len(terms)]]
        if names is None:
            names = _numbered([getattr(f, "__name__", type(f).__name__) for f in functions])
        self.names = (*names, *named_terms)
        if len(set(self.names)) != len(self.names):
            raise ValueError(
                f"combine: names must all be different; got {list(self.names)}. Rename one."
            )

    def parts(self, pred: Array, target: Array | None = None) -> dict[str, Array]:
        """Evaluate the weighted terms one by one.

        Parameters
        ----------
        pred, target
            As for the objectives.

        Returns
        -------
        dict
            Name to weighted value; their sum is the value of the combination.
        """
        own = target if isinstance(target, dict) and set(target) == set(self.names) else {}
        values = {}
        for name, (weight, objective) in zip(self.names, self.terms, strict=True):
            data = own.get(name, target)
            values[name] = weight * objective(*((pred,) if data is None else (pred, data)))
        dims = {str(u.get_dim(value)) for value in values.values()}
        if len(dims) > 1:
            found = ", ".join(f"'{n}' [{u.get_unit(v)}]" for n, v in values.items())
            raise UnitError(
                f"combine: the weighted terms must all have the same unit; got {found}. "
                "Give the weights units, for example 1 / (5 * u.mV)."
            )
        return values

    def __call__(self, pred: Array, target: Array | None = None) -> Array:
        """Return the weighted sum, 0.0 if there are no terms."""
        values = list(self.parts(pred, target).values())
        return sum(values[1:], start=values[0]) if values else 0.0

    def __repr__(self) -> str:
        terms = (f"{w} * {n}" for n, (w, _) in zip(self.names, self.terms, strict=True))
        return f"combine({' + '.join(terms)})"


def _read_term(term: Any) -> tuple[Any, Callable]:
    if not (isinstance(term, tuple | list) and len(term) == 2 and callable(term[1])):
        raise TypeError(
            "combine: each term must be a pair (weight, objective); got "
            f"{term!r}. Pass for example (1.0, fc_corr(as_loss=True))."
        )
    weight, objective = term
    bare = u.get_mantissa(weight)
    if isinstance(bare, str | bool) or (not is_tracer(bare) and np.shape(bare) != ()):
        raise TypeError(
            f"combine: a weight must be one number or quantity; got {weight!r}. Pass for example "
            "1.0."
        )
    if not is_tracer(bare) and not np.isfinite(bare):
        raise ValueError(f"combine: a weight must be finite; got {weight}. Pass for example 1.0.")
    return weight, objective


def _numbered(names: Sequence[str]) -> list[str]:
    return [
        name if names.count(name) == 1 else f"{name}_{names[: i + 1].count(name)}"
        for i, name in enumerate(names)
    ]

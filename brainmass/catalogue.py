"""The catalogue of models, read from the classes themselves."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

import brainunit as u
import jax
import numpy as np

from . import dynamics
from ._declare import ParamSpec, Spec
from ._errors import choices
from .dynamics import NeuralMass

__all__ = ["ModelDetails", "ModelInfo", "list_models", "model_info"]

_CATEGORIES = ("phenomenological", "physiological", "network")


class ModelInfo(NamedTuple):
    """One line of the catalogue.

    Parameters
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


class _Models(list):
    """A list of records that shows itself as a table in a notebook."""

    def _repr_html_(self) -> str:
        return _html_table(ModelInfo._fields, self)


def list_models(category: str | None = None, *, user: bool = False) -> list[ModelInfo]:
    """List the models of the catalogue.

    ``list_models.to_table()`` gives the same as a text table; in a notebook the list shows itself
    as a table.

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
    ['WilsonCowanStep', 'JansenRitStep'...]
    """
    if category is not None and category not in _CATEGORIES:
        raise ValueError(
            f"list_models: category must be one of {choices(_CATEGORIES)}; got {category!r}. "
            "Choose one of them."
        )
    found = [m for m in dynamics.registry.values() if m.catalogued and _ours(m) != user]
    if not user:
        found.sort(key=_rank)
    records = [ModelInfo(m.__name__, m.category, len(m.declaration.states), m.use) for m in found]
    return _Models(r for r in records if category in (None, r.category))


def _to_table(category: str | None = None, *, user: bool = False) -> str:
    """Return what :func:`list_models` lists as a table of fixed-width text."""
    rows = [("name", "category", "#states", "use_case")]
    rows += [tuple(map(str, record)) for record in list_models(category, user=user)]
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    rows.insert(1, ("-" * widths[0], "-" * widths[1], "-" * widths[2], "-" * 8))
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(r, widths, strict=False)), r[3]]) for r in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


list_models.to_table = _to_table  # pyright: ignore[reportFunctionMemberAccess]


class Entry(NamedTuple):
    """One parameter, state, inlet or output of a model.

    Attributes
    ----------
    name : str
        Its name in the model.
    unit : str
        Its unit, ``'1'`` if it has none.
    default : str
        Default, initial or resting value, in that unit.
    bounds : tuple of float or None
        Useful range in that unit.
    doc : str
        What it is.
    """

    name: str
    unit: str
    default: str
    bounds: tuple[float, float] | None
    doc: str


@dataclass(frozen=True)
class ModelDetails:
    """All that a model declares, for reading and for tables.

    Parameters
    ----------
    name, category, use, reference, summary : str
        Name, category, purpose, literature and first line of the documentation.
    parameters, states, inlets, outputs : tuple of Entry
        Name, unit, default, useful range and meaning of each.
    options : dict
        Choices that are not numbers, with what is allowed.
    noise_slots : dict
        Noise arguments and the inlets that they enter.
    observables : dict
        Methods that derive a signal from the states, with what they return.
    ranges : str
        Where the useful ranges come from, unless a parameter says otherwise.
    presets : dict
        Published regimes, with what the model does there and the source.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.model_info("HopfStep").parameters[0]
    Entry(name='a', unit='1', default='0.25', bounds=(-1.0, 1.0), doc='bifurcation parameter')
    """

    name: str
    category: str
    use: str
    reference: str
    summary: str
    parameters: tuple[Entry, ...]
    states: tuple[Entry, ...]
    inlets: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    options: dict[str, Any]
    noise_slots: dict[str, str]
    observables: dict[str, str]
    ranges: str = ""
    presets: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        lines = [f"{self.name} ({self.category}): {self.summary}", f"Reference: {self.reference}"]
        for title in ("parameters", "states", "inlets", "outputs"):
            lines += ["", title.capitalize()] if getattr(self, title) else []
            for entry in getattr(self, title):
                span = (
                    "" if entry.bounds is None else f", {entry.bounds[0]:g} to {entry.bounds[1]:g}"
                )
                value = f" = {entry.default}" if entry.default else ""
                lines.append(f"  {entry.name}{value} [{entry.unit}{span}]: {entry.doc}")
        if self.ranges:
            lines += ["", f"Useful ranges: {self.ranges}."]
        for title in ("options", "observables", "presets"):
            items = getattr(self, title)
            lines += ["", title.capitalize()] if items else []
            lines += [f"  {name}: {what}" for name, what in items.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<h4>{escape(self.name)}</h4><p>{escape(self.summary)}</p>"]
        for title in ("parameters", "states", "inlets", "outputs"):
            entries = getattr(self, title)
            if entries:
                parts.append(f"<h5>{title.capitalize()}</h5>{_html_table(Entry._fields, entries)}")
        if self.ranges:
            parts.append(f"<p>Useful ranges: {escape(self.ranges)}.</p>")
        for title, head in (("observables", "method"), ("presets", "name")):
            if items := getattr(self, title):
                parts.append(f"<h5>{title.capitalize()}</h5>")
                parts.append(_html_table((head, "doc"), items.items()))
        parts.append(f"<p>Reference: {escape(self.reference)}</p>")
        return "".join(parts)


def model_info(model: str | type | Any) -> ModelDetails:
    """Return everything that a model declares.

    Parameters
    ----------
    model : str, type or NeuralMass
        Name of a model, its class, or an instance.

    Returns
    -------
    ModelDetails
        Parameters with unit, default, range and meaning; states; inlets; outputs; reference. It
        prints as text and shows itself as tables in a notebook.

    Examples
    --------
    >>> import brainmass
    >>> info = brainmass.model_info("JansenRitStep")
    >>> info.outputs[0].unit, [entry.name for entry in info.inlets]
    ('mV', ['E_inp', 'M_inp', 'I_inp'])
    """
    if isinstance(model, str):
        known = dynamics.registry
        if model not in known:
            raise ValueError(
                f"model_info: model must be one of {choices(sorted(known))}; got {model!r}. "
                "Correct the name."
            )
        model = known[model]
    cls: Any = model if isinstance(model, type) else type(model)
    if not getattr(getattr(cls, "declaration", None), "states", None):
        raise TypeError(
            f"model_info: model must be the name, class or instance of a model; got {model!r}. "
            "Pass for example 'HopfStep'."
        )
    kinds = cls.declaration
    return ModelDetails(
        name=cls.__name__,
        category=cls.category,
        use=cls.use,
        reference=cls.reference,
        summary=inspect.cleandoc(cls.__doc__ or "").partition("\n")[0],
        parameters=_entries(kinds.params),
        states=_entries(kinds.states),
        inlets=_entries(kinds.ports),
        outputs=_outputs(cls),
        options={n: s.choices or "any hashable value" for n, s in kinds.options.items()},
        noise_slots=kinds.noise_slots,
        observables=_observables(cls),
        ranges=cls.ranges,
        presets={n: f"{p['doc']} ({p['source']})" for n, p in cls.presets.items()},
    )


def _entries(specs: dict[str, Any]) -> tuple[Entry, ...]:
    return tuple(
        Entry(name, _unit(s.unit), _default(s), getattr(s, "bounds", None), _doc(s))
        for name, s in specs.items()
    )


def _doc(spec: Spec) -> str:
    return (
        f"{spec.doc} ({spec.source})" if isinstance(spec, ParamSpec) and spec.source else spec.doc
    )


def _default(spec: Spec) -> str:
    value = u.get_mantissa(spec.default)
    return str(value) if callable(value) else f"{float(np.asarray(value)):.6g}"


def _unit(unit: u.Unit) -> str:
    return "1" if unit.is_unitless else str(unit)


def _outputs(cls) -> tuple[Entry, ...]:
    """Evaluate ``output`` abstractly, for its units."""
    if not hasattr(cls, "equations"):
        return ()
    rules = cls(1).rules()
    one = jax.ShapeDtypeStruct((1,), np.float32)
    kinds = cls.declaration
    out = jax.eval_shape(
        rules.output, dict.fromkeys(kinds.states, one), dict.fromkeys(kinds.params, one)
    )
    values = out if isinstance(out, tuple) else (out,)
    own = "" if cls.output is NeuralMass.output else cls.output.__doc__ or ""
    doc = inspect.cleandoc(own).partition("\n")[0]
    names = [f"output[{k}]" for k in range(len(values))] if len(values) > 1 else ["output"]
    return tuple(
        Entry(name, _unit(u.get_unit(value)), "", None, doc or "what update returns")
        for name, value in zip(names, values, strict=True)
    )


def _observables(cls) -> dict[str, str]:
    """Public methods that a model adds to its base, with the first line of their documentation."""
    out = {}
    for owner in cls.__mro__:
        if owner is NeuralMass or not hasattr(owner, "equations"):
            continue
        for name, value in vars(owner).items():
            own = not (name.startswith("_") or hasattr(NeuralMass, name))
            if own and inspect.isfunction(value):
                out.setdefault(name, (inspect.getdoc(value) or "").partition("\n")[0])
    return out


def _html_table(fields, rows) -> str:
    head = "".join(f"<th>{escape(str(f))}</th>" for f in fields)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(c))}</td>" for c in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value) -> str:
    if value is None:
        return ""
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)


def _ours(model) -> bool:
    return model.__module__.startswith("brainmass.")


def _rank(model):
    return _CATEGORIES.index(model.category), model.rank, model.__name__

"""Published regimes that a model class brings along, as numbers for the controls."""

from __future__ import annotations

from typing import Any

import numpy as np

from .engine import Engine, decimals

__all__ = ["preset_note", "preset_values", "presets_of"]


def presets_of(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return the presets of the model inside an engine, by name.

    Each is a dict with ``params``, ``inputs`` and ``init``, all by name with their units, ``doc``,
    ``source``, and the ``duration`` in which the regime shows. A preset that sets an option of the
    model is left out: an option is structure, and has no control.
    """
    presets = getattr(type(engine.node), "presets", None) or {}
    known = engine.node.declaration.params if presets else {}
    return {name: p for name, p in presets.items() if set(p.get("params", {})) <= set(known)}


def preset_note(preset: dict[str, Any]) -> str:
    """Return what a preset shows, and where it was published."""
    doc = str(preset.get("doc", ""))
    source = preset.get("source")
    text = f"{doc[:1].upper()}{doc[1:]}" + (f" ({source})" if source else "")
    return text and f"{text}."


def preset_values(engine: Engine, name: str) -> dict[str, np.ndarray]:
    """Return the numbers of a preset by path.

    A preset is a whole regime: parameters, constant inputs and initial values of the model that
    it does not name are those of the declaration. Coupling, connectome and noise stay.

    Parameters
    ----------
    engine : Engine
        The model.
    name : str
        One of :func:`presets_of`.

    Returns
    -------
    dict of str to numpy.ndarray
        In the units of the declarations.
    """
    preset, kinds = presets_of(engine)[name], engine.node.declaration
    given = {
        **preset.get("params", {}),
        **{f"input.{key}": value for key, value in preset.get("inputs", {}).items()},
        **{f"init_{k.removeprefix('init_')}": v for k, v in preset.get("init", {}).items()},
    }
    prefix = "node." if engine.network else ""
    values = {}
    for path, f in engine.fields.items():
        key = path.removeprefix(prefix)
        if f.attribute in kinds.params and f.owner is engine.node:
            values[path] = _number(given.get(key, f.spec.default), f)
        elif path.startswith("input."):
            values[path] = _number(given.get(key, 0.0 * f.spec.unit), f)
        elif f.group == "Initial values":
            default = engine.start[path] if callable(f.spec.default) else f.spec.default
            values[path] = _number(given.get(key, default), f)
    return values


def _number(value: Any, f: Any) -> np.ndarray:
    if isinstance(value, np.ndarray) or not hasattr(value, "unit"):
        return np.asarray(value, dtype=float)
    return decimals(f.spec.mantissa(value, "preset"))

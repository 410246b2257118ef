"""Analysis of signals and of models.

Functions of signals take arrays or quantities with time on the first axis, work under ``jit``,
``grad`` and ``vmap``, and know no model. Functions of models read a model's own ``equations`` and
differentiate them automatically. Every name is loaded when it is first used.
"""

from importlib import import_module
from typing import Any

# Submodule to the public names that live there.
_HOMES: dict[str, tuple[str, ...]] = {
    "dynamics": (
        "Bifurcation",
        "Branch",
        "Continuation",
        "CycleBranch",
        "FixedPoint",
        "LimitCycle",
        "LyapunovSpectrum",
        "Nullclines",
        "VectorField",
        "continuation",
        "fixed_points",
        "jacobian",
        "limit_cycle",
        "lyapunov_exponents",
        "nullclines",
        "vector_field",
    ),
    "signals": (
        "analytic_signal",
        "band_power",
        "bandpass",
        "coherence",
        "envelope",
        "fc",
        "fcd",
        "kuramoto_order",
        "lagged_coherence",
        "metastability",
        "peak_frequency",
        "phase",
        "phase_coherence",
        "psd",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    if name in _HOMES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *__all__})

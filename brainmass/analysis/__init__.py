"""Analysis of signals and of models.

Functions of signals take arrays or quantities with time on the first axis, work under ``jit``,
``grad`` and ``vmap``, and know no model. Functions of models read a model's own ``equations`` and
differentiate them automatically. Every name is loaded when it is first used.
"""

from importlib import import_module
from typing import Any

# Module to the public names that live there.
_HOMES: dict[str, tuple[str, ...]] = {
    "dynamics.cycles": ("LimitCycle", "limit_cycle"),
    "dynamics.diagram": ("Bifurcation", "Branch", "Continuation", "CycleBranch", "continuation"),
    "dynamics.lyapunov": ("LyapunovSpectrum", "lyapunov_exponents"),
    "dynamics.plane": ("Nullclines", "VectorField", "nullclines", "vector_field"),
    "dynamics.points": ("FixedPoint", "fixed_points", "jacobian"),
    "signals.coherences": ("coherence", "lagged_coherence"),
    "signals.correlation": ("fc", "fcd"),
    "signals.phases": (
        "analytic_signal",
        "bandpass",
        "envelope",
        "kuramoto_order",
        "metastability",
        "phase",
        "phase_coherence",
    ),
    "signals.spectrum": ("band_power", "peak_frequency", "psd"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    if name in ("dynamics", "signals"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__():
    return sorted({*globals(), *__all__})

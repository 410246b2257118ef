"""Axes and colours that all plots share."""

from __future__ import annotations

from typing import Any

import brainunit as u
import numpy as np

# Distinct to the colour-blind, with contrast on white and on black.
LIGHT = ("#0072b2", "#d1480d", "#00805c", "#a8448c", "#8a6d00", "#3d8fc4", "#6a51c7", "#5c5c5c")
DARK = ("#56b4e9", "#ff8c5a", "#35c79a", "#e38fc8", "#e0b82e", "#a9d6f5", "#a996ff", "#b8b8b8")

MANY = 8  # lines that colours can still tell apart
MOST_TICKS = 40  # labels of regions that fit on an axis


def axes(ax: Any, who: str, size: tuple[float, float] = (6.4, 4.0)) -> Any:
    """Return the axes that were given, or those of a new figure."""
    if ax is not None:
        if not hasattr(ax, "plot"):
            raise TypeError(
                f"{who}: ax must be a matplotlib Axes; got {type(ax).__name__}. Pass one of those "
                "that plt.subplots returns."
            )
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError(
            f"{who}: matplotlib must be installed; it is not. Run pip install 'brainmass[viz]'."
        ) from None
    return plt.subplots(figsize=size, layout="constrained")[1]


def is_dark(ax: Any) -> bool:
    """Whether the background is dark."""
    from matplotlib.colors import to_rgba

    red, green, blue, opacity = to_rgba(ax.get_facecolor())
    if opacity < 0.5:
        red, green, blue, _ = to_rgba(ax.figure.get_facecolor())
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5


def ink(ax: Any) -> Any:
    """Colour of the text and lines of these axes."""
    return ax.xaxis.label.get_color()


def palette(ax: Any) -> list:
    """Colours of lines: those of the style, or ours where the style has matplotlib's default."""
    import matplotlib

    cycle = matplotlib.rcParams["axes.prop_cycle"]
    if cycle != matplotlib.rcParamsDefault["axes.prop_cycle"]:
        colours = cycle.by_key().get("color")
        if colours:
            return colours
    return list(DARK if is_dark(ax) else LIGHT)


def line_colours(ax: Any, n: int) -> list:
    """Colours of n lines; many of them run through a colour map."""
    import matplotlib

    if n <= MANY:
        colours = palette(ax)
        return [colours[i % len(colours)] for i in range(n)]
    shades = np.linspace(0.35, 1.0, n) if is_dark(ax) else np.linspace(0.0, 0.8, n)
    return list(matplotlib.colormaps["viridis"](shades))


def diverging(ax: Any) -> str:
    """Colour map whose middle is the background."""
    return "berlin" if is_dark(ax) else "RdBu_r"


def tidy(ax: Any) -> Any:
    """Leave out the frame where nothing is read off it."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def title(name: str, unit: Any = u.UNITLESS) -> str:
    """Name of an axis, with its unit in brackets."""
    unit = u.get_unit(unit)
    return name if unit.is_unitless else f"{name} ({written(unit)})"


def written(unit: u.Unit) -> str:
    """Return a unit as it is printed in a figure: mV²/Hz."""
    text = str(unit).replace(" * ", " ").replace(" / ", "/")
    for power, raised in (("^2", "²"), ("^3", "³"), ("^-1", "⁻¹")):
        text = text.replace(power, raised)
    return text


def bare(value: Any) -> tuple[np.ndarray, u.Unit]:
    """Numbers and unit of a value."""
    return np.asarray(u.get_mantissa(value)), u.get_unit(value)


def colourbar(ax: Any, image: Any, label: str, **options: Any) -> Any:
    bar = ax.figure.colorbar(image, ax=ax, label=label, **options)
    bar.outline.set_visible(False)
    return bar


def region_ticks(ax: Any, labels: Any, sides: str = "xy") -> None:
    """Write names of regions along the axes of a matrix, as many as fit."""
    names = list(labels)
    every = -(-len(names) // MOST_TICKS)
    where = np.arange(0, len(names), every)
    size = 8 if len(where) <= 20 else 6
    shown = [names[i] for i in where]
    if "x" in sides:
        ax.set_xticks(where, shown, rotation=90, fontsize=size)
    if "y" in sides:
        ax.set_yticks(where, shown, fontsize=size)


def named(labels: Any, n: int, who: str) -> list[str] | None:
    """Return labels as a list, of the right length."""
    if labels is None:
        return None
    names = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    if len(names) != n:
        raise ValueError(
            f"{who}: labels must name each of the {n} regions; got {len(names)}. Add or drop some."
        )
    return names

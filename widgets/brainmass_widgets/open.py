"""The right widget for anything."""

from __future__ import annotations

from typing import Any

import brainmass
from brainmass.fitter import Fitter

from .base import Instrument
from .explorer import SimulatorWidget
from .fitting import FitterWidget
from .network import NetworkWidget
from .phase_plane import PhasePlaneWidget
from .sweeping import SweepWidget

__all__ = ["explore"]

VIEWS: dict[str, type[Instrument]] = {
    "simulator": SimulatorWidget,
    "network": NetworkWidget,
    "phase plane": PhasePlaneWidget,
    "sweep": SweepWidget,
    "fit": FitterWidget,
}


def explore(anything: Any, view: str | None = None, **settings: Any) -> Instrument:
    """Open the widget that fits.

    Parameters
    ----------
    anything : object
        A model, a class of models or its name, a network, a simulator of one of them, or a fitter.
    view : {'simulator', 'network', 'phase plane', 'sweep', 'fit'}, optional
        What to see of it: the time course with a slider for every number, the connectome with its
        regions, field and fixed points of a model with two states or more (of a network: of one of
        its regions, uncoupled), or one number of each run over one or two parameters. Default:
        ``'network'`` for a network, ``'fit'`` for a fitter, otherwise ``'simulator'``.
    **settings
        Passed to the widget.

    Returns
    -------
    ipywidgets.Widget
        A :class:`SimulatorWidget`, :class:`NetworkWidget`, :class:`PhasePlaneWidget`,
        :class:`SweepWidget` or :class:`FitterWidget`.

    Raises
    ------
    ValueError
        If the name of the model or of the view is unknown.
    TypeError
        If the view does not show such a thing.

    Examples
    --------
    >>> from brainmass_widgets import explore
    >>> w = explore("VanDerPolStep")
    >>> w
    SimulatorWidget(VanDerPolStep, 1 parameter)
    >>> w.close()
    >>> w = explore("VanDerPolStep", "phase plane")
    >>> w
    PhasePlaneWidget(VanDerPolStep, x, y)
    >>> w.close()
    """
    if view is not None and view not in VIEWS:
        raise ValueError(
            f"explore: view must be one of {', '.join(map(repr, VIEWS))}; got {view!r}. "
            "Choose one of them."
        )
    if isinstance(anything, str):
        anything = _named(anything)
    if isinstance(anything, type) and issubclass(anything, brainmass.NeuralMass):
        anything = anything(1)
    if isinstance(anything, Fitter) and view not in (None, "fit"):
        anything = anything.model
    model = anything.model if isinstance(anything, brainmass.Simulator) else anything
    if view is None:
        view = "fit" if isinstance(anything, Fitter) else "simulator"
        view = "network" if isinstance(model, brainmass.Network) else view
    if view == "phase plane":
        if isinstance(anything, brainmass.Simulator) and anything.dt is not None:
            settings.setdefault("dt", anything.dt)
        anything = model.node if isinstance(model, brainmass.Network) else model
    widget: Any = VIEWS[view]
    return widget(anything, **settings)


def _named(name: str) -> type:
    known = [info.name for info in brainmass.list_models()]
    if name not in known:
        raise ValueError(
            f"explore: a name must be that of a model, {', '.join(known)}; got '{name}'. "
            "Correct the name."
        )
    return getattr(brainmass, name)

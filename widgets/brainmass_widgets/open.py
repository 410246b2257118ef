"""The right widget for anything."""

from __future__ import annotations

from typing import Any

import brainmass
from brainmass.fitter import Fitter

from .base import Instrument
from .explorer import SimulatorWidget
from .fitting import FitterWidget
from .network import NetworkWidget

__all__ = ["explore"]


def explore(anything: Any, **settings: Any) -> Instrument:
    """Open the widget that fits.

    Parameters
    ----------
    anything : object
        A model, a class of models or its name, a network, a simulator of one of them, or a fitter.
    **settings
        Passed to the widget.

    Returns
    -------
    ipywidgets.Widget
        A :class:`NetworkWidget` for a network, a :class:`FitterWidget` for a fitter, otherwise a
        :class:`SimulatorWidget`.

    Examples
    --------
    >>> from brainmass_widgets import explore
    >>> w = explore("VanDerPolStep")
    >>> w
    SimulatorWidget(VanDerPolStep, 1 parameter)
    >>> w.close()
    """
    if isinstance(anything, str):
        known = [info.name for info in brainmass.list_models()]
        if anything not in known:
            raise ValueError(
                f"explore: a name must be that of a model, {', '.join(known)}; got '{anything}'. "
                "Correct the name."
            )
        anything = getattr(brainmass, anything)
    if isinstance(anything, type) and issubclass(anything, brainmass.NeuralMass):
        anything = anything(1)
    if isinstance(anything, Fitter):
        return FitterWidget(anything, **settings)
    model = anything.model if isinstance(anything, brainmass.Simulator) else anything
    if isinstance(model, brainmass.Network):
        return NetworkWidget(anything, **settings)
    return SimulatorWidget(anything, **settings)

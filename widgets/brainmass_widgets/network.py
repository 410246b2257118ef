"""A network to play with: its connectome beside the activity it makes."""

from __future__ import annotations

import brainmass

from .explorer import SimulatorWidget

__all__ = ["NetworkWidget"]


class NetworkWidget(SimulatorWidget):
    """Coupling strength and conduction speed beside regions, connectome and correlations.

    A :class:`SimulatorWidget` that opens with the plots of a network.

    Parameters
    ----------
    network : brainmass.Network or brainmass.Simulator
        The network, or a simulator of one.
    plots : sequence of str, optional
        Which plots are open at first. Default: time course, regions, connectome and functional
        connectivity.
    **settings
        As for :class:`SimulatorWidget`.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> from brainmass_widgets import NetworkWidget
    >>> conn = brainmass.datasets.load_dataset("example_connectome")
    >>> net = brainmass.Network(
    ...     brainmass.HopfStep(8, a=0.2, w=0.3), conn=conn.weights, distance=conn.distances,
    ...     speed=10 * u.mm / u.ms, coupling="diffusive", coupled_var="x", k=0.5,
    ... )
    >>> w = NetworkWidget(net)
    >>> w
    NetworkWidget(Network of HopfStep, 5 parameters)
    >>> w.controls["speed"].value = 20.0
    >>> w.flush()
    >>> w.close()
    """

    def __init__(self, network, *, plots=("time", "regions"), **settings):
        model = network.model if isinstance(network, brainmass.Simulator) else network
        if not isinstance(model, brainmass.Network):
            raise TypeError(
                f"NetworkWidget: network must be a Network; got {type(model).__name__}. "
                "Pass a Network, or use SimulatorWidget."
            )
        super().__init__(network, plots=plots, **settings)

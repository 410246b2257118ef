"""Couplings between regions.

A coupling is declared by two pure functions. ``pre`` transforms what a region sends, before the
weighted, delayed sum; ``post`` turns the sum, and what the receiving region is doing now, into the
current. Every coupling of that form runs through the same blocked delayed sum.
"""

from __future__ import annotations

from typing import Any, ClassVar

import brainstate
import brainunit as u

from ._declare import ParamSpec
from ._errors import choices
from ._param import DeclaredParam

__all__ = ["AdditiveCoupling", "Coupling", "DiffusiveCoupling", "coupling_named"]


class Coupling(brainstate.nn.Module):
    """Base class of couplings.

    Parameters
    ----------
    source : str or callable, optional
        What is sent, if not what the network says.
    target : str, optional
        Inlet that receives the current, if not what the network says.
    **parameters
        Values of the parameters that the class lists in ``defaults``: numbers, quantities, one
        value per region, or ``Param`` to train them.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.DiffusiveCoupling(k=0.5)
    DiffusiveCoupling(k=0.5)
    """

    name_in_network: ClassVar[str] = ""
    features: ClassVar[int] = 1
    defaults: ClassVar[dict[str, tuple[Any, str]]] = {}

    def __init__(self, *, source=None, target: str | None = None, **parameters):
        super().__init__()
        self.source, self.target = source, target
        unknown = sorted(set(parameters) - set(self.defaults))
        if unknown:
            raise TypeError(
                f"{type(self).__name__}: parameters must be among {choices(self.defaults)}; "
                f"got '{unknown[0]}'. Correct the name."
            )
        for name, (default, doc) in self.defaults.items():
            value = parameters.get(name, default)
            current = value.value() if isinstance(value, brainstate.nn.Param) else value
            spec = ParamSpec(default, doc, name=name, unit=u.get_unit(current))
            shape = u.math.shape(current)
            adopted = DeclaredParam.adopt(value, spec, type(self).__name__, shape)
            vars(self)[name] = adopted

    def __setattr__(self, name, value):
        if name in self.defaults and not isinstance(value, brainstate.nn.Param):
            vars(self)[name].set_value(value)
            return
        super().__setattr__(name, value)

    def fit_regions(self, n: int) -> None:
        """Let every parameter hold a scalar or one value per region from now on."""
        for name in self.defaults:
            parameter = getattr(self, name)
            parameter.fits = (n,)
            parameter.set_value(parameter.value())

    @staticmethod
    def pre(x, p):
        """Return what a region sends: one quantity, or a tuple of them."""
        return x

    @staticmethod
    def post(total, x, degree, p):
        """Return the current from the tuple of sums, the receiver's own x, and its in-strength."""
        raise NotImplementedError

    def __repr__(self):
        values = ", ".join(f"{n}={getattr(self, n).value()}" for n in self.defaults)
        return f"{type(self).__name__}({values})"


class DiffusiveCoupling(Coupling):
    """Differences to the neighbours: ``k * sum_j w_ij (x_j(t - d_ij) - x_i(t))``.

    The ``Difference`` coupling of The Virtual Brain (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.DiffusiveCoupling(k=0.5)
    DiffusiveCoupling(k=0.5)
    """

    name_in_network = "diffusive"
    defaults: ClassVar = {"k": (1.0, "global strength")}

    @staticmethod
    def post(total, x, degree, p):
        return p.k * (total[0] - degree * x)


class AdditiveCoupling(Coupling):
    """The weighted sum: ``k * sum_j w_ij x_j(t - d_ij) + b``.

    The ``Linear`` coupling of The Virtual Brain (Sanz-Leon et al. 2015,
    doi:10.1016/j.neuroimage.2015.01.002).

    Parameters
    ----------
    k : float, brainunit.Quantity or Param, default 1.0
        Global strength.
    b : float, brainunit.Quantity or Param, default 0.0
        Offset, in the unit of the current.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.AdditiveCoupling(k=0.1)
    AdditiveCoupling(k=0.1, b=0.0)
    """

    name_in_network = "additive"
    defaults: ClassVar = {"k": (1.0, "global strength"), "b": (0.0, "offset of the current")}

    @staticmethod
    def post(total, x, degree, p):
        current = p.k * total[0]
        offset = p.b if u.get_unit(p.b) == u.get_unit(current) else p.b * u.get_unit(current)
        return current + offset


def coupling_named(name: str, **parameters) -> Coupling:
    """Return the coupling that ``Network(coupling=name)`` means."""
    known = {cls.name_in_network: cls for cls in _subclasses(Coupling) if cls.name_in_network}
    if name not in known:
        raise ValueError(
            f"Network: coupling must be one of {choices(known)} or a Coupling; got {name!r}. "
            "Choose one of them."
        )
    return known[name](**parameters)


def _subclasses(cls):
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)

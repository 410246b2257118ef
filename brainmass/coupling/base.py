"""What every coupling between regions has in common.

A coupling is declared by two pure functions. ``pre`` transforms what a region sends, before the
weighted, delayed sum; ``post`` turns the sum, and what the receiving region is doing now, into the
current. Every coupling of that form runs through the same blocked delayed sum.
"""

from __future__ import annotations

from typing import Any, ClassVar

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np

from .._declare import ParamSpec
from .._errors import choices
from .._param import DeclaredParam

__all__ = ["Coupling", "couple", "coupling_named", "in_unit_of"]


class Coupling(brainstate.nn.Module):
    """Base class of couplings.

    A subclass lists its parameters in ``defaults`` and writes ``pre`` and ``post``. As part of a
    :class:`Network` it needs its parameters only; with ``x``, ``conn`` and, where it reads the
    receiver, ``y``, it can also be called by hand.

    Parameters
    ----------
    *parts : callable or array
        ``x``, the delayed source ``(..., N, N)``, then ``y``, the receiver ``(..., N)``, where the
        coupling reads it, then ``conn``, the weights ``(N, N)``. Callables are called at each
        update. Not needed in a network.
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
    >>> class Cubic(brainmass.Coupling):
    ...     defaults = {"k": (1.0, "global strength")}
    ...     @staticmethod
    ...     def pre(x, p):
    ...         return x**3
    ...     @staticmethod
    ...     def post(total, x, degree, p):
    ...         return p.k * total[0]
    >>> node = brainmass.HopfStep(2, init_x=0.5)
    >>> net = brainmass.Network(node, conn=[[0, 1], [1, 0]], coupling=Cubic(k=0.1), coupled_var="x")
    """

    name_in_network: ClassVar[str] = ""
    features: ClassVar[int] = 1
    reads_receiver: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False
    """Whether ``pre`` and ``post`` treat every region on its own; gradients are then faster."""
    defaults: ClassVar[dict[str, tuple[Any, str]]] = {}

    def __init__(self, *parts, source=None, target: str | None = None, **parameters):
        super().__init__()
        self.source, self.target = source, target
        names = ("x", "y", "conn") if self.reads_receiver else ("x", "conn")
        if parts and len(parts) != len(names):
            raise TypeError(
                f"{type(self).__name__}: positional arguments must be {choices(names)}, or none "
                f"within a Network; got {len(parts)}. Pass parameters by name."
            )
        self._parts = dict(zip(names, parts, strict=False))
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
            vars(self)[name] = DeclaredParam.adopt(value, spec, type(self).__name__, shape)

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

    def update(self, *_, **__):
        """Return the current for the parts given at construction.

        Returns
        -------
        array or brainunit.Quantity
            One value per receiving region.
        """
        if not self._parts:
            raise ValueError(
                f"{type(self).__name__}: x and conn must be given to call it by hand; got none. "
                "Pass them at construction, or use the coupling in a Network."
            )
        parts = {n: v() if callable(v) else v for n, v in self._parts.items()}
        values = {n: getattr(self, n).value() for n in self.defaults}
        return couple(type(self), parts["x"], parts.get("y"), parts["conn"], **values)

    def __repr__(self):
        values = ", ".join(f"{n}={_shown(getattr(self, n))}" for n in self.defaults)
        return f"{type(self).__name__}({values})"


def _shown(parameter: DeclaredParam) -> str:
    """Write a parameter; a long array is only named."""
    mantissa = np.asarray(parameter.mantissa())
    text = f"{float(mantissa):.6g}" if mantissa.ndim == 0 else f"array{mantissa.shape}"
    return f"{text} {parameter.spec.unit}" if parameter.spec.dimensional else text


class _Bag(dict):
    __getattr__ = dict.__getitem__


def couple(cls: type[Coupling], delayed_x, y, conn, **parameters):
    """Return the current of a coupling for given delayed values.

    ``delayed_x`` is ``(..., N_out, N_in)`` or flat in its last axis, ``conn`` likewise without
    leading axes, and ``y`` is ``(..., N_out)``.
    """
    conn = conn.value() if isinstance(conn, brainstate.nn.Param) else conn
    x, y, conn = (_array(v() if callable(v) else v) for v in (delayed_x, y, conn))
    x, conn = _matrices(cls.__name__, x, y, conn)
    p = _Bag({**{n: d for n, (d, _) in cls.defaults.items()}, **parameters})
    sent = cls.pre(x, p)
    sent = sent if isinstance(sent, tuple) else (sent,)
    total = tuple(u.math.sum(conn * s, axis=-1) for s in sent)
    return cls.post(total, y, u.math.sum(conn, axis=-1), p)


def _array(value):
    return value if value is None or isinstance(value, u.Quantity) else jnp.asarray(value)


def _matrices(who, x, y, conn):
    shape = np.shape(conn)
    if len(shape) == 1:
        n = np.shape(y)[-1] if y is not None else round(shape[0] ** 0.5)
        if n == 0 or shape[0] % n:
            raise ValueError(
                f"{who}: a flat conn must have N_out * N_in entries; got {shape[0]} for {n} "
                "receivers. Pass a matrix."
            )
        conn = conn.reshape(n, shape[0] // n)
        shape = np.shape(conn)
    if len(shape) != 2:
        raise ValueError(f"{who}: conn must be a matrix (N_out, N_in); got shape {shape}. Reshape.")
    given = np.shape(x)
    if given[-2:] != shape and given[-1:] == (shape[0] * shape[1],):
        x = x.reshape(*given[:-1], *shape)
    elif given[-2:] != shape:
        raise ValueError(
            f"{who}: delayed_x must end in the shape {shape} of conn; got {given}. Transpose it."
        )
    return x, conn


def in_unit_of(value, like):
    """Read a plain number in the unit of ``like``."""
    unit = u.get_unit(like)
    if u.get_unit(value).is_unitless and not unit.is_unitless:
        return u.Quantity(value, unit=unit)
    return value


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

"""Parameters that know their declaration."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import IdentityT, Param

from ._compat import is_tracer
from ._declare import ParamSpec, unit_of

__all__ = ["DeclaredParam"]


class DeclaredParam(Param):
    """A parameter that knows its declaration, so that every assignment is checked.

    Attributes
    ----------
    spec : ParamSpec
        Name, unit, bounds, domain and meaning.
    """

    spec: ParamSpec
    owner: str
    fits: tuple[int, ...]

    @classmethod
    def adopt(cls, value, spec: ParamSpec, owner: str, shape: tuple[int, ...]) -> DeclaredParam:
        """Return ``value`` as the checked parameter of ``owner``; a given ``Param`` is kept."""
        if isinstance(value, Param):
            spec.check(value.value(), owner, shape)
            parameter: Any = value
            if not isinstance(value, DeclaredParam):
                if type(value).set_value is not Param.set_value:
                    raise TypeError(
                        f"{owner}: parameter '{spec.name}' ({spec.doc}) must be a plain Param; "
                        f"got {type(value).__name__}. Pass Param(value, t=..., fit=...)."
                    )
                parameter.__class__ = cls
        else:
            if callable(value):
                value = value(shape)
            mantissa = spec.check(value, owner, shape)
            with nullcontext() if is_tracer(mantissa) else jax.ensure_compile_time_eval():
                # A number stays a number, also where a model is built inside a trace.
                parameter = cls(spec.attach(_array(mantissa)), fit=False)
        parameter.spec, parameter.owner, parameter.fits = spec, owner, shape
        return parameter

    def set_value(self, value) -> None:
        """Set the parameter after checking unit, shape, finiteness and domain.

        Parameters
        ----------
        value : float, array or brainunit.Quantity
            New value in the unit of the declaration or one that converts to it.

        Raises
        ------
        UnitError
            If the unit is wrong or missing.
        ValueError
            If the shape does not fit or the value is not finite or outside the domain.

        Examples
        --------
        >>> import brainmass
        >>> node = brainmass.HopfStep(2)
        >>> node.a.set_value(0.7)
        >>> round(float(node.a.value()), 6)
        0.7
        """
        mantissa = _array(self.spec.check(value, self.owner, self.fits))
        stored = self.val.value if self.fit else self.val
        unit = unit_of(stored)
        new = self.spec.attach(mantissa)
        super().set_value(new if unit == self.spec.unit or unit.is_unitless else new.in_unit(unit))

    def mantissa(self):
        """Return the current value as a bare array in the declared unit."""
        plain = type(self.t) is IdentityT and self.precompute is None
        value = (self.val.value if self.fit else self.val) if plain else self.value()
        if not isinstance(value, u.Quantity):
            return value
        unit = value.unit
        return u.get_mantissa(value) if unit == self.spec.unit else value.to_decimal(self.spec.unit)


def _array(mantissa):
    dtype = brainstate.environ.dftype()
    if is_tracer(mantissa):
        return jnp.asarray(mantissa, dtype)
    with jax.ensure_compile_time_eval():
        return jax.device_put(np.asarray(mantissa, dtype))

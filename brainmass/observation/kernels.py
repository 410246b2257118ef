"""Haemodynamic response functions."""

from __future__ import annotations

from typing import Any

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param
from jax.scipy.special import gammaln, xlogy

from .._declare import Declaration, param
from .._errors import UnitError
from .._param import DeclaredParam
from ..engine.node import Values
from .base import time_in_ms

__all__ = [
    "DoubleExponentialHRFKernel",
    "FirstOrderVolterraHRFKernel",
    "GammaHRFKernel",
    "HRFKernel",
    "MixtureOfGammasHRFKernel",
]


class HRFKernel(brainstate.nn.Module):
    """Base class of haemodynamic response functions: the response to an impulse of activity.

    A subclass declares parameters with :func:`brainmass.param` and writes ``response(p, t)``, a
    pure function of the parameters, as numbers in their units, and of the time in seconds.

    Parameters
    ----------
    duration : brainunit.Quantity, default 20 s
        How long the response lasts; it is 0 from then on.
    **parameters
        Values of the parameters: numbers or quantities, or ``Param`` to train them.

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> class Decay(brainmass.HRFKernel):
    ...     "Exponential decay."
    ...     tau = brainmass.param(2.0 * u.second, domain="positive", doc="decay time")
    ...     @staticmethod
    ...     def response(p, t):
    ...         return jnp.exp(-t / p.tau)
    >>> Decay(tau=4 * u.second)(4 * u.second).round(3).item()
    0.368...
    """

    declaration = Declaration({}, {}, {}, {})
    baseline = False
    """Whether the TVB scaling subtracts 1 from the convolution with this kernel."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.declaration = Declaration.collect(cls, cls.declaration)

    def __init__(self, duration: Any = 20.0 * u.second, **parameters):
        super().__init__()
        who = type(self).__name__
        given = ("duration", "length of the response", "20 * u.second")
        self.duration = u.Quantity(time_in_ms(duration, who, *given) / 1000.0, unit=u.second)
        for name, spec in self.declaration.params.items():
            value = parameters.pop(name, spec.default)
            brainstate.nn.Module.__setattr__(self, name, DeclaredParam.adopt(value, spec, who, ()))
        if parameters:
            raise TypeError(
                f"{who}: parameters must be among {', '.join(self.declaration.params)}; got "
                f"'{next(iter(parameters))}'. Correct the name."
            )

    def __setattr__(self, name, value):
        held = vars(self).get(name)
        if isinstance(held, DeclaredParam) and not isinstance(value, Param):
            held.set_value(value)
        else:
            super().__setattr__(name, value)

    @staticmethod
    def response(p, t):
        """Return the response at the times ``t`` in seconds."""
        raise NotImplementedError

    @classmethod
    def within(cls, p, t, seconds: float):
        """Return the response at the times ``t``, 0 outside of its duration."""
        inside = (t >= 0) & (t < seconds)
        return jnp.where(inside, cls.response(p, jnp.where(inside, t, 0.5 * seconds)), 0.0)

    def mantissas(self) -> dict:
        """Return the parameters as bare numbers in their units."""
        return {name: getattr(self, name).mantissa() for name in self.declaration.params}

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return float(u.get_mantissa(self.duration))

    def __call__(self, t):
        """Return the response at given times.

        Parameters
        ----------
        t : brainunit.Quantity or array
            Times after the impulse; plain numbers are milliseconds.

        Returns
        -------
        array
            The response, a plain number.
        """
        unit = u.get_unit(t)
        if not unit.is_unitless and not unit.has_same_dim(u.ms):
            raise UnitError(
                f"{type(self).__name__}: t (time after the impulse) must be a time; got a value in "
                f"[{unit}]. Pass for example 5 * u.second."
            )
        seconds = u.get_mantissa(t) / 1000.0 if unit.is_unitless else t.to_decimal(u.second)
        seconds = jnp.asarray(seconds, brainstate.environ.dftype())
        return self.within(Values(self.mantissas()), seconds, self.seconds)

    def __repr__(self):
        return f"{type(self).__name__}(duration={self.duration})"


class FirstOrderVolterraHRFKernel(HRFKernel):
    """First-order Volterra kernel of the Balloon model: a damped oscillation.

    ``h(t) = scaling exp(-t / (2 tau_s)) sin(w t) / w`` with
    ``w^2 = 1 / tau_f - 1 / (4 tau_s^2)``; where that is negative the kernel is overdamped.

    Parameters
    ----------
    tau_s : float, default 0.8
        Decay time of the signal, in seconds.
    tau_f : float, default 0.4
        Feedback time of flow, in squared seconds (a plain number as in the literature).
    scaling : float, default 1/3
        Amplitude.
    duration : brainunit.Quantity, default 20 s
        How long the response lasts.

    References
    ----------
    .. [1] Friston et al. 2000, NeuroImage 12:466, doi:10.1006/nimg.2000.0630

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> f"{brainmass.FirstOrderVolterraHRFKernel()(1 * u.second):.4f}"
    '0.1220'
    """

    baseline = True
    tau_s: Any = param(0.8, bounds=(0.4, 1.6), domain="positive", doc="decay time in s")
    tau_f: Any = param(0.4, bounds=(0.2, 0.8), domain="positive", doc="feedback time")
    scaling: Any = param(1.0 / 3.0, bounds=(0.1, 1.0), doc="amplitude")

    def __init__(
        self,
        tau_s: Any = 0.8,
        tau_f: Any = 0.4,
        scaling: Any = 1.0 / 3.0,
        duration: Any = 20.0 * u.second,
    ):
        super().__init__(duration, tau_s=tau_s, tau_f=tau_f, scaling=scaling)

    @staticmethod
    def response(p, t):
        """Return the response at the times ``t`` in seconds."""
        square = 1.0 / p.tau_f - 0.25 / p.tau_s**2
        w = jnp.sqrt(jnp.maximum(jnp.abs(square), 1e-9))
        rate = 0.5 / p.tau_s
        under = jnp.exp(-rate * t) * jnp.sin(w * t)
        over = 0.5 * (jnp.exp((w - rate) * t) - jnp.exp(-(w + rate) * t))
        return p.scaling * jnp.where(square > 0, under, over) / w


class GammaHRFKernel(HRFKernel):
    """Gamma function, scaled to a given maximum.

    ``h(t) ~ (s / tau)^(n - 1) exp(-s / tau)`` with ``s = t - delta``; its maximum is ``a``, at
    ``delta + (n - 1) tau``.

    Parameters
    ----------
    tau : float, default 1.08
        Time constant, in seconds.
    n : float, default 3
        Order, at least 1; it need not be whole.
    a : float, default 0.1
        Maximum.
    duration : brainunit.Quantity, default 20 s
        How long the response lasts.
    delta : float, default 0
        Delay before the response begins, in seconds; 2.05 in the reference.

    References
    ----------
    .. [1] Boynton et al. 1996, J. Neurosci. 16:4207, doi:10.1523/JNEUROSCI.16-13-04207.1996

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> f"{brainmass.GammaHRFKernel()(2.16 * u.second):.4f}"
    '0.1000'
    """

    tau: Any = param(1.08, bounds=(0.5, 2.0), domain="positive", doc="time constant in s")
    n: Any = param(3.0, bounds=(1.5, 8.0), domain="positive", doc="order")
    a: Any = param(0.1, bounds=(0.01, 1.0), doc="maximum")
    delta: Any = param(0.0, bounds=(0.0, 4.0), domain="nonnegative", doc="delay in s")

    def __init__(
        self,
        tau: Any = 1.08,
        n: Any = 3.0,
        a: Any = 0.1,
        duration: Any = 20.0 * u.second,
        delta: Any = 0.0,
    ):
        super().__init__(duration, tau=tau, n=n, a=a, delta=delta)

    @staticmethod
    def response(p, t):
        """Return the response at the times ``t`` in seconds."""
        s = (t - p.delta) / p.tau
        begun = s > 0
        s = jnp.where(begun, s, 1.0)
        order = p.n - 1.0
        logs = order * jnp.log(s) - s - (xlogy(order, order) - order)
        return jnp.where(begun, p.a * jnp.exp(logs), 0.0)


class DoubleExponentialHRFKernel(HRFKernel):
    """Difference of two damped oscillations, scaled to a given maximum.

    ``h(t) ~ amp_1 exp(-t / tau_1) sin(2 pi f_1 t) - amp_2 exp(-t / tau_2) sin(2 pi f_2 t)``.

    Parameters
    ----------
    tau_1, tau_2 : float, default 7.22 and 7.4
        Decay times, in seconds.
    f_1, f_2 : float, default 0.03 and 0.12
        Frequencies, in Hz.
    amp_1, amp_2 : float, default 0.1
        Amplitudes.
    a : float, default 0.1
        Maximum.
    duration : brainunit.Quantity, default 40 s
        How long the response lasts.

    References
    ----------
    .. [1] Polonsky et al. 2000, Nat. Neurosci. 3:1153, doi:10.1038/80676

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> h = brainmass.DoubleExponentialHRFKernel()(jnp.arange(0.0, 40.0, 0.01) * u.second)
    >>> f"{h.max():.4f}"
    '0.1000'
    """

    tau_1: Any = param(7.22, bounds=(2.0, 15.0), domain="positive", doc="first decay time in s")
    tau_2: Any = param(7.4, bounds=(2.0, 15.0), domain="positive", doc="second decay time in s")
    f_1: Any = param(0.03, bounds=(0.01, 0.3), domain="positive", doc="first frequency in Hz")
    f_2: Any = param(0.12, bounds=(0.01, 0.3), domain="positive", doc="second frequency in Hz")
    amp_1: Any = param(0.1, bounds=(0.0, 1.0), doc="first amplitude")
    amp_2: Any = param(0.1, bounds=(0.0, 1.0), doc="second amplitude")
    a: Any = param(0.1, bounds=(0.01, 1.0), doc="maximum")

    def __init__(
        self,
        tau_1: Any = 7.22,
        tau_2: Any = 7.4,
        f_1: Any = 0.03,
        f_2: Any = 0.12,
        amp_1: Any = 0.1,
        amp_2: Any = 0.1,
        a: Any = 0.1,
        duration: Any = 40.0 * u.second,
    ):
        given = {"tau_1": tau_1, "tau_2": tau_2, "f_1": f_1, "f_2": f_2}
        super().__init__(duration, **given, amp_1=amp_1, amp_2=amp_2, a=a)

    @staticmethod
    def response(p, t):
        """Return the response at the times ``t`` in seconds."""

        def waves(t):
            first = p.amp_1 * jnp.exp(-t / p.tau_1) * jnp.sin(2 * np.pi * p.f_1 * t)
            return first - p.amp_2 * jnp.exp(-t / p.tau_2) * jnp.sin(2 * np.pi * p.f_2 * t)

        # The maximum lies within a few decay times, whatever the times that are asked for.
        grid = jnp.linspace(0.0, 6.0, 4097) * jnp.maximum(p.tau_1, p.tau_2)
        return p.a * waves(t) / waves(grid).max()


class MixtureOfGammasHRFKernel(HRFKernel):
    """Difference of two gamma densities: response and undershoot.

    ``h(t) = ((l t)^(a_1 - 1) / G(a_1) - c (l t)^(a_2 - 1) / G(a_2)) exp(-l t)``, with the gamma
    function G. The canonical double gamma is ``a_1=6, a_2=16, c=1/6``.

    Parameters
    ----------
    a_1, a_2 : float, default 6 and 13
        Shapes of response and undershoot.
    l : float, default 1
        Rate, in Hz.
    c : float, default 0.4
        Size of the undershoot.
    duration : brainunit.Quantity, default 20 s
        How long the response lasts.

    References
    ----------
    .. [1] Glover 1999, NeuroImage 9:416, doi:10.1006/nimg.1998.0419

    Examples
    --------
    >>> import brainmass, brainunit as u, jax.numpy as jnp
    >>> canonical = brainmass.MixtureOfGammasHRFKernel(a_1=6.0, a_2=16.0, c=1 / 6)
    >>> t = jnp.arange(0.0, 20.0, 0.01)
    >>> f"{t[canonical(t * u.second).argmax()]:.2f} s"
    '5.00 s'
    """

    a_1: Any = param(6.0, bounds=(2.0, 12.0), domain="positive", doc="shape of the response")
    a_2: Any = param(13.0, bounds=(8.0, 24.0), domain="positive", doc="shape of the undershoot")
    l: Any = param(1.0, bounds=(0.5, 2.0), domain="positive", doc="rate in Hz")  # noqa: E741
    c: Any = param(0.4, bounds=(0.0, 1.0), doc="size of the undershoot")

    def __init__(
        self,
        a_1: Any = 6.0,
        a_2: Any = 13.0,
        l: Any = 1.0,  # noqa: E741
        c: Any = 0.4,
        duration: Any = 20.0 * u.second,
    ):
        super().__init__(duration, a_1=a_1, a_2=a_2, l=l, c=c)

    @staticmethod
    def response(p, t):
        """Return the response at the times ``t`` in seconds."""
        begun = t > 0
        s = p.l * jnp.where(begun, t, 1.0)

        def density(a):
            return jnp.exp((a - 1.0) * jnp.log(s) - s - gammaln(a))

        return jnp.where(begun, density(p.a_1) - p.c * density(p.a_2), 0.0)

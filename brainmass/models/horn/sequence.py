"""Layers and networks of harmonic oscillators that read sequences."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ..._compat import inside_trace
from ..._errors import choices
from ..._step import milliseconds
from ...dynamics import Catalogued, register
from .step import OMEGA, REFERENCE, HORNStep, advance
from .weights import Affine, affine, check_size, read_delay

__all__ = ["HORNSeqLayer", "HORNSeqNetwork"]

_CONNECTIONS = ("additive", "laplacian")


@register
class HORNSeqLayer(Catalogued, brainstate.nn.Module):
    """A layer of recurrently connected harmonic oscillators that reads a sequence.

    The published recurrence: per sample the drive is ``i2h(s) + h2h(y) / sqrt(n_hidden)``, where
    ``y`` are the velocities, and the oscillators advance by ``step`` with the semi-implicit Euler
    rule. Input and recurrent weights are trainable, the oscillators' parameters if they are
    given as ``Param``.

    Parameters
    ----------
    n_input, n_hidden : int
        Features of the input; oscillators.
    alpha, omega, gamma, v : float, array or Param
        As in :class:`HORNStep`, one value or one per oscillator.
    delay : int, brainunit.Quantity or array (n_hidden, n_hidden), optional
        Delay of every recurrent connection, row = target, in samples or as a time. Such layers
        have no recurrent offset.
    delay_init : float, default 0.0
        Velocities before the first sample, for delayed connections.
    connection : {'additive', 'laplacian'}
        Whether recurrent connections send the velocity, or its difference to the receiver's.
    init_x, init_y : float or array, default 0.0
        Amplitude and velocity before the first sample.
    step : brainunit.Quantity, default 1 ms
        Time between two samples, whatever ``brainstate.environ`` says.
    rec_w_init, rec_b_init, inp_w_init, inp_b_init : float, array, Param or callable, optional
        Weights (inputs, outputs) and offsets. Default: normal with variance 2 / fan-in, and 0.

    References
    ----------
    .. [1] Effenberger, Carvalho, Dubinin & Singer 2025, PNAS 122:e2412830122,
       doi:10.1073/pnas.2412830122

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> layer = brainmass.HORNSeqLayer(2, 8)
    >>> layer.update(np.zeros((10, 2))).shape, layer.update(np.zeros((10, 5, 2))).shape
    ((10, 8), (10, 5, 8))
    """

    category = "network"
    rank = 3
    reference = REFERENCE
    use = "Sequence layer of oscillators, trainable"
    declaration = HORNStep.declaration

    def __init__(
        self,
        n_input: int,
        n_hidden: int,
        *,
        alpha: Any = 0.04,
        omega: Any = OMEGA,
        gamma: Any = 0.01,
        v: Any = 0.0,
        delay=None,
        delay_init: float = 0.0,
        connection: str = "additive",
        init_x=0.0,
        init_y=0.0,
        step: Any = 1.0 * u.ms,
        rec_w_init=None,
        rec_b_init=0.0,
        inp_w_init=None,
        inp_b_init=0.0,
    ):
        super().__init__()
        if connection not in _CONNECTIONS:
            raise ValueError(
                f"HORNSeqLayer: connection must be one of {choices(_CONNECTIONS)}; "
                f"got {connection!r}. Choose one of them."
            )
        check_size("HORNSeqLayer", n_input=n_input, n_hidden=n_hidden)
        self.n_input, self.n_hidden, self.connection = n_input, n_hidden, connection
        self.step = milliseconds(step)
        self.horn = HORNStep(
            n_hidden, alpha=alpha, omega=omega, gamma=gamma, v=v, init_x=init_x, init_y=init_y
        )
        self.delay_init = float(delay_init)
        self.delay = (
            None if delay is None else read_delay(delay, n_hidden, self.step, "HORNSeqLayer")
        )
        self.i2h = Affine(n_input, n_hidden, inp_w_init, inp_b_init)
        offset = rec_b_init if delay is None else None
        self.h2h = Affine(n_hidden, n_hidden, rec_w_init, offset)

    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Forget where the last sequence ended.

        Parameters
        ----------
        batch_size : int, optional
            Number of sequences that will be read at once.
        **kwargs
            Ignored.
        """
        batch = () if batch_size is None else (batch_size,)
        self.carry = brainstate.ShortTermState(self._start(batch))

    def update(self, inputs, record_state: bool = False, *, init_states: bool = True):
        """Read a sequence.

        Parameters
        ----------
        inputs : array (time, n_input) or (time, batch, n_input)
            One sequence or a batch of them.
        record_state : bool, default False
            Also return amplitudes and velocities.
        init_states : bool, default True
            False continues where the last sequence ended. Inside ``jit`` and ``grad`` every
            sequence starts anew and nothing is remembered.

        Returns
        -------
        array (time, n_hidden) or (time, batch, n_hidden), or a pair of a dict and that array
            The amplitudes ``x``.
        """
        shape = np.shape(inputs)
        if len(shape) not in (2, 3) or shape[-1] != self.n_input:
            raise ValueError(
                f"HORNSeqLayer: inputs must have shape (time, {self.n_input}) or (time, batch, "
                f"{self.n_input}); got {shape}. Put time first and features last."
            )
        inputs = jnp.asarray(inputs, brainstate.environ.dftype())
        remembered = None if init_states else vars(self).get("carry")
        if not init_states and remembered is None:
            raise ValueError(
                "HORNSeqLayer: init_states=False needs an earlier sequence; got none. "
                "Call update once with init_states=True."
            )
        carry = self._start(inputs.shape[1:-1]) if remembered is None else remembered.value
        oscillators = {n: getattr(self.horn, n).mantissa() for n in HORNStep.declaration.params}
        weights = {"inp": self.i2h.arrays(), "rec": self.h2h.arrays()}
        carry, (x, y) = _read_sequence(
            oscillators, weights, self.delay, self.step, carry, inputs, self.connection
        )
        if not inside_trace():
            self.carry = brainstate.ShortTermState(carry)
        return ({"x": x, "y": y}, x) if record_state else x

    def _start(self, batch: tuple[int, ...]) -> dict:
        specs, shape = HORNStep.declaration.states, (*batch, self.n_hidden)
        x, y = (
            jnp.asarray(specs[n].start(getattr(self.horn, f"init_{n}"), "HORNSeqLayer", shape))
            for n in ("x", "y")
        )
        if self.delay is None:
            return {"x": x, "past": y[None]}
        before = jnp.full((int(self.delay.max()), *shape), self.delay_init, y.dtype)
        return {"x": x, "past": jnp.concatenate([y[None], before])}

    def __repr__(self):
        return f"HORNSeqLayer(n_input={self.n_input}, n_hidden={self.n_hidden})"


@partial(jax.jit, static_argnames="connection")
def _read_sequence(p, weights, delay, h, carry, inputs, connection):
    """Advance the published recurrence over a sequence."""
    n = carry["x"].shape[-1]
    recurrent = weights["rec"]
    incoming = recurrent["weight"].sum(axis=0)

    def one(carry, sample):
        x, past = carry["x"], carry["past"]
        y = past[0]
        if delay is None:
            total = affine(recurrent, y)
        else:
            sent = jnp.moveaxis(past, 0, -2)[..., delay, jnp.arange(n)]
            total = jnp.einsum("...ij,ji->...i", sent, recurrent["weight"])
        if connection == "laplacian":
            total = total - incoming * y
        drive = sample + total / math.sqrt(n)
        x, y = advance(p, x, y, drive, h)
        return {"x": x, "past": jnp.concatenate([y[None], past[:-1]])}, (x, y)

    return jax.lax.scan(one, carry, affine(weights["inp"], inputs))


@register
class HORNSeqNetwork(Catalogued, brainstate.nn.Module):
    """Layers of harmonic oscillators with a linear readout at the end of the sequence.

    Each layer reads the amplitudes of the one before; the readout sees the amplitudes of the last
    layer after the last sample.

    Parameters
    ----------
    n_input : int
        Features of the input.
    n_hidden : int or sequence of int
        Oscillators of every layer.
    n_output : int
        Numbers read out.
    **settings
        As for :class:`HORNSeqLayer`, for every layer; ``inp_w_init`` and ``inp_b_init`` hold for
        the readout too.

    References
    ----------
    .. [1] Effenberger, Carvalho, Dubinin & Singer 2025, PNAS 122:e2412830122,
       doi:10.1073/pnas.2412830122

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> net = brainmass.HORNSeqNetwork(2, (16, 8), 3)
    >>> net.update(np.zeros((20, 4, 2))).shape
    (4, 3)
    """

    category = "network"
    rank = 4
    reference = REFERENCE
    use = "Classify or predict from sequences with stacked oscillator layers"
    declaration = HORNStep.declaration

    def __init__(self, n_input: int, n_hidden, n_output: int, **settings):
        super().__init__()
        sizes = tuple(n_hidden) if isinstance(n_hidden, list | tuple) else (n_hidden,)
        if not sizes or not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
            raise ValueError(
                "HORNSeqNetwork: n_hidden (oscillators of every layer) must be a positive integer "
                f"or a sequence of them; got {n_hidden!r}. Pass for example n_hidden=(32, 16)."
            )
        check_size("HORNSeqNetwork", n_input=n_input, n_output=n_output)
        self.n_input, self.n_hidden, self.n_output = n_input, sizes, n_output
        for k, (before, size) in enumerate(zip((n_input, *sizes), sizes, strict=False)):
            setattr(self, f"layer{k}", HORNSeqLayer(before, size, **settings))
        weight, bias = settings.get("inp_w_init"), settings.get("inp_b_init", 0.0)
        self.h2o = Affine(sizes[-1], n_output, weight, bias)

    @property
    def layers(self) -> list[HORNSeqLayer]:
        """The layers in order."""
        return [getattr(self, f"layer{k}") for k in range(len(self.n_hidden))]

    def update(self, inputs, *, init_states: bool = True):
        """Read a sequence and return the readout after its last sample.

        Parameters
        ----------
        inputs : array (time, n_input) or (time, batch, n_input)
            One sequence or a batch of them.
        init_states : bool, default True
            False continues where the last sequence ended.

        Returns
        -------
        array (n_output,) or (batch, n_output)
            The readout.
        """
        return self.h2o.update(self.hidden_activation(inputs, init_states=init_states)[-1][-1])

    def hidden_activation(self, inputs, *, init_states: bool = True) -> list:
        """Return the amplitudes of every layer, each (time, ..., oscillators)."""
        out = []
        for layer in self.layers:
            inputs = layer.update(inputs, init_states=init_states)
            out.append(inputs)
        return out

    def __repr__(self):
        return (
            f"HORNSeqNetwork(n_input={self.n_input}, n_hidden={self.n_hidden}, "
            f"n_output={self.n_output})"
        )

"""Recurrent layers and networks of neural masses that read sequences, trainable."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

import brainstate
import jax
import jax.numpy as jnp
import numpy as np

from ._compat import inside_trace
from ._errors import choices
from ._sizes import check_size
from ._step import milliseconds
from ._weights import Affine, affine, read_delay
from .dynamics import NeuralMass

__all__ = ["SeqLayer", "SeqNetwork"]

_CONNECTIONS = ("additive", "laplacian")


class SeqLayer(brainstate.nn.Module):
    """A layer of recurrently connected neural masses that reads a sequence.

    Per sample the input of every unit is ``i2h(sample) + gain * h2h(sent)``, held while the model
    advances by ``step``; ``sent`` is a state of the units, now or one delay ago. Input and
    recurrent weights are trainable, the parameters of the model if they are given as ``Param``.

    Parameters
    ----------
    model : NeuralMass
        Model of the n units of the layer, with parameters, initial values and method.
    n_input : int
        Features of the input.
    send : str, optional
        State that recurrent connections send. Default: the first state.
    receive : str, optional
        Inlet that receives input and recurrence, as plain numbers in its unit. Default: the first.
    observe : str, optional
        State that the layer returns, in its unit. Default: the one that is sent.
    step : brainunit.Quantity, optional
        Time between two samples, whatever ``brainstate.environ`` says. Default: the step that the
        model suggests.
    substeps : int, default 1
        Steps of the integrator per sample.
    gain : float, default 1.0
        Factor on the recurrence.
    delay : int, brainunit.Quantity or array (n, n), optional
        Delay of every recurrent connection, row = target, in samples or as a time. Such layers
        have no recurrent offset.
    delay_init : float, default 0.0
        What is sent before the first sample, for delayed connections.
    connection : {'additive', 'laplacian'}
        Whether recurrent connections send the state, or its difference to the receiver's.
    rec_w_init, rec_b_init, inp_w_init, inp_b_init : float, array, Param or callable, optional
        Weights (inputs, outputs) and offsets. Default: normal with variance 2 / fan-in, and 0.

    References
    ----------
    .. [1] Song, Yang & Wang 2016, PLoS Comput. Biol. 12:e1004792, doi:10.1371/journal.pcbi.1004792

    Examples
    --------
    >>> import brainmass, numpy as np
    >>> layer = brainmass.SeqLayer(brainmass.WilsonCowanNoSaturationStep(8), 2)
    >>> layer.update(np.zeros((10, 2))).shape, layer.update(np.zeros((10, 5, 2))).shape
    ((10, 8), (10, 5, 8))
    """

    def __init__(
        self,
        model: NeuralMass,
        n_input: int,
        *,
        send: str | None = None,
        receive: str | None = None,
        observe: str | None = None,
        step: Any = None,
        substeps: int = 1,
        gain: float = 1.0,
        delay=None,
        delay_init: float = 0.0,
        connection: str = "additive",
        rec_w_init=None,
        rec_b_init: Any = 0.0,
        inp_w_init=None,
        inp_b_init: Any = 0.0,
    ):
        super().__init__()
        who = type(self).__name__
        if not isinstance(model, NeuralMass) or len(model.varshape) != 1:
            raise TypeError(
                f"{who}: model must be a neural mass of one dimension; got {model!r}. "
                "Pass for example WilsonCowanStep(n)."
            )
        if model.has_past or (
            model.declaration.noise_slots
            and any(getattr(model, slot) is not None for slot in model.declaration.noise_slots)
        ):
            raise ValueError(
                f"{who}: model must have neither noise nor a past of its own; got {model!r} with "
                "one. Leave them out; delays between units are those of the layer."
            )
        check_size(who, n_input=n_input, substeps=substeps)
        kinds, n = model.declaration, model.varshape[0]
        self.send = _among(who, "send", send, kinds.states)
        self.observe = _among(who, "observe", observe or self.send, kinds.states)
        self.receive = _among(who, "receive", receive, kinds.ports)
        self.connection = _among(who, "connection", connection, _CONNECTIONS)
        self.model, self.n_input, self.n_hidden = model, n_input, n
        self.step = milliseconds(model.suggested_dt if step is None else step)
        self.substeps, self.gain, self.delay_init = substeps, float(gain), float(delay_init)
        self.delay = None if delay is None else read_delay(delay, n, self.step, who)
        self.i2h = Affine(n_input, n, inp_w_init, inp_b_init, who)
        self.h2h = Affine(n, n, rec_w_init, rec_b_init if delay is None else None, who)

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
            Also return every state.
        init_states : bool, default True
            False continues where the last sequence ended. Inside ``jit`` and ``grad`` every
            sequence starts anew and nothing is remembered.

        Returns
        -------
        array (time, n) or (time, batch, n), or a pair of a dict and that array
            The observed state, in its unit, after every sample.
        """
        who = type(self).__name__
        shape = np.shape(inputs)
        if len(shape) not in (2, 3) or shape[-1] != self.n_input:
            raise ValueError(
                f"{who}: inputs must have shape (time, {self.n_input}) or (time, batch, "
                f"{self.n_input}); got {shape}. Put time first and features last."
            )
        inputs = jnp.asarray(inputs, brainstate.environ.dftype())
        remembered = None if init_states else vars(self).get("carry")
        if not init_states and remembered is None:
            raise ValueError(
                f"{who}: init_states=False needs an earlier sequence; got none. "
                "Call update once with init_states=True."
            )
        carry = self._start(inputs.shape[1:-1]) if remembered is None else remembered.value
        params = {n: getattr(self.model, n).mantissa() for n in self.model.declaration.params}
        weights = {"inp": self.i2h.arrays(), "rec": self.h2h.arrays()}
        carry, states = _read_sequence(
            self._structure(), params, weights, self.delay, carry, inputs
        )
        if not inside_trace():
            self.carry = brainstate.ShortTermState(carry)
        out = states[self.observe]
        return (states, out) if record_state else out

    def _structure(self):
        """What the compiled sequence depends on beside shapes."""
        route = (self.send, self.receive, self.connection)
        return (self.model.rules(), *route, self.gain, self.step / self.substeps, self.substeps)

    def _start(self, batch: tuple[int, ...]) -> dict:
        shape, who = (*batch, self.n_hidden), type(self).__name__
        y = {
            name: jnp.asarray(spec.start(getattr(self.model, f"init_{name}"), who, shape))
            for name, spec in self.model.declaration.states.items()
        }
        now = y[self.send][None]
        if self.delay is None:
            return {"y": y, "past": now}
        before = jnp.full((int(self.delay.max()), *shape), self.delay_init, now.dtype)
        return {"y": y, "past": jnp.concatenate([now, before])}

    def __repr__(self):
        return f"{type(self).__name__}(n_input={self.n_input}, n_hidden={self.n_hidden})"


def _among(who: str, argument: str, value, known) -> str:
    """Return a choice, or the first one if none is given."""
    value = next(iter(known)) if value is None else value
    if value not in known:
        raise ValueError(
            f"{who}: {argument} must be one of {choices(known)}; got {value!r}. Choose one of them."
        )
    return value


@partial(jax.jit, static_argnums=0)
def _read_sequence(structure, params, weights, delay, carry, inputs):
    """Advance the units over a sequence; return the carry and every state, time first."""
    rules, send, receive, connection, gain, dt, substeps = structure
    recurrent = weights["rec"]
    n = recurrent["weight"].shape[0]
    incoming = recurrent["weight"].sum(axis=0)

    def one(carry, sample):
        past = carry["past"]
        if delay is None:
            total = affine(recurrent, past[0])
        else:
            sent = jnp.moveaxis(past, 0, -2)[..., delay, jnp.arange(n)]
            total = jnp.einsum("...ij,ji->...i", sent, recurrent["weight"])
        if connection == "laplacian":
            total = total - incoming * past[0]
        given = {receive: sample + gain * total}
        y = carry["y"]
        for _ in range(substeps):
            y = rules.advance(params, y, lambda *_: given, 0.0, dt)
        return {"y": y, "past": jnp.concatenate([y[send][None], past[:-1]])}, y

    return jax.lax.scan(one, carry, affine(weights["inp"], inputs))


class SeqNetwork(brainstate.nn.Module):
    """Layers that read a sequence one after the other, with a linear readout at its end.

    Parameters
    ----------
    *layers : SeqLayer
        The layers in order; each reads what the one before returns.
    n_output : int
        Numbers read out, from what the last layer returns after the last sample.
    out_w_init, out_b_init : float, array, Param or callable, optional
        Weights (inputs, outputs) and offset of the readout. Default: normal with variance
        2 / fan-in, and 0.

    References
    ----------
    .. [1] Song, Yang & Wang 2016, PLoS Comput. Biol. 12:e1004792, doi:10.1371/journal.pcbi.1004792

    Examples
    --------
    >>> import brainmass, brainunit as u, numpy as np
    >>> net = brainmass.SeqNetwork(
    ...     brainmass.SeqLayer(brainmass.WilsonCowanNoSaturationStep(8), 2),
    ...     brainmass.SeqLayer(brainmass.JansenRitStep(4), 8, send="M", observe="E"),
    ...     n_output=3,
    ... )
    >>> net.update(np.zeros((20, 4, 2))).shape
    (4, 3)
    """

    def __init__(self, *layers: SeqLayer, n_output: int, out_w_init=None, out_b_init: Any = 0.0):
        super().__init__()
        who = type(self).__name__
        check_size(who, n_output=n_output)
        if not layers or not all(isinstance(layer, SeqLayer) for layer in layers):
            raise TypeError(
                f"{who}: layers must be one SeqLayer or more; got {layers!r}. "
                "Pass them in the order in which they read."
            )
        for before, after in pairwise(layers):
            if before.n_hidden != after.n_input:
                raise ValueError(
                    f"{who}: every layer must read what the one before returns; got {before!r} "
                    f"before {after!r}. Make n_input of the second {before.n_hidden}."
                )
        self.n_layers, self.n_output = len(layers), n_output
        self.n_input, self.n_hidden = layers[0].n_input, tuple(la.n_hidden for la in layers)
        for k, layer in enumerate(layers):
            setattr(self, f"layer{k}", layer)
        self.h2o = Affine(layers[-1].n_hidden, n_output, out_w_init, out_b_init, who)

    @property
    def layers(self) -> list[SeqLayer]:
        """The layers in order."""
        return [getattr(self, f"layer{k}") for k in range(self.n_layers)]

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
        """Return what every layer returns, each (time, ..., units)."""
        out = []
        for layer in self.layers:
            inputs = layer.update(inputs, init_states=init_states)
            out.append(inputs)
        return out

    def __repr__(self):
        return (
            f"{type(self).__name__}(n_input={self.n_input}, n_hidden={self.n_hidden}, "
            f"n_output={self.n_output})"
        )

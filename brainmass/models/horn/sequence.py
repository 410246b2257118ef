"""Layers and networks of harmonic oscillators that read sequences."""

from __future__ import annotations

import math
from typing import Any, cast

import brainunit as u
import numpy as np

from ..._sizes import check_size
from ...dynamics import Catalogued, register
from ...sequence import SeqLayer, SeqNetwork
from .step import OMEGA, REFERENCE, HORNStep

__all__ = ["HORNSeqLayer", "HORNSeqNetwork"]


@register
class HORNSeqLayer(Catalogued, SeqLayer):
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
        check_size("HORNSeqLayer", n_hidden=n_hidden)
        cells = HORNStep(
            n_hidden, alpha=alpha, omega=omega, gamma=gamma, v=v, init_x=init_x, init_y=init_y
        )
        super().__init__(
            cells,
            n_input,
            send="y",
            observe="x",
            step=step,
            gain=1 / math.sqrt(n_hidden),
            delay=delay,
            delay_init=delay_init,
            connection=connection,
            rec_w_init=rec_w_init,
            rec_b_init=rec_b_init,
            inp_w_init=inp_w_init,
            inp_b_init=inp_b_init,
        )

    @property
    def horn(self) -> HORNStep:
        """The oscillators."""
        return cast(HORNStep, self.model)


@register
class HORNSeqNetwork(Catalogued, SeqNetwork):
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
        sizes = tuple(n_hidden) if isinstance(n_hidden, list | tuple) else (n_hidden,)
        if not sizes or not all(isinstance(n, int | np.integer) and n > 0 for n in sizes):
            raise ValueError(
                "HORNSeqNetwork: n_hidden (oscillators of every layer) must be a positive integer "
                f"or a sequence of them; got {n_hidden!r}. Pass for example n_hidden=(32, 16)."
            )
        layers = [
            HORNSeqLayer(before, size, **settings)
            for before, size in zip((n_input, *sizes), sizes, strict=False)
        ]
        weight, bias = settings.get("inp_w_init"), settings.get("inp_b_init", 0.0)
        super().__init__(*layers, n_output=n_output, out_w_init=weight, out_b_init=bias)

"""Harmonic oscillators that are driven and observed by repetition time."""

from __future__ import annotations

import math
from typing import Any

import brainstate
import brainunit as u
import jax.numpy as jnp

from ..._errors import choices
from ..._sizes import check_size
from ...dynamics import Catalogued
from .connections import (
    AdditiveConn,
    DelayedAdditiveConn,
    DelayedAdditiveConnTR,
    DelayedLaplacianConn,
    DelayedLaplacianConnTR,
)
from .step import OMEGA, REFERENCE, HORNStep

__all__ = ["HORN_TR"]

_TYPES: dict[str, Any] = {
    "additive": DelayedAdditiveConn,
    "additive_tr": DelayedAdditiveConnTR,
    "laplacian": DelayedLaplacianConn,
    "laplacian_tr": DelayedLaplacianConnTR,
}


class HORN_TR(Catalogued, brainstate.nn.Module):  # noqa: N801 - a public name
    """Recurrent harmonic oscillators without input weights, advanced by several steps per call.

    Each row of the input drives one step of ``brainstate.environ``'s ``dt``. The recurrent drive
    is divided by ``sqrt(n_hidden)`` as in the paper. The states stay from call to call.

    Parameters
    ----------
    n_hidden : int
        Oscillators.
    alpha, omega, gamma, v, init_x, init_y
        As in :class:`HORNStep`.
    tr : brainunit.Quantity, default 1 ms
        How often the ``_tr`` types record what they send, a multiple of ``dt``.
    delay : int, brainunit.Quantity or array (n_hidden, n_hidden), optional
        Delays, row = target: in steps, for the ``_tr`` types in TRs, or as times. Without delays
        the recurrent connection is an affine map of the velocities.
    rec_type : {'additive', 'additive_tr', 'laplacian', 'laplacian_tr'}
        What delayed connections send, and whether at every step or once per call.
    rec_w_init, rec_b_init, delay_init
        Weights, offset (without delays), and velocities before the first step.

    References
    ----------
    .. [1] Effenberger, Carvalho, Dubinin & Singer 2025, PNAS 122:e2412830122,
       doi:10.1073/pnas.2412830122

    Examples
    --------
    >>> import brainmass.horn, brainstate, brainunit as u, numpy as np
    >>> layer = brainmass.horn.HORN_TR(4, delay=3, rec_type="additive_tr", tr=5.0 * u.ms)
    >>> with brainstate.environ.context(dt=1.0 * u.ms):
    ...     _ = layer.init_all_states()
    ...     x = layer.update(np.ones((5, 4)))
    >>> x.shape
    (5, 4)
    """

    category = "network"
    catalogued = False
    reference = REFERENCE
    use = "Oscillators that are driven by sequences and observed by repetition time"

    def __init__(
        self,
        n_hidden: int,
        *,
        alpha: Any = 0.04,
        omega: Any = OMEGA,
        gamma: Any = 0.01,
        v: Any = 0.0,
        init_x: Any = 0.0,
        init_y: Any = 0.0,
        tr: Any = 1.0 * u.ms,
        delay=None,
        rec_type: str = "additive",
        rec_w_init=None,
        rec_b_init: Any = 0.0,
        delay_init: float = 0.0,
    ):
        super().__init__()
        check_size("HORN_TR", n_hidden=n_hidden)
        if rec_type not in _TYPES:
            raise ValueError(
                f"HORN_TR: rec_type must be one of {choices(_TYPES)}; got {rec_type!r}. "
                "Choose one of them."
            )
        self.n_hidden, self.rec_type = n_hidden, rec_type
        self.horn = HORNStep(
            n_hidden, alpha=alpha, omega=omega, gamma=gamma, v=v, init_x=init_x, init_y=init_y
        )
        k = 1 / math.sqrt(n_hidden)
        if delay is None:
            self.conn = AdditiveConn(self.horn, w_init=rec_w_init, b_init=rec_b_init, k=k)
        else:
            more = {"tr": tr} if rec_type.endswith("_tr") else {}
            self.conn = _TYPES[rec_type](
                self.horn, delay, delay_init=delay_init, w_init=rec_w_init, k=k, **more
            )

    def update(self, inputs, record_state: bool = False):
        """Advance by one step for every row of the input.

        Parameters
        ----------
        inputs : array (steps, n_hidden) or (steps, batch, n_hidden)
            Drive of every step.
        record_state : bool, default False
            Also return amplitudes and velocities.

        Returns
        -------
        array (steps, ..., n_hidden), or a pair of a dict and that array
            The amplitudes ``x``.
        """
        inputs = jnp.asarray(inputs, brainstate.environ.dftype())
        if "x" not in vars(self.horn):
            raise ValueError(
                "HORN_TR: states must be initialised; got none. Call init_all_states() first."
            )
        wanted = self.horn.x.value.shape
        if inputs.shape[1:] != wanted:
            raise ValueError(
                f"HORN_TR: inputs must have shape (steps, {', '.join(map(str, wanted))}); "
                f"got {inputs.shape}. Put steps first and oscillators last."
            )
        held = self.conn.update_tr()

        def one(row):
            self.horn.update(row + held + self.conn.update())
            return self.horn.x.value, self.horn.y.value

        x, y = brainstate.transform.for_loop(one, inputs)
        return ({"x": x, "y": y}, x) if record_state else x

    def __repr__(self):
        return f"HORN_TR(n_hidden={self.n_hidden}, rec_type='{self.rec_type}')"

"""Jansen-Rit cortical column, and a whole-brain model of columns sampled at a repetition time."""

from __future__ import annotations

from functools import partial
from typing import Any

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

from .._declare import inlet, option, param, preset, state
from .._random import fresh_key
from .._step import environment_dt, milliseconds, steps_per_tr
from ..dynamics import Catalogued, NeuralMass

__all__ = ["JansenRitStep", "JansenRitTR"]


def unchanged(rate):
    """Return a firing rate as it is."""
    return rate


def S(v, s_max, v0, r):
    """Firing rate of a population at potential ``v``."""
    return s_max * jax.nn.sigmoid(r * ((v - v0) / u.mV))


class JansenRitStep(NeuralMass):
    """Pyramidal, excitatory and inhibitory populations that produce the alpha rhythm.

    There is no drive inside the model: the pulse density p of the paper, 120 to 320 Hz, enters at
    ``E_inp``, and with 220 Hz the column oscillates at 10.9 Hz. Long-range connections carry firing
    rates, never potentials, so a network couples into ``E_inp``, the first input; let it send
    ``source=brainmass.JansenRitStep.firing_rate``. The signal is ``E - I``.

    Examples
    --------
    >>> import brainmass, brainunit as u
    >>> column = brainmass.JansenRitStep(1, init_M=0.1 * u.mV, init_E=20 * u.mV, init_I=10 * u.mV)
    >>> run = brainmass.Simulator(column, dt=0.1 * u.ms).run
    >>> eeg = run(1 * u.second, inputs=lambda i, t: 220 * u.Hz, monitors=None)["output"]
    >>> eeg.shape, str(eeg.unit)
    ((10000, 1), 'mV')
    """

    category = "physiological"
    rank = 2
    reference = "Jansen & Rit 1995, Biol. Cybern. 73:357, doi:10.1007/BF00199471"
    use = "EEG generation, alpha rhythm, evoked potentials"
    ranges = "those of The Virtual Brain"
    presets = {
        "alpha rhythm": preset(
            "10.9 Hz, under the mean of the published drive of 120 to 320 pulses per second",
            source="Jansen & Rit 1995, doi:10.1007/BF00199471",
            init={"M": 0.13 * u.mV, "E": 24.0 * u.mV, "I": 17.0 * u.mV},
            inputs={"E_inp": 220.0 * u.Hz}, duration=2.0 * u.second,
        ),
        "spikes": preset(
            "large slow spikes, as in epilepsy, from rest under a weak drive",
            source="Grimbert & Faugeras 2006, doi:10.1162/neco.2006.18.12.3052",
            inputs={"E_inp": 120.0 * u.Hz}, duration=3.0 * u.second,
        ),
        "rest": preset(
            "the low fixed point, below the fold at 113.6 pulses per second",
            source="Grimbert & Faugeras 2006, doi:10.1162/neco.2006.18.12.3052",
            inputs={"E_inp": 50.0 * u.Hz}, duration=1.0 * u.second,
        ),
        "high activity": preset(
            "a stable focus, beyond the Hopf bifurcation at 315.7 pulses per second",
            source="Grimbert & Faugeras 2006, doi:10.1162/neco.2006.18.12.3052",
            init={"M": 0.13 * u.mV, "E": 24.0 * u.mV, "I": 17.0 * u.mV},
            inputs={"E_inp": 400.0 * u.Hz}, duration=4.0 * u.second,
        ),
    }  # fmt: skip

    Ae = param(
        3.25 * u.mV, bounds=(2.6, 9.75), domain="nonnegative", doc="excitatory synaptic gain"
    )
    Ai = param(
        22.0 * u.mV, bounds=(17.6, 110.0), domain="nonnegative", doc="inhibitory synaptic gain"
    )
    be = param(100.0 * u.Hz, bounds=(5.0, 150.0), domain="positive", doc="excitatory rate constant")
    bi = param(50.0 * u.Hz, bounds=(25.0, 75.0), domain="positive", doc="inhibitory rate constant")
    C = param(135.0, bounds=(65.0, 1350.0), domain="nonnegative", doc="mean number of synapses")
    a1 = param(1.0, bounds=(0.5, 1.5), doc="pyramidal to excitatory, as a fraction of C")
    a2 = param(0.8, bounds=(0.4, 1.2), doc="excitatory to pyramidal, as a fraction of C")
    a3 = param(0.25, bounds=(0.125, 0.375), doc="pyramidal to inhibitory, as a fraction of C")
    a4 = param(0.25, bounds=(0.125, 0.375), doc="inhibitory to pyramidal, as a fraction of C")
    s_max = param(5.0 * u.Hz, bounds=(2.5, 7.5), domain="positive", doc="maximal firing rate 2 e0")
    v0 = param(6.0 * u.mV, bounds=(3.12, 10.0), doc="potential at half the maximal rate")
    r = param(0.56, bounds=(0.28, 0.84), domain="positive", doc="steepness of the rate in 1/mV")
    fr_scale = option(unchanged, doc="function applied to the three firing-rate drives")

    M = state(0.0 * u.mV, doc="potential from the pyramidal cells on the interneurons")
    E = state(0.0 * u.mV, doc="excitatory potential on the pyramidal cells")
    I = state(0.0 * u.mV, doc="inhibitory potential on the pyramidal cells")
    Mv = state(0.0 * u.mV / u.second, doc="rate of change of M")
    Ev = state(0.0 * u.mV / u.second, doc="rate of change of E")
    Iv = state(0.0 * u.mV / u.second, doc="rate of change of I")

    E_inp = inlet(0.0 * u.Hz, doc="pulse density reaching the excitatory synapses")
    M_inp = inlet(0.0 * u.mV, additive=False, doc="potential added inside the pyramidal sigmoid")
    I_inp = inlet(0.0 * u.mV, additive=False, doc="potential added inside the inhibitory sigmoid")

    @staticmethod
    def equations(s, p, i, t):
        pyramidal = S(s.E - s.I + i.M_inp, p.s_max, p.v0, p.r)
        excitatory = i.E_inp + p.C * p.a2 * S(p.C * p.a1 * s.M, p.s_max, p.v0, p.r)
        inhibitory = p.C * p.a4 * S(p.C * p.a3 * s.M + i.I_inp, p.s_max, p.v0, p.r)
        return dict(
            M=s.Mv,
            E=s.Ev,
            I=s.Iv,
            Mv=p.Ae * p.be * p.fr_scale(pyramidal) - 2 * p.be * s.Mv - p.be**2 * s.M,
            Ev=p.Ae * p.be * p.fr_scale(excitatory) - 2 * p.be * s.Ev - p.be**2 * s.E,
            Iv=p.Ai * p.bi * p.fr_scale(inhibitory) - 2 * p.bi * s.Iv - p.bi**2 * s.I,
        )

    @staticmethod
    def output(s):
        return s.E - s.I

    @staticmethod
    def firing_rate(s, p):
        """Return the rate of the pyramidal cells in Hz: what a network should send."""
        return S(s.E - s.I, p.s_max, p.v0, p.r)

    def eeg(self):
        """Return the potential ``E - I`` of the pyramidal cells, the EEG proxy, in mV."""
        return self.read_output()

    def rates(self):
        """Return the rates of pyramidal, excitatory and inhibitory cells in Hz."""
        s, p = self.read_states(), self.read_parameters()
        excitatory, inhibitory = (S(p.C * a * s.M, p.s_max, p.v0, p.r) for a in (p.a1, p.a3))
        return self.firing_rate(s, p), excitatory, inhibitory


_GAINS = ("k", "g_l", "g_f", "g_b")
_WEIGHTS = ("w_ll", "w_ff", "w_bb")


class JansenRitTR(Catalogued, brainstate.nn.Module):
    """Jansen-Rit columns on a connectome, observed once per repetition time (TR).

    The model of Momi et al. for responses to stimulation. Three pathways, lateral, feed-forward and
    feedback, share one connectome: ``exp(w) * sc``, divided by its Frobenius norm, the lateral one
    made symmetric first. Each sends ``M`` of an earlier TR and subtracts, with its row sums, what
    the receiver does now: ``M`` for the lateral pathway, into the pyramidal sigmoid, ``E - I`` for
    the feed-forward one, into the pulse density, and for the feedback one, into the inhibitory
    sigmoid, with the opposite sign.

    Parameters
    ----------
    in_size : int
        Number of regions N.
    delay : array (N, N)
        Delays in whole TRs, row = target; 0 is the TR before.
    sc : array (N, N)
        Structural connectivity.
    k : float or Param
        Gain of the external input, in mV.
    w_ll, w_ff, w_bb : float, array (N, N) or Param
        Logarithms of the factors on the connectome, by pathway.
    g_l, g_f, g_b : float or Param
        Gains of the pathways: dimensionless, in Hz/mV, dimensionless.
    std_in : float, optional
        Standard deviation of normal numbers added at each step to the pyramidal (mV), excitatory
        (Hz) and inhibitory (mV) input.
    mask : array (N, N), optional
        Factor on the normalised weights.
    delay_init : float, default 0.0
        ``M`` before the first TR, in mV.
    tr : brainunit.Quantity, default 1 ms
        Repetition time, a multiple of the step ``dt`` of ``brainstate.environ``.
    **settings
        Parameters, initial values and method of :class:`JansenRitStep`.

    References
    ----------
    .. [1] Momi, Wang & Griffiths 2023, eLife 12:e83232, doi:10.7554/eLife.83232

    Examples
    --------
    >>> import brainmass, brainstate, brainunit as u, numpy as np
    >>> brain = brainmass.JansenRitTR(
    ...     3, delay=np.ones((3, 3)), sc=np.ones((3, 3)), k=1.0, w_ll=0.0, w_ff=0.0, w_bb=0.0,
    ...     g_l=0.1, g_f=0.1, g_b=0.1,
    ... )
    >>> with brainstate.environ.context(dt=0.1 * u.ms):
    ...     _ = brain.init_all_states()
    ...     eeg = brain.update(np.ones(3))
    >>> eeg.shape, str(eeg.unit)
    ((3,), 'mV')
    """

    category = "physiological"
    catalogued = False
    reference = "Momi, Wang & Griffiths 2023, eLife 12:e83232, doi:10.7554/eLife.83232"
    use = "Evoked responses of the whole brain, fitted to EEG"

    def __init__(
        self,
        in_size: int,
        *,
        delay,
        sc,
        k: Any,
        w_ll: Any,
        w_ff: Any,
        w_bb: Any,
        g_l: Any,
        g_f: Any,
        g_b: Any,
        std_in: float | None = None,
        mask=None,
        delay_init: float = 0.0,
        tr: Any = 1.0 * u.ms,
        **settings,
    ):
        super().__init__()
        self.step = JansenRitStep(in_size, **settings)
        self.n = n = self.step.varshape[-1]
        delay = _matrix("delay", delay, n)
        if (delay < 0).any() or (delay != np.rint(delay)).any():
            raise ValueError(
                "JansenRitTR: delay must count whole TRs, not negative; got other values. "
                "Divide times by tr and round."
            )
        self.delay = delay.astype(np.int32)
        self.sc, self.mask = _matrix("sc", sc, n), _matrix("mask", 1.0 if mask is None else mask, n)
        given = dict(zip((*_GAINS, *_WEIGHTS), (k, g_l, g_f, g_b, w_ll, w_ff, w_bb), strict=True))
        for name, value in given.items():
            fixed = (
                value if isinstance(value, Param) else Param(jnp.asarray(value, float), fit=False)
            )
            setattr(self, name, fixed)
        self.std_in, self.delay_init, self.tr = std_in, float(delay_init), milliseconds(tr)

    @brainstate.nn.call_order(1)
    def init_state(self, batch_size: int | None = None, **kwargs) -> None:
        """Allocate or reset the history of ``M``; the columns are initialised before.

        Parameters
        ----------
        batch_size : int, optional
            Number of independent copies.
        **kwargs
            Ignored.
        """
        now = u.get_mantissa(self.step.M.value)
        before = jnp.full((int(self.delay.max()), *now.shape), self.delay_init, now.dtype)
        self.history = brainstate.ShortTermState(jnp.concatenate([now[None], before]))

    def update(self, input, record_state: bool = False, iter_input: bool = False):
        """Advance the model by one TR.

        Parameters
        ----------
        input : array (N,), or (steps, N) with ``iter_input``
            External input, held during the TR or given for each of its steps.
        record_state : bool, default False
            Also return the potentials.
        iter_input : bool, default False
            Whether ``input`` has a row per step.

        Returns
        -------
        brainunit.Quantity, or a pair of it and a dict
            ``E - I`` at the end of the TR, in mV.
        """
        dt = environment_dt("JansenRitTR")
        steps = steps_per_tr(self.tr, dt, "JansenRitTR")
        rows = jnp.asarray(input, brainstate.environ.dftype())
        rows = rows if iter_input else jnp.broadcast_to(rows, (steps, *rows.shape))
        if rows.shape[0] != steps:
            raise ValueError(
                f"JansenRitTR: input must have one row per step, {steps} rows; got shape "
                f"{rows.shape}. Pass the rows of one TR."
            )
        specs = self.step.declaration.states
        y = {name: u.get_mantissa(getattr(self.step, name).value) for name in specs}
        noise = 0.0
        if self.std_in is not None:
            shape = (3, steps, *y["M"].shape)
            noise = self.std_in * jax.random.normal(fresh_key(), shape, rows.dtype)
        noise = jnp.broadcast_to(noise, (3, steps, *y["M"].shape))
        values = {name: getattr(self, name).value() for name in (*_GAINS, *_WEIGHTS)}
        values |= {"sc": self.sc, "mask": self.mask, "delay": self.delay}
        params = {
            name: getattr(self.step, name).mantissa() for name in self.step.declaration.params
        }
        y = _one_tr(self.step.rules(), dt, params, values, y, self.history.value, rows, noise)
        for name, spec in specs.items():
            getattr(self.step, name).value = spec.attach(y[name])
        past = self.history.value
        self.history.value = jnp.concatenate([y["M"][None], past[:-1]])
        activity = self.step.read_output()
        if not record_state:
            return activity
        return activity, {name: getattr(self.step, name).value for name in ("M", "E", "I")}

    def __repr__(self):
        return f"JansenRitTR(in_size={self.n}, tr={self.tr:g} * u.ms)"


def pathway_weights(w, sc, mask, symmetric: bool):
    """Return the normalised weights of one pathway."""
    weights = jnp.exp(w) * sc
    if symmetric:
        weights = (weights + weights.T) / 2
    return weights / jnp.sqrt((weights**2).sum()) * mask


@partial(jax.jit, static_argnums=(0, 1), inline=True)
def _one_tr(rules, dt, params, values, y, history, rows, noise):
    """Advance all columns by one TR; what arrives from other TRs is held meanwhile."""
    sc, mask = jnp.asarray(values["sc"]), jnp.asarray(values["mask"])
    n = history.shape[-1]
    past = jnp.moveaxis(history, 0, -2)[..., values["delay"], jnp.arange(n)]
    arriving, leaving = {}, {}
    for pathway, gain, name in (("l", "g_l", "w_ll"), ("f", "g_f", "w_ff"), ("b", "g_b", "w_bb")):
        weights = values[gain] * pathway_weights(values[name], sc, mask, pathway == "l")
        arriving[pathway] = jnp.einsum("ij,...ij->...i", weights, past)
        leaving[pathway] = weights.sum(axis=1)

    def one(y, given):
        row, extra = given

        def drive(now, _c):
            eeg = now["E"] - now["I"]
            return {
                "M_inp": arriving["l"] - leaving["l"] * now["M"] + values["k"] * row + extra[0],
                "E_inp": arriving["f"] - leaving["f"] * eeg + extra[1],
                "I_inp": leaving["b"] * eeg - arriving["b"] + extra[2],
            }

        return rules.advance(params, y, drive, 0.0, dt), None

    return jax.lax.scan(one, y, (rows, jnp.moveaxis(noise, 1, 0)))[0]


def _matrix(name: str, value, n: int) -> np.ndarray:
    array = np.asarray(value, np.float64)
    if array.ndim and array.shape != (n, n):
        raise ValueError(
            f"JansenRitTR: {name} must have shape ({n}, {n}); got {array.shape}. "
            "Pass one value per pair of regions, row = target."
        )
    return np.broadcast_to(array, (n, n))

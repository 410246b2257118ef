"""Numbers of the physiological models."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

from ..models import (
    CoombesByrneStep,
    EpileptorStep,
    JansenRitStep,
    LarterBreakspearStep,
    MontbrioPazoRoxinStep,
    WilsonCowanStep,
    WongWangExcInhStep,
    WongWangStep,
)
from ._tools import Fact, Flow, period, simulate

__all__ = ["FACTS"]

COWAN = "Wilson & Cowan 1972, doi:10.1016/S0006-3495(72)86068-5"
GRIMBERT = "Grimbert & Faugeras 2006, doi:10.1162/neco.2006.18.12.3052"
DECO = "Deco et al. 2014, doi:10.1523/JNEUROSCI.5068-13.2014"
WONG = "Wong & Wang 2006, doi:10.1523/JNEUROSCI.3733-05.2006"
MONTBRIO = "Montbrio, Pazo & Roxin 2015, doi:10.1103/PhysRevX.5.021028"
JIRSA = "Jirsa et al. 2014, doi:10.1093/brain/awu133"
BREAKSPEAR = "Breakspear et al. 2003, doi:10.1088/0954-898X/14/4/305"

CYCLE = WilsonCowanStep.presets["limit cycle"]["params"]


def _wilson_cowan_cycle():
    node = WilsonCowanStep(1, method="rk4", **CYCLE)
    given = dict(inputs=lambda i, t: 1.25, transient=100.0)
    return period(simulate(node, 200.0, 0.02, "rE", **given)[:, 0], 0.02)


def _column(eeg: float):
    """Fixed point of the column at which the pyramidal potential is ``eeg``, and its drive."""
    node = JansenRitStep(1)
    p = {n: float(node.declaration.params[n].default.mantissa) for n in ("Ae", "Ai", "be", "bi")}
    C = 135.0

    def rate(v):
        return 5.0 / (1 + np.exp(0.56 * (6.0 - v)))

    M = p["Ae"] / p["be"] * rate(eeg)
    inhibition = p["Ai"] / p["bi"] * C / 4 * rate(C / 4 * M)
    excitation = eeg + inhibition
    drive = excitation * p["be"] / p["Ae"] - 0.8 * C * rate(C * M)
    return np.array([M, excitation, inhibition, 0.0, 0.0, 0.0]), drive


def _column_bifurcation(low: float, high: float, oscillating: bool):
    """Drive at which the growth of the fixed points between two potentials changes its sign."""
    from scipy.optimize import brentq

    flow = Flow(JansenRitStep(1))

    def crossing(eeg):
        point, drive = _column(eeg)
        found = flow.eigenvalues(point, E_inp=drive)
        waves = found[np.abs(found.imag) > 1e-9]
        return waves.real.max() if oscillating else np.prod(found).real

    return _column(brentq(crossing, low, high, xtol=1e-12))[1]


def _alpha(drive: float):
    node = JansenRitStep.from_preset("alpha rhythm", method="rk4")
    given = {"E_inp": drive * u.Hz}
    eeg = simulate(
        node, 8000.0, 0.1, lambda m: m.eeg(), inputs=lambda i, t: given, transient=6000.0
    )
    return 1000 / period(eeg[:, 0], 0.1)


def _decision_fold(low: float, high: float, below: int):
    """Current at which the number of states of one population alone changes from ``below``."""
    S = jnp.linspace(0.0, 0.999, 20_001)
    off = dict(J_N12=0.0 * u.nA, J_N21=0.0 * u.nA, mu_0=0.0 * u.Hz)
    node = WongWangStep(S.size, **off)
    params = {n: getattr(node, n).mantissa() for n in node.declaration.params}

    @jax.jit
    def change(current):
        given = {**params, "I_0": current}
        return node.rules().rates(given, {"S1": S, "S2": S}, {}, 0.0)["S1"]

    for _ in range(22):
        middle = (low + high) / 2
        states = np.count_nonzero(np.diff(np.sign(np.asarray(change(middle)))))
        low, high = (middle, high) if states == below else (low, middle)
    return (low + high) / 2


def _winners():
    """Share of correct choices at a coherence of 51.2 percent, 400 trials."""
    from ..noise import OUProcess

    n = 400
    noise = {f"noise_s{k}": OUProcess(n, sigma=0.02 * u.nA, tau=2.0 * u.ms) for k in (1, 2)}
    node = WongWangStep(n, init_S1=0.1, init_S2=0.1, **noise)
    ahead = simulate(
        node, 2000.0, 0.5, lambda m: m.S1.value - m.S2.value,
        inputs=lambda i, t: {"coherence": 0.512}, seed=0, transient=1999.5,
    )  # fmt: skip
    return (ahead[-1] > 0).mean()


def _area(observe, **given):
    return simulate(WongWangExcInhStep(1, **given), 5000.0, 0.2, observe)[-1, 0]


def _balance():
    """Input of the excitatory pool at rest over that at which its rate bends."""
    node = WongWangExcInhStep(1)
    S_e, S_i = Flow(node).rest([0.16, 0.04])
    return 1.4 * 0.15 * S_e - S_i + 0.382 - 125 / 310


def _mean_field(guess: float, **given):
    node = MontbrioPazoRoxinStep(1, **given)
    return Flow(node).rest([1000 * guess, -1 / (2 * np.pi * guess)])


def _conductance_rest(d_V: float):
    return Flow(LarterBreakspearStep(1, d_V=d_V)).rest([-0.18, 0.22, 0.1])[0]


def _epileptor_rest(x0: float):
    flow = Flow(EpileptorStep(1, x0=x0))
    return flow.rest([-1.6, -12.0, 3.1, -1.2, 0.0, -0.16])


def _epileptor_threshold():
    from scipy.optimize import brentq

    flow = Flow(EpileptorStep(1, r=1e-7))

    def growth(x0):
        flow.change(x0=x0)
        roots = np.roots([1.0, 2.0, 4.0, -4 * x0 - 4.1])
        x1 = roots[np.abs(roots.imag) < 1e-9][0].real
        z = 4.1 - 5 * x1**2 - x1**3 + 3 * x1**2
        rest = flow.rest([x1, 1 - 5 * x1**2, z, -1.2, 0.0, 0.1 * x1])
        return flow.eigenvalues(rest)[0].real

    return brentq(growth, -2.1, -2.03, xtol=1e-7)


FACTS = (
    Fact("WilsonCowanStep", "rE of the state of high activity, figure 4", 0.462465, 1e-5, "1",
         f"root of the published equations: {COWAN}",
         lambda: Flow(WilsonCowanStep(1)).rest([0.46, 0.24])[0]),
    Fact("WilsonCowanStep", "rE of the threshold, figure 4", 0.178037, 1e-5, "1",
         f"root of the published equations: {COWAN}",
         lambda: Flow(WilsonCowanStep(1)).rest([0.18, 0.06])[0]),
    Fact("WilsonCowanStep", "period of the limit cycle at P = 1.25", 5.003, 2e-3, "ms",
         f"published equations, tau = 1 ms: {COWAN}", _wilson_cowan_cycle),
    Fact("JansenRitStep", "drive at the fold of the low state", 113.586, 1e-2, "Hz", GRIMBERT,
         lambda: _column_bifurcation(2.0, 3.5, False)),
    Fact("JansenRitStep", "drive at the lower Hopf bifurcation", 89.83, 1e-2, "Hz", GRIMBERT,
         lambda: _column_bifurcation(6.6, 7.2, True)),
    Fact("JansenRitStep", "drive at the upper Hopf bifurcation", 315.70, 1e-2, "Hz", GRIMBERT,
         lambda: _column_bifurcation(7.7, 8.4, True)),
    Fact("JansenRitStep", "alpha rhythm under 220 pulses per second", 10.938, 1e-3, "Hz",
         "published equations: Jansen & Rit 1995, doi:10.1007/BF00199471", lambda: _alpha(220.0)),
    Fact("WongWangStep", "lower end of bistability of one population", 0.319803, 1e-5, "nA",
         f"published curve, J = 0.2609 nA: {WONG}", lambda: _decision_fold(0.31, 0.3225, 1)),
    Fact("WongWangStep", "upper end of bistability of one population", 0.325079, 1e-5, "nA",
         f"published curve, J = 0.2609 nA: {WONG}", lambda: _decision_fold(0.3225, 0.33, 3)),
    Fact("WongWangStep", "correct choices at a coherence of 51.2 percent", 1.0, 0.01, "1",
         f"psychometric function: {WONG}", _winners),
    Fact("WongWangExcInhStep", "S_e at rest", 0.1647572, 1e-6, "1", f"fixed point: {DECO}",
         lambda: _area("S_e")),
    Fact("WongWangExcInhStep", "rate of the excitatory pool at rest", 3.077327, 1e-4, "Hz",
         f"about 3 Hz: {DECO}", lambda: _area(lambda m: m.H_e())),
    Fact("WongWangExcInhStep", "excitatory input at rest, over b / a", -0.026, 5e-4, "nA",
         f"the target of feedback inhibition control: {DECO}", _balance),
    Fact("MontbrioPazoRoxinStep", "rate of the low state", 81.134, 1e-2, "Hz", MONTBRIO,
         lambda: _mean_field(0.081)[0]),
    Fact("MontbrioPazoRoxinStep", "rate of the saddle", 472.980, 1e-2, "Hz", MONTBRIO,
         lambda: _mean_field(0.473)[0]),
    Fact("MontbrioPazoRoxinStep", "rate of the focus", 1030.597, 1e-2, "Hz", MONTBRIO,
         lambda: _mean_field(1.03)[0]),
    Fact("MontbrioPazoRoxinStep", "rate without recurrent weight, eta = 1", 349.7220, 1e-3, "Hz",
         f"closed form: {MONTBRIO}", lambda: _mean_field(0.35, J=0.0, eta=1.0)[0]),
    Fact("CoombesByrneStep", "rate without synapses, eta = 1", 0.3497220, 1e-6, "1/ms",
         "Coombes & Byrne 2019, doi:10.1007/978-3-319-71048-8_1",
         lambda: Flow(CoombesByrneStep(1, k=0.0, eta=1.0)).rest([0.35, -0.45])[0]),
    Fact("CoombesByrneStep", "rate at rest, defaults", 0.1847255, 1e-6, "1/ms",
         "root of the published equations: Byrne et al. 2020, doi:10.1152/jn.00406.2019",
         lambda: Flow(CoombesByrneStep(1)).rest([0.2, -0.5])[0]),
    Fact("LarterBreakspearStep", "V at rest, d_V = 0.5", -0.1865262, 1e-6, "1",
         f"a_ei V Q(V) = -a_ni I: {BREAKSPEAR}", lambda: _conductance_rest(0.5)),
    Fact("LarterBreakspearStep", "V of the unstable rest state, d_V = 0.65", -0.1573758, 1e-6, "1",
         f"a_ei V Q(V) = -a_ni I: {BREAKSPEAR}", lambda: _conductance_rest(0.65)),
    Fact("EpileptorStep", "excitability at the threshold of seizures, slow limit", -2.062037,
         1e-5, "1", f"x1 = -4/3: {JIRSA}", _epileptor_threshold),
    Fact("EpileptorStep", "permittivity at the threshold", 2.914815, 1e-5, "1",
         f"x1 = -4/3: {JIRSA}", lambda: _epileptor_rest(-2.0620370)[2]),
)  # fmt: skip

"""Numbers of the phenomenological models."""

import math

import jax.numpy as jnp
import numpy as np

from ..coupling import DiffusiveCoupling
from ..models import (
    FitzHughNagumoStep,
    Generic2dOscillatorStep,
    HopfStep,
    LinearStep,
    LorenzStep,
    StuartLandauStep,
    ThresholdLinearStep,
    VanDerPolStep,
)
from ..network import Network
from ._tools import Fact, Flow, exponent, network_matrix, period, simulate

__all__ = ["FACTS"]

STROGATZ = "Strogatz 2015, Nonlinear Dynamics and Chaos"
LORENZ = "Lorenz 1963, doi:10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2"


def _hopf(**given):
    return HopfStep(1, a=0.25, w=0.3, method="rk4", **given)


def _hopf_radius():
    return simulate(_hopf(init_x=0.3), 100.0, 0.05, lambda m: m.amplitude())[-1, 0]


def _hopf_frequency():
    return 1000 / period(simulate(_hopf(init_x=0.5), 400.0, 0.02, "x")[:, 0], 0.02)


def _hopf_return_rate():
    r = simulate(_hopf(init_x=0.5 + 1e-5), 10.0, 0.02, lambda m: m.amplitude())[:, 0]
    return np.log((r[-1] - 0.5) / (r[249] - 0.5)) / 5.0


def _van_der_pol(mu: float, duration: float):
    node = VanDerPolStep(1, mu=mu, init_x=2.0, init_y=0.0, method="rk4")
    return simulate(node, duration, 0.005, "x", transient=duration / 2)[:, 0]


def _stuart_landau_radius():
    node = StuartLandauStep(1, a=0.09, init_x=0.1, init_y=0.0, method="rk4")
    return simulate(node, 200.0, 0.1, lambda m: m.amplitude())[-1, 0]


def _amplitude_death():
    """Decay rate of two detuned oscillators whose coupling holds them at the origin."""
    node = StuartLandauStep(2, a=0.1, w=np.array([0.3, 0.7]), method="rk4")
    pulls = [DiffusiveCoupling(k=0.15, source=n, target=f"{n}_inp") for n in "xy"]
    net = Network(node, conn=1 - np.eye(2), coupling=pulls, coupled_var="x")
    return np.linalg.eigvals(network_matrix(net, node, ("x", "y"))).real.max()


def _fitzhugh_nagumo_onset(low: float, high: float):
    from scipy.optimize import brentq

    flow = Flow(FitzHughNagumoStep(1))

    def growth(drive):
        point = flow.rest([0.5 * drive, drive], V_inp=drive)
        return flow.eigenvalues(point, V_inp=drive)[0].real

    return brentq(growth, low, high, xtol=1e-10)


def _lorenz_stability():
    from scipy.optimize import brentq

    flow = Flow(LorenzStep(1))

    def growth(rho):
        flow.change(rho=rho)
        c = np.sqrt(8 / 3 * (rho - 1))
        return flow.eigenvalues([c, c, rho - 1])[0].real

    return brentq(growth, 24.0, 25.5, xtol=1e-6)


def _lorenz_homoclinic():
    """Where the orbit that leaves the origin first falls back into it, by its final side."""
    rho = np.linspace(13.90, 13.95, 51)
    slope = (np.sqrt(81 + 40 * rho) - 9) / 20  # dy/dx of the unstable direction is 1 + slope
    start = dict(init_x=1e-3, init_y=1e-3 * (1 + slope), init_z=0.0)
    node = LorenzStep(51, rho=rho, method="rk4", **start)
    x = simulate(node, 40.0, 0.005, "x")[-1]
    return rho[np.flatnonzero(x < 0)[0]] - 0.0005


def _functional_connectivity():
    """Correlation 1-2 of a linear network in white noise, from the Lyapunov equation."""
    from scipy.linalg import solve_continuous_lyapunov

    weights = np.array([[0, 1, 0.5], [1, 0, 0.2], [0.5, 0.2, 0]])
    node = LinearStep(3, gamma=-2.0, method="rk4")
    net = Network(node, conn=weights, coupling="additive", coupled_var="x", k=0.5)
    cov = solve_continuous_lyapunov(network_matrix(net, node, ("x",)), -np.eye(3))
    return cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])


def _settled(inlet: str, state: str):
    node = ThresholdLinearStep(1)
    drive = {inlet: jnp.asarray(300.0)}
    return simulate(node, 400.0, 0.1, state, inputs=lambda i, t: drive)[-1, 0]


def _decay(state: str):
    x = simulate(ThresholdLinearStep(1, init_E=1.0, init_I=1.0), 20.0, 0.01, state)[:, 0]
    return 10.0 / np.log(x[999] / x[1999])


def _generic(state, **given):
    return Flow(Generic2dOscillatorStep(1, **given)).rest(state)[0]


FACTS = (
    Fact("HopfStep", "radius of the cycle at a = 0.25, beta = 1", 0.5, 1e-6, "1",
         f"sqrt(a / beta): {STROGATZ}, section 8.2", _hopf_radius),
    Fact("HopfStep", "frequency at w = 0.3 rad/ms", 47.746483, 1e-4, "Hz",
         f"1000 w / (2 pi): {STROGATZ}, section 8.2", _hopf_frequency),
    Fact("HopfStep", "rate of return to the cycle at a = 0.25", -0.5, 1e-4, "1/ms",
         f"-2 a: {STROGATZ}, section 8.2", _hopf_return_rate),
    Fact("VanDerPolStep", "period at mu = 1", 6.663287, 1e-4, "ms",
         "van der Pol 1926, doi:10.1080/14786442608564127", lambda: period(
             _van_der_pol(1.0, 100.0), 0.005)),
    Fact("VanDerPolStep", "amplitude at mu = 1", 2.008620, 1e-4, "1",
         "van der Pol 1926, doi:10.1080/14786442608564127",
         lambda: _van_der_pol(1.0, 100.0).max()),
    Fact("VanDerPolStep", "period at mu = 0.1", 6.287112, 2e-4, "ms",
         f"2 pi (1 + mu**2 / 16): {STROGATZ}, section 7.6", lambda: period(
             _van_der_pol(0.1, 200.0), 0.005)),
    Fact("StuartLandauStep", "radius of the cycle at a = 0.09", 0.3, 1e-6, "1",
         "sqrt(a): Kuramoto 1984, doi:10.1007/978-3-642-69689-3", _stuart_landau_radius),
    Fact("StuartLandauStep", "rate of amplitude death: a = 0.1, detuning 0.4, k = 0.15", -0.05,
         1e-5, "1/ms", "a - k: Aronson, Ermentrout & Kopell 1990, "
         "doi:10.1016/0167-2789(90)90007-C", _amplitude_death),
    Fact("FitzHughNagumoStep", "drive at the lower Hopf bifurcation", 0.72605829, 1e-6, "1",
         "root of the trace: Kostova et al. 2004, doi:10.1142/S0218127404009685",
         lambda: _fitzhugh_nagumo_onset(0.6, 0.9)),
    Fact("FitzHughNagumoStep", "drive at the upper Hopf bifurcation", 1.33155488, 1e-6, "1",
         "root of the trace: Kostova et al. 2004, doi:10.1142/S0218127404009685",
         lambda: _fitzhugh_nagumo_onset(1.2, 1.6)),
    Fact("ThresholdLinearStep", "E under a drive of 300 pA", 19.8, 1e-4, "Hz",
         "0.066 Hz/pA: Chaudhuri et al. 2015, doi:10.1016/j.neuron.2015.09.008",
         lambda: _settled("E_inp", "E")),
    Fact("ThresholdLinearStep", "I under a drive of 300 pA", 105.3, 1e-4, "Hz",
         "0.351 Hz/pA: Chaudhuri et al. 2015, doi:10.1016/j.neuron.2015.09.008",
         lambda: _settled("I_inp", "I")),
    Fact("ThresholdLinearStep", "decay time of I without drive", 10.0, 1e-3, "ms",
         "Chaudhuri et al. 2015, doi:10.1016/j.neuron.2015.09.008", lambda: _decay("I")),
    Fact("Generic2dOscillatorStep", "V at rest, defaults", -0.18865175, 1e-7, "1",
         "root of V**3 - 3 V**2 + 10 V + 2: Sanz-Leon et al. 2015, "
         "doi:10.1016/j.neuroimage.2015.01.002", lambda: _generic([-0.2, 0.0])),
    Fact("Generic2dOscillatorStep", "V at rest, a = 1, b = 0, c = -5", -1.6180340, 1e-7, "1",
         "-(1 + sqrt(5)) / 2: Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
         lambda: _generic([-1.7, -12.0], a=1.0, b=0.0, c=-5.0)),
    Fact("LorenzStep", "x at the fixed points", 8.4852814, 1e-6, "1",
         f"sqrt(beta (rho - 1)): {LORENZ}",
         lambda: Flow(LorenzStep(1)).rest([8.0, 8.0, 26.0])[0]),
    Fact("LorenzStep", "largest Lyapunov exponent", 0.9056, 0.02, "1/ms",
         f"{STROGATZ}, section 9.3", lambda: exponent(
             LorenzStep(1, method="rk4"), [1.0, 1.0, 25.0], 0.01, 150_000)),
    Fact("LorenzStep", "rho at which steady convection ends", 24.736842, 1e-5, "1",
         f"sigma (sigma + beta + 3) / (sigma - beta - 1): {LORENZ}", _lorenz_stability),
    Fact("LorenzStep", "rho of the first homoclinic orbit", 13.926, 1e-3, "1",
         "Sparrow 1982, doi:10.1007/978-1-4612-5767-7", _lorenz_homoclinic),
    Fact("LinearStep", "x after 1 ms at gamma = -10", 0.01 * math.exp(-10.0), 1e-12, "1",
         "exponential decay: Sanz-Leon et al. 2015, doi:10.1016/j.neuroimage.2015.01.002",
         lambda: simulate(LinearStep(1, method="exp_euler"), 1.0, 0.1, "x")[-1, 0]),
    Fact("LinearStep", "correlation 1-2 of a network of three in white noise", 0.258599, 1e-6, "1",
         "Lyapunov equation: Galan 2008, doi:10.1371/journal.pone.0002148",
         _functional_connectivity),
)  # fmt: skip

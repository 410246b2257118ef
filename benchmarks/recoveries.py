"""Fits whose answer is known: data simulated with known parameters, found again by every backend.

The data always come from another random seed than the one a fit uses, so what is left of an error
is what a recording of that length leaves open.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import brainstate
import braintools
import brainunit as u
import jax.numpy as jnp
import numpy as np
from brainstate.nn import Param

import brainmass
from brainmass._random import lending


@dataclass
class Recovery:
    """One problem.

    ``start()`` builds the model at its first guess; ``ways`` maps the name of a way to search to
    the arguments of the fitter and the number of steps.
    """

    name: str
    start: Callable
    predict: Callable
    target: Any
    truth: dict
    ways: dict
    objective: Any = None

    def fit(self, way: str, seed: int = 0):
        """Return result and seconds of a fit."""
        options, steps = self.ways[way]
        fitter = brainmass.Fitter(
            self.start(), predict=self.predict, objective=self.objective, **options
        )
        began = time.perf_counter()
        result = fitter.fit(self.target, steps, seed=seed)
        return result, time.perf_counter() - began

    def errors(self, result) -> dict:
        """Return, by parameter, the largest absolute error, in the unit of the truth."""
        out = {}
        for name, true in self.truth.items():
            found = result.best_params[name]
            unit = u.get_unit(true)
            if not unit.is_unitless:
                found, true = found.to_decimal(unit), u.get_mantissa(true)
            out[name] = float(np.max(np.abs(np.asarray(found) - np.asarray(true))))
        return out


def adam(lr):
    return {"optimizer": braintools.optim.Adam(lr=lr)}


def scipy(space, method="L-BFGS-B", **options):
    optimizer = {"method": method, "options": options or None}
    return {"backend": "scipy", "optimizer": optimizer, "search_space": space}


def nevergrad(space, n_sample, method="CMA"):
    optimizer = {"method": method, "n_sample": n_sample}
    return {"backend": "nevergrad", "optimizer": optimizer, "search_space": space}


def simulated(predict, model, seed):
    """Return a prediction with the noise of a seed of its own."""
    with lending():  # no run of another thread puts the random state back meanwhile
        brainstate.random.seed(seed)
        return np.asarray(predict(model))


def hopf(n, n_sample, generations, method="CMA"):
    """Bifurcation parameter and frequency of every region, from its time course."""
    rng = np.random.default_rng(0)
    a, w = rng.uniform(-0.05, 0.3, n), rng.uniform(0.25, 0.35, n)

    def model(a, w):
        return brainmass.HopfStep(n, a=a, w=w, init_x=0.5)

    def predict(m):
        run = brainmass.Simulator(m, dt=0.2 * u.ms)
        return run.run(80 * u.ms, monitors="x", sample_every=5)["x"]

    noise = 0.02 * rng.normal(size=(80, n))
    space = {"a": (-0.3, 0.6), "w": (0.2, 0.4)}
    ones = np.ones(n)
    return Recovery(
        f"Hopf a, w of {n} regions",
        lambda: model(Param(0.1 * ones, fit=True), Param(0.3 * ones, fit=True)),
        predict,
        simulated(predict, model(a, w), 1) + noise,
        {"a": a, "w": w},
        {
            "grad": (adam(0.02), 200),
            "scipy": (scipy(space), 1),
            "nevergrad": (nevergrad(space, n_sample, method), generations),
        },
    )


def brain(n):
    """Two hemispheres: log-normal weights that fall off with distance, in-strength 1 on average."""
    rng = np.random.default_rng(0)
    place = rng.normal(size=(n, 3))
    place = place / np.linalg.norm(place, axis=1, keepdims=True) * [60, 80, 50]
    place[:, 0] = np.abs(place[:, 0]) * np.where(np.arange(n) < n // 2, -1, 1)
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    weights = np.exp(-distance / 20 + rng.normal(size=(n, n)))
    weights = (weights + weights.T) / 2
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(1).mean(), distance * u.mm


def connectivity(n, duration, steps):
    """Coupling strength and conduction speed of a delayed network, from its FC."""
    weights, distance = brain(n)
    w = 0.2 + 0.01 * np.random.default_rng(1).uniform(-1, 1, n)
    speed = u.mm / u.ms

    def model(k, v):
        noise = {f"noise_{s}": brainmass.WhiteNoise(n, sigma=0.02) for s in "xy"}
        return brainmass.Network(
            brainmass.HopfStep(n, a=-0.1, w=w, init_x=0.0, init_y=0.0, **noise),
            conn=weights, distance=distance, speed=v, coupling="additive", coupled_var="x", k=k,
            delay_init=0.0, speed_range=(3 * speed, 14 * speed),
        )  # fmt: skip

    def activity(m, duration):
        run = brainmass.Simulator(m, dt=1.0 * u.ms)
        return run.run(duration, monitors="node.x", sample_every=2, transient=500 * u.ms)["node.x"]

    def predict(m):
        return activity(m, duration)

    # The data are four times as long as what a fit simulates, so that most of what is left of the
    # error is that of the simulation.
    fc = brainmass.objectives.functional_connectivity(
        simulated(lambda m: activity(m, 4 * duration), model(0.25, 6.0 * speed), 99)
    )
    space = {"coupling.k": (0.02, 0.32), "speed": (3.5 * speed, 13.0 * speed)}
    return Recovery(
        f"coupling and speed of {n} delayed regions from FC",
        lambda: model(Param(0.15, fit=True), Param(9.0 * speed, fit=True)),
        predict,
        np.asarray(fc),
        {"coupling.k": 0.25, "speed": 6.0 * speed},
        {
            "grad": (adam(0.02), steps),
            "scipy": (scipy(space, maxiter=15), 2),
            "nevergrad": (nevergrad(space, 8), max(5, steps // 3)),
        },
        brainmass.objectives.fc_rmse(),
    )


def jansen_rit(copies, duration, steps, generations=20):
    """Synaptic gains of a column, in mV, from the spectrum of its EEG."""

    def model(excitatory, inhibitory):
        noise = brainmass.WhiteNoise(copies, mean=250 * u.Hz, sigma=100 * u.Hz)
        start = {"init_M": 0.08 * u.mV, "init_E": 18 * u.mV, "init_I": 12 * u.mV}
        return brainmass.JansenRitStep(copies, Ae=excitatory, Ai=inhibitory, noise_E=noise, **start)

    def predict(m):
        run = brainmass.Simulator(m, dt=1.0 * u.ms)
        eeg = run.run(duration, monitors=None, transient=1 * u.second)["output"].to_decimal(u.mV)
        return jnp.log10(spectrum(eeg)[2:45])

    space = {"Ae": (2.6 * u.mV, 4.5 * u.mV), "Ai": (17.6 * u.mV, 30.0 * u.mV)}
    return Recovery(
        "Jansen-Rit gains from a spectrum",
        lambda: model(Param(2.9 * u.mV, fit=True), Param(19.5 * u.mV, fit=True)),
        predict,
        simulated(predict, model(3.25 * u.mV, 22.0 * u.mV), 1),
        {"Ae": 3.25 * u.mV, "Ai": 22.0 * u.mV},
        {
            "grad": (adam(0.005), steps),
            "scipy": (scipy(space, "Nelder-Mead", maxfev=120), 1),
            "nevergrad": (nevergrad(space, 10), generations),
        },
    )


def spectrum(x):
    """Return the power in bins of 1 Hz of samples at 1 kHz, averaged over windows and copies."""
    window = jnp.hanning(1000)[:, None]
    parts = jnp.stack([x[i : i + 1000] for i in range(0, x.shape[0] - 999, 500)])
    parts = (parts - parts.mean(1, keepdims=True)) * window
    power = jnp.abs(jnp.fft.rfft(parts, axis=1)) ** 2
    return jnp.mean(power, axis=(0, 2)) / jnp.sum(window**2) / 1000


def montbrio(_=None):
    """Excitability and recurrent weight, from switches between the two states."""

    def model(eta, weight):
        return brainmass.MontbrioPazoRoxinStep(1, eta=eta, J=weight, init_r=80 * u.Hz, init_v=-2.0)

    def pulses(i, t):
        up = (t > 10 * u.ms) & (t < 20 * u.ms)
        down = (t > 45 * u.ms) & (t < 55 * u.ms)
        return 3.0 * up - 6.0 * down

    def predict(m):
        run = brainmass.Simulator(m, dt=0.02 * u.ms)
        out = run.run(80 * u.ms, monitors="r", inputs=pulses, sample_every=20)
        return out["r"].to_decimal(u.kHz)

    noise = 0.02 * np.random.default_rng(0).normal(size=(200, 1))
    space = {"eta": (-10.0, 0.0), "J": (5.0, 25.0)}
    evolution = scipy(space, "differential_evolution", maxiter=30)
    return Recovery(
        "Montbrio-Pazo-Roxin eta, J, bistable",
        lambda: model(Param(-8.0, fit=True), Param(10.0, fit=True)),
        predict,
        simulated(predict, model(-5.0, 15.0), 1) + noise,
        {"eta": -5.0, "J": 15.0},
        {
            "grad": (adam(0.01), 300),
            "grad, 16 starts": ({**adam(0.01), "n_starts": 16, "search_space": space}, 150),
            "scipy": (evolution, 1),
            "nevergrad": (nevergrad(space, 20, "DE"), 40),
        },
    )


def ornstein_uhlenbeck(n, duration):
    """Strength and correlation time of the noise, from the autocovariance of what it drives."""

    def model(sigma, tau):
        noise = brainmass.OUProcess(n, sigma=sigma, tau=tau)
        return brainmass.LinearStep(n, gamma=-1.0, noise_x=noise, init_x=0.0)

    lags = (0, 4, 8, 16, 32, 64, 128)

    def predict(m):
        run = brainmass.Simulator(m, dt=0.5 * u.ms)
        x = run.run(duration, monitors="x", transient=100 * u.ms)["x"]
        length = x.shape[0] - max(lags)
        return jnp.stack([jnp.mean(x[:length] * x[lag : lag + length]) for lag in lags])

    space = {"noise_x.sigma": (0.05, 2.0), "noise_x.tau": (2.0 * u.ms, 100.0 * u.ms)}
    return Recovery(
        "OU strength and time constant",
        lambda: model(Param(0.3, fit=True), Param(10.0 * u.ms, fit=True)),
        predict,
        simulated(predict, model(0.5, 20.0 * u.ms), 3),
        {"noise_x.sigma": 0.5, "noise_x.tau": 20.0 * u.ms},
        {
            "grad": (adam(0.05), 100),
            "scipy": (scipy(space), 1),
            "nevergrad": (nevergrad(space, 8), 25),
        },
    )


def small():
    """The problems as the tests run them."""
    return {
        "hopf": lambda: hopf(2, 16, 60),
        "connectivity": lambda: connectivity(8, 4.0 * u.second, 40),
        "jansen_rit": lambda: jansen_rit(4, 4.0 * u.second, 100, 32),
        "montbrio": montbrio,
        "ornstein_uhlenbeck": lambda: ornstein_uhlenbeck(50, 1.0 * u.second),
    }


def full():
    """The problems at the size of the table."""
    return {
        "hopf": lambda: hopf(84, 64, 1500, "DiagonalCMA"),
        "connectivity": lambda: connectivity(84, 32.0 * u.second, 40),
        "jansen_rit": lambda: jansen_rit(8, 9.0 * u.second, 100),
        "montbrio": montbrio,
        "ornstein_uhlenbeck": lambda: ornstein_uhlenbeck(100, 5.0 * u.second),
    }

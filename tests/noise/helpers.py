"""Noise against theory: moments, spectra, covariances, convergence, gradients, and bad input.

Every run has a fixed seed. A bound of k standard errors says how the standard error comes about;
k is 4 where one number is compared and larger where the largest of many is, so that a correct
implementation with other numbers would pass as well.
"""

from itertools import pairwise

import brainunit as u
import numpy as np

import brainmass

MS, HZ = u.ms, u.Hz


class Integrator(brainmass.NeuralMass):
    """The integral of its input; with Euler steps, its differences are the noise held."""

    catalogued = False
    x = brainmass.state(0.0, doc="integral")
    v = brainmass.state(0.0 * u.mV, doc="integral with a unit")
    x_inp = brainmass.inlet(0.0, doc="rate")
    v_inp = brainmass.inlet(0.0 * u.mV, doc="rate with a unit")
    f_inp = brainmass.inlet(0.0, doc="input inside a nonlinearity", additive=False)

    @staticmethod
    def equations(s, p, i, t):
        return {"x": (i.x_inp + i.f_inp**2) / u.ms, "v": i.v_inp / u.ms}


def held(noise, duration, dt, seed=0, **settings):
    """The values of a process in every step, as the engine draws them."""
    node = Integrator(noise.in_size, noise_x=noise, method="euler")
    sim = brainmass.Simulator(node, dt=dt * MS)
    x = np.asarray(sim.run(duration * MS, monitors="x", seed=seed, **settings)["x"], np.float64)
    return np.diff(x, axis=0, prepend=0.0) / dt


def spectrum(values, dt, segment=4096):
    """Mean one-sided density of all columns by Welch's method; frequencies in Hz."""
    from scipy.signal import welch

    f, density = welch(values, fs=1e3 / dt, nperseg=segment, axis=0)
    return f, density.reshape(len(f), -1).mean(1)


def slope(values, dt, low, high, segment=4096):
    """Exponent of the density between two frequencies, over logarithmically even bins."""
    f, density = spectrum(values, dt, segment)
    edges = np.geomspace(low, high, 13)
    bins = [(f >= a) & (f < b) for a, b in pairwise(edges)]
    points = [(np.log(f[k]).mean(), np.log(density[k].mean())) for k in bins if k.any()]
    return np.polyfit(*np.transpose(points), 1)[0]

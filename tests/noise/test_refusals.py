"""Bad input to noise processes."""

import brainstate
import brainunit as u
import numpy as np
import pytest
from noise.helpers import HZ, MS, Integrator

import brainmass


def node(slot, noise, **settings):
    return Integrator(3, **{slot: noise}, **settings)


def multiplied(**settings):
    return brainmass.WhiteNoise(3, amplitude=lambda s: s.x, **settings)


REFUSED = {
    "wrong unit": (
        lambda: node("noise_v", brainmass.OUProcess(3, sigma=0.1)),
        "noise_v .* sigma in \\[mV\\]; got \\[1\\]",
    ),
    "wrong size": (lambda: node("noise_x", brainmass.PinkNoise(2)), "in_size \\(3,\\)"),
    "white inside": (lambda: node("noise_f", brainmass.WhiteNoise(3)), "must not be white"),
    "no size": (lambda: brainmass.PinkNoise(0), "in_size .* positive integer"),
    "size of text": (lambda: brainmass.OUProcess("3"), "in_size .* positive integer"),
    "negative sigma": (lambda: brainmass.WhiteNoise(3, sigma=-1.0), "'sigma' .* non-negative"),
    "sigma of text": (lambda: brainmass.WhiteNoise(3, sigma="1"), "'sigma' .* must be a number"),
    "sigmas of another size": (lambda: brainmass.WhiteNoise(3, sigma=np.ones(2)), "broadcasts"),
    "mean of another unit": (lambda: brainmass.WhiteNoise(3, 1 * u.mV, 1.0), "'mean' .* plain"),
    "tau of zero": (lambda: brainmass.OUProcess(3, tau=0 * MS), "'tau' .* positive"),
    "tau without unit": (lambda: brainmass.OUProcess(3, tau=10.0), "'tau' .* quantity in \\[ms\\]"),
    "beta outside": (lambda: brainmass.ColoredNoise(3, 3.0), "beta .* from -2 to 2; got 3.0"),
    "beta of text": (lambda: brainmass.ColoredNoise(3, "pink"), "beta .* from -2 to 2"),
    "band upside down": (
        lambda: brainmass.PinkNoise(3, f_min=10 * HZ, f_max=1 * HZ),
        "0 < f_min < f_max; got 10 Hz and 1 Hz",
    ),
    "band without unit": (lambda: brainmass.PinkNoise(3, f_min=1.0), "f_min .* a frequency"),
    "cov not symmetric": (
        lambda: brainmass.WhiteNoise(2, cov=[[1.0, 0.5], [0.0, 1.0]]),
        "cov .* symmetric; got entries that differ by 0.5",
    ),
    "cov indefinite": (
        lambda: brainmass.WhiteNoise(2, cov=[[1.0, 2.0], [2.0, 1.0]]),
        "positive semi-definite; its correlations have the eigenvalue -1",
    ),
    "cov with negative variance": (lambda: brainmass.WhiteNoise(1, cov=[[-1.0]]), "variances"),
    "cov of a silent region": (
        lambda: brainmass.WhiteNoise(2, cov=[[0.0, 1.0], [1.0, 1.0]]),
        "a region without variance",
    ),
    "cov of another size": (lambda: brainmass.WhiteNoise(3, cov=np.eye(2)), "matrix with one row"),
    "cov of two axes": (lambda: brainmass.WhiteNoise((2, 2), cov=np.eye(2)), "matrix with one row"),
    "cov of text": (lambda: brainmass.WhiteNoise(1, cov=[["a"]]), "cov .* real numbers"),
    "cov with nan": (lambda: brainmass.WhiteNoise(1, cov=[[np.nan]]), "cov .* finite"),
    "sigma and covariance": (
        lambda: brainmass.WhiteNoise(2, sigma=0.1, cov=2 * np.eye(2)),
        "ones on its diagonal when sigma is given; got 2 to 2",
    ),
    "sigma and covariance with unit": (
        lambda: brainmass.WhiteNoise(2, sigma=1 * u.mV, cov=np.eye(2) * u.mV**2),
        "plain correlation matrix when sigma is given",
    ),
    "cov of another unit": (
        lambda: node("noise_x", brainmass.WhiteNoise(3, cov=np.eye(3) * u.mV**2)),
        "sigma in \\[1\\]; got \\[mV\\]",
    ),
    "amplitude of a number": (lambda: brainmass.WhiteNoise(3, amplitude=2.0), "amplitude .* func"),
    "interpretation unknown": (
        lambda: brainmass.WhiteNoise(3, interpretation="klimontovich"),
        "'ito' or 'stratonovich'",
    ),
    "stratonovich with euler": (
        lambda: run(node("noise_x", multiplied(interpretation="stratonovich"), method="euler")),
        "Integrator: noise_x .* 'ito' with method 'euler'",
    ),
    "stratonovich with exponential euler": (
        lambda: run(node("noise_x", multiplied(interpretation="stratonovich"), method="exp_euler")),
        "method 'exp_euler'",
    ),
    "amplitude with a unit": (
        lambda: run(node("noise_x", brainmass.WhiteNoise(3, amplitude=lambda s: s.v))),
        "amplitude .* plain numbers; got a value in \\[mV\\]",
    ),
    "amplitude by hand": (lambda: by_hand(multiplied()), "given the states of the model"),
    "not a noise": (lambda: node("noise_x", 0.1), "must be a noise process"),
}


def run(model):
    return brainmass.Simulator(model, dt=0.1 * MS).run(1 * MS, monitors="x")


def by_hand(noise):
    with brainstate.environ.context(dt=0.1 * MS):
        return noise()


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_in_one_sentence(name):
    make, match = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=match) as caught:
        make()
    assert "\n" not in str(caught.value)

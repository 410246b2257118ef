"""Haemodynamic response functions and BOLD by convolution."""

import brainunit as u
import jax
import numpy as np
import pytest
from observation.helpers import kernel

import brainmass
from brainmass import HRFBold

MS = u.ms


def test_kernels_have_the_peaks_of_their_papers():
    t = np.arange(0.0, 20.0, 0.005)
    double = brainmass.MixtureOfGammasHRFKernel(a_1=6.0, a_2=16.0, c=1 / 6)
    assert abs(t[np.argmax(double(t * u.second))] - 5.00) < 0.01
    boynton = brainmass.GammaHRFKernel(n=3.0, tau=1.08, delta=2.05)
    assert abs(t[np.argmax(boynton(t * u.second))] - 4.21) < 0.01


def test_value_of_a_kernel_does_not_depend_on_the_times_asked_for(x64):
    for make in (brainmass.GammaHRFKernel, brainmass.DoubleExponentialHRFKernel):
        alone = make()(3.0 * u.second)
        np.testing.assert_allclose(make()(np.array([1.0, 3.0, 9.0]) * u.second)[1], alone)
        np.testing.assert_allclose(make()(3000.0), alone)
        peak = make()(np.linspace(0, 30, 30_001) * u.second).max()
        np.testing.assert_allclose(peak, 0.1, rtol=1e-5)


def test_overdamped_volterra_kernel_is_finite_and_continuous(x64):
    t = np.linspace(0, 10, 11) * u.second
    edge = 4 * 0.8**2
    kernels = [brainmass.FirstOrderVolterraHRFKernel(tau_f=edge * f) for f in (0.9999, 1.0001)]
    np.testing.assert_allclose(kernels[0](t), kernels[1](t), atol=1e-4)
    strong = brainmass.FirstOrderVolterraHRFKernel(tau_f=100.0)
    gradient = jax.grad(lambda tau: brainmass.FirstOrderVolterraHRFKernel(tau_f=tau)(t).sum())
    assert np.isfinite(strong(t)).all()
    assert np.isfinite(gradient(100.0))


@pytest.mark.parametrize(
    "kernel", [brainmass.FirstOrderVolterraHRFKernel, brainmass.MixtureOfGammasHRFKernel]
)
def test_amplitude_is_the_integral_whatever_the_grid(x64, kernel):
    t = np.linspace(0, 20, 200_001)
    integral = np.trapezoid(np.asarray(kernel()(t * u.second)), t)
    for step in (2.0, 4.0, 8.0):
        bold = HRFBold(kernel=kernel(), downsample_period=step * MS)
        y = bold(np.ones((30_000, 1)), 1 * MS)
        np.testing.assert_allclose(y[-1], 5.6 * 0.02 * integral, rtol=1e-4)


def test_no_activity_gives_the_documented_baseline():
    nothing = np.zeros((30_000, 1))
    np.testing.assert_array_equal(HRFBold(method="direct")(nothing, 1 * MS), 0.0)
    tvb = HRFBold(scaling="tvb")(nothing, 1 * MS)
    np.testing.assert_allclose(tvb, -5.6 * 0.02, rtol=1e-6)
    other = HRFBold(scaling="tvb", kernel=brainmass.GammaHRFKernel())(nothing, 1 * MS)
    np.testing.assert_allclose(other, 0.0, atol=1e-9)


def test_tvb_scaling_grows_with_the_grid():
    y = [
        HRFBold(scaling="tvb", downsample_period=s * MS)(np.ones((30_000, 1)), 1 * MS)[-1, 0]
        for s in (4.0, 8.0)
    ]
    np.testing.assert_allclose((y[0] + 0.112) / (y[1] + 0.112), 2.0, rtol=0.01)


def test_convolution_modes_and_history_are_those_of_numpy(x64):
    rng = np.random.default_rng(0)
    past, x = rng.normal(size=(40, 2)), rng.normal(size=(200, 2))
    step = 0.005
    h = step * np.asarray(kernel()((np.arange(40) + 0.5) * step * u.second))
    for mode in ("valid", "same", "full"):
        for method in ("fft", "direct"):
            bold = HRFBold(
                period=20 * MS, downsample_period=5 * MS, kernel=kernel(),
                convolution_mode=mode, method=method, history=past,
            )  # fmt: skip
            columns = np.concatenate([past, x]).T
            full = np.stack([np.convolve(column, h, mode) for column in columns], axis=1)
            np.testing.assert_allclose(bold(x, 5 * MS), 0.112 * full[4::4], atol=1e-12)


def test_kernel_parameters_are_differentiated_while_streaming(x64):
    x = np.random.default_rng(1).normal(size=(400, 1))

    def value(tau):
        hrf = brainmass.GammaHRFKernel(tau=tau, duration=0.5 * u.second)
        settings = {"period": 40 * MS, "downsample_period": 10 * MS, "method": "direct"}
        return (HRFBold(kernel=hrf, **settings)(x, 5 * MS) ** 2).sum()

    expected = (value(0.02 + 1e-6) - value(0.02 - 1e-6)) / 2e-6
    np.testing.assert_allclose(jax.grad(value)(0.02), expected, rtol=1e-6)

"""Series and objectives that the tests of objectives share."""

import brainunit as u
import jax
import numpy as np

from brainmass import objectives


def series(seed=0, time=120, region=5):
    """Correlated random series with a slow common part."""
    rng = np.random.default_rng(seed)
    common = np.cumsum(rng.normal(size=(time, 2)), axis=0) * 0.3
    return rng.normal(size=(time, region)) + common @ rng.normal(size=(2, region))


def finite_difference(f, x, eps=1e-6):
    steps = eps * np.eye(x.size).reshape(-1, *x.shape)
    slope = jax.jit(jax.vmap(lambda step: (f(x + step) - f(x - step)) / (2 * eps)))
    return np.asarray(slope(steps)).reshape(x.shape)


def _bare(loss):
    """The loss without its unit, so that it can be differentiated."""
    return lambda pred, target: u.get_mantissa(loss(pred, target))


MS = 1.0 * u.ms
BANDS = {"low": (50 * u.Hz, 200 * u.Hz), "high": (200 * u.Hz, 400 * u.Hz)}

FC_RMSE = objectives.fc_rmse()
OBJECTIVES = {
    "timeseries_rmse": objectives.timeseries_rmse(),
    "fc_corr": objectives.fc_corr(as_loss=True),
    "fc_rmse": objectives.fc_rmse(),
    "cosine_sim": objectives.cosine_sim(as_loss=True),
    "fcd": objectives.fcd(20, 10, as_loss=True),
    "fcd_ks": objectives.fcd_ks(20, 10),
    "fcd_wasserstein": objectives.fcd_wasserstein(20, 10),
    "combine": objectives.combine((1.0, objectives.timeseries_rmse()), (2.0, objectives.fc_rmse())),
    "psd_distance": objectives.psd_distance(MS),
    "relative psd": objectives.psd_distance(MS, band=BANDS["low"], relative=True),
    "band_power_distance": objectives.band_power_distance(MS, BANDS),
    "relative bands": objectives.band_power_distance(MS, BANDS, relative=True),
    "peak_frequency_distance": _bare(objectives.peak_frequency_distance(MS)),
    "metastability_distance": objectives.metastability_distance(),
    "phase_coherence_distance": objectives.phase_coherence_distance(dt=MS, band=BANDS["low"]),
}
GRADIENTS = {name: jax.jit(jax.value_and_grad(f)) for name, f in OBJECTIVES.items()}

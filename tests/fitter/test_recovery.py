"""Known parameters are found again, by every backend, from data with noise of their own."""

import brainunit as u
import numpy as np
import pytest

from benchmarks.recoveries import small

# Three times the root mean square error over eight seeds of the noise in the fit: what a recording
# of this length leaves open, whatever the search.
WITHIN = {
    "hopf": {"a": 0.006, "w": 0.003},
    "connectivity": {"coupling.k": 0.05, "speed": 0.4},
    "jansen_rit": {"Ae": 0.12, "Ai": 1.9},
    "ornstein_uhlenbeck": {"noise_x.sigma": 0.036, "noise_x.tau": 3.7},
}
# How far backends may be apart: they look at the same data.
TOGETHER = {"hopf": 0.001, "connectivity": 0.1, "jansen_rit": 0.05, "ornstein_uhlenbeck": 0.3}


@pytest.mark.parametrize("name", WITHIN)
def test_every_backend_finds_the_known_parameters(name):
    problem = small()[name]()
    found = {}
    for way in problem.ways:
        result, _ = problem.fit(way)
        errors = problem.errors(result)
        for parameter, limit in WITHIN[name].items():
            assert errors[parameter] < limit, (way, errors)
        assert result.fitter.evaluate().loss == result.best_loss
        found[way] = result
    for parameter, true in problem.truth.items():
        unit = u.get_unit(true)
        values = [
            np.asarray(u.Quantity(r.best_params[parameter]).to_decimal(unit))
            for r in found.values()
        ]
        assert np.max(np.ptp(values, axis=0)) < TOGETHER[name], (parameter, values)


def test_only_searches_that_look_around_cross_the_jumps_of_a_bistable_model():
    problem = small()["montbrio"]()
    noise = 0.02
    for way in ("scipy", "nevergrad", "grad, 16 starts"):
        result, _ = problem.fit(way)
        errors = problem.errors(result)
        assert errors["eta"] < 0.05, (way, errors)
        assert errors["J"] < 0.1, (way, errors)
        assert result.best_loss < 1.5 * noise
    ends = np.array(result.history[-16:])  # of the 16 starts
    assert np.sum(ends > 5 * noise) > 8  # most starts on their own end before a jump

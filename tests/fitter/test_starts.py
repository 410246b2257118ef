"""Several starts at once, several objectives at once, priors."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import L2Reg, Param
from fitter_models import SPACE, Bowl, Gain, adam, bowl, parabola

import brainmass
from brainmass import Fitter, objectives
from brainmass._errors import UnitError
from brainmass.fitter import NormalPrior


class Wave(brainstate.nn.Module):
    """A loss with many minima in a bounded parameter, the deepest at 3."""

    def __init__(self, value=-2.0):
        super().__init__()
        self.p = Param(value, fit=True)


def waves(model):
    p = model.p.value()
    return 1.0 - jnp.cos(4.0 * (p - 3.0)) + 0.05 * (p - 3.0) ** 2


WIDE = {"p": (-5.0, 5.0)}


def test_several_starts_find_what_one_does_not():
    one = Fitter(Wave(), adam(0.05), loss_fn=waves).fit(n_steps=80, seed=0)
    assert one.best_loss > 0.3
    fitter = Fitter(Wave(), adam(0.05), loss_fn=waves, n_starts=24, search_space=WIDE)
    many = fitter.fit(n_steps=80, seed=0)
    assert many.best_loss < 1e-2
    assert float(fitter.model.p.value()) == pytest.approx(3.0, abs=0.05)
    assert fitter.evaluate().loss == many.best_loss
    assert fitter.evaluate(many.best_params).loss == many.best_loss
    assert len(many.history) == 80 * 24
    starts = many.history["start"]
    first = many.history["loss"][starts == 0]
    assert np.allclose(first, one.history["loss"], rtol=1e-5)
    begins = many.history["p"][:24]
    assert begins[0] == -2.0
    assert np.all((begins >= -5.0) & (begins <= 5.0))
    assert begins.std() > 1.0


def test_several_starts_follow_their_seed_and_compile_nothing_more(compile_count):
    def fitter():
        return Fitter(Bowl(), adam(0.1), loss_fn=bowl, n_starts=4, search_space=SPACE)

    a, b, c = (fitter().fit(n_steps=3, seed=seed) for seed in (1, 1, 2))
    assert a.history[:] == b.history[:]
    assert a.history[:] != c.history[:]
    again = fitter()
    again.fit(n_steps=5, seed=1)
    with compile_count:
        again.fit(n_steps=5, seed=3)
    assert compile_count.n == 0


def test_several_starts_survive_one_that_is_lost():
    def loss(model):
        p = model.p.value()
        return jnp.where(p < 0.0, jnp.nan, (p - 1.0) ** 2)

    fitter = Fitter(Wave(0.5), adam(0.1), loss_fn=loss, n_starts=8, search_space=WIDE)
    with pytest.warns(RuntimeWarning, match="the loss was NaN"):
        result = fitter.fit(n_steps=60, seed=0)
    assert result.best_loss < 1e-3
    assert result.n_failed > 0
    fitter.start(n_steps=3, seed=0)
    fitter.set(p=1.0)
    with pytest.warns(RuntimeWarning, match="the loss was NaN"):
        assert fitter.step()["loss"] == 0.0


def test_starts_are_drawn_within_declared_bounds():
    node = brainmass.HopfStep(1, a=Param(0.1, fit=True))
    fitter = Fitter(node, adam(), loss_fn=lambda m: jnp.sum(m.a.value() ** 2), n_starts=50)
    begins = fitter.fit(n_steps=1, seed=0).history["a"]
    low, high = node.a.spec.bounds
    assert low <= begins.min() < low + 0.2 * (high - low)
    assert high - 0.2 * (high - low) < begins.max() <= high


def trade(model):
    """Two aims that pull apart: the front is the segment from (0, 0) to (1, 2)."""
    return {"left": model.w.value(), "right": model.w.value() - jnp.array([1.0, 2.0])}


AIMS = {
    "left": lambda prediction, target: jnp.sum(prediction**2),
    "right": lambda prediction, target: jnp.sum(prediction**2),
}


class Two(brainstate.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = Param(jnp.zeros(2), fit=True)


def test_a_pareto_front_holds_the_trade_offs_and_nothing_else():
    fitter = Fitter(
        Two(), {"method": "DE", "n_sample": 20}, predict=trade, objective=AIMS,
        backend="nevergrad", search_space={"w": (-3.0, 3.0)}, pareto=True,
    )  # fmt: skip
    result = fitter.fit(n_steps=25, seed=0)
    front = result.pareto
    assert len(front) >= 8
    assert front.losses["left"].min() < 0.2
    assert front.losses["right"].min() < 0.2
    assert np.all(np.diff(front.losses["left"]) > 0)
    assert np.all(np.diff(front.losses["right"]) < 0)
    root = np.sqrt(front.losses["left"]) + np.sqrt(front.losses["right"])
    assert np.all(root >= np.sqrt(5) - 1e-3)  # the distance of the two aims
    assert np.median(root) < 1.2 * np.sqrt(5)
    for k in (0, len(front) - 1):
        parts = fitter.evaluate(front.params[k]).parts
        assert parts["left"] == front.losses["left"][k]
    near = front.choose(left=100.0)["w"]
    assert np.linalg.norm(near) < np.linalg.norm(front.choose(right=100.0)["w"])
    assert result.best_loss == pytest.approx(
        min(a + b for a, b in zip(front.losses["left"], front.losses["right"], strict=True)),
        rel=1e-5,
    )
    assert front.plot().get_xlabel() == "left"
    with pytest.raises(ValueError, match="weights must be for 'left', 'right'; got 'up'"):
        front.choose(up=1.0)


def test_bad_fronts_and_starts_are_refused():
    with pytest.raises(ValueError, match="pareto needs backend='nevergrad'"):
        Fitter(Gain(), loss_fn=parabola, pareto=True)
    with pytest.raises(ValueError, match="n_starts must be a whole number"):
        Fitter(Gain(), loss_fn=parabola, n_starts=0)
    with pytest.raises(ValueError, match="n_starts needs backend='grad'"):
        Fitter(Gain(), loss_fn=parabola, n_starts=3, backend="scipy")
    with pytest.raises(ValueError, match="must have an entry for 'gain'"):
        Fitter(Gain(), loss_fn=parabola, n_starts=3)
    fitter = Fitter(
        Gain(), loss_fn=parabola, backend="nevergrad", pareto=True,
        search_space={"gain": (-5.0, 5.0)},
    )  # fmt: skip
    with pytest.raises(ValueError, match="at least two parts; got 1"):
        fitter.fit()


# -- priors ------------------------------------------------------------------------------------


def test_a_prior_with_units_pulls_the_parameter():
    class Cell(brainstate.nn.Module):
        def __init__(self, prior):
            super().__init__()
            self.v = Param(3.0 * u.mV, reg=prior, fit=True)

    def loss(model, target):  # negative log-likelihood of one measurement with sd 1 mV
        return 0.5 * ((model.v.value() - target) / u.mV) ** 2

    prior = NormalPrior(2.0e-3 * u.volt, 1.0 * u.mV)
    result = Fitter(Cell(prior), adam(0.05), loss_fn=loss).fit(6.0 * u.mV, 200)
    assert abs(result.best_params["v"] - 4.0 * u.mV) < 0.05 * u.mV  # half way, by Bayes
    assert set(result.parts) == {"loss_fn", "regularization"}
    assert sum(result.parts.values()) == pytest.approx(result.best_loss, rel=1e-5)
    assert prior.reset_value().unit == u.volt
    assert prior.sample_init((5,)).shape == (5,)
    with pytest.raises(UnitError, match=r"sd must have the unit of the mean \[mV\]; got \[ms\]"):
        NormalPrior(2.0 * u.mV, 1.0 * u.ms)
    with pytest.raises(ValueError, match="sd positive"):
        NormalPrior(2.0 * u.mV, 0.0 * u.mV)
    with pytest.raises(UnitError, match=r"unit of the parameter \[mV\]; got \[1\]"):
        Fitter(Cell(NormalPrior(2.0, 1.0)), loss_fn=loss).fit(6.0 * u.mV)


def test_a_loss_function_that_asks_for_the_regularisation_itself_is_not_given_it_twice():
    def own(model):
        return parabola(model) + model.reg_loss()

    for loss in (parabola, own):
        model = Gain(1.0, reg=L2Reg(weight=0.5))
        result = Fitter(model, adam(0.05), loss_fn=loss).fit(n_steps=100)
        assert result.history[0] == pytest.approx(1.5)
        assert float(result.best_params["gain"]) == pytest.approx(4 / 3, abs=0.02)
        assert model.gain.reg_loss.__self__ is model.gain  # what was watched is given back


def test_regularisation_counts_in_every_backend():
    for backend in ("scipy", "nevergrad"):
        model = Gain(1.0, reg=L2Reg(weight=0.5))
        fitter = Fitter(
            model, {"scipy": None, "nevergrad": {"method": "OnePlusOne"}}[backend],
            loss_fn=parabola, backend=backend, search_space={"gain": (-5.0, 5.0)},
        )  # fmt: skip
        result = fitter.fit(n_steps={"scipy": 1, "nevergrad": 20}[backend], seed=0)
        assert float(result.best_params["gain"]) == pytest.approx(4 / 3, abs=0.1)
        assert "regularization" in result.history.columns


def test_objectives_of_matrices_are_targets():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(60, 4))
    known = mixing @ rng.normal(size=(4, 4))

    class Mix(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.m = Param(jnp.eye(4), fit=True)

    fitter = Fitter(
        Mix(), adam(0.05), predict=lambda m: mixing @ m.m.value(),
        objective=objectives.fc_rmse(target_is_fc=True),
    )  # fmt: skip
    result = fitter.fit(np.corrcoef(known.T), n_steps=200)
    assert result.best_loss < 0.02 < result.history[0]

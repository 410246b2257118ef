"""Searches without gradients in the space of the model."""

import brainstate
import braintools
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param, SigmoidT
from fitter_models import SPACE, Bowl, adam, bowl

import brainmass
from brainmass import Fitter
from brainmass._errors import UnitError


@pytest.fixture(params=["nevergrad", "scipy", "differential_evolution"])
def search(request):
    """Backend, optimiser and number of steps that find the bottom of the bowl."""
    if request.param == "nevergrad":
        return {"backend": "nevergrad", "optimizer": {"method": "CMA", "n_sample": 12}}, 40
    if request.param == "scipy":
        return {"backend": "scipy"}, 2
    options = {"method": "differential_evolution", "options": {"maxiter": 60}}
    return {"backend": "scipy", "optimizer": options}, 1


def test_searches_in_a_box_find_the_minimum_with_units_and_arrays(search):
    arguments, n_steps = search
    model = Bowl()
    fitter = Fitter(model, loss_fn=bowl, search_space=SPACE, **arguments)
    result = fitter.fit(n_steps=n_steps, seed=1)
    assert result.best_loss < 1e-2
    assert abs(result.best_params["v"] - 3.0 * u.mV) < 0.1 * u.mV
    assert np.allclose(result.best_params["w"], [1.0, 2.0], atol=0.1)
    assert model.v.value() == result.best_params["v"]
    assert repr(result).startswith(f"FitResult(backend='{arguments['backend']}', best_loss=")
    assert fitter.evaluate().loss == result.best_loss
    assert fitter.evaluate(result.best_params).loss == pytest.approx(result.best_loss, rel=1e-3)


def test_searches_in_a_box_start_from_the_present_values(search):
    arguments, _ = search
    fitter = Fitter(Bowl(2.0 * u.mV, (1.0, 2.0)), loss_fn=bowl, search_space=SPACE, **arguments)
    result = fitter.fit(n_steps=1, seed=1)
    assert min(result.history[:40]) <= 1.0 + 1e-4
    assert np.isclose(np.asarray(result.history), 1.0, atol=1e-4).any()


def test_searches_in_a_box_follow_their_seed(search):
    arguments, _ = search
    runs = [
        Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments).fit(n_steps=2, seed=seed)
        for seed in (3, 3, 4)
    ]
    assert runs[0].history[:] == runs[1].history[:]
    assert runs[0].history[:] != runs[2].history[:]
    brainstate.random.seed(0)
    first = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments).fit(n_steps=2)
    brainstate.random.seed(0)
    again = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments).fit(n_steps=2)
    assert first.history[:] == again.history[:]


def test_searches_in_a_box_record_every_candidate(search):
    arguments, _ = search
    fitter = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, **arguments)
    result = fitter.fit(n_steps=2, seed=0)
    values = result.history["v"].to_decimal(u.mV)
    others = result.history["w"]
    assert values.shape == (len(result.history),)
    assert others.shape == (len(result.history), 2)
    known = (values - 3.0) ** 2 + ((others - np.array([1.0, 2.0])) ** 2).sum(axis=1)
    assert np.allclose(known, result.history["loss"], rtol=1e-4, atol=1e-4)
    assert np.all(np.diff(result.history["best_loss"]) <= 0)


def test_searches_in_a_box_survive_nan(search):
    arguments, n_steps = search

    def loss(model):
        return jnp.where(model.v.value() > 4.0 * u.mV, jnp.nan, bowl(model))

    fitter = Fitter(Bowl(), loss_fn=loss, search_space=SPACE, **arguments)
    if arguments["backend"] == "scipy" and "optimizer" not in arguments:
        fitter.start(n_steps=3, seed=1)
        fitter.set(v=9.0 * u.mV)
    else:
        fitter.start(n_steps=n_steps, seed=1)
    with pytest.warns(RuntimeWarning, match="Such points count as bad ones"):
        result = fitter.resume()
    assert result.n_failed > 0
    assert result.best_loss < 0.1


def test_searches_in_a_box_call_back_print_and_stop(search, capsys):
    arguments, _ = search
    seen = []

    def look(report):
        gap = float(bowl(report["model"])) - report["loss"]
        seen.append((report["step"], gap))
        return report["step_done"] and report["step"] == 1

    fitter = Fitter(Bowl(), loss_fn=bowl, search_space=SPACE, callbacks=look, **arguments)
    result = fitter.fit(n_steps=9, verbose=1, seed=0)
    assert result.message == "a callback returned True"
    assert result.n_steps == 2
    assert np.allclose([gap for _, gap in seen], 0.0, atol=1e-4)
    if arguments["backend"] == "scipy":  # a step is a whole search, and each of its calls is told
        assert sum(step == 0 for step, _ in seen) > 3
    lines = [x for x in capsys.readouterr().out.splitlines() if "evaluation" not in x]
    assert [line.split(":")[0] for line in lines] == ["step 1/9", "step 2/9"]


def test_searches_in_a_box_compile_nothing_after_the_first_step(search, compile_count):
    arguments, _ = search
    fitter = Fitter(
        Bowl(),
        predict=lambda m: m.w.value() * (m.v.value() / u.mV),
        search_space=SPACE,
        **arguments,
    )
    fitter.fit(np.ones(2), n_steps=2, seed=0)
    with compile_count:
        fitter.fit(np.zeros(2), n_steps=2, seed=1)
    assert compile_count.n == 0


@pytest.mark.parametrize(
    "method",
    ["Nelder-Mead", "Powell", "CG", "BFGS", "TNC", "SLSQP", "Newton-CG", "COBYLA", "trust-ncg"],
)
def test_every_kind_of_scipy_method_works(x64, method):
    fitter = Fitter(Bowl(), method, loss_fn=bowl, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=1)
    assert result.best_loss < 1e-3
    assert result.raw.success


def test_scipy_constraints_are_on_the_physical_values(x64):
    positive = {"type": "ineq", "fun": lambda x: 2.0 - x[0]}  # v <= 2 mV
    optimizer = {"method": "SLSQP", "constraints": [positive]}
    fitter = Fitter(Bowl(), optimizer, loss_fn=bowl, backend="scipy", search_space=SPACE)
    result = fitter.fit(n_steps=1)
    assert result.best_params["v"].to_decimal(u.mV) == pytest.approx(2.0, abs=1e-4)


def test_nevergrad_settings_are_used():
    optimizer = {"method": "DE", "n_sample": 5, "method_params": {"popsize": 10}, "seed": 2,
                 "use_nevergrad_recommendation": True}  # fmt: skip
    fitter = Fitter(Bowl(), optimizer, loss_fn=bowl, backend="nevergrad", search_space=SPACE)
    result = fitter.fit(n_steps=4)
    assert len(result.history) == 20
    assert set(result.raw) == {"v", "w"}
    with pytest.raises(ValueError, match=r"method must be one of nevergrad's.*'TwoPointsDE'"):
        Fitter(Bowl(), "TwoPointDE", loss_fn=bowl, backend="nevergrad", search_space=SPACE)
    with pytest.raises(ValueError, match="n_sample must be a whole number"):
        Fitter(Bowl(), {"n_sample": 0}, loss_fn=bowl, backend="nevergrad", search_space=SPACE)


def test_bounds_come_from_the_transform_or_the_declaration():
    class Model(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.node = brainmass.JansenRitStep(1, Ae=Param(3.25e-3 * u.volt, fit=True))
            self.s = Param(0.5 * u.ms, t=SigmoidT(0.0 * u.ms, 2.0 * u.ms))

    def loss(model):
        gain = model.node.Ae.value() / (1.0 * u.mV)
        return (gain - 20.0) ** 2 + ((model.s.value() / u.ms) - 1.5) ** 2

    fitter = Fitter(Model(), loss_fn=loss, backend="scipy")
    result = fitter.fit(n_steps=1)
    high = result.model.node.Ae.spec.bounds[1]
    assert result.best_params["node.Ae"].to_decimal(u.mV) == pytest.approx(high, rel=1e-4)
    assert result.best_params["s"].to_decimal(u.ms) == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(
    ("space", "error", "text"),
    [
        ({"w": (0.0, 1.0)}, ValueError, r"must have an entry for 'v', which has no bounds"),
        ({**SPACE, "x": (0.0, 1.0)}, ValueError, r"among 'v', 'w'; got 'x'"),
        ({**SPACE, "w": (1.0, -1.0)}, ValueError, r"low < high; got 1 and -1"),
        ({**SPACE, "w": (0.0, np.inf)}, ValueError, "must be finite"),
        ({**SPACE, "w": 3.0}, ValueError, r"must be a pair \(low, high\); got 3"),
        ({**SPACE, "w": (np.zeros(3), np.ones(3))}, ValueError, r"its shape \(2,\); got \(3,\)"),
        ({**SPACE, "v": (0.0, 1.0)}, UnitError, r"must be in \[mV\]; got \[1\]"),
    ],
)
def test_bad_search_spaces_are_refused(space, error, text):
    with pytest.raises(error, match=text):
        Fitter(Bowl(), loss_fn=bowl, backend="scipy", search_space=space)


def test_a_start_outside_of_the_bounds_is_refused():
    fitter = Fitter(Bowl(w=(0.0, 7.0)), loss_fn=bowl, backend="scipy", search_space=SPACE)
    with pytest.raises(
        ValueError, match=r"'w' must start inside its bounds of -5 to 5 \[1\]; got 7"
    ):
        fitter.fit()


def test_bad_optimisers_of_scipy_are_refused():
    for wrong, error, text in (
        ("gradient", ValueError, "method of backend='scipy' must be one of 'CG'"),
        ({"methods": "CG"}, ValueError, "must use the keys 'method'"),
        (braintools.optim.Adam(lr=0.1), TypeError, "must be the name of a method or a dict"),
        ({"method": "SLSQP", "constraints": 3}, TypeError, "constraints must be dicts"),
    ):
        with pytest.raises(error, match=text):
            Fitter(Bowl(), wrong, loss_fn=bowl, backend="scipy", search_space=SPACE).fit(n_steps=1)


def test_learning_rates_belong_to_gradients():
    fitter = Fitter(Bowl(), loss_fn=bowl, backend="scipy", search_space=SPACE)
    fitter.start(n_steps=2)
    with pytest.raises(ValueError, match="learning_rate needs backend='grad'"):
        fitter.set(learning_rate=0.1)


def test_backends_agree_on_a_simulated_recovery():
    def predict(model):
        run = brainmass.Simulator(model, dt=0.1 * u.ms).run(30 * u.ms, monitors="x")
        return run["x"]

    data = predict(brainmass.HopfStep(1, a=0.4, w=0.3, init_x=0.2))
    found = {}
    for backend, optimizer, n_steps in (
        ("grad", adam(0.02), 80),
        ("scipy", None, 1),
        ("scipy", "Nelder-Mead", 1),
    ):
        node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=Param(0.25, fit=True), init_x=0.2)
        result = Fitter(node, optimizer, predict=predict, backend=backend).fit(
            data, n_steps=n_steps
        )
        found[backend, optimizer and str(optimizer)[:3]] = result.best_params
    for params in found.values():
        assert float(params["a"]) == pytest.approx(0.4, abs=0.02)
        assert float(params["w"]) == pytest.approx(0.3, abs=0.005)


class Readout(brainstate.nn.Module):
    """A linear layer, whose parameter is a dict."""

    def __init__(self):
        super().__init__()
        self.layer = brainstate.nn.Linear(2, 1)


@pytest.mark.parametrize("low", [-4.0, {"weight": np.full((2, 1), -4.0), "bias": -1.0}])
def test_parameters_that_are_dicts_are_searched_in_a_box(low):
    x = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    fitter = Fitter(
        Readout(),
        predict=lambda m, x: m.layer(x),
        backend="scipy",
        search_space={"layer.weight": (low, 4.0)},
    )
    result = fitter.fit(x @ np.array([[1.0], [-2.0]]) + 0.5, n_steps=1, inputs=x)
    found = result.best_params["layer.weight"]
    assert np.allclose(np.ravel(found["weight"]), [1.0, -2.0], atol=1e-2)
    assert float(found["bias"][0]) == pytest.approx(0.5, abs=1e-2)
    assert fitter.evaluate(result.best_params).loss == result.best_loss


def test_bounds_that_are_dicts_must_be_like_the_parameter():
    with pytest.raises(ValueError, match="that are dicts must have the entries of its value"):
        Fitter(
            Readout(), predict=lambda m, x: m.layer(x), backend="scipy",
            search_space={"layer.weight": ({"weights": -1.0}, 1.0)},
        )  # fmt: skip

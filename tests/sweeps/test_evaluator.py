"""Points that come in generations, as from a derivative-free optimiser."""

import brainunit as u
import numpy as np
import pytest
from sweeps.conftest import simulator, spread

import brainmass
from brainmass.sweeps import Evaluator


def evaluator(model, names, **settings):
    settings = {"duration": 40 * u.ms, "monitors": "node.x", "reduce": {"sd": spread}, **settings}
    return Evaluator(simulator(model), names, **settings)


def test_generations_share_one_program_and_equal_single_runs(noisy, compile_count):
    evaluate = evaluator(noisy, ["node.a", "k"])
    evaluate({"node.a": [0.1, 0.2], "k": [0.3, 0.4]})
    with compile_count:
        out = evaluate({"k": [0.5, 0.6, 0.2], "node.a": [0.3, 0.25, 0.1]}, seeds=[7])
    assert compile_count.n == 0
    noisy.node.a, noisy.k = 0.25, 0.6
    lone = simulator(noisy).run(40 * u.ms, monitors="node.x", seed=7)["node.x"]
    np.testing.assert_array_equal(out["sd"][1, 0], np.asarray(lone).std(0))
    assert out["diverged"].shape == (3, 1)


def test_a_nevergrad_fit_finds_the_parameters_of_a_recording(network):
    """Ask for a generation, evaluate it together, tell the losses."""
    import nevergrad

    target = np.asarray(simulator(network).run(40 * u.ms, monitors="node.x", seed=0)["node.x"])
    evaluate = evaluator(
        network, ["node.a", "k"],
        reduce={"loss": lambda r: np.mean((np.asarray(r["node.x"]) - target) ** 2)},
    )  # fmt: skip
    search = nevergrad.p.Instrumentation(
        nevergrad.p.Scalar(lower=-0.5, upper=0.5), nevergrad.p.Scalar(lower=0.0, upper=1.0)
    )
    search.random_state = np.random.RandomState(0)
    optimizer = nevergrad.optimizers.DE(search, budget=600, num_workers=12)
    for _ in range(20):
        asked = [optimizer.ask() for _ in range(12)]
        a, k = np.array([point.args for point in asked]).T
        for point, loss in zip(asked, evaluate({"node.a": a, "k": k})["loss"], strict=True):
            optimizer.tell(point, float(loss))
    a, k = optimizer.provide_recommendation().args
    assert abs(a - 0.2) < 0.03
    assert abs(k - 0.5) < 0.1


def test_points_that_diverge_are_nan(network):
    out = evaluator(network, ["node.beta"])({"node.beta": [1.0, -1.0]})
    assert out["diverged"].tolist() == [False, True]
    assert np.isnan(out["sd"][1]).all()
    assert np.isfinite(out["sd"][0]).all()


def test_the_names_must_be_given(network):
    evaluate = evaluator(network, ["k"])
    with pytest.raises(
        ValueError, match=r"Evaluator: points must give values for 'k'; got \['a'\]"
    ):
        evaluate({"a": [1.0]})
    with pytest.raises(ValueError, match="params of Network must be among"):
        evaluator(network, ["a"])
    assert isinstance(brainmass.sweeps.Evaluator, type)

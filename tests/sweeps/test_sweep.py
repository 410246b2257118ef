"""What a sweep computes: the same as a loop over runs, with names, units and coordinates."""

import threading

import brainstate
import brainunit as u
import jax
import numpy as np
import pytest
from scipy import stats
from sweeps.conftest import WEIGHTS, make_network, simulator, spread

import brainmass

MS = u.ms


def sweep(model, params, **settings):
    settings = {"duration": 40 * MS, "monitors": "node.x", "progress": False, **settings}
    return brainmass.sweep(simulator(model), params, **settings)


def alone(model, **settings):
    return np.asarray(
        simulator(model).run(40 * MS, **{"monitors": "node.x", "seed": 0, **settings})["node.x"]
    )


def test_a_grid_equals_a_loop_bit_for_bit(noisy):
    a, k = np.array([-0.1, 0.2, 0.4]), [0.1, 0.9]
    result = sweep(noisy, {"node.a": a, "k": k}, reduce={"sd": spread}, seeds=[3, 8])
    assert result["sd"].dims == ("node.a", "k", "seed", "sd_0")
    for i, value in enumerate(a):
        for j, strength in enumerate(k):
            noisy.node.a, noisy.k = value, strength
            for m, seed in enumerate((3, 8)):
                np.testing.assert_array_equal(result["sd"][i, j, m], alone(noisy, seed=seed).std(0))
    assert result["seed"].values.tolist() == [3, 8]
    assert bool(result["finished"].all())
    assert not bool(result["diverged"].any())


def test_the_model_stays_as_it_is_and_nothing_compiles_for_other_values(noisy, compile_count):
    sweep(noisy, {"node.a": [0.1, 0.2]}, reduce={"sd": spread})
    programs = brainmass.engine.compile_count()
    with compile_count:
        sweep(noisy, {"node.a": [0.3, 0.35, 0.4]}, reduce={"sd": spread}, seeds=2)
        sweep(noisy, {"node.noise_x.sigma": [0.1, 0.2], "k": [0.3]}, reduce={"sd": spread})
    assert compile_count.n == 0
    assert brainmass.engine.compile_count() == programs
    np.testing.assert_allclose(noisy.node.a.value(), 0.2)
    np.testing.assert_allclose(noisy.node.noise_x.sigma.value(), 0.05)


def test_without_reduce_the_monitors_are_the_result(network):
    result = sweep(network, {"k": [0.1, 0.5]}, transient=20 * MS, sample_every=1 * MS)
    assert result["node.x"].dims == ("k", "time", "region")
    np.testing.assert_allclose(result["time"][[0, -1]], [21.0, 40.0])
    assert result["time"].attrs["units"] == "ms"
    np.testing.assert_array_equal(result["node.x"][1], alone(network)[209::10])


def test_parameters_and_results_carry_their_units_and_their_meaning():
    sim = simulator(brainmass.JansenRitStep(1))
    result = brainmass.sweep(
        sim, {"Ae": np.array([2.8e-3, 3.25e-3]) * u.volt}, duration=10 * MS, progress=False,
        reduce={"last": lambda r: r["output"][-1]},
    )  # fmt: skip
    assert result["Ae"].attrs == {"long_name": "excitatory synaptic gain", "units": "mV"}
    np.testing.assert_allclose(result["Ae"], [2.8, 3.25])
    sim.model.Ae = 3.25 * u.mV
    last = sim.run(10 * MS)["output"][-1]
    assert result["last"].attrs["units"] == str(last.unit)
    np.testing.assert_array_equal(result["last"][1], last.mantissa)


def test_regional_values_have_an_axis_of_regions(network):
    a = np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    result = sweep(network, {"node.a": a}, reduce={"sd": spread})
    assert result["node.a_values"].dims == ("node.a", "region")
    network.node.a = a[1]
    np.testing.assert_array_equal(result["sd"][1], alone(network).std(0))


def test_connectomes_of_other_edges_share_one_program(network, compile_count):
    weights = np.stack([WEIGHTS, np.triu(WEIGHTS), 2 * WEIGHTS * (WEIGHTS > 0.35)])
    result = sweep(network, {"conn": weights}, reduce={"sd": spread})
    assert result["conn_values"].dims == ("conn", "target", "source")
    for k, matrix in enumerate(weights):
        lone = alone(make_network(conn=matrix)).std(0)
        np.testing.assert_allclose(result["sd"][k], lone, rtol=1e-4)
    with compile_count:
        sweep(network, {"conn": weights[:, ::-1, ::-1][:2] + WEIGHTS}, reduce={"sd": spread})
    assert compile_count.n <= 1  # other edges than before: one program for both points


def test_speeds_share_one_program_per_factor_of_four(network):
    speeds = np.array([2.0, 5.0, 8.0, 40.0]) * u.mm / u.ms
    before = brainmass.engine.compile_count()
    result = sweep(network, {"speed": speeds}, reduce={"sd": spread})
    assert brainmass.engine.compile_count() - before <= 2
    for k in (0, 2):
        network.speed = speeds[k]
        np.testing.assert_allclose(result["sd"][k], alone(network).std(0), rtol=1e-4)


def test_initial_values_and_inputs_vary_too():
    sim = simulator(brainmass.HopfStep(3, a=0.2, w=0.3))
    pulses = [brainmass.stimuli.pulse(s, 1 * MS, 2 * MS) for s in (0.5, 1.0)]
    result = brainmass.sweep(
        sim, {"init_x": [0.0, 0.1], "inputs": pulses}, duration=5 * MS, monitors="x",
        reduce={"last": lambda r: r["x"][-1]}, progress=False,
    )  # fmt: skip
    sim.model.init_x = 0.1
    lone = sim.run(5 * MS, monitors="x", inputs=pulses[1])["x"][-1]
    np.testing.assert_array_equal(result["last"][1, 1], lone)


def test_methods_are_named_in_the_result(network):
    result = sweep(network, {"node.method": ["euler", "heun"]}, reduce={"sd": spread})
    assert result["node.method"].values.tolist() == ["euler", "heun"]
    lone = alone(network).std(0)
    np.testing.assert_array_equal(result["sd"].sel({"node.method": "heun"}), lone)
    assert not np.array_equal(result["sd"].sel({"node.method": "euler"}), lone)


def test_zip_takes_values_side_by_side(network):
    result = sweep(network, {"node.a": [0.1, 0.3], "k": [0.9, 0.2]}, mode="zip")
    assert result["node.x"].dims == ("point", "time", "region")
    assert result["k"].values.tolist() == [0.9, 0.2]
    network.node.a, network.k = 0.3, 0.2
    np.testing.assert_array_equal(result["node.x"][1], alone(network))


def test_common_noise_is_the_same_at_all_points_and_own_noise_is_not(noisy):
    settings = {"mode": "zip", "reduce": {"sd": spread}}
    twice = {"node.a": [0.2, 0.2]}
    common = sweep(noisy, twice, **settings)["sd"]
    np.testing.assert_array_equal(common[0], common[1])
    own = sweep(noisy, twice, common=False, **settings)["sd"]
    assert not np.allclose(own[0], own[1], rtol=1e-3)
    np.testing.assert_array_equal(own, sweep(noisy, twice, common=False, **settings)["sd"])


@pytest.mark.parametrize("sampler", ["uniform", "sobol", "latin"])
def test_random_points_follow_their_laws(network, sampler):
    params = {
        "node.a": (-0.5, 0.5),
        "speed": (1 * u.mm / u.ms, 100 * u.mm / u.ms, "log"),
        "k": stats.norm(1.0, 0.1),
        "node.w": lambda rng, n: rng.choice([0.1, 0.2], n),
    }
    from brainmass.sweeps._points import read_design

    design = read_design(network, params, "random", None, None, 256, sampler, 1)
    a, speed, k, w = (design.columns[n].numbers for n in params)
    assert abs(np.mean(a)) < 0.08
    assert np.all((a >= -0.5) & (a <= 0.5))
    assert stats.kstest(np.log10(speed) / 2, "uniform").pvalue > 1e-3
    assert stats.kstest(k, stats.norm(1.0, 0.1).cdf).pvalue > 1e-3
    assert set(w) == {0.1, 0.2}
    again = read_design(network, params, "random", None, None, 256, sampler, 1)
    np.testing.assert_array_equal(again.columns["speed"].numbers, speed)
    assert not design.common


def test_a_point_that_diverges_is_marked_and_the_others_are_not(network):
    beta = np.array([1.0, -1.0, 0.5])
    result = sweep(network, {"node.beta": beta, "k": [0.1, 0.2]}, reduce={"sd": spread})
    assert result["diverged"].values.tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert np.isfinite(result["sd"][[0, 2]]).all()
    assert np.isnan(result["sd"][1]).all()
    network.node.beta, network.k = -1.0, 0.2
    with pytest.raises(brainmass.DivergenceError) as caught:
        alone(network)
    here = result.isel({"node.beta": 1, "k": 1})
    assert str(here["diverged_state"].values) == caught.value.state
    assert int(here["diverged_region"]) == caught.value.region[0]
    np.testing.assert_allclose(here["diverged_time"], caught.value.time.mantissa, rtol=1e-6)
    assert result.attrs["points_diverged"] == 2


def test_a_function_that_fails_loses_nothing(network):
    def fails(result):
        if result["node.x"][-1, 0] > 0.2:
            raise RuntimeError("no such thing")
        return result["node.x"][-1]

    with pytest.raises(
        brainmass.SweepError, match=r"no such thing at node\.init_x = 0\.9"
    ) as found:
        sweep(
            network, {"node.init_x": [0.0, 0.01, 0.9]}, reduce={"x": fails}, duration=1 * MS,
            threads=1,
        )  # fmt: skip
    kept = found.value.result
    assert kept["finished"].values.tolist() == [True, True, False]
    assert isinstance(found.value.__cause__, RuntimeError)


def test_results_of_another_shape_are_refused(network):
    with pytest.raises(ValueError, match="'x' must have one shape at all points"):
        sweep(
            network, {"node.init_x": [0.0, 0.9]}, threads=1, duration=1 * MS,
            reduce={"x": lambda r: np.zeros(2 if r["node.x"][0, 0] > 0.5 else 3)},
        )  # fmt: skip


def test_functions_may_return_several_values_and_labelled_arrays(network):
    import xarray

    def several(result):
        x = np.asarray(result["node.x"])
        spectrum = xarray.DataArray(
            np.abs(np.fft.rfft(x, axis=0)), dims=("frequency", "region"),
            coords={"frequency": ("frequency", np.fft.rfftfreq(len(x), 0.1), {"units": "kHz"})},
        )  # fmt: skip
        return {"top": x.max(), "spectrum": spectrum}

    result = sweep(network, {"k": [0.1, 0.2]}, reduce=several)
    assert set(result.data_vars) >= {"value_top", "value_spectrum"}
    assert result["value_spectrum"].dims == ("k", "frequency", "region")
    assert result["frequency"].attrs["units"] == "kHz"


def test_arrays_for_inference_have_one_row_per_run(noisy):
    result = sweep(
        noisy, {"node.a": (0.0, 0.4), "speed": (5 * u.mm / u.ms, 15 * u.mm / u.ms)},
        mode="random", points=4, seeds=2, reduce={"sd": spread, "m": lambda r: r["node.x"].mean()},
    )  # fmt: skip
    theta, x, parameters, features = result.to_sbi()
    assert theta.shape == (8, 2)
    assert x.shape == (8, 4)
    assert parameters == ("node.a", "speed [mm / ms]") or parameters[1].startswith("speed [")
    assert features == ("sd[0]", "sd[1]", "sd[2]", "m")
    np.testing.assert_allclose(theta[2:4, 0], float(result["node.a"][1]), rtol=1e-6)
    assert len(np.unique(x[:, 3])) == 8
    grid = sweep(noisy, {"k": [0.1]}, reduce={"sd": spread})
    with pytest.raises(ValueError, match="noise must be independent"):
        grid.to_sbi()


def test_results_survive_pickling_and_selection(network):
    import pickle

    result = sweep(network, {"k": [0.1, 0.2]}, reduce={"sd": spread}, common=False)
    again = pickle.loads(pickle.dumps(result))
    assert again.identical(result)
    assert result.sel(k=[0.2]).to_sbi().theta.shape == (1, 1)


def test_two_sweeps_in_two_threads_do_not_meet(network):
    found, settings = {}, brainstate.environ.all()

    def work(k):
        brainstate.environ.set(**settings)
        found[k] = sweep(network, {"k": [k, k]}, mode="zip", reduce={"sd": spread}, threads=1)

    threads = [threading.Thread(target=work, args=(k,)) for k in (0.1, 0.8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, result in found.items():
        network.k = k
        np.testing.assert_array_equal(result["sd"][1], alone(network).std(0))


def test_precision_reaches_the_threads(x64, network):
    result = sweep(make_network(), {"k": [0.1]})
    assert result["node.x"].dtype == np.float64
    assert jax.config.jax_enable_x64


def observers():
    from brainmass import reducers

    bold = brainmass.BOLDSignal(3, source="node.x", period=200 * MS)
    return {
        "fc": reducers.FC("node.x"),
        "mean": reducers.Mean(lambda m: m.node.y.value),
        "bold": bold,
        "bold_fc": reducers.FC(bold),
    }


def test_reducers_and_observers_work_inside_the_loop(noisy):
    result = sweep(
        noisy, {"k": [0.1, 0.8]}, duration=2000 * MS, reduce={**observers(), "sd": spread},
        monitors="node.x",
    )  # fmt: skip
    assert result["fc"].dims == ("k", "region", "other_region")
    assert result["mean"].dims == ("k", "region")
    assert result["bold"].dims == ("k", "time_bold", "region")
    np.testing.assert_allclose(result["time_bold"], 200.0 * np.arange(1, 11))
    assert result["time_bold"].attrs["units"] == "ms"
    noisy.k = 0.8
    lone = simulator(noisy).run(2000 * MS, seed=0, monitors={**observers(), "node.x": "node.x"})
    for name in observers():
        np.testing.assert_array_equal(result[name][1], lone[name])
    np.testing.assert_array_equal(result["sd"][1], spread(lone))


def test_a_single_reducer_needs_no_name_and_no_monitor(noisy):
    from brainmass import reducers

    result = sweep(noisy, {"k": [0.1]}, reduce=reducers.Mean("node.x"), monitors=None)
    assert result["value"].dims == ("k", "region")
    assert "node.x" not in result

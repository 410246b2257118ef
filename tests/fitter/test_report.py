"""Intervals, stiff and sloppy directions, recovery; pictures and files of results."""

import brainstate
import brainunit as u
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from brainstate.nn import Param, SigmoidT
from fitter_models import SPACE, Bowl, Gain, adam, bowl, parabola

import brainmass
from brainmass import FitResult, Fitter, objectives
from brainmass.fitter import NormalPrior

T = np.linspace(0.0, 5.0, 200)


class Line(brainstate.nn.Module):
    """A regression line whose slope has a unit."""

    def __init__(self):
        super().__init__()
        self.slope = Param(0.9 * u.mV, fit=True)
        self.offset = Param(jnp.array([0.1]), fit=True)

    def series(self):
        return self.slope.value() * T + self.offset.value() * u.mV


def noisy_line(seed, size=0.3):
    noise = np.random.default_rng(seed).normal(size=T.shape)
    return (1.5 * T + 0.5 + size * noise) * u.mV


def fitted_line(seed=0):
    fitter = Fitter(
        Line(), predict=lambda m: m.series(), backend="scipy",
        search_space={"slope": (0 * u.mV, 3 * u.mV), "offset": (-2.0, 2.0)},
    )  # fmt: skip
    return fitter.fit(noisy_line(seed), n_steps=1, seed=0)


def test_intervals_of_a_regression_are_those_of_the_textbook(x64):
    result = fitted_line()
    report = result.report(level=0.95, recovery=False)
    design = np.stack([T, np.ones_like(T)])
    y = noisy_line(0).to_decimal(u.mV)
    known = np.linalg.lstsq(design.T, y, rcond=None)[0]
    residual = np.sqrt(np.sum((y - known @ design) ** 2) / (T.size - 2))
    errors = residual * np.sqrt(np.diagonal(np.linalg.inv(design @ design.T)))
    assert report.method == "fisher"
    assert report.residual == pytest.approx(residual, rel=1e-4)
    assert report.standard_errors["slope"].to_decimal(u.mV) == pytest.approx(errors[0], rel=1e-3)
    assert float(report.standard_errors["offset"][0]) == pytest.approx(errors[1], rel=1e-3)
    low, high = report.intervals["slope"]
    assert low.to_decimal(u.mV) == pytest.approx(known[0] - 1.95996 * errors[0], rel=1e-3)
    assert high.to_decimal(u.mV) == pytest.approx(known[0] + 1.95996 * errors[0], rel=1e-3)
    assert report.loss == report.best_loss == result.best_loss
    assert report.gradient_difference < 1e-4
    assert report.labels == ["offset[0]", "slope"]
    for text in ("fisher", "slope: ", "mV", "stiff:", "(the same)"):
        assert text in repr(report)


def test_intervals_cover_the_truth_as_often_as_they_say(x64):
    fitter = Fitter(
        Line(), predict=lambda m: m.series(), backend="scipy",
        search_space={"slope": (0 * u.mV, 3 * u.mV), "offset": (-2.0, 2.0)},
    )  # fmt: skip
    hits = 0
    for seed in range(60):
        report = fitter.fit(noisy_line(seed), n_steps=1).report(0.8, recovery=False)
        low, high = report.intervals["slope"]
        hits += bool(low < 1.5 * u.mV < high)
    assert 38 <= hits <= 57  # 48 expected, three standard deviations


def test_the_curvature_of_a_negative_log_likelihood_gives_its_standard_error(x64):
    def loss(model):
        return 0.5 * ((model.gain.value() - 2.0) / 0.25) ** 2

    result = Fitter(Gain(1.0), adam(0.1), loss_fn=loss).fit(n_steps=200)
    report = result.report(recovery=False)
    assert report.method == "laplace"
    assert float(report.standard_errors["gain"]) == pytest.approx(0.25, rel=1e-6)
    wider = result.report(scale=0.25, recovery=False)
    assert float(wider.standard_errors["gain"]) == pytest.approx(0.5, rel=1e-6)
    prior = Gain(1.0, reg=NormalPrior(2.0, 0.25))
    narrower = Fitter(prior, adam(0.1), loss_fn=loss).fit(n_steps=200).report(recovery=False)
    assert float(narrower.standard_errors["gain"]) == pytest.approx(0.25 / np.sqrt(2), rel=1e-6)


def test_intervals_stay_inside_the_range_of_a_transform(x64):
    model = Gain(0.5, t=SigmoidT(0.0, 1.0))
    data = 0.98 + 0.3 * np.random.default_rng(0).normal(size=20)
    result = Fitter(model, adam(0.3), predict=lambda m: m.gain.value() + jnp.zeros(20)).fit(
        data, n_steps=150
    )
    low, high = result.report(recovery=False).intervals["gain"]
    assert 0.0 < low < high <= 1.0


def test_sloppy_directions_and_what_is_not_determined_are_named(x64):
    class Sum(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (Param(x, fit=True) for x in (0.5, 0.3, 0.4))

    def predict(model):  # only the sum of a and b matters
        return (model.a.value() + model.b.value()) * T + model.c.value()

    data = T + 0.2 + 0.05 * np.random.default_rng(0).normal(size=T.size)
    report = (
        Fitter(Sum(), adam(0.05), predict=predict).fit(data, n_steps=300).report(recovery=False)
    )
    assert abs(report.sloppy[0]["a"] + report.sloppy[0]["b"]) < 1e-3
    assert "c" not in report.sloppy[0]
    assert report.stiff[0]["a"] == pytest.approx(report.stiff[0]["b"], rel=1e-3)
    assert np.isinf(report.standard_errors["a"])
    assert np.isinf(report.standard_errors["b"])
    assert np.isfinite(report.standard_errors["c"])
    assert any("determine nothing in 1 direction" in note for note in report.notes)
    assert report.condition > 1e6
    assert np.all(np.diff(report.eigenvalues) <= 0)


def test_a_point_that_is_no_minimum_is_recognised():
    result = Fitter(Gain(2.0), adam(0.0), loss_fn=lambda m: -(m.gain.value() ** 2)).fit(n_steps=1)
    assert any("no minimum" in note for note in result.report(recovery=False).notes)


def test_recovery_runs_the_same_fit_on_simulated_data_and_leaves_everything_as_it_was():
    result = fitted_line()
    model, history = result.model, list(result.history)
    report = result.report()
    recovery = report.recovery
    assert recovery.known["slope"] == result.best_params["slope"]
    assert recovery.start["slope"] == 0.9 * u.mV
    assert recovery.errors()["slope"] < 0.05
    error = float((recovery.found["slope"] - recovery.known["slope"]) / u.mV)
    assert 0 < abs(error) < 5 * float(report.standard_errors["slope"] / u.mV)
    assert recovery.loss <= recovery.loss_at_known
    assert model.slope.value() == result.best_params["slope"]
    assert list(result.history) == history
    assert result.fitter.evaluate().loss == result.best_loss
    assert "recovery from simulated data" in repr(report)


def test_recovery_of_a_noisy_network_from_a_matrix():
    rng = np.random.default_rng(0)
    weights = rng.random((4, 4))

    def network(k):
        node = brainmass.HopfStep(
            4, a=-0.05, w=0.25, noise_x=brainmass.WhiteNoise(4, sigma=0.05), init_x=0.0
        )
        return brainmass.Network(node, conn=weights, coupled_var="x", k=k)

    def predict(model):
        run = brainmass.Simulator(model, dt=0.5 * u.ms)
        return run.run(800 * u.ms, monitors="node.x", sample_every=4)["node.x"]

    target = np.corrcoef(np.asarray(predict(network(0.1))).T)
    fitter = Fitter(
        network(Param(0.05, fit=True)), adam(0.02), predict=predict,
        objective=objectives.fc_rmse(target_is_fc=True),
    )  # fmt: skip
    report = fitter.fit(target, n_steps=8, seed=0).report()
    assert report.method == "laplace"
    assert report.recovery is not None
    assert report.recovery.loss < 0.5
    shape = np.shape(report.recovery.known["coupling.k"])
    assert np.shape(report.recovery.found["coupling.k"]) == shape


def test_recovery_says_why_it_cannot_or_takes_a_function():
    result = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=3)
    report = result.report()
    assert report.recovery is None
    assert any("does not say what the model predicts" in note for note in report.notes)

    def distance(prediction, target):
        return (jnp.mean(prediction) - target) ** 2

    fitter = Fitter(Gain(), adam(), predict=lambda m: m.gain.value() * jnp.ones(5),
                    objective=distance)  # fmt: skip
    result = fitter.fit(2.0, n_steps=60)
    assert any("pass synthesize=" in note for note in result.report().notes)
    report = result.report(synthesize=lambda prediction: jnp.mean(prediction))
    assert report.recovery.errors()["gain"] < 0.01


def test_reports_of_other_fits_are_refused():
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    first = fitter.fit(n_steps=2)
    fitter.fit(n_steps=2)
    with pytest.raises(ValueError, match="got one that began another"):
        first.report()
    with pytest.raises(ValueError, match="got a result without one"):
        FitResult(backend="grad", best_loss=1.0, best_params={}).report()
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        fitter.result().report(1.5)
    with pytest.raises(ValueError, match="method must be 'auto'"):
        fitter.result().report(method="bayes")
    with pytest.raises(ValueError, match="needs timeseries_rmse as the objective"):
        fitter.result().report(method="fisher")


def test_large_layers_get_no_intervals_but_a_note():
    class Readout(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = brainstate.nn.Linear(30, 20)

    x = np.ones((4, 30), np.float32)
    result = Fitter(Readout(), adam(), predict=lambda m: m.layer(x)).fit(np.ones((4, 20)), 2)
    report = result.report(recovery=False)
    assert report.intervals == {}
    assert any("620 fitted numbers are too many" in note for note in report.notes)
    assert "FitReport" in repr(report)


# -- pictures and files --------------------------------------------------------------------------


def test_pictures_show_loss_parameters_and_prediction():
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    result = fitted_line()
    axes = result.plot(noisy_line(0))
    assert [ax.get_xlabel() for ax in axes] == ["evaluation", "evaluation", "sample"]
    assert axes[0].get_ylabel() == "loss [mV]"
    assert axes[2].get_ylabel() == "[mV]"
    labels = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert labels == ["offset", "slope [mV]"]
    with pytest.raises(ValueError, match="axes must be 3 axes; got 1"):
        result.plot(axes=axes[0])
    scalar = Fitter(Gain(), adam(), loss_fn=parabola).fit(n_steps=3)
    assert len(scalar.plot()) == 2
    plt.close("all")


def same(a, b):
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, u.Quantity):
        return a.unit == b.unit and same(a.mantissa, b.mantissa)
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("kind", ["line", "bowl", "layer", "pareto", "dict"])
def test_a_saved_result_comes_back_bit_for_bit(kind, tmp_path):
    if kind == "line":
        result = fitted_line()
    elif kind == "bowl":
        fitter = Fitter(Bowl(), adam(), loss_fn=lambda m: (bowl(m), {"seven": jnp.ones(2)}))
        result = fitter.fit(n_steps=3, validation=None, seed=4)
    elif kind == "layer":

        class Readout(brainstate.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = brainstate.nn.Linear(3, 1)

        x = np.ones((4, 3), np.float32)
        result = Fitter(Readout(), adam(), predict=lambda m: m.layer(x)).fit(np.ones((4, 1)), 3)
    elif kind == "pareto":
        parts = {"a": lambda p, t: jnp.sum(p**2), "b": lambda p, t: jnp.sum((p - 1.0) ** 2)}
        result = Fitter(
            Bowl(), predict=lambda m: {"a": m.w.value(), "b": m.w.value()}, objective=parts,
            backend="nevergrad", search_space=SPACE, pareto=True,
        ).fit(n_steps=3, seed=0)  # fmt: skip
    else:
        node = brainmass.HopfStep(1, a=Param(0.1, fit=True), init_x=0.2)
        run = lambda m: brainmass.Simulator(m, dt=0.1 * u.ms).run(2 * u.ms, monitors="x")  # noqa: E731
        result = Fitter(node, predict=run).fit(np.ones((20, 1)), n_steps=2)
    file = tmp_path / "fit.nc"
    result.save(file)
    loaded = FitResult.load(file)
    assert repr(loaded) == repr(result)
    for name in ("best_loss", "n_steps", "seed", "message", "interrupted", "n_failed", "parts"):
        assert getattr(loaded, name) == getattr(result, name)
    assert loaded.loss_unit == result.loss_unit
    assert same(loaded.best_params, result.best_params)
    assert same(loaded.prediction, result.prediction) or result.prediction is None
    assert loaded.history.columns == result.history.columns
    assert loaded.history[:] == result.history[:]
    for name in result.history.columns:
        if not isinstance(result.history[name], list):
            assert same(loaded.history[name], result.history[name])
    if kind == "pareto":
        assert same(loaded.pareto.losses, result.pareto.losses)
        assert all(map(same, loaded.pareto.params, result.pareto.params))
    if kind == "bowl":
        assert same(loaded.aux, result.aux)
    dataset = brainmass.to_xarray(result)
    assert dataset.attrs["brainmass_version"] == brainmass.__version__
    if kind == "bowl":
        facts = brainmass.io.info(file)
        assert (facts["seed"], facts["model"]) == (4, repr(result.model).partition("\n")[0])
        assert facts["parameters"]["v"] == (result.best_params["v"].to_decimal(u.mV), "mV")
    assert dataset.sizes["evaluation"] == len(result.history)
    assert same(FitResult.from_xarray(result.to_xarray()).best_params, result.best_params)
    assert repr(brainmass.load(file)) == repr(result)


def test_units_stand_in_the_file_and_damaged_files_are_refused(tmp_path):
    import xarray

    result = fitted_line()
    assert result.to_xarray()["best_params.slope"].attrs["units"] == "mV"
    assert result.to_xarray()["history.slope"].attrs["units"] == "mV"
    file = tmp_path / "fit.nc"
    result.save(file)
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 3], b"nonsense"):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="must be a whole file that brainmass.save"):
            FitResult.load(file)
    brainmass.save(file, brainmass.HopfStep(2))
    with pytest.raises(ValueError, match="must be the file of a fit; got .* with HopfStep"):
        FitResult.load(file)
    with pytest.raises(ValueError, match="must come from FitResult.to_xarray"):
        FitResult.from_xarray(xarray.Dataset())
    with pytest.raises(FileNotFoundError, match="got nothing there"):
        FitResult.load(tmp_path / "none.nc")


@pytest.mark.parametrize("simulated", [True, False])
def test_a_saved_fit_names_the_step_of_its_simulation(simulated, tmp_path):
    brainstate.environ.set(dt=0.5 * u.ms)
    node = brainmass.LinearStep(1, gamma=Param(-0.2, fit=True), init_x=1.0)

    def loss(model):
        if not simulated:
            return model.gamma.value() ** 2
        run = brainmass.Simulator(model, dt=0.1 * u.ms)
        return u.math.sum(run.run(2 * u.ms, monitors="x", transient=1 * u.ms)["x"] ** 2)

    result = brainmass.Fitter(node, loss_fn=loss).fit(n_steps=2)
    result.save(tmp_path / "fit.nc")
    facts = brainmass.io.info(tmp_path / "fit.nc")
    assert facts["dt"] == ("0.1 ms" if simulated else "0.5 ms")
    brainstate.environ.set(dt=0.7 * u.ms)
    runs = FitResult.load(tmp_path / "fit.nc").simulations
    assert len(runs) == simulated
    for run in runs:
        assert (run["duration"], run["transient"]) == (2 * u.ms, 1 * u.ms)
        assert (run["sample_every"], run["method"]) == (1, "heun")

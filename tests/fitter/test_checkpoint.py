"""A fit that was killed and begun again from its file ends as if nothing had happened."""

import brainunit as u
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from fitter_models import SPACE, WAYS, Bowl, Gain, adam, bowl, build, interrupting, parabola

from brainmass import Fitter


@pytest.mark.parametrize("way", WAYS)
def test_a_killed_fit_goes_on_from_its_file_as_if_nothing_had_happened(way, tmp_path):
    file = tmp_path / "fit.npz"
    whole = build(way).fit(n_steps=6, seed=1)
    part = build(way, callbacks=interrupting(2)).fit(n_steps=6, seed=1, checkpoint=file)
    assert part.interrupted
    assert part.n_steps == 3
    assert part.history[:] == whole.history[: len(part.history)]
    rest = build(way).fit(n_steps=6, seed=1, checkpoint=file)
    assert not rest.interrupted
    assert rest.history[:] == whole.history[:]
    assert rest.best_loss == whole.best_loss
    assert rest.best_params["v"] == whole.best_params["v"]
    assert np.array_equal(rest.best_params["w"], whole.best_params["w"])
    assert np.array_equal(rest.history["w"], whole.history["w"])
    again = build(way).fit(n_steps=6, seed=1, checkpoint=file)  # it is finished
    assert again.best_loss == whole.best_loss
    assert again.history[:] == whole.history[:]
    assert again.message == whole.message


class Killed(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("method", ["Nelder-Mead", "SLSQP"])
def test_a_restart_of_scipy_goes_on_in_its_middle(method, tmp_path):
    seen = []

    def kill(x):
        seen.append(x)
        if len(seen) == 9:
            raise Killed

    def fitter(callback=None):
        optimizer = {"method": method, "callback": callback, "options": {"maxiter": 6}}
        return Fitter(Bowl(), optimizer, loss_fn=bowl, backend="scipy", search_space=SPACE)

    file = tmp_path / "fit.npz"
    whole = fitter().fit(n_steps=3, seed=1)
    with pytest.raises(Killed):
        fitter(kill).fit(n_steps=3, seed=1, checkpoint=file, checkpoint_every=0.0)
    rest = fitter().fit(n_steps=3, seed=1, checkpoint=file)
    assert rest.history[:] == whole.history[:]
    assert rest.best_loss == whole.best_loss
    assert rest.raw.nfev <= whole.raw.nfev


def test_mini_batches_go_on_in_the_middle_of_an_epoch(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 1)).astype(np.float32)

    def fitter(**more):
        def predict(model, inputs):
            return model.gain.value() * inputs

        return Fitter(Gain(0.5), adam(0.1), predict=predict, **more)

    file = tmp_path / "fit.npz"
    options = {"inputs": x, "batch_size": 6, "n_steps": 8, "seed": 3, "checkpoint": file}
    part = fitter(callbacks=interrupting(4)).fit(2 * x, **options)
    assert part.interrupted
    rest = fitter().fit(2 * x, **options)
    whole = fitter().fit(2 * x, **{**options, "checkpoint": None})
    assert rest.history[:] == whole.history[:]
    assert np.array_equal(rest.history["epoch_loss"], whole.history["epoch_loss"], equal_nan=True)
    assert rest.best_loss == whole.best_loss


def test_patience_and_validation_survive_the_file(tmp_path):
    def fitter(**more):
        return Fitter(Gain(), adam(0.3), loss_fn=lambda m, y: (m.gain.value() - y) ** 2, **more)

    file = tmp_path / "fit.npz"
    options = {"validation": 1.0, "patience": 4, "n_steps": 60, "seed": 0, "checkpoint": file}
    whole = fitter().fit(2.0, **{**options, "checkpoint": None})
    fitter(callbacks=interrupting(5)).fit(2.0, **options)
    rest = fitter().fit(2.0, **options)
    assert whole.message == rest.message == "no improvement in 4 steps"
    assert rest.history["validation_loss"].tolist() == whole.history["validation_loss"].tolist()
    assert rest.validation == whole.validation


def test_more_steps_than_the_file_has_are_done(tmp_path):
    file = tmp_path / "fit.npz"
    build("adam").fit(n_steps=3, seed=1, checkpoint=file)
    more = build("adam").fit(n_steps=6, seed=1, checkpoint=file)
    assert more.history[:] == build("adam").fit(n_steps=6, seed=1).history[:]


def test_files_of_other_fits_and_damaged_files_are_refused(tmp_path):
    def loss(model, target):
        return (model.gain.value() - target) ** 2

    file = tmp_path / "fit.npz"
    Fitter(Gain(), adam(), loss_fn=loss).fit(1.0, n_steps=2, seed=0, checkpoint=file)
    other = {"n_steps": 3, "checkpoint": file}
    with pytest.raises(ValueError, match="must belong to this fit; got one with another 'target'"):
        Fitter(Gain(), adam(), loss_fn=loss).fit(2.0, seed=0, **other)
    with pytest.raises(ValueError, match="another 'seed'"):
        Fitter(Gain(), adam(), loss_fn=loss).fit(1.0, seed=1, **other)
    with pytest.raises(ValueError, match="another 'optimizer'"):
        Fitter(Gain(), optax.sgd(0.1), loss_fn=loss).fit(1.0, seed=0, **other)
    with pytest.raises(ValueError, match="another 'backend', 'optimizer', 'parameters', 'target'"):
        build("DE").fit(seed=0, **other)
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"nonsense", b""):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="which is damaged or something else"):
            Fitter(Gain(), adam(), loss_fn=loss).fit(1.0, seed=0, **other)
    with pytest.raises(ValueError, match="must be a file; got the folder"):
        Fitter(Gain(), adam(), loss_fn=loss).fit(1.0, n_steps=3, checkpoint=tmp_path)
    with pytest.raises(TypeError, match="must be the name of a file; got 3"):
        Fitter(Gain(), adam(), loss_fn=loss).fit(1.0, n_steps=3, checkpoint=3)
    with pytest.raises(ValueError, match="checkpoint_every must be a time"):
        Fitter(Gain(), adam(), loss_fn=loss).fit(1.0, n_steps=3, checkpoint_every=-1)


def test_a_model_with_other_fixed_parameters_is_refused(tmp_path):
    import brainmass

    def predict(model):
        run = brainmass.Simulator(model, dt=0.1 * u.ms).run(2 * u.ms, monitors="x")
        return run["x"]

    def fitter(w):
        from brainstate.nn import Param

        node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=w, init_x=0.2)
        return Fitter(node, adam(), predict=predict)

    file = tmp_path / "fit.npz"
    data = jnp.ones((20, 1))
    fitter(0.3).fit(data, n_steps=1, seed=0, checkpoint=file)
    with pytest.raises(ValueError, match="whose model had other fixed parameters or states"):
        fitter(0.4).fit(data, n_steps=2, seed=0, checkpoint=file)


def test_the_file_holds_no_code_and_is_never_half_written(tmp_path):
    file = tmp_path / "new" / "fit.npz"
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    fitter.fit(n_steps=2, checkpoint=file)
    with np.load(file, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
    assert [p.name for p in file.parent.iterdir()] == ["fit.npz"]

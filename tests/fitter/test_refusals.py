"""What is refused, and in which words."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import ClipT, IdentityT, L2Reg, Param, SigmoidT, SoftsignT
from fitter_models import SPACE, Bowl, Gain, adam, mean_output, parabola

import brainmass
from brainmass import Fitter, objectives
from brainmass._errors import UnitError


def test_a_model_without_trainable_parameters_is_refused():
    with pytest.raises(ValueError, match=r"at least one trainable parameter; got none"):
        Fitter(brainmass.HopfStep(1), loss_fn=lambda m: 0.0)


def test_integer_parameters_are_refused():
    class Model(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.n = brainstate.ParamState(jnp.arange(3))

    with pytest.raises(TypeError, match="'n' must hold real floating-point"):
        Fitter(Model(), loss_fn=lambda m: 0.0)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, ValueError, r"exactly one of predict and loss_fn must be given; got neither"),
        ({"predict": mean_output, "loss_fn": parabola}, ValueError, "got both"),
        ({"loss_fn": parabola, "backend": "sgd"}, ValueError, r"'grad', 'nevergrad', 'scipy'"),
        ({"loss_fn": 3}, TypeError, "loss_fn must be a function of the model; got 3"),
        ({"loss_fn": parabola, "transient": 3}, ValueError, "go with predict"),
        ({"loss_fn": parabola, "callbacks": 3}, TypeError, "callbacks must be a callable"),
        ({"loss_fn": parabola, "search_space": {}}, ValueError, "search_space is for backend"),
        ({"predict": mean_output, "objective": 3}, TypeError, "objective must be a callable"),
        ({"predict": mean_output, "objective": {}}, TypeError, "objective must be a callable"),
        ({"predict": mean_output, "transient": -1}, ValueError, "must not be negative"),
        ({"predict": mean_output, "transient": 1.5}, TypeError, "whole number of samples"),
        ({"predict": mean_output, "transient": 3 * u.mV}, UnitError, r"got \[mV\]"),
    ],
)
def test_contradictory_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        Fitter(Gain(), **arguments)


def test_something_that_is_no_module_is_refused():
    with pytest.raises(TypeError, match="model must be a brainstate module; got list"):
        Fitter([], loss_fn=parabola)


@pytest.mark.parametrize("n_steps", [0, -1, 2.5, True])
def test_bad_numbers_of_steps_are_refused(n_steps):
    with pytest.raises(ValueError, match="n_steps must be a whole number, at least 1"):
        Fitter(Gain(), loss_fn=parabola).fit(n_steps=n_steps)


@pytest.mark.parametrize("seed", [-1, 2.5, "a", True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed must be a whole number, at least 0"):
        Fitter(Gain(), loss_fn=parabola).fit(seed=seed)


def test_bad_changes_of_a_running_fit_are_refused():
    fitter = Fitter(Gain(), adam(), loss_fn=parabola)
    fitter.start(n_steps=3)
    with pytest.raises(ValueError, match="Fitter.set: n_steps must be a whole number"):
        fitter.set(n_steps=0)
    for rate in (-1.0, float("nan"), "fast"):
        with pytest.raises(ValueError, match="learning_rate must be a number, at least 0"):
            fitter.set(learning_rate=rate)


def test_targets_by_name_must_be_those_of_the_objectives():
    rmse = objectives.timeseries_rmse()
    fitter = Fitter(Gain(), predict=mean_output, objective={"a": rmse, "b": rmse})
    for target in ({"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}):
        with pytest.raises(ValueError, match="one entry for each objective, 'a', 'b'"):
            fitter.fit(target)


def test_targets_that_do_not_fit_are_refused():
    fitter = Fitter(Gain(), predict=mean_output)
    with pytest.raises(ValueError, match=r"same shape; got \(\) and \(3,\)"):
        fitter.fit(np.ones(3))
    with pytest.raises(UnitError, match=r"same unit; got \[1\] and \[mV\]"):
        fitter.fit(2.0 * u.mV)
    with pytest.raises(ValueError, match="target must be given for the objective 'timeseries_rmse"):
        fitter.fit()
    with pytest.raises(ValueError, match="target must not be given to a loss_fn"):
        Fitter(Gain(), loss_fn=parabola).fit(1.0)
    with pytest.raises(TypeError, match="target must be made of arrays"):
        Fitter(Gain(), loss_fn=lambda m, y: parabola(m)).fit({"a": bytearray(b"x")})


def square_error(prediction, target):
    return jnp.mean((prediction - target) ** 2)


WRONG_SHAPES = r"the objective 'square_error' must be given.*shapes fit; got \(2,\) and \(3,\)"


@pytest.mark.parametrize("backend", ["grad", "nevergrad", "scipy"])
def test_shapes_that_an_objective_of_the_user_cannot_compare_are_named(backend, compile_count):
    space = {} if backend == "grad" else {"search_space": {"gain": (0.0, 1.0)}}
    fitter = Fitter(
        Gain(0.5), predict=lambda m: m.gain.value() * np.ones(2, np.float32),
        objective=square_error, backend=backend, **space,
    )  # fmt: skip
    target = jnp.zeros(3)
    with pytest.raises(ValueError, match=WRONG_SHAPES):
        fitter.fit(target)
    with pytest.raises(ValueError, match=WRONG_SHAPES) as caught, compile_count:
        fitter.fit(target)  # the first time jax compiles a random key
    assert isinstance(caught.value.__cause__, TypeError)
    assert compile_count.n == 0


def test_shapes_and_units_are_named_wherever_a_function_of_the_user_compares():
    def series(model):
        return model.gain.value() * jnp.ones(2)

    combined = objectives.combine((1.0, square_error))
    for objective, predict in (
        (combined, series),
        ({"a": square_error}, lambda m: {"a": series(m)}),
    ):
        with pytest.raises(ValueError, match=r"shapes fit; got \(2,\) and \(3,\)"):
            Fitter(Gain(), predict=predict, objective=objective).fit(np.zeros(3))
    with pytest.raises(ValueError, match=r"metric 'off' must be given.*got \(2,\) and \(3,\)"):
        Fitter(
            Gain(), predict=series, metrics={"off": square_error},
            objective=lambda p, t: jnp.sum(p) - jnp.sum(t),
        ).fit(np.zeros(3))  # fmt: skip
    with pytest.raises(ValueError, match=r"loss_fn must combine.*got \(2,\) and \(3,\), with a "):
        Fitter(Gain(), loss_fn=lambda m, y: square_error(series(m), y)).fit(np.zeros(3))
    with pytest.raises(UnitError, match=r"in the same unit; got \[1\] and \[mV\]"):
        Fitter(Gain(), predict=series, objective=square_error).fit(np.zeros(2) * u.mV)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (lambda g: g * jnp.ones(3), ValueError, r"got shape \(3,\) and dtype float"),
        (lambda g: None, ValueError, "got None"),
        (lambda g: {"a": g}, TypeError, "got dict of 1"),
        (lambda g: (g, g, g), TypeError, "got tuple of 3"),
        (lambda g: g > 0, ValueError, r"got shape \(\) and dtype bool"),
        (lambda g: g * 1j, ValueError, "got a complex one"),
    ],
    ids=["array", "none", "dict", "tuple", "bool", "complex"],
)
def test_a_loss_that_is_no_number_is_refused(value, error, text):
    with pytest.raises(error, match=f"Fitter: loss_fn must return (one|a real) number; {text}"):
        Fitter(Gain(), loss_fn=lambda m: value(m.gain.value())).fit()
    with pytest.raises(error, match=f"Fitter: the objective must return (one|a real) num.*{text}"):
        Fitter(
            Gain(), predict=lambda m: m.gain.value(), objective=lambda p, t: value(p)
        ).fit(1.0)  # fmt: skip


def test_an_error_inside_of_what_the_user_wrote_stays_that_error():
    class Mine(ValueError):
        pass

    def fails(*_):
        raise Mine("the shape of my data")

    for given in ({"predict": fails}, {"loss_fn": fails}):
        with pytest.raises(Mine, match="^the shape of my data"):
            Fitter(Gain(), **given).fit(1.0 if "predict" in given else None)
    with pytest.raises(Mine):
        Fitter(Gain(), predict=lambda m: m.gain.value(), objective=fails).fit(np.zeros(2))
    with pytest.raises(TypeError) as caught:
        Fitter(Gain(), predict=lambda m: {"x": m.gain.value()}, objective=square_error).fit(0.0)
    assert "the prediction was a dict with 'x'" in "".join(caught.value.__notes__)
    with pytest.raises(jax.errors.ConcretizationTypeError) as caught:
        Fitter(Gain(), loss_fn=lambda m: float(m.gain.value())).fit()
    assert "loss_fn is traced once and then compiled" in "".join(caught.value.__notes__)


def test_a_prediction_that_is_none_is_refused():
    with pytest.raises(ValueError, match="predict must return what is compared.*; got None"):
        Fitter(Gain(), predict=lambda m: None).fit(1.0)


def test_a_loss_that_reads_another_model_is_refused():
    other = Gain(1.0)
    with pytest.raises(ValueError, match=r"must depend on the trainable parameters.*'gain'"):
        Fitter(Gain(), loss_fn=lambda m: parabola(other)).fit()


def test_parts_with_different_units_are_refused():
    with pytest.raises(UnitError, match=r"parts of the loss must have the same unit"):
        Fitter(Gain(1.0, reg=L2Reg(weight=1.0)), predict=lambda m: m.gain.value() * u.mV).fit(
            2.0 * u.mV
        )


def test_pieces_before_a_start_are_refused():
    fitter = Fitter(Gain(), loss_fn=parabola)
    for piece in (fitter.step, fitter.pause, fitter.resume, fitter.result, fitter.evaluate):
        with pytest.raises(ValueError, match=r"a fit must have been started"):
            piece()
    fitter.start(n_steps=1)
    with pytest.raises(ValueError, match="at least one step must have been done"):
        fitter.result()


def test_identity_transform_of_the_declared_base_is_what_scaling_relies_on():
    node = brainmass.HopfStep(1, a=Param(0.1, fit=True))
    assert isinstance(node.a.t, IdentityT)
    assert node.a.spec.bounds is not None


def test_a_start_outside_of_a_transform_or_of_the_box_of_starts_is_refused():
    def never(model):
        raise AssertionError("nothing may be traced")

    model = Gain()
    model.gain = Param(2.0, t=SigmoidT(0.0, 1.0), fit=True)
    with pytest.raises(ValueError, match=r"'gain' must start strictly between 0\.0 and 1\.0"):
        Fitter(model, loss_fn=never).fit(n_steps=1)
    with pytest.raises(ValueError, match="'w' must start inside its bounds of -5 to 5"):
        Fitter(Bowl(w=(0.0, 7.0)), loss_fn=never, n_starts=3, search_space=SPACE).fit(n_steps=1)


@pytest.mark.parametrize("backend", ["grad", "nevergrad", "scipy"])
def test_a_start_that_a_transform_has_moved_to_its_bound_is_refused(backend):
    def never(model):
        raise AssertionError("nothing may be traced")

    model = Gain()
    model.gain = Param(2.0, t=ClipT(0.0, 1.0), fit=True)
    with pytest.raises(ValueError, match=r"'gain' must start strictly inside .* ClipT; got one at"):
        Fitter(model, loss_fn=never, backend=backend).fit(n_steps=1)
    model.gain = Param(2.0, t=SigmoidT(0.0, 1.0), fit=True)
    space = {} if backend == "grad" else {"search_space": {"gain": (0.1, 0.9)}}
    with pytest.raises(ValueError, match=r"'gain' must start strictly between 0\.0 and 1\.0"):
        Fitter(model, loss_fn=never, backend=backend, **space).fit(n_steps=1)


@pytest.mark.parametrize("t", [ClipT, SoftsignT, SigmoidT])
def test_a_search_space_beyond_the_bounds_of_a_transform_is_refused(t):
    model = Gain()
    model.gain = Param(0.5 * u.mV, t=t(0.0 * u.mV, 1.0 * u.mV), fit=True)
    space = {"gain": (0.1 * u.mV, 3.0 * u.mV)}
    with pytest.raises(ValueError, match=r"inside those of its .*, 0 to 1 \[mV\]; got 0\.1 and 3"):
        Fitter(model, loss_fn=parabola, backend="scipy", search_space=space)


def test_a_fit_may_go_on_from_the_bound_where_another_has_ended():
    model = Gain()
    model.gain = Param(0.5, t=ClipT(0.0, 1.0), fit=True)
    first = Fitter(model, adam(0.5), loss_fn=parabola).fit(n_steps=5)
    assert first.best_params["gain"] == 1.0
    again = Fitter(model, loss_fn=parabola, backend="scipy").fit(n_steps=1, seed=0)
    assert again.best_params["gain"] == 1.0


@pytest.mark.parametrize("t", [ClipT(0.0, 1.0), SoftsignT(0.0, 1.0), SigmoidT(0.0, 1.0)])
def test_a_parameter_is_not_set_outside_of_its_transform(t):
    model = Gain()
    model.gain = Param(0.5, t=t, fit=True)
    fitter = Fitter(model, adam(), loss_fn=parabola)
    fitter.start(n_steps=2)
    with pytest.raises(ValueError, match=r"inside the range of its transform; got 3\.0"):
        fitter.set(gain=3.0)
    fitter.set(gain=0.25)
    assert abs(fitter.step()["params"]["gain"] - 0.25) < 1e-6


def test_bad_verbosity_is_refused():
    for verbose in ("yes", -1):
        with pytest.raises(ValueError, match="verbose must be True, False or a number of steps"):
            Fitter(Gain(), loss_fn=parabola).fit(n_steps=1, verbose=verbose)

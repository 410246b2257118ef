"""What every model of the catalogue, every variant and every model of a user keeps."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brainmass
from brainmass import dynamics, testing

ALL = {n: m for n, m in dynamics.registry.items() if m.__module__.startswith("brainmass.")}
MODELS = {n: m for n, m in ALL.items() if issubclass(m, brainmass.NeuralMass)}
each_model = pytest.mark.parametrize("model", [pytest.param(m, id=n) for n, m in MODELS.items()])
each_entry = pytest.mark.parametrize("name", list(ALL))

CATALOGUE = """
HopfStep phenomenological 2; VanDerPolStep phenomenological 2; StuartLandauStep phenomenological 2;
FitzHughNagumoStep phenomenological 2; ThresholdLinearStep phenomenological 2;
Generic2dOscillatorStep phenomenological 2; LorenzStep phenomenological 3;
LinearStep phenomenological 1; WilsonCowanStep physiological 2; JansenRitStep physiological 6;
WongWangStep physiological 2; WongWangExcInhStep physiological 2;
MontbrioPazoRoxinStep physiological 2; CoombesByrneStep physiological 2;
LarterBreakspearStep physiological 3; EpileptorStep physiological 6; KuramotoNetwork network 1;
HORNStep network 2; HORNSeqLayer network 2; HORNSeqNetwork network 2
"""

# The inlet into which a network couples, its unit, and the noise slots.
PORTS = {
    "HopfStep": ("x_inp", "", "noise_x noise_y"),
    "VanDerPolStep": ("x_inp", "", "noise_x noise_y"),
    "StuartLandauStep": ("x_inp", "", "noise_x noise_y"),
    "FitzHughNagumoStep": ("V_inp", "", "noise_V noise_w"),
    "ThresholdLinearStep": ("E_inp", "", "noise_E noise_I"),
    "Generic2dOscillatorStep": ("V_inp", "", "noise_V noise_W"),
    "LorenzStep": ("x_inp", "", "noise_x"),
    "LinearStep": ("x_inp", "", "noise_x"),
    "WilsonCowanStep": ("rE_inp", "", "noise_E noise_I"),
    "JansenRitStep": ("E_inp", "Hz", "noise_E noise_I noise_M"),
    "WongWangStep": ("I1_inp", "nA", "noise_s1 noise_s2"),
    "WongWangExcInhStep": ("coupling", "", "noise_e noise_i"),
    "MontbrioPazoRoxinStep": ("v_inp", "", "noise_r noise_v"),
    "CoombesByrneStep": ("v_inp", "", "noise_r noise_v"),
    "LarterBreakspearStep": ("V_inp", "", "noise_V"),
    "EpileptorStep": ("x1_inp", "", "noise_x1 noise_x2"),
    "KuramotoNetwork": ("theta_inp", "", "noise_theta"),
    "HORNStep": ("drive", "", "noise_y"),
}


@each_model
def test_model_keeps_the_contract(model):
    testing.check_model(model, steps=20)


@each_model
def test_gradients_equal_central_differences(model, x64):
    testing._Checks(model, 2, model.suggested_dt, 20).gradients()


def test_catalogue_has_twenty_models_in_order():
    listed = [f"{m.name} {m.category} {m.n_state_vars}" for m in brainmass.list_models()]
    assert listed == " ".join(CATALOGUE.split()).split("; ")


def test_hopf_record_is_the_one_of_the_specification():
    record = next(m for m in brainmass.list_models() if m.name == "HopfStep")
    assert repr(record) == (
        "ModelInfo(name='HopfStep', category='phenomenological', n_state_vars=2, "
        "use_case='Oscillation onset, rhythm generation')"
    )


def test_use_cases_differ_from_each_other():
    assert len({m.use_case for m in brainmass.list_models()}) == 20


@pytest.mark.parametrize("name", list(PORTS))
def test_network_couples_into_the_physically_right_inlet(name):
    kinds = getattr(brainmass, name).declaration
    port, unit, noises = PORTS[name]
    assert next(iter(kinds.ports)) == port
    assert ("" if kinds.ports[port].unit.is_unitless else str(kinds.ports[port].unit)) == unit
    assert sorted(kinds.noise_slots) == sorted(noises.split())


@each_model
def test_every_parameter_has_a_range(model):
    assert [n for n, s in model.declaration.params.items() if s.bounds is None] == []


@each_model
def test_every_range_has_a_source(model):
    unsaid = [n for n, s in model.declaration.params.items() if not (s.source or model.ranges)]
    assert unsaid == []


def test_catalogued_models_have_published_regimes():
    listed = [getattr(brainmass, info.name) for info in brainmass.list_models()]
    masses = [m for m in listed if issubclass(m, brainmass.NeuralMass)]
    assert [m.__name__ for m in masses if len(m.presets) < 2] == []
    sources = [p["source"] for m in masses for p in m.presets.values()]
    assert all("doi:" in source or source == "ours" for source in sources)


@each_model
def test_parameters_outside_their_domain_are_refused_by_name(model):
    for name, spec in model.declaration.params.items():
        if spec.domain == "positive":
            with pytest.raises(ValueError, match=f"'{name}' .* must be positive"):
                model(2, **{name: spec.attach(0.0)})
        with pytest.raises(ValueError, match=f"'{name}'"):
            model(2, **{name: spec.attach(np.nan)})


@each_model
def test_arrays_that_do_not_fit_are_refused_by_name(model):
    for name, spec in model.declaration.params.items():
        with pytest.raises(ValueError, match=f"'{name}' .* shape"):
            model(3, **{name: spec.attach(np.full(4, 1.0))})


@each_model
def test_initial_values_that_do_not_fit_are_refused_by_name(model):
    for name, spec in model.declaration.states.items():
        for bad, message in ((np.zeros(4), "shape"), (np.nan, "finite")):
            with pytest.raises(ValueError, match=f"'init_{name}' .* {message}"):
                model(3, **{f"init_{name}": spec.attach(bad)})


@each_model
def test_values_without_their_unit_are_refused_by_name(model):
    for name, spec in model.declaration.params.items():
        wrong = 1.0 if spec.dimensional else 1.0 * u.mV
        with pytest.raises(brainmass.UnitError, match=f"'{name}'"):
            model(2, **{name: wrong})


@each_model
def test_time_constants_carry_their_unit(model):
    times = [n for n in model.declaration.params if n.startswith("tau_")]
    assert [n for n in times if not model.declaration.params[n].dimensional] == []


@each_model
def test_unknown_method_lists_the_known(model):
    with pytest.raises(ValueError, match="method must be one of 'exp_euler', 'euler', 'heun'"):
        model(1, method="leapfrog")


@each_model
def test_far_states_and_inputs_have_finite_derivatives_and_gradients(model):
    if model.__name__ in {"LorenzStep", "EpileptorStep"}:  # polynomials of degree 2 to 7
        return
    node = model(2)
    kinds = model.declaration
    params = {n: getattr(node, n).mantissa() for n in kinds.params}
    pull = jax.jit(jax.value_and_grad(lambda *given: _total(node, *given), argnums=(0, 1, 2)))
    for size in (-1e4, -1.0, 0.0, 1.0, 1e4):
        for drive in (-1e4, 0.0, 1e4):
            y = {name: jnp.full(2, size) for name in kinds.states}
            inputs = {name: jnp.full(2, drive) for name in kinds.inlets}
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(pull(y, params, inputs)))


def _total(node, y, params, inputs):
    return sum(rate.sum() for rate in node.rules().rates(params, y, inputs, 0.0).values())


@each_entry
def test_model_info_describes_the_model(name):
    info = brainmass.model_info(name)
    assert info.name == name
    assert "doi:" in info.reference
    assert len(info.states) == len(ALL[name].declaration.states)
    assert all(entry.doc for entry in (*info.parameters, *info.states, *info.inlets))
    assert name in str(info)
    assert name in info._repr_html_()
    assert bool(info.outputs) == (name in MODELS)


def test_model_info_knows_units_and_observables():
    info = brainmass.model_info(brainmass.JansenRitStep)
    assert {entry.unit for entry in info.parameters} == {"mV", "Hz", "1"}
    assert list(info.observables) == ["eeg", "rates"]
    assert "113.6" in info.presets["rest"]
    assert "alpha rhythm" in str(info)
    assert "alpha rhythm" in info._repr_html_()
    assert [e.unit for e in brainmass.model_info(brainmass.WongWangStep(1)).outputs] == ["Hz"] * 2


@pytest.mark.parametrize(("given", "error"), [("NoStep", ValueError), (3.0, TypeError)])
def test_model_info_refuses_what_is_no_model(given, error):
    with pytest.raises(error, match="model_info: model must be"):
        brainmass.model_info(given)


def test_catalogue_prints_as_text_and_as_a_table():
    text = brainmass.list_models.to_table()
    assert len(text.splitlines()) == 22
    assert brainmass.list_models.to_table("network").splitlines()[2].split()[0] == "KuramotoNetwork"
    assert brainmass.list_models()._repr_html_().count("<tr>") == 21


@each_entry
def test_cite_returns_the_reference(name):
    assert ALL[name].cite(ALL[name]) == ALL[name].reference


def test_running_the_cell_of_a_user_again_replaces_the_model(monkeypatch):
    monkeypatch.setattr(dynamics, "registry", dict(dynamics.registry))

    def cell(rate):
        class DecayStep(brainmass.NeuralMass):
            """Decay to zero."""

            __module__ = "__main__"
            reference = "Textbook"
            tau = brainmass.param(
                rate * u.ms, bounds=(1.0, 100.0), domain="positive", doc="decay time"
            )
            x = brainmass.state(1.0, doc="activity")
            x_inp = brainmass.inlet(0.0, doc="drive")

            @staticmethod
            def equations(s, p, i, t):
                return dict(x=i.x_inp / u.ms - s.x / p.tau)

        return DecayStep

    cell(10.0)
    newest = cell(20.0)
    assert [m.name for m in brainmass.list_models(user=True)].count("DecayStep") == 1
    assert brainmass.model_info("DecayStep").parameters[0].default == "20"
    assert len(brainmass.list_models()) == 20
    testing.check_model(newest, steps=10)


def test_monitor_of_an_observable_reads_only_the_states_it_needs():
    column = brainmass.JansenRitStep(1, init_E=1.0 * u.mV)
    out = brainmass.Simulator(column, 0.1 * u.ms).run(1 * u.ms, monitors=lambda m: m.eeg())
    assert out["output"].shape == (10, 1)


def test_output_that_reads_parameters_is_the_same_by_hand_and_in_a_run():
    node = brainmass.WongWangStep(2, a=np.array([250.0, 270.0]) * u.Hz / u.nA)
    with brainstate.environ.context(dt=1.0 * u.ms):
        node.init_all_states()
        by_hand = node.update()
    run = brainmass.Simulator(node, 1.0 * u.ms).run(1 * u.ms)["output"]
    for a, b in zip(by_hand, run, strict=True):
        np.testing.assert_allclose((a / u.Hz), (b[0] / u.Hz), rtol=1e-5)

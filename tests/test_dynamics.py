"""The declarative base: constructors, parameters, states, documentation, registry."""

import inspect

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param, SigmoidT

import brainmass

MS = u.ms


def define_leak(factor=1.0):
    class Leak(brainmass.NeuralMass):
        """Leaky integrator."""

        tau = brainmass.param(10.0 * u.ms, bounds=(1.0, 100.0), domain="positive", doc="decay time")
        gain = brainmass.param(factor, doc="gain of the drive")
        shape = brainmass.option("plain", doc="form of the drive", choices=("plain", "squared"))
        v = brainmass.state(1.0 * u.mV, doc="potential", clamp=(0.0, 5.0))
        v_inp = brainmass.inlet(0.0 * u.mV, doc="drive")

        @staticmethod
        def equations(s, p, i, t):
            drive = i.v_inp**2 / u.mV if p.shape == "squared" else i.v_inp
            return {"v": (p.gain * drive - s.v) / p.tau}

    return Leak


@pytest.fixture
def leak():
    from brainmass.dynamics import registry

    yield define_leak()
    registry.pop("Leak", None)


def test_signature_and_docstring_come_from_the_declaration(leak):
    names = list(inspect.signature(leak).parameters)
    assert names == ["in_size", "tau", "gain", "shape", "noise_v", "init_v", "method"]
    for text in ("Decay time; useful range 1 to 100; must be positive", "default 10.0 ms", "[mV]"):
        assert text in leak.__doc__


def test_a_users_model_runs_converts_units_and_is_listed(leak):
    node = leak(2, tau=0.01 * u.second, init_v=0.001 * u.volt)
    v = brainmass.Simulator(node, dt=0.1 * MS).run(10 * MS, monitors="v")["v"]
    assert v.unit == u.mV
    np.testing.assert_allclose(v.mantissa[-1], np.exp(-1), rtol=1e-4)
    assert "Leak" in [m.name for m in brainmass.list_models(user=True)]
    assert "Leak" not in [m.name for m in brainmass.list_models()]


def test_defining_a_model_again_replaces_it_and_does_not_compile_anew(leak):
    run = lambda cls: brainmass.Simulator(cls(2), dt=0.1 * MS).run(1 * MS, monitors="v")  # noqa: E731
    run(leak)
    programs = brainmass.engine.compile_count()
    again = define_leak()
    run(again)
    assert brainmass.engine.compile_count() == programs
    assert [m.name for m in brainmass.list_models(user=True)].count("Leak") == 1


def test_changed_equations_are_never_stale():
    def build(sign):
        class Drift(brainmass.NeuralMass):
            """Drift."""

            x = brainmass.state(0.0, doc="position")

            @staticmethod
            def equations(s, p, i, t):
                return {"x": sign + 0 * s.x / u.ms}

        return Drift

    for sign in (1.0, -2.0):
        x = brainmass.Simulator(build(sign / u.ms)(1), dt=0.1 * MS).run(1 * MS, monitors="x")["x"]
        np.testing.assert_allclose(x[-1], sign, rtol=1e-5)


def test_options_choose_equations(leak):
    for shape, expected in (("plain", 3.0), ("squared", 9.0)):
        rate = leak(1, shape=shape).derivative((0.0 * u.mV,), 0.0 * MS, 3.0 * u.mV)[0]
        np.testing.assert_allclose(rate.to_decimal(u.mV / u.ms), expected / 10, rtol=1e-6)


def test_clamp_acts_after_the_step(leak):
    node = leak(1, init_v=4.0 * u.mV)
    run = brainmass.Simulator(node, dt=0.1 * MS).run
    v = run(100 * MS, inputs=lambda i, t: 50.0 * u.mV, monitors="v")["v"]
    assert v.mantissa.max() == 5.0


def test_setting_a_parameter_keeps_the_param_and_checks_it(leak):
    node = leak(3)
    tau = node.tau
    node.tau = 20 * u.ms
    assert node.tau is tau
    node.tau.set_value(0.03 * u.second)
    np.testing.assert_allclose(node.tau.value().to_decimal(u.ms), 30.0)
    node.tau = np.array([1.0, 2.0, 3.0]) * u.ms
    assert node.tau.value().shape == (3,)
    for bad in (5.0, 5.0 * u.mV, -1 * u.ms, np.nan * u.ms, np.ones(4) * u.ms, "x", None):
        with pytest.raises((TypeError, ValueError), match="parameter 'tau'"):
            node.tau = bad
        with pytest.raises((TypeError, ValueError), match="parameter 'tau'"):
            node.tau.set_value(bad)


def test_a_given_param_is_kept_with_its_transform(leak):
    tau = Param(20.0 * u.ms, t=SigmoidT(1.0 * u.ms, 50.0 * u.ms), fit=True)
    node = leak(1, tau=tau)
    assert node.tau is tau
    np.testing.assert_allclose(tau.value().to_decimal(u.ms), 20.0, rtol=1e-5)
    node.tau = 30 * u.ms
    np.testing.assert_allclose(tau.value().to_decimal(u.ms), 30.0, rtol=1e-5)
    assert len(node.states(brainstate.ParamState)) == 1


def test_initial_values_take_numbers_arrays_and_callables():
    for value in (0.3, np.full(2, 0.3), jnp.full(2, 0.3), lambda shape: np.full(shape, 0.3)):
        node = brainmass.HopfStep(2, init_x=value)
        node.init_all_states()
        np.testing.assert_allclose(node.x.value, 0.3)
    node.init_all_states(4)
    assert node.x.value.shape == (4, 2)


def test_derivative_takes_and_returns_units_in_order():
    node = brainmass.JansenRitStep(1)
    zero = 0.0 * u.mV
    rates = node.derivative((zero,) * 3 + (1.0 * u.mV / u.second,) * 3, 0 * MS, 100 * u.Hz)
    np.testing.assert_allclose(rates[0].to_decimal(u.mV / u.second), 1.0)
    assert [str(r.unit.dim) for r in rates[:3]] == [str(rates[0].unit.dim)] * 3


def test_white_noise_is_refused_inside_a_nonlinearity():
    with pytest.raises(ValueError, match="must not be white.*OUProcess"):
        brainmass.JansenRitStep(1, noise_M=brainmass.WhiteNoise(1, sigma=1 * u.mV))
    brainmass.JansenRitStep(1, noise_M=brainmass.OUProcess(1, sigma=1 * u.mV))


BAD = {
    "misspelt parameter": (
        lambda: brainmass.HopfStep(1, bta=1.0),
        "got 'bta'. Did you mean 'beta'",
    ),
    "unknown method": (lambda: brainmass.HopfStep(1, method="rk5"), "method must be one of"),
    "method later": (lambda: setattr(brainmass.HopfStep(1), "method", "x"), "method must be"),
    "no size": (lambda: brainmass.HopfStep(0), "in_size"),
    "size as text": (lambda: brainmass.HopfStep("3"), "in_size"),
    "bare number": (lambda: brainmass.JansenRitStep(1, Ae=3.25), r"Ae=3.25 \* u.mV"),
    "wrong unit": (lambda: brainmass.JansenRitStep(1, Ae=3 * u.Hz), r"in \[mV\]; got a value in"),
    "unit on a number": (lambda: brainmass.HopfStep(1, a=1 * u.mV), "a plain number"),
    "wrong shape": (lambda: brainmass.HopfStep(3, a=np.ones(4)), r"broadcasts to \(3,\)"),
    "nan": (lambda: brainmass.HopfStep(1, a=np.nan), "'a'.*finite; got nan"),
    "out of domain": (lambda: brainmass.VanDerPolStep(1, mu=0.0), "'mu'.*positive"),
    "text": (lambda: brainmass.HopfStep(1, a="x"), "'a'.*must be a number"),
    "complex": (lambda: brainmass.HopfStep(1, a=1j), "real numbers"),
    "start of wrong shape": (lambda: brainmass.HopfStep(3, init_x=np.ones(2)), "'init_x'"),
    "start in mV": (lambda: brainmass.HopfStep(3, init_x=1 * u.mV), "'init_x'"),
    "infinite start": (lambda: brainmass.HopfStep(3, init_x=np.inf), "'init_x'.*finite"),
    "noise is a number": (lambda: brainmass.HopfStep(3, noise_x=0.1), "noise_x must be a noise"),
    "noise of wrong size": (
        lambda: brainmass.HopfStep(3, noise_x=brainmass.WhiteNoise(2)),
        "in_size",
    ),
    "noise of wrong unit": (
        lambda: brainmass.HopfStep(3, noise_x=brainmass.WhiteNoise(3, sigma=1 * u.nA)),
        "sigma in",
    ),
    "state before init": (lambda: brainmass.HopfStep(3).x, "must be initialised first"),
    "update without dt": (lambda: _update_without_dt(), "must have a step dt"),
    "too many inputs": (lambda: brainmass.LinearStep(1).read_inputs((1, 2), {}), "inputs must be"),
    "unknown category": (lambda: brainmass.list_models("x"), "category must be one of"),
}


def _update_without_dt():
    node = brainmass.HopfStep(1)
    node.init_all_states()
    node.update()


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence(case):
    call, message = BAD[case]
    with pytest.raises((TypeError, ValueError, AttributeError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_equations_must_be_static():
    with pytest.raises(TypeError, match="static method"):

        class Wrong(brainmass.NeuralMass):
            """Wrong."""

            x = brainmass.state(0.0, doc="x")

            def equations(self, s, p, i, t):
                return {}


def test_a_derivative_in_the_wrong_unit_is_named():
    class Unitless(brainmass.NeuralMass):
        """Without a time."""

        catalogued = False
        x = brainmass.state(0.0, doc="x")

        @staticmethod
        def equations(s, p, i, t):
            return {"x": -s.x}

    with pytest.raises(Exception, match="derivative of 'x' must be in"):
        brainmass.Simulator(Unitless(1), dt=0.1 * MS).run(1 * MS)

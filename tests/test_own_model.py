"""A model of one's own in one cell: everything else follows from it without another line."""

import brainunit as u
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass
from brainmass import dynamics, testing

CELL = '''
import brainmass, brainunit as u
import jax.numpy as jnp

class MorrisLecarStep(brainmass.NeuralMass):
    """Barnacle muscle fibre: calcium makes it fire, potassium ends the spike."""

    reference = "Morris & Lecar 1981, Biophys. J. 35:193, doi:10.1016/S0006-3495(81)84782-0"
    use = "Spikes from two currents"
    ranges = "ours"
    presets = {
        "firing": brainmass.preset(
            "repetitive spikes", source="ours", inputs={"I_inp": 100.0}, duration=200.0 * u.ms
        )
    }

    gCa = brainmass.param(4.4, bounds=(3.0, 6.0), doc="calcium conductance")
    phi = brainmass.param(PHI, bounds=(0.01, 0.1), domain="positive", doc="rate of potassium")
    V = brainmass.state(-40.0, doc="membrane potential in mV")
    w = brainmass.state(0.1, doc="share of open potassium channels")
    I_inp = brainmass.inlet(0.0, doc="injected current in uA/cm2")

    @staticmethod
    def equations(s, p, i, t):
        m = 0.5 * (1 + jnp.tanh((s.V + 1.2) / 18))
        n = 0.5 * (1 + jnp.tanh((s.V - 2) / 30))
        current = i.I_inp - p.gCa * m * (s.V - 120) - 8 * s.w * (s.V + 84) - 2 * (s.V + 60)
        return dict(V=current / 20 / u.ms, w=p.phi * (n - s.w) * jnp.cosh((s.V - 2) / 60) / u.ms)
'''


@pytest.fixture
def run_cell(monkeypatch):
    """Run the cell as a notebook does: in ``__main__``, any number of times."""
    monkeypatch.setattr(dynamics, "registry", dict(dynamics.registry))
    space = {"__name__": "__main__"}

    def run(phi=0.04):
        exec(CELL.replace("PHI", str(phi)), space)
        return space["MorrisLecarStep"]

    return run


def test_cell_gives_a_model_that_keeps_the_contract(run_cell):
    testing.check_model(run_cell(), steps=10)


def test_cell_gives_a_catalogue_entry_and_a_description(run_cell):
    model = run_cell()
    names = [m.name for m in brainmass.list_models(user=True)]
    assert "MorrisLecarStep" in names
    assert "MorrisLecarStep" in brainmass.list_models.to_table(user=True)
    info = brainmass.model_info("MorrisLecarStep")
    assert [e.name for e in info.parameters] == ["gCa", "phi"]
    assert "repetitive spikes" in info._repr_html_()
    assert "1981" in model(1).cite()
    assert len(brainmass.list_models()) == 20


def test_running_the_cell_again_replaces_the_model(run_cell):
    run_cell()
    run_cell(phi=0.02)
    names = [m.name for m in brainmass.list_models(user=True)]
    assert names.count("MorrisLecarStep") == 1
    assert brainmass.model_info("MorrisLecarStep").parameters[1].default == "0.02"


def test_running_an_unchanged_cell_again_compiles_nothing(run_cell, compile_count):
    def fire():
        node = run_cell().from_preset("firing")
        sim = brainmass.Simulator(node, 0.1 * u.ms)
        return np.asarray(sim.run(50 * u.ms, inputs=np.full(500, 100.0), monitors="V")["V"])

    first = fire()
    with compile_count:
        second = fire()
    assert compile_count.n == 0
    np.testing.assert_array_equal(first, second)


def test_cell_gives_a_widget(run_cell):
    from brainmass_widgets import SimulatorWidget

    widget = SimulatorWidget(run_cell()(1), duration=20 * u.ms)
    try:
        widget.flush()
        assert (widget.error, widget.problem) == (None, "")
        assert {"gCa", "phi"} <= set(widget.controls)
        assert widget.controls["gCa"].plan.lo == pytest.approx(3.0)
    finally:
        widget.close()


def test_cell_gives_something_to_fit(run_cell):
    import optax

    model = run_cell()
    drive = np.full(100, 100.0)

    def potential(node):
        sim = brainmass.Simulator(node, 0.2 * u.ms)
        return sim.run(20 * u.ms, inputs=drive, monitors="V")["V"] / 50.0

    target = potential(model(1, gCa=4.9))
    start = model(1, gCa=Param(4.2, fit=True))
    result = brainmass.Fitter(start, optax.adam(0.1), predict=potential).fit(target, n_steps=40)
    assert float(result.best_params["gCa"]) == pytest.approx(4.9, abs=0.05)

"""The pages of the models: formulas are what the code computes, tables are what they claim."""

import sys
from pathlib import Path

import brainunit as u
import numpy as np
import pytest
import sympy

import brainmass
from brainmass import dynamics

DOCS = str(Path(__file__).parents[1] / "docs")
MODELS = {
    n: m
    for n, m in dynamics.registry.items()
    if m.__module__.startswith("brainmass.") and issubclass(m, brainmass.NeuralMass)
}
BASE = (u.UNITLESS, u.ms, u.mV, u.nA, u.ms**-1, u.mV / u.ms, (u.nA * u.ms) ** -1, u.nA * u.ms)


@pytest.fixture(autouse=True)
def docs_importable(monkeypatch):
    monkeypatch.syspath_prepend(DOCS)


def in_base_units(unit):
    """Size of a unit in terms of ms, mV and nA."""
    base = next(b for b in BASE if unit.has_same_dim(b))
    return float(u.Quantity(1.0, unit=unit).to_decimal(base))


@pytest.mark.parametrize("name", list(MODELS))
def test_formula_is_what_the_code_computes(name, x64):
    from symbolic import formulas

    model, rng = MODELS[name], np.random.default_rng(len(name))
    kinds, values = model.declaration, {}
    for specs in (kinds.params, kinds.states, kinds.inlets):
        for key, spec in specs.items():
            start = 0.5 if callable(spec.default) else float(u.get_mantissa(spec.default))
            values[key] = (start or 0.3) * (1 + 0.3 * rng.random())
    node = model(1)
    params = {n: np.float64(values[n]) for n in kinds.params}
    y = {n: np.array([values[n]]) for n in kinds.states}
    inputs = {n: np.array([values[n]]) for n in kinds.inlets}
    code = node.rules().rates(params, y, inputs, 0.0)
    specs = {**kinds.params, **kinds.states, **kinds.inlets}
    numbers = {
        sympy.Symbol(n, real=True): values[n] * in_base_units(s.unit) for n, s in specs.items()
    }
    numbers[sympy.Symbol("N", positive=True)] = 1
    for state, formula in formulas(model).substituted().items():
        found = float(formula.subs(numbers)) / in_base_units(kinds.states[state].unit)
        assert found == pytest.approx(float(code[state][0]), rel=1e-9), state


def test_names_are_written_as_symbols():
    from symbolic import tex

    written = {
        "tau_E": r"\tau_{E}", "wEE": "w_{EE}", "rE_inp": r"r_{E,\,\mathrm{inp}}", "x1": "x_{1}",
        "gCa": "g_{Ca}", "s_max": r"s_{\mathrm{max}}", "beta": r"\beta", "d": "d",
        "slope": r"\mathrm{slope}", "J_N11": "J_{N11}", "lamda": r"\lambda",
    }  # fmt: skip
    assert {name: tex(name) for name in written} == written


def test_equations_are_written_with_their_definitions():
    from symbolic import latex_lines

    lines = latex_lines(brainmass.HopfStep)
    assert lines[0].startswith(r"\dot{x} &=")
    assert r"\mathrm{growth} &= a - \beta\,\left(x^{2} + y^{2}\right)" in lines
    late = " ".join(latex_lines(brainmass.WilsonCowanDelayedStep))
    assert r"r_{E}\left(t - \mathrm{delay}_{EE}\right)" in late
    assert r"\sum_j" in latex_lines(brainmass.KuramotoNetwork)[-1]


def test_assigned_name_that_is_declared_is_refused():
    from symbolic import formulas

    class ShadowStep(brainmass.LinearStep):
        """A model whose code calls a number by the name of a state."""

        catalogued = False

        @staticmethod
        def equations(s, p, i, t):
            x = p.gamma * s.x
            return dict(x=(x + i.x_inp) / u.ms)

    with pytest.raises(ValueError, match="x is declared"):
        formulas(ShadowStep)


@pytest.mark.parametrize("name", ["HopfStep", "WilsonCowanDelayedStep"])
def test_convergence_table_has_the_order_of_the_method(name):
    from model_runs import convergence

    table = convergence(MODELS[name])
    orders = {"euler": 1, "heun": 2}
    for method, order in orders.items():
        errors = table["errors"][method]
        assert np.log2(errors[-2] / errors[-1]) == pytest.approx(order, abs=0.15)


def test_page_holds_everything_that_is_declared(tmp_path, monkeypatch):
    import model_pages

    monkeypatch.setattr(model_pages, "draw", lambda name, model, file: file.write_bytes(b""))
    monkeypatch.setattr(model_pages, "convergence", lambda model: {
        "steps": [0.4, 0.2, 0.1], "errors": {"heun": [4e-3, 1e-3, 2.5e-4]}})  # fmt: skip
    numbers = [fact.expected for fact in brainmass.textbook.facts()]
    model = brainmass.JansenRitStep
    cache = tmp_path / "cache"
    cache.mkdir()
    page = model_pages._page("JansenRitStep", model, tmp_path, cache, numbers)
    kinds = model.declaration
    for key in (*kinds.params, *kinds.states, *kinds.ports, *model.presets):
        assert f"`{key}`" in page
    assert "doi:10.1007/BF00199471" in page
    assert "113.586 | 113.586" in page
    assert "| order | 2.00 |" in page


def test_pages_cover_the_catalogue_and_its_variants():
    import model_pages

    assert list(model_pages.models())[:20] == [m.name for m in brainmass.list_models()]
    assert set(MODELS) <= set(model_pages.models())
    assert sys.modules["model_pages"].__file__.startswith(DOCS)


def test_citation_file_has_what_the_format_asks_for():
    import yaml

    cited = yaml.safe_load((Path(DOCS).parent / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "license"} <= set(cited)
    assert "cite()" in cited["message"]

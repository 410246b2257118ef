"""Numbers with units, as people type and read them."""

import brainunit as u
import numpy as np
import pytest

import brainmass
from brainmass_widgets.quantities import code_of, parse, show, write

UNITS = [
    u.UNITLESS,
    u.mV,
    u.ms,
    u.Hz,
    u.mm / u.ms,
    u.mV / u.second,
    u.get_unit(1 / u.mV),
    u.nA * u.mm,
    u.ms**2,
    u.nA * u.ms,
    u.get_unit(1.0 * u.mV**-1 * u.ms),
    u.get_unit((1.0 * u.mS) / (1.0 * u.mm**2)),
]


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("0.5", u.ms, 0.5),
        ("30 mm / (5 m/s)", u.ms, 6.0),
        ("0.003 V", u.mV, 3.0),
        ("1e-3 s", u.ms, 1.0),
        ("5 m/s", u.mm / u.ms, 5.0),
        ("10/s", u.Hz, 10.0),
        ("1/(2 ms)", u.Hz, 500.0),
        (".5mV", u.mV, 0.5),
        ("−2 mV/s", u.mV / u.second, -2.0),
        ("3^2", u.UNITLESS, 9.0),
        ("30 mm / (15 mm)", u.UNITLESS, 2.0),
        ("20 uV", u.mV, 0.02),
    ],
)
def test_text_is_read_in_the_unit_of_the_parameter(text, unit, expected):
    assert parse(text, unit) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "reason"),
    [
        ("", u.mV, "is not a number with a unit"),
        ("three", u.mV, "is not a unit"),
        ("3 ms", u.mV, "must be a value in [mV]; got one in [ms]"),
        ("3 ms", u.UNITLESS, "must be a plain number; got one in [ms]"),
        ("3 mV + 2", u.mV, "mixes units"),
        ("1/0", u.mV, "must be a finite number"),
        ("9**9**9", u.UNITLESS, "must be a finite number"),
        ("1e999", u.UNITLESS, "must be a finite number"),
        ("__import__('os')", u.mV, "is not a number with a unit"),
        ("(3).real", u.mV, "is not a"),
        ("[3]", u.mV, "is not a number with a unit"),
    ],
)
def test_text_that_is_no_such_number_is_refused_with_a_sentence(text, unit, reason):
    with pytest.raises(ValueError, match=".") as refused:
        parse(text, unit)
    assert reason in str(refused.value)


@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_written_code_gives_back_the_value(unit):
    names = {"u": u, "np": np}
    for value in (2.5, -0.1, np.array([1.0, 2.5])):
        again = eval(write(value, unit), names)
        np.testing.assert_allclose(u.Quantity(again).to_decimal(unit), value, rtol=1e-6)


def test_units_of_all_models_can_be_written_and_typed():
    for info in brainmass.list_models():
        model = getattr(brainmass, info.name)
        if not issubclass(model, brainmass.NeuralMass):
            continue
        declaration = model.declaration
        for spec in (*declaration.params.values(), *declaration.states.values()):
            if code_of(spec.unit):
                assert eval(code_of(spec.unit), {"u": u}) == spec.unit or spec.unit.has_same_dim(
                    u.get_unit(eval("1.0 * " + code_of(spec.unit), {"u": u}))
                )
            text = f"2 {spec.unit}" if spec.dimensional else "2"
            assert parse(text, spec.unit) == pytest.approx(2.0)


def test_shown_numbers_are_short():
    assert [show(v) for v in (0.1 + 0.2, 100.0, 1e-7, 123456.7)] == [
        "0.3",
        "100",
        "1e-07",
        "123457",
    ]

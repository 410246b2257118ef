"""The table of numbers of the literature: ours agree, and every model has some."""

import pytest

import brainmass
from brainmass import textbook

FACTS = textbook.facts()


@pytest.mark.parametrize("fact", FACTS, ids=lambda f: f"{f.model}: {f.quantity}")
def test_number_of_the_literature_comes_out(fact):
    assert fact.value() == pytest.approx(fact.expected, abs=fact.tolerance)


def test_every_model_of_the_catalogue_has_a_number():
    assert {m.name for m in brainmass.list_models()} == {fact.model for fact in FACTS}


def test_sources_are_named_and_tolerances_are_tight():
    for fact in FACTS:
        assert "doi:" in fact.source or "Strogatz 2015" in fact.source
        assert fact.tolerance <= 0.03 * max(abs(fact.expected), 0.4), fact


def test_table_shows_both_numbers():
    rows = textbook.to_table("LinearStep").splitlines()
    assert len(rows) == 2 + len(textbook.facts("LinearStep"))
    assert "4.539993e-07 | 4.539993e-07" in rows[2]


def test_unknown_model_lists_the_known():
    with pytest.raises(ValueError, match="model must be one of .*'HopfStep'"):
        textbook.facts("NoStep")

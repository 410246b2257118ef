"""Data sets by name, and the script that made the bundled ones."""

import brainunit as u
import numpy as np
import pytest

from brainmass import datasets
from brainmass.data import make_example
from brainmass.datasets import _registry


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(_registry, "_REGISTRY", dict(_registry._REGISTRY))


def test_example_connectome_is_what_its_description_says():
    conn = datasets.load_dataset("example_connectome")
    weights = conn.weights
    assert isinstance(conn, datasets.Connectome)
    assert weights.shape == (8, 8)
    assert weights.dtype == np.float64
    assert np.array_equal(weights, weights.T)
    assert np.all(np.diag(weights) == 0)
    assert weights.min() >= 0
    assert 0.9 < weights.max() < 1
    assert conn.distances.unit == u.mm
    assert np.allclose(
        conn.distances.mantissa,
        np.linalg.norm(conn.centres.mantissa[:, None] - conn.centres.mantissa[None], axis=-1),
    )
    assert conn.distances.mantissa[~np.eye(8, dtype=bool)].min() > 20
    assert conn.hemispheres == ("L",) * 4 + ("R",) * 4
    assert conn.labels[0] == "L frontal"
    assert "synthetic" in conn.source
    assert conn.licence == "Apache-2.0"


def test_example_signal_belongs_to_the_example_connectome():
    signal = datasets.load_dataset("example_signal")
    assert signal.signal.shape == (500, 8)
    assert signal.signal.dtype == np.float64
    assert signal.dt == 1.0 * u.ms
    assert signal.labels == datasets.load_dataset("example_connectome").labels
    assert np.allclose(signal.fc, np.corrcoef(signal.signal.T))


def test_example_signal_holds_the_rhythms_of_its_regions():
    signal = datasets.load_dataset("example_signal").signal
    power = np.abs(np.fft.rfft(signal, axis=0)) ** 2
    frequencies = np.fft.rfftfreq(500, d=1.0)
    known = np.linspace(0.02, 0.06, 8)
    assert np.all(np.abs(frequencies[power[1:].argmax(axis=0) + 1] - known) < 0.003)


def test_the_script_reproduces_the_files():
    for name, content in make_example.files().items():
        assert (make_example.FOLDER / name).read_text(encoding="utf-8") == content


def test_every_load_gives_a_fresh_object():
    one, two = (datasets.load_dataset("example_signal") for _ in range(2))
    one.signal[0, 0] = 99.0
    assert two.signal[0, 0] != 99.0


def test_registered_data_sets_are_listed_and_loaded(registry):
    datasets.register_dataset("a ring", lambda: 7, description="a ring")
    assert datasets.load_dataset("a ring") == 7
    listed = datasets.list_datasets()
    assert ("a ring", "a ring") in listed
    assert [name for name, _ in listed] == sorted(name for name, _ in listed)


def test_the_description_defaults_to_the_docstring_of_the_loader(registry):
    def loader():
        """First line.

        More.
        """

    datasets.register_dataset("documented", loader)
    assert ("documented", "First line.") in datasets.list_datasets()


def test_bad_registrations_are_refused(registry):
    with pytest.raises(TypeError, match=r"loader must be a callable.*got 3"):
        datasets.register_dataset("three", 3)
    with pytest.raises(ValueError, match="name must be new; got 'example_signal'"):
        datasets.register_dataset("example_signal", lambda: None)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(KeyError, match=r"'delayed_match_task', 'example_connectome'.*got 'hcp'"):
        datasets.load_dataset("hcp")


def test_delayed_match_targets_say_whether_cue_and_probe_agree():
    inputs, targets = datasets.delayed_match_task(50, seq_len=7, n_symbols=3, seed=2)
    assert inputs.shape == (50, 7, 3)
    assert inputs.dtype == np.float64
    assert targets.dtype == np.int64
    assert targets.sum() == 25
    assert np.all(inputs[:, [0, -1]].sum(axis=2) == 1)
    assert np.all(inputs[:, 1:-1] == 0)
    same = inputs[:, 0].argmax(axis=1) == inputs[:, -1].argmax(axis=1)
    assert np.array_equal(same, targets == 1)


def test_delayed_match_follows_its_seed_and_its_defaults():
    first, second = (datasets.delayed_match_task(seed=3) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], datasets.delayed_match_task(seed=4)[0])
    loaded = datasets.load_dataset("delayed_match_task")
    assert loaded[0].shape == (128, 10, 4)
    assert np.array_equal(loaded[0], datasets.delayed_match_task()[0])


def test_delayed_match_refuses_impossible_trials():
    for name in ("seq_len", "n_symbols"):
        with pytest.raises(ValueError, match=f"{name} must be a whole number, at least 2; got 1"):
            datasets.delayed_match_task(**{name: 1})

"""What comes with brainmass: files made by the scripts in ``brainmass.data``."""

from __future__ import annotations

import csv
import io
from functools import partial
from importlib import resources

import brainunit as u
import numpy as np

from brainmass.connectome import Connectome

from ._registry import register_dataset
from ._signal import Signal
from ._tasks import delayed_match_task


def example_connectome() -> Connectome:
    _, rows = _rows("example_connectome.csv")
    numbers = np.array([row[2:] for row in rows], dtype=float)
    centres, weights = numbers[:, :3], numbers[:, 3:]
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    return Connectome(
        weights,
        distances * u.mm,
        labels=[row[0] for row in rows],
        centres=centres * u.mm,
        hemispheres=[row[1] for row in rows],
        name="example",
        source="synthetic, brainmass.data.make_example",
        licence="Apache-2.0",
        citation="brainmass",
    )


def example_signal() -> Signal:
    labels, rows = _rows("example_signal.csv")
    return Signal.of(np.array(rows, dtype=float), u.Quantity(1.0, unit=u.ms), labels)


def brain(n: int) -> Connectome:
    with _arrays(f"synthetic_{n}.npz") as stored:
        upper = np.triu_indices(n, 1)
        edges = np.unpackbits(stored["edges"], count=len(upper[0])).astype(bool)
        weights, lengths = np.zeros((n, n)), np.zeros((n, n))
        weights[upper[0][edges], upper[1][edges]] = stored["weights"]
        lengths[upper] = stored["lengths"] / 10
        labels = stored["labels"].tolist()
        centres = stored["centres"] / 100
    return Connectome(
        weights + weights.T,
        (lengths + lengths.T) * u.mm,
        labels=labels,
        centres=centres * u.mm,
        hemispheres=[label[0] for label in labels],
        name=f"synthetic_{n}",
        source="synthetic, brainmass.data.make_synthetic",
        licence="Apache-2.0",
        citation="brainmass; rules of Rosen & Halgren 2021, doi:10.1523/ENEURO.0416-20.2020",
    )


def brain_bold() -> Signal:
    with _arrays("synthetic_68_bold.npz") as stored:
        signal = stored["signal"] / 1000
    return Signal.of(signal, u.Quantity(0.72, unit=u.second), brain(68).labels)


def _arrays(name: str):
    content = resources.files("brainmass").joinpath("data", name).read_bytes()
    return np.load(io.BytesIO(content), allow_pickle=False)


def _rows(name: str) -> tuple[list[str], list[list[str]]]:
    text = resources.files("brainmass").joinpath("data", name).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    return header, rows


for _name, _loader, _text in (
    ("example_connectome", example_connectome, "connectome of 8 regions, distances in mm"),
    ("example_signal", example_signal, "activity of these 8 regions, 500 samples at 1 ms"),
    ("synthetic_68", partial(brain, 68), "brain of 68 regions, tract lengths in mm"),
    ("synthetic_90", partial(brain, 90), "brain of 90 regions, tract lengths in mm"),
    ("synthetic_360", partial(brain, 360), "brain of 360 regions, tract lengths in mm"),
    ("synthetic_68_bold", brain_bold, "BOLD of 'synthetic_68', 1200 volumes, TR 0.72 s"),
):
    register_dataset(_name, _loader, description=f"Synthetic {_text}")
register_dataset(
    "delayed_match_task",
    delayed_match_task,
    description="Working memory task: inputs (128, 10, 4) and targets (128,)",
)

"""Write the bundled synthetic brains: ``python -m brainmass.data.make_synthetic``.

They are bundled, not made on load, so that every version of NumPy gives the same numbers. Nothing
in them is measured: the connectomes follow :func:`brainmass.connectome.synthetic_brain`, and the
BOLD signal is that of noise that spreads linearly through the one of 68 regions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import brainunit as u
import numpy as np

from brainmass.connectome import Connectome, synthetic_brain

FOLDER = Path(__file__).parent
SIZES = (68, 90, 360)
SEED = 0

TR = 0.72  # s
VOLUMES = 1200
FINE = 6  # steps in a TR
TAU = 1.0  # s, decay of a fluctuation in a region without input
COUPLING = 0.97  # of the strength at which fluctuations would never decay
NOISE = 0.3  # of the scanner, in standard deviations of the signal


def packed(conn: Connectome) -> dict[str, np.ndarray]:
    """Return what a file holds: existing weights, lengths in 0.1 mm, centres in 0.01 mm."""
    upper = np.triu_indices(conn.n_regions, 1)
    weights = np.asarray(conn.weights)[upper]
    lengths = conn.distances.to_decimal(u.mm)[upper]
    return {
        "edges": np.packbits(weights > 0),
        "weights": weights[weights > 0].astype(np.float32),
        "lengths": np.round(10 * lengths).astype(np.uint16),
        "centres": np.round(100 * conn.centres.to_decimal(u.mm)).astype(np.int16),
        "labels": np.array(conn.labels),
    }


def bold(conn: Connectome) -> np.ndarray:
    """Return volumes of every region, in thousandths of a standard deviation of the signal."""
    rng = np.random.default_rng(SEED)
    weights = np.asarray(conn.weights)
    degree = weights.sum(axis=1)
    values, vectors = np.linalg.eigh(weights / np.sqrt(np.outer(degree, degree)))
    step = TR / FINE
    decay = np.exp(-step / TAU * (1 - COUPLING * values))
    kernel = haemodynamic(step * np.arange(round(32 / step)))
    steps = FINE * VOLUMES + len(kernel)
    modes, mode = np.empty((steps, len(values))), np.zeros(len(values))
    for t in range(steps):
        mode = decay * mode + vectors.T @ rng.normal(size=len(values))
        modes[t] = mode
    activity = modes @ vectors.T
    blurred = np.stack([np.convolve(x, kernel, "valid") for x in activity.T], axis=1)
    signal = blurred[::FINE][:VOLUMES]
    signal = signal - signal.mean(axis=0)
    signal = signal / signal.std(axis=0) + NOISE * rng.normal(size=signal.shape)
    return np.round(1000 * signal).astype(np.int16)


def haemodynamic(t: np.ndarray) -> np.ndarray:
    """Return a double-gamma response: peak at 5 s, undershoot at 15 s, one sixth as large."""
    return t**5 * np.exp(-t) / 120 - t**15 * np.exp(-t) / (6 * 1.307674368e12)


def files() -> dict[str, dict[str, Any]]:
    """Return name and arrays of each file."""
    brains = {n: synthetic_brain(n, seed=SEED) for n in SIZES}
    arrays = {f"synthetic_{n}.npz": packed(brain) for n, brain in brains.items()}
    return arrays | {"synthetic_68_bold.npz": {"signal": bold(brains[68])}}


if __name__ == "__main__":
    for name, arrays in files().items():
        np.savez_compressed(FOLDER / name, **arrays)
        print(f"wrote {name}, {(FOLDER / name).stat().st_size / 1000:.0f} kB")

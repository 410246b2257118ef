"""Write the files of the bundled example: ``python -m brainmass.data.make_example``.

A synthetic brain of eight regions, four lobes on each side. Nothing in it is measured: it is
small enough to look at, and has what a connectome has. Connections fall with distance, each lobe
is tied to its twin across the midline, and the weights spread over an order of magnitude.
"""

import csv
import io
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
SEED = 20240

# Centres of the lobes on the right, in mm: x to the right, y to the front, z up.
LOBES = {
    "frontal": (30.0, 38.0, 20.0),
    "parietal": (34.0, -40.0, 46.0),
    "temporal": (52.0, -14.0, -12.0),
    "occipital": (22.0, -82.0, 6.0),
}


def connectome() -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Return labels, hemispheres, centres in mm and weights of the example."""
    labels = [f"{side} {lobe}" for side in "LR" for lobe in LOBES]
    hemispheres = [label[0] for label in labels]
    right = np.array(list(LOBES.values()))
    centres = np.concatenate([right * [-1.0, 1.0, 1.0], right])
    n = len(labels)
    distances = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    twins = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) == n // 2
    spread = np.triu(np.random.default_rng(SEED).normal(0.0, 0.3, (n, n)), 1)
    weights = np.exp(spread + spread.T - distances / 60.0) * np.where(twins, 2.5, 1.0)
    np.fill_diagonal(weights, 0.0)
    return labels, hemispheres, centres, np.round(0.99 * weights / weights.max(), 4)


def signal(weights: np.ndarray) -> np.ndarray:
    """Return 500 samples, 1 ms apart, of region-specific rhythms mixed through the weights."""
    rng = np.random.default_rng(SEED + 1)
    n, steps = len(weights), np.arange(500.0)
    frequencies = np.linspace(0.02, 0.06, n)  # cycles per ms
    own = np.sin(2 * np.pi * (frequencies * steps[:, None] + rng.random(n)))
    mixing = np.eye(n) + weights / weights.sum(axis=1, keepdims=True)
    return np.round(own @ mixing.T + 0.1 * rng.normal(size=own.shape), 4)


def files() -> dict[str, str]:
    """Return name and content of each file."""
    labels, hemispheres, centres, weights = connectome()
    regions = [
        ["label", "hemisphere", "x_mm", "y_mm", "z_mm", *(f"from {label}" for label in labels)],
        *zip(labels, hemispheres, *centres.T.tolist(), *weights.T.tolist(), strict=True),
    ]
    return {
        "example_connectome.csv": _table(regions),
        "example_signal.csv": _table([labels, *signal(weights).tolist()]),
    }


def _table(rows) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        print(f"wrote {name}")

"""How a connectome shows itself in a notebook; drawn without matplotlib, for light and dark."""

from __future__ import annotations

import base64
import html
import struct
import zlib

import brainunit as u
import numpy as np

INK = (0x3D, 0x8F, 0xC4)  # legible on white and on black
MOST_PIXELS = 200  # on a side
DECADES = 4  # weights fainter than the strongest by more than this many are drawn alike


def page(facts: dict[str, str], pictures: list[str]) -> str:
    """Return a table of facts beside pictures, as HTML."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{key}</th><td>{html.escape(value)}</td></tr>"
        for key, value in facts.items()
        if value
    )
    return (
        "<div style='display:flex;gap:1.5em;align-items:center'>"
        f"{''.join(pictures)}<table>{rows}</table></div>"
    )


def matrix(weights, size: int = 120) -> str:
    """Draw weights as an inline PNG, a pixel per connection or block of them, opaque if strong."""
    shade = np.round(255 * strength_of(weights)).astype(np.uint8)
    regions, block = len(shade), -(-len(shade) // MOST_PIXELS)
    shade = np.pad(shade, (0, -regions % block))
    n = len(shade) // block
    shade = shade.reshape(n, block, n, block).max(axis=(1, 3))
    pixels = np.empty((n, n, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = INK, shade
    rows = np.pad(pixels.reshape(n, -1), ((0, 0), (1, 0))).tobytes()  # each starts with filter 0
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", n, n, 8, 6, 0, 0, 0))
    data = _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    png = base64.b64encode(b"\x89PNG\r\n\x1a\n" + header + data).decode()
    return (
        f"<img width='{size}' height='{size}' alt='weight matrix, {regions} by {regions}' "
        "style='image-rendering:pixelated;border:1px solid #888' "
        f"src='data:image/png;base64,{png}'>"
    )


def from_above(weights, centres: u.Quantity, size: int = 120) -> str:
    """Draw regions from above as an inline SVG, front up, with the strongest connections."""
    w = np.asarray(u.get_mantissa(weights), dtype=float)
    x, y = centres.to_decimal(u.mm)[:, :2].T.astype(float)
    span = max(np.ptp(x), np.ptp(y), 1e-9) / (size - 12)
    x = size / 2 + (x - (x.max() + x.min()) / 2) / span
    y = size / 2 - (y - (y.max() + y.min()) / 2) / span  # on a screen y grows downwards
    into = w.sum(axis=0) + w.sum(axis=1)
    radius = 1.0 + min(2.8, 25 / np.sqrt(len(w))) * np.sqrt(into / max(into.max(), 1e-300))
    both = np.triu(w + w.T, 1)
    strongest = np.argsort(both, axis=None)[::-1][: min(2 * len(w), 120)]
    lines = "".join(
        f"<line x1='{x[i]:.1f}' y1='{y[i]:.1f}' x2='{x[j]:.1f}' y2='{y[j]:.1f}'/>"
        for i, j in zip(*np.unravel_index(strongest, w.shape), strict=True)
        if both[i, j] > 0
    )
    dots = "".join(
        f"<circle cx='{a:.1f}' cy='{b:.1f}' r='{r:.1f}'/>"
        for a, b, r in zip(x, y, radius, strict=True)
    )
    colour = "#{:02x}{:02x}{:02x}".format(*INK)
    return (
        f"<svg width='{size}' height='{size}' role='img' aria-label='regions from above'>"
        f"<g stroke='#888' stroke-opacity='0.5'>{lines}</g><g fill='{colour}'>{dots}</g></svg>"
    )


def strength_of(weights) -> np.ndarray:
    """Return weights on a logarithmic scale from 0 (none) to 1 (the strongest)."""
    w = np.asarray(u.get_mantissa(weights), dtype=float)
    with np.errstate(divide="ignore"):
        decades = np.log10(w / max(w.max(), 1e-300)) / DECADES
    return np.where(w > 0, np.clip(1 + decades, 0.1, 1.0), 0.0)


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

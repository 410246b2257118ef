"""A page that shows plots without a kernel and without a network."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from typing import Any

from .assets import bundle
from .canvas import PLOT, STYLE, describe
from .packing import pack
from .plots import Lines, Plot

__all__ = ["page"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 1em auto; max-width: 1100px; padding: 0 1em; font-family: system-ui, sans-serif;
  background: Canvas; color: CanvasText; }}
h1 {{ font-size: 1.2em; }}
#plots {{ display: flex; flex-wrap: wrap; gap: 12px; }}
#plots > div {{ flex: 1 1 420px; min-width: 300px; }}
table {{ border-collapse: collapse; font-size: 0.9em; }}
td {{ padding: 1px 14px 1px 0; font-variant-numeric: tabular-nums; }}
pre {{ overflow: auto; padding: 0.8em; border: 1px solid gray; font-size: 0.85em; }}
{style}
</style>
</head>
<body>
<h1>{title}</h1>
<div id="plots"></div>
<table>{rows}</table>
<pre>{code}</pre>
<script type="module">
{script}
</script>
</body>
</html>
"""


def page(
    title: str, plots: Sequence[Plot], facts: Sequence[tuple[str, str]] = (), code: str = ""
) -> str:
    """Return an HTML page with plots that can be panned, zoomed and read.

    Parameters
    ----------
    title : str
        Its heading.
    plots : sequence of Lines, Phase or Heat
        What to show.
    facts : sequence of tuple of str, optional
        Names and values for a table.
    code : str, optional
        Python code shown below.

    Returns
    -------
    str
        The page, everything included.

    Examples
    --------
    >>> import numpy as np
    >>> from brainmass_widgets.plots import Axis, Heat
    >>> from brainmass_widgets.snapshot import page
    >>> heat = Heat(Axis("time", "ms"), Axis("region"), Axis("x"), np.eye(4))
    >>> "4 rows of x from 0 to 1" in page("Identity", [heat])
    True
    """
    packed = [(plot, pack(plot)) for plot in plots]
    frames = [
        {
            "frame": {"id": k + 1, **frame},
            "height": 160 + 120 * max(1, len(plot.panels)) if isinstance(plot, Lines) else 320,
            "label": _label(plot),
            "summary": describe(plot, frame),
        }
        for k, (plot, frame) in enumerate(packed)
    ]
    text = json.dumps(frames, default=_plain).replace("</", "<\\/")
    rows = "".join(f"<tr><td>{html.escape(n)}</td><td>{html.escape(v)}</td></tr>" for n, v in facts)
    script = f"const FRAMES = {text};\n" + bundle(*PLOT, "still.js")
    return _PAGE.format(
        title=html.escape(title),
        style=bundle(STYLE),
        rows=rows,
        code=html.escape(code),
        script=script,
    )


def _label(plot: Plot) -> str:
    if isinstance(plot, Lines):
        return f"Lines over {plot.x.label}"
    return f"{plot.y.label} against {plot.x.label}"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"page: cannot write {type(value).__name__}")

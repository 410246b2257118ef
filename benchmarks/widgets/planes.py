"""Slider to painted phase plane.

Two sliders of each model: that of the bifurcation diagram, which moves a cursor there, and another
one, after which the diagram is computed anew in the background.
"""

from ..common import table

PLANES = {
    "Hopf, 2 states": ("PhasePlaneWidget(brainmass.HopfStep(1), along='a')", "a", "w"),
    "Montbrio-Pazo-Roxin, 2 states": (
        "PhasePlaneWidget(brainmass.MontbrioPazoRoxinStep(1), along='eta')", "eta", "J",
    ),
    "Jansen-Rit, 6 states": (
        "PhasePlaneWidget(brainmass.JansenRitStep(1), 'E', 'I', along='C')", "C", "v0",
    ),
}  # fmt: skip


def main(stage) -> None:
    """Print latencies, first pictures and compilations of phase planes."""
    rows = []
    for name, (widget, own, other) in PLANES.items():
        with stage.notebook(widget, "_.flush(); print('done')") as notebook:
            first = notebook.picture(1)
            notebook.run(2)  # the diagram may come after the plane
            notebook.settle()
            before = notebook.compilations()
            times = [notebook.keys(path) for path in (own, other)]
            notebook.touch_all()
            notebook.settle()
            compiled = notebook.compilations() - before
        rows.append((name, *(f"{t:.0f}" for t in times), f"{first / 1e3:.1f}", compiled))
    header = (
        "phase plane", "slider of the diagram, ms (limit 70)", "another slider, ms (limit 70)",
        "first picture, s (limit 4)", "compiled by moves of all sliders (limit 0)",
    )  # fmt: skip
    table("Phase planes", header, rows)

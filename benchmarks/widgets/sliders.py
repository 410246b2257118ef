"""Slider to painted frame, against the plain way on the same compiled simulations.

The plain way is ``interactive_output`` and a matplotlib figure.
"""

from ..common import table

MODELS = """
rng = np.random.default_rng(0)
def node():
    return brainmass.HopfStep(1, a=0.25, w=0.3, init_x=0.1)
def network():
    weights = rng.lognormal(size=(84, 84)) * (rng.random((84, 84)) < 0.69) / 84
    lengths = rng.uniform(10, 150, (84, 84)) * u.mm
    return brainmass.Network(
        brainmass.HopfStep(84, a=0.1, w=0.3, init_x=0.1), conn=weights, distance=lengths,
        speed=10 * u.mm / u.ms, coupled_var="x", k=0.1,
    )
three = {"x": "x", "y": "y", "sum": lambda m: m.x.value + m.y.value}
"""
PLAIN_NODE = """
model = node(); sim = brainmass.Simulator(model, dt=0.1 * u.ms)
def show(a):
    model.a = a
    result = sim.run(200 * u.ms, monitors=three)
    fig, ax = plt.subplots(figsize=(7, 3.5))
    for name in three:
        ax.plot(np.asarray(result["ts"].mantissa), np.asarray(result[name]))
    plt.show()
"""
PLAIN_NETWORK = """
model = network(); sim = brainmass.Simulator(model, dt=0.1 * u.ms)
def show(a):
    model.node.a = a
    result = sim.run(100 * u.ms, monitors="node.x")
    fig, ax = plt.subplots(figsize=(7, 3.5))
    fig.colorbar(ax.imshow(np.asarray(result["node.x"]).T, aspect="auto"))
    plt.show()
"""
SHOW_PLAIN = """
slider = ipywidgets.FloatSlider(value=0.25, min=-1, max=1, step=0.01, description="a")
ipywidgets.VBox([slider, ipywidgets.interactive_output(show, {"a": slider})])
"""
ROWS = {
    # name: widget, slider, plain way, limit in ms, limit of the ratio
    "one node, 3 traces x 2000": (
        "SimulatorWidget(node(), monitors=three, plots=['time'])", "a", PLAIN_NODE, 60, 2.5,
    ),
    "84 regions x 1000, heat map": (
        "NetworkWidget(network(), duration=100 * u.ms, plots=['regions'])", "node.a",
        PLAIN_NETWORK, 120, 3,
    ),
}  # fmt: skip


def main(stage) -> None:
    """Print slider latencies, their ratio, first pictures and compilations."""
    rows = []
    for name, (widget, path, plain, limit, ratio) in ROWS.items():
        with stage.notebook(MODELS + "print()", widget, plain + SHOW_PLAIN) as notebook:
            notebook.run(1)
            first = notebook.picture(2)
            notebook.settle()
            before = notebook.compilations()
            ours = notebook.keys(path)
            notebook.settle()
            notebook.touch_all()
            if notebook.pick(region=3):
                notebook.touch_all()
            notebook.settle()
            compiled = notebook.compilations() - before
            notebook.run(3, "img")
            other = notebook.keys("a", ours=False)
        rows.append(
            (name, f"{ours:.0f} (limit {limit})", f"{other:.0f}",
             f"{other / ours:.1f} (limit {ratio})", f"{first / 1e3:.1f} (limit 4)", compiled)
        )  # fmt: skip
    header = (
        "slider to painted frame", "ours, ms", "interactive_output, ms", "ratio",
        "first picture, s", "compiled by moves of all sliders (limit 0)",
    )  # fmt: skip
    table("Sliders", header, rows)

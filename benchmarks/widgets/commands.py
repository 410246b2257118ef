"""How soon a fit and a sweep obey, and whether the kernel answers other cells meanwhile."""

import statistics
import time

from ..common import table

FIT_NODE = """
def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(100 * u.ms, monitors="x")["x"]

data = predict(brainmass.HopfStep(1, a=0.3, w=0.25, init_x=0.1))
node = brainmass.HopfStep(1, a=Param(0.1, fit=True), w=0.25, init_x=0.1)
FitterWidget(brainmass.Fitter(node, predict=predict), data, n_steps=100_000)
"""
FIT_NETWORK = """
def network(a):
    rng = np.random.default_rng(0)
    weights = rng.lognormal(size=(84, 84)) * (rng.random((84, 84)) < 0.69) / 84
    return brainmass.Network(
        brainmass.HopfStep(84, a=a, w=0.3, init_x=0.1), conn=weights,
        distance=rng.uniform(10, 150, (84, 84)) * u.mm, speed=10 * u.mm / u.ms,
        coupled_var="x", k=0.1,
    )
def predict(model):
    return brainmass.Simulator(model, dt=0.1 * u.ms).run(100 * u.ms, monitors="node.x")["node.x"]

data = predict(network(0.3))
model = network(Param(np.full(84, 0.1), fit=True))
FitterWidget(brainmass.Fitter(model, predict=predict), data, n_steps=100_000)
"""
SWEEP = """
SweepWidget(brainmass.HopfStep(1, init_x=0.1), {"a": (-0.2, 0.4, 300), "w": (0.1, 0.5, 300)})
"""
ROWS = {
    "fit of one node": FIT_NODE,
    "fit of 84 regions, 84 parameters": FIT_NETWORK,
    "sweep of 90 000 points": SWEEP,
}
TIMES = 5


def main(stage) -> None:
    """Print how soon Stop and Pause are acknowledged and another cell answers."""
    rows = []
    for name, source in ROWS.items():
        with stage.notebook(source, *[f"print({k})" for k in range(TIMES)]) as notebook:
            notebook.run(1, ".brainmass-widget button")
            other, pause, stop = [], [], []
            for k in range(TIMES):
                notebook.press("Start", "running:")
                if k == 0:  # compiles
                    notebook.page.wait_for_function(
                        "() => [...document.querySelectorAll('.brainmass-status')].some("
                        r"(s) => /running: (step )?[1-9]/.test(s.innerText))"
                    )
                time.sleep(0.5)
                other.append(notebook.run(2 + k))
                pause.append(notebook.press("Pause", "paused:"))
                notebook.press("Resume", "running:")
                time.sleep(0.3)
                stop.append(notebook.press("Stop", "stopped:"))
        rows.append((name, *(f"{statistics.median(t):.0f}, at most {max(t):.0f}"
                             for t in (stop, pause, other))))  # fmt: skip
    header = (
        "while it runs", "Stop is acknowledged, ms (limit 300)", "Pause, ms",
        "another cell answers, ms (limit 100)",
    )  # fmt: skip
    table("Commands", header, rows)

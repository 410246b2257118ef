"""What ``import brainmass`` costs, and the time to a first result."""

import subprocess
import sys

from .common import table


def measure(code, repeats=5):
    """Return the shortest time that ``code`` prints of itself, in seconds."""
    times = []
    for _ in range(repeats):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        times.append(float(out.stdout))
    return min(times)


def main():
    """Print import times."""
    timed = "import time; s = time.perf_counter(); {}; print(time.perf_counter() - s)"
    over = "import brainstate; " + timed.format("import brainmass")
    first = (
        "import brainunit as u, brainmass; "
        + timed.format(
            "brainmass.Simulator(brainmass.HopfStep(1, init_x=0.1), dt=0.1 * u.ms)"
            ".run(100 * u.ms, monitors='x')"
        )
    )  # fmt: skip
    rows = [
        ("import brainmass over import brainstate", f"{measure(over):.2f} (at most 0.3)"),
        ("first Hopf run of 1000 steps after the import", f"{measure(first):.2f} (at most 1.5)"),
    ]
    table("Import", ("what", "s"), rows)

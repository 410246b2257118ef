"""What the benchmarks share: problems, timing, tables."""

import platform
import time

import brainunit as u
import jax
import numpy as np

import brainmass

DT = 0.1
DENSITY = {8: 1.0, 84: 0.69, 400: 0.35, 1000: 0.15}


def connectome(n, seed=0):
    """Log-normal weights of in-strength at most 1 and delays of 1 to 15 ms, in steps."""
    rng = np.random.default_rng(seed)
    weights = np.exp(rng.normal(size=(n, n))) * (rng.random((n, n)) < DENSITY[n])
    np.fill_diagonal(weights, 0)
    return weights / weights.sum(1).max(), np.round(rng.uniform(10, 150, (n, n))).astype(int)


def network(n, method="euler", noise=0.01, **node):
    """Return the Hopf network that every table uses."""
    weights, steps = connectome(n)
    settings = {"a": 0.2, "w": 0.3, "method": method, **node}
    if noise:
        settings["noise_x"] = brainmass.WhiteNoise(n, sigma=noise)
    return brainmass.Network(
        brainmass.HopfStep(n, **settings),
        conn=weights,
        distance=steps * 1.0 * u.mm,
        speed=10.0 * u.mm / u.ms,
        coupled_var="x",
        k=0.5,
        delay_init=0.01,
    )


def best(function, repeats=5):
    """Return the shortest wall time of a call, in seconds, after one warm call."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def interleaved(functions, repeats=5):
    """Return the shortest time of each function, called in turns so that drift hits all alike."""
    for function in functions:
        function()
    times = [[] for _ in functions]
    for _ in range(repeats):
        for function, out in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            out.append(time.perf_counter() - start)
    return [min(t) for t in times]


def table(title, header, rows):
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |", flush=True)


def machine():
    """Print what the tables were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            model = next(line for line in info if line.startswith("model name")).split(": ")[1]
    except (OSError, StopIteration):
        pass
    print(
        f"{model.strip()}, {len(jax.devices())} {jax.devices()[0].platform} device, "
        f"jax {jax.__version__}, Python {platform.python_version()}, float32"
    )

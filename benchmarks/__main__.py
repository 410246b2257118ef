"""Print the benchmark tables: all of them, or those named on the command line."""

import sys

from . import fits, gradients, imports, models, networks, runs, signals, sweeps
from .common import machine

TABLES = {
    "imports": imports,
    "runs": runs,
    "models": models,
    "networks": networks,
    "gradients": gradients,
    "fits": fits,
    "signals": signals,
    "sweeps": sweeps,
}

if __name__ == "__main__":
    names = sys.argv[1:] or list(TABLES)
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        sys.exit(f"benchmarks: tables must be among {', '.join(TABLES)}; got {unknown[0]}.")
    machine()
    for name in names:
        TABLES[name].main()

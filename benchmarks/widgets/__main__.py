"""Print the tables of the widgets: all of them, or those named on the command line."""

import sys
import time

from benchmarks.common import machine

from . import commands, planes, sliders
from .stage import stage

TABLES = {"sliders": sliders, "planes": planes, "commands": commands}

if __name__ == "__main__":
    names = sys.argv[1:] or list(TABLES)
    if unknown := [name for name in names if name not in TABLES]:
        sys.exit(f"benchmarks.widgets: tables must be among {', '.join(TABLES)}; got {unknown[0]}.")
    began = time.monotonic()
    machine()
    with stage() as page:
        for name in names:
            TABLES[name].main(page)
    print(f"\nMeasured in {time.monotonic() - began:.0f} s.")

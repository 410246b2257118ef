#!/bin/sh
# Print the newest Python from 3.11 on whose version differs from that of the Python given,
# or nothing and one line on stderr.
set -u

version() { # of a Python that can make virtual environments
    "$1" -c 'import ensurepip, sys, venv; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

given=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
for wanted in 3.14 3.13 3.12 3.11; do
    [ "$wanted" = "$given" ] && continue
    for python in "$(command -v "python$wanted")" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$wanted."*/bin/python; do
        # A pyenv shim exists for a Python that cannot be run: only its answer counts.
        if [ "$(version "$python")" = "$wanted" ]; then
            echo "$python"
            exit
        fi
    done
done
echo "No Python but $given found (3.11 to 3.14), so the tests on a second Python were not run." >&2

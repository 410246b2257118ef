#!/bin/sh
# Open JupyterLab on the tutorials. Without a display, print its address instead of opening a browser.
# Arguments are passed on to JupyterLab. BIN is the folder of the jupyter command.
set -eu
cd "$(dirname "$0")/.."

if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    set -- --no-browser "$@"
    echo "== Starting JupyterLab on tutorials/. There is no display here: open the address below in a browser. Ctrl-C stops it."
else
    echo "== Starting JupyterLab on tutorials/. It opens in your browser; its address is below. Ctrl-C stops it."
fi
# JupyterLab refuses to run as root, the usual user of a container, unless it is told to.
if [ "$(id -u)" = 0 ]; then
    set -- --allow-root "$@"
fi
exec "${BIN:-.venv/bin}/jupyter" lab --notebook-dir=tutorials --log-level=WARN --LabApp.log_level=WARN "$@"

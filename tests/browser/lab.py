"""Drives a real JupyterLab: starts a private server, opens notebooks in Chromium and runs them.

Every wait has a timeout, in seconds.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The notebook in front. `jupyterapp` is there because the server runs with expose_app_in_browser.
CURRENT = "window.jupyterapp?.shell?.currentWidget"


def chromium_path() -> str:
    """The Chromium that the tests use."""
    found = subprocess.run(
        [ROOT / "tools" / "chromium.sh"], capture_output=True, text=True, timeout=60
    )
    if not found.stdout:
        raise FileNotFoundError(found.stderr.strip())
    return found.stdout.strip()


# Module to start, and the application in the browser, by name of the program.
PROGRAMS = {"lab": ("jupyterlab", "LabApp"), "notebook": ("notebook", "JupyterNotebookApp")}


@contextmanager
def jupyterlab(folder: Path, private: Path, timeout: float = 60, program: str = "lab"):
    """A JupyterLab or Notebook 7 on ``folder`` with its own settings; yields its address."""
    module, application = PROGRAMS[program]
    settings = private / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    # Otherwise a pop-up asks about news and covers the page.
    (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    own_folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = private / "jupyterlab.log"
    with log.open("w") as log_file:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", module, "--no-browser", "--allow-root"),
                *(
                    f"--ServerApp.port={port}",
                    "--ServerApp.port_retries=0",
                    "--ServerApp.ip=127.0.0.1",
                ),
                *(f"--ServerApp.root_dir={folder}", "--IdentityProvider.token="),
                f"--{application}.expose_app_in_browser=True",
            ],
            env=os.environ | {name: str(private / sub) for name, sub in own_folders.items()},
            stdout=log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for_server(server, f"{url}/api", log, timeout)
        yield url
    finally:
        _stop(server)


def _wait_for_server(server, url, log, timeout):
    deadline = time.monotonic() + timeout
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, TimeoutError) as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}") from error
        time.sleep(0.2)


def _stop(server):
    """Ask politely, so that the server ends its kernels, then end whatever is left."""
    server.terminate()
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(15)


def open_notebook(page, name: str, timeout: float = 60, program: str = "lab"):
    """Open a notebook of the server's folder and wait until its kernel is there."""
    place = f"/lab/tree/{name}?reset" if program == "lab" else f"/notebooks/{name}"
    page.goto(place, timeout=1000 * timeout)
    page.wait_for_function(
        f"""(name) => {{
            const panel = {CURRENT};
            return panel?.context?.path === name && panel.context.isReady
                && panel.sessionContext?.isReady
                && panel.sessionContext.session?.kernel?.status === 'idle';
        }}""",
        arg=name,
        timeout=1000 * timeout,
    )


def run_all_cells(page, timeout: float = 120):
    """Run the notebook in front from top to bottom and wait until the kernel is idle again."""
    page.evaluate(
        """() => {
            window.runAllCells = 'running';
            window.jupyterapp.commands.execute('notebook:run-all-cells').then(
                () => { window.runAllCells = 'done'; },
                (error) => { window.runAllCells = String(error); },
            );
        }"""
    )
    page.wait_for_function("window.runAllCells !== 'running'", timeout=1000 * timeout)
    outcome = page.evaluate("window.runAllCells")
    if outcome != "done":
        raise RuntimeError(f"Running all cells failed: {outcome}")
    wait_idle(page, timeout)


def wait_idle(page, timeout: float = 60):
    """Wait until the kernel of the notebook in front has nothing to do."""
    page.wait_for_function(
        f"{CURRENT}?.sessionContext?.session?.kernel?.status === 'idle'", timeout=1000 * timeout
    )


def cells(page) -> list[dict]:
    """The cells of the notebook in front, outputs included, in the form of a notebook file."""
    return page.evaluate(f"{CURRENT}.context.model.toJSON().cells")


def cell_errors(page) -> list[str]:
    """One line for each error among the outputs of the notebook in front."""
    outputs = (output for cell in cells(page) for output in cell.get("outputs", ()))
    return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]


def screenshot(page, path: Path):
    """Save what the browser shows as a PNG file."""
    page.screenshot(path=path)

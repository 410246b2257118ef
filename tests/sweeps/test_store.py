"""What is finished is never lost: stores, interruption, killed processes."""

import contextlib
import os
import subprocess
import sys
import threading
import time

import brainstate
import brainunit as u
import numpy as np
import pytest
from sweeps.conftest import make_network, simulator, spread

import brainmass
from brainmass.sweeps import _store, _threads, _work

MS = u.ms
GRID = {"node.a": [0.1, 0.2, 0.3], "k": [0.2, 0.4, 0.6]}


def several(result):
    return {"sd": spread(result), "n": 3, "first": result["node.x"][:5]}


def sweep(model, params=GRID, **settings):
    settings = {"monitors": "node.x", "reduce": several, "threads": 1, "batch": 1, **settings}
    return brainmass.sweep(
        simulator(model), params, duration=20 * MS, progress=False, seeds=[4, 5], **settings
    )


def identical(stored, whole):
    """Whether data agree bit for bit; what a store says about how it came about may differ."""
    for name in whole.variables:
        np.testing.assert_array_equal(stored[name].values, whole[name].values, err_msg=name)
        assert stored[name].dims == whole[name].dims
        assert stored[name].attrs == whole[name].attrs
    return set(stored.variables) == set(whole.variables)


@pytest.fixture
def calls(monkeypatch):
    """One entry for each point that is computed."""
    original, out = _work.Runner.one, []

    def one(self, *args):
        out.append(args)
        return original(self, *args)

    monkeypatch.setattr(_work.Runner, "one", one)
    return out


@pytest.fixture
def interrupt(monkeypatch):
    """Let Ctrl-C come while the fourth batch is waited for."""
    original, waits = _threads.LocalWorkers._next, []

    def wait(self):
        waits.append(1)
        if len(waits) == 4:
            raise KeyboardInterrupt
        return original(self)

    @contextlib.contextmanager
    def soon():
        with monkeypatch.context() as patch:
            patch.setattr(_threads.LocalWorkers, "_next", wait)
            yield

    return soon


def test_interruption_returns_what_is_finished_and_marks_it(noisy, interrupt):
    whole = sweep(noisy)
    with interrupt():
        part = sweep(noisy)
    done = part["finished"].values
    assert part.attrs["interrupted"] == "yes"
    assert 3 <= done.sum() < 18
    np.testing.assert_array_equal(part["value_sd"].values[done], whole["value_sd"].values[done])
    assert np.isnan(part["value_sd"].values[~done]).all()


@pytest.mark.parametrize("name", ["sweep.zarr", "sweep.nc"])
def test_a_second_call_computes_what_is_missing_and_equals_the_whole(
    noisy, tmp_path, interrupt, calls, name
):
    import xarray

    whole = sweep(noisy)
    with interrupt():
        first = sweep(noisy, store=tmp_path / name)
    done = int(first["finished"].sum())
    assert first.attrs["interrupted"] == "yes"
    calls.clear()
    again = sweep(noisy, store=tmp_path / name)
    assert len(calls) == 18 - done
    assert "interrupted" not in again.attrs
    assert identical(again, whole)
    calls.clear()
    assert identical(sweep(make_network(noise=0.05), store=tmp_path / name), whole)
    assert calls == []
    engine = "zarr" if name.endswith("zarr") else "h5netcdf"
    with xarray.open_dataset(tmp_path / name, engine=engine) as opened:
        np.testing.assert_array_equal(opened["value_sd"], whole["value_sd"])
        assert opened["finished"].dtype == bool
        assert opened.attrs["points_finished"] == 18
    assert sorted(os.listdir(tmp_path)) == [name]
    loaded = brainmass.load(tmp_path / name)
    assert type(loaded) is type(whole)
    assert identical(loaded, whole)
    path = brainmass.save(tmp_path / f"copy-{name}", again)
    assert identical(brainmass.load(path), whole)


def test_finished_points_can_be_read_while_the_sweep_runs(noisy, tmp_path):
    import xarray

    seen = []

    def look(result):
        if os.path.exists(tmp_path / "s.zarr"):
            time.sleep(0.03)
            with xarray.open_dataset(tmp_path / "s.zarr", engine="zarr", chunks=None) as now:
                seen.append(int(now["finished"].sum()))
        return spread(result)

    sweep(noisy, reduce={"sd": look}, store=tmp_path / "s.zarr")
    assert max(seen) >= 6
    assert seen == sorted(seen)


def test_a_store_of_another_sweep_is_refused(noisy, tmp_path):
    path = tmp_path / "s.zarr"
    small = {"k": [0.2]}
    sweep(noisy, small, store=path)
    others = [
        lambda: sweep(noisy, {"k": [0.3]}, store=path),
        lambda: sweep(noisy, small, reduce={"sd": spread}, store=path),
        lambda: sweep(noisy, small, transient=1 * MS, store=path),
        lambda: sweep(make_network(noise=0.06), small, store=path),
    ]
    for other in others:
        with pytest.raises(ValueError, match=r"store .* must be new or hold this very sweep"):
            other()
    (tmp_path / "x.zarr").mkdir()
    with pytest.raises(ValueError, match="got something else there"):
        sweep(noisy, small, store=tmp_path / "x.zarr")


def test_a_store_that_cannot_be_written_says_so(noisy, tmp_path, monkeypatch):
    def full(self, *_):
        raise OSError("no space left on device")

    monkeypatch.setattr(_store.StoredTable, "_write_now", full)
    with pytest.raises(OSError, match=r"must be writable; got no space left.* Make room"):
        sweep(noisy, store=tmp_path / "s.zarr")


def test_writing_goes_on_beside_the_computation(noisy, tmp_path, monkeypatch):
    original, writers = _store.StoredTable._write_now, set()

    def slow(self, *args):
        time.sleep(0.05)
        writers.add(threading.current_thread().name)
        original(self, *args)

    monkeypatch.setattr(_store.StoredTable, "_write_now", slow)
    ends = []
    sweep(
        noisy, {"k": np.linspace(0.1, 0.5, 6)}, store=tmp_path / "s.zarr",
        reduce={"t": lambda result: (ends.append(time.perf_counter()), 1.0)[1]},
    )  # fmt: skip
    assert writers == {"brainmass-store"}
    assert np.median(np.diff(ends)) < 0.04


PROGRAM = """
import os, time
import brainstate, brainunit as u, numpy as np, brainmass

brainstate.environ.set(precision=PRECISION)

def last(result):
    if result["x"][0, 0] > 0.55 and "KILL" in os.environ:
        time.sleep(1.0)
        os._exit(9)
    return result["x"][-1]

sim = brainmass.Simulator(brainmass.HopfStep(2), dt=0.1 * u.ms)
result = brainmass.sweep(
    sim, {"init_x": np.linspace(0.1, 0.9, 9)}, duration=5 * u.ms, monitors="x",
    reduce={"last": last}, store=STORE, threads=1, batch=1, progress=False,
)
"""


def test_a_killed_process_loses_the_batch_it_was_at(tmp_path, calls):
    program = PROGRAM.replace("STORE", repr(str(tmp_path / "s.zarr")))
    program = program.replace("PRECISION", str(brainstate.environ.get_precision()))
    killed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
        env={**os.environ, "KILL": "yes"},
    )  # fmt: skip
    assert killed.returncode == 9, killed.stderr
    here = {}
    exec(compile(program, "overnight.py", "exec"), here)
    assert len(calls) == 4
    whole = brainmass.sweep(
        here["sim"], {"init_x": np.linspace(0.1, 0.9, 9)}, duration=5 * MS, monitors="x",
        progress=False, reduce={"last": lambda result: result["x"][-1]},
    )  # fmt: skip
    np.testing.assert_array_equal(here["result"]["last"], whole["last"])

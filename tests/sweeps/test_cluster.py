"""Sweeps on a Dask cluster of two processes, one of which is killed."""

import os
import signal
import threading
import time
import warnings

import brainunit as u
import numpy as np
import pytest
from sweeps.conftest import make_network, simulator

import brainmass

MS = u.ms


@pytest.fixture(scope="module")
def client():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dask.distributed import Client, LocalCluster

        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        with cluster, Client(cluster) as client:
            yield client


def test_a_killed_worker_costs_its_own_batch_and_nothing_else(client, tmp_path):
    """Each point leaves a file when it is computed, so that we can count how often it was."""

    def last(result):
        import os
        import time
        import uuid

        value = np.asarray(result["node.x"][-1])
        time.sleep(0.02)
        (tmp_path / f"{value[0]:.9g}~{os.getpid()}~{uuid.uuid4()}").touch()
        return value

    sim = simulator(make_network(noise=0.05))
    params = {"node.a": np.linspace(-0.2, 0.4, 10), "k": np.linspace(0.1, 0.8, 12)}
    settings = {"duration": 5 * MS, "monitors": "node.x", "progress": False}
    pids = list(client.run(os.getpid).values())

    def kill_in_the_middle():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            done = [name.split("~")[1] for name in os.listdir(tmp_path)]
            mine = done.count(str(pids[0]))
            # Within a batch of four: for a moment after one, its results are still on their way.
            if len(done) > 40 and mine > 10 and mine % 4 == 2:
                os.kill(pids[0], signal.SIGKILL)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    result = brainmass.sweep(sim, params, reduce={"x": last}, client=client, batch=4, **settings)
    killer.join()
    files = [name.split("~") for name in os.listdir(tmp_path)]
    assert str(pids[0]) in {pid for _, pid, _ in files}
    assert len({pid for _, pid, _ in files}) >= 2
    assert pids[0] not in client.run(os.getpid).values()
    assert bool(result["finished"].all())
    # Of the batch the killed worker was at some points came twice.
    assert 120 <= len(files) <= 120 + 4
    here = brainmass.sweep(sim, params, reduce={"x": lambda r: r["node.x"][-1]}, **settings)
    np.testing.assert_array_equal(result["x"], here["x"])


def test_a_model_of_the_notebook_travels_with_its_functions(client):
    class Leak(brainmass.NeuralMass):
        """A model that no worker can import."""

        catalogued = False
        tau = brainmass.param(10.0 * u.ms, domain="positive", doc="decay time")
        x = brainmass.state(1.0, doc="activity")
        x_inp = brainmass.inlet(0.0, doc="drive")

        @staticmethod
        def equations(s, p, i, t):
            return dict(x=(i.x_inp - s.x) / p.tau)

    power = 2

    def final(result):
        return result["x"][-1] ** power

    sim = simulator(Leak(2))
    taus = np.array([5.0, 20.0]) * u.ms
    result = brainmass.sweep(
        sim, {"tau": taus}, duration=10 * MS, monitors="x", reduce={"x": final}, client=client,
        progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(result["x"][:, 0], np.exp(-20 / taus.mantissa), rtol=1e-3)


def test_what_fails_on_a_worker_is_told_here(client):
    def fails(result):
        raise KeyError("power")

    with pytest.raises(brainmass.SweepError, match=r"got KeyError: 'power' at a = 0\.1"):
        brainmass.sweep(
            simulator(brainmass.HopfStep(1)), {"a": [0.1]}, duration=1 * MS, monitors="x",
            reduce={"x": fails}, client=client, progress=False,
        )  # fmt: skip


def test_generations_of_a_search_are_computed_on_the_cluster(client):
    """What an optimiser asks for comes back from the workers as it would from here."""
    from brainmass.sweeps import Evaluator

    target = 0.25

    def loss(result):
        return (result["x"].max() - target**0.5) ** 2

    def evaluator(**settings):
        sim = simulator(brainmass.HopfStep(1, init_x=0.5))
        run = {"duration": 60 * MS, "transient": 30 * MS, "monitors": "x"}
        return Evaluator(sim, ["a"], reduce={"loss": loss}, **run, **settings)

    there, here = evaluator(client=client), evaluator()
    low, high = 0.05, 0.6
    for _ in range(4):  # each generation closes in on the best of the last
        points = np.linspace(low, high, 8)
        losses = there({"a": points})["loss"]
        np.testing.assert_array_equal(losses, here({"a": points})["loss"])
        best, width = points[np.argmin(losses)], (high - low) / 6
        low, high = best - width, best + width
    assert abs(best - target) < 0.02


def test_double_precision_travels(client, x64):
    sim = simulator(brainmass.HopfStep(2, init_x=0.1))
    settings = {"duration": 5 * MS, "monitors": "x", "progress": False}
    there = brainmass.sweep(sim, {"a": [0.1, 0.3]}, client=client, **settings)
    assert there["x"].dtype == np.float64
    here = brainmass.sweep(sim, {"a": [0.1, 0.3]}, **settings)
    np.testing.assert_array_equal(there["x"], here["x"])

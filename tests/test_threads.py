"""What widgets do: runs and fits in several threads at once, each as if it were alone."""

import threading

import brainstate
import brainunit as u
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass

MS = u.ms


def together(*functions):
    """Run functions in threads that start at the same time; return what they return."""
    out, errors = [None] * len(functions), []
    settings = brainstate.environ.all()  # a thread of some versions begins without them
    gate = threading.Barrier(len(functions))

    def call(k):
        brainstate.environ.set(**settings)
        try:
            gate.wait(timeout=60)
            out[k] = functions[k]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=(k,)) for k in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    if errors:
        raise errors[0]
    return out


def network(k, n=4):
    rng = np.random.default_rng(n)
    return brainmass.Network(
        brainmass.HopfStep(n, a=0.2, w=0.3, init_x=0.1, noise_x=brainmass.OUProcess(
            n, sigma=0.1, tau=5 * MS)),
        conn=rng.uniform(0, 1, (n, n)), distance=rng.uniform(10, 30, (n, n)) * u.mm,
        speed=10 * u.mm / MS, coupled_var="x", k=k,
    )  # fmt: skip


def repeated(k, times=6):
    sim = brainmass.Simulator(network(k), dt=0.1 * MS)

    def work():
        return [
            np.asarray(sim.run(40 * MS, monitors="node.x", seed=s)["node.x"]) for s in range(times)
        ]

    return work


def test_two_simulators_in_two_threads_do_not_meet():
    alone = [repeated(k)() for k in (0.2, 0.7)]
    for found, expected in zip(together(repeated(0.2), repeated(0.7)), alone, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_threads_that_need_the_same_program_compile_it_once():
    brainmass.engine.clear_cache()
    before = brainmass.engine.compile_count()
    together(*(repeated(k, times=1) for k in (0.1, 0.2, 0.3, 0.4)))
    assert brainmass.engine.compile_count() == before + 1


def test_one_thread_interrupts_its_own_run_only():
    from brainmass.engine.loop import stop_when

    def stopped():
        sim = brainmass.Simulator(network(0.2), dt=0.1 * MS)
        with stop_when(lambda: True), pytest.raises(brainmass.RunInterrupted):
            sim.run(40 * MS, monitors="node.x", seed=0)
        return True

    done, found = together(stopped, repeated(0.7))
    assert done
    np.testing.assert_array_equal(found, repeated(0.7)())


def fit(target=0.05, steps=8):
    """A fit that compiles its program while the others run, and its losses."""
    node = brainmass.HopfStep(2, a=Param(0.2, fit=True), init_x=0.2)
    sim = brainmass.Simulator(node, dt=0.1 * MS)

    def work():
        fitter = brainmass.Fitter(
            node, predict=lambda m: jnp.mean(sim.run(20 * MS, monitors="x", seed=0)["x"] ** 2)
        )
        return fitter.fit(jnp.float32(target), n_steps=steps, verbose=False).best_loss

    return work


def test_a_fit_beside_a_run_changes_neither():
    run = repeated(0.3, times=30)
    expected = fit()(), run()
    loss, found = together(fit(), run)
    assert loss == expected[0]
    np.testing.assert_array_equal(found, expected[1])


def test_a_fit_beside_runs_without_a_seed_leaves_the_random_state_whole():
    sim = brainmass.Simulator(network(0.3), dt=0.1 * MS)

    def work():
        return [np.asarray(sim.run(5 * MS, monitors="node.x")["node.x"]) for _ in range(40)]

    for _ in range(3):
        loss, found = together(fit(steps=2), work)
        assert np.isfinite(loss)
        assert len(np.unique([x[-1, 0] for x in found])) == 40
    key = brainstate.random.split_key()
    assert key is not None


def test_seeded_runs_beside_unseeded_ones_stay_reproducible():
    """Random initial values of a seeded run must not come from, or go to, another thread's."""
    sims = [
        brainmass.Simulator(
            brainmass.StuartLandauStep(3, noise_x=brainmass.WhiteNoise(3, sigma=0.1)), dt=0.1 * MS
        )
        for _ in range(2)
    ]

    def seeded():
        return [np.asarray(sims[0].run(2 * MS, monitors="x", seed=7)["x"]) for _ in range(60)]

    def unseeded():
        return [np.asarray(sims[1].run(2 * MS, monitors="x")["x"]) for _ in range(60)]

    same, others = together(seeded, unseeded)
    for x in same[1:]:
        np.testing.assert_array_equal(x, same[0])
    assert len(np.unique([x[0, 0] for x in others])) == 60

"""Races: the newest request wins, a job acknowledges, nothing stays behind."""

import threading
import time

import brainstate
import jax
import jax.numpy as jnp
import pytest

from brainmass_widgets.worker import Job, Latest

WAIT = 20.0


class Gate:
    """Work that can be held, to make races certain."""

    def __init__(self):
        self.go = threading.Event()
        self.started = threading.Event()
        self.seen = []

    def __call__(self, request, superseded):
        self.seen.append(request)
        self.started.set()
        assert self.go.wait(WAIT)
        return request


@pytest.fixture
def answers():
    return []


@pytest.fixture
def errors():
    return []


def test_newest_request_wins_and_those_between_are_never_started(opened, answers, errors):
    work = Gate()
    worker = opened(Latest(work, answers.append, errors.append))
    worker.submit(0)
    assert work.started.wait(WAIT)
    for request in range(1, 9):
        worker.submit(request)
    work.go.set()
    assert worker.flush(WAIT)
    assert work.seen == answers == [0, 8]
    assert (worker.runs, worker.skipped, errors) == (2, 7, [])


def test_submit_returns_at_once(opened, answers, errors):
    work = Gate()
    worker = opened(Latest(work, answers.append, errors.append))
    worker.submit(0)
    began = time.perf_counter()
    for request in range(100):
        worker.submit(request)
    assert (time.perf_counter() - began) / 100 < 0.005
    work.go.set()


def test_running_work_learns_that_it_was_superseded(opened, answers, errors):
    started = threading.Event()

    def work(request, superseded):
        started.set()
        end = time.monotonic() + WAIT
        while request == 0 and not superseded() and time.monotonic() < end:
            time.sleep(0.001)
        return None if superseded() else request

    worker = opened(Latest(work, answers.append, errors.append))
    worker.submit(0)
    assert started.wait(WAIT)
    worker.submit(1)
    assert worker.flush(WAIT)
    assert answers == [1]


def test_exceptions_are_delivered_and_the_worker_goes_on(opened, answers, errors):
    worker = opened(Latest(lambda r, _: 1 / r, answers.append, errors.append))
    worker.submit(0)
    assert worker.flush(WAIT)
    worker.submit(2)
    assert worker.flush(WAIT)
    assert [type(e) for e in errors] == [ZeroDivisionError]
    assert answers == [0.5]


def test_an_error_while_showing_the_answer_is_delivered_too(opened, errors):
    worker = opened(Latest(lambda r, _: r, lambda answer: 1 / answer, errors.append))
    worker.submit(0)
    assert worker.flush(WAIT)
    assert [type(e) for e in errors] == [ZeroDivisionError]


def test_flush_tells_when_it_takes_too_long(opened, answers, errors):
    work = Gate()
    worker = opened(Latest(work, answers.append, errors.append))
    assert worker.flush(0.01)
    worker.submit(0)
    assert not worker.flush(0.01)
    work.go.set()
    assert worker.flush(WAIT)


def test_closing_drops_what_waits_and_ends_the_thread(answers, errors):
    work = Gate()
    worker = Latest(work, answers.append, errors.append)
    worker.submit(0)
    assert work.started.wait(WAIT)
    worker.submit(1)
    threading.Timer(0.05, work.go.set).start()
    worker.close()
    worker.submit(2)
    assert worker.flush(WAIT)
    assert work.seen == [0]
    assert answers == []
    assert [t for t in threading.enumerate() if t.name == "brainmass-latest"] == []


def test_closing_from_its_own_callback_does_not_block(errors):
    worker = Latest(lambda r, _: r, lambda answer: worker.close(), errors.append)
    worker.submit(1)
    assert worker.flush(WAIT)
    worker.close()
    assert errors == []


def test_precision_of_the_asking_thread_holds_in_the_worker(opened, x64, answers, errors):
    def work(request, superseded):
        return jnp.asarray(0.1).dtype.name, brainstate.environ.dftype().__name__

    with jax.enable_x64(True), brainstate.environ.context(precision=64):
        worker = opened(Latest(work, answers.append, errors.append))
        worker.submit(None)
        assert worker.flush(WAIT)
    assert answers == [("float64", "float64")]


def test_a_thread_of_the_user_does_not_switch_double_precision_off(opened, x64, answers, errors):
    """It need not have inherited brainstate's precision, which the worker takes from it."""
    worker = opened(Latest(lambda request, _: request, answers.append, errors.append))
    worker.submit(0)
    assert worker.flush(WAIT)
    thread = threading.Thread(target=worker.submit, args=(1,))
    thread.start()
    thread.join(WAIT)
    assert worker.flush(WAIT)
    assert jax.config.read("jax_enable_x64")
    assert brainstate.environ.get_precision() == 64


def test_a_worker_leaves_the_precision_of_the_process_as_it_is(
    opened, x64, answers, errors, monkeypatch
):
    switched = []
    update = type(jax.config).update

    def watched(config, name, value):
        switched.append((name, value))
        return update(config, name, value)

    monkeypatch.setattr(type(jax.config), "update", watched)
    worker = opened(Latest(lambda request, _: request, answers.append, errors.append))
    for n in range(3):
        worker.submit(n)
        assert worker.flush(WAIT)
        assert jax.config.read("jax_enable_x64")
    assert ("jax_enable_x64", False) not in switched


def counting(job_box, log=None):
    """Work that counts until it is stopped."""

    def work(checkpoint):
        n = 0
        while checkpoint():
            n += 1
            time.sleep(0.0005)
        return n

    return work


def reaches(job, *states):
    end = time.monotonic() + WAIT
    while job.state not in states and time.monotonic() < end:
        time.sleep(0.001)
    return job.state in states


def test_job_is_paused_only_once_it_rests(opened):
    states = []
    job = opened(Job(counting(None), on_state=states.append))
    job.start()
    job.pause()
    assert job.wait(WAIT)
    assert job.state == "paused"
    job.resume()
    job.stop()
    assert reaches(job, "stopped")
    assert job.result is not None
    assert states == ["running", "pausing", "paused", "running", "stopping", "stopped"]


def test_job_can_be_stopped_while_paused(opened):
    job = opened(Job(counting(None)))
    job.start()
    job.pause()
    assert job.wait(WAIT)
    job.stop()
    assert reaches(job, "stopped")


def test_resume_before_the_pause_was_acknowledged_goes_on(opened):
    job = opened(Job(counting(None)))
    job.start()
    for _ in range(200):
        job.pause()
        job.resume()
    assert job.state == "running"
    job.stop()
    assert reaches(job, "stopped")


def test_requests_that_make_no_sense_do_nothing(opened):
    job = opened(Job(lambda checkpoint: 7))
    for request in (job.pause, job.resume, job.stop):
        request()
    assert job.state == "ready"
    job.start()
    assert job.wait(WAIT)
    job.start()
    job.stop()
    assert (job.state, job.result, job.active) == ("done", 7, False)


def test_a_failing_job_keeps_its_error(opened):
    job = opened(Job(lambda checkpoint: 1 / 0))
    job.start()
    assert job.wait(WAIT)
    assert job.state == "failed"
    assert isinstance(job.error, ZeroDivisionError)


def test_closing_a_job_ends_its_thread():
    job = Job(counting(None))
    job.start()
    job.pause()
    job.close()
    assert [t for t in threading.enumerate() if t.name == "brainmass-job"] == []

"""What holds whatever the numbers are: units, batches, chunks, the order of regions, copies."""

import brainunit as u
import cloudpickle
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import brainmass
from brainmass.sweeps._describe import Description

MS, SECOND = u.ms, u.second
quick = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
numbers = st.floats
# Lengths decide about the structure of the program, so they are the same in all examples.
LENGTHS = np.array([[0, 10, 14, 31], [10, 0, 22, 17], [14, 22, 0, 25], [31, 17, 25, 0.0]])


def array(draw, shape, low, high):
    return np.random.default_rng(draw(st.integers(0, 2**31))).uniform(low, high, shape)


@st.composite
def networks(draw, n=4):
    """Arguments of a Hopf network: regional parameters and initial values, weights, strength."""
    return {
        "a": array(draw, n, -0.3, 0.4),
        "w": array(draw, n, 0.1, 0.4),
        "init_x": array(draw, n, -0.5, 0.5),
        "conn": array(draw, (n, n), 0.1, 1.0),
        "k": draw(numbers(0.1, 0.8)),
    }


def build(given, order=slice(None), **settings):
    node = brainmass.HopfStep(
        4, a=given["a"][order], w=given["w"][order], init_x=given["init_x"][order], **settings
    )
    return brainmass.Network(
        node, conn=given["conn"][order][:, order], distance=LENGTHS[order][:, order]
        * u.mm, speed=10 * u.mm / MS, coupled_var="x", k=given["k"], delay_init=0.05,
    )  # fmt: skip


def run(model, duration=30 * MS, dt=0.1 * MS, monitors="node.x", **settings):
    result = brainmass.Simulator(model, dt=dt).run(duration, monitors=monitors, seed=1, **settings)
    return result[monitors]


@quick
@given(gain=numbers(2.6, 9.0), decay=numbers(20.0, 120.0), rate=numbers(0, 300))
def test_units_commute(gain, decay, rate):
    """Millivolt or volt, hertz or per millisecond, milliseconds or seconds: the same run."""
    drive = np.full(100, rate)
    one = run(
        brainmass.JansenRitStep(2, Ae=gain * u.mV, be=decay * u.Hz), 10 * MS, monitors="Mv",
        inputs={"E_inp": drive * u.Hz},
    )  # fmt: skip
    other = run(
        brainmass.JansenRitStep(2, Ae=1e-3 * gain * u.volt, be=1e-3 * decay / MS),
        0.01 * SECOND, 1e-4 * SECOND, monitors="Mv", inputs={"E_inp": 1e-3 * drive * u.kHz},
    )  # fmt: skip
    scale = np.abs(one.mantissa).max()
    np.testing.assert_allclose(one.mantissa, other.to_decimal(one.unit), atol=1e-4 * scale)


@quick
@given(arguments=networks(), factor=numbers(0.5, 3.0))
def test_lengths_and_speed_count_by_their_ratio(arguments, factor):
    one = build(arguments)
    other = brainmass.Network(
        one.node, conn=arguments["conn"], distance=1e-3 * factor * LENGTHS * u.meter,
        speed=10 * factor * u.meter / SECOND, coupled_var="x", k=arguments["k"], delay_init=0.05,
    )  # fmt: skip
    np.testing.assert_allclose(run(one), run(other), atol=1e-5)


@quick
@given(arguments=networks(), size=st.integers(1, 3))
def test_a_batch_equals_a_loop(arguments, size):
    net = build(arguments)
    one = run(net)
    batch = run(net, batch_size=size)
    assert batch.shape == (300, size, 4)
    for member in np.moveaxis(np.asarray(batch), 1, 0):
        np.testing.assert_allclose(member, one, atol=1e-5)


@quick
@given(
    arguments=networks(),
    chunk=st.one_of(st.integers(1, 400), numbers(0.1, 50.0).map(lambda t: round(t, 1) * MS)),
    stride=st.integers(1, 40),
    dropped=st.integers(0, 200),
)
def test_chunks_change_no_bit(arguments, chunk, stride, dropped):
    net = build(arguments, noise_x=brainmass.OUProcess(4, sigma=0.1, tau=5 * MS))
    whole = run(net)
    kept = run(net, chunk=chunk, sample_every=stride, transient=dropped)
    np.testing.assert_array_equal(kept, whole[dropped + stride - 1 :: stride])


@quick
@given(arguments=networks(), order=st.permutations(range(4)))
def test_the_order_of_regions_only_orders_the_results(arguments, order):
    straight, permuted = run(build(arguments)), run(build(arguments, order=np.array(order)))
    np.testing.assert_allclose(np.asarray(straight)[:, order], permuted, atol=2e-5)


@quick
@given(arguments=networks(), values=st.lists(numbers(-0.3, 0.4), min_size=9, max_size=20))
def test_a_sweep_equals_a_loop_whatever_its_batches(arguments, values):
    net = build(arguments)
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    result = brainmass.sweep(
        sim, {"node.a": values}, duration=5 * MS, monitors="node.x", progress=False,
        batch=1 + len(values) % 4,
    )  # fmt: skip
    for k in (0, len(values) - 1):
        net.node.a = values[k]
        np.testing.assert_array_equal(result["node.x"][k], run(net, 5 * MS))


@quick
@given(arguments=networks())
def test_a_model_that_travels_is_the_same_model(arguments):
    net = build(arguments, noise_x=brainmass.WhiteNoise(4, sigma=0.1))
    there = cloudpickle.loads(cloudpickle.dumps(Description.of(net))).build()
    np.testing.assert_array_equal(run(there), run(net))


@settings(parent=quick, max_examples=3)
@given(arguments=networks(), suffix=st.sampled_from([".nc", ".zarr"]))
def test_saving_and_loading_is_the_identity(tmp_path_factory, arguments, suffix):
    net = build(arguments, noise_x=brainmass.OUProcess(4, sigma=0.1, tau=5 * MS))
    sim = brainmass.Simulator(net, dt=0.1 * MS)
    result = sim.run(10 * MS, monitors=["node.x", "node.y"], seed=1)
    folder = tmp_path_factory.mktemp("saved")
    loaded = brainmass.load(brainmass.save(folder / f"result{suffix}", result))
    assert list(loaded) == list(result)
    for name in ("node.x", "node.y"):
        np.testing.assert_array_equal(loaded[name], result[name])
    again = brainmass.load(brainmass.save(folder / f"model{suffix}", net))
    np.testing.assert_array_equal(run(again), run(net))
    sim.run(10 * MS, monitors="node.x", seed=1)
    again = brainmass.load(brainmass.save(folder / f"later{suffix}", net))
    more = brainmass.Simulator(again, dt=0.1 * MS).run(5 * MS, monitors="node.x", init_states=False)
    rest = sim.run(5 * MS, monitors="node.x", init_states=False)
    np.testing.assert_array_equal(more["node.x"], rest["node.x"])


@pytest.mark.parametrize("name", [m.name for m in brainmass.list_models()])
def test_every_model_can_be_copied(name):
    cls = getattr(brainmass, name)
    size = {"HORNSeqLayer": (2, 3), "HORNSeqNetwork": (2, 3, 2)}.get(name, (2,))
    model = cls(*size)
    copy = cloudpickle.loads(cloudpickle.dumps(Description.of(model))).build()
    assert repr(copy) == repr(model)
    before = {n: np.asarray(s.value) for n, s in model.states().items()}
    after = {n: np.asarray(s.value) for n, s in copy.states().items()}
    assert before.keys() == after.keys()
    for path, value in before.items():
        np.testing.assert_array_equal(after[path], value)

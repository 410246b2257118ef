"""Bad input to every part of the public API: one sentence, before anything is traced, at once.

Each case gives one wrong value: unit, shape, type, sign, NaN, infinity, nothing, too much. The
sentence says who, what must be true, what was given, and what to do.
"""

import re
import time
from functools import cache

import brainstate
import brainunit as u
import jax
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass as b
from brainmass import connectome, datasets, objectives, stimuli

MS, MV, HZ, MM = u.ms, u.mV, u.Hz, u.mm
NAN, INF = np.nan, np.inf
ONES = np.ones((3, 3))
SENTENCE = re.compile(r"[A-Za-z_][\w., ]*: .*\bmust\b.*; got .*[.?)] [A-Z'].*[.?]")


@cache
def hopf():
    return b.HopfStep(3, a=0.2, init_x=0.1)


@cache
def jansen():
    return b.JansenRitStep(3)


@cache
def sim():
    return b.Simulator(hopf(), dt=0.1 * MS)


@cache
def jansen_sim():
    return b.Simulator(jansen(), dt=0.1 * MS)


def net(node=None, **settings):
    settings = {"conn": ONES, "coupled_var": "x", **settings}
    return b.Network(node or hopf(), **settings)


@cache
def delayed():
    return net(distance=20 * ONES * MM, speed=10 * MM / MS)


@cache
def delayed_sim():
    return b.Simulator(delayed(), dt=0.1 * MS)


def run(duration=1 * MS, **settings):
    return sim().run(duration, **{"monitors": "x", **settings})


def sweep(params=None, **settings):
    settings = {"duration": 1 * MS, "monitors": "x", "progress": False, **settings}
    return b.sweep(sim(), {"a": [0.1, 0.2]} if params is None else params, **settings)


def sweep_net(**params):
    return b.sweep(delayed_sim(), params, duration=1 * MS, progress=False)


@cache
def trainable():
    return b.HopfStep(2, a=Param(0.1, fit=True), init_x=0.1)


def fitter(**settings):
    settings = {"predict": lambda m: m.a.value(), **settings}
    return b.Fitter(trainable(), **settings)


@cache
def horn():
    return b.HORNSeqLayer(2, 4)


@cache
def series(*lengths):
    return [jax.device_put(np.ones(n, np.float32)) for n in lengths]


@cache
def wires():
    return b.Connectome(ONES - np.eye(3), 20 * ONES * MM)


class Plain(brainstate.nn.Module):
    """A module without parameters or states."""

    def update(self):
        return 0.0


def declared(**body):
    """Define a model whose class body is wrong."""
    parts = {"x": b.state(0.0, doc="activity"), "__doc__": "A model.", "catalogued": False}
    parts["equations"] = staticmethod(lambda s, p, i, t: {"x": -s.x / MS})
    return type("Mine", (b.NeuralMass,), {**parts, **body})


MODELS = {
    "a float as size": lambda: b.HopfStep(2.5),
    "a negative size": lambda: b.HopfStep(-1),
    "no size": lambda: b.HopfStep(()),
    "text as size": lambda: b.HopfStep("three"),
    "True as size": lambda: b.HopfStep(True),
    "an unknown parameter": lambda: b.HopfStep(3, alpha=1.0),
    "a parameter without its unit": lambda: b.JansenRitStep(3, Ae=3.25),
    "a parameter in another unit": lambda: b.JansenRitStep(3, Ae=3.25 * HZ),
    "a unit where there is none": lambda: b.HopfStep(3, a=0.2 * MV),
    "a parameter that is NaN": lambda: b.HopfStep(3, a=NAN),
    "a parameter that is infinite": lambda: b.HopfStep(3, w=INF),
    "a parameter with one NaN": lambda: b.HopfStep(3, a=[0.1, NAN, 0.2]),
    "a time constant of zero": lambda: b.FitzHughNagumoStep(3, tau=0.0 * MS),
    "a negative time constant": lambda: b.WilsonCowanStep(3, tau_E=-1.0 * MS),
    "a parameter of another shape": lambda: b.HopfStep(3, a=np.ones(4)),
    "a matrix as a parameter": lambda: b.HopfStep(3, a=np.ones((3, 2))),
    "an empty parameter": lambda: b.HopfStep(3, a=np.ones(0)),
    "text as a parameter": lambda: b.HopfStep(3, a="large"),
    "None as a parameter": lambda: b.HopfStep(3, a=None),
    "True as a parameter": lambda: b.HopfStep(3, a=True),
    "a dict as a parameter": lambda: b.HopfStep(3, a={"a": 1}),
    "a complex parameter": lambda: b.HopfStep(3, a=1j * np.ones(3)),
    "text in a list": lambda: b.HopfStep(3, a=["x", "y", "z"]),
    "a ragged list": lambda: b.HopfStep(3, a=[[1.0], [1.0, 2.0], [3.0]]),
    "an unknown method": lambda: b.HopfStep(3, method="leapfrog"),
    "a number as method": lambda: b.HopfStep(3, method=4),
    "an initial value of another shape": lambda: b.HopfStep(3, init_x=np.ones(2)),
    "an initial value that is NaN": lambda: b.HopfStep(3, init_x=NAN),
    "an initial value without its unit": lambda: b.JansenRitStep(3, init_M=1.0),
    "text as an initial value": lambda: b.HopfStep(3, init_x="zero"),
    "no noise process": lambda: b.HopfStep(3, noise_x=0.1),
    "noise of another size": lambda: b.HopfStep(3, noise_x=b.WhiteNoise(2, sigma=0.1)),
    "noise in another unit": lambda: b.HopfStep(3, noise_x=b.WhiteNoise(3, sigma=0.1 * MV)),
    "white noise within a nonlinearity": lambda: b.JansenRitStep(
        3, noise_M=b.WhiteNoise(3, sigma=1 * MV)
    ),
    "a parameter set to NaN": lambda: setattr(hopf(), "a", NAN),
    "a parameter set in another unit": lambda: setattr(jansen(), "Ae", 1.0 * HZ),
    "a parameter set to another shape": lambda: hopf().a.set_value(np.ones(5)),
    "a parameter set to text": lambda: hopf().a.set_value("more"),
    "a model without equations": lambda: b.NeuralMass(3),
    "an unknown model": lambda: b.model_info("Hopfield"),
    "a number as model": lambda: b.model_info(3),
    "an unknown category": lambda: b.list_models("fast"),
    "a check of no model": lambda: b.testing.check_model(3),
}
DECLARATIONS = {
    "bounds the wrong way round": lambda: b.param(1.0, bounds=(2.0, 1.0), doc="size"),
    "one bound": lambda: b.param(1.0, bounds=(2.0,), doc="size"),
    "an unknown domain": lambda: b.param(1.0, domain="large", doc="size"),
    "a reserved name": lambda: declared(method=b.param(1.0, doc="size")),
    "equations that are a method": lambda: declared(equations=lambda self, s, p, i, t: {}),
    "a choice that is not one": lambda: declared(
        form=b.option("a", choices=("a", "c"), doc="form")
    )(2, form="d"),
    "a choice without a hash": lambda: declared(form=b.option("a", doc="form"))(2, form=[1]),
}
NOISE = {
    "a negative strength": lambda: b.WhiteNoise(3, sigma=-0.1),
    "a strength that is NaN": lambda: b.OUProcess(3, sigma=NAN, tau=10 * MS),
    "text as strength": lambda: b.WhiteNoise(3, sigma="loud"),
    "a strength of another shape": lambda: b.WhiteNoise(3, sigma=np.ones(4)),
    "a mean in another unit": lambda: b.OUProcess(3, sigma=1 * MV, mean=1 * HZ, tau=1 * MS),
    "a correlation time without unit": lambda: b.OUProcess(3, sigma=0.1, tau=10.0),
    "a correlation time in mV": lambda: b.OUProcess(3, sigma=0.1, tau=10.0 * MV),
    "a correlation time of zero": lambda: b.OUProcess(3, sigma=0.1, tau=0.0 * MS),
    "a size of zero": lambda: b.WhiteNoise(0, sigma=0.1),
    "an unknown interpretation": lambda: b.WhiteNoise(3, sigma=0.1, interpretation="klimontovich"),
    "an amplitude that is a number": lambda: b.WhiteNoise(3, sigma=0.1, amplitude=2.0),
    "a covariance of another shape": lambda: b.WhiteNoise(3, cov=np.eye(2)),
    "a covariance that is not symmetric": lambda: b.WhiteNoise(3, cov=np.triu(ONES)),
    "a covariance with a negative eigenvalue": lambda: b.WhiteNoise(3, cov=ONES - 2 * np.eye(3)),
    "a covariance with NaN": lambda: b.WhiteNoise(3, cov=NAN * ONES),
    "correlations with other than ones": lambda: b.WhiteNoise(3, sigma=1.0, cov=2 * np.eye(3)),
    "an exponent that is NaN": lambda: b.ColoredNoise(3, sigma=0.1, beta=NAN),
    "a frequency without unit": lambda: b.PinkNoise(3, sigma=0.1, f_min=1.0),
    "frequencies the wrong way round": lambda: b.PinkNoise(
        3, sigma=0.1, f_min=10 * HZ, f_max=1 * HZ
    ),
}
NETWORKS = {
    "no model as node": lambda: b.Network(3, conn=ONES, coupled_var="x"),
    "a node of two dimensions": lambda: net(b.HopfStep((3, 2))),
    "weights of another size": lambda: net(conn=np.ones((2, 2))),
    "weights that are a vector": lambda: net(conn=np.ones(5)),
    "weights with NaN": lambda: net(conn=NAN * ONES),
    "weights that are infinite": lambda: net(conn=INF * ONES),
    "text as weights": lambda: net(conn="dense"),
    "no weights": lambda: net(conn=None),
    "complex weights": lambda: net(conn=1j * ONES),
    "a distance without speed": lambda: net(distance=ONES * MM),
    "a speed without distance": lambda: net(speed=1 * MM / MS),
    "a distance in Hz": lambda: net(distance=ONES * HZ, speed=1 * MM / MS),
    "a distance of another shape": lambda: net(distance=np.ones(3) * MM, speed=1 * MM / MS),
    "a negative distance": lambda: net(distance=-ONES * MM, speed=1 * MM / MS),
    "a distance with NaN": lambda: net(distance=NAN * ONES * MM, speed=1 * MM / MS),
    "a speed of zero": lambda: net(distance=ONES * MM, speed=0 * MM / MS),
    "a negative speed": lambda: net(distance=ONES * MM, speed=-1 * MM / MS),
    "text as speed": lambda: net(distance=ONES * MM, speed="fast"),
    "a range with the fast speed first": lambda: net(
        distance=ONES * MM, speed=5 * MM / MS, speed_range=(9 * MM / MS, 2 * MM / MS)
    ),
    "a range of three speeds": lambda: net(
        distance=ONES * MM, speed=5 * MM / MS, speed_range=(1 * MM / MS,) * 3
    ),
    "a range that is a number": lambda: net(distance=ONES * MM, speed=5 * MM / MS, speed_range=3),
    "an unknown coupling": lambda: net(coupling="gravity"),
    "a number as coupling": lambda: net(coupling=3),
    "no couplings": lambda: net(coupling=[]),
    "k beside a coupling object": lambda: net(coupling=b.DiffusiveCoupling(), k=1.0),
    "a strength that is NaN": lambda: net(k=NAN),
    "text as strength": lambda: net(k="strong"),
    "a strength of another shape": lambda: net(k=np.ones(4)),
    "a strength in a unit that does not fit": lambda: net(k=1.0 * HZ),
    "an unknown source": lambda: net(coupled_var="z"),
    "a number as source": lambda: net(source=3),
    "no source": lambda: net(coupled_var=None),
    "an unknown target": lambda: net(target="z_inp"),
    "no noise process": lambda: net(noise=0.1),
    "noise of another size": lambda: net(noise=b.WhiteNoise(2, sigma=0.1)),
    "a past with NaN": lambda: b.Simulator(
        net(distance=ONES * MM, speed=1 * MM / MS, delay_init=NAN), dt=0.1 * MS
    ).run(1 * MS),
    "a past that is text": lambda: net(distance=ONES * MM, speed=1 * MM / MS, delay_init="rest"),
    "an unknown parameter of a coupling": lambda: b.DiffusiveCoupling(gain=1.0),
    "a coupling parameter that is NaN": lambda: b.SigmoidalCoupling(a=NAN),
    "weights set to another shape": lambda: setattr(delayed(), "conn", np.ones((2, 2))),
    "a speed set without its unit": lambda: setattr(delayed(), "speed", 3.0),
    "a step by hand without dt": lambda: delayed().update(),
}
RUNS = {
    "no model": lambda: b.Simulator(3),
    "dt without unit": lambda: b.Simulator(hopf(), dt=0.1),
    "dt in mV": lambda: b.Simulator(hopf(), dt=0.1 * MV),
    "dt of zero": lambda: b.Simulator(hopf(), dt=0 * MS),
    "a negative dt": lambda: b.Simulator(hopf(), dt=-0.1 * MS),
    "dt that is NaN": lambda: b.Simulator(hopf(), dt=NAN * MS),
    "two values of dt": lambda: b.Simulator(hopf(), dt=np.ones(2) * MS),
    "text as dt": lambda: b.Simulator(hopf(), dt="0.1 ms"),
    "no dt": lambda: b.Simulator(hopf()).run(1 * MS),
    "a duration without unit": lambda: run(1.0),
    "text as duration": lambda: run("1 s"),
    "None as duration": lambda: run(None),
    "a duration in mV": lambda: run(1.0 * MV),
    "a negative duration": lambda: run(-1 * MS),
    "a duration of NaN": lambda: run(NAN * MS),
    "an endless duration": lambda: run(INF * MS),
    "a duration of more steps than counted": lambda: run(1e9 * u.second),
    "a duration shorter than a step": lambda: run(0.01 * MS),
    "a list of durations": lambda: run(np.ones(2) * MS),
    "a transient in mV": lambda: run(transient=1 * MV),
    "a negative transient": lambda: run(transient=-1 * MS),
    "a transient as long as the run": lambda: run(transient=1 * MS),
    "text as transient": lambda: run(transient="half"),
    "a stride of zero": lambda: run(sample_every=0),
    "a fractional stride": lambda: run(sample_every=2.5),
    "a stride between two steps": lambda: run(sample_every=0.25 * MS),
    "True as stride": lambda: run(sample_every=True),
    "an unknown monitor": lambda: run(monitors="z"),
    "a number as monitor": lambda: run(monitors=3),
    "no monitors": lambda: run(monitors=[]),
    "a monitor called ts": lambda: run(monitors={"ts": "x"}),
    "a number as name": lambda: run(monitors={1: "x"}),
    "inputs of another length": lambda: run(inputs=np.ones(9)),
    "inputs of other regions": lambda: run(inputs=np.ones((10, 4))),
    "inputs in mV": lambda: run(inputs=np.ones(10) * MV),
    "inputs with NaN": lambda: run(inputs=np.full(10, NAN)),
    "complex inputs": lambda: run(inputs=1j * np.ones(10)),
    "text as inputs": lambda: run(inputs="noise"),
    "a number as inputs": lambda: run(inputs=1.0),
    "inputs to an unknown inlet": lambda: run(inputs={"z": np.ones(10)}),
    "more inputs than inlets": lambda: run(inputs=lambda i, t: (0.0, 0.0, 0.0)),
    "an input function in mV": lambda: run(inputs=lambda i, t: 1.0 * MV),
    "a batch of none": lambda: run(batch_size=0),
    "half a batch": lambda: run(batch_size=1.5),
    "text as seed": lambda: run(seed="first"),
    "half a seed": lambda: run(seed=0.5),
    "a chunk of none": lambda: run(chunk=0),
    "an unknown policy": lambda: run(on_divergence="stop"),
    "going on from nothing": lambda: b.Simulator(b.HopfStep(2), dt=0.1 * MS).run(
        1 * MS, init_states=False
    ),
    "a stream of nothing": lambda: sim().stream(0 * MS),
    "an update without dt": lambda: hopf().update(),
}
STIMULI = {
    "an amplitude that is NaN": lambda: stimuli.pulse(NAN, 1 * MS, 1 * MS),
    "text as amplitude": lambda: stimuli.pulse("high", 1 * MS, 1 * MS),
    "an onset without unit": lambda: stimuli.pulse(1.0, 1.0, 1 * MS),
    "an onset in mV": lambda: stimuli.pulse(1.0, 1 * MV, 1 * MS),
    "a negative width": lambda: stimuli.pulse(1.0, 1 * MS, -1 * MS),
    "a frequency without unit": lambda: stimuli.sine(1.0, 40.0),
    "a frequency that is NaN": lambda: stimuli.sine(1.0, NAN * HZ),
    "an endless ramp": lambda: stimuli.ramp(1.0, 0 * MS, INF * MS),
    "a step at NaN": lambda: stimuli.step(1.0, NAN * MS),
    "regions without their number": lambda: stimuli.pulse(1.0, 1 * MS, 1 * MS, regions=[0]),
    "a region that is not there": lambda: stimuli.pulse(
        1.0, 1 * MS, 1 * MS, regions=[5], n_regions=3
    ),
    "a stimulus and then a number": lambda: stimuli.pulse(1.0, 1 * MS, 1 * MS).then(3),
    "a duration without unit": lambda: stimuli.step(1.0, 1 * MS).values(3.0, 1 * MS),
}
CONNECTOMES = {
    "weights that are not square": lambda: b.Connectome(np.ones((2, 3))),
    "weights with NaN": lambda: b.Connectome(NAN * ONES),
    "text as weights": lambda: b.Connectome("brain"),
    "distances without unit": lambda: b.Connectome(ONES, ONES),
    "negative distances": lambda: b.Connectome(ONES, -ONES * MM),
    "labels of another number": lambda: b.Connectome(ONES, labels=["a"]),
    "labels that repeat": lambda: b.Connectome(ONES, labels=["a", "a", "c"]),
    "an unknown region": lambda: wires().index("V1"),
    "a speed without unit": lambda: wires().delays(10.0),
    "a speed of zero": lambda: wires().delays(0 * MM / MS),
    "an unknown norm": lambda: wires().normalized("l7"),
    "a density above one": lambda: wires().thresholded(density=2.0),
    "a subset of regions that are not there": lambda: wires().subset([7]),
    "an unknown Laplacian": lambda: wires().laplacian(normalize="most"),
    "a graph of no regions": lambda: connectome.erdos_renyi(0, 0.5),
    "a probability above one": lambda: connectome.erdos_renyi(5, 1.5),
    "an unknown data set": lambda: datasets.load_dataset("mars"),
    "a number as data set": lambda: datasets.load_dataset(3),
    "a data set without a name": lambda: datasets.register_dataset("", lambda: None),
}
FUNCTIONS = {
    "an unknown mode": lambda: b.process_sequence(np.ones(3), "middle"),
    "an index of no units": lambda: b.delay_index(-1),
    "series of other shapes": lambda: objectives.timeseries_rmse()(*series(3, 4)),
    "series of other units": lambda: objectives.timeseries_rmse()(np.ones(3) * MV, np.ones(3) * HZ),
    "a series of one region": lambda: objectives.functional_connectivity(series(5)[0]),
    "a negative epsilon": lambda: objectives.cosine_sim(epsilon=-1.0),
    "a window of none": lambda: objectives.fcd(window_size=0),
    "a window that is text": lambda: objectives.fcd(window_size="long"),
    "a horn of no units": lambda: b.HORNSeqNetwork(2, (), 3),
    "a horn with another connection": lambda: b.HORNSeqLayer(2, 4, connection="ring"),
    "a horn with other features": lambda: horn().update(np.ones((5, 3))),
}
FITS = {
    "no model": lambda: b.Fitter(3, predict=lambda m: 0.0),
    "nothing to fit": lambda: b.Fitter(b.HopfStep(2), predict=lambda m: 0.0),
    "an unknown backend": lambda: fitter(backend="magic"),
    "an objective that is text": lambda: fitter(objective="best"),
    "a predict that is no function": lambda: fitter(predict=3),
    "an unknown optimizer": lambda: fitter(optimizer="Sorcery"),
    "no steps": lambda: fitter().fit(np.float32(0.2), n_steps=0),
    "half a step": lambda: fitter().fit(np.float32(0.2), n_steps=1.5),
    "an unknown parameter in the space": lambda: fitter(
        backend="nevergrad", search_space={"q": (0.0, 1.0)}
    ),
    "bounds the wrong way round": lambda: fitter(
        backend="nevergrad", search_space={"a": (1.0, 0.0)}
    ),
}
SWEEPS = {
    "no simulator": lambda: b.sweep(hopf(), {"a": [1.0]}, duration=1 * MS),
    "no parameters": lambda: sweep({}),
    "a list of parameters": lambda: sweep(["a"]),
    "an unknown parameter": lambda: sweep({"alpha": [0.1]}),
    "a number as name": lambda: sweep({3: [0.1]}),
    "a single value": lambda: sweep({"a": 0.1}),
    "no values": lambda: sweep({"a": []}),
    "values with NaN": lambda: sweep({"a": [0.1, NAN]}),
    "text as values": lambda: sweep({"a": "all"}),
    "text among values": lambda: sweep({"a": [0.1, "b"]}),
    "values of several shapes": lambda: sweep({"a": [0.1, np.ones(3)]}),
    "values of other regions": lambda: sweep({"a": np.ones((2, 4))}),
    "values in a unit": lambda: sweep({"a": np.ones(2) * MV}),
    "values without their unit": lambda: b.sweep(
        jansen_sim(), {"Ae": [1.0]}, duration=1 * MS, progress=False
    ),
    "complex values": lambda: sweep({"a": np.array([1j])}),
    "one connectome where some are meant": lambda: sweep_net(conn=ONES),
    "connectomes of another size": lambda: sweep_net(conn=np.ones((2, 4, 4))),
    "a speed of zero": lambda: sweep_net(speed=np.array([0.0, 1.0]) * MM / MS),
    "negative lengths": lambda: sweep_net(distance=-np.ones((2, 3, 3)) * MM),
    "a single input": lambda: sweep({"inputs": stimuli.step(1.0, 0 * MS)}),
    "inputs of another length": lambda: sweep({"inputs": [np.ones(3)]}),
    "an unknown method among values": lambda: sweep({"method": ["heun", "leapfrog"]}),
    "an unknown mode": lambda: sweep(mode="spiral"),
    "columns of other lengths": lambda: sweep({"a": [0.1], "w": [0.1, 0.2]}, mode="zip"),
    "points without a reason": lambda: sweep(points=3),
    "no number of points": lambda: sweep({"a": (0.0, 1.0)}, mode="random"),
    "an interval the wrong way round": lambda: sweep({"a": (1.0, 0.0)}, mode="random", points=2),
    "a logarithm of zero": lambda: sweep({"a": (0.0, 1.0, "log")}, mode="random", points=2),
    "values where a law is meant": lambda: sweep({"a": [0.1]}, mode="random", points=2),
    "an unknown sampler": lambda: sweep(
        {"a": (0.0, 1.0)}, mode="random", points=2, sampler="halton"
    ),
    "a negative seed of the points": lambda: sweep(
        {"a": (0.0, 1.0)}, mode="random", points=2, sample_seed=-1
    ),
    "no seeds": lambda: sweep(seeds=0),
    "seeds that repeat": lambda: sweep(seeds=[1, 1]),
    "text as seeds": lambda: sweep(seeds="many"),
    "text as common": lambda: sweep(common="yes"),
    "a batch of none": lambda: sweep(batch=0),
    "half a thread": lambda: sweep(threads=0.5),
    "no client": lambda: sweep(client="tcp://here"),
    "a store of no known kind": lambda: sweep(store="sweep.txt"),
    "a store in no folder": lambda: sweep(store="/nowhere/at/all/sweep.zarr"),
    "a number as store": lambda: sweep(store=3),
    "a number as reduce": lambda: sweep(reduce={"m": 3}),
    "no reduce": lambda: sweep(reduce={}),
    "a name with a slash": lambda: sweep(reduce={"a/b": len}),
    "the same name twice": lambda: sweep(reduce={"x": "x"}, monitors={"x": "x"}),
    "a duration without unit": lambda: sweep(duration=1.0),
    "an unknown monitor": lambda: sweep(monitors="z"),
    "no names to evaluate": lambda: b.sweeps.Evaluator(sim(), [], duration=1 * MS),
    "a name as names": lambda: b.sweeps.Evaluator(sim(), "a", duration=1 * MS),
    "inference from a number": lambda: b.sweeps.to_sbi(3),
}
TABLE = {
    "models": MODELS, "declarations": DECLARATIONS, "noise": NOISE, "networks": NETWORKS,
    "runs": RUNS, "stimuli": STIMULI, "connectomes": CONNECTOMES, "functions": FUNCTIONS,
    "fits": FITS, "sweeps": SWEEPS,
}  # fmt: skip
CASES = {f"{part}: {name}": call for part, cases in TABLE.items() for name, call in cases.items()}


@pytest.fixture(scope="module", autouse=True)
def good_input():
    """Build once what the cases share, so that only the bad value is timed."""
    for make in (hopf, jansen, sim, jansen_sim, delayed, delayed_sim, trainable, wires, horn):
        make()
    import braintools.optim  # noqa: F401 - the first import of it takes a second

    b.Simulator(hopf(), dt=0.1 * MS)._plan(1 * MS, None, "x", None, None, None, True, 0)


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_refused_in_one_sentence_before_tracing(case, compile_count):
    programs = b.engine.compile_count()
    began = time.perf_counter()
    with compile_count, pytest.raises((ValueError, TypeError, KeyError)) as caught:
        CASES[case]()
    seconds = time.perf_counter() - began
    (sentence,) = caught.value.args
    assert SENTENCE.fullmatch(sentence), sentence
    assert compile_count.n == 0
    assert b.engine.compile_count() == programs
    assert seconds < 1.0


def test_the_table_has_a_case_for_every_part_of_the_public_api():
    assert len(CASES) >= 150

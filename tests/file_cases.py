"""Comparing what was saved with what was loaded."""

import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np

import brainmass
from brainmass import io

DT = 0.1 * u.ms


def assert_same(a, b, where=""):
    """Same structure, types, units and bits."""
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}.{k}")
    elif isinstance(a, u.Quantity):
        assert a.unit == b.unit, where
        assert str(a.unit) == str(b.unit), where
        assert_same(a.mantissa, b.mantissa, where)
    elif isinstance(a, jax.Array | np.ndarray):
        assert a.dtype == b.dtype, where
        assert a.shape == b.shape, where
        if jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = jax.random.key_data(a), jax.random.key_data(b)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), where
    else:
        assert a == b or (a != a and b != b), where


def again(thing, **define):
    """The thing after it has been a dataset."""
    return io.from_xarray(brainmass.to_xarray(thing), define=define)


def network(n=4, **settings):
    rng = np.random.default_rng(0)
    given = dict(
        node=brainmass.HopfStep(
            n, a=0.1, w=0.3, init_x=0.1, noise_x=brainmass.OUProcess(n, sigma=0.1)
        ),
        conn=rng.random((n, n)),
        distance=rng.uniform(5, 60, (n, n)) * u.mm,
        speed=10 * u.mm / u.ms,
        coupled_var="x",
        k=0.2,
    )
    return brainmass.Network(**{**given, **settings})


def assert_goes_on(model, path=None, monitors=None, **define):
    """A run that was saved in the middle and loaded equals the uninterrupted one."""
    sim = brainmass.Simulator(model, dt=DT)
    sim.run(7.3 * u.ms, monitors=monitors, seed=3)
    if path is None:
        loaded = again(model, **define)
    else:
        loaded = brainmass.load(brainmass.save(path, model), define=define)
    whole = sim.run(5 * u.ms, monitors=monitors, init_states=False)
    rest = brainmass.Simulator(loaded, dt=DT).run(5 * u.ms, monitors=monitors, init_states=False)
    assert_same(whole, rest)
    assert np.isfinite(np.asarray(jax.tree.leaves(whole)[0])).all()
    return loaded

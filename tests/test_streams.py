"""The normal numbers of noise: their distribution, and their independence."""

import jax
import numpy as np
import pytest
from scipy import stats

from brainmass.engine.streams import draw, slot_key

SHAPE = (2048, 256)


@pytest.fixture(scope="module")
def numbers():
    return np.asarray(draw(jax.random.key(3), 5, SHAPE, np.float32), np.float64)


def test_numbers_are_normal_in_centre_and_tails(numbers):
    flat = numbers.ravel()
    assert stats.kstest(flat, "norm").pvalue > 1e-3
    for limit in (2.0, 3.0, 4.0):
        expected = 2 * stats.norm.sf(limit) * flat.size
        assert abs((abs(flat) > limit).sum() - expected) < 4 * np.sqrt(expected)


def test_moments_are_those_of_a_normal_distribution(numbers):
    flat, n = numbers.ravel(), numbers.size
    # Standard errors of the first four moments of n independent numbers.
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((flat**power).mean() - expected) < 4 * np.sqrt(variance / n)


def test_no_two_numbers_of_a_draw_are_alike_by_construction(numbers):
    """Both words of a call of the generator are used; they must not repeat each other."""
    first, second = np.split(numbers.ravel(), 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(first.size)
    for lag in (1, 2, SHAPE[1], SHAPE[0] * SHAPE[1] // 2 - 1):
        flat = numbers.ravel()
        assert abs(np.mean(flat[lag:] * flat[:-lag])) < 4 / np.sqrt(flat.size - lag)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((jax.random.key(0), 0), (jax.random.key(0), 1)),
        ((jax.random.key(0), 0), (jax.random.key(1), 0)),
        ((slot_key(jax.random.key(0), "noise_x"), 0), (slot_key(jax.random.key(0), "noise_y"), 0)),
    ],
    ids=["superblocks", "seeds", "slots"],
)
def test_streams_are_independent(one, other):
    a, b = (np.asarray(draw(*of, SHAPE, np.float32), np.float64).ravel() for of in (one, other))
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(a.size)


def test_an_odd_count_and_a_batch_of_keys_give_the_same_numbers_as_one_by_one():
    keys = jax.random.split(jax.random.key(7), 3)
    together = jax.vmap(lambda key: draw(key, 2, (3, 7), np.float32))(keys)
    for k, key in enumerate(keys):
        assert np.array_equal(together[k], draw(key, 2, (3, 7), np.float32))


def test_another_generator_of_the_user_is_kept():
    key = jax.random.key(0, impl="rbg")
    expected = jax.random.normal(jax.random.fold_in(key, 1), (4, 3), np.float32)
    assert np.array_equal(draw(key, 1, (4, 3), np.float32), expected)

"""Cognitive tasks, as inputs and targets."""

from __future__ import annotations

import numpy as np


def delayed_match_task(
    n_samples: int = 128, *, seq_len: int = 10, n_symbols: int = 4, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Make a working memory task: is the last symbol the same as the first.

    A cue at the first step, silence, a probe at the last step [1]_.

    Parameters
    ----------
    n_samples : int, default 128
        Number of trials. Half of them match, rounded down.
    seq_len : int, default 10
        Steps in a trial, at least 2.
    n_symbols : int, default 4
        Number of different symbols, at least 2.
    seed : int, default 0
        Seed of the random numbers; equal seeds give equal trials.

    Returns
    -------
    inputs : numpy.ndarray
        ``(trial, step, symbol)``, one-hot at the first and last step, zero between.
    targets : numpy.ndarray
        ``(trial,)``, 1 where the two symbols are equal.

    References
    ----------
    .. [1] Miller et al. 1996, J. Neurosci. 16:5154, doi:10.1523/JNEUROSCI.16-16-05154.1996

    Examples
    --------
    >>> import brainmass
    >>> inputs, targets = brainmass.datasets.delayed_match_task(6)
    >>> inputs.shape, int(targets.sum())
    ((6, 10, 4), 3)
    """
    for what, value, least in (
        ("n_samples", n_samples, 1),
        ("seq_len", seq_len, 2),
        ("n_symbols", n_symbols, 2),
    ):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"delayed_match_task: {what} must be a whole number, at least {least}; got "
                f"{value!r}. Pass one."
            )
    rng = np.random.default_rng(seed)
    targets = rng.permutation((np.arange(n_samples) < n_samples // 2).astype(np.int64))
    cue = rng.integers(n_symbols, size=n_samples)
    other = (cue + rng.integers(1, n_symbols, size=n_samples)) % n_symbols
    inputs = np.zeros((n_samples, seq_len, n_symbols))
    inputs[np.arange(n_samples), 0, cue] = 1.0
    inputs[np.arange(n_samples), -1, np.where(targets == 1, cue, other)] = 1.0
    return inputs, targets

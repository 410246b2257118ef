"""Stimuli: what enters a model from outside, as functions of time that can be added and joined.

A stimulus goes to ``Simulator.run(inputs=...)``. Its amplitudes and times are values, not part of
the compiled program: changing one compiles nothing, and all of them can be differentiated or
vectorised. Edges fall on the nearest step.
"""

from __future__ import annotations

import brainunit as u
import numpy as np

from .._compat import is_tracer
from ._checks import ENDLESS, read_numbers, read_rate, read_time, read_until
from ._stimulus import Stimulus
from ._waveforms import Tones, Where, White, constant, rise, sinus, train

__all__ = ["Stimulus", "noise", "pulse", "pulse_train", "ramp", "sine", "step"]


def pulse(
    amplitude, onset, duration, *, regions=None, weights=None, n_regions=None, inlet=None
) -> Stimulus:
    """Rectangular pulse.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Height, in the unit of the inlet; a number or one per region.
    onset : brainunit.Quantity
        When it begins.
    duration : brainunit.Quantity
        How long it lasts.
    regions : int or list of int, optional
        The regions that receive it; needs ``n_regions``. Default: all.
    weights : array, optional
        Instead of ``regions``, one plain factor per region.
    n_regions : int, optional
        Number of regions of the model.
    inlet : str, optional
        The inlet that receives it. Default: the first of the model.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> one = stimuli.pulse(2.0, 1 * u.ms, 2 * u.ms, regions=[1], n_regions=2)
    >>> one.values(4 * u.ms, 1 * u.ms).tolist()
    [[0.0, 0.0], [0.0, 2.0], [0.0, 2.0], [0.0, 0.0]]
    """
    onset = read_time(onset, "pulse", "onset", "when it begins")
    length = read_time(duration, "pulse", "duration", "how long it lasts", least=0.0)
    where = Where.read("pulse", regions, weights, n_regions, inlet)
    return where.wave(constant, amplitude, onset, onset + length)


def pulse_train(
    amplitude,
    frequency,
    duration,
    *,
    onset=0.0 * u.ms,
    count=None,
    regions=None,
    weights=None,
    n_regions=None,
    inlet=None,
) -> Stimulus:
    """Rectangular pulses at a fixed frequency.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Height, in the unit of the inlet; a number or one per region.
    frequency : brainunit.Quantity
        Pulses per time.
    duration : brainunit.Quantity
        How long each pulse lasts; less than a period.
    onset : brainunit.Quantity, default 0 ms
        When the first begins.
    count : int, optional
        How many pulses. Default: without end.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> train = stimuli.pulse_train(1.0, 500 * u.Hz, 1 * u.ms, count=2)
    >>> train.values(6 * u.ms, 1 * u.ms).tolist()
    [1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    who = "pulse_train"
    rate = read_rate(frequency, who, positive=True)
    length = read_time(duration, who, "duration", "how long a pulse lasts", least=0.0)
    onset = read_time(onset, who, "onset", "when it begins")
    if not is_tracer((rate, length)) and length * rate > 1:
        raise ValueError(
            f"{who}: duration (how long a pulse lasts) must be at most the period of "
            f"{1 / rate:g} ms; got {length:g} ms. Shorten the pulses or lower the frequency."
        )
    if count is not None and (
        isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1
    ):
        raise ValueError(
            f"{who}: count (how many pulses) must be a positive integer; got {count!r}. "
            "Leave it out for pulses without end."
        )
    until = ENDLESS if count is None else onset + (count - 1) / rate + length
    where = Where.read(who, regions, weights, n_regions, inlet)
    return where.wave(train, amplitude, onset, until, rate=rate, length=length)


def sine(
    amplitude,
    frequency,
    *,
    phase=0.0,
    onset=0.0 * u.ms,
    duration=None,
    regions=None,
    weights=None,
    n_regions=None,
    inlet=None,
) -> Stimulus:
    """Sine wave, ``amplitude * sin(2 pi frequency (t - onset) + phase)``.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Half the distance from peak to trough, in the unit of the inlet.
    frequency : brainunit.Quantity
        Periods per time.
    phase : float, default 0.0
        Phase at the onset in radians.
    onset : brainunit.Quantity, default 0 ms
        When it begins.
    duration : brainunit.Quantity, optional
        How long it lasts. Default: without end.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> stimuli.sine(1.0, 250 * u.Hz).values(2 * u.ms, 1 * u.ms).round(3).tolist()
    [0.0, 1.0]
    """
    rate = read_rate(frequency, "sine")
    phase = read_numbers(phase, "sine", "phase", "phase at the onset in radians")
    onset = read_time(onset, "sine", "onset", "when it begins")
    until = read_until(onset, duration, "sine")
    where = Where.read("sine", regions, weights, n_regions, inlet)
    return where.wave(sinus, amplitude, onset, until, rate=rate, phase=phase)


def ramp(
    amplitude, onset, duration, *, regions=None, weights=None, n_regions=None, inlet=None
) -> Stimulus:
    """Linear rise from 0 to ``amplitude``, which is then held.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Value at the end, in the unit of the inlet.
    onset : brainunit.Quantity
        When the rise begins.
    duration : brainunit.Quantity
        How long it takes.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> up = stimuli.ramp(1.0, 0 * u.ms, 2 * u.ms)
    >>> up.values(4 * u.ms, 1 * u.ms).tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    onset = read_time(onset, "ramp", "onset", "when it begins")
    length = read_time(duration, "ramp", "duration", "how long the rise takes", least=0.0)
    where = Where.read("ramp", regions, weights, n_regions, inlet)
    return where.wave(rise, amplitude, onset, ENDLESS, length=length)


def step(
    amplitude, onset=0.0 * u.ms, *, regions=None, weights=None, n_regions=None, inlet=None
) -> Stimulus:
    """Constant value from ``onset`` on.

    Parameters
    ----------
    amplitude : float, array or brainunit.Quantity
        Height, in the unit of the inlet.
    onset : brainunit.Quantity, default 0 ms
        When it begins.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> stimuli.step(3 * u.Hz, 1 * u.ms).values(3 * u.ms, 1 * u.ms)
    Quantity([0. 3. 3.], "Hz")
    """
    onset = read_time(onset, "step", "onset", "when it begins")
    where = Where.read("step", regions, weights, n_regions, inlet)
    return where.wave(constant, amplitude, onset, ENDLESS)


def noise(
    sigma,
    *,
    seed: int = 0,
    band=None,
    onset=0.0 * u.ms,
    duration=None,
    regions=None,
    weights=None,
    n_regions=None,
    inlet=None,
) -> Stimulus:
    """Frozen noise: the same numbers in every run, whatever the seed of the run.

    Parameters
    ----------
    sigma : float, array or brainunit.Quantity
        Standard deviation, in the unit of the inlet.
    seed : int, default 0
        Which noise.
    band : tuple of brainunit.Quantity, optional
        Lowest and highest frequency. The noise is then a sum of 64 tones of random frequency in
        the band and random phase, a function of time that does not depend on ``dt``. Default: an
        independent normal number in every step.
    onset : brainunit.Quantity, default 0 ms
        When it begins.
    duration : brainunit.Quantity, optional
        How long it lasts. Default: without end.
    regions, weights, n_regions, inlet
        Where it enters, as for :func:`pulse`. With ``n_regions`` every region has its own noise,
        without it all have the same.

    Returns
    -------
    Stimulus
        To pass as ``inputs`` of a run.

    Examples
    --------
    >>> import brainunit as u
    >>> from brainmass import stimuli
    >>> slow = stimuli.noise(0.1, seed=1, band=(1 * u.Hz, 30 * u.Hz), n_regions=4)
    >>> slow.values(10 * u.ms, 0.1 * u.ms).shape
    (100, 4)
    """
    if isinstance(seed, bool) or not (isinstance(seed, int | np.integer) and 0 <= seed < 2**32):
        raise ValueError(
            f"noise: seed (which noise) must be an integer from 0 to 2**32 - 1; got {seed!r}. "
            "Pass for example seed=1."
        )
    onset = read_time(onset, "noise", "onset", "when it begins")
    until = read_until(onset, duration, "noise")
    where = Where.read("noise", regions, weights, n_regions, inlet)
    size = () if where.weights is None else np.shape(where.weights)
    values = {"seed": np.uint32(seed)}
    if band is None:
        return where.wave(White(size), sigma, onset, until, **values)
    if not isinstance(band, tuple | list) or len(band) != 2:
        raise ValueError(
            f"noise: band must be (lowest, highest) frequency; got {band!r}. "
            "Pass for example band=(1 * u.Hz, 40 * u.Hz)."
        )
    low, high = (read_rate(edge, "noise") for edge in band)
    if not is_tracer((low, high)) and not 0 <= low < high:
        raise ValueError(
            f"noise: band must be (lowest, highest) frequency with 0 <= lowest < highest; "
            f"got {band}. Pass for example band=(1 * u.Hz, 40 * u.Hz)."
        )
    return where.wave(Tones(size), sigma, onset, until, low=low, high=high, **values)

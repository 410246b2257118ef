"""Readers of empirical signals: tables, MNE, NIfTI."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from os import PathLike
from typing import Any

import brainunit as u
import numpy as np

from brainmass._errors import UnitError, choices

from ._connectomes import names_of
from ._files import existing, is_path, table_of
from ._signal import Signal, sampling_interval

# What MNE stores each kind of channel in; kinds that are not here have no unit.
UNITS = {
    **dict.fromkeys(("eeg", "ecog", "seeg", "dbs", "eog", "ecg", "emg"), u.volt),
    **dict.fromkeys(("mag", "ref_meg"), u.tesla),
    "grad": u.tesla / u.meter,
}
# Codes of the time unit in the header of a NIfTI file.
SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


def read_signal(
    path: str | PathLike,
    dt: u.Quantity,
    *,
    labels: str | PathLike | Iterable[str] | None = None,
    columns: Sequence[str] | None = None,
    regions: str = "columns",
    unit: u.Unit = u.UNITLESS,
    key: str | None = None,
) -> Signal:
    r"""Read regional time courses from a table.

    Parameters
    ----------
    path : str or path
        Any file that :func:`read_matrix` reads, for example a ``.tsv`` of BOLD time courses.
    dt : brainunit.Quantity
        Sampling interval, the TR of functional MRI; files of this kind do not hold it.
    labels : str, path or iterable of str, optional
        Names of the regions, or a text file with one in each line. Default: those in the file, if
        it has some.
    columns : sequence of str, optional
        Read only these, by their names in the file; so a column of times can be left out.
    regions : {'columns', 'rows'}
        Where the regions are.
    unit : brainunit.Unit, default 1
        Of the values.
    key : str, optional
        Which array of an ``.npz`` or ``.mat``.

    Returns
    -------
    Signal
        With its functional connectivity.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If values are missing, or a region is constant.

    Examples
    --------
    >>> import os, tempfile, brainunit as u
    >>> from brainmass.datasets import read_signal
    >>> path = os.path.join(tempfile.mkdtemp(), "bold.tsv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("time\tV1\tMT\n0\t1.0\t0.5\n2\t1.5\t0.7\n4\t1.2\t0.9\n")
    >>> read_signal(path, 2 * u.second, columns=["V1", "MT"])
    Signal(3 samples of 2 regions, dt 2 s)
    """
    who = "read_signal"
    if regions not in ("columns", "rows"):
        raise ValueError(f"{who}: regions must be 'columns' or 'rows'; got {regions!r}. Choose.")
    table = table_of(path, who, key)
    values, names = table.values, table.columns
    if regions == "rows":
        values, names = values.T, table.rows
    if columns is not None:
        missing = [name for name in columns if name not in (names or ())]
        if missing:
            raise ValueError(
                f"{who}: columns must be among {choices(names or ())}; got {choices(missing)}. "
                "Choose from these."
            )
        values = values[:, [names.index(name) for name in columns]]  # type: ignore[union-attr]
        names = list(columns)
    if labels is not None:
        names = names_of(labels, who)
    return Signal.of(u.Quantity(values, unit=unit), dt, names, who=who)


def read_mne(data: Any, *, picks: Any = "data") -> Signal:
    """Read channels of an MNE ``Raw`` or ``Epochs`` [1]_.

    Parameters
    ----------
    data : mne.io.BaseRaw, mne.BaseEpochs, str or path
        The object, or a file that ``mne.io.read_raw`` reads (``mne.read_epochs`` for one that
        ends in ``-epo.fif``).
    picks : str, list or slice, default 'data'
        Channels, as everywhere in MNE. The default are the good data channels. All must have the
        same unit.

    Returns
    -------
    Signal
        ``(time, channel)`` or ``(epoch, time, channel)``, in V, T or T/m, at the sampling
        interval of the recording in ms.

    Raises
    ------
    ImportError
        If a path is given and MNE is not installed.
    TypeError
        If ``data`` is something else.
    ValueError
        If channels of different units are picked.

    References
    ----------
    .. [1] Gramfort et al. 2013, Front. Neurosci. 7:267, doi:10.3389/fnins.2013.00267

    Examples
    --------
    >>> from brainmass.datasets import read_mne
    >>> try:
    ...     read_mne("nothing.fif")
    ... except FileNotFoundError as error:
    ...     print(error)
    read_mne: path must be that of a file here; got 'nothing.fif', which does not exist. Correct it.
    """
    who = "read_mne"
    if is_path(data):
        data = _mne_file(data, who)
    if not all(hasattr(data, name) for name in ("get_data", "info", "get_channel_types")):
        raise TypeError(
            f"{who}: data must be an MNE Raw or Epochs, or the path of one; got "
            f"{type(data).__name__}. For an array use Signal.of."
        )
    names = _channels(data.info, picks, who)
    kinds = data.get_channel_types(picks=names)
    units = {kind: UNITS.get(kind, u.UNITLESS) for kind in kinds}
    if len(set(map(str, units.values()))) > 1:
        raise ValueError(
            f"{who}: picked channels must have one unit; got the kinds {choices(units)}. "
            f"Pick one, for example picks='{kinds[0]}'."
        )
    dt = u.Quantity(1000.0 / float(data.info["sfreq"]), unit=u.ms)
    values = np.swapaxes(np.asarray(data.get_data(picks=names)), -1, -2)
    return Signal.of(u.Quantity(values, unit=units[kinds[0]]), dt, names, who=who)


def read_nifti(
    image: Any,
    parcellation: Any,
    *,
    tr: u.Quantity | None = None,
    labels: str | PathLike | Iterable[str] | None = None,
    confounds: Any = None,
    detrend: bool = False,
    low_pass: u.Quantity | None = None,
    high_pass: u.Quantity | None = None,
) -> Signal:
    """Average a functional image over the regions of a parcellation, with nilearn [1]_.

    Parameters
    ----------
    image : str, path or nibabel image
        Four-dimensional, already preprocessed, in the space of the parcellation.
    parcellation : str, path or nibabel image
        Three-dimensional with a whole number for each region and 0 outside, or four-dimensional
        with one map for each region. It is resampled to the image. Nothing is downloaded: fetch
        an atlas first, for example with ``nilearn.datasets``.
    tr : brainunit.Quantity, optional
        Repetition time. Default: that of the image's header.
    labels : str, path or iterable of str, optional
        Names of the regions in the order of their numbers, or a text file with one in each line.
        Default ``'parcel 1'``, ... with those numbers.
    confounds : str, path, array or data frame, optional
        Regressed out, as nilearn takes them.
    detrend : bool, default False
        Remove a linear trend.
    low_pass, high_pass : brainunit.Quantity, optional
        Edges of a Butterworth filter, for example ``0.1 * u.Hz``.

    Returns
    -------
    Signal
        ``(volume, region)``, with ``dt`` in s.

    Raises
    ------
    ImportError
        If nilearn is not installed: ``pip install 'brainmass[neuro]'``.
    ValueError
        If the header has no TR and none is given, a region has no voxel, or ``labels`` has
        another number of names.

    References
    ----------
    .. [1] Abraham et al. 2014, Front. Neuroinform. 8:14, doi:10.3389/fninf.2014.00014

    Examples
    --------
    >>> from brainmass.datasets import read_nifti
    >>> try:
    ...     read_nifti("bold.nii.gz", "https://example.org/atlas.nii.gz")
    ... except (FileNotFoundError, ImportError) as error:
    ...     print(type(error).__name__)
    FileNotFoundError
    """
    who = "read_nifti"
    for given in (image, parcellation):
        if is_path(given):
            existing(given, who)
    nib = needed("nibabel", who)
    image, atlas = (nib.load(x) if is_path(x) else x for x in (image, parcellation))
    if len(image.shape) != 4 or image.shape[3] < 2 or len(atlas.shape) not in (3, 4):
        raise ValueError(
            f"{who}: image must have four dimensions and parcellation three or four; got shapes "
            f"{tuple(image.shape)} and {tuple(atlas.shape)}. Check their order."
        )
    dt = _repetition_time(image, who) if tr is None else tr
    step = float(sampling_interval(dt, who).to_decimal(u.second))
    values, numbers = _averages(
        image,
        atlas,
        who,
        confounds=confounds,
        t_r=step,
        detrend=detrend,
        low_pass=_hertz(low_pass, "low_pass", who),
        high_pass=_hertz(high_pass, "high_pass", who),
    )
    names = [f"parcel {i}" for i in numbers] if labels is None else names_of(labels, who)
    return Signal.of(values, u.Quantity(step, unit=u.second), names, who=who)


def needed(module: str, who: str) -> Any:
    """Import an optional dependency, or say in one sentence how to get it."""
    try:
        return import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise ImportError(
            f"{who}: {package} must be installed; it is not. Run pip install 'brainmass[neuro]'."
        ) from None


def _mne_file(path: Any, who: str) -> Any:
    found = existing(path, who)
    mne = needed("mne", who)
    if found.name.endswith(("-epo.fif", "_epo.fif", "-epo.fif.gz")):
        return mne.read_epochs(found, verbose="error")
    return mne.io.read_raw(found, verbose="error")


def _channels(info: Any, picks: Any, who: str) -> list[str]:
    """Names of the picked channels; a kind of channel does not mean those marked as bad."""
    mne = needed("mne", who)
    # One sample with the same channels, because a copy of the recording may be large.
    probe = mne.io.RawArray(np.zeros((len(info["ch_names"]), 1)), info, verbose="error")
    probe.pick(picks, exclude="bads" if isinstance(picks, str) else ())
    return list(probe.ch_names)


def _averages(image, atlas, who, *, confounds, **options) -> tuple[np.ndarray, list[int]]:
    """Time courses of the regions, and the numbers of the regions."""
    maskers = needed("nilearn.maskers", who)
    if len(atlas.shape) == 4:
        masker = maskers.NiftiMapsMasker(
            atlas, resampling_target="data", standardize=None, **options
        )
        numbers = list(range(1, atlas.shape[3] + 1))
    else:
        values = np.unique(np.asanyarray(atlas.dataobj))
        numbers = [int(value) for value in values if value != 0]
        masker = maskers.NiftiLabelsMasker(
            atlas, resampling_target="data", standardize=None, **options
        )
    try:
        signal = np.asarray(masker.fit_transform(image, confounds=confounds), dtype=float)
    except ValueError as error:
        raise ValueError(
            f"{who}: nilearn must find the regions in the image; it says: {error} Check that both "
            "are in the same space."
        ) from error
    if signal.shape[1] != len(numbers):
        raise ValueError(
            f"{who}: each of the {len(numbers)} regions must have a voxel in the image; got "
            f"{signal.shape[1]} that do. Check that both are in the same space."
        )
    return signal, numbers


def _repetition_time(image: Any, who: str) -> u.Quantity:
    header = image.header
    zooms, (_, unit) = header.get_zooms(), header.get_xyzt_units()
    if len(zooms) < 4 or not zooms[3] > 0 or unit not in SECONDS:
        raise ValueError(
            f"{who}: the header of the image must hold the TR with its unit; got none. Give it, "
            "for example tr=0.72 * u.second."
        )
    # The header holds single precision: 0.72 reads as 0.7200000286.
    return u.Quantity(float(f"{float(zooms[3]):.6g}") * SECONDS[unit], unit=u.second)


def _hertz(value: Any, what: str, who: str) -> float | None:
    if value is None:
        return None
    if not u.have_same_dim(u.get_unit(value), u.Hz):
        raise UnitError(
            f"{who}: {what} must be a frequency; got [{u.get_unit(value)}]. "
            "Pass for example 0.1 * u.Hz."
        )
    return float(u.Quantity(value).to_decimal(u.Hz))

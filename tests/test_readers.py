"""Readers of connectomes and recordings, on small files that the tests write."""

import sys
import zipfile

import brainunit as u
import numpy as np
import pytest
from scipy.io import savemat

from brainmass import UnitError
from brainmass.datasets import (
    Signal,
    read_connectome,
    read_matrix,
    read_mne,
    read_nifti,
    read_signal,
    read_tvb,
)

WEIGHTS = np.array([[0.0, 0.5, 1.0], [0.25, 0.0, 0.0], [1e-4, 2.0, 0.0]])
LENGTHS = np.array([[0.0, 30.0, 41.5], [30.0, 0.0, 12.0], [41.5, 12.0, 0.0]])


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


# -- matrices --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.csv", "0,0.5,1\n0.25,0,0\n1e-4,2,0\n"),
        ("spaces.txt", "# from somewhere\n 0   0.5 1\n\n0.25 0   0\n1e-4 2 0\n"),
        ("named.csv", "V1,MT,FEF\n0,0.5,1\n0.25,0,0\n0.0001,2,0\n"),
        ("framed.tsv", "\tV1\tMT\tFEF\nV1\t0\t0.5\t1\nMT\t0.25\t0\t0\nFEF\t1E-4\t2\t0\n"),
        ("rows.dat", "V1 0 0.5 1\nMT 0.25 0 0\nFEF 0.0001 2 0\n"),
        ("comma_decimals.csv", "V1;MT;FEF\n0;0,5;1\n0,25;0;0\n0,0001;2;0\n"),
        ("excel.csv", "\ufeff0,0.5,1,\r\n0.25,0,0,\r\n1e-4,2,0,\r\n"),
    ],
)
def test_text_tables_are_read_however_they_are_separated_and_named(tmp_path, name, text):
    assert np.array_equal(read_matrix(written(tmp_path / name, text)), WEIGHTS)


def test_binary_matrices_are_read(tmp_path):
    np.save(tmp_path / "w.npy", WEIGHTS.astype(np.float32))
    np.savez(tmp_path / "one.npz", SC=WEIGHTS)
    np.savez(tmp_path / "two.npz", SC=WEIGHTS, lengths=LENGTHS, names=np.array(["a", "b"]))
    savemat(tmp_path / "sc.mat", {"SC": WEIGHTS, "name": "someone", "n": 3})
    assert np.allclose(read_matrix(tmp_path / "w.npy"), WEIGHTS)
    assert np.array_equal(read_matrix(str(tmp_path / "one.npz")), WEIGHTS)
    assert np.array_equal(read_matrix(tmp_path / "sc.mat"), WEIGHTS)
    assert np.array_equal(read_matrix(tmp_path / "two.npz", key="lengths"), LENGTHS)
    with pytest.raises(ValueError, match="key must be one of the arrays 'SC', 'lengths'.*None"):
        read_matrix(tmp_path / "two.npz")


def test_missing_values_are_nan(tmp_path):
    table = read_matrix(written(tmp_path / "gaps.csv", "a,b\n1,NA\n,2\nn/a,3\n"))
    assert np.array_equal(np.isnan(table), [[False, True], [True, False], [True, False]])


def test_what_is_no_table_is_refused_in_one_sentence(tmp_path):
    ragged = written(tmp_path / "ragged.csv", "a,b\n1,2\n3\n")
    with pytest.raises(ValueError, match=r"'ragged.csv' must hold 2 numbers; got \['3'\] in row 1"):
        read_matrix(ragged)
    with pytest.raises(ValueError, match=r"got \['1', 'x'\]"):
        read_matrix(written(tmp_path / "words.csv", "1,2\n1,x\n"))
    with pytest.raises(ValueError, match="must hold numbers; got an empty table"):
        read_matrix(written(tmp_path / "empty.txt", "# nothing\n"))
    with pytest.raises(ValueError, match=r"must end in one of '.csv'.*got 'w.xlsx'"):
        read_matrix(written(tmp_path / "w.xlsx", ""))
    with pytest.raises(FileNotFoundError, match="got 'here.csv', which does not exist"):
        read_matrix("here.csv")
    np.save(tmp_path / "complex.npy", WEIGHTS * 1j)
    with pytest.raises(TypeError, match="real numbers; got dtype complex128"):
        read_matrix(tmp_path / "complex.npy")
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3".ljust(124) + b"\x00\x02IM" + b"\x00" * 400)
    with pytest.raises(ValueError, match="version 7 or earlier; got version 7.3"):
        read_matrix(tmp_path / "new.mat")


def test_an_address_is_not_followed():
    with pytest.raises(FileNotFoundError, match="which is an address. Download it first"):
        read_matrix("https://example.org/weights.csv")


# -- connectomes -----------------------------------------------------------------------------


def test_a_connectome_is_put_together_from_files(tmp_path):
    weights = written(tmp_path / "sc.csv", "V1,MT,FEF\n0,0.5,1\n0.25,0,0\n1e-4,2,0\n")
    np.save(tmp_path / "lengths.npy", LENGTHS)
    centres = written(tmp_path / "centres.txt", "V1 0 -80 5\nMT 40 -60 0\nFEF 30 0 50\n")
    conn = read_connectome(
        weights, tmp_path / "lengths.npy", centres=centres, hemispheres="LRR", licence="CC-BY"
    )
    assert np.array_equal(conn.weights, WEIGHTS)
    assert np.array_equal(conn.distances.to_decimal(u.mm), LENGTHS)
    assert conn.labels == ("V1", "MT", "FEF")
    assert np.array_equal(conn.centres.to_decimal(u.mm)[1], [40, -60, 0])
    assert (conn.name, conn.source, conn.licence) == ("sc", "sc.csv", "CC-BY")
    assert conn.hemispheres == ("L", "R", "R")


def test_matrices_with_sources_as_rows_are_transposed():
    conn = read_connectome(WEIGHTS, LENGTHS + np.triu(np.ones((3, 3)), 1), rows="sources")
    assert conn.weights[0, 1] == WEIGHTS[1, 0]
    assert conn.distances.to_decimal(u.mm)[1, 0] == LENGTHS[0, 1] + 1
    with pytest.raises(ValueError, match="rows must be 'targets' or 'sources'; got 'from'"):
        read_connectome(WEIGHTS, rows="from")


def test_distances_default_to_those_between_the_centres(tmp_path):
    names = written(tmp_path / "names.txt", "left one\nright one\n")
    conn = read_connectome(
        np.ones((2, 2)), centres=[[-3, 0, 0], [3, 8, 0]], unit=u.cmeter, labels=names
    )
    assert conn.distances[0, 1] == 10 * u.cmeter
    assert conn.labels == ("left one", "right one")
    with pytest.raises(UnitError, match=r"distances must be lengths; got \[ms\]"):
        read_connectome(np.ones((2, 2)), np.ones((2, 2)) * u.ms)
    with pytest.raises(UnitError, match=r"unit must be a length; got \[ms\]"):
        read_connectome(np.ones((2, 2)), np.ones((2, 2)), unit=u.ms)


FILES = {
    "weights.txt": "0 0.5 1\n0.25 0 0\n1e-4 2 0\n",
    "tract_lengths.txt": "0 30 41.5\n30 0 12\n41.5 12 0\n",
    "centres.txt": "lV1 -10 -80 5\nrV1 10 -80 5\nrFEF 30 0 50\n",
    "hemispheres.txt": "0\n1\n1\n",
    "areas.txt": "1\n2\n3\n",
    "info.txt": "Written by a test.\n",
}


def archive(path, files, folder=""):
    with zipfile.ZipFile(path, "w") as target:
        for name, content in files.items():
            target.writestr(folder + name, content)
        target.writestr(f"__MACOSX/{folder}._weights.txt", b"\x00\x05")
    return path


def test_tvb_archives_are_read_zipped_and_not(tmp_path):
    zipped = read_tvb(archive(tmp_path / "conn_3.zip", FILES, "conn_3/"))
    assert np.array_equal(zipped.weights, WEIGHTS)
    assert np.array_equal(zipped.distances.to_decimal(u.mm), LENGTHS)
    assert np.array_equal(zipped.centres.to_decimal(u.mm)[2], [30, 0, 50])
    assert zipped.labels == ("lV1", "rV1", "rFEF")
    assert zipped.hemispheres == ("L", "R", "R")
    assert (zipped.name, zipped.source) == ("conn_3", "conn_3.zip")
    folder = tmp_path / "conn_3"
    folder.mkdir()
    for name, text in FILES.items():
        written(folder / name, text)
    assert np.array_equal(read_tvb(folder).weights, WEIGHTS)
    named = read_connectome(tmp_path / "conn_3.zip", licence="CC-BY", name="mine")
    assert (named.name, named.licence, named.labels) == ("mine", "CC-BY", zipped.labels)


def test_tvb_archives_may_lack_all_but_the_weights(tmp_path):
    few = {"weights.txt": FILES["weights.txt"], "centers.txt": FILES["centres.txt"]}
    conn = read_tvb(archive(tmp_path / "few.zip", few))
    assert conn.distances.to_decimal(u.mm)[0, 1] == 20.0
    assert conn.hemispheres is None
    bare = read_tvb(archive(tmp_path / "bare.zip", {"weights.txt": FILES["weights.txt"]}))
    assert bare.distances is None
    assert bare.labels == ("R0", "R1", "R2")


def test_bad_tvb_archives_are_refused(tmp_path):
    with pytest.raises(ValueError, match="'none.zip' must hold weights.txt; got none"):
        read_tvb(archive(tmp_path / "none.zip", {"areas.txt": "1\n"}))
    two = FILES | {"centers.txt": "rV1 10 -80 5\nlV1 -10 -80 5\nrFEF 30 0 50\n"}
    with pytest.raises(ValueError, match="one file of centres; got 'centres', 'centers', which"):
        read_tvb(archive(tmp_path / "two.zip", two))
    with pytest.raises(ValueError, match="0 for left and 1 for right; got '7'"):
        read_tvb(archive(tmp_path / "sides.zip", FILES | {"hemispheres.txt": "0 7 1"}))
    with pytest.raises(ValueError, match="must be a zip file; got 'torn.zip'"):
        read_tvb(written(tmp_path / "torn.zip", "no zip"))
    with pytest.raises(ValueError, match="a zip file or a folder; got 'w.csv'"):
        read_tvb(written(tmp_path / "w.csv", "1"))
    with pytest.raises(ValueError, match=r"distances must have shape \(3, 3\)"):
        read_tvb(archive(tmp_path / "size.zip", FILES | {"tract_lengths.txt": "0 1\n1 0\n"}))


# -- signals ---------------------------------------------------------------------------------


def waves(n_time=50, n=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n_time, n)).round(6)


def test_signals_are_read_from_tables(tmp_path):
    values = waves()
    rows = "".join(f"{i}\t" + "\t".join(map(str, row)) + "\n" for i, row in enumerate(values))
    path = written(tmp_path / "bold.tsv", "time\tV1\tMT\tFEF\n" + rows)
    signal = read_signal(path, 720 * u.ms, columns=["MT", "V1"])
    assert np.array_equal(signal.signal, values[:, [1, 0]])
    assert signal.labels == ("MT", "V1")
    assert signal.dt == 720 * u.ms
    assert np.allclose(signal.fc, np.corrcoef(values[:, [1, 0]].T))
    assert np.allclose(signal.ts[:3].to_decimal(u.second), [0, 0.72, 1.44])
    np.save(tmp_path / "eeg.npy", values.T)
    eeg = read_signal(tmp_path / "eeg.npy", 1 * u.ms, regions="rows", unit=u.mV, labels=list("abc"))
    assert eeg.signal.unit == u.mV
    assert np.array_equal(eeg.signal.mantissa, values)
    assert repr(eeg) == "Signal(50 samples of 3 regions in mV, dt 1 ms)"


def test_bad_signals_are_refused_by_name(tmp_path):
    with pytest.raises(UnitError, match=r"read_signal: dt must be a time.*got \[1\]"):
        read_signal(written(tmp_path / "a.csv", "V1\n1\n2\n"), 0.72)
    with pytest.raises(ValueError, match=r"must be finite; got nan at \(1, 0\), region 'V1'"):
        read_signal(written(tmp_path / "b.csv", "V1,MT\n1,2\nNA,3\n2,2\n"), 1 * u.ms)
    with pytest.raises(ValueError, match="every region must vary; got a constant in 'MT'"):
        read_signal(written(tmp_path / "c.csv", "V1,MT\n1,0.1\n3,0.1\n2,0.1\n"), 1 * u.ms)
    with pytest.raises(ValueError, match="columns must be among 'V1', 'MT'; got 'FEF'"):
        read_signal(tmp_path / "c.csv", 1 * u.ms, columns=["FEF"])
    with pytest.raises(ValueError, match="dt must be positive and finite"):
        Signal.of(waves(), 0 * u.ms)
    with pytest.raises(ValueError, match="labels must name each of the 3 regions; got 2"):
        Signal.of(waves(), 1 * u.ms, ["a", "b"])
    with pytest.raises(ValueError, match=r"with two samples or more; got shape \(1, 3\)"):
        Signal.of(waves()[:1], 1 * u.ms)


def test_epochs_are_pooled_without_their_means():
    epochs = np.stack([waves(seed=i) + 10 * i for i in range(3)])
    pooled = np.concatenate([epoch - epoch.mean(axis=0) for epoch in epochs])
    signal = Signal.of(epochs, 2 * u.ms)
    assert np.allclose(signal.fc, np.corrcoef(pooled.T))
    assert signal.ts.shape == (50,)
    assert repr(signal) == "Signal(3 epochs of 50 samples of 3 regions, dt 2 ms)"


# -- MNE -------------------------------------------------------------------------------------


@pytest.fixture
def raw():
    import mne

    info = mne.create_info(["Fz", "Cz", "Pz", "Oz", "STI"], 250.0, ["eeg"] * 4 + ["stim"])
    info["bads"] = ["Pz"]
    return mne.io.RawArray(1e-6 * waves(500, 5).T, info, verbose="error")


def test_raw_recordings_are_read_with_their_unit_and_without_bad_channels(raw):
    signal = read_mne(raw)
    assert signal.labels == ("Fz", "Cz", "Oz")
    assert signal.signal.unit == u.volt
    assert np.array_equal(signal.signal.mantissa, raw.get_data(["Fz", "Cz", "Oz"]).T)
    assert signal.dt == 4.0 * u.ms
    assert read_mne(raw, picks=["Pz"]).labels == ("Pz",)


def test_epochs_are_read(raw):
    import mne

    epochs = mne.make_fixed_length_epochs(raw, 0.5, preload=True, verbose="error")
    signal = read_mne(epochs)
    assert signal.signal.shape == (4, 125, 3)
    assert np.array_equal(signal.signal.mantissa[1], epochs.get_data(["Fz", "Cz", "Oz"])[1].T)


def test_recordings_are_read_from_files(raw, tmp_path):
    raw.save(tmp_path / "short_raw.fif", verbose="error")
    signal = read_mne(tmp_path / "short_raw.fif")
    assert np.allclose(signal.signal.mantissa, read_mne(raw).signal.mantissa, rtol=1e-5)


def test_channels_of_two_units_are_refused(raw):
    with pytest.raises(ValueError, match="must have one unit; got the kinds 'eeg', 'stim'"):
        read_mne(raw, picks=["Fz", "STI"])
    with pytest.raises(TypeError, match="must be an MNE Raw or Epochs.*got ndarray"):
        read_mne(np.ones((3, 4)))


def test_a_missing_package_is_named_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mne", None)
    monkeypatch.setitem(sys.modules, "nibabel", None)
    path = written(tmp_path / "a.fif", "")
    advice = r"must be installed; it is not. Run pip install 'brainmass\[neuro\]'"
    with pytest.raises(ImportError, match=f"read_mne: mne {advice}"):
        read_mne(path)
    with pytest.raises(ImportError, match=f"read_nifti: nibabel {advice}"):
        read_nifti(path, path)


# -- NIfTI -----------------------------------------------------------------------------------


@pytest.fixture
def images():
    """A functional image of 4x4x4 voxels in which two regions have a course of their own."""
    import nibabel as nib

    courses = 100 + waves(200, 2)
    labels = np.zeros((4, 4, 4), np.int16)
    labels[:2, 1:3], labels[2:, 1:3] = 7, 12
    voxels = np.zeros((4, 4, 4, 200), np.float32)
    for number, course in zip((7, 12), courses.T, strict=True):
        voxels[labels == number] = course
    bold, atlas = nib.Nifti1Image(voxels, np.eye(4)), nib.Nifti1Image(labels, np.eye(4))
    bold.header.set_zooms((1, 1, 1, 0.72))
    bold.header.set_xyzt_units("mm", "sec")
    return bold, atlas, courses


def test_images_are_averaged_over_the_regions_of_a_parcellation(images, tmp_path):
    import nibabel as nib

    bold, atlas, courses = images
    signal = read_nifti(bold, atlas)
    assert signal.labels == ("parcel 7", "parcel 12")
    assert signal.dt == 0.72 * u.second
    assert np.allclose(signal.signal, courses, atol=1e-4)
    nib.save(bold, tmp_path / "bold.nii.gz")
    nib.save(atlas, tmp_path / "atlas.nii")
    names = written(tmp_path / "names.txt", "V1\nMT\n")
    again = read_nifti(
        tmp_path / "bold.nii.gz", tmp_path / "atlas.nii", tr=2 * u.second, labels=names
    )
    assert np.allclose(again.signal, courses, atol=1e-4)
    assert (again.labels, again.dt) == (("V1", "MT"), 2 * u.second)


def test_images_are_averaged_with_maps(images):
    import nibabel as nib

    bold, atlas, courses = images
    labels = np.asarray(atlas.dataobj)
    maps = nib.Nifti1Image(np.stack([labels == 7, labels == 12], -1).astype(float), np.eye(4))
    assert np.allclose(read_nifti(bold, maps).signal, courses, atol=1e-3)


def test_images_are_filtered_in_hertz(images):
    bold, atlas, _ = images
    slow = read_nifti(bold, atlas, low_pass=0.1 * u.Hz, detrend=True).signal
    power = np.abs(np.fft.rfft(slow - slow.mean(axis=0), axis=0)) ** 2
    frequencies = np.fft.rfftfreq(200, d=0.72)
    assert power[frequencies > 0.2].sum() < 0.01 * power.sum()
    with pytest.raises(UnitError, match=r"low_pass must be a frequency; got \[1\]"):
        read_nifti(bold, atlas, low_pass=0.1)


def test_images_that_do_not_fit_are_refused(images):
    import nibabel as nib

    bold, atlas, _ = images
    with pytest.raises(ValueError, match="image must have four dimensions.*Check their order"):
        read_nifti(atlas, bold)
    numbers, moved = np.asarray(atlas.dataobj), np.eye(4)
    moved[0, 3] = 50.0
    with pytest.raises(ValueError, match="nilearn must find the regions in the image"):
        read_nifti(bold, nib.Nifti1Image(numbers, moved))
    moved[0, 3] = 2.0
    refused = pytest.raises(ValueError, match="each of the 2 regions must have a voxel .* got 1")
    with pytest.warns(UserWarning, match="labels were removed"), refused:
        read_nifti(bold, nib.Nifti1Image(numbers, moved))
    bare = nib.Nifti1Image(np.asarray(bold.dataobj), np.eye(4))
    with pytest.raises(ValueError, match="must hold the TR with its unit; got none"):
        read_nifti(bare, atlas)

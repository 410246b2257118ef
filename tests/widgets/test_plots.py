"""What is sent to the browser: reduced, finite, in binary buffers."""

import numpy as np
import pytest

from brainmass_widgets.packing import COLUMNS, PHASE_POINTS, pack
from brainmass_widgets.plots import (
    Arrows,
    Axis,
    Heat,
    Lines,
    Mark,
    Panel,
    Phase,
    Trace,
    limits,
    minmax,
)

TIME = Axis("time", "ms")


def lines(*ys, **more):
    traces = tuple(Trace(f"y{k}", np.asarray(y, float)) for k, y in enumerate(ys))
    return Lines(TIME, (Panel(Axis("y", "mV"), traces),), **more)


def numbers(buffer):
    return np.frombuffer(buffer, np.float32)


def test_reduction_keeps_every_extreme_of_every_bucket():
    y = np.random.default_rng(0).normal(size=10_007)
    reduced, size = minmax(y, 500)
    assert reduced.size <= 1000
    padded = np.concatenate([y, np.full(-y.size % size, y[-1])]).reshape(-1, size)
    np.testing.assert_array_equal(reduced.reshape(-1, 2).min(1), padded.min(1))
    np.testing.assert_array_equal(reduced.reshape(-1, 2).max(1), padded.max(1))


def test_a_single_spike_survives_the_reduction():
    y = np.zeros(100_000)
    y[77_777] = 5.0
    assert minmax(y, COLUMNS)[0].max() == 5.0


def test_extremes_stay_in_the_order_they_occur():
    up, down = np.arange(100.0), np.arange(100.0)[::-1]
    assert (np.diff(minmax(up, 10)[0]) > 0).all()
    assert (np.diff(minmax(down, 10)[0]) < 0).all()


def test_short_data_are_sent_as_they_are():
    y = np.arange(20.0)
    reduced, size = minmax(y, 10)
    assert size == 1
    assert reduced is y


def test_numbers_that_are_not_finite_do_not_hide_the_finite_ones():
    y = np.tile([1.0, np.nan, 3.0, -np.inf], 5000)
    reduced, _ = minmax(y, 100)
    assert np.isfinite(reduced).all()
    assert {reduced.min(), reduced.max()} == {1.0, 3.0}
    assert limits([y]) == (1.0, 3.0)
    assert limits([np.full(3, np.nan)]) == (-1.0, 1.0)
    assert limits([]) == (-1.0, 1.0)


def test_robust_limits_let_a_blow_up_leave_the_plot():
    y = np.concatenate([np.sin(np.linspace(0, 20, 1000)), [1e10, 1e30]])
    lo, hi = limits([y], robust=True)
    assert -10 < lo < hi < 20
    assert limits([np.array([2.0, 2.0, np.inf])], robust=True) == (2.0, 2.0)


def test_lines_are_float32_on_a_uniform_grid():
    frame = pack(lines(np.arange(100.0), x0=0.1, dx=0.1))
    (trace,) = frame["panels"][0]["traces"]
    np.testing.assert_array_equal(numbers(trace["y"]), np.arange(100))
    assert (trace["x0"], trace["dx"]) == (0.1, 0.1)
    assert frame["x"] == {"label": "time", "unit": "ms", "lo": 0.1, "hi": pytest.approx(10.0)}
    assert frame["panels"][0]["y"]["unit"] == "mV"


def test_reduced_samples_stay_within_half_a_bucket_of_their_time():
    n, dx = 100_000, 0.1
    frame = pack(lines(np.arange(n) * dx, dx=dx))  # the value is the time
    (trace,) = frame["panels"][0]["traces"]
    y = numbers(trace["y"])
    assert y.size <= 2 * COLUMNS
    grid = trace["x0"] + trace["dx"] * np.arange(y.size)
    assert np.abs(grid - y).max() <= trace["dx"]


def test_a_window_is_sent_in_full_detail_with_a_margin():
    n, dx = 100_000, 0.1
    frame = pack(lines(np.arange(n) * dx, dx=dx), window=(5000.0, 5020.0))
    (trace,) = frame["panels"][0]["traces"]
    assert trace["dx"] == dx
    assert trace["x0"] == pytest.approx(4990.0, abs=0.2)
    assert numbers(trace["y"])[-1] == pytest.approx(5030.0, abs=0.2)
    assert frame["x"]["hi"] == pytest.approx((n - 1) * dx)  # the axis knows of all the data


def test_a_window_beside_the_data_is_empty_and_harmless():
    frame = pack(lines(np.arange(100.0)), window=(500.0, 600.0))
    assert frame["panels"][0]["traces"][0]["y"] == b""


def test_limits_hold_the_pinned_run_unless_a_run_diverged():
    traces = (
        Trace("a", np.array([0.0, 1.0])),
        Trace("a", np.array([9.0, 9.0]), x=np.array([0.0, 1.0]), role="ghost"),
        Trace("b", np.zeros(0)),
    )
    for robust, top in ((False, 9.0), (True, 1.0)):
        y = pack(Lines(TIME, (Panel(Axis("y"), traces),), robust=robust))["panels"][0]["y"]
        assert (y["lo"], y["hi"]) == (0.0, top)


def test_axis_reaches_to_the_end_while_the_run_goes_on():
    assert pack(lines(np.zeros(10), dx=1.0, end=100.0))["x"]["hi"] == 100.0
    assert pack(Lines(TIME, ()))["x"]["hi"] > 0.0


def test_phase_portrait_keeps_first_and_last_point():
    t = np.linspace(0, 20, 50_001)
    frame = pack(Phase(Axis("x"), Axis("y"), (Trace("o", np.sin(t), np.cos(t)),)))
    (trace,) = frame["panels"][0]["traces"]
    x, y = numbers(trace["x"]), numbers(trace["y"])
    assert x.size == y.size <= PHASE_POINTS + 1
    assert (x[0], y[0]) == (1.0, 0.0)
    assert y[-1] == np.float32(np.sin(20.0))


def test_heat_map_is_one_byte_per_region_and_column():
    data = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    heat = pack(Heat(TIME, Axis("region"), Axis("x", "mV"), data))["heat"]
    assert (heat["rows"], heat["cols"], heat["lo"], heat["hi"]) == (2, 3, 0.0, 2.0)
    assert list(heat["data"]) == [1, 128, 255, 255, 128, 1]


def test_long_heat_map_is_averaged_in_time():
    data = np.tile([0.0, 1.0], (3, 10_000))
    frame = pack(Heat(TIME, Axis("region"), Axis("x"), data, dx=0.5))
    heat = frame["heat"]
    assert heat["cols"] <= COLUMNS
    assert heat["cols"] * heat["dx"] == pytest.approx(10_000, abs=heat["dx"])
    assert len(heat["data"]) == heat["rows"] * heat["cols"]
    assert frame["x"]["hi"] == 10_000.0
    near = pack(Heat(TIME, Axis("region"), Axis("x"), data, dx=0.5), window=(100.0, 200.0))["heat"]
    assert near["dx"] == 0.5
    assert set(near["data"]) == {1, 255}


def test_heat_map_survives_constants_and_numbers_that_are_not_finite():
    flat = pack(Heat(TIME, Axis("region"), Axis("x"), np.full((2, 4), 3.0)))["heat"]
    assert flat["lo"] < 3.0 < flat["hi"]
    bad = np.array([[np.nan, 1.0], [np.inf, 0.0]])
    assert list(pack(Heat(TIME, Axis("region"), Axis("x"), bad))["heat"]["data"]) == [
        0,
        255,
        255,
        1,
    ]
    empty = pack(Heat(TIME, Axis("region"), Axis("x"), np.zeros((2, 0))))["heat"]
    assert (empty["cols"], empty["data"]) == (0, b"")


def test_a_band_survives_the_reduction_and_widens_the_axis():
    y = np.zeros(100_000)
    low, high = y - 1.0, y + 1.0
    high[77_777] = 5.0
    trace = Trace("x", y, band=(low, high))
    panel = pack(Lines(TIME, (Panel(Axis("x"), (trace,)),), dx=0.1))["panels"][0]
    band = panel["traces"][0]["band"]
    lo, hi = numbers(band["lo"]), numbers(band["hi"])
    assert lo.size == hi.size <= COLUMNS
    assert (hi.max(), lo.min(), panel["y"]["lo"], panel["y"]["hi"]) == (5.0, -1.0, -1.0, 5.0)
    assert band["x0"] + band["dx"] * hi.argmax() == pytest.approx(7777.7, abs=band["dx"])


def test_arrows_and_marks_of_a_phase_plane_are_sent_and_a_box_fixes_its_axes():
    grid = np.linspace(0, 1, 5)
    plane = Phase(
        Axis("V"), Axis("w"), (), arrows=Arrows(grid, grid, grid, -grid),
        marks=(Mark(0.5, 0.25, "square", "saddle", 1, False),), box=(-1.0, 2.0, -3.0, 4.0),
    )  # fmt: skip
    frame = pack(plane)
    np.testing.assert_array_equal(numbers(frame["arrows"]["v"]), np.float32(-grid))
    assert frame["marks"][0]["kind"] == "square"
    assert not frame["marks"][0]["filled"]
    assert (frame["x"]["lo"], frame["x"]["hi"]) == (-1.0, 2.0)
    assert (frame["panels"][0]["y"]["lo"], frame["panels"][0]["y"]["hi"]) == (-3.0, 4.0)

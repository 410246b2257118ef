"""The canvas without a browser: traits, messages, and agreement with its JavaScript."""

import re

import numpy as np
import pytest

from brainmass_widgets import Canvas
from brainmass_widgets.canvas import SEGMENT
from brainmass_widgets.plots import Axis, Heat, Lines, Panel, Phase, Trace


def sine(n=1000):
    y = np.sin(np.linspace(0, 20, n))
    return Lines(Axis("time", "ms"), (Panel(Axis("x", "mV"), (Trace("x", y),)),), dx=0.1)


@pytest.fixture
def canvas(opened):
    return opened(Canvas(label="time course"))


def receive(canvas, **message):
    """Hand over a message as the browser sends it."""
    canvas._handle_custom_msg(message, [])


def test_each_plot_is_one_frame_with_a_new_number(canvas):
    frames = []
    canvas.observe(lambda change: frames.append(change["new"]), "frame")
    canvas.show(sine())
    canvas.show(sine())
    assert [f["id"] for f in frames] == [1, 2]
    assert isinstance(frames[0]["panels"][0]["traces"][0]["y"], bytes)


def test_a_summary_says_in_one_line_what_is_seen(canvas):
    canvas.show(sine())
    assert canvas.summary == "x from -1 to 1 mV; time 0 to 99.9 ms."
    canvas.show(Phase(Axis("x"), Axis("y", "mV"), (Trace("o", np.zeros(3), np.arange(3.0)),)))
    assert canvas.summary == "x from 0 to 2, y from 0 to 0 mV."
    canvas.show(Heat(Axis("time", "ms"), Axis("region"), Axis("x"), np.eye(3)))
    assert canvas.summary == "3 rows of x from 0 to 1; time 0 to 3 ms."


def test_zooming_in_brings_finer_data_and_stays_for_the_next_plot(canvas):
    canvas.show(sine(100_000))
    coarse = canvas.frame["panels"][0]["traces"][0]["dx"]
    receive(canvas, type="view", x=[100.0, 120.0])
    assert canvas.frame["panels"][0]["traces"][0]["dx"] == 0.1 < coarse
    canvas.show(sine(100_000))
    assert canvas.frame["panels"][0]["traces"][0]["dx"] == 0.1
    receive(canvas, type="view", x=None)
    assert canvas.frame["panels"][0]["traces"][0]["dx"] == coarse


def test_the_same_view_sends_nothing(canvas):
    canvas.show(sine())
    receive(canvas, type="view", x=None)
    assert canvas.frame["id"] == 1


def test_clicks_and_drags_reach_those_who_listen(canvas):
    heard = []
    receive(canvas, type="click", panel=0, x=1.0, y=2.0)
    canvas.on_event(heard.append, "click", "drag")
    assert canvas.events == ["click", "drag"]
    receive(canvas, type="click", panel=0, x=1.0, y=2.0)
    receive(canvas, type="drag", panel=0, x=1.0, y=2.0, phase="end")
    receive(canvas, type="nonsense")
    assert [e["type"] for e in heard] == ["click", "drag"]


def test_a_notice_is_shown_and_taken_away(canvas):
    canvas.say("It diverged.", "error")
    assert canvas.notice == {"text": "It diverged.", "level": "error"}
    canvas.say()
    assert canvas.notice == {}


def test_browser_and_kernel_know_the_same_traits():
    source = Canvas._esm
    read = set(re.findall(r'model\.get\("(\w+)"\)', source))
    followed = set(re.findall(r'"change:(\w+)"', source))
    assert read | followed <= set(Canvas.class_trait_names(sync=True))
    assert read >= {"frame", "height", "label", "summary", "notice", "events", "margins"}


def test_accessible_from_keyboard_and_screen_reader():
    source = Canvas._esm
    for needed in ('"role", "img"', '"aria-label"', '"aria-live"', "tabIndex = 0", '"keydown"'):
        assert needed in source


def test_repr_is_short(canvas):
    assert repr(canvas) == "Canvas(empty)"
    canvas.show(sine())
    assert repr(canvas) == "Canvas(lines)"


def test_frame_for_a_browser_nearby_fills_a_segment_and_no_more(canvas):
    wave = sine(500)
    canvas.show(wave)
    assert "fill" not in canvas.frame
    canvas.near = True
    canvas.show(wave)
    arrays = canvas.frame["panels"][0]["traces"][0]["y"]
    assert len(memoryview(arrays).cast("B")) + len(canvas.frame["fill"]) == SEGMENT
    canvas.show(Heat(Axis("t"), Axis("r"), Axis("x"), np.random.default_rng(0).random((84, 1000))))
    assert "fill" not in canvas.frame

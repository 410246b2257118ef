"""What goes between browser and kernel when a slider moves: each message costs the next frame."""

import time

import ipywidgets
import pytest


@pytest.fixture
def sent(monkeypatch):
    """Messages of all widgets: which kind of widget, which traits."""
    messages = []

    def send(self, message, buffers=None):
        messages.append((type(self).__name__, sorted(message.get("state", {}))))

    monkeypatch.setattr(ipywidgets.Widget, "_send", send)
    return messages


def move(widget, value, n):
    """Do what the browser does when a slider moves."""
    deed = {"number": value, "gesture": "one", "n": n}
    widget.panel.sheet.set_state({"asked": {"a": deed}})


def test_picture_comes_before_the_answer_and_nothing_else_comes(widget, sent):
    move(widget, 0.3, 1)
    widget.flush()
    kinds = [kind for kind, traits in sent]
    assert kinds == ["Canvas", "Canvas", "StatusLine", "Sheet"]
    assert [traits for kind, traits in sent if kind == "Sheet"] == [["shown"]]
    assert widget.panel.sheet.shown["a"]["n"] == 1


def test_no_answer_is_lost_however_fast_the_slider_moves(widget):
    for n in range(1, 60):
        move(widget, 0.2 + 0.001 * n, n)
        time.sleep(0.0005 * (n % 5))
    widget.flush()
    assert widget.panel.sheet.shown["a"]["n"] == 59
    assert widget.panel.sheet.shown["a"]["value"] == pytest.approx(0.259)


def test_answer_to_a_refused_entry_waits_for_nothing(widget, sent):
    widget._urgent = True
    widget.panel.sheet.set_state({"asked": {"a": {"text": "much", "n": 1}}})
    assert widget.panel.sheet.shown["a"]["n"] == 1
    assert ("Sheet", ["shown"]) in sent


def test_deed_that_was_answered_is_not_done_again_for_another_browser(widget):
    move(widget, 0.3, 4)
    widget.controls["a"].set(0.5)
    late = {"a": {"number": 0.3, "gesture": "one", "n": 4}}
    widget.panel.sheet.set_state({"asked": {**late, "w": {"number": 0.4, "n": 5}}})
    move(widget, 0.1, 3)
    assert float(widget.controls["a"].value) == 0.5
    assert float(widget.controls["w"].value) == 0.4

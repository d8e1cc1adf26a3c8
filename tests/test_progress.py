"""The line of progress, on a clock that the test sets."""

import pytest

from gaae_tf.data import progress


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_it_tells_how_much_how_fast_and_how_long_still(clock, capsys):
    meter = progress.Progress(2_000, "recordings")
    clock[0] = 20.0
    meter.step(500)
    assert capsys.readouterr().err == "500 of 2,000 recordings, 25/s, 60 s left\n"


def test_what_was_done_before_does_not_count_as_fast(clock, capsys):
    meter = progress.Progress(2_000, "recordings", done=1_000)
    clock[0] = 20.0
    meter.step(500)
    assert capsys.readouterr().err == "1,500 of 2,000 recordings, 25/s, 20 s left\n"


def test_it_is_silent_between_and_where_it_shall_not_show(clock, capsys):
    meter = progress.Progress(10, "recordings")
    clock[0] = 5.0
    meter.step()
    hidden = progress.Progress(10, "recordings", shown=False)
    clock[0] = 50.0
    hidden.step()
    hidden.close()
    assert capsys.readouterr().err == ""


def test_without_a_total_nothing_is_promised(clock, capsys):
    meter = progress.Progress(0, "bytes")
    clock[0] = 20.0
    meter.step(1_000)
    meter.close()
    assert capsys.readouterr().err == "1,000 bytes, 50/s\n" * 2

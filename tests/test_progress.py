"""The lines of progress, on a clock that the test sets."""

import io

import pytest

from gaae_tf.data import progress
from gaae_tf.systems.classifier import Classifier
from gaae_tf.systems.gaae import GAAE
from gaae_tf.systems.ggan import GGAN
from gaae_tf.systems.wasserstein import WassersteinGAN
from gaae_tf.training import progress as training_progress


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


def test_what_takes_seconds_each_has_a_speed_too(clock, capsys):
    meter = progress.Progress(600, "steps")
    clock[0] = 20.0
    meter.step(5)
    assert capsys.readouterr().err == "5 of 600 steps, 0.25/s, 2,380 s left\n"


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


@pytest.fixture
def training_clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training_progress.time, "monotonic", lambda: now[0])
    return now


class Terminal(io.StringIO):
    def isatty(self):
        return True


LOGS = {"R": 0.07034, "Cl": 0.5119, "G": -0.31, "gradient_norm_S": 3.0}


def test_a_training_tells_step_time_left_and_the_losses_asked_for(training_clock, capsys):
    line = training_progress.ProgressLine(60_000, 0, ("R", "Cl", "G"))
    line.update(1, LOGS)  # the call that compiles: how fast it goes is not known yet
    training_clock[0] = 30.0
    line.update(61, LOGS)  # 2 steps a second, 59,939 to go
    assert capsys.readouterr().out == (
        "step 1 of 60,000, R 0.0703, Cl 0.512, G -0.31\n"
        "step 61 of 60,000, 8 h 19 min left, R 0.0703, Cl 0.512, G -0.31\n"
    )


def test_no_time_left_is_told_before_steps_were_timed_for_ten_seconds(training_clock, capsys):
    line = training_progress.ProgressLine(60_000, 0, ())
    line._interval = 0.0
    line.update(1, {}, compiled=True)
    training_clock[0] = 9.0
    line.update(2, {})  # would be 150 hours
    training_clock[0] = 10.0
    line.update(21, {})  # 2 steps a second
    training_clock[0] = 60.0
    line.update(22, {}, compiled=True)  # steps of another kind, whose compiling took the time
    training_clock[0] = 80.0
    line.update(42, {})  # 1 step a second
    assert capsys.readouterr().out.splitlines() == [
        "step 1 of 60,000",
        "step 2 of 60,000",
        "step 21 of 60,000, 8 h 20 min left",
        "step 22 of 60,000",
        "step 42 of 60,000, 16 h 39 min left",
    ]


def test_a_training_tells_cs_last_accuracy_once_it_is_measured(training_clock, capsys):
    line = training_progress.ProgressLine(100, 0, ("G_loss",))
    line.update(50, {"G_loss": 1.0})
    line.accuracy = 0.44
    line.close()
    assert capsys.readouterr().out.splitlines() == [
        "step 50 of 100, G_loss 1",
        "step 50 of 100, C 44.0 %, G_loss 1",
    ]


def test_a_training_with_a_time_limit_ends_at_the_earlier_of_both(training_clock, capsys):
    line = training_progress.ProgressLine(1_000, 0, ())
    line.update(10, {}, allowed_seconds=720.0)
    training_clock[0] = 20.0
    line.update(30, {}, allowed_seconds=600.0)  # 970 s of steps
    training_clock[0] = 40.0
    line.update(980, {}, allowed_seconds=580.0)  # less than a second of steps
    assert capsys.readouterr().out.splitlines() == [
        "step 10 of 1,000, 12 min left",
        "step 30 of 1,000, 10 min left",
        "step 980 of 1,000, 1 s left",
    ]


def test_a_last_call_that_ends_late_leaves_no_time_below_zero(training_clock, capsys):
    line = training_progress.ProgressLine(100, 0, ())
    line.update(1, {}, 30.0)
    training_clock[0] = 40.0
    line.update(5, {}, -2.0)
    assert capsys.readouterr().out.endswith("step 5 of 100, 0 s left\n")


def test_what_was_trained_before_does_not_count_as_fast(training_clock, capsys):
    line = training_progress.ProgressLine(2_000, 1_000, ())
    line.update(1_000, {})
    training_clock[0] = 20.0
    line.update(1_500, {})
    assert capsys.readouterr().out.splitlines()[-1] == "step 1,500 of 2,000, 20 s left"


def test_a_training_writes_over_its_line_on_a_terminal_alone(training_clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    line = training_progress.ProgressLine(3, 0, ("R",))
    line.update(1, LOGS)
    training_clock[0] = 0.5
    line.update(2, LOGS)  # too early
    line.close()
    assert terminal.getvalue() == ("\rstep 1 of 3, R 0.0703\033[K\rstep 2 of 3, R 0.0703\033[K\n")


def test_a_training_is_silent_between_and_where_it_shall_not_show(training_clock, capsys):
    hidden = training_progress.ProgressLine(3, 0, ("R",), shown=False)
    hidden.update(1, LOGS)
    hidden.close()
    assert capsys.readouterr().out == ""
    line = training_progress.ProgressLine(3, 0, ("R",))
    line.update(1, LOGS)
    training_clock[0] = 9.0  # a file or a pipe gets a line each ten seconds
    line.update(2, LOGS)
    assert capsys.readouterr().out == "step 1 of 3, R 0.0703\n"


@pytest.mark.parametrize(
    ("system", "shown"),
    [
        (GAAE, ("R", "Cl", "G")),
        (GGAN, ("Cl", "G", "S_loss")),
        (WassersteinGAN, ("G_loss", "D_loss", "gradient_penalty")),
        (Classifier, ("C_loss",)),
    ],
)
def test_every_system_says_which_losses_are_on_the_line(system, shown):
    names = system.PROGRESS_NAMES or system.LOSS_NAMES[:3]
    assert names == shown
    assert set(names) <= set(system.LOG_NAMES)

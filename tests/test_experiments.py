"""Plans, runs and shows of the paper's tables, on fabricated run folders and with fake commands."""

import dataclasses
import json
import os
import re
import shutil
import signal
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from gaae_tf.commands import opening
from gaae_tf.config import TrainConfig
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.experiments import execute
from gaae_tf.experiments.execute import run_steps
from gaae_tf.experiments.plan import missing, plan_text
from gaae_tf.experiments.published import TABLES
from gaae_tf.experiments.requests import Request, Run
from gaae_tf.experiments.scales import SCALES, Setting
from gaae_tf.experiments.show import show_text
from gaae_tf.ops.settings import StftSettings
from gaae_tf.run import names as run_names

ROOT = Path(__file__).parents[1]
CPU = SCALES["cpu"]
DIGITS = Setting("digits", "gaae", 5)
FSDD_STEPS = 5500  # of configs/fsdd.flags


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    """A folder to type commands in, with the real flag files."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    (tmp_path / "train.py").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_of(setting, seed=0, out="out"):
    return Run(CPU, Path(out), setting, seed)


def checkpoint(run, step, seconds):
    """A checkpoint that tells step and time and has no weights."""
    state = tf.train.Checkpoint(
        step=tf.Variable(step, dtype=tf.int64),
        trained_seconds=tf.Variable(seconds, dtype=tf.float64),
    )
    folder = run.folder / run_names.CHECKPOINTS
    manager = tf.train.CheckpointManager(state, str(folder), 1, checkpoint_name="step")
    manager.save(checkpoint_number=step)


def scores(inception=7.0, count=2000, accuracy=0.5, scorer="simple", **provenance):
    """What evaluate.py writes, as far as tables take from it."""
    dataset = {"name": "fsdd", "path": "datasets/fsdd", "id": "d" * 64}
    right = {"value": 0.988, "interval_95": [0.97, 0.99], "correct": 247, "clips": 250}
    return {
        "details": {
            "samples": {
                "inception_score": {"value": inception, "deviation": 0.3, "clips": count},
                "against_real_test": {
                    "frechet_logits": {"value": 152.0, "deviation": 16.0, "clips": [count, 250]}
                },
            },
            "real_train": {"inception_score": {"value": 9.73, "deviation": 0.09, "clips": 2030}},
            "real_test": {"inception_score": {"value": 8.47, "deviation": 0.66, "clips": 250}},
            "classifier_test_accuracy": {"value": accuracy, "clips": 250},
            "usefulness": {},
        },
        "provenance": {
            "scorer": {"name": scorer, "description": {"seed": 0}, "test_accuracy": right},
            "samples": count,
            "samples_are": {"vocoder": "pghi"},
            "test_clips": 250,
            "dataset": dataset,
            "guidance_dataset": dataset,
            "seconds": 600.0,
            **provenance,
        },
    }


def evaluated(run, name="scores.json", **settings):
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / name).write_text(json.dumps(scores(**settings)))


def request(table=None, **settings):
    return Request(table, out=Path("out"), **settings)


def what(steps):
    """Each command as (what it does, the folder that it works on)."""
    told = []
    for step in steps:
        (folder,) = [
            flag.removeprefix("--run_dir=") for flag in step.command if flag.startswith("--run_dir")
        ]
        script = next(word for word in step.command if word != "-m")
        told.append((script.removesuffix(".py"), Path(folder).name))
    return told


def test_a_fresh_plan_trains_and_evaluates_every_run_draw_after_draw():
    steps = what(missing(request(3, seeds=2)))
    assert len(steps) == 2 * 2 * 6 * 2  # training and evaluation, data sets, shares, draws
    assert len(set(steps)) == len(steps)
    assert steps[:4] == [
        ("train", "fsdd-gaae-1-seed0"),
        ("evaluate", "fsdd-gaae-1-seed0"),
        ("train", "notes-gaae-1-seed0"),
        ("evaluate", "notes-gaae-1-seed0"),
    ]
    assert all(folder.endswith("-seed0") for _, folder in steps[:24])
    assert all(folder.endswith("-seed1") for _, folder in steps[24:])


def test_what_a_run_needs_comes_before_it_and_once(monkeypatch):
    config = TrainConfig(dataset="notes", run_dir="x")
    monkeypatch.setattr(Run, "config", lambda run: config)  # what is trained does not matter here
    steps = missing(request(7, seeds=1))
    told = what(steps)
    assert len(set(told)) == len(told) == 2 * 6 * 5 + 2
    for percent in (1, 100):
        first, second, third = (
            told.index(("train", f"fsdd-{name}-seed0"))
            for name in ("unsupervised_biggan", "bigan", f"bigan_classifier-{percent}")
        )
        assert first < second < third
    assert ("evaluate", "fsdd-bigan-seed0") not in told  # its features alone are wanted
    frozen = next(step for step in steps if "--flagfile=configs/fsdd/bigan.flags" in step.command)
    assert "--frozen_run=out/cpu/fsdd-unsupervised_biggan-seed0" in frozen.command


def test_a_plan_leaves_out_what_is_there():
    evaluated(run_of(DIGITS))  # done, even if its checkpoints are gone
    trained, half, timely, counted = (
        run_of(Setting("digits", "gaae", percent)) for percent in (1, 2, 3, 4)
    )
    checkpoint(trained, FSDD_STEPS, 100.0)
    checkpoint(half, 700, 300.0)
    checkpoint(timely, 700, 901.0)  # --max_minutes=15
    checkpoint(counted, FSDD_STEPS, 100.0)
    evaluated(counted, count=500)
    left = [told for told in what(missing(request(3, seeds=1))) if told[1].startswith("fsdd")]
    assert left == [
        ("evaluate", "fsdd-gaae-1-seed0"),
        ("train", "fsdd-gaae-2-seed0"),
        ("evaluate", "fsdd-gaae-2-seed0"),
        ("evaluate", "fsdd-gaae-3-seed0"),
        ("evaluate", "fsdd-gaae-4-seed0"),
        ("train", "fsdd-gaae-100-seed0"),
        ("evaluate", "fsdd-gaae-100-seed0"),
    ]
    assert "fsdd-gaae-4-seed0" not in plan_text(request(3, seeds=1, count=500))


def test_a_run_of_one_table_is_that_of_another():
    for percent in (1, 2, 3, 4, 5, 100):
        for data in ("digits", "instruments"):
            evaluated(run_of(Setting(data, "gaae", percent)))
    assert "nothing is left to run" in plan_text(request(3, seeds=1))
    sweep = what(missing(request(figure="omega_1", seeds=1)))
    assert len(sweep) == 2 * 8  # ω1 = 0.5 is that run


def test_a_table_of_usefulness_wants_its_three_trainings(monkeypatch):
    config = TrainConfig(dataset="notes", run_dir="x")
    monkeypatch.setattr(Run, "config", lambda run: config)
    run = run_of(DIGITS)
    checkpoint(run, 60_000, 1.0)
    evaluated(run)
    asked = request(4, seeds=1)
    command_, *_ = [step.command for step in missing(asked) if run.name in step.text]
    assert "--usefulness_seeds=3" in command_

    def with_usefulness(figure):
        written = scores()
        written["details"]["usefulness"] = {"samples": figure}
        (run.folder / "scores.json").write_text(json.dumps(written))
        return any(run.name in step.text for step in missing(asked))

    assert with_usefulness({"value": 0.5, "trainings": 1})
    assert not with_usefulness({"value": 0.5, "trainings": 3})
    assert not with_usefulness({"value": None, "reason": "not every class a sample"})


def test_times_are_limits_until_a_run_of_another_seed_was_measured():
    text = plan_text(request(3, seeds=2))
    assert "# at most 15 min, --max_minutes=15" in text
    assert "# at most 12 min, --max_minutes=12" in text
    # benchmarks/fsdd.json: 2,000 sounds at 44.29 a second, and its other phases.
    assert "# about 6 min: 2,000 sounds at 44.29 a second and 341 s of the rest" in text
    # 12 × (15 + 12) min and 24 × (2,000 / 44.29 + 341) s.
    assert "48 commands; 8.0 hours estimated" in text
    checkpoint(run_of(DIGITS), FSDD_STEPS, 300.0)
    evaluated(run_of(DIGITS))
    checkpoint(run_of(DIGITS, seed=1), 600, 120.0)
    lines = plan_text(request(3, seeds=2)).splitlines()
    at = next(i for i, line in enumerate(lines) if "train.py" in line and "gaae-5-seed1" in line)
    assert lines[at - 1].startswith("# about 3 min, as long as out/cpu/fsdd-gaae-5-seed0")  # 5 − 2
    assert lines[at + 1] == "# about 10 min, as out/cpu/fsdd-gaae-5-seed0/scores.json took"


def test_specgan_is_scored_by_its_authors_vocoder():
    lines = [line for line in plan_text(request(1, seeds=1)).splitlines() if "evaluate.py" in line]
    other = {line for line in lines if "--vocoder=griffin_lim --refine=16" in line}
    assert other == {line for line in lines if "specgan" in line} != set()


def test_the_papers_scale_has_the_work_and_no_invented_time():
    text = plan_text(request(3, scale="paper", seeds=1))
    assert "60,000 iterations × batch 128; the paper's GAAE took about 21 hours on two" in text
    assert "# no measured time; 50,000 sounds" in text
    assert text.endswith("# 24 commands; how long they take has not been measured")
    assert "datasets/nsynth is not there yet" in text
    assert "--scorer=wavegan" in text  # the digits' published scores are by that network
    assert "--usefulness_steps=0" in text
    assert "--usefulness_steps" not in plan_text(request(3, seeds=1))


def test_sounds_guided_by_digits_are_scored_by_gender(monkeypatch):
    config = TrainConfig(dataset="notes", run_dir="x")
    monkeypatch.setattr(Run, "config", lambda run: config)
    voices, gender = run_of(Setting("voices", "gaae", 5)), run_of(Setting("gender", "gaae"))
    told = what(missing(request(6, seeds=1)))
    assert told.index(("train", gender.folder.name)) < told.index(("train", voices.folder.name))
    assert ("evaluate", voices.folder.name) not in told  # by digits: not asked here
    steps = [step for step in missing(request(6, seeds=1)) if f"{voices.name}-" in step.text]
    assert [step.text for step in steps[1:]] == [
        f"python -m gaae_tf.generate --run_dir={voices.folder} --count=2000 "
        f"--out={voices.folder}/sounds-2000",
        f"python evaluate.py --run_dir={gender.folder} --samples={voices.folder}/sounds-2000 "
        f"--scores_out={voices.folder}/scores_by_gender.json --usefulness_seeds=0",
    ]
    # One file that could not be used is no reason to score again.
    files = {"files": 2000}
    evaluated(voices, "scores_by_gender.json", inception=1.5, count=1999, samples_are=files)
    assert not [step for step in missing(request(6, seeds=1)) if f"{voices.name}-" in step.text]
    evaluated(voices, inception=9.0)  # by the digits' scorer
    shown = cells(show_text(request(6)), "GAAE (Digit Guided)")
    assert shown[1:3] == ["1.61 ± 0.17", "1.50 (n = 1) [a]"]


def cells(text, name):
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    (row,) = [row for row in rows if row[0] == name]
    return row


def test_ours_stand_beside_the_published_with_draws_and_scorer():
    for seed, inception in enumerate((6.0, 7.0, 8.0)):
        evaluated(run_of(DIGITS, seed), inception=inception)
    evaluated(run_of(Setting("digits", "gaae", 1), 2), inception=5.25)
    text = show_text(request(3))
    mean, deviation = np.mean([6, 7, 8]), np.std([6, 7, 8], ddof=1)
    assert cells(text, "5 %")[1:5] == [
        "7.28 ± 0.01",
        f"{mean:.2f} ± {deviation:.2f} (n = 3) [a]",
        "22.60 ± 0.07",
        "152.00 ± 0.00 (n = 3) [a]",
    ]
    # One draw has no deviation over draws, and its measure's own is not passed off as one.
    assert cells(text, "1 %")[1:3] == ["6.94 ± 0.04", "5.25 (n = 1) [a]"]
    assert cells(text, "2 %")[1:3] == ["7.06 ± 0.03", "—"]
    (mark,) = [line for line in text.splitlines() if line.startswith("- [a]")]
    assert "scorer simple" in mark
    assert "98.8 % right on 250 real test clips of fsdd" in mark
    assert mark.endswith("2000 sounds")
    assert "Published IS (S09), FID (S09): scored by the WaveGAN authors' classifier." in text
    assert "Ours: scale cpu." in text
    assert "FSDD stands for S09" in text


def test_rows_of_real_clips_are_those_of_any_evaluated_run():
    assert cells(show_text(request(1)), "Real (Train Data)")[1:3] == ["9.18 ± 0.04", "—"]
    evaluated(run_of(Setting("digits", "wavegan"), 1))
    text = show_text(request(1))
    train, test = (cells(text, f"Real ({part} Data)") for part in ("Train", "Test"))
    assert train[1:3] == ["9.18 ± 0.04", "9.73 ± 0.09 [a]"]
    assert test[1:3] == ["8.01 ± 0.24", "8.47 ± 0.66 [b]"]
    assert "2,030 real training clips" in text
    assert train[3:] == ["-", ""]


def test_figures_of_other_scorers_have_other_letters():
    evaluated(run_of(DIGITS))
    evaluated(run_of(Setting("digits", "gaae", 1)), scorer="wavegan")
    text = show_text(request(3))
    assert [cells(text, f"{percent} %")[2][-3:] for percent in (1, 5)] == ["[a]", "[b]"]
    marks = [line for line in text.splitlines() if line.startswith(("- [a]", "- [b]"))]
    assert ["wavegan" in mark for mark in marks] == [True, False]
    assert "compare only where scorer" in text


def test_draws_of_different_scorers_are_not_averaged():
    evaluated(run_of(DIGITS, 0))
    evaluated(run_of(DIGITS, 1), scorer="wavegan")
    with pytest.raises(ValueError, match=r"gaae-5-seed0/.* and .*-seed1/.* cannot be averaged"):
        show_text(request(3))


def test_an_evaluation_of_another_count_is_named_and_left_out():
    evaluated(run_of(DIGITS), count=500)
    text = show_text(request(3))
    assert cells(text, "5 %")[2] == "—"
    assert "fsdd-gaae-5-seed0/scores.json: evaluated with --count=500, asked for 2000" in text
    assert cells(show_text(request(3, count=500)), "5 %")[2] == "7.00 (n = 1) [a]"


def test_a_classifier_needs_no_sounds():
    run = run_of(Setting("digits", "classifier", 1))
    written = scores()
    kept = {"classifier_test_accuracy": {"value": 0.784, "clips": 250}}
    dataset = written["provenance"]["guidance_dataset"]
    run.folder.mkdir(parents=True)
    (run.folder / "scores.json").write_text(
        json.dumps({"details": kept, "provenance": {"guidance_dataset": dataset}})
    )
    evaluated(run_of(Setting("digits", "gaae", 1)), accuracy=0.44)
    text = show_text(request(7))
    assert cells(text, "1 %") == [
        "1 %",
        *("78.40 (n = 1) [a]", "82.21 ± 1.2", "—", "73.01 ± 1.02", "—", "84.21 ± 2.24", "—"),
        *("90.21 ± 0.16", "44.00 (n = 1) [a]"),
    ]
    assert "[a] accuracy on 250 real test clips of fsdd" in text


def test_usefulness_is_shown_with_what_taught():
    run, written = run_of(DIGITS), scores()
    taught = {"steps": 300, "trainings": 3, "test_clips": 250, "deviation": 0.02}
    written["details"]["usefulness"] = {
        "samples": {"value": 0.5, "training_clips": 2000, **taught},
        "samples_and_real_clips": {"value": 0.93, "training_clips": 4030, **taught},
        "real_clips": {"value": 0.98, "training_clips": 2030, **taught},
    }
    run.folder.mkdir(parents=True)
    (run.folder / "scores.json").write_text(json.dumps(written))
    text = show_text(request(4))
    assert cells(text, "Train Data")[1:] == ["95.52 ± 0.50", "98.00 ± 2.00 [a]"]
    assert cells(text, "GAAE")[1:] == ["91.14 ± 0.17", "50.00 (n = 1) [b]"]
    assert cells(text, "GAAE + Train Data")[1:] == ["97.33 ± 0.19", "93.00 (n = 1) [c]"]
    assert "[b] a simple CNN taught by 2,000 clips for 300 steps, 3 trainings of each run" in text


def test_a_figure_that_cannot_be_had_tells_why():
    run, written = run_of(DIGITS), scores()
    written["details"]["samples"]["inception_score"] = {"value": None, "reason": "too few sounds"}
    run.folder.mkdir(parents=True)
    (run.folder / "scores.json").write_text(json.dumps(written))
    text = show_text(request(3))
    assert cells(text, "5 %")[2] == "none [a]"
    assert "[a] too few sounds" in text


def test_a_sweep_has_no_published_column():
    evaluated(run_of(DIGITS))
    text = show_text(request(figure="omega_1"))
    assert cells(text, "omega_1") == [
        "omega_1",
        *(f"{h}, ours (cpu)" for h in ("IS", "FID", "accuracy of C")),
    ]
    assert cells(text, "0.5")[1] == "7.00 (n = 1) [a]"
    assert "prints no numbers of it" in text


def test_pictures_are_named_of_one_draw():
    run = run_of(DIGITS)
    figures = run.folder / "report" / "figures"
    figures.mkdir(parents=True)
    for name in ("codes_by_class.png", "codes_by_class.pdf", "codes_by_speaker.png"):
        (figures / name).touch()
    text = show_text(request(figure="tsne"))
    assert f"fsdd-gaae-5: {figures / 'codes_by_class.png'}" in text
    assert f"fsdd-gaae-5: {figures / 'codes_by_class.pdf'}" in text
    assert "codes_by_speaker" not in text
    assert "notes-gaae-5: — no out/cpu/notes-gaae-5-seed0/report/figures/codes_by_class.* yet" in (
        text
    )
    assert len(missing(request(figure="tsne"))) == 4  # seed 0 of both


FAKE_TRAIN = """
    import os, pathlib, shutil, signal, sys, time
    run_dir = pathlib.Path(sys.argv[-1].removeprefix("--run_dir="))
    with open("log", "a") as log:
        log.write(f"train {run_dir.name} {os.getpgid(0) == os.getpid()}\\n")
    if pathlib.Path("fail").exists():
        sys.exit(3)
    if pathlib.Path("hang").exists():
        caught = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: caught.append(number))
        pathlib.Path("hanging").touch()
        while not caught:
            time.sleep(0.02)
        time.sleep(0.5)  # time for a signal too many
        pathlib.Path("caught").write_text(" ".join(map(str, caught)))
        sys.exit(128 + caught[0])
    if not pathlib.Path("lazy").exists():
        shutil.copytree("prefab/checkpoints", run_dir / "checkpoints")
"""
FAKE_EVALUATE = """
    import pathlib, shutil, sys
    run_dir = pathlib.Path(sys.argv[1].removeprefix("--run_dir="))
    with open("log", "a") as log:
        log.write(f"evaluate {run_dir.name}\\n")
    shutil.copy("prefab/scores.json", run_dir)
"""


@pytest.fixture
def fakes(root):
    """Commands that write down that they ran, and leave what the real ones do; gives the log."""
    (root / "train.py").write_text(textwrap.dedent(FAKE_TRAIN))
    (root / "evaluate.py").write_text(textwrap.dedent(FAKE_EVALUATE))
    prefab = run_of(DIGITS)
    checkpoint(prefab, 60_000, 1.0)
    evaluated(prefab)
    shutil.move(prefab.folder, "prefab")

    def log():
        text = (root / "log").read_text() if (root / "log").exists() else ""
        (root / "log").unlink(missing_ok=True)
        return text.splitlines()

    return log


def test_what_is_missing_runs_once_in_order_and_then_nothing_is_left(fakes, capfd):
    asked = request(figure="samples")
    run_steps(missing(asked), lambda line: print(line, flush=True))
    assert fakes() == [
        "train fsdd-gaae-5-seed0 True",
        "evaluate fsdd-gaae-5-seed0",
        "train notes-gaae-5-seed0 True",
        "evaluate notes-gaae-5-seed0",
    ]
    assert "$ python evaluate.py --run_dir=out/cpu/notes-gaae-5-seed0" in capfd.readouterr().out
    assert missing(asked) == []


def test_a_failed_command_stops_the_rest_is_named_and_is_tried_again(fakes, root):
    asked = request(figure="samples")
    evaluated(run_of(DIGITS))
    (root / "fail").touch()
    with pytest.raises(RuntimeError, match=r"exit code 3 of: python train.py .*notes-gaae-5-seed0"):
        run_steps(missing(asked))
    assert fakes() == ["train notes-gaae-5-seed0 True"]
    (root / "fail").unlink()
    run_steps(missing(asked))
    assert fakes() == ["train notes-gaae-5-seed0 True", "evaluate notes-gaae-5-seed0"]


def test_a_command_that_leaves_nothing_is_no_success(fakes, root):
    (root / "lazy").touch()
    with pytest.raises(RuntimeError, match=r"did not finish its work: python train.py"):
        run_steps(missing(request(figure="samples")))
    assert len(fakes()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_passed_on_once_and_ends_the_rest(fakes, root, number):
    (root / "hang").touch()

    def send():
        until = time.monotonic() + 30.0
        while not (root / "hanging").exists() and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    thread = threading.Thread(target=send)
    thread.start()
    with pytest.raises(execute.Stopped) as stopped:
        run_steps(missing(request(figure="samples")))
    thread.join()
    assert stopped.value.signal_number == number
    assert (root / "caught").read_text() == str(int(number))
    assert len(fakes()) == 1
    assert signal.getsignal(number) is before
    (root / "hang").unlink()
    run_steps(missing(request(figure="samples")))
    assert len(fakes()) == 4


def call(*arguments):
    return opening.run("experiments", arguments)


def test_the_command_plans_runs_and_shows(fakes, capfd):
    assert call("--figure=samples", "--plan", "--out=out") == 0
    assert "python train.py --flagfile=configs/fsdd.flags" in capfd.readouterr().out
    assert call("--figure=samples", "--run", "--out=out") == 0
    assert "4 commands were run" in capfd.readouterr().out
    assert call("--figure=samples", "--plan", "--out=out") == 0
    assert "nothing is left to run" in capfd.readouterr().out
    assert call("--table=3", "--show", "--out=out") == 0
    assert cells(capfd.readouterr().out, "5 %")[2] == "7.00 (n = 1) [a]"


def test_a_failure_is_exit_code_one(fakes, root, capfd):
    (root / "fail").touch()
    assert call("--figure=samples", "--run", "--out=out") == 1
    assert "error: exit code 3 of: python train.py" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table=9", "--plan"], "--table must be a number from 1 to 8, got 9"),
        (["--table=0", "--plan"], "--table must be a number from 1 to 8, got 0"),
        (["--table=3", "--seeds=0", "--plan"], "--seeds must be at least 1, got 0"),
        (["--table=3", "--count=0", "--plan"], "--count must be at least 1, got 0"),
        (["--table=3", "--plan", "--show"], "one of --plan, --run and --show, got --plan and --sh"),
        (["--table=3"], "give one of --plan, --run and --show, got none"),
        (["--plan"], "give either --table or --figure, got neither"),
        (["--table=3", "--figure=alpha", "--plan"], "--table or --figure, got 3 and alpha"),
    ],
)
def test_bad_input_is_named(arguments, message, capsys):
    assert call(*arguments) == 1
    assert message in capsys.readouterr().err


def test_an_unknown_figure_or_scale_is_named(capsys):
    assert call("--figure=beta", "--plan") == 2
    assert "figure=beta" in capsys.readouterr().err
    assert call("--table=3", "--scale=gpu", "--plan") == 2
    assert "scale=gpu" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"--figure must be one of samples, .*; got 'beta'"):
        Request(figure="beta")
    with pytest.raises(ValueError, match="--scale must be one of paper, cpu; got 'gpu'"):
        Request(table=3, scale="gpu")


def test_another_folder_than_that_of_train_py_is_told(root, capsys):
    (root / "train.py").unlink()
    assert call("--table=3", "--run") == 1
    assert "no train.py in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "why"), [("{", "cannot be read as JSON"), ("{}", "has no object `details`")]
)
@pytest.mark.parametrize("mode", ["--plan", "--show"])
def test_broken_scores_are_named(text, why, mode, capsys):
    run = run_of(DIGITS)
    run.folder.mkdir(parents=True)
    (run.folder / "scores.json").write_text(text)
    assert call("--table=3", "--out=out", mode) == 1
    error = capsys.readouterr().err
    assert f"out/cpu/fsdd-gaae-5-seed0/scores.json {why}" in error


def test_a_missing_flag_file_is_named(root):
    (root / "configs").unlink()
    with pytest.raises(ValueError, match=r"fsdd-gaae-1-seed0: .*configs/fsdd\.flags"):
        missing(request(3))


TINY = """
--dataset=datasets/{name}
--window_samples=64
--hop_samples=32
--fft_size=64
--channels=2
--non_local_bins=0
--guided_dim=6
--style_dim=5
--batch_size=4
--reestimate_batches=2
--precision=float32
--steps=2
--checkpoint_every=2
--summary_every=2
"""


def write_dataset(folder, name, classes, speakers):
    """A data set of two noises a speaker, 1 kHz, 512 samples; two speakers of each class test."""
    source, rng = folder / "sources" / name, np.random.default_rng(0)
    source.mkdir(parents=True)
    rows = ["path,label,split,speaker"]
    for loudness, label in enumerate(classes, 1):
        for i in range(2 * speakers):
            soundfile.write(
                source / f"{label}{i}.wav", 0.3 * loudness * rng.uniform(-1, 1, 512), 1000
            )
            split = "test" if i < 4 else "train"
            rows.append(f"{label}{i}.wav,{label},{split},{label} {i // 2}")
    (source / "table.csv").write_text("\n".join(rows) + "\n")
    config = PrepareConfig(
        out=folder / "datasets" / name,
        sources=(source / "table.csv",),
        reader=TableReader(),
        sample_rate_hz=1000,
        clip_samples=512,
        stft=StftSettings("hamming", 64, 32, 64),
    )
    prepare(config, progress=False)


@pytest.mark.parametrize(
    ("names", "scripts"),
    [
        pytest.param(
            ["GAAE (Digit Guided)", "GAAE (Gender Guided)"],
            ["train", "train", "gaae_tf.generate", "evaluate", "evaluate"],
            marks=pytest.mark.long,
        ),
        pytest.param(["GAAE (Gender Guided)"], ["train", "evaluate"], marks=pytest.mark.slow),
    ],
)
def test_the_real_commands_fill_table_6(names, scripts, root, monkeypatch):
    """Rows of it, tiny: guided by digits and scored by gender, and guided by gender."""
    (root / "train.py").unlink()
    for name in ("train.py", "evaluate.py", "gaae_tf"):
        (root / name).symlink_to(ROOT / name)
    (root / "configs").unlink()
    (root / "configs").mkdir()
    (root / "configs" / "quickstart.flags").write_text(TINY.format(name="s09"))
    write_dataset(root, "s09", ("one", "two"), 12)
    write_dataset(root, "librispeech_gender", ("female", "male"), 12)
    table = dataclasses.replace(TABLES["6"], rows=TABLES["6"].rows[-len(names) :])
    monkeypatch.setitem(TABLES, "6", table)
    asked = request(6, seeds=1, count=24)
    assert [script for script, _ in what(missing(asked))] == scripts
    run_steps(missing(asked))
    assert missing(asked) == []
    text = show_text(asked)
    for name in names:
        assert re.fullmatch(r"\d\.\d\d \(n = 1\) \[a\]", cells(text, name)[2])
    (mark,) = [line for line in text.splitlines() if line.startswith("- [a]")]
    assert mark.endswith("24 sounds")

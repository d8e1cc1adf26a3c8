import types
from pathlib import Path

import pytest

import gaae_tf
from gaae_tf.commands import opening
from gaae_tf.config import TrainConfig
from gaae_tf.training import finish

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(FOLDER.rglob("*.flags"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_flag_file_is_a_valid_configuration_that_fits_its_clips(path):
    config = TrainConfig.load(path)
    config.check_clip(config.sample_rate_hz or 16_000, config.clip_samples or 16_384)


def test_a_dry_run_of_nsynth_shows_the_paper_setting(capsys):
    path = Path(__file__).parents[1] / "configs" / "nsynth.flags"
    flags = [f"--flagfile={path}", "--precision=mixed_float16", "--dry_run"]
    assert opening.run("train", flags) == 0
    text = capsys.readouterr().out
    assert "batch 128, 60,000 iterations, ch 16" in text
    assert "spectrograms: 256 × 128" in text
    assert "decoder D                  2,484,802" in text
    assert "datasets/nsynth does not exist yet; 10 classes are supposed" in text
    assert "--labelled_percent=5.0" in text


def test_a_training_that_its_minutes_ended_says_so_and_how_to_go_on():
    def said(step, **flags):
        config = TrainConfig(dataset="d", run_dir="r", steps=20, **flags)
        return "".join(finish._ended_by_minutes(types.SimpleNamespace(config=config, step=step)))

    assert said(7, max_minutes=15.0) == (
        "--max_minutes=15 ended the training at step 7 of 20; the same command with "
        "--max_minutes=30 goes on."
    )
    assert said(20, max_minutes=15.0) == said(7) == ""


def test_results_are_left_and_named(tiny_run_dir, capsys):
    finish.leave_results(tiny_run_dir)
    text = capsys.readouterr().out
    assert len(list((tiny_run_dir / "samples").glob("*.wav"))) == 16
    assert (tiny_run_dir / "export" / "saved_model.pb").is_file()
    for line in ("tensorboard --logdir=", "python evaluate.py", "python -m gaae_tf generate"):
        assert line in text
    assert gaae_tf.load(tiny_run_dir).step == 7

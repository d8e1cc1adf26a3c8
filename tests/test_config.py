import dataclasses
from pathlib import Path

import pytest
from absl import flags

from gaae_tf.config import TrainConfig, define_flags

BASE = {"dataset": "datasets/x", "run_dir": "runs/x"}


def from_arguments(*arguments):
    values = flags.FlagValues()
    define_flags(values)
    values(["train.py", *arguments])
    return TrainConfig.from_flags(values)


def test_defaults_are_the_paper_setting():
    config = TrainConfig(**BASE)
    assert (config.batch_size, config.steps, config.channels) == (128, 60_000, 16)
    assert (config.discriminator_steps, config.labelled_percent) == (2, 5.0)
    assert (config.autoencoder_learning_rate, config.discriminator_learning_rate) == (5e-5, 2e-4)
    assert (config.fft_size, config.hop_samples, config.window) == (512, 128, "hamming")


def test_flags_reach_their_fields():
    config = from_arguments(
        "--dataset=d", "--run_dir=r", "--steps=7", "--nostop_condition_gradient"
    )
    assert (config.dataset, config.steps, config.stop_condition_gradient) == ("d", 7, False)


def test_saved_flags_give_the_same_configuration(tmp_path):
    config = TrainConfig(
        **BASE, steps=3, alpha=0.25, beta=0.75, stop_condition_gradient=False, start_steps=2
    )
    path = tmp_path / "config.flags"
    path.write_text(config.to_flags())
    assert TrainConfig.load(path) == config
    assert from_arguments(f"--flagfile={path}") == config


def test_a_flag_file_states_only_its_difference_to_the_one_it_begins_with():
    folder = Path(__file__).parents[1] / "configs"
    s09, gender = (TrainConfig.load(folder / f"{n}.flags") for n in ("s09", "librispeech_gender"))
    assert gender == dataclasses.replace(
        s09,
        run_dir="runs/librispeech_gender",
        guidance_dataset="datasets/librispeech_gender",
        guidance_speakers_per_class=10,
    )


def test_the_configuration_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig(**BASE).steps = 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "--steps must be at least 1, got 0"),
        ({"batch_size": -1}, "--batch_size must be at least 1"),
        ({"labelled_percent": 0.0}, r"--labelled_percent must be in \(0, 100\], got 0.0"),
        ({"labelled_percent": 101.0}, "--labelled_percent"),
        ({"labelled_per_class": -1}, "--labelled_per_class must not be negative, got -1"),
        ({"guidance_speakers_per_class": -2}, "--guidance_speakers_per_class must not be negative"),
        (
            {"labelled_per_class": 3, "guidance_speakers_per_class": 2},
            "--labelled_per_class=3 and --guidance_speakers_per_class=2 exclude each other",
        ),
        ({"window": "kaiser"}, "--window must be one of .*hamming.*; got 'kaiser'"),
        ({"alpha": 0.7}, "alpha \\+ beta must be 1"),
        ({"autoencoder_learning_rate": float("nan")}, "--autoencoder_learning_rate must be in"),
        ({"adam_beta_1": 1.0}, "--adam_beta_1"),
        ({"steps": "many"}, "--steps must be of type int, got 'many'"),
        ({"seed": -1}, "--seed must not be negative"),
        ({"dataset": ""}, "--dataset is missing"),
        ({"run_dir": ""}, "--run_dir is missing"),
        ({"hop_samples": 0}, "hop_samples"),
    ],
)
def test_a_bad_value_is_refused_with_flag_and_value(values, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**BASE | values)


def test_an_unknown_flag_in_a_saved_file_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "config.flags"
    path.write_text("--stepz=3\n")
    with pytest.raises(ValueError, match=r"config\.flags.*stepz"):
        TrainConfig.load(path)


def test_a_missing_run_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is .*nowhere a run folder"):
        TrainConfig.load(tmp_path / "nowhere" / "config.flags")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sample_rate_hz": 8000}, "--sample_rate_hz=8000, but the data set datasets/x has 16000"),
        ({"hop_samples": 384}, "--hop_samples=384 does not divide"),
        ({"non_local_bins": 100}, "non_local_bins must be 0"),
    ],
)
def test_clips_that_do_not_fit_are_refused(values, message):
    config = TrainConfig(**BASE | values)
    with pytest.raises(ValueError, match=message):
        config.check_clip(16_000, 16_384)

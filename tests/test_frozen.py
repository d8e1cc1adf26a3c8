"""A run whose networks another takes as they are."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from test_fit import tiny_config

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.files import write_text
from gaae_tf.run.build import build_model, compile_model
from gaae_tf.run.checkpoints import Checkpoints
from gaae_tf.run.names import CONFIG
from gaae_tf.training import fit, resolve
from gaae_tf.training.frozen import frozen_description, take_frozen

BIGGAN = {"model": "unsupervised_biggan", "labelled_percent": 5.0, "guided_dim": 128}
BIGAN = BIGGAN | {"model": "bigan"}


def left(config):
    """A run folder of an untrained model."""
    config, _, _, data = resolve.resolve(config)
    model = build_model(config, data)
    compile_model(model, config)
    if config.frozen_run:
        take_frozen(model, config)
    run_dir = Path(config.run_dir)
    run_dir.mkdir()
    Checkpoints(run_dir, model, keep=1).save()
    write_text(run_dir / CONFIG, config.to_flags())
    data.save(run_dir)
    return config


@pytest.fixture(scope="module")
def biggan(tiny_dataset, tmp_path_factory):
    return left(tiny_config(tiny_dataset, tmp_path_factory.mktemp("biggan") / "run", **BIGGAN))


@pytest.fixture(scope="module")
def bigan(biggan, tiny_dataset, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("bigan") / "run"
    return left(tiny_config(tiny_dataset, run_dir, **BIGAN, frozen_run=biggan.run_dir))


def test_the_generator_is_the_one_that_its_own_run_samples_with(biggan, bigan):
    source, run = gaae_tf.load(biggan.run_dir), gaae_tf.load(bigan.run_dir)
    np.testing.assert_allclose(run.generate(3, seed=1), source.generate(3, seed=1), atol=1e-5)
    for ours, theirs in zip(run.model.generator.weights, source.model.sampler.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_features_are_those_of_the_bigan(bigan, tiny_dataset, tmp_path):
    settings = {"model": "bigan_classifier", "guided_dim": 128, "frozen_run": bigan.run_dir}
    settings |= {"discriminator_steps": 2, "reestimate_batches": 16}
    config = left(tiny_config(tiny_dataset, tmp_path / "run", **settings))
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 512).astype(np.float32)
    expected = gaae_tf.load(bigan.run_dir).represent(audio).features
    found = gaae_tf.load(config.run_dir).represent(audio)
    np.testing.assert_allclose(found.features, expected, atol=1e-5)
    assert found.probabilities.shape == (1, 2)


def test_statistics_of_spectrograms_are_the_frozen_runs(biggan, tiny_dataset, tmp_path):
    config = tiny_config(tiny_dataset, tmp_path, **BIGAN, frozen_run=biggan.run_dir)
    _, _, _, data = resolve.resolve(config)
    assert data.statistics == frozen_description(config).statistics


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channels": 2}, "--channels=2, but the run .* has 1; give --channels=1, or another"),
        ({"style_dim": 3}, "--style_dim=3, but the run .* has 4"),
        ({"scaling": "clip_peak"}, "--scaling=clip_peak, but the run .* has dataset_peak"),
    ],
)
def test_settings_that_do_not_fit_the_frozen_networks_are_named(
    biggan, tiny_dataset, tmp_path, changed, message
):
    config = tiny_config(tiny_dataset, tmp_path / "run", **BIGAN, frozen_run=biggan.run_dir)
    with pytest.raises(ValueError, match=message):
        fit.train(dataclasses.replace(config, **changed))
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_model_is_refused(bigan, tiny_dataset, tmp_path):
    config = tiny_config(tiny_dataset, tmp_path / "run", **BIGAN, frozen_run=bigan.run_dir)
    message = "holds a bigan, but --model=bigan needs a unsupervised_biggan"
    with pytest.raises(ValueError, match=message):
        fit.train(config)


def test_a_folder_that_is_no_run_is_refused(tiny_dataset, tmp_path):
    config = tiny_config(tiny_dataset, tmp_path / "run", **BIGAN, frozen_run=str(tmp_path / "no"))
    with pytest.raises(FileNotFoundError, match=r"no is no run folder: it has no config\.flags"):
        fit.train(config)


def test_the_flag_is_needed_and_needed_alone():
    with pytest.raises(ValueError, match="needs --frozen_run, the run folder of a trained bigan"):
        TrainConfig(dataset="d", run_dir="r", model="bigan_classifier")
    with pytest.raises(ValueError, match="--frozen_run is only for --model=bigan, bigan_classifie"):
        TrainConfig(dataset="d", run_dir="r", frozen_run="x")

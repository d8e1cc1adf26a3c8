"""A trained run as the start of another: which of its networks are taken, and when."""

import dataclasses
import shutil

import numpy as np
import pytest
from test_fit import tiny_config
from test_frozen import left

from gaae_tf.config import TrainConfig
from gaae_tf.run import names
from gaae_tf.run.build import build_model
from gaae_tf.run.checkpoints import restore_for_sampling, save_for_sampling
from gaae_tf.run.folder import DataDescription
from gaae_tf.training import fit, resolve
from gaae_tf.training.pretrained import take_pretrained


@pytest.fixture(scope="module")
def pretrained(tiny_dataset, tmp_path_factory):
    """A run whose weights are all other than a new one's."""
    return left(tiny_config(tiny_dataset, tmp_path_factory.mktemp("pretrained") / "run", seed=7))


def model_of(config):
    config, _, _, data = resolve.resolve(config)
    return build_model(config, data)


def source_of(config):
    model = build_model(config, DataDescription.load(config.run_dir))
    restore_for_sampling(model, config.run_dir)
    return model


def equal(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def test_networks_of_equal_shapes_are_taken_and_named(pretrained, tmp_path, capsys):
    config = tiny_config(pretrained.dataset, tmp_path, start_from=pretrained.run_dir)
    model, source = model_of(config), source_of(pretrained)
    assert not equal(model.encoder, source.encoder)
    assert set(take_pretrained(model, config)) == set(model.NETWORKS)
    for name in model.all_networks:
        assert equal(getattr(model, name), getattr(source, name)), name
    assert capsys.readouterr().out == (
        f"Starting with step 0 of {pretrained.run_dir}: encoder E, decoder D, classifier C, sample "
        "discriminator S, latent discriminator L.\n"
    )


def test_what_does_not_fit_keeps_its_own_weights_and_is_named_with_its_shapes(
    pretrained, tmp_path, capsys
):
    # Style codes of another length: E, D and L have to do with them, C and S have not.
    config = tiny_config(pretrained.dataset, tmp_path, start_from=pretrained.run_dir, style_dim=6)
    model, before = model_of(config), model_of(config)
    assert set(take_pretrained(model, config)) == {"classifier", "sample_discriminator"}
    source = source_of(pretrained)
    assert equal(model.classifier, source.classifier)
    for name in ("encoder", "decoder", "latent_discriminator", "averaged_decoder"):
        assert equal(getattr(model, name), getattr(before, name)), name
    said = capsys.readouterr().out
    assert ": classifier C, sample discriminator S; not encoder E (its " in said
    assert "latent discriminator L (its " in said
    assert "4 × " in said
    assert " there, 6 × " in said


def test_a_model_that_holds_averages_alone_gives_them_to_both(pretrained, tmp_path, capsys):
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    source = source_of(pretrained)
    for weight in source.averaged_encoder.weights:
        weight.assign(weight + 1.0)
    save_for_sampling(source, shipped)
    for name in (names.CONFIG, names.DATA):
        shutil.copy(f"{pretrained.run_dir}/{name}", shipped)
    config = tiny_config(pretrained.dataset, tmp_path / "run", start_from=str(shipped))
    model = model_of(config)
    assert set(take_pretrained(model, config)) == {"encoder", "decoder", "classifier"}
    assert equal(model.encoder, source.averaged_encoder)
    assert equal(model.averaged_encoder, source.averaged_encoder)
    assert "not sample discriminator S (the run has none)" in capsys.readouterr().out


def test_a_network_of_another_frequency_axis_is_not_taken(pretrained, tmp_path, capsys):
    config = tiny_config(
        pretrained.dataset, tmp_path, start_from=pretrained.run_dir, frequency_axis="log"
    )
    taken = take_pretrained(model_of(config), config)
    assert not {"encoder", "decoder"} & set(taken)
    assert "encoder E (its frequency_axis is linear there, log here)" in capsys.readouterr().out


def test_a_run_of_which_nothing_fits_is_refused(pretrained, tmp_path):
    config = tiny_config(
        pretrained.dataset,
        tmp_path,
        start_from=pretrained.run_dir,
        model="classifier",
        guided_dim=128,
        non_local_bins=128,
        discriminator_steps=2,
        reestimate_batches=16,
    )
    with pytest.raises(ValueError, match="no network of that gaae fits this classifier: classif"):
        take_pretrained(model_of(config), config)


def test_a_start_is_made_at_step_0_alone(pretrained, tmp_path, capsys, monkeypatch):
    """A run that goes on has its own weights, and needs the other run no more."""
    copy = tmp_path / "copy"
    shutil.copytree(pretrained.run_dir, copy)
    config = tiny_config(pretrained.dataset, tmp_path / "run", start_from=str(copy), steps=1)
    fit.train(config)
    assert f"Starting with step 0 of {copy}: " in capsys.readouterr().out
    shutil.rmtree(copy)
    monkeypatch.setattr(fit, "run_steps", lambda *_, **__: None)
    fit.train(dataclasses.replace(config, steps=2))
    assert "Starting with" not in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"holds a run with --start_from=.*, got --start_from="):
        fit.train(dataclasses.replace(config, start_from=""))


def test_a_folder_that_is_no_run_is_told_before_anything_is_written(pretrained, tmp_path):
    config = tiny_config(pretrained.dataset, tmp_path / "run", start_from=str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError, match=r"--start_from=.*absent is no folder"):
        fit.train(config)
    assert not (tmp_path / "run").exists()


def test_a_run_cannot_start_from_itself():
    with pytest.raises(ValueError, match=r"--start_from=r/\. is --run_dir itself"):
        TrainConfig(dataset="d", run_dir="r", start_from="r/.")

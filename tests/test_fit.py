import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.training import fit

REPOSITORY = Path(__file__).parents[1]
# Not part of the training state: how often and how fast it was saved.
NOT_STATE = ("save_counter", "trained_seconds")


@pytest.fixture
def config(tiny_dataset, tmp_path):
    return TrainConfig(
        dataset=str(tiny_dataset),
        run_dir=str(tmp_path / "run"),
        labelled_percent=50.0,
        window_samples=64,
        hop_samples=32,
        fft_size=64,
        channels=1,
        non_local_bins=16,
        guided_dim=4,
        style_dim=4,
        batch_size=4,
        discriminator_steps=1,
        autoencoder_learning_rate=1e-3,
        steps=4,
        steps_per_call=2,
        checkpoint_every=2,
        summary_every=1000,
        reestimate_batches=1,
        average_decay=0.9,
        precision="float32",
    )


def state(run_dir):
    """Every tensor of the latest checkpoint."""
    path = tf.train.latest_checkpoint(str(Path(run_dir) / "checkpoints"))
    reader = tf.train.load_checkpoint(path)
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH" and not name.startswith(NOT_STATE)
    }


def assert_same_state(a, b):
    a, b = state(a), state(b)
    assert a.keys() == b.keys()
    different = [name for name in a if not np.array_equal(a[name], b[name])]
    assert not different


def test_a_run_folder_holds_what_it_promises(config):
    run_dir = fit.train(config)
    assert {"config.flags", "data.json", "guidance.json", "checkpoints", "logs"} <= set(
        os.listdir(run_dir)
    )
    assert TrainConfig.load(run_dir / "config.flags") == dataclasses.replace(
        config, sample_rate_hz=1000, clip_samples=512
    )
    guidance = json.loads((run_dir / "guidance.json").read_text())
    assert len(guidance["train_indices"]) == len(guidance["clips"]) == 10
    assert len(list((run_dir / "checkpoints").glob("step-*.index"))) == 2
    assert len(list((run_dir / "checkpoints" / "best").glob("step-*.index"))) == 1


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_a_continued_run_has_the_state_of_an_unbroken_one_bit_for_bit(config, tmp_path, precision):
    whole = dataclasses.replace(config, precision=precision)
    broken = dataclasses.replace(whole, run_dir=str(tmp_path / "broken"))
    fit.train(whole)
    # Another split into compiled calls must not matter either.
    fit.train(dataclasses.replace(broken, steps=3, steps_per_call=1))
    fit.train(dataclasses.replace(broken, steps_per_call=3))
    assert len(state(broken.run_dir)) > 100
    assert_same_state(whole.run_dir, broken.run_dir)


@pytest.mark.slow
def test_a_terminated_command_saves_and_continues_to_the_same_state(config, tmp_path):
    whole = dataclasses.replace(config, steps=60)
    broken = dataclasses.replace(whole, run_dir=str(tmp_path / "broken"))
    flags = tmp_path / "broken.flags"
    flags.write_text(broken.to_flags())
    command = [sys.executable, "train.py", f"--flagfile={flags}"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:  # the callbacks' first mark is the first call's end
            if "Compiling" in line:
                break
        while not list(Path(broken.run_dir).glob("checkpoints/step-*.index")):
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "type the same command again" in output
    fit.train(broken)
    fit.train(whole)
    assert_same_state(whole.run_dir, broken.run_dir)


def test_an_interrupt_saves_the_step_that_it_met(config):
    class Interrupting(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            os.kill(os.getpid(), signal.SIGINT)

    parts = run_parts(config)
    with pytest.raises(fit.Interrupted, match="SIGINT"):
        fit.run_steps(**parts, callbacks=[Interrupting()])
    assert int(state(config.run_dir)["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_non_finite_loss_stops_with_step_and_term_and_keeps_the_last_checkpoint(config):
    class Poisoning(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 5:  # after step 6, which no checkpoint follows
                weight = self.model.classifier.trainable_variables[-1]
                weight.assign(weight * np.nan)

    parts = run_parts(dataclasses.replace(config, steps=8, checkpoint_every=4))
    with pytest.raises(fit.NonFiniteError, match=r"step 6: .*Cl = nan"):
        fit.run_steps(**parts, callbacks=[Poisoning()])
    last = state(config.run_dir)
    assert int(last["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 4
    assert all(np.isfinite(value).all() for value in last.values() if value.dtype == np.float32)


def run_parts(config):
    """The arguments of run_steps for a configuration, as `train` makes them."""
    from gaae_tf.data.guidance import labelled_share
    from gaae_tf.data.pipeline import training_stream
    from gaae_tf.data.shards import read_clips
    from gaae_tf.training.build import build_model, compile_model
    from gaae_tf.training.checkpoints import Checkpoints

    config, dataset, data = fit.resolve(config)
    Path(config.run_dir).mkdir(parents=True)
    clips = read_clips(dataset, "train")
    model = build_model(config, data)
    compile_model(model, config)
    stream = training_stream(
        clips.audio,
        clips.labels,
        labelled_share(clips.labels, config.labelled_percent, config.seed),
        classes=len(data.classes),
        batch_size=config.batch_size,
        draws=config.discriminator_steps + 1,
        seed=config.seed,
        signal_path=data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers),
    )
    return {
        "model": model,
        "stream": stream,
        "strategy": tf.distribute.get_strategy(),
        "config": config,
        "checkpoints": Checkpoints(Path(config.run_dir), model, 3),
    }


def test_a_time_limit_stops_cleanly_with_a_checkpoint(config):
    limited = dataclasses.replace(config, steps=1000, max_minutes=1e-4)
    fit.train(limited)
    assert int(state(config.run_dir)["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 2


def test_a_run_folder_of_other_settings_is_refused_by_name(config):
    fit.train(dataclasses.replace(config, steps=1))
    with pytest.raises(ValueError, match=r"--seed=0, got --seed=5; name another --run_dir"):
        fit.train(dataclasses.replace(config, seed=5))


def test_another_transform_than_the_data_sets_has_its_own_statistics(config):
    stored = fit.resolve(config)[2].statistics
    other = fit.resolve(dataclasses.replace(config, window="hann"))[2].statistics
    assert other.maximum != stored.maximum
    # A tone's peak is its amplitude times half the window's sum: 0.54 N for Hamming, 0.5 N for
    # Hann.
    assert other.maximum - stored.maximum == pytest.approx(np.log(0.5 / 0.54), abs=0.05)


def test_a_missing_data_set_is_named(config):
    with pytest.raises(ValueError, match="nowhere"):
        fit.train(dataclasses.replace(config, dataset="nowhere"))


def test_a_class_without_labels_is_named(config, tiny_dataset, monkeypatch):
    with pytest.raises(ValueError, match="no labelled training clip of high"):
        fit._check_guidance(np.array([1, 1]), ("high", "low"), config)

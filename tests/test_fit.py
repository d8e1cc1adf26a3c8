import contextlib
import dataclasses
import io
import itertools
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings
from gaae_tf.run.build import build_model
from gaae_tf.run.folder import DataDescription
from gaae_tf.training import dry_run, fit, loop, memory, resolve
from gaae_tf.training.callbacks import TensorBoardLogger
from gaae_tf.training.validation import TAGS

REPOSITORY = Path(__file__).parents[1]
# Not part of the training state: how often and how fast it was saved.
NOT_STATE = ("save_counter", "trained_seconds")


@pytest.fixture
def config(tiny_dataset, tmp_path):
    return tiny_config(tiny_dataset, tmp_path / "run")


def tiny_config(dataset, run_dir, **settings):
    config = TrainConfig(
        dataset=str(dataset),
        run_dir=str(run_dir),
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
    return dataclasses.replace(config, **settings)


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


def test_a_run_folder_holds_what_it_promises(config, capsys):
    run_dir = fit.train(config)
    files = {"config.flags", "data.json", "guidance.json", "checkpoints", "logs", "validation.json"}
    assert files <= set(os.listdir(run_dir))
    assert TrainConfig.load(run_dir / "config.flags") == dataclasses.replace(
        config, sample_rate_hz=1000, clip_samples=512
    )
    guidance = json.loads((run_dir / "guidance.json").read_text())
    assert guidance["dataset"] == config.dataset
    assert (guidance["rule"], guidance["seed"]) == ("--labelled_percent=50", 0)
    assert len(guidance["train_indices"]) == len(guidance["clips"]) == 10
    assert "speakers" not in guidance
    assert len(list((run_dir / "checkpoints").glob("step-*.index"))) == 2
    assert len(list((run_dir / "checkpoints" / "best").glob("step-*.index"))) == 1
    rows = json.loads((run_dir / "validation.json").read_text())
    assert [row["step"] for row in rows] == [2, 4]
    assert all(row.keys() == {"step", *TAGS} for row in rows)
    best = max(row["accuracy"] for row in rows)
    assert state(run_dir)["best_accuracy/.ATTRIBUTES/VARIABLE_VALUE"] == np.float32(best)
    events = EventAccumulator(str(run_dir / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    for name, tag in TAGS.items():
        shown = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        assert shown == pytest.approx([row[name] for row in rows], rel=1e-6), tag
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step ")]
    assert lines[-1].startswith(f"step 4 of 4, C {100 * rows[-1]['accuracy']:.1f} %, R ")


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


def test_other_clips_under_the_same_name_do_not_continue_a_run(config, tiny_dataset, tmp_path):
    source = tmp_path / "source"
    shutil.copytree(tiny_dataset.parent / "source", source)
    reader = FolderReader(valid_percent=20, test_percent=20)
    config = dataclasses.replace(config, dataset=str(tmp_path / "d"))
    prepared(source, tmp_path / "d", reader)
    fit.train(dataclasses.replace(config, steps=1))
    for file in source.glob("*/*.wav"):  # the same names, lengths and classes
        soundfile.write(file, soundfile.read(file)[0] / 2, 1000)
    shutil.rmtree(tmp_path / "d")
    prepared(source, tmp_path / "d", reader)
    with pytest.raises(ValueError, match=rf"trained on other clips than {tmp_path / 'd'} now hold"):
        fit.train(config)


def test_a_signal_is_met_before_pictures_are_drawn(config):
    called = []

    class Interrupting(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            called.append(batch)
            if len(called) == 2:
                os.kill(os.getpid(), signal.SIGTERM)

    parts = run_parts(dataclasses.replace(config, steps_per_call=3, steps=6))
    with pytest.raises(loop.Interrupted):
        loop.run_steps(**parts, callbacks=[Interrupting()])
    # The first calls are of one step: how long one takes is not known yet.
    assert called == [0, 1]


def test_memory_that_runs_out_is_no_lost_worker(config):
    config = dataclasses.replace(config, strategy="multi_worker")
    with (
        pytest.raises(tf.errors.ResourceExhaustedError, match="OOM"),
        loop._told_of_lost_workers(config, None),
    ):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")


@pytest.mark.long
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
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(loop.Interrupted, match="SIGINT"):
        loop.run_steps(**parts, callbacks=[Interrupting()])
    assert int(state(config.run_dir)["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 2
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_during_the_last_measures_stops_once_all_is_saved(config):
    parts = run_parts(dataclasses.replace(config, steps=2, checkpoint_every=2))
    parts["validate"] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(loop.Interrupted, match="SIGTERM"):
        loop.run_steps(**parts)
    assert int(state(config.run_dir)["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 2


def test_a_start_that_is_refused_leaves_no_run_folder(config):
    refused = dataclasses.replace(
        config, pseudo_labels=1.0, pseudo_label_balance=0.5, pseudo_label_groups=500
    )
    with pytest.raises(ValueError, match="pseudo_label_groups=500 needs as many clips"):
        fit.train(refused)
    assert not Path(config.run_dir).exists()
    fit.train(dataclasses.replace(config, steps=1))


def test_a_non_finite_loss_stops_with_step_and_term_and_keeps_the_last_checkpoint(config):
    class Poisoning(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 5:  # after step 6, which no checkpoint follows
                weight = self.model.classifier.trainable_variables[-1]
                weight.assign(weight * np.nan)

    parts = run_parts(dataclasses.replace(config, steps=8, checkpoint_every=4))
    with pytest.raises(loop.NonFiniteError, match=r"step 6: .*Cl = nan"):
        loop.run_steps(**parts, callbacks=[Poisoning()])
    last = state(config.run_dir)
    assert int(last["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 4
    assert all(np.isfinite(value).all() for value in last.values() if value.dtype == np.float32)


def test_a_divergence_goes_back_to_the_last_checkpoint_with_the_data_of_its_step(
    config, monkeypatch, capsys
):
    calls = []

    def diverging(model, stream, strategy, config, checkpoints, **_):
        """Saves step 2 in the first call; diverges after it in every one."""
        weights = [weight.numpy() for weight in model.trainable_variables]
        first_clips = next(iter(stream(tf.distribute.InputContext())))[0][0].numpy()
        calls.append((int(model.step.numpy()), int(model.rollbacks.numpy()), first_clips, weights))
        if len(calls) == 1:
            model.step.assign(2)
            checkpoints.save()
        model.step.assign(3)
        for weight in model.trainable_variables:
            weight.assign(weight * np.nan)
        raise loop.NonFiniteError("step 3: R = nan")

    monkeypatch.setattr(fit, "run_steps", diverging)
    with pytest.raises(loop.NonFiniteError, match=r"step 3: R = nan. The run went back 2 times"):
        fit.train(dataclasses.replace(config, max_rollbacks=2))
    first, second, third = calls
    assert [call[:2] for call in calls] == [(0, 0), (2, 1), (2, 2)]
    assert np.array_equal(second[2], third[2])
    assert not np.array_equal(first[2], second[2])
    for a, b, c in zip(first[3], second[3], third[3], strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(a, c)
    printed = capsys.readouterr().out
    assert "step 3: R = nan. Going back to step 2, and on with other noise: rollback 2 of 2" in (
        printed
    )


def test_noise_is_another_after_a_rollback_and_else_of_seed_step_and_draw_alone(config):
    from gaae_tf.run.build import build_model

    config, *_, data = resolve.resolve(config)
    model = build_model(dataclasses.replace(config, seed=6), data)
    model.step.assign(5)
    like = tf.zeros([3, 1])
    key = tf.random.experimental.stateless_fold_in(
        tf.constant([6, 1], tf.int64), tf.constant(5, tf.int64)
    )
    expected = tf.random.stateless_normal([3, config.style_dim], key)
    drawn = []
    for rollbacks in (0, 1, 2):
        model.rollbacks.assign(rollbacks)
        drawn.append(model._noise(like, draw=1)[0].numpy())
    assert np.array_equal(drawn[0], expected)
    for a, b in itertools.combinations(drawn, 2):
        assert not np.isclose(a, b).any()


@pytest.mark.slow
def test_a_run_that_diverged_once_ends_well_and_is_the_same_if_it_is_interrupted(
    config, tmp_path, monkeypatch
):
    class Poisoning(TensorBoardLogger):
        """Breaks C after step 6, unless the run has gone back before."""

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if batch == 5 and not self.model.rollbacks.numpy():
                weight = self.model.classifier.trainable_variables[-1]
                weight.assign(weight * np.nan)

    whole = dataclasses.replace(config, steps=10, checkpoint_every=4)
    monkeypatch.setattr(fit, "TensorBoardLogger", Poisoning)
    fit.train(whole)
    last = state(whole.run_dir)
    assert last["rollbacks/.ATTRIBUTES/VARIABLE_VALUE"] == 1
    assert all(np.isfinite(value).all() for value in last.values() if value.dtype == np.float32)

    broken = dataclasses.replace(whole, run_dir=str(tmp_path / "broken"))
    fit.train(dataclasses.replace(broken, steps=9))
    fit.train(broken)
    assert_same_state(whole.run_dir, broken.run_dir)


def test_the_share_of_time_spent_waiting_for_batches_tells_starved_input(config, monkeypatch):
    monkeypatch.setattr(loop, "_LONGEST_CALL_SECONDS", 1e6)  # a busy machine has slow steps

    class Noting(keras.callbacks.Callback):
        shares = ()

        def on_train_batch_end(self, batch, logs=None):
            self.shares += (logs["waiting_share"],)

    def late(index, batch):
        """The batch, two seconds late from the fifth on: long beside a step of a busy machine."""
        if index >= 4:
            time.sleep(2.0)
        return batch

    parts = run_parts(dataclasses.replace(config, steps=6, checkpoint_every=100))
    stream = parts["stream"](None)
    slow = stream.enumerate().map(
        lambda index, batches: tf.nest.map_structure(
            lambda part, spec: (
                tf.ensure_shape(tf.numpy_function(late, [index, part], spec.dtype), spec.shape)
                if part is batches[0][0]
                else part
            ),
            batches,
            stream.element_spec,
        )
    )
    parts["stream"] = lambda context: slow
    noting = Noting()
    loop.run_steps(**parts, callbacks=[noting])
    _, _, fed, starved = noting.shares  # of 1, 1, 2 and 2 steps; the first is compiled
    assert 0.0 <= fed < 0.3
    assert 0.5 < starved <= 1.0


def run_parts(config):
    """The arguments of run_steps for a configuration, as `train` makes them."""
    from gaae_tf.data.pipeline import Draws, training_stream
    from gaae_tf.run.build import compile_model
    from gaae_tf.run.checkpoints import Checkpoints

    config, dataset, guiding, data = resolve.resolve(config)
    Path(config.run_dir).mkdir(parents=True)
    clips = resolve.training_clips(config, dataset, guiding)
    model = build_model(config, data)
    compile_model(model, config)
    stream = training_stream(
        clips.audio,
        clips.labels,
        clips.labelled,
        Draws(config.batch_size, config.discriminator_steps + 1, config.seed),
        classes=len(data.classes),
        transform=fit.clip_transform(
            model, data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
        ),
    )
    return {
        "model": model,
        "stream": lambda context: stream,
        "strategy": tf.distribute.get_strategy(),
        "config": config,
        "checkpoints": Checkpoints(Path(config.run_dir), model, 3),
    }


class NotingRates(keras.callbacks.Callback):
    """Notes the share of the learning rates that is left, after each call."""

    def __init__(self):
        super().__init__()
        self.scales = []

    def on_train_batch_end(self, batch, logs=None):
        self.scales.append(float(self.model.rate_scale))


def rates_of(parts, **settings):
    noting = NotingRates()
    config = dataclasses.replace(parts["config"], **settings)
    loop.run_steps(**parts | {"config": config}, callbacks=[noting])
    return noting.scales


def test_rates_fall_over_the_second_half_to_a_hundredth():
    shares = [0.0, 0.5, 0.75, 0.9, 1.0, 1.2]
    left = [float(loop.rate_scale(tf.constant(share))) for share in shares]
    assert left == pytest.approx([1.0, 1.0, 0.5, 0.2, 0.01, 0.01])


def test_falling_rates_end_with_the_steps_and_more_steps_do_not_raise_them(config):
    parts = run_parts(dataclasses.replace(config, learning_rate_decay="linear", steps_per_call=1))
    assert rates_of(parts, steps=4) == pytest.approx([1.0, 1.0, 1.0, 0.5])
    # Of 16 steps, the fifth is in the first half; by the fourteenth, less than a half is left.
    more = rates_of(parts, steps=16)
    assert more[:9] == pytest.approx([0.5] * 9)
    assert more[-3:] == pytest.approx([0.375, 0.25, 0.125])


def test_a_run_that_is_continued_says_how_far_its_rates_have_fallen(config, capsys):
    falling = dataclasses.replace(config, learning_rate_decay="linear")
    fit.train(falling)
    assert "have fallen" not in capsys.readouterr().out
    fit.train(dataclasses.replace(falling, steps=5))
    assert "have fallen to 50 %, and do not rise" in capsys.readouterr().out


def test_falling_rates_end_with_the_minutes_where_these_are_over_first(config):
    parts = run_parts(dataclasses.replace(config, learning_rate_decay="linear"))
    parts["checkpoints"].trained_seconds.assign(0.75 * 60 * 1000)
    (scale,) = rates_of(parts, steps=1, max_minutes=1000.0)
    assert scale == pytest.approx(0.5, abs=0.01)


def test_a_run_cut_off_goes_on_with_the_rates_and_codes_that_it_had(config, tmp_path):
    settings = {
        "learning_rate_decay": "linear",
        "start_steps": 1,
        "recent_codes": 6,
        "sliced_wasserstein": 1.0,
        "balance_losses": True,
        "pseudo_labels": 1.0,
        "pseudo_label_confidence": 0.0,
        "pseudo_label_balance": 0.5,
        "pseudo_label_balance_steps": 3,
        "pseudo_label_groups": 2,
        "alter_labelled": True,
    }
    whole = dataclasses.replace(config, **settings)
    broken = dataclasses.replace(whole, run_dir=str(tmp_path / "broken"), steps_per_call=3)
    fit.train(whole)
    shutil.copytree(whole.run_dir, broken.run_dir)
    for file in Path(broken.run_dir).glob("checkpoints/**/step-4.*"):
        file.unlink()  # as a kill before the last checkpoint
    (Path(broken.run_dir) / "checkpoints/checkpoint").unlink()
    fit.train(broken)
    assert_same_state(whole.run_dir, broken.run_dir)


def test_the_code_statistics_of_c_are_those_of_real_clips_under_the_averaged_weights(config):
    fit.train(dataclasses.replace(config, adam_beta_1=0.0, autoencoder_learning_rate=1e-2))
    run = gaae_tf.load(config.run_dir)
    audio = read_clips(load_dataset(config.dataset), "train").audio
    spectrograms = run.signal_path.spectrogram(audio.astype("float32") / 32768.0)
    codes = run.codes(spectrograms.numpy())["guided"]
    layer = run.model.averaged_classifier.standardise
    assert np.asarray(layer.moving_mean) == pytest.approx(codes.mean(axis=0), rel=1e-3, abs=1e-4)
    assert np.asarray(layer.moving_variance) == pytest.approx(codes.var(axis=0), rel=1e-2)


@pytest.mark.parametrize("model", ["gaae", "ggan", "bigan"])
@pytest.mark.parametrize("seed", [0, 1])
def test_codes_of_real_clips_start_with_a_signal(model, seed):
    notes = sorted((Path(gaae_tf.__file__).parent / "data/notes/valid").glob("*/*.ogg"))
    audio = np.stack([soundfile.read(file, dtype="float32")[0] for file in notes])
    if model == "bigan":
        settings = {"model": model, "frozen_run": "unread", "labelled_percent": 5.0}
    else:
        settings = {"model": model}
    config = TrainConfig(
        dataset="notes",
        run_dir="unused",
        hop_samples=256,
        channels=4,
        non_local_bins=0,
        style_dim=32,
        precision="float32",
        seed=seed,
        **settings,
    )
    statistics = LogMagnitudeStatistics(maximum=4.0, mean=-6.0, deviation=3.0)
    data = DataDescription("notes", 16_000, 16_384, ("guitar", "mallet", "string"), statistics)
    network = build_model(config, data)
    path = data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
    network.calibration = path.spectrogram(audio[::2])
    network.scale_codes()
    for name, codes in network.codes(path.spectrogram(audio[1::2])).items():
        deviations = np.std(codes, axis=0)
        assert 0.3 < deviations.mean() < 3.0, name
        assert np.abs(np.mean(codes, axis=0)).mean() < 0.5, name


def test_a_time_limit_stops_cleanly_with_a_checkpoint(config):
    limited = dataclasses.replace(config, steps=1000, max_minutes=1e-4)
    fit.train(limited)
    assert int(state(config.run_dir)["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 1


def test_a_run_folder_of_other_settings_is_refused_by_name(config):
    fit.train(dataclasses.replace(config, steps=1))
    with pytest.raises(ValueError, match=r"--seed=0, got --seed=5; name another --run_dir"):
        fit.train(dataclasses.replace(config, seed=5))


def test_another_transform_than_the_data_sets_has_its_own_statistics(config):
    *_, stored = resolve.resolve(config)
    *_, other = resolve.resolve(dataclasses.replace(config, window="hann"))
    stored, other = stored.statistics, other.statistics
    assert other.maximum != stored.maximum
    # A tone's peak is its amplitude times half the window's sum: 0.54 N for Hamming, 0.5 N for
    # Hann.
    assert other.maximum - stored.maximum == pytest.approx(np.log(0.5 / 0.54), abs=0.05)


def test_a_missing_data_set_is_named(config):
    with pytest.raises(ValueError, match="nowhere"):
        fit.train(dataclasses.replace(config, dataset="nowhere"))


@pytest.fixture(scope="session")
def moods(tmp_path_factory):
    """A guidance data set of 2 classes × 2 speakers × 3 louder tones, with no part but train."""
    folder = tmp_path_factory.mktemp("moods")
    rng = np.random.default_rng(1)
    rows = []
    for name in ("sad", "glad"):
        for speaker, number in itertools.product(("ann", "bob"), range(3)):
            rows.append((f"{name}_{speaker}_{number}.wav", name, "train", speaker))
            soundfile.write(folder / rows[-1][0], 0.9 * rng.uniform(-1, 1, 512), 1000)
    rows.append(("hum.wav", "", "", "ann"))
    soundfile.write(folder / "hum.wav", 0.2 * rng.uniform(-1, 1, 512), 1000)
    table = folder / "moods.csv"
    table.write_text("path,label,split,speaker\n" + "".join(f"{','.join(r)}\n" for r in rows))
    return prepared(table, folder / "prepared", TableReader())


@pytest.fixture(scope="session")
def faster_tones(tmp_path_factory):
    """Recordings, and a data set of them, of 2 classes × 8 clips of 1024 samples at 2000 Hz."""
    folder = tmp_path_factory.mktemp("faster")
    rng = np.random.default_rng(2)
    for name, number in itertools.product(("no", "yes"), range(8)):
        (folder / "wav" / name).mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "wav" / name / f"{number}.wav", rng.uniform(-1, 1, 1024), 2000)
    return folder / "wav", prepared(folder / "wav", folder / "prepared", FolderReader(), 2000, 1024)


def prepared(source, out, reader, sample_rate_hz=1000, clip_samples=512):
    config = PrepareConfig(
        out=out,
        reader=reader,
        sources=(source,),
        sample_rate_hz=sample_rate_hz,
        clip_samples=clip_samples,
        stft=StftSettings("hamming", 64, 32, 64),
    )
    prepare(config, progress=False)
    return out


@pytest.fixture
def foreign(tiny_dataset, moods, tmp_path):
    """One speaker of each mood guides the tones."""
    return foreign_config(tiny_dataset, moods, tmp_path / "run")


def foreign_config(dataset, guiding, run_dir):
    return tiny_config(
        dataset, run_dir, guidance_dataset=str(guiding), guidance_speakers_per_class=1, seed=2
    )


@pytest.fixture(scope="module")
def foreign_run(tiny_dataset, moods, tmp_path_factory):
    """The run folder of such a training, what it printed, and the clips that TensorBoard got."""
    shown = []

    class Logger(TensorBoardLogger):
        def __init__(self, log_dir, config, data, audio, labels, summary_every):
            shown.append((audio, labels))
            super().__init__(log_dir, config, data, audio, labels, summary_every)

    run_dir = tmp_path_factory.mktemp("foreign") / "run"
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, contextlib.redirect_stdout(printed):
        monkeypatch.setattr(fit, "TensorBoardLogger", Logger)
        fit.train(foreign_config(tiny_dataset, moods, run_dir))
    return run_dir, printed.getvalue(), *shown[0]


def guidance_of(run_dir):
    return json.loads((Path(run_dir) / "guidance.json").read_text())


def test_clips_of_another_data_set_guide_and_join_the_unlabelled_ones(
    foreign_run, tiny_dataset, moods
):
    run_dir, text, *_ = foreign_run
    guidance = guidance_of(run_dir)
    assert guidance["dataset"] == str(moods)
    assert guidance["rule"] == "--guidance_speakers_per_class=1"
    train = read_clips(load_dataset(moods), "train")
    expected = [
        i
        for i, label in enumerate(train.labels)
        if label >= 0 and [train.speakers[i]] == guidance["speakers"][("glad", "sad")[label]]
    ]
    assert guidance["train_indices"] == expected
    assert guidance["clips"] == [train.sources[i] for i in expected]
    assert len(expected) == 6

    data = json.loads((run_dir / "data.json").read_text())
    assert data["classes"] == ["glad", "sad"]
    assert (data["dataset"], data["guidance_dataset"]) == (
        str(tiny_dataset),
        str(moods),
    )
    assert "24 clips, guided by the labels of 6 of them" in text  # 18 tones and the 6
    assert gaae_tf.load(run_dir).classes == ("glad", "sad")


def test_training_clips_are_the_data_sets_and_behind_them_those_that_guide(foreign, moods):
    foreign, dataset, guiding, _ = resolve.resolve(foreign)
    clips = resolve.training_clips(foreign, dataset, guiding)
    tones, added = read_clips(dataset, "train"), read_clips(guiding, "train")
    assert np.array_equal(clips.audio[:18], tones.audio)
    assert np.array_equal(clips.audio[18:], added.audio[clips.guidance.indices])
    assert (clips.labels[:18] == -1).all()
    assert np.array_equal(clips.labels[18:], added.labels[clips.guidance.indices])
    assert clips.labelled.tolist() == list(range(18, 24))


def test_balanced_classes_weigh_the_inverse_of_their_share_of_the_clips_that_guide():
    clips = resolve.TrainingClips(
        audio=np.zeros((9, 4), np.int16),
        labels=np.array([0, 0, 0, 1, 2, 2, 2, 2, 2], np.int32),
        labelled=np.array([0, 1, 2, 3, 4, 5]),  # three, one and two clips
        sources=(),
        guidance=None,
    )
    weights = resolve.balanced_weights(clips, 3)
    np.testing.assert_allclose(weights, [6 / 9, 6 / 3, 6 / 6])
    assert weights[clips.labels[clips.labelled]].mean() == pytest.approx(1.0)


@pytest.mark.parametrize(("asked", "weights"), [("equal", None), ("balanced", [1.0, 1.0])])
def test_class_weights_are_used_where_they_are_asked_for(config, monkeypatch, asked, weights):
    models = []
    monkeypatch.setattr(fit, "run_steps", lambda model, *_, **__: models.append(model))
    fit.train(dataclasses.replace(config, class_weights=asked))
    (model,) = models
    assert (model.class_weights is None) == (weights is None)
    if weights:
        np.testing.assert_allclose(model.class_weights, weights)


@pytest.mark.parametrize("free", [2**20, 2**50])
def test_a_training_that_the_machine_cannot_hold_starts_with_a_warning(
    config, monkeypatch, capsys, free
):
    started = []
    monkeypatch.setattr(fit, "run_steps", lambda *_, **__: started.append(True))
    monkeypatch.setattr(memory, "available", lambda: free)
    fit.train(config)
    said = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    assert started == [True]
    assert len(said) == (free == 2**20)
    if said:
        assert "GiB of memory and 0.0 GiB are free" in said[0]
        assert f"--flagfile=fsdd --dataset={config.dataset} --run_dir={config.run_dir}" in said[0]


@pytest.mark.parametrize("window", ["hamming", "hann"])
def test_statistics_are_of_both_data_sets_together(foreign, window):
    foreign, dataset, guiding, data = resolve.resolve(dataclasses.replace(foreign, window=window))
    audio = resolve.training_clips(foreign, dataset, guiding).audio / 32768.0
    # Circular frames around multiples of the hop, the Nyquist bin left out, by NumPy alone.
    periodic = {"hamming": 0.54, "hann": 0.5}[window]
    taper = periodic - (1 - periodic) * np.cos(2 * np.pi * np.arange(64) / 64)
    places = (np.arange(0, 512, 32)[:, np.newaxis] + np.arange(-32, 32)) % 512
    spectra = np.fft.rfft(audio[:, places] * taper)[..., :-1]
    levels = np.log(np.maximum(np.abs(spectra), 1e-6))
    assert data.statistics.maximum == pytest.approx(levels.max(), abs=2e-6)
    assert data.statistics.mean == pytest.approx(levels.mean(), abs=2e-6)
    assert data.statistics.deviation == pytest.approx(levels.std(), abs=2e-6)
    assert data.statistics.maximum > dataset.statistics.maximum + 0.1


def test_without_validation_clips_the_last_checkpoint_is_the_best(foreign_run):
    run_dir, text, *_ = foreign_run
    assert "has no labelled validation clip" in text
    best = [path.name for path in (run_dir / "checkpoints" / "best").glob("*.index")]
    assert best == ["step-4.index"]
    assert gaae_tf.load(run_dir, checkpoint="best").step == 4
    # Any accuracy that were measured later would be higher.
    assert state(run_dir)["best_accuracy/.ATTRIBUTES/VARIABLE_VALUE"] == -1.0


def test_without_test_clips_pictures_show_clips_that_guide(foreign_run, moods):
    run_dir, text, audio, labels = foreign_run
    assert "TensorBoard shows guiding training clips instead" in text
    guiding = read_clips(load_dataset(moods), "train").subset(guidance_of(run_dir)["train_indices"])
    assert np.array_equal(audio, guiding.audio)
    assert np.array_equal(labels, guiding.labels)


def test_validation_and_pictures_use_the_guidance_data_sets_own_parts(config, moods, monkeypatch):
    read = []

    def reading(dataset, split):
        read.append((str(dataset.path), split))
        return read_clips(dataset, split)

    for module in (fit, resolve):
        monkeypatch.setattr(module, "read_clips", reading)
    monkeypatch.setattr(fit, "run_steps", lambda *_, **__: None)
    tones = config.dataset
    # The other way around: tones, which have all parts, guide the moods.
    fit.train(dataclasses.replace(config, dataset=str(moods), guidance_dataset=tones, steps=1))
    assert set(read) == {
        (str(moods), "train"),
        *((tones, split) for split in ("train", "valid", "test")),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("labelled_percent", 40.0),
        ("labelled_per_class", 2),
        ("guidance_speakers_per_class", 2),
        ("guidance_dataset", ""),
    ],
)
def test_a_continued_run_keeps_its_guidance(foreign, name, value):
    Path(foreign.run_dir).mkdir()
    saved = foreign
    if name == "labelled_per_class":
        saved = foreign = dataclasses.replace(foreign, guidance_speakers_per_class=0)
    (Path(foreign.run_dir) / "config.flags").write_text(saved.to_flags())
    with pytest.raises(ValueError, match=rf"a run with --{name}=.*, got --{name}={value}; name"):
        resolve.resolve(dataclasses.replace(foreign, **{name: value}))


@pytest.mark.slow
def test_a_run_guided_by_another_data_set_continues_to_the_state_of_an_unbroken_one(
    foreign, foreign_run
):
    run_dir, *_ = foreign_run
    fit.train(dataclasses.replace(foreign, steps=1))
    fit.train(foreign)
    assert_same_state(run_dir, foreign.run_dir)
    assert guidance_of(run_dir) == guidance_of(foreign.run_dir)


def test_a_run_continues_with_the_clips_that_guided_it_or_not_at_all(foreign, foreign_run):
    shutil.copytree(foreign_run[0], foreign.run_dir)
    guidance = guidance_of(foreign.run_dir)
    guidance["clips"][0] = "sad_eve_0.wav"
    (Path(foreign.run_dir) / "guidance.json").write_text(json.dumps(guidance))
    with pytest.raises(ValueError, match=r"guided by 6 clips .* 5 are among the 6 drawn from"):
        fit.train(foreign)
    assert guidance_of(foreign.run_dir) == guidance  # and nothing is overwritten


def test_a_data_set_cannot_guide_itself_twice(config):
    with pytest.raises(ValueError, match="is --dataset itself, which guides anyway"):
        resolve.resolve(dataclasses.replace(config, guidance_dataset=config.dataset + "/."))


def test_a_missing_guidance_data_set_is_named(config):
    with pytest.raises(ValueError, match="nowhere is no data set folder"):
        resolve.resolve(dataclasses.replace(config, guidance_dataset="nowhere"))


def test_the_command_in_the_error_on_other_clips_makes_them_agree(config, faster_tones):
    recordings, guiding = faster_tones
    foreign = dataclasses.replace(config, guidance_dataset=str(guiding))
    with pytest.raises(ValueError, match="1024 samples at 2000 Hz") as refused:
        resolve.resolve(foreign)
    (command,) = (line for line in str(refused.value).splitlines() if "python -m" in line)
    arguments = shlex.split(command.replace("RECORDINGS", str(recordings)))
    subprocess.run([sys.executable, *arguments[1:]], cwd=REPOSITORY, check=True)
    out = arguments[-1].removeprefix("--out=")
    *_, data = resolve.resolve(dataclasses.replace(foreign, guidance_dataset=out))
    assert data.classes == ("no", "yes")


def test_a_dry_run_tells_where_guidance_comes_from(config, foreign, moods):
    text = dry_run.describe(foreign)
    assert f"data set: {config.dataset}: 2 classes, 30 clips\n" in text
    assert (
        f"guidance: --guidance_speakers_per_class=1 of {moods}: 2 classes, "
        "12 labelled training clips\n" in text
    )
    _, (_, line) = dry_run._classes_and_sources(config, load_dataset(config.dataset))
    assert line == "guidance: --labelled_percent=50: 2 classes, 10 of 18 labelled training clips"
    absent = dataclasses.replace(foreign, guidance_dataset="absent")
    classes, (_, line) = dry_run._classes_and_sources(absent, load_dataset(config.dataset))
    assert line.endswith("of absent, which does not exist yet; 10 classes are supposed")
    assert len(classes) == 10


def test_a_dry_run_refuses_what_a_training_would(config, faster_tones):
    with pytest.raises(ValueError, match="1024 samples at 2000 Hz"):
        dry_run.describe(dataclasses.replace(config, guidance_dataset=str(faster_tones[1])))
    with pytest.raises(ValueError, match="class high has 9 labelled training clips"):
        dry_run.describe(dataclasses.replace(config, labelled_per_class=10))

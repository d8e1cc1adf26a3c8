import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.ops import synthesis
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.ops.stft import stft
from gaae_tf.run.build import build_model, compile_model
from gaae_tf.run.checkpoints import restore_for_sampling
from gaae_tf.run.folder import DataDescription
from gaae_tf.training.callbacks import TensorBoardLogger

RATE_HZ, SAMPLES = 1000, 512
CLASSES = ("low", "middle", "high")
CONFIG = TrainConfig(
    dataset="gone",
    run_dir="nowhere",
    seed=4,
    window_samples=64,
    hop_samples=32,
    fft_size=64,
    channels=2,
    non_local_bins=0,
    guided_dim=6,
    style_dim=5,
    batch_size=8,
    discriminator_steps=2,
    autoencoder_learning_rate=0.25,
    discriminator_learning_rate=0.5,
    reestimate_batches=1,
    precision="float32",
)
DATA = DataDescription(
    dataset="gone",
    sample_rate_hz=RATE_HZ,
    clip_samples=SAMPLES,
    classes=CLASSES,
    statistics=LogMagnitudeStatistics(maximum=2.0, mean=-3.0, deviation=2.0),
)
AUDIO = np.random.default_rng(0).integers(-9000, 9000, (11, SAMPLES)).astype(np.int16)
LABELS = np.array([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, -1], np.int32)
LOGS = {
    "EDC": 0.5,
    "R": 0.25,
    "S_loss": 2.0,
    "gradient_norm_EDC": 3.0,
    "steps_per_second": 1.5,
    "waiting_share": 0.125,
}


@pytest.fixture(scope="module")
def model():
    model = build_model(CONFIG, DATA)
    compile_model(model, CONFIG)
    return model


def write(model, log_dir, steps, first=0, summary_every=4, audio=AUDIO, labels=LABELS):
    """Calls the hooks as a training does that goes from step `first` to each of `steps`."""
    model.step.assign(first)
    logger = TensorBoardLogger(log_dir, CONFIG, DATA, audio, labels, summary_every)
    logger.set_model(model)
    logger.on_train_begin()
    for step in steps:
        model.step.assign(step)
        logger.on_train_batch_end(step - 1, LOGS | {"EDC": step / 2})
    logger.on_train_end()


def read(log_dir):
    """Events of every tag as TensorBoard keeps them: tag -> [(step, tensor)]."""
    events = EventAccumulator(str(log_dir), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def sounds(event):
    """Waveforms [n, samples] and rate of an audio event."""
    _, tensor = event
    decoded = [tf.audio.decode_wav(wav) for wav in tensor.reshape(len(tensor), -1)[:, 0]]
    return np.stack([sound.audio.numpy()[:, 0] for sound in decoded]), {
        int(sound.sample_rate) for sound in decoded
    }


@pytest.fixture(scope="module")
def weights_before(model):
    return [weight.numpy() for weight in model.weights]


@pytest.fixture(scope="module")
def log_dir(model, weights_before, tmp_path_factory):
    """Logs of a training of 6 steps, two a call, with summaries after 4 and at the end."""
    log_dir = tmp_path_factory.mktemp("run") / "logs"
    write(model, log_dir, [2, 4, 6])
    return log_dir


@pytest.fixture(scope="module")
def logged(log_dir):
    return read(log_dir)


def test_every_call_is_a_point_of_each_curve(logged):
    steps = [2, 4, 6]
    assert logged["loss/EDC"] == [(step, step / 2) for step in steps]
    expected = {
        "loss/R": 0.25,
        "loss/S_loss": 2.0,
        "gradient_norm/EDC": 3.0,
        "speed/steps_per_second": 1.5,
        "speed/waiting_share": 0.125,
        "speed/clips_per_second": 1.5 * 3 * 2 * 8,  # 3 draws a step, x_u and x_l of 8 clips each
        "learning_rate/autoencoder": 0.25,
        "learning_rate/sample": 0.5,
        "learning_rate/latent": 0.5,
    }
    for tag, value in expected.items():
        assert logged[tag] == [(step, value) for step in steps], tag


def test_nothing_else_is_logged(logged):
    curves = {tag for tag in logged if tag.split("/")[0] not in ("sounds", "loss")}
    assert curves == {
        "config",
        "_hparams_/experiment",
        "_hparams_/session_start_info",
        "_hparams_/session_end_info",
        "spectrograms",
        "gradient_norm/EDC",
        "speed/steps_per_second",
        "speed/waiting_share",
        "speed/clips_per_second",
        "learning_rate/autoencoder",
        "learning_rate/sample",
        "learning_rate/latent",
        "rollbacks",
        "collapse/saturated_steps/S_loss",
        *(f"collapse/generated_variance/{name}" for name in CLASSES),
    }


def test_configuration_is_a_table_of_all_flags(logged):
    ((step, text),) = logged["config"]
    table = text.item().decode()
    assert step == 0
    assert "| --guided_dim | 6 |" in table
    assert table.count("\n| --") == len(CONFIG.to_flags().splitlines())


def test_the_hparams_tab_compares_runs_by_their_flags(log_dir):
    events = EventAccumulator(str(log_dir))
    events.Reload()

    def content(tag):
        return events.SummaryMetadata(f"_hparams_/{tag}").plugin_data.content

    begun = metadata.parse_session_start_info_plugin_data(content("session_start_info")).hparams
    assert begun["guided_dim"].number_value == 6
    assert begun["autoencoder_learning_rate"].number_value == 0.25
    assert begun["model"].string_value == "gaae"
    assert begun["stop_condition_gradient"].bool_value is True
    assert "run_dir" not in begun
    experiment = metadata.parse_experiment_plugin_data(content("experiment"))
    assert {info.name for info in experiment.hparam_infos} == set(begun)
    assert [info.name.tag for info in experiment.metric_infos] == [
        "validation/accuracy",
        "validation/reconstruction_error",
    ]
    ended = metadata.parse_session_end_info_plugin_data(content("session_end_info"))
    assert ended.status == api_pb2.STATUS_SUCCESS


def test_pictures_come_when_summary_every_steps_have_passed_and_at_the_end(logged):
    assert [step for step, _ in logged["spectrograms"]] == [4, 6]


def test_a_call_may_step_over_the_step_of_a_summary_and_the_end_repeats_none(model, tmp_path):
    write(model, tmp_path, [3, 6])
    write(model, tmp_path, [], first=6)  # a finished run, started again
    assert [step for step, _ in read(tmp_path)["spectrograms"]] == [6]


def test_picture_decodes_to_one_row_a_class(logged):
    heights = {}
    for step, (width, height, png, *more) in logged["spectrograms"]:
        picture = tf.io.decode_png(png).numpy()
        assert picture.shape == (int(height), int(width), 3)
        assert not more
        heights[step] = int(height)
    # Inches of figures.py: 3 panels and 2 gaps, with 0.5 below and 0.6 above; 100 pixels each.
    assert set(heights.values()) == {round(100 * (3 * 1.3 + 2 * 0.15 + 0.5 + 0.6))}


def test_sounds_have_the_data_sets_rate_and_length(logged):
    tags = {f"sounds/{name}/{kind}" for name in CLASSES for kind in ("real", "reconstructed")}
    tags |= {f"sounds/{name}/generated" for name in CLASSES}
    assert {tag for tag in logged if tag.startswith("sounds/")} == tags
    for tag in tags:
        assert [step for step, _ in logged[tag]] == [4, 6]
        waves, rates = sounds(logged[tag][0])
        assert rates == {RATE_HZ}
        assert waves.shape == (2, SAMPLES)


def test_real_sounds_are_recordings_spread_over_their_class(logged):
    for name, clips in (("low", [0, 1]), ("middle", [2, 4]), ("high", [6, 8])):
        waves, _ = sounds(logged[f"sounds/{name}/real"][0])
        assert waves == pytest.approx(AUDIO[clips] / 32768.0, abs=1.5 / 32768.0)


def test_reconstructed_sounds_come_from_the_averaged_networks(model, logged):
    path = DATA.signal_path(CONFIG.stft, CONFIG.scaling, CONFIG.dynamic_range_nepers)
    audio = (AUDIO[[2, 4]] / 32768.0).astype(np.float32)
    guided, style = model.averaged_encoder(path.spectrogram(audio))
    probabilities = tf.nn.softmax(model.averaged_classifier(guided))
    weights = model.averaged_decoder.get_weights()
    model.reestimate_statistics(CONFIG.reestimate_batches)
    wanted = path.magnitude(model.averaged_decoder(style, probabilities)).numpy()
    model.averaged_decoder.set_weights(weights)
    waves, _ = sounds(logged["sounds/middle/reconstructed"][0])
    found = np.abs(stft(waves, CONFIG.stft).numpy())
    # An untrained spectrogram is no sound's: the vocoder comes only so near.
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.9


def test_generated_sounds_are_those_of_the_loaded_run(tiny_run_dir, tmp_path):
    run = gaae_tf.load(tiny_run_dir)
    config = dataclasses.replace(run.config, precision="float32")
    model = build_model(config, run.data)
    compile_model(model, config)
    restore_for_sampling(model, tiny_run_dir)
    logger = TensorBoardLogger(tmp_path, config, run.data, AUDIO[:0], LABELS[:0], 1)
    logger.set_model(model)
    logger.on_train_begin()
    model.step.assign_add(1)
    logger.on_train_batch_end(0, LOGS)
    logger.on_train_end()
    logged = read(tmp_path)
    for name in run.classes:
        waves, _ = sounds(logged[f"sounds/{name}/generated"][0])
        expected = np.clip(run.generate(name, 2, seed=config.seed), -1.0, 1.0)
        # Fast Griffin-Lim makes more of a difference in rounding than there was.
        assert waves == pytest.approx(expected, abs=1e-3)


def test_sounds_of_an_unchanged_model_do_not_change(logged):
    for tag in ("sounds/low/reconstructed", "sounds/low/generated"):
        first, second = (sounds(event)[0] for event in logged[tag])
        assert np.array_equal(first, second)


def test_the_model_is_left_as_it_was(model, weights_before, log_dir):
    for weight, before in zip(model.weights, weights_before, strict=True):
        if weight is not model.step:
            assert np.array_equal(weight.numpy(), before), weight.path


def test_projector_shows_the_codes_of_every_clip_with_its_class(model, log_dir):
    config = text_format.Parse((log_dir / "projector_config.pbtxt").read_text(), ProjectorConfig())
    codes = {}
    for embedding in config.embeddings:
        names = (log_dir / embedding.metadata_path).read_text().splitlines()
        assert names == [*(CLASSES[i] for i in LABELS[:-1]), "unlabelled"]
        codes[embedding.tensor_name] = np.loadtxt(log_dir / embedding.tensor_path, delimiter="\t")
    path = DATA.signal_path(CONFIG.stft, CONFIG.scaling, CONFIG.dynamic_range_nepers)
    guided, style = model.averaged_encoder(path.spectrogram((AUDIO / 32768.0).astype(np.float32)))
    assert set(codes) == {"guided", "style"}
    np.testing.assert_allclose(codes["guided"], guided, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(codes["style"], style, rtol=1e-4, atol=1e-5)


def test_a_continued_run_replaces_what_came_after_its_checkpoint(model, tmp_path):
    write(model, tmp_path, [2, 4, 6])  # stopped after 6, its last checkpoint at 4
    write(model, tmp_path, [5], first=4)
    write(model, tmp_path, [], first=5)
    logged = read(tmp_path)
    assert [step for step, _ in logged["loss/EDC"]] == [2, 4, 5]
    assert [step for step, _ in logged["spectrograms"]] == [4, 5]
    assert [step for step, _ in logged["sounds/low/real"]] == [4, 5]
    assert [step for step, _ in logged["config"]] == [0, 4, 5]


def test_a_class_without_clips_has_generated_sounds_only(model, tmp_path):
    write(model, tmp_path, [4], audio=AUDIO[:3], labels=LABELS[:3])
    tags = set(read(tmp_path))
    assert "sounds/high/generated" in tags
    assert not tags & {"sounds/high/real", "sounds/high/reconstructed"}
    assert sounds(read(tmp_path)["sounds/middle/real"][0])[0].shape == (2, SAMPLES)


def test_a_data_set_without_clips_to_show_still_has_generated_sounds(model, tmp_path):
    write(model, tmp_path, [4], audio=AUDIO[:0], labels=LABELS[:0])
    logged = read(tmp_path)
    assert [step for step, _ in logged["spectrograms"]] == [4]
    kinds = {tag.split("/")[-1] for tag in logged if tag.startswith("sounds/")}
    assert kinds == {"generated"}
    assert not (tmp_path / "projector_config.pbtxt").exists()


def test_networks_that_broke_down_are_shown_without_sounds(tmp_path):
    model = build_model(CONFIG, DATA)
    compile_model(model, CONFIG)
    for weight in model.averaged_decoder.weights:
        weight.assign(np.full(weight.shape, np.nan))
    write(model, tmp_path, [4])
    logged = read(tmp_path)
    kinds = {tag.split("/")[-1] for tag in logged if tag.startswith("sounds/")}
    assert kinds == {"real"}
    assert [step for step, _ in logged["spectrograms"]] == [4]


def steps_of_saturation(model, log_dir, losses):
    """Calls the hooks for calls of 200 steps with these S_loss; returns what was logged."""
    model.step.assign(0)
    logger = TensorBoardLogger(log_dir, CONFIG, DATA, AUDIO, LABELS, summary_every=10**6)
    logger.set_model(model)
    logger.on_train_begin()
    for i, loss in enumerate(losses, 1):
        model.step.assign(200 * i)
        logger.on_train_batch_end(200 * i - 1, LOGS | {"S_loss": loss})
    return [int(value) for _, value in read(log_dir)["collapse/saturated_steps/S_loss"]]


def test_a_discriminator_that_wins_for_long_is_warned_about_once(model, tmp_path, capsys):
    steps = steps_of_saturation(model, tmp_path, [0.01] * 5)
    assert steps == [200, 400, 600, 800, 1000]
    (warning,) = capsys.readouterr().out.strip().splitlines()
    assert warning.startswith("WARNING: S_loss has been below 0.05 for 600 steps, to step 600")


def test_a_discriminator_that_wins_now_and_then_is_not_warned_about(model, tmp_path, capsys):
    steps = steps_of_saturation(model, tmp_path, [0.01, 0.01, 0.06, 0.01, float("nan")])
    assert steps == [200, 400, 0, 200, 0]
    assert capsys.readouterr().out == ""


def test_variance_is_of_the_generated_sounds_of_each_class(model, logged):
    style = synthesis.style_codes(CONFIG.seed, tf.range(2), CONFIG.style_dim, "normal")
    weights = model.averaged_decoder.get_weights()
    model.reestimate_statistics(CONFIG.reestimate_batches)
    for label, name in enumerate(CLASSES):
        first, second = model.sample(style, tf.one_hot([label] * 2, 3)).numpy()
        expected = np.mean((first - second) ** 2 / 2)  # of two values, with one degree of freedom
        _, variance = logged[f"collapse/generated_variance/{name}"][-1]
        assert variance == pytest.approx(expected, rel=1e-3)
    model.averaged_decoder.set_weights(weights)


def test_a_class_whose_sounds_are_all_but_equal_is_warned_about_once(model, tmp_path, capsys):
    logger = TensorBoardLogger(tmp_path, CONFIG, DATA, AUDIO, LABELS, summary_every=4)
    logger.set_model(model)
    logger.on_train_begin()
    generated = np.random.default_rng(0).normal(0.0, 0.04, (3, 2, 32, 16, 1))
    with logger._writer.as_default(4):
        logger._write_variance(generated, 4)
        assert capsys.readouterr().out == ""
        generated[1] *= 0.5
        logger._write_variance(generated, 8)
        logger._write_variance(generated, 12)
    (warning,) = capsys.readouterr().out.strip().splitlines()
    assert warning.startswith("WARNING: the generated sounds of middle are all but equal at step 8")


def test_loss_scale_and_skipped_updates_are_logged(tmp_path):
    config = dataclasses.replace(
        CONFIG,
        model="classifier",
        precision="mixed_float16",
        non_local_bins=128,
        guided_dim=128,
        discriminator_learning_rate=2e-4,
        reestimate_batches=16,
    )
    model = build_model(config, DATA)
    compile_model(model, config)
    logger = TensorBoardLogger(tmp_path, config, DATA, AUDIO[:0], LABELS[:0], summary_every=100)
    logger.set_model(model)
    logger.on_train_begin()
    x = tf.random.stateless_normal([4, 32, 16, 1], [1, 2])
    y = tf.one_hot([0, 1, 2, 0], 3)
    model.train_step(((x, y),))
    model.train_step(((x + np.inf, y),))  # an overflow: the update is left out, the scale halved
    logger.on_train_batch_end(1, {"C_loss": 1.0})
    logger.on_train_end()
    logged = read(tmp_path)
    assert [float(value) for _, value in logged["loss_scale/classifier"]] == [2.0**14]
    assert [int(value) for _, value in logged["skipped_updates/classifier"]] == [1]


def test_of_many_classes_some_are_shown_with_their_own_clips(tmp_path):
    """A picture's time grows with its rows, and no signal is met meanwhile."""
    data = dataclasses.replace(DATA, classes=tuple(f"c{i}" for i in range(200)))
    labels = np.arange(200, dtype=np.int32).repeat(2)
    audio = np.zeros((400, SAMPLES), np.int16)
    logger = TensorBoardLogger(tmp_path, CONFIG, data, audio, labels, summary_every=1)
    assert len(logger._rows) == 12
    assert (logger._rows[0], logger._rows[-1]) == ("c0", "c199")
    for name, clips in zip(logger._rows, logger._examples, strict=True):
        assert {f"c{labels[clip]}" for clip in clips if clip >= 0} == {name}
    assert logger._share_of_classes() == ", 12 of 200 classes"
    few = TensorBoardLogger(tmp_path, CONFIG, DATA, AUDIO, LABELS, summary_every=1)
    assert few._rows == CLASSES
    assert few._share_of_classes() == ""


def test_updates_of_the_start_are_not_taken_for_skipped_ones(tmp_path):
    rates = {"autoencoder_learning_rate": 1e-4, "discriminator_learning_rate": 1e-4}
    config = dataclasses.replace(CONFIG, precision="mixed_float16", start_steps=1, **rates)
    model = build_model(config, DATA)
    compile_model(model, config)
    logger = TensorBoardLogger(tmp_path, config, DATA, AUDIO[:0], LABELS[:0], summary_every=100)
    logger.set_model(model)
    logger.on_train_begin()
    x = tf.random.stateless_uniform([4, 32, 16, 1], [1, 2], -1.0, 1.0)
    y = tf.one_hot([0, 1, 2, 0], 3)
    batches = ((x, x, y),) * config.draws
    for name in model.OPTIMIZERS:
        model.optimizer_of(name).dynamic_scale.assign(1.0)  # so that nothing overflows
    model.start_step(batches)
    model.train_step(batches)
    logger.on_train_batch_end(1, {"EDC": 1.0})
    logger.on_train_end()
    skipped = {
        tag: int(values[-1][1])
        for tag, values in read(tmp_path).items()
        if tag.startswith("skipped_updates/")
    }
    assert len(skipped) == 3
    assert set(skipped.values()) == {0}

"""Figures of validation clips, of a tiny untrained model, and the warnings that they give."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf
from test_callbacks import AUDIO, CONFIG, DATA, LABELS

from gaae_tf.data.shards import Clips
from gaae_tf.metrics import codes as metrics
from gaae_tf.ops import synthesis
from gaae_tf.run.build import build_model, compile_model
from gaae_tf.run.folder import read_validation
from gaae_tf.training import validation
from gaae_tf.training.event_files import RECONSTRUCTION
from gaae_tf.training.validation import TAGS, Validation, code_figures, decoder_class_share

PATH = DATA.signal_path(CONFIG.stft, CONFIG.scaling, CONFIG.dynamic_range_nepers)
NONE = ("",) * len(AUDIO)
CLIPS = Clips(AUDIO, LABELS, NONE, NONE)
GOOD = {
    "accuracy": 0.8,
    "effective_rank": 4.0,
    "deviation": 1.0,
    "class_share": 0.1,
}


@pytest.fixture(scope="module")
def model():
    return built(CONFIG)


def built(config):
    model = build_model(config, DATA)
    compile_model(model, config)
    return model


def watching(model, run_dir, config=CONFIG, clips=CLIPS, accuracy=lambda: 0.5, step=0):
    """A Validation as a training starts it at `step`, and what it has given to TensorBoard."""
    written = []
    watch = Validation(run_dir, config, PATH, clips, accuracy, written.append)
    watch.set_model(model)
    model.step.assign(step)
    watch.on_train_begin()
    return watch, written


def warnings_of(model, tmp_path, capsys, figures, step=300, config=CONFIG, clips=CLIPS):
    watch, _ = watching(model, tmp_path, config, clips)
    watch._warn_of(GOOD | figures, step)
    watch._warn_of(GOOD | figures, step + 100)
    return capsys.readouterr().out.strip().splitlines()


def many(number):
    """So many labelled clips, whose sound does not matter."""
    return Clips(np.zeros((number, 8), np.int16), np.zeros(number, np.int32), (), ())


def test_code_figures_are_of_what_the_averaged_encoder_gives_for_the_decoder(model):
    _, style = model.averaged_encoder(PATH.spectrogram((AUDIO / 32768.0).astype(np.float32)))
    figures = code_figures(model, AUDIO, PATH, seed=4)
    eigenvalues = np.linalg.eigvalsh(np.cov(style.numpy().astype(float).T))
    rank = eigenvalues.sum() ** 2 / np.square(eigenvalues).sum()
    assert figures["effective_rank"] == pytest.approx(rank, rel=1e-3)
    assert figures["deviation"] == pytest.approx(np.sqrt(eigenvalues.mean()), rel=1e-3)
    within = np.mean((eigenvalues > 1 / 3) & (eigenvalues < 3))
    assert figures["share_within_factor_3"] == pytest.approx(within)
    expected = metrics.distance_from_prior(style.numpy(), seed=4)
    assert (figures["distance_from_prior"], figures["distance_of_prior_draws"]) == pytest.approx(
        expected, rel=1e-3
    )


def test_one_clip_or_codes_that_broke_down_have_no_figures(model):
    assert code_figures(model, AUDIO[:1], PATH, seed=0) == {}
    broken = built(CONFIG)
    for weight in broken.averaged_encoder.weights + broken.averaged_decoder.weights:
        weight.assign(np.full(weight.shape, np.nan))
    assert code_figures(broken, AUDIO, PATH, seed=0) == {}
    assert decoder_class_share(broken, CONFIG) is None


def test_class_share_is_of_a_dozen_codes_with_every_class_and_leaves_the_model_alone(model):
    rng = np.random.default_rng(0)
    for weight in model.averaged_decoder.trainable_weights or model.averaged_decoder.weights:
        if weight.path.rsplit("/", 1)[-1] in ("gamma", "beta", "kernel"):
            weight.assign_add(0.1 * rng.normal(size=weight.shape))
    before = model.averaged_decoder.get_weights()
    share = decoder_class_share(model, CONFIG)
    for weight, value in zip(model.averaged_decoder.get_weights(), before, strict=True):
        assert np.array_equal(weight, value)
    model.reestimate_statistics(CONFIG.reestimate_batches)
    style = synthesis.style_codes(CONFIG.seed, tf.range(12), CONFIG.style_dim, "normal")
    made = np.stack(
        [[model.sample(s[None], tf.eye(3)[y : y + 1]) for y in range(3)] for s in style]
    )
    model.averaged_decoder.set_weights(before)
    total = made.astype(float).reshape(36, -1).var(axis=0).mean()
    expected = made.astype(float).var(axis=1).mean() / total
    assert share == pytest.approx(expected, rel=1e-3)
    assert 0.01 < share < 0.99


def test_the_end_tells_the_error_of_reconstructions_and_leaves_the_model_alone(model, tmp_path):
    watch, written = watching(model, tmp_path)
    before = model.averaged_decoder.get_weights()
    watch.on_train_end()
    for weight, value in zip(model.averaged_decoder.get_weights(), before, strict=True):
        assert np.array_equal(weight, value)
    model.reestimate_statistics(CONFIG.reestimate_batches)
    real = PATH.spectrogram((AUDIO / 32768.0).astype(np.float32))
    expected = np.mean((model(real).numpy() - real.numpy()) ** 2)
    model.averaged_decoder.set_weights(before)
    assert written == [{RECONSTRUCTION: pytest.approx(expected, rel=1e-3)}]
    written.clear()
    none, _ = watching(model, tmp_path, clips=Clips(AUDIO[:0], LABELS[:0], (), ()))
    none.on_train_end()
    assert written == []


def test_systems_without_the_parts_lack_the_figures():
    config = dataclasses.replace(
        CONFIG,
        model="classifier",
        non_local_bins=128,
        guided_dim=128,
        discriminator_learning_rate=2e-4,
        reestimate_batches=16,
    )
    model = built(config)
    assert code_figures(model, AUDIO, PATH, seed=0) == {}
    assert decoder_class_share(model, config) is None


def test_a_measurement_goes_to_tensorboard_and_to_the_run_folder(model, tmp_path):
    watch, written = watching(model, tmp_path, step=7)
    assert watch.measure() == 0.5
    (row,) = read_validation(tmp_path / "validation.json")
    assert row.pop("step") == 7
    assert row.keys() == TAGS.keys()
    assert written == [{TAGS[name]: value for name, value in row.items()}]
    assert row["accuracy"] == 0.5


def test_without_validation_clips_the_class_share_alone_is_measured(model, tmp_path):
    clips = Clips(AUDIO[:0], LABELS[:0], (), ())
    watch, written = watching(model, tmp_path, clips=clips, accuracy=lambda: None)
    assert watch.measure() is None
    assert [figures.keys() for figures in written] == [{"decoder/class_share"}]


def test_at_most_500_clips_spread_over_all_are_encoded(model, tmp_path):
    audio = np.arange(1201, dtype=np.int16)[:, np.newaxis].repeat(8, axis=1)
    clips = Clips(audio, np.zeros(1201, np.int32), (), ())
    watch, _ = watching(model, tmp_path, clips=clips)
    encoded = watch._audio[:, 0]
    assert len(encoded) == 500
    assert (encoded[0], encoded[250], encoded[499]) == (0, 600, 1198)


def test_a_continued_run_drops_the_figures_of_steps_after_its_checkpoint(model, tmp_path):
    watch, _ = watching(model, tmp_path)
    for step in (2, 4, 6):
        model.step.assign(step)
        watch.measure()
    watch, written = watching(model, tmp_path, step=4)
    assert [row["step"] for row in read_validation(tmp_path / "validation.json")] == [2, 4]
    watch.measure()  # the same step again
    assert written == []
    model.step.assign(5)
    watch.measure()
    assert [row["step"] for row in read_validation(tmp_path / "validation.json")] == [2, 4, 5]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"accuracy": 0.5}]', '[{"step": "1"}]', "[" * 9000]
)
def test_figures_that_no_training_wrote_are_refused_by_name(model, tmp_path, text):
    (tmp_path / "validation.json").write_text(text)
    with pytest.raises(ValueError, match=r"validation.json holds no figures .* remove it"):
        watching(model, tmp_path)


def test_good_figures_warn_of_nothing(model, tmp_path, capsys):
    assert warnings_of(model, tmp_path, capsys, {}, clips=many(100)) == []


@pytest.mark.parametrize(
    ("figures", "begins", "tries"),
    [
        (
            # Of 100 draws of 5 dimensions: 500 / 105.
            {"effective_rank": 1.9},
            "at step 300 the style codes of validation clips are flat: they use 1.9 directions, "
            "and as many draws of N(0, I) would use 4.8.",
            "--sliced_wasserstein",
        ),
        (
            {"deviation": 0.3},
            "at step 300 the style codes of validation clips have a standard deviation of 0.3,",
            "--sliced_wasserstein",
        ),
        (
            {"deviation": 3.1},
            "at step 300 the style codes of validation clips have a standard deviation of 3.1,",
            "--sliced_wasserstein",
        ),
        (
            {"class_share": 0.0151},
            "at step 300 the class decides 1.5 % of the variance of what the decoder D makes",
            "--generated_class_teaches_decoder",
        ),
        (
            # Wilson, 42 of 100.
            {"accuracy": 0.42},
            "at step 300 C finds the class of 42.0 % of 100 validation clips (95 %: 32.8-51.8), no "
            "better than the 33.3 % of guessing.",
            "--start_steps",
        ),
    ],
)
def test_a_bad_sign_is_warned_about_once_with_what_to_try(
    model, tmp_path, capsys, figures, begins, tries
):
    (warning,) = warnings_of(model, tmp_path, capsys, figures, clips=many(100))
    assert warning.startswith(f"WARNING: {begins}")
    assert warning.endswith(f"Try {tries}.")


def test_a_setting_that_is_on_already_is_not_advised(model, tmp_path, capsys):
    config = types.SimpleNamespace(**vars(CONFIG) | {"start_steps": 200})
    figures = {"accuracy": 0.3, "deviation": 9.0}
    first, second = (
        line
        for line in warnings_of(model, tmp_path, capsys, figures, config=config, clips=many(100))
        if line
    )
    assert first.endswith("Try --sliced_wasserstein.")
    assert second.endswith("of guessing. This is with --start_steps=200.")


def test_signs_are_warned_about_from_step_300_and_in_systems_that_have_the_settings(
    model, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(validation, "code_figures", lambda *_: {"effective_rank": 1.0} | GOOD)
    monkeypatch.setattr(validation, "decoder_class_share", lambda *_: 0.0)
    watch, _ = watching(model, tmp_path, step=299)
    watch.measure()
    other = dataclasses.replace(CONFIG, model="biggan", labelled_percent=100.0, guided_dim=128)
    watch, _ = watching(model, tmp_path, other, step=300)
    watch.measure()
    assert capsys.readouterr().out == ""
    watch, _ = watching(model, tmp_path, step=300)
    watch.measure()
    assert "the class decides 0 %" in capsys.readouterr().out


def test_flat_is_measured_by_what_as_few_draws_of_the_prior_would_give(model, tmp_path, capsys):
    long = dataclasses.replace(CONFIG, style_dim=128)
    # 500 draws of 128 dimensions: rank 101.9, and 20 draws 17.3.
    assert warnings_of(model, tmp_path, capsys, {"effective_rank": 10.1}, 300, long, many(500))
    assert not warnings_of(model, tmp_path, capsys, {"effective_rank": 10.3}, 300, long, many(500))
    assert not warnings_of(model, tmp_path, capsys, {"effective_rank": 2.1}, 300, long, many(20))
    short = dataclasses.replace(CONFIG, style_dim=2)
    assert not warnings_of(model, tmp_path, capsys, {"effective_rank": 1.1}, 300, short, many(500))


def test_accuracy_on_too_few_clips_to_tell_from_guessing_warns_of_nothing(model, tmp_path, capsys):
    # One clip, even if found, gives an interval from 21 %: below the 33 % of guessing.
    assert not warnings_of(model, tmp_path, capsys, {"accuracy": 0.0}, clips=many(1))
    assert warnings_of(model, tmp_path, capsys, {"accuracy": 0.5}, clips=many(10))

"""Every system but GAAE on the road that all share: train, resume, load, generate, export."""

import dataclasses
import json
import re

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from test_fit import assert_same_state, state, tiny_config

import gaae_tf
from gaae_tf.commands import opening
from gaae_tf.config import TrainConfig
from gaae_tf.evaluation.evaluate import evaluate
from gaae_tf.evaluation.settings import EvaluateSettings, ScorerSettings
from gaae_tf.evaluation.table import format_table
from gaae_tf.run import loading
from gaae_tf.run.folder import read_validation
from gaae_tf.training import dry_run, finish, fit

# What each tiny run sets besides test_fit's settings.
SETTINGS = {
    "biggan": {"labelled_percent": 100.0, "guided_dim": 128},
    "unsupervised_biggan": {"labelled_percent": 5.0, "guided_dim": 128},
    "wavegan": {
        "labelled_percent": 5.0,
        "guided_dim": 128,
        "non_local_bins": 128,
        "reestimate_batches": 16,
    },
    "specgan": {
        "labelled_percent": 5.0,
        "guided_dim": 128,
        "non_local_bins": 128,
        "reestimate_batches": 16,
        "scaling": "per_bin",
        "dynamic_range_nepers": 3.0,
    },
    "tifgan": {
        "labelled_percent": 5.0,
        "guided_dim": 128,
        "non_local_bins": 128,
        "reestimate_batches": 16,
        "window": "gauss",
        "scaling": "clip_peak",
    },
}
WITH_CLASSES = ("biggan",)
AUDIO_ALONE = ("wavegan",)
LOSSES = {
    "biggan": {"G_loss", "D_loss"},
    "unsupervised_biggan": {"G_loss", "D_loss"},
    "wavegan": {"G_loss", "D_loss", "gradient_penalty"},
    "specgan": {"G_loss", "D_loss", "gradient_penalty"},
    "tifgan": {"G_loss", "D_loss", "gradient_penalty"},
}


def system_config(model, dataset, run_dir, **settings):
    return tiny_config(dataset, run_dir, model=model, **SETTINGS[model] | settings)


# BigGAN's graphs take half a minute to compile; the others do with seconds.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(model, marks=[pytest.mark.slow] if "biggan" in model else [])
        for model in SETTINGS
    ],
)
def trained(request, tiny_dataset, tmp_path_factory):
    """Model, configuration and folder of a run of four steps, two a call."""
    run_dir = tmp_path_factory.mktemp(request.param) / "run"
    config = system_config(request.param, tiny_dataset, run_dir)
    return request.param, config, fit.train(config)


def test_a_run_in_two_parts_has_the_state_of_one_bit_for_bit(trained, tmp_path):
    _, config, run_dir = trained
    broken = dataclasses.replace(config, run_dir=str(tmp_path / "broken"))
    fit.train(dataclasses.replace(broken, steps=3, steps_per_call=1))
    fit.train(dataclasses.replace(broken, steps_per_call=3))
    assert len(state(run_dir)) > 20
    assert_same_state(run_dir, broken.run_dir)


def test_the_run_folder_tells_whose_labels_were_used(trained):
    model, _, run_dir = trained
    assert (run_dir / "guidance.json").exists() == (model in WITH_CLASSES)
    if model in WITH_CLASSES:
        guidance = json.loads((run_dir / "guidance.json").read_text())
        assert guidance["train_indices"] == list(range(18))


@pytest.mark.filterwarnings(
    # Keras 3.15 saves weights in a way that NumPy 2 announces the end of.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_run_is_evaluated_as_far_as_its_system_goes(trained):
    model, _, run_dir = trained
    settings = EvaluateSettings(
        count=20, scorer=ScorerSettings(passes=1, min_steps=1, batch_size=8), usefulness_seeds=0
    )
    scores = evaluate(run_dir, settings, log=lambda _: None)
    sounds = scores["details"]["samples"]
    shares = [share["value"] for share in sounds["class_share"].values()]
    assert list(sounds["class_share"]) == ["high", "low"]
    assert sum(shares) == pytest.approx(1.0)
    assert sounds["against_real_test"]["frechet_logits"]["value"] > 0.0
    has_classes = model in WITH_CLASSES
    assert (sounds["class_accuracy"]["value"] is not None) == has_classes
    assert ("simple_classifier_same_labels_accuracy" in scores) == has_classes
    assert scores["provenance"]["labels_of_the_run"] == (18 if has_classes else 0)
    absent = {"reconstruction", "representations", "classifier_test_accuracy"}
    assert not absent & scores["details"].keys()
    assert not {"reconstruction_mse", "classifier_test_accuracy"} & scores.keys()
    table = format_table(scores)
    assert "share found to be of the class" in table
    assert "reconstruction" not in table
    page = (run_dir / "report" / "index.html").read_text()
    assert ("of no class" in page) != has_classes
    assert "reconstructed 1" not in page
    pictures = {path.stem for path in (run_dir / "report" / "figures").glob("*.pdf")}
    assert {"samples", "interpolations", "training_curves"} <= pictures
    assert ("class_across_styles" in pictures) == has_classes


def test_tensorboard_has_losses_pictures_and_sounds_and_no_codes(trained):
    model, _, run_dir = trained
    events = EventAccumulator(str(run_dir / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    losses = {tag.removeprefix("loss/") for tag in tags if tag.startswith("loss/")}
    assert losses == LOSSES[model]
    rows = ("low", "high") if model in WITH_CLASSES else ("all",)
    sounds = {f"sounds/{row}/{kind}" for row in rows for kind in ("real", "generated")}
    assert {tag for tag in tags if tag.startswith("sounds/")} == sounds
    assert [event.step for event in events.Tensors("spectrograms")] == [4]
    assert {tag for tag in tags if tag.startswith("learning_rate/")} == {
        "learning_rate/generator",
        "learning_rate/discriminator",
    }
    clips_a_step = 2 * 4  # two draws of 4 clips
    speed = dict(
        zip(
            ("steps", "clips"),
            (last(events, f"speed/{n}_per_second") for n in ("steps", "clips")),
            strict=True,
        )
    )
    assert speed["clips"] == pytest.approx(clips_a_step * speed["steps"], rel=1e-5)
    assert not (run_dir / "logs" / "projector_config.pbtxt").exists()


def last(events, tag):
    return float(tf.make_ndarray(events.Tensors(tag)[-1].tensor_proto))


def test_validation_measures_the_share_of_the_class_where_there_are_classes(trained):
    model, _, run_dir = trained
    assert (run_dir / "validation.json").exists() == (model in WITH_CLASSES)
    if model in WITH_CLASSES:
        rows = read_validation(run_dir / "validation.json")
        assert [row.keys() for row in rows] == [{"step", "class_share"}] * 2


def test_sounds_are_a_function_of_their_seed_and_number(trained):
    model, _, run_dir = trained
    run = gaae_tf.load(run_dir)
    label = ("low",) if model in WITH_CLASSES else ()
    many = run.generate(*label, 3, 5)
    assert (many.shape, many.dtype) == ((3, 512), np.float32)
    assert np.abs(many).max() > 0.0
    again = gaae_tf.load(run_dir, checkpoint="best")
    np.testing.assert_array_equal(again.generate(*label, 2, 5), many[:2])
    assert np.abs(run.generate(*label, 3, 6) - many).max() > 1e-6
    ends = run.interpolate(5, 6, 2, **({"label": "low"} if label else {}))
    np.testing.assert_allclose(ends[0], many[0], atol=1e-3)


def test_what_a_system_cannot_do_is_absent(trained):
    model, _, run_dir = trained
    run = gaae_tf.load(run_dir)
    for name in ("represent", "encode", "reconstruct", "restyle"):
        assert not hasattr(run, name)
    kind = loading.LoadedClassGenerator if model in WITH_CLASSES else loading.LoadedGenerator
    assert type(run) is kind
    assert run.classes == (("high", "low") if model in WITH_CLASSES else ())
    assert hasattr(run, "label_index") == (model in WITH_CLASSES)


def test_sounds_are_those_of_the_averaged_network(trained):
    model, _, run_dir = trained
    run = gaae_tf.load(run_dir)
    style = run._styles(5, 0, 1)
    condition = (np.eye(2, dtype=np.float32)[[1]],) if model in WITH_CLASSES else ()
    made = run.model.averaged_generator(style, *condition)
    expected = made[..., 0] if model in AUDIO_ALONE else run._vocode(made.numpy())
    label = (1,) if model in WITH_CLASSES else ()
    np.testing.assert_allclose(run.generate(*label, 1, 5), expected, atol=1e-3)
    saved = tf.train.load_checkpoint(str(run_dir / "checkpoints"))
    weight = (
        run.model.averaged_generator.trainable_variables or run.model.averaged_generator.weights
    )
    index = [w.path for w in run.model.averaged_generator.weights].index(weight[0].path)
    name = f"averaged_generator_{index:04}/.ATTRIBUTES/VARIABLE_VALUE"
    np.testing.assert_array_equal(weight[0].numpy(), saved.get_tensor(name))


def test_a_vocoder_is_refused_where_the_system_makes_audio(trained):
    model, _, run_dir = trained
    if model in AUDIO_ALONE:
        with pytest.raises(ValueError, match=f"holds a {model}, which makes audio directly"):
            gaae_tf.load(run_dir, vocoder="pghi")
        assert gaae_tf.load(run_dir).vocoder is None
    else:
        assert gaae_tf.load(run_dir, vocoder="pghi").vocoder == "pghi"
        assert gaae_tf.load(run_dir).vocoder == "pghi_fgla"


def command(verb, *arguments):
    return opening.run(verb, [*map(str, arguments)])


def test_represent_refuses_by_name(trained, tmp_path, capsys):
    model, _, run_dir = trained
    soundfile.write(tmp_path / "a.wav", np.full(512, 0.1), 1000)
    arguments = (f"--source={tmp_path / 'a.wav'}", f"--out={tmp_path / 'codes.npz'}")
    assert command("represent", f"--run_dir={run_dir}", *arguments) == 1
    told = f"{run_dir} holds a {model}, which has no encoder: it cannot represent recordings"
    assert told in capsys.readouterr().err
    assert not (tmp_path / "codes.npz").exists()


def test_the_command_generates_and_refuses_a_label_where_there_are_no_classes(
    trained, tmp_path, capsys
):
    model, _, run_dir = trained
    assert command("generate", f"--run_dir={run_dir}", f"--out={tmp_path}", "--count=2") == 0
    first, second = ("high", "low") if model in WITH_CLASSES else ("sound", "sound")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{first}_seed0_000.wav", f"{second}_seed0_001.wav"]
    refused = command("generate", f"--run_dir={run_dir}", f"--out={tmp_path}", "--label=low")
    assert refused == (0 if model in WITH_CLASSES else 1)
    if refused:
        assert f"a {model}, which has no classes: it takes no label, got 'low'" in (
            capsys.readouterr().err
        )


def test_results_are_left_and_the_export_gives_the_loaded_runs_sounds(trained, capsys):
    model, _, run_dir = trained
    finish.leave_results(run_dir)
    told = capsys.readouterr().out
    assert "gaae_tf represent" not in told
    assert ("--label=" in told) == (model in WITH_CLASSES)
    sounds = len(list((run_dir / "samples").glob("*.wav")))
    assert sounds == (16 if model in WITH_CLASSES else 8)

    exported = tf.saved_model.load(str(run_dir / "export"))
    assert set(exported.signatures) == {"generate", "decode", "describe"}
    seed = tf.constant(5, tf.int64)
    if model in WITH_CLASSES:
        made = exported.signatures["generate"](labels=tf.constant([1, 0], tf.int64), seed=seed)
        again = exported.signatures["decode"](
            style=made["style"], labels=tf.constant([1, 0], tf.int64)
        )
    else:
        made = exported.signatures["generate"](count=tf.constant(2, tf.int64), seed=seed)
        again = exported.signatures["decode"](style=made["style"])
    run = gaae_tf.load(run_dir)
    np.testing.assert_allclose(made["style"], run._styles(5, 0, 2), atol=1e-6)
    assert made["audio"].shape == (2, 512)
    if model in AUDIO_ALONE:
        assert set(made) == {"audio", "style"}
        np.testing.assert_allclose(made["audio"], run.generate(2, 5), atol=1e-5)
        np.testing.assert_allclose(again["audio"], made["audio"], atol=1e-5)
    else:
        condition = (np.eye(2, dtype=np.float32)[[1, 0]],) if model in WITH_CLASSES else ()
        expected = run.model.sample(made["style"], *condition)
        np.testing.assert_allclose(made["spectrograms"], expected, atol=1e-5)
        np.testing.assert_allclose(again["spectrograms"], expected, atol=1e-5)
    readme = (run_dir / "export" / "README.txt").read_text()
    assert all(f"\n    {name} (" in readme for name in exported.signatures)
    assert not any(word in readme for word in ("encode (", "classify", "reconstruct", "restyle"))
    assert ("labels" in readme) == (model in WITH_CLASSES)
    assert ("Griffin-Lim" in readme) == (model not in AUDIO_ALONE)


def test_a_dry_run_counts_parameters_and_memory(trained):
    model, config, _ = trained
    text = dry_run.describe(config)
    assert "\n  generator " in text
    assert "\n  discriminator " in text
    assert re.search(r"estimated memory: 0\.\d\d GiB \(0\.0\d weights, averages", text)
    if model not in WITH_CLASSES:
        assert f"guidance: none, {model} uses no labels" in text


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_two_devices_train_and_resume_too(trained, mirrored, precision, tmp_path, monkeypatch):
    _, config, _ = trained
    monkeypatch.setattr(fit, "make_strategy", lambda name: mirrored)
    config = dataclasses.replace(config, run_dir=str(tmp_path / "run"), precision=precision)
    fit.train(dataclasses.replace(config, steps=1))
    before = state(config.run_dir)
    fit.train(dataclasses.replace(config, steps=2))
    after = state(config.run_dir)
    assert int(after["step/.ATTRIBUTES/VARIABLE_VALUE"]) == 2
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    for network in ("generator", "discriminator", "averaged_generator"):
        assert any(name.startswith(f"{network}_0") for name in changed), network
    assert all(np.isfinite(after[name]).all() for name in after if after[name].dtype.kind == "f")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "biggan"}, "--labelled_percent must be 100, got 5.0"),
        (
            {"model": "biggan", "labelled_percent": 100.0, "guided_dim": 64},
            "--guided_dim is only for --model=gaae; leave it at 128 for --model=biggan, got 64",
        ),
        (
            {"model": "unsupervised_biggan", "labelled_percent": 10.0},
            "--labelled_percent is only for --model=gaae, .*biggan.*; leave it at 5.0",
        ),
        ({"model": "wavegan", "non_local_bins": 0}, "--non_local_bins is only for"),
    ],
)
def test_flags_that_a_system_does_not_use_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(dataset="d", run_dir="r", **values)

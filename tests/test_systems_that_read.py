"""Systems that take recordings, but for GAAE, on the road that all share."""

import dataclasses
import re

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from test_fit import assert_same_state, state, tiny_config
from test_frozen import BIGGAN
from test_systems import command

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.evaluation.evaluate import evaluate
from gaae_tf.evaluation.settings import EvaluateSettings, ScorerSettings
from gaae_tf.evaluation.table import format_table
from gaae_tf.run.folder import read_validation
from gaae_tf.training import dry_run, finish, fit
from gaae_tf.training.validation import TAGS

ALONE = {"guided_dim": 128, "discriminator_steps": 2, "reestimate_batches": 16}
SETTINGS = {
    "ggan": {"guided_dim": 128},
    "bigan": {"guided_dim": 128, "labelled_percent": 5.0},
    "bigan_classifier": ALONE,
    "classifier": ALONE | {"non_local_bins": 128},
    "augmented_classifier": ALONE | {"non_local_bins": 128},
}
# What the loaded object has, of what one could have.
ABLE = {
    "ggan": {"generate", "interpolate", "codes", "represent", "class_probabilities", "classify"},
    "bigan": {"generate", "interpolate", "codes", "represent", "reconstruct"},
    "bigan_classifier": {"codes", "represent", "class_probabilities", "classify"},
    "classifier": {"class_probabilities", "classify"},
    "augmented_classifier": {"class_probabilities", "classify"},
}
COULD = {*ABLE["ggan"], "reconstruct", "restyle"}
CODES = {"ggan": ["latent"], "bigan": ["features"], "bigan_classifier": ["features"]}
LOSSES = {
    "ggan": {"EDC", "G", "Cl", "Cg", "Lg", "S_loss", "L_loss"},
    "bigan": {"F_loss", "J_loss"},
    "bigan_classifier": {"C_loss"},
    "classifier": {"C_loss"},
    "augmented_classifier": {"C_loss"},
}


@pytest.fixture(scope="module")
def frozen_runs(tiny_dataset, tmp_path_factory):
    """Run folders of an unsupervised BigGAN and a BiGAN on it, of one step each."""
    folder = tmp_path_factory.mktemp("frozen")
    biggan = tiny_config(tiny_dataset, folder / "biggan", **BIGGAN, steps=1)
    settings = SETTINGS["bigan"] | {"model": "bigan", "frozen_run": str(folder / "biggan")}
    fit.train(biggan)
    fit.train(tiny_config(tiny_dataset, folder / "bigan", **settings, steps=1))
    return {"bigan": str(folder / "biggan"), "bigan_classifier": str(folder / "bigan")}


# The graphs of BigGAN's blocks take half a minute to compile; the others do with seconds. A BiGAN
# is made for its classifier's runs anyway; all that it does itself is in the long tests.
MARKS = {
    "ggan": pytest.mark.slow,
    "bigan": pytest.mark.long,
    "bigan_classifier": pytest.mark.slow,
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(model, marks=MARKS.get(model, [])) for model in SETTINGS],
)
def trained(request, tiny_dataset, tmp_path_factory):
    """Model, configuration and folder of a run of four steps, two a call."""
    model, run_dir = request.param, tmp_path_factory.mktemp(request.param) / "run"
    settings = SETTINGS[model]
    if "bigan" in model:
        settings = settings | {"frozen_run": request.getfixturevalue("frozen_runs")[model]}
    config = tiny_config(tiny_dataset, run_dir, model=model, **settings)
    return model, config, fit.train(config)


def test_a_run_in_two_parts_has_the_state_of_one_bit_for_bit(trained, tmp_path):
    _, config, run_dir = trained
    broken = dataclasses.replace(config, run_dir=str(tmp_path / "broken"))
    fit.train(dataclasses.replace(broken, steps=3, steps_per_call=1))
    fit.train(dataclasses.replace(broken, steps_per_call=3))
    assert len(state(run_dir)) > 10
    assert_same_state(run_dir, broken.run_dir)


def test_what_a_system_cannot_do_is_absent(trained):
    model, _, run_dir = trained
    run = gaae_tf.load(run_dir)
    assert {name for name in COULD if hasattr(run, name)} == ABLE[model]
    assert run.classes == (() if model == "bigan" else ("high", "low"))
    assert (run.vocoder is None) == ("generate" not in ABLE[model])


def test_validation_measures_what_the_system_has(trained):
    model, _, run_dir = trained
    rows = read_validation(run_dir / "validation.json")
    assert [row["step"] for row in rows] == [2, 4]
    expected = {"step"}
    if "classify" in ABLE[model]:
        expected |= {"accuracy"}
    if model in ("ggan", "bigan"):  # whose generators take the codes
        expected |= TAGS.keys() - {"accuracy", "class_share"}
    if model == "ggan":
        expected |= {"class_share"}
    assert all(row.keys() == expected for row in rows)


def test_recordings_are_read_clip_by_clip(trained):
    model, _, run_dir = trained
    run = gaae_tf.load(run_dir)
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, [2, 600]).astype(np.float32)
    if "represent" in ABLE[model]:
        told = run.represent(audio)
        assert list(told.codes) == CODES[model]
        assert told.codes[CODES[model][0]].shape == (4, 4)
        assert np.array_equal(getattr(told, CODES[model][0]), told.codes[CODES[model][0]])
        with pytest.raises(AttributeError, match="no 'style' here; the codes are"):
            _ = told.style
        assert (told.probabilities is None) == (model == "bigan")
    if "classify" in ABLE[model]:
        told = run.classify(audio)
        assert set(told.predicted) <= {"high", "low"}
        np.testing.assert_allclose(told.probabilities.sum(axis=1), 1.0, atol=1e-5)
        spectrograms = run.signal_path.spectrogram(audio[:1, :512]).numpy()
        first = run.class_probabilities(spectrograms)
        np.testing.assert_allclose(told.probabilities[:1], first, atol=1e-5)
    assert told.start_s.tolist() == [0.0, 0.512, 0.0, 0.512]
    assert told.recording.tolist() == [0, 0, 1, 1]
    if "reconstruct" in ABLE[model]:
        assert run.reconstruct(audio).shape == audio.shape


@pytest.mark.filterwarnings(
    # Keras 3.15 saves weights in a way that NumPy 2 announces the end of.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_run_is_evaluated_as_far_as_its_system_goes(trained):
    model, _, run_dir = trained
    settings = EvaluateSettings(
        count=20, scorer=ScorerSettings(passes=1, min_steps=1, batch_size=8), usefulness_seeds=1
    )
    scores = evaluate(run_dir, settings, log=lambda _: None)
    details, able = scores["details"], ABLE[model]
    for part, ability in (
        ("samples", "generate"),
        ("interpolation", "generate"),
        ("classifier_test_accuracy", "class_probabilities"),
        ("representations", "codes"),
        ("reconstruction", "reconstruct"),
    ):
        assert (part in details) == (ability in able), part
    assert scores["provenance"]["samples"] == (20 if "generate" in able else 0)
    assert ("inception_score" in scores) == ("generate" in able)
    assert scores["scorer_test_accuracy"] is not None
    assert (details["usefulness"] == {}) == ("generate" not in able)
    if "codes" in able:
        assert list(details["representations"]["guiding"]["probes"]["class"]) == CODES[model]
    table = format_table(scores)
    assert ("C's accuracy on real test" in table) == ("class_probabilities" in able)
    assert ("path length ratio" in table) == ("generate" in able)
    page = (run_dir / "report" / "index.html").read_text()
    assert "real 1" in page
    assert ("generated 1" in page) == ("generate" in able)
    pictures = {path.stem for path in (run_dir / "report" / "figures").glob("*.pdf")}
    assert ("confusion_classifier" in pictures) == ("class_probabilities" in able)
    assert ("samples" in pictures) == ("generate" in able)


def test_tensorboard_has_what_the_system_does(trained):
    model, _, run_dir = trained
    events = EventAccumulator(str(run_dir / "logs"), size_guidance={"tensors": 0})
    events.Reload()
    tags = set(events.Tags()["tensors"])
    assert {tag.removeprefix("loss/") for tag in tags if tag.startswith("loss/")} == LOSSES[model]
    assert ("spectrograms" in tags) == ("generate" in ABLE[model])
    assert (run_dir / "logs" / "projector_config.pbtxt").exists() == ("codes" in ABLE[model])
    assert ("training/accuracy" in tags) == model.endswith("classifier")


def test_generate_and_represent_refuse_by_name(trained, tmp_path, capsys):
    model, _, run_dir = trained
    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(512)), 1000)
    codes = tmp_path / "codes.npz"
    arguments = (f"--run_dir={run_dir}", f"--source={tmp_path / 'a.wav'}", f"--out={codes}")
    refused = command("represent", *arguments)
    assert refused == ("represent" not in ABLE[model])
    if refused:
        assert f"holds a {model}, which has no encoder" in capsys.readouterr().err
    else:
        with np.load(codes) as arrays:
            assert {*CODES[model], "sources", "start_s"} <= set(arrays)
            assert ("classes" in arrays) == (model != "bigan")
    arguments = (f"--run_dir={run_dir}", f"--out={tmp_path / 'sounds'}", "--count=2")
    refused = command("generate", *arguments)
    assert refused == ("generate" not in ABLE[model])
    if refused:
        assert f"holds a {model}, which makes no sound" in capsys.readouterr().err


def test_results_are_left_and_the_export_gives_what_the_loaded_run_does(trained, capsys):
    model, _, run_dir = trained
    finish.leave_results(run_dir)
    told, able = capsys.readouterr().out, ABLE[model]
    assert ("gaae_tf represent" in told) == ("represent" in able)
    assert ("gaae_tf generate" in told) == ("generate" in able)
    assert (run_dir / "samples").exists() == ("generate" in able)
    exported = tf.saved_model.load(str(run_dir / "export"))
    expected = {"describe"}
    for ability, names in (
        ("generate", ("generate", "decode")),
        ("represent", ("encode", "encode_spectrograms")),
        ("reconstruct", ("reconstruct", "reconstruct_spectrograms")),
        ("classify", ("classify", "classify_spectrograms")),
    ):
        expected |= set(names) if ability in able else set()
    assert set(exported.signatures) == expected
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, [2, 512]).astype(np.float32)
    run = gaae_tf.load(run_dir)
    if "represent" in able:
        made = exported.signatures["encode"](audio=tf.constant(audio))
        name = CODES[model][0]
        np.testing.assert_allclose(made[name], run.represent(audio).codes[name], atol=1e-5)
    if "classify" in able:
        made = exported.signatures["classify"](audio=tf.constant(audio))
        told = run.classify(audio)
        np.testing.assert_allclose(made["probabilities"], told.probabilities, atol=1e-5)
        assert [name.decode() for name in made["class_name"].numpy()] == list(told.predicted)
    readme = (run_dir / "export" / "README.txt").read_text()
    assert all(f"\n    {name} (" in readme for name in exported.signatures)
    assert ('signatures["generate"]' in readme) == ("generate" in able)
    assert ("Griffin-Lim" in readme) == ("generate" in able)
    assert "{" not in readme


def test_a_dry_run_counts_parameters(trained):
    model, config, _ = trained
    text = dry_run.describe(config)
    assert ("\n  frozen " in text) == ("bigan" in model)
    assert re.search(r"estimated memory: 0\.\d\d GiB \(0\.0\d weights, averages", text)


@pytest.mark.parametrize(
    "precision",
    [
        pytest.param("float32", marks=pytest.mark.long),
        pytest.param("mixed_bfloat16", marks=pytest.mark.slow),
    ],
)
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
    assert any(name.startswith("averaged_") for name in changed)
    assert all(np.isfinite(after[name]).all() for name in after if after[name].dtype.kind == "f")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": "classifier", "discriminator_steps": 1}, "--discriminator_steps is only for"),
        ({"model": "ggan", "omega_1": 0.5}, "--omega_1 is only for --model=gaae; leave it at 0.6"),
        ({"model": "bigan", "frozen_run": "r", "labelled_percent": 10.0}, "--labelled_percent is"),
        ({"model": "bigan", "frozen_run": "r", "weight_decay": -1.0}, "--weight_decay must not be"),
    ],
)
def test_flags_that_a_system_does_not_use_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(dataset="d", run_dir="r", **values)

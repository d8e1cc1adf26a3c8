"""The trained models that come with the package."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_fit import tiny_config
from test_gaae import batches, tiny_model

import gaae_tf
from gaae_tf.commands import opening
from gaae_tf.config import TrainConfig
from gaae_tf.data.prepare.folder import ensure_notes
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.evaluation.scorers.trained import trained_scorer
from gaae_tf.run import checkpoints, look, names, shipped
from gaae_tf.run.folder import DataDescription
from gaae_tf.training import finish, fit

MODELS = look.shipped_models()
CLASSES = {
    "notes": ("guitar", "mallet", "string"),
    "digits": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
}


def test_there_are_two():
    assert set(MODELS) == set(CLASSES)


@pytest.fixture(scope="module")
def models():
    return {name: gaae_tf.load(name) for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_it_makes_sounds_of_each_class(models, name):
    model = models[name]
    assert set(model.classes) == set(CLASSES[name])
    sounds = np.stack([model.generate(label, count=1, seed=0)[0] for label in model.classes])
    assert np.isfinite(sounds).all()
    # The quietest speaker's recordings peak at 0.02.
    assert (np.abs(sounds).max(axis=1) > 0.01).all()


@pytest.mark.parametrize("name", MODELS)
def test_it_finds_the_class_of_its_own_sounds(models, name):
    """C and the sounds are of one model: that the weights are those of a training shows in it."""
    model = models[name]
    found = [
        model.classify(sound).predicted[0] == label
        for label in model.classes
        for sound in model.generate(label, count=8, seed=1)
    ]
    assert np.mean(found) > 0.9


@pytest.mark.parametrize("name", MODELS)
def test_it_is_small_and_its_card_tells_data_licence_training_and_figures(name):
    folder = names.SHIPPED / name
    assert sum(file.stat().st_size for file in folder.rglob("*")) <= 6 * 2**20
    card = (folder / names.CARD).read_text()
    for part in ("**Data.**", "**Licence.**", "**Training.**", "**Limits.**"):
        assert part in card
    scores = json.loads((folder / names.SCORES).read_text())
    assert f"{100 * scores['requested_class_accuracy']:.1f} %" in card
    assert f"{100 * scores['classifier_test_accuracy']:.1f} %" in card
    prefix = next((folder / names.CHECKPOINTS).glob("*.index")).stem
    assert prefix == f"step-{scores['provenance']['step']}"


@pytest.mark.parametrize("name", MODELS)
def test_a_changed_byte_is_told(tmp_path, name):
    shutil.copytree(names.SHIPPED / name, tmp_path / "copy")
    (data,) = (tmp_path / "copy" / names.CHECKPOINTS).glob("*.data-*")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(ValueError, match="its SHA-256 differs"):
        gaae_tf.load(tmp_path / "copy")


def test_a_run_of_the_same_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()  # a folder of something else
    assert look.find_run("notes") == names.SHIPPED / "notes"
    (tmp_path / "notes" / names.CONFIG).write_text("")
    assert look.find_run("notes") == Path("notes")


def test_what_lasts_comes_back_bit_for_bit_with_the_statistics_that_were_measured(tmp_path):
    model, other = tiny_model(), tiny_model()
    model.train_step(batches())
    model.reestimate_statistics(2)
    checkpoints.save_for_sampling(model, tmp_path)
    assert checkpoints.restore_for_sampling(other, tmp_path, reestimate_batches=2) == 1
    for network, same in zip(model.lasting_networks, other.lasting_networks, strict=True):
        for a, b in zip(network.weights, same.weights, strict=True):
            assert np.array_equal(a, b)


def test_it_cannot_be_trained_on(tmp_path):
    checkpoints.save_for_sampling(tiny_model(), tmp_path)
    with pytest.raises(ValueError, match="no training state: it can be loaded, not trained on"):
        checkpoints.Checkpoints(tmp_path, tiny_model(), keep=1).restore()


def test_the_command_takes_its_name_in_any_folder(tmp_path):
    flags = "--run_dir=digits --label=seven --count=2 --seed=3 --out=sounds"
    done = subprocess.run(
        [sys.executable, "-m", "gaae_tf", "generate", *flags.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(names.SHIPPED.parents[1])},
    )
    assert done.returncode == 0, done.stderr
    audio, rate = soundfile.read(tmp_path / "sounds" / "seven_seed3_001.wav")
    assert (rate, len(audio)) == (8000, 4096)


def test_evaluating_it_in_its_place_is_refused(capsys):
    assert opening.run("evaluate", ["--run_dir=digits"]) == 1
    assert "comes with the package" in capsys.readouterr().err


@pytest.mark.slow
def test_the_scorer_of_the_notes_is_taken_and_tells_every_test_note(tmp_path):
    config = TrainConfig.load(names.SHIPPED / "notes" / names.CONFIG)
    dataset = load_dataset(ensure_notes(stft=config.stft, folder=tmp_path))
    lines = []
    scorer = trained_scorer(dataset, log=lines.append)
    assert lines == [f"taking the scorer kept at {scorer.provenance()['kept_at']}"]
    assert str(names.SHIPPED) in lines[0]
    test = read_clips(dataset, "test")
    logits, _ = scorer.score(test.audio, sample_rate_hz=config.sample_rate_hz)
    assert (logits.argmax(axis=1) == test.labels).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_training_on_its_clips_says_what_it_reaches(name):
    data = DataDescription.load(names.SHIPPED / name)
    card = (names.SHIPPED / name / names.CARD).read_text()
    said = shipped.before_training(data)
    assert f"generate --run_dir={name} --label={CLASSES[name][0]} " in said
    for figure in ("requested class found in generated sounds", "classifier C on test clips"):
        (line,) = [line for line in card.splitlines() if figure in line]
        assert line.split("|")[2].strip() in said
    other = dataclasses.replace(data, recordings="0" * 64)
    assert shipped.before_training(other) is None
    assert shipped.shipped_for(dataclasses.replace(data, recordings="")) is None


def test_that_stands_before_and_after_the_training(tiny_dataset, tmp_path, monkeypatch, capsys):
    finish.leave_results(fit.train(tiny_config(tiny_dataset, tmp_path / "other", steps=1)))
    plain = capsys.readouterr().out
    own = DataDescription.load(tmp_path / "other").recordings
    known = DataDescription.load

    def same_clips(run_dir):
        data = known(run_dir)
        return dataclasses.replace(data, recordings=own) if run_dir.name == "notes" else data

    monkeypatch.setattr(DataDescription, "load", same_clips)
    finish.leave_results(fit.train(tiny_config(tiny_dataset, tmp_path / "known", steps=1)))
    said = capsys.readouterr().out
    for line in ("A model of these clips comes with", "To compare     --run_dir=notes, of the"):
        assert line not in plain
        assert line in said

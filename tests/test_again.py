"""Commands that prepare a data set again, typed as they are told."""

import dataclasses
import shlex

import numpy as np
import pytest
import soundfile

from gaae_tf.commands import opening
from gaae_tf.data.again import classes_without, more_of, prepare_command
from gaae_tf.data.shards import load_dataset


@pytest.fixture
def few(tmp_path):
    """A data set of two classes of four recordings each: a tenth of four is no test clip."""
    rng = np.random.default_rng(0)
    for name in ("a", "b c"):
        (tmp_path / "source" / name).mkdir(parents=True)
        for i in range(4):
            soundfile.write(
                tmp_path / "source" / name / f"{i}.wav", rng.uniform(-0.5, 0.5, 600), 1000
            )
    flags = "--sample_rate_hz=1000 --clip_samples=512 --window_samples=64 --hop_samples=32"
    flags += " --fft_size=64 --seed=3"
    folders = [f"--source={tmp_path / 'source'}", f"--out={tmp_path / 'few'}"]
    assert opening.run("prepare", [*flags.split(), *folders]) == 0
    return load_dataset(tmp_path / "few")


def test_the_command_that_sets_more_aside_does_so(few):
    assert classes_without(few, "test") == ("a", "b c")
    told = more_of(few, "test")
    command = told[told.index("`") + 1 : told.rindex("`")]
    python, *arguments = shlex.split(command)
    assert [python, *arguments[:2]] == ["python", "-m", "gaae_tf.data.prepare"]
    flags = [flag.replace("RECORDINGS", str(few.path.parent / "source")) for flag in arguments[2:]]
    assert opening.run("prepare", flags) == 0
    again = load_dataset(few.path)
    assert classes_without(again, "test") == ()
    assert again.clip_samples == few.clip_samples
    assert again.stft == few.stft
    assert again.settings["seed"] == 3


def test_a_source_with_its_own_splits_is_mended_there(few):
    own = dataclasses.replace(few, settings=few.settings | {"own_splits": True})
    assert more_of(own, "valid").startswith("put some into the valid/ folder")
    assert more_of(few, "train").startswith("label more")


def test_a_class_of_two_recordings_needs_more_of_them(few):
    counts = {
        split: of_class | {"a": 2 * (split == "train")}
        for split, of_class in few.counts_by_class.items()
    }
    told = more_of(dataclasses.replace(few, counts_by_class=counts), "test")
    assert told == "add recordings, so that each class has 3 or more"


def test_what_is_changed_replaces_what_was(few):
    command = shlex.split(prepare_command(few, "out", seed=9))
    assert "--seed=9" in command
    assert "--seed=3" not in command
    assert command[-1] == "--out=out"


def test_clip_after_clip_stays_so(few):
    chunked = dataclasses.replace(few, settings=few.settings | {"chunk_s": 0.512})
    assert "--chunks=all" in shlex.split(prepare_command(chunked, "out"))
    assert "chunk" not in prepare_command(few, "out")

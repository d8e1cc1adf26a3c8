"""Sounds are generated block by block and scored once; folders of sounds take the same road."""

import errno
import io
import os
import threading
import tracemalloc
import zipfile

import numpy as np
import pytest
import soundfile

from gaae_tf.evaluation import samples
from gaae_tf.evaluation.samples import from_folder, generated

RATE_HZ, SAMPLES = 4_000, 256


class LevelScorer:
    """Finds the class in the level: 0.25 is "quiet", 0.5 is "loud"."""

    name, identity, classes = "level", "one", ("loud", "quiet")
    sample_rate_hz, clip_samples = RATE_HZ, SAMPLES

    def __init__(self):
        self.scored = 0

    def score(self, audio, *, sample_rate_hz):
        assert sample_rate_hz == RATE_HZ
        batches = [audio] if isinstance(audio, np.ndarray) else list(audio)
        if not batches:
            raise ValueError("audio must hold at least one clip; received none.")
        audio = np.concatenate(batches) / 32768
        self.scored += len(audio)
        level = np.abs(audio).max(axis=1)
        return np.stack([level, 0.75 - level], axis=1), level[:, None]


class LevelRun:
    classes, sample_rate_hz, clip_samples = ("loud", "quiet"), RATE_HZ, SAMPLES
    checkpoint, step, vocoder, refine, weights_id = "latest", 3, "none", None, "a"

    def __init__(self):
        self.calls = []

    def generate(self, label, count, seed):
        self.calls.append((label, count, seed))
        level = {"loud": 0.5, "quiet": 0.25}[label]
        noise = np.random.default_rng(seed).uniform(-level, level, [count, SAMPLES])
        noise[:, 0] = level
        return noise.astype(np.float32)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(samples, "BLOCK_SOUNDS", 10)


def test_sounds_of_all_classes_in_turn_are_scored(tmp_path):
    scored, first, source = generated(LevelRun(), LevelScorer(), 25, 0, tmp_path, progress=False)
    assert scored.labels.tolist() == [0, 1] * 12 + [0]
    assert (scored.logits.argmax(axis=1) == scored.labels).all()
    assert scored.features.shape == (25, 1)
    sounds = first(12)
    assert (sounds.dtype, sounds.shape) == (np.int16, (12, SAMPLES))
    assert np.abs(sounds[0]).max() == 16384
    assert len(np.unique(sounds[:, 1])) == 12  # all different, within classes and between blocks
    assert source == {"vocoder": "none", "refine": None, "generated_now": 30}


def test_more_sounds_add_to_those_that_are_there(tmp_path):
    run, scorer = LevelRun(), LevelScorer()
    few, *_ = generated(run, scorer, 20, 0, tmp_path, progress=False)
    assert scorer.scored == 20
    many, *_ = generated(run, scorer, 40, 0, tmp_path, progress=False)
    assert scorer.scored == 40
    again, _, source = generated(run, scorer, 40, 0, tmp_path, progress=False)
    assert source["generated_now"] == 0
    np.testing.assert_array_equal(again.logits, many.logits)
    np.testing.assert_array_equal(many.logits[:20], few.logits)


def test_blocks_made_at_once_are_those_made_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_BLOCKS_AT_ONCE", 1)
    in_turn = generated(LevelRun(), LevelScorer(), 40, 0, tmp_path / "turn", progress=False)
    monkeypatch.setattr(samples, "_BLOCKS_AT_ONCE", 2)
    run, two = LevelRun(), threading.Barrier(2, timeout=30.0)
    generate = run.generate

    def meeting(*arguments):
        two.wait()  # breaks unless another block is being made
        return generate(*arguments)

    run.generate = meeting
    at_once = generated(run, LevelScorer(), 40, 0, tmp_path / "at_once", progress=False)
    np.testing.assert_array_equal(at_once.first(40), in_turn.first(40))
    np.testing.assert_array_equal(at_once.scored.logits, in_turn.scored.logits)


def test_an_interrupted_evaluation_ends_as_an_unbroken_one(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_BLOCKS_AT_ONCE", 1)
    whole, *_ = generated(LevelRun(), LevelScorer(), 40, 0, tmp_path / "whole", progress=False)
    run = LevelRun()
    generate = run.generate

    def interrupted(label, count, seed):
        if len(run.calls) == 5:
            raise KeyboardInterrupt
        return generate(label, count, seed)

    run.generate = interrupted
    with pytest.raises(KeyboardInterrupt):
        generated(run, LevelScorer(), 40, 0, tmp_path / "broken", progress=False)
    scorer = LevelScorer()
    again, *_ = generated(LevelRun(), scorer, 40, 0, tmp_path / "broken", progress=False)
    assert scorer.scored == 20
    np.testing.assert_array_equal(again.logits, whole.logits)
    assert not list((tmp_path / "broken").rglob(".*"))


def without_logits(path):
    with np.load(path) as block:
        kept = {name: block[name] for name in block.files if name != "logits"}
    np.savez(path, **kept)


def cut_rows(path):
    with np.load(path) as block:
        kept = {name: block[name] for name in block.files}
    np.savez(path, **kept | {"features": kept["features"][:-1]})


def flipped_sound(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"audio.npy") + 1000] ^= 0xFF
    path.write_bytes(content)


def unbelievable_size(path):
    header = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (10, 2**50)}
    np.lib.format.write_array_header_1_0(header, shape)
    with zipfile.ZipFile(path, "w") as block:
        for name in ("audio", "labels", "logits", "features"):
            block.writestr(f"{name}.npy", header.getvalue())


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no block"),
        without_logits,
        cut_rows,
        flipped_sound,
        unbelievable_size,
    ],
    ids=["cut", "empty", "text", "without_logits", "cut_rows", "flipped_sound", "size"],
)
def test_a_damaged_block_is_named_and_made_anew(tmp_path, damage):
    whole, sounds, _ = generated(LevelRun(), LevelScorer(), 30, 0, tmp_path, progress=False)
    path = sorted(tmp_path.rglob("*.npz"))[1]
    expected = sounds(30)
    damage(path)
    scorer, lines = LevelScorer(), []
    again, sounds, source = generated(
        LevelRun(), scorer, 30, 0, tmp_path, progress=False, log=lines.append
    )
    (line,) = lines
    assert line.startswith(f"{path} is damaged")
    assert scorer.scored == source["generated_now"] == 10  # the others are kept
    np.testing.assert_array_equal(again.logits, whole.logits)
    np.testing.assert_array_equal(sounds(30), expected)


def test_a_block_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(path, **_):
        path.write_bytes(b"the first half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(samples.np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        generated(LevelRun(), LevelScorer(), 10, 0, tmp_path, progress=False)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "change", [{"weights_id": "b"}, {"vocoder": "pghi"}, {"refine": 8}, {"seed": 1}]
)
def test_sounds_of_another_kind_are_not_taken_for_these(tmp_path, change):
    run, scorer = LevelRun(), LevelScorer()
    generated(run, scorer, 10, 0, tmp_path, progress=False)
    for name, value in change.items():
        setattr(run, name, value)
    generated(run, scorer, 10, change.get("seed", 0), tmp_path, progress=False)
    assert scorer.scored == 20


def test_scores_of_another_scorer_are_not_taken_for_these(tmp_path):
    generated(LevelRun(), LevelScorer(), 10, 0, tmp_path, progress=False)
    retrained = LevelScorer()
    retrained.identity = "two"
    generated(LevelRun(), retrained, 10, 0, tmp_path, progress=False)
    assert retrained.scored == 10


def test_sounds_that_are_not_finite_are_named(tmp_path):
    run = LevelRun()
    run.generate = lambda label, count, seed: np.full([count, SAMPLES], np.nan)
    with pytest.raises(ValueError, match="sounds of class loud must be finite"):
        generated(run, LevelScorer(), 10, 0, tmp_path, progress=False)


def write(path, level, rate_hz=RATE_HZ, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = np.random.default_rng(seed).uniform(-level, level, SAMPLES * rate_hz // RATE_HZ)
    audio[0] = level
    soundfile.write(path, audio, rate_hz)


def test_a_folder_of_sounds_is_scored_with_the_labels_of_its_folders(tmp_path):
    for index in range(13):
        write(tmp_path / f"set/loud/{index:02}.wav", 0.5, seed=index)
    write(tmp_path / "set/quiet/a/b.flac", 0.25)
    write(tmp_path / "set/other.wav", 0.25)
    scored, first, source = from_folder(tmp_path / "set", LevelScorer(), progress=False)
    assert sorted(scored.labels) == [-1, *[0] * 13, 1]
    found = scored.logits.argmax(axis=1)
    assert (found[scored.labels >= 0] == scored.labels[scored.labels >= 0]).all()
    levels = np.abs(first(15)).max(axis=1)
    np.testing.assert_array_equal(levels, np.where(found == 0, 16384, 8192))
    assert source == {"folder": str(tmp_path / "set"), "files": 15, "skipped": {}, "resampled": 0}


def test_bad_files_are_skipped_named_and_bounded(tmp_path):
    for index in range(9):
        write(tmp_path / f"loud/{index}.wav", 0.5)
    (tmp_path / "loud/9.wav").write_bytes(b"no sound")
    scored, first, source = from_folder(tmp_path, LevelScorer(), 10.0, progress=False)
    assert len(scored) == len(first(99)) == 9
    assert list(source["skipped"]) == ["loud/9.wav"]
    with pytest.raises(
        ValueError, match=r"1 of 10 files cannot be used, more than 5 %: loud/9.wav"
    ):
        from_folder(tmp_path, LevelScorer(), 5.0, progress=False)


def test_sounds_of_another_rate_are_resampled_and_counted(tmp_path):
    for index in range(3):
        write(tmp_path / f"loud/{index}.wav", 0.5, RATE_HZ * 2 if index else RATE_HZ)
    _, first, source = from_folder(tmp_path, LevelScorer(), progress=False)
    assert source["resampled"] == 2
    assert first(3).shape == (3, SAMPLES)


def test_files_of_names_of_any_bytes_are_scored(tmp_path):
    write(tmp_path / "loud/0.wav", 0.5)
    os.rename(tmp_path / "loud/0.wav", os.fsencode(tmp_path) + b"/loud/\xff \xc3\xa9.wav")
    scored, first, _ = from_folder(tmp_path, LevelScorer(), progress=False)
    assert scored.labels.tolist() == [0]
    assert first(1).shape == (1, SAMPLES)


def test_silent_and_not_finite_sounds_are_skipped_with_the_reason(tmp_path):
    write(tmp_path / "loud/0.wav", 0.5)
    soundfile.write(tmp_path / "silent.wav", np.zeros(SAMPLES), RATE_HZ)
    broken = np.full(SAMPLES, 0.1)
    broken[9] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, RATE_HZ, subtype="FLOAT")
    scored, _, source = from_folder(tmp_path, LevelScorer(), 70.0, progress=False)
    assert len(scored) == 1
    assert source["skipped"]["silent.wav"].startswith("silent: all samples")
    assert source["skipped"]["nan.wav"] == "non-finite samples"


def test_memory_does_not_grow_with_the_number_of_sounds(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_BLOCKS_AT_ONCE", 1)  # two may not meet at their peaks

    class SilentRun(LevelRun):
        clip_samples = 50_000

        def generate(self, label, count, seed):
            return np.zeros([count, 50_000], np.float32)

    def peak_bytes(count):
        tracemalloc.start()
        try:
            generated(SilentRun(), LevelScorer(), count, 0, tmp_path / str(count), progress=False)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    block_bytes = 10 * 50_000 * 2
    few, many = peak_bytes(20), peak_bytes(120)
    assert few > block_bytes  # it sees arrays
    assert many - few < block_bytes / 4  # of 100 more sounds the scores alone


def test_a_folder_without_sounds_is_named(tmp_path):
    with pytest.raises(ValueError, match="has no sound file"):
        from_folder(tmp_path, LevelScorer(), progress=False)
    with pytest.raises(ValueError, match="is no folder"):
        from_folder(tmp_path / "nowhere", LevelScorer(), progress=False)
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(ValueError, match=r"no file can be used; a\.wav: broken"):
        from_folder(tmp_path, LevelScorer(), progress=False)

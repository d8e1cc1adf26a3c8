"""A folder of sounds to a data set folder, whole or not at all."""

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import scipy.signal
import soundfile
from absl import flags

from gaae_tf.commands import prepare as verb
from gaae_tf.data import audio as audio_module
from gaae_tf.data import shards
from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.fsdd import FsddReader
from gaae_tf.data.corpora.librispeech import LibriSpeechReader
from gaae_tf.data.corpora.notes import NotesReader
from gaae_tf.data.corpora.nsynth import NSynthReader
from gaae_tf.data.corpora.speech_commands import DIGITS, SpeechCommandsReader
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.prepare import decode, describe, write
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import ensure_notes, prepare
from gaae_tf.data.shards import load_dataset, read_clips, verify_checksums
from gaae_tf.data.statistics import MAGNITUDE_FLOOR, log_magnitude_statistics
from gaae_tf.data.summary import summary
from gaae_tf.data.terms import SPLITS, UNLABELLED, DataError
from gaae_tf.ops.settings import StftSettings

RATE_HZ, SAMPLES = 8_000, 2_048
STFT = StftSettings(window="hann", window_samples=256, hop_samples=64, fft_size=256)
FOLDER = FolderReader()


def write_sound(path, seed, samples=SAMPLES, rate_hz=RATE_HZ):
    """A burst of noise in 16 bits; returns its samples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = np.random.default_rng(seed).integers(-9000, 9000, samples, dtype=np.int16)
    soundfile.write(path, audio, rate_hz, subtype="PCM_16")
    return audio


@pytest.fixture
def source(tmp_path):
    """Thirty sounds of two classes, four without a label, and a text file."""
    folder = tmp_path / "source"
    for index in range(15):
        write_sound(folder / f"dog/{index}.wav", index)
        write_sound(folder / f"cat and mouse/{index}.flac", 100 + index)
    for index in range(4):
        write_sound(folder / f"unlabelled/{index}.wav", 200 + index)
    (folder / "README.md").write_text("sounds")
    return folder


def config_of(source, out, reader=FOLDER, **changes):
    settings = {"sample_rate_hz": RATE_HZ, "clip_samples": SAMPLES, "stft": STFT, "workers": 1}
    return PrepareConfig(out=out, sources=(source,), reader=reader, **(settings | changes))


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def copied_to(target, source):
    """The folder as a directory, .zip or .tar.gz."""
    kind = {".zip": "zip", ".gz": "gztar"}.get(target.suffix)
    if kind is None:
        return shutil.copytree(source, target)
    return Path(
        shutil.make_archive(str(target).removesuffix(".tar.gz").removesuffix(".zip"), kind, source)
    )


def test_every_sound_ends_up_in_its_split_with_its_label_and_samples(source, tmp_path):
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    assert dataset == load_dataset(tmp_path / "out")
    verify_checksums(dataset)
    assert dataset.name == "source"
    assert dataset.classes == ("cat and mouse", "dog")
    assert dataset.counts == {"train": 26, "valid": 4, "test": 4}  # 10 % of 15 rounds to 2
    assert dataset.counts_by_class["train"] == {"cat and mouse": 11, "dog": 11}
    assert (dataset.unlabelled, dataset.ignored_files, dataset.skipped) == (4, 1, ())
    seen = []
    for split in dataset.counts:
        clips = read_clips(dataset, split)
        for audio, label, name in zip(clips.audio, clips.labels, clips.sources, strict=True):
            np.testing.assert_array_equal(audio, soundfile.read(source / name, dtype="int16")[0])
            folder = name.split("/")[0]
            assert folder == ("unlabelled" if label == UNLABELLED else dataset.classes[label])
            seen.append(name)
    assert sorted(seen) == sorted(
        path.relative_to(source).as_posix() for path in source.glob("*/*.*")
    )


def test_repeats_and_any_number_of_workers_give_equal_bytes(source, tmp_path):
    (source / "dog/empty.wav").touch()
    for name, workers in (("one", 1), ("again", 1), ("two", 2), ("all", 0)):
        prepare(
            config_of(source, tmp_path / name, workers=workers, max_bad_percent=5.0), progress=False
        )
    one = bytes_of(tmp_path / "one")
    assert len(one) == 6  # three splits, the description, the histogram twice
    for name in ("again", "two", "all"):
        assert bytes_of(tmp_path / name) == one


def test_large_splits_are_written_as_several_shards(source, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_BYTES", 10 * 2 * SAMPLES)
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    files = [(shard.file, shard.clips) for shard in dataset.shards if shard.split == "train"]
    assert files == [
        ("train-00000-of-00003.tfrecord", 10),
        ("train-00001-of-00003.tfrecord", 10),
        ("train-00002-of-00003.tfrecord", 6),
    ]
    sources = read_clips(dataset, "train").sources
    assert sources == tuple(sorted(sources))


def test_pythons_memory_does_not_grow_with_the_number_of_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "SHARD_BYTES", 50 * 2 * SAMPLES)
    monkeypatch.setattr(describe, "_draw_histogram", lambda *_: None)  # the most by far
    few, many = 120, 600  # more than the hundred that are decoded ahead
    for name, count in (("few", few), ("many", many)):
        for index in range(count):
            write_sound(tmp_path / f"{name}/dog/{index}.wav", index)
    peaks = []
    for name in ("few", "few", "many"):  # the first call loads what is loaded late
        tracemalloc.start()
        prepare(config_of(tmp_path / name, tmp_path / f"out {len(peaks)}"), progress=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Names and splits are kept, clips are not.
    assert peaks[2] - peaks[1] < (many - few) * 2 * SAMPLES / 2


def test_statistics_are_those_of_scipys_stft_of_the_training_clips(source, tmp_path):
    silence = np.zeros(SAMPLES, np.int16)
    silence[0] = 1000  # so that most of its spectrogram is digital silence: the floor
    soundfile.write(source / "dog/0.wav", silence, RATE_HZ, subtype="PCM_16")
    dataset = prepare(
        config_of(source, tmp_path / "out", FolderReader(test_percent=0.0)), progress=False
    )
    audio = read_clips(dataset, "train").audio / 32768.0
    wrapped = np.concatenate([audio[:, -128:], audio, audio[:, :128]], axis=1)
    window = scipy.signal.get_window("hann", 256)
    _, _, spectrum = scipy.signal.stft(
        wrapped, window=window, nperseg=256, noverlap=192, boundary=None, padded=False
    )
    magnitude = np.abs(spectrum[:, :128, : SAMPLES // 64]) * window.sum()  # no Nyquist bin
    expected = np.log(np.maximum(magnitude, MAGNITUDE_FLOOR))
    assert dataset.statistics.maximum == pytest.approx(expected.max(), abs=1e-5)
    assert dataset.statistics.mean == pytest.approx(expected.mean(), abs=1e-4)
    assert dataset.statistics.deviation == pytest.approx(expected.std(), abs=1e-4)


def test_statistics_of_clips_in_memory_equal_those_stored(source, tmp_path):
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    assert log_magnitude_statistics(read_clips(dataset, "train").audio, STFT) == dataset.statistics


def test_statistics_need_a_clip():
    with pytest.raises(ValueError, match="at least one clip"):
        log_magnitude_statistics(np.zeros([0, SAMPLES], np.int16), STFT)


def spoil(source):
    """Adds one file of each unusable kind; returns their names."""
    wav = (source / "dog/1.wav").read_bytes()
    kinds = {
        "dog/truncated.wav": wav[: len(wav) // 2],
        "dog/empty.wav": b"",
        "dog/text.wav": b"no sound",
        "dog/silent.wav": wav[:44] + bytes(len(wav) - 44),
    }
    for name, data in kinds.items():
        (source / name).write_bytes(data)
    not_finite = np.full(100, 0.1, np.float32)
    not_finite[50] = np.nan
    soundfile.write(source / "dog/nan.wav", not_finite, RATE_HZ, subtype="FLOAT")
    return sorted([*kinds, "dog/nan.wav"])


def test_unusable_files_are_skipped_named_and_counted(source, tmp_path, capsys):
    names = spoil(source)
    dataset = prepare(config_of(source, tmp_path / "out", max_bad_percent=15.0))
    assert sorted(skipped.source for skipped in dataset.skipped) == names
    assert sum(dataset.counts.values()) == 34
    reasons = {skipped.source: skipped.reason.split(":")[0] for skipped in dataset.skipped}
    assert reasons == {
        "dog/truncated.wav": "truncated",
        "dog/empty.wav": "empty file",
        "dog/text.wav": "broken",
        "dog/silent.wav": "silent",
        "dog/nan.wav": "non-finite samples",
    }
    log = capsys.readouterr().err
    assert "39 of 39 recordings" in log
    assert "5 recordings were skipped" in log
    assert "dog/empty.wav: empty file" in log


def test_too_many_unusable_files_are_an_error_that_leaves_nothing(source, tmp_path):
    spoil(source)
    message = (
        "5 of 39 recordings cannot be used, more than --max_bad_percent=12(.|\n)*dog/empty.wav"
    )
    with pytest.raises(DataError, match=message):
        prepare(config_of(source, tmp_path / "out", max_bad_percent=12.0), progress=False)
    assert os.listdir(tmp_path) == ["source"]


def test_a_class_without_usable_training_sound_is_an_error(source, tmp_path):
    (source / "bird").mkdir()
    (source / "bird/1.wav").touch()
    with pytest.raises(DataError, match=r"class bird has no usable training recording(.|\n)*empty"):
        prepare(config_of(source, tmp_path / "out", max_bad_percent=50.0), progress=False)
    assert os.listdir(tmp_path) == ["source"]


def test_an_existing_folder_is_kept_unless_told_to_overwrite(source, tmp_path):
    prepare(config_of(source, tmp_path / "out"), progress=False)
    before = bytes_of(tmp_path / "out")
    with pytest.raises(DataError, match="out exists already; --overwrite replaces it"):
        prepare(config_of(source, tmp_path / "out", FolderReader(seed=1)), progress=False)
    assert bytes_of(tmp_path / "out") == before
    prepare(
        config_of(source, tmp_path / "out", FolderReader(seed=1), overwrite=True), progress=False
    )
    assert bytes_of(tmp_path / "out") != before
    assert sorted(os.listdir(tmp_path)) == ["out", "source"]


def test_a_failed_overwrite_keeps_the_old_data_set(source, tmp_path):
    prepare(config_of(source, tmp_path / "out"), progress=False)
    before = bytes_of(tmp_path / "out")
    spoil(source)
    with pytest.raises(DataError, match="cannot be used"):
        prepare(config_of(source, tmp_path / "out", overwrite=True), progress=False)
    assert bytes_of(tmp_path / "out") == before
    assert sorted(os.listdir(tmp_path)) == ["out", "source"]


def test_only_a_data_set_is_overwritten(source, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("do not lose me")
    with pytest.raises(DataError, match="thesis is no data set folder, so it is not overwritten"):
        prepare(config_of(source, tmp_path / "thesis", overwrite=True), progress=False)
    assert (tmp_path / "thesis/chapter.txt").exists()


def test_out_and_source_do_not_contain_each_other(source):
    for out in (source, source / "out", source.parent):
        with pytest.raises(DataError, match="must not contain each other"):
            prepare(config_of(source, out, overwrite=True), progress=False)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_an_error_after_which_the_next_try_goes_on(
    source, tmp_path, monkeypatch, number
):
    def full(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_description", full)
        with pytest.raises(OSError, match=os.strerror(number)):
            prepare(config_of(source, tmp_path / "out"), progress=False)
    assert sorted(os.listdir(tmp_path)) == [".out.partial", "source"]
    monkeypatch.setattr(decode, "decode_clips", full)  # nothing is decoded again
    prepare(config_of(source, tmp_path / "out"), progress=False)
    assert sorted(os.listdir(tmp_path)) == ["out", "source"]


@pytest.mark.parametrize("killed_after", [1, 3])
def test_stopped_after_any_shard_it_ends_as_if_it_had_not(
    source, tmp_path, monkeypatch, killed_after
):
    spoil(source)
    monkeypatch.setattr(write, "SHARD_BYTES", 8 * 2 * SAMPLES)
    settings = {"max_bad_percent": 15.0, "min_level_dbfs": -20.0}
    prepare(config_of(source, tmp_path / "whole", **settings), progress=False)
    written, write_whole = [], shards.write_shard

    def write_shard(path, split, clips):
        if len(written) == killed_after:
            next(iter(clips))
            path.write_bytes(b"half")  # what a kill leaves
            raise KeyboardInterrupt
        written.append(path.name)
        return write_whole(path, split, clips)

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_shard", write_shard)
        with pytest.raises(KeyboardInterrupt):
            prepare(config_of(source, tmp_path / "out", **settings), progress=False)
    assert not (tmp_path / "out").exists()
    decoded = []

    def decode_clips(path, *arguments):
        decoded.append(path)
        return audio_module.decode_clips(path, *arguments)

    monkeypatch.setattr(decode, "decode_clips", decode_clips)
    prepare(config_of(source, tmp_path / "out", **settings), progress=False)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")
    assert len(decoded) == 39 - 8 * killed_after
    assert sorted(os.listdir(tmp_path)) == ["out", "source", "whole"]


def test_a_wrong_setting_does_not_throw_away_what_an_interrupted_call_had_finished(
    source, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_description", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare(config_of(source, tmp_path / "out"), progress=False)
    with pytest.raises(DataError, match="nowhere does not exist"):
        prepare(config_of(tmp_path / "nowhere", tmp_path / "out"), progress=False)
    monkeypatch.setattr(decode, "decode_clips", lambda *_: 1 / 0)  # nothing is decoded
    prepare(config_of(source, tmp_path / "out", max_bad_percent=7.0), progress=False)


def test_names_of_any_bytes_and_with_signs_of_mathematics_are_taken(tmp_path):
    source = tmp_path / "a$\\frac$b"
    write_sound(source / "dog/1.wav", 0)
    os.rename(source / "dog/1.wav", os.fsencode(source) + b"/dog/\xff \xc3\xa9.wav")
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    assert dataset.name == source.name
    assert read_clips(dataset, "train").sources == ("dog/\udcff é.wav",)


def test_what_a_link_points_to_is_overwritten(source, tmp_path):
    prepare(config_of(source, tmp_path / "real"), progress=False)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    prepare(config_of(source, tmp_path / "link", FolderReader(seed=1), overwrite=True), False)
    assert (tmp_path / "link").is_symlink()
    assert load_dataset(tmp_path / "real").settings["seed"] == 1


def test_recordings_that_only_a_list_names_are_told_and_counted(tmp_path, capsys):
    folder = tmp_path / "words"
    for index, digit in enumerate(DIGITS):
        write_sound(folder / digit / f"{index:x}_nohash_0.wav", index)
    (folder / "testing_list.txt").write_text("zero/gone_nohash_0.wav\nyes/gone_nohash_0.wav\n")
    (folder / "validation_list.txt").touch()
    dataset = prepare(config_of(folder, tmp_path / "out", SpeechCommandsReader()))
    assert "name 1 recordings that" in capsys.readouterr().err
    assert load_dataset(tmp_path / "out").absent_files == dataset.absent_files == 1
    assert "1 recordings that the corpus's lists name were not there" in summary(dataset)


def test_a_table_of_missing_files_is_refused_before_anything_is_decoded(tmp_path, monkeypatch):
    write_sound(tmp_path / "sounds/1.wav", 0)
    (tmp_path / "table.csv").write_text("path,label\nsounds/1.wav,a\nsounds/2.wav,a\n")
    monkeypatch.setattr(decode, "decode_clips", lambda *_: 1 / 0)
    with pytest.raises(DataError, match=r"1 of 2 recordings cannot be used(.|\n)*sounds/2\.wav"):
        prepare(config_of(tmp_path / "table.csv", tmp_path / "out", TableReader()), False)


def test_a_class_that_is_all_quiet_is_named_with_its_levels(source, tmp_path):
    with pytest.raises(DataError, match=r"no usable training recording: (.|\n)*dBFS at most"):
        prepare(config_of(source, tmp_path / "out", min_level_dbfs=-1.0), progress=False)


def test_a_changed_source_is_read_anew(source, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_description", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare(config_of(source, tmp_path / "out"), progress=False)
    new = write_sound(source / "dog/0.wav", 999)
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    found = {}
    for split in SPLITS:
        clips = read_clips(dataset, split)
        found |= dict(zip(clips.sources, clips.audio, strict=True))
    np.testing.assert_array_equal(found["dog/0.wav"], new)


@pytest.mark.parametrize("form", ["mine.zip", "mine.tar.gz"])
def test_an_archive_gives_the_shards_of_its_folder(source, tmp_path, form):
    prepare(config_of(source, tmp_path / "folder"), progress=False)
    archive = copied_to(tmp_path / form, source)
    dataset = prepare(config_of(archive, tmp_path / "archive"), progress=False)
    assert dataset.name == "mine"
    one, other = bytes_of(tmp_path / "folder"), bytes_of(tmp_path / "archive")
    named = {"dataset.json", "histogram.png", "histogram.pdf"}
    for name in one.keys() - named:  # which tell the name
        assert one[name] == other[name]


def test_quiet_clips_are_left_out_where_asked_and_are_not_bad(source, tmp_path, capsys):
    quiet = np.random.default_rng(0).integers(-30, 30, SAMPLES, dtype=np.int16)
    soundfile.write(source / "dog/quiet.wav", quiet, RATE_HZ, subtype="PCM_16")
    kept = prepare(config_of(source, tmp_path / "all"), progress=False)
    assert sum(kept.counts.values()) == 35
    dataset = prepare(
        config_of(source, tmp_path / "out", min_level_dbfs=-50.0, max_bad_percent=0.0)
    )
    assert [clip.source for clip in dataset.quiet] == ["dog/quiet.wav"]
    assert sum(dataset.counts.values()) == 34
    assert sum(dataset.levels_dbfs.values()) == 34
    assert "1 near-silent clips were skipped" in capsys.readouterr().err


def test_several_clips_of_one_file_and_further_labels_reach_the_shards(tmp_path):
    long = write_sound(tmp_path / "sounds/long.wav", 0, samples=4 * SAMPLES)
    write_sound(tmp_path / "sounds/short.wav", 1)
    rows = [f"sounds/long.wav,a,train,ann,{i * SAMPLES / RATE_HZ},{60 + i}" for i in range(4)]
    rows.append("sounds/short.wav,,,,,")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["path,label,split,speaker,start_s,pitch", *rows]))
    dataset = prepare(config_of(table, tmp_path / "out", TableReader()), progress=False)
    assert dataset.extra_labels == ("pitch",)
    assert dataset.speakers == {"train": 1, "valid": 0, "test": 0}
    clips = read_clips(load_dataset(tmp_path / "out"), "train")
    assert clips.extra["pitch"] == ("60", "61", "62", "63", "")
    assert clips.sources[1] == "sounds/long.wav@0.256"
    np.testing.assert_array_equal(clips.audio[:4].reshape(-1), long)
    assert list(clips.labels) == [0, 0, 0, 0, UNLABELLED]
    some = clips.subset(np.array([3, 0]))
    assert (some.extra["pitch"], some.speakers) == (("63", "60"), ("ann", "ann"))


def test_the_histogram_is_drawn(source, tmp_path):
    prepare(config_of(source, tmp_path / "out"), progress=False)
    picture = matplotlib.image.imread(tmp_path / "out" / describe.HISTOGRAM)
    assert picture.shape[0] > 200
    assert picture.std() > 0.05
    printed = (tmp_path / "out" / describe.HISTOGRAM).with_suffix(".pdf").read_bytes()
    assert printed.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": ()}, "needs a source: --source=DIR"),
        ({"reader": NotesReader()}, "takes no source"),
        ({"dynamic_range_nepers": 0.0}, "dynamic_range_nepers must be .* not 0"),
        ({"min_level_dbfs": 3.0}, "min_level_dbfs must be .* not 3"),
        ({"sample_rate_hz": 16}, "sample_rate_hz must be .* not 16"),
        ({"clip_samples": 1_000}, "clip_samples must be .* hop_samples \\(64\\), not 1000"),
        ({"max_bad_percent": 101.0}, "max_bad_percent must be .* not 101"),
        ({"workers": -1}, "workers must be .* not -1"),
    ],
)
def test_settings_out_of_range_are_named_with_their_value(changes, message):
    with pytest.raises(DataError, match=message):
        PrepareConfig(**({"sources": (Path("a"),), "out": Path("b"), "stft": STFT} | changes))


def test_ensure_notes_prepares_once_and_names_rate_and_length(tmp_path, capsys):
    path = ensure_notes(4_000, 1_024, STFT, folder=tmp_path)
    assert path == tmp_path / "notes_4000hz_1024"
    written = path.stat().st_mtime_ns
    assert ensure_notes(4_000, 1_024, STFT, folder=tmp_path) == path
    assert path.stat().st_mtime_ns == written
    assert "1,440 clips of 1,024 samples at 4,000 Hz" in capsys.readouterr().err


def test_ensure_notes_refuses_another_data_set_of_that_name(source, tmp_path):
    prepare(config_of(source, tmp_path / "notes"), progress=False)
    with pytest.raises(DataError, match="2048 samples at 8000 Hz, not 16384 at 16000 Hz"):
        ensure_notes(folder=tmp_path)


def command(*arguments):
    return [sys.executable, "-m", "gaae_tf.data.prepare", *arguments]


def test_the_command_prepares_as_the_function_does(source, tmp_path):
    arguments = [
        *("--source", str(source), "--out", str(tmp_path / "new/out"), "--sample_rate_hz=8000"),
        *("--clip_samples=2048", "--window=hann", "--window_samples=256", "--hop_samples=64"),
        *("--fft_size=256", "--workers=1"),
    ]
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    prepare(config_of(source, tmp_path / "out"), progress=False)
    assert bytes_of(tmp_path / "new/out") == bytes_of(tmp_path / "out")


def parsed(*arguments):
    values = flags.FlagValues()
    verb.define_flags(values)
    values(["prepare", *arguments])
    return values


@pytest.mark.parametrize(
    ("arguments", "reader"),
    [
        (["--corpus=folder", "--seed=3"], FolderReader(seed=3)),
        (["--chunks=all", "--sample_rate_hz=8000"], FolderReader(chunk_s=2.048)),
        (["--corpus=csv", "--valid_percent=20"], TableReader(valid_percent=20.0)),
        (["--corpus=s09"], SpeechCommandsReader()),
        (["--corpus=nsynth", "--families=organ,flute"], NSynthReader(("organ", "flute"))),
        (
            ["--corpus=nsynth", "--instrument_sources=electronic"],
            NSynthReader(instrument_sources=("electronic",)),
        ),
        (
            ["--corpus=librispeech", "--chunks=all", "--draw=2", "--clip_samples=8192"],
            LibriSpeechReader(chunks="all", draw=2, clip_s=0.512),
        ),
        (
            ["--corpus=librispeech", "--subsets=train-clean-100,dev-clean"],
            LibriSpeechReader(subsets=("train-clean-100", "dev-clean")),
        ),
        (["--corpus=fsdd", "--seed=1"], FsddReader(seed=1)),
        (["--corpus=fsdd", "--test_speakers=theo"], FsddReader(test_speakers=("theo",))),
    ],
)
def test_flags_become_the_corpus_reader(arguments, reader):
    values = parsed("--out=out", *arguments)
    assert verb._config_of(values, ["a.zip", "b"]) == PrepareConfig(
        out=Path("out"),
        reader=reader,
        sources=(Path("a.zip"), Path("b")),
        clip_samples=values.clip_samples,
        sample_rate_hz=values.sample_rate_hz,
    )


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["--corpus=s09"], ["speech_commands_v0.01.tar.gz"]),
        (["--corpus=s09", "--version=v0.02"], ["speech_commands_v0.02.tar.gz"]),
        (
            ["--corpus=nsynth"],
            [f"nsynth-{part}.jsonwav.tar.gz" for part in ("train", "valid", "test")],
        ),
        (["--corpus=librispeech"], ["train-clean-100.tar.gz"]),
        (["--corpus=librispeech", "--subsets=dev-other"], ["dev-other.tar.gz"]),
    ],
)
def test_official_archives_are_those_of_the_corpus(arguments, files):
    archives = verb._archives(parsed("--download", *arguments))
    assert [archive.file for archive in archives] == files
    assert verb._archives(parsed(*arguments)) == []


def test_download_needs_an_official_archive_and_no_source():
    with pytest.raises(DataError, match="corpus folder has no official archive; give --source"):
        verb._archives(parsed("--download"))
    with pytest.raises(DataError, match="--subsets=x is not published; there are train-clean-100"):
        verb._archives(parsed("--download", "--corpus=librispeech", "--subsets=x"))
    with pytest.raises(DataError, match="drop --source, or --download"):
        verb._archives(parsed("--download", "--corpus=s09", "--source=x"))
    with pytest.raises(DataError, match="--out is missing"):
        verb._config_of(parsed("--corpus=s09"), ["x"])


@pytest.mark.slow
def test_the_command_reports_errors_without_traceback(tmp_path):
    arguments = ["--source", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"error: source {tmp_path / 'nowhere'} does not exist" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_half_way_it_goes_on(tmp_path, number, status):
    source = tmp_path / "source"
    write_sound(source / "a/0.wav", 0, samples=100_000, rate_hz=44_100)
    for index in range(1, 5_000):
        os.link(source / "a/0.wav", source / f"a/{index}.wav")
    arguments = ["--source", str(source), "--out", str(tmp_path / "out"), "--workers=1"]
    process = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.partial/whole/train-*")):  # it has begun to write
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert "the same command goes on" in errors
    assert sorted(os.listdir(tmp_path)) == [".out.partial", "source"]
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "glyf" not in done.stderr  # what fontTools tells of histogram.pdf
    assert sorted(os.listdir(tmp_path)) == ["out", "source"]
    assert sum(load_dataset(tmp_path / "out").counts.values()) == 5_000


def test_the_description_is_printed_for_reading(source, tmp_path):
    prepare(config_of(source, tmp_path / "out"), progress=False)
    done = subprocess.run(
        command("--describe", str(tmp_path / "out")), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "34 clips of 2,048 samples at 8,000 Hz" in done.stdout
    assert "train      26 clips" in done.stdout
    assert "11 cat and mouse, 11 dog; 4 without a label" in done.stdout
    assert "suggested: --dynamic_range_nepers=" in done.stdout
    assert "corpus=folder" in done.stdout


def test_checksums_in_the_description_are_those_of_the_files(source, tmp_path):
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    for shard in dataset.shards:
        data = (tmp_path / "out" / shard.file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (shard.bytes, shard.sha256)

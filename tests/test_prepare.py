"""A folder of sounds to a data set folder, whole or not at all."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

import gaae_tf.data.prepare as prepare_module
from gaae_tf.data.prepare import PrepareConfig, ensure_notes, prepare
from gaae_tf.data.shards import UNLABELLED, DataError, load_dataset, read_clips, verify_checksums
from gaae_tf.data.statistics import MAGNITUDE_FLOOR, log_magnitude_statistics
from gaae_tf.ops.stft import StftSettings

RATE_HZ, SAMPLES = 8_000, 2_048
STFT = StftSettings(window="hann", window_samples=256, hop_samples=64, fft_size=256)


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


def config_of(source, out, **changes):
    settings = {"sample_rate_hz": RATE_HZ, "clip_samples": SAMPLES, "stft": STFT, "workers": 1}
    return PrepareConfig(out=out, source=source, **(settings | changes))


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


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
    assert len(one) == 4
    for name in ("again", "two", "all"):
        assert bytes_of(tmp_path / name) == one


def test_large_splits_are_written_as_several_shards(source, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare_module, "_SHARD_BYTES", 10 * 2 * SAMPLES)
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    files = [(shard.file, shard.clips) for shard in dataset.shards if shard.split == "train"]
    assert files == [
        ("train-00000-of-00003.tfrecord", 10),
        ("train-00001-of-00003.tfrecord", 10),
        ("train-00002-of-00003.tfrecord", 6),
    ]
    sources = read_clips(dataset, "train").sources
    assert sources == tuple(sorted(sources))


def test_statistics_are_those_of_scipys_stft_of_the_training_clips(source, tmp_path):
    silence = np.zeros(SAMPLES, np.int16)
    silence[0] = 1000  # so that most of its spectrogram is digital silence: the floor
    soundfile.write(source / "dog/0.wav", silence, RATE_HZ, subtype="PCM_16")
    dataset = prepare(config_of(source, tmp_path / "out", test_percent=0.0), progress=False)
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
        prepare(config_of(source, tmp_path / "out", seed=1), progress=False)
    assert bytes_of(tmp_path / "out") == before
    prepare(config_of(source, tmp_path / "out", seed=1, overwrite=True), progress=False)
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


def test_a_full_disk_is_an_error_that_leaves_nothing(source, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepare_module.shards, "write_description", full)
    with pytest.raises(OSError, match="No space left"):
        prepare(config_of(source, tmp_path / "out"), progress=False)
    assert os.listdir(tmp_path) == ["source"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus": "s10"}, "corpus must be one of folder, notes, not 's10'"),
        ({"source": None}, "needs a source: --source=DIR"),
        ({"corpus": "notes"}, "takes no source"),
        ({"sample_rate_hz": 16}, "sample_rate_hz must be .* not 16"),
        ({"clip_samples": 1_000}, "clip_samples must be .* hop_samples \\(64\\), not 1000"),
        ({"valid_percent": -1.0}, "valid_percent must be .* not -1"),
        ({"valid_percent": 50.0, "test_percent": 50.0}, "must leave something to train with"),
        ({"max_bad_percent": 101.0}, "max_bad_percent must be .* not 101"),
        ({"workers": -1}, "workers must be .* not -1"),
    ],
)
def test_settings_out_of_range_are_named_with_their_value(changes, message):
    with pytest.raises(DataError, match=message):
        config_of(**({"source": Path("a"), "out": Path("b")} | changes))


def test_ensure_notes_prepares_once_and_names_rate_and_length(tmp_path, capsys):
    path = ensure_notes(4_000, 1_024, STFT, folder=tmp_path)
    assert path == tmp_path / "notes_4000hz_1024"
    written = path.stat().st_mtime_ns
    assert ensure_notes(4_000, 1_024, STFT, folder=tmp_path) == path
    assert path.stat().st_mtime_ns == written
    assert "1155 train, 117 valid, 168 test clips" in capsys.readouterr().err


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


@pytest.mark.slow
def test_the_command_reports_errors_without_traceback(tmp_path):
    arguments = ["--source", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"error: source folder {tmp_path / 'nowhere'} does not exist" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_half_way_it_leaves_nothing(tmp_path, number, status):
    source = tmp_path / "source"
    write_sound(source / "a/0.wav", 0, samples=100_000, rate_hz=44_100)
    for index in range(1, 20_000):
        os.link(source / "a/0.wav", source / f"a/{index}.wav")
    arguments = ["--source", str(source), "--out", str(tmp_path / "out"), "--workers=1"]
    process = subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.partial-*/train-*")):  # it has begun to write
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert os.listdir(tmp_path) == ["source"]


def test_checksums_in_the_description_are_those_of_the_files(source, tmp_path):
    dataset = prepare(config_of(source, tmp_path / "out"), progress=False)
    for shard in dataset.shards:
        data = (tmp_path / "out" / shard.file).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (shard.bytes, shard.sha256)

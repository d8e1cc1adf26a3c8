"""TFRecord shards and dataset.json: what is written comes back, and damage is found."""

import json
import time

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.data.shards import (
    Dataset,
    load_dataset,
    read_clips,
    shard_name,
    verify_checksums,
    write_description,
    write_shard,
)
from gaae_tf.data.statistics import HISTOGRAM_BINS, LogMagnitudeHistogram
from gaae_tf.data.terms import SPLITS, UNLABELLED, DataError, Skipped
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings

SAMPLES = 256
SOURCES = ("a/1.wav", "b/о дин.wav", "unlabelled/\udcff.wav")  # the last: a byte that is no UTF-8


def noise(count, samples=SAMPLES):
    return np.random.default_rng(0).integers(-32768, 32768, [count, samples], dtype=np.int16)


def write_dataset(folder, audio, shards=1):
    """`audio` int16 [n, samples] as the training split, labels 0, 1, -1, 0, 1, -1, ..."""
    labels = [(0, 1, UNLABELLED)[i % 3] for i in range(len(audio))]
    written = []
    for index, part in enumerate(np.array_split(np.arange(len(audio)), shards)):
        clips = [
            (audio[i], labels[i], f"speaker {i}", SOURCES[i % 3], (str(60 + i), "é"[: i % 2]))
            for i in part
        ]
        written.append(write_shard(folder / shard_name("train", index, shards), "train", clips))
    dataset = Dataset(
        path=folder,
        name="mine",
        sample_rate_hz=16_000,
        clip_samples=audio.shape[1],
        classes=("a", "b"),
        counts={"train": len(audio), "valid": 0, "test": 0},
        counts_by_class={s: {"a": labels.count(0) * (s == "train"), "b": 0} for s in SPLITS},
        unlabelled=labels.count(UNLABELLED),
        speakers={"train": len(audio), "valid": 0, "test": 0},
        extra_labels=("pitch", "accent"),
        stft=StftSettings(window="hann"),
        statistics=LogMagnitudeStatistics(maximum=4.5, mean=-1.25, deviation=0.1),
        histogram=LogMagnitudeHistogram((0, 3, *[1] * (HISTOGRAM_BINS - 2)), silent=5),
        suggested_dynamic_range_nepers=12,
        levels_dbfs={"-40": 1, "-23": len(audio) - 1},
        licence="MIT ©",
        skipped=(Skipped("a/2.wav", "empty file"),),
        quiet=(Skipped("a/3.wav", "-61.0 dBFS at most"),),
        ignored_files=3,
        settings={"seed": 7},
        shards=tuple(written),
    )
    write_description(dataset)
    return dataset


def test_a_data_set_folder_comes_back_as_it_was_written(tmp_path):
    assert load_dataset(write_dataset(tmp_path, noise(5), shards=2).path) == load_dataset(tmp_path)
    assert load_dataset(str(tmp_path)) == write_dataset(tmp_path, noise(5), shards=2)


def test_a_full_s09_takes_less_than_a_gigabyte(tmp_path):
    audio = noise(8, samples=16_384)
    clips = [(a, 7, "0a7c2a8d", "seven/0a7c2a8d_nohash_0.wav", ()) for a in audio]
    shard = write_shard(tmp_path / "train", "train", clips)
    assert shard.bytes / len(audio) * 23_666 < 1e9  # the digits of Speech Commands v0.01


def test_clips_come_back_sample_by_sample_in_the_order_of_their_shards(tmp_path):
    audio = noise(7)
    write_dataset(tmp_path, audio, shards=3)
    clips = read_clips(load_dataset(tmp_path), "train")
    np.testing.assert_array_equal(clips.audio, audio)
    assert clips.audio.dtype == np.int16
    assert clips.labels.tolist() == [0, 1, -1, 0, 1, -1, 0]
    assert clips.labels.dtype == np.int32
    assert clips.speakers == tuple(f"speaker {i}" for i in range(7))
    assert clips.sources == tuple(SOURCES[i % 3] for i in range(7))
    assert clips.extra["pitch"] == tuple(str(60 + i) for i in range(7))
    assert clips.extra["accent"] == ("", "é", "", "é", "", "é", "")


def test_records_are_examples_that_any_program_can_read(tmp_path):
    dataset = write_dataset(tmp_path, np.int16([[1, -2] * 128]))
    record = next(
        tf.data.TFRecordDataset(str(tmp_path / dataset.shards[0].file)).as_numpy_iterator()
    )
    features = tf.train.Example.FromString(record).features.feature
    assert set(features) == {"audio", "label", "speaker", "source", "split", "extra"}
    assert list(features["extra"].bytes_list.value) == [b"60", b""]
    assert features["audio"].bytes_list.value[0] == b"\x01\x00\xfe\xff" * 128  # little-endian
    assert features["label"].int64_list.value[0] == 0
    assert features["speaker"].bytes_list.value[0] == b"speaker 0"
    assert features["source"].bytes_list.value[0] == b"a/1.wav"
    assert features["split"].bytes_list.value[0] == b"train"


def test_a_split_without_clips_is_empty(tmp_path):
    clips = read_clips(write_dataset(tmp_path, noise(3)), "valid")
    assert clips.audio.shape == (0, SAMPLES)
    assert (len(clips.labels), clips.speakers, clips.sources) == (0, (), ())


def test_reading_two_thousand_one_second_clips_takes_less_than_two_seconds(tmp_path):
    dataset = write_dataset(tmp_path, noise(2_000, 16_384))
    started = time.perf_counter()
    assert len(read_clips(dataset, "train").labels) == 2_000
    assert time.perf_counter() - started < 2.0  # 0.2 s on two idle cores


def test_description_holds_no_path(tmp_path):
    write_dataset(tmp_path, noise(1))
    text = (tmp_path / "dataset.json").read_text()
    assert str(tmp_path) not in text
    assert json.loads(text)["format_version"] == 2


def test_an_unknown_split_is_named(tmp_path):
    with pytest.raises(DataError, match="split must be one of train, valid, test, not 'dev'"):
        read_clips(write_dataset(tmp_path, noise(1)), "dev")


def test_a_folder_without_description_is_no_data_set(tmp_path):
    with pytest.raises(DataError, match=r"is no data set folder: it has no dataset.json"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format_version", 99, "has format_version 99, this program reads 2"),
        ("stft", {"window": "boxcar"}, "damaged: window must be one of"),
        ("surplus", 1, "damaged: .*surplus"),
    ],
)
def test_a_description_of_another_kind_is_refused(tmp_path, key, value, message):
    write_dataset(tmp_path, noise(1))
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path)


def test_a_cut_off_description_is_refused(tmp_path):
    write_dataset(tmp_path, noise(1))
    path = tmp_path / "dataset.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(DataError, match=r"dataset.json cannot be read"):
        load_dataset(tmp_path)


def test_a_missing_and_a_shortened_shard_are_found_on_loading(tmp_path):
    shard = tmp_path / write_dataset(tmp_path, noise(2)).shards[0].file
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"tfrecord has .* bytes, dataset.json says"):
        load_dataset(tmp_path)
    shard.unlink()
    with pytest.raises(DataError, match="tfrecord is missing"):
        load_dataset(tmp_path)


def test_a_changed_byte_is_found_by_the_checksum_and_on_reading(tmp_path):
    dataset = write_dataset(tmp_path, noise(2))
    verify_checksums(dataset)
    shard = tmp_path / dataset.shards[0].file
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"is damaged: SHA-256 is"):
        verify_checksums(load_dataset(tmp_path))
    with pytest.raises(DataError, match=r"is damaged"):
        read_clips(load_dataset(tmp_path), "train")

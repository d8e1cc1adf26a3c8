"""What prepare says of a data set before it is trained on."""

import numpy as np
import pytest
import soundfile
from test_streams import PIPED, sound

from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.data.shards import read_clips
from gaae_tf.ops.settings import StftSettings

RATE_HZ, SAMPLES = 16_000, 2_048
CLIP_S = SAMPLES / RATE_HZ
STFT = StftSettings(window="hann", window_samples=256, hop_samples=64, fft_size=256)


def prepared(source, reader=None, **settings):
    config = PrepareConfig(
        out=source.parent / "out",
        sources=(source,),
        reader=reader or FolderReader(),
        sample_rate_hz=RATE_HZ,
        clip_samples=SAMPLES,
        stft=STFT,
        workers=1,
        **settings,
    )
    return prepare(config)


def write_classes(folder, seconds=CLIP_S, **counts):
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            soundfile.write(
                folder / name / f"{index}.wav", (index + 1) / 20 * sound(seconds), RATE_HZ
            )
    return folder


def notes(capsys):
    return [line[6:] for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]


def test_a_data_set_that_has_all_is_told_nothing_of(tmp_path, capsys):
    prepared(write_classes(tmp_path / "in", dog=10, cat=10))
    assert notes(capsys) == []


def test_classes_without_test_clips_are_named_with_what_gives_them_some(tmp_path, capsys):
    source = write_classes(tmp_path / "in", dog=10, cat=5, cow=4)
    prepared(source)
    (note,) = notes(capsys)
    assert note.startswith("no test clips of cat, cow: evaluation needs some of each class; ")
    command = note[note.index("`") + 1 : note.rindex("`")].split()
    assert {"--test_percent=25", "--overwrite=true", f"--out={tmp_path / 'out'}"} <= set(command)
    dataset = prepared(source, FolderReader(test_percent=25), overwrite=True)
    assert dataset.counts_by_class["test"] == {"cat": 1, "cow": 1, "dog": 2}
    assert notes(capsys) == []


def test_too_few_recordings_to_test_on_are_told_as_that(tmp_path, capsys):
    prepared(write_classes(tmp_path / "in", dog=2))
    assert notes(capsys)[0].endswith("add recordings, so that each class has 3 or more")


def test_a_source_with_splits_of_its_own_needs_test_recordings(tmp_path, capsys):
    write_classes(tmp_path / "in/train", dog=2)
    prepared(tmp_path / "in")
    assert notes(capsys)[0].endswith("test/ folder of its recordings, and prepare them again")


def test_sound_that_is_not_used_is_told_with_the_flag_that_uses_it(tmp_path, capsys):
    source = write_classes(tmp_path / "in", seconds=60.0, dog=10)
    one = prepared(source)
    assert sum(one.counts.values()) == 10
    (note,) = notes(capsys)
    assert "one clip of 0.128 s is taken of each recording, 0 min 1 s of 10 min 0 s" in note
    assert "--chunks=all --overwrite" in note
    chunked = prepared(source, FolderReader(chunk_s=CLIP_S), overwrite=True)
    assert sum(chunked.counts.values()) == 10 * int(60.0 / CLIP_S)
    assert notes(capsys) == []


def test_all_clips_of_a_recording_are_its_parts_and_in_its_split(tmp_path):
    source = write_classes(tmp_path / "in", seconds=4.5 * CLIP_S, dog=10)
    splits_of_one = splits(prepared(source))
    dataset = prepared(source, FolderReader(chunk_s=CLIP_S), overwrite=True)
    assert splits(dataset) == splits_of_one
    for split in ("train", "valid", "test"):
        clips = read_clips(dataset, split)
        for name in {name.partition("@")[0] for name in clips.sources}:
            those = [i for i, other in enumerate(clips.sources) if other.partition("@")[0] == name]
            whole = soundfile.read(source / name, dtype="int16")[0]
            np.testing.assert_array_equal(clips.audio[those].ravel(), whole[: 4 * SAMPLES])


def splits(dataset):
    return {
        name.partition("@")[0]: split
        for split in ("train", "valid", "test")
        for name in read_clips(dataset, split).sources
    }


def test_a_file_that_cannot_be_cut_is_skipped_by_name(tmp_path):
    source = write_classes(tmp_path / "in", dog=10)
    (source / "dog/broken.wav").write_bytes(b"no sound")
    dataset = prepared(source, FolderReader(chunk_s=CLIP_S), max_bad_percent=50.0)
    assert [skipped.source for skipped in dataset.skipped] == ["dog/broken.wav"]


@pytest.mark.parametrize("what", PIPED)
def test_lengths_that_no_header_tells_are_named_where_the_end_was_met(what, tmp_path, capsys):
    source = write_classes(tmp_path / "in", dog=10)
    (source / "dog/short.wav").write_bytes(PIPED[what](sound(0.05)))
    (source / "dog/long.wav").write_bytes(PIPED[what](sound(0.5)))
    assert sum(prepared(source).counts.values()) == 12
    (note,) = notes(capsys)
    assert note.startswith("the headers of 1 recordings do not tell how long they are")
    assert note.endswith(": dog/short.wav")


def test_files_of_formats_that_cannot_be_read_are_named_and_counted(tmp_path, capsys):
    source = write_classes(tmp_path / "in", dog=10)
    (source / "dog/phone.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(99))
    (source / "dog/memo.amr").write_bytes(b"#!AMR\n" + bytes(99))
    dataset = prepared(source, max_bad_percent=50.0)
    assert {skipped.source: skipped.reason.split(" cannot")[0] for skipped in dataset.skipped} == {
        "dog/phone.m4a": "MPEG-4 (.m4a, .mp4)",
        "dog/memo.amr": "AMR",
    }
    told = capsys.readouterr().err
    assert "2 recordings were skipped" in told
    assert "dog/phone.m4a: MPEG-4 (.m4a, .mp4) cannot be read; convert it" in told

"""Speech Commands as its publisher lays it out; names alone count, so the sounds hold nothing."""

import shutil
from collections import Counter

import pytest

from gaae_tf.data.corpora.speech_commands import DIGITS, SpeechCommandsReader
from gaae_tf.data.terms import DataError, Skipped


@pytest.fixture
def folder(tmp_path):
    """Three clips of two speakers for each digit: for training, validation and testing."""
    folder = tmp_path / "speech_commands_v0.01"
    names = ("0a7c2a8d_nohash_0.wav", "0a7c2a8d_nohash_1.wav", "c50f55b8_nohash_0.wav")
    for word in (*DIGITS, "yes", "_background_noise_"):
        (folder / word).mkdir(parents=True)
        for name in names if word != "_background_noise_" else ("doing_the_dishes.wav",):
            (folder / word / name).touch()
    for file, name in (("validation_list.txt", names[1]), ("testing_list.txt", names[2])):
        # The lists name all words' files, and files of the full set that may be missing.
        entries = [f"{word}/{name}" for word in (*DIGITS, "yes", "bed")]
        (folder / file).write_text("\n".join(entries) + "\n")
    (folder / "README.md").touch()
    (folder / "LICENSE").write_text("Attribution 4.0 International")
    return folder


def read(path):
    reader = SpeechCommandsReader()
    with reader.open([path], path.parent / "scratch") as source:
        return reader.read(source)


def test_digits_have_the_lists_splits_and_the_hash_as_speaker(folder):
    corpus = read(folder)
    assert (corpus.name, corpus.classes, corpus.own_splits) == ("s09", DIGITS, True)
    assert Counter((r.label, r.split) for r in corpus.recordings) == dict.fromkeys(
        [(digit, split) for digit in DIGITS for split in ("train", "valid", "test")], 1
    )
    first, last = corpus.recordings[0], corpus.recordings[-1]
    assert (first.source, first.label, first.speaker, first.split) == (
        *("eight/0a7c2a8d_nohash_0.wav", "eight"),
        *("0a7c2a8d", "train"),
    )
    assert (last.source, last.speaker, last.split) == (
        *("zero/c50f55b8_nohash_0.wav", "c50f55b8"),
        "test",
    )
    assert corpus.licence == "Attribution 4.0 International"
    assert not corpus.skipped


def test_what_is_no_digit_is_ignored_and_counted(folder):
    # Three of "yes", one noise, two lists, readme and licence.
    assert read(folder).ignored_files == 8


def test_the_folder_its_parent_and_its_archives_give_the_same(folder):
    expected = read(folder)
    archives = [
        shutil.make_archive(str(folder.parent / "zipped"), "zip", folder.parent, folder.name),
        shutil.make_archive(str(folder.parent / "flat"), "gztar", folder),  # as the publisher's
    ]
    outer = folder.parent / "outer"
    shutil.copytree(folder, outer / folder.name)
    for path in (outer, *map(folder.parent.joinpath, archives)):
        corpus = read(path)
        assert [(r.source, r.label, r.speaker, r.split) for r in corpus.recordings] == [
            (r.source, r.label, r.speaker, r.split) for r in expected.recordings
        ]
        assert (corpus.name, corpus.licence) == (expected.name, expected.licence)
        assert corpus.ignored_files == expected.ignored_files


def test_a_digit_of_another_name_is_skipped_and_named(folder):
    (folder / "two/mine.wav").touch()
    skipped = Skipped("two/mine.wav", "name is not SPEAKER_nohash_NUMBER.wav")
    assert read(folder).skipped == (skipped,)


def test_digits_that_the_lists_name_and_the_folder_lacks_are_told(folder):
    assert read(folder).absent == ()  # other words do not count
    (folder / "two/c50f55b8_nohash_0.wav").unlink()
    with (folder / "validation_list.txt").open("a") as file:
        file.write("one/beef_nohash_0.wav\n")
    assert read(folder).absent == ("one/beef_nohash_0.wav", "two/c50f55b8_nohash_0.wav")


def test_a_missing_list_is_named_with_what_was_found(folder):
    (folder / "testing_list.txt").unlink()
    with pytest.raises(
        DataError,
        match=r"v0.01 has no testing_list.txt; looked for zero/ .* found _background_noise_/",
    ):
        read(folder)


def test_a_recording_of_both_lists_is_refused(folder):
    with (folder / "testing_list.txt").open("a") as file:
        file.write("two/0a7c2a8d_nohash_1.wav\n")
    with pytest.raises(DataError, match=r"two/0a7c2a8d_nohash_1.wav is in both validation_list"):
        read(folder)


def test_two_versions_at_once_are_refused(folder):
    shutil.copytree(folder, folder.parent / "both/a")
    shutil.copytree(folder, folder.parent / "both/b")
    with pytest.raises(DataError, match=r"several validation_list.txt: a/valid.* and b/valid"):
        read(folder.parent / "both")


def test_a_digit_without_training_recordings_is_named(folder):
    (folder / "two/0a7c2a8d_nohash_0.wav").unlink()
    with pytest.raises(DataError, match="s09 has no training recording of two"):
        read(folder)

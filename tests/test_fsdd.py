"""The Free Spoken Digit Dataset; names alone count, so the sounds hold nothing."""

import shutil
from collections import Counter

import pytest

from gaae_tf.data.corpora.fsdd import FsddReader
from gaae_tf.data.corpora.speech_commands import DIGITS
from gaae_tf.data.terms import DataError


@pytest.fixture
def folder(tmp_path):
    """Two speakers, ten digits, 15 each, as the repository's archive has them."""
    folder = tmp_path / "free-spoken-digit-dataset-1.0.10"
    (folder / "recordings").mkdir(parents=True)
    for speaker in ("george", "yweweler"):
        for digit in range(10):
            for index in range(15):
                (folder / f"recordings/{digit}_{speaker}_{index}.wav").touch()
    (folder / "README.md").touch()
    (folder / "utils").mkdir()
    (folder / "utils/trimmer.py").touch()
    return folder


def read(path, **settings):
    reader = FsddReader(**settings)
    with reader.open([path], path.parent / "scratch") as source:
        return reader.read(source)


def facts(corpus):
    return [(r.source, r.label, r.speaker, r.split) for r in corpus.recordings]


def test_indices_up_to_four_are_for_testing_and_a_share_of_the_rest_for_validation(folder):
    corpus = read(folder, valid_percent=20.0)
    assert corpus.classes == DIGITS
    assert Counter((r.label, r.split) for r in corpus.recordings) == {
        (digit, split): count
        for digit in DIGITS
        for split, count in (("train", 16), ("valid", 4), ("test", 10))  # 20 % of 2 × 10; 2 × 5
    }
    by_source = {r.source: r for r in corpus.recordings}
    assert by_source["recordings/7_yweweler_4.wav"].split == "test"
    assert by_source["recordings/7_yweweler_5.wav"].split != "test"
    assert by_source["recordings/7_yweweler_5.wav"].label == "seven"
    assert by_source["recordings/7_yweweler_5.wav"].speaker == "yweweler"
    assert corpus.ignored_files == 2
    assert "CC BY-SA 4.0" in corpus.licence


def test_the_seed_draws_other_validation_recordings_and_leaves_the_test(folder):
    one, other = facts(read(folder)), facts(read(folder, seed=1))
    assert one != other
    assert [f for f in one if f[3] == "test"] == [f for f in other if f[3] == "test"]


def test_the_folder_of_recordings_and_archives_give_the_same(folder):
    expected = read(folder)
    archive = shutil.make_archive(str(folder.parent / "fsdd"), "zip", folder.parent, folder.name)
    assert facts(read(folder / "recordings")) == facts(expected)
    assert facts(read(folder.parent / archive)) == facts(expected)


def test_files_of_another_name_are_ignored(folder):
    (folder / "recordings/10_george_0.wav").touch()
    (folder / "recordings/seven.wav").touch()
    assert read(folder).ignored_files == 4


def test_another_folder_is_refused_with_what_was_found(tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "dog.wav").touch()
    with pytest.raises(DataError, match=r"DIGIT_SPEAKER_INDEX.wav, found cats/, 1 other files"):
        read(tmp_path)


def test_a_share_out_of_range_names_the_flag():
    with pytest.raises(DataError, match="valid_percent must be from 0 to below 100, not -1"):
        FsddReader(valid_percent=-1)


def test_speakers_for_testing_are_kept_from_training_and_nobody_else_is_tested(folder):
    corpus = read(folder, valid_percent=20.0, test_speakers=("george",))
    assert Counter((r.speaker, r.split) for r in corpus.recordings) == {
        ("george", "test"): 150,
        ("yweweler", "train"): 120,
        ("yweweler", "valid"): 30,
    }


def test_an_unknown_speaker_for_testing_is_refused_with_those_there_are(folder):
    with pytest.raises(DataError, match=r"of jorge \(test_speakers\).* of george, yweweler"):
        read(folder, test_speakers=("jorge", "george"))

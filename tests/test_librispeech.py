"""LibriSpeech as its publisher lays it out, with short recordings at 1 kHz."""

import shutil
from collections import Counter

import numpy as np
import pytest
import soundfile

from gaae_tf.data.corpora.librispeech import LibriSpeechReader
from gaae_tf.data.terms import DataError

SPEAKERS = """\
; Some pipe(|) separated metadata about all LibriVox readers
;ID  |SEX| SUBSET           |MINUTES| NAME
19   | F | train-clean-100  | 25.19 | Kara Shallenberg

60   | M | train-clean-100  | 20.18 | |CBW|Simon
84|F|dev-clean|8.02|Christie Nowak
1089 | M | test-clean       | 8.05  | Peter Bobbe
"""


def record(folder, reader, number=0, seconds=2.5):
    path = folder / f"{reader}/7/{reader}-7-{number:04}.flac"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(round(1000 * seconds)), 1000)
    return path


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "LibriSpeech"
    for subset, reader in (
        *(("train-clean-100", 19), ("train-clean-100", 60)),
        *(("dev-clean", 84), ("test-clean", 1089)),
    ):
        record(folder / subset, reader, 0)
        record(folder / subset, reader, 1)
        (folder / subset / f"{reader}/7/{reader}-7.trans.txt").touch()
    (folder / "SPEAKERS.TXT").write_text(SPEAKERS)
    (folder / "LICENSE.TXT").write_text("Attribution 4.0 International")
    return folder


def read(*paths, **settings):
    reader = LibriSpeechReader(**{"clip_s": 1.0, **settings})
    with reader.open(paths, paths[0].parent / "scratch") as source:
        return reader.read(source)


def facts(corpus):
    return [(r.source, r.label, r.speaker, r.split, r.start_s) for r in corpus.recordings]


def test_readers_have_the_gender_of_the_list_and_the_split_of_their_subset(folder):
    corpus = read(folder)
    assert (corpus.classes, corpus.own_splits) == (("female", "male"), True)
    assert Counter((r.speaker, r.label, r.split) for r in corpus.recordings) == {
        ("19", "female", "train"): 2,
        ("60", "male", "train"): 2,
        ("84", "female", "valid"): 2,
        ("1089", "male", "test"): 2,
    }
    assert corpus.ignored_files == 6  # four transcripts, the list and the licence
    assert corpus.licence == "Attribution 4.0 International"


def test_one_clip_a_recording_begins_anywhere_in_it(tmp_path):
    for number in range(200):
        record(tmp_path / "train-clean-100", 19 if number % 2 else 60, number, seconds=2.0)
    (tmp_path / "SPEAKERS.TXT").write_text(SPEAKERS)
    corpus = read(tmp_path)
    starts_s = np.array([r.start_s for r in corpus.recordings])
    assert starts_s.min() >= 0.0
    assert starts_s.max() <= 1.0  # 2 s less the clip
    # Uniform on [0, 1]: the mean's deviation is sqrt(1/12 / 200) = 0.020, five of them allowed.
    assert starts_s.mean() == pytest.approx(0.5, abs=0.1)
    np.testing.assert_allclose(np.histogram(starts_s, 4, (0.0, 1.0))[0], 50, atol=31)
    for r in corpus.recordings:
        path, _, start = r.source.partition("@")
        assert path == f"train-clean-100/{r.file.removeprefix('train-clean-100/')}"
        assert float(start) == r.start_s == round(r.start_s, 6)
    assert facts(read(tmp_path)) == facts(corpus)
    assert facts(read(tmp_path, draw=1)) != facts(corpus)


def test_all_clips_follow_each_other_and_the_remainder_is_dropped(tmp_path):
    for number, seconds in enumerate((0.3, 1.0, 1.999, 3.3)):
        record(tmp_path / "train-clean-100", 19, number, seconds)
        record(tmp_path / "train-clean-100", 60, number, seconds)
    (tmp_path / "SPEAKERS.TXT").write_text(SPEAKERS)
    corpus = read(tmp_path, chunks="all", valid_percent=0.0, test_percent=0.0)
    starts_s = {}
    for r in corpus.recordings:
        starts_s.setdefault(r.file[-9:-5], []).append(r.start_s)
    assert starts_s == {  # for each of two readers
        "0000": [0.0] * 2,
        "0001": [0.0] * 2,
        "0002": [0.0] * 2,
        "0003": [0.0, 1.0, 2.0] * 2,
    }
    assert [r.source for r in corpus.recordings if r.file.endswith("19-7-0003.flac")] == [
        f"train-clean-100/19/7/19-7-0003.flac{start}" for start in ("", "@1", "@2")
    ]


def test_clips_of_a_fractional_length_are_all_found(tmp_path):
    for reader in (19, 60):
        record(tmp_path / "train-clean-100", reader, 0, seconds=3 * 0.7)  # 3 × 0.7 / 0.7 < 3
    (tmp_path / "SPEAKERS.TXT").write_text(SPEAKERS)
    corpus = read(tmp_path, chunks="all", clip_s=0.7)
    assert [r.start_s for r in corpus.recordings] == [0.0, 0.7, 1.4] * 2


def test_readers_of_training_subsets_alone_are_drawn_as_a_whole(tmp_path):
    readers = range(100, 140)
    for reader in readers:
        record(tmp_path / "train-clean-100", reader, 0)
        record(tmp_path / "train-clean-100", reader, 1)
    lines = [f"{r} | {'FM'[r % 2]} | train-clean-100 | 25.0 | Name\n" for r in readers]
    (tmp_path / "SPEAKERS.TXT").write_text("".join(lines))
    corpus = read(tmp_path, valid_percent=10.0, test_percent=20.0)
    assert not corpus.own_splits
    splits = {r.speaker: set() for r in corpus.recordings}
    for r in corpus.recordings:
        splits[r.speaker].add(r.split)
    assert all(len(found) == 1 for found in splits.values())
    # 20 readers of each gender, two recordings each.
    assert Counter((r.label, r.split) for r in corpus.recordings) == {
        (label, split): count
        for label in ("female", "male")
        for split, count in (("train", 28), ("valid", 4), ("test", 8))
    }


def test_the_folder_its_parent_a_subset_and_archives_give_the_same(folder):
    expected = read(folder)
    archives = []
    for subset in ("train-clean-100", "dev-clean", "test-clean"):
        # As the publisher packs them: each subset with the folder's texts.
        packed = folder.parent / subset / "LibriSpeech"
        shutil.copytree(folder / subset, packed / subset)
        for text in ("SPEAKERS.TXT", "LICENSE.TXT"):
            shutil.copy(folder / text, packed)
        base = str(folder.parent / "archives" / subset)
        archives.append(folder.parent / shutil.make_archive(base, "gztar", packed.parent))
    outer = folder.parent / "outer"
    shutil.copytree(folder, outer / "LibriSpeech")
    assert facts(read(outer)) == facts(expected)
    assert facts(read(*archives)) == facts(expected)
    alone = {"subsets": ("train-clean-100",), "valid_percent": 0.0, "test_percent": 0.0}
    training = facts(read(folder, **alone))
    assert training == [fact for fact in facts(expected) if fact[3] == "train"]
    assert facts(read(folder / "train-clean-100", **alone)) == training  # the list lies beside it
    assert facts(read(archives[0], **alone)) == training


def test_subsets_are_chosen(folder):
    corpus = read(folder, subsets=("train-clean-100", "test-clean"))
    assert Counter(r.split for r in corpus.recordings) == {"train": 4, "test": 2}
    assert corpus.own_splits


def test_unreadable_recordings_and_unknown_readers_are_skipped(folder):
    path = folder / "train-clean-100/19/7/19-7-0001.flac"
    path.write_bytes(b"no sound")
    record(folder / "train-clean-100", 20)
    corpus = read(folder)
    assert [s.source for s in corpus.skipped] == [
        "train-clean-100/19/7/19-7-0001.flac",
        "train-clean-100/20/7/20-7-0000.flac",
    ]
    assert corpus.skipped[0].reason.startswith("broken")
    assert corpus.skipped[1].reason == "reader 20 is not in SPEAKERS.TXT"


def test_missing_parts_are_named(folder):
    with pytest.raises(
        DataError, match=r"no recording of test-other, found dev-clean/, test-clean/, train"
    ):
        read(folder, subsets=("test-other", "dev-clean"))
    with pytest.raises(DataError, match=r"dev-clean, test-clean but no train-\* to train with"):
        read(folder, subsets=("test-clean", "dev-clean"))
    with pytest.raises(
        DataError, match=r"no recording of LibriSpeech; looked for train-clean-100/"
    ):
        read(folder / "test-clean/1089")
    (folder / "SPEAKERS.TXT").unlink()
    with pytest.raises(DataError, match=r"LibriSpeech has no SPEAKERS.TXT"):
        read(folder)


def test_a_damaged_list_names_the_line(folder):
    (folder / "SPEAKERS.TXT").write_text("; ok\n19 | F | x\n60 | ? | y\n")
    with pytest.raises(DataError, match=r"SPEAKERS.TXT:3 must begin with 'ID \| F' or 'ID \| M'"):
        read(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subsets": ("clean",)}, "subsets must be names like train-clean-100, .* not clean"),
        ({"chunks": "some"}, "chunks must be one or all, not 'some'"),
        ({"clip_s": 0.0}, "clip_s must be a length above 0, not 0.0"),
    ],
)
def test_wrong_settings_name_the_flag(settings, message):
    with pytest.raises(DataError, match=message):
        LibriSpeechReader(**settings)

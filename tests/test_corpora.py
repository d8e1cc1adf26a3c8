"""Folders and archives of audio files to recordings. Names alone count, so files hold nothing."""

import os
import shutil
from collections import Counter

import pytest

from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.notes import NotesReader, verify_sums
from gaae_tf.data.corpora.recording import Corpus, Recording, clip_source, draw_splits
from gaae_tf.data.terms import SPLITS, DataError


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def read(path, reader=None):
    reader = reader or FolderReader()
    with reader.open([path], path.parent / "scratch") as source:
        return reader.read(source)


def rows(corpus):
    return [(r.source, r.label, r.split) for r in corpus.recordings]


def splits_of(corpus):
    return {r.source: r.split for r in corpus.recordings}


def test_own_splits_are_taken_and_unlabelled_belongs_to_train(tmp_path):
    make(tmp_path, "train/b/1.wav", "train/a/deep/er/2.FLAC", "train/unlabelled/3.mp3")
    make(tmp_path, "valid/a/4.ogg", "test/b/5.aiff", "unlabelled/6.wav")
    corpus = read(tmp_path)
    assert corpus.classes == ("a", "b")
    assert rows(corpus) == [
        ("train/a/deep/er/2.FLAC", "a", "train"),
        ("train/b/1.wav", "b", "train"),
        ("train/unlabelled/3.mp3", None, "train"),
        ("unlabelled/6.wav", None, "train"),
        ("valid/a/4.ogg", "a", "valid"),
        ("test/b/5.aiff", "b", "test"),
    ]


def test_splits_are_drawn_class_by_class_in_the_shares_asked_for(tmp_path):
    make(tmp_path, *[f"a/{i}.wav" for i in range(100)], *[f"b/{i}.wav" for i in range(20)])
    corpus = read(tmp_path, FolderReader(valid_percent=5.0, test_percent=20.0))
    counts = Counter((r.label, r.split) for r in corpus.recordings)
    assert [counts["a", split] for split in SPLITS] == [75, 5, 20]
    assert [counts["b", split] for split in SPLITS] == [15, 1, 4]


def test_drawn_splits_depend_on_the_seed_and_the_path_below_the_folder_alone(tmp_path):
    names = [f"a/{i}.wav" for i in range(40)]
    one, two = make(tmp_path / "one", *names), make(tmp_path / "two", *reversed(names))
    assert splits_of(read(one)) == splits_of(read(two))
    assert splits_of(read(one)) != splits_of(read(one, FolderReader(seed=1)))


def test_drawn_splits_stay_what_they_were(tmp_path):
    # By `printf 0/a/7.wav | sha256sum` and so on, 7 (2a3a...) comes first, then 5 (42e7...).
    make(tmp_path, *[f"a/{i}.wav" for i in range(10)])
    splits = splits_of(read(tmp_path))
    assert [name for name, split in splits.items() if split == "test"] == ["a/7.wav"]
    assert [name for name, split in splits.items() if split == "valid"] == ["a/5.wav"]


def test_a_class_of_one_clip_keeps_it_for_training(tmp_path):
    make(tmp_path, "a/1.wav", *[f"b/{i}.wav" for i in range(9)])
    assert splits_of(read(tmp_path, FolderReader(30.0, 60.0)))["a/1.wav"] == "train"


def test_unlabelled_clips_are_never_held_out(tmp_path):
    make(tmp_path, "a/1.wav", *[f"unlabelled/{i}.wav" for i in range(50)])
    assert {r.split for r in read(tmp_path, FolderReader(20.0, 20.0)).recordings} == {"train"}


def test_other_files_and_hidden_ones_are_ignored_and_counted(tmp_path):
    make(tmp_path, "a/1.wav", "a/1.json", "a/._1.wav", "README.md", ".DS_Store", ".git/x.wav")
    corpus = read(tmp_path)
    assert [r.source for r in corpus.recordings] == ["a/1.wav"]
    assert corpus.ignored_files == 4  # what is inside a hidden folder is not looked at


def test_files_of_one_name_stay_apart(tmp_path):
    make(tmp_path, "a/1.wav", "a/1.flac", "a/sub/1.wav", "b/1.wav")
    corpus = read(tmp_path, FolderReader(0.0, 0.0))
    assert [r.source for r in corpus.recordings] == [
        "a/1.flac",
        "a/1.wav",
        "a/sub/1.wav",
        "b/1.wav",
    ]


def test_names_may_hold_spaces_other_alphabets_and_broken_bytes(tmp_path):
    make(tmp_path, "гитара 吉他/о дин.wav", os.fsdecode(b"b/\xff.wav"))
    corpus = read(tmp_path)
    assert corpus.classes == ("b", "гитара 吉他")
    assert all((tmp_path / r.file).exists() for r in corpus.recordings)


def test_links_to_folders_are_followed_and_circles_end(tmp_path):
    make(tmp_path, "elsewhere/1.wav", "source/a/2.wav")
    (tmp_path / "source/a/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "source/a/circle").symlink_to(tmp_path / "source/a")
    corpus = read(tmp_path / "source")
    assert [r.source for r in corpus.recordings] == ["a/2.wav", "a/link/1.wav"]


def test_the_licence_of_the_folder_is_found(tmp_path):
    make(tmp_path, "a/1.wav")
    (tmp_path / "LICENSE.txt").write_text("Do as you please.", encoding="utf-8")
    assert read(tmp_path).licence == "Do as you please."


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "has no class folder; looked for .*/CLASS/\\*.wav .* found no folder"),
        (["a/1.txt"], "class folder .*/a has no audio files"),
        (
            ["1.wav", "2.wav", "a/3.wav"],
            "2 audio files outside of any class folder \\(1.wav, 2.wav\\)",
        ),
        (["train/1.wav"], "train has 1 audio files outside of any class folder"),
        (["test/a/1.wav"], "has test but no train"),
        (["train/a/1.wav", "dog/1.wav"], "has dog beside train"),
        (["train/a/1.wav", "test/b/1.wav"], "has no training recording of b"),
        (["train/a/1.wav", "test/unlabelled/1.wav"], "unlabelled recordings belong to train"),
    ],
)
def test_other_layouts_are_refused_with_what_was_found(tmp_path, names, message):
    make(tmp_path, *names)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def labels(corpus):
    return sorted((r.file, r.label, r.split) for r in corpus.recordings)


@pytest.mark.parametrize(
    ("train", "valid", "test", "unlabelled"),
    [
        ("Training", "val", "Test", "unlabeled"),
        ("train", "dev", "testing", "Un-labelled"),
        ("TRAIN", "validation", "eval", "no_label"),
    ],
)
def test_other_spellings_of_splits_and_unlabelled_mean_the_same(
    tmp_path, train, valid, test, unlabelled
):
    names = [f"{train}/a/1.wav", f"{valid}/a/2.wav", f"{test}/a/3.wav"]
    make(tmp_path, *names, f"{unlabelled}/4.wav", f"{train}/{unlabelled}/5.wav")
    corpus = read(tmp_path)
    assert corpus.classes == ("a",)
    assert [(r.label, r.split) for r in sorted(corpus.recordings, key=lambda r: r.file[-5])] == [
        *(("a", "train"), ("a", "valid"), ("a", "test"), (None, "train"), (None, "train"))
    ]


def test_an_american_unlabeled_folder_beside_classes_is_no_class(tmp_path):
    make(tmp_path, "dog/1.wav", "unlabeled/2.wav")
    assert read(tmp_path).classes == ("dog",)


def test_two_folders_of_one_meaning_are_refused(tmp_path):
    make(tmp_path, "dog/1.wav", "unlabeled/2.wav", "unlabelled/3.wav")
    with pytest.raises(DataError, match="unlabeled and unlabelled, which mean the same"):
        read(tmp_path)


def read_several(folders):
    reader = FolderReader(valid_percent=0.0, test_percent=0.0)
    with reader.open(folders, folders[0].parent / "scratch") as source:
        return reader.read(source)


def test_equal_class_folders_of_several_sources_are_one_class(tmp_path):
    make(tmp_path / "batch1", "dog/1.wav", "cat/1.wav", "unlabelled/1.wav")
    make(tmp_path / "batch2", "dog/1.wav", "fox/deep/2.wav")
    corpus = read_several([tmp_path / "batch1", tmp_path / "batch2"])
    assert corpus.classes == ("cat", "dog", "fox")
    assert labels(corpus) == [
        ("batch1/cat/1.wav", "cat", "train"),
        ("batch1/dog/1.wav", "dog", "train"),
        ("batch1/unlabelled/1.wav", None, "train"),
        ("batch2/dog/1.wav", "dog", "train"),
        ("batch2/fox/deep/2.wav", "fox", "train"),
    ]


def test_splits_of_several_sources_are_one(tmp_path):
    make(tmp_path / "one", "train/a/1.wav", "test/a/2.wav")
    make(tmp_path / "two", "train/b/1.wav")
    corpus = read_several([tmp_path / "one", tmp_path / "two"])
    assert corpus.own_splits
    assert [(label, split) for _, label, split in labels(corpus)] == [
        *(("a", "test"), ("a", "train"), ("b", "train"))
    ]


def test_several_sources_of_files_are_the_classes(tmp_path):
    make(tmp_path / "dog", "1.wav", "deep/2.wav")
    make(tmp_path / "cat", "1.wav")
    assert read_several([tmp_path / "dog", tmp_path / "cat"]).classes == ("cat", "dog")


def test_where_it_cannot_be_seen_what_the_classes_are_the_command_asks(tmp_path):
    make(tmp_path / "pets", "dog/1.wav", "cat/1.wav")
    make(tmp_path / "wild", "fox/1.wav")
    with pytest.raises(DataError, match="are the sources pets and wild classes, or the folders"):
        read_several([tmp_path / "pets", tmp_path / "wild"])


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"  # as most systems and as macOS have it


def test_a_name_whose_accents_are_encoded_otherwise_is_the_same_class(tmp_path):
    corpus = read(make(tmp_path / "in", f"{COMPOSED}/1.wav", f"{DECOMPOSED}/2.wav", "tea/3.wav"))
    assert corpus.classes == (COMPOSED, "tea")
    assert {r.file for r in corpus.recordings if r.label == COMPOSED} == {
        f"{COMPOSED}/1.wav",
        f"{DECOMPOSED}/2.wav",
    }
    folders = [tmp_path / "phone", tmp_path / "field"]
    make(folders[0], f"{DECOMPOSED}/1.wav")
    make(folders[1], f"{COMPOSED}/2.wav")
    assert {label for _, label, _ in labels(read_several(folders))} == {COMPOSED}


@pytest.mark.parametrize("form", ["zip", "gztar", "tar"])
def test_an_archive_gives_what_its_folder_gives(tmp_path, form):
    names = [f"{label}/{i}.wav" for label in "ab" for i in range(9)]
    folder = make(tmp_path / "mine", *names, "a/notes.txt")
    (folder / "LICENSE").write_text("Do as you please.", encoding="utf-8")
    archive = shutil.make_archive(str(tmp_path / "mine"), form, tmp_path, "mine")
    unpacked, packed = read(folder), read(tmp_path / archive)
    assert [(r.source, r.split) for r in packed.recordings] == [
        (r.source, r.split) for r in unpacked.recordings
    ]
    assert (packed.name, packed.classes, packed.licence) == ("mine", ("a", "b"), unpacked.licence)
    assert packed.ignored_files == unpacked.ignored_files == 2


def test_the_notes_are_checked_and_have_splits_of_their_own(tmp_path):
    with NotesReader().open([], tmp_path) as source:
        corpus = NotesReader().read(source)
    assert (corpus.name, corpus.classes) == ("notes", ("guitar", "mallet", "string"))
    assert corpus.own_splits
    assert Counter(r.split for r in corpus.recordings) == {"train": 1155, "valid": 117, "test": 168}
    assert corpus.ignored_files == 3  # licence, readme and sums


def test_sums_find_a_changed_and_a_missing_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # SHA-256 of "abc": FIPS 180-2, appendix B.1
    sha256_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "SHA256SUMS").write_text(f"{sha256_abc}  a\n")
    verify_sums(tmp_path)
    (tmp_path / "a").write_bytes(b"abd")
    with pytest.raises(DataError, match="a is damaged"):
        verify_sums(tmp_path)
    (tmp_path / "a").unlink()
    with pytest.raises(DataError, match=r"a, which .* lists, is missing"):
        verify_sums(tmp_path)


def test_a_share_out_of_range_names_the_flag():
    with pytest.raises(DataError, match=r"test_percent must be from 0 to below 100, not 100\.0"):
        FolderReader(test_percent=100.0)
    with pytest.raises(DataError, match=r"something to train with, not 60\.0 and 40\.0"):
        FolderReader(60.0, 40.0)


@pytest.mark.parametrize(
    ("start_s", "name"),
    [(0.0, "a.wav"), (10.0, "a.wav@10"), (3.25, "a.wav@3.25"), (1e-6, "a.wav@0.000001")],
)
def test_a_clip_is_named_by_where_it_begins(start_s, name):
    assert clip_source("a.wav", start_s) == name


def test_recordings_are_sorted_by_split_then_path_then_time():
    given = [("b", 0.0, "train"), ("a", 10.0, "train"), ("a", 9.0, "train"), ("a", 8.0, "test")]
    recordings = [Recording(p, clip_source(p, s), "x", "", split, s) for p, s, split in given]
    corpus = Corpus("name", ("x",), tuple(recordings), True, 0, "")
    assert [r.source for r in corpus.recordings] == ["a@9", "a@10", "b", "a@8"]


def test_a_speaker_is_drawn_as_a_whole():
    recordings = [
        Recording(f"{s}/{i}", f"{s}/{i}", "ab"[s % 2], str(s), "train")
        for s in range(20)
        for i in range(s + 1)
    ]
    drawn = draw_splits(recordings, 10.0, 20.0, seed=3, unit=lambda r: r.speaker)
    splits = {
        speaker: {r.split for r in drawn if r.speaker == speaker} for speaker in map(str, range(20))
    }
    assert all(len(found) == 1 for found in splits.values())
    assert Counter(found.pop() for found in splits.values()) == {"train": 14, "valid": 2, "test": 4}
    assert len(drawn) == len(recordings)

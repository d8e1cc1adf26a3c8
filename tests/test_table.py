"""Tables of recordings. Names alone count, so the files hold nothing."""

import pytest

from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.terms import DataError, Skipped


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def read(folder, text, reader=TableReader()):  # noqa: B008
    table = folder / "mine.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    with reader.open([table], folder / "scratch") as source:
        corpus = reader.read(source)
        assert all(source.audio(r.file).is_file() for r in corpus.recordings)
    return corpus


def rows(corpus):
    return [(r.source, r.label, r.split) for r in corpus.recordings]


def test_rows_give_label_split_speaker_start_and_further_labels(tmp_path):
    make(tmp_path, "x/1.wav", "2.flac")
    header, one, two = (
        "pitch,label,path,split,speaker,start_s",
        "60,a,x/1.wav,train,ann,",
        "61, b ,2.flac,train,,3.25",
    )
    corpus = read(tmp_path, f"{header}\n{one}\n{two}\n")
    assert (corpus.name, corpus.classes, corpus.own_splits) == ("mine", ("a", "b"), True)
    assert corpus.extra_labels == ("pitch",)
    two, one = corpus.recordings
    assert (one.source, one.label, one.speaker, one.start_s, one.extra) == (
        *("x/1.wav", "a", "ann", 0.0),
        ("60",),
    )
    assert (two.source, two.label, two.speaker, two.start_s, two.extra) == (
        *("2.flac@3.25", "b", "", 3.25),
        ("61",),
    )


def test_a_path_alone_is_an_unlabelled_recording_of_train(tmp_path):
    make(tmp_path, "1.wav")
    assert rows(read(tmp_path, "path\n1.wav\n")) == [("1.wav", None, "train")]


def test_labelled_rows_without_split_are_drawn_as_class_folders_are(tmp_path):
    names = [f"{label}/{i}.wav" for label in "ab" for i in range(20)]
    make(tmp_path / "folder", *names)
    text = "path,label\n" + "".join(f"{name},{name[0]}\n" for name in names)
    (tmp_path / "folder/mine.csv").touch()
    with FolderReader(seed=5).open([tmp_path / "folder"], tmp_path) as source:
        expected = FolderReader(seed=5).read(source)
    corpus = read(tmp_path / "folder", text, TableReader(seed=5))
    assert rows(corpus) == rows(expected)
    assert not corpus.own_splits


def test_rows_with_a_split_keep_it_and_the_others_are_drawn(tmp_path):
    names = [f"{i}.wav" for i in range(14)]
    make(tmp_path, *names)
    text = "path,label,split\n" + "".join(
        f"{name},{'' if i > 12 else 'a'},{'test' if i < 3 else ''}\n"
        for i, name in enumerate(names)
    )
    corpus = read(tmp_path, text, TableReader(valid_percent=20.0, test_percent=0.0))
    splits = [r.split for r in corpus.recordings]
    assert {r.source for r in corpus.recordings if r.split == "test"} == {"0.wav", "1.wav", "2.wav"}
    assert (splits.count("valid"), splits.count("train")) == (2, 9)  # 20 % of ten, eight and one
    assert not corpus.own_splits


def test_absolute_paths_are_named_from_the_table_where_they_lie_below_it(tmp_path):
    make(tmp_path, "far/1.wav", "near/2.wav", "near/3.wav")
    text = f"path\n{tmp_path}/far/1.wav\n{tmp_path}/near/2.wav\n./3.wav\n../far/1.wav\n"
    sources = {r.source for r in read(tmp_path / "near", text).recordings}
    assert sources == {f"{tmp_path}/far/1.wav", "2.wav", "3.wav", "../far/1.wav"}


def test_a_missing_file_is_skipped_with_the_reason(tmp_path):
    make(tmp_path, "1.wav", "folder/x")
    corpus = read(tmp_path, "path,label,split\n1.wav,a,train\ngone.wav,a,train\nfolder,a,train\n")
    assert rows(corpus) == [("1.wav", "a", "train")]
    assert corpus.skipped == (
        Skipped("folder", "no regular file"),
        Skipped("gone.wav", "unreadable: No such file or directory"),
    )


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_windows_lines_quotes_and_empty_rows_are_read(tmp_path, bom):
    make(tmp_path, "a, b.wav", "é.wav")
    text = bom + 'path,label\r\n"a, b.wav",x\r\n\r\n,\r\né.wav,x\r\n'.encode()
    corpus = read(tmp_path, text, TableReader(0.0, 0.0))
    assert rows(corpus) == [("a, b.wav", "x", "train"), ("é.wav", "x", "train")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.csv names no recording"),
        ("path,label\n", "mine.csv names no recording"),
        ("file,label\n1.wav,a\n", r"mine.csv:1 has no column path; .* found file,label"),
        ("path;label\n1.wav;a\n", r"mine.csv:1 has no column path; .* found path;label"),
        ("path,path\n1.wav,1.wav\n", "mine.csv:1 has path more than once"),
        ("path,\n1.wav,a\n", "mine.csv:1: column 2 has no name"),
        ("path,label\n1.wav\n", "mine.csv:2 has 1 values, the header 2"),
        ("path,label\n,a\n", "mine.csv:2 has no path"),
        (
            "path,label,split\n1.wav,a,dev\n",
            "mine.csv:2: split must be train, valid, test or empty",
        ),
        ("path,split\n1.wav,test\n", "mine.csv:2 has no label, so it belongs to train, not test"),
        ("path,start_s\n1.wav,-1\n", "mine.csv:2: start_s must be seconds from 0 on, not '-1'"),
        ("path,start_s\n1.wav,nan\n", "mine.csv:2: start_s must be seconds from 0 on, not 'nan'"),
        ("path,start_s\n1.wav,1 s\n", "mine.csv:2: start_s must be seconds from 0 on, not '1 s'"),
        (
            "path,start_s\n1.wav,1\n\n1.wav,2\n./1.wav,1.0\n",
            "mine.csv:5 names 1.wav@1 again, as line 2 does",
        ),
        ("path,label,split\n1.wav,a,test\n", "mine has no training recording of a"),
        ('path,label\n1.wav,"a\n', "mine.csv:2 is no CSV"),
        ("path,label\n1.wav,a\n1.wav,\0\n", "mine.csv:3 has a NUL byte"),
        (b"path,label\n1.wav,a\n\xff.wav,b\n", "mine.csv:3 is not UTF-8"),
    ],
)
def test_a_wrong_table_names_the_line(tmp_path, text, message):
    make(tmp_path, "1.wav")
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_a_missing_table_and_two_tables_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"table .*gone.csv cannot be read: No such file"):
        TableReader().open([tmp_path / "gone.csv"], tmp_path)
    with pytest.raises(DataError, match=r"takes one table, not a.csv, b.csv"):
        TableReader().open(["a.csv", "b.csv"], tmp_path)


def test_the_fingerprint_follows_the_table_and_the_files(tmp_path):
    make(tmp_path, "1.wav", "2.wav")
    table = tmp_path / "mine.csv"
    prints = []
    for text, sound in (("1.wav", b""), ("1.wav", b""), ("1.wav", b"longer"), ("2.wav", b"longer")):
        table.write_text(f"path\n{text}\n")
        if sound:
            (tmp_path / "1.wav").write_bytes(sound)
        prints.append(TableReader().open([table], tmp_path).fingerprint())
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3

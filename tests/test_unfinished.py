"""A folder in the making is finished by whoever comes next."""

import json
import multiprocessing
import os

import pytest

from gaae_tf.data.unfinished import unfinished_folder


def write(folder, name, text):
    (folder.whole / name).write_text(text)
    folder.record(name, {"bytes": len(text), "clips": 1})


def test_finished_files_are_found_again_and_unfinished_ones_are_not(tmp_path):
    with unfinished_folder(tmp_path / "out") as folder:
        assert not folder.begin("me")
        write(folder, "a", "1234")
        (folder.whole / "b").write_text("half of")
    with unfinished_folder(tmp_path / "out") as folder:
        assert folder.begin("me")
        assert folder.finished == {"a": {"file": "a", "bytes": 4, "clips": 1}}


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path):
    with unfinished_folder(tmp_path / "out") as folder:
        folder.begin("me")
        write(folder, "a", "1234")
        write(folder, "b", "5678")
    journal = folder.path / "journal.jsonl"
    journal.write_text(journal.read_text()[:-5])
    with unfinished_folder(tmp_path / "out") as folder:
        folder.begin("me")
        assert list(folder.finished) == ["a"]
        write(folder, "b", "5678")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line.get("file") for line in lines] == [None, "a", "b"]


def test_a_file_of_another_size_is_not_taken_for_finished(tmp_path):
    with unfinished_folder(tmp_path / "out") as folder:
        folder.begin("me")
        write(folder, "a", "1234")
    (folder.whole / "a").write_text("12")
    with unfinished_folder(tmp_path / "out") as folder:
        assert not folder.begin("me")


def test_another_identity_starts_over(tmp_path):
    with unfinished_folder(tmp_path / "out") as folder:
        folder.begin("me")
        write(folder, "a", "1234")
    with unfinished_folder(tmp_path / "out") as folder:
        assert not folder.begin("somebody else")
        assert os.listdir(folder.whole) == []


def test_the_whole_folder_is_renamed_and_nothing_is_left(tmp_path):
    with unfinished_folder(tmp_path / "deep/out") as folder:
        folder.begin("me")
        write(folder, "a", "1234")
        folder.move(overwrite=False)
        folder.remove()
    assert os.listdir(tmp_path / "deep") == ["out"]
    assert (tmp_path / "deep/out/a").read_text() == "1234"


def test_a_folder_made_meanwhile_is_not_replaced_unasked(tmp_path):
    with unfinished_folder(tmp_path / "out") as folder:
        folder.begin("me")
        (tmp_path / "out").mkdir()
        (tmp_path / "out/precious").touch()
        with pytest.raises(OSError, match=r"not empty|exists"):
            folder.move(overwrite=False)
        folder.move(overwrite=True)
    assert os.listdir(tmp_path / "out") == []


def work(out, log):
    with unfinished_folder(out, log=False) as folder:
        log.put("in")
        folder.begin("me")
        folder.move(overwrite=True)
        folder.remove()
        log.put("out")


def test_a_second_process_waits_for_the_first(tmp_path):
    context = multiprocessing.get_context("spawn")
    log = context.Queue()
    with unfinished_folder(tmp_path / "out") as folder:
        other = context.Process(target=work, args=(tmp_path / "out", log))
        other.start()
        other.join(timeout=2)
        assert other.is_alive()
        assert log.empty()
        folder.remove()  # with the lock file on which the other waits
    other.join(timeout=30)
    assert other.exitcode == 0
    assert (log.get(timeout=5), log.get(timeout=5)) == ("in", "out")

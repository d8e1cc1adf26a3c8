import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gaae_tf.files import locked_file, safe_name, sha256, write_text, written_whole

REPOSITORY = Path(__file__).parents[1]


def test_a_file_is_there_whole_under_its_own_ending(tmp_path):
    with written_whole(tmp_path / "a.weights.h5") as temporary:
        assert temporary.name.endswith(".weights.h5")
        temporary.write_bytes(b"new")
        assert not (tmp_path / "a.weights.h5").exists()
    assert (tmp_path / "a.weights.h5").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 1


def test_what_fails_leaves_the_file_that_was_there_and_nothing_else(tmp_path):
    write_text(tmp_path / "a", "old")

    def fail():
        with written_whole(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_text_is_utf_8_and_its_digest_hashlibs(tmp_path):
    write_text(tmp_path / "a", "Fréchet")
    assert (tmp_path / "a").read_bytes() == "Fréchet".encode()
    assert sha256(tmp_path / "a") == hashlib.sha256("Fréchet".encode()).hexdigest()


@pytest.mark.parametrize("name", ["dog", "snare rim", "Ärger", "日本語", "a_b", "x" * 60])
def test_a_name_that_a_file_can_have_stays(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["snare/rim", "../../etc", "..", ".", "", "a\\b", "C:x", "nul", "new\nline", "a\0b", "é" * 300],
)
def test_other_names_become_file_names_and_stay_apart(tmp_path, name):
    safe = safe_name(name)
    assert safe
    assert (tmp_path / f"{safe}_1.wav").resolve().parent == tmp_path.resolve()
    (tmp_path / f"{safe}_1.wav").touch()
    assert safe_name(name) == safe != safe_name(name + "!")


def test_names_that_differ_in_what_a_file_cannot_hold_stay_apart():
    assert safe_name("snare/rim") != safe_name("snare:rim") != safe_name("snare_rim")


COUNTING = """
import sys
from pathlib import Path
from gaae_tf.files import locked_file
counter = Path(sys.argv[1])
for _ in range(25):
    with locked_file(counter.with_name("lock")):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_a_locked_file_is_one_processs_at_a_time_and_gone_in_the_end(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNTING, str(counter)]
    processes = [subprocess.Popen(command, cwd=REPOSITORY) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert counter.read_text() == "100"
    assert os.listdir(tmp_path) == ["counter"]


def test_a_killed_process_holds_no_lock_and_a_living_one_is_told(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from gaae_tf.files import locked_file\n"
        "with locked_file(Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    path = tmp_path / "lock"
    told = []
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"

        def tell():
            told.append(path.exists())
            process.kill()

        with locked_file(path, tell):
            assert path.exists()
    assert told == [True]
    assert not path.exists()


def test_a_folder_where_no_lock_can_be_made_is_told_with_the_locks_name(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "lock"
    with pytest.raises(OSError, match=r"Not a directory|exists") as refused, locked_file(path):
        pass
    assert refused.value.filename == str(path)

import hashlib

import pytest

from gaae_tf.files import safe_name, sha256, write_text, written_whole


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

"""Folders, zip and tar archives are the same to those who read them."""

import bz2
import gzip
import io
import lzma
import os
import random
import shutil
import stat
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gaae_tf.data.audio import BadAudio
from gaae_tf.data.sources import archive, open_source, tar_archive
from gaae_tf.data.terms import DataError

FILES = {"dog/a.wav": b"woof" * 500, "dog/deep/b.wav": b"", "cat/c.wav": b"miau", "LICENSE": b"CC0"}


def is_wav(name):
    return name.endswith(".wav")


def write_folder(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path, members):
    """Members are (name or TarInfo, content); the compression is that of the path's suffix."""
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for info, content in members.items() if isinstance(members, dict) else members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def contents(source):
    found = {}
    for name in source.names:
        audio = source.audio(name)
        found[name] = audio if isinstance(audio, bytes) else audio.read_bytes()
        assert source.read_bytes(name) == found[name]
        assert source.size(name) == len(found[name])
    return found


def written_outside(tmp_path):
    """Files below `tmp_path` but in scratch/."""
    return {path for path in tmp_path.rglob("*") if "scratch" not in path.parts}


@pytest.mark.parametrize(
    "kind", ["folder", "a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"]
)
@pytest.mark.parametrize("top", ["", "all/", "./"])
def test_all_kinds_have_the_same_names_folders_and_contents(kind, top, tmp_path):
    path = tmp_path / kind
    files = {top + name: content for name, content in FILES.items()}
    if kind == "folder":
        write_folder(path, FILES)
    elif kind == "a.zip":
        write_zip(path, files)
    else:
        write_tar(path, files)
    with open_source([path], is_wav, tmp_path / "scratch") as source:
        assert source.name == ("folder" if kind == "folder" else "a")
        assert source.names == ("cat/c.wav", "dog/a.wav", "dog/deep/b.wav")
        assert source.folders == ("cat", "dog", "dog/deep")
        assert source.other_files == 1
        assert contents(source) == {name: FILES[name] for name in source.names}


def test_hidden_files_are_counted_and_hidden_folders_are_not_entered(tmp_path):
    files = FILES | {"dog/._a.wav": b"", ".git/x.wav": b"", "__MACOSX/dog/._a.wav": b""}
    del files["LICENSE"]
    write_zip(tmp_path / "a.zip", files)
    write_tar(tmp_path / "a.tar", files)
    del files["__MACOSX/dog/._a.wav"]
    write_folder(tmp_path / "a", files)
    for path in ("a", "a.zip", "a.tar"):
        with open_source([tmp_path / path], is_wav, tmp_path / "scratch") as source:
            assert source.names == ("cat/c.wav", "dog/a.wav", "dog/deep/b.wav"), path
            assert (source.folders, source.other_files) == (("cat", "dog", "dog/deep"), 1)


def test_folders_that_only_an_archive_lists_are_known(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("top/empty/", b"")
        archive.writestr("top/full/a.wav", b"1")
    write_tar(
        tmp_path / "a.tar", [(special("top/empty", tarfile.DIRTYPE), b""), ("top/full/a.wav", b"1")]
    )
    for path in ("a.zip", "a.tar"):
        with open_source([tmp_path / path], is_wav, tmp_path / "scratch") as source:
            assert (source.names, source.folders) == (("full/a.wav",), ("empty", "full"))


def test_linked_folders_are_entered_once_and_what_is_there_comes_first(tmp_path):
    write_folder(tmp_path / "elsewhere", {"e.wav": b"1"})
    folder = write_folder(tmp_path / "a", {"real/r.wav": b"2"})
    (folder / "real/loop").symlink_to(folder)
    (folder / "again").symlink_to(folder / "real")
    (folder / "one").symlink_to(tmp_path / "elsewhere")
    (folder / "two").symlink_to(tmp_path / "elsewhere")
    with open_source([folder], is_wav, tmp_path) as source:
        assert contents(source) == {"real/r.wav": b"2", "one/e.wav": b"1"}
        assert source.folders == ("one", "real")


def test_a_broken_link_is_missed_and_a_pipe_is_not_opened(tmp_path):
    folder = write_folder(tmp_path / "a", {"a.wav": b"1"})
    (folder / "b.wav").symlink_to("nowhere")
    os.mkfifo(folder / "c.wav")
    with open_source([folder], is_wav, tmp_path) as source:
        assert (source.names, source.other_files) == (("a.wav", "b.wav"), 1)
        source.fingerprint()
        with pytest.raises(DataError, match=r"b\.wav"):
            source.read_bytes("b.wav")


@pytest.mark.parametrize("name", ["../x.wav", "a/../../x.wav", "/../x.wav"])
def test_names_that_point_outside_are_left_out(name, tmp_path):
    write_zip(tmp_path / "a.zip", {name: b"bad", "dog/a.wav": b"1"})
    write_tar(tmp_path / "a.tar", {name: b"bad", "dog/a.wav": b"1"})
    before = written_outside(tmp_path)
    for path in ("a.zip", "a.tar"):
        with open_source([tmp_path / path], is_wav, tmp_path / "scratch") as source:
            assert contents(source) == {"a.wav": b"1"}
            assert source.other_files == 1
    assert written_outside(tmp_path) == before


def test_absolute_names_are_taken_as_relative_and_never_written_to(tmp_path):
    target = tmp_path / "target.wav"
    write_tar(tmp_path / "a.tar", {str(target): b"bad"})
    with open_source([tmp_path / "a.tar"], is_wav, tmp_path / "scratch") as source:
        assert source.names[0].endswith("target.wav")
        assert contents(source) == {source.names[0]: b"bad"}
    assert not target.exists()


def test_links_and_devices_in_a_tar_archive_are_left_out(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    members = [
        (special("top/out.wav", tarfile.SYMTYPE, str(secret)), b""),
        (special("top/dir", tarfile.SYMTYPE, str(tmp_path)), b""),
        ("top/dir/through.wav", b"1"),
        (special("top/hard.wav", tarfile.LNKTYPE, str(secret)), b""),
        (special("top/pipe.wav", tarfile.FIFOTYPE), b""),
        (special("top/device.wav", tarfile.CHRTYPE), b""),
    ]
    write_tar(tmp_path / "a.tar", members)
    before = written_outside(tmp_path)
    with open_source([tmp_path / "a.tar"], is_wav, tmp_path / "scratch") as source:
        assert contents(source) == {"dir/through.wav": b"1"}
        assert source.other_files == 5
    assert written_outside(tmp_path) == before
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_links_in_a_zip_archive_are_left_out(tmp_path):
    link = zipfile.ZipInfo("top/link.wav")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("top/a.wav", b"1")
    with open_source([tmp_path / "a.zip"], is_wav, tmp_path) as source:
        assert (source.names, source.other_files) == (("a.wav",), 1)


def test_the_last_member_of_a_name_counts(tmp_path):
    members = [("a.wav", b"old"), ("b.wav", b"old"), ("./a.wav", b"newer")]
    members.append((special("b.wav", tarfile.SYMTYPE, "a.wav"), b""))
    write_tar(tmp_path / "a.tar", members)
    with open_source([tmp_path / "a.tar"], is_wav, tmp_path / "scratch") as source:
        assert contents(source) == {"a.wav": b"newer"}
        assert source.other_files == 3


def test_names_that_are_not_utf8_survive(tmp_path):
    name = os.fsdecode(b"caf\xe9/\xff.wav")
    write_folder(tmp_path / "a", {name: b"1"})
    write_tar(tmp_path / "a.tar", {f"top/{name}": b"1"})
    raw = zipfile.ZipInfo("1234/5.wav")  # as Unix writes it: without the mark of UTF-8
    raw.create_system = 3
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(raw, b"1")
        archive.writestr("x/y.wav", b"2")
    packed = (tmp_path / "a.zip").read_bytes().replace(b"1234/5.wav", b"caf\xe9/\xff.wav")
    (tmp_path / "a.zip").write_bytes(packed)
    for path in ("a", "a.tar", "a.zip"):
        for _ in range(2):  # also when it is unpacked already
            with open_source([tmp_path / path], is_wav, tmp_path / "scratch") as source:
                assert name in source.names
                assert source.read_bytes(name) == b"1"
                assert len(source.fingerprint()) == 64


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.gz", "none"])
def test_the_content_tells_what_an_archive_is(name, tmp_path):
    write_zip(tmp_path / "zip.zip", FILES).rename(tmp_path / name)
    with open_source([tmp_path / name], is_wav, tmp_path / "scratch") as source:
        assert len(source.names) == 3
    write_tar(tmp_path / "tar.tgz", FILES).rename(tmp_path / name)
    with open_source([tmp_path / name], is_wav, tmp_path / "scratch") as source:
        assert len(source.names) == 3


def test_what_is_no_source_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("text " * 200)
    (tmp_path / "empty.zip").touch()
    for path in ("a.txt", "empty.zip"):
        with pytest.raises(DataError, match=f"{path} is neither .*tar.gz"):
            open_source([tmp_path / path], is_wav, tmp_path / "scratch")
    with pytest.raises(DataError, match="gone does not exist"):
        open_source([tmp_path / "gone"], is_wav, tmp_path / "scratch")
    with pytest.raises(DataError, match="no source"):
        open_source([], is_wav, tmp_path / "scratch")


def noise_of(size):
    return random.Random(0).randbytes(size)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
def test_an_archive_that_ends_early_is_noticed(suffix, share, tmp_path):
    files = {f"{i}.wav": noise_of(20_000) for i in range(5)} | {"z.txt": noise_of(20_000)}
    path = write_tar(tmp_path / f"a{suffix}", files)
    whole = path.read_bytes()
    if suffix == ".tar":
        whole = whole.rstrip(b"\0")  # its end is two empty blocks, and more are only filling
    path.write_bytes(whole[: max(int(len(whole) * share), 20)])
    with pytest.raises(DataError, match=r"a\.tar"):
        open_source([path], is_wav, tmp_path / "scratch")
    assert list((tmp_path / "scratch").glob("*")) == []


def test_a_tar_archive_cut_off_between_two_members_is_noticed(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"a.wav": noise_of(512), "b.wav": noise_of(512)})
    packed = path.read_bytes()[:1024]
    for cut, content in (("a.tar", packed), ("a.tar.gz", gzip.compress(packed))):
        (tmp_path / cut).write_bytes(content)
        with pytest.raises(DataError, match=f"{cut} is damaged"):
            open_source([tmp_path / cut], is_wav, tmp_path / "scratch")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_damage_in_the_middle_of_a_tar_archive_is_noticed(pack, tmp_path):
    path = write_tar(tmp_path / "a.tar", {f"{i}.wav": noise_of(20_000) for i in range(4)})
    plain = bytearray(path.read_bytes())
    if pack is bytes:
        plain[20_480 + 512 + 100] ^= 1  # in the second header
    packed = bytearray(pack(plain))
    if pack is not bytes:
        packed[len(packed) // 2] ^= 1
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"a\.tar is damaged"):
        open_source([path], is_wav, tmp_path / "scratch")


def test_a_zip_archive_that_ends_early_is_noticed(tmp_path):
    path = write_zip(tmp_path / "a.zip", FILES)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"a\.zip is damaged or cut off"):
        open_source([path], is_wav, tmp_path)


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damage_in_a_zip_archive_costs_only_its_file(method, tmp_path):
    files = {"a.wav": noise_of(5000), "b.wav": b"fine"}
    path = write_zip(tmp_path / "a.zip", files, method)
    packed = bytearray(path.read_bytes())
    packed[2500] ^= 0xFF
    path.write_bytes(packed)
    with open_source([path], is_wav, tmp_path) as source:
        with pytest.raises(BadAudio, match=r"damaged|cut off"):
            source.audio("a.wav")
        with pytest.raises(DataError, match=r"a.wav of .*a.zip"):
            source.read_bytes("a.wav")
        assert source.audio("b.wav") == b"fine"


def patch_zip_flags(path, flags=0, method=None):
    """Changes the last member's entry in the directory."""
    packed = bytearray(path.read_bytes())
    at = packed.rindex(b"PK\x01\x02")
    packed[at + 8] |= flags
    if method is not None:
        packed[at + 10] = method
    path.write_bytes(packed)


def test_encrypted_files_and_unknown_compressions_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.wav": b"1", "b.wav": b"1"})
    patch_zip_flags(path, flags=1)
    with pytest.raises(DataError, match=r"b.wav in .*a.zip is encrypted"):
        open_source([path], is_wav, tmp_path)
    with open_source([path], lambda name: name == "a.wav", tmp_path) as source:
        assert contents(source) == {"a.wav": b"1"}
    path = write_zip(tmp_path / "b.zip", {"a.wav": b"1"})
    patch_zip_flags(path, method=9)
    with pytest.raises(DataError, match="compressed by deflate64"):
        open_source([path], is_wav, tmp_path)


def test_huge_files_in_archives_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_LARGEST_BYTES", 1000)
    write_zip(tmp_path / "a.zip", {"a.wav": bytes(1001), "b.txt": bytes(1001)})
    write_tar(tmp_path / "a.tar", {"a.wav": bytes(1001)})
    for path in ("a.zip", "a.tar"):
        with pytest.raises(DataError, match=rf"a.wav in .*{path} has 1,001 bytes"):
            open_source([tmp_path / path], is_wav, tmp_path / "scratch")
    with open_source([tmp_path / "a.zip"], lambda name: False, tmp_path) as source:
        assert source.other_files == 2


def test_unpacking_stops_before_the_disk_is_full(tmp_path, monkeypatch):
    write_tar(tmp_path / "a.tar", {f"{i}.wav": noise_of(50_000) for i in range(9)})

    def disk_usage(folder):
        used = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return shutil._ntuple_diskusage(0, 0, tar_archive._SPARE_BYTES + 220_000 - used)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    with pytest.raises(DataError, match=r"too little disk to unpack .*a.tar: 268 MB are free"):
        open_source([tmp_path / "a.tar"], is_wav, tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_only_wanted_files_are_unpacked_and_only_once(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "a.tar.gz", FILES)
    with open_source([path], is_wav, tmp_path / "scratch") as source:
        first = source.fingerprint()
    sizes = sorted(p.stat().st_size for p in (tmp_path / "scratch").rglob("0*/*") if p.is_file())
    assert sizes == [0, 4, 2000]
    with monkeypatch.context() as patched:
        patched.setattr(tar_archive, "_members", None)
        with open_source([path], is_wav, tmp_path / "scratch") as source:
            assert contents(source) == {n: c for n, c in FILES.items() if is_wav(n)}
            assert (source.fingerprint(), source.other_files) == (first, 1)
            assert source.folders == ("cat", "dog", "dog/deep")
    # But again if more is wanted, or something is gone.
    with open_source([path], lambda name: True, tmp_path / "scratch") as source:
        assert contents(source) == FILES
        Path(source.audio("cat/c.wav")).unlink()
    with open_source([path], is_wav, tmp_path / "scratch") as source:
        assert source.read_bytes("cat/c.wav") == b"miau"


def test_an_unpacking_that_was_killed_is_done_again(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "a.tar", FILES)
    copy = tar_archive._copy

    def killed(archive, member, target):
        if member.name == "cat/c.wav":
            raise KeyboardInterrupt
        return copy(archive, member, target)

    with monkeypatch.context() as patched:
        patched.setattr(tar_archive, "_copy", killed)
        with pytest.raises(KeyboardInterrupt):
            open_source([path], is_wav, tmp_path / "scratch")
    with open_source([path], is_wav, tmp_path / "scratch") as source:
        assert contents(source) == {n: c for n, c in FILES.items() if is_wav(n)}


def test_a_changed_archive_is_unpacked_again(tmp_path):
    path = write_tar(tmp_path / "a.tar", {"a.wav": b"one"})
    with open_source([path], is_wav, tmp_path / "scratch") as source:
        first = source.fingerprint()
    write_tar(path, {"a.wav": b"two"})
    os.utime(path, ns=(1, 1))
    with open_source([path], is_wav, tmp_path / "scratch") as source:
        assert source.read_bytes("a.wav") == b"two"
        assert source.fingerprint() != first


def test_fingerprints_change_with_the_files_wanted_alone(tmp_path):
    folder = write_folder(tmp_path / "a", FILES)

    def fingerprint():
        with open_source([folder], is_wav, tmp_path) as source:
            return source.fingerprint()

    first = fingerprint()
    (folder / "LICENSE").write_bytes(b"longer")
    assert fingerprint() == first
    os.utime(folder / "dog/a.wav", ns=(1, 1))
    assert fingerprint() != first


def test_several_parts_keep_their_names_apart(tmp_path):
    write_tar(tmp_path / "one.tar.gz", {"set-train/a.wav": b"1"})
    write_zip(tmp_path / "set-valid.zip", {"a.wav": b"2"})
    write_folder(tmp_path / "set-test", {"a.wav": b"3"})
    paths = [tmp_path / name for name in ("one.tar.gz", "set-valid.zip", "set-test")]
    for _ in range(2):
        with open_source(paths, lambda name: "set-" in name, tmp_path / "scratch") as source:
            assert source.name == "one"
            assert source.folders == ("set-test", "set-train", "set-valid")
            assert contents(source) == {
                "set-train/a.wav": b"1",
                "set-valid/a.wav": b"2",
                "set-test/a.wav": b"3",
            }


def test_parts_of_one_folder_are_put_together_and_equal_files_taken_once(tmp_path):
    write_tar(tmp_path / "x.tar", {"all/one/a.wav": b"1", "all/notes.wav": b"same"})
    write_zip(tmp_path / "y.zip", {"all/two/b.wav": b"2", "all/notes.wav": b"same"})
    with open_source([tmp_path / "x.tar", tmp_path / "y.zip"], is_wav, tmp_path / "s") as source:
        assert source.names == ("notes.wav", "one/a.wav", "two/b.wav")
        assert (source.folders, source.other_files) == (("one", "two"), 1)


def test_different_files_of_one_name_are_refused(tmp_path):
    write_tar(tmp_path / "x.tar", {"all/a.wav": b"1"})
    write_zip(tmp_path / "y.zip", {"all/a.wav": b"2"})
    with pytest.raises(DataError, match=r"x.tar and .*y.zip hold different files .* a.wav"):
        open_source([tmp_path / "x.tar", tmp_path / "y.zip"], is_wav, tmp_path / "s")
    with pytest.raises(DataError, match=r"y.zip is given twice"):
        open_source([tmp_path / "y.zip", tmp_path / "./y.zip"], is_wav, tmp_path / "s")


def test_eight_threads_read_one_zip_archive(tmp_path):
    files = {f"{i}.wav": random.Random(i).randbytes(3000) * 3 for i in range(60)}
    path = write_zip(tmp_path / "a.zip", files)
    with open_source([path], is_wav, tmp_path) as source, ThreadPoolExecutor(8) as pool:
        names = list(files) * 20
        for name, content in zip(names, pool.map(source.audio, names), strict=True):
            assert content == files[name]


def test_unpacking_tells_its_progress(tmp_path, capsys):
    path = write_tar(tmp_path / "a.tar", {"a.wav": noise_of(3_000_000)})
    open_source([path], is_wav, tmp_path / "scratch").close()
    assert "4 of 4 MB of a.tar unpacked" in capsys.readouterr().err

"""Archives are fetched whole, whatever the server and the network do; from a server in a thread."""

import contextlib
import hashlib
import http.server
import json
import os
import random
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import gaae_tf.data.download as download_module
from gaae_tf.data.archives import FSDD, LIBRISPEECH, NSYNTH, SPEECH_COMMANDS, Archive
from gaae_tf.data.download import download
from gaae_tf.data.terms import DataError

CONTENT = random.Random(0).randbytes(3_000_000)


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at every path; attributes say how badly.

    Attributes:
        ranges: whether parts can be asked for.
        length: whether the answer tells its length.
        version: the ETag.
        cuts: after how many bytes to cut the next connections, one each.
        status: of all answers, 0 for the right one.
        location: where to redirect to.
        requests: headers received.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.length, self.version = CONTENT, True, True, '"one"'
        self.cuts, self.status, self.location, self.requests = [], 0, "", []
        self.url = f"http://127.0.0.1:{self.server_port}/sounds.tar.gz"

    def archive(self, **changes):
        checksum = f"sha256:{hashlib.sha256(self.content).hexdigest()}"
        return Archive(
            **({"url": self.url, "bytes": len(self.content), "checksum": checksum} | changes)
        )


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, content = self.server, self.server.content
        server.requests.append(dict(self.headers))
        if server.location:
            self.send_response(302)
            self.send_header("Location", server.location)
            self.end_headers()
            return
        if server.status:
            self.send_error(server.status)
            return
        start = 0
        wanted = self.headers.get("Range")
        if wanted and server.ranges and self.headers.get("If-Range") in (None, server.version):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if server.length:
            self.send_header("Content-Length", str(len(content) - start))
        if server.version:
            self.send_header("ETag", server.version)
        self.end_headers()
        end = start + server.cuts.pop(0) if server.cuts else len(content)
        with contextlib.suppress(ConnectionError):
            self.wfile.write(content[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download_module, "_WAIT_S", 0.001)
    monkeypatch.setenv("no_proxy", "*")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def write_part(folder, content, url="", version=""):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sounds.tar.gz.part").write_bytes(content)
    if version:
        note = json.dumps({"url": url, "version": version})
        (folder / "sounds.tar.gz.part.json").write_text(note)


def ranges(server):
    return [request.get("Range") for request in server.requests]


def test_the_archive_is_fetched_whole_and_nothing_else_is_left(server, tmp_path, capsys):
    path = download(server.archive(), tmp_path / "deep/folder")
    assert path == tmp_path / "deep/folder/sounds.tar.gz"
    assert path.read_bytes() == CONTENT
    assert os.listdir(path.parent) == ["sounds.tar.gz"]
    told = capsys.readouterr().err
    assert f"fetching {server.url}" in told
    assert "3 of 3 MB of sounds.tar.gz" in told


def test_md5_is_taken_too_and_silence_is_kept(server, tmp_path, capsys):
    archive = server.archive(checksum=f"md5:{hashlib.md5(CONTENT).hexdigest()}", file="a.tgz")
    assert download(archive, tmp_path, progress=False).name == "a.tgz"
    assert capsys.readouterr().err == ""


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "sounds.tar.gz").write_bytes(CONTENT)
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert server.requests == []


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT[:-1] + b"!"])
def test_another_file_of_the_name_is_refused_and_kept(wrong, server, tmp_path):
    (tmp_path / "sounds.tar.gz").write_bytes(wrong)
    with pytest.raises(DataError, match=r"sounds\.tar\.gz is not what .*expected .*remove it"):
        download(server.archive(), tmp_path)
    assert (tmp_path / "sounds.tar.gz").read_bytes() == wrong


def test_cut_connections_are_resumed_where_they_ended(server, tmp_path):
    server.cuts = [1_000_000, 0, 0, 0, 0, 500_000, 0, 0, 0, 0]  # never five times in a row nothing
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    asked = ["bytes=1000000-"] * 5 + ["bytes=1500000-"] * 5
    assert ranges(server) == [None, *asked]
    assert server.requests[1]["If-Range"] == '"one"'


def test_it_gives_up_after_five_tries_for_nothing_and_goes_on_the_next_time(server, tmp_path):
    server.cuts = [1_000_000, 0, 0, 0, 0, 0]
    with pytest.raises(DataError, match=r"closed after 1,000,000 .*5 times.* kept in .*\.part"):
        download(server.archive(), tmp_path)
    assert len(server.requests) == 6
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1000000-"


@pytest.mark.parametrize("cuts", [[], [1_500_000]])
def test_a_server_without_ranges_starts_over(cuts, server, tmp_path):
    server.ranges, server.cuts = False, cuts
    write_part(tmp_path, b"old" * 1000, server.url, '"zero"')
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_that_always_cuts_is_given_up(server, tmp_path):
    server.ranges, server.cuts = False, [100_000] * 9
    with pytest.raises(DataError, match="5 times"):
        download(server.archive(), tmp_path)


@pytest.mark.parametrize("version", ['"one"', ""])
def test_an_answer_without_length_is_taken_to_its_end(version, server, tmp_path):
    server.length, server.version, server.cuts = False, version, [1_000_000]
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_file_that_has_changed_since_is_fetched_from_the_start(size, server, tmp_path):
    write_part(tmp_path, b"old" * 1000, server.url, '"zero"')
    path = download(server.archive(bytes=size, checksum=""), tmp_path)
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_file_that_has_become_shorter_is_fetched_from_the_start(server, tmp_path):
    write_part(tmp_path, bytes(len(CONTENT) + 5))
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT


def test_a_part_of_unknown_version_is_used_only_if_a_checksum_will_tell(server, tmp_path):
    write_part(tmp_path / "a", CONTENT[:1000])
    download(server.archive(), tmp_path / "a")
    write_part(tmp_path / "b", CONTENT[:1000])
    download(server.archive(checksum=""), tmp_path / "b")
    write_part(tmp_path / "c", CONTENT[:1000], "http://else.where/sounds.tar.gz", '"one"')
    download(server.archive(checksum=""), tmp_path / "c")
    assert ranges(server) == ["bytes=1000-", None, None]


def test_a_part_that_is_whole_needs_no_more_bytes(server, tmp_path):
    write_part(tmp_path / "a", CONTENT)
    download(server.archive(), tmp_path / "a")
    assert server.requests == []
    write_part(tmp_path / "b", CONTENT, server.url, '"one"')
    path = download(server.archive(bytes=None, checksum=""), tmp_path / "b")
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_wrong_checksum_is_told_and_the_part_removed(server, tmp_path):
    archive = server.archive(checksum="sha256:" + "0" * 64)
    found = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(DataError, match=f"{server.url} .*sha256:{found}, expected sha256:0000"):
        download(archive, tmp_path)
    assert os.listdir(tmp_path) == []
    server.requests.clear()
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert ranges(server) == [None]


def test_a_file_of_another_size_is_not_even_begun(server, tmp_path):
    write_part(tmp_path, CONTENT[:1000])
    with pytest.raises(DataError, match="3,000,000 bytes instead of 4,000,000"):
        download(server.archive(bytes=4_000_000), tmp_path)
    assert (tmp_path / "sounds.tar.gz.part").read_bytes() == CONTENT[:1000]


def test_without_a_checksum_the_one_found_is_told(server, tmp_path, capsys):
    download(server.archive(bytes=None, checksum=""), tmp_path)
    assert f"sha256:{hashlib.sha256(CONTENT).hexdigest()}" in capsys.readouterr().err


def test_too_small_a_disk_is_told_before_anything_is_written(server, tmp_path, monkeypatch):
    free = download_module._SPARE_BYTES + 2_500_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))
    with pytest.raises(DataError, match=r"too little disk .*needs 3,000,000 bytes more"):
        download(server.archive(), tmp_path)
    assert os.listdir(tmp_path) == []
    write_part(tmp_path, CONTENT[:500_000])  # what is there needs no more
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404])
def test_what_the_server_does_not_have_is_told_at_once(status, server, tmp_path):
    server.status = status
    with pytest.raises(DataError, match=f"{server.url}: the server says {status}"):
        download(server.archive(), tmp_path)
    assert len(server.requests) == 1
    assert os.listdir(tmp_path) == []


def test_a_server_in_trouble_is_tried_again(server, tmp_path):
    server.status = 503
    with pytest.raises(DataError, match="says 503"):
        download(server.archive(), tmp_path)
    assert len(server.requests) == 5


def test_a_server_that_is_not_there_is_told(tmp_path, server):
    archive = server.archive(url="http://127.0.0.1:1/sounds.tar.gz")
    with pytest.raises(DataError, match=r"no connection: .*refused"):
        download(archive, tmp_path)


def test_a_server_that_falls_silent_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download_module, "_TIMEOUT_S", 0.1)
    monkeypatch.setattr(download_module, "_TRIES", 2)
    silent = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda _: silent.wait(10))
    with pytest.raises(DataError, match="timed out"):
        download(server.archive(), tmp_path)
    silent.set()


def test_an_interruption_keeps_the_part_and_the_next_call_goes_on(server, tmp_path, monkeypatch):
    block = download_module._block

    def interrupted(response, most):
        if (tmp_path / "sounds.tar.gz.part").stat().st_size >= 1_000_000:
            raise KeyboardInterrupt
        return block(response, most)

    with monkeypatch.context() as patched:
        patched.setattr(download_module, "_block", interrupted)
        with pytest.raises(KeyboardInterrupt):
            download(server.archive(), tmp_path)
    fetched = (tmp_path / "sounds.tar.gz.part").stat().st_size
    assert fetched >= 1_000_000
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert ranges(server)[-1] == f"bytes={fetched}-"


def test_redirections_are_followed_to_http_alone(server, tmp_path):
    with Server() as other:
        other_thread = threading.Thread(target=other.serve_forever, args=(0.01,))
        other_thread.start()
        server.location = other.url
        assert download(server.archive(), tmp_path / "a").read_bytes() == CONTENT
        other.shutdown()
        other_thread.join()
    (tmp_path / "secret").write_bytes(CONTENT)
    server.location = f"file://{tmp_path}/secret"
    with pytest.raises(DataError):
        download(server.archive(), tmp_path / "b")


def test_a_second_process_waits_for_the_first(server, tmp_path, capsys):
    archive = server.archive()
    with ThreadPoolExecutor(1) as other:  # whose lock is as good as another process's
        with download_module._locked_part(tmp_path / "sounds.tar.gz", False) as part:
            second = other.submit(download, archive, tmp_path)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.3)
            part.write(CONTENT)
            part.finish(archive, False)
        assert second.result(timeout=10).read_bytes() == CONTENT
    assert "another process is fetching" in capsys.readouterr().err
    assert server.requests == []
    assert os.listdir(tmp_path) == ["sounds.tar.gz"]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://host/a.tar.gz"},
        {"url": "file:///etc/passwd"},
        {"url": "https://host/"},
        {"url": "https://host/a%2Fb"},
        {"url": "https://host/.."},
        {"checksum": "sha256:12"},
        {"checksum": "d41d8cd98f00b204e9800998ecf8427e"},
    ],
)
def test_an_archive_that_cannot_be_is_refused(fields):
    with pytest.raises(DataError):
        Archive(**({"url": "https://host/a.tar.gz", "bytes": None, "checksum": ""} | fields))


def test_the_official_archives_are_fetched_by_https_and_checked():
    archives = [*SPEECH_COMMANDS.values(), *NSYNTH.values(), *LIBRISPEECH.values(), FSDD]
    assert all(archive.url.startswith("https://") and archive.checksum for archive in archives)
    assert len({archive.file for archive in archives}) == len(archives) == 13
    assert LIBRISPEECH["train-clean-100"].file == "train-clean-100.tar.gz"

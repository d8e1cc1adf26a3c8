"""Hostile input: each reader of files reads what it is given, or says what is wrong with it.

Good files are made, then mutated: bits flipped, numbers made extreme, slices cut out, doubled and
spliced, texts nested too deeply. Checksums that would stop a mutation at the door are often made
right again. A reader may raise what it documents, with a message that names the file, and nothing
else; no input may take more than `LIMIT_S` of the processor, reserve more than `RESERVED_BYTES`
of addresses, or make the process grow by more than `GROWN_BYTES`.

The readers run in a process of its own, so that a crash is a failure like others. An input is a
function of its reader and its number:

    PYTHONPATH=. python tests/test_fuzz.py FOLDER FIRST COUNT READER...

runs it again. GAAE_TF_FUZZ sets the inputs of each reader; CONTRIBUTING.md tells of the long form.
"""

import bz2
import contextlib
import copy
import dataclasses
import faulthandler
import gzip
import io
import json
import lzma
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import gaae_tf  # noqa: F401 (first: it settles how TensorFlow runs)

import keras  # isort: skip
import tensorflow as tf
from test_nsynth import part
from test_shards import noise, write_dataset
from test_streams import PIPED

from gaae_tf.config import TrainConfig
from gaae_tf.data.audio import BadAudio, decode_clips, decode_mono, duration_s
from gaae_tf.data.corpora.librispeech import LibriSpeechReader
from gaae_tf.data.corpora.nsynth import NSynthReader
from gaae_tf.data.corpora.speech_commands import DIGITS, SpeechCommandsReader
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.shards import DESCRIPTION, load_dataset, read_clips
from gaae_tf.data.sources import open_source
from gaae_tf.data.terms import DataError
from gaae_tf.evaluation.scorers import kept
from gaae_tf.experiments.requests import read_scores
from gaae_tf.files import sha256
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.report.compare.runs import read_scores as read_scores_to_compare
from gaae_tf.run import checkpoints
from gaae_tf.run import folder as run_folder
from gaae_tf.run import names as run_names
from gaae_tf.run.guidance import read_guidance
from gaae_tf.run.lock import locked

REPOSITORY = Path(__file__).parents[1]
LONG = int(os.environ.get("GAAE_TF_FUZZ", "0"))
QUICK = 100  # inputs a reader; of slow readers a tenth
LIMIT_S = 5.0  # of processor time for one input; the slowest take a second
STUCK_S = 60.0  # by the clock, which a busy machine stretches
RESERVED_BYTES = 8 * 2**30  # TensorFlow's threads alone reserve some
GROWN_BYTES = 768 * 2**20
SHOWN = 5  # failures a reader

INTEGERS = (0, 1, -1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**36, 2**62, 2**63 - 1)
TOKENS = (
    *(b"0 -1 2147483647 68719476736 1e400 -1e308 nan inf NaN Infinity null true 1.5".split()),
    *(b'[ ] { } " , : = | -- -- ; \n \r \0 \\ \\ud800 ../../x /dev/null --flagfile=x'.split(b" ")),
    b"\xff\xfe",
    "é\u2028\u202e".encode(),
    b"9" * 5000,
    b"x" * 200_000,
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b"\n" * 20_000,
)
VALUES = (
    *(0, -1, 1, 2**31 - 1, 2**36, 2**63, 10**400, 1.5, -0.0, float("nan"), float("inf"), 1e308),
    *("", "x", "\0", "\ud800", "../../x", "/dev/null", "x" * 100_000, None, True, False),
    *([], {}, [[]], [None], {"": {}}, [0] * 100_000, [2**70], ["x", 1]),
)


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Bytes changed in 1 to 8 places, most of them near the beginning, where headers are."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        end = min(len(data), 256) if rng.random() < 0.5 else len(data)
        at = rng.randrange(end + 1)
        to = min(len(data), at + rng.randint(1, 64))
        match rng.randrange(6):
            case 0:
                if at < len(data):
                    data[at] ^= 1 << rng.randrange(8)
            case 1:
                size = rng.choice((1, 2, 4, 8))
                number = rng.choice(INTEGERS) % 256**size
                data[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
            case 2:
                del data[at : to if rng.random() < 0.7 else len(data)]
            case 3:
                data[at:at] = data[at:to] * rng.choice((1, 2, 100))
            case 4:
                where = rng.randrange(len(other) + 1)
                data[at:] = other[where:]
            case 5:
                data[at:at] = rng.randbytes(rng.randint(1, 64))
    return bytes(data)


def mutated_text(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Text whose tokens were swapped or replaced, or whose bytes were changed."""
    if rng.random() < 0.3:
        return mutated(data, other, rng)
    tokens = re.findall(rb"\w+|\W", data)
    for _ in range(rng.randint(1, 8)):
        one, two = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        match rng.randrange(4):
            case 0:
                tokens[one], tokens[two] = tokens[two], tokens[one]
            case 1:
                tokens[one] = rng.choice(TOKENS)
            case 2:
                tokens.insert(one, rng.choice(TOKENS))
            case 3:
                tokens[one:one] = tokens[two : two + 20]
    return b"".join(tokens)


def mutated_json(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """JSON with other values, without some, or no JSON any more."""
    if rng.random() < 0.4:
        return mutated_text(data, other, rng)
    tree = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        parents = [tree]  # all that hold something
        for parent in parents:
            values = parent.values() if isinstance(parent, dict) else parent
            parents += [value for value in values if isinstance(value, dict | list) and value]
        parent = rng.choice(parents)
        key = rng.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        match rng.randrange(4):
            case 0:
                del parent[key]
            case 1:
                copied = json.dumps(rng.choice(parents))
                parent[key] = json.loads(copied)
            case _:
                parent[key] = copy.deepcopy(rng.choice(VALUES))  # else a later change is in all
        if not tree:
            break
    if rng.random() < 0.05:
        tree = rng.choice(VALUES)
    return json.dumps(tree).encode()


@dataclasses.dataclass
class Reader:
    """A reader under test.

    Attributes:
        good: files that it reads.
        read: reads the bytes given, from memory or a file; AssertionError if what comes is wrong.
        refusals: what it may raise.
        named: a pattern that each such message must hold: the file's name.
        mutate: makes a hostile input.
        slow: whether it gets a tenth of the inputs.
    """

    good: list[bytes]
    read: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...]
    named: str
    mutate: Callable[[bytes, bytes, random.Random], bytes] = mutated
    slow: bool = False


def audio(folder: Path) -> Reader:
    """Recordings in 20 formats and piped ones; that the message lacks the path is documented."""
    rng = np.random.default_rng(0)
    sounds = {1: 0.5 * rng.standard_normal([3000, 1]).clip(-1, 1)}
    sounds[2] = np.repeat(sounds[1], 2, axis=1)
    good = []
    kinds = "WAV-PCM_16 WAV-FLOAT WAV-IMA_ADPCM WAV-MS_ADPCM WAV-ULAW WAVEX-PCM_24 FLAC-PCM_16 "
    kinds += "OGG-VORBIS OGG-OPUS MP3-MPEG_LAYER_III AIFF-PCM_16 AU-PCM_16 CAF-ALAC_16 CAF-PCM_16 "
    kinds += "W64-PCM_16 RF64-PCM_16 VOC-PCM_16 NIST-PCM_16 IRCAM-PCM_16 SVX-PCM_16 PAF-PCM_16 "
    kinds += "AVR-PCM_16 XI-DPCM_16 HTK-PCM_16 SDS-PCM_16 PVF-PCM_16 MPC2K-PCM_16 WVE-ALAW"
    for kind in kinds.split():
        container, subtype = kind.split("-")
        channels = 1 if container in ("XI", "HTK", "SDS", "WVE", "SVX") else 2
        for count in {1, channels}:
            file = io.BytesIO()
            rate_hz = 8000 if container in ("WVE", "OGG") else 11025
            soundfile.write(file, sounds[count], rate_hz, subtype, format=container)
            good.append(file.getvalue())
    good += [piped(sounds[2][:, 0].reshape(-1, 1), 11025) for piped in PIPED.values()]
    path = folder / "recording"

    def read(data: bytes) -> None:
        source = data
        if len(data) % 2:  # both ways are used
            path.write_bytes(data)
            source = path
        with contextlib.suppress(BadAudio):
            assert 0.0 <= duration_s(source) < float("inf")
        with contextlib.suppress(BadAudio):
            assert np.isfinite(decode_mono(source, 8000)[0]).all()
        clips = decode_clips(source, 8000, 1600, [0.0, 0.05, 3.0])
        for clip in clips:
            if isinstance(clip, np.ndarray):
                assert clip.shape == (1600,)
                assert clip.dtype == np.float32
                assert np.isfinite(clip).all()
        if isinstance(clips[0], BadAudio):
            raise clips[0]

    return Reader(good, read, (BadAudio,), "")


def tar_of(format_: int) -> bytes:
    """A tar archive of files, folders, long names, links, and what points outside."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
        for name, kind, size in (
            ("top/a/1.wav", tarfile.REGTYPE, 700),
            ("top/a", tarfile.DIRTYPE, 0),
            (f"top/{'long' * 24}/é.wav", tarfile.REGTYPE, 30),
            ("../outside.wav", tarfile.REGTYPE, 5),
            ("/absolute.wav", tarfile.REGTYPE, 5),
            ("top/link.wav", tarfile.SYMTYPE, 0),
            ("top/link.wav/2.wav", tarfile.REGTYPE, 4),
            ("top/hard.wav", tarfile.LNKTYPE, 0),
            ("top/b/3.wav", tarfile.REGTYPE, 1500),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.size = kind, size
            member.linkname = "../outside" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            if format_ == tarfile.PAX_FORMAT:
                member.pax_headers = {"comment": name * 5, "mtime": "1.5"}
            archive.addfile(member, io.BytesIO(bytes(range(256)) * 8))
    content = file.getvalue().rstrip(b"\0")
    return content + bytes(-len(content) % 512 + 1024)  # without the many zeros after its end


def zip_of(method: int) -> bytes:
    """A zip archive of files, a folder, a link, and what points outside."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in ("top/a/1.wav", "top/b/é.wav", "top/c/", "../outside.wav", "/absolute.wav"):
            archive.writestr(name, b"" if name.endswith("/") else bytes(range(256)) * 4)
        link = zipfile.ZipInfo("top/link.wav")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "../../outside")
    return file.getvalue()


def archives(folder: Path) -> Reader:
    """Zip and tar archives, compressed and not; tar headers get a right checksum mostly."""
    tars = [tar_of(f) for f in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
    zips = [
        zip_of(method)
        for method in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
            zipfile.ZIP_BZIP2,
            zipfile.ZIP_LZMA,
        )
    ]
    compressions = (gzip.compress, bz2.compress, lzma.compress)
    packed = [compress(tars[0]) for compress in compressions]

    def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
        if data not in tars or rng.random() < 0.1:
            return mutated(data, other, rng)
        blocks = bytearray(data)
        for _ in range(rng.randint(1, 6)):  # in a header's fields, or what extends it
            start = 512 * rng.randrange(len(data) // 512)
            at, size = rng.choice(((0, 100), (100, 8), (124, 12), (156, 1), (157, 100), (345, 155)))
            text = rng.choice(
                (
                    *(b"%o" % (n % 8**11) for n in INTEGERS),
                    b"\x80" + bytes(7) + struct.pack(">I", rng.choice(INTEGERS) % 2**32),
                    b"\xff" * 11 + bytes([rng.randrange(256)]),
                    *(b"../x.wav", b"/x.wav", b"./.wav", b"a//../b.wav", b"\0", b"\xff.wav"),
                    *(b"0", b"1", b"2", b"5", b"S", b"L", b"K", b"x", b"g", b"X", b"V", b"7"),
                    *(b"99 size=68719476736\n", b"20 path=../../x.wav\n", b"0 a=b\n", b"-5 a=b\n"),
                    *(
                        b"19 size=-8589934592\n",
                        b"22 GNU.sparse.size=99\n25 GNU.sparse.map=0,1,x\n",
                    ),
                )
            )
            blocks[start + at : start + at + size] = text[:size].ljust(size, b"\0")
        result = bytes(blocks) if rng.random() < 0.6 else mutated(blocks, other, rng)
        if rng.random() < 0.9:
            result = sealed_tar(result)
        return rng.choice(compressions)(result) if rng.random() < 0.3 else result

    place = folder / "archives"
    place.mkdir()
    archive, scratch = place / "archive.bin", place / "scratch"

    def read(data: bytes) -> None:
        archive.write_bytes(data)
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            with open_source([archive], lambda name: name.endswith(".wav"), scratch) as source:
                source.fingerprint()
                for name in source.names:
                    source.size(name)
                    with contextlib.suppress(BadAudio):
                        found = source.audio(name)
                        if isinstance(found, Path):
                            assert found.resolve().is_relative_to(scratch.resolve())
                            assert found.is_file()
                            assert not found.is_symlink()
                    with contextlib.suppress(DataError):
                        source.read_bytes(name)
        finally:
            assert set(os.listdir(place)) <= {"archive.bin", "scratch"}
            assert "outside" not in " ".join(os.listdir(folder))

    return Reader(tars + zips + packed + tars, read, (DataError,), str(archive), mutate)


def sealed_tar(data: bytes) -> bytes:
    """A tar archive whose headers have right checksums."""
    blocks = bytearray(data)
    for start in range(0, len(blocks) - 511, 512):
        if blocks[start + 257 : start + 262] == b"ustar":
            blocks[start + 148 : start + 156] = b" " * 8
            blocks[start + 148 : start + 156] = b"%06o\0 " % sum(blocks[start : start + 512])
    return bytes(blocks)


def tables(folder: Path) -> Reader:
    """CSV files that name recordings."""
    (folder / "a.wav").touch()
    (folder / "b.wav").touch()
    path = folder / "table.csv"
    good = [
        b"path,label,split,speaker,start_s\n"
        + b'a.wav,one,,x,0\nb.wav,two,train,y,1.5\n"a.wav", one,,"z, z",2\nb.wav,two,,,3\n' * 1,
        b"\xef\xbb\xbfpath,pitch\r\na.wav,60\r\nb.wav,61\r\n",
    ]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with TableReader().open([path], folder / "scratch") as source:
            corpus = TableReader().read(source)
            source.fingerprint()
        assert all(recording.file in source.names for recording in corpus.recordings)

    return Reader(good, read, (DataError,), "table", mutated_text)


def nsynth(folder: Path) -> Reader:
    """`examples.json` of NSynth."""
    place = part(folder / "nsynth" / "nsynth-train", [60, 61, 62]).parent
    path = place / "nsynth-train" / "examples.json"
    reader = NSynthReader()
    good = [path.read_bytes()]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with reader.open([place], folder / "scratch") as source:
            for recording in reader.read(source).recordings:
                assert recording.label in reader.families

    return Reader(good, read, (DataError,), "nsynth", mutated_json)


def speakers(folder: Path) -> Reader:
    """`SPEAKERS.TXT` of LibriSpeech."""
    place = folder / "LibriSpeech"
    for speaker in range(14, 22):
        chapter = place / f"train-clean-100/{speaker}/1"
        chapter.mkdir(parents=True)
        tone = np.sin(np.arange(2000) * 0.3) / 2
        soundfile.write(chapter / f"{speaker}-1-0000.flac", tone, 16_000)
    lines = [f"{n} | {'FM'[n % 2]} | train-clean-100 | 25.03 | Some One" for n in range(14, 22)]
    good = ["\n".join([";ID |SEX| SUBSET", *lines]).encode()]
    path = place / "SPEAKERS.TXT"
    reader = LibriSpeechReader(clip_s=0.1)

    def read(data: bytes) -> None:
        path.write_bytes(data)
        with reader.open([place], folder / "scratch") as source:
            for recording in reader.read(source).recordings:
                assert recording.label in ("female", "male")

    return Reader(good, read, (DataError,), "SPEAKERS|librispeech", mutated_text)


def lists(folder: Path) -> Reader:
    """`validation_list.txt` of Speech Commands."""
    place = folder / "speech"
    names = [f"{digit}/{n:08x}_nohash_0.wav" for digit in DIGITS for n in range(3)]
    for name in names:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    (place / "testing_list.txt").write_text("\n".join(names[::3]))
    reader = SpeechCommandsReader()

    def mutate(data: bytes, _, rng: random.Random) -> bytes:
        return mutated_text(data, "\n".join(names[::3]).encode(), rng)  # spliced with the other

    def read(data: bytes) -> None:
        (place / "validation_list.txt").write_bytes(data)
        with reader.open([place], folder / "scratch") as source:
            assert len(reader.read(source).recordings) == 30

    return Reader(
        ["\n".join(names[1::3]).encode()], read, (DataError,), "validation_list|s09", mutate
    )


def descriptions(folder: Path) -> Reader:
    """`dataset.json`, and the clips by what it says."""
    place = folder / "described"
    place.mkdir()
    write_dataset(place, noise(3))
    path = place / DESCRIPTION
    good = [path.read_bytes()]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        dataset = load_dataset(place)
        assert type(dataset.sample_rate_hz) is int
        assert all(type(name) is str for name in dataset.classes)
        assert 2 * sum(dataset.counts.values()) * dataset.clip_samples <= sum(
            shard.bytes for shard in dataset.shards
        )

    return Reader(good, read, (DataError,), str(place), mutated_json)


def shards(folder: Path) -> Reader:
    """TFRecord files: as bytes, and their records and lengths under right checksums."""
    place = folder / "sharded"
    place.mkdir()
    dataset = write_dataset(place, noise(3))
    path = place / dataset.shards[0].file
    whole = path.read_bytes()

    def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
        if rng.random() < 0.3:
            return mutated(data, other, rng)
        result, at = b"", 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            record = data[at + 12 : at + 12 + length]
            at += length + 16
            if rng.random() < 0.5:
                record = mutated(record, record, rng)
            claimed = rng.choice(INTEGERS) % 2**64 if rng.random() < 0.2 else len(record)
            header = struct.pack("<Q", claimed)
            result += header + masked_crc(header) + record + masked_crc(record)
        return result

    def read(data: bytes) -> None:
        path.write_bytes(data)
        clips = read_clips(dataset, "train")
        assert clips.audio.shape == (3, dataset.clip_samples)
        assert set(clips.labels.tolist()) <= {-1, 0, 1}

    return Reader([whole], read, (DataError,), str(place), mutate, slow=True)


def masked_crc(data: bytes) -> bytes:
    """The checksum of TFRecord files: CRC-32C, rotated and moved."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC_TABLE = _crc_table()


def configurations(folder: Path) -> Reader:
    """`config.flags` of a run folder."""
    path = folder / "config.flags"
    good = [
        TrainConfig(dataset="data", run_dir="run").to_flags().encode(),
        TrainConfig(dataset="notes", run_dir="é", model="wavegan", hop_samples=64)
        .to_flags()
        .encode(),
    ]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        TrainConfig.load(path)

    return Reader(good, read, (ValueError,), str(path), mutated_text, slow=True)


def run_descriptions(folder: Path) -> Reader:
    """`data.json` of a run folder."""
    statistics = LogMagnitudeStatistics(maximum=2.0, mean=-3.0, deviation=2.0)
    run_folder.DataDescription("gone", 1000, 512, ("a", "b"), statistics).save(folder)
    path = folder / run_names.DATA
    good = [path.read_bytes()]
    values = json.loads(good[0])
    values["bins"] = {"means": [0.5, 1.0], "deviations": [1.0, 2]}
    good.append(json.dumps(values).encode())

    def read(data: bytes) -> None:
        path.write_bytes(data)
        run = run_folder.DataDescription.load(folder)
        assert type(run.sample_rate_hz) is type(run.clip_samples) is int
        assert all(type(text) is str for text in (run.dataset, run.licence, *run.classes))

    return Reader(good, read, (ValueError,), str(path), mutated_json)


def guidance(folder: Path) -> Reader:
    """`guidance.json` of a run folder."""
    path = folder / run_names.GUIDANCE
    names = [f"a/{index}.wav" for index in range(5)]
    content = {"rule": "x", "train_indices": [0, 2, 4], "clips": names[::2]}

    def read(data: bytes) -> None:
        path.write_bytes(data)
        indices = read_guidance(folder, names, folder / "data")
        assert indices.dtype == np.int64
        assert 0 <= indices.min() <= indices.max() < 5

    good = [json.dumps(content).encode(), b'{"train_indices": [1, 3]}']
    return Reader(good, read, (ValueError,), str(folder), mutated_json)


def locks(folder: Path) -> Reader:
    """`lock` of a run folder."""
    run_dir = folder / "locked"
    with locked(run_dir):
        lock = json.loads((run_dir / run_names.LOCK).read_text())
    good = [json.dumps(lock | {"start_ticks": 1}).encode()]  # of a process long gone
    run_dir.mkdir()

    def read(data: bytes) -> None:
        (run_dir / run_names.LOCK).write_bytes(data)
        with locked(run_dir):
            pass

    return Reader(good, read, (ValueError,), str(run_dir), mutated_json)


def records(folder: Path) -> Reader:
    """A scorer's record."""
    path = folder / "scorer.json"
    description = {"format": 1, "settings": {"name": "x"}}
    record = {"name": "x", "source": "y", "classes": ["a"], "test_accuracy": 0.5}

    def read(data: bytes) -> None:
        path.write_bytes(data)
        assert kept.read_record(path, description)["description"] == description

    good = [json.dumps(record | {"description": description}).encode()]
    return Reader(good, read, (ValueError,), str(path), mutated_json)


def scores(folder: Path) -> Reader:
    """`scores.json` of a run folder, as the comparison and the experiments read it."""
    path = folder / "scores.json"
    good = [json.dumps({"details": {"a": [1.5]}, "provenance": {"samples": 3}}).encode()]

    def read(data: bytes) -> None:
        path.write_bytes(data)
        assert isinstance(read_scores_to_compare(folder)["details"], dict)
        assert isinstance(read_scores(path)["provenance"], dict)

    return Reader(good, read, (ValueError,), str(path), mutated_json)


class Small:
    """What a checkpoint is restored to: a network of one layer."""

    def __init__(self):
        network = keras.Sequential([keras.layers.Dense(3)])
        network.build([None, 2])
        self.all_networks = {"network": network}
        self.step = keras.Variable(5, dtype="int64")
        self.weights = [*network.weights, self.step]


def checkpoint_files(folder: Path) -> Reader:
    """Checkpoints: `checkpoint`, index, data and checksums; checksums are right mostly."""
    run_dir = folder / "run"
    place = run_dir / run_names.CHECKPOINTS
    place.mkdir(parents=True)
    model = Small()
    variables = checkpoints._network_variables(model)
    state = tf.train.Checkpoint(**variables, trained_seconds=tf.Variable(2.5, dtype=tf.float64))
    _ = state.save_counter
    checkpoints._save(state, place, 5, keep=1)
    names = sorted(path.name for path in place.iterdir())
    whole = {name: (place / name).read_bytes() for name in names}

    def mutate(data: bytes, other: bytes, rng: random.Random) -> bytes:
        """Which file becomes what, whether its checksum is made right, or there are no sums."""
        name = rng.choice(names)
        change = mutated_text if name in ("checkpoint", "step-5.sha256") else mutated
        content = change(whole[name], whole[rng.choice(names)], rng)
        sums = rng.choice((b"kept", b"right", b"none"))
        return b"\n".join((name.encode(), sums, content))

    def read(data: bytes) -> None:
        name, sums, content = data.split(b"\n", 2)
        shutil.rmtree(place)
        place.mkdir()
        for other, bytes_ in (whole | {name.decode(): content}).items():
            (place / other).write_bytes(bytes_)
        marks = place / "step-5.sha256"
        if sums == b"none":
            marks.unlink()
        elif sums == b"right" and name != b"step-5.sha256":
            files = [
                place / other
                for other in names
                if other.startswith("step-5.") and "sha" not in other
            ]
            marks.write_text("".join(f"{sha256(f)}  {f.name}\n" for f in files))
        failures = []
        for function in (checkpoints.progress, lambda run: restored(model, run)):
            try:
                function(run_dir)
            except ValueError as error:
                failures.append(error)
        if failures:
            raise failures[-1]

    whole_input = b"\n".join((b"checkpoint", b"kept", whole["checkpoint"]))
    return Reader([whole_input], read, (ValueError,), str(place), mutate, slow=True)


def restored(model: Small, run_dir: Path) -> None:
    """Restores as `gaae_tf.load` does, whose handler it copies no part of but the types."""
    try:
        checkpoints.restore_for_sampling(model, run_dir)
    except (AssertionError, tf.errors.OpError) as error:  # `load` makes ValueErrors of them
        raise ValueError(f"{run_dir / run_names.CHECKPOINTS}: {error}") from error


READERS = {
    function.__name__: function
    for function in (
        audio,
        archives,
        tables,
        nsynth,
        speakers,
        lists,
        descriptions,
        shards,
        configurations,
        run_descriptions,
        guidance,
        locks,
        records,
        scores,
        checkpoint_files,
    )
}


def fuzz(name: str, folder: Path, first: int, count: int) -> dict:
    """Reads so many hostile inputs, from number `first` on; tells what came of them."""
    place = folder / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    reader = READERS[name](place)
    for good in reader.good:
        reader.read(good)
    before = grown()
    started = time.monotonic()
    told = {"reader": name, "inputs": 0, "read": 0, "slowest_s": 0.0, "failures": 0, "shown": []}
    for index in range(first, first + max(count // 10, 1) if reader.slow else first + count):
        rng = random.Random(f"{name} {index}")
        data = reader.mutate(rng.choice(reader.good), rng.choice(reader.good), rng)
        (folder / "now").write_text(f"{name} {index}")
        faulthandler.dump_traceback_later(STUCK_S, exit=True)
        began = time.process_time()
        problem = ""
        try:
            reader.read(data)
            told["read"] += 1
        except reader.refusals as error:
            if not re.search(reader.named, str(error)):
                problem = f"the message does not name the file: {str(error)[:500]!r}"
        except Exception:
            problem = traceback.format_exc(limit=-4)[-1500:]
        faulthandler.cancel_dump_traceback_later()
        took_s = time.process_time() - began
        told["slowest_s"] = max(told["slowest_s"], round(took_s, 2))
        if took_s > LIMIT_S:
            problem += f"took {took_s:.1f} s"
        told["inputs"] += 1
        if problem:
            told["failures"] += 1
            if len(told["shown"]) < SHOWN:
                told["shown"].append(f"input {index}: {problem}")
    told["seconds"] = round(time.monotonic() - started, 1)
    told["grown_bytes"] = grown() - before
    return told


def grown() -> int:
    """The most that the process has ever occupied, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(folder: str, first: str, count: str, *names: str) -> None:
    """Runs readers in this process; prints a line of JSON for each."""
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what readers print
    faulthandler.enable()
    reserved = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = reserved + RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for name in names:
        print(json.dumps(fuzz(name, Path(folder), int(first), int(count))), file=lines, flush=True)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What came of each reader's inputs, or how the process ended."""
    folder = tmp_path_factory.mktemp("fuzz")
    told = {}
    for names in [[name] for name in READERS] if LONG else [list(READERS)]:
        arguments = [str(folder), "0", str(LONG or QUICK), *names]
        process = subprocess.run(
            [sys.executable, __file__, *arguments],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""},
            capture_output=True,
            text=True,
            errors="replace",
        )
        for line in process.stdout.splitlines():
            one = json.loads(line)
            told[one["reader"]] = one
            print(one)
        for name in names:
            now = folder / "now"
            told.setdefault(
                name,
                f"the process ended with {process.returncode} at input "
                f"{now.read_text() if now.exists() else 'none'}:\n{process.stderr[-3000:]}",
            )
    return told


@pytest.mark.parametrize("name", READERS)
def test_hostile_input_is_read_or_refused(name, results):
    told = results[name]
    assert isinstance(told, dict), told
    assert not told["failures"], "\n".join(told["shown"])
    assert told["grown_bytes"] <= GROWN_BYTES
    # Else the mutations are too tame, or too wild, to test anything; few may all be refused.
    assert told["read"] < told["inputs"]
    assert told["read"] > 0 or told["inputs"] < 100


def changed(data: bytes, **values) -> bytes:
    """A JSON object with other values."""
    return json.dumps(json.loads(data) | values).encode()


def unbelievable_record(data: bytes) -> bytes:
    header = struct.pack("<Q", 2**36)
    return header + masked_crc(header) + data[12:]


def unknown_label(_) -> bytes:
    example = tf.train.Example()
    for name, values in (("audio", [bytes(512)]), ("speaker", [b""]), ("source", [b""])):
        example.features.feature[name].bytes_list.value.extend(values)
    example.features.feature["extra"].bytes_list.value.extend([b"", b""])
    example.features.feature["label"].int64_list.value.append(2**32)
    record = example.SerializeToString()
    header = struct.pack("<Q", len(record))
    return header + masked_crc(header) + record + masked_crc(record)


def deep_tar(_) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a/" * 2000 + "1.wav"))
    return file.getvalue()


def extended_tar(data: bytes) -> bytes:
    size = b"%011o\0" % 2**32
    return gzip.compress(sealed_tar(data[:124] + size + data[136:156] + b"x" + data[157:]))


def misplaced_zip() -> bytes:
    """Its directory says that it stands 1,000 bytes on, so that its files would be before it."""
    content = bytearray(zip_of(zipfile.ZIP_STORED))
    (offset,) = struct.unpack_from("<I", content, len(content) - 6)
    struct.pack_into("<I", content, len(content) - 6, offset + 1000)
    return bytes(content)


NESTED = b"[" * 100_000
FOUND = (
    ("shards", unbelievable_record, "claims 68719476736 bytes"),
    ("shards", unknown_label, "labels from 4294967296"),
    ("audio", lambda good: good[:24] + b"\xff\xff\xff\x5f" + good[28:], "sample rate of 16106"),
    ("archives", deep_tar, "2000 folders"),
    ("archives", extended_tar, "extended by 4,294,967,296 bytes"),
    ("descriptions", lambda good: changed(good, clip_samples=2**36), "are more than their shards"),
    ("descriptions", lambda good: changed(good, counts=[]), "counts must be an object"),
    ("descriptions", lambda good: changed(good, classes=[1]), "1 stands where a text"),
    ("descriptions", lambda good: b"[]", "cannot be read"),
    ("descriptions", lambda good: NESTED, "cannot be read"),
    (
        "descriptions",
        lambda good: good.replace(b'"file": "train-', b'"file": "../train-'),
        "no shard has",
    ),
    (
        "descriptions",
        lambda good: good.replace(b'"file": "train-', b'"file": "' + b"x" * 300),
        "no shard has",
    ),
    (
        "descriptions",
        lambda good: good.replace(b'"maximum": 4.5', b'"maximum": 1' + b"0" * 400),
        "too large",
    ),
    ("configurations", lambda good: good + b"--fft_size=68719476736\n", "at most 1048576"),
    ("configurations", lambda good: good + b"--" + b"x" * 5000 + b"\n", "name is too long"),
    ("run_descriptions", lambda good: changed(good, classes="ab"), "must be a list"),
    ("run_descriptions", lambda good: changed(good, sample_rate_hz=1.5), "1.5 stands where"),
    ("run_descriptions", lambda good: NESTED, "is not a readable run description"),
    ("guidance", lambda good: changed(good, train_indices=[2**70]), "cannot be read"),
    ("guidance", lambda good: changed(good, train_indices=[0.5]), "whole numbers"),
    ("guidance", lambda good: changed(good, clips=3), "clips must be a list"),
    ("locks", lambda good: changed(good, pid=10**30), "is not a lock"),
    ("locks", lambda good: changed(good, start_ticks=float("inf")), "is not a lock"),
    ("records", lambda good: NESTED, "cannot be read"),
    ("scores", lambda good: NESTED, "cannot be read"),
    ("nsynth", lambda good: NESTED, "is damaged"),
)


@pytest.mark.parametrize(("name", "change", "message"), FOUND)
def test_what_was_found_is_refused(name, change, message, tmp_path):
    reader = READERS[name](tmp_path)
    with pytest.raises(reader.refusals, match=message):
        reader.read(change(reader.good[0]))


def test_a_file_without_a_name_in_a_zip_archive_is_none(tmp_path):
    path = tmp_path / "nameless.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"x")
        archive.writestr("a/1.wav", b"y")
    content = bytearray(path.read_bytes())
    struct.pack_into("<HH", content, content.index(b"PK\x01\x02") + 28, 0, 1)  # "x" is extra
    path.write_bytes(content)
    assert zipfile.ZipFile(path).infolist()[0].filename == ""
    with open_source([path], lambda name: True, tmp_path / "scratch") as source:
        assert list(source.names) == ["1.wav"]


def test_a_zip_archive_that_says_a_file_is_where_none_can_be_is_damaged(tmp_path):
    path = tmp_path / "archive.zip"
    path.write_bytes(misplaced_zip())
    with (  # newer Pythons see it at once
        pytest.raises((BadAudio, DataError), match="damaged"),
        open_source([path], lambda name: name.endswith("1.wav"), tmp_path / "s") as source,
    ):
        source.audio("top/a/1.wav")


@pytest.mark.parametrize("file", ["checkpoint", "step-5.index", "step-5.data-00000-of-00001"])
def test_a_checkpoint_of_nonsense_with_right_checksums_is_named(file, tmp_path):
    reader = checkpoint_files(tmp_path)
    with pytest.raises(ValueError, match="checkpoints/"):
        reader.read(b"\n".join((file.encode(), b"right", b"\xb5\xff")))


def test_a_checkpoint_whose_index_claims_more_than_any_memory_is_named(tmp_path):
    """The last 48 bytes say where the table of tables is, and how large: 2**60 bytes."""
    reader = checkpoint_files(tmp_path)
    index = bytearray((tmp_path / "run/checkpoints/step-5.index").read_bytes())
    size = bytes([*([0x80] * 8), 0x10])  # little-endian, seven bits a byte
    index[-48:-8] = (b"\0\0\0" + size).ljust(40, b"\0")
    with pytest.raises(ValueError, match="checkpoints/"):
        reader.read(b"\n".join((b"step-5.index", b"right", bytes(index))))


if __name__ == "__main__":
    main(*sys.argv[1:])

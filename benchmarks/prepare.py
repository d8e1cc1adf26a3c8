"""Time that preparing recordings takes beside decoding them with soundfile alone.

    python -m benchmarks.prepare [--source=DIR] [--copies=3] [--repeats=2] [--json=FILE]

Without --source the recordings are made here: 2,000 FLACs of a clip's length at the clips' rate,
and 60 of half a minute, of which all clips are taken. Both sides use one decoding thread, and times
are processor seconds of all threads, which other work on the machine disturbs least; wall-clock
seconds are beside them. `clip` also mixes, resamples and checks what was decoded, `statistics` also
adds up log-magnitudes, and `prepare` does all: it lists and draws, and writes shards, checksums and
the histogram's pictures. These take a quarter of a second however many files there are, so that
--copies has each file count several times. Each figure is the best of the repeats, which take
turns, after a round that fills the disk cache and compiles.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.in_turn import machine
from gaae_tf.data.audio import BadAudio, decode_clips, to_int16
from gaae_tf.data.corpora.chunks import starts_s
from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.formats import EXTENSIONS
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.data.statistics import LogMagnitudeAccumulator
from gaae_tf.files import write_text
from gaae_tf.ops.settings import StftSettings

SAMPLE_RATE_HZ, CLIP_SAMPLES = 16_000, 16_384
CLIP_S = CLIP_SAMPLES / SAMPLE_RATE_HZ
PACKAGES = ("soundfile", "numpy", "scipy", "numba", "tensorflow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, help="folder with audio files; else made here")
    parser.add_argument("--copies", type=int, default=3, help="times that each file is taken")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", dest="out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    results = {}
    load_average = os.getloadavg()[0]  # other work on the machine slows all of this
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if arguments.source:
            made = {"one clip each": (arguments.source, 0.0)}
            made["all clips"] = (arguments.source, CLIP_S)
        else:
            made = {
                "one clip each": (synthetic(scratch / "short", 2000, CLIP_S), 0.0),
                "all clips": (synthetic(scratch / "long", 60, 30.0), CLIP_S),
            }
        for name, (source, chunk_s) in made.items():
            paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in EXTENSIONS)
            if not paths:
                parser.error(f"--source={source} holds no audio files")
            links = linked(paths * arguments.copies, scratch / name)
            results[name] = measured(links, scratch / name, chunk_s, arguments.repeats)
            show(name, results[name])
    if arguments.out:
        told = {
            "command": " ".join(["python", "-m", "benchmarks.prepare", *sys.argv[1:]]),
            "machine": machine(),
            "load_average_before": round(load_average, 1),
            "versions": {"python": platform.python_version()}
            | {package: metadata.version(package) for package in PACKAGES},
        }
        write_text(arguments.out, json.dumps(told | results, indent=2) + "\n")


def synthetic(folder: Path, count: int, seconds: float) -> Path:
    """FLACs of decaying tones in a little noise."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    for index in range(count):
        tone = 0.3 * np.sin(2 * np.pi * (200 + index) * time_s) * np.exp(-2 * (time_s % 1.0))
        noise = 0.003 * generator.normal(size=len(time_s))
        soundfile.write(folder / f"{index:05}.flac", tone + noise, SAMPLE_RATE_HZ)
    return folder


def linked(paths: list[Path], folder: Path) -> list[Path]:
    """Links to the files in one class: the speed does not depend on the layout."""
    (folder / "source/all").mkdir(parents=True)
    links = [folder / f"source/all/{i:06}{path.suffix}" for i, path in enumerate(paths)]
    for link, path in zip(links, paths, strict=True):
        link.symlink_to(path.resolve())
    return links


def measured(paths: list[Path], folder: Path, chunk_s: float, repeats: int) -> dict:
    """Microseconds a file of each stage, `cpu` and `wall`, and soundfile's share of them."""
    config = PrepareConfig(
        out=folder / "out",
        reader=FolderReader(valid_percent=0.0, test_percent=0.0, chunk_s=chunk_s),
        sources=(folder / "source",),
        sample_rate_hz=SAMPLE_RATE_HZ,
        clip_samples=CLIP_SAMPLES,
        max_bad_percent=100.0,
        workers=1,
        overwrite=True,
    )
    stages: dict[str, Callable[[], object]] = {
        "soundfile": lambda: [decode(path, chunk_s) for path in paths],
        "clip": lambda: [clips_of(path, chunk_s) for path in paths],
        "statistics": lambda: [statistics_of(path, chunk_s) for path in paths],
        "prepare": lambda: prepare(config, progress=False),
    }
    seconds = {name: [] for name in stages}
    for _ in range(1 + repeats):
        for name, work in stages.items():
            before = time.process_time(), time.perf_counter()
            work()
            after = time.process_time(), time.perf_counter()
            seconds[name].append([b - a for a, b in zip(before, after, strict=True)])
    best = {name: np.min(times[1:], axis=0) for name, times in seconds.items()}
    return {"files": len(paths)} | {
        name: {
            "cpu_us": round(1e6 * cpu_s / len(paths), 1),
            "wall_us": round(1e6 * wall_s / len(paths), 1),
            "soundfile_share_of_cpu": round(best["soundfile"][0] / cpu_s, 3),
        }
        for name, (cpu_s, wall_s) in best.items()
    }


def decode(path: Path, chunk_s: float) -> None:
    """As far as the clips reach, with soundfile alone."""
    with soundfile.SoundFile(path) as file:
        frames = file.frames if chunk_s else round(CLIP_S * file.samplerate)
        file.read(frames, dtype="float32")


def clips_of(path: Path, chunk_s: float) -> list[np.ndarray]:
    length_s = soundfile.info(path).duration if chunk_s else 0.0
    clips = decode_clips(path, SAMPLE_RATE_HZ, CLIP_SAMPLES, starts_s(length_s, CLIP_S))
    return [to_int16(clip) for clip in clips if not isinstance(clip, BadAudio)]


def statistics_of(path: Path, chunk_s: float) -> None:
    accumulator = LogMagnitudeAccumulator(StftSettings())
    for clip in clips_of(path, chunk_s):
        accumulator.add(clip[np.newaxis])


def show(name: str, result: dict) -> None:
    print(f"{name}, {result['files']:,} files; microseconds a file:")
    for stage, figures in result.items():
        if stage != "files":
            cpu_us, wall_us = figures["cpu_us"], figures["wall_us"]
            share = figures["soundfile_share_of_cpu"]
            print(
                f"  {stage:12} {cpu_us:9,.0f} of the processor, {wall_us:9,.0f} by the clock; "
                f"soundfile alone takes {share:.2f} of that"
            )


if __name__ == "__main__":
    main()

"""Rate of preparing a folder of recordings beside that of decoding them with soundfile alone.

    python -m benchmarks.prepare --source=LibriSpeech/train-clean-100 [--copies=1] [--repeats=3]

All use all cores. `whole` decodes every file to its end, `clip` only as far as a clip reaches;
`decode_clip` also mixes, resamples and checks, `statistics` also adds up log-magnitudes, and
`prepare` does all: it writes shards, statistics and the histogram's picture too. Drawing takes a
part of a second however many files there are; `--copies` has a small source count several times.
Each figure is the best of the repeats, which take turns, after a round that fills the disk cache
and compiles.
"""

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from gaae_tf.data.audio import EXTENSIONS, BadAudio, decode_clip, to_int16
from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.prepare.config import PrepareConfig
from gaae_tf.data.prepare.folder import prepare
from gaae_tf.data.statistics import LogMagnitudeAccumulator
from gaae_tf.ops.settings import StftSettings

SAMPLE_RATE_HZ, CLIP_SAMPLES = 16_000, 16_384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder with audio files")
    parser.add_argument("--copies", type=int, default=1, help="times that each file is taken")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.source.rglob("*") if p.suffix.lower() in EXTENSIONS)
    if not paths:
        parser.error(f"--source={arguments.source} holds no audio files")
    paths *= arguments.copies

    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
        # One class of links: the speed does not depend on the layout.
        for index, path in enumerate(paths):
            link = Path(scratch, "source/all", f"{index:06d}{path.suffix}")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        config = PrepareConfig(
            out=Path(scratch, "out"),
            reader=FolderReader(valid_percent=0.0, test_percent=0.0),  # statistics of all
            sources=(Path(scratch, "source"),),
            sample_rate_hz=SAMPLE_RATE_HZ,
            clip_samples=CLIP_SAMPLES,
            max_bad_percent=100.0,
            overwrite=True,
        )
        stages = {
            "soundfile, whole files": lambda: list(pool.map(decode_whole, paths)),
            "soundfile, clips only": lambda: list(pool.map(decode_only, paths)),
            "decode_clip": lambda: list(pool.map(clip_of, paths)),
            "decode_clip, statistics": lambda: list(pool.map(clip_and_statistics, paths)),
            "prepare": lambda: prepare(config, progress=False),
        }
        seconds = {name: [] for name in stages}
        for _ in range(1 + arguments.repeats):
            for name, work in stages.items():
                started = time.perf_counter()
                work()
                seconds[name].append(time.perf_counter() - started)
    rates = {name: len(paths) / min(times[1:]) for name, times in seconds.items()}
    whole, clips = rates["soundfile, whole files"], rates["soundfile, clips only"]
    print(f"{len(paths):,} files, {workers} cores; files a second, of whole files', of clips':")
    for name, rate in rates.items():
        print(f"{name:24} {rate:8,.0f} {rate / whole:6.2f} {rate / clips:6.2f}")


def decode_whole(path: Path) -> None:
    soundfile.read(path, dtype="float32")


def decode_only(path: Path) -> None:
    with soundfile.SoundFile(path) as file:
        file.read(file.samplerate * CLIP_SAMPLES // SAMPLE_RATE_HZ, dtype="float32")


def clip_of(path: Path) -> np.ndarray | None:
    try:
        return to_int16(decode_clip(path, SAMPLE_RATE_HZ, CLIP_SAMPLES))
    except BadAudio:
        return None


def clip_and_statistics(path: Path) -> None:
    clip = clip_of(path)
    if clip is not None:
        LogMagnitudeAccumulator(StftSettings()).add(clip[np.newaxis])


if __name__ == "__main__":
    main()

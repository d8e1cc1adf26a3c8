"""Rate of preparing a folder of recordings beside that of decoding them with soundfile alone.

    python -m benchmarks.prepare --source=LibriSpeech/train-clean-100 [--repeats=3]

Both use all cores. `whole` decodes every file to its end, `clip` only as far as a clip reaches,
`prepare` does all: decode, mix, resample, write shards, take statistics. Each figure is the best of
the repeats, after one that fills the disk cache.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import soundfile

from gaae_tf.data.audio import EXTENSIONS
from gaae_tf.data.prepare import PrepareConfig, prepare

SAMPLE_RATE_HZ, CLIP_SAMPLES = 16_000, 16_384


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder with audio files")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    paths = sorted(p for p in arguments.source.rglob("*") if p.suffix.lower() in EXTENSIONS)
    if not paths:
        parser.error(f"--source={arguments.source} holds no audio files")

    def rate(work: Callable[[], object]) -> float:
        """Files a second."""
        seconds = []
        for _ in range(1 + arguments.repeats):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
        return len(paths) / min(seconds[1:])

    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
        # One class of links: the speed does not depend on the layout.
        for index, path in enumerate(paths):
            link = Path(scratch, "source/all", f"{index:06d}{path.suffix}")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
        config = PrepareConfig(
            out=Path(scratch, "out"),
            source=Path(scratch, "source"),
            sample_rate_hz=SAMPLE_RATE_HZ,
            clip_samples=CLIP_SAMPLES,
            max_bad_percent=100.0,
            overwrite=True,
        )
        whole = rate(lambda: list(pool.map(decode_whole, paths)))
        clip = rate(lambda: list(pool.map(decode_clip_only, paths)))
        full = rate(lambda: prepare(config, progress=False))
    print(f"{len(paths):,} files, {workers} cores; files a second:")
    print(f"soundfile, whole files   {whole:8,.0f}")
    print(f"soundfile, clips only    {clip:8,.0f}")
    print(
        f"prepare                  {full:8,.0f}  ({full / whole:.2f} and {full / clip:.2f} of it)"
    )


def decode_whole(path: Path) -> None:
    soundfile.read(path, dtype="float32")


def decode_clip_only(path: Path) -> None:
    with soundfile.SoundFile(path) as file:
        file.read(file.samplerate * CLIP_SAMPLES // SAMPLE_RATE_HZ, dtype="float32")


if __name__ == "__main__":
    main()

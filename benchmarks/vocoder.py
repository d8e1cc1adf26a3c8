"""How fast and how good the vocoders are.

    python -m benchmarks.vocoder --source=DIR [--clips=100] [--json=benchmarks/vocoder.json]

Turns the first 16,384 samples of 16 kHz recordings into STFT magnitudes (512/128, the paper's) and
back into sound. The speed is that of the conversion alone, the best of three runs after a first.
The quality is the mean spectral convergence over the clips, 20 log10(‖|STFT(y)| - S‖ / ‖S‖).
"""

import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

import numba
import numpy as np
import soundfile as sf
import soxr
import tensorflow as tf
from absl import app, flags

from benchmarks.in_turn import processor
from gaae_tf.files import write_text
from gaae_tf.ops.griffin_lim import griffin_lim, spectral_convergence_db
from gaae_tf.ops.pghi import pghi
from gaae_tf.ops.settings import WINDOWS, StftSettings
from gaae_tf.ops.stft import stft
from gaae_tf.ops.synthesis import random_phase

FLAGS = flags.FLAGS
SAMPLES = 16384
PACKAGES = ("tensorflow", "numpy", "numba", "llvmlite")

flags.DEFINE_string("source", None, "folder of recordings", required=True)
flags.DEFINE_integer("clips", 100, "recordings to take, spread over the folder", lower_bound=1)
flags.DEFINE_string("json", None, "file to write the figures to")


def read_clips(folder: Path, count: int) -> np.ndarray:
    """First second or so of `count` recordings, float32 [count, 16384]."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".wav", ".flac", ".ogg"})
    if not paths:
        raise app.UsageError(f"--source={folder}: no .wav, .flac or .ogg there")
    paths = paths[:: max(1, len(paths) // count)][:count]
    clips = np.zeros((len(paths), SAMPLES), np.float32)
    for clip, path in zip(clips, paths, strict=True):
        audio, rate_hz = sf.read(path, dtype="float32", always_2d=True)
        audio = soxr.resample(audio.mean(axis=1), rate_hz, 16000)[:SAMPLES]
        clip[: len(audio)] = audio
    return clips


def seconds(work) -> float:
    """Best of three runs after one that compiles."""
    work()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def convergence_db(clips: np.ndarray, settings: StftSettings) -> dict[str, float]:
    """Mean over the clips for each way from magnitudes to sound."""
    magnitude = tf.abs(stft(clips, settings)).numpy()
    phase = pghi(magnitude, settings)
    shape = magnitude.shape
    anywhere = np.broadcast_to(random_phase(settings, shape[-1], seed=0), shape)
    sounds = {
        "PGHI": griffin_lim(magnitude, settings, phase, 0),
        "PGHI + 32 fast GL": griffin_lim(magnitude, settings, phase, 32),
        "100 GL": griffin_lim(magnitude, settings, anywhere, 100, momentum=0.0),
        "100 fast GL": griffin_lim(magnitude, settings, anywhere, 100),
    }
    return {
        name: round(float(spectral_convergence_db(sound.numpy(), magnitude, settings).mean()), 2)
        for name, sound in sounds.items()
    }


def clips_per_second(clips: np.ndarray) -> dict[str, float]:
    """Speed for each stage, on one thread and on all."""
    settings = StftSettings()
    magnitude = tf.abs(stft(clips, settings)).numpy()
    refine = tf.function(lambda S, phase: griffin_lim(S, settings, phase, 32))
    phase = pghi(magnitude, settings)
    tensors = tf.constant(magnitude), tf.constant(phase, tf.float32)
    work = {
        "PGHI, one thread": lambda: pghi(magnitude, settings, threads=1),
        "PGHI, all threads": lambda: pghi(magnitude, settings),
        "32 fast GL, all threads": lambda: refine(*tensors).numpy(),
    }
    return {name: round(len(clips) / seconds(run), 1) for name, run in work.items()}


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    load_average = os.getloadavg()[0]  # other work on the machine slows all of this
    clips = read_clips(Path(FLAGS.source), FLAGS.clips)
    quality = {window: convergence_db(clips, StftSettings(window)) for window in WINDOWS}
    speed = clips_per_second(clips)
    print(f"{len(clips)} clips of {SAMPLES} samples: mean spectral convergence, dB")
    names = list(quality["hamming"])
    print(f"{'window':10s}" + "".join(f"{name:>20s}" for name in names))
    for window, row in quality.items():
        print(f"{window:10s}" + "".join(f"{row[name]:20.2f}" for name in names))
    print("clips a second")
    for name, rate in speed.items():
        print(f"{name:25s}{rate:10.1f}")
    if FLAGS.json:
        result = {
            "command": " ".join(["python", "-m", "benchmarks.vocoder", *sys.argv[1:]]),
            "source": Path(FLAGS.source).name,
            "clips": len(clips),
            "samples_per_clip": SAMPLES,
            "machine": {"processor": processor(), "threads": numba.config.NUMBA_NUM_THREADS},
            "load_average_before": round(load_average, 1),
            "versions": {
                "python": platform.python_version(),
                **{package: metadata.version(package) for package in PACKAGES},
            },
            "clips_per_second": speed,
            "mean_spectral_convergence_db": quality,
        }
        write_text(Path(FLAGS.json), json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    app.run(main)

"""How fast the input pipeline is at the paper's batch: 768 clips an iteration, 256 × 128.

    python -m benchmarks.pipeline [--rounds=5] [--iterations=4] [--json=benchmarks/pipeline.json]

Noise of 16,384 samples a clip, batches of 128 unlabelled and 128 labelled clips, k + 1 = 3 of them.
Seconds are of wall and of processor, the medians of the rounds; with parallel calls that TensorFlow
chooses and with two, in turn. From the seconds of processor follow the iterations a second of so
many cores, were they all busy with nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from importlib import metadata
from pathlib import Path
from unittest import mock

import numpy as np
import tensorflow as tf

from benchmarks.in_turn import machine, resident_mebibytes, timed
from gaae_tf.data.pipeline import Draws, held_once, training_stream
from gaae_tf.files import write_text
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling, LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath

CLIPS, SAMPLES, BATCH, DRAWS, CORES = 4096, 16_384, 128, 3, 16
CALLS = {"TensorFlow's choice": tf.data.AUTOTUNE, "two": 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=4, help="of each in a round")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    load_average = os.getloadavg()[0]  # other work on the machine slows all of this
    scaling = LogMagnitudeScaling(statistics=LogMagnitudeStatistics(3.0, 0.0, 1.0))
    path = SignalPath(stft=StftSettings(), scaling=scaling)
    noise = np.random.default_rng(0).integers(-20_000, 20_000, (CLIPS, SAMPLES), np.int16)
    audio, array = held_once(noise)
    del noise, array
    before = resident_mebibytes("VmRSS")
    streams = {}
    for name, calls in CALLS.items():
        with mock.patch.object(tf.data, "AUTOTUNE", calls):
            stream = training_stream(
                audio,
                np.arange(CLIPS) % 10,
                np.arange(0, CLIPS, 20),
                Draws(BATCH, DRAWS, seed=0),
                classes=10,
                transform=path.spectrogram,
            )
        streams[name] = stream.take(arguments.iterations)
    built = resident_mebibytes("VmRSS")
    runs = {name: [] for name in streams}
    for i in range(1 + arguments.rounds):
        for name, stream in streams.items():
            run = timed(lambda stream=stream: sum(1 for _ in stream))
            if i:
                runs[name].append(run)
    result = {
        "command": " ".join(["python", "-m", "benchmarks.pipeline", *sys.argv[1:]]),
        "machine": machine(),
        "load_average_before": round(load_average, 1),
        "versions": {name: metadata.version(name) for name in ("tensorflow", "numpy")},
        "clips_mebibytes": CLIPS * SAMPLES * 2 // 2**20,
        "mebibytes_that_a_stream_adds": round((built - before) / len(streams)),
        "parallel_calls": {},
    }
    for name, found in runs.items():
        wall = statistics.median(run["seconds"] for run in found) / arguments.iterations
        busy = statistics.median(run["seconds"] * run["cores_busy"] for run in found)
        busy /= arguments.iterations
        result["parallel_calls"][name] = {
            "seconds_an_iteration": round(wall, 3),
            "processor_seconds_an_iteration": round(busy, 3),
            "clips_a_processor_second": round(2 * BATCH * DRAWS / busy),
            f"iterations_a_second_of_{CORES}_cores": round(CORES / busy, 1),
        }
    print(json.dumps(result, indent=2))
    if arguments.json:
        write_text(arguments.json, json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""E, D and S at the paper's size on one accelerator, under Keras's JAX backend.

    pip install "jax[cuda13]"
    KERAS_BACKEND=jax python -m benchmarks.accelerator [--precisions float32 mixed_bfloat16]
                                                       [--json=benchmarks/accelerator.json]

Networks, sizes and batch are those of configs/s09.flags: 256 × 128 spectrograms, ch 16, batch 128,
the non-local block. Each network is timed alone, in training, with as many rows as an iteration
gives it: forward, and forward and backward to its weights and inputs. Float32 is given to the
matrix units as JAX does by default, in parts of fewer bits. What an iteration takes is the sum over
its passes; C, L, the optimizers and the spectrograms themselves are left out. Training itself is
TensorFlow's: these figures say what the networks cost, not what a training takes.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path

import jax
import keras
import numpy as np

from benchmarks.in_turn import REPOSITORY, machine
from gaae_tf.config import TrainConfig
from gaae_tf.files import write_text
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import SampleDiscriminator
from gaae_tf.networks.encoder import Encoder

CLASSES = 10
PRECISIONS = ("float32", "mixed_bfloat16")
# Passes of an iteration with k = 2: the network, multiples of the batch, whether gradients go back,
# and how often. Algorithm 1: an update of S and L decodes x̂_u and x̂_g at once, and S sees four
# batches; in that of E, D and C, E sees x_u, and x_l with x̂_g.
PASSES = (
    ("encoder", 1, False, 2),
    ("decoder", 2, False, 2),
    ("sample_discriminator", 4, True, 2),
    ("encoder", 1, True, 1),
    ("decoder", 2, True, 1),
    ("sample_discriminator", 2, True, 1),
    ("encoder", 2, True, 1),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each, after the one that compiles")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--batch", type=int, help="the configuration's by default")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    arguments = parser.parse_args()
    if keras.backend.backend() != "jax":
        sys.exit(f"KERAS_BACKEND={keras.backend.backend()}; this runs under jax")
    config = TrainConfig.load(REPOSITORY / "configs" / "s09.flags")
    batch = arguments.batch or config.batch_size
    device = jax.devices()[0]
    result = {
        "command": " ".join(
            ["KERAS_BACKEND=jax", "python", "-m", "benchmarks.accelerator", *sys.argv[1:]]
        ),
        "machine": machine() | {"device": device.device_kind},
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in ("jax", "keras", "numpy")},
        },
        "batch": batch,
        "precisions": {},
    }
    for precision in arguments.precisions:
        passes = [measured(config, batch, precision, *one, runs=arguments.runs) for one in PASSES]
        seconds = sum(row["seconds"] * row["times"] for row in passes)
        result["precisions"][precision] = {
            "passes": passes,
            "seconds_an_iteration": round(seconds, 4),
            "hours_of_60000_iterations": round(seconds * 60_000 / 3600, 1),
            "peak_gibibytes_so_far": peak_gibibytes(device),
        }
        show(precision, result["precisions"][precision])
        if arguments.json:
            write_text(arguments.json, json.dumps(result, indent=2) + "\n")


def measured(
    config: TrainConfig,
    batch: int,
    precision: str,
    name: str,
    multiple: int,
    backward: bool,
    times: int,
    runs: int,
) -> dict:
    """Seconds of one pass of a network, the median of the runs."""
    network = built(config, precision, name)
    rows = multiple * batch
    weights = [v.value for v in network.trainable_variables]
    others = [v.value for v in network.non_trainable_variables]
    inputs = inputs_of(config, name, rows)

    def loss(weights, inputs):
        outputs, kept = network.stateless_call(weights, others, *inputs, training=True)
        return sum(jax.numpy.mean(one) for one in jax.tree.leaves(outputs)), kept

    made = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True) if backward else loss)
    start = time.perf_counter()
    compiled = made.lower(weights, inputs).compile()
    compile_seconds = time.perf_counter() - start
    jax.block_until_ready(compiled(weights, inputs))
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        jax.block_until_ready(compiled(weights, inputs))
        seconds.append(time.perf_counter() - start)
    return {
        "network": name,
        "rows": rows,
        "backward": backward,
        "times": times,
        "seconds": round(statistics.median(seconds), 5),
        "seconds_by_run": [round(one, 5) for one in seconds],
        "compile_seconds": round(compile_seconds, 1),
    }


def built(config: TrainConfig, precision: str, name: str) -> keras.Model:
    """E, D or S of the configuration, as `systems.gaae` builds them."""
    size = {
        "bins": config.stft.bins,
        "frames": config.stft.frames(config.clip_samples),
        "channels": config.channels,
        "non_local_bins": config.non_local_bins,
        "dtype": precision,
    }
    if name == "encoder":
        return Encoder(**size, guided_dim=config.guided_dim, style_dim=config.style_dim)
    if name == "decoder":
        return Decoder(**size, classes=CLASSES, style_dim=config.style_dim)
    return SampleDiscriminator(**size, classes=CLASSES)


def inputs_of(config: TrainConfig, name: str, rows: int) -> list[np.ndarray]:
    """Random ones, on the device."""
    rng = np.random.default_rng(0)
    bins, frames = config.stft.bins, config.stft.frames(config.clip_samples)
    spectrograms = rng.uniform(-1.0, 1.0, (rows, bins, frames, 1)).astype("float32")
    classes = np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, rows)]
    codes = rng.normal(size=(rows, config.style_dim)).astype("float32")
    inputs = {
        "encoder": [spectrograms],
        "decoder": [codes, classes],
        "sample_discriminator": [spectrograms, classes],
    }[name]
    return [jax.device_put(one) for one in inputs]


def peak_gibibytes(device: jax.Device) -> float | None:
    """The most memory that JAX has held; None where the device does not say."""
    stats = device.memory_stats()
    return round(stats["peak_bytes_in_use"] / 2**30, 2) if stats else None


def show(precision: str, figures: dict) -> None:
    print(f"{precision}: {'':14}{'rows':>5}{'':>10}{'times':>7}{'ms':>10}{'compile s':>11}")
    for row in figures["passes"]:
        way = "backward" if row["backward"] else "forward"
        print(
            f"  {row['network']:22}{row['rows']:5}{way:>10}{row['times']:7}"
            f"{1e3 * row['seconds']:10.1f}{row['compile_seconds']:11.1f}"
        )
    print(
        f"  {1e3 * figures['seconds_an_iteration']:.0f} ms an iteration, "
        f"{figures['hours_of_60000_iterations']} h of 60,000; "
        f"peak {figures['peak_gibibytes_so_far']} GiB",
        flush=True,
    )


if __name__ == "__main__":
    main()

"""A training iteration of the GAAE beside PyTorch's, eager and compiled.

    pip install torch
    python -m benchmarks.step [--rounds=5] [--iterations=3] [--json=benchmarks/step.json]

256 × 128 spectrograms, ch 4, batch 16, k = 2, float32, without non-local block; batches are there
already. Each of the three runs in a process of its own, which waits while another works: all
compile first, then they take turns, and each figure is the median of the rounds. The roof is a
multiplication of two matrices of 2,048 rows, the best of all rounds and processes. The
floating-point operations are those of convolutions and dense layers as the networks are written,
whatever an implementation makes of them: two a weight and place forward, twice as many backward.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from importlib import metadata
from pathlib import Path

from benchmarks.in_turn import (
    REPOSITORY,
    Worker,
    answer,
    machine,
    resident_after_rest,
    resident_mebibytes,
    timed,
)
from gaae_tf.files import write_text
from gaae_tf.networks.geometry import base_size, down_channels, up_channels

BINS, FRAMES, CHANNELS, CLASSES, BATCH, K = 256, 128, 4, 10, 16, 2
IMPLEMENTATIONS = ("gaae_tf", "PyTorch, eager", "PyTorch, compiled")
MATRIX = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=3, help="of each in a round")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--work", choices=IMPLEMENTATIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work)
        return
    load_average = os.getloadavg()[0]  # other work on the machine slows all of this
    workers = {name: Worker("benchmarks.step", name) for name in IMPLEMENTATIONS}
    built = {name: worker.ask("describe") for name, worker in workers.items()}
    counts = [made["parameters"] for made in built.values()]
    if any(count != counts[0] for count in counts):
        sys.exit(f"the networks differ: {counts}")
    compiled = {name: worker.ask("run 1") for name, worker in workers.items()}
    rounds = {name: [] for name in workers}
    roof = 0.0
    for _ in range(arguments.rounds):
        for name, worker in workers.items():
            roof = max(roof, worker.ask("roof"))
            rounds[name].append(worker.ask(f"run {arguments.iterations}"))
    peaks = {name: worker.ask("peak") for name, worker in workers.items()}
    for worker in workers.values():
        worker.end()
    gflop = iteration_flop(built["PyTorch, eager"]["forward_flop"]) / 1e9
    result = {
        "command": " ".join(["python", "-m", "benchmarks.step", *sys.argv[1:]]),
        "machine": machine(),
        "load_average_before": round(load_average, 1),
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in ("tensorflow", "keras", "torch")},
        },
        "gflop_an_iteration": round(gflop, 1),
        "roof_gflop_per_second": round(roof, 1),
        "parameters": counts[0],
        "implementations": {
            name: figures(rounds[name], arguments.iterations, gflop, roof)
            | {"compile_seconds": round(compiled[name]["seconds"], 1)}
            | {"peak_mebibytes": peaks[name]}
            for name in workers
        },
    }
    show(result)
    if arguments.json:
        write_text(arguments.json, json.dumps(result, indent=2) + "\n")


def work(name: str) -> None:
    """Builds one implementation and answers what is asked of it."""
    before = resident_after_rest()
    made = Keras() if name == "gaae_tf" else Torch(compiled="compiled" in name)
    answer(
        {
            "describe": lambda: made.described,
            "roof": lambda: 2e-9 * MATRIX**3 / min(made.multiply() for _ in range(5)),
            "run": lambda count: timed(lambda: made.run(int(count))),
            "peak": lambda: round(resident_mebibytes("VmHWM") - before),
        }
    )


class Keras:
    """The package's own model and step."""

    def __init__(self):
        import dataclasses

        import tensorflow as tf

        from gaae_tf.config import TrainConfig
        from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
        from gaae_tf.run.build import build_model, compile_model
        from gaae_tf.run.folder import DataDescription

        config = dataclasses.replace(
            TrainConfig.load(REPOSITORY / "configs" / "s09.flags"),
            channels=CHANNELS,
            batch_size=BATCH,
            non_local_bins=0,
            precision="float32",
        )
        data = DataDescription(
            config.dataset,
            config.sample_rate_hz,
            config.clip_samples,
            tuple(map(str, range(CLASSES))),
            LogMagnitudeStatistics(0.0, 0.0, 1.0),
        )
        model = build_model(config, data)
        compile_model(model, config)
        self.described = {
            "parameters": {
                name: sum(
                    int(w.shape.num_elements()) for w in getattr(model, name).trainable_weights
                )
                for name in model.NETWORKS
            }
        }
        batches = tf.nest.map_structure(tf.constant, random_batches())

        @tf.function
        def iterate(count, batches):
            loss = tf.zeros([])
            for _ in tf.range(count):
                loss = model.train_step(batches)["EDC"]
            return loss

        self.run = lambda count: iterate(tf.constant(count), batches).numpy()
        matrix = tf.random.normal([MATRIX, MATRIX])
        self.multiply = lambda: timed(lambda: tf.matmul(matrix, matrix).numpy())["seconds"]


class Torch:
    """The same in PyTorch."""

    def __init__(self, compiled: bool):
        import torch

        from benchmarks import step_torch

        doublings = base_size(BINS, FRAMES)[2]
        training = step_torch.Training(
            {
                "channels": CHANNELS,
                "classes": CLASSES,
                "base": base_size(BINS, FRAMES)[:2],
                "down_widths": down_channels(CHANNELS, doublings),
                "up_widths": up_channels(CHANNELS, doublings, "biggan"),
            },
            compiled,
        )
        spectrogram, code = torch.zeros(1, 1, BINS, FRAMES), torch.zeros(1, step_torch.CODE)
        label = torch.zeros(1, CLASSES)
        inputs = {
            "encoder": (spectrogram,),
            "decoder": (code, label),
            "classifier": (code,),
            "sample_discriminator": (spectrogram, label),
            "latent_discriminator": (code,),
        }
        networks = training.networks
        for network in networks.values():
            network.eval()  # whose batch statistics need more than the one example
        flop = {name: step_torch.forward_flop(networks[name], *inputs[name]) for name in networks}
        for network in networks.values():
            network.train()
        self.described = {
            "parameters": {name: step_torch.parameters(networks[name]) for name in networks},
            "forward_flop": flop,
        }

        def tensor(values):
            x = torch.from_numpy(values)
            if x.ndim < 4:
                return x
            return x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

        batches = [tuple(map(tensor, batch)) for batch in random_batches()]

        def run(count):
            for _ in range(count):
                logs = training.iteration(batches)
            return logs["EDC"].item()

        self.run = run
        matrix = torch.randn(MATRIX, MATRIX)
        self.multiply = lambda: timed(lambda: matrix @ matrix)["seconds"]


def random_batches():
    """Those of an iteration, k + 1 of (x_u, x_l, y_l)."""
    import numpy as np

    rng = np.random.default_rng(0)

    def spectrograms():
        return rng.uniform(-1.0, 1.0, (BATCH, BINS, FRAMES, 1)).astype("float32")

    def labels():
        return np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, BATCH)]

    return tuple((spectrograms(), spectrograms(), labels()) for _ in range(K + 1))


def iteration_flop(forward: dict[str, int]) -> int:
    """Floating-point operations of an iteration, from those of a forward pass of one example.

    A network that learns counts three times, one that only passes gradients on (S, of E, D and C)
    twice, one without gradients once.
    """
    e, d, c, s, latent = (forward[name] for name in forward)
    discriminators = e + c + 2 * d + 3 * 4 * s + 3 * 2 * latent
    autoencoder = 3 * (3 * e + 2 * d + 2 * c) + c + 2 * 2 * s + 2 * latent
    return BATCH * (K * discriminators + autoencoder)


def figures(runs: list[dict], iterations: int, gflop: float, roof: float) -> dict:
    by_round = [run["seconds"] / iterations for run in runs]
    seconds = statistics.median(by_round)
    return {
        "seconds": round(seconds, 3),
        "seconds_by_round": [round(one, 3) for one in by_round],
        "gflop_per_second": round(gflop / seconds, 1),
        "share_of_roof": round(gflop / seconds / roof, 3),
        "cores_busy": round(statistics.median(run["cores_busy"] for run in runs), 2),
    }


def show(result: dict) -> None:
    print(
        f"{result['gflop_an_iteration']} GFLOP an iteration; "
        f"roof {result['roof_gflop_per_second']} GFLOP/s\n"
        f"{'':20}{'seconds':>9}{'GFLOP/s':>9}{'of roof':>9}{'cores':>7}{'MiB':>7}{'compile s':>11}"
    )
    own = result["implementations"]["gaae_tf"]["seconds"]
    for name, row in result["implementations"].items():
        print(
            f"{name:20}{row['seconds']:9.3f}{row['gflop_per_second']:9.1f}"
            f"{100 * row['share_of_roof']:8.0f}%{row['cores_busy']:7.2f}{row['peak_mebibytes']:7,}"
            f"{row['compile_seconds']:11.1f}   {row['seconds'] / own:.2f} ×"
        )


if __name__ == "__main__":
    main()

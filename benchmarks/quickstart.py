"""What the quickstart reaches: a table of several runs' scores, and a picture of one.

    python -m benchmarks.quickstart --runs=runs/quickstart,runs/seed1,runs/seed2

Reads each run's scores.json, which evaluate.py wrote; measures beside it how often the requested
class is found when sampling without re-estimated batch statistics, and without the moving average
as well; draws real, reconstructed and generated spectrograms of the first run. Writes
benchmarks/quickstart.json and docs/quickstart.png.
"""

import json
import math
import platform
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

import gaae_tf
from benchmarks.in_turn import machine
from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.evaluation.scorers import trained_scorer
from gaae_tf.files import write_text
from gaae_tf.report import figures
from gaae_tf.run.checkpoints import restore_for_sampling

FLAGS = flags.FLAGS
REPOSITORY = Path(__file__).resolve().parents[1]
FIGURES = (
    "requested_class_accuracy",
    "classifier_test_accuracy",
    "simple_classifier_same_labels_accuracy",
    "scorer_test_accuracy",
    "inception_score",
    "frechet_distance",
    "reconstruction_mse",
    "reconstruction_spectral_convergence_db",
)
SAMPLES = 600


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    rows = []
    for run_dir in map(Path, FLAGS.runs):
        scores = json.loads((run_dir / "scores.json").read_text())
        loaded = gaae_tf.load(run_dir)
        if not rows:
            draw(loaded, REPOSITORY / "docs" / "quickstart.png")
        row = {"seed": loaded.config.seed, "steps": loaded.step}
        row["precision"] = TrainConfig.load(run_dir / "config.flags").precision
        row |= {name: scores[name] for name in FIGURES}
        real = scores["details"]["real_test"]["inception_score"]["value"]
        row["inception_score_of_real_test"] = real
        scorer = trained_scorer(load_dataset(loaded.config.dataset))
        row["requested_class_accuracy_by_sampling"] = variants(loaded, run_dir, scorer)
        rows.append(row)
        print(json.dumps(row, indent=2))
    result = {
        "commands": [
            "python train.py --flagfile=configs/quickstart.flags [--seed=N --run_dir=runs/seedN]",
            "python evaluate.py --run_dir=… --count=2000 --usefulness_seeds=0",
            f"python -m benchmarks.quickstart --runs={','.join(FLAGS.runs)}",
        ],
        "machine": machine(),
        "versions": scores["provenance"]["versions"] | {"python": platform.python_version()},
        "samples": scores["provenance"]["samples"],
        "runs": rows,
    }
    target = REPOSITORY / "benchmarks" / "quickstart.json"
    write_text(target, json.dumps(result, indent=2) + "\n")


def variants(loaded, run_dir: Path, scorer) -> dict[str, float]:
    """How often the scorer finds the requested class, by way of sampling."""

    def found():
        right = []
        for label, name in enumerate(loaded.classes):
            sounds = loaded.generate(name, SAMPLES // len(loaded.classes), seed=label)
            logits, _ = scorer.score(sounds, sample_rate_hz=loaded.sample_rate_hz)
            right.append(logits.argmax(axis=1) == label)
        return round(float(np.mean(np.concatenate(right))), 4)

    model = loaded.model
    result = {"averaged, statistics measured again": found()}
    restore_for_sampling(model, run_dir)
    result["averaged"] = found()
    for mean, weight in zip(model.averaged_decoder.weights, model.decoder.weights, strict=True):
        mean.assign(weight)
    result["not averaged"] = found()
    return result


def draw(loaded, path: Path) -> None:
    """Two test clips of each class, their reconstructions, and generated sounds of the class."""
    test = read_clips(load_dataset(loaded.config.dataset), "test")
    classes = loaded.classes
    chosen = []
    for label in range(len(classes)):
        members = np.flatnonzero(test.labels == label)
        chosen += [members[len(members) // 4], members[len(members) * 3 // 4]]
    real = loaded.signal_path.spectrogram(tf.constant(test.audio[chosen] / 32768.0, tf.float32))
    rows = [
        real.numpy(),
        loaded.reconstruct_spectrograms(real.numpy()),
        loaded.generate_spectrograms(np.repeat(np.arange(len(classes)), 2), seed=0),
    ]
    low, high = loaded.signal_path.scaling.limits_nepers
    figure = figures.spectrogram_grid(
        np.stack(rows)[..., 0],
        ["real", "reconstructed", "generated"],
        [name for name in classes for _ in range(2)],
        sample_rate_hz=loaded.sample_rate_hz,
        hop_samples=loaded.config.hop_samples,
        dynamic_range_db=(high - low) * 20 / math.log(10),
    )
    path.parent.mkdir(exist_ok=True)
    figures.save(figure, path)


if __name__ == "__main__":
    flags.DEFINE_list("runs", None, "run folders, evaluated; the first is drawn", required=True)
    app.run(main)

"""What every system reaches in minutes on a CPU: its scores before and after training.

    python -m benchmarks.systems --flagfiles=configs/fsdd/biggan.flags,configs/fsdd/ggan.flags
    python -m benchmarks.systems --flagfiles=configs/notes/ggan.flags --steps=500

Trains each flag file's run by train.py, in the order given (a run whose networks another freezes
comes first), evaluates it by evaluate.py, and scores the same configuration untrained, in a run
folder beside it. What is finished is not done again. Adds to benchmarks/systems.json, where a run
of the same name is replaced.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
from absl import app, flags

import gaae_tf
from benchmarks.in_turn import machine
from benchmarks.result import add_run
from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import map_clips
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.evaluation.context import EVALUATION
from gaae_tf.evaluation.measures.quality import Scored, quality
from gaae_tf.evaluation.samples import generated
from gaae_tf.evaluation.scorers import labelled_clips, trained_scorer
from gaae_tf.run import folder as run_folder
from gaae_tf.run import names as run_names
from gaae_tf.run.build import build_model, compile_model
from gaae_tf.run.checkpoints import Checkpoints, progress, restore_for_sampling
from gaae_tf.scores.figure import share
from gaae_tf.training import frozen, memory, resolve

FLAGS = flags.FLAGS
REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = REPOSITORY / "benchmarks" / "systems.json"
COMMAND = "python -m benchmarks.systems --flagfiles=… (each run's `flags`)"


def main(argv: list[str]) -> int:
    """Measures all that is asked."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for path in FLAGS.flagfiles:
        config = TrainConfig.load(path)
        run_dir = Path(config.run_dir)
        train = [f"--flagfile={path}"]
        for name in ("steps", "max_minutes"):
            if FLAGS[name].value:
                train.append(f"--{name}={FLAGS[name].value:g}")
        if not (run_dir / run_names.EXPORT).exists():
            call("train.py", *train)
        untrained = run_dir.with_name(f"{run_dir.name}_untrained")
        leave_untrained(dataclasses.replace(config, run_dir=str(untrained)))
        measured = {"flags": train} | row(untrained, run_dir)
        add_run(RESULT, run_dir.name, measured, command=COMMAND)
        shown = measured["untrained"] | {"trained": measured["trained"]}
        print(json.dumps({run_dir.name: shown}, indent=2))
    return 0


def call(command: str, *arguments: str) -> None:
    """Runs one of the project's commands; raises if it fails."""
    subprocess.run([sys.executable, command, *arguments], check=True)


def leave_untrained(config: TrainConfig) -> None:
    """Leaves a run folder with the weights that training starts from."""
    run_dir = Path(config.run_dir)
    if (run_dir / run_names.CHECKPOINTS / "checkpoint").exists():
        return
    config, dataset, guiding, data = resolve.resolve(config)
    clips = resolve.training_clips(config, dataset, guiding)
    resolve.write_description(run_dir, config, clips, guiding, data)
    model = build_model(config, data)
    compile_model(model, config)
    if config.frozen_run:
        frozen.take_frozen(model, config)
    Checkpoints(run_dir, model, keep=1).save()


def row(untrained: Path, run_dir: Path) -> dict:
    """Figures of both runs; the trained one is evaluated where it is not yet."""
    evaluate = ["evaluate.py", f"--run_dir={run_dir}", f"--count={FLAGS.count}"]
    if not (run_dir / "scores.json").exists():
        call(*evaluate, "--usefulness_seeds=0")
    scores = json.loads((run_dir / "scores.json").read_text())
    result = {"untrained": start_figures(untrained), "trained": figures(scores["details"])}
    provenance = scores["provenance"]
    model_config = TrainConfig.load(run_dir / run_names.CONFIG)
    data = run_folder.DataDescription.load(run_dir)
    model = build_model(model_config, data)
    restore_for_sampling(model, run_dir)
    parameters = {name: memory.trainable(getattr(model, name)) for name in model.NETWORKS}
    return result | {
        "model": model_config.model,
        "dataset": provenance["guidance_dataset"]["name"],
        "seed": model_config.seed,
        "steps": provenance["step"],
        "training_minutes": round(progress(run_dir)[1] / 60.0, 1),
        "precision": model_config.precision,
        "trainable_parameters": parameters,
        "largest_singular_value": singular_values(model),
        "labels": provenance["labels_of_the_run"],
        "sounds": provenance["samples"],
        "scorer": provenance["scorer"]["name"],
        "scorer_test_accuracy": scores["scorer_test_accuracy"],
        "real_test": real(scores["details"]),
        "machine": machine(),
        "versions": provenance["versions"] | {"python": platform.python_version()},
    }


def start_figures(run_dir: Path) -> dict:
    """Figures of an untrained run, by the parts of `evaluate.py` that give them."""
    run = gaae_tf.load(run_dir)
    dataset = load_dataset(run.config.guidance_dataset or run.config.dataset)
    test = labelled_clips(read_clips(dataset, "test"), dataset, "test")
    details = {}
    if run.can("generate"):
        scorer = trained_scorer(dataset)
        clips = {
            "test": test,
            "train": labelled_clips(read_clips(dataset, "train"), dataset, "train"),
        }
        of_test, of_train = (
            Scored(
                f"real {part}",
                *scorer.score(of.audio, sample_rate_hz=run.sample_rate_hz),
                of.labels,
            )
            for part, of in clips.items()
        )
        samples, _, _ = generated(run, scorer, FLAGS.count, 0, run_dir / EVALUATION)
        details["samples"] = quality(samples, of_train, of_test, dataset.classes, 0, print)
    if run.can("classify"):
        predicted = map_clips(
            lambda batch: run.class_probabilities(run.signal_path.spectrogram(batch).numpy()),
            test.audio,
        )
        details["classifier_test_accuracy"] = share(predicted.argmax(axis=1) == test.labels)
    return figures(details)


def figures(details: dict) -> dict:
    """What is held side by side of a run's scores; null where there is none, say too few clips."""
    found = {}
    if "samples" in details:
        samples = details["samples"]
        against = samples["against_real_test"]
        found |= {
            "requested_class_found": samples["class_accuracy"]["value"],
            "inception_score": samples["inception_score"]["value"],
            "frechet_logits": against["frechet_logits"]["value"],
            "kernel_distance_features": against["kernel_distance_features"]["value"],
            **{name: against[name]["value"] for name in ("precision", "recall", "coverage")},
            "class_share": {name: of["value"] for name, of in samples["class_share"].items()},
        }
    for name in ("classifier_test_accuracy", "simple_classifier_same_labels_accuracy"):
        if name in details:
            found[name] = details[name]["value"]
            found[f"{name}_interval_95"] = details[name]["interval_95"]
    if "reconstruction" in details:
        found["reconstruction_mse"] = details["reconstruction"]["mse"]["value"]
    if "representations" in details:
        by_code = details["representations"]["guiding"]["probes"]["class"]
        found["class_told_from_codes"] = {name: of.get("linear") for name, of in by_code.items()}
    return found


def singular_values(model) -> dict:
    """Least and most of the largest singular values of the spectrally normalised kernels."""
    found = {}
    for name in model.NETWORKS:
        layers = getattr(model, name)._flatten_layers()
        values = [
            np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)[0]
            for kernel in (
                np.asarray(layer.spectral_kernel(), np.float64)
                for layer in layers
                if hasattr(layer, "spectral_kernel")
            )
        ]
        if values:
            found[name] = {"kernels": len(values), "least": min(values), "most": max(values)}
    return found


def real(details: dict) -> dict:
    """The yardstick: real test clips, against real training clips where two sets are compared."""
    against = details["real_test"]["against_real_train"]
    return {
        "inception_score": details["real_test"]["inception_score"]["value"],
        "frechet_logits": against["frechet_logits"]["value"],
        **{name: against[name]["value"] for name in ("precision", "recall", "coverage")},
    }


if __name__ == "__main__":
    flags.DEFINE_list("flagfiles", None, "flag files of runs, in order", required=True)
    flags.DEFINE_integer("steps", 0, "of training each; 0: as the flag file says")
    flags.DEFINE_float("max_minutes", 0.0, "of training each; 0: as the flag file says")
    flags.DEFINE_integer("count", 500, "sounds to score")
    app.run(main)

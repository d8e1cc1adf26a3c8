r"""The scores of several evaluated runs of one setting side by side, with their commands.

    python -m benchmarks.seeds --runs=runs/fsdd,runs/fsdd_1,runs/fsdd_2 \
        --flagfile_of_runs=configs/fsdd.flags --result=benchmarks/fsdd_seeds.json

Reads each run's scores.json, which evaluate.py wrote, writes the figures to --result, and prints
them as a Markdown table.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

from absl import app, flags

from benchmarks.vocoder import processor
from gaae_tf.config import TrainConfig
from gaae_tf.files import write_text
from gaae_tf.run import names as run_names
from gaae_tf.run.checkpoints import progress

FLAGS = flags.FLAGS
# Header, and where in scores.json's details the figure stands.
FIGURES = {
    "C on test clips": ("classifier_test_accuracy",),
    "simple CNN, same labels": ("simple_classifier_same_labels_accuracy",),
    "augmented CNN, same labels": ("augmented_classifier_same_labels_accuracy",),
    "requested class found": ("samples", "class_accuracy"),
    "requested class found in restyled test clips": ("restyling", "requested_class_found"),
    "Inception Score": ("samples", "inception_score"),
    "… of as many sounds as real test clips": (
        "samples",
        "at_real_test_count",
        "inception_score",
    ),
    "… of the real test clips": ("real_test", "inception_score"),
    "Fréchet distance (logits, against real test)": (
        "samples",
        "against_real_test",
        "frechet_logits",
    ),
    "reconstruction, mean squared error": ("reconstruction", "mse"),
    "spectral convergence of its sound, dB": ("reconstruction", "spectral_convergence_db"),
    "its pitch within a semitone": ("reconstruction", "pitch_within_a_semitone"),
    "… of the vocoder alone": ("reconstruction", "pitch_within_a_semitone_of_vocoder"),
    "pitch of restyled clips within a semitone": (
        "restyling",
        "pitch_within_a_semitone",
        "restyled",
    ),
    "harmonicity of sounds": ("samples", "harmonicity"),
    "… of real test clips": ("real_test", "harmonicity"),
    "speaker told of real test clips": ("restyling", "labels_told", "speaker", "real_test"),
    "… of reconstructions": ("restyling", "labels_told", "speaker", "reconstructed"),
    "… of restyled clips": ("restyling", "labels_told", "speaker", "restyled"),
    "largest of 8 steps of pitch along interpolations": (
        "interpolation",
        "pitch",
        "largest_step_share",
    ),
    "… of a cross-fade": ("interpolation", "pitch", "cross_fade", "largest_step_share"),
    "effective rank of style codes": ("codes", "effective_rank"),
    "share of eigenvalues within a factor of 3": (
        "codes",
        "share_of_eigenvalues_within_a_factor_of_3",
    ),
    "distance from the prior": ("codes", "distance_from_prior"),
    "CNN taught by sounds": ("usefulness", "samples"),
    "CNN taught by sounds and real clips": ("usefulness", "samples_and_real_clips"),
    "CNN taught by real clips": ("usefulness", "real_clips"),
    "scorer on test clips": ("scorer_test_accuracy",),
}


def main(argv: list[str]) -> None:
    """Writes and prints the figures."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    rows = []
    for run_dir in map(Path, FLAGS.runs):
        scores = json.loads((run_dir / "scores.json").read_text())
        config = TrainConfig.load(run_dir / run_names.CONFIG)
        details = scores["details"] | {
            "scorer_test_accuracy": {"value": scores["scorer_test_accuracy"]}
        }
        rows.append(
            {
                "seed": config.seed,
                "steps": scores["provenance"]["step"],
                "training_minutes": round(progress(run_dir)[1] / 60.0, 1),
                "precision": config.precision,
                "labels": scores["provenance"]["labels_of_the_run"],
                "sounds": scores["provenance"]["samples"],
                "test_clips": scores["provenance"]["test_clips"],
                "figures": {name: figure(details, *path) for name, path in FIGURES.items()},
            }
        )
    result = {
        "commands": [
            f"python train.py --flagfile={FLAGS.flagfile_of_runs} --seed=… --run_dir=…",
            f"python evaluate.py --run_dir=… {FLAGS.evaluated_with}",
        ],
        "machine": {"processor": processor(), "cores": 2, "note": FLAGS.note},
        "versions": scores["provenance"]["versions"] | {"python": platform.python_version()},
        "runs": rows,
    }
    write_text(Path(FLAGS.result), json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(table(rows))


def figure(details: dict, *path: str) -> dict | None:
    """A figure of scores.json with its interval or deviation; None where the run has none."""
    for part in path:
        details = details.get(part) if isinstance(details, dict) else None
    if not isinstance(details, dict) or details.get("value") is None:
        return None
    kept = ("value", "interval_95", "deviation", "deviation_is", "of_prior_draws")
    return {name: details[name] for name in kept if details.get(name) is not None}


def table(rows: list[dict]) -> str:
    """The figures as a Markdown table, a column a run."""
    lines = ["| | " + " | ".join(f"seed {row['seed']}" for row in rows) + " |"]
    lines.append("|---" * (1 + len(rows)) + "|")
    lines.append("| steps | " + " | ".join(f"{row['steps']:,}" for row in rows) + " |")
    for name in FIGURES:
        figures = [row["figures"][name] for row in rows]
        if any(figures):
            lines.append(f"| {name} | " + " | ".join(map(cell, figures)) + " |")
    return "\n".join(lines)


def cell(one: dict | None) -> str:
    """A figure as text: a share with an interval in per cent, else a number."""
    if one is None:
        return ""
    if "interval_95" in one:
        low, high = (100 * end for end in one["interval_95"])
        return f"{100 * one['value']:.1f} % ({low:.1f}–{high:.1f})"
    return f"{one['value']:.4g}"


if __name__ == "__main__":
    flags.DEFINE_list("runs", None, "Run folders, evaluated.", required=True)
    flags.DEFINE_string("flagfile_of_runs", None, "What they were trained with.", required=True)
    flags.DEFINE_string("evaluated_with", "--count=2000", "Flags of their evaluation.")
    flags.DEFINE_string("note", "", "What else to know of machine and runs.")
    flags.DEFINE_string("result", None, "JSON file to write.", required=True)
    app.run(main)

r"""The scores of several evaluated runs of one setting side by side, with their commands.

    python -m benchmarks.seeds --runs=runs/fsdd,runs/fsdd_1,runs/fsdd_2 \
        --flagfile_of_runs=configs/fsdd.flags --result=benchmarks/fsdd_seeds.json

Reads each run's scores.json, which evaluate.py wrote, writes the figures to --result, and prints
them as a Markdown table.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path

from absl import app, flags

from benchmarks.in_turn import machine
from gaae_tf.config import TrainConfig
from gaae_tf.files import write_text
from gaae_tf.run import names as run_names
from gaae_tf.run.checkpoints import progress
from gaae_tf.scores import catalogue
from gaae_tf.scores.figure import read, shown
from gaae_tf.scores.measure import Measure

FLAGS = flags.FLAGS
# Header, and what stands below it.
FIGURES = {
    "C on test clips": catalogue.CLASSIFIER_ACCURACY,
    "simple CNN, same labels": catalogue.SIMPLE_CLASSIFIER_ACCURACY,
    "augmented CNN, same labels": catalogue.AUGMENTED_CLASSIFIER_ACCURACY,
    "requested class found": catalogue.CLASS_FOUND,
    "requested class found in restyled test clips": catalogue.RESTYLED_CLASS_FOUND,
    "Inception Score": catalogue.INCEPTION_SCORE,
    "… of as many sounds as real test clips": catalogue.at_real_test_count(
        catalogue.INCEPTION_SCORE
    ),
    "… of the real test clips": catalogue.of_real_test(catalogue.INCEPTION_SCORE),
    "Fréchet distance (logits, against real test)": catalogue.FRECHET_LOGITS,
    "reconstruction, mean squared error": catalogue.RECONSTRUCTION_ERROR,
    "spectral convergence of its sound, dB": catalogue.SPECTRAL_CONVERGENCE,
    "its pitch within a semitone": catalogue.RECONSTRUCTED_PITCH,
    "… of the vocoder alone": catalogue.VOCODED_PITCH,
    "pitch of restyled clips within a semitone": catalogue.RESTYLED_PITCH,
    "harmonicity of sounds": catalogue.HARMONICITY,
    "… of real test clips": catalogue.of_real_test(catalogue.HARMONICITY),
    "speaker told of real test clips": catalogue.label_told("speaker", "real_test"),
    "… of reconstructions": catalogue.label_told("speaker", "reconstructed"),
    "… of restyled clips": catalogue.label_told("speaker"),
    "largest of 8 steps of pitch along interpolations": catalogue.largest_step_share("pitch"),
    "… of a cross-fade": catalogue.cross_fade(catalogue.largest_step_share("pitch")),
    "effective rank of style codes": catalogue.EFFECTIVE_RANK,
    "share of eigenvalues within a factor of 3": catalogue.EIGENVALUES_WITHIN,
    "distance from the prior": catalogue.DISTANCE_FROM_PRIOR,
    "CNN taught by sounds": catalogue.TAUGHT_BY_SOUNDS,
    "CNN taught by sounds and real clips": catalogue.TAUGHT_BY_BOTH,
    "CNN taught by real clips": catalogue.TAUGHT_BY_REAL,
    "scorer on test clips": catalogue.SCORER_ACCURACY,
}


def main(argv: list[str]) -> None:
    """Writes and prints the figures."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    rows = [measured(Path(run_dir)) for run_dir in FLAGS.runs]
    result = {
        "commands": [
            f"python train.py --flagfile={FLAGS.flagfile_of_runs} --seed=… --run_dir=…",
            f"python evaluate.py --run_dir=… {FLAGS.evaluated_with}",
        ],
        "machine": machine() | {"note": FLAGS.note},
        "versions": versions(Path(FLAGS.runs[-1])),
        "runs": rows,
    }
    write_text(Path(FLAGS.result), json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print(table(rows))


def measured(run_dir: Path, figures: Mapping[str, Measure] = FIGURES) -> dict:
    """What is kept of an evaluated run."""
    scores = json.loads((run_dir / "scores.json").read_text())
    config = TrainConfig.load(run_dir / run_names.CONFIG)
    return {
        "seed": config.seed,
        "steps": scores["provenance"]["step"],
        "training_minutes": round(progress(run_dir)[1] / 60.0, 1),
        "precision": config.precision,
        "labels": scores["provenance"]["labels_of_the_run"],
        "sounds": scores["provenance"]["samples"],
        "test_clips": scores["provenance"]["test_clips"],
        "figures": {name: known(scores, measure) for name, measure in figures.items()},
    }


def versions(run_dir: Path) -> dict[str, str]:
    """Of what a run was evaluated with."""
    provenance = json.loads((run_dir / "scores.json").read_text())["provenance"]
    return provenance["versions"] | {"python": platform.python_version()}


def known(scores: dict, measure: Measure) -> dict | None:
    """A figure of scores.json with its interval or deviation; None where the run has none."""
    figure = read(scores, measure.key)
    if figure["value"] is None:
        return None
    kept = ("value", "interval_95", "deviation", "deviation_is", "of_prior_draws")
    return {name: figure[name] for name in kept if figure.get(name) is not None}


def table(rows: list[dict]) -> str:
    """The figures as a Markdown table, a column a run."""
    lines = ["| | " + " | ".join(f"seed {row['seed']}" for row in rows) + " |"]
    lines.append("|---" * (1 + len(rows)) + "|")
    lines.append("| steps | " + " | ".join(f"{row['steps']:,}" for row in rows) + " |")
    for name, measure in FIGURES.items():
        figures = [row["figures"][name] for row in rows]
        if any(figures):
            cells = (cell(figure, measure) for figure in figures)
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(figure: dict | None, measure: Measure) -> str:
    """A figure as text, with its interval or deviation."""
    if figure is None:
        return ""
    value, spread = shown(figure, measure)
    return f"{value}{' %' * measure.percent} {spread}".rstrip()


if __name__ == "__main__":
    flags.DEFINE_list("runs", None, "Run folders, evaluated.", required=True)
    flags.DEFINE_string("flagfile_of_runs", None, "What they were trained with.", required=True)
    flags.DEFINE_string("evaluated_with", "--count=2000", "Flags of their evaluation.")
    flags.DEFINE_string("note", "", "What else to know of machine and runs.")
    flags.DEFINE_string("result", None, "JSON file to write.", required=True)
    app.run(main)

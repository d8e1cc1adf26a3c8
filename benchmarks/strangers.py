r"""Digits of a stranger: each speaker of FSDD in turn is left out of training altogether.

    python -m benchmarks.strangers --source=FOLDER_OF_RECORDINGS

For each speaker: prepares a data set whose test part is that speaker's recordings, trains
configs/fsdd.flags on the others' (whose colour groups are as many as they are), evaluates it, and
adds its figures to benchmarks/strangers.json. What is finished is not done again.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
from absl import app, flags

from benchmarks.in_turn import machine
from benchmarks.seeds import known
from gaae_tf.files import write_text
from gaae_tf.run.checkpoints import progress
from gaae_tf.scores import catalogue

FLAGS = flags.FLAGS
REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = REPOSITORY / "benchmarks" / "strangers.json"
FLAGFILE = "configs/fsdd.flags"
SPEAKERS = ("george", "jackson", "nicolas", "theo", "yweweler")
# As configs/fsdd.flags says that its data set is prepared.
PREPARED = (
    *("--corpus=fsdd", "--sample_rate_hz=8000", "--clip_samples=4096"),
    *("--fft_size=256", "--window_samples=256", "--hop_samples=64"),
)
FIGURES = {
    "C on the stranger's clips": catalogue.CLASSIFIER_ACCURACY,
    "simple CNN, same labels": catalogue.SIMPLE_CLASSIFIER_ACCURACY,
    "augmented CNN, same labels": catalogue.AUGMENTED_CLASSIFIER_ACCURACY,
    "requested class found": catalogue.CLASS_FOUND,
    "requested class found in restyled clips of the stranger": catalogue.RESTYLED_CLASS_FOUND,
    "scorer, taught by all labels of the others": catalogue.SCORER_ACCURACY,
}


def main(argv: list[str]) -> None:
    """Prepares, trains and evaluates what is not finished; prints all."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    for speaker in FLAGS.speakers:
        for seed in range(FLAGS.seeds):
            dataset = Path("datasets") / "strangers" / speaker
            run_dir = Path(FLAGS.runs) / f"{speaker}_{seed}"
            prepare = [*PREPARED, f"--test_speakers={speaker}", f"--out={dataset}"]
            if not (dataset / "dataset.json").exists():
                call("-m", "gaae_tf", "prepare", f"--source={FLAGS.source}", *prepare)
            groups = f"--pseudo_label_groups={len(SPEAKERS) - 1}"
            train = [f"--flagfile={FLAGFILE}", f"--dataset={dataset}", groups, f"--seed={seed}"]
            if FLAGS.steps:
                train.append(f"--steps={FLAGS.steps}")
            call("train.py", *train, f"--run_dir={run_dir}")  # a finished run is left as it is
            evaluate = ["--count=2000", "--usefulness_seeds=0"]
            if not (run_dir / "scores.json").exists():
                call("evaluate.py", f"--run_dir={run_dir}", *evaluate)
            commands = {"prepare": prepare, "train": train, "evaluate": evaluate}
            add(f"{speaker}_{seed}", commands | {"speaker": speaker} | measured(run_dir))
    print(table(json.loads(RESULT.read_text())["runs"]))


def call(*arguments: str) -> None:
    """Runs one of the project's commands; raises if it fails."""
    subprocess.run([sys.executable, *arguments], check=True)


def measured(run_dir: Path) -> dict:
    """What is kept of a run's scores."""
    scores = json.loads((run_dir / "scores.json").read_text())
    provenance = scores["provenance"]
    return {
        "seed": provenance["seed"],
        "steps": provenance["step"],
        "training_minutes": round(progress(run_dir)[1] / 60.0, 1),
        "labels": provenance["labels_of_the_run"],
        "test_clips": provenance["test_clips"],
        "figures": {name: known(scores, measure) for name, measure in FIGURES.items()},
        "machine": machine(),
        "versions": provenance["versions"] | {"python": platform.python_version()},
    }


def add(name: str, row: dict) -> None:
    """Puts a run's figures into the result, which is written whole."""
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {"runs": {}}
    result["command"] = "python -m benchmarks.strangers --source=…"
    result["runs"][name] = row
    write_text(RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def table(runs: dict[str, dict]) -> str:
    """The figures as a Markdown table, a line a speaker left out, and their means."""
    rows = {
        name: [row["figures"][figure]["value"] for figure in FIGURES] for name, row in runs.items()
    }
    rows["mean"] = np.mean(list(rows.values()), axis=0)
    lines = ["| left out | " + " | ".join(FIGURES) + " |", "|---" * (1 + len(FIGURES)) + "|"]
    for name, values in rows.items():
        cells = (f"{100.0 * value:.1f} %" for value in values)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    flags.DEFINE_string("source", None, "FSDD's folder of recordings.", required=True)
    flags.DEFINE_list("speakers", list(SPEAKERS), "Who is left out, each in turn.")
    flags.DEFINE_integer("seeds", 1, "Trainings of each, from seed 0 on.", lower_bound=1)
    flags.DEFINE_integer("steps", 0, "Of training each; 0: as the flag file says.", lower_bound=0)
    flags.DEFINE_string("runs", "runs/strangers", "Folder of the runs.")
    app.run(main)

r"""Digits of a stranger: each speaker of FSDD in turn is left out of training altogether.

    python -m benchmarks.strangers --source=FOLDER_OF_RECORDINGS

For each speaker: prepares a data set whose test part is that speaker's recordings, trains
configs/fsdd.flags on the others' (whose colour groups are as many as they are), evaluates it, and
adds its figures, on the speaker's clips, to benchmarks/strangers.json. What is finished is not done
again.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from absl import app, flags

from benchmarks import seeds
from benchmarks.in_turn import machine
from benchmarks.result import add_run
from benchmarks.systems import call

FLAGS = flags.FLAGS
REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = REPOSITORY / "benchmarks" / "strangers.json"
COMMAND = "python -m benchmarks.strangers --source=…"
FLAGFILE = "configs/fsdd.flags"
SPEAKERS = ("george", "jackson", "nicolas", "theo", "yweweler")
# As configs/fsdd.flags says that its data set is prepared.
PREPARED = (
    *("--corpus=fsdd", "--sample_rate_hz=8000", "--clip_samples=4096"),
    *("--fft_size=256", "--window_samples=256", "--hop_samples=64"),
)
FIGURES = {
    name: seeds.FIGURES[name]
    for name in (
        *("C on test clips", "simple CNN, same labels", "augmented CNN, same labels"),
        *("requested class found", "requested class found in restyled test clips"),
        "scorer on test clips",
    )
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
            row = commands | {"speaker": speaker} | seeds.measured(run_dir, FIGURES)
            row |= {"machine": machine(), "versions": seeds.versions(run_dir)}
            add_run(RESULT, f"{speaker}_{seed}", row, command=COMMAND)
    print(table(json.loads(RESULT.read_text())["runs"]))


def table(runs: dict[str, dict]) -> str:
    """The figures as a Markdown table, a line a speaker left out, and means over them."""
    rows = {
        name: [(row["figures"][figure] or {"value": np.nan})["value"] for figure in FIGURES]
        for name, row in runs.items()
    }
    lines = ["| left out | " + " | ".join(FIGURES) + " |", "|---" * (1 + len(FIGURES)) + "|"]
    for name, values in rows.items():
        cells = ("—" if np.isnan(value) else f"{100.0 * value:.1f} %" for value in values)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if len(rows) > 1:
        shares = 100.0 * np.array(list(rows.values()))
        spread = zip(shares.mean(axis=0), shares.std(axis=0, ddof=1), strict=True)
        cells = (f"{mean:.1f} ± {deviation:.1f} %" for mean, deviation in spread)
        lines.append("| mean ± sample deviation | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    flags.DEFINE_string("source", None, "FSDD's folder of recordings.", required=True)
    flags.DEFINE_list("speakers", list(SPEAKERS), "Who is left out, each in turn.")
    flags.DEFINE_integer("seeds", 1, "Trainings of each, from seed 0 on.", lower_bound=1)
    flags.DEFINE_integer("steps", 0, "Of training each; 0: as the flag file says.", lower_bound=0)
    flags.DEFINE_string("runs", "runs/strangers", "Folder of the runs.")
    app.run(main)

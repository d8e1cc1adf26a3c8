"""Whether E and D know the training clips by heart: reconstructions of these beside validation's.

    python -m benchmarks.by_heart --dataset=datasets/notes --runs=runs/a,runs/b

For each run: mean squared error of reconstructed spectrograms, and their spectral convergence
20 log10(‖S′ − S‖ / ‖S‖) in magnitudes, on average over as many training clips as there are
validation clips. Adds to benchmarks/by_heart.json, where a run of the same name is replaced.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from absl import app, flags

import gaae_tf
from benchmarks.in_turn import machine
from benchmarks.result import add_run
from gaae_tf import losses
from gaae_tf.data.pipeline import map_clips
from gaae_tf.data.shards import load_dataset, read_clips

FLAGS = flags.FLAGS
RESULT = Path(__file__).resolve().parent / "by_heart.json"


def main(argv: list[str]) -> None:
    """Measures what is asked for."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    dataset = load_dataset(FLAGS.dataset)
    train, valid = (read_clips(dataset, split).audio for split in ("train", "valid"))
    spread = train[np.arange(len(valid)) * len(train) // len(valid)]
    for run_dir in map(Path, FLAGS.runs):
        run = gaae_tf.load(run_dir)
        row = {"step": run.step, "steps_of_the_training": run.config.steps, "clips": len(valid)}
        row |= {"training": measured(run, spread), "validation": measured(run, valid)}
        add_run(RESULT, run_dir.name, row | {"machine": machine()})
        print(json.dumps({run_dir.name: row}, indent=1))


def measured(run, audio: np.ndarray) -> dict[str, float]:
    """Figures of reconstructions of clips, int16 [clips, samples]."""
    spectrograms = map_clips(run.signal_path.spectrogram, audio)
    made = run.reconstruct_spectrograms(spectrograms)
    error = losses.magnitude_error(made, spectrograms, run.model.nepers_per_unit)
    convergence_db = 20.0 * np.log10(error)
    return {
        "mean_squared_error": float(np.mean((made - spectrograms) ** 2)),
        "spectral_convergence_db": float(np.mean(convergence_db)),
        "deviation_over_clips_db": float(np.std(convergence_db, ddof=1)),
    }


if __name__ == "__main__":
    flags.DEFINE_string("dataset", None, "The runs' data set folder.", required=True)
    flags.DEFINE_list("runs", None, "Run folders.", required=True)
    app.run(main)

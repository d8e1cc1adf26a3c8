"""By which batch statistics C is used: what each way gives on validation clips.

    python -m benchmarks.code_statistics --runs=runs/fsdd

Takes each run's trained and averaged networks, with the moving statistics of training and with
those measured over real clips, and prints C's accuracy on the data set's validation clips as
Markdown.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from absl import app, flags

from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.run import folder as run_folder
from gaae_tf.run import names as run_names
from gaae_tf.run.build import build_model
from gaae_tf.run.checkpoints import restore_for_sampling
from gaae_tf.training import fit

FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    """Prints a row a run."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    ways = list(itertools.product(("trained", "averaged"), ("moving", "measured")))
    headers = " | ".join(f"{networks}, {kind}" for networks, kind in ways)
    print(f"| run | step | {headers} |\n|---|---|{'---|' * len(ways)}")
    for run_dir in map(Path, FLAGS.runs):
        figures = []
        for networks, kind in ways:
            step, accuracy = measured(run_dir, networks, kind)
            figures.append(f"{100 * accuracy:.1f} %")
        print(f"| {run_dir.name} | {step} | {' | '.join(figures)} |", flush=True)


def measured(run_dir: Path, networks: str, kind: str) -> tuple[int, float]:
    """The run's step, and C's accuracy on validation clips by those networks and statistics."""
    config = TrainConfig.load(run_dir / run_names.CONFIG)
    data = run_folder.DataDescription.load(run_dir)
    dataset = load_dataset(config.dataset)
    model = build_model(config, data)
    step = restore_for_sampling(model, run_dir)
    path = data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
    trained = model.classifier.standardise
    if networks == "trained":
        for name in ("encoder", "classifier"):
            own, average = getattr(model, name), getattr(model, f"averaged_{name}")
            average.set_weights(own.get_weights())
    if kind == "measured":
        model.calibration = fit.calibration_clips(model, read_clips(dataset, "train").audio, path)
        model.measure_code_statistics()
    else:
        used = model.averaged_classifier.standardise
        for name in ("moving_mean", "moving_variance"):
            getattr(used, name).assign(np.asarray(getattr(trained, name)))
    return step, fit.validation_accuracy(model, read_clips(dataset, "valid"), path)


if __name__ == "__main__":
    flags.DEFINE_list("runs", None, "Run folders of a GAAE or GGAN.", required=True)
    app.run(main)

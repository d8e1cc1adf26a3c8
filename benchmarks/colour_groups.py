"""How well groups of clips of one colour are their speakers, and whether they divide the classes.

    python -m benchmarks.colour_groups --run_dir=runs/fsdd [--groups=3,5,8] [--seeds=0,1,2]

Finds the groups in the run's training clips as `--pseudo_label_groups` does, and prints as
Markdown the share of all training clips that are in a group most of which is their speaker's, and
by how much the shares of classes within a group differ from those of all (half of the sum of
differences, on average over groups).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from absl import app, flags

import gaae_tf
from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.systems.colour import ColourGroups
from gaae_tf.training import fit

FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    """Prints a row for each number of groups and seed."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    run = gaae_tf.load(FLAGS.run_dir)
    clips = read_clips(load_dataset(run.config.dataset), "train")
    batches = evaluation_batches(clips.audio, 64)
    spectrograms = tf.concat([run.signal_path.spectrogram(batch) for batch in batches], axis=0)
    calibration = fit.calibration_clips(run.model, clips.audio, run.signal_path)
    _, speakers = np.unique(clips.speakers, return_inverse=True)
    print("| groups | seed | in the group of their speaker | difference of class shares |")
    print("|---|---|---|---|")
    for count in map(int, FLAGS.groups):
        for seed in map(int, FLAGS.seeds):
            group = groups_of(spectrograms, calibration, count, seed)
            by_speaker, by_class = table(group, speakers), table(group, clips.labels)
            shares = by_class / by_class.sum(axis=1, keepdims=True)
            of_all = by_class.sum(axis=0) / by_class.sum()
            print(
                f"| {count} | {seed} | {by_speaker.max(axis=1).sum() / len(group):.1%} "
                f"| {np.abs(shares - of_all).sum(axis=1).mean() / 2.0:.1%} |",
                flush=True,
            )


def groups_of(spectrograms: tf.Tensor, calibration: tf.Tensor, count: int, seed: int) -> np.ndarray:
    """The group of each clip, int [clips], of those found in the calibration clips."""
    groups = ColourGroups(count, calibration.shape[1])
    groups.find(calibration, seed)
    return tf.argmax(groups.of(spectrograms), axis=1).numpy()


def table(group: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Clips by group and label, of the groups that have any, int [groups, labels]."""
    counts = np.zeros((group.max() + 1, labels.max() + 1), int)
    np.add.at(counts, (group, labels), 1)
    return counts[counts.sum(axis=1) > 0]


if __name__ == "__main__":
    flags.DEFINE_string("run_dir", None, "Run folder of a GAAE or GGAN.", required=True)
    flags.DEFINE_list("groups", "3,5,8", "Numbers of groups.")
    flags.DEFINE_list("seeds", "0,1,2", "Seeds of the clustering.")
    app.run(main)

"""Scores a training run: its sounds, its classifier, its reconstructions.

python evaluate.py --run_dir=runs/quickstart [--samples=1000] [--seed=0]

Writes <run_dir>/scores.json and prints the figures. The first evaluation on a data set trains a
scorer and keeps it in <data set>/scorers. Where another data set guided the run, that one's labels
train the scorer, and its test part is for all figures but those of reconstruction.
"""

import sys

from absl import app, flags

from gaae_tf.evaluation import SCORERS, ScorerSettings, evaluate, format_table

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the training run.", required=True)
_SAMPLES = flags.DEFINE_integer("samples", 1000, "Sounds to generate, over all classes.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the generated sounds.", lower_bound=0)
_DATASET = flags.DEFINE_string(
    "dataset", None, "Data set folder, if not where it was when the run was trained."
)
_GUIDANCE_DATASET = flags.DEFINE_string(
    "guidance_dataset", None, "Folder of the data set that guided the run, likewise."
)
_SCORER = flags.DEFINE_enum("scorer", "simple", SCORERS, "Classifier that scores the sounds.")


def main(argv: list[str]) -> int:
    """The command; 1 on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    try:
        scores = evaluate(
            _RUN_DIR.value,
            samples=_SAMPLES.value,
            seed=_SEED.value,
            dataset_dir=_DATASET.value,
            guidance_dataset_dir=_GUIDANCE_DATASET.value,
            scorer_settings=ScorerSettings(name=_SCORER.value),
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(format_table(scores))
    print(f"written to {_RUN_DIR.value}/scores.json")
    return 0


if __name__ == "__main__":
    app.run(main)

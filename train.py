"""Trains a model and leaves a run folder.

    python train.py --flagfile=configs/quickstart.flags
    python train.py --dataset=datasets/mine --run_dir=runs/mine --steps=20000 --labelled_percent=5

Started again with the same flags it goes on where it was; Ctrl-C saves first.
"""

from __future__ import annotations

import sys

from absl import app, flags, logging

from gaae_tf.config import TrainConfig, define_flags
from gaae_tf.training import finish, fit

define_flags()
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print the resolved configuration, parameter counts and memory, and stop."
)


def main(_) -> int:
    """Reads the flags, and trains."""
    logging.set_verbosity(logging.WARNING)  # TensorFlow tells of every file that it saves
    try:
        config = TrainConfig.from_flags(flags.FLAGS)
        if _DRY_RUN.value:
            print(finish.describe(config))
            return 0
        run_dir = fit.train(config)
        finish.leave_results(run_dir)
    except fit.Interrupted as stop:
        print(f"Saved in {config.run_dir}. To go on, type the same command again.")
        return 128 + stop.signal_number
    except (ValueError, OSError, fit.NonFiniteError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    app.run(main)

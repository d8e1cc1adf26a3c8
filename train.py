"""Trains a model and leaves a run folder.

    python train.py --flagfile=configs/quickstart.flags
    python train.py --dataset=datasets/mine --run_dir=runs/mine --steps=20000 --labelled_percent=5

Started again with the same flags it goes on where it was; Ctrl-C saves first.
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import app, flags, logging

from gaae_tf.config import TrainConfig, define_flags
from gaae_tf.training import finish, fit, loop, run_lock
from gaae_tf.training.storage import told_of_failing_storage
from gaae_tf.training.strategy import this_worker

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
        if not this_worker(config.strategy).is_chief:
            fit.train(config)
            return 0
        with run_lock.locked(Path(config.run_dir)):
            run_dir = fit.train(config)
            with told_of_failing_storage(run_dir):
                finish.leave_results(run_dir)
    except loop.Interrupted as stop:
        print(f"Saved in {config.run_dir}. To go on, type the same command again.")
        return 128 + stop.signal_number
    except (ValueError, OSError, loop.NonFiniteError, loop.WorkerLostError) as error:
        print(f"\ntrain.py: {error}", file=sys.stderr)  # below the progress line
        return 1
    return 0


if __name__ == "__main__":
    app.run(main)

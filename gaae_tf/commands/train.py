"""Trains a model and leaves a run folder.

    gaae train --flagfile=configs/quickstart.flags
    gaae train --dataset=datasets/mine --run_dir=runs/mine --steps=20000 --labelled_percent=5

Started again with the same flags it goes on where it was; Ctrl-C saves first.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from gaae_tf import config as train_config
from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.data.terms import DataError, no_dataset
from gaae_tf.run.look import check_run
from gaae_tf.run.names import CONFIG

ERROR = "\n{typed}"  # below the progress line


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    train_config.define_flags(values)
    flags.DEFINE_bool(
        "dry_run",
        False,
        "Print the resolved configuration, parameter counts and memory, and stop.",
        flag_values=values,
    )


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Trains."""
    no_arguments(arguments, values)
    config = train_config.TrainConfig.from_flags(values)
    if not values.dry_run:  # which supposes what is not there
        _check_folders(config)
    load_tensorflow(operate=config.strategy != "multi_worker")
    from gaae_tf.run import lock as run_lock
    from gaae_tf.training import dry_run, finish, fit, loop
    from gaae_tf.training.storage import told_of_failing_storage
    from gaae_tf.training.strategy import this_worker

    if values.dry_run:
        print(dry_run.describe(config))
        return 0
    try:
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
    except (loop.NonFiniteError, loop.WorkerLostError) as error:
        raise ValueError(error) from error
    return 0


def _check_folders(config: train_config.TrainConfig) -> None:
    """Raises for a data set or a run to start from that is not there."""
    begun = (Path(config.run_dir) / CONFIG).is_file()
    for flag in ("dataset", "guidance_dataset"):
        folder = getattr(config, flag)
        if folder in ("", "notes") or Path(folder).is_dir():
            continue
        moved = ". If it was moved, --dataset=ITS_NEW_PLACE goes on" if begun else ""
        raise DataError(no_dataset(folder) + moved * (flag == "dataset"))
    if config.start_from and not begun:
        check_run(config.start_from, flag="--start_from")

"""What a training leaves when it ends: sounds, a SavedModel, and what to do next."""

from __future__ import annotations

import shlex
from pathlib import Path

import gaae_tf
from gaae_tf.run import names as run_names
from gaae_tf.run.export import save
from gaae_tf.run.loaded.base import Loaded
from gaae_tf.run.shipped import reached, shipped_for
from gaae_tf.run.sounds import write_samples

SOUNDS_PER_CLASS = 8


def leave_results(run_dir: Path) -> None:
    """Writes sounds of every class and the SavedModel; prints where all is and what is next."""
    loaded = gaae_tf.load(run_dir)
    left = [*_ended_by_minutes(loaded), f"Run folder     {run_dir}   (step {loaded.step})"]
    run = shlex.quote(str(run_dir))
    commands = [
        f"tensorboard --logdir={shlex.quote(str(run_dir / run_names.LOGS))}",
        f"python evaluate.py --run_dir={run} --count=2000 --usefulness_seeds=0",
    ]
    if loaded.can("generate"):
        of_class, each, count = "", "", SOUNDS_PER_CLASS
        if loaded.can("choose_class"):
            of_class, each = (
                f" --label={shlex.quote(loaded.classes[0])}",
                f", {SOUNDS_PER_CLASS} a class",
            )
            count *= len(loaded.classes)
        samples = run_dir / run_names.SAMPLES
        sounds = write_samples(loaded, samples, count)
        left.append(f"Sounds         {samples}   ({len(sounds)} WAV files{each})")
        commands.append(
            f"python -m gaae_tf generate --run_dir={run}{of_class} --count=8 --seed=1 --out=sounds"
        )
    if loaded.can("represent"):
        commands.append(
            f"python -m gaae_tf represent --run_dir={run} --source=FILE_OR_FOLDER --out=codes.npz"
        )
    left.append(f"SavedModel     {save(loaded, run_dir / run_names.EXPORT)}")
    left.append(f"TensorBoard    {run_dir / run_names.LOGS}")
    shipped = shipped_for(loaded.data)
    if shipped:
        left.append(f"To compare     --run_dir={shipped}, of the package: {reached(shipped)}")
    following = [f"  {command}" for command in commands]
    print("\n".join(["", *left, "", "Next:", "", *following]), flush=True)


def _ended_by_minutes(loaded: Loaded) -> list[str]:
    """What to say of a training that had more steps to do, and how it goes on."""
    steps, minutes = loaded.config.steps, loaded.config.max_minutes
    if not minutes or loaded.step >= steps:
        return []
    return [
        f"--max_minutes={minutes:g} ended the training at step {loaded.step:,} of {steps:,}; the "
        f"same command with --max_minutes={2 * minutes:g} goes on.",
        "",
    ]

"""Checkpoints of the whole training state; restored to go on training, or to sample.

A checkpoint holds all networks (spectral vectors and batch statistics with them), their moving
averages, the optimizers (loss scale with them), the step, and the progress figures. Data order and
noise are functions of (seed, step), so nothing else is needed to go on exactly.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from gaae_tf.models.gaae import GAAE
from gaae_tf.training import run_folder

NETWORKS = (
    "encoder",
    "decoder",
    "classifier",
    "sample_discriminator",
    "latent_discriminator",
    "averaged_encoder",
    "averaged_decoder",
    "averaged_classifier",
)


class Checkpoints:
    """Rolling checkpoints of a compiled model, and the best one.

    Args:
        run_dir: the run folder.
        model: the compiled model.
        keep: how many rolling checkpoints stay.
    """

    def __init__(self, run_dir: Path, model: GAAE, keep: int):
        self.model = model
        self.best_accuracy = tf.Variable(-1.0, name="best_accuracy")
        self.trained_seconds = tf.Variable(0.0, dtype=tf.float64, name="trained_seconds")
        self._checkpoint = tf.train.Checkpoint(
            **_network_variables(model),
            **_named(model.autoencoder_optimizer.variables, "autoencoder_optimizer"),
            **_named(model.sample_optimizer.variables, "sample_optimizer"),
            **_named(model.latent_optimizer.variables, "latent_optimizer"),
            best_accuracy=self.best_accuracy,
            trained_seconds=self.trained_seconds,
        )
        folder = run_dir / run_folder.CHECKPOINTS
        self._rolling = tf.train.CheckpointManager(
            self._checkpoint, str(folder), max_to_keep=keep, checkpoint_name="step"
        )
        self._best = tf.train.CheckpointManager(
            self._checkpoint, str(folder / "best"), max_to_keep=1, checkpoint_name="step"
        )

    def restore(self) -> int:
        """Restores the latest checkpoint, if there is one; returns the step to go on from."""
        if self._rolling.latest_checkpoint is None:
            return 0
        self._checkpoint.restore(self._rolling.latest_checkpoint).assert_consumed()
        return int(self.model.step.numpy())

    def save(self, accuracy: float | None = None) -> None:
        """Saves the state, also as the best if validation `accuracy` has never been higher."""
        step = int(self.model.step.numpy())
        if accuracy is not None and accuracy > float(self.best_accuracy.numpy()):
            self.best_accuracy.assign(accuracy)
            self._best.save(checkpoint_number=step)
        self._rolling.save(checkpoint_number=step)


def restore_for_sampling(model: GAAE, run_dir: Path, which: str = "latest") -> int:
    """Restores the networks of a run into an uncompiled model; returns their step.

    Args:
        model: built by `build_model` from the run's own configuration.
        run_dir: the run folder.
        which: "latest" or "best".

    Raises:
        ValueError: `which` is neither.
        FileNotFoundError: the run has no such checkpoint.
    """
    if which not in ("latest", "best"):
        raise ValueError(f"checkpoint must be 'latest' or 'best', got {which!r}")
    folder = Path(run_dir) / run_folder.CHECKPOINTS
    if which == "best":
        folder = folder / "best"
    path = tf.train.latest_checkpoint(str(folder))
    if path is None:
        raise FileNotFoundError(
            f"{folder} holds no checkpoint; has training saved one yet (--checkpoint_every)?"
        )
    status = tf.train.Checkpoint(**_network_variables(model)).restore(path)
    status.assert_existing_objects_matched().expect_partial()
    return int(model.step.numpy())


def _network_variables(model: GAAE) -> dict[str, tf.Variable]:
    """Every variable of the model but the optimizers', by a name that is the same in all processes.

    Each is named here because object tracking does not follow Keras layers kept in lists, and
    would leave their weights out without a word.

    Raises:
        AssertionError: the model has a weight that is in none of its networks.
    """
    variables = {"step": model.step.value}
    for name in NETWORKS:
        variables |= _named(getattr(model, name).weights, name)
    assert len(variables) == len(model.weights), "a weight of the model is in none of NETWORKS"
    return variables


def _named(variables, prefix: str) -> dict[str, tf.Variable]:
    return {f"{prefix}_{i:04}": variable.value for i, variable in enumerate(variables)}

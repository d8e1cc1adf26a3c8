"""Networks of one run that another takes as they are: BiGAN's generator, its MLP's features."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gaae_tf.config import TrainConfig
from gaae_tf.run.build import build_model
from gaae_tf.run.checkpoints import restore_for_sampling
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.names import CONFIG
from gaae_tf.systems.system import System

# What the networks' sizes and the spectrograms that they know depend on, where both models have it.
_MUST_AGREE = (
    "window",
    "window_samples",
    "hop_samples",
    "fft_size",
    "scaling",
    "dynamic_range_nepers",
    "channels",
    "width_schedule",
    "non_local_bins",
    "style_dim",
)


def frozen_description(config: TrainConfig) -> DataDescription:
    """What the run of `frozen_run` knows of its data, whose statistics its networks rely on.

    Raises:
        ValueError: it is a run of another model, or of other settings than this one's.
        FileNotFoundError: it is no run folder.
    """
    source = _source(config)
    for name in _MUST_AGREE:
        wanted, has = getattr(config, name), getattr(source, name)
        if wanted != has and config.takes(name):
            raise ValueError(
                f"--{name}={wanted}, but the run {config.frozen_run} has {has}; give "
                f"--{name}={has}, or another --frozen_run"
            )
    return DataDescription.load(Path(config.frozen_run))


def take_frozen(model: System, config: TrainConfig) -> None:
    """Gives the model's frozen networks the weights that `frozen_run` would sample or encode with.

    Raises:
        ValueError, FileNotFoundError: as in `frozen_description`, or it has no checkpoint.
    """
    source, run_dir = _source(config), Path(config.frozen_run)
    trained = build_model(
        dataclasses.replace(source, precision="float32"), DataDescription.load(run_dir)
    )
    restore_for_sampling(trained, run_dir, reestimate_batches=source.reestimate_batches)
    for name in model.FROZEN:
        getattr(model, name).set_weights(getattr(trained, f"averaged_{name}").get_weights())


def _source(config: TrainConfig) -> TrainConfig:
    needed, path = config.system.frozen, Path(config.frozen_run) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(
            f"--frozen_run={config.frozen_run} is no run folder: it has no {CONFIG}; train a "
            f"{needed} first"
        )
    source = TrainConfig.load(path)
    if source.model != needed:
        raise ValueError(
            f"--frozen_run={config.frozen_run} holds a {source.model}, but --model={config.model} "
            f"needs a {needed}"
        )
    return source

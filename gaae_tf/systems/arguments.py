"""Arguments that several systems build their networks and themselves with, of a configuration."""

from __future__ import annotations

import typing
from typing import Any

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


def size(config: TrainConfig, data: DataDescription) -> dict[str, Any]:
    """Of every network on spectrograms."""
    return {
        "bins": config.stft.bins,
        "frames": config.stft.frames(data.clip_samples),
        "channels": config.channels,
        "dtype": config.precision,
    }


def tower(config: TrainConfig, data: DataDescription) -> dict[str, Any]:
    """Of those of the paper's Tables X to XXI."""
    return {**size(config, data), "non_local_bins": config.non_local_bins}


def decoder(config: TrainConfig, data: DataDescription, classes: int | None) -> dict[str, Any]:
    """Of those of them that make spectrograms, of a class unless `classes` is None."""
    return {
        **tower(config, data),
        "classes": classes,
        "width_schedule": config.width_schedule,
        "style_dim": config.style_dim,
        "class_biases": "orthogonal" if config.orthogonal_class_biases else "zeros",
    }


def averaged(config: TrainConfig) -> dict[str, Any]:
    """Of every `System`."""
    return {"seed": config.seed, "average_decay": config.average_decay}

"""gaae_tf: Guided Adversarial Autoencoders for audio, in Keras 3 and TensorFlow."""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from pathlib import Path

    from gaae_tf.loading import LoadedGAAE

__version__ = "0.1.0"


def load(run_dir: str | Path, checkpoint: str = "latest", **options) -> LoadedGAAE:
    """Loads a trained run for use; see `gaae_tf.loading.load`, which this imports when called."""
    from gaae_tf import loading

    return loading.load(run_dir, checkpoint, **options)

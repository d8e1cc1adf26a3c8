"""gaae_tf: Guided Adversarial Autoencoders for audio, in Keras 3 and TensorFlow."""

from __future__ import annotations

import os
import typing

if typing.TYPE_CHECKING:
    from pathlib import Path

    from gaae_tf.run.loading import Loaded

__version__ = "0.1.0"

# On processors with AVX2 alone TensorFlow leaves oneDNN off, and training takes 2.6 times as long
# (BUILD.md). It reads this when it is imported, which is after this file wherever gaae_tf is first.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def load(run_dir: str | Path, checkpoint: str = "latest", **options) -> Loaded:
    """Loads a trained run; see `gaae_tf.run.loading.load`, which this imports when called."""
    from gaae_tf.run import loading

    return loading.load(run_dir, checkpoint, **options)

"""BigGAN without labels: plain batch normalisation, and a discriminator without projection.

Source and departures: `systems.biggan`.
"""

from __future__ import annotations

import typing

from gaae_tf.systems.biggan import BigGAN, with_classes
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


def build(config: TrainConfig, data: DataDescription) -> BigGAN:
    """The networks of a configuration, without classes."""
    return with_classes(config, data, None)


SPEC = Spec(
    name="unsupervised_biggan",
    labels="none",
    unlabelled=True,
    does=("generate",),
    sizes="doubling",
    flags=("adversarial", "tower", "decoder"),
    build=build,
)

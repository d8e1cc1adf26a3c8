"""BigGAN without labels: plain batch normalisation, and a discriminator without projection.

Source and departures: `systems.biggan`.
"""

from __future__ import annotations

import typing

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import SampleDiscriminator
from gaae_tf.systems.arguments import averaged, decoder, tower
from gaae_tf.systems.biggan import BigGAN
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


def build(config: TrainConfig, data: DataDescription) -> BigGAN:
    """The networks of a configuration; the generator draws its weights first."""
    return BigGAN(
        Decoder(**decoder(config, data, classes=None), name="generator"),
        SampleDiscriminator(**tower(config, data), classes=None, name="discriminator"),
        **averaged(config),
    )


SPEC = Spec(
    name="unsupervised_biggan",
    labels="none",
    unlabelled=True,
    does=("generate",),
    sizes="doubling",
    flags=("adversarial", "tower", "decoder"),
    build=build,
)

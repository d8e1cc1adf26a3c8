"""WaveGAN: generator and critic of waveforms.

Source: Donahue et al. 2019 (arXiv 1802.04208); training: `systems.wasserstein`.
"""

from __future__ import annotations

import typing

from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator
from gaae_tf.systems.arguments import averaged
from gaae_tf.systems.spec import Spec
from gaae_tf.systems.wasserstein import WassersteinGAN

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class WaveGAN(WassersteinGAN):
    """WaveGAN: generator and critic of waveforms [batch, samples, 1], codes from U(-1, 1)."""


def build(config: TrainConfig, data: DataDescription) -> WaveGAN:
    """The networks of a configuration; the generator draws its weights first."""
    size = {
        "samples": data.clip_samples,
        "channels": config.channels,
        "dtype": config.precision,
    }
    return WaveGAN(
        WaveGANGenerator(**size, style_dim=config.style_dim, name="generator"),
        WaveGANDiscriminator(**size, name="discriminator"),
        **averaged(config),
    )


SPEC = Spec(
    name="wavegan",
    labels="none",
    unlabelled=True,
    does=("generate",),
    signal="audio",
    sizes="quadrupling",
    flags=("adversarial",),
    build=build,
)

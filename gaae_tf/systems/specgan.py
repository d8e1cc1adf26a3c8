"""SpecGAN: generator and critic of spectrograms.

Source: Donahue et al. 2019 (arXiv 1802.04208); training: `systems.wasserstein`.
"""

from __future__ import annotations

import typing

from gaae_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gaae_tf.systems.arguments import averaged, size
from gaae_tf.systems.spec import Spec
from gaae_tf.systems.wasserstein import WassersteinGAN

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class SpecGAN(WassersteinGAN):
    """SpecGAN: generator and critic of spectrograms, codes from U(-1, 1)."""


def build(config: TrainConfig, data: DataDescription) -> SpecGAN:
    """The networks of a configuration; the generator draws its weights first."""
    both = {**size(config, data), "kernel_size": (5, 5), "spectral_norm": False}
    return SpecGAN(
        DCGANGenerator(**both, wide_base=True, style_dim=config.style_dim, name="generator"),
        DCGANDiscriminator(**both, name="discriminator"),
        **averaged(config),
    )


SPEC = Spec(
    name="specgan",
    labels="none",
    unlabelled=True,
    does=("generate",),
    sizes="dcgan",
    flags=("adversarial",),
    build=build,
)

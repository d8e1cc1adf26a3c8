"""TiFGAN: generator and critic of spectrograms, spectrally normalised.

Source: Marafioti et al. 2019 (arXiv 1902.04072); training: `systems.wasserstein`.
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


class TiFGAN(WassersteinGAN):
    """TiFGAN: generator and critic of spectrograms, codes from N(0, 1), cut at 2.5 in sampling."""

    PRIOR = "normal"
    SAMPLING_PRIOR = "truncated_normal"


def build(config: TrainConfig, data: DataDescription) -> TiFGAN:
    """The networks of a configuration; the generator draws its weights first."""
    both = {**size(config, data), "kernel_size": (12, 3), "spectral_norm": True}
    return TiFGAN(
        DCGANGenerator(**both, wide_base=False, style_dim=config.style_dim, name="generator"),
        DCGANDiscriminator(**both, name="discriminator"),
        **averaged(config),
    )


SPEC = Spec(
    name="tifgan",
    labels="none",
    unlabelled=True,
    does=("generate",),
    sizes="dcgan",
    flags=("adversarial",),
    build=build,
)

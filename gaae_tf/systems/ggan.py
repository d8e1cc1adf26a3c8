"""GGAN, as described by Haque et al. 2020 in the paper of GAAE.

Its own paper was not at hand. Said of it there: it rests on BigGAN; a feature network maps a
recording to a latent; the condition is imposed on that latent, which so carries no general style
code (section I); classifier and latent discriminator are those of Tables XXII and XXIII. Built
from that (METHOD §8) as GAAE without reconstruction and with one code for two:

    z = F(x);  ŷ = softmax C(z);  x̂_u = G(z_u, ŷ_u);  x̂_g = G(z_u, y_r)

C reads the class from the code that G is fed, so this code is of the class, and L holds it to
N(0, I), from which sampling draws it. Losses are GAAE's (1), (2), (4), (5), (7) and (8), without
(3). `docs/ggan.svg` draws it.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import ClassVar

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.features import FeatureNetwork
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.systems.arguments import averaged, decoder, tower
from gaae_tf.systems.gaae import GAAE
from gaae_tf.systems.settings import Additions
from gaae_tf.systems.spec import Spec

if typing.TYPE_CHECKING:
    from gaae_tf.config import TrainConfig
    from gaae_tf.run.folder import DataDescription


class GGAN(GAAE):
    """Trains F, G, C, S and L; one call of `train_step` is one iteration of GAAE's Algorithm 1.

    Args:
        encoder: the feature network F, with one code.
        decoder: the generator G.
        others: as in `GAAE`; of `loss_weights`, ω1 must be 1 and ω2 0, for there is no R; so
            must what `additions` has on reconstructions.

    Raises:
        ValueError: as in `GAAE`, or ω2 is not 0.
    """

    NETWORKS: ClassVar = {
        "encoder": "feature network F",
        "decoder": "generator G",
        "classifier": "classifier C",
        "sample_discriminator": "sample discriminator S",
        "latent_discriminator": "latent discriminator L",
    }
    LOSS_NAMES = tuple(name for name in GAAE.LOSS_NAMES if name != "R")
    LOG_NAMES = tuple(name for name in GAAE.LOG_NAMES if name != "R")
    PROGRESS_NAMES = ("Cl", "G", "S_loss")
    CLASSIFIED_CODE = "latent"

    def __init__(self, *networks, loss_weights, **kwargs):
        if loss_weights.omega_2 != 0.0:
            raise ValueError(f"GGAN reconstructs nothing: omega_2 must be 0, got {loss_weights}")
        additions = kwargs.get("additions", Additions())
        if additions.magnitude_error or additions.reconstruction_emphasis:
            raise ValueError(
                "GGAN reconstructs nothing: magnitude_error and reconstruction_emphasis must be 0, "
                f"got {additions}"
            )
        super().__init__(*networks, loss_weights=loss_weights, **kwargs)

    def codes(self, spectrograms):
        """The codes by the averaged F."""
        return {"latent": self.averaged_encoder(spectrograms)}

    def _encode(self, spectrograms):
        """One code, guided and style code at once."""
        code = self.encoder(spectrograms, training=True)
        return code, code

    def _decode_for_start(self, style, y_u):
        """Nothing: without adversaries nothing is learnt from what G makes."""
        return

    def _reconstruction(self, reconstructed, x_u):
        """No R."""
        return {}


def build(config: TrainConfig, data: DataDescription) -> GGAN:
    """The networks of a configuration, which draw their weights in this order."""
    classes, size = len(data.classes), tower(config, data)
    return GGAN(
        FeatureNetwork(**size, style_dim=config.style_dim, name="encoder"),
        Decoder(**decoder(config, data, classes)),
        LatentClassifier(classes, config.style_dim),
        SampleDiscriminator(**size, classes=classes),
        LatentDiscriminator(
            config.style_dim,
            classes=classes if config.latent_condition else None,
            spectral_norm=config.latent_spectral_norm,
        ),
        loss_weights=dataclasses.replace(config.loss_weights, omega_1=1.0, omega_2=0.0),
        additions=config.additions,
        **averaged(config),
    )


SPEC = Spec(
    name="ggan",
    labels="some",
    unlabelled=True,
    does=("generate", "choose_class", "represent", "classify"),
    codes=("latent",),
    sampled_code="latent",
    sizes="doubling",
    flags=("adversarial", "tower", "decoder", "class_biases", "guided_loss", "alterations"),
    build=build,
)

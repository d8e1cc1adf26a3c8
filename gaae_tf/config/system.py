"""The networks, the losses, and what may be added to the paper's algorithm."""

from __future__ import annotations

import dataclasses

from gaae_tf.config.setting import setting
from gaae_tf.networks.geometry import AXES, POOLINGS, WIDTH_SCHEDULES
from gaae_tf.systems.settings import CONDITIONS


@dataclasses.dataclass(frozen=True)
class SystemSettings:
    """The settings of networks and losses."""

    # Networks (paper appendix A).
    channels: int = setting(
        16,
        "ch, the base width of all convolutional networks (WaveGAN, SpecGAN, TiFGAN: 64); the "
        "simple classifiers have their own.",
        least=1,
    )
    width_schedule: str = setting(
        "biggan",
        "Widths of the decoder, a BigGAN's generator.",
        choices=WIDTH_SCHEDULES,
        group="decoder",
    )
    encoder_channels: int = setting(0, "ch of E alone; 0: as --channels.", least=0, group="gaae")
    non_local_bins: int = setting(
        128,
        "Bins at which the non-local block stands, 0 for none (paper: half the spectrogram's).",
        group="tower",
    )
    guided_dim: int = setting(128, "Length of the guided code z.", least=1, group="gaae")
    style_dim: int = setting(
        128,
        "Length of the style code z', of a generator's z, or of the one code of GGAN and BiGAN.",
        least=1,
    )

    # Loss (paper VI, equation 6).
    alpha: float = setting(
        0.5, "Weight of generation and reconstruction; alpha + beta = 1.", group="guided_loss"
    )
    beta: float = setting(0.5, "Weight of classification and latent matching.", group="guided_loss")
    omega_1: float = setting(0.6, "Weight of G; omega_1 + omega_2 = 1.", group="gaae")
    omega_2: float = setting(0.4, "Weight of lambda * R.", group="gaae")
    omega_3: float = setting(
        0.25, "Weight of Cl; omega_3 + omega_4 + omega_5 = 1.", group="guided_loss"
    )
    omega_4: float = setting(0.25, "Weight of Cg.", group="guided_loss")
    omega_5: float = setting(0.5, "Weight of Lg.", group="guided_loss")
    reconstruction_lambda: float = setting(20.0, "lambda, the factor of R.", group="gaae")
    condition: str = setting(
        "soft",
        "Form of the predicted class as a condition.",
        choices=CONDITIONS,
        group="guided_loss",
    )
    stop_condition_gradient: bool = setting(
        True, "Whether the predicted class conditions D without gradient.", group="guided_loss"
    )

    # What may be added to the paper's algorithm (systems/additions.py).
    start_steps: int = setting(
        0,
        "Iterations at the beginning without adversaries: E, D and C learn from R, Cl and what is "
        "added alone.",
        group="guided_loss",
    )
    start_reconstruction_lambda: float = setting(
        0.0,
        "Weight lambda of reconstruction in those iterations; 0: that of the others.",
        group="gaae",
    )
    alter_labelled: bool = setting(
        False,
        "Whether Cl sees altered clips, as the augmented classifier does.",
        group="guided_loss",
    )
    alter_channel: bool = setting(
        False,
        "Whether altered clips have other gains over frequency and another floor, too: those of Cl "
        "and pseudo-labels, and of the augmented classifier.",
        group="alterations",
    )
    generated_class_ramp_steps: int = setting(
        0,
        "Iterations after the start over which the weight of Cg grows from 0; 0: all at once.",
        group="guided_loss",
    )
    generated_class_teaches_decoder: bool = setting(
        False,
        "Whether Cg moves D too; the paper holds the generated clips constant there.",
        group="guided_loss",
    )
    hold_generated_style: bool = setting(
        False,
        "Whether clips generated from random labels move D alone, their style codes being held "
        "constant.",
        group="guided_loss",
    )
    pseudo_labels: float = setting(
        0.0,
        "Weight of learning the classes that the averaged E and C find in unlabelled clips.",
        group="guided_loss",
    )
    pseudo_label_confidence: float = setting(
        0.95, "How sure of the class the averaged E and C must be, in [0, 1].", group="guided_loss"
    )
    pseudo_label_balance: float = setting(
        0.0,
        "How fast those classes are brought to the shares that they have among labelled clips; 0: "
        "not at all.",
        group="guided_loss",
    )
    pseudo_label_balance_steps: int = setting(
        0,
        "Iterations over which that fades; 0: it goes on to the end.",
        group="guided_loss",
    )
    pseudo_label_groups: int = setting(
        1,
        "Groups of clips of one colour (voices, microphones), found without labels, each of which "
        "has those shares; 1: all clips together.",
        group="guided_loss",
    )
    sliced_wasserstein: float = setting(
        0.0,
        "Weight of the sliced Wasserstein distance of the style codes from the prior.",
        group="guided_loss",
    )
    class_independence: float = setting(
        0.0,
        "Scale of the class in that distance, so that style codes do not tell it; 0: without.",
        group="guided_loss",
    )
    whitening: float = setting(
        0.0,
        "Weight of the style codes' deviation from mean 0 and covariance I.",
        group="guided_loss",
    )
    recent_codes: int = setting(
        0,
        "How many recent style codes the distance, the whitening and L see beside the batch's.",
        group="guided_loss",
    )
    latent_spectral_norm: bool = setting(
        False, "Whether L is spectrally normalised, as S is.", group="guided_loss"
    )
    latent_condition: bool = setting(
        False,
        "Whether L sees the class beside the style code, so that codes do not tell it.",
        group="guided_loss",
    )
    balance_losses: bool = setting(
        False,
        "Whether the gradient of each term at the outputs of E and D has the norm that its weight "
        "says.",
        group="guided_loss",
    )
    pair_confidence: float = setting(
        0.0,
        "S takes an unlabelled clip for a real one of its class only if C is this sure of it, in "
        "[0, 1].",
        group="guided_loss",
    )
    orthogonal_class_biases: bool = setting(
        False, "Whether D's class biases start orthogonal; else at zero.", group="class_biases"
    )
    style_pooling: str = setting(
        "sum",
        "What the style code is read from: the tower's sum over all places (the paper's), or over "
        "frames alone, which keeps where on the frequency axis a feature was.",
        choices=POOLINGS,
        group="gaae",
    )
    frequency_axis: str = setting(
        "linear",
        "The frequency axis inside E and D: linear (the paper's), or log, on which a note of "
        "another pitch is the same picture, moved.",
        choices=AXES,
        group="gaae",
    )
    reconstruction_emphasis: float = setting(
        0.0, "How much more loud bins weigh in R; 0: all alike.", group="gaae"
    )
    magnitude_error: float = setting(
        0.0,
        "Weight of the spectral convergence of reconstructed magnitudes, in which loud bins alone "
        "count.",
        group="gaae",
    )

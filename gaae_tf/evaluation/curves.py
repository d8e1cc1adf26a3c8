"""The curves of a run's listening page: what its training logged, grouped and in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorflow import make_ndarray

from gaae_tf.report.page import Curve

LOSS = "loss/"  # begins the tags of losses
_MOST_POINTS = 500
# The groups by the tag's part before its first slash, in the order in which they are shown.
_GROUPS = {
    "loss": "Losses",
    "validation": "Validation clips",
    "decoder": "Validation clips",
    "codes": "Style codes of validation clips",
    "collapse": "Signs of collapse",
    "gradient_norm": "Norms of gradients",
    "learning_rate": "Learning rates",
    "speed": "Speed",
}
_OTHERS = "Others"
_TITLES = {
    "loss/EDC": "All that E, D and C minimise, equation (6)",
    "loss/R": "Error of reconstructions, R",
    "loss/G": "D against the sample discriminator, G",
    "loss/Cl": "C on labelled clips, Cl",
    "loss/Cg": "C on generated sounds, Cg",
    "loss/Lg": "E against the latent discriminator, Lg",
    "loss/S_loss": "Sample discriminator, S",
    "loss/L_loss": "Latent discriminator, L",
    "loss/C_loss": "Classifier, C",
    "loss/D_loss": "Discriminator, D",
    "loss/F_loss": "Feature network, F",
    "loss/G_loss": "Generator, G",
    "loss/J_loss": "Joint discriminator, J",
    "loss/gradient_penalty": "Penalty of the discriminator's gradient",
    "loss/magnitude_error": "Error of reconstructed magnitudes",
    "loss/pseudo_labels": "C on its own confident labels",
    "loss/sliced_wasserstein": "Distance of the style codes from the prior",
    "loss/whitening": "Deviation of the style codes' covariance",
    "validation/accuracy": "Accuracy of C",
    "decoder/class_share": "Share of D's output that the class decides",
    "codes/deviation": "Standard deviation; the prior's is 1",
    "codes/distance_from_prior": "Distance from the prior",
    "codes/distance_of_prior_draws": "The same distance of draws of the prior",
    "codes/effective_rank": "Effective rank",
    "codes/share_within_factor_3": "Share of eigenvalues within a factor of 3 of 1",
    "learning_rate/autoencoder": "E, D and C",
    "learning_rate/sample": "Sample discriminator",
    "learning_rate/latent": "Latent discriminator",
    "gradient_norm/EDC": "E, D and C",
    "gradient_norm/S": "Sample discriminator",
    "gradient_norm/L": "Latent discriminator",
    "rollbacks": "How often training went back to a checkpoint",
    "speed/clips_per_second": "Clips a second",
    "speed/steps_per_second": "Iterations a second",
    "speed/waiting_share": "Share of time that waits for data",
}
# Tags that end in a name of the data or of the system.
_ENDED = {
    "collapse/generated_variance/": "Variance of generated spectrograms, ",
    "collapse/saturated_steps/": "Iterations that a discriminator has won in a row, ",
}


def curves(logs: Path) -> Iterator[Curve]:
    """Every scalar that training logged, losses first.

    Args:
        logs: the run's folder of TensorBoard logs; of one that is not there, there are none.
    """
    if not logs.is_dir():
        return
    events = EventAccumulator(str(logs), size_guidance={"tensors": 0, "scalars": 0})
    events.Reload()
    scalars = [
        tag
        for tag in events.Tags()["tensors"]
        if events.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"
    ]
    for tag in sorted(scalars, key=_order):
        found = events.Tensors(tag)
        shown = np.linspace(0, len(found) - 1, min(len(found), _MOST_POINTS)).round().astype(int)
        found = [found[i] for i in shown]  # the last among them
        steps = np.array([event.step for event in found])
        order = np.argsort(steps, kind="stable")
        values = np.array([float(make_ndarray(event.tensor_proto)) for event in found])
        yield Curve(tag, steps[order], values[order], title(tag), group(tag))


def title(tag: str) -> str:
    """A tag of TensorBoard in words; "" where nothing is known of it."""
    for beginning, words in _ENDED.items():
        if tag.startswith(beginning):
            return words + tag.removeprefix(beginning)
    return _TITLES.get(tag, "")


def group(tag: str) -> str:
    """What a tag's curve stands together with."""
    return _GROUPS.get(tag.split("/")[0], _OTHERS)


def _order(tag: str) -> tuple[int, int, str]:
    """Losses first; in a group as the titles stand above, then by name."""
    groups, titles = [*dict.fromkeys(_GROUPS.values()), _OTHERS], [*_TITLES]
    place = titles.index(tag) if tag in _TITLES else len(titles)
    return groups.index(group(tag)), place, tag

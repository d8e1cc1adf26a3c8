"""How near the codes of real clips come to those that sampling draws, and what they decide."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gaae_tf.evaluation.measures.representations import probed_clips
from gaae_tf.metrics.codes import (
    class_share,
    deviation,
    distance_from_prior,
    effective_rank,
    rank_of_prior_draws,
    share_within,
)
from gaae_tf.scores.figure import absent

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context

STYLES = 32  # that are decoded as every class
_FACTOR = 3.0


class ClassDecoder(Protocol):
    """What is asked of a trained run with classes, as `gaae_tf.load` gives it."""

    classes: tuple[str, ...]

    def generate_spectrograms(self, labels: Sequence[str], seed: int, first: int) -> np.ndarray:
        """Gives spectrograms of one class each; equal seeds and numbers have equal styles."""


def applies(context: Context) -> bool:
    """The run gives codes, and makes sounds of drawn ones."""
    return context.can("represent") and context.can("generate")


def phase(context: Context) -> str:
    """What is done."""
    return "codes beside the prior's"


def measure(context: Context) -> dict[str, Any]:
    """Figures of the codes of test clips as `codes`, where the sampler takes such codes."""
    encoded = context.encoded_test(context.dataset)
    _, chosen = probed_clips(context, context.dataset)
    if chosen is not None:
        encoded = encoded.subset(chosen)
    decoder = context.run if context.can("choose_class") else None
    sampled = context.run.config.system.sampled_code
    found = prior_figures(encoded.codes, sampled, decoder, context.seed)
    return {} if found is None else {"codes": found}


def prior_figures(
    codes: Mapping[str, np.ndarray],
    sampled: str | None,
    decoder: ClassDecoder | None = None,
    seed: int = 0,
) -> dict[str, Any] | None:
    """Compares codes with as many draws of N(0, I), which sampling takes.

    Args:
        codes: of the same clips by name, float [clips, dimensions].
        sampled: that of them which the sampler takes; None if it takes none of them.
        decoder: what makes spectrograms of codes and classes; None where there are no classes.
        seed: of draws, and of the styles to decode.

    Returns:
        `effective_rank` and `distance_from_prior`, each with what draws have, `of_prior_draws`;
        `standard_deviation` and `share_of_eigenvalues_within_a_factor_of_3`, 1 of many draws; with
        a decoder `class_share_of_output`, the share of its variance over drawn styles and all
        classes that the class decides. None if the sampler takes none of these codes.
    """
    if sampled is None:
        return None
    x = codes[sampled]
    known = {"clips": len(x), "dimensions": x.shape[1]}
    figures = {
        "code": sampled,
        "effective_rank": _figure(lambda: {"value": effective_rank(x)}, **known),
        "standard_deviation": _figure(lambda: {"value": deviation(x)}, **known),
        "share_of_eigenvalues_within_a_factor_of_3": _figure(
            lambda: {"value": share_within(x, _FACTOR)}, **known
        ),
        "distance_from_prior": _figure(lambda: _distance(x, seed), **known),
    }
    if figures["effective_rank"]["value"] is not None:
        figures["effective_rank"]["of_prior_draws"] = rank_of_prior_draws(*known.values())
    if decoder is not None:
        figures["class_share_of_output"] = _figure(
            lambda: {"value": class_share(_decoded(decoder, seed))},
            styles=STYLES,
            classes=len(decoder.classes),
        )
    return figures


def _distance(codes: np.ndarray, seed: int) -> dict[str, float]:
    value, of_draws = distance_from_prior(codes, seed)
    return {"value": value, "of_prior_draws": of_draws}


def _decoded(decoder: ClassDecoder, seed: int) -> np.ndarray:
    """Spectrograms of the same styles as every class, [styles, classes, bins, frames, 1]."""
    by_class = [decoder.generate_spectrograms([name] * STYLES, seed, 0) for name in decoder.classes]
    return np.stack(by_class, axis=1)


def _figure(measure: Callable[[], dict[str, float]], **known: int) -> dict[str, Any]:
    try:
        figure = measure()
    except ValueError as error:
        return absent(str(error), **known)
    return {**figure, "deviation": None, "deviation_reason": "one set of codes", **known}

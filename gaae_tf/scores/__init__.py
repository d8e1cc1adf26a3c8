"""The form of `scores.json`: which figures are in it, how one is written, read and shown.

It has every figure with where it comes from: the scorer and its own accuracy, the sample counts,
the data set, the seed, the vocoder and the versions. A figure that cannot be had, say for too few
test clips, is null with the reason beside it, never a made-up number.

    the main figures, plain numbers or null
    details
        samples, real_test, real_train   by measure (`measures.quality`); real clips' are the
                                         yardstick, measured as if they were samples;
                                         samples' `at_real_test_count` has what compares with it:
                                         figures of as many sounds as there are real test clips;
                                         `harmonicity`, how periodic sounds are, but real_train's
        interpolation, confusion         of sounds along paths; which class found for which meant
        classifier_test_accuracy, simple_classifier_same_labels_accuracy,
        augmented_classifier_same_labels_accuracy
        reconstruction                   errors, pitch, periodicity (`measures.reconstructions`)
        restyling                        class changed and the rest kept (`measures.restyling`)
        representations                  probes of the codes (`measures.representations`)
        codes                            of test clips beside the prior's draws (`measures.prior`)
        usefulness                       by what taught: samples, samples_and_real_clips, real_clips
        validation                       the last figures of the run's `validation.json`, which
                                         training measured on validation clips, as plain numbers
        (what a system has no part for is absent: BigGAN's codes, C and reconstruction; GGAN's
        reconstruction and restyling; a classifier's samples and all that is measured of them)
    provenance                           `phases` have each phase's seconds and peak memory

`catalogue` tells which of these are shown, and by which names; `figure` has the form of one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SCORES_FILE = "scores.json"  # in the run folder


def read_file(path: Path, sections: Sequence[str], again: str) -> dict[str, Any]:
    """What an evaluation wrote.

    Args:
        path: of the file, which is there.
        sections: objects that it must hold.
        again: how it is made anew, for messages.

    Raises:
        ValueError: it is no JSON object with these sections; it is named.
    """
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}; {again}") from error
    for name in sections:
        if not isinstance(scores, dict) or not isinstance(scores.get(name), dict):
            raise ValueError(f"{path} has no object `{name}`, as evaluate.py writes it; {again}")
    return scores

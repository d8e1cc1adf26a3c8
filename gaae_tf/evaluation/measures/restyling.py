"""What restyling changes and what it keeps: real test clips, each decoded as another class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.measures.hearing import (
    Heard,
    heard,
    joined,
    mean_spectra,
    within_a_semitone,
)
from gaae_tf.evaluation.measures.quality import accuracy
from gaae_tf.evaluation.measures.representations import TooFew, told
from gaae_tf.evaluation.scorers import Scorer
from gaae_tf.ops.signal_path import SignalPath

MOST_CLIPS = 1_000  # that are restyled
_MOST_TRAINING_CLIPS = 5_000  # that teach the probes
_BATCH = 64


class Restyler(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    Audio is float32 [clips, clip_samples] in [-1, 1].
    """

    classes: tuple[str, ...]
    sample_rate_hz: int

    def restyle_each(self, clips: np.ndarray, labels: Sequence[int]) -> np.ndarray:
        """Gives clips decoded from their own style codes as one class each."""

    def reconstruct(self, audio: np.ndarray) -> np.ndarray:
        """Gives the sound of decoded codes of audio."""


def restyling(
    run: Restyler,
    scorer: Scorer,
    train: Clips,
    test: Clips,
    path: SignalPath,
    seed: int = 0,
    reconstructed: Heard | None = None,
) -> dict[str, Any]:
    """Restyles test clips, each as one class drawn from all but its own.

    Whether the class changed is the scorer's to say. Whether the rest stayed is told by further
    labels, such as the speaker: a probe of mean spectra learns them from real training clips, and
    is asked for them of the real test clips, of their reconstructions and of the restyled sounds.
    And by pitch: whether the strongest harmonic is still that of the real clip.

    Args:
        run: what restyles.
        scorer: tells classes, in the run's order.
        train: training clips, with their speakers and further labels.
        test: labelled test clips; of more than `MOST_CLIPS` a seeded draw is restyled.
        path: whose spectrograms the probes see.
        seed: of draws and classes.
        reconstructed: what is heard of all test clips' reconstructions; None has those of the
            restyled clips made.

    Returns:
        `requested_class_found` and `own_class_found`, shares of the restyled clips;
        `pitch_within_a_semitone`, of "reconstructed" and "restyled"; `labels_told`, by label
        "real_test", "reconstructed" and "restyled", or a `reason`. `class_decides` is true of a
        label each of whose values has one class in training, which restyling ought to change.

    Raises:
        ValueError: sounds are not finite.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(test.labels))[:MOST_CLIPS])
    test = test.subset(chosen)
    others = 1 + rng.integers(len(run.classes) - 1, size=len(chosen))
    asked = (test.labels + others) % len(run.classes)
    rate_hz = run.sample_rate_hz
    real, restyled, made, found = [], [], [], []
    for number, audio in enumerate(evaluation_batches(test.audio, _BATCH)):
        labels = asked[number * _BATCH :][: len(audio)].tolist()
        sound = np.asarray(run.restyle_each(audio, labels))
        found.append(scorer.score(sound, sample_rate_hz=rate_hz)[0].argmax(axis=1))
        restyled.append(heard(sound, rate_hz, path))
        real.append(heard(audio, rate_hz, path))
        if reconstructed is None:
            made.append(heard(np.asarray(run.reconstruct(audio)), rate_hz, path))
    of_real, of_restyled = joined(real), joined(restyled)
    of_made = joined(made) if reconstructed is None else reconstructed.subset(chosen)
    predicted = np.concatenate(found)
    versions = {"real_test": of_real, "reconstructed": of_made, "restyled": of_restyled}
    return {
        "requested_class_found": accuracy(predicted == asked),
        "own_class_found": accuracy(predicted == test.labels),
        "pitch_within_a_semitone": {
            name: within_a_semitone(versions[name].strongest_hz, of_real.strongest_hz)
            for name in ("reconstructed", "restyled")
        },
        "labels_told": _labels_told(train, test, versions, path, seed),
        "clips": len(chosen),
        "rule": "each clip as one class drawn from all but its own; labels are told by logistic "
        "regression of means and deviations over frames of log-magnitude spectrograms",
    }


def _labels_told(
    train: Clips,
    test: Clips,
    versions: Mapping[str, Heard],
    path: SignalPath,
    seed: int,
) -> dict[str, dict[str, Any]]:
    labels = {"speaker": test.speakers, **test.extra}
    labels = {name: values for name, values in labels.items() if any(values)}
    if not labels:
        return {}
    order = np.random.default_rng(seed).permutation(len(train.labels))
    train = train.subset(np.sort(order[:_MOST_TRAINING_CLIPS]))
    taught = {"speaker": train.speakers, **train.extra}
    spectra = np.concatenate(
        [mean_spectra(audio, path) for audio in evaluation_batches(train.audio, _BATCH)]
    )
    table: dict[str, dict[str, Any]] = {}
    for name, values in labels.items():
        try:
            result = told(
                spectra,
                taught[name],
                {version: of.spectra for version, of in versions.items()},
                values,
                seed,
            )
        except TooFew as error:
            table[name] = {"reason": str(error)}
            continue
        table[name] = {
            **{version: accuracy(right) for version, right in result.right.items()},
            "chance": result.chance,
            "values": result.values,
            "class_decides": _class_decides(train.labels, taught[name]),
        }
    return table


def _class_decides(labels: np.ndarray, values: Sequence[str]) -> bool:
    """Whether no value has clips of two classes."""
    pairs = {
        (value, label)
        for value, label in zip(values, labels.tolist(), strict=True)
        if value and label >= 0
    }
    return len({value for value, _ in pairs}) == len(pairs)

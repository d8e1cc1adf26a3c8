"""What restyling changes and what it keeps: real test clips, each decoded as another class."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import Clips
from gaae_tf.evaluation.encoded import Encoded
from gaae_tf.evaluation.measures.hearing import (
    Heard,
    heard,
    joined,
    mean_spectra,
    within_a_semitone,
)
from gaae_tf.evaluation.measures.reconstructions import dataset_path
from gaae_tf.evaluation.measures.representations import TooFew, told
from gaae_tf.evaluation.scorers import Scorer
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.scores.figure import share

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context

MOST_CLIPS = 1_000  # that are restyled
_MOST_TRAINING_CLIPS = 5_000  # that teach the probes
_BATCH = 64
_RULE = (
    "each clip as one class drawn from all but its own; labels are told by logistic regression of "
    "means and deviations over frames of log-magnitude spectrograms"
)


class Restyler(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    Audio is float32 [clips, clip_samples] in [-1, 1].
    """

    classes: tuple[str, ...]
    sample_rate_hz: int

    def restyle_codes(self, codes: Mapping[str, np.ndarray], labels: Sequence[int]) -> np.ndarray:
        """Gives sounds of codes, decoded as one class each."""

    def decode(self, codes: Mapping[str, np.ndarray]) -> np.ndarray:
        """Gives spectrograms decoded from codes and the class that these predict."""

    def to_audio(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives the vocoder's sound of spectrograms."""


def applies(context: Context) -> bool:
    """The run makes recordings again as another class."""
    return context.can("restyle")


def phase(context: Context) -> str:
    """What is done."""
    return "restyled test clips"


def measure(context: Context) -> dict[str, Any]:
    """Figures of the labelled test clips of the guiding data set, as `restyling`."""
    labelled = context.known_test_indices
    heard_before = None  # of the same clips, unless another data set's were reconstructed
    if context.guided_by_itself and context.heard is not None:
        heard_before = context.heard.subset(labelled)
    figures = restyling(
        context.run,
        context.scorer,
        context.train,
        context.known_test,
        context.encoded_known_test,
        dataset_path(context.guiding),
        context.seed,
        heard_before,
    )
    context.phases.count(figures["clips"])
    return {"restyling": figures}


def restyling(
    run: Restyler,
    scorer: Scorer,
    train: Clips,
    test: Clips,
    encoded: Encoded,
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
        encoded: the test clips' codes.
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
    test, encoded = test.subset(chosen), encoded.subset(chosen)
    others = 1 + rng.integers(len(run.classes) - 1, size=len(chosen))
    asked = (test.labels + others) % len(run.classes)
    versions, predicted = _heard(run, scorer, test.audio, encoded, asked, path)
    if reconstructed is None:
        versions["reconstructed"] = _reconstructed(run, encoded, len(chosen), path)
    else:
        versions["reconstructed"] = reconstructed.subset(chosen)
    versions = {name: versions[name] for name in ("real_test", "reconstructed", "restyled")}
    real_hz = versions["real_test"].strongest_hz
    return {
        "requested_class_found": share(predicted == asked),
        "own_class_found": share(predicted == test.labels),
        "pitch_within_a_semitone": {
            name: within_a_semitone(versions[name].strongest_hz, real_hz)
            for name in ("reconstructed", "restyled")
        },
        "labels_told": _labels_told(train, test, versions, path, seed),
        "clips": len(chosen),
        "rule": _RULE,
    }


def _heard(
    run: Restyler,
    scorer: Scorer,
    audio: np.ndarray,
    encoded: Encoded,
    asked: np.ndarray,
    path: SignalPath,
) -> tuple[dict[str, Heard], np.ndarray]:
    """What is heard of clips and of the same restyled, and which class the scorer finds in these.

    `asked` are the classes to give them, int [clips].
    """
    real, restyled, found = [], [], []
    shown = Progress(len(audio), "clips restyled")
    for number, clips in enumerate(evaluation_batches(audio, _BATCH)):
        rows = slice(number * _BATCH, number * _BATCH + len(clips))
        codes = encoded.subset(rows).codes
        sound = np.asarray(run.restyle_codes(codes, asked[rows].tolist()))
        logits, _ = scorer.score(sound, sample_rate_hz=run.sample_rate_hz)
        found.append(logits.argmax(axis=1))
        restyled.append(heard(sound, run.sample_rate_hz, path))
        real.append(heard(clips, run.sample_rate_hz, path))
        shown.step(len(clips))
    shown.close()
    return {"real_test": joined(real), "restyled": joined(restyled)}, np.concatenate(found)


def _reconstructed(run: Restyler, encoded: Encoded, clips: int, path: SignalPath) -> Heard:
    """What is heard of the reconstructions of so many clips."""
    made = []
    for start in range(0, clips, _BATCH):
        codes = encoded.subset(slice(start, start + _BATCH)).codes
        sound = np.asarray(run.to_audio(np.asarray(run.decode(codes))))
        made.append(heard(sound, run.sample_rate_hz, path))
    return joined(made)


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
            **{version: share(right) for version, right in result.right.items()},
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

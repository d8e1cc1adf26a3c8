"""A scorer in use: audio in, logits and features out, with all that must stand beside a figure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gaae_tf.data.progress import Progress
from gaae_tf.data.shards import Clips, Dataset
from gaae_tf.metrics.intervals import wilson_interval

FEATURES = "the last pooled map, averaged over its positions"

_BATCH = 32  # clips scored at a time: WaveGAN's first maps are 8 MB a clip


class Scorer:
    """A trained classifier of audio, with what is known of it.

    Args:
        forward: TensorFlow function of float32 audio [batch, clip_samples] in [-1, 1] that gives
            logits [batch, classes] and features [batch, d].
        record: What its JSON file holds, with the digest of the weights that it now has.
        kept_at: Its weights, None where they could not be kept.

    Attributes:
        name: Of the scorer: "simple", "wavegan" or "wavegan_authors".
        classes: Names, in the order of logits; the data set's.
        sample_rate_hz: Of the audio that it takes.
        clip_samples: Length of the clips that it takes.
    """

    def __init__(
        self,
        forward: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
        record: Mapping[str, Any],
        kept_at: Path | None,
    ) -> None:
        self.name: str = record["name"]
        self.classes = tuple(record["classes"])
        self.sample_rate_hz: int = record["sample_rate_hz"]
        self.clip_samples: int = record["clip_samples"]
        self._record, self._kept_at = record, kept_at
        self._forward = tf.function(
            forward, input_signature=[tf.TensorSpec([None, self.clip_samples], tf.float32)]
        )

    @property
    def test_accuracy(self) -> dict[str, Any]:
        """Accuracy on the data set's test clips.

        `value` in [0, 1] with `interval_95` (Wilson), `correct` and `clips`; `value` is None, with
        a `reason`, where the data set has no labelled test clip.
        """
        return dict(self._record["test_accuracy"])

    @property
    def identity(self) -> str:
        """Digest of its weights and of all that they depend on."""
        known = [self._record["description"], self._record["weights_sha256"]]
        text = json.dumps(known, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def provenance(self) -> dict[str, Any]:
        """What must stand beside every figure of this scorer; JSON."""
        kept_at = None if self._kept_at is None else str(self._kept_at)
        return {**self._record, "features_are": FEATURES, "kept_at": kept_at}

    def score(
        self,
        audio: np.ndarray | Iterable[np.ndarray],
        *,
        sample_rate_hz: int,
        progress: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Classifies clips, a batch at a time.

        Args:
            audio: int16 or float [clips, clip_samples], floats in [-1, 1]; or batches of that.
            sample_rate_hz: Of the audio.
            progress: Whether to show progress on stderr.

        Returns:
            Logits, float32 [clips, classes], and features, float32 [clips, d]; they depend on the
            batches by rounding alone.

        Raises:
            ValueError: Another rate, length or type of audio, values that are not finite, no
                clips, or outputs that are not finite.
        """
        if sample_rate_hz != self.sample_rate_hz:
            raise ValueError(
                f"The {self.name} scorer takes audio of {self.sample_rate_hz} Hz; received "
                f"{sample_rate_hz} Hz. Resample it."
            )
        shown = Progress(
            len(audio) if isinstance(audio, np.ndarray) else 0, "clips scored", shown=progress
        )
        logits, features = [], []
        for batch in [audio] if isinstance(audio, np.ndarray) else audio:
            self._check(batch, shown.done)
            for start in range(0, len(batch), _BATCH):
                clips = batch[start : start + _BATCH]
                scale = np.float32(1 / 32768 if clips.dtype == np.int16 else 1)
                outputs = self._forward(tf.constant(clips.astype(np.float32) * scale))
                for kept, output in zip((logits, features), outputs, strict=True):
                    kept.append(output.numpy())
                    if not np.isfinite(kept[-1]).all():
                        raise ValueError(
                            f"The {self.name} scorer, {self._kept_at or 'not kept'}, gives logits "
                            "or features that are not finite; delete its files to have it anew."
                        )
                shown.step(len(clips))
        if not shown.done:
            raise ValueError("audio must hold at least one clip; received none.")
        shown.close()
        return np.concatenate(logits), np.concatenate(features)

    def _check(self, batch: np.ndarray, first: int) -> None:
        if batch.ndim != 2 or batch.shape[1] != self.clip_samples:
            raise ValueError(
                f"The {self.name} scorer takes audio of shape [clips, {self.clip_samples}]; "
                f"received shape {batch.shape}."
            )
        if batch.dtype == np.int16:
            return
        if not np.issubdtype(batch.dtype, np.floating):
            raise ValueError(
                f"audio must be int16, or floats in [-1, 1]; received {batch.dtype} values."
            )
        bad = np.flatnonzero(~np.isfinite(batch).all(axis=1))
        if len(bad):
            raise ValueError(
                f"audio must be finite; {len(bad)} of {len(batch)} clips are not, clip "
                f"{first + bad[0]} the first."
            )


def test_accuracy(
    scorer: Scorer,
    test: Clips,
    dataset: Dataset,
    progress: bool,
    log: Callable[[str], None],
) -> dict[str, Any]:
    """Measures a scorer on test clips, as `Scorer.test_accuracy` has it.

    Args:
        scorer: What is measured.
        test: The test part of its data set; clips without a label are left out.
        dataset: That data set.
        progress: Whether to show progress on stderr.
        log: Receives what was measured.
    """
    test = test.subset(np.flatnonzero(test.labels >= 0))
    if not len(test.labels):
        reason = f"{dataset.path} has no labelled test clip"
        log(f"the scorer's accuracy cannot be had: {reason}")
        return {"value": None, "reason": reason}
    logits, _ = scorer.score(test.audio, sample_rate_hz=dataset.sample_rate_hz, progress=progress)
    correct, clips = int(np.sum(logits.argmax(axis=1) == test.labels)), len(test.labels)
    low, high = wilson_interval(correct, clips)
    log(
        f"the scorer's accuracy on {clips} test clips: {correct / clips:.1%} "
        f"({low:.1%} to {high:.1%})"
    )
    return {
        "value": correct / clips,
        "interval_95": [low, high],
        "correct": correct,
        "clips": clips,
    }

"""What a run's networks say of clips: codes and classes, each clip encoded once."""

from __future__ import annotations

import dataclasses
from typing import Protocol

import numpy as np

from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.progress import Progress
from gaae_tf.ops.signal_path import SignalPath

_BATCH = 64


class Encoder(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it; of the two methods, one at least.

    Spectrograms are float32 [clips, bins, frames, 1] in [-1, 1].
    """

    signal_path: SignalPath

    def encode(self, spectrograms: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Gives codes by name, float32 [clips, …], and probabilities of the classes, if any."""

    def class_probabilities(self, spectrograms: np.ndarray) -> np.ndarray:
        """Gives probabilities of the classes, float32 [clips, classes]."""


@dataclasses.dataclass(frozen=True, eq=False)
class Encoded:
    """What the networks said of clips, about 1 KB a clip.

    Attributes:
        codes: by name, float32 [clips, …]; none of a system that gives none.
        probabilities: of the classes, float32 [clips, classes]; None where the system tells none.
    """

    codes: dict[str, np.ndarray]
    probabilities: np.ndarray | None

    def subset(self, indices: np.ndarray | slice) -> Encoded:
        """What was said of the clips at `indices`, in that order."""
        probabilities = self.probabilities
        return Encoded(
            {name: code[indices] for name, code in self.codes.items()},
            None if probabilities is None else probabilities[indices],
        )

    def joined(self) -> dict[str, np.ndarray]:
        """The codes, and where there are several, all in one as `both`."""
        if len(self.codes) < 2:
            return self.codes
        return self.codes | {"both": np.concatenate(list(self.codes.values()), axis=1)}


def encode(run: Encoder, audio: np.ndarray, gives_codes: bool, what: str) -> Encoded:
    """Encodes clips, a batch at a time.

    Args:
        run: whose networks are asked.
        audio: int16 [clips, samples].
        gives_codes: whether it gives codes; else it is asked for classes alone.
        what: clips these are, for the line of progress: "test clips".
    """
    if not len(audio):  # of which names and shapes are asked all the same
        silence = np.zeros([1, audio.shape[1]], audio.dtype)
        return encode(run, silence, gives_codes, what).subset(slice(0))
    shown = Progress(len(audio), f"{what} encoded")
    codes: dict[str, list[np.ndarray]] = {}
    probabilities = []
    for batch in evaluation_batches(audio, _BATCH):
        spectrograms = run.signal_path.spectrogram(batch).numpy()
        if gives_codes:
            found, classes = run.encode(spectrograms)
        else:
            found, classes = {}, run.class_probabilities(spectrograms)
        for name, code in found.items():
            codes.setdefault(name, []).append(code)
        if classes is not None:
            probabilities.append(classes)
        shown.step(len(batch))
    shown.close()
    return Encoded(
        {name: np.concatenate(parts) for name, parts in codes.items()},
        np.concatenate(probabilities) if probabilities else None,
    )

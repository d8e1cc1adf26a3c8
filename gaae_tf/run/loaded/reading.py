"""Loaded systems that take recordings: classes and codes of them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gaae_tf.run.loaded.audio import checked_audio
from gaae_tf.run.loaded.base import Loaded
from gaae_tf.run.loaded.batches import in_batches, parts
from gaae_tf.run.loaded.tables import Classification, Representation
from gaae_tf.systems.system import System


class Reading(Loaded):
    """What every system that takes recordings has."""

    def __init__(self, model: System, *arguments):
        super().__init__(model, *arguments)
        self._analysis = tf.function(self.signal_path.spectrogram)

    def cut(self, recordings: np.ndarray) -> np.ndarray:
        """Consecutive clips of recordings [n, samples], the last of each zero-padded.

        Returns:
            float32 [n * clips of each, clip_samples].
        """
        missing = -recordings.shape[1] % self.clip_samples
        return np.pad(recordings, ((0, 0), (0, missing))).reshape(-1, self.clip_samples)

    def _read(self, audio, function):
        """`function` of the spectrograms of all clips of recordings, and where the clips are."""
        recordings = checked_audio(audio)
        clips = self.cut(recordings)
        found = [
            function(self._spectrograms(clips[start:stop])) for start, stop in parts(len(clips))
        ]
        each = len(clips) // len(recordings)
        start_s = np.arange(each) * (self.clip_samples / self.sample_rate_hz)
        places = {
            "start_s": np.tile(start_s, len(recordings)),
            "recording": np.repeat(np.arange(len(recordings)), each),
        }
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}, places

    def _spectrograms(self, clips):
        return in_batches(self._analysis, clips)

    def _checked_spectrograms(self, spectrograms):
        spectrograms = np.asarray(spectrograms, np.float32)
        shape = self.signal_path.stft.bins, self.signal_path.stft.frames(self.clip_samples), 1
        if spectrograms.shape[1:] != shape or not len(spectrograms):
            raise ValueError(
                f"spectrograms must be [n, {shape[0]}, {shape[1]}, 1] with n of 1 or more, "
                f"got {spectrograms.shape}"
            )
        if not np.all(np.isfinite(spectrograms)):
            raise ValueError("spectrograms must be finite, and hold infinities or NaN")
        return spectrograms


class LoadedClassifier(Reading):
    """A trained system that tells classes."""

    def __init__(self, model: System, *arguments):
        super().__init__(model, *arguments)
        self._classifier = tf.function(model.class_probabilities)

    def classify(self, audio: np.ndarray) -> Classification:
        """Classes of recordings, clip by clip.

        Args:
            audio: one recording [samples] or equally long ones [recordings, samples], of any
                length: they are cut into consecutive clips, the last one zero-padded.

        Raises:
            ValueError: the audio is empty, not of that shape, not floating-point or not finite.
        """
        found, places = self._read(audio, lambda x: {"probabilities": self.class_probabilities(x)})
        return Classification(**places, **found, predicted=self._names(found["probabilities"]))

    def class_probabilities(self, spectrograms: np.ndarray) -> np.ndarray:
        """Probabilities of the classes, float32 [n, classes].

        Raises:
            ValueError: the spectrograms are not of the run's shape, or not finite.
        """
        return in_batches(self._classifier, self._checked_spectrograms(spectrograms))

    def _names(self, probabilities):
        return tuple(self.classes[label] for label in probabilities.argmax(axis=1))


class LoadedEncoder(Reading):
    """A trained system that gives codes."""

    def __init__(self, model: System, *arguments):
        super().__init__(model, *arguments)

        def told(spectrograms):
            codes = model.codes(spectrograms)
            if not model.spec.can("classify"):
                return codes
            return codes | {"probabilities": model.probabilities_of(codes)}

        self._encoder = tf.function(told)

    def represent(self, audio: np.ndarray) -> Representation:
        """Codes of recordings, clip by clip, and their classes where the system tells any.

        Args:
            audio: one recording [samples] or equally long ones [recordings, samples], of any
                length: they are cut into consecutive clips, the last one zero-padded.

        Raises:
            ValueError: the audio is empty, not of that shape, not floating-point or not finite.
        """
        codes, places = self._read(audio, lambda x: in_batches(self._encoder, x))
        probabilities = codes.pop("probabilities", None)
        if probabilities is None:
            return Representation(**places, codes=codes)
        names = self._names(probabilities)
        return Representation(**places, codes=codes, probabilities=probabilities, predicted=names)

    def codes(self, spectrograms: np.ndarray) -> dict[str, np.ndarray]:
        """Codes of spectrograms by name, float32 [n, …] each: a GAAE's are `guided` and `style`.

        Raises:
            ValueError: the spectrograms are not of the run's shape, or not finite.
        """
        return self.encode(spectrograms)[0]

    def encode(self, spectrograms: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Codes of spectrograms, and what these say of the class; each is encoded once.

        Returns:
            As `codes`; and probabilities of the classes, float32 [n, classes], None of a system
            without classifier.

        Raises:
            ValueError: as `codes`.
        """
        codes = in_batches(self._encoder, self._checked_spectrograms(spectrograms))
        probabilities = codes.pop("probabilities", None)
        return codes, probabilities

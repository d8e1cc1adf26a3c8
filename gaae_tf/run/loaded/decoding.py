"""Loaded systems that make recordings again: as they are, or as another class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from gaae_tf.run.loaded.audio import checked_audio
from gaae_tf.run.loaded.batches import in_batches
from gaae_tf.run.loaded.reading import LoadedEncoder
from gaae_tf.run.loaded.sampling import LoadedClassGenerator, Sampling
from gaae_tf.systems.system import System


class LoadedAutoencoder(Sampling, LoadedEncoder):
    """A trained system that makes recordings again from their codes."""

    def __init__(self, model: System, *arguments):
        super().__init__(model, *arguments)
        self._autoencoder = tf.function(model)
        self._decoder = tf.function(model.decode)

    def decode(self, codes: Mapping[str, np.ndarray]) -> np.ndarray:
        """Spectrograms decoded from codes, and from the class that these predict.

        Args:
            codes: float32 [n, …] each, as `codes` gives them.

        Returns:
            float32 [n, bins, frames, 1]: of codes of spectrograms their `reconstruct_spectrograms`.
        """
        return in_batches(
            lambda *rows: self._decoder(dict(zip(codes, rows, strict=True))), *codes.values()
        )

    def reconstruct_spectrograms(self, spectrograms: np.ndarray) -> np.ndarray:
        """Spectrograms decoded from their own codes and predicted class; same shape.

        Raises:
            ValueError: the spectrograms are not of the run's shape, or not finite.
        """
        return in_batches(self._autoencoder, self._checked_spectrograms(spectrograms))

    def reconstruct(self, audio: np.ndarray) -> np.ndarray:
        """Recordings decoded from their own codes, clip by clip.

        Args:
            audio: as in `represent`.

        Returns:
            float32 of the same shape. Clips are joined as they are, without a cross-fade.

        Raises:
            ValueError: as in `represent`.
        """
        return self._resound(audio, self.reconstruct_spectrograms)

    def to_audio(self, spectrograms: np.ndarray, seed: int = 0) -> np.ndarray:
        """Sound of spectrograms by this run's vocoder, float32 [n, clip_samples]."""
        return self._vocode(spectrograms, seed)

    def _resound(self, audio, decode: Callable[[np.ndarray], np.ndarray]):
        sounds, _ = self._read(audio, lambda x: {"sound": self._sounds(decode(x))})
        recordings = np.atleast_2d(audio)
        joined = sounds["sound"].reshape(len(recordings), -1)
        return joined[:, : recordings.shape[1]].reshape(np.shape(audio))


class LoadedRestyler(LoadedClassGenerator, LoadedAutoencoder):
    """A trained system that makes recordings again as another class, from their style codes."""

    def restyle(self, audio: np.ndarray, label: str | int) -> np.ndarray:
        """Recordings decoded from their own style codes as another class, clip by clip.

        Args:
            audio: as in `represent`.
            label: the class to give them.

        Returns:
            float32 of the same shape, joined as `reconstruct` does.

        Raises:
            ValueError: there is no such class, or as in `represent`.
        """
        self.label_index(label)  # raises before the work

        def decode(spectrograms):
            style = self._style(spectrograms)
            return self._decode(style, self._repeated(label, len(style)))

        return self._resound(audio, decode)

    def restyle_each(self, clips: np.ndarray, labels: Sequence[str | int]) -> np.ndarray:
        """Clips decoded as one class each: number i is `restyle(clips[i], labels[i])`.

        Args:
            clips: float [n, clip_samples] in [-1, 1].
            labels: n classes to give them.

        Returns:
            float32 of the same shape.

        Raises:
            ValueError: there is no such class, the clips are not of that shape, not floating-point
                or not finite.
        """
        conditions, clips = self._one_hot(labels), checked_audio(clips)
        if clips.shape != (len(labels), self.clip_samples):
            raise ValueError(
                f"clips must be [{len(labels)}, {self.clip_samples}], one for each label, got "
                f"{clips.shape}"
            )

        def decoded(start, stop):
            style = self._style(self._spectrograms(clips[start:stop]))
            return self._decode(style, conditions[start:stop])

        return self._in_parts(len(clips), decoded)

    def restyle_codes(
        self, codes: Mapping[str, np.ndarray], labels: Sequence[str | int]
    ) -> np.ndarray:
        """Sounds of codes as one class each: of clips' codes their `restyle_each`.

        Args:
            codes: float32 [n, …] each, as `codes` gives them.
            labels: n classes to give them.

        Returns:
            float32 [n, clip_samples].

        Raises:
            ValueError: there is no such class.
        """
        styles, conditions = codes[self.model.spec.sampled_code], self._one_hot(labels)
        return self._in_parts(
            len(styles),
            lambda start, stop: self._decode(styles[start:stop], conditions[start:stop]),
        )

    def interpolate(
        self,
        first: int | np.ndarray,
        second: int | np.ndarray,
        count: int = 8,
        label: str | int | None = None,
    ) -> np.ndarray:
        """Sounds along the line between two style codes, z0 + η·(z1 - z0), in one class.

        Args:
            first: where z0 comes from: a recording [samples], whose first clip is encoded, or a
                seed, for the style code of `generate(…, seed=seed)[0]`.
            second: where z1 comes from, likewise.
            count: sounds, 2 or more: η runs evenly from 0 to 1.
            label: the class; None for the one predicted for `first`, if that is a recording.

        Returns:
            float32 [count, clip_samples].

        Raises:
            ValueError: an argument is not as described.
        """
        z0, predicted = self._end(first)
        z1, _ = self._end(second)
        if label is None:
            if predicted is None:
                raise ValueError("label is needed where first is a seed, which tells no class")
            label = predicted
        line = self._line(z0, z1, count)
        return self.to_audio(self._decode(line, self._repeated(label, count)))

    def _end(self, source):
        """Style code [1, style_dim] of a seed or a recording's first clip, and its class if any."""
        if isinstance(source, (int, np.integer)):
            return self._styles(source, 0, 1), None
        if np.ndim(source) != 1:
            raise ValueError(
                "first and second must each be a seed or one recording [samples], "
                f"got shape {np.shape(source)}"
            )
        codes = self.represent(np.asarray(source)[: self.clip_samples])
        return codes.codes[self.model.spec.sampled_code], codes.predicted[0]

    def _style(self, spectrograms):
        """The code of spectrograms that the sampler takes."""
        return self.codes(spectrograms)[self.model.spec.sampled_code]

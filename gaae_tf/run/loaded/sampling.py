"""Loaded systems that make sounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from gaae_tf.ops import synthesis
from gaae_tf.run.loaded.base import Loaded
from gaae_tf.run.loaded.batches import checked_count, in_batches, parts
from gaae_tf.run.look import class_index
from gaae_tf.systems.system import System


class Sampling(Loaded):
    """What every trained generator has."""

    def __init__(self, model: System, *arguments):
        super().__init__(model, *arguments)
        self._draw = tf.function(synthesis.style_codes, autograph=False, reduce_retracing=True)
        self._sampler = tf.function(model.sample)

    def _vocode(self, spectrograms, seed=0):
        return synthesis.to_audio(spectrograms, self.signal_path, self.vocoder, self.refine, seed)

    def _styles(self, seed, first, count):
        synthesis.check_seed(seed)
        indices = tf.range(first, first + count, dtype=tf.int64)
        style_dim, prior = self.config.style_dim, self.model.SAMPLING_PRIOR
        return self._draw(tf.constant(seed, tf.int64), indices, style_dim, prior).numpy()

    def _decode(self, style, *condition):
        return in_batches(self._sampler, style, *condition)

    def _sounds(self, made):
        """Sounds [n, clip_samples] of what the sampler made."""
        return made[..., 0] if self.model.spec.signal == "audio" else self._vocode(made)

    def _in_parts(self, count, make):
        """Sounds of `make(start, stop)`, what the sampler makes of that part, for all parts."""
        return np.concatenate([self._sounds(make(*part)) for part in parts(count)])

    def _line(self, z0, z1, count):
        """Codes z0 + η·(z1 - z0) [count, style_dim], η running evenly from 0 to 1."""
        if checked_count(count) < 2:
            raise ValueError(f"count must be 2 or more to interpolate, got {count}")
        eta = np.linspace(0.0, 1.0, count, dtype=np.float32)[:, np.newaxis]
        return z0 + eta * (z1 - z0)


class LoadedGenerator(Sampling):
    """A trained generator of sounds of no class."""

    def generate(self, count: int = 1, seed: int = 0) -> np.ndarray:
        """Sounds, their codes drawn from the prior.

        Args:
            count: how many.
            seed: sound i depends on (seed, i) alone.

        Returns:
            float32 [count, clip_samples].

        Raises:
            ValueError: `count` or `seed` is out of range.
        """
        return self.generate_from(0, count, seed)

    def generate_from(self, first: int, count: int, seed: int = 0) -> np.ndarray:
        """Sounds `first`, `first` + 1, … of a seed: `generate(first + count, seed)[first:]`."""
        return self._in_parts(
            checked_count(count),
            lambda start, stop: self._decode(self._styles(seed, first + start, stop - start)),
        )

    def interpolate(self, first: int, second: int, count: int = 8) -> np.ndarray:
        """Sounds along the line between two codes, z0 + η·(z1 - z0).

        Args:
            first: seed of z0, the code of `generate(1, first)`.
            second: seed of z1, likewise.
            count: sounds, 2 or more: η runs evenly from 0 to 1.

        Returns:
            float32 [count, clip_samples].

        Raises:
            ValueError: an argument is out of range.
        """
        line = self._line(self._styles(first, 0, 1), self._styles(second, 0, 1), count)
        return self._sounds(self._decode(line))


class LoadedClassGenerator(Sampling):
    """A trained generator of sounds of a class. A label is the name or the index of a class."""

    def generate(self, label: str | int, count: int = 1, seed: int = 0) -> np.ndarray:
        """Sounds of a class, their style codes drawn from the prior.

        Args:
            label: the class.
            count: how many.
            seed: sound i depends on (label, seed, i) alone. The same (seed, i) gives the same style
                code in every class.

        Returns:
            float32 [count, clip_samples].

        Raises:
            ValueError: there is no such class, or `count` or `seed` is out of range.
        """
        return self.generate_each([label] * checked_count(count), seed)

    def generate_each(
        self, labels: Sequence[str | int], seed: int = 0, first: int = 0
    ) -> np.ndarray:
        """Sounds of one class each: number i is `generate(labels[i], first + i + 1, seed)[-1]`.

        Returns:
            float32 [len(labels), clip_samples].
        """
        return self._in_parts(
            checked_count(len(labels), "the number of labels"),
            lambda start, stop: self.generate_spectrograms(labels[start:stop], seed, first + start),
        )

    def generate_spectrograms(
        self, labels: Sequence[str | int], seed: int = 0, first: int = 0
    ) -> np.ndarray:
        """Spectrograms of one class each; number i depends on (labels[i], seed, first + i) alone.

        Returns:
            float32 [len(labels), bins, frames, 1].
        """
        styles = self._styles(seed, first, checked_count(len(labels), "the number of labels"))
        return self._decode(styles, self._one_hot(labels))

    def interpolate(
        self, first: int, second: int, count: int = 8, *, label: str | int
    ) -> np.ndarray:
        """Sounds along the line between two codes, z0 + η·(z1 - z0), in one class.

        Args:
            first: seed of z0, the code of `generate(…, seed=first)[0]`.
            second: seed of z1, likewise.
            count: sounds, 2 or more: η runs evenly from 0 to 1.
            label: the class.

        Returns:
            float32 [count, clip_samples].

        Raises:
            ValueError: an argument is out of range.
        """
        line = self._line(self._styles(first, 0, 1), self._styles(second, 0, 1), count)
        return self._sounds(self._decode(line, self._repeated(label, count)))

    def to_audio(self, spectrograms: np.ndarray, seed: int = 0) -> np.ndarray:
        """Sound of spectrograms by this run's vocoder, float32 [n, clip_samples]."""
        return self._vocode(spectrograms, seed)

    def label_index(self, label: str | int) -> int:
        """The index of a class given by name or index.

        Raises:
            ValueError: there is no such class; those that there are are named.
        """
        return class_index(label, self.classes)

    def _one_hot(self, labels):
        indices = [self.label_index(label) for label in labels]
        return np.eye(len(self.classes), dtype=np.float32)[indices]

    def _repeated(self, label, count):
        return np.repeat(self._one_hot([label]), count, axis=0)

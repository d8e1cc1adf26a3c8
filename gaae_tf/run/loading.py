"""A trained run, loaded for use: sounds of a class, codes of a recording, and the ways between.

    run = gaae_tf.load("runs/quickstart")
    sounds = run.generate("guitar", count=8, seed=1)
    codes = run.represent(audio)

What a system cannot do its loaded object lacks. `LoadedClassGenerator` makes sounds of a class,
`LoadedGenerator` sounds of no class; `LoadedClassifier` tells classes, `LoadedEncoder` gives codes,
`LoadedAutoencoder` reconstructs. A GAAE does all of this, and restyles.

Needs the run folder alone, no data set. The networks are the averaged ones (METHOD §4) with batch
statistics measured again, in float32 whatever precision they were trained in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import operator
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.ops import synthesis
from gaae_tf.run.build import build_model
from gaae_tf.run.checkpoints import restore_for_sampling
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.look import class_index, find_run, no_run
from gaae_tf.run.names import CHECKPOINT_NAMES, CHECKPOINTS, CONFIG
from gaae_tf.systems.bigan import BiGAN
from gaae_tf.systems.classifying import Classifier, FeatureClassifier
from gaae_tf.systems.gaae import GAAE
from gaae_tf.systems.ggan import GGAN
from gaae_tf.systems.system import System

VOCODER = "pghi_fgla"  # of spectrograms, where none is named

# Networks always see this many rows, the last batch padded: a result that depended on the size of
# its batch, if only by rounding, would depend on `count`.
_BATCH = 16
_SOUNDS_AT_ONCE = 16 * _BATCH  # bounds how many spectrograms are held on the way to sound


def load(
    run_dir: str | Path,
    checkpoint: str = "latest",
    vocoder: str | None = None,
    refine: int | None = None,
) -> Loaded:
    """Loads a trained run, as the object that its system allows.

    Args:
        run_dir: the run folder, or the name of a model that comes with the package: "notes" or
            "digits".
        checkpoint: "latest", or "best" by accuracy on validation clips.
        vocoder: what turns spectrograms into sound, one of `synthesis.VOCODERS`; None for the best
            one, "pghi_fgla", or for none in a system that makes audio directly or none at all.
        refine: its iterations; None for its default.

    Raises:
        FileNotFoundError: there is no such folder, or it holds no configuration or checkpoint.
        ValueError: an argument or a file in the folder is not what it should be.
    """
    if (
        keras.backend.backend() != "tensorflow"
        or keras.config.image_data_format() != "channels_last"
    ):
        raise ValueError(
            "gaae_tf needs Keras on TensorFlow with channels last, and this process has "
            f"{keras.backend.backend()} with {keras.config.image_data_format()}: set "
            "KERAS_BACKEND=tensorflow before Keras is imported, and "
            "keras.config.set_image_data_format('channels_last')"
        )
    run_dir = find_run(run_dir)
    if not run_dir.is_dir():
        raise FileNotFoundError(no_run(run_dir))
    if checkpoint not in CHECKPOINT_NAMES:
        raise ValueError(
            f"checkpoint must be one of {', '.join(CHECKPOINT_NAMES)}, got {checkpoint!r}"
        )
    synthesis.iterations(vocoder or VOCODER, refine)  # raises
    config = TrainConfig.load(run_dir / CONFIG)
    data = DataDescription.load(run_dir)
    with _float32_policy():
        model = build_model(dataclasses.replace(config, precision="float32"), data)
    try:
        restore_for_sampling(model, run_dir, checkpoint, config.reestimate_batches)
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"the {checkpoint} checkpoint in {run_dir / CHECKPOINTS} does not fit "
            f"{run_dir / CONFIG} or is damaged: {error}"
        ) from error
    if model.SAMPLER is not None and not model.MAKES_AUDIO:
        vocoder = vocoder or VOCODER
    elif vocoder is not None or refine is not None:
        makes = "makes no sound" if model.SAMPLER is None else "makes audio directly"
        raise ValueError(
            f"{run_dir} holds a {config.model}, which {makes}: it takes neither vocoder nor "
            f"refine, got vocoder={vocoder!r}, refine={refine!r}"
        )
    return _loaded_class(model)(model, config, data, checkpoint, vocoder, refine)


@dataclasses.dataclass(frozen=True)
class ClipTable:
    """What was told of consecutive clips, one row each; recording after recording.

    Attributes:
        start_s: where each clip starts in its recording, seconds, float64 [rows].
        recording: which recording each row belongs to, int64 [rows].
    """

    start_s: np.ndarray
    recording: np.ndarray


@dataclasses.dataclass(frozen=True)
class Classification(ClipTable):
    """Classes of clips.

    Attributes:
        probabilities: of the classes, float32 [rows, classes].
        predicted: the most probable class of each row, by name.
    """

    probabilities: np.ndarray
    predicted: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Representation(ClipTable):
    """Codes of clips, and their classes where the system tells any.

    Attributes:
        codes: float32 [rows, …] each, by name: `guided` and `style` of a GAAE, `latent` of a GGAN,
            `features` of a BiGAN. They are attributes too: `representation.guided`.
        probabilities: as in `Classification`; None of a system without classifier.
        predicted: likewise.
    """

    codes: dict[str, np.ndarray]
    probabilities: np.ndarray | None = None
    predicted: tuple[str, ...] | None = None

    def __getattr__(self, name):
        codes = self.__dict__.get("codes", {})
        if name in codes:
            return codes[name]
        raise AttributeError(f"no {name!r} here; the codes are {', '.join(codes)}")


class Loaded:
    """What every loaded system has; `load` makes it.

    Audio is float32 in [-1, 1] at `sample_rate_hz`; spectrograms are float32
    [clips, bins, frames, 1] in [-1, 1]. Equal seeds give equal results.

    Attributes:
        classes: names, in label order; empty for a system without classes.
        config: of the training.
        data: what the run knows of its data set.
        sample_rate_hz, clip_samples: of every clip.
        signal_path: audio to spectrogram, and spectrogram to magnitude.
        step: iterations that the checkpoint has seen.
        weights_id: digest of the weights that sample, and of their batch statistics.
        checkpoint, vocoder, refine: as loaded; no vocoder where the system needs none.
        model: the networks.
    """

    def __init__(
        self,
        model: System,
        config: TrainConfig,
        data: DataDescription,
        checkpoint: str,
        vocoder: str | None,
        refine: int | None,
    ):
        self.model = model
        self.config = config
        self.data = data
        self.checkpoint = checkpoint
        self.vocoder = vocoder
        self.refine = refine
        self.classes = () if model.classes is None else data.classes
        self.sample_rate_hz = data.sample_rate_hz
        self.clip_samples = data.clip_samples
        self.signal_path = data.signal_path(
            config.stft, config.scaling, config.dynamic_range_nepers
        )
        self.step = int(model.step.numpy())
        self.weights_id = _weights_id(model)


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
        return _in_batches(self._sampler, style, *condition)

    def _sounds(self, made):
        """Sounds [n, clip_samples] of what the sampler made."""
        return made[..., 0] if self.model.MAKES_AUDIO else self._vocode(made)

    def _in_parts(self, count, make):
        """Sounds of `make(start, stop)`, what the sampler makes of that part, for all parts."""
        return np.concatenate([self._sounds(make(*part)) for part in _parts(count)])

    def _line(self, z0, z1, count):
        """Codes z0 + η·(z1 - z0) [count, style_dim], η running evenly from 0 to 1."""
        if _checked_count(count) < 2:
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
            _checked_count(count),
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
        return self.generate_each([label] * _checked_count(count), seed)

    def generate_each(
        self, labels: Sequence[str | int], seed: int = 0, first: int = 0
    ) -> np.ndarray:
        """Sounds of one class each: number i is `generate(labels[i], first + i + 1, seed)[-1]`.

        Returns:
            float32 [len(labels), clip_samples].
        """
        return self._in_parts(
            _checked_count(len(labels), "the number of labels"),
            lambda start, stop: self.generate_spectrograms(labels[start:stop], seed, first + start),
        )

    def generate_spectrograms(
        self, labels: Sequence[str | int], seed: int = 0, first: int = 0
    ) -> np.ndarray:
        """Spectrograms of one class each; number i depends on (labels[i], seed, first + i) alone.

        Returns:
            float32 [len(labels), bins, frames, 1].
        """
        styles = self._styles(seed, first, _checked_count(len(labels), "the number of labels"))
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
        recordings = _checked_audio(audio)
        clips = self.cut(recordings)
        found = [
            function(self._spectrograms(clips[start:stop])) for start, stop in _parts(len(clips))
        ]
        each = len(clips) // len(recordings)
        start_s = np.arange(each) * (self.clip_samples / self.sample_rate_hz)
        places = {
            "start_s": np.tile(start_s, len(recordings)),
            "recording": np.repeat(np.arange(len(recordings)), each),
        }
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}, places

    def _spectrograms(self, clips):
        return _in_batches(self._analysis, clips)

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
        return _in_batches(self._classifier, self._checked_spectrograms(spectrograms))

    def _names(self, probabilities):
        return tuple(self.classes[label] for label in probabilities.argmax(axis=1))


class LoadedEncoder(Reading):
    """A trained system that gives codes."""

    def __init__(self, model: System, *arguments):
        super().__init__(model, *arguments)

        def told(spectrograms):
            codes = model.codes(spectrograms)
            if not model.CLASSIFIES:
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
        codes, places = self._read(audio, lambda x: _in_batches(self._encoder, x))
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
        codes = _in_batches(self._encoder, self._checked_spectrograms(spectrograms))
        probabilities = codes.pop("probabilities", None)
        return codes, probabilities


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
        return _in_batches(
            lambda *rows: self._decoder(dict(zip(codes, rows, strict=True))), *codes.values()
        )

    def reconstruct_spectrograms(self, spectrograms: np.ndarray) -> np.ndarray:
        """Spectrograms decoded from their own codes and predicted class; same shape.

        Raises:
            ValueError: the spectrograms are not of the run's shape, or not finite.
        """
        return _in_batches(self._autoencoder, self._checked_spectrograms(spectrograms))

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


class LoadedGAAE(LoadedClassGenerator, LoadedAutoencoder, LoadedClassifier):
    """A trained GAAE: sounds of a class, codes of a recording, and the ways between."""

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
            style = self.codes(spectrograms)["style"]
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
        conditions, clips = self._one_hot(labels), _checked_audio(clips)
        if clips.shape != (len(labels), self.clip_samples):
            raise ValueError(
                f"clips must be [{len(labels)}, {self.clip_samples}], one for each label, got "
                f"{clips.shape}"
            )

        def decoded(start, stop):
            style = self.codes(self._spectrograms(clips[start:stop]))["style"]
            return self._decode(style, conditions[start:stop])

        return self._in_parts(len(clips), decoded)

    def restyle_codes(self, styles: np.ndarray, labels: Sequence[str | int]) -> np.ndarray:
        """Sounds of style codes as one class each: of clips' codes their `restyle_each`.

        Args:
            styles: float32 [n, style_dim], as `codes` gives them.
            labels: n classes to give them.

        Returns:
            float32 [n, clip_samples].

        Raises:
            ValueError: there is no such class.
        """
        conditions = self._one_hot(labels)
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
        return codes.style, codes.predicted[0]


class LoadedGGAN(LoadedClassGenerator, LoadedEncoder, LoadedClassifier):
    """A trained GGAN: sounds of a class, codes and classes of recordings."""


class LoadedBiGAN(LoadedGenerator, LoadedAutoencoder):
    """A trained BiGAN: sounds of no class, codes of recordings, and recordings made again."""


class LoadedFeatureClassifier(LoadedEncoder, LoadedClassifier):
    """A classifier on trained codes: codes and classes of recordings."""


def _loaded_class(model: System) -> type[Loaded]:
    """The class of a loaded system, that has what the system can do and no more."""
    for system, loaded in (  # the more special systems first
        (GGAN, LoadedGGAN),
        (GAAE, LoadedGAAE),
        (BiGAN, LoadedBiGAN),
        (FeatureClassifier, LoadedFeatureClassifier),
        (Classifier, LoadedClassifier),
    ):
        if isinstance(model, system):
            return loaded
    return LoadedGenerator if model.classes is None else LoadedClassGenerator


def _in_batches(function, *arrays):
    """A function of [_BATCH, …] tensors to such, or to such by name, over any number of rows."""
    results = []
    for start in range(0, len(arrays[0]), _BATCH):
        rows = [array[start : start + _BATCH] for array in arrays]
        missing = _BATCH - len(rows[0])
        padded = [np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1)) for array in rows]
        made = tf.nest.map_structure(np.asarray, function(*padded))
        results.append(tf.nest.map_structure(operator.itemgetter(slice(len(rows[0]))), made))
    return tf.nest.map_structure(lambda *parts: np.concatenate(parts), *results)


def _parts(count):
    """(start, stop) of parts that are whole batches, but for the last."""
    return [
        (start, min(start + _SOUNDS_AT_ONCE, count)) for start in range(0, count, _SOUNDS_AT_ONCE)
    ]


def _checked_count(count, name="count"):
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ValueError(f"{name} must be at least 1, got {count!r}")
    return int(count)


_MOST_CHANNELS = 32  # of a recording as soundfile reads it, [samples, channels]
_LARGEST_PEAK = 64.0  # 36 dB beyond full scale: sounds of no recorder, integers taken for floats


def _checked_audio(audio):
    """Recordings float32 [n, samples]."""
    audio = np.asarray(audio)
    if not np.issubdtype(audio.dtype, np.floating):
        raise ValueError(f"audio must be floating-point in [-1, 1], got {audio.dtype}")
    if audio.ndim not in (1, 2) or not audio.size:
        raise ValueError(
            f"audio must be [samples] or [recordings, samples] and not empty, got {audio.shape}"
        )
    if not np.all(np.isfinite(audio)):
        raise ValueError("audio must be finite, and holds infinities or NaN")
    if audio.ndim == 2 and audio.shape[1] <= _MOST_CHANNELS < audio.shape[0]:
        raise ValueError(
            f"audio must be [samples] or [recordings, samples], got {audio.shape}, "
            f"{audio.shape[0]} recordings of {audio.shape[1]} samples each; if these are channels, "
            "mix them first: audio.mean(axis=1)"
        )
    peak = np.abs(audio).max()
    if peak > _LARGEST_PEAK:
        raise ValueError(
            f"audio must be in [-1, 1], got values up to {peak:.6g}; divide 16-bit samples by "
            "32,768 first"
        )
    return np.atleast_2d(audio).astype(np.float32)


def _weights_id(model: System) -> str:
    digest = hashlib.sha256()
    for network in model.lasting_networks:
        for weight in network.get_weights():
            digest.update(weight.tobytes())
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _float32_policy():
    """The caller's dtype policy would reach layers that name none."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)

"""What TensorBoard shows of a training: curves, pictures, sounds, configuration, test clips' codes.

Under the tags
    loss/…, gradient_norm/…, learning_rate/…, speed/…  curves
    spectrograms                                       real, reconstructed, generated; a row a class
    sounds/CLASS/real, …/reconstructed, …/generated    the same to hear
    config                                             text
    z_guided, z_style                                  in the projector, as of the last summary
"""

from __future__ import annotations

import io
import math
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf import synthesis
from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import map_clips
from gaae_tf.models.gaae import LOSS_NAMES
from gaae_tf.report import figures
from gaae_tf.training.run_folder import DataDescription, write_text

EXAMPLES_PER_CLASS = 2
KINDS = ("real", "reconstructed", "generated")

_OPTIMIZERS = ("autoencoder", "sample", "latent")
_GRADIENT_NORM = "gradient_norm_"
_DB_PER_NEPER = 20.0 / math.log(10.0)
_PROJECTOR = "projector"


class TensorBoardLogger(keras.callbacks.Callback):
    """Writes a training's TensorBoard logs; a continued run goes on where its checkpoint stands.

    Pictures and sounds show the same clips and the same style codes at every step, through the
    averaged networks with batch statistics measured again: generated ones are what `gaae_tf.load`
    would give for the configuration's seed. The model is left as it was.

    Args:
        log_dir: TensorBoard's folder; made if absent.
        config: of the training.
        data: of the training.
        audio: clips to show and to encode, int16 [clips, samples]; test clips, say. May be empty.
        labels: their classes, int [clips]; negative where there is none.
        summary_every: steps between pictures, sounds and codes. The last step has them too.
    """

    def __init__(
        self,
        log_dir: Path,
        config: TrainConfig,
        data: DataDescription,
        audio: np.ndarray,
        labels: np.ndarray,
        summary_every: int,
    ):
        super().__init__()
        self._log_dir = Path(log_dir)
        self._config = config
        self._data = data
        self._audio = audio
        self._labels = labels
        self._summary_every = summary_every
        self._signal_path = data.signal_path(
            config.stft, config.scaling, config.dynamic_range_nepers
        )
        self._examples = _examples(labels, len(data.classes))
        self._writer = None
        self._last_step = 0
        self._last_summary_step = 0

    def on_train_begin(self, logs=None):
        """Opens the event file, drops what a stopped run wrote later, writes the configuration."""
        step = self._step()
        self._last_step = self._last_summary_step = step
        self._log_dir.mkdir(parents=True, exist_ok=True)
        _mark_start(self._log_dir, step + 1)
        self._writer = tf.summary.create_file_writer(str(self._log_dir))
        with self._writer.as_default(step):
            tf.summary.text("config", _markdown(self._config))

    def on_train_batch_end(self, batch, logs=None):
        """Writes the curves, and pictures, sounds and codes when `summary_every` steps have passed.

        Args:
            batch: not used; the model knows its step.
            logs: loss terms and gradient norms under the names that `train_step` gives them, and
                `steps_per_second` where it is known.
        """
        step = self._step()
        with self._writer.as_default(step):
            for name, value in (logs or {}).items():
                tf.summary.scalar(_tag(name), value)
            if logs and "steps_per_second" in logs:
                # x_u and x_l of every draw.
                clips = 2 * self._config.batch_size * (self._config.discriminator_steps + 1)
                tf.summary.scalar("speed/clips_per_second", clips * logs["steps_per_second"])
            for name in _OPTIMIZERS:
                rate = getattr(self.model, f"{name}_optimizer").learning_rate
                tf.summary.scalar(f"learning_rate/{name}", tf.convert_to_tensor(rate))
        if step // self._summary_every > self._last_step // self._summary_every:
            self._summarise(step)
        self._last_step = step
        self._writer.flush()  # a crash loses no call

    def on_train_end(self, logs=None):
        """Writes the last step's pictures, sounds and codes, and closes the event file."""
        if self._last_step > self._last_summary_step:
            self._summarise(self._last_step)
        self._writer.close()

    def _step(self) -> int:
        return int(self.model.step.numpy())

    def _summarise(self, step: int) -> None:
        shown = self._examples >= 0
        clips = self._audio[self._examples[shown]].astype(np.float32) / 32768.0
        real, reconstructed, generated = self._spectrograms(clips)
        # Classes without a clip keep an empty panel.
        place = np.full((2, *shown.shape, *generated.shape[1:]), np.nan, np.float32)
        place[:, shown] = real, reconstructed
        generated = generated.reshape(place.shape[1:])
        spectrograms = np.stack([*place, generated])  # [kinds, classes, examples, bins, frames, 1]
        with self._writer.as_default(step):
            picture = figures.figure_to_rgb(self._figure(spectrograms, step))
            tf.summary.image("spectrograms", picture[np.newaxis])
            self._write_sounds(clips, shown, spectrograms)
        self._write_codes()
        self._last_summary_step = step

    def _spectrograms(self, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Real and reconstructed ones of `clips`, and generated ones of all classes in turn."""
        model, classes = self.model, len(self._data.classes)
        stft = self._signal_path.stft
        shape = (stft.bins, stft.frames(self._data.clip_samples), 1)
        real = reconstructed = np.zeros((0, *shape), np.float32)
        style = synthesis.style_codes(
            self._config.seed, tf.range(EXAMPLES_PER_CLASS), self._config.style_dim
        )
        weights = model.averaged_decoder.get_weights()
        try:
            model.reestimate_statistics(self._config.reestimate_batches)
            if len(clips):
                real = self._signal_path.spectrogram(clips).numpy()
                reconstructed = _float32(model(real))
            generated = [
                _float32(model.averaged_decoder(style, tf.one_hot([label] * len(style), classes)))
                for label in range(classes)
            ]
        finally:
            model.averaged_decoder.set_weights(weights)
        return real, reconstructed, np.concatenate(generated)

    def _figure(self, spectrograms: np.ndarray, step: int):
        """One row a class: each clip beside its reconstruction, then what was generated."""
        real, reconstructed, generated = spectrograms[..., 0]
        numbers = range(EXAMPLES_PER_CLASS)
        columns = [(kind, i) for i in numbers for kind in KINDS[:2]]
        columns += [(KINDS[2], i) for i in numbers]
        panels = dict(zip(KINDS, (real, reconstructed, generated), strict=True))
        floor, ceiling = self._signal_path.scaling.limits_nepers
        return figures.spectrogram_grid(
            np.stack([panels[kind][:, i] for kind, i in columns], axis=1),
            self._data.classes,
            [f"{kind} {i + 1}" for kind, i in columns],
            sample_rate_hz=self._data.sample_rate_hz,
            hop_samples=self._signal_path.stft.hop_samples,
            dynamic_range_db=(ceiling - floor) * _DB_PER_NEPER,
            title=f"step {step:,}",
        )

    def _write_sounds(self, clips, shown, spectrograms) -> None:
        """Sounds of what the picture shows; the real ones are the recordings themselves."""
        sounds = np.full((*spectrograms.shape[:3], self._data.clip_samples), np.nan, np.float32)
        sounds[0][shown] = clips
        finite = np.isfinite(spectrograms[1:]).all(axis=(-3, -2, -1))
        if finite.any():
            sounds[1:][finite] = synthesis.to_audio(spectrograms[1:][finite], self._signal_path)
        for kind, of_classes in zip(KINDS, sounds, strict=True):
            for name, examples in zip(self._data.classes, of_classes, strict=True):
                audible = examples[np.isfinite(examples).all(axis=-1)]
                if len(audible):
                    tf.summary.audio(
                        f"sounds/{name}/{kind}",
                        audible[..., np.newaxis],
                        self._data.sample_rate_hz,
                        max_outputs=EXAMPLES_PER_CLASS,
                        encoding="wav",
                    )

    def _write_codes(self) -> None:
        """Codes z and z′ of all clips, with their class names, as the projector reads them."""
        if not len(self._audio):
            return
        model = self.model

        def encode(audio):
            codes = model.averaged_encoder(self._signal_path.spectrogram(audio))
            return np.concatenate([_float32(code) for code in codes], axis=1)

        codes = map_clips(encode, self._audio, batch_size=64)
        guided, style = np.split(codes, [self._config.guided_dim], axis=1)
        names = [self._data.classes[i] if i >= 0 else "unlabelled" for i in self._labels]
        folder = self._log_dir / _PROJECTOR
        folder.mkdir(exist_ok=True)
        write_text(folder / "classes.tsv", "".join(f"{name}\n" for name in names))
        entries = []
        for name, code in (("z_guided", guided), ("z_style", style)):
            text = io.StringIO()
            np.savetxt(text, code, fmt="%.6g", delimiter="\t")
            write_text(folder / f"{name}.tsv", text.getvalue())
            entries.append(
                f'embeddings {{\n  tensor_name: "{name}"\n'
                f'  tensor_path: "{_PROJECTOR}/{name}.tsv"\n'
                f'  metadata_path: "{_PROJECTOR}/classes.tsv"\n}}\n'
            )
        write_text(self._log_dir / "projector_config.pbtxt", "".join(entries))


def _tag(name: str) -> str:
    """The TensorBoard tag of a log, its group before the slash."""
    if name in LOSS_NAMES:
        return f"loss/{name}"
    if name.startswith(_GRADIENT_NORM):
        return f"gradient_norm/{name.removeprefix(_GRADIENT_NORM)}"
    if name.endswith("_per_second"):
        return f"speed/{name}"
    return f"training/{name}"


def _examples(labels: np.ndarray, classes: int) -> np.ndarray:
    """Indices of clips spread over each class, int [classes, EXAMPLES_PER_CLASS]; -1 for none."""
    examples = np.full((classes, EXAMPLES_PER_CLASS), -1)
    for label in range(classes):
        members = np.flatnonzero(labels == label)
        if len(members):
            examples[label] = members[
                np.arange(EXAMPLES_PER_CLASS) * len(members) // EXAMPLES_PER_CLASS
            ]
    return examples


def _mark_start(log_dir: Path, step: int) -> None:
    """Tells TensorBoard to drop what earlier event files hold from `step` on.

    That is a session log in an event file of its own, for `tf.summary` writes none. TensorBoard
    reads event files in the order of their names: this one's follows that of the last one so far,
    and precedes that of the next writer, which has the time in it. TensorBoard heeds a start only
    after a first one, so every start of a run is marked.
    """
    earlier = sorted(path.name for path in log_dir.glob("*tfevents*"))
    name = f"{earlier[-1]}.0" if earlier else "events.out.tfevents.0"
    session = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
    with tf.io.TFRecordWriter(str(log_dir / name)) as file:
        for event in (
            tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"),
            tf.compat.v1.Event(wall_time=time.time(), step=step, session_log=session),
        ):
            file.write(event.SerializeToString())


def _markdown(config: TrainConfig) -> str:
    """The configuration's flags as a table."""
    rows = ["| flag | value |", "|:---|:---|"]
    for line in config.to_flags().splitlines():
        flag, value = line.split("=", 1)
        rows.append(f"| {flag} | {value} |")
    return "\n".join(rows)


def _float32(tensor: tf.Tensor) -> np.ndarray:
    return tf.cast(tensor, tf.float32).numpy()

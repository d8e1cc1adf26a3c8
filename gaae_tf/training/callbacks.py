"""What TensorBoard shows of a training: curves, pictures, sounds, configuration, test clips' codes.

Under the tags
    loss/…, gradient_norm/…, learning_rate/…, speed/…  curves
    spectrograms                                       real, reconstructed, generated; a row a class
    sounds/CLASS/real, …/reconstructed, …/generated    the same to hear
    validation/…, codes/…, decoder/…                   of validation clips, `training.validation`
    config                                             text; and a row of the HParams tab
    guided, style                                      in the projector, as of the last summary
    loss_scale/…, skipped_updates/…                    of mixed_float16: the scale, and how many
                                                       updates an overflow left out so far
    rollbacks                                          how often a divergence made it go back
    collapse/saturated_steps/LOSS                      steps that a discriminator has won all along
    collapse/generated_variance/CLASS                  of the generated spectrograms shown

Systems that generate or reconstruct nothing, or have no codes, lack these; one without classes has
a single row.
"""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.ops import synthesis
from gaae_tf.report import figures
from gaae_tf.run.folder import DataDescription
from gaae_tf.training.event_files import (
    mark_start,
    markdown,
    tag_of,
    write_end,
    write_flags,
    write_projector,
)

EXAMPLES_PER_CLASS = 2

_EXAMPLES_WITHOUT_CLASSES = 4
MOST_ROWS = 12  # classes that are shown
_ALL = "all"  # the row of a system without classes
# Signs of collapse, which are warned about once each.
#   A discriminator's hinge loss is 2 where it guesses and 0 where every score is beyond the margin:
#   below 0.05 hardly a clip teaches it anything. That this must last for 500 steps is a choice: it
#   may win for a moment, and lose again.
_SATURATED_LOSS, _SATURATED_STEPS = 0.05, 500
#   Generated sounds of a class differ by 0.03 of the 2 that a spectrogram spans, which is 1.3 dB of
#   the paper's 10 nepers: less than can well be heard.
_COLLAPSED_VARIANCE = 0.03**2

_DB_PER_NEPER = 20.0 / math.log(10.0)


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
        classes = data.classes if config.uses_labels else (_ALL,)
        # Of many classes some, spread over all: each row takes its time at every summary.
        shown = np.linspace(0, len(classes) - 1, min(len(classes), MOST_ROWS)).round().astype(int)
        self._shown_classes, self._classes = shown, len(classes)
        self._rows = tuple(classes[i] for i in shown)
        self._examples_each = (
            EXAMPLES_PER_CLASS if config.uses_labels else _EXAMPLES_WITHOUT_CLASSES
        )
        self._examples = _examples(
            _rows_of(labels, shown) if config.uses_labels else np.zeros(len(labels), int),
            len(self._rows),
            self._examples_each,
        )
        self._saturated_steps = {}
        self._warned = set()
        self._writer = None
        self._last_step = 0
        self._last_summary_step = 0

    def on_train_begin(self, logs=None):
        """Opens the event file, drops what a stopped run wrote later, writes the configuration."""
        step = self._step()
        self._last_step = self._last_summary_step = step
        self._saturated_steps = dict.fromkeys(self.model.HINGE_LOSSES, 0)
        self._log_dir.mkdir(parents=True, exist_ok=True)
        mark_start(self._log_dir, step + 1)
        if self._writer is not None:  # of what was rolled back
            self._writer.close()
        self._writer = tf.summary.create_file_writer(str(self._log_dir))
        with self._writer.as_default(step):
            tf.summary.text("config", markdown(self._config))
            write_flags(self._config)

    def on_train_batch_end(self, batch, logs=None):
        """Writes the curves, and pictures, sounds and codes when `summary_every` steps have passed.

        Args:
            batch: not used; the model knows its step.
            logs: loss terms and gradient norms under the names that `train_step` gives them, and
                `steps_per_second` and `waiting_share`, of the time spent waiting for batches, where
                they are known.
        """
        step = self._step()
        with self._writer.as_default(step):
            for name, value in (logs or {}).items():
                tf.summary.scalar(tag_of(name, self.model.LOSS_NAMES), value)
            if logs and "steps_per_second" in logs:
                clips = self._config.batch_size * self._config.draws
                clips *= self._config.uses_labels + self._config.system.unlabelled
                tf.summary.scalar("speed/clips_per_second", clips * logs["steps_per_second"])
            for name in self.model.OPTIMIZERS:
                self._write_optimizer(name, step)
            tf.summary.scalar("rollbacks", self.model.rollbacks)
            self._write_saturation(logs or {}, step)
        if step // self._summary_every > self._last_step // self._summary_every:
            self._summarise(step)
        self._last_step = step
        self._writer.flush()  # a crash loses no call

    def write(self, figures: dict[str, float]) -> None:
        """Writes a point of each curve, by tag, at the model's step; while a training runs."""
        with self._writer.as_default(self._step()):
            for tag, value in figures.items():
                tf.summary.scalar(tag, value)
        self._writer.flush()

    def _write_optimizer(self, name: str, step: int) -> None:
        optimizer = self.model.optimizer_of(name)
        tf.summary.scalar(f"learning_rate/{name}", tf.convert_to_tensor(optimizer.learning_rate))
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            started = min(step, self.model.start_steps)  # whose k + 1 updates are of the first
            k = self._config.discriminator_steps
            first = name == next(iter(self.model.OPTIMIZERS))  # one update an iteration, not k
            asked = step + k * started if first else k * (step - started)
            made = int(optimizer.inner_optimizer.iterations.numpy())
            tf.summary.scalar(f"loss_scale/{name}", tf.convert_to_tensor(optimizer.dynamic_scale))
            tf.summary.scalar(f"skipped_updates/{name}", asked - made)

    def _write_saturation(self, logs: dict[str, float], step: int) -> None:
        for name in self._saturated_steps.keys() & logs.keys():
            saturated = logs[name] < _SATURATED_LOSS
            steps = self._saturated_steps[name] + step - self._last_step if saturated else 0
            self._saturated_steps[name] = steps
            tf.summary.scalar(f"collapse/saturated_steps/{name}", steps)
            if steps >= _SATURATED_STEPS:
                self._warn(
                    name,
                    f"{name} has been below {_SATURATED_LOSS} for {steps} steps, to step {step}: "
                    "that discriminator has won, and little is learnt from it. Lower "
                    "--discriminator_learning_rate or --discriminator_steps",
                )

    def _write_variance(self, generated: np.ndarray, step: int) -> None:
        """Variance over each row's sounds, of spectrograms [rows, examples, bins, frames, 1]."""
        variances = np.var(generated, axis=1, ddof=1).mean(axis=(1, 2, 3))
        collapsed = []
        for name, variance in zip(self._rows, variances, strict=True):
            tf.summary.scalar(f"collapse/generated_variance/{name}", variance)
            if variance < _COLLAPSED_VARIANCE:
                collapsed.append(name)
        if collapsed:
            self._warn(
                "variance",
                f"the generated sounds of {', '.join(collapsed)} are all but equal at step {step}: "
                f"their spectrograms' variance is down to {np.nanmin(variances):.2g}, below "
                f"{_COLLAPSED_VARIANCE:.2g}. If that lasts, the generator has collapsed",
            )

    def _warn(self, sign: str, text: str) -> None:
        if sign not in self._warned:
            self._warned.add(sign)
            print(f"\nWARNING: {text}.", flush=True)

    def on_train_end(self, logs=None):
        """Writes the last step's pictures, sounds and codes, and closes the event file."""
        if self._last_step > self._last_summary_step:
            self._summarise(self._last_step)
        with self._writer.as_default():
            write_end()
        self._writer.close()

    def _step(self) -> int:
        return int(self.model.step.numpy())

    def _summarise(self, step: int) -> None:
        self.model.measure_code_statistics()
        if self.model.SAMPLER is not None:
            self._write_examples(step)
        if self.model.spec.can("represent"):
            self._write_codes()
        self._last_summary_step = step

    def _write_examples(self, step: int) -> None:
        """Pictures and sounds."""
        shown = self._examples >= 0
        clips = self._audio[self._examples[shown]].astype(np.float32) / 32768.0
        spectrograms, sounds = {}, {}  # kind -> [rows, examples, …]; NaN where there is none
        for kind, (of_kind, heard) in self._kinds(clips).items():
            whole = kind == "generated"
            spectrograms[kind] = _placed(of_kind, shown, whole)
            sounds[kind] = _placed(heard, shown, whole)
        with self._writer.as_default(step):
            picture = figures.figure_to_rgb(self._figure(spectrograms, step))
            tf.summary.image("spectrograms", picture[np.newaxis])
            self._write_sounds(sounds)
            self._write_variance(spectrograms["generated"], step)

    def _kinds(self, clips: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Spectrograms [n, bins, frames, 1] and sounds [n, samples] of every kind to show.

        Those of `clips` come in their order, those generated row by row.
        """
        model, analyse = self.model, self._signal_path.spectrogram
        stft = self._signal_path.stft
        shape = (stft.bins, stft.frames(self._data.clip_samples), 1)
        real = analyse(clips).numpy() if len(clips) else np.zeros((0, *shape), np.float32)
        kinds = {"real": (real, clips)}
        style = synthesis.style_codes(
            self._config.seed,
            tf.range(self._examples_each),
            self._config.style_dim,
            model.SAMPLING_PRIOR,
        )
        weights = model.sampler.get_weights()
        try:
            model.reestimate_statistics(self._config.reestimate_batches)
            if model.spec.can("reconstruct"):
                made = _float32(model(real)) if len(clips) else real
                kinds["reconstructed"] = (made, self._sounds(made))
            generated = np.concatenate(
                [
                    _float32(model.sample(style, tf.one_hot([i] * len(style), self._classes)))
                    for i in self._shown_classes
                ]
            )
        finally:
            model.sampler.set_weights(weights)
        if model.spec.signal == "audio":
            generated = generated[..., 0]
            kinds["generated"] = (analyse(generated).numpy(), generated)
        else:
            kinds["generated"] = (generated, self._sounds(generated))
        return kinds

    def _sounds(self, spectrograms: np.ndarray) -> np.ndarray:
        """Sounds [n, samples] of spectrograms; NaN of those that are not finite."""
        sounds = np.full((len(spectrograms), self._data.clip_samples), np.nan, np.float32)
        finite = np.isfinite(spectrograms).all(axis=(1, 2, 3))
        if finite.any():
            sounds[finite] = synthesis.to_audio(spectrograms[finite], self._signal_path)
        return sounds

    def _figure(self, spectrograms: dict[str, np.ndarray], step: int):
        """One row a class: each clip beside its reconstruction, then what was generated."""
        numbers = range(self._examples_each)
        *of_clips, generated = spectrograms
        columns = [(kind, i) for i in numbers for kind in of_clips]
        columns += [(generated, i) for i in numbers]
        floor, ceiling = self._signal_path.shown.scaling.limits_nepers
        panels = np.stack([spectrograms[kind][:, i, ..., 0] for kind, i in columns], axis=1)
        return figures.spectrogram_grid(
            self._signal_path.to_shown(panels),
            self._rows,
            [f"{kind} {i + 1}" for kind, i in columns],
            sample_rate_hz=self._data.sample_rate_hz,
            hop_samples=self._signal_path.stft.hop_samples,
            dynamic_range_db=(ceiling - floor) * _DB_PER_NEPER,
            title=f"step {step:,}{self._share_of_classes()}",
        )

    def _share_of_classes(self) -> str:
        if len(self._rows) == self._classes:
            return ""
        return f", {len(self._rows)} of {self._classes} classes"

    def _write_sounds(self, sounds: dict[str, np.ndarray]) -> None:
        """Sounds of what the picture shows; the real ones are the recordings themselves."""
        for kind, of_rows in sounds.items():
            for name, examples in zip(self._rows, of_rows, strict=True):
                audible = examples[np.isfinite(examples).all(axis=-1)]
                if len(audible):
                    tf.summary.audio(
                        f"sounds/{name}/{kind}",
                        audible[..., np.newaxis],
                        self._data.sample_rate_hz,
                        max_outputs=self._examples_each,
                        encoding="wav",
                    )

    def _write_codes(self) -> None:
        """Codes of all clips, with their class names, as the projector reads them."""
        if not len(self._audio):
            return
        model = self.model

        batches = [
            {name: _float32(code) for name, code in codes.items()}
            for codes in (
                model.codes(self._signal_path.spectrogram(audio))
                for audio in evaluation_batches(self._audio, batch_size=64)
            )
        ]
        codes = {name: np.concatenate([one[name] for one in batches]) for name in batches[0]}
        names = [self._data.classes[i] if i >= 0 else "unlabelled" for i in self._labels]
        write_projector(self._log_dir, codes, names)


def _examples(labels: np.ndarray, rows: int, each: int) -> np.ndarray:
    """Indices of clips spread over each row's, int [rows, each]; -1 for none."""
    examples = np.full((rows, each), -1)
    for row in range(rows):
        members = np.flatnonzero(labels == row)
        if len(members):
            examples[row] = members[np.arange(each) * len(members) // each]
    return examples


def _rows_of(labels: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The row of each clip's class, -1 where its class has none."""
    rows = np.full(max(shown.max(), labels.max(initial=0)) + 1, -1)
    rows[shown] = np.arange(len(shown))
    return np.where(labels >= 0, rows[labels], -1)


def _placed(values: np.ndarray, shown: np.ndarray, whole: bool) -> np.ndarray:
    """Values [n, …] in their places [rows, examples, …]: all, or those `shown`; the rest is NaN."""
    if whole:
        return values.reshape(*shown.shape, *values.shape[1:])
    placed = np.full((*shown.shape, *values.shape[1:]), np.nan, np.float32)
    placed[shown] = values
    return placed


def _float32(tensor: tf.Tensor) -> np.ndarray:
    return tf.cast(tensor, tf.float32).numpy()

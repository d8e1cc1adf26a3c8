"""What is measured on validation clips while a training runs, and what that warns of.

At every checkpoint and at the end, by the averaged networks: C's accuracy, how near style codes are
to N(0, I), and how much of the decoder's output the class decides. The figures go to TensorBoard,
to `validation.json` in the run folder, and the accuracy to the line of progress.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.data.pipeline import evaluation_batches
from gaae_tf.data.shards import Clips
from gaae_tf.files import write_text
from gaae_tf.metrics import codes as metrics
from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.ops import synthesis
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.run import names as run_names
from gaae_tf.run.folder import read_validation
from gaae_tf.systems.system import System
from gaae_tf.training.event_files import ACCURACY, RECONSTRUCTION

# Where TensorBoard shows each figure.
TAGS = {
    "accuracy": ACCURACY,
    "effective_rank": "codes/effective_rank",
    "deviation": "codes/deviation",
    "share_within_factor_3": "codes/share_within_factor_3",
    "distance_from_prior": "codes/distance_from_prior",
    "distance_of_prior_draws": "codes/distance_of_prior_draws",
    "class_share": "decoder/class_share",
}

# Enough for steady figures, and as cheap as a few steps of training.
_CLIPS = 500
_STYLES, _SOUNDS = 12, 240  # fewer styles where there are many classes, but never fewer than 3
_STATISTICS_BATCHES = 4

# Untrained networks show most of the signs below: in so many steps, and in a start without
# adversaries, there is no warning.
_WARNS_FROM_STEP = 300
# Codes are flat below a tenth of the effective rank that as many draws of N(0, I) would have, and
# below a rank of 2 (half of the draws' where theirs is under 4).
_FLAT_SHARE, _FLAT_RANK = 0.1, 2.0
_LARGEST_DEVIATION = 3.0  # or its inverse: ten times the variance, or a tenth
_LEAST_CLASS_SHARE = 0.02


class Validation(keras.callbacks.Callback):
    """Measures a training, keeps the figures, and warns of each bad sign once.

    Args:
        run_dir: the run folder, which exists.
        config: of the training.
        signal_path: its way from audio to spectrograms.
        clips: validation clips. May be empty.
        accuracy: gives C's accuracy on those of them that have a label, None without C or labels.
        write: takes figures by TensorBoard tag, to be shown at the model's step.
    """

    def __init__(
        self,
        run_dir: Path,
        config: TrainConfig,
        signal_path: SignalPath,
        clips: Clips,
        accuracy: Callable[[], float | None],
        write: Callable[[dict[str, float]], None],
    ):
        super().__init__()
        self._path = Path(run_dir) / run_names.VALIDATION
        self._config = config
        self._signal_path = signal_path
        number = min(len(clips.audio), _CLIPS)
        self._audio = clips.audio[np.arange(number) * len(clips.audio) // max(number, 1)]
        self._labelled = int(np.sum(clips.labels >= 0))
        self._accuracy = accuracy
        self._write = write
        self._rows: list[dict] = []
        self._warned = set()

    def on_train_begin(self, logs=None):
        """Drops the figures of steps that a stopped run made after its checkpoint.

        Raises:
            ValueError: the run folder's figures cannot be read.
        """
        step = int(self.model.step.numpy())
        rows = read_validation(self._path) if self._path.exists() else []
        self._rows = [row for row in rows if row["step"] <= step]
        if len(self._rows) < len(rows):
            self._save()

    def measure(self) -> float | None:
        """Measures the model as it is, and leaves it so; returns C's accuracy, None for none."""
        step = int(self.model.step.numpy())
        accuracy = self._accuracy()
        figures = {} if accuracy is None else {"accuracy": accuracy}
        figures |= code_figures(self.model, self._audio, self._signal_path, self._config.seed)
        share = decoder_class_share(self.model, self._config)
        if share is not None:
            figures["class_share"] = share
        if figures and not any(row["step"] == step for row in self._rows):
            self._write({TAGS[name]: value for name, value in figures.items()})
            self._rows.append({"step": step, **figures})
            self._save()
        warns_from = _WARNS_FROM_STEP + self.model.start_steps
        warned = self._config.takes("sliced_wasserstein")  # which the warnings name
        if warned and step >= warns_from:
            self._warn_of(figures, step)
        return accuracy

    def on_train_end(self, logs=None):
        """Writes how far reconstructions of validation clips are from them, to compare runs by."""
        error = reconstruction_error(self.model, self._audio, self._signal_path, self._config)
        if error is not None:
            self._write({RECONSTRUCTION: error})

    def _save(self) -> None:
        rows = ",\n".join(f" {json.dumps(row)}" for row in self._rows)
        write_text(self._path, f"[\n{rows}\n]\n" if rows else "[]\n")

    def _warn_of(self, figures: dict[str, float], step: int) -> None:
        if "effective_rank" in figures:
            self._warn_of_codes(figures, step)
        if figures.get("class_share", 1.0) < _LEAST_CLASS_SHARE:
            self._warn(
                "class_share",
                f"at step {step} the class decides {100.0 * figures['class_share']:.2g} % of the "
                f"variance of what the {self._sampler} makes, which all but ignores it. "
                f"{self._advice('generated_class_teaches_decoder')}",
            )
        if "accuracy" in figures:
            self._warn_of_chance(figures["accuracy"], step)

    def _warn_of_codes(self, figures: dict[str, float], step: int) -> None:
        rank = figures["effective_rank"]
        whole = metrics.rank_of_prior_draws(len(self._audio), self._config.style_dim)
        if rank < max(_FLAT_SHARE * whole, min(_FLAT_RANK, whole / 2.0)):
            self._warn(
                "effective_rank",
                f"at step {step} the {self._code} codes of validation clips are flat: "
                f"they use {rank:.1f} directions, and as many draws of N(0, I) would use "
                f"{whole:.1f}. Sampling gives the {self._sampler} codes unlike any that it has "
                f"learnt from. {self._advice('sliced_wasserstein')}",
            )
        deviation = figures["deviation"]
        if not 1.0 / _LARGEST_DEVIATION <= deviation <= _LARGEST_DEVIATION:
            self._warn(
                "deviation",
                f"at step {step} the {self._code} codes of validation clips have a "
                f"standard deviation of {deviation:.3g}, but sampling draws them with 1. "
                f"{self._advice('sliced_wasserstein')}",
            )

    def _warn_of_chance(self, accuracy: float, step: int) -> None:
        right, chance = round(accuracy * self._labelled), 1.0 / self.model.classes
        if wilson_interval(self._labelled, self._labelled)[0] <= chance:
            return  # so few clips could not tell even a perfect C from chance
        low, high = wilson_interval(right, self._labelled)
        if low <= chance:
            self._warn(
                "accuracy",
                f"at step {step} C finds the class of {100.0 * accuracy:.1f} % of "
                f"{self._labelled} validation clips (95 %: {100.0 * low:.1f}-{100.0 * high:.1f}), "
                f"no better than the {100.0 * chance:.1f} % of guessing. "
                f"{self._advice('start_steps')}",
            )

    @property
    def _code(self):
        """The code that the sampler takes, by its name."""
        return self.model.spec.sampled_code

    @property
    def _sampler(self) -> str:
        return self.model.NETWORKS[self.model.SAMPLER]

    def _advice(self, flag: str) -> str:
        """What to try, or that it is being tried already."""
        value = getattr(self._config, flag)
        return f"This is with --{flag}={value}" if value else f"Try --{flag}"

    def _warn(self, sign: str, text: str) -> None:
        if sign not in self._warned:
            self._warned.add(sign)
            print(f"\nWARNING: {text}.", flush=True)


def code_figures(
    model: System, audio: np.ndarray, signal_path: SignalPath, seed: int
) -> dict[str, float]:
    """How near the codes of clips that the sampler would take are to N(0, I).

    Args:
        model: the system.
        audio: int16 [clips, samples].
        signal_path: the one that the model was trained with.
        seed: of the draws of N(0, I) to compare with.

    Returns:
        Figures of `metrics.codes` by their names in TAGS; none of a system whose sampler takes no
        such code, of fewer than two clips, or of codes that are not finite.
    """
    if model.spec.sampled_code is None or len(audio) < 2:
        return {}
    codes = np.concatenate(
        [
            _float32(model.codes(signal_path.spectrogram(batch))[model.spec.sampled_code])
            for batch in evaluation_batches(audio, 64)
        ]
    )
    if not np.isfinite(codes).all():
        return {}
    distance, of_draws = metrics.distance_from_prior(codes, seed)
    return {
        "effective_rank": metrics.effective_rank(codes),
        "deviation": metrics.deviation(codes),
        "share_within_factor_3": metrics.share_within(codes, 3.0),
        "distance_from_prior": distance,
        "distance_of_prior_draws": of_draws,
    }


def reconstruction_error(
    model: System, audio: np.ndarray, signal_path: SignalPath, config: TrainConfig
) -> float | None:
    """Mean squared error of reconstructed spectrograms, by the averaged networks.

    Batch statistics are measured again, and the model is left as it was.

    Returns:
        The mean over clips int16 [clips, samples]; None without any, or of a system that
        reconstructs nothing, or if it is not finite.
    """
    if not model.spec.can("reconstruct") or not len(audio):
        return None
    weights = model.sampler.get_weights()
    try:
        model.reestimate_statistics(min(config.reestimate_batches, _STATISTICS_BATCHES))
        errors = []
        for batch in evaluation_batches(audio, 64):
            real = signal_path.spectrogram(batch)
            errors.append(np.square(_float32(model(real)) - _float32(real)).mean(axis=(1, 2, 3)))
    finally:
        model.sampler.set_weights(weights)
    error = float(np.concatenate(errors).mean())
    return error if np.isfinite(error) else None


def decoder_class_share(model: System, config: TrainConfig) -> float | None:
    """Share of the variance of what the sampler makes that the class decides.

    Of a dozen style codes, those that `gaae_tf.load` would draw for the configuration's seed, with
    every class each, by the averaged network with batch statistics measured again. The model is
    left as it was.

    Returns:
        A share in [0, 1]; None of a system whose sampler takes no class, or fewer than two, or
        whose output is not finite.
    """
    if model.SAMPLER is None or model.classes is None or model.classes < 2:
        return None
    styles = max(3, min(_STYLES, _SOUNDS // model.classes))
    style = synthesis.style_codes(
        config.seed, tf.range(styles), config.style_dim, model.SAMPLING_PRIOR
    )
    weights = model.sampler.get_weights()
    try:
        model.reestimate_statistics(min(config.reestimate_batches, _STATISTICS_BATCHES))
        made = np.stack(
            [
                _float32(model.sample(style, tf.one_hot([row] * styles, model.classes)))
                for row in range(model.classes)
            ],
            axis=1,
        )
    finally:
        model.sampler.set_weights(weights)
    return metrics.class_share(made) if np.isfinite(made).all() else None


def _float32(tensor: tf.Tensor) -> np.ndarray:
    return tf.cast(tensor, tf.float32).numpy()

"""From a configuration to a finished run folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.data.guidance import Guidance, GuidanceRule, check_same_clips
from gaae_tf.data.pipeline import evaluation_batches, training_stream
from gaae_tf.data.prepare import ensure_notes
from gaae_tf.data.shards import UNLABELLED, Clips, Dataset, load_dataset, read_clips
from gaae_tf.data.statistics import LogMagnitudeAccumulator, log_magnitude_statistics
from gaae_tf.models.gaae import GAAE, LOG_NAMES
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.training import run_folder
from gaae_tf.training.build import build_model, compile_model
from gaae_tf.training.callbacks import TensorBoardLogger
from gaae_tf.training.checkpoints import Checkpoints
from gaae_tf.training.run_folder import DataDescription
from gaae_tf.training.strategy import make_strategy, resolve_precision

# What a continued run may change: how long and how it runs, not what it trains.
CHANGEABLE = frozenset(
    {
        "run_dir",
        "dataset",
        "steps",
        "max_minutes",
        "steps_per_call",
        "checkpoint_every",
        "keep_checkpoints",
        "summary_every",
        "strategy",
        "reestimate_batches",
    }
)


# At most so many training clips are shown in TensorBoard where there are no test clips.
_SHOWN_CLIPS = 500


class NonFiniteError(RuntimeError):
    """A loss term or gradient stopped being finite; the message names step and term."""


class Interrupted(Exception):
    """A signal asked the training to stop; its state was saved.

    Attributes:
        signal_number: the signal.
    """

    def __init__(self, signal_number: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


def guidance_rule(config: TrainConfig) -> GuidanceRule:
    """How many clips guide."""
    return GuidanceRule(
        percent=config.labelled_percent,
        clips_per_class=config.labelled_per_class,
        speakers_per_class=config.guidance_speakers_per_class,
    )


def resolve(config: TrainConfig) -> tuple[TrainConfig, Dataset, Dataset, DataDescription]:
    """Settles all that a configuration leaves to the data set and the hardware.

    Returns:
        The configuration with data set folder and precision filled in; the data set; the one whose
        classes and labels guide, the same one unless `guidance_dataset` names another; and their
        description with statistics for the configuration's own transform.

    Raises:
        ValueError: a data set is missing or does not fit; or the run folder holds another run.
    """
    if config.dataset == "notes":
        rate, length = config.sample_rate_hz or 16_000, config.clip_samples or 16_384
        config.check_clip(rate, length)
        config = dataclasses.replace(
            config, dataset=str(ensure_notes(rate, length, stft=config.stft))
        )
    dataset = load_dataset(config.dataset)
    config.check_clip(dataset.sample_rate_hz, dataset.clip_samples)
    guiding = load_guiding(config, dataset)
    run_dir = Path(config.run_dir)
    if (run_dir / run_folder.CONFIG).exists():
        config = _continued(config, TrainConfig.load(run_dir / run_folder.CONFIG))
        data = DataDescription.load(run_dir)
        if data.classes != guiding.classes:
            raise ValueError(
                f"{run_dir} was trained on the classes {', '.join(data.classes)}, but "
                f"{guiding.path} has {', '.join(guiding.classes)}; name another --run_dir"
            )
        return config, dataset, guiding, data
    config = dataclasses.replace(
        config,
        precision=resolve_precision(config),
        sample_rate_hz=dataset.sample_rate_hz,
        clip_samples=dataset.clip_samples,
    )
    licences = dict.fromkeys((dataset.licence, guiding.licence))
    data = DataDescription(
        dataset=config.dataset,
        sample_rate_hz=dataset.sample_rate_hz,
        clip_samples=dataset.clip_samples,
        classes=guiding.classes,
        statistics=_statistics(config, dataset, guiding),
        licence="\n\n".join(licence for licence in licences if licence),
        guidance_dataset=config.guidance_dataset,
    )
    return config, dataset, guiding, data


def load_guiding(config: TrainConfig, dataset: Dataset | None) -> Dataset | None:
    """The data set whose classes and labels guide: `dataset`, unless another is named.

    Another is compared with `dataset` unless that is None, not there yet.

    Raises:
        ValueError: it is missing, the same one, or its clips cannot be merged with the other's.
    """
    if not config.guidance_dataset:
        return dataset
    guiding = load_dataset(config.guidance_dataset)
    if dataset is None:
        return guiding
    if guiding.path.resolve() == dataset.path.resolve():
        raise ValueError(
            f"--guidance_dataset={config.guidance_dataset} is --dataset itself, which guides "
            "anyway; drop the flag"
        )
    check_same_clips(dataset, guiding)
    return guiding


def _statistics(config: TrainConfig, dataset: Dataset, guiding: Dataset) -> LogMagnitudeStatistics:
    """Statistics of all training clips, those that another data set adds among them."""
    if guiding is not dataset:
        accumulator = LogMagnitudeAccumulator(config.stft)
        accumulator.add(read_clips(dataset, "train").audio)
        accumulator.add(_guiding_clips(config, guiding)[0].audio)
        return accumulator.result()
    if dataset.stft != config.stft:
        return log_magnitude_statistics(read_clips(dataset, "train").audio, config.stft)
    return dataset.statistics


def _guiding_clips(config: TrainConfig, guiding: Dataset) -> tuple[Clips, Guidance]:
    clips = read_clips(guiding, "train")
    guidance = guidance_rule(config).draw(clips, guiding.classes, config.seed)
    return clips.subset(guidance.indices), guidance


@dataclasses.dataclass(frozen=True)
class TrainingClips:
    """All clips that a run trains on, and which of them guide it.

    Attributes:
        audio: int16 [clips, samples].
        labels: int32 [clips], of the guiding data set's classes; only those of `labelled` count.
        labelled: sorted int64, indices into the two of the clips that guide.
        sources: names of the clips that guide, as the guiding data set has them.
        guidance: how they were drawn from the guiding data set's training part.
    """

    audio: np.ndarray
    labels: np.ndarray
    labelled: np.ndarray
    sources: tuple[str, ...]
    guidance: Guidance


def training_clips(config: TrainConfig, dataset: Dataset, guiding: Dataset) -> TrainingClips:
    """Reads the training part; clips that guide from another data set are put behind it.

    Raises:
        ValueError: a class cannot give as many clips as it shall.
    """
    clips = read_clips(dataset, "train")
    if guiding is dataset:
        guidance = guidance_rule(config).draw(clips, guiding.classes, config.seed)
        sources = tuple(clips.sources[i] for i in guidance.indices)
        return TrainingClips(clips.audio, clips.labels, guidance.indices, sources, guidance)
    added, guidance = _guiding_clips(config, guiding)
    return TrainingClips(
        audio=np.concatenate([clips.audio, added.audio]),
        # The data set's own labels are of other classes.
        labels=np.concatenate([np.full_like(clips.labels, UNLABELLED), added.labels]),
        labelled=np.arange(len(clips.audio), len(clips.audio) + len(added.audio)),
        sources=added.sources,
        guidance=guidance,
    )


def _continued(config: TrainConfig, saved: TrainConfig) -> TrainConfig:
    """The configuration that continues a run: the saved one, but for what may change."""
    asked = dataclasses.asdict(config)
    kept = dataclasses.asdict(saved)
    unset = {"precision": "auto", "sample_rate_hz": 0, "clip_samples": 0}
    for name, value in asked.items():
        if name in CHANGEABLE:
            kept[name] = value
        elif value != kept[name] and value != unset.get(name):
            raise ValueError(
                f"{config.run_dir} holds a run with --{name}={kept[name]}, got --{name}={value}; "
                "name another --run_dir, or give the same value to continue"
            )
    return TrainConfig(**kept)


def train(config: TrainConfig) -> Path:
    """Trains from where the run folder stands to `steps`, or as long as `max_minutes` allows.

    Returns:
        The run folder, with a checkpoint of its last step.

    Raises:
        ValueError: data set, run folder and configuration do not fit.
        NonFiniteError: a loss or gradient was not finite; the last good checkpoint stays.
        Interrupted: SIGINT or SIGTERM came; the state is saved.
    """
    config, dataset, guiding, data = resolve(config)
    run_dir = Path(config.run_dir)
    clips = training_clips(config, dataset, guiding)
    _check_same_guidance(run_dir, clips, guiding)
    strategy = make_strategy(config.strategy)
    if config.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"--batch_size={config.batch_size} must be a multiple of the "
            f"{strategy.num_replicas_in_sync} devices"
        )

    run_dir.mkdir(parents=True, exist_ok=True)
    data.save(run_dir)
    guidance = {
        "dataset": str(guiding.path),
        "rule": str(guidance_rule(config)),
        "seed": config.seed,
        **({"speakers": clips.guidance.speakers} if clips.guidance.speakers else {}),
        "train_indices": clips.guidance.indices.tolist(),
        "clips": clips.sources,
    }
    run_folder.write_text(run_dir / run_folder.GUIDANCE, json.dumps(guidance, indent=1) + "\n")
    run_folder.write_text(run_dir / run_folder.CONFIG, config.to_flags())

    with strategy.scope():
        model = build_model(config, data)
        compile_model(model, config)
        checkpoints = Checkpoints(run_dir, model, config.keep_checkpoints)
        first_step = checkpoints.restore()
    signal_path = data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
    stream = training_stream(
        clips.audio,
        clips.labels,
        clips.labelled,
        classes=len(data.classes),
        batch_size=config.batch_size,
        draws=config.discriminator_steps + 1,
        seed=config.seed,
        signal_path=signal_path,
        first_step=first_step,
    )
    print(
        f"Training {config.model} on {config.dataset}: {len(clips.audio)} clips, guided by the "
        f"labels of {len(clips.labelled)} of them"
        + (f" from {guiding.path}" if guiding is not dataset else "")
        + f" ({guidance_rule(config)}), {len(data.classes)} classes; {config.precision}, "
        f"{strategy.num_replicas_in_sync} device(s); step {first_step} of {config.steps}.",
        flush=True,
    )
    valid = read_clips(guiding, "valid")
    if not (valid.labels >= 0).any():
        print(
            f"{guiding.path} has no labelled validation clip: no accuracy is measured, and the "
            "best checkpoint is the last."
        )
    test = read_clips(guiding, "test")
    shown, labels = test.audio, test.labels
    if not len(shown):
        print(f"{guiding.path} has no test clip: TensorBoard shows guiding training clips instead.")
        number = min(len(clips.labelled), _SHOWN_CLIPS)
        spread = clips.labelled[np.arange(number) * len(clips.labelled) // number]
        shown, labels = clips.audio[spread], clips.labels[spread]
    logger = TensorBoardLogger(
        run_dir / run_folder.LOGS, config, data, shown, labels, config.summary_every
    )
    if first_step < config.steps:
        print("Compiling the training step; the first steps follow in a minute or so.", flush=True)
    run_steps(
        model,
        stream,
        strategy,
        config,
        checkpoints,
        validate=lambda: validation_accuracy(model, valid, signal_path),
        callbacks=[logger],
    )
    return run_dir


def run_steps(
    model: GAAE,
    stream: tf.data.Dataset,
    strategy: tf.distribute.Strategy,
    config: TrainConfig,
    checkpoints: Checkpoints,
    validate=lambda: None,
    callbacks: list[keras.callbacks.Callback] = (),
) -> None:
    """The loop: several iterations a compiled call, then callbacks, checkpoints and signals.

    `Model.fit` is not used because it does not run under every strategy and cannot save in
    mid-call; see the module's `train` for what is raised.
    """
    batches = iter(strategy.experimental_distribute_dataset(stream))
    names = list(LOG_NAMES)

    @tf.function
    def iterate(count):
        """Runs `count` iterations; returns their logs, float32 [count, names]."""
        history = tf.TensorArray(tf.float32, size=count, element_shape=[len(names)])
        for i in tf.range(count):
            logs = strategy.run(model.train_step, args=(next(batches),))
            # Every replica reports the means over the global batch.
            first = [strategy.experimental_local_results(logs[name])[0] for name in names]
            history = history.write(i, tf.stack(first))
        return history.stack()

    callbacks = keras.callbacks.CallbackList(list(callbacks), model=model)
    step = int(model.step.numpy())
    bar = keras.utils.Progbar(config.steps, stateful_metrics=names, interval=1.0, unit_name="step")
    bar.update(step)
    callbacks.on_train_begin()
    stop_at = config.max_minutes * 60.0 or math.inf
    with _caught_signals() as received:
        while step < config.steps and float(checkpoints.trained_seconds.numpy()) < stop_at:
            count = min(
                config.steps_per_call,
                config.steps - step,
                config.checkpoint_every - step % config.checkpoint_every,
            )
            start = time.perf_counter()
            history = dict(zip(names, iterate(tf.constant(count)).numpy().T, strict=True))
            seconds = time.perf_counter() - start
            _check_finite(history, step, config)
            step += count
            checkpoints.trained_seconds.assign_add(seconds)
            logs = {name: float(values.mean()) for name, values in history.items()}
            bar.update(step, logs.items())
            logs["steps_per_second"] = count / seconds
            callbacks.on_train_batch_end(step - 1, logs)
            if received:
                checkpoints.save()
                callbacks.on_train_end()
                raise Interrupted(received[0])
            if step % config.checkpoint_every == 0 and step < config.steps:
                _save(checkpoints, validate())
        if step > 0:
            _save(checkpoints, validate())
        callbacks.on_train_end()


def _save(checkpoints: Checkpoints, accuracy: float | None) -> None:
    """Saves the state; as the best one too if no accuracy has ever been measured."""
    never_measured = float(checkpoints.best_accuracy.numpy())
    if accuracy is None and never_measured < 0.0:
        checkpoints.best_accuracy.assign(-math.inf)
        accuracy = never_measured  # higher than that, and lower than any that is measured
    checkpoints.save(accuracy)


def _check_finite(history: dict[str, np.ndarray], first_step: int, config: TrainConfig) -> None:
    """Raises NonFiniteError for the first step whose loss, or gradient, is not finite."""
    scaled = config.precision == "mixed_float16"
    found = []
    for name, values in history.items():
        if scaled and name.startswith("gradient_norm"):
            continue  # loss scaling meets an overflow by leaving the step out
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            found.append((bad[0], name, values[bad[0]]))
    if found:
        step = min(step for step, _, _ in found)
        terms = ", ".join(f"{name} = {value}" for at, name, value in found if at == step)
        raise NonFiniteError(
            f"step {first_step + step}: {terms}. Nothing was saved since the last checkpoint in "
            f"{config.run_dir}; lower the learning rates or use --precision=float32"
        )


@contextlib.contextmanager
def _caught_signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM; a second one acts at once."""
    received: list[int] = []

    def note(number, _frame):
        received.append(number)
        print(
            f"\n{signal.Signals(number).name}: saving after the current call; "
            "a second signal stops at once.",
            flush=True,
        )
        for caught in previous:
            signal.signal(caught, signal.SIG_DFL)

    previous = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.getsignal(number)
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def validation_accuracy(model: GAAE, clips, signal_path) -> float | None:
    """Share of labelled clips whose class the averaged C finds; None without such clips."""
    labelled = clips.labels >= 0
    if not labelled.any():
        return None
    predicted = [
        np.argmax(
            model.averaged_classifier(model.averaged_encoder(signal_path.spectrogram(batch))[0]), 1
        )
        for batch in evaluation_batches(clips.audio[labelled], 64)
    ]
    return float(np.mean(np.concatenate(predicted) == clips.labels[labelled]))


def _check_same_guidance(run_dir: Path, clips: TrainingClips, guiding: Dataset) -> None:
    """Raises ValueError if the run folder holds a run that other clips guided."""
    path = run_dir / run_folder.GUIDANCE
    if not path.exists():
        return
    try:
        earlier = tuple(json.loads(path.read_text())["clips"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be read: {error!r}; name another --run_dir") from error
    if earlier != clips.sources:
        raise ValueError(
            f"{run_dir} was guided by {len(earlier)} clips that {path.name} lists, of which "
            f"{len(set(earlier) & set(clips.sources))} are among the {len(clips.sources)} drawn "
            f"from {guiding.path} now; was it prepared anew? Name another --run_dir"
        )

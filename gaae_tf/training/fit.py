"""From a configuration to a finished run folder."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.data.again import classes_without, more_of
from gaae_tf.data.pipeline import Draws, evaluation_batches, held_once, training_stream
from gaae_tf.data.shards import Clips, Dataset, read_clips
from gaae_tf.run import names as run_names
from gaae_tf.run.build import build_model, compile_model
from gaae_tf.run.checkpoints import Checkpoints
from gaae_tf.run.shipped import before_training
from gaae_tf.systems.system import System
from gaae_tf.training import memory
from gaae_tf.training.callbacks import TensorBoardLogger
from gaae_tf.training.frozen import take_frozen
from gaae_tf.training.loop import NonFiniteError, run_steps
from gaae_tf.training.pretrained import take_pretrained
from gaae_tf.training.resolve import (
    Resolved,
    TrainingClips,
    balanced_weights,
    check_same_guidance,
    guidance_rule,
    resolve,
    training_clips,
    write_description,
)
from gaae_tf.training.storage import told_of_failing_storage
from gaae_tf.training.strategy import Worker, make_strategy, this_worker, wait_for_all
from gaae_tf.training.validation import Validation

# At most so many training clips are shown in TensorBoard where there are no test clips.
_SHOWN_CLIPS = 500

# From so many training clips the statistics of codes are measured: each deviation to some 3 %.
_CALIBRATION_CLIPS = 512


def train(config: TrainConfig) -> Path:
    """Trains from where the run folder stands to `steps`, or as long as `max_minutes` allows.

    Returns:
        The run folder, with a checkpoint of its last step.

    Raises:
        ValueError: data set, run folder and configuration do not fit.
        NonFiniteError: a loss or gradient was not finite, and has been before as often as
            `max_rollbacks` allows; the last good checkpoint stays.
        WorkerLostError: under --strategy=multi_worker, another process ended.
        StorageError: the run folder cannot be written any more; its last checkpoint stays.
        Interrupted: SIGINT or SIGTERM came; the state is saved.
    """
    worker = this_worker(config.strategy)
    strategy = make_strategy(config.strategy)  # first: TensorFlow must have done nothing yet
    resolved = _resolved_by_all(config, strategy, worker)
    config, dataset, guiding, data = resolved
    run_dir = Path(config.run_dir)
    clips = training_clips(config, dataset, guiding)
    audio, array = held_once(clips.audio)
    clips = dataclasses.replace(clips, audio=array)
    check_same_guidance(run_dir, clips, guiding)
    if config.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"--batch_size={config.batch_size} must be a multiple of the "
            f"{strategy.num_replicas_in_sync} devices"
        )
    signal_path = data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
    with strategy.scope():
        model, checkpoints = _begun(resolved, clips, signal_path, worker)
    first_step = int(model.step.numpy())
    if worker.is_chief:  # only now: what was refused leaves no folder that asks for the same again
        write_description(run_dir, config, clips, guiding, data)
    if not first_step:
        with told_of_failing_storage(run_dir):
            checkpoints.save_start()
    _tell(resolved, clips, model, strategy, worker)
    callbacks, validate = _watchers(resolved, clips, model, signal_path, worker)
    if first_step < config.steps:
        _tell_of_shortage(resolved, model, strategy)
        print("Compiling the training step; the first steps follow in a minute or so.", flush=True)
    while True:
        stream = functools.partial(
            _stream,
            audio=audio,
            clips=clips,
            config=config,
            classes=len(data.classes),
            transform=clip_transform(model, signal_path),
            first_step=first_step,
        )
        try:
            run_steps(
                model, stream, strategy, config, checkpoints, validate=validate, callbacks=callbacks
            )
        except NonFiniteError as error:
            first_step = _roll_back(error, checkpoints, config)
        else:
            return run_dir


def _resolved_by_all(
    config: TrainConfig, strategy: tf.distribute.Strategy, worker: Worker
) -> Resolved:
    """What is trained; of several processes, the others find what the first one prepares."""
    if worker.is_chief:
        resolved = resolve(config)
    wait_for_all(strategy)
    return resolved if worker.is_chief else resolve(config)


def _begun(
    resolved: Resolved, clips: TrainingClips, signal_path, worker: Worker
) -> tuple[System, Checkpoints]:
    """The model as its run folder has it, or ready for its first step; in the strategy's scope."""
    config = resolved.config
    model = build_model(config, resolved.data)
    compile_model(model, config)
    keep = config.keep_checkpoints
    checkpoints = Checkpoints(Path(config.run_dir), model, keep, worker.is_chief)
    first_step = checkpoints.restore()
    if config.frozen_run and not first_step:
        take_frozen(model, config)
    taken = take_pretrained(model, config) if config.start_from and not first_step else ()
    model.calibration = calibration_clips(model, clips.audio, signal_path)
    if config.class_weights == "balanced":
        model.class_weights = tf.constant(balanced_weights(clips, model.classes))
    if not first_step:
        if model.ENCODER not in taken:
            model.scale_codes()
        sizes = model.find_groups()
        if sizes and worker.is_chief:
            counted = ", ".join(map(str, sizes))
            print(f"Of {sum(sizes)} training clips, groups of colour have {counted}.", flush=True)
    return model, checkpoints


def _stream(
    context: tf.distribute.InputContext,
    audio: tf.Tensor,
    clips: TrainingClips,
    config: TrainConfig,
    classes: int,
    transform: Callable[[tf.Tensor], tf.Tensor],
    first_step: int,
) -> tf.data.Dataset:
    """What the replicas of one process train on; `audio` is that of `clips`."""
    here = context.num_replicas_in_sync // context.num_input_pipelines
    first = here * context.input_pipeline_id
    return training_stream(
        audio,
        clips.labels,
        clips.labelled,
        Draws(
            batch_size=config.batch_size,
            count=config.draws,
            seed=config.seed,
            first_step=first_step,
            replicas=(range(first, first + here), context.num_replicas_in_sync),
        ),
        classes=classes,
        transform=transform,
        unlabelled=config.system.unlabelled,
    )


def _tell(
    resolved: Resolved,
    clips: TrainingClips,
    model: System,
    strategy: tf.distribute.Strategy,
    worker: Worker,
) -> None:
    """Prints what is trained, on what, and from where."""
    config, dataset, guiding, data = resolved
    first_step = int(model.step.numpy())
    guided = "without labels"
    if clips.guidance is not None:
        source = f" from {guiding.path}" if guiding is not dataset else ""
        guided = (
            f"guided by the labels of {len(clips.guidance.indices)} of them{source} "
            f"({guidance_rule(config)}), {len(data.classes)} classes"
        )
    processes = f" in {worker.count} processes" if worker.count > 1 else ""
    lower = config.lower_by_semitones
    recorded = len(clips.audio) // (lower + 1)
    more = f", and all lowered by up to {lower} semitones" if lower else ""
    print(
        f"Training {config.model} on {config.dataset}: {recorded} clips{more}, {guided}; "
        f"{config.precision}, {strategy.num_replicas_in_sync} device(s){processes}; "
        f"step {first_step} of {config.steps}.",
        flush=True,
    )
    shipped = before_training(data)
    if shipped:
        print(shipped, flush=True)
    left = float(model.rate_scale.numpy())
    if left < 1.0 and first_step < config.steps:
        print(
            f"The learning rates of this run have fallen to {100.0 * left:.3g} %, and do not rise "
            "again.",
            flush=True,
        )
    if not worker.is_chief:
        print(f"This is worker {worker.index}; worker 0 shows progress and saves.", flush=True)


def _tell_of_shortage(resolved: Resolved, model: System, strategy: tf.distribute.Strategy) -> None:
    """Warns of a training that this machine probably cannot hold; on CPUs, where that is known."""
    if strategy.num_replicas_in_sync > 1 or tf.config.list_logical_devices("GPU"):
        return
    clips = sum(resolved.dataset.counts.values())
    warning = memory.shortage(model, resolved.config, clips, memory.available())
    if warning:
        print(warning, file=sys.stderr, flush=True)


def _watchers(
    resolved: Resolved, clips: TrainingClips, model: System, signal_path, worker: Worker
) -> tuple[list[keras.callbacks.Callback], Callable[[], float | None]]:
    """What watches a training, and what measures it on validation clips; of the chief alone."""
    config, _, guiding, data = resolved
    valid = read_clips(guiding, "valid")
    if not model.spec.can("classify"):
        print(f"A {config.model} classifies nothing, and so the best checkpoint is the last.")
    elif not (valid.labels >= 0).any():
        print(
            f"{guiding.path} has no labelled validation clip: no accuracy is measured, and the "
            "best checkpoint is the last."
        )
    audio, labels = _shown_clips(guiding, clips)
    if not worker.is_chief:
        return [], lambda: None
    run_dir = Path(config.run_dir)
    logs = run_dir / run_names.LOGS
    logger = TensorBoardLogger(logs, config, data, audio, labels, config.summary_every)
    accuracy = functools.partial(_validate, model, valid, signal_path)
    validation = Validation(run_dir, config, signal_path, valid, accuracy, logger.write)
    return [validation, logger], validation.measure  # the logger closes its file at the end


def _shown_clips(guiding: Dataset, clips: TrainingClips) -> tuple[np.ndarray, np.ndarray]:
    """Audio and labels of the clips that TensorBoard shows."""
    test = read_clips(guiding, "test")
    lacking = classes_without(guiding, "test")
    if lacking and clips.labelled is not None:
        print(
            f"{guiding.path} has no test clip of class {', '.join(lacking)}, and so `gaae "
            f"evaluate` will not score this run's sounds; {more_of(guiding, 'test')}."
        )
    if len(test.audio):
        return test.audio, test.labels
    guides = np.arange(len(clips.audio)) if clips.labelled is None else clips.labelled
    kind = "training" if clips.labelled is None else "guiding training"
    print(f"{guiding.path} has no test clip: TensorBoard shows {kind} clips instead.")
    number = min(len(guides), _SHOWN_CLIPS)
    spread = guides[np.arange(number) * len(guides) // number]
    return clips.audio[spread], clips.labels[spread]


def calibration_clips(model: System, audio: np.ndarray, signal_path) -> tf.Tensor | None:
    """Spectrograms of real training clips, spread over all; None for a model without codes."""
    if not model.spec.can("represent"):
        return None
    number = min(len(audio), _CALIBRATION_CLIPS)
    spread = audio[np.arange(number) * len(audio) // number]
    batches = evaluation_batches(spread, 64)
    return tf.concat([signal_path.spectrogram(batch) for batch in batches], axis=0)


def _validate(model: System, clips: Clips, signal_path) -> float | None:
    """Brings the averaged classifier's batch statistics up to date, and measures its accuracy."""
    model.measure_code_statistics()
    return validation_accuracy(model, clips, signal_path)


def _roll_back(error: NonFiniteError, checkpoints: Checkpoints, config: TrainConfig) -> int:
    """Goes back to the last good checkpoint; returns its step. Raises if that was enough."""
    made = int(checkpoints.model.rollbacks.numpy())
    if made >= config.max_rollbacks:
        raise NonFiniteError(
            f"{error}. The run went back {made} times, and --max_rollbacks={config.max_rollbacks} "
            f"allows no more; its last checkpoint in {config.run_dir} stays. Lower the learning "
            "rates or use --precision=float32, in another --run_dir"
        ) from error
    step = checkpoints.roll_back()
    print(
        f"\nWARNING: {error}. Going back to step {step}, and on with other noise: rollback "
        f"{made + 1} of {config.max_rollbacks}.",
        flush=True,
    )
    return step


def clip_transform(model: System, signal_path) -> Callable[[tf.Tensor], tf.Tensor]:
    """What turns audio [clips, samples] into what the model's networks see."""
    if model.spec.signal == "audio":
        return lambda audio: audio[..., tf.newaxis]
    return signal_path.spectrogram


def validation_accuracy(model: System, clips, signal_path) -> float | None:
    """Share of labelled clips whose class the model finds; None without such clips or a C."""
    labelled = clips.labels >= 0
    if not model.spec.can("classify") or not labelled.any():
        return None
    predicted = [
        np.argmax(model.class_probabilities(signal_path.spectrogram(batch)), 1)
        for batch in evaluation_batches(clips.audio[labelled], 64)
    ]
    return float(np.mean(np.concatenate(predicted) == clips.labels[labelled]))

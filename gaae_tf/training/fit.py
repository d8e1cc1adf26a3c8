"""From a configuration to a finished run folder."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.data.guidance import Guidance, GuidanceRule, check_same_clips
from gaae_tf.data.pipeline import evaluation_batches, training_stream
from gaae_tf.data.prepare.folder import ensure_notes
from gaae_tf.data.shards import Clips, Dataset, load_dataset, read_clips
from gaae_tf.data.statistics import (
    LogMagnitudeAccumulator,
    bin_statistics,
    log_magnitude_statistics,
)
from gaae_tf.data.terms import UNLABELLED
from gaae_tf.files import write_text
from gaae_tf.ops.log_magnitude import BinStatistics, LogMagnitudeStatistics
from gaae_tf.run import names as run_names
from gaae_tf.run.build import build_model, compile_model
from gaae_tf.run.checkpoints import Checkpoints
from gaae_tf.run.folder import DataDescription
from gaae_tf.systems.system import System
from gaae_tf.training.callbacks import TensorBoardLogger
from gaae_tf.training.frozen import frozen_description, take_frozen
from gaae_tf.training.loop import NonFiniteError, run_steps
from gaae_tf.training.storage import told_of_failing_storage
from gaae_tf.training.strategy import make_strategy, resolve_precision, this_worker, wait_for_all
from gaae_tf.training.validation import Validation

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
        "max_rollbacks",
        "strategy",
        "reestimate_batches",
    }
)


# At most so many training clips are shown in TensorBoard where there are no test clips.
_SHOWN_CLIPS = 500

# From so many training clips the statistics of codes are measured: each deviation to some 3 %.
_CALIBRATION_CLIPS = 512


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
    if (run_dir / run_names.CONFIG).exists():
        config = _continued(config, TrainConfig.load(run_dir / run_names.CONFIG))
        data = DataDescription.load(run_dir)
        if data.classes != guiding.classes:
            raise ValueError(
                f"{run_dir} was trained on the classes {', '.join(data.classes)}, but "
                f"{guiding.path} has {', '.join(guiding.classes)}; name another --run_dir"
            )
        config.check_clip(dataset.sample_rate_hz, dataset.clip_samples)
        if data.recordings and data.recordings != _recordings(dataset, guiding):
            held = " and ".join(dict.fromkeys((config.dataset, str(guiding.path))))
            raise ValueError(
                f"{run_dir} was trained on other clips than {held} now holds; prepare them as "
                "they were to continue, or name another --run_dir"
            )
        return config, dataset, guiding, data
    config = dataclasses.replace(
        config,
        precision=resolve_precision(config),
        sample_rate_hz=dataset.sample_rate_hz,
        clip_samples=dataset.clip_samples,
    )
    frozen = frozen_description(config) if config.frozen_run else None
    licences = dict.fromkeys((dataset.licence, guiding.licence))
    data = DataDescription(
        dataset=config.dataset,
        sample_rate_hz=dataset.sample_rate_hz,
        clip_samples=dataset.clip_samples,
        classes=guiding.classes,
        statistics=frozen.statistics if frozen else _statistics(config, dataset, guiding),
        licence="\n\n".join(licence for licence in licences if licence),
        guidance_dataset=config.guidance_dataset,
        bins=frozen.bins if frozen else _bin_statistics(config, dataset, guiding),
        recordings=_recordings(dataset, guiding),
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


def _recordings(dataset: Dataset, guiding: Dataset) -> str:
    """A digest of all files that training clips are in, wherever their folders are."""
    held = [dataset] if guiding is dataset else [dataset, guiding]
    sums = [shard.sha256 for one in held for shard in one.shards if shard.split == "train"]
    return hashlib.sha256(" ".join(sums).encode()).hexdigest()


def _bin_statistics(
    config: TrainConfig, dataset: Dataset, guiding: Dataset
) -> BinStatistics | None:
    """Statistics of each bin of all training clips, for the scaling that needs them."""
    if config.scaling != "per_bin":
        return None
    return bin_statistics(training_clips(config, dataset, guiding).audio, config.stft)


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
        labelled: sorted int64, indices into the two of the clips that guide; None for a model that
            uses no labels.
        sources: names of the clips that guide, as the guiding data set has them.
        guidance: how they were drawn from the guiding data set's training part, or None.
    """

    audio: np.ndarray
    labels: np.ndarray
    labelled: np.ndarray | None
    sources: tuple[str, ...]
    guidance: Guidance | None


def training_clips(config: TrainConfig, dataset: Dataset, guiding: Dataset) -> TrainingClips:
    """Reads the training part; clips that guide from another data set are put behind it.

    Raises:
        ValueError: a class cannot give as many clips as it shall.
    """
    clips = read_clips(dataset, "train")
    if not config.uses_labels:
        return TrainingClips(clips.audio, clips.labels, None, (), None)
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
        NonFiniteError: a loss or gradient was not finite, and has been before as often as
            `max_rollbacks` allows; the last good checkpoint stays.
        WorkerLostError: under --strategy=multi_worker, another process ended.
        StorageError: the run folder cannot be written any more; its last checkpoint stays.
        Interrupted: SIGINT or SIGTERM came; the state is saved.
    """
    worker = this_worker(config.strategy)
    strategy = make_strategy(config.strategy)  # first: TensorFlow must have done nothing yet
    if worker.is_chief:  # others find what it prepares
        config, dataset, guiding, data = resolve(config)
    wait_for_all(strategy)
    if not worker.is_chief:
        config, dataset, guiding, data = resolve(config)
    run_dir = Path(config.run_dir)
    clips = training_clips(config, dataset, guiding)
    _check_same_guidance(run_dir, clips, guiding)
    if config.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"--batch_size={config.batch_size} must be a multiple of the "
            f"{strategy.num_replicas_in_sync} devices"
        )

    if worker.is_chief:
        write_description(run_dir, config, clips, guiding, data)
    signal_path = data.signal_path(config.stft, config.scaling, config.dynamic_range_nepers)
    with strategy.scope():
        model = build_model(config, data)
        compile_model(model, config)
        checkpoints = Checkpoints(run_dir, model, config.keep_checkpoints, worker.is_chief)
        first_step = checkpoints.restore()
        if config.frozen_run and not first_step:
            take_frozen(model, config)
        model.calibration = calibration_clips(model, clips.audio, signal_path)
        if not first_step:
            model.scale_codes()
        if not first_step:
            with told_of_failing_storage(run_dir):
                checkpoints.save_start()

    def stream(context: tf.distribute.InputContext) -> tf.data.Dataset:
        """What the replicas of one process train on."""
        here = context.num_replicas_in_sync // context.num_input_pipelines
        first = here * context.input_pipeline_id
        return training_stream(
            clips.audio,
            clips.labels,
            clips.labelled,
            classes=len(data.classes),
            batch_size=config.batch_size,
            draws=config.draws,
            seed=config.seed,
            transform=clip_transform(model, signal_path),
            unlabelled=config.uses_unlabelled,
            first_step=first_step,
            replicas=(range(first, first + here), context.num_replicas_in_sync),
        )

    guided = "without labels"
    if clips.guidance is not None:
        source = f" from {guiding.path}" if guiding is not dataset else ""
        guided = (
            f"guided by the labels of {len(clips.labelled)} of them{source} "
            f"({guidance_rule(config)}), {len(data.classes)} classes"
        )
    processes = f" in {worker.count} processes" if worker.count > 1 else ""
    print(
        f"Training {config.model} on {config.dataset}: {len(clips.audio)} clips, {guided}; "
        f"{config.precision}, {strategy.num_replicas_in_sync} device(s){processes}; "
        f"step {first_step} of {config.steps}.",
        flush=True,
    )
    left = float(model.rate_scale.numpy())
    if left < 1.0 and first_step < config.steps:
        print(
            f"The learning rates of this run have fallen to {100.0 * left:.3g} %, and do not rise "
            "again.",
            flush=True,
        )
    if not worker.is_chief:
        print(f"This is worker {worker.index}; worker 0 shows progress and saves.", flush=True)
    valid = read_clips(guiding, "valid")
    if not model.CLASSIFIES:
        print(f"A {config.model} classifies nothing, and so the best checkpoint is the last.")
    elif not (valid.labels >= 0).any():
        print(
            f"{guiding.path} has no labelled validation clip: no accuracy is measured, and the "
            "best checkpoint is the last."
        )
    test = read_clips(guiding, "test")
    shown, labels = test.audio, test.labels
    if not len(shown):
        guides = np.arange(len(clips.audio)) if clips.labelled is None else clips.labelled
        kind = "training" if clips.labelled is None else "guiding training"
        print(f"{guiding.path} has no test clip: TensorBoard shows {kind} clips instead.")
        number = min(len(guides), _SHOWN_CLIPS)
        spread = guides[np.arange(number) * len(guides) // number]
        shown, labels = clips.audio[spread], clips.labels[spread]
    callbacks, validate = [], lambda: None
    if worker.is_chief:
        logs = run_dir / run_names.LOGS
        logger = TensorBoardLogger(logs, config, data, shown, labels, config.summary_every)
        accuracy = functools.partial(_validate, model, valid, signal_path)
        validation = Validation(run_dir, config, signal_path, valid, accuracy, logger.write)
        callbacks += [logger, validation]
        validate = validation.measure
    if first_step < config.steps:
        print("Compiling the training step; the first steps follow in a minute or so.", flush=True)
    while True:
        try:
            run_steps(
                model,
                stream,
                strategy,
                config,
                checkpoints,
                validate=validate,
                callbacks=callbacks,
            )
        except NonFiniteError as error:
            first_step = _roll_back(error, checkpoints, config)
        else:
            return run_dir


def calibration_clips(model: System, audio: np.ndarray, signal_path) -> tf.Tensor | None:
    """Spectrograms of real training clips, spread over all; None for a model without codes."""
    if not model.ENCODES:
        return None
    number = min(len(audio), _CALIBRATION_CLIPS)
    spread = audio[np.arange(number) * len(audio) // number]
    batches = evaluation_batches(spread, 64)
    return tf.concat([signal_path.spectrogram(batch) for batch in batches], axis=0)


def _validate(model: System, clips: Clips, signal_path) -> float | None:
    """Brings the averaged classifier's batch statistics up to date, and measures its accuracy."""
    model.measure_code_statistics()
    return validation_accuracy(model, clips, signal_path)


def write_description(
    run_dir: Path,
    config: TrainConfig,
    clips: TrainingClips,
    guiding: Dataset,
    data: DataDescription,
) -> None:
    """Writes what a run folder holds from the start; the configuration last."""
    run_dir.mkdir(parents=True, exist_ok=True)
    data.save(run_dir)
    if clips.guidance is not None:
        guidance = {
            "dataset": str(guiding.path),
            "rule": str(guidance_rule(config)),
            "seed": config.seed,
            **({"speakers": clips.guidance.speakers} if clips.guidance.speakers else {}),
            "train_indices": clips.guidance.indices.tolist(),
            "clips": clips.sources,
        }
        text = json.dumps(guidance, indent=1) + "\n"
        write_text(run_dir / run_names.GUIDANCE, text)
    write_text(run_dir / run_names.CONFIG, config.to_flags())


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
    if model.MAKES_AUDIO:
        return lambda audio: audio[..., tf.newaxis]
    return signal_path.spectrogram


def validation_accuracy(model: System, clips, signal_path) -> float | None:
    """Share of labelled clips whose class the model finds; None without such clips or a C."""
    labelled = clips.labels >= 0
    if not model.CLASSIFIES or not labelled.any():
        return None
    predicted = [
        np.argmax(model.class_probabilities(signal_path.spectrogram(batch)), 1)
        for batch in evaluation_batches(clips.audio[labelled], 64)
    ]
    return float(np.mean(np.concatenate(predicted) == clips.labels[labelled]))


def _check_same_guidance(run_dir: Path, clips: TrainingClips, guiding: Dataset) -> None:
    """Raises ValueError if the run folder holds a run that other clips guided."""
    path = run_dir / run_names.GUIDANCE
    if not path.exists():
        return
    try:
        earlier = tuple(json.loads(path.read_text())["clips"])
        still = len(set(earlier) & set(clips.sources))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read: {error!r}; name another --run_dir") from error
    if earlier != clips.sources:
        raise ValueError(
            f"{run_dir} was guided by {len(earlier)} clips that {path.name} lists, of which "
            f"{still} are among the {len(clips.sources)} drawn "
            f"from {guiding.path} now; was it prepared anew? Name another --run_dir"
        )

"""From a configuration and what is on the disk to what is trained, and what the run folder says.

Everything that the configuration leaves open is settled here: the data set's own sizes, precision,
statistics, the clips that guide, and what a run that is continued may change.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gaae_tf.config import TrainConfig
from gaae_tf.data.guidance import Guidance, GuidanceRule, check_same_clips
from gaae_tf.data.lowered import lowered
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
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.look import check_run
from gaae_tf.training.frozen import frozen_description
from gaae_tf.training.strategy import resolve_precision

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


def guidance_rule(config: TrainConfig) -> GuidanceRule:
    """How many clips guide."""
    return GuidanceRule(
        percent=config.labelled_percent,
        clips_per_class=config.labelled_per_class,
        speakers_per_class=config.guidance_speakers_per_class,
    )


class Resolved(NamedTuple):
    """What a configuration comes to with the data sets and the hardware that are there.

    Attributes:
        config: with data set folder, sample rate, clip length and precision filled in.
        dataset: the data set whose clips are learnt from.
        guiding: the one whose classes and labels guide, the same unless `guidance_dataset` names
            another.
        data: their description, with statistics for the configuration's own transform.
    """

    config: TrainConfig
    dataset: Dataset
    guiding: Dataset
    data: DataDescription


def resolve(config: TrainConfig) -> Resolved:
    """Settles all that a configuration leaves to the data set and the hardware.

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
    if (Path(config.run_dir) / run_names.CONFIG).exists():
        return _resolved_again(config, dataset, guiding)
    if config.start_from:
        check_run(config.start_from, flag="--start_from")
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
    return Resolved(config, dataset, guiding, data)


def _resolved_again(config: TrainConfig, dataset: Dataset, guiding: Dataset) -> Resolved:
    """What continues the run that is in the run folder."""
    run_dir = Path(config.run_dir)
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
    return Resolved(config, dataset, guiding, data)


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

    Behind these are all of them again, lowered, where `lower_by_semitones` asks for it.

    Raises:
        ValueError: a class cannot give as many clips as it shall.
    """
    return with_lowered(_recorded_clips(config, dataset, guiding), config.lower_by_semitones)


def with_lowered(clips: TrainingClips, semitones: int) -> TrainingClips:
    """Clips, and behind them all lowered by 1, 2, … `semitones`, with the same labels."""
    if not semitones:
        return clips
    copies = range(semitones + 1)
    labelled = clips.labelled
    if labelled is not None:
        labelled = np.concatenate([labelled + copy * len(clips.audio) for copy in copies])
    return dataclasses.replace(
        clips,
        audio=np.concatenate([clips.audio, *(lowered(clips.audio, by) for by in copies[1:])]),
        labels=np.tile(clips.labels, len(copies)),
        labelled=labelled,
    )


def _recorded_clips(config: TrainConfig, dataset: Dataset, guiding: Dataset) -> TrainingClips:
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


def balanced_weights(clips: TrainingClips, classes: int) -> np.ndarray:
    """What a guiding clip of each class weighs, float32 [classes]: the inverse of its share.

    Their mean over the guiding clips is 1.
    """
    counts = np.bincount(clips.labels[clips.labelled], minlength=classes)
    return (counts.sum() / (classes * counts)).astype(np.float32)


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


def check_same_guidance(run_dir: Path, clips: TrainingClips, guiding: Dataset) -> None:
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

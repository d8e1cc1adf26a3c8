"""What `--dry_run` says of a training that is not made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import Dataset, load_dataset
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.run.build import build_model
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.look import check_run
from gaae_tf.training import memory
from gaae_tf.training.resolve import guidance_rule, load_guiding
from gaae_tf.training.strategy import resolve_precision

# Sizes that `describe` supposes where the data set is not there yet to tell them.
_SUPPOSED_RATE_HZ, _SUPPOSED_SAMPLES, _SUPPOSED_CLASSES = 16_000, 16_384, 10


def describe(config: TrainConfig) -> str:
    """The resolved configuration, parameter counts and estimated memory, as text; trains nothing.

    The data set tells clip length and classes, the guidance data set the classes if one is named;
    where they do not exist yet, the paper's are supposed, and the text says so.

    Raises:
        ValueError: the configuration does not fit the clips, or a class has too few labels.
        FileNotFoundError: the run to start from is not there.
    """
    if config.start_from:
        check_run(config.start_from, flag="--start_from")
    dataset = None
    if config.dataset != "notes" and Path(config.dataset).exists():
        dataset = load_dataset(config.dataset)
        config.check_clip(dataset.sample_rate_hz, dataset.clip_samples)
        rate, samples = dataset.sample_rate_hz, dataset.clip_samples
    else:
        rate = config.sample_rate_hz or _SUPPOSED_RATE_HZ
        samples = config.clip_samples or _SUPPOSED_SAMPLES
    classes, sources = _classes_and_sources(config, dataset)
    config.check_clip(rate, samples)
    config = dataclasses.replace(
        config,
        precision=resolve_precision(config),
        sample_rate_hz=rate,
        clip_samples=samples,
    )
    data = DataDescription(
        config.dataset, rate, samples, classes, LogMagnitudeStatistics(0.0, 0.0, 1.0)
    )
    model = build_model(config, data)
    bins, frames = config.stft.bins, config.stft.frames(samples)
    lines = [config.to_flags().rstrip(), "", *sources]
    lines.append(
        f"spectrograms: {bins} × {frames} (bins × frames) of {samples} samples at {rate} Hz"
    )
    lines.append(f"batch {config.batch_size}, {config.steps:,} iterations, ch {config.channels}")
    lines.append("trainable parameters:")
    lines += [
        f"  {title:24}{memory.trainable(getattr(model, name)):>12,}"
        for name, title in model.NETWORKS.items()
    ]
    lines.append(f"  {'all':24}{memory.trainable(model):>12,}")
    clips = 0 if dataset is None else sum(dataset.counts.values())
    lines.append(_memory(memory.estimate_of(model, config, clips), config))
    return "\n".join(lines)


def _memory(estimate: memory.Estimate, config: TrainConfig) -> str:
    parts = {
        "weights, averages and optimizers": estimate.state,
        f"activations at batch {config.batch_size} in {config.precision}": estimate.activations,
        "clips": estimate.clips,
        "graphs and other parts of TensorFlow": estimate.program,
    }
    listed = "; ".join(f"{size / 2**30:.2f} {name}" for name, size in parts.items())
    free = memory.available()
    there = "" if free is None else f"; {free / 2**30:.2f} GiB are free"
    return f"estimated memory: {estimate.total / 2**30:.2f} GiB ({listed}){there}"


def _classes_and_sources(
    config: TrainConfig, dataset: Dataset | None
) -> tuple[tuple[str, ...], list[str]]:
    """Classes, and lines of text on where clips and labels come from; `dataset` if it is there."""
    classes = tuple(str(i) for i in range(_SUPPOSED_CLASSES))
    supposed = f"does not exist yet; {_SUPPOSED_CLASSES} classes are supposed"
    guiding = dataset
    if dataset is not None:
        classes = dataset.classes
        source = f"{config.dataset}: {len(classes)} classes, {sum(dataset.counts.values())} clips"
    elif config.dataset == "notes":
        classes = ("guitar", "mallet", "string")
        source = "the embedded notes, prepared when training starts"
    else:
        source = f"{config.dataset} {'does not exist yet' if config.guidance_dataset else supposed}"
    if not config.uses_labels:
        return classes, [f"data set: {source}", f"guidance: none, {config.model} uses no labels"]
    rule = guidance_rule(config)
    guidance = str(rule)
    if config.guidance_dataset:
        guidance += f" of {config.guidance_dataset}"
        if not Path(config.guidance_dataset).exists():
            classes = tuple(str(i) for i in range(_SUPPOSED_CLASSES))
            return classes, [f"data set: {source}", f"guidance: {guidance}, which {supposed}"]
        guiding = load_guiding(config, dataset)
        classes = guiding.classes
    if guiding is not None:
        by_class = guiding.counts_by_class["train"]
        guidance += f": {len(classes)} classes, "
        if not rule.speakers_per_class:
            guidance += f"{sum(rule.counts(by_class).values())} of "
        guidance += f"{sum(by_class.values())} labelled training clips"
    return classes, [f"data set: {source}", f"guidance: {guidance}"]

"""What a training says before it starts and leaves when it ends."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from pathlib import Path

import keras
import tensorflow as tf

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import Dataset, load_dataset
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.run import names as run_names
from gaae_tf.run.build import build_model
from gaae_tf.run.export import save
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.loading import Loaded, LoadedClassGenerator, LoadedEncoder, Sampling
from gaae_tf.run.sounds import write_samples
from gaae_tf.systems.system import System
from gaae_tf.training.fit import guidance_rule, load_guiding
from gaae_tf.training.strategy import resolve_precision

SOUNDS_PER_CLASS = 8

# Sizes that `describe` supposes where the data set is not there yet to tell them.
_SUPPOSED_RATE_HZ, _SUPPOSED_SAMPLES, _SUPPOSED_CLASSES = 16_000, 16_384, 10


def leave_results(run_dir: Path) -> None:
    """Writes sounds of every class and the SavedModel; prints where all is and what is next."""
    loaded = gaae_tf.load(run_dir)
    left = [*_ended_by_minutes(loaded), f"Run folder     {run_dir}   (step {loaded.step})"]
    run = shlex.quote(str(run_dir))
    commands = [
        f"tensorboard --logdir={shlex.quote(str(run_dir / run_names.LOGS))}",
        f"python evaluate.py --run_dir={run} --count=2000 --usefulness_seeds=0",
    ]
    if isinstance(loaded, Sampling):
        of_class, each, count = "", "", SOUNDS_PER_CLASS
        if isinstance(loaded, LoadedClassGenerator):
            of_class, each = (
                f" --label={shlex.quote(loaded.classes[0])}",
                f", {SOUNDS_PER_CLASS} a class",
            )
            count *= len(loaded.classes)
        samples = run_dir / run_names.SAMPLES
        sounds = write_samples(loaded, samples, count)
        left.append(f"Sounds         {samples}   ({len(sounds)} WAV files{each})")
        commands.append(
            f"python -m gaae_tf generate --run_dir={run}{of_class} --count=8 --seed=1 --out=sounds"
        )
    if isinstance(loaded, LoadedEncoder):
        commands.append(
            f"python -m gaae_tf represent --run_dir={run} --source=FILE_OR_FOLDER --out=codes.npz"
        )
    left.append(f"SavedModel     {save(loaded, run_dir / run_names.EXPORT)}")
    left.append(f"TensorBoard    {run_dir / run_names.LOGS}")
    following = [f"  {command}" for command in commands]
    print("\n".join(["", *left, "", "Next:", "", *following]), flush=True)


def _ended_by_minutes(loaded: Loaded) -> list[str]:
    """What to say of a training that had more steps to do, and how it goes on."""
    steps, minutes = loaded.config.steps, loaded.config.max_minutes
    if not minutes or loaded.step >= steps:
        return []
    return [
        f"--max_minutes={minutes:g} ended the training at step {loaded.step:,} of {steps:,}; the "
        f"same command with --max_minutes={2 * minutes:g} goes on.",
        "",
    ]


def describe(config: TrainConfig) -> str:
    """The resolved configuration, parameter counts and estimated memory, as text; trains nothing.

    The data set tells clip length and classes, the guidance data set the classes if one is named;
    where they do not exist yet, the paper's are supposed, and the text says so.

    Raises:
        ValueError: the configuration does not fit the clips, or a class has too few labels.
    """
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
        f"  {title:24}{trainable(getattr(model, name)):>12,}"
        for name, title in model.NETWORKS.items()
    ]
    lines.append(f"  {'all':24}{trainable(model):>12,}")
    state, activations = estimated_bytes(model, config)
    lines.append(
        f"estimated memory: {(state + activations) / 2**30:.2f} GiB "
        f"({state / 2**30:.2f} weights, averages and optimizers; {activations / 2**30:.2f} "
        f"activations of one update at batch {config.batch_size} in {config.precision})"
    )
    return "\n".join(lines)


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


def estimated_bytes(model: System, config: TrainConfig) -> tuple[int, int]:
    """Estimated bytes of the training state and of the activations that one update holds.

    The state is counted: weights, their averages, two Adam moments and the gradients. The
    activations are the outputs of all operations of the larger update's forward pass (`PASSES` of
    the model), in graphs traced for one example; the non-local blocks count with one chunk of
    their map.
    """
    trained = trainable(model)  # the averaged networks are not trainable
    state = 4 * (sum(weight.shape.num_elements() or 1 for weight in model.weights) + 3 * trained)
    held = {}
    for name in set().union(*model.PASSES):
        network = _plain(getattr(model, name))
        held[name] = _forward_bytes(
            functools.partial(network, training=True),
            *(tf.TensorSpec([1, *shape]) for shape in network.input_shapes),
        )
    activations = max(
        sum(count * held[name] for name, count in passes.items()) for passes in model.PASSES
    )
    if config.non_local_bins:
        frames = config.stft.frames(config.clip_samples)
        positions = config.non_local_bins**2 * frames // config.stft.bins
        activations += 2 * 4 * min(1024, positions) * positions // 4  # float32 scores and weights
    return state, config.batch_size * activations


def trainable(network: keras.Model) -> int:
    """Trainable parameters of a network."""
    return sum(weight.shape.num_elements() or 1 for weight in network.trainable_variables)


def _plain(network: keras.Model) -> keras.Model:
    """The same network without its non-local block, whose map is recomputed and not held."""
    if "non_local_bins" not in network.get_config():
        return network
    return type(network).from_config(network.get_config() | {"non_local_bins": 0})


def _forward_bytes(function, *specs: tf.TensorSpec) -> int:
    graph = tf.function(function).get_concrete_function(*specs).graph
    # These pass a tensor on, or read weights, which `state` counts.
    views = {"Identity", "ReadVariableOp", "Reshape", "Const", "Placeholder", "NoOp"}
    return sum(
        (output.shape.num_elements() or 1) * output.dtype.size
        for operation in graph.get_operations()
        if operation.type not in views
        for output in operation.outputs
        if output.shape.rank is not None and output.dtype.is_floating and output.shape[:1] == [1]
    )

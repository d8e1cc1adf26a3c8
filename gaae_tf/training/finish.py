"""What a training says before it starts and leaves when it ends."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import tensorflow as tf

import gaae_tf
from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import Dataset, load_dataset
from gaae_tf.export import save
from gaae_tf.generate import write_samples
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.training import run_folder
from gaae_tf.training.build import build_model
from gaae_tf.training.fit import guidance_rule, load_guiding
from gaae_tf.training.run_folder import DataDescription
from gaae_tf.training.strategy import resolve_precision

SOUNDS_PER_CLASS = 8

# Sizes that `describe` supposes where the data set is not there yet to tell them.
_SUPPOSED_RATE_HZ, _SUPPOSED_SAMPLES, _SUPPOSED_CLASSES = 16_000, 16_384, 10


def leave_results(run_dir: Path) -> None:
    """Writes sounds of every class and the SavedModel; prints where all is and what is next."""
    loaded = gaae_tf.load(run_dir)
    samples = run_dir / run_folder.SAMPLES
    sounds = write_samples(loaded, samples, count=SOUNDS_PER_CLASS * len(loaded.classes))
    exported = save(loaded, run_dir / run_folder.EXPORT)
    example = loaded.classes[0]
    print(
        f"""
Run folder     {run_dir}   (step {loaded.step})
Sounds         {samples}   ({len(sounds)} WAV files, {SOUNDS_PER_CLASS} a class)
SavedModel     {exported}
TensorBoard    {run_dir / run_folder.LOGS}

Next:
  tensorboard --logdir={run_dir / run_folder.LOGS}
  python evaluate.py --run_dir={run_dir} --count=2000 --usefulness_seeds=0
  python -m gaae_tf.generate --run_dir={run_dir} --label={example} --count=8 --seed=1 --out=sounds
  python -m gaae_tf.represent --run_dir={run_dir} --source=FILE_OR_FOLDER --out=codes.npz""",
        flush=True,
    )


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
    networks = {
        "encoder E": model.encoder,
        "decoder D": model.decoder,
        "classifier C": model.classifier,
        "sample discriminator S": model.sample_discriminator,
        "latent discriminator L": model.latent_discriminator,
    }
    bins, frames = config.stft.bins, config.stft.frames(samples)
    lines = [config.to_flags().rstrip(), "", *sources]
    lines.append(
        f"spectrograms: {bins} × {frames} (bins × frames) of {samples} samples at {rate} Hz"
    )
    lines.append(f"batch {config.batch_size}, {config.steps:,} iterations, ch {config.channels}")
    lines.append("trainable parameters:")
    lines += [f"  {name:24}{_trainable(network):>12,}" for name, network in networks.items()]
    lines.append(f"  {'all':24}{_trainable(model):>12,}")
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
            guidance += f"{sum(rule.count(*labelled) for labelled in by_class.items())} of "
        guidance += f"{sum(by_class.values())} labelled training clips"
    return classes, [f"data set: {source}", f"guidance: {guidance}"]


def estimated_bytes(model, config: TrainConfig) -> tuple[int, int]:
    """Estimated bytes of the training state and of the activations that one update holds.

    The state is counted: weights, their averages, two Adam moments and the gradients. The
    activations are the outputs of all operations of the larger update's forward pass (S's on 4
    batches, or the joint one on 3 of E, 2 of D and 2 of S), in graphs traced for one example; the
    non-local blocks count with one chunk of their map.
    """
    trained = _trainable(model)  # the averaged networks are not trainable
    state = 4 * (sum(weight.shape.num_elements() or 1 for weight in model.weights) + 3 * trained)
    encoder, decoder, score = (
        _plain(network) for network in (model.encoder, model.decoder, model.sample_discriminator)
    )
    spectrogram = tf.TensorSpec([1, encoder.bins, encoder.frames, 1])
    style = tf.TensorSpec([1, encoder.style_dim])
    label = tf.TensorSpec([1, model.classifier.classes])
    encode = _forward_bytes(lambda x: encoder(x, training=True), spectrogram)
    decode = _forward_bytes(lambda z, y: decoder(z, y, training=True), style, label)
    judge = _forward_bytes(lambda x, y: score(x, y, training=True), spectrogram, label)
    activations = max(3 * encode + 2 * decode + 2 * judge, 4 * judge)
    if config.non_local_bins:
        positions = config.non_local_bins**2 * encoder.frames // encoder.bins
        activations += 2 * 4 * min(1024, positions) * positions // 4  # float32 scores and weights
    return state, config.batch_size * activations


def _trainable(network: keras.Model) -> int:
    return sum(weight.shape.num_elements() or 1 for weight in network.trainable_variables)


def _plain(network: keras.Model) -> keras.Model:
    """The same network without its non-local block, whose map is recomputed and not held."""
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

"""A trained run as a SavedModel; `commands.export` says what is in it, and is its command."""

import contextlib
import dataclasses
import functools
import json
import os
import shutil
from pathlib import Path

import tensorflow as tf
from absl import logging

import gaae_tf
from gaae_tf.files import move_folder
from gaae_tf.ops import synthesis
from gaae_tf.run import loading
from gaae_tf.run.loaded.base import Loaded

METADATA = "metadata.json"

# What an export's README.txt is put together of.
_INTRODUCTION = """\
A {model} as a TensorFlow SavedModel, step {step:,}.

Nothing but TensorFlow is needed. Keep `model` while its signatures are in use:

    import tensorflow as tf

    model = tf.saved_model.load("this folder")
{example}
Sizes, n being any number of clips:

"""
_GENERATE = """\
    {first_name}, seed = {first_value}, tf.constant(1, tf.int64)
    sounds = model.signatures["generate"]({first_name}={first_name}, seed=seed)
    tf.io.write_file("0.wav", tf.audio.encode_wav(sounds["audio"][0, :, None], {sample_rate_hz}))
"""
_CLASSIFY = """\
    audio = tf.zeros([1, {clip_samples}])  # your recording
    print(model.signatures["classify"](audio=audio)["class_name"])
"""
_SIZES = {
    "audio": "float32 [n, {clip_samples}] in [-1, 1], {sample_rate_hz} Hz, mono",
    "spectrograms": "float32 [n, {bins}, {frames}, 1] in [-1, 1]",
    "labels, label": "int64 [n]: {classes}",
    "style": "float32 [n, {style_dim}]",
    "guided": "float32 [n, {guided_dim}]",
    "latent, features": "float32 [n, {style_dim}]",
    "probabilities": "float32 [n, {class_count}]",
    "class_name": "string [n]",
}
_VOCODER = """
Spectrograms become sound by {refine} iterations of fast Griffin-Lim from random phase.
"""
_RESTYLE = """
`decode` with the style that `encode` gave and other labels turns a recording into another class.
"""


def export(
    run_dir: str | Path, out: str | Path, checkpoint: str = "latest", refine: int = 32
) -> Path:
    """Writes a run as a SavedModel; its signatures stand in the README.txt that goes with it.

    Args:
        run_dir: the run folder.
        out: the folder to make. One that is empty or an earlier export is replaced.
        checkpoint: "latest" or "best".
        refine: iterations of fast Griffin-Lim, 0 or more.

    Returns:
        `out`.

    Raises:
        FileExistsError: `out` is something else.
        FileNotFoundError: as in `gaae_tf.load`.
        ValueError: as in `gaae_tf.load`, or `refine` is negative.
        OSError: `out` cannot be written. Nothing is left behind.
    """
    _check_out(Path(out))  # before the work of loading
    return save(loading.load(run_dir, checkpoint), out, refine)


def save(loaded: Loaded, out: str | Path, refine: int = 32) -> Path:
    """`export` of a run that is loaded already.

    Raises:
        FileExistsError, OSError: as in `export`.
        ValueError: `refine` is negative.
    """
    if refine < 0:
        raise ValueError(f"refine must be 0 or more, got {refine}")
    out = Path(out)
    _check_out(out)
    module = _Module(loaded, refine)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with _quiet():
            tf.saved_model.save(module, str(temporary), module.signatures())
        metadata = _metadata(loaded, refine)
        (temporary / METADATA).write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
        readme = _readme(loaded, module.signatures(), refine)
        (temporary / "README.txt").write_text(readme, encoding="utf-8")
        move_folder(temporary, out)
    except tf.errors.OpError as error:  # a full disk, say
        raise OSError(f"cannot write {out}: {error.message}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


@contextlib.contextmanager
def _quiet():
    """Holds back what TensorFlow notes of its own names while it saves."""
    verbosity, level = logging.get_verbosity(), tf.get_logger().level
    logging.set_verbosity(logging.WARNING)
    tf.get_logger().setLevel("WARNING")
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        tf.get_logger().setLevel(level)


class _Module(tf.Module):
    """The graph functions of an export, with the variables that they use."""

    def __init__(self, loaded: Loaded, refine: int):
        super().__init__(name=loaded.config.model)
        self.weights = [
            weight.value for network in loaded.model.lasting_networks for weight in network.weights
        ]
        sounds = functools.partial(_sounds, loaded, refine)
        functions = [*_of_recordings(loaded, sounds), ("describe", _describe(loaded), [])]
        if loaded.can("generate"):
            functions = [*_of_codes(loaded, sounds), *functions]
        for name, function, inputs in functions:
            function = _of_right_shapes(function, inputs)
            setattr(self, name, tf.function(function, input_signature=inputs, autograph=False))

    def signatures(self) -> dict:
        """The functions by name."""
        return {
            name: function
            for name, function in vars(self).items()
            if isinstance(function, tf.types.experimental.PolymorphicFunction)
        }


def _of_right_shapes(function, inputs):
    """The function, that checks the shapes of its inputs whenever it runs.

    A signature of a loaded SavedModel takes any shape of the right rank, and what it computes of
    another is wrong without a word.
    """

    def checked(*values):
        return function(
            *(
                tf.ensure_shape(value, spec.shape)
                for value, spec in zip(values, inputs, strict=True)
            )
        )

    return checked


def _sounds(loaded: Loaded, refine: int, made, seed=0):
    """What goes out of what the sampler made."""
    if loaded.config.system.signal == "audio":
        return {"audio": made[..., 0]}
    sound = synthesis.graph_to_audio(made, loaded.signal_path, refine, seed)
    return {"audio": sound, "spectrograms": made}


def _describe(loaded: Loaded):
    """A function that gives what the run knows of its data and its step."""

    def describe():
        classes = {"classes": tf.constant(loaded.classes)} if loaded.classes else {}
        return classes | {
            "sample_rate_hz": tf.constant(loaded.sample_rate_hz, tf.int64),
            "clip_samples": tf.constant(loaded.clip_samples, tf.int64),
            "step": tf.constant(loaded.step, tf.int64),
        }

    return describe


def _of_codes(loaded: Loaded, sounds):
    """Names, functions and inputs of what a system makes of codes, drawn or given."""
    model, classes, style_dim = loaded.model, loaded.classes, loaded.config.style_dim
    seed = tf.TensorSpec([], tf.int64, "seed")
    style = tf.TensorSpec([None, style_dim], tf.float32, "style")
    count = tf.TensorSpec([], tf.int64, "count")
    labels = tf.TensorSpec([None], tf.int64, "labels")

    def of_class(style, labels):
        number = tf.constant(len(classes), tf.int64)
        message = f"labels must be from 0 to {len(classes) - 1}: {', '.join(classes)}"
        checks = [
            tf.debugging.assert_non_negative(labels, message),
            tf.debugging.assert_less(labels, number, message),
        ]
        with tf.control_dependencies(checks):
            condition = tf.one_hot(labels, len(classes))
        return model.sample(style, condition)

    def codes(seed, count):
        return synthesis.style_codes(seed, tf.range(count), style_dim, prior=model.SAMPLING_PRIOR)

    def generate_each(labels, seed):
        style = codes(seed, tf.size(labels, tf.int64))
        return sounds(of_class(style, labels), seed) | {"style": style}

    def generate(count, seed):
        style = codes(seed, count)
        return sounds(model.sample(style), seed) | {"style": style}

    if loaded.can("choose_class"):
        yield "generate", generate_each, [labels, seed]
        yield "decode", lambda style, labels: sounds(of_class(style, labels)), [style, labels]
    else:
        yield "generate", generate, [count, seed]
        yield "decode", lambda style: sounds(model.sample(style)), [style]


def _of_recordings(loaded: Loaded, sounds):
    """Names, functions and inputs of what a system makes of recordings and their spectrograms."""
    model, signal_path, classes = loaded.model, loaded.signal_path, loaded.classes
    audio = tf.TensorSpec([None, loaded.clip_samples], tf.float32, "audio")
    frames = signal_path.stft.frames(loaded.clip_samples)
    spectrograms = tf.TensorSpec(
        [None, signal_path.stft.bins, frames, 1], tf.float32, "spectrograms"
    )

    def encode(spectrograms):
        codes = model.codes(spectrograms)
        if model.spec.can("classify"):
            codes["probabilities"] = model.probabilities_of(codes)
        return codes

    def reconstruct(spectrograms):
        return sounds(model(spectrograms))

    def classify(spectrograms):
        probabilities = model.class_probabilities(spectrograms)
        label = tf.argmax(probabilities, axis=-1)
        return {
            "probabilities": probabilities,
            "label": label,
            "class_name": tf.gather(tf.constant(classes), label),
        }

    def of_audio(function):
        return lambda audio: function(signal_path.spectrogram(audio))

    for name, function, can in (
        ("encode", encode, loaded.can("represent")),
        ("reconstruct", reconstruct, loaded.can("reconstruct")),
        ("classify", classify, loaded.can("classify")),
    ):
        if not can:
            continue
        yield name, of_audio(function), [audio]
        yield f"{name}_spectrograms", function, [spectrograms]


def _metadata(loaded: Loaded, refine: int) -> dict:
    return {
        "format": "gaae_tf export 1",
        "gaae_tf_version": gaae_tf.__version__,
        "model": loaded.config.model,
        "step": loaded.step,
        "checkpoint": loaded.checkpoint,
        "classes": list(loaded.classes),
        "sample_rate_hz": loaded.sample_rate_hz,
        "clip_samples": loaded.clip_samples,
        "signal_path": dataclasses.asdict(loaded.signal_path),
        **(
            {"vocoder": {"name": "fast Griffin-Lim from random phase", "iterations": refine}}
            if loaded.vocoder
            else {}
        ),
        "dataset": loaded.data.dataset,
        "dataset_licence": loaded.data.licence,
    }


def _readme(loaded: Loaded, functions: dict, refine: int) -> str:
    """Text on the functions that the export has, by their own inputs and outputs."""
    signatures, named = [], set()
    for name, function in functions.items():
        concrete = function.get_concrete_function()
        inputs = [spec.name for spec in function.input_signature]
        outputs = list(concrete.structured_outputs)
        named |= {*inputs, *outputs}
        told = ", ".join(f"{i} int64 []" if i in ("count", "seed") else i for i in inputs)
        signatures.append((f"{name} ({told})", ", ".join(outputs)))
    generates, chooses = loaded.can("generate"), loaded.can("choose_class")
    text = _INTRODUCTION.replace("{example}", _GENERATE if generates else _CLASSIFY)
    text += "".join(
        f"    {name:16}{size}\n" for name, size in _SIZES.items() if {*name.split(", ")} & named
    )
    text += "\nSignatures:\n\n"
    text += "".join(f"    {name:42}-> {outputs}\n" for name, outputs in signatures)
    text += "\n"
    if generates:
        key = "labels[i], seed, i" if chooses else "seed, i"
        text += f"Sound i of `generate` depends on ({key}) alone.\n"
    if loaded.vocoder:
        text += _VOCODER.lstrip()
    if loaded.can("restyle"):
        text += _RESTYLE.lstrip()
    text += "{metadata} holds what else is known of this model.\n"
    return text.format(
        model=loaded.config.model,
        step=loaded.step,
        first_name="labels" if chooses else "count",
        first_value=f"tf.constant({[0, 1] if chooses else 2}, tf.int64)",
        clip_samples=loaded.clip_samples,
        sample_rate_hz=loaded.sample_rate_hz,
        bins=loaded.signal_path.stft.bins,
        frames=loaded.signal_path.stft.frames(loaded.clip_samples),
        classes=", ".join(f"{label} {name}" for label, name in enumerate(loaded.classes)),
        class_count=len(loaded.classes),
        guided_dim=loaded.config.guided_dim,
        style_dim=loaded.config.style_dim,
        refine=refine,
        metadata=METADATA,
    )


def _check_out(out: Path) -> None:
    """Raises FileExistsError unless `out` is free, an empty folder or an earlier export."""
    if not os.path.lexists(out):
        return
    if out.is_dir() and not out.is_symlink():
        exported = (out / METADATA).is_file() and (out / "saved_model.pb").is_file()
        if exported or not any(out.iterdir()):
            return
    raise FileExistsError(f"out {out} exists and is no export, so it is not replaced")

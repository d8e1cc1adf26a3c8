"""A trained run as a TensorFlow SavedModel that needs neither this package nor Keras.

    python -m gaae_tf.export --run_dir=runs/quickstart --out=export

Statistics, classes and the vocoder are inside. The vocoder is fast Griffin-Lim from random phase,
which graph operations can express; `gaae_tf.load` has the better one that starts from PGHI. The
style codes of a seed are the same in both. README.txt in the folder tells how to use it.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import sys
from pathlib import Path

import tensorflow as tf
from absl import app, flags, logging

import gaae_tf
from gaae_tf import loading, synthesis

METADATA = "metadata.json"

_README = """\
A Guided Adversarial Autoencoder as a TensorFlow SavedModel, step {step:,}.

Nothing but TensorFlow is needed. Keep `model` while its signatures are in use:

    import tensorflow as tf

    model = tf.saved_model.load("this folder")
    labels, seed = tf.constant([0, 1], tf.int64), tf.constant(1, tf.int64)
    sounds = model.signatures["generate"](labels=labels, seed=seed)
    tf.io.write_file("0.wav", tf.audio.encode_wav(sounds["audio"][0, :, None], {sample_rate_hz}))

Sizes, n being any number of clips:

    audio           float32 [n, {clip_samples}] in [-1, 1], {sample_rate_hz} Hz, mono
    spectrograms    float32 [n, {bins}, {frames}, 1] in [-1, 1]
    labels, label   int64 [n]: {classes}
    style           float32 [n, {style_dim}]
    guided          float32 [n, {guided_dim}]
    probabilities   float32 [n, {class_count}]
    class_name      string [n]

Signatures:

    generate (labels, seed int64 [])          -> audio, spectrograms, style
    decode (style, labels)                    -> audio, spectrograms
    encode (audio)                            -> guided, style, probabilities
    encode_spectrograms (spectrograms)        -> guided, style, probabilities
    reconstruct (audio)                       -> audio, spectrograms
    reconstruct_spectrograms (spectrograms)   -> audio, spectrograms
    classify (audio)                          -> probabilities, label, class_name
    classify_spectrograms (spectrograms)      -> probabilities, label, class_name
    describe ()                               -> classes, sample_rate_hz, clip_samples, step

Sound i of `generate` depends on (labels[i], seed, i) alone. `decode` with the style that `encode`
gave and other labels turns a recording into another class. Spectrograms become sound by {refine}
iterations of fast Griffin-Lim from random phase. What else is known of this model stands in
{metadata}.
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


def save(loaded: loading.LoadedGAAE, out: str | Path, refine: int = 32) -> Path:
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
        (temporary / "README.txt").write_text(_readme(loaded, refine), encoding="utf-8")
        _move(temporary, out)
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

    def __init__(self, loaded: loading.LoadedGAAE, refine: int):
        super().__init__(name="gaae")
        model, signal_path, classes = loaded.model, loaded.signal_path, loaded.classes
        style_dim, step = loaded.config.style_dim, loaded.step
        networks = (model.averaged_encoder, model.averaged_decoder, model.averaged_classifier)
        self.weights = [weight.value for network in networks for weight in network.weights]
        audio = tf.TensorSpec([None, loaded.clip_samples], tf.float32, "audio")
        spectrograms = tf.TensorSpec(
            [None, signal_path.stft.bins, signal_path.stft.frames(loaded.clip_samples), 1],
            tf.float32,
            "spectrograms",
        )
        labels = tf.TensorSpec([None], tf.int64, "labels")
        seed = tf.TensorSpec([], tf.int64, "seed")
        style = tf.TensorSpec([None, style_dim], tf.float32, "style")

        def both(spectrograms, seed=0):
            sound = synthesis.graph_to_audio(spectrograms, signal_path, refine, seed)
            return {"audio": sound, "spectrograms": spectrograms}

        def decode(style, labels):
            count = tf.constant(len(classes), tf.int64)
            message = f"labels must be from 0 to {len(classes) - 1}: {', '.join(classes)}"
            checks = [
                tf.debugging.assert_non_negative(labels, message),
                tf.debugging.assert_less(labels, count, message),
            ]
            with tf.control_dependencies(checks):
                condition = tf.one_hot(labels, len(classes))
            return model.averaged_decoder(style, condition)

        def generate(labels, seed):
            indices = tf.range(tf.size(labels, tf.int64))
            style = synthesis.style_codes(seed, indices, style_dim)
            return both(decode(style, labels), seed) | {"style": style}

        def encode(spectrograms):
            names = ("guided", "style", "probabilities")
            return dict(zip(names, loading.encode(model, spectrograms), strict=True))

        def classify(spectrograms):
            probabilities = loading.encode(model, spectrograms)[2]
            label = tf.argmax(probabilities, axis=-1)
            return {
                "probabilities": probabilities,
                "label": label,
                "class_name": tf.gather(tf.constant(classes), label),
            }

        def describe():
            return {
                "classes": tf.constant(classes),
                "sample_rate_hz": tf.constant(loaded.sample_rate_hz, tf.int64),
                "clip_samples": tf.constant(loaded.clip_samples, tf.int64),
                "step": tf.constant(step, tf.int64),
            }

        def reconstruct(spectrograms):
            return both(model(spectrograms))

        def of_audio(function):
            return lambda audio: function(signal_path.spectrogram(audio))

        for name, function, inputs in (
            ("generate", generate, [labels, seed]),
            ("decode", lambda style, labels: both(decode(style, labels)), [style, labels]),
            ("encode", of_audio(encode), [audio]),
            ("encode_spectrograms", encode, [spectrograms]),
            ("reconstruct", of_audio(reconstruct), [audio]),
            ("reconstruct_spectrograms", reconstruct, [spectrograms]),
            ("classify", of_audio(classify), [audio]),
            ("classify_spectrograms", classify, [spectrograms]),
            ("describe", describe, []),
        ):
            setattr(self, name, tf.function(function, input_signature=inputs, autograph=False))

    def signatures(self) -> dict:
        """The functions by name."""
        return {
            name: function
            for name, function in vars(self).items()
            if isinstance(function, tf.types.experimental.PolymorphicFunction)
        }


def _metadata(loaded: loading.LoadedGAAE, refine: int) -> dict:
    return {
        "format": "gaae_tf export 1",
        "gaae_tf_version": gaae_tf.__version__,
        "step": loaded.step,
        "checkpoint": loaded.checkpoint,
        "classes": list(loaded.classes),
        "sample_rate_hz": loaded.sample_rate_hz,
        "clip_samples": loaded.clip_samples,
        "signal_path": dataclasses.asdict(loaded.signal_path),
        "vocoder": {"name": "fast Griffin-Lim from random phase", "iterations": refine},
        "dataset": loaded.data.dataset,
        "dataset_licence": loaded.data.licence,
    }


def _readme(loaded: loading.LoadedGAAE, refine: int) -> str:
    return _README.format(
        step=loaded.step,
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


def _move(temporary: Path, out: Path) -> None:
    """Renames `temporary` to `out`; what was there goes once its successor is in place."""
    if not out.exists():
        temporary.rename(out)
        return
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.rename(old)
    try:
        temporary.rename(out)
    except BaseException:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    flags.DEFINE_string("run_dir", None, "Folder of the training run.", flag_values=values)
    flags.DEFINE_string("out", None, "Folder for the SavedModel.", flag_values=values)
    flags.DEFINE_enum(
        "checkpoint",
        "latest",
        loading.CHECKPOINT_NAMES,
        "Which checkpoint; best is by accuracy on validation clips.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "refine",
        32,
        "Iterations of fast Griffin-Lim inside the SavedModel.",
        lower_bound=0,
        flag_values=values,
    )
    flags.mark_flags_as_required(["run_dir", "out"], values)


def main(argv: list[str], values: flags.FlagValues = flags.FLAGS) -> int:
    """The command; returns 1 on an error."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    try:
        out = export(values.run_dir, values.out, values.checkpoint, values.refine)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"SavedModel in {out}; {out / 'README.txt'} tells how to use it")
    return 0


if __name__ == "__main__":
    define_flags(flags.FLAGS)
    app.run(main)

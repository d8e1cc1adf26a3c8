"""A trained run, loaded for use: sounds of a class, codes of a recording, and the ways between.

    run = gaae_tf.load("runs/quickstart")
    sounds = run.generate("guitar", count=8, seed=1)
    codes = run.represent(audio)

What a system cannot do its loaded object lacks, and `can` tells: `run.can("restyle")`. The object
is put together of the parts in `run.loaded`, one for each thing that the system's SPEC says it
does.

Needs the run folder alone, no data set. The networks are the averaged ones (METHOD §4) with batch
statistics measured again, in float32 whatever precision they were trained in.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from pathlib import Path

import keras
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.ops import synthesis
from gaae_tf.run.build import build_model
from gaae_tf.run.checkpoints import restore_for_sampling
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.loaded.base import Loaded
from gaae_tf.run.loaded.decoding import LoadedAutoencoder, LoadedRestyler
from gaae_tf.run.loaded.reading import LoadedClassifier, LoadedEncoder
from gaae_tf.run.loaded.sampling import LoadedClassGenerator, LoadedGenerator
from gaae_tf.run.look import find_run, no_run
from gaae_tf.run.names import CHECKPOINT_NAMES, CHECKPOINTS, CONFIG
from gaae_tf.systems.spec import Spec

VOCODER = "pghi_fgla"  # of spectrograms, where none is named

# What each ability adds to a loaded system.
_PARTS = {
    "restyle": LoadedRestyler,
    "choose_class": LoadedClassGenerator,
    "generate": LoadedGenerator,
    "reconstruct": LoadedAutoencoder,
    "represent": LoadedEncoder,
    "classify": LoadedClassifier,
}


def load(
    run_dir: str | Path,
    checkpoint: str = "latest",
    vocoder: str | None = None,
    refine: int | None = None,
) -> Loaded:
    """Loads a trained run, as the object that its system allows.

    Args:
        run_dir: the run folder, or the name of a model that comes with the package: "notes" or
            "digits".
        checkpoint: "latest", or "best" by accuracy on validation clips.
        vocoder: what turns spectrograms into sound, one of `synthesis.VOCODERS`; None for the best
            one, "pghi_fgla", or for none in a system that makes audio directly or none at all.
        refine: its iterations; None for its default.

    Raises:
        FileNotFoundError: there is no such folder, or it holds no configuration or checkpoint.
        ValueError: an argument or a file in the folder is not what it should be.
    """
    if (
        keras.backend.backend() != "tensorflow"
        or keras.config.image_data_format() != "channels_last"
    ):
        raise ValueError(
            "gaae_tf needs Keras on TensorFlow with channels last, and this process has "
            f"{keras.backend.backend()} with {keras.config.image_data_format()}: set "
            "KERAS_BACKEND=tensorflow before Keras is imported, and "
            "keras.config.set_image_data_format('channels_last')"
        )
    run_dir = find_run(run_dir)
    if not run_dir.is_dir():
        raise FileNotFoundError(no_run(run_dir))
    if checkpoint not in CHECKPOINT_NAMES:
        raise ValueError(
            f"checkpoint must be one of {', '.join(CHECKPOINT_NAMES)}, got {checkpoint!r}"
        )
    synthesis.iterations(vocoder or VOCODER, refine)  # raises
    config = TrainConfig.load(run_dir / CONFIG)
    data = DataDescription.load(run_dir)
    with _float32_policy():
        model = build_model(dataclasses.replace(config, precision="float32"), data)
    try:
        restore_for_sampling(model, run_dir, checkpoint, config.reestimate_batches)
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise ValueError(
            f"the {checkpoint} checkpoint in {run_dir / CHECKPOINTS} does not fit "
            f"{run_dir / CONFIG} or is damaged: {error}"
        ) from error
    system = config.system
    if system.can("generate") and system.signal == "spectrograms":
        vocoder = vocoder or VOCODER
    elif vocoder is not None or refine is not None:
        makes = "makes audio directly" if system.can("generate") else "makes no sound"
        raise ValueError(
            f"{run_dir} holds a {config.model}, which {makes}: it takes neither vocoder nor "
            f"refine, got vocoder={vocoder!r}, refine={refine!r}"
        )
    return loaded_class(system)(model, config, data, checkpoint, vocoder, refine)


@functools.cache
def loaded_class(system: Spec) -> type[Loaded]:
    """The class of a loaded system, which has what the system can do and no more."""
    does = set(system.does)
    if "choose_class" in does:
        does -= {"generate"}  # whose method takes no class
    parts = [part for ability, part in _PARTS.items() if ability in does]
    if len(parts) == 1:
        return parts[0]
    return type("LoadedSystem", tuple(parts), {"__doc__": f"A trained {system.name}."})


@contextlib.contextmanager
def _float32_policy():
    """The caller's dtype policy would reach layers that name none."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)

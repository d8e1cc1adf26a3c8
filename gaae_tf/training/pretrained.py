"""A trained run as the start of another: the networks whose shapes fit begin with its weights."""

from __future__ import annotations

import dataclasses

import keras

from gaae_tf.config import TrainConfig
from gaae_tf.run.build import build_model
from gaae_tf.run.checkpoints import is_for_sampling_alone, restore_for_sampling
from gaae_tf.run.folder import DataDescription
from gaae_tf.run.look import find_run
from gaae_tf.run.names import CONFIG
from gaae_tf.systems.system import System


def take_pretrained(model: System, config: TrainConfig) -> list[str]:
    """Gives networks the weights that those of equal name and shapes have in `start_from`.

    Trained networks take the trained weights, or the averaged ones of a model that comes with the
    package; averaged networks take the averaged. Optimizers, step and statistics of the data stay
    the model's own, and so do frozen networks.

    Returns:
        The names in NETWORKS of the networks that were taken; it is printed which.

    Raises:
        ValueError: no network fits; each is named with its reason. Or the run's checkpoints are
            broken.
        FileNotFoundError: it is no run folder, or has no checkpoint.
    """
    run_dir = find_run(config.start_from)
    source = TrainConfig.load(run_dir / CONFIG)
    trained = build_model(
        dataclasses.replace(source, precision="float32"), DataDescription.load(run_dir)
    )
    step = restore_for_sampling(trained, run_dir)
    held = trained.all_networks
    if is_for_sampling_alone(run_dir):
        averages = {name: held[f"averaged_{name}"] for name in trained.AVERAGED}
        held = averages | {f"averaged_{name}": one for name, one in averages.items()}
    own = [name for name in model.NETWORKS if name not in model.FROZEN]
    reasons = {name: _difference(held.get(name), getattr(model, name)) for name in own}
    taken = [name for name, reason in reasons.items() if not reason]
    told = [f"{model.NETWORKS[name]} ({reason})" for name, reason in reasons.items() if reason]
    if not taken:
        raise ValueError(
            f"--start_from={config.start_from}: no network of that {source.model} fits this "
            f"{config.model}: {', '.join(told)}; give the run's own sizes, or train without it"
        )
    for name in taken:
        getattr(model, name).set_weights(held[name].get_weights())
        if name in model.AVERAGED:
            averaged = held.get(f"averaged_{name}", held[name])
            getattr(model, f"averaged_{name}").set_weights(averaged.get_weights())
    names = ", ".join(model.NETWORKS[name] for name in taken)
    rest = f"; not {', '.join(told)}" if told else ""
    print(f"Starting with step {step:,} of {config.start_from}: {names}{rest}.", flush=True)
    return taken


def _difference(there: keras.Model | None, here: keras.Model) -> str:
    """Why a network cannot take the weights of another run's, "" if it can."""
    if there is None:
        return "the run has none"
    axes = [one.get_config().get("frequency_axis", "linear") for one in (there, here)]
    if axes[0] != axes[1]:  # weights of equal shapes, of other frequencies
        return f"its frequency_axis is {axes[0]} there, {axes[1]} here"
    known, wanted = (
        [(weight.path.split("/", 1)[-1], tuple(weight.shape)) for weight in one.weights]
        for one in (there, here)
    )
    for (_, shape), (path, other) in zip(known, wanted, strict=False):
        if shape != other:
            return f"its {path} is {_text(shape)} there, {_text(other)} here"
    if len(known) != len(wanted):
        return f"it has {len(known)} weights there, {len(wanted)} here"
    return ""


def _text(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a number"

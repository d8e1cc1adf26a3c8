"""How much memory a training takes."""

from __future__ import annotations

import functools

import keras
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.systems.system import System


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

"""Two logical CPU devices must train as one does on the same global batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_gaae import batches, tiny_model

pytestmark = pytest.mark.slow  # compiling a step for two devices takes most of a minute


@pytest.fixture(scope="module")
def mirrored():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def train(strategy, steps, dtype="float32", optimizer=None):
    with strategy.scope():
        model = tiny_model(dtype, optimizer)
    data = tf.data.Dataset.from_tensor_slices(
        tf.nest.map_structure(
            lambda *parts: tf.stack(parts), *[batches(seed=seed) for seed in range(steps)]
        )
    )
    iterator = iter(strategy.experimental_distribute_dataset(data))

    @tf.function
    def step():
        return strategy.run(model.train_step, args=(next(iterator),))

    logs = [
        {
            name: strategy.experimental_local_results(value)[0].numpy()
            for name, value in step().items()
        }
        for _ in range(steps)
    ]
    return model, logs


def sgd():
    return keras.optimizers.SGD(0.01)


def test_two_replicas_give_the_update_of_one(mirrored):
    one, logs_of_one = train(tf.distribute.get_strategy(), 3, optimizer=sgd)
    two, logs_of_two = train(mirrored, 3, optimizer=sgd)
    for a, b in zip(one.weights, two.weights, strict=True):
        assert np.asarray(b.numpy()) == pytest.approx(np.asarray(a.numpy()), abs=1e-5), a.path
    for a, b in zip(logs_of_one, logs_of_two, strict=True):
        for name in a:
            if not name.startswith("gradient_norm"):  # a sum of each replica's
                assert b[name] == pytest.approx(a[name], rel=1e-4, abs=1e-5), name


def test_replicas_keep_equal_weights_under_adam_and_mixed_precision(mirrored):
    def scaled():
        inner = keras.optimizers.Adam(1e-3, beta_1=0.0)
        return keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**10)

    model, logs = train(mirrored, 2, "mixed_float16", scaled)
    assert all(np.isfinite(list(one.values())).all() for one in logs)
    for variable in model.trainable_variables:
        first, second = mirrored.experimental_local_results(variable.value)
        assert np.array_equal(first, second)
    assert model.step.numpy() == 2

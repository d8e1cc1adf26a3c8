"""Two logical CPU devices must train as one does on the same global batch."""

from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
import test_additions
import test_biggan
import test_gaae
import test_wasserstein

from gaae_tf.config import TrainConfig
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.run.checkpoints import Checkpoints
from gaae_tf.systems.batches import batch_mean, over_replicas
from gaae_tf.systems.classifier import Classifier
from gaae_tf.systems.system import System
from gaae_tf.training import loop

pytestmark = pytest.mark.slow  # compiling a step for two devices takes most of a minute


def train(strategy, steps, make, batches, *arguments):
    with strategy.scope():
        model = make(*arguments)
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


def sgd(rate=0.01):
    return keras.optimizers.SGD(rate)


def with_scaled_codes(model):
    """As every training begins. Codes that hardly vary about a mean would lose digits in C."""
    clips = [x for batch in test_gaae.batches(8, seed=99) for x in batch[:2]]
    model.calibration = tf.concat(clips, axis=0)
    model.scale_codes()
    return model


@pytest.mark.parametrize(
    ("make", "batches"),
    [
        (lambda: with_scaled_codes(test_gaae.tiny_model(optimizer=sgd)), test_gaae.batches),
        # Its gradients have a norm of 30: steps of 0.01 throw codes far from where they were, and
        # rounding grows a thousandfold in one.
        (
            lambda: with_scaled_codes(
                test_additions.with_everything(optimizer=lambda: sgd(rate=1e-3))
            ),
            test_gaae.batches,
        ),
        (lambda: test_biggan.biggan(optimizer=sgd), test_biggan.batches),
        (lambda: test_wasserstein.wavegan(optimizer=sgd), test_wasserstein.batches),
    ],
    ids=["gaae", "gaae with all additions", "biggan", "wavegan"],
)
def test_two_replicas_give_the_update_of_one(mirrored, make, batches):
    one, logs_of_one = train(tf.distribute.get_strategy(), 3, make, batches)
    two, logs_of_two = train(mirrored, 3, make, batches)
    # Convolutions of half the batch sum in another order: single values differ by 9e-6 of them.
    near = {"rel": 2e-5, "abs": 1e-5}
    for a, b in zip(one.weights, two.weights, strict=True):
        assert np.asarray(b.numpy()) == pytest.approx(np.asarray(a.numpy()), **near), a.path
    for a, b in zip(logs_of_one, logs_of_two, strict=True):
        for name in a:
            if not name.startswith("gradient_norm"):  # a sum of each replica's
                assert b[name] == pytest.approx(a[name], rel=1e-4, abs=1e-5), name


def test_replicas_keep_equal_weights_under_adam_and_mixed_precision(mirrored):
    def scaled():
        inner = keras.optimizers.Adam(1e-3, beta_1=0.0)
        return keras.optimizers.LossScaleOptimizer(inner, initial_scale=2.0**10)

    model, logs = train(
        mirrored, 2, test_gaae.tiny_model, test_gaae.batches, "mixed_float16", scaled
    )
    assert all(np.isfinite(list(one.values())).all() for one in logs)
    for variable in model.weights:  # statistics too, which replicas keep for themselves
        first, second = mirrored.experimental_local_results(variable.value)
        assert np.array_equal(first, second), variable.path
    assert model.step.numpy() == 2


def test_replicas_exchange_batch_statistics_gradients_and_logs_alone(mirrored, monkeypatch):
    exchanges = []
    for name in ("_reduce_to", "_batch_reduce_to"):
        original = getattr(mirrored.extended, name)

        def counted(*arguments, original=original):
            exchanges.append(arguments)
            return original(*arguments)

        monkeypatch.setattr(mirrored.extended, name, counted)
    with mirrored.scope():
        model = test_gaae.tiny_model()
    batch = test_gaae.batches()
    exchanges.clear()
    tf.function(lambda: mirrored.run(model.train_step, args=(batch,))).get_concrete_function()
    # One for each batch normalisation and pass, and another where gradients go back through it:
    # five of D in three passes, C's in five, of which two have gradients.
    statistics = (5 * 3 + 5) + (1 * 5 + 2)
    updates = 2 * (1 + 1) + 1  # each with one for the gradients, and one for norm and finiteness
    logs = 3  # of S and L twice, of E, D and C
    assert len(exchanges) == statistics + 2 * updates + logs


@pytest.mark.parametrize("replica", [0, 1])
def test_gradients_that_overflow_on_one_replica_are_left_out_by_all(mirrored, replica):
    with mirrored.scope():
        network = SimpleClassifier(3, seed=1, dtype="mixed_float16")
        network.build((None, 16, 16, 1))
        model = Classifier(network)
        model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)))
    labels = tf.one_hot([0, 1, 2, 0], 3)

    @tf.function
    def step(x):
        return mirrored.run(lambda x: model.train_step(((x, labels),)), args=(x,))

    def trained(factors):
        """Logs, and each replica's weights, after a step on inputs times each replica's factor."""
        noise = np.random.default_rng(1).normal(size=(2, 4, 16, 16, 1)).astype(np.float32)
        x = mirrored.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                noise[context.replica_id_in_sync_group] * factors[context.replica_id_in_sync_group]
            )
        )
        logs = {name: mirrored.experimental_local_results(log)[0] for name, log in step(x).items()}
        variables = [variable.value for variable in network.weights]
        return logs, [
            [value.numpy() for value in mirrored.experimental_local_results(variable)]
            for variable in variables
        ]

    _, before = trained([1.0, 1.0])
    assert model.classifier_optimizer.dynamic_scale.numpy() == 2.0**15
    factors = [1.0, 1.0]
    factors[replica] = 1000.0  # the loss is some hundreds, gradients times 2^15 more than float16
    logs, overflowed = trained(factors)
    assert np.isfinite(logs["C_loss"])
    assert not np.isfinite(logs["gradient_norm_C"])
    assert loop._diverging_replicas(model, mirrored) == []
    assert model.classifier_optimizer.dynamic_scale.numpy() == 2.0**14
    assert model.step.numpy() == 2
    for old, new in zip(before, overflowed, strict=True):
        for value in new:
            np.testing.assert_array_equal(value, old[0])
    _, after = trained([1.0, 1.0])
    assert model.step.numpy() == 3
    assert model.classifier_optimizer.dynamic_scale.numpy() == 2.0**14
    for old, new in zip(before, after, strict=True):
        assert not np.array_equal(old[0], new[0])
        np.testing.assert_array_equal(new[0], new[1])


class Minimal(System):
    """One network that learns to give its input back."""

    NETWORKS: ClassVar = {"network": "network"}
    AVERAGED = ()
    SAMPLER = None
    OPTIMIZERS: ClassVar = {"only": ("network",)}
    LOSS_NAMES = ("loss",)
    LOG_NAMES = ("loss", "norm")

    def train_step(self, x):
        with tf.GradientTape() as tape:
            loss = batch_mean(tf.square(self.network(x) - x))
        norm = self._apply(tape, loss, "only")
        self._finish_step()
        return over_replicas({"loss": loss}) | {"norm": norm}


@pytest.mark.parametrize("replica", [0, 1])
def test_the_replica_that_diverged_is_named(mirrored, replica, tmp_path):
    with mirrored.scope():
        network = keras.Sequential([keras.layers.Input([1]), keras.layers.Dense(1)])
        model = Minimal({"network": network}, None, None)
        model.compile(sgd())
        checkpoints = Checkpoints(tmp_path, model, keep=1)
    values = np.ones((6 * 2, 2, 1), np.float32)  # each step's batch for one replica, then the other
    values[3 * 2 + replica] = np.nan  # in the fourth step
    config = TrainConfig(dataset="d", run_dir=str(tmp_path), steps=6, batch_size=4)
    with pytest.raises(
        loop.NonFiniteError, match=f"^step 3: loss = nan, norm = nan, first on replica {replica}$"
    ):
        loop.run_steps(
            model,
            lambda _: tf.data.Dataset.from_tensor_slices(values),
            mirrored,
            config,
            checkpoints,
        )


@pytest.mark.parametrize("to_mirrored", [True, False], ids=["one-to-two", "two-to-one"])
def test_a_checkpoint_of_other_devices_is_restored_to_the_bit(mirrored, to_mirrored, tmp_path):
    one = tf.distribute.get_strategy()
    saving, restoring = (one, mirrored) if to_mirrored else (mirrored, one)

    def checkpointed(strategy, seed):
        """A tiny GAAE and its optimizers, every variable of theirs random, and its checkpoints."""
        with strategy.scope():
            model = test_gaae.tiny_model()
            checkpoints = Checkpoints(tmp_path, model, keep=1)
        optimizers = [model.optimizer_of(name) for name in model.OPTIMIZERS]
        rng = np.random.default_rng(seed)
        variables = model.weights + [one for each in optimizers for one in each.variables]
        for variable in variables:
            variable.assign(rng.uniform(0.0, 100.0, variable.shape))
        return [variable.value for variable in variables], checkpoints

    saved, checkpoints = checkpointed(saving, seed=1)
    values = [variable.numpy() for variable in saved]
    checkpoints.save()
    restored, checkpoints = checkpointed(restoring, seed=2)
    assert not any(np.array_equal(a, b.numpy()) for a, b in zip(values, restored, strict=True))
    checkpoints.restore()
    for value, variable in zip(values, restored, strict=True):
        for local in restoring.experimental_local_results(variable):
            np.testing.assert_array_equal(local.numpy(), value, err_msg=variable.name)

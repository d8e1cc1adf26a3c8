import keras
import pytest
import tensorflow as tf

from gaae_tf.training.build import ScaledRate


def test_an_optimizer_steps_by_its_rate_times_the_share_that_is_left():
    share = tf.Variable(1.0)
    optimizer = keras.optimizers.SGD(ScaledRate(0.2, share))
    weight = keras.Variable([1.0])
    optimizer.apply([tf.constant([1.0])], [weight])
    assert float(weight[0]) == pytest.approx(0.8)
    share.assign(0.25)
    optimizer.apply([tf.constant([1.0])], [weight])
    assert float(weight[0]) == pytest.approx(0.75)

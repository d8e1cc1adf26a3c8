import dataclasses

import keras
import pytest
import tensorflow as tf
from test_callbacks import CONFIG, DATA

from gaae_tf.run.build import ScaledRate, build_model


def test_an_optimizer_steps_by_its_rate_times_the_share_that_is_left():
    share = tf.Variable(1.0)
    optimizer = keras.optimizers.SGD(ScaledRate(0.2, share))
    weight = keras.Variable([1.0])
    optimizer.apply([tf.constant([1.0])], [weight])
    assert float(weight[0]) == pytest.approx(0.8)
    share.assign(0.25)
    optimizer.apply([tf.constant([1.0])], [weight])
    assert float(weight[0]) == pytest.approx(0.75)


@pytest.mark.parametrize(("own", "expected"), [(0, 2), (3, 3)])
def test_the_encoder_has_its_own_width_or_that_of_all(own, expected):
    model = build_model(dataclasses.replace(CONFIG, encoder_channels=own), DATA)
    assert model.encoder.channels == model.averaged_encoder.channels == expected
    assert model.decoder.channels == model.sample_discriminator.channels == 2

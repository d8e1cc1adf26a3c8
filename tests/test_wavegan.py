import numpy as np
import pytest
import tensorflow as tf
from test_networks import trainable

from gaae_tf.networks.geometry import wavegan_base
from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator, phase_shuffle


def test_phase_shuffle_shifts_each_example_and_reflects_by_hand():
    x = np.arange(1.0, 9.0, dtype=np.float32)
    shuffled = phase_shuffle(np.tile(x, (5, 1))[..., None], np.array([-2, -1, 0, 1, 2]))
    assert np.asarray(shuffled)[..., 0].tolist() == [
        [3, 4, 5, 6, 7, 8, 7, 6],
        [2, 3, 4, 5, 6, 7, 8, 7],
        [1, 2, 3, 4, 5, 6, 7, 8],
        [2, 1, 2, 3, 4, 5, 6, 7],
        [3, 2, 1, 2, 3, 4, 5, 6],
    ]


def test_phase_shuffle_keeps_channels_apart_and_agrees_with_numpy():
    x = np.random.default_rng(0).normal(size=(7, 12, 3)).astype(np.float32)
    shifts = np.random.default_rng(1).integers(-2, 3, 7)
    for i, shift in enumerate(shifts):
        padded = np.pad(x[i], ((2, 2), (0, 0)), mode="reflect")
        expected = padded[2 - shift : 14 - shift]
        assert np.array_equal(np.asarray(phase_shuffle(x, shifts))[i], expected)


def test_the_generator_has_the_parameters_of_the_paper_size():
    expected = 100 * 16384 + 16384
    for inputs, outputs in ((1024, 512), (512, 256), (256, 128), (128, 64), (64, 1)):
        expected += 25 * inputs * outputs + outputs
    assert trainable(WaveGANGenerator(16384)) == expected == 19_065_345


def test_the_discriminator_has_the_parameters_of_the_paper_size():
    expected = 16 * 1024 + 1
    for inputs, outputs in ((1, 64), (64, 128), (128, 256), (256, 512), (512, 1024)):
        expected += 25 * inputs * outputs + outputs
    assert trainable(WaveGANDiscriminator(16384)) == expected == 17_427_969


@pytest.mark.parametrize(
    ("samples", "base"), [(16384, (16, 5)), (8192, (8, 5)), (65536, (16, 6)), (512, (8, 3))]
)
def test_clips_quadruple_up_from_a_short_base(samples, base):
    assert wavegan_base(samples) == base


@pytest.mark.parametrize("samples", [16000, 64, 1000])
def test_a_length_that_does_not_quadruple_up_is_refused(samples):
    with pytest.raises(ValueError, match=f"a clip of {samples} samples is not 8 to 31 samples"):
        wavegan_base(samples)


def test_shapes_ranges_and_the_shuffles_effect():
    generator = WaveGANGenerator(512, channels=2, style_dim=5)
    audio = generator(np.random.default_rng(0).uniform(-1, 1, (3, 5)).astype(np.float32))
    assert audio.shape == (3, 512, 1)
    assert np.abs(audio).max() <= 1.0
    critic = WaveGANDiscriminator(512, channels=2)
    assert critic.shuffles == 2
    noise = np.random.default_rng(1).uniform(-1, 1, (3, 512, 1)).astype(np.float32)
    scores = np.asarray(critic(noise))
    assert scores.shape == (3, 1)
    shifted = np.asarray(critic(noise, np.array([[0, 0], [1, 0], [0, -2]])))
    assert shifted[0] == pytest.approx(scores[0], abs=1e-6)
    assert np.abs(shifted[1:] - scores[1:]).min() > 1e-4


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float32"])
def test_config_rebuilds_the_same_network(dtype):
    for network in (
        WaveGANGenerator(512, 2, 5, dtype=dtype),
        WaveGANDiscriminator(512, 2, dtype=dtype),
    ):
        rebuilt = type(network).from_config(network.get_config())
        assert rebuilt.get_config() == network.get_config()
        assert [w.shape for w in rebuilt.weights] == [w.shape for w in network.weights]


def test_the_convolutions_are_those_of_the_definition():
    generator = WaveGANGenerator(128, channels=1, style_dim=1)
    convolution = generator.convolutions[-1]
    x = np.zeros((1, 32, 1), np.float32)
    x[0, 10] = 1.0
    kernel = convolution.kernel.numpy()[:, 0, 0]
    # Output 4·i + t takes tap t + 10: of 25 - 4 = 21 padded values, 10 are cut before.
    expected = np.zeros(128)
    expected[40 - 10 : 40 - 10 + 25] = kernel
    assert np.allclose(tf.squeeze(convolution(x)), expected, atol=1e-6)

import itertools

import numpy as np
import pytest
from test_networks import trainable

from gaae_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gaae_tf.networks.geometry import dcgan_base
from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator

SPECGAN = {"bins": 128, "frames": 128, "kernel_size": (5, 5)}
TIFGAN = {"bins": 256, "frames": 128, "kernel_size": (12, 3), "spectral_norm": True}


def convolutions(taps, *widths):
    """Parameters of convolutions from each width to the next."""
    return sum(taps * inputs * outputs + outputs for inputs, outputs in itertools.pairwise(widths))


def test_specgan_has_the_parameters_of_its_paper_which_are_wavegans():
    generator = DCGANGenerator(**SPECGAN, wide_base=True)
    expected = 101 * 4 * 4 * 1024 + convolutions(25, 1024, 512, 256, 128, 64, 1)
    assert trainable(generator) == expected == trainable(WaveGANGenerator(16384)) == 19_065_345
    critic = DCGANDiscriminator(**SPECGAN)
    expected = convolutions(25, 1, 64, 128, 256, 512, 1024) + 4 * 4 * 1024 + 1
    assert trainable(critic) == expected == trainable(WaveGANDiscriminator(16384)) == 17_427_969


def test_tifgan_has_the_parameters_of_its_code():
    expected = 101 * 8 * 4 * 512 + convolutions(36, 512, 512, 256, 128, 64, 1)
    assert trainable(DCGANGenerator(**TIFGAN)) == expected == 17_288_385
    expected = convolutions(36, 1, 64, 128, 256, 512, 1024) + 8 * 4 * 1024 + 1
    assert trainable(DCGANDiscriminator(**TIFGAN)) == expected == 25_104_577


@pytest.mark.parametrize(
    ("size", "base"),
    [
        ((128, 128), (4, 4, 5)),
        ((256, 128), (8, 4, 5)),
        ((32, 16), (8, 4, 2)),
        ((96, 48), (12, 6, 3)),
    ],
)
def test_spectrograms_double_up_from_a_base(size, base):
    assert dcgan_base(*size) == base


def test_a_size_that_does_not_double_up_is_refused_with_its_numbers():
    with pytest.raises(ValueError, match=r"100 bins × 30 frames"):
        dcgan_base(100, 30)


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_networks_map_any_size_that_doubles_up_and_are_rebuilt_by_their_config(spectral_norm):
    size = {"bins": 32, "frames": 16, "kernel_size": (12, 3), "spectral_norm": spectral_norm}
    generator = DCGANGenerator(**size, channels=2, style_dim=5)
    made = generator(np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32))
    assert made.shape == (3, 32, 16, 1)
    assert np.abs(made).max() <= 1.0
    critic = DCGANDiscriminator(**size, channels=2)
    assert critic(made).shape == (3, 1)
    for network in (generator, critic):
        rebuilt = type(network).from_config(network.get_config())
        assert rebuilt.get_config() == network.get_config()
        assert [w.shape for w in rebuilt.weights] == [w.shape for w in network.weights]


def test_spectral_networks_are_the_plain_ones_with_divided_kernels():
    size = {"bins": 16, "frames": 16, "kernel_size": (5, 3), "channels": 2}
    z = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    for network, inputs in ((DCGANGenerator, z), (DCGANDiscriminator, z[:, :1, None, None])):
        extra = {"style_dim": 5} if network is DCGANGenerator else {}
        spectral, plain = (network(**size, **extra, spectral_norm=on) for on in (True, False))
        layers = zip(
            [spectral.dense, *spectral.convolutions],
            [plain.dense, *plain.convolutions],
            strict=True,
        )
        for ours, other in layers:
            for _ in range(50):
                kernel = ours.spectral_kernel(training=True)
            matrix = np.reshape(kernel, (-1, kernel.shape[-1]))
            assert np.linalg.norm(matrix, 2) == pytest.approx(1.0, abs=0.01)
            other.kernel.assign(kernel)
            ours.bias.assign(np.arange(1.0, 1.0 + ours.bias.shape[0]) / 10)
            other.bias.assign(ours.bias)
        x = np.broadcast_to(inputs, (3, 16, 16, 1)) if network is DCGANDiscriminator else inputs
        np.testing.assert_allclose(spectral(x), plain(x), atol=1e-5)

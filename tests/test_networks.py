import keras
import numpy as np
import pytest

from gaae_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.features import FeatureNetwork, JointDiscriminator
from gaae_tf.networks.geometry import base_size, down_channels, up_channels
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator


def trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_variables)


def convolution(size, inputs, outputs, bias=True):
    return size * size * inputs * outputs + (outputs if bias else 0)


def non_local(c):
    return 2 * c * (c // 8) + c * (c // 2) + (c // 2) * c + 1


def decoder_parameters(widths, non_local_after, classes):
    """By hand from Table XII: dense, U blocks, non-local, batch normalisation, convolution."""
    total = 128 * 8 * 256 + 8 * 256
    inputs = 256
    for i, outputs in enumerate(widths):
        total += convolution(3, inputs, outputs) + convolution(3, outputs, outputs)
        total += convolution(1, inputs, outputs)
        total += 2 * classes * (inputs + outputs)  # gain and bias of two cBN
        total += non_local(outputs) if i == non_local_after else 0
        inputs = outputs
    return total + 2 * inputs + convolution(3, inputs, 1)


def tower_parameters():
    """By hand from Tables XIII, XVIII and XX at ch = 16: D blocks, non-local, the plain block."""
    total, inputs = 0, 1
    for i, outputs in enumerate((16, 16, 32, 64, 128, 256)):
        total += convolution(3, inputs, outputs) + convolution(3, outputs, outputs)
        total += convolution(1, inputs, outputs)
        total += non_local(16) if i == 0 else 0
        inputs = outputs
    return total + 2 * convolution(3, 256, 256)


@pytest.mark.parametrize(
    ("schedule", "widths", "expected"),
    [
        ("biggan", (256, 128, 128, 64, 32, 16), 2_484_802),
        ("table", (256, 256, 256, 256, 256, 16), 6_676_002),
    ],
)
def test_decoder_has_the_parameters_of_table_xii(schedule, widths, expected):
    decoder = Decoder(256, 128, 10, 16, schedule, non_local_bins=128)
    assert trainable(decoder) == decoder_parameters(widths, 4, 10)
    assert trainable(decoder) == expected


def test_encoder_has_the_parameters_of_table_xx():
    tower = tower_parameters()
    assert trainable(Encoder(256, 128, 16, 128)) == tower + 2 * (256 * 128 + 128)
    assert trainable(SampleDiscriminator(256, 128, 10, 16, 128)) == tower + 10 * 256 + 257


def test_heads_have_the_parameters_of_tables_xxii_and_xxiii():
    assert trainable(LatentClassifier(10)) == 128 * 128 + 128 + 128 * 10 + 10
    assert trainable(LatentDiscriminator()) == 2 * (128 * 128 + 128) + 129


@pytest.mark.parametrize(
    ("size", "base"),
    [
        ((256, 128), (4, 2, 6)),
        ((128, 64), (4, 2, 5)),
        ((128, 128), (4, 4, 5)),
        ((256, 64), (8, 2, 5)),
        ((96, 48), (6, 3, 4)),
    ],
)
def test_base_size_keeps_the_ratio(size, base):
    assert base_size(*size) == base


def test_a_size_that_does_not_double_up_is_refused_with_its_numbers():
    with pytest.raises(ValueError, match=r"100 bins × 30 frames"):
        base_size(100, 30)


def test_widths_are_those_of_the_tables():
    assert down_channels(16, 6) == [16, 16, 32, 64, 128, 256]
    assert up_channels(16, 6, "biggan") == [256, 128, 128, 64, 32, 16]
    assert up_channels(16, 6, "table") == [256] * 5 + [16]
    assert up_channels(4, 5, "biggan") == [64, 32, 16, 8, 4]
    assert up_channels(1, 7, "biggan") == [16, 8, 8, 4, 2, 1, 1]


@pytest.mark.parametrize(("bins", "frames"), [(64, 32), (32, 32), (64, 16)])
def test_networks_map_any_size_that_doubles_up(bins, frames):
    x = np.random.default_rng(0).uniform(-1, 1, (2, bins, frames, 1)).astype("float32")
    y = np.eye(3, dtype="float32")[:2]
    z, style = Encoder(bins, frames, 2, bins // 4, guided_dim=5, style_dim=7)(x)
    assert (z.shape, style.shape) == ((2, 5), (2, 7))
    decoded = np.asarray(Decoder(bins, frames, 3, 2, "biggan", bins // 4, style_dim=7)(style, y))
    assert decoded.shape == x.shape
    assert np.abs(decoded).max() <= 1.0
    assert SampleDiscriminator(bins, frames, 3, 2, bins // 4)(x, y).shape == (2, 1)


@pytest.mark.parametrize(
    "network",
    [
        Encoder(32, 16, 2, 16, guided_dim=3, style_dim=4, dtype="mixed_bfloat16"),
        Decoder(32, 16, 3, 2, "table", 16, style_dim=4),
        Decoder(32, 16, None, 2, style_dim=4),
        SampleDiscriminator(32, 16, 3, 2, 8),
        LatentDiscriminator(4),
        LatentDiscriminator(4, classes=3, spectral_norm=True),
        Encoder(32, 16, 2, style_dim=4, style_pooling="frames", frequency_axis="log"),
        Decoder(32, 16, 3, 2, style_dim=4, class_biases="orthogonal", frequency_axis="log"),
        LatentClassifier(3, 4),
    ],
    ids=lambda network: network.name,
)
def test_config_rebuilds_the_same_network(network):
    rebuilt = type(network).from_config(network.get_config())
    assert rebuilt.get_config() == network.get_config()
    assert [w.shape for w in rebuilt.weights] == [w.shape for w in network.weights]


def inputs_of(network):
    random = np.random.default_rng(0)
    return [random.uniform(-1, 1, (2, *shape)).astype("float32") for shape in network.input_shapes]


# Keras's saving converts its own variables so.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")
@pytest.mark.parametrize(
    "network",
    [
        Encoder(32, 16, 2, 16, guided_dim=3, style_dim=4, style_pooling="frames"),
        Decoder(32, 16, 3, 2, "table", 16, style_dim=4, frequency_axis="log"),
        SampleDiscriminator(32, 16, 3, 2, 8),
        LatentDiscriminator(4, classes=3, spectral_norm=True),
        LatentClassifier(3, 4),
        FeatureNetwork(32, 16, 2, style_dim=4),
        JointDiscriminator(32, 16, 2, style_dim=4),
        DCGANGenerator(16, 16, (5, 5), 2, style_dim=4),
        DCGANDiscriminator(16, 16, (5, 5), 2, spectral_norm=True),
        WaveGANGenerator(128, 2, style_dim=4),
        WaveGANDiscriminator(128, 2),
    ],
    ids=lambda network: network.name,
)
def test_a_network_comes_back_from_keras_own_file(network, tmp_path):
    for weight in network.weights:
        weight.assign(weight + 0.01 * keras.random.normal(weight.shape, seed=1))
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    assert type(again) is type(network)
    expected = keras.tree.flatten(network(*inputs_of(network)))
    for one, other in zip(keras.tree.flatten(again(*inputs_of(again))), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_weights_and_outputs_in_float32_and_stays_close(policy):
    x = np.random.default_rng(0).uniform(-1, 1, (4, 16, 8, 1)).astype("float32")
    y = np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    full = SampleDiscriminator(16, 8, 3, 2, 8)
    half = SampleDiscriminator(16, 8, 3, 2, 8, dtype=policy)
    half.set_weights(full.get_weights())
    assert {keras.backend.standardize_dtype(w.dtype) for w in half.weights} == {"float32"}
    scores = half(x, y)
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    expected = np.asarray(full(x, y))
    assert np.allclose(scores, expected, atol=0.03 * np.abs(expected).max())


def test_the_class_enters_the_decoder_only_through_batch_normalisation():
    decoder = Decoder(16, 8, 2, 2, style_dim=4)
    for weight in decoder.weights:
        if "gain" in weight.path or weight.path.endswith("/bias"):
            weight.assign(np.zeros(weight.shape))
    style = np.ones((1, 4), "float32")
    one, other = (np.asarray(decoder(style, np.eye(2, dtype="float32")[[i]])) for i in (0, 1))
    assert np.array_equal(one, other)


def test_non_local_bins_that_no_block_has_are_refused_with_the_choices():
    with pytest.raises(ValueError, match=r"one of \[64, 32, 16, 8, 4\].*got 5"):
        Encoder(128, 64, 2, non_local_bins=5)

"""The networks that `benchmarks.step` times in PyTorch are those of the package."""

import keras
import numpy as np
import pytest

from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.geometry import base_size, down_channels, up_channels
from gaae_tf.networks.latent_classifier import LatentClassifier

pytestmark = pytest.mark.slow

BINS, FRAMES, CHANNELS, CLASSES, CODE = 32, 16, 2, 3, 128
TOWER = {"bins": BINS, "frames": FRAMES, "channels": CHANNELS}


@pytest.fixture(scope="module")
def torch_networks():
    pytest.importorskip("torch", reason="torch is not installed")
    from benchmarks import step_torch

    doublings = base_size(BINS, FRAMES)[2]
    size = {
        "channels": CHANNELS,
        "classes": CLASSES,
        "base": base_size(BINS, FRAMES)[:2],
        "down_widths": down_channels(CHANNELS, doublings),
        "up_widths": up_channels(CHANNELS, doublings, "biggan"),
    }
    networks = step_torch.Training(size, compiled=False).networks
    for network in networks.values():
        network.eval()
    return networks


NETWORKS = {
    "encoder": lambda: Encoder(**TOWER),
    "decoder": lambda: Decoder(**TOWER, classes=CLASSES),
    "classifier": lambda: LatentClassifier(CLASSES),
    "sample_discriminator": lambda: SampleDiscriminator(**TOWER, classes=CLASSES),
    "latent_discriminator": lambda: LatentDiscriminator(),
}


def pairs(name, keras_network, torch_network):
    """Layers with weights of both networks, each with its partner."""
    k, t = keras_network, torch_network
    if name in ("encoder", "sample_discriminator"):
        *downs, plain = k.tower.layers
        for ours, theirs in zip(downs, t.tower.downs, strict=True):
            for layer in ("conv1", "conv2", "shortcut"):
                yield getattr(ours, layer), getattr(theirs, layer)
        yield plain.conv1, t.tower.conv1
        yield plain.conv2, t.tower.conv2
        heads = ("guided", "style") if name == "encoder" else ("embed", "score")
        yield from ((getattr(k, head), getattr(t, head)) for head in heads)
    elif name == "decoder":
        yield k.dense, t.dense
        for ours, theirs in zip(k.blocks, t.ups, strict=True):
            for layer in ("norm1", "norm2", "conv1", "conv2", "shortcut"):
                yield getattr(ours, layer), getattr(theirs, layer)
        yield k.norm, t.norm
        yield k.to_spectrogram, t.last
    elif name == "classifier":
        yield from zip(k.stack.layers, (t.hidden, t.logits), strict=True)
    else:
        yield from zip((*k.hidden, k.score), (t[0], t[2], t[4]), strict=True)


def copy_weights(ours, theirs, base):
    """Gives a layer of PyTorch the weights of its partner."""
    import torch

    def put(parameter, values):
        assert parameter.shape == values.shape
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))

    if hasattr(ours, "gain"):
        put(theirs.gain, ours.gain.numpy())
        put(theirs.bias, ours.bias.numpy())
        return
    kernel, bias = ours.kernel.numpy(), ours.bias
    bias = None if bias is None else bias.numpy()
    order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
    if base:  # maps of the decoder's base: channels last, and first in PyTorch
        kernel = kernel.reshape(len(kernel), *base).transpose(0, 3, 1, 2).reshape(len(kernel), -1)
        bias = bias.reshape(base).transpose(2, 0, 1).ravel()
    if bias is not None:
        put(theirs.bias, bias)
    if not hasattr(theirs, "parametrizations"):
        put(theirs.weight, kernel.transpose(order))
        return
    put(theirs.parametrizations.weight.original, kernel.transpose(order))
    left = ours.left_vector.numpy()
    right = kernel @ left
    if right.ndim > 1:
        right = right.transpose(2, 0, 1).ravel()  # in PyTorch's order of a kernel's places
    put(theirs.parametrizations.weight[0]._u, left / np.linalg.norm(left))
    put(theirs.parametrizations.weight[0]._v, right / np.linalg.norm(right))


@pytest.mark.parametrize("name", NETWORKS)
def test_both_have_the_same_parameters_and_outputs(torch_networks, name):
    import torch

    keras.utils.set_random_seed(0)
    ours, theirs = NETWORKS[name](), torch_networks[name]
    count = sum(int(np.prod(weight.shape)) for weight in ours.trainable_weights)
    assert sum(p.numel() for p in theirs.parameters()) == count
    for mine, other in pairs(name, ours, theirs):
        copy_weights(mine, other, ours.base_shape if mine is getattr(ours, "dense", None) else None)
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=(4, *shape)).astype("float32") for shape in ours.input_shapes]
    expected = ours(*inputs)
    with torch.no_grad():
        made = theirs(*(torch.from_numpy(np.moveaxis(x, -1, 1).copy()) for x in inputs))
    for a, b in zip(
        made if isinstance(made, tuple) else (made,),
        expected if isinstance(expected, (tuple, list)) else (expected,),
        strict=True,
    ):
        right = np.moveaxis(np.asarray(b), -1, 1)
        np.testing.assert_allclose(a.numpy(), right, rtol=1e-4, atol=1e-4 * np.abs(right).max())

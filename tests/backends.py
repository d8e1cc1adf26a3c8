"""Outputs of every network, under the backend that KERAS_BACKEND names, from given weights.

As a command, for a process of its own: reads the weights in a file, writes outputs to another.

    KERAS_BACKEND=jax python tests/backends.py weights.npz outputs.npz
"""

import sys

import keras
import numpy as np

from gaae_tf.networks.attention import attend
from gaae_tf.networks.classifier import SimpleClassifier
from gaae_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gaae_tf.networks.decoder import Decoder
from gaae_tf.networks.discriminators import LatentDiscriminator, SampleDiscriminator
from gaae_tf.networks.encoder import Encoder
from gaae_tf.networks.features import FeatureNetwork, JointDiscriminator
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.networks.wavegan import WaveGANDiscriminator, WaveGANGenerator

BATCH, BINS, FRAMES, CODE = 6, 32, 16, 16
TOWER = {"bins": BINS, "frames": FRAMES, "channels": 2, "non_local_bins": 16}
DCGAN = {"bins": 64, "frames": 64, "channels": 2}


def simple_classifier():
    network = SimpleClassifier(3, seed=0)
    network.build((None, BINS, FRAMES, 1))
    return network


NETWORKS = {
    "encoder": lambda: Encoder(**TOWER, guided_dim=CODE, style_dim=CODE),
    "encoder_with_options": lambda: Encoder(
        **TOWER, guided_dim=CODE, style_dim=CODE, style_pooling="frames", frequency_axis="log"
    ),
    "decoder": lambda: Decoder(**TOWER, classes=3, style_dim=CODE),
    "decoder_with_options": lambda: Decoder(
        **TOWER, classes=3, style_dim=CODE, class_biases="orthogonal", frequency_axis="log"
    ),
    "generator_without_classes": lambda: Decoder(**TOWER, classes=None, style_dim=CODE),
    "sample_discriminator": lambda: SampleDiscriminator(**TOWER, classes=3),
    "latent_discriminator": lambda: LatentDiscriminator(CODE),
    "latent_discriminator_with_options": lambda: LatentDiscriminator(
        CODE, classes=3, spectral_norm=True
    ),
    "latent_classifier": lambda: LatentClassifier(3, CODE),
    "feature_network": lambda: FeatureNetwork(**TOWER, style_dim=CODE),
    "joint_discriminator": lambda: JointDiscriminator(**TOWER, style_dim=CODE),
    "wavegan_generator": lambda: WaveGANGenerator(4096, channels=2, style_dim=CODE),
    "wavegan_discriminator": lambda: WaveGANDiscriminator(4096, channels=2),
    "specgan_generator": lambda: DCGANGenerator(
        **DCGAN, style_dim=CODE, kernel_size=(5, 5), wide_base=True, spectral_norm=False
    ),
    "tifgan_discriminator": lambda: DCGANDiscriminator(
        **DCGAN, kernel_size=(12, 3), spectral_norm=True
    ),
    "simple_classifier": simple_classifier,
}


def outputs(name, network):
    """What the network makes of fixed inputs, in use and in training."""
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(BATCH, *shape)).astype("float32") for shape in network.input_shapes]
    inputs = [keras.ops.convert_to_tensor(values) for values in inputs]
    without = name == "simple_classifier"  # which knows no training
    result = {}
    for use in ({},) if without else ({"training": False}, {"training": True}):
        made = network(*inputs, **use)
        for i, values in enumerate(made if isinstance(made, (tuple, list)) else (made,)):
            key = f"{name} {i} {'in training' if use.get('training') else 'in use'}"
            result[key] = keras.ops.convert_to_numpy(values)
    return result


def attention_in_parts():
    """Mixtures and gradients of non-local attention whose map is made in four parts a sample."""
    rng = np.random.default_rng(0)
    shapes = [(3, 8, 2), (3, 6, 2), (3, 6, 4), (3, 8, 4)]
    *inputs, upstream = (rng.normal(size=shape).astype("float32") for shape in shapes)

    def attention(*inputs):
        return attend(*inputs, largest_part=12)

    if keras.backend.backend() == "jax":
        import jax

        mixture, gradients_of = jax.vjp(attention, *inputs)
        gradients = gradients_of(upstream)
    elif keras.backend.backend() == "torch":
        import torch

        inputs = [torch.tensor(values, requires_grad=True) for values in inputs]
        mixture = attention(*inputs)
        gradients = torch.autograd.grad(mixture, inputs, torch.tensor(upstream))
    else:
        import tensorflow as tf

        inputs = [tf.constant(values) for values in inputs]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            mixture = attention(*inputs)
        gradients = tape.gradient(mixture, inputs, output_gradients=upstream)
    found = {"mixture": mixture} | dict(zip(("theta", "phi", "g"), gradients, strict=True))
    return {
        f"attention {name}": keras.ops.convert_to_numpy(values) for name, values in found.items()
    }


def main(weights_file, outputs_file):
    weights, result = np.load(weights_file), attention_in_parts()
    for name, make in NETWORKS.items():
        network = make()
        for i, weight in enumerate(network.weights):
            weight.assign(weights[f"{name} {i}"])
        result |= outputs(name, network)
    np.savez(outputs_file, **result)


if __name__ == "__main__":
    main(*sys.argv[1:])

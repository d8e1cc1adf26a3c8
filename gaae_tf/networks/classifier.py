"""The simple spectrogram classifier (paper A-E, Table XXIV; METHOD §4).

Four 3×3 convolutions of 32, 64, 128 and 256 channels, each with ReLU and a 2×2 max pool, then one
dense layer: 715,530 parameters for 256×128 spectrograms and ten classes. The table says nothing of
padding, activation or initialisation: "same" follows from its sizes, ReLU and Glorot are ours.
"""

from typing import Any

import keras
from keras import ops

from gaae_tf.networks.geometry import CLASSIFIER_CHANNELS, check_classifier_size
from gaae_tf.networks.saving import Saved


class SimpleClassifier(Saved, keras.Model):
    """Gives class logits of spectrograms.

    Args:
        classes: Number of classes, at least 2.
        seed: Seed of the initial weights: equal seeds give equal weights.

    Call arguments:
        spectrograms: [batch, bins, frames, 1] in [-1, 1]; bins and frames at least 16.
        return_features: Whether to give the penultimate features too: the last pooled map, averaged
            over its positions. (The dense layer reads that map flat, but 32,768 numbers a clip at
            256×128 are more than any covariance can be estimated for.)

    Returns:
        Logits, float32 [batch, classes]; or these and features, float32 [batch, 256], all ≥ 0.
    """

    def __init__(self, classes: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if classes < 2:
            raise ValueError(f"classes must be at least 2; received {classes}.")
        self.classes = classes
        self.seed = seed
        # One initialiser a layer: layers of equal shape would else start with equal weights.
        initializers = [
            keras.initializers.GlorotUniform(seed=(len(CLASSIFIER_CHANNELS) + 1) * seed + layer)
            for layer in range(len(CLASSIFIER_CHANNELS) + 1)
        ]
        self.convolutions = [
            keras.layers.Conv2D(
                channels,
                3,
                padding="same",
                kernel_initializer=initializer,
                dtype=self.dtype_policy,
                name=f"convolution_{channels}",
            )
            for channels, initializer in zip(CLASSIFIER_CHANNELS, initializers, strict=False)
        ]
        self.pool = keras.layers.MaxPooling2D(2, dtype=self.dtype_policy)
        self.flatten = keras.layers.Flatten(dtype=self.dtype_policy)
        # float32 under any policy: the loss and every score are taken from the logits.
        self.head = keras.layers.Dense(
            classes, kernel_initializer=initializers[-1], dtype="float32", name="logits"
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights for spectrograms of `input_shape`, [batch, bins, frames, 1]."""
        if len(input_shape) != 4:
            raise ValueError(
                f"spectrograms must be [batch, bins, frames, 1]; received {tuple(input_shape)}."
            )
        check_classifier_size(*input_shape[1:3])
        shape = tuple(input_shape)
        for convolution in self.convolutions:
            convolution.build(shape)
            shape = self.pool.compute_output_shape(convolution.compute_output_shape(shape))
        self.head.build(self.flatten.compute_output_shape(shape))
        self.input_shapes = (tuple(input_shape[1:]),)  # of the inputs of one example
        self.built = True

    def call(self, spectrograms, return_features: bool = False):
        """Gives logits, and with `return_features` the penultimate features after them."""
        x = spectrograms
        for convolution in self.convolutions:
            # ReLU after the pool: the same values as before it, in half the time on a CPU.
            x = ops.relu(self.pool(convolution(x)))
        logits = self.head(self.flatten(x))
        if not return_features:
            return logits
        return logits, ops.mean(ops.cast(x, "float32"), axis=(1, 2))

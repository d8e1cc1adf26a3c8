"""Devices and precision: which strategy runs the training, and in which arithmetic."""

from __future__ import annotations

import time

import tensorflow as tf

from gaae_tf.config import TrainConfig


def make_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of `--strategy`: "one", "mirrored" (all GPUs), or "auto".

    Raises:
        ValueError: mirrored was asked for and there are not two GPUs.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" and len(gpus) < 2:
        raise ValueError(f"--strategy=mirrored needs at least 2 GPUs, found {len(gpus)}")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    return tf.distribute.get_strategy()


def resolve_precision(config: TrainConfig) -> str:
    """The Keras dtype policy of `--precision`; "auto" looks at the hardware."""
    if config.precision != "auto":
        return config.precision
    if tf.config.list_logical_devices("GPU"):
        return "mixed_float16"
    seconds = {dtype: _convolution_seconds(dtype) for dtype in (tf.float32, tf.bfloat16)}
    # Half precision must earn its rounding: a tie goes to float32.
    faster = seconds[tf.bfloat16] < 0.8 * seconds[tf.float32]
    return "mixed_bfloat16" if faster else "float32"


def _convolution_seconds(dtype: tf.DType) -> float:
    """Best of five timings of a convolution with its gradient, as training does them."""
    x = tf.ones([8, 64, 32, 32], dtype)
    kernel = tf.ones([3, 3, 32, 32], dtype)

    @tf.function
    def convolve():
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.nn.conv2d(x, kernel, 1, "SAME")
        return [tf.reduce_sum(tf.cast(g, tf.float32)) for g in tape.gradient(y, [x, kernel])]

    timings = []
    for _ in range(6):
        start = time.perf_counter()
        [value.numpy() for value in convolve()]
        timings.append(time.perf_counter() - start)
    return min(timings[1:])

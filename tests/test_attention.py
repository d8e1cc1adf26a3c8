import math

import numpy as np
import pytest
import tensorflow as tf

from gaae_tf.networks.attention import NonLocalBlock, attend


def built(largest_part=2**22, channels=8, gain=1.0, spectral_norm=False):
    layer = NonLocalBlock(spectral_norm=spectral_norm, largest_part=largest_part)
    layer.build((None, 6, 4, channels))
    layer.gain.assign(gain)
    return layer


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(2, 6, 4, 8)).astype("float32")


def test_it_is_the_identity_at_initialisation(x):
    layer = NonLocalBlock()
    assert np.array_equal(np.asarray(layer(x)), x)


def test_it_equals_attention_written_out_in_numpy(x):
    layer = built(gain=0.5)
    kernel = {
        name: np.asarray(getattr(layer, name).kernel)[0, 0] for name in ("theta", "phi", "g", "out")
    }

    def pooled(values):
        return values.reshape(2, 3, 2, 2, 2, -1).max(axis=(2, 4)).reshape(2, 6, -1)

    theta = (x @ kernel["theta"]).reshape(2, 24, -1)
    phi, g = pooled(x @ kernel["phi"]), pooled(x @ kernel["g"])
    scores = np.exp(theta @ phi.transpose(0, 2, 1))
    weights = scores / scores.sum(-1, keepdims=True)
    expected = x + 0.5 * ((weights @ g) @ kernel["out"]).reshape(x.shape)
    assert np.asarray(layer(x)) == pytest.approx(expected, abs=1e-5)


def test_parts_change_neither_the_blocks_output_nor_its_gradients(x):
    whole, in_parts = built(), built(largest_part=50)
    in_parts.set_weights(whole.get_weights())
    results = []
    for layer in (whole, in_parts):
        with tf.GradientTape() as tape:
            out = layer(x)
            loss = tf.reduce_sum(tf.sin(out))
        results.append((out, tape.gradient(loss, [w.value for w in layer.trainable_variables])))
    (out_1, gradients_1), (out_2, gradients_2) = results
    assert np.allclose(out_1, out_2, atol=1e-5)
    for a, b in zip(gradients_1, gradients_2, strict=True):
        assert np.allclose(a, b, atol=1e-4)


BATCH, QUERIES, KEYS, D, V = 5, 12, 6, 3, 4
MAP = QUERIES * KEYS
# How the map of the batch is parted: whole; samples in groups of 2, 2 and 1, and one by one; a
# sample's queries in parts of 4; and one query at a time, which may be more than is asked for.
PARTS = {"whole": BATCH * MAP, "groups": 2 * MAP, "samples": MAP, "queries": 30, "query": 1}


def inputs(dtype="float32"):
    rng = np.random.default_rng(1)
    shapes = [(BATCH, QUERIES, D), (BATCH, KEYS, D), (BATCH, KEYS, V), (BATCH, QUERIES, V)]
    return [tf.cast(2.0 * rng.normal(size=shape), dtype) for shape in shapes]


def naive(theta, phi, g):
    """Softmax(θ·φᵀ)·g in float32, whose gradient TensorFlow finds."""
    theta, phi, wide = (tf.cast(x, tf.float32) for x in (theta, phi, g))
    weights = tf.nn.softmax(tf.einsum("bqd,bkd->bqk", theta, phi), axis=-1)
    return tf.cast(tf.einsum("bqk,bkv->bqv", weights, wide), g.dtype)


def with_gradients(function, theta, phi, g, upstream):
    with tf.GradientTape() as tape:
        tape.watch([theta, phi, g])
        out = function(theta, phi, g)
    return [out, *tape.gradient(out, [theta, phi, g], output_gradients=upstream)]


# Of half precision, results are float32's, rounded once.
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("bfloat16", 2.0**-8)])
@pytest.mark.parametrize("how", ["eager", "graph", "graph without sizes", "xla"])
@pytest.mark.parametrize("largest_part", PARTS.values(), ids=PARTS)
def test_outputs_and_gradients_are_the_whole_maps(largest_part, how, dtype, rtol):
    values = inputs(dtype)
    expected = with_gradients(naive, *values)

    def run(*values):
        return with_gradients(lambda *three: attend(*three, largest_part), *values)

    if how == "graph without sizes":
        free = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in values]
        run = tf.function(run, input_signature=free)
    elif how != "eager":
        run = tf.function(run, jit_compile=how == "xla")
    for made, right in zip(run(*values), expected, strict=True):
        assert made.dtype == dtype
        right = np.asarray(tf.cast(right, tf.float32))
        atol = rtol * np.abs(right).max()
        np.testing.assert_allclose(tf.cast(made, tf.float32), right, rtol=rtol, atol=atol)


def largest_array(function, *specs):
    """Elements of the largest array that a function's graph makes, loops and all."""
    graph = tf.function(function).get_concrete_function(*specs).graph.as_graph_def(add_shapes=True)
    nodes = [*graph.node, *(node for part in graph.library.function for node in part.node_def)]
    shapes = [shape for node in nodes for shape in node.attr["_output_shapes"].list.shape]
    return max(math.prod(axis.size for axis in shape.dim) for shape in shapes)


def test_neither_pass_makes_an_array_larger_than_a_part():
    batch, queries, keys, largest_part = 6, 512, 128, 2**15
    sizes = [(queries, 2), (keys, 2), (keys, 8), (queries, 8)]
    specs = [tf.TensorSpec([batch, *size]) for size in sizes]
    whole = largest_array(lambda *values: with_gradients(naive, *values), *specs)
    assert whole == batch * queries * keys
    parts = largest_array(
        lambda *values: with_gradients(lambda *three: attend(*three, largest_part), *values), *specs
    )
    assert parts == largest_part


def test_spectral_form_normalises_its_projections(x):
    layer = built(spectral_norm=True)
    for _ in range(50):
        layer(x, training=True)
    kernel = np.asarray(layer.theta.spectral_kernel()).reshape(8, -1)
    assert np.linalg.svd(kernel, compute_uv=False)[0] == pytest.approx(1.0, abs=1e-3)

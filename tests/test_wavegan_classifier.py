import keras
import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from gaae_tf.networks.wavegan_classifier import WaveganClassifier, mel_matrix


def noise(clips, samples, seed=0):
    """Noise whose level falls along the clip, so that order and padding of frames show."""
    rng = np.random.default_rng(seed)
    fall = np.geomspace(0.3, 0.003, samples)
    return (fall * rng.normal(size=(clips, samples))).astype(np.float32)


def random_weights(shapes, seed=0):
    """Weights by their names in the authors' checkpoint; none is what a new network has."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        kind = name.rsplit("/", 1)[1]
        if kind == "kernel":
            value = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
        elif kind in ("gamma", "moving_variance"):
            value = rng.uniform(0.5, 1.5, shape)
        else:
            value = rng.normal(0.0, 0.3, shape)
        if name == "classifier/batch_normalization/moving_mean":
            value = value - 3.0  # where log-magnitudes are
        weights[name] = value.astype(np.float32)
    return weights


def shapes_at(positions, classes):
    """The authors' variables; `positions` are those of the last pooled map, 8 × 8 in theirs."""
    flat, shapes = positions * 128, {}
    norms = [("", 128), ("_1", 128), ("_2", 128), ("_3", 128), ("_4", flat)]
    for suffix, size in norms:
        for kind in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"classifier/batch_normalization{suffix}/{kind}"] = (size,)
    for suffix, channels in (("", 1), ("_1", 128), ("_2", 128), ("_3", 128)):
        shapes[f"classifier/conv2d{suffix}/kernel"] = (5, 5, channels, 128)
        shapes[f"classifier/conv2d{suffix}/bias"] = (128,)
    return shapes | {
        "classifier/dense/kernel": (flat, classes),
        "classifier/dense/bias": (classes,),
    }


def independent_logits(audio, weights, window=1024, hop=128, fft_size=1024, rate_hz=16000):
    """The network in float64 NumPy and SciPy: logits [classes] and features [128] of one clip."""

    def normalised(x, suffix):
        gamma, beta, mean, variance = (
            weights[f"classifier/batch_normalization{suffix}/{kind}"].astype(np.float64)
            for kind in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta

    frames = -(-len(audio) // hop)
    padded = np.concatenate([audio.astype(np.float64), np.zeros(window)])
    padded = padded[: (frames - 1) * hop + window]
    hann = scipy.signal.get_window("hann", window, fftbins=True)
    _, _, spectrum = scipy.signal.stft(
        padded, window=hann, nperseg=window, noverlap=window - hop, nfft=fft_size,
        boundary=None, padded=False,
    )  # fmt: skip
    magnitude = np.abs(spectrum.T) * hann.sum()  # SciPy divides by the window's sum
    mel = tf.signal.linear_to_mel_weight_matrix(
        128, fft_size // 2 + 1, rate_hz, 40.0, 0.4875 * rate_hz, tf.float64
    )
    x = normalised(np.log(magnitude @ mel.numpy() + 1e-6), "")[..., None]
    for layer, suffix in enumerate(("", "_1", "_2", "_3")):
        kernel = weights[f"classifier/conv2d{suffix}/kernel"].astype(np.float64)
        height, width = x.shape[:2]
        around = np.pad(x, ((2, 2), (2, 2), (0, 0)))
        y = np.zeros((height, width, 128)) + weights[f"classifier/conv2d{suffix}/bias"]
        for i in range(5):
            for j in range(5):
                y += around[i : i + height, j : j + width] @ kernel[i, j]
        y = np.maximum(y, 0.0)[: height // 2 * 2, : width // 2 * 2]
        x = y.reshape(height // 2, 2, width // 2, 2, 128).max(axis=(1, 3))
        if layer < 3:
            x = normalised(x, f"_{layer + 1}")
    flat = normalised(x.ravel(), "_4")
    logits = flat @ weights["classifier/dense/kernel"] + weights["classifier/dense/bias"]
    return logits, x.mean(axis=(0, 1))


def set_weights(model, weights):
    for i, norm in enumerate(model.norms):
        name = f"classifier/batch_normalization{f'_{i}' if i else ''}"
        kinds = ("gamma", "beta", "moving_mean", "moving_variance")
        norm.set_weights([weights[f"{name}/{kind}"] for kind in kinds])
    for i, convolution in enumerate(model.convolutions):
        name = f"classifier/conv2d{f'_{i}' if i else ''}"
        convolution.set_weights([weights[f"{name}/kernel"], weights[f"{name}/bias"]])
    model.head.set_weights([weights["classifier/dense/kernel"], weights["classifier/dense/bias"]])


@pytest.mark.parametrize(
    ("rate_hz", "bins", "lowest_hz", "highest_hz"),
    [(16000, 513, 40.0, 7800.0), (8000, 513, 40.0, 3900.0), (44100, 2049, 0.0, 22050.0)],
)
def test_mel_matrix_is_tf_signals(rate_hz, bins, lowest_hz, highest_hz):
    expected = tf.signal.linear_to_mel_weight_matrix(
        128, bins, rate_hz, lowest_hz, highest_hz, tf.float64
    )
    actual = mel_matrix(128, bins, rate_hz, lowest_hz, highest_hz)
    np.testing.assert_allclose(actual, expected, atol=1e-12)


def test_mel_triangles_overlap_to_one_and_peak_where_htk_says():
    weights = mel_matrix(4, 8001, 16000, 100.0, 4000.0)  # bins 1 Hz apart
    edges = np.linspace(1127 * np.log(1 + 100 / 700), 1127 * np.log(1 + 4000 / 700), 6)
    edges_hz = 700 * (np.exp(edges / 1127) - 1)
    assert np.abs(weights.argmax(axis=0) - edges_hz[1:-1]).max() <= 0.5
    between = slice(int(edges_hz[1]) + 1, int(edges_hz[4]))
    np.testing.assert_allclose(weights[between].sum(axis=1), 1.0)  # one falls as the next rises
    assert not weights[:100].any()
    assert not weights[4001:].any()


def test_a_mel_edge_above_nyquist_is_named():
    with pytest.raises(ValueError, match=r"lowest < highest <= 4000, .* received 40 and 7800"):
        mel_matrix(128, 513, 8000, 40.0, 7800.0)


@pytest.mark.parametrize("samples", [16384, 16000, 2047])
def test_log_mel_is_tf_signals_stft_with_padding_at_the_end(samples):
    audio = noise(2, samples)
    magnitude = np.abs(tf.signal.stft(audio, 1024, 128, pad_end=True))
    mel = tf.signal.linear_to_mel_weight_matrix(128, 513, 16000, 40.0, 7800.0)
    log_mel = WaveganClassifier(10).log_mel(audio)
    assert log_mel.shape == (2, -(-samples // 128), 128)
    np.testing.assert_allclose(log_mel, np.log(magnitude @ mel.numpy() + 1e-6), atol=1e-4)


def test_silence_is_the_logarithm_of_the_offset():
    log_mel = WaveganClassifier(10).log_mel(np.zeros((1, 2048), np.float32))
    np.testing.assert_allclose(log_mel, np.log(1e-6), rtol=1e-6)


@pytest.mark.parametrize("rate_hz", [1000, 8000, 11025, 16000, 44100, 48000])
def test_at_every_rate_frames_are_8_ms_apart_and_a_tone_is_in_its_own_mel_bin(rate_hz):
    model = WaveganClassifier(2, rate_hz)
    tone_hz = 0.3 * rate_hz
    audio = np.sin(2 * np.pi * tone_hz * np.arange(rate_hz) / rate_hz)[None].astype(np.float32)
    log_mel = model.log_mel(audio).numpy()
    assert log_mel.shape[1] in (125, 126)
    assert (log_mel[0, 40] > np.log(1e-6)).all()  # no mel bin is empty
    mels = 1127 * np.log(1 + np.array([40.0, tone_hz, 0.4875 * rate_hz]) / 700)
    expected = (mels[1] - mels[0]) / (mels[2] - mels[0]) * 129 - 1
    assert log_mel[0, 40].argmax() == pytest.approx(expected, abs=1.0)


def test_weight_counts_at_the_authors_size():
    model = WaveganClassifier(10)
    model.build((None, 16384))
    # Convolutions 25·in·out + out; 8 × 8 × 128 flat to 10 classes; gain and shift of each norm.
    convolutions = (25 * 128 + 128) + 3 * (25 * 128 * 128 + 128)
    norms = 2 * (4 * 128 + 8192)
    trainable = sum(weight.numpy().size for weight in model.trainable_weights)
    assert trainable == convolutions + norms + 8192 * 10 + 10 == 1_331_850
    assert model.count_params() == trainable + norms == 1_349_258


@pytest.mark.parametrize(
    ("rate_hz", "samples", "positions", "transform"),
    [(16000, 4000, 16, {}), (8000, 3001, 16, {"window": 512, "hop": 64, "rate_hz": 8000})],
)
def test_agrees_with_an_independent_forward_pass(rate_hz, samples, positions, transform):
    audio = noise(1, samples)
    weights = random_weights(shapes_at(positions, classes=3))
    model = WaveganClassifier(3, rate_hz)
    model.build(audio.shape)
    set_weights(model, weights)
    logits, features = model(audio, return_features=True)
    expected_logits, expected_features = independent_logits(audio[0], weights, **transform)
    assert np.ptp(expected_logits) > 0.1
    np.testing.assert_allclose(logits[0], expected_logits, atol=1e-4)
    np.testing.assert_allclose(features[0], expected_features, atol=1e-4)
    np.testing.assert_allclose(model(audio), logits, atol=1e-6)


def test_training_alone_moves_the_batch_statistics():
    model = WaveganClassifier(2, 1000)
    audio = noise(3, 128)
    model(audio)
    moving = model.norms[0].moving_mean
    np.testing.assert_array_equal(moving, np.zeros(128))
    model(audio, training=True)
    expected = 0.1 * model.log_mel(audio).numpy().mean(axis=(0, 1))
    np.testing.assert_allclose(moving, expected, rtol=1e-4)


def test_config_round_trip_gives_the_same_network():
    model = WaveganClassifier(4, 8000, seed=3)
    twin = WaveganClassifier.from_config(model.get_config())
    audio = noise(2, 1024)
    np.testing.assert_array_equal(model(audio), twin(audio))
    assert not np.array_equal(model(audio), WaveganClassifier(4, 8000, seed=4)(audio))


def test_mixed_precision_keeps_audio_and_logits_in_float32():
    model = WaveganClassifier(3, 8000, dtype="mixed_bfloat16")
    audio = 1.0 + 1e-3 * noise(2, 1024)  # bfloat16 would round all of it to 1
    logits, features = model(audio, return_features=True)
    assert model.convolutions[1].compute_dtype == "bfloat16"
    assert logits.dtype == features.dtype == tf.float32
    exact = WaveganClassifier(3, 8000)
    np.testing.assert_allclose(exact.log_mel(audio), model.log_mel(audio))
    np.testing.assert_allclose(exact(audio), logits, atol=0.1)
    assert keras.mixed_precision.dtype_policy().name == "float32"


@pytest.mark.parametrize("shape", [(None, 1920), (None, 16384, 1)])
def test_too_short_audio_is_named(shape):
    with pytest.raises(ValueError, match="at least 1921 samples, which give 16 frames; received"):
        WaveganClassifier(3).build(shape)


def test_too_low_a_rate_is_named():
    with pytest.raises(ValueError, match="at least 1000; received 800"):
        WaveganClassifier(3, 800)

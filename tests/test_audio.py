"""Decoding one recording to one clip, against sines in closed form and hand-made files."""

import io

import numpy as np
import pytest
import soundfile

from gaae_tf.data.audio import BadAudio, decode_clip, from_int16, to_int16

RATE_HZ, SAMPLES = 16_000, 16_384


def sine(rate_hz, seconds=1.1, frequency_hz=440.0, amplitude=0.5):
    return amplitude * np.sin(
        2 * np.pi * frequency_hz * np.arange(int(seconds * rate_hz)) / rate_hz
    )


def encoded(audio, rate_hz=RATE_HZ, container="WAV", subtype=None):
    file = io.BytesIO()
    soundfile.write(file, audio, rate_hz, subtype, format=container)
    return file.getvalue()


def signal_to_error_db(clip, expected, edge=200):
    """Without the edges, where a resampler sees the recording begin."""
    error = (clip - expected)[edge:-edge]
    return 10 * np.log10(np.mean(expected**2) / np.mean(error**2))


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_gives_the_sine_that_was_recorded(rate_hz):
    clip = decode_clip(encoded(sine(rate_hz), rate_hz, subtype="FLOAT"), RATE_HZ, SAMPLES)
    assert clip.dtype == np.float32
    assert signal_to_error_db(clip, sine(RATE_HZ)[:SAMPLES]) > 90


def test_downsampling_removes_what_would_alias():
    tone = sine(44_100, frequency_hz=10_000.0)  # would come back at 6 kHz
    tone += sine(44_100, frequency_hz=1_000.0, amplitude=0.1)
    clip = decode_clip(encoded(tone, 44_100, subtype="FLOAT"), RATE_HZ, SAMPLES)
    expected = sine(RATE_HZ, frequency_hz=1_000.0, amplitude=0.1)[:SAMPLES]
    assert signal_to_error_db(clip, expected) > 80


@pytest.mark.parametrize(
    ("container", "subtype", "least_db"),
    [
        ("WAV", "PCM_16", 85),
        ("WAV", "PCM_24", 120),
        ("WAV", "PCM_32", 120),
        ("WAV", "DOUBLE", 120),
        ("WAV", "PCM_U8", 35),
        ("WAVEX", "PCM_16", 85),
        ("AIFF", "PCM_24", 120),
        ("FLAC", "PCM_24", 120),
        ("CAF", "FLOAT", 120),
        ("AU", "ULAW", 30),
        ("OGG", "VORBIS", 25),
        ("MP3", "MPEG_LAYER_III", 25),
    ],
)
def test_formats_give_the_sine_as_exactly_as_their_bits_allow(container, subtype, least_db):
    clip = decode_clip(encoded(sine(RATE_HZ), RATE_HZ, container, subtype), RATE_HZ, SAMPLES)
    assert signal_to_error_db(clip, sine(RATE_HZ)[:SAMPLES]) > least_db


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(channels):
    gains = np.arange(1, channels + 1) / 10
    audio = sine(RATE_HZ)[:, np.newaxis] * gains
    clip = decode_clip(encoded(audio, subtype="FLOAT"), RATE_HZ, SAMPLES)
    np.testing.assert_allclose(clip, sine(RATE_HZ)[:SAMPLES] * gains.mean(), atol=1e-6)


def test_a_short_recording_is_padded_with_zeros_at_its_end():
    clip = decode_clip(encoded(np.array([0.25, -0.5, 0.75])), RATE_HZ, 6)
    assert clip.tolist() == [0.25, -0.5, 0.75, 0.0, 0.0, 0.0]


def test_a_long_recording_is_cut_to_what_its_whole_would_have_given():
    recording = np.random.default_rng(0).uniform(-0.5, 0.5, 5 * 44_100)
    whole = decode_clip(encoded(recording, 44_100), RATE_HZ, 5 * RATE_HZ)
    clip = decode_clip(encoded(recording, 44_100), RATE_HZ, SAMPLES)
    np.testing.assert_allclose(clip, whole[:SAMPLES], atol=1e-5)


def test_a_path_gives_what_its_bytes_give(tmp_path):
    path = tmp_path / "ein Ton 音 ♪.flac"
    path.write_bytes(encoded(sine(RATE_HZ), container="FLAC"))
    np.testing.assert_array_equal(
        decode_clip(path, RATE_HZ, SAMPLES), decode_clip(path.read_bytes(), RATE_HZ, SAMPLES)
    )


def with_sample(value):
    audio = sine(RATE_HZ)
    audio[1000] = value
    return encoded(audio, subtype="FLOAT")


def cut(data, share=0.5):
    return data[: int(len(data) * share)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"This is no audio at all. " * 50, "broken: Format not recognised"),
        (encoded(np.zeros(0)), "empty: no samples"),
        (encoded(np.zeros(1000)), "silent"),
        (encoded(np.full(1000, 0.25)), "silent"),  # direct current is as silent
        (encoded(np.concatenate([np.zeros(20_000), sine(RATE_HZ)])), "silent"),  # sounds too late
        (with_sample(np.nan), "non-finite"),
        (with_sample(np.inf), "non-finite"),
        (with_sample(-32768.0), "samples up to 3.28e\\+04, full scale is 1"),
        (cut(encoded(sine(RATE_HZ))), "truncated"),
        (cut(encoded(sine(RATE_HZ), container="AIFF")), "truncated"),
        (cut(encoded(sine(RATE_HZ), container="FLAC")), "broken|truncated"),
        (cut(encoded(sine(RATE_HZ), container="OGG")), "broken|truncated|empty"),
        (cut(encoded(sine(RATE_HZ)), 0.001), "broken"),  # inside the header
    ],
)
def test_unusable_recordings_are_told_apart(data, reason):
    with pytest.raises(BadAudio, match=reason):
        decode_clip(data, RATE_HZ, SAMPLES)


def test_a_missing_file_is_bad_audio_without_its_path_in_the_reason(tmp_path):
    with pytest.raises(BadAudio, match=r"^unreadable: No such file or directory$"):
        decode_clip(tmp_path / "absent.wav", RATE_HZ, SAMPLES)


def test_a_wav_cut_beyond_the_clip_is_taken():
    data = cut(encoded(sine(RATE_HZ, seconds=10.0)))
    np.testing.assert_allclose(
        decode_clip(data, RATE_HZ, SAMPLES), sine(RATE_HZ)[:SAMPLES], atol=2**-15
    )


def test_a_wav_of_a_stream_that_did_not_know_its_length_is_taken():
    data = bytearray(encoded(sine(RATE_HZ)))
    data[40:44] = b"\xff\xff\xff\xff"  # size of the chunk "data"
    assert np.abs(decode_clip(bytes(data), RATE_HZ, SAMPLES)).max() == pytest.approx(0.5, abs=1e-3)


def test_sixteen_bit_samples_survive_the_round_trip():
    every = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_int16(from_int16(every)), every)


def test_sixteen_bit_conversion_rounds_and_saturates():
    steps = np.float32([0.49, 0.51, -0.49, -0.51, 40000.0, -40000.0]) / np.float32(32768)
    assert to_int16(steps).tolist() == [0, 1, 0, -1, 32767, -32768]

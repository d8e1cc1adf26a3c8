"""Decoding one recording to one clip, against sines in closed form and hand-made files."""

import io

import numpy as np
import pytest
import soundfile
import soxr

from gaae_tf.data.audio import (
    BadAudio,
    decode_clip,
    decode_clips,
    duration_s,
    from_int16,
    to_int16,
)

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
    # Ogg streams bear a drawn serial number, and processes that share tests must name them alike.
    ids=[
        "empty file",
        "text",
        "no samples",
        "zeros",
        "direct current",
        "late",
        "NaN",
        "infinite",
        "full scale of integers",
        "WAV cut",
        "AIFF cut",
        "FLAC cut",
        "Ogg cut",
        "header cut",
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


def noise(samples, channels=1):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, [samples, channels])
    return audio.astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 44_101, 48_000])
def test_a_clip_from_within_is_cut_out_of_the_resampled_recording(rate_hz):
    recording = noise(4 * rate_hz)
    whole = recording
    if rate_hz != RATE_HZ:
        whole = soxr.resample(recording, rate_hz, RATE_HZ, quality="HQ")
    data = encoded(recording, rate_hz, subtype="FLOAT")
    for start_s in (0.001, 0.25, 1.23456, 2.0, 3.5):
        clip = decode_clip(data, RATE_HZ, RATE_HZ, start_s)
        start = round(start_s * RATE_HZ)
        expected = whole[start : start + RATE_HZ, 0]
        np.testing.assert_allclose(clip[: len(expected)], expected, atol=2e-6)
        assert not clip[len(expected) :].any()


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_24"),
        ("WAV", "FLOAT"),
        ("WAV", "IMA_ADPCM"),
        ("AIFF", "PCM_24"),
        ("AU", "ULAW"),
        ("AU", "G721_32"),  # libsndfile cannot seek in it
        ("CAF", "ALAC_20"),  # nor finds the place in this
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),  # nor in this
        ("OGG", "OPUS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_entered_at_the_very_sample(container, subtype, channels):
    if subtype == "G721_32" and channels == 2:
        pytest.skip("mono only")
    recording = noise(10 * RATE_HZ, channels)
    data = encoded(recording, container=container, subtype=subtype)
    whole = decode_clip(data, RATE_HZ, 11 * RATE_HZ)
    starts_s = [9.5, 0.0, 3.0, 3.0, 3.5, 1.00003, 7.0, 1.5]  # in any order, some overlapping
    clips = decode_clips(data, RATE_HZ, RATE_HZ, starts_s)
    for start_s, clip in zip(starts_s, clips, strict=True):
        start = round(start_s * RATE_HZ)
        np.testing.assert_array_equal(clip, whole[start : start + RATE_HZ])
        np.testing.assert_array_equal(clip, decode_clip(data, RATE_HZ, RATE_HZ, start_s))


def test_clips_of_one_file_equal_those_taken_alone_also_when_resampled():
    data = encoded(noise(3 * 44_100), 44_100, "FLAC")
    starts_s = [0.0, 0.5, 0.9, 2.25]
    clips = decode_clips(data, RATE_HZ, SAMPLES, starts_s)
    for start_s, clip in zip(starts_s, clips, strict=True):
        np.testing.assert_array_equal(clip, decode_clip(data, RATE_HZ, SAMPLES, start_s))


def test_each_clip_of_a_file_fails_for_itself():
    recording = noise(5 * RATE_HZ)
    recording[RATE_HZ : 2 * RATE_HZ] = 0.0
    recording[2 * RATE_HZ] = np.nan
    data = encoded(recording, subtype="FLOAT")
    clips = decode_clips(data, RATE_HZ, RATE_HZ, [0.0, 1.0, 2.0, 3.0, 5.0, 60.0])
    reasons = [str(clip) if isinstance(clip, BadAudio) else "" for clip in clips]
    assert reasons == [
        "",
        "silent: all samples of the 1.000 s from 1.000 s on are equal at 16 bits",
        "non-finite samples",
        "",
        "starts at 5.000 s, the recording has 5.000 s",
        "starts at 60.000 s, the recording has 5.000 s",
    ]


def test_a_file_that_cannot_be_read_fails_for_all_its_clips():
    clips = decode_clips(b"no audio", RATE_HZ, SAMPLES, [0.0, 1.0])
    assert [type(clip) for clip in clips] == [BadAudio, BadAudio]


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("rate_hz", [8_000, RATE_HZ])
def test_a_clip_cannot_start_behind_the_end(container, rate_hz):
    data = encoded(sine(rate_hz, seconds=2.0), rate_hz, container)
    with pytest.raises(BadAudio, match=r"^starts at 2\.500 s, the recording has 2\.000 s$"):
        decode_clip(data, RATE_HZ, SAMPLES, 2.5)


@pytest.mark.parametrize("start_s", [1.0, 3.0])
def test_a_clip_from_within_what_is_cut_off_is_truncated(start_s):
    data = cut(encoded(sine(RATE_HZ, seconds=4.0)), 0.49)
    with pytest.raises(BadAudio, match="truncated: 31348 of at least "):
        decode_clip(data, RATE_HZ, SAMPLES, start_s)


def test_clips_behind_damage_are_those_taken_alone():
    data = bytearray(encoded(noise(10 * RATE_HZ), container="FLAC"))
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    starts_s = [0.0, 2.0, 5.0, 7.0]

    def of(clip):
        return str(clip) if isinstance(clip, BadAudio) else clip.tolist()

    def alone(start_s):
        try:
            return decode_clip(bytes(data), RATE_HZ, RATE_HZ, start_s)
        except BadAudio as error:
            return error

    clips = decode_clips(bytes(data), RATE_HZ, RATE_HZ, starts_s)
    assert [of(clip) for clip in clips] == [of(alone(start_s)) for start_s in starts_s]
    assert not isinstance(clips[3], BadAudio)


def test_a_start_before_the_beginning_is_a_mistake():
    with pytest.raises(ValueError, match=r"start_s must be 0 or more, not -0\.5"):
        decode_clip(encoded(sine(RATE_HZ)), RATE_HZ, SAMPLES, -0.5)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_duration_is_that_of_the_recording(container, tmp_path):
    data = encoded(sine(22_050, seconds=3.25), 22_050, container)
    assert duration_s(data) == pytest.approx(3.25, abs=1e-4)
    (tmp_path / "sound").write_bytes(data)
    assert duration_s(tmp_path / "sound") == duration_s(data)


def of_unknown_length(flac):
    """The same file as an encoder writes it that cannot go back to the header."""
    flac = bytearray(flac)
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    return bytes(flac)


def test_a_flac_stream_that_did_not_know_its_length_is_taken():
    data = encoded(noise(RATE_HZ), container="FLAC")
    stream = of_unknown_length(data)
    assert duration_s(stream) == 1.0
    for start_s in (0.0, 0.5):
        np.testing.assert_array_equal(
            decode_clip(stream, RATE_HZ, SAMPLES, start_s),
            decode_clip(data, RATE_HZ, SAMPLES, start_s),
        )
    with pytest.raises(BadAudio, match=r"^starts at 2\.000 s, the recording has 1\.000 s$"):
        decode_clip(stream, RATE_HZ, SAMPLES, 2.0)


@pytest.mark.parametrize(("data", "reason"), [(b"", "empty file"), (b"no audio" * 99, "broken")])
def test_duration_of_what_is_no_audio_is_an_error(data, reason):
    with pytest.raises(BadAudio, match=reason):
        duration_s(data)


def test_sixteen_bit_samples_survive_the_round_trip():
    every = np.arange(-32768, 32768).astype(np.int16)
    np.testing.assert_array_equal(to_int16(from_int16(every)), every)


def test_sixteen_bit_conversion_rounds_and_saturates():
    steps = np.float32([0.49, 0.51, -0.49, -0.51, 40000.0, -40000.0]) / np.float32(32768)
    assert to_int16(steps).tolist() == [0, 1, 0, -1, 32767, -32768]


def test_channels_that_cancel_each_other_out_are_told():
    left = sine(2000)
    with pytest.raises(BadAudio, match="silent in mono: its channels cancel each other out"):
        decode_clip(encoded(np.stack([left, -left], axis=1)), RATE_HZ, 1000)

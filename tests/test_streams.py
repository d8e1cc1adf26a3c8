"""Recordings as encoders write them to a pipe: their headers do not tell how long they are."""

import io

import numpy as np
import pytest
import soundfile

from gaae_tf.data.audio import (
    BadAudio,
    decode_clip,
    decode_clips,
    decode_mono,
    decode_whole,
    duration_s,
)

RATE_HZ = 16_000
ENCODER_DELAY = 576  # samples before an MP3's first one that encoder and decoder leave in


def sound(seconds, rate_hz=RATE_HZ, channels=1):
    """A tone whose level rises and falls, [samples, channels]."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = 0.3 * np.sin(2 * np.pi * 330 * time_s) * (1 + np.sin(2 * np.pi * 3 * time_s)) / 2
    return np.stack([tone / (1 + channel) for channel in range(channels)], axis=1)


def encoded(audio, rate_hz=RATE_HZ, container="WAV", **options):
    file = io.BytesIO()
    soundfile.write(file, audio, rate_hz, format=container, **options)
    return file.getvalue()


def piped_wav(audio, size, rate_hz=RATE_HZ, subtype="PCM_16"):
    """With `size` for those of the file and of its samples."""
    data = bytearray(encoded(audio, rate_hz, subtype=subtype))
    place = data.index(b"data")
    data[4:8] = data[place + 4 : place + 8] = size.to_bytes(4, "little")
    return bytes(data)


def piped_flac(audio, rate_hz=RATE_HZ):
    """With no number of samples: 36 bits of STREAMINFO that end at byte 26."""
    data = bytearray(encoded(audio, rate_hz, "FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    return bytes(data)


def piped_mp3(audio, rate_hz=RATE_HZ, mode="CONSTANT"):
    """Without the first frame, which tells of the others."""
    data = encoded(audio, rate_hz, "MP3", bitrate_mode=mode, compression_level=0.5)
    second = data.index(data[:2], 4)  # the same sync word, version and layer
    assert b"Xing" in data[:second] or b"Info" in data[:second]
    return data[second:]


PIPED = {
    "flac": piped_flac,
    "wav of size 0": lambda *arguments: piped_wav(arguments[0], 0, *arguments[1:]),
    "wav of size -1": lambda *arguments: piped_wav(arguments[0], 2**32 - 1, *arguments[1:]),
    "mp3": piped_mp3,
    "mp3 of varying rate": lambda *arguments: piped_mp3(*arguments, mode="VARIABLE"),
}


def assert_same_sound(clip, audio, what):
    """MP3 is not exact, and begins with the encoder's delay."""
    delay, most = (ENCODER_DELAY, 0.1) if what.startswith("mp3") else (0, 1e-3)
    error = clip[delay : delay + len(audio)] - audio
    assert np.linalg.norm(error) < most * np.linalg.norm(audio)


@pytest.mark.parametrize("what", PIPED)
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seconds", [0.7, 3.0])
def test_they_are_read_to_their_end(what, rate_hz, channels, seconds):
    audio = sound(seconds, rate_hz, channels)
    data = PIPED[what](audio, rate_hz)
    clip = decode_clip(data, rate_hz, 4 * rate_hz)
    assert_same_sound(clip, audio.mean(axis=1), what)
    whole = decode_whole(data)
    assert (whole.sample_rate_hz, whole.audio.shape[1]) == (rate_hz, channels)
    assert duration_s(data) == len(whole.audio) / rate_hz == whole.length.seconds
    longest = 2 * 1152 / rate_hz + 1e-9 if what.startswith("mp3") else 0.0  # what encoders add
    assert seconds <= duration_s(data) <= seconds + longest
    assert not whole.length.is_told


@pytest.mark.parametrize("what", PIPED)
def test_clips_from_within_are_those_of_the_whole(what, tmp_path):
    data = PIPED[what](sound(3.0))
    whole = decode_whole(data).audio[:, 0]
    path = tmp_path / "sound"
    path.write_bytes(data)
    for source in (data, path):
        for start, clip in enumerate(decode_clips(source, RATE_HZ, 8000, (0.0, 1.0, 2.0))):
            np.testing.assert_array_equal(clip, whole[start * RATE_HZ :][:8000])
        with pytest.raises(BadAudio, match=r"starts at 5\.000 s, the recording has 3\.\d+ s"):
            decode_clip(source, RATE_HZ, 8000, 5.0)


@pytest.mark.parametrize("what", PIPED)
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_whole_recording_at_another_rate_is_one_long_clip(what, rate_hz):
    data = PIPED[what](sound(1.5, rate_hz, 2), rate_hz)
    mono, length = decode_mono(data, RATE_HZ)
    assert not length.is_told
    assert length.seconds == duration_s(data) == pytest.approx(len(mono) / RATE_HZ, abs=1e-4)
    np.testing.assert_array_equal(mono, decode_clip(data, RATE_HZ, len(mono)))


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("missing", [1, 40])
def test_an_mp3_that_ends_within_a_frame_is_truncated(mode, missing):
    data = piped_mp3(sound(3.0), mode=mode)[:-missing]
    with pytest.raises(BadAudio, match=r"truncated: \d+ of at least \d+ frames"):
        decode_clip(data, RATE_HZ, 4 * RATE_HZ)
    decode_clip(data, RATE_HZ, 2 * RATE_HZ)  # far from the cut


def test_tags_around_an_mp3_are_no_sound():
    data = piped_mp3(sound(1.0))
    title = b"ID3\x04\x00\x00\x00\x00\x02\x01" + b"\xff\xfb\x90" * 85 + b"\0\0"  # 257 bytes
    tagged = title + data + b"TAG".ljust(128, b"\xff")
    np.testing.assert_array_equal(decode_whole(tagged).audio, decode_whole(data).audio)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "MP3", "OGG", "AIFF"])
def test_a_header_that_tells_is_believed(container):
    data = encoded(sound(1.0), container=container)
    lengths = []
    decode_clips(data, RATE_HZ, 2 * RATE_HZ, [0.0], lengths.append)
    assert [tuple(length) for length in lengths] == [(1.0, True)]


def test_a_truncated_mp3_with_a_header_is_told():
    data = encoded(sound(3.0), container="MP3")
    with pytest.raises(BadAudio, match="truncated"):
        decode_clip(data[: len(data) // 2], RATE_HZ, 4 * RATE_HZ)


@pytest.mark.parametrize("what", PIPED)
def test_a_clip_that_ends_before_the_recording_has_a_length_that_nobody_asked_for(what):
    lengths = []
    decode_clips(PIPED[what](sound(3.0)), RATE_HZ, RATE_HZ, [0.0], lengths.append)
    assert [length.is_told for length in lengths] == [True]


def test_a_wav_that_is_empty_stays_so():
    data = encoded(sound(0.0))
    for trailing in (b"", b"LIST\x04\x00\x00\x00INFO"):
        with pytest.raises(BadAudio, match="empty: no samples"):
            decode_clip(data + trailing, RATE_HZ, RATE_HZ)


def test_what_is_too_long_for_memory_is_told_before_it_is_read_whole(monkeypatch):
    """A megabyte of FLAC may hold hours of silence."""
    monkeypatch.setattr("gaae_tf.data.audio._MOST_SAMPLES", 40_000)
    assert len(decode_whole(encoded(sound(1.2, channels=2), container="FLAC")).audio) == 19_200
    for data in (encoded(sound(1.3, channels=2), container="FLAC"), piped_flac(sound(2.6))):
        for decode in (decode_whole, lambda data: decode_mono(data, RATE_HZ)):
            with pytest.raises(BadAudio, match=r"longer than the 0\.0 h"):
                decode(data)
    with pytest.raises(BadAudio, match="longer than"):  # once it is resampled
        decode_mono(encoded(sound(0.5), container="FLAC"), 100_000)

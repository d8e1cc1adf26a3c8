import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from test_streams import PIPED, sound

from gaae_tf.commands import opening
from gaae_tf.data import resynthesis as command
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.stft import stft

PRINTED = re.compile(r"^spectral convergence: (-?\d+\.\d) dB$", re.MULTILINE)


def run(*arguments):
    return opening.run("resynthesize", [*map(str, arguments)])


def chord(samples, rate_hz=16000, channels=1):
    t = np.arange(samples) / rate_hz
    lines = [
        0.2 * np.exp(-3 * t) * sum(np.sin(2 * np.pi * f * (1 + c) * t) for f in (220, 331, 987))
        for c in range(channels)
    ]
    return np.array(lines, np.float32)


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "in.wav"
    sf.write(path, chord(8000).T, 16000, subtype="PCM_16")
    return path


@pytest.mark.parametrize(
    ("vocoder", "at_most_db"), [("pghi", -20.0), ("pghi_fgla", -28.0), ("griffin_lim", -15.0)]
)
def test_prints_the_convergence_that_the_written_file_has(
    recording, tmp_path, capsys, vocoder, at_most_db
):
    target = tmp_path / "out.wav"
    assert run(recording, target, f"--vocoder={vocoder}") == 0
    printed_db = float(PRINTED.search(capsys.readouterr().out).group(1))
    settings = StftSettings()
    before, after = (
        np.abs(stft(np.pad(sf.read(path)[0], (0, 512 + 64)), settings))
        for path in (recording, target)
    )
    error_db = 20 * np.log10(np.linalg.norm(after - before) / np.linalg.norm(before))
    assert printed_db == pytest.approx(error_db, abs=0.1)  # the file is rounded to 16 bits
    assert printed_db < at_most_db


def test_the_phase_is_really_rebuilt(recording, tmp_path):
    # Magnitudes know no sign, so a copy of the phase would show: equal outputs for x and -x.
    inverted = tmp_path / "inverted.wav"
    sf.write(inverted, -sf.read(recording)[0], 16000, subtype="PCM_16")
    for source in (recording, inverted):
        assert run(source, tmp_path / f"{source.stem}_out.wav") == 0
    outputs = [sf.read(tmp_path / name)[0] for name in ("in_out.wav", "inverted_out.wav")]
    np.testing.assert_allclose(outputs[0], outputs[1], atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "channels", "suffix", "subtype"),
    [
        (1, 8000, 1, "wav", "PCM_16"),
        (4001, 44100, 2, "wav", "PCM_24"),
        (3000, 48000, 1, "flac", "PCM_16"),
        (3000, 22050, 3, "wav", "FLOAT"),
    ],
)
def test_rate_length_channels_and_sample_format_are_kept(
    tmp_path, samples, rate_hz, channels, suffix, subtype
):
    source, target = tmp_path / f"in.{suffix}", tmp_path / f"out.{suffix}"
    audio = np.maximum(chord(samples, rate_hz, channels), 1e-3)  # one sample is no silence
    sf.write(source, audio.T, rate_hz, subtype=subtype)
    assert run(source, target) == 0
    result = sf.info(target)
    assert (result.frames, result.samplerate, result.channels) == (samples, rate_hz, channels)
    assert result.subtype == subtype


def test_channels_are_rebuilt_each_from_its_own_magnitudes():
    audio = np.concatenate([chord(4000, channels=2), np.zeros((1, 4000), np.float32)])
    together, _ = command.resynthesize(audio, StftSettings())
    apart = [command.resynthesize(line[None], StftSettings())[0] for line in audio[:2]]
    np.testing.assert_allclose(together[:2], np.concatenate(apart), atol=1e-5)
    np.testing.assert_array_equal(together[2], np.zeros(4000))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_scale_of_float_recordings_does_not_matter(scale):
    audio = chord(4000)
    plain, plain_db = command.resynthesize(audio, StftSettings())
    scaled, scaled_db = command.resynthesize(np.float32(scale) * audio, StftSettings())
    np.testing.assert_allclose(scaled / scale, plain, atol=1e-4)
    assert scaled_db == pytest.approx(plain_db, abs=0.01)


def test_refine_alone_means_pghi_and_fast_griffin_lim(recording, tmp_path, capsys):
    for name, arguments in {
        "a.wav": ["--refine=8"],
        "b.wav": ["--vocoder=pghi_fgla", "--refine=8"],
        "c.wav": [],
        "d.wav": ["--vocoder=pghi"],
    }.items():
        assert run(recording, tmp_path / name, *arguments) == 0
    a, b, c, d = ((tmp_path / f"{name}.wav").read_bytes() for name in "abcd")
    assert a == b
    assert c == d
    assert a != c


def test_other_transforms_and_seeds(recording, tmp_path):
    transform = ["--window=gauss", "--window_samples=256", "--hop_samples=32", "--fft_size=512"]
    names = {"a.wav": 1, "b.wav": 1, "c.wav": 2}
    for name, seed in names.items():
        arguments = [*transform, "--vocoder=griffin_lim", "--refine=3", f"--seed={seed}"]
        assert run(recording, tmp_path / name, *arguments) == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in names)
    assert a == b
    assert a != c


def write_nothing(path):
    pass


def write_broken(path):
    path.write_bytes(b"RIFF and then no sound")


def write_empty(path):
    sf.write(path, np.zeros((0, 1)), 16000)


def write_silent(path):
    sf.write(path, np.zeros(4000), 16000)


def write_infinite(path):
    sf.write(path, np.array([0.1, np.inf, np.nan] * 500), 16000, subtype="FLOAT")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_nothing, "No such file"),
        (write_broken, "not readable as audio"),
        (write_empty, "empty"),
        (write_silent, "silent"),
        (write_infinite, "finite"),
    ],
)
def test_unusable_recordings_are_named_and_leave_nothing(tmp_path, capsys, write, message):
    source = tmp_path / "in.wav"
    write(source)
    before = sorted(tmp_path.iterdir())
    assert run(source, tmp_path / "out.wav") == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert str(source) in printed.err
    assert not printed.out
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["out.xyz"], "suffix must name an audio format"),
        (["out.raw"], "suffix must name an audio format"),
        (["nowhere/out.wav"], "there is no folder"),
        (["out.wav", "--hop_samples=600"], "hop_samples must be at most window_samples"),
    ],
)
def test_impossible_targets_and_transforms_are_refused(
    recording, tmp_path, capsys, arguments, message
):
    assert run(recording, tmp_path / arguments[0], *arguments[1:]) == 1
    assert message in capsys.readouterr().err


def test_bad_flags_and_argument_counts_are_refused(recording, tmp_path, capsys):
    for arguments in (["--vocoder=world"], ["--refine=-1"], ["--hops=3"]):
        assert run(recording, tmp_path / "out.wav", *arguments) == 2
        assert arguments[0][2:].split("=")[0] in capsys.readouterr().err
    assert run(recording) == 2
    assert "IN and OUT are needed, 1 arguments were given" in capsys.readouterr().err


def test_a_failed_write_leaves_the_old_file_in_place(recording, tmp_path, monkeypatch, capsys):
    target = tmp_path / "out.wav"
    target.write_text("precious")

    def fail(file, *_, **__):
        file.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(command.sf, "write", fail)
    assert run(recording, target) == 1
    assert "disk full" in capsys.readouterr().err
    assert target.read_text() == "precious"
    assert sorted(tmp_path.iterdir()) == [recording, target]


def test_works_as_a_command(recording, tmp_path):
    arguments = [recording, tmp_path / "out.flac", "--vocoder=pghi_fgla", "--refine=4"]
    done = subprocess.run(
        [sys.executable, "-m", "gaae_tf.resynthesize", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert float(PRINTED.fullmatch(done.stdout.strip()).group(1)) < -20.0
    assert sf.info(tmp_path / "out.flac").frames == 8000


@pytest.mark.parametrize("what", PIPED)
def test_a_recording_of_untold_length_is_rebuilt_to_its_end(what, tmp_path, capsys):
    source = tmp_path / "in.sound"
    source.write_bytes(PIPED[what](sound(0.5, channels=2)))
    assert run(source, tmp_path / "out.wav") == 0
    info = sf.info(tmp_path / "out.wav")
    assert (info.samplerate, info.channels) == (16_000, 2)
    assert 8_000 <= info.frames <= 8_000 + (2 * 1152 if what.startswith("mp3") else 0)
    assert f"note: {source} lasts 0.5" in capsys.readouterr().err

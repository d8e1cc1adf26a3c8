import numpy as np
import pytest
import soundfile
import soxr

from gaae_tf.commands import opening
from gaae_tf.run import recordings as represent


def run(*arguments):
    return opening.run("represent", [*map(str, arguments)])


def tone(samples, rate_hz, frequency_hz=110.0):
    return 0.4 * np.sin(2.0 * np.pi * frequency_hz * np.arange(samples) / rate_hz)


@pytest.fixture
def recordings(tmp_path):
    """Two good recordings, one stereo at another rate in a subfolder; a broken and an empty one."""
    folder = tmp_path / "recordings"
    (folder / "b").mkdir(parents=True)
    soundfile.write(folder / "a.wav", tone(700, 1000), 1000, subtype="FLOAT")
    stereo = np.stack([tone(4000, 4000), tone(4000, 4000, 220.0)], axis=1)
    soundfile.write(folder / "b" / "c.flac", stereo, 4000)
    (folder / "broken.wav").write_bytes(b"RIFF no sound")
    (folder / "empty.ogg").touch()
    (folder / "notes.txt").write_text("no sound either")
    return folder


def test_rows_are_clips_of_all_recordings_in_order(tiny_run, recordings):
    arrays = represent.represent_files(tiny_run, recordings)
    assert arrays["sources"].tolist() == ["a.wav", "a.wav", "b/c.flac", "b/c.flac"]
    np.testing.assert_allclose(arrays["start_s"], [0.0, 0.512, 0.0, 0.512])
    assert arrays["classes"].tolist() == ["low", "high"]
    first = tiny_run.represent(tone(700, 1000))
    for name in ("guided", "style", "probabilities"):
        np.testing.assert_allclose(arrays[name][:2], getattr(first, name), atol=1e-5)


def test_other_rates_and_channels_become_the_models(tiny_run, recordings):
    stereo = soundfile.read(recordings / "b" / "c.flac", dtype="float32")[0]
    mono = soxr.resample(stereo.mean(axis=1), 4000, 1000, quality="HQ")
    assert len(mono) == 1000
    arrays = represent.represent_files(tiny_run, recordings / "b" / "c.flac")
    assert arrays["sources"].tolist() == ["c.flac", "c.flac"]
    np.testing.assert_allclose(arrays["guided"], tiny_run.represent(mono).guided, atol=1e-5)


def test_progress_is_a_line_every_ten_seconds_however_many_recordings(
    tiny_run, recordings, monkeypatch, capsys
):
    monkeypatch.setattr(represent, "_CLIPS_AT_ONCE", 1)
    lines = []
    represent.represent_files(tiny_run, recordings, lines.append)
    (shown,) = capsys.readouterr().err.splitlines()
    assert shown.startswith("4 of 4 recordings, ")
    assert [line.split()[0] for line in lines] == ["skipped", "skipped", "2"]
    represent.represent_files(tiny_run, recordings)
    assert capsys.readouterr().err == ""


def test_batches_across_recordings_do_not_matter(tiny_run, recordings, monkeypatch):
    together = represent.represent_files(tiny_run, recordings)
    monkeypatch.setattr(represent, "_CLIPS_AT_ONCE", 1)
    apart = represent.represent_files(tiny_run, recordings)
    for name, array in together.items():
        if array.dtype.kind == "f":
            np.testing.assert_allclose(apart[name], array, atol=1e-5)
        else:
            np.testing.assert_array_equal(apart[name], array)


def test_the_command_writes_the_codes_and_names_what_it_skipped(tiny_run_dir, recordings, capsys):
    out = recordings.parent / "codes.npz"
    assert run(f"--run_dir={tiny_run_dir}", f"--source={recordings}", f"--out={out}") == 0
    with np.load(out) as arrays:
        assert {name: arrays[name].shape for name in arrays} == {
            "guided": (4, 6),
            "style": (4, 5),
            "probabilities": (4, 2),
            "classes": (2,),
            "sources": (4,),
            "start_s": (4,),
        }
    told = capsys.readouterr()
    assert "broken.wav: broken" in told.err
    assert "empty.ogg: empty file" in told.err
    assert "2 recordings, 4 clips; 2 files skipped" in told.err
    assert "codes of 4 clips" in told.out
    assert sorted(path.name for path in out.parent.iterdir()) == ["codes.npz", "recordings"]


def test_a_length_that_the_header_does_not_tell_is_that_to_the_end_and_told(tiny_run, tmp_path):
    path = tmp_path / "piped.flac"
    soundfile.write(path, tone(700, 1000), 1000)
    whole = represent.represent_files(tiny_run, path)
    content = bytearray(path.read_bytes())
    # STREAMINFO's count of samples: 36 bits that end at byte 26; 0 is "unknown".
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    lines = []
    piped = represent.represent_files(tiny_run, path, lines.append)
    for name, array in whole.items():
        np.testing.assert_array_equal(piped[name], array)
    assert lines[0] == (
        f"{path} lasts 0.700 s to where it was read; its header does not tell if it was cut off "
        "there"
    )


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("absent", "codes.npz", "absent does not exist"),
        ("none", "codes.npz", "holds no audio file"),
        ("recordings", "codes.csv", "--out must end in .npz"),
        ("recordings", "absent/codes.npz", "there is no folder"),
    ],
)
def test_errors_are_told_without_a_traceback(
    tiny_run_dir, recordings, capsys, source, out, message
):
    folder = recordings.parent
    (folder / "none").mkdir()
    arguments = (f"--source={folder / source}", f"--out={folder / out}")
    assert run(f"--run_dir={tiny_run_dir}", *arguments) == 1
    assert message in capsys.readouterr().err


def test_a_file_that_claims_one_hertz_is_skipped_by_name(tiny_run, tmp_path):
    """By its header it lasts 200 hours."""
    soundfile.write(tmp_path / "slow.wav", np.full(720_000, 0.1), 1, subtype="PCM_U8")
    soundfile.write(tmp_path / "good.wav", tone(512, 1000), 1000)
    lines = []
    arrays = represent.represent_files(tiny_run, tmp_path, lines.append)
    assert list(arrays["sources"]) == ["good.wav"]
    assert any("slow.wav" in line and "a sample rate of 1 Hz" in line for line in lines)

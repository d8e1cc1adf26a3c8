import numpy as np
import pytest
import soundfile

from gaae_tf.commands import opening
from gaae_tf.run import sounds as generate
from gaae_tf.run.look import class_index


def run(*arguments):
    return opening.run("generate", [*map(str, arguments)])


def test_sounds_of_one_class_at_the_runs_rate(tiny_run, tmp_path):
    paths = generate.write_samples(tiny_run, tmp_path / "new" / "out", 2, "high", seed=1)
    assert [path.name for path in paths] == ["high_seed1_000.wav", "high_seed1_001.wav"]
    info = soundfile.info(paths[0])
    assert (info.samplerate, info.channels, info.frames) == (1000, 1, 512)
    assert (info.format, info.subtype) == ("WAV", "PCM_16")
    written = np.stack([soundfile.read(path, dtype="float32")[0] for path in paths])
    expected = np.clip(tiny_run.generate("high", 2, seed=1), -1.0, 32767 / 32768)
    np.testing.assert_allclose(written, expected, atol=0.5 / 32768 + 1e-7)


def test_all_classes_take_turns_and_a_name_tells_its_sound(tiny_run, tmp_path):
    turns = generate.write_samples(tiny_run, tmp_path / "turns", 3, seed=1)
    assert [path.name[:-4] for path in turns] == [
        "low_seed1_000",
        "high_seed1_001",
        "low_seed1_002",
    ]
    ones = generate.write_samples(tiny_run, tmp_path / "ones", 3, "high", seed=1)
    assert turns[1].name == ones[1].name
    assert turns[1].read_bytes() == ones[1].read_bytes()


def test_a_count_beyond_one_part_numbers_on(tiny_run, tmp_path, monkeypatch):
    whole = generate.write_samples(tiny_run, tmp_path / "whole", 5)
    monkeypatch.setattr(generate, "_SOUNDS_AT_ONCE", 2)
    parts = generate.write_samples(tiny_run, tmp_path / "parts", 5)
    assert [path.name for path in parts] == [path.name for path in whole]
    assert [path.read_bytes() for path in parts] == [path.read_bytes() for path in whole]


def test_the_command_replaces_files_and_leaves_nothing_else(tiny_run_dir, tmp_path, capsys):
    (tmp_path / "low_seed4_000.wav").write_text("old")
    arguments = ("--label=low", "--count=1", "--seed=4", "--vocoder=pghi", "--checkpoint=best")
    assert run(f"--run_dir={tiny_run_dir}", f"--out={tmp_path}", *arguments) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["low_seed4_000.wav"]
    assert soundfile.info(tmp_path / "low_seed4_000.wav").frames == 512
    assert f"1 sounds of step 7 in {tmp_path}" in capsys.readouterr().out


def test_sounds_beyond_full_scale_are_told(tiny_run, tmp_path, monkeypatch):
    generate_each = type(tiny_run).generate_each

    def told(peak):
        def louder(*arguments, **options):
            sounds = np.clip(generate_each(*arguments, **options), -0.5, 0.5)
            sounds[1:, 7] = -peak
            return sounds

        lines = []
        monkeypatch.setattr(type(tiny_run), "generate_each", louder)
        generate.write_samples(tiny_run, tmp_path, 3, log=lines.append)
        return [line for line in lines if line.startswith("note")]

    assert told(1.5) == [
        "note: 2 of 3 sounds go beyond full scale and were clipped there; high_seed0_001.wav has a "
        "peak of 1.50, full scale is 1"
    ]
    assert told(1.0) == []


def test_a_class_is_found_however_its_accents_are_encoded():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert class_index(decomposed, ["tea", composed]) == 1
    assert class_index(composed, ("tea", decomposed)) == 1
    with pytest.raises(ValueError, match=r"label must be one of tea \(or 0 to 0\), got 'caf"):
        class_index(composed, ["tea"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--label=flute"], "low, high (or 0 to 1), got 'flute'"),
        (["--run_dir=/absent"], "--run_dir=/absent is no folder"),
    ],
)
def test_errors_are_told_without_a_traceback(tiny_run_dir, tmp_path, capsys, arguments, message):
    out = tmp_path / "out"
    assert run(f"--run_dir={tiny_run_dir}", f"--out={out}", *arguments) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()

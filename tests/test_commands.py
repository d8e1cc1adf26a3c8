"""The command `gaae`: what all verbs have in common."""

import os
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from absl import flags

from gaae_tf.commands import VERBS, opening
from gaae_tf.commands.flag_files import expanded
from gaae_tf.config import TrainConfig, define_flags

ROOT = Path(__file__).parents[1]


def typed(*arguments, code=None):
    """A command in a process of its own; what it says has no TensorFlow in it."""
    program = ["-m", "gaae_tf", *arguments] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *program], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_gaae_alone_lists_its_verbs_and_each_verb_its_flags(capsys):
    done = typed()
    assert done.returncode == 0
    for verb in VERBS:
        assert f"\n  {verb}" in done.stdout
        assert opening.run(verb, ["--help"]) == 0
        shown = capsys.readouterr().out
        values = flags.FlagValues()
        import_module(f"gaae_tf.commands.{verb}").define_flags(values)
        for name in values:
            assert f"  --{name}: " in shown or name.startswith("no"), name


def test_a_misspelt_verb_is_told_with_the_nearest():
    done = typed("trian")
    assert done.returncode == 2
    assert done.stderr.startswith("error: gaae has no verb 'trian'; did you mean train?")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--steqs=4"], "Unknown command line flag 'steqs'. Did you mean: steps"),
        (["train", "steps=4"], "unexpected argument 'steps=4'; did you mean --steps=4?"),
        (["train", "--alter_labelled", "False"], "'False'; a flag and its value are joined"),
        (["evaluate", "--run_dir=x", "here"], "unexpected argument 'here'"),
        (["generate"], "Flag --run_dir must have a value"),
    ],
)
def test_a_command_typed_wrongly_is_told_with_what_would_be_right(arguments, told, capsys):
    assert opening.run(arguments[0], arguments[1:]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert f"`gaae {arguments[0]} --help` lists all flags" in said


def test_wrong_values_and_missing_folders_are_told_without_tensorflow(tmp_path, tiny_run_dir):
    """Neither TensorFlow nor Keras is imported, which takes many seconds."""
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "config.flags").write_text("--dataset=datasets/elsewhere\n--run_dir=run\n")
    commands = [
        ["train", "--labelled_percent=0", "--dataset=notes", f"--run_dir={tmp_path}"],
        ["train", "--flagfile=nsynth"],
        ["generate", f"--run_dir={tmp_path / 'absent'}", f"--out={tmp_path}"],
        ["generate", f"--run_dir={tiny_run_dir}", f"--out={tmp_path}", "--label=hihg"],
        ["represent", f"--run_dir={tiny_run_dir}", "--source=/absent", "--out=codes.npz"],
        ["export", f"--run_dir={tmp_path}", f"--out={tmp_path / 'out'}"],
        ["evaluate", f"--run_dir={tmp_path}"],
        ["evaluate", f"--run_dir={tiny_run_dir}", "--count=0"],
        ["evaluate", f"--run_dir={moved}"],
        ["evaluate", f"--run_dir={moved}", f"--dataset={tmp_path}"],
        ["resynthesize", "--hop_samples=0", "in.wav", "out.wav"],
        ["prepare", "--corpus=fsdd", "--out=out", "--valid_percent=200"],
        ["experiments", "--table=3"],
        ["report", f"--runs={tmp_path}", f"--out={tmp_path / 'out'}"],
    ]
    code = (
        "import sys\n"
        "from gaae_tf.commands.opening import run\n"
        f"for command in {commands!r}:\n"
        "    status = run(command[0], command[1:])\n"
        "    heavy = {'tensorflow', 'keras'} & set(sys.modules)\n"
        "    print(command[0], status, *heavy)\n"
    )
    done = typed(code=code)
    assert done.stdout.splitlines() == [f"{command[0]} 1" for command in commands], done.stderr
    assert "`gaae prepare --corpus=nsynth --download --out=datasets/nsynth` makes it" in done.stderr
    assert "label must be one of low, high (or 0 to 1), got 'hihg'" in done.stderr
    assert f"--run_dir={tmp_path / 'absent'} is no folder" in done.stderr
    assert "--count must be at least 1; got 0" in done.stderr
    assert f"the run's data set is not at datasets/elsewhere below {ROOT}" in done.stderr
    assert "; --dataset=FOLDER says where it is now" in done.stderr
    assert f"--dataset: {tmp_path} is no data set folder" in done.stderr


@pytest.mark.parametrize("form", ["train.py", "evaluate.py"])
def test_the_scripts_of_a_checkout_are_the_verbs(form):
    done = subprocess.run(
        [sys.executable, form, "--nonsense=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"`python {form} --help` lists all flags" in done.stderr


@pytest.mark.parametrize("module", ["data.prepare", "resynthesize", "generate", "report"])
def test_the_module_forms_are_told_wrong_flags_without_tensorflow(module):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", f"gaae_tf.{module}", "--nonsense=1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"`python -m gaae_tf.{module} --help` lists all flags" in done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "absl.flags" in imported
    assert not {"tensorflow", "keras"} & imported


def test_tensorflow_loads_without_a_line_and_other_lines_pass():
    code = (
        "import os, sys\n"
        "from gaae_tf.commands import opening\n"
        "with opening._without_usual_lines():\n"
        "    os.write(2, b'I0000 00:00:1.1 1 port.cc:153] oneDNN custom operations are on.\\n')\n"
        "    os.write(2, b'E0000 00:00:1.1 1 disk.cc:1] no space left on device\\n')\n"
        "    os.write(2, b'words of a library')\n"
        "opening.load_tensorflow()\n"
        "import tensorflow as tf\n"
        "print(float(tf.reduce_sum(tf.ones([3]))))\n"
        "tf.transpose(tf.constant([['oneDNN has no texts']]))\n"
        "os.write(2, b' and after')\n"
    )
    done = typed(code=code)
    assert done.stdout == "3.0\n"
    assert done.stderr.splitlines() == [
        "E0000 00:00:1.1 1 disk.cc:1] no space left on device",
        "words of a library and after",
    ]


def test_the_last_words_of_a_crash_are_not_lost():
    code = (
        "import os\n"
        "from gaae_tf.commands import opening\n"
        "with opening._without_usual_lines():\n"
        "    os.write(2, b'F0000 00:00:1.1 1 cpu.cc:1] this processor lacks AVX\\n')\n"
        "    os.abort()\n"
    )
    done = typed(code=code)
    assert done.returncode == -signal.SIGABRT
    assert "this processor lacks AVX" in done.stderr


def test_signals_are_met_and_handlers_are_given_back(monkeypatch, capsys):
    module = import_module("gaae_tf.commands.prepare")
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(module, "main", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert opening.run("prepare", []) == 128 + signal.SIGTERM
    assert "the same command goes on from here" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before


def test_flag_files_of_the_package_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = expanded([f"--flagfile={ROOT / 'configs/quickstart.flags'}"])
    assert "--run_dir=runs/quickstart" in expected
    assert "--channels=4" in expected  # of configs/notes/small.flags, which that file names
    for name in ("quickstart", "quickstart.flags", "configs/quickstart.flags"):
        assert expanded([f"--flagfile={name}"]) == expanded(["--flagfile", name]) == expected
    (tmp_path / "quickstart").write_text("# mine\n\n--seed=3\nno flag\n")
    assert expanded(["--steps=2", "--flagfile=quickstart"]) == ["--steps=2", "--seed=3"]


def test_flag_files_that_are_not_there_or_name_themselves_are_refused(tmp_path, capsys):
    assert opening.run("train", ["--flagfile=quikstart"]) == 1
    assert "--flagfile=quikstart: there is no such file; the package has" in capsys.readouterr().err
    (tmp_path / "a").write_text(f"--flagfile={tmp_path / 'b'}\n")
    (tmp_path / "b").write_text(f"--flagfile={tmp_path / 'a'}\n")
    with pytest.raises(ValueError, match="names itself"):
        expanded([f"--flagfile={tmp_path / 'a'}"])


def test_errors_of_a_training_begin_with_the_command_that_was_typed(capsys):
    assert opening.run("train", ["--flagfile=quikstart"]) == 1
    assert capsys.readouterr().err.startswith("\ngaae train: --flagfile=quikstart")
    assert opening.run("train", ["--flagfile=quikstart"], "python train.py") == 1
    assert capsys.readouterr().err.startswith("\ntrain.py: --flagfile=quikstart")


def test_a_data_set_that_was_moved_is_told_with_the_flag_that_goes_on(tmp_path, capsys):
    flags = [f"--dataset={tmp_path / 'absent'}", f"--run_dir={tmp_path}"]
    assert opening.run("train", flags) == 1
    assert "If it was moved" not in capsys.readouterr().err  # there is no run to go on with
    (tmp_path / "config.flags").write_text("\n".join(flags))
    assert opening.run("train", flags) == 1
    assert "If it was moved, --dataset=ITS_NEW_PLACE goes on" in capsys.readouterr().err


def test_a_run_to_start_from_that_is_not_there_is_told(tmp_path, capsys):
    flags = ["--dataset=notes", f"--run_dir={tmp_path}", "--start_from=absent"]
    assert opening.run("train", flags) == 1
    assert "gaae train: --start_from=absent is no folder" in capsys.readouterr().err


def test_flag_files_mean_what_absl_takes_them_for():
    for path in sorted((ROOT / "configs").rglob("*.flags")):
        values = [flags.FlagValues() for _ in range(2)]
        for value in values:
            define_flags(value)
        values[0](["x", *expanded([f"--flagfile={path}"])])
        values[1](["x", f"--flagfile={path}"])
        assert TrainConfig.from_flags(values[0]) == TrainConfig.from_flags(values[1])


def test_a_command_settles_keras_itself(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text(
        '{"backend": "jax", "image_data_format": "channels_first"}'
    )
    code = (
        "from gaae_tf.commands.opening import load_tensorflow\n"
        "load_tensorflow()\n"
        "import keras\n"
        "print(keras.backend.backend(), keras.config.image_data_format())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"HOME": str(tmp_path), "KERAS_HOME": str(tmp_path / ".keras")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "tensorflow channels_last\n", done.stderr

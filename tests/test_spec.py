"""What systems say of themselves: read without Keras, and true of what is built."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gaae_tf import systems
from gaae_tf.config import TrainConfig, define_flags
from gaae_tf.run.loading import loaded_class
from gaae_tf.systems.spec import ABILITIES, FLAG_GROUPS, Spec, read

GOOD = {"name": "x", "labels": "none", "unlabelled": True, "does": ("generate",)}
# A method that comes with each ability, and with no other.
METHODS = {
    "generate": "generate",
    "choose_class": "generate_each",
    "represent": "represent",
    "classify": "classify",
    "reconstruct": "reconstruct",
    "restyle": "restyle",
}


@pytest.mark.parametrize("name", systems.specs())
def test_a_spec_is_read_as_it_is_run(name):
    spec = importlib.import_module(f"gaae_tf.systems.{name}").SPEC
    assert systems.find(name) == spec
    assert callable(spec.build)


@pytest.mark.parametrize("name", systems.specs())
def test_a_loaded_system_has_the_methods_of_what_it_can_do_and_no_others(name):
    spec = systems.find(name)
    kind = loaded_class(spec)
    assert METHODS.keys() == ABILITIES.keys()
    assert {a for a in ABILITIES if hasattr(kind, METHODS[a])} == {*spec.does}


def test_all_systems_are_known_before_keras_is():
    code = (
        "import sys; from gaae_tf.config import TrainConfig; from gaae_tf import systems; "
        "print(len(systems.specs()), {'keras', 'tensorflow'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["11", "set()"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"labels": "few"}, "labels must be of none, some, all; got 'few'"),
        ({"does": ("sing",)}, "does must be of generate, .*; got 'sing'"),
        ({"flags": ("omega",)}, "flags must be of adversarial, .*; got 'omega'"),
        ({"does": ("choose_class",)}, "'choose_class', which rests on 'generate'; add it"),
        ({"does": ("classify",)}, "does has classes, but labels is 'none'"),
        ({"unlabelled": False}, "it would learn from nothing"),
        ({"codes": ("z",)}, r"codes must be named where it can 'represent', got \('z',\)"),
        ({"sampled_code": "z"}, "sampled_code must be one of codes, got 'z'"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Spec(**GOOD | values)


def test_an_ability_that_there_is_not_is_named():
    with pytest.raises(ValueError, match=r"ability must be one of generate, .*; got 'singing'"):
        Spec(**GOOD).can("singing")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SPEC = Spec(name='x', does=DOES)", "so does must be a literal; got DOES"),
        ("SPEC = make()", r"must be Spec\(name=…, …\), got make\(\)"),
        ("SPEC = Spec(name='x')", "missing 3 required"),
        ("SPEC = Spec(**THE_SAME)", r"so \*\* must be a literal; got THE_SAME"),
        (
            "SPEC = Spec(name='y', labels='none', unlabelled=True, does=('generate',))",
            "has the name 'y'; call the file y.py",
        ),
    ],
)
def test_a_spec_that_cannot_be_read_is_told_with_its_file_and_line(text, message, tmp_path):
    path = tmp_path / "x.py"
    path.write_text(f"import keras\n\n{text}\n")
    with pytest.raises(ValueError, match=rf"x\.py, line 3: SPEC.*{message}"):
        read(path)


def test_a_file_without_spec_is_no_system(tmp_path):
    path = tmp_path / "x.py"
    path.write_text("import keras\n\nSPECIAL = 3\n")
    assert read(path) is None


def groups():
    return {field.metadata["group"] for field in TrainConfig.__dataclass_fields__.values()}


def test_every_group_of_flags_has_flags_and_takers():
    derived = {None, "labels", "guidance", "frozen"}
    assert groups() - derived - systems.specs().keys() == FLAG_GROUPS.keys()
    for group in groups():
        assert any(spec.takes(group) for spec in systems.specs().values()), group


def test_an_unknown_system_is_refused_by_name():
    with pytest.raises(ValueError, match=r"--model must be one of .*gaae.*; got 'vae'"):
        TrainConfig(dataset="d", run_dir="r", model="vae")


def test_the_help_of_a_flag_tells_which_systems_take_it():
    from absl import flags

    values = flags.FlagValues()
    define_flags(values)
    assert values["frozen_run"].help.endswith("Only for --model=bigan, bigan_classifier.")
    assert "Only for" not in values["batch_size"].help


# The words of docs/SYSTEMS.md.
NEEDS = {
    ("none", True): "no labels",
    ("some", False): "labels of some clips",
    ("some", True): "labels of some clips, and others without",
    ("all", False): "all labels",
}
CODES = {1: "one code", 2: "two codes"}


def words(spec):
    """What a row of the table says of a system: what it needs, and what it does."""
    needs = NEEDS[spec.labels, spec.unlabelled]
    if spec.frozen:
        needs += f", and `--frozen_run=` a trained `{spec.frozen}`"
    sounds = "sounds of a class" if spec.can("choose_class") else "sounds"
    if spec.signal == "audio":
        sounds += " without a vocoder"
    does = [sounds] if spec.can("generate") else []
    does += [CODES[len(spec.codes)]] if spec.codes else []
    does += ["classes"] if spec.can("classify") else []
    does += ["reconstruction"] if spec.can("reconstruct") else []
    does += ["restyling"] if spec.can("restyle") else []
    does += ["interpolation"] if spec.can("generate") else []
    return needs, ", ".join(does)


def test_the_table_in_the_documentation_says_what_the_specs_say():
    text = (Path(__file__).parents[1] / "docs" / "SYSTEMS.md").read_text()
    rows = re.findall(r"^\| `(\w+)`[^|]* \| ([^|]*) \| ([^|]*) \| `[^|]*` \|$", text, re.MULTILINE)
    told = {name: (needs, does) for name, needs, does in rows}
    assert told == {name: words(spec) for name, spec in systems.specs().items()}

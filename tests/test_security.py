"""What SECURITY.md promises of files that strangers made, as far as no other test holds it."""

import ast
import pickle
import types
from pathlib import Path

import numpy as np
import pytest
from test_samples import LevelRun, LevelScorer

from gaae_tf import systems
from gaae_tf.evaluation import samples

REPOSITORY = Path(__file__).parents[1]
MODULES = sorted([*(REPOSITORY / "gaae_tf").rglob("*.py"), *REPOSITORY.glob("*.py")])

UNSAFE_MODULES = {
    "cloudpickle",
    "code",
    "dill",
    "importlib",
    "joblib",
    "marshal",
    "pickle",
    "runpy",
    "shelve",
    "yaml",
}
UNSAFE_CALLS = {
    "__import__",
    "allow_pickle",
    "deserialize_keras_object",
    "enable_unsafe_deserialization",
    "eval",
    "exec",
    "execfile",
    "extractall",
    "load_model",
    "model_from_json",
    "os.system",
    "popen",
    "saved_model.load",
    "shell",
}


def unsafe(tree):
    """What of a module could run code that a file brings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name for name in names if name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.ImportFrom):
            if node.module.split(".")[0] in UNSAFE_MODULES:
                yield node.module
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if UNSAFE_CALLS & {name.rpartition(".")[2], ".".join(name.split(".")[-2:])}:
                yield name
            yield from (keyword.arg for keyword in node.keywords if keyword.arg in UNSAFE_CALLS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_module_can_run_code_that_a_file_brings(path):
    found = set(unsafe(ast.parse(path.read_text())))
    # A system is imported by its name, which the next test holds to those that there are.
    by_name = {"importlib"} if path.parent.name == "systems" and path.stem == "__init__" else set()
    assert found == by_name


@pytest.mark.parametrize("name", ["os", "system", "../systems/gaae", "gaae_tf.systems.gaae", ""])
def test_a_name_in_a_file_imports_nothing_but_a_system(name, monkeypatch):
    monkeypatch.setattr(systems.importlib, "import_module", lambda name: pytest.fail(name))
    config = types.SimpleNamespace(model=name)  # that of a file is refused when it is read
    with pytest.raises(ValueError, match="--model must be one of"):
        systems.build(config, data=None)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "np.load(path, allow_pickle=True)",
        "tf.saved_model.load(path)",
        "keras.saving.load_model(path)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "archive.extractall(path)",
    ],
)
def test_what_could_is_recognised(code):
    assert list(unsafe(ast.parse(code)))


class Bomb:
    """Pickled, it makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_block_of_sounds_that_holds_a_pickle_is_refused_and_not_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "BLOCK_SOUNDS", 4)
    arguments = LevelRun(), LevelScorer(), 4, 0, tmp_path / "blocks"
    whole, *_ = samples.generated(*arguments, progress=False)
    (block,) = (tmp_path / "blocks").rglob("block-*.npz")
    with np.load(block) as arrays:
        names = arrays.files
    exploded = tmp_path / "exploded"
    bomb = np.array([Bomb(exploded)], dtype=object)
    np.savez(block, **dict.fromkeys(names, bomb))
    lines = []
    again, *_ = samples.generated(*arguments, progress=False, log=lines.append)
    assert "Object arrays cannot be loaded" in "".join(lines)
    assert not exploded.exists()
    np.testing.assert_array_equal(again.logits, whole.logits)  # made anew
    pickle.loads(pickle.dumps(Bomb(exploded)))  # the bomb does work
    assert exploded.exists()

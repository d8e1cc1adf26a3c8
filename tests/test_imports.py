"""The arrows of the house: which part of the package may import which."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gaae_tf"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Part of the package -> parts that it may import.
ALLOWED = {
    "ops": {"ops"},
    "networks": {"networks"},
    "losses": set(),
    "files": set(),
    "metrics": {"metrics"},
    "data": {"data", "ops", "files"},
    "systems": {"systems", "networks", "losses"},
    "scores": {"scores", "metrics"},
    "report": {"report", "scores", "files"},
    "config": {"config", "systems", "networks", "ops"},
    "run": {"run", "config", "data", "systems", "networks", "ops", "files", "scores"},
    "training": {
        *("training", "run", "data", "config", "systems", "networks", "losses", "ops"),
        *("metrics", "files", "report"),
    },
    "evaluation": {
        *("evaluation", "run", "data", "config", "systems", "networks", "ops", "metrics"),
        *("files", "report", "scores"),
    },
    "experiments": {"experiments", "systems", "config", "report", "run", "scores", "commands"},
}
ALLOWED_COMMANDS = {
    "data/prepare/__main__.py": {"commands"},
    "data/prepare/describe.py": {"report"},
    "report/__main__.py": {"commands"},
}
# What a command reads before its arguments are right, so that a wrong one is told at once.
WITHOUT_TENSORFLOW = (
    "config/",
    "commands",
    "data/corpora",
    "data/prepare/__init__.py",
    "data/prepare/config.py",
    "data/terms.py",
    "experiments/published.py",
    "experiments/scales.py",
    "evaluation/settings.py",
    "experiments/tables.py",
    "systems/__init__.py",
    "systems/settings.py",
    "systems/spec.py",
    "networks/geometry.py",
    "ops/settings.py",
    "report",
    "run/look.py",
    "run/names.py",
    "scores",
)
KERAS_ONLY = ("networks", "losses", "metrics")


def part(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """All modules and names that are imported, but those that annotations alone need."""
    tree = ast.parse(path.read_text())
    for block in tree.body:
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test):
            block.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_the_allowed_way(path):
    allowed = ALLOWED.get(part(path))
    if allowed is None:
        return
    allowed = allowed | ALLOWED_COMMANDS.get(path.relative_to(PACKAGE).as_posix(), set())
    own = {name.split(".")[1] for name in imported(path) if name.startswith("gaae_tf.")}
    assert own <= allowed


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_networks_losses_and_metrics_run_on_any_keras_backend(path):
    if part(path) in KERAS_ONLY:
        roots = {name.split(".")[0] for name in imported(path)}
        assert roots <= {"keras", "numpy", "gaae_tf", *sys.stdlib_module_names}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_commands_touch_the_global_flags(path):
    """`flags.FLAGS` may stand in main() and as a default argument, nowhere else."""
    tree = ast.parse(path.read_text())
    allowed = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in (
            *(ast.walk(function) if function.name == "main" else ()),
            *(n for default in function.args.defaults for n in ast.walk(default)),
        )
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "FLAGS":
            inside_main_guard = any(
                isinstance(top, ast.If) and node in ast.walk(top) for top in tree.body
            )
            assert id(node) in allowed or inside_main_guard


def test_nothing_but_the_earlier_forms_of_commands_imports_them():
    for path in MODULES:
        if part(path) in ("commands", "generate", "represent", "resynthesize", "export"):
            continue
        if path.name == "__main__.py":
            continue
        tree = ast.parse(path.read_text())
        for node in tree.body:
            guard = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
            names = [
                getattr(inner, "module", "") or ""
                for inner in ast.walk(node)
                if isinstance(inner, ast.ImportFrom)
            ]
            assert guard or not any(name.startswith("gaae_tf.commands") for name in names), path


def test_what_commands_read_first_imports_no_tensorflow():
    for path in MODULES:
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith(WITHOUT_TENSORFLOW):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                roots = {name.split(".")[0] for name in _modules(node)}
                assert not roots & {"tensorflow", "keras"}, place


def _modules(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module]

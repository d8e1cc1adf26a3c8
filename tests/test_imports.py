"""The arrows of the house: which part of the package may import which."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gaae_tf"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Part of the package -> parts that it may import.
ALLOWED = {
    "ops": {"ops"},
    "networks": {"networks"},
    "losses": set(),
    "metrics": {"metrics"},
    "data": {"data", "ops"},
    "models": {"models", "networks", "losses"},
    "report": {"report"},
    "config": {"models", "networks", "ops"},
    "synthesis": {"ops"},
}
# Commands of such a part may use more.
ALLOWED_COMMANDS = {"data/prepare.py": {"report"}}
KERAS_ONLY = ("networks", "losses", "metrics")


def part(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
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
        assert not [name for name in imported(path) if name.split(".")[0] == "tensorflow"]


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

"""Compares evaluated runs: reads their scores, and writes tables and pictures."""

import json
from collections.abc import Sequence
from pathlib import Path

from gaae_tf.files import write_text
from gaae_tf.report import compare_text, figures
from gaae_tf.report.compare import Run, System, check_systems, tables
from gaae_tf.report.compare_pictures import picture

_SCORES = "scores.json"
INDEX = "comparison.md"


def read_systems(items: Sequence[str]) -> list[System]:
    """Reads the runs that --runs names.

    Args:
        items: one a row: "[name=]folder[+folder…]".

    Raises:
        FileNotFoundError: a folder or its scores.json is missing.
        ValueError: an item is empty, a run stands twice, rows have equal names, a scores.json
            cannot be read, or the runs of a row cannot be averaged.
    """
    seen: dict[Path, str] = {}
    systems = []
    for item in items:
        name, folders = _parse(item)
        runs = []
        for folder in folders:
            place = Path(folder).resolve()
            if place in seen:
                raise ValueError(f"--runs names {folder} twice, first as {seen[place]}")
            seen[place] = folder
            runs.append(Run(folder, _read(Path(folder))))
        systems.append(System(name or "+".join(Path(f).resolve().name for f in folders), (*runs,)))
    if not systems:
        raise ValueError("--runs names no run; give folders of evaluated runs")
    check_systems(systems)
    return systems


def _parse(item: str) -> tuple[str, list[str]]:
    """The name, "" where none is given, and the folders of an item."""
    name, rest = "", item.strip()
    if "=" in rest and not Path(rest).is_dir():
        before, after = rest.split("=", 1)
        if "/" not in before:  # else the sign belongs to a folder's name
            name, rest = before.strip(), after.strip()
            if not name:
                raise ValueError(f"--runs: {item!r} has no name before its =")
    folders = [rest] if Path(rest).is_dir() else [folder.strip() for folder in rest.split("+")]
    if not all(folders):
        raise ValueError(f"--runs: {item!r} must be folder, name=folder or name=folder+folder")
    return name, folders


def _read(folder: Path) -> dict:
    path = folder / _SCORES
    if not folder.is_dir():
        raise FileNotFoundError(f"--runs: {folder} is no folder; give that of a training run")
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; python evaluate.py --run_dir={folder} makes it"
        )
    again = f"python evaluate.py --run_dir={folder} makes it anew"
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}; {again}") from error
    if not isinstance(scores, dict) or not isinstance(scores.get("details"), dict):
        raise ValueError(f"{path} has no object `details`, as evaluate.py writes it; {again}")
    return scores


def write_comparison(systems: Sequence[System], out: Path) -> list[Path]:
    """Writes the comparison; each file whole or not at all, and none before all are made.

    Args:
        systems: the rows.
        out: folder, made if it is not there.

    Returns:
        The files.

    Raises:
        ValueError: scores are malformed, or no run has any figure.
        OSError: the folder cannot be made or written.
    """
    made = tables(systems)
    if not made:
        names = ", ".join(run.name for system in systems for run in system.runs)
        raise ValueError(f"the scores.json of {names} hold none of the figures that are compared")
    pictures = {table.name: picture(table) for table in made}
    texts = {INDEX: compare_text.index(made, {name: f"{name}.png" for name in pictures})}
    for table in made:
        texts[f"{table.name}.md"] = compare_text.to_markdown(table)
        texts[f"{table.name}.csv"] = compare_text.to_csv(table)
        texts[f"{table.name}.tex"] = compare_text.to_latex(table)
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"--out={out} is no folder")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in pictures.items():
        for suffix in (".png", ".pdf"):
            written.append(out / f"{name}{suffix}")
            figures.save(figure, written[-1])
    for name, text in reversed(texts.items()):  # the index last, when all that it shows is there
        written.append(out / name)
        write_text(written[-1], text)
    return written

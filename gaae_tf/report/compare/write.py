"""A comparison's files: tables as Markdown, CSV and LaTeX, and their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gaae_tf.files import write_text
from gaae_tf.report.compare import text
from gaae_tf.report.compare.layout import tables
from gaae_tf.report.compare.pictures import picture
from gaae_tf.report.compare.runs import System
from gaae_tf.report.figures import save

INDEX = "comparison.md"


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
    texts = {INDEX: text.index(made, {name: f"{name}.png" for name in pictures})}
    for table in made:
        texts[f"{table.name}.md"] = text.to_markdown(table)
        texts[f"{table.name}.csv"] = text.to_csv(table)
        texts[f"{table.name}.tex"] = text.to_latex(table)
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"--out={out} is no folder")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in pictures.items():
        for suffix in (".png", ".pdf"):
            written.append(out / f"{name}{suffix}")
            save(figure, written[-1])
    for name, content in reversed(texts.items()):  # the index last, when all that it shows is there
        written.append(out / name)
        write_text(written[-1], content)
    return written

"""Tables of `compare` as Markdown, LaTeX and CSV.

Markdown and LaTeX are rounded, for reading; CSV has one line a figure, unrounded.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from gaae_tf.report.compare.table import Block, Cell, Row, Table
from gaae_tf.scores import figure
from gaae_tf.scores.catalogue import Measure

_CONTEXT = (
    "scorer",
    "scorer_id",
    "scorer_accuracy",
    "dataset",
    "dataset_id",
    "sounds",
    "test_clips",
    "label",
)
_ABOUT = ("runs", "step", "checkpoint", "seed of the sounds", "vocoder", "refinements", "labels")
CSV_COLUMNS = (
    "table",
    "block",
    "row",
    "kind",
    "measure",
    "better",
    "value",
    "deviation",
    "deviation_is",
    "low",
    "high",
    "number_of_runs",
    "clips",
    "best",
    "reason",
    *_CONTEXT,
    *(name.replace(" ", "_") for name in _ABOUT),
)
_LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "′": "$'$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_ARROWS = {"higher": " ↑", "lower": " ↓", "": ""}


def to_csv(table: Table) -> str:
    """One line for each figure; shares lie in [0, 1], `best` is 1 where the value is the best.

    `deviation_is` tells what `deviation` is over: "runs" (sample standard deviation) or "own", the
    measure's own.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, CSV_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for number, block in enumerate(table.blocks, 1):
        for measure in (m for group in block.groups.values() for m in group):
            best = block.best(measure)
            for index, row in enumerate(block.rows):
                cell = row.cells[measure.key]
                low, high = cell.interval or ("", "")
                several = len(cell.values) > 1
                writer.writerow(
                    {
                        "table": table.name,
                        "block": number,
                        "row": row.name,
                        "kind": "yardstick" if row.yardstick else "system",
                        "measure": ".".join(measure.key),
                        "better": measure.better,
                        "value": "" if cell.value is None else repr(cell.value),
                        "deviation": "" if cell.deviation is None else repr(cell.deviation),
                        "deviation_is": ""
                        if cell.deviation is None
                        else ("runs" if several else "own"),
                        "low": low,
                        "high": high,
                        "number_of_runs": "" if row.yardstick else len(cell.values) or "",
                        "clips": cell.clips,
                        "best": int(index in best),
                        "reason": cell.reason,
                        **block.context,
                        **{name.replace(" ", "_"): row.about.get(name, "") for name in _ABOUT},
                    }
                )
    return lines.getvalue()


def to_markdown(table: Table, level: int = 1) -> str:
    """The table with its notes, under a heading of a level."""
    lines = [f"{'#' * level} {table.title}"]
    for title, sections, notes in _blocks(table, _MARKDOWN):
        lines += ["", f"**{title}**"]
        for name, heads, rows, reasons in sections:
            lines += ["", *([f"{_capital(name)}:", ""] if name else [])]
            lines.append("| " + " | ".join(heads) + " |")
            lines.append("|---|" + "---:|" * (len(heads) - 1))
            lines += ["| " + " | ".join(row) + " |" for row in rows]
            lines += ["", *(f"- {reason}" for reason in reasons)] if reasons else []
        lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines + [""] + [f"{_markdown(note)}\n" for note in table.notes])


def to_latex(table: Table) -> str:
    r"""The table as `table` environments to \input; needs the packages booktabs and textcomp."""
    lines = [
        f"% {table.title}. In the preamble: \\usepackage[T1]{{fontenc}} \\usepackage{{booktabs}}"
    ]
    for number, (title, sections, notes) in enumerate(_blocks(table, _LATEX), 1):
        for part, (name, heads, rows, reasons) in enumerate(sections, 1):
            below = [*reasons]
            if part == len(sections):
                below += [*notes, *map(_latex, table.notes)]
            caption = _latex(table.title) + (f", {name}" if name else "") + f": {title}."
            label = f"tab:{table.name.replace('_', '-')}-{number}-{part}"
            systems = [row for row in rows if not row[0].startswith(r"\textit")]
            yardsticks = [row for row in rows if row[0].startswith(r"\textit")]
            lines += [
                r"\begin{table}",
                r"\centering\small",
                rf"\caption{{{caption}}}",
                rf"\label{{{label}}}",
                rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
                r"\toprule",
                " & ".join(heads) + r" \\",
                r"\midrule",
                *(" & ".join(row) + r" \\" for row in systems),
                *([r"\midrule"] if systems and yardsticks else []),
                *(" & ".join(row) + r" \\" for row in yardsticks),
                r"\bottomrule",
                r"\end{tabular}",
                *(rf"\par\footnotesize {note}" for note in below),
                r"\end{table}",
            ]
    return "\n".join(lines) + "\n"


@dataclasses.dataclass(frozen=True)
class _Markup:
    escape: Callable[[str], str]
    bold: Callable[[str], str]
    yardstick: Callable[[str], str]
    mark: Callable[[int], str]


def _markdown(text: str) -> str:
    return re.sub(r"([\\`*_<>|\[\]])", r"\\\1", " ".join(text.split()))


def _latex(text: str) -> str:
    return "".join(_LATEX_SPECIAL.get(character, character) for character in " ".join(text.split()))


_MARKDOWN = _Markup(
    escape=_markdown,
    bold=lambda text: f"**{text}**",
    yardstick=lambda text: f"*{text}*",
    mark=lambda number: f"<sup>{number}</sup>",
)
_LATEX = _Markup(
    escape=_latex,
    bold=lambda text: rf"\textbf{{{text}}}",
    yardstick=lambda text: rf"\textit{{{text}}}",
    mark=lambda number: rf"\textsuperscript{{{number}}}",
)


_Section = tuple[str, list[str], list[list[str]], list[str]]


def _blocks(table: Table, markup: _Markup) -> Iterator[tuple[str, list[_Section], list[str]]]:
    """Of each block its title, sections (title, header, rows, reasons) and notes, marked up."""
    for number, block in enumerate(table.blocks, 1):
        sections = []
        for name, measures in block.groups.items():
            reasons: dict[str, int] = {}
            heads = ["", *(markup.escape(header(measure)) for measure in measures)]
            rows = _rows(block, measures, reasons, markup)
            marked = [f"{markup.mark(n)} {markup.escape(reason)}" for reason, n in reasons.items()]
            marked += [markup.escape(line) for line in _clips(block, measures)]
            sections.append((markup.escape(name), heads, rows, marked))
        notes = [markup.escape(f"{row.name}: {told(row)}") for row in block.rows if row.about]
        which = f"block {number} of {len(table.blocks)}: " if len(table.blocks) > 1 else ""
        yield markup.escape(which + block.title), sections, notes


def _rows(
    block: Block, measures: Sequence[Measure], reasons: dict[str, int], markup: _Markup
) -> list[list[str]]:
    best = {measure.key: block.best(measure) for measure in measures}
    rows = []
    for index, row in enumerate(block.rows):
        if row.yardstick and all(row.cells[measure.key].value is None for measure in measures):
            continue
        name = markup.escape(row.name)
        line = [markup.yardstick(name) if row.yardstick else name]
        for measure in measures:
            cell = row.cells[measure.key]
            value, spread = shown(cell, measure)
            text = markup.escape(value)
            if cell.value is None:
                text += markup.mark(reasons.setdefault(cell.reason, len(reasons) + 1))
            if index in best[measure.key]:
                text = markup.bold(text)
            line.append(text + (f" {markup.escape(spread)}" if spread else ""))
        rows.append(line)
    return rows


def _clips(block: Block, measures: Sequence[Measure]) -> Iterator[str]:
    """Lines that tell numbers of clips, rows of equal ones together."""
    rows: dict[str, list[str]] = {}
    for row in block.rows:
        by_clips: dict[str, list[str]] = {}
        for measure in measures:
            cell = row.cells[measure.key]
            if measure.counted and cell.value is not None and cell.clips:
                by_clips.setdefault(cell.clips, []).append(measure.header)
        if by_clips:
            told = "; ".join(f"{clips} ({', '.join(of)})" for clips, of in by_clips.items())
            rows.setdefault(told, []).append(row.name)
    for told, names in rows.items():
        yield f"clips of {', '.join(names)}: {told}"


def header(measure: Measure) -> str:
    """The column's name with its unit and the direction that is better."""
    return measure.header + (f" ({measure.unit})" if measure.unit else "") + _ARROWS[measure.better]


def told(row: Row) -> str:
    """What is known of a row's runs, in one line."""
    return "; ".join(f"{name} {value}" for name, value in row.about.items())


def shown(cell: Cell, measure: Measure) -> tuple[str, str]:
    """A figure for reading: its value, and its deviation or interval or nothing."""
    return figure.shown(
        {"value": cell.value, "deviation": cell.deviation, "interval_95": cell.interval}, measure
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def index(made: Sequence[Table], pictures: Mapping[str, str]) -> str:
    """`comparison.md`: all tables, each with its picture and the names of its other files.

    Args:
        made: the tables.
        pictures: the picture's file by the table's name.
    """
    parts = ["# Comparison\n"]
    for table in made:
        parts.append(to_markdown(table, level=2))
        files = ", ".join(f"[{table.name}.{kind}]({table.name}.{kind})" for kind in ("csv", "tex"))
        if table.name in pictures:
            picture = pictures[table.name]
            files += f", [{table.name}.pdf]({table.name}.pdf)"
            parts.append(f"![{table.title}]({picture})\n")
        parts.append(f"Also as {files}.\n")
    return "\n".join(parts)

"""Our figures beside the published ones, each with what it rests on."""

from __future__ import annotations

from collections.abc import Sequence

from gaae_tf.experiments.requests import SCORES_BY_GENDER, Request, Run, lacking, read_scores
from gaae_tf.experiments.tables import Cell, Pictures, Table
from gaae_tf.report import compare
from gaae_tf.report.compare.text import shown
from gaae_tf.run.names import REPORT, SCORES

NOT_RUN = "—"
_NONE = "-"  # as the paper prints where it has no figure


def show_text(request: Request) -> str:
    """A table as Markdown, or the paths of a figure's pictures.

    Raises:
        ValueError: scores cannot be read, or those of one row rest on different things; they are
            named.
    """
    experiment = request.experiment
    if isinstance(experiment, Pictures):
        return _pictures(request, experiment)
    return _Shown(request, experiment).text()


def _pictures(request: Request, pictures: Pictures) -> str:
    lines = [f"{pictures.title} (scale {request.scale}, seed 0)", ""]
    for setting in pictures.settings:
        (run,) = request.runs(setting)
        folder = run.folder / REPORT / "figures"
        for pattern in pictures.files:
            found = sorted(folder.glob(pattern)) or [f"{NOT_RUN} no {folder / pattern} yet"]
            lines += [f"{run.name}: {path}" for path in found]
    return "\n".join([*lines, *([pictures.note] if pictures.note else [])])


class _Shown:
    """A table being written: its cells, and the notes that these call for.

    Args:
        request: what is asked for.
        table: its table.
    """

    def __init__(self, request: Request, table: Table):
        self._request, self._table = request, table
        self._marks: dict[str, str] = {}  # letter by what it stands for
        self._lacking: dict[str, None] = {}

    def text(self) -> str:
        request, table = self._request, self._table
        head = [table.head]
        published = [bool(column.published_by) for column in table.columns]
        for column, has_published in zip(table.columns, published, strict=True):
            head += [f"{column.header}, published"] * has_published
            head.append(f"{column.header}, ours ({request.scale})")
        lines = []
        for name, cells in table.rows:
            line = [name]
            for cell, has_published in zip(cells, published, strict=True):
                line += [cell.published or _NONE] * has_published
                line.append(self._ours(cell))
            lines.append(line)
        return "\n".join([table.title, "", *_markdown(head, lines), "", *self._notes()])

    def _notes(self) -> list[str]:
        request, table = self._request, self._table
        notes = [f"Ours: scale {request.scale}. {request.size.stands_for}"]
        by: dict[str, list[str]] = {}
        for column in table.columns:
            if column.published_by:
                by.setdefault(column.published_by, []).append(column.header)
        notes += [f"Published {', '.join(headers)}: {what}." for what, headers in by.items()]
        notes.append(
            f"n: runs of other seeds, mean ± sample standard deviation over them. {NOT_RUN}: not "
            "run yet, or not as asked."
        )
        if self._marks:
            notes.append(
                "A letter tells what a figure of ours rests on; figures compare only where scorer, "
                "data and numbers are the same, and so with no published one."
            )
        notes += [f"[{mark}] {what}" for what, mark in self._marks.items()]
        notes += self._lacking
        return [f"- {note}" for note in [*notes, *([table.note] if table.note else [])]]

    def _ours(self, cell: Cell) -> str:
        if cell.setting is None:
            return ""
        runs = self._of_data(cell) if cell.of_data else self._evaluated(cell)
        if not runs:
            return NOT_RUN
        joined = compare.joined(runs, cell.measure.key)
        if joined.value is None:
            return f"none [{self._mark(joined.reason)}]"
        value, spread = shown(joined, cell.measure)
        if cell.of_data:
            draws = ""
        else:
            draws = f" (n = {len(runs)})"
            if len(runs) == 1:
                spread = ""  # the measure's own would be taken for one over runs
        return f"{value}{' ' * bool(spread)}{spread}{draws} [{self._mark(self._basis(cell, runs))}]"

    def _evaluated(self, cell: Cell) -> list[compare.Run]:
        """The runs of a cell that are evaluated as asked."""
        name = SCORES if cell.scored_by is None else SCORES_BY_GENDER
        return [
            run
            for draw in self._request.runs(cell.setting)
            if (run := self._read(draw, name)) is not None
        ]

    def _of_data(self, cell: Cell) -> list[compare.Run]:
        """The first run on a cell's data that is evaluated and has its figure."""
        on_it = [s for s in self._table.settings if s.data == cell.setting.data]
        for setting in sorted(on_it, key=lambda s: s != cell.setting):
            for draw in self._request.runs(setting):
                run = self._read(draw, SCORES)
                if run is not None and run.at(cell.measure.key) is not None:
                    return [run]
        return []

    def _read(self, draw: Run, name: str) -> compare.Run | None:
        path = draw.folder / name
        scores = read_scores(path)
        seeds = self._request.usefulness_seeds
        why = lacking(scores, self._request.sounds, seeds if name == SCORES else 0)
        if not why:
            return compare.Run(str(path), scores)
        if scores is not None:
            self._lacking[f"{path}: {why}"] = None
        return None

    def _mark(self, what: str) -> str:
        return self._marks.setdefault(what, _letters(len(self._marks)))

    def _basis(self, cell: Cell, runs: Sequence[compare.Run]) -> str:
        """What a cell's figures rest on, which must be the same in all its runs."""
        found = {_basis(run, cell): run.name for run in runs}
        if len(found) > 1:
            (one, first), (other, second) = list(found.items())[:2]
            raise ValueError(
                f"{first} and {second} cannot be averaged: the one is of {one}, the other of "
                f"{other}; evaluate them alike"
            )
        return next(iter(found))


def _basis(run: compare.Run, cell: Cell) -> str:
    figure, section = run.at(cell.measure.key), cell.measure.key[1]
    if section == "usefulness":
        dataset, _ = compare.on_dataset(run, "guidance_dataset")
        return (
            f"a simple CNN taught by {figure['training_clips']:,} clips for {figure['steps']:,} "
            f"steps, {figure['trainings']} trainings of each run; {figure['test_clips']:,} real "
            f"test clips of {dataset}"
        )
    if section == "classifier_test_accuracy":
        dataset, _ = compare.on_dataset(run, "guidance_dataset")
        return f"accuracy on {figure['clips']:,} real test clips of {dataset}"
    scorer, context = compare.scored_by(run)
    if cell.of_data:
        part = "test" if section == "real_test" else "training"
        return f"{scorer}; {figure['clips']:,} real {part} clips"
    return f"{scorer}; {context['sounds']} sounds"


def _letters(number: int) -> str:
    """The number in letters: a to z, then aa, ab and so on."""
    text = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    return [line(head), line(["-" * width for width in widths]), *map(line, rows)]

"""Pictures of `compare`'s tables: points with their spread, one panel a measure or a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from gaae_tf.report.compare.table import Block, Cell, Row, Table
from gaae_tf.report.compare.text import header
from gaae_tf.scores.catalogue import Measure

# Okabe and Ito's, told apart by colour-blind readers; without yellow, which white swallows.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vP*X"
_YARDSTICK = "#555555"
_PANELS_A_LINE = 4
_PANEL_INCHES, _GAP_INCHES = 1.85, 0.25
_ROW_INCHES, _HEADER_INCHES, _AXIS_INCHES = 0.27, 0.34, 0.32
_RIGHT_INCHES, _BOTTOM_INCHES, _TITLE_INCHES, _CAPTION_INCHES = 0.2, 0.42, 0.4, 0.25
_GROUP_INCHES = 0.2
_INCHES_A_LETTER = 0.068  # at 8 points
_SMALL, _LARGE = 8, 10
_LONGEST_NAME, _LONGEST_CAPTION = 28, 128


def dot_figure(table: Table) -> Figure:
    """A panel for each measure of each block; each row a point with its spread.

    Faint points are the single runs of a row, dashed lines the yardstick: real test clips, chance.
    Bars are deviations or 95 % intervals, as in the table.
    """
    left = _left([row.name for block in table.blocks for row in block.rows])
    lines = [
        (block, name if not start else "", measures[start : start + _PANELS_A_LINE], not n | start)
        for block in table.blocks
        for n, (name, measures) in enumerate(_measures(block))
        for start in range(0, len(measures), _PANELS_A_LINE)
    ]
    columns = max(len(measures) for _, _, measures, _ in lines)
    width = max(left + columns * (_PANEL_INCHES + _GAP_INCHES) + _RIGHT_INCHES, 6.0)
    rows = [_ROW_INCHES * len(_systems(block)) for block, *_ in lines]
    heads = [
        _HEADER_INCHES + _CAPTION_INCHES * first + _GROUP_INCHES * bool(name)
        for _, name, _, first in lines
    ]
    height = _TITLE_INCHES + sum(heads) + sum(rows) + _AXIS_INCHES * len(lines) + _BOTTOM_INCHES
    figure = _figure(table.title, width, height)
    top = height - _TITLE_INCHES
    for (block, name, measures, first), head, tall in zip(lines, heads, rows, strict=True):
        if first:
            _text(figure, block.title, top, width, height)
        if name:
            _text(figure, name, top - _CAPTION_INCHES * first, width, height, fontstyle="italic")
        low = top - head - tall
        for column, measure in enumerate(measures):
            right = left + column * (_PANEL_INCHES + _GAP_INCHES)
            axes = figure.add_axes(
                (right / width, low / height, _PANEL_INCHES / width, tall / height)
            )
            _panel(axes, block, measure, named=not column)
        top = low - _AXIS_INCHES
    _legend(figure, table, height)
    return figure


def class_figure(table: Table) -> Figure:
    """A panel for each block: classes upright, each system's point with its spread beside others.

    The vertical strokes are the yardstick's.
    """
    blocks = [
        (block, [m for _, group in _measures(block) for m in group]) for block in table.blocks
    ]
    names = [measure.header for _, measures in blocks for measure in measures]
    left = _left(names)
    width = left + 5.2 + 2.2
    each = [
        max(0.3, 0.13 * len(_systems(block)) + 0.1) * len(measures) for block, measures in blocks
    ]
    section = _CAPTION_INCHES + 0.55
    height = _TITLE_INCHES + sum(each) + section * len(blocks) + _BOTTOM_INCHES
    figure = _figure(table.title, width, height)
    top = height - _TITLE_INCHES
    for (block, measures), tall in zip(blocks, each, strict=True):
        _text(figure, block.title, top, width, height)
        low = top - _CAPTION_INCHES - tall
        axes = figure.add_axes((left / width, low / height, 5.2 / width, tall / height))
        systems = _systems(block)
        step = 0.8 / len(systems)
        for place, measure in enumerate(measures):
            for index, row in enumerate(systems):
                at = place - 0.4 + (index + 0.5) * step
                _point(axes, row.cells[measure.key], measure, at, index, none=step > 0.2)
            for row in block.rows:
                if row.yardstick and row.cells[measure.key].value is not None:
                    x = _scaled(row.cells[measure.key].value, measure)
                    axes.plot([x, x], [place - 0.42, place + 0.42], "--", color=_YARDSTICK, lw=1.0)
            if place:
                axes.axhline(place - 0.5, color="0.9", lw=0.6)
        axes.set(xlim=(-2.0, 102.0), ylim=(len(measures) - 0.5, -0.5))
        axes.set_yticks(range(len(measures)), [_cut(m.header) for m in measures], fontsize=_SMALL)
        for text in axes.get_yticklabels():
            text.set_parse_math(False)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=7)
        axes.grid(axis="x", color="0.9", lw=0.6)
        axes.set_axisbelow(True)
        axes.set_xlabel("requested class found (%)", fontsize=_SMALL)
        handles = [
            Line2D([], [], color=_colour(i), marker=_marker(i), ls="", label=_cut(row.name))
            for i, row in enumerate(systems)
        ]
        handles += _yardstick_handles([block])
        legend = axes.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            fontsize=_SMALL,
            frameon=False,
            borderaxespad=0.0,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
        top = low - (section - _CAPTION_INCHES)
    return figure


def picture(table: Table) -> Figure:
    """The picture that suits a table; `figures.save` takes it."""
    return class_figure(table) if table.name == "class_accuracy" else dot_figure(table)


def _measures(block: Block) -> list[tuple[str, tuple[Measure, ...]]]:
    """Groups of measures, less those that are mere counts."""
    groups: Mapping[str, Sequence[Measure]] = block.groups
    return [
        (name, tuple(measure for measure in group if measure.key[0] != "provenance"))
        for name, group in groups.items()
    ]


def _panel(axes: Axes, block: Block, measure: Measure, named: bool) -> None:
    systems = _systems(block)
    for index, row in enumerate(systems):
        _point(axes, row.cells[measure.key], measure, index, index)
    for row in block.rows:
        if row.yardstick and row.cells[measure.key].value is not None:
            axes.axvline(
                _scaled(row.cells[measure.key].value, measure), ls="--", color=_YARDSTICK, lw=1.0
            )
    axes.set_ylim(len(systems) - 0.5, -0.5)
    names = [_cut(row.name) for row in systems] if named else [""] * len(systems)
    axes.set_yticks(range(len(systems)), names, fontsize=_SMALL)
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.grid(axis="x", color="0.9", lw=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.12)
    if all(row.cells[measure.key].value is None for row in block.rows):
        axes.set_xticks([])
    axes.set_title(header(measure), fontsize=_SMALL, parse_math=False)


def _point(
    axes: Axes, cell: Cell, measure: Measure, at: float, index: int, none: bool = True
) -> None:
    """Draws a figure at a height, and where there is none a dash in the middle."""
    if cell.value is None:
        if none:
            transform = axes.get_yaxis_transform()
            axes.text(0.5, at, "–", transform=transform, ha="center", va="center", fontsize=_SMALL)
        return
    value = _scaled(cell.value, measure)
    spread = None
    if cell.deviation is not None:
        spread = [[_scaled(cell.deviation, measure)]] * 2
    elif cell.interval is not None:
        # Rounding may put an end of the interval beyond the value.
        spread = [
            [max(0.0, sign * (_scaled(end, measure) - value))]
            for sign, end in zip((-1.0, 1.0), cell.interval, strict=True)
        ]
    style = {"color": _colour(index), "marker": _marker(index)}
    axes.errorbar(value, at, xerr=spread, ls="", ms=4.5, elinewidth=1.3, capsize=2.0, **style)
    if len(cell.values) > 1:
        single = [_scaled(one, measure) for one in cell.values]
        axes.plot(single, [at] * len(single), ls="", ms=3.0, alpha=0.35, mew=0.0, **style)


def _legend(figure: Figure, table: Table, height: float) -> None:
    handles = _yardstick_handles(table.blocks)
    if any(len(c.values) > 1 for b in table.blocks for r in b.rows for c in r.cells.values()):
        handles.append(
            Line2D([], [], color="black", marker="o", alpha=0.35, ms=3.0, ls="", label="single run")
        )
    if handles:
        figure.legend(
            handles=handles,
            loc="lower right",
            bbox_to_anchor=(0.99, 0.04 / height),
            ncols=len(handles),
            fontsize=_SMALL,
            frameon=False,
            borderaxespad=0.0,
        )


def _yardstick_handles(blocks: Sequence[Block]) -> list[Line2D]:
    names = dict.fromkeys(row.name for block in blocks for row in block.rows if row.yardstick)
    return [Line2D([], [], color=_YARDSTICK, ls="--", lw=1.0, label=name) for name in names]


def _figure(title: str, width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), dpi=100)
    at = 0.12 / width, 1.0 - 0.1 / height
    figure.text(*at, title, fontsize=_LARGE, fontweight="bold", va="top", parse_math=False)
    return figure


def _text(
    figure: Figure, text: str, top: float, width: float, height: float, fontstyle: str = "normal"
) -> None:
    letters = min(_LONGEST_CAPTION, int((width - 0.2) / _INCHES_A_LETTER))
    figure.text(
        0.12 / width,
        (top - 0.02) / height,
        _cut(text, letters),
        fontsize=_SMALL,
        fontstyle=fontstyle,
        va="top",
        color="0.25",
        parse_math=False,
    )


def _left(names: Sequence[str]) -> float:
    return 0.3 + _INCHES_A_LETTER * max(len(_cut(name)) for name in names)


def _cut(text: str, letters: int = _LONGEST_NAME) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _systems(block: Block) -> list[Row]:
    return [row for row in block.rows if not row.yardstick]


def _scaled(value: float, measure: Measure) -> float:
    return measure.factor * value


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _marker(index: int) -> str:
    return _MARKERS[index % len(_MARKERS)]

"""Evaluated runs side by side: what `scores.json` files say, put into tables (METHOD §8).

A table is made of blocks, and only rows of one block compare: those of the same scorer, data set
and number of sounds, as far as the table's figures depend on them. `compare_text` writes tables,
`compare_pictures` draws them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Key = tuple[str, ...]  # where in a `scores.json` a figure lies

# Of one figure, what must be equal for it to compare with another.
_BASIS = ("clips", "splits", "dimensions", "subset_clips", "neighbours", "training_clips", "unit")
_EQUAL_COUNT = "at_real_test_count"  # among samples' figures: of as many as real test clips
_NOT_MEASURED = "not measured"
_DEVIATIONS = (
    "A row of several runs: mean ± sample standard deviation (n − 1) over the runs. A row of one "
    "run: its figure ± that measure's own deviation, or (95 % interval)."
)
_BOLD = "Bold: the best of a block, whatever its spread, where the figures rest on as many clips."
_MIXED = (
    "Blocks do not compare with one another: they differ in scorer, data set or number of sounds, "
    "as their titles say."
)


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One evaluated run.

    Attributes:
        name: how notes call it, say its folder.
        scores: what its `scores.json` holds; sections may be missing.
    """

    name: str
    scores: Mapping[str, Any]

    def at(self, key: Key) -> Any:
        """What lies under a key, None where a part of the key is missing.

        Raises:
            ValueError: something on the way is not an object.
        """
        node: Any = self.scores
        for depth, part in enumerate(key):
            if not isinstance(node, Mapping):
                raise ValueError(
                    f"{self.name}: {'.'.join(key[:depth])} must be an object; it is {node!r:.60}"
                )
            if part not in node:
                return None
            node = node[part]
        return node


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """A row: one run, or several of one setting, say of other seeds.

    Attributes:
        name: of the row.
        runs: one at least.
    """

    name: str
    runs: tuple[Run, ...]


@dataclasses.dataclass(frozen=True)
class Measure:
    """A column.

    Attributes:
        key: where its figures lie; also its name in CSV.
        header: for reading.
        better: "higher", "lower" or "" where neither is better as such.
        percent: whether it is a share, shown in per cent.
        decimals: that are shown.
        counted: whether its figures depend on numbers of clips, which are then told with them.
    """

    key: Key
    header: str
    better: str = ""
    percent: bool = False
    decimals: int = 2
    counted: bool = False


@dataclasses.dataclass(frozen=True)
class Cell:
    """A figure of a row; shares are in [0, 1].

    Attributes:
        value: the run's, or the mean over runs; None where it cannot be had.
        deviation: over runs, sample standard deviation; of one run its own. None where unknown.
        interval: of one run, ends of its 95 % interval.
        values: of each run.
        reason: why there is no value.
        basis: what must be equal in cells that compare.
        clips: numbers of clips it rests on, for reading: "80", "80 against 60".
    """

    value: float | None
    deviation: float | None = None
    interval: tuple[float, float] | None = None
    values: tuple[float, ...] = ()
    reason: str = ""
    basis: str = ""
    clips: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a block.

    Attributes:
        name: of the system, or of the yardstick.
        cells: one for each measure of the block, by its key.
        about: the run's seed, vocoder, step and the like, for notes; by name.
        yardstick: whether it is real data or chance, which no system competes with.
    """

    name: str
    cells: Mapping[Key, Cell]
    about: Mapping[str, str]
    yardstick: bool = False


@dataclasses.dataclass(frozen=True)
class Block:
    """Rows that compare.

    Attributes:
        title: what they have in common: scorer, data set, sounds.
        context: the same by name, for CSV.
        groups: columns that are shown together, by title.
        rows: systems, and yardsticks after them.
    """

    title: str
    context: Mapping[str, str]
    groups: Mapping[str, tuple[Measure, ...]]
    rows: tuple[Row, ...]

    def best(self, measure: Measure) -> frozenset[int]:
        """Indices of the rows whose value is the best.

        None where fewer than two rows have a value, where these rest on different numbers of
        clips, or where neither direction is better.
        """
        found = {
            index: row.cells[measure.key]
            for index, row in enumerate(self.rows)
            if not row.yardstick and row.cells[measure.key].value is not None
        }
        if not measure.better or len(found) < 2 or len({c.basis for c in found.values()}) > 1:
            return frozenset()
        values = [cell.value for cell in found.values()]
        best = max(values) if measure.better == "higher" else min(values)
        return frozenset(index for index, cell in found.items() if cell.value == best)


@dataclasses.dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        name: of its files.
        title: for reading.
        blocks: one at least.
        notes: sentences that belong below it.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]


def check_systems(systems: Sequence[System]) -> None:
    """Raises ValueError unless the runs of each row can be averaged and rows have other names."""
    names = [system.name for system in systems]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{names.count(name)} rows are called {name!r}; give them names of their own, as "
                "in --runs=first=runs/a,second=runs/b"
            )
    for system in systems:
        first, *others = system.runs
        for other in others:
            for what, of_run in (
                ("scorer", _scorer_id),
                ("data set", lambda run: _text(run, "dataset", "id")),
                ("guiding data set", lambda run: _text(run, "guidance_dataset", "id")),
                ("number of sounds", lambda run: _text(run, "samples")),
            ):
                if not of_run(first) or of_run(first) != of_run(other):
                    raise ValueError(
                        f"row {system.name!r} averages {first.name} and {other.name}, but their "
                        f"{what} is not the same: {of_run(first) or 'unknown'} and "
                        f"{of_run(other) or 'unknown'}; give them rows of their own"
                    )


def tables(systems: Sequence[System]) -> list[Table]:
    """All tables for which some run has a figure.

    Args:
        systems: the rows, in order.

    Raises:
        ValueError: runs of one row cannot be averaged, rows have equal names, or scores are
            malformed.
    """
    check_systems(systems)
    made = (
        _quality(systems),
        _class_accuracy(systems),
        _classification(systems),
        _representations(systems),
        _reconstruction(systems),
    )
    return [
        dataclasses.replace(table, notes=(*table.notes, _MIXED))
        if len(table.blocks) > 1 and table.name != "representations"
        else table
        for table in made
        if table.blocks
    ]


def _quality(systems: Sequence[System]) -> Table:
    at = ("details", "samples")
    equal = (*at, _EQUAL_COUNT)

    def scores(at: Key) -> tuple[Measure, ...]:
        return (
            Measure((*at, "inception_score"), "IS", "higher", counted=True),
            Measure((*at, "modified_inception_score"), "modified IS", "higher", counted=True),
            Measure((*at, "am_score"), "AM", "lower", decimals=3, counted=True),
        )

    def against(at: Key) -> tuple[Measure, ...]:
        return (
            Measure((*at, "frechet_logits"), "FD logits", "lower", counted=True),
            Measure((*at, "frechet_features"), "FD features", "lower", counted=True),
            Measure((*at, "kernel_distance_features"), "KID", "lower", decimals=4, counted=True),
            *(
                Measure((*at, name), name, "higher", decimals=3, counted=True)
                for name in ("precision", "recall", "density", "coverage")
            ),
        )

    groups = {
        "scores": (
            Measure((*at, "class_accuracy"), "class found", "higher", percent=True, decimals=1),
            *scores(at),
            Measure((*at, "memorisation"), "memorised", percent=True, decimals=1),
            Measure((*at, "harmonicity"), "harmonicity", decimals=3),
        ),
        "against real test clips": against((*at, "against_real_test")),
        "against real training clips": against((*at, "against_real_train")),
        "restyled real test clips": (
            Measure(
                ("details", "restyling", "requested_class_found"), "class found", "higher", True, 1
            ),
            Measure(
                ("details", "restyling", "pitch_within_a_semitone", "restyled"),
                *("pitch kept", "higher", True, 1),
            ),
        ),
        "scores, as many sounds as real test clips": scores(equal),
        "against real training clips, as many sounds as real test clips": against(
            (*equal, "against_real_train")
        ),
    }
    return Table(
        "quality",
        "Sample quality",
        tuple(
            _block(members, title, context, groups, _real_test)
            for title, context, members in _by_scorer(systems)
            if _measured(members, groups)
        ),
        (
            "Class found: the scorer finds the class that was asked for. IS: Inception Score. AM: "
            "AM score. Memorised: share of sounds nearer to a training clip than 95 % of real test "
            "clips are; 5 % is what fair sounds have. Harmonicity: how periodic sounds are, from 0 "
            "to 1. Pitch kept: the strongest harmonic is within a semitone of the clip's. "
            "FD: Fréchet distance in the scorer's logits "
            "or features. KID: kernel distance in its features. As many sounds as real test clips: "
            "a random part of the sounds, since only at equal numbers of clips do they compare "
            "with real test clips.",
            _DEVIATIONS,
            "Own deviations: of IS over its parts, of KID over its subsets, of modified IS and AM "
            "by bootstrap, of precision, recall, density and coverage from halves.",
            _BOLD,
        ),
    )


def _class_accuracy(systems: Sequence[System]) -> Table:
    blocks = []
    for title, context, members in _by_scorer(systems):
        found = [
            run.at(("details", "samples", "class_accuracy_by_class"))
            for system in members
            for run in system.runs
        ]
        names = list(dict.fromkeys(name for by_class in found for name in by_class or ()))
        at = ("details", "samples", "class_accuracy_by_class")
        groups = {
            "": tuple(Measure((*at, name), name, "higher", True, decimals=1) for name in names)
        }
        if _measured(members, groups):
            blocks.append(_block(members, title, context, groups, _real_test))
    return Table(
        "class_accuracy",
        "Requested class found, by class",
        tuple(blocks),
        ("Per cent of the sounds of a class in which the scorer finds it.", _DEVIATIONS, _BOLD),
    )


def _classification(systems: Sequence[System]) -> Table:
    options = {"better": "higher", "percent": True, "decimals": 1}
    groups = {
        "": (
            Measure(("provenance", "labels_of_the_run"), "labels", decimals=0),
            Measure(("details", "classifier_test_accuracy"), "C", **options),
            Measure(
                ("details", "simple_classifier_same_labels_accuracy"),
                "simple CNN, same labels",
                **options,
            ),
            Measure(
                ("details", "augmented_classifier_same_labels_accuracy"),
                "augmented CNN, same labels",
                **options,
            ),
            *(
                Measure(("details", "usefulness", name), f"taught by {header}", **options)
                for name, header in (
                    ("samples", "sounds"),
                    ("samples_and_real_clips", "sounds and real"),
                    ("real_clips", "real"),
                )
            ),
        )
    }
    return Table(
        "classification",
        "Classification of real test clips",
        tuple(
            _block(members, title, context, groups)
            for title, context, members in _by_dataset(systems, "guidance_dataset")
            if _measured(members, {"": groups[""][1:]})
        ),
        (
            "Accuracy in per cent. Labels: how many guided the run. C: its own classifier. Simple "
            "CNN, same labels: trained on the very clips whose labels the run had; augmented CNN: "
            "on altered spectrograms of them, three times as long. Taught by: "
            "simple CNNs trained on generated sounds, on these and all real training clips, or on "
            "the real ones alone; own deviations are over trainings.",
            _DEVIATIONS,
            _BOLD,
        ),
    )


def _representations(systems: Sequence[System]) -> Table:
    blocks = []
    for part, dataset in (("guiding", "guidance_dataset"), ("dataset", "dataset")):
        at = ("details", "representations", part, "probes")
        for title, context, members in _by_dataset(systems, dataset):
            found = [run.at(at) for system in members for run in system.runs]
            for label in dict.fromkeys(name for probes in found for name in probes or ()):
                blocks += _probe_blocks(members, (*at, label), title, context)
    return Table(
        "representations",
        "What codes tell",
        tuple(blocks),
        (
            "Per cent of clips whose label is recognised from the guided code z, the style code z′ "
            "or both, by logistic regression (linear) and by 5 neighbours. A style code should "
            "tell little of the class, hence its arrow. Chance: share of the most frequent value.",
            _DEVIATIONS,
            _BOLD,
        ),
    )


def _probe_blocks(
    systems: Sequence[System], at: Key, title: str, context: Mapping[str, str]
) -> Iterator[Block]:
    """Probes of one label, apart where clips, values or protocol differ."""
    label = at[-1]
    measures = []
    for code, header in (("guided", "z"), ("style", "z′"), ("both", "both")):
        if label == "class":
            better = "lower" if code == "style" else "higher"
        else:
            better = "" if code == "guided" else "higher"
        for probe in ("linear", "neighbours"):
            measures.append(
                Measure((*at, code, probe), f"{header} {probe}", better, True, decimals=1)
            )
    groups = {"": tuple(measures)}
    by_protocol: dict[tuple, list[System]] = {}
    for system in systems:
        told = {
            tuple(probe.get(name) for name in ("protocol", "values", "clips", "chance"))
            for run in system.runs
            for probe in (run.at(at) or {}).values()
            if isinstance(probe, Mapping) and "linear" in probe
        }
        # Runs of one row may differ; such a row stands by itself.
        protocol = told.pop() if len(told) == 1 else (system.name,) * bool(told)
        by_protocol.setdefault(protocol, []).append(system)
    known = [protocol for protocol in by_protocol if protocol]
    if len(known) == 1:  # rows without a figure say why in the only block
        by_protocol = {known[0]: list(systems)}
    for protocol, members in by_protocol.items():
        if not _measured(members, groups):
            continue
        yardsticks = []
        what = f"{label}, {title}"
        if len(protocol) == 4:
            way, values, clips, chance = protocol
            how = {
                "test": "learnt from training clips, tested on test clips",
                "folds": "by folds of the training clips",
            }.get(way, f"protocol {way}")
            what = f"{label} ({values} values), {title}: {how}, {clips:,} clips"
            cell = Cell(_number(chance, f"chance of {label}"))
            yardsticks = [Row("chance", {m.key: cell for m in measures}, {}, True)]
        yield _block(members, what, {**context, "label": label}, groups, lambda *_, y=yardsticks: y)


def _reconstruction(systems: Sequence[System]) -> Table:
    at = ("details", "reconstruction")
    groups = {
        "": (
            Measure((*at, "mse"), "mean squared error", "lower", decimals=4),
            Measure((*at, "spectral_convergence_db"), "spectral convergence (dB)", "lower"),
            Measure((*at, "pitch_within_a_semitone"), "pitch kept", "higher", True, decimals=1),
            Measure(
                (*at, "pitch_within_a_semitone_of_vocoder"), "vocoder alone", "", True, decimals=1
            ),
            Measure((*at, "harmonicity"), "harmonicity", decimals=3),
        )
    }
    return Table(
        "reconstruction",
        "Reconstruction of real test clips",
        tuple(
            _block(members, title, context, groups)
            for title, context, members in _by_dataset(systems, "dataset")
            if _measured(members, groups)
        ),
        (
            "Mean squared error of spectrograms in [−1, 1], each run's own: of runs whose scaling, "
            "dynamic range or transform differ it does not compare. Spectral convergence is that "
            "of the sound. Pitch kept: the strongest harmonic is within a semitone of the real "
            "clip's; vocoder alone: the same of the real clips' own spectrograms, made sound. "
            "Harmonicity: how periodic the sound is, from 0 to 1. Own deviations are over clips.",
            _DEVIATIONS,
            _BOLD,
        ),
    )


def _block(systems, title, context, groups, yardsticks=lambda *_: ()) -> Block:
    rows = [
        Row(
            system.name,
            {m.key: joined(system.runs, m.key) for group in groups.values() for m in group},
            _about(system.runs),
        )
        for system in systems
    ]
    rows += yardsticks(systems, groups)
    kept = {}
    for name, group in groups.items():
        # A column that nobody measured says nothing.
        kept[name] = tuple(
            measure
            for measure in group
            if any(
                row.cells[measure.key].reason != _NOT_MEASURED for row in rows if not row.yardstick
            )
        )
    return Block(title, context, {n: group for n, group in kept.items() if group}, tuple(rows))


def _real_test(systems: Sequence[System], groups: Mapping[str, Sequence[Measure]]) -> list[Row]:
    """The real test clips themselves, as the first run that has them scored them."""
    runs = [run for system in systems for run in system.runs if run.at(("details", "real_test"))]
    if not runs:
        return []
    cells = {}
    for group in groups.values():
        for measure in group:
            part, *rest = measure.key[2:]
            at = rest if part == _EQUAL_COUNT else (part, *rest)
            equal = ("details", "samples", _EQUAL_COUNT, *at)
            cell = joined(runs[:1], ("details", "real_test", *at))
            if part != _EQUAL_COUNT and any(run.at(equal) for s in systems for run in s.runs):
                cell = Cell(None, reason="compares with as many sounds alone")
            elif part == "against_real_test":
                cell = Cell(None, reason="they are the reference")
            elif part == "memorisation":
                cell = Cell(None, reason="5 % by the measure's rule")
            cells[measure.key] = cell
    return [Row("real test clips", cells, {"figures of": runs[0].name}, yardstick=True)]


def joined(runs: Sequence[Run], key: Key) -> Cell:
    """One run's figure, or the mean over several and their sample standard deviation.

    Raises:
        ValueError: a figure is malformed.
    """
    figures = [_figure(run, key) for run in runs]
    lacking = {
        run.name: figure.get("reason") or "no reason given"
        for run, figure in zip(runs, figures, strict=True)
        if figure["value"] is None
    }
    if lacking:
        if len(lacking) == len(runs) and len(set(lacking.values())) == 1:
            return Cell(None, reason=next(iter(lacking.values())))
        return Cell(None, reason="; ".join(f"{name}: {why}" for name, why in lacking.items()))
    values = tuple(figure["value"] for figure in figures)
    bases = {_canonical([figure.get(name) for name in _BASIS]) for figure in figures}
    basis = "; ".join(sorted(bases))
    clips = "; ".join(dict.fromkeys(text for text in map(_clips, figures) if text))
    if len(runs) > 1:
        return Cell(
            statistics.fmean(values),
            statistics.stdev(values),
            values=values,
            basis=basis,
            clips=clips,
        )
    (figure,) = figures
    interval = figure.get("interval_95")
    return Cell(values[0], figure.get("deviation"), interval, values, basis=basis, clips=clips)


def _clips(figure: Mapping[str, Any]) -> str:
    """Numbers of clips of a figure for reading, "" where it does not tell them."""
    clips, splits = figure.get("clips"), figure.get("splits")
    text = " against ".join(
        _thousands(str(number))
        for number in (clips if isinstance(clips, list) else [clips])
        if number is not None
    )
    known = isinstance(clips, int) and isinstance(splits, int)
    if known and 0 < splits <= clips < 1 << 53:  # a stranger's file may say anything
        text += f", {clips / splits:,.5g} a split"
    return text


def _figure(run: Run, key: Key) -> dict[str, Any]:
    """A figure as {"value": ...}, checked; of a probe, the accuracy that the key's end names."""
    where = f"{run.name}: {'.'.join(key)}"
    if key[-1] in ("linear", "neighbours"):
        figure = run.at(key[:-1])
        if isinstance(figure, Mapping):
            known = {name: figure[name] for name in ("clips", "reason") if name in figure}
            figure = {**known, "value": figure.get(key[-1])}
    else:
        figure = run.at(key)
    if figure is None:
        return {"value": None, "reason": _NOT_MEASURED}
    if key[0] == "provenance":
        figure = {"value": figure}
    if not isinstance(figure, Mapping) or "value" not in figure:
        raise ValueError(f"{where} must be an object with a value; it is {figure!r:.60}")
    figure = dict(figure)
    if figure["value"] is None:
        return figure
    figure["value"] = _number(figure["value"], where)
    if figure.get("deviation") is not None:
        figure["deviation"] = _number(figure["deviation"], f"{where}, its deviation,")
    interval = figure.get("interval_95")
    if interval is not None:
        if not isinstance(interval, Sequence) or len(interval) != 2:
            raise ValueError(f"{where}: interval_95 must be two numbers; it is {interval!r:.60}")
        figure["interval_95"] = tuple(_number(end, f"{where}, its interval,") for end in interval)
    return figure


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where} must be a finite number or null; it is {value!r:.60}")
    return float(value)


def _measured(systems: Sequence[System], groups: Mapping[str, Sequence[Measure]]) -> bool:
    return any(
        _figure(run, measure.key).get("reason") != _NOT_MEASURED
        for system in systems
        for run in system.runs
        for group in groups.values()
        for measure in group
    )


def _by_scorer(
    systems: Sequence[System],
) -> Iterator[tuple[str, dict[str, str], list[System]]]:
    """Systems of one scorer, data set and number of sounds, with what says so."""
    for members in _grouped(
        systems,
        lambda run: (
            _scorer_id(run),
            _text(run, "guidance_dataset", "id"),
            _text(run, "samples"),
            _text(run, "test_clips"),
        ),
    ):
        title, context = scored_by(members[0].runs[0])
        yield f"{title}; {_thousands(context['sounds'])} sounds", context, members


def scored_by(run: Run) -> tuple[str, dict[str, str]]:
    """What scored a run's sounds, how well it does so, and on what.

    Returns:
        It for reading; and the same by name, with the number of sounds.

    Raises:
        ValueError: the scores are malformed.
    """
    scorer = ("provenance", "scorer")
    name = _text(run, "scorer", "name") or "unknown"
    value = run.at((*scorer, "test_accuracy", "value")) if run.at(scorer) else None
    accuracy = "" if value is None else f"{_number(value, f'{run.name}: scorer accuracy'):.1%}"
    dataset, dataset_id = _dataset(run, "guidance_dataset")
    test, sounds = _text(run, "test_clips"), _text(run, "samples")
    title = (
        f"scorer {name}{_short(_scorer_id(run))}, "
        f"{accuracy.replace('%', ' %') or 'unknown share'} right on "
        f"{_thousands(test)} real test clips of {dataset}{_short(dataset_id)}"
    )
    context = {
        "scorer": name,
        "scorer_id": _scorer_id(run),
        "scorer_accuracy": "" if value is None else repr(value),
        "dataset": dataset,
        "dataset_id": dataset_id,
        "sounds": sounds,
        "test_clips": test,
    }
    return title, context


def _by_dataset(
    systems: Sequence[System], which: str
) -> Iterator[tuple[str, dict[str, str], list[System]]]:
    """Systems of one data set, with what says so."""
    for members in _grouped(systems, lambda run: (_text(run, which, "id"),)):
        title, context = on_dataset(members[0].runs[0], which)
        yield title, context, members


def on_dataset(run: Run, which: str) -> tuple[str, dict[str, str]]:
    """The run's data set, for reading and by name; `which` is its entry in the provenance."""
    name, identity = _dataset(run, which)
    return f"{name}{_short(identity)}", {"dataset": name, "dataset_id": identity}


def _grouped(systems: Sequence[System], key) -> list[list[System]]:
    """Systems of equal keys together; one that lacks a part of its key stands alone."""
    groups: dict[Any, list[System]] = {}
    for system in systems:
        found = key(system.runs[0])
        groups.setdefault(found if all(found) else (*found, system.name), []).append(system)
    return list(groups.values())


def _scorer_id(run: Run) -> str:
    """Digest of a scorer's weights and what they depend on; "" where unknown.

    Scores without a digest of the weights have its accuracy: another tells of other weights.
    """
    scorer = run.at(("provenance", "scorer")) if run.at(("provenance",)) else None
    if not isinstance(scorer, Mapping) or "description" not in scorer:
        return ""
    known = [scorer.get("name"), scorer["description"], scorer.get("test_accuracy")]
    if "weights_sha256" in scorer:
        known.append(scorer["weights_sha256"])
    return hashlib.sha256(_canonical(known).encode()).hexdigest()[:16]


def _dataset(run: Run, which: str) -> tuple[str, str]:
    return _text(run, which, "name") or "an unknown data set", _text(run, which, "id")


def _text(run: Run, *key: str) -> str:
    """An entry of a run's provenance as text, "" where it is missing."""
    value = run.at(("provenance", *key))
    return "" if value is None else str(value)


def _about(runs: Sequence[Run]) -> dict[str, str]:
    """Seed, vocoder, step and labels of a row, each value once; as many as differ."""
    entries = {
        "step": ("step",),
        "checkpoint": ("checkpoint",),
        "seed of the sounds": ("seed",),
        "vocoder": ("samples_are", "vocoder"),
        "refinements": ("samples_are", "refine"),
        "labels": ("labels_of_the_run",),
    }
    about = {"runs": ", ".join(run.name for run in runs)}
    for name, key in entries.items():
        values = dict.fromkeys(_text(run, *key) for run in runs)
        text = "/".join(value for value in values if value)
        if text:
            about[name] = text
    return about


def _short(identity: str) -> str:
    return f" ({identity[:8]})" if identity else ""


def _thousands(count: str) -> str:
    return f"{int(count):,}" if count.isdecimal() else count or "an unknown number of"


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)

"""The tables of a comparison: which columns they have, what their blocks have in common, notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from gaae_tf.report.compare.blocks import (
    block,
    by_dataset,
    by_scorer,
    measured,
    real_test,
)
from gaae_tf.report.compare.runs import System, check_systems
from gaae_tf.report.compare.table import Block, Cell, Row, Table
from gaae_tf.scores import catalogue
from gaae_tf.scores.catalogue import Key, Measure
from gaae_tf.scores.figure import number

_DEVIATIONS = (
    "A row of several runs: mean ± sample standard deviation (n − 1) over the runs. A row of one "
    "run: its figure ± that measure's own deviation, or (95 % interval)."
)
_BOLD = "Bold: the best of a block, whatever its spread, where the figures rest on as many clips."
_MIXED = (
    "Blocks do not compare with one another: they differ in scorer, data set or number of sounds, "
    "as their titles say."
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
    groups = _quality_groups()
    return Table(
        "quality",
        "Sample quality",
        tuple(
            block(members, title, context, groups, real_test)
            for title, context, members in by_scorer(systems)
            if measured(members, groups)
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


def _quality_groups() -> dict[str, tuple[Measure, ...]]:
    from_train = tuple(catalogue.against(m, "real_train") for m in catalogue.DISTANCES)
    return {
        "scores": (
            catalogue.CLASS_FOUND,
            *catalogue.SCORES,
            catalogue.MEMORISATION,
            catalogue.HARMONICITY,
        ),
        "against real test clips": catalogue.DISTANCES,
        "against real training clips": from_train,
        "restyled real test clips": (catalogue.RESTYLED_CLASS_FOUND, catalogue.RESTYLED_PITCH),
        "scores, as many sounds as real test clips": tuple(
            map(catalogue.at_real_test_count, catalogue.SCORES)
        ),
        "against real training clips, as many sounds as real test clips": tuple(
            map(catalogue.at_real_test_count, catalogue.DISTANCES)
        ),
    }


def _class_accuracy(systems: Sequence[System]) -> Table:
    blocks = []
    for title, context, members in by_scorer(systems):
        found = [
            run.at(("details", "samples", "class_accuracy_by_class"))
            for system in members
            for run in system.runs
        ]
        names = dict.fromkeys(name for by_class in found for name in by_class or ())
        groups = {"": tuple(map(catalogue.class_found, names))}
        if measured(members, groups):
            blocks.append(block(members, title, context, groups, real_test))
    return Table(
        "class_accuracy",
        "Requested class found, by class",
        tuple(blocks),
        ("Per cent of the sounds of a class in which the scorer finds it.", _DEVIATIONS, _BOLD),
    )


def _classification(systems: Sequence[System]) -> Table:
    groups = {
        "": (
            catalogue.LABELS,
            catalogue.CLASSIFIER_ACCURACY,
            catalogue.SIMPLE_CLASSIFIER_ACCURACY,
            catalogue.AUGMENTED_CLASSIFIER_ACCURACY,
            catalogue.TAUGHT_BY_SOUNDS,
            catalogue.TAUGHT_BY_BOTH,
            catalogue.TAUGHT_BY_REAL,
        )
    }
    return Table(
        "classification",
        "Classification of real test clips",
        tuple(
            block(members, title, context, groups)
            for title, context, members in by_dataset(systems, "guidance_dataset")
            if measured(members, {"": groups[""][1:]})
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
        for title, context, members in by_dataset(systems, dataset):
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
    groups = {
        "": tuple(
            catalogue.probe(at[2], label, code, classifier)
            for code in ("guided", "style", "both")
            for classifier in ("linear", "neighbours")
        )
    }
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
        if not measured(members, groups):
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
            cell = Cell(number(chance, f"chance of {label}"))
            yardsticks = [Row("chance", {m.key: cell for m in groups[""]}, {}, True)]
        yield block(members, what, {**context, "label": label}, groups, lambda *_, y=yardsticks: y)


def _reconstruction(systems: Sequence[System]) -> Table:
    groups = {
        "": (
            catalogue.RECONSTRUCTION_ERROR,
            catalogue.SPECTRAL_CONVERGENCE,
            catalogue.RECONSTRUCTED_PITCH,
            catalogue.VOCODED_PITCH,
            catalogue.RECONSTRUCTED_HARMONICITY,
        )
    }
    return Table(
        "reconstruction",
        "Reconstruction of real test clips",
        tuple(
            block(members, title, context, groups)
            for title, context, members in by_dataset(systems, "dataset")
            if measured(members, groups)
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

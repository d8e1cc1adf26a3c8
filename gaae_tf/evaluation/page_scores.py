"""The scores of a run's listening page: what `scores.json` holds of the catalogue, for readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gaae_tf.report.page import Score
from gaae_tf.scores import catalogue
from gaae_tf.scores.catalogue import Measure
from gaae_tf.scores.figure import NOT_MEASURED, clips_text, read

# Measures beside which others are read; these have no row of their own then.
_HELD_AGAINST: Mapping[Measure, tuple[Measure, ...]] = {
    catalogue.CLASSIFIER_ACCURACY: (
        catalogue.SIMPLE_CLASSIFIER_ACCURACY,
        catalogue.AUGMENTED_CLASSIFIER_ACCURACY,
    ),
    catalogue.TAUGHT_BY_SOUNDS: (catalogue.TAUGHT_BY_REAL,),
    catalogue.TAUGHT_BY_BOTH: (catalogue.TAUGHT_BY_REAL,),
    catalogue.RECONSTRUCTED_PITCH: (catalogue.VOCODED_PITCH,),
}
_OF_SOUNDS = (
    *(catalogue.CLASS_FOUND, *catalogue.SCORES, *catalogue.DISTANCES),
    *(catalogue.MEMORISATION, catalogue.HARMONICITY),
)
_AS_MANY = "as many sounds as real test"
_NO_DECIMALS_FROM = 1000.0


def page_scores(scores: Mapping[str, Any]) -> Iterator[Score]:
    """What was measured, in the catalogue's order and groups.

    A label that no code could be probed for, as the speaker of clips that name none, is left out.

    Args:
        scores: what `evaluate` wrote; sections may be missing.
    """
    provenance = scores["provenance"]
    general = _general(provenance)
    of_sounds = general | {
        "samples": f"{provenance['samples']:,}",
        **{name: str(value) for name, value in provenance["samples_are"].items() if value},
    }
    held = {
        yardstick
        for measure, yardsticks in _HELD_AGAINST.items()
        for yardstick in yardsticks
        if None not in (read(scores, one.key)["value"] for one in (measure, yardstick))
    }
    for group, measures in catalogue.GROUPS.items():
        for measure in measures:
            figure = read(scores, measure.key)
            if measure in held or measure is catalogue.LABELS:
                continue
            if figure.get("reason") == NOT_MEASURED:
                continue
            sounds = measure in _OF_SOUNDS
            known = (of_sounds if sounds else general) | _more(scores, measure, figure)
            yardsticks = _yardsticks(scores, measure, figure)
            yield _score(measure, figure, group, known, yardsticks)
    for part, table in scores["details"].get("representations", {}).items():
        yield from _probes(scores, part, table)


def _general(provenance: Mapping[str, Any]) -> dict[str, str]:
    scorer, accuracy = provenance["scorer"], provenance["scorer"]["test_accuracy"]
    return {
        "scorer": f"{scorer['name']}: {scorer['source']}",
        "scorer's accuracy": (
            "not measured"
            if accuracy["value"] is None
            else f"{accuracy['value']:.1%} of {accuracy['clips']} test clips"
        ),
        "data set": provenance["guidance_dataset"]["name"],
        "seed": str(provenance["seed"]),
    }


def _more(scores: Mapping[str, Any], measure: Measure, figure: Mapping[str, Any]) -> dict[str, str]:
    """What a figure rests on beside what all do."""
    more = {"clips": clips_text(figure)} if "clips" in figure else {}
    if measure.key[1] == "interpolation":
        interpolation = scores["details"]["interpolation"]
        more |= {
            "paths": str(figure["pairs"]),
            "sounds a path": str(interpolation["points"]),
            "rule": interpolation["rule"],
        }
    if measure is catalogue.CLASSIFIER_ACCURACY:
        more["labels"] = str(scores["provenance"]["labels_of_the_run"])
    if measure in _OF_SOUNDS and measure is not catalogue.MEMORISATION:
        equal = scores["details"]["samples"].get(catalogue.EQUAL_COUNT, {})
        if "reason" in equal:
            more[_AS_MANY] = f"none: {equal['reason']}"
    return more


def _yardsticks(
    scores: Mapping[str, Any], measure: Measure, figure: Mapping[str, Any]
) -> dict[str, float]:
    """What a figure is read beside, in the unit of its measure."""
    if measure is catalogue.MEMORISATION:
        return {"fair sounds": 5.0}
    found: dict[str, float | None] = {}
    if measure in _OF_SOUNDS:
        distance = measure in catalogue.DISTANCES
        real = "real test against real training clips" if distance else "real test clips"
        # Only at the yardstick's own number of clips does a figure compare with it.
        for name, other in (
            (_AS_MANY, catalogue.at_real_test_count(measure)),
            (real, catalogue.of_real_test(measure)),
        ):
            if _place(scores, other):
                beside = read(scores, other.key)
                clips = clips_text(beside)
                found[f"{name} ({clips})" if clips else name] = beside["value"]
    for other in _HELD_AGAINST.get(measure, ()):
        found[other.title] = read(scores, other.key)["value"]
    if measure.key[1] == "interpolation":
        even = 1.0
        if measure.key[-1] == "largest_step_share":
            even /= scores["details"]["interpolation"]["points"] - 1
        faded = read(scores, catalogue.cross_fade(measure).key)
        found |= {"straight and even": even, "cross-fade of the same ends": faded["value"]}
    if "of_prior_draws" in figure:
        found["draws of the prior"] = figure["of_prior_draws"]
    return {name: measure.factor * value for name, value in found.items() if value is not None}


def _place(scores: Mapping[str, Any], measure: Measure) -> bool:
    """Whether scores have the part in which a measure would lie."""
    node = scores
    for name in measure.key[:-1]:
        if name not in node or node[name].get("value", 0) is None:
            return False
        node = node[name]
    return True


def _score(
    measure: Measure,
    figure: Mapping[str, Any],
    group: str,
    provenance: Mapping[str, str],
    yardsticks: Mapping[str, float],
) -> Score:
    def scaled(value: float | None) -> float | None:
        return None if value is None else measure.factor * value

    value, interval = scaled(figure["value"]), figure.get("interval_95")
    return Score(
        name=measure.title,
        value=value,
        unit=measure.unit,
        decimals=measure.decimals if abs(value or 0.0) < _NO_DECIMALS_FROM else 0,
        deviation=scaled(figure.get("deviation")),
        interval=None if interval is None else (scaled(interval[0]), scaled(interval[1])),
        better=measure.better,
        yardsticks=yardsticks,
        provenance=provenance,
        reason=figure.get("reason", ""),
        explanation=measure.explanation,
        group=group,
        large=measure in catalogue.MAIN,
    )


def _probes(scores: Mapping[str, Any], part: str, table: Mapping[str, Any]) -> Iterator[Score]:
    """What is recognised from the codes of one data set."""
    group = f"labels recognised from codes of {table['dataset']}"
    for label, by_code in table["probes"].items():
        if all("reason" in probe for probe in by_code.values()):
            continue
        for code, probe in by_code.items():
            linear = catalogue.probe(part, label, code)
            figure = read(scores, linear.key)
            if figure["value"] is None:
                yield _score(linear, figure, group, {}, {})
                continue
            yardsticks = {
                "nearest neighbours": linear.factor * probe["neighbours"],
                "chance": linear.factor * probe["chance"],
            }
            provenance = {
                "data set": table["dataset"],
                "protocol": probe["protocol"],
                "clips": str(probe["clips"]),
                "values": str(probe["values"]),
            }
            yield _score(linear, figure, group, provenance, yardsticks)

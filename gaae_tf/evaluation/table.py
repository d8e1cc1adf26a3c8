"""The figures of `scores.json` laid out for reading, as `gaae evaluate` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gaae_tf.scores import catalogue
from gaae_tf.scores.figure import NOT_MEASURED, at, clips_text, read, shown
from gaae_tf.scores.measure import Measure

_TITLE, _CELL = 54, 22  # characters
_BY_CLASS = "    "

Scores = Mapping[str, Any]


def format_table(scores: Scores) -> str:
    """Lays the figures out, the real data's beside them.

    Numbers of clips stand with the figures that depend on them, and below such a figure of samples
    that of as many as there are real test clips.
    """
    parts = (
        *(_sounds, _classification, _reconstruction, _restyling, _codes, _interpolations),
        *(_probes, _source, _phases),
    )
    return "\n".join(line for part in parts for line in part(scores))


def _line(title: str, *cells: str) -> str:
    return f"{title:<{_TITLE}}" + "".join(f"{cell:>{_CELL}}" for cell in cells)


def _row(scores: Scores, title: str, *measures: Measure | None) -> str:
    return _line(title, *(_cell(scores, measure) for measure in measures))


def _cell(scores: Scores, measure: Measure | None) -> str:
    if measure is None:
        return ""
    figure = read(scores, measure.key)
    return _text(figure, measure)


def _text(figure: Mapping[str, Any], measure: Measure) -> str:
    if figure["value"] is None:
        return "" if figure["reason"] == NOT_MEASURED else "not measured"
    value, spread = shown(figure, measure)
    return f"{value}{'%' * measure.percent}{' ' * bool(spread)}{spread}"


def _title(measure: Measure) -> str:
    return (
        measure.title
        if measure.unit in ("", catalogue.PERCENT)
        else (f"{measure.title}, {measure.unit}")
    )


def _known(scores: Scores, measure: Measure) -> bool:
    return read(scores, measure.key).get("reason") != NOT_MEASURED


def _sounds(scores: Scores) -> Iterator[str]:
    """Samples where there are any, real test clips and real training clips."""
    details = scores["details"]
    parts = [part for part in ("samples", "real_test", "real_train") if part in details]
    yield _line("", *(part.replace("_", " ") for part in parts))

    def of_all(measure: Measure) -> str:
        return _row(scores, _title(measure), *(measure.of(part) for part in parts))

    def by_class(form) -> Iterator[str]:
        for name in details["real_test"]["class_share"]:
            cells = (form(name).of(part) for part in parts)
            yield _row(scores, f"{_BY_CLASS}{name}", *cells)

    score = catalogue.INCEPTION_SCORE
    yield _line("clips", *(_clips(scores, score.of(part)) for part in parts))
    yield of_all(catalogue.CLASS_FOUND)
    yield from by_class(catalogue.class_found)
    yield "share found to be of the class"
    yield from by_class(catalogue.class_share)
    for measure in catalogue.SCORES:
        yield of_all(measure)
        if measure is score:
            yield _line("    clips a split", *(_a_split(scores, score.of(part)) for part in parts))
        yield from _at_equal_count(scores, measure)
    if _known(scores, catalogue.HARMONICITY.of("real_test")):  # which older scores lack
        yield of_all(catalogue.HARMONICITY)
    if "samples" in details:
        yield from _distances(scores)
        yield _row(scores, catalogue.MEMORISATION.title, catalogue.MEMORISATION)
        reason = details["samples"].get(catalogue.EQUAL_COUNT, {}).get("reason")
        if reason:
            yield f"as many sounds as real test: not measured, {reason}"


def _distances(scores: Scores) -> Iterator[str]:
    for reference in ("real_train", "real_test"):
        told = None
        for distance in catalogue.DISTANCES:
            measure = catalogue.against(distance, reference)
            pair = measure, measure.of("real_test")
            clips = [_clips(scores, one) for one in pair]
            name = f"against {reference.replace('_', ' ')}"
            if clips != told:  # neighbours' measures take so many at most
                yield _line(f"clips, {name}", *clips)
                told = clips
            yield _row(scores, f"{measure.title}, {name}", *pair)
            if reference == "real_train":  # from which real test clips are measured, too
                yield from _at_equal_count(scores, distance)


def _at_equal_count(scores: Scores, measure: Measure) -> Iterator[str]:
    equal = catalogue.at_real_test_count(measure)
    if _known(scores, equal):
        count = at(scores, (*equal.key[:3], "clips"))
        title = f"    {count:,} sounds, as many as real test"
        yield _row(scores, title, equal, catalogue.of_real_test(measure))


def _clips(scores: Scores, measure: Measure) -> str:
    figure = read(scores, measure.key)
    return clips_text({"clips": figure.get("clips")}).replace(" against ", " / ")


def _a_split(scores: Scores, measure: Measure) -> str:
    figure = read(scores, measure.key)
    if not {"clips", "splits"} <= figure.keys():
        return ""
    return f"{figure['clips'] / figure['splits']:,.5g}"


def _listed(scores: Scores, measures: tuple[Measure, ...]) -> Iterator[str]:
    for measure in measures:
        if _known(scores, measure):
            yield _row(scores, _title(measure), measure)


def _classification(scores: Scores) -> Iterator[str]:
    yield ""
    measures = catalogue.GROUPS["classification of real test clips"]
    if not read(scores, catalogue.LABELS.key)["value"]:
        measures = tuple(measure for measure in measures if measure != catalogue.LABELS)
    yield from _listed(scores, measures)


def _reconstruction(scores: Scores) -> Iterator[str]:
    yield from _listed(scores, catalogue.GROUPS["reconstruction of real test clips"])


def _restyling(scores: Scores) -> Iterator[str]:
    if "restyling" not in scores["details"]:
        return
    versions = ("real_test", "reconstructed", "restyled")
    heads = (version.replace("_", " ") for version in versions)
    yield from ("", _line("test clips, restyled as another class", *heads))
    for measure in (catalogue.RESTYLED_CLASS_FOUND, catalogue.RESTYLED_OWN_CLASS_FOUND):
        yield _row(scores, measure.title, None, None, measure)
    pitch = catalogue.RESTYLED_PITCH
    pitches = (None, *(pitch.at(*pitch.key[:-1], version) for version in versions[1:]))
    yield _row(scores, "pitch within a semitone of the real clip's", *pitches)
    for label, told in scores["details"]["restyling"]["labels_told"].items():
        if "reason" in told:
            yield _line(f"{label} told", *("not measured" for _ in versions))
            continue
        chance = f"chance {told['chance']:.0%}"
        title = f"{label} told, {'class decides, ' * told['class_decides']}{chance}"
        yield _row(scores, title, *(catalogue.label_told(label, one) for one in versions))


def _codes(scores: Scores) -> Iterator[str]:
    codes = scores["details"].get("codes")
    if not codes:
        return
    yield from ("", _line(f"codes of test clips, {codes['code']}", "codes", "prior draws"))
    for measure in catalogue.GROUPS["codes beside the prior"]:
        if not _known(scores, measure):
            continue
        figure = read(scores, measure.key)
        of_draws = figure.get("of_prior_draws")
        beside = "" if of_draws is None else _text({"value": of_draws}, measure)
        yield _line(_title(measure), _text(figure, measure), beside)


def _interpolations(scores: Scores) -> Iterator[str]:
    measures = [m for m in catalogue.GROUPS["interpolations"] if _known(scores, m)]
    if measures:
        yield from ("", _line("interpolations", "style to style", "cross-fade"))
    for measure in measures:
        yield _row(scores, measure.title, measure, catalogue.cross_fade(measure))


def _probes(scores: Scores) -> Iterator[str]:
    for part, table in scores["details"].get("representations", {}).items():
        heads = ("linear", "neighbours", "chance")
        yield from ("", _line(f"recognised from codes of {table['dataset']}", *heads))
        for label, by_code in table["probes"].items():
            for code, probe in by_code.items():
                title = f"{label}, {code}"
                if "reason" in probe:
                    yield _line(title, "not measured")
                    continue
                both = [catalogue.probe(part, label, code, by) for by in heads[:2]]
                chance = _text({"value": probe["chance"]}, both[0])
                yield _line(title, *(_cell(scores, measure) for measure in both), chance)


def _source(scores: Scores) -> Iterator[str]:
    provenance = scores["provenance"]
    scorer = provenance["scorer"]
    dataset, guiding = provenance["dataset"], provenance["guidance_dataset"]
    accuracy = _cell(scores, catalogue.SCORER_ACCURACY)
    yield ""
    yield (
        f"scorer: {scorer['name']}, {accuracy} right on "
        f"{provenance['test_clips']} test clips of {guiding['name']}; {provenance['samples']} "
        f"sounds, seed {provenance['seed']}"
        + ("" if guiding == dataset else f"; reconstructions of {dataset['name']}")
    )


def _phases(scores: Scores) -> Iterator[str]:
    yield from ("", f"{'phase':<{_TITLE}}{'seconds':>12}{'peak memory':>16}{'sounds/s':>12}")
    for phase in scores["provenance"]["phases"]:
        peak, rate = phase["peak_rss_mib"], phase.get("sounds_per_second")
        yield (
            f"{phase['name']:<{_TITLE}}{phase['seconds']:>12,.1f}"
            f"{'unknown' if peak is None else f'{peak:,} MiB':>16}"
            f"{'' if rate is None else f'{rate:,.1f}':>12}"
        )

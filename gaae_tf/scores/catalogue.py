"""Every figure of `scores.json` that is shown to anybody: where it lies, its name, unit and sense.

The one list from which the table that `gaae evaluate` prints, the listening page, the comparison of
runs and the experiments take names, units, decimals and directions. A measure that is not here is
shown nowhere; one that is here needs no second list.

    catalogue.INCEPTION_SCORE.key            ("details", "samples", "inception_score")
    catalogue.GROUPS                         all of them by group, in the order of reading
    catalogue.MAIN                           the few that say most
    catalogue.of_real_test(measure)          the same measure of the real test clips, the yardstick
    catalogue.at_real_test_count(measure)    the same measure of as many sounds as real test clips
    catalogue.against(measure, "real_train") a distance, from another reference set
    catalogue.probe("guiding", "speaker", "style", "linear")     and what else depends on the data

A column of a comparison is such a measure too (`report.compare`): `header` is its short name. Where
the paper prints another number of decimals, `dataclasses.replace(measure, decimals=2)` does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gaae_tf.scores.measure import PERCENT, Key, Measure

EQUAL_COUNT = "at_real_test_count"  # among samples' figures: of as many as real test clips


def _share(
    key: Key, title: str, header: str, better: str = "higher", explanation: str = ""
) -> Measure:
    return Measure(key, title, header, better, PERCENT, 1, explanation=explanation)


_SAMPLES = ("details", "samples")

CLASS_FOUND = _share(
    (*_SAMPLES, "class_accuracy"),
    *("requested class found", "class found", "higher"),
    "Share of the sounds in which the scorer finds the class that was asked for.",
)
INCEPTION_SCORE = Measure(
    (*_SAMPLES, "inception_score"),
    *("Inception Score", "IS", "higher"),
    counted=True,
    explanation="From 1 to the number of classes: each sound is clearly of one class, and all "
    "classes occur.",
)
MODIFIED_INCEPTION_SCORE = Measure(
    (*_SAMPLES, "modified_inception_score"),
    *("modified Inception Score", "modified IS", "higher"),
    counted=True,
    explanation="As the Inception Score, but sounds of one class should differ, too.",
)
AM_SCORE = Measure(
    (*_SAMPLES, "am_score"),
    *("AM score", "AM", "lower"),
    decimals=3,
    counted=True,
    explanation="0 where each sound is clearly of one class and classes are as frequent as in "
    "training.",
)
MEMORISATION = _share(
    (*_SAMPLES, "memorisation"),
    *("nearer to training clips than 95 % of test clips", "memorised", ""),
    "Fair sounds have 5 %; more points to copies of training clips.",
)
HARMONICITY = Measure(
    (*_SAMPLES, "harmonicity"),
    *("harmonicity", "harmonicity"),
    decimals=3,
    explanation="How periodic the sounds are: white noise has 0.1 to 0.2, a tone 1.",
)
SCORES = (INCEPTION_SCORE, MODIFIED_INCEPTION_SCORE, AM_SCORE)

_AGAINST = (*_SAMPLES, "against_real_test")

FRECHET_LOGITS = Measure(
    (*_AGAINST, "frechet_logits"),
    *("Fréchet distance, logits", "FD logits", "lower"),
    counted=True,
    explanation="Between the scorer's logits of sounds and of real clips; 0 where both spread "
    "alike.",
)
FRECHET_FEATURES = Measure(
    (*_AGAINST, "frechet_features"),
    *("Fréchet distance, features", "FD features", "lower"),
    counted=True,
    explanation="The same between the scorer's features.",
)
KERNEL_DISTANCE = Measure(
    (*_AGAINST, "kernel_distance_features"),
    *("kernel distance, features", "KID", "lower"),
    decimals=4,
    counted=True,
    explanation="Between the scorer's features, and unbiased: near 0 where both spread alike, "
    "however few clips.",
)
PRECISION, RECALL, DENSITY, COVERAGE = (
    Measure((*_AGAINST, name), name, name, "higher", "", 3, True, explanation)
    for name, explanation in (
        ("precision", "Share of sounds that lie among real clips."),
        ("recall", "Share of real clips that lie among sounds."),
        ("density", "How many real clips' neighbourhoods hold a sound; 1 is expected."),
        ("coverage", "Share of real clips with a sound in their neighbourhood."),
    )
)
# As they stand, from real test clips; `against` has them from training clips.
DISTANCES = (
    *(FRECHET_LOGITS, FRECHET_FEATURES, KERNEL_DISTANCE),
    *(PRECISION, RECALL, DENSITY, COVERAGE),
)

SCORER_ACCURACY = _share(
    ("provenance", "scorer", "test_accuracy"),
    *("the scorer's accuracy on real test clips", "scorer", ""),
    "How far its word on generated sounds can be trusted.",
)
LABELS = Measure(
    ("provenance", "labels_of_the_run"), "labels that guided the run", "labels", decimals=0
)
VALIDATION_ACCURACY = _share(
    ("details", "validation", "accuracy"), "C's accuracy on validation clips", "C, validation"
)
CLASSIFIER_ACCURACY = _share(
    ("details", "classifier_test_accuracy"),
    *("C's accuracy on real test clips", "C", "higher"),
    "The run's own classifier, which its labels taught.",
)
SIMPLE_CLASSIFIER_ACCURACY = _share(
    ("details", "simple_classifier_same_labels_accuracy"),
    *("simple CNN, same labels", "simple CNN, same labels", "higher"),
    "A classifier that learnt from the very clips whose labels the run had, and nothing else.",
)
AUGMENTED_CLASSIFIER_ACCURACY = _share(
    ("details", "augmented_classifier_same_labels_accuracy"),
    *("augmented CNN, same labels", "augmented CNN, same labels", "higher"),
    "The same, taught by altered spectrograms of these clips for three times as long.",
)
TAUGHT_BY_SOUNDS, TAUGHT_BY_BOTH, TAUGHT_BY_REAL = (
    _share(
        ("details", "usefulness", name),
        f"simple CNN taught by {what}",
        f"taught by {header}",
        "higher",
        "Its accuracy on real test clips.",
    )
    for name, what, header in (
        ("samples", "sounds", "sounds"),
        ("samples_and_real_clips", "sounds and real clips", "sounds and real"),
        ("real_clips", "real clips", "real"),
    )
)

_RECONSTRUCTION = ("details", "reconstruction")

RECONSTRUCTION_ERROR = Measure(
    (*_RECONSTRUCTION, "mse"),
    *("reconstruction, mean squared error", "mean squared error", "lower"),
    decimals=4,
    explanation="Of spectrograms in [−1, 1], each run's own.",
)
SPECTRAL_CONVERGENCE = Measure(
    (*_RECONSTRUCTION, "spectral_convergence_db"),
    *("reconstruction, spectral convergence", "spectral convergence", "lower", "dB", 1),
    explanation="How far the magnitudes of the reconstructed sound are from the real clip's: "
    "−20 dB is a tenth.",
)
RECONSTRUCTED_PITCH = _share(
    (*_RECONSTRUCTION, "pitch_within_a_semitone"),
    *("reconstruction, pitch within a semitone", "pitch kept", "higher"),
    "Share of clips whose strongest harmonic stays within a semitone of the real clip's.",
)
VOCODED_PITCH = _share(
    (*_RECONSTRUCTION, "pitch_within_a_semitone_of_vocoder"),
    *("vocoder alone, pitch within a semitone", "vocoder alone", ""),
    "The same of the real clips' own spectrograms, made sound: no reconstruction can be expected "
    "above it.",
)
RECONSTRUCTED_HARMONICITY = dataclasses.replace(
    HARMONICITY, key=(*_RECONSTRUCTION, "harmonicity"), title="reconstruction, harmonicity"
)

_RESTYLING = ("details", "restyling")

RESTYLED_CLASS_FOUND = _share(
    (*_RESTYLING, "requested_class_found"),
    *("restyled clips, requested class found", "class found", "higher"),
    "Share of restyled test clips in which the scorer finds the class that was asked for.",
)
RESTYLED_OWN_CLASS_FOUND = _share(
    (*_RESTYLING, "own_class_found"),
    *("restyled clips, own class found", "own class found", "lower"),
    "Share of restyled test clips in which the scorer still finds the class they had.",
)
RESTYLED_PITCH = _share(
    (*_RESTYLING, "pitch_within_a_semitone", "restyled"),
    *("restyled clips, pitch within a semitone", "pitch kept", "higher"),
    "Share of restyled clips whose strongest harmonic stays within a semitone of the real clip's.",
)

_CODES = ("details", "codes")

EFFECTIVE_RANK = Measure(
    (*_CODES, "effective_rank"),
    *("effective rank of the codes", "effective rank"),
    decimals=1,
    explanation="In how many dimensions the codes spread; as many as draws of the prior is best.",
)
CODE_DEVIATION = Measure(
    (*_CODES, "standard_deviation"),
    *("standard deviation of the codes", "standard deviation"),
    decimals=3,
    explanation="The prior's is 1.",
)
EIGENVALUES_WITHIN = Measure(
    (*_CODES, "share_of_eigenvalues_within_a_factor_of_3"),
    *("eigenvalues of the codes within a factor of 3", "eigenvalues", "higher"),
    decimals=3,
    explanation="Share of the covariance's eigenvalues; 1 of many draws of the prior.",
)
DISTANCE_FROM_PRIOR = Measure(
    (*_CODES, "distance_from_prior"),
    *("distance of the codes from the prior", "distance from the prior", "lower"),
    decimals=3,
)
CLASS_SHARE_OF_OUTPUT = Measure(
    (*_CODES, "class_share_of_output"),
    *("class share of output", "class share of output"),
    decimals=3,
    explanation="How much of what D makes, over styles and classes, the class alone decides.",
)

# Where interpolations are measured, with the words for it.
SPACES = {"scorer_features": "features", "spectrograms": "spectrograms", "pitch": "pitch"}


def path_length_ratio(space: str) -> Measure:
    """How long paths between styles are over the straight way, in one of `SPACES`."""
    return Measure(
        ("details", "interpolation", space, "path_length_ratio"),
        f"interpolations in {SPACES[space]}, path length ratio",
        *(f"path, {SPACES[space]}", "lower"),
        explanation="How many times as long as the straight way; 1 is straight.",
    )


def largest_step_share(space: str) -> Measure:
    """How large the largest step of paths between styles is, in one of `SPACES`."""
    return _share(
        ("details", "interpolation", space, "largest_step_share"),
        f"interpolations in {SPACES[space]}, largest step share",
        *(f"largest step, {SPACES[space]}", "lower"),
        "Of the whole path; one over the number of steps is even.",
    )


# All that is known before a run is seen, by group, in the order of reading.
GROUPS: Mapping[str, tuple[Measure, ...]] = {
    "sounds": (CLASS_FOUND, *SCORES, MEMORISATION, HARMONICITY),
    "sounds against real test clips": DISTANCES,
    "classification of real test clips": (
        *(LABELS, VALIDATION_ACCURACY, CLASSIFIER_ACCURACY),
        *(SIMPLE_CLASSIFIER_ACCURACY, AUGMENTED_CLASSIFIER_ACCURACY),
        *(TAUGHT_BY_SOUNDS, TAUGHT_BY_BOTH, TAUGHT_BY_REAL),
    ),
    "reconstruction of real test clips": (
        *(RECONSTRUCTION_ERROR, SPECTRAL_CONVERGENCE),
        *(RECONSTRUCTED_PITCH, VOCODED_PITCH, RECONSTRUCTED_HARMONICITY),
    ),
    "restyled real test clips": (RESTYLED_CLASS_FOUND, RESTYLED_OWN_CLASS_FOUND, RESTYLED_PITCH),
    "codes beside the prior": (
        *(EFFECTIVE_RANK, CODE_DEVIATION, EIGENVALUES_WITHIN),
        *(DISTANCE_FROM_PRIOR, CLASS_SHARE_OF_OUTPUT),
    ),
    "interpolations": tuple(
        form(space) for space in SPACES for form in (path_length_ratio, largest_step_share)
    ),
}
MAIN = (
    *(CLASS_FOUND, INCEPTION_SCORE, FRECHET_LOGITS),
    *(CLASSIFIER_ACCURACY, SPECTRAL_CONVERGENCE, RESTYLED_CLASS_FOUND),
)


def against(measure: Measure, reference: str) -> Measure:
    """One of `DISTANCES` from another reference: "real_train" or "real_test"."""
    return measure.at(*measure.key[:-2], f"against_{reference}", measure.key[-1])


def at_real_test_count(measure: Measure) -> Measure:
    """A measure of samples, of as many of them as there are real test clips.

    Distances are then from training clips, as the real test clips' own are.
    """
    if measure in DISTANCES:
        measure = against(measure, "real_train")
    return measure.at(*_SAMPLES, EQUAL_COUNT, *measure.key[2:])


def of_real_test(measure: Measure) -> Measure:
    """A measure of samples, of the real test clips; distances from training clips."""
    if measure in DISTANCES:
        measure = against(measure, "real_train")
    place = measure.key[2:]
    return measure.at("details", "real_test", *(place[1:] if place[0] == EQUAL_COUNT else place))


def of_real_train(measure: Measure) -> Measure:
    """A measure of samples that needs no reference, of the real training clips."""
    return measure.of("real_train")


def cross_fade(measure: Measure) -> Measure:
    """A measure of interpolations, of the cross-fades of the same ends."""
    return measure.at(*measure.key[:-1], "cross_fade", measure.key[-1])


def class_found(name: str) -> Measure:
    """The share of a class's sounds in which it is found."""
    title = f"requested class found, {name}"
    return _share((*_SAMPLES, "class_accuracy_by_class", name), title, name)


def class_share(name: str) -> Measure:
    """The share of all sounds that are found to be of a class."""
    return _share((*_SAMPLES, "class_share", name), f"share found to be {name}", name, "")


def label_told(label: str, version: str = "restyled") -> Measure:
    """How often a label is told of clips: "real_test", "reconstructed" or "restyled"."""
    key = (*_RESTYLING, "labels_told", label, version)
    what = {"real_test": "real test clips", "reconstructed": "reconstructions"}
    return _share(
        key,
        f"{label} told of {what.get(version, 'restyled clips')}",
        f"{label} told",
        # Of other clips than the restyled ones it is a yardstick.
        "higher" if version == "restyled" else "",
    )


# How codes are called for short; those of a GAAE are z and z′.
_CODE_HEADERS = {"guided": "z", "style": "z′"}


def probe(part: str, label: str, code: str, classifier: str = "linear") -> Measure:
    """How often a label is recognised from a code.

    Args:
        part: "guiding" or "dataset": whose clips.
        label: "class", "speaker" or any further one.
        code: "guided", "style", "latent", "features", or "both".
        classifier: "linear" or "neighbours".
    """
    if label == "class":  # a style code should tell little of it
        better = "lower" if code == "style" else "higher"
    else:
        better = "" if code == "guided" else "higher"
    source = "both codes" if code == "both" else f"the {code} code"
    return _share(
        ("details", "representations", part, "probes", label, code, classifier),
        f"{label} recognised from {source}",
        f"{_CODE_HEADERS.get(code, code)} {classifier}",
        better,
        "By logistic regression."
        if classifier == "linear"
        else "By the vote of the nearest neighbours.",
    )

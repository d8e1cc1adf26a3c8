"""What the paper printed: its Tables I to VIII, its pictures and its sweeps (paper V to VII).

Beside each published figure stand the setting and the measure that give ours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gaae_tf.experiments.scales import Setting
from gaae_tf.experiments.tables import Cell, Column, Pictures, Table
from gaae_tf.scores import catalogue
from gaae_tf.scores.catalogue import Measure

PERCENTS = (1, 2, 3, 4, 5, 100)  # of the training labels, as in Tables III, VII and VIII

_IS, _FD = catalogue.INCEPTION_SCORE, catalogue.FRECHET_LOGITS
_PRINTED_DECIMALS = 2  # of per cents, in Tables IV, V, VII and VIII
_C = dataclasses.replace(catalogue.CLASSIFIER_ACCURACY, decimals=_PRINTED_DECIMALS)
_REAL_IS = {"real_train": catalogue.of_real_train(_IS), "real_test": catalogue.of_real_test(_IS)}

_WAVEGANS = "scored by the WaveGAN authors' classifier"
_SIMPLE = "scored by the paper's simple classifier"
_GENDER_CNN = "scored by the paper's LibriSpeech gender CNN"
_ON_S09, _ON_NSYNTH = "on real S09 test clips", "on real NSynth test clips"
_OURS_FID = (
    "Ours under FID is the Fréchet distance of the scorer's logits between sounds and real test "
    "clips; the paper does not say which real clips its own is against."
)
# The paper's share where a table names none (V-A2).
_GUIDED = 5


def _sounds(setting: Setting, score: str, distance: str, scored_by: Setting | None = None):
    """Cells of IS and FID."""
    return (
        Cell(score, setting, _IS, scored_by=scored_by),
        Cell(distance, setting, _FD, scored_by=scored_by),
    )


def _real(setting: Setting, part: str, score: str) -> tuple[Cell, Cell]:
    """Cells of IS and FID of real clips, of which the paper has no FID."""
    return Cell(score, setting, _REAL_IS[part], of_data=True), Cell()


_DIGITS = {
    "gaae": Setting("digits", "gaae", _GUIDED),
    "ggan": Setting("digits", "ggan", _GUIDED),
    **{
        model: Setting("digits", model)
        for model in ("biggan", "unsupervised_biggan", "wavegan", "specgan", "tifgan")
    },
}
_INSTRUMENTS = {
    model: dataclasses.replace(_DIGITS[model], data="instruments")
    for model in ("gaae", "ggan", "biggan", "unsupervised_biggan")
}
_VOICES = {model: dataclasses.replace(_DIGITS[model], data="voices") for model in _INSTRUMENTS}
_BY_GENDER = Setting("gender", "gaae")

TABLE_1 = Table(
    "1",
    "Table I: sample quality on S09",
    "model",
    (Column("IS", _WAVEGANS), Column("FID", _WAVEGANS)),
    (
        ("Real (Train Data)", _real(_DIGITS["gaae"], "real_train", "9.18 ± 0.04")),
        ("Real (Test Data)", _real(_DIGITS["gaae"], "real_test", "8.01 ± 0.24")),
        ("TiFGAN", _sounds(_DIGITS["tifgan"], "5.97", "26.7")),
        ("WaveGAN", _sounds(_DIGITS["wavegan"], "4.67 ± 0.01", "")),
        ("SpecGAN", _sounds(_DIGITS["specgan"], "6.03 ± 0.04", "")),
        ("Supervised BigGAN", _sounds(_DIGITS["biggan"], "7.33 ± 0.01", "24.40 ± 0.50")),
        (
            "Unsupervised BigGAN",
            _sounds(_DIGITS["unsupervised_biggan"], "6.17 ± 0.20", "24.72 ± 0.05"),
        ),
        ("GGAN", _sounds(_DIGITS["ggan"], "7.24 ± 0.05", "25.75 ± 0.10")),
        ("GAAE", _sounds(_DIGITS["gaae"], "7.28 ± 0.01", "22.60 ± 0.07")),
    ),
    f"GAAE and GGAN are guided by {_GUIDED} % of the labels. {_OURS_FID}",
)

TABLE_2 = Table(
    "2",
    "Table II: sample quality on NSynth",
    "model",
    (Column("IS", _SIMPLE), Column("FID", _SIMPLE)),
    (
        ("Real (Train Data)", _real(_INSTRUMENTS["gaae"], "real_train", "2.83 ± 0.02")),
        ("Real (Test Data)", _real(_INSTRUMENTS["gaae"], "real_test", "2.81 ± 0.12")),
        ("Supervised BigGAN", _sounds(_INSTRUMENTS["biggan"], "2.64 ± 0.08", "148.30 ± 0.23")),
        (
            "Unsupervised BigGAN",
            _sounds(_INSTRUMENTS["unsupervised_biggan"], "2.21 ± 0.11", "172.01 ± 0.15"),
        ),
        ("GGAN", _sounds(_INSTRUMENTS["ggan"], "2.52 ± 0.06", "149.23 ± 0.09")),
        ("GAAE", _sounds(_INSTRUMENTS["gaae"], "2.58 ± 0.03", "141.71 ± 0.32")),
    ),
    f"GAAE and GGAN are guided by {_GUIDED} % of the labels. {_OURS_FID}",
)

# By share of the labels: IS and FID on S09, IS and FID on NSynth.
_TABLE_3 = {
    1: ("6.94 ± 0.04", "24.21 ± 0.16", "2.48 ± 0.08", "145.89 ± 1.32"),
    2: ("7.06 ± 0.03", "23.89 ± 0.11", "2.53 ± 0.07", "144.21 ± 0.65"),
    3: ("7.12 ± 0.04", "23.15 ± 0.10", "2.56 ± 0.05", "143.01 ± 0.43"),
    4: ("7.19 ± 0.02", "22.91 ± 0.08", "2.57 ± 0.04", "142.46 ± 0.38"),
    5: ("7.28 ± 0.01", "22.60 ± 0.07", "2.58 ± 0.03", "141.71 ± 0.32"),
    100: ("7.45 ± 0.03", "19.31 ± 0.01", "2.67 ± 0.02", "137.65 ± 0.02"),
}
TABLE_3 = Table(
    "3",
    "Table III: sample quality of GAAE by share of the labels",
    "labels",
    (
        Column("IS (S09)", _WAVEGANS),
        Column("FID (S09)", _WAVEGANS),
        Column("IS (NSynth)", _SIMPLE),
        Column("FID (NSynth)", _SIMPLE),
    ),
    tuple(
        (
            f"{percent} %",
            (
                *_sounds(Setting("digits", "gaae", percent), *published[:2]),
                *_sounds(Setting("instruments", "gaae", percent), *published[2:]),
            ),
        )
        for percent, published in _TABLE_3.items()
    ),
    _OURS_FID,
)


def _taught(
    settings: dict[str, Setting], published: Sequence[str]
) -> tuple[tuple[str, tuple[Cell]], ...]:
    """Rows of Tables IV and V: what taught a simple CNN."""
    rows = (
        ("Train Data", "gaae", catalogue.TAUGHT_BY_REAL),
        ("Supervised BigGAN", "biggan", catalogue.TAUGHT_BY_SOUNDS),
        ("GGAN", "ggan", catalogue.TAUGHT_BY_SOUNDS),
        ("GAAE", "gaae", catalogue.TAUGHT_BY_SOUNDS),
        ("GAAE + Train Data", "gaae", catalogue.TAUGHT_BY_BOTH),
    )

    def row(name: str, model: str, measure: Measure, printed: str) -> tuple[str, tuple[Cell]]:
        measure = dataclasses.replace(measure, decimals=_PRINTED_DECIMALS)
        of_data = measure.key == catalogue.TAUGHT_BY_REAL.key
        return name, (Cell(printed, settings[model], measure, of_data=of_data),)

    return tuple(row(*known, printed) for known, printed in zip(rows, published, strict=True))


_TAUGHT_NOTE = (
    "Per cent. Ours: mean over the runs of each run's mean over three trainings of the CNN; the "
    "row of training data alone has the deviation over its trainings."
)
TABLE_4 = Table(
    "4",
    "Table IV: a simple CNN taught by sounds, tested on real S09 clips",
    "samples for training",
    (Column("test accuracy", _ON_S09),),
    _taught(
        _DIGITS, ("95.52 ± 0.50", "86.58 ± 0.56", "86.72 ± 0.47", "91.14 ± 0.17", "97.33 ± 0.19")
    ),
    _TAUGHT_NOTE,
)
TABLE_5 = Table(
    "5",
    "Table V: a simple CNN taught by sounds, tested on real NSynth clips",
    "samples for training",
    (Column("test accuracy", _ON_NSYNTH),),
    _taught(
        _INSTRUMENTS,
        ("92.01 ± 0.94", "83.50 ± 0.62", "81.40 ± 0.48", "86.80 ± 0.23", "94.56 ± 0.09"),
    ),
    _TAUGHT_NOTE,
)

TABLE_6 = Table(
    "6",
    "Table VI: sample quality on S09 by the speaker's gender, guided by it and by the digits",
    "model",
    (Column("IS", _GENDER_CNN), Column("FID", _GENDER_CNN)),
    (
        ("Train Data", _real(_BY_GENDER, "real_train", "1.92 ± 0.04")),
        ("Test Data", _real(_BY_GENDER, "real_test", "1.91 ± 0.05")),
        (
            "Unsupervised BigGAN",
            _sounds(
                _VOICES["unsupervised_biggan"], "1.13 ± 0.89", "56.01 ± 0.85", scored_by=_BY_GENDER
            ),
        ),
        (
            "Supervised BigGAN",
            _sounds(_VOICES["biggan"], "1.48 ± 0.56", "35.22 ± 0.50", scored_by=_BY_GENDER),
        ),
        (
            "GGAN (Digit Guided)",
            _sounds(_VOICES["ggan"], "1.58 ± 0.05", "37.75 ± 0.10", scored_by=_BY_GENDER),
        ),
        (
            "GAAE (Digit Guided)",
            _sounds(_VOICES["gaae"], "1.61 ± 0.17", "29.84 ± 0.43", scored_by=_BY_GENDER),
        ),
        ("GAAE (Gender Guided)", _sounds(_BY_GENDER, "1.78 ± 0.03", "20.21 ± 0.01")),
    ),
    "Train and test data are LibriSpeech's, whose labels train the scorer. " + _OURS_FID,
)

# By share of the labels: CNN network, BiGAN, GGAN, GAAE.
_TABLE_7 = {
    1: ("82.21 ± 1.2", "73.01 ± 1.02", "84.21 ± 2.24", "90.21 ± 0.16"),
    2: ("83.04 ± 0.34", "75.56 ± 0.41", "85.39 ± 1.24", "91.45 ± 0.12"),
    3: ("83.78 ± 0.23", "78.33 ± 0.07", "88.25 ± 0.10", "92.67 ± 0.06"),
    4: ("84.11 ± 0.34", "80.03 ± 0.01", "91.02 ± 0.50", "93.70 ± 0.05"),
    5: ("84.50 ± 1.02", "80.84 ± 1.72", "92.00 ± 0.87", "94.59 ± 0.03"),
    100: ("95.52 ± 0.50", "86.77 ± 2.61", "96.51 ± 0.07", "97.68 ± 0.01"),
}
_TABLE_8 = {
    1: ("85.76 ± 1.10", "82.21 ± 0.84", "88.52 ± 0.32", "90.26 ± 0.09"),
    2: ("89.79 ± 0.51", "86.65 ± 0.57", "91.69 ± 0.24", "92.96 ± 0.07"),
    3: ("89.83 ± 0.49", "87.21 ± 0.46", "91.95 ± 0.20", "93.12 ± 0.05"),
    4: ("90.52 ± 0.25", "87.59 ± 0.41", "92.16 ± 0.19", "93.73 ± 0.02"),
    5: ("91.07 ± 0.31", "87.95 ± 0.39", "92.45 ± 0.14", "94.23 ± 0.02"),
    100: ("92.01 ± 0.94", "88.09 ± 0.24", "93.56 ± 0.09", "94.89 ± 0.01"),
}


def _classification(
    name: str, title: str, data: str, on: str, published: dict[int, tuple[str, ...]]
) -> Table:
    """Table VII or VIII, with a column more for the CNN without augmentation."""
    models = ("classifier", "augmented_classifier", "bigan_classifier", "ggan", "gaae")
    headers = ("CNN, not augmented", "CNN network", "BiGAN", "GGAN", "GAAE")
    return Table(
        name,
        title,
        "labels",
        tuple(
            Column(header, "" if model == "classifier" else on)
            for header, model in zip(headers, models, strict=True)
        ),
        tuple(
            (
                f"{percent} %",
                tuple(
                    Cell(printed, Setting(data, model, percent), _C)
                    for model, printed in zip(models, ("", *of_percent), strict=True)
                ),
            )
            for percent, of_percent in published.items()
        ),
        "Per cent. The paper's CNN network is trained on augmented clips (VII), and so is ours in "
        "that column; the one without augmentation is ours alone.",
    )


TABLE_7 = _classification(
    "7", "Table VII: accuracy on real S09 clips by share of the labels", "digits", _ON_S09, _TABLE_7
)
TABLE_8 = _classification(
    "8",
    "Table VIII: accuracy on real NSynth clips by share of the labels",
    "instruments",
    _ON_NSYNTH,
    _TABLE_8,
)

TABLES = {
    table.name: table
    for table in (TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, TABLE_6, TABLE_7, TABLE_8)
}

_TENTHS = tuple(range(1, 10))


def _sweep(name: str, title: str, complement: str, note: str) -> Table:
    """A weight from 0.1 to 0.9, its complement to 1 beside it; all else as in Table I."""

    def setting(tenths: int) -> Setting:
        weights = ((name, f"0.{tenths}"), (complement, f"0.{10 - tenths}"))
        return dataclasses.replace(_DIGITS["gaae"], overrides=weights)

    return Table(
        name,
        title,
        name,
        (Column("IS"), Column("FID"), Column("accuracy of C")),
        tuple(
            (
                f"0.{tenths}",
                tuple(Cell("", setting(tenths), measure) for measure in (_IS, _FD, _C)),
            )
            for tenths in _TENTHS
        ),
        f"The paper draws this and prints no numbers of it; {note} Which values it drew is not "
        "said either: these are tenths.",
    )


_BOTH = (_DIGITS["gaae"], _INSTRUMENTS["gaae"])
FIGURES: dict[str, Table | Pictures] = {
    figure.name: figure
    for figure in (
        Pictures("samples", "Generated sounds beside real ones", _BOTH, ("samples.*",)),
        Pictures(
            "styles",
            "One style in every class, one class in many styles",
            _BOTH,
            ("styles_in_classes.*", "class_across_styles.*"),
        ),
        Pictures(
            "tsne",
            "Codes in the plane, by t-SNE",
            _BOTH,
            ("codes_by_class.*",),
            "Style codes z′ stand beside z. The paper's third picture, LibriSpeech's style codes "
            "by gender in a model of the digits, is not among these: they show each model's own "
            "test clips.",
        ),
        Pictures("interpolation", "From one style to another", _BOTH, ("interpolations.*",)),
        _sweep(
            "omega_1",
            "Weight ω1 of generation, ω2 = 1 − ω1 of reconstruction (paper VI)",
            "omega_2",
            "ω1 = 0.6 is called the best.",
        ),
        _sweep(
            "alpha",
            "Weight α of generation and reconstruction, β = 1 − α of the rest (paper VI)",
            "beta",
            "α = β = 0.5 is called the best.",
        ),
    )
}

"""The paper's tables as data: what it printed, and that every setting can be trained."""

import re
from pathlib import Path

import pytest

from gaae_tf.experiments.published import FIGURES, TABLES
from gaae_tf.experiments.requests import Run
from gaae_tf.experiments.scales import SCALES, Setting
from gaae_tf.experiments.tables import Table

ROOT = Path(__file__).parents[1]
ALL = {**TABLES, **FIGURES}
EVERY_SETTING = [
    (scale, setting)
    for scale in SCALES.values()
    for setting in dict.fromkeys(s for experiment in ALL.values() for s in experiment.settings)
]

# Every row of Tables I to VIII, in the paper's order: IS, FID or accuracies, "" where it has none.
PRINTED = [
    ("1", "Real (Train Data)", ["9.18 ± 0.04", ""]),
    ("1", "Real (Test Data)", ["8.01 ± 0.24", ""]),
    ("1", "TiFGAN", ["5.97", "26.7"]),
    ("1", "WaveGAN", ["4.67 ± 0.01", ""]),
    ("1", "SpecGAN", ["6.03 ± 0.04", ""]),
    ("1", "Supervised BigGAN", ["7.33 ± 0.01", "24.40 ± 0.50"]),
    ("1", "Unsupervised BigGAN", ["6.17 ± 0.20", "24.72 ± 0.05"]),
    ("1", "GGAN", ["7.24 ± 0.05", "25.75 ± 0.10"]),
    ("1", "GAAE", ["7.28 ± 0.01", "22.60 ± 0.07"]),
    ("2", "Real (Train Data)", ["2.83 ± 0.02", ""]),
    ("2", "Real (Test Data)", ["2.81 ± 0.12", ""]),
    ("2", "Supervised BigGAN", ["2.64 ± 0.08", "148.30 ± 0.23"]),
    ("2", "Unsupervised BigGAN", ["2.21 ± 0.11", "172.01 ± 0.15"]),
    ("2", "GGAN", ["2.52 ± 0.06", "149.23 ± 0.09"]),
    ("2", "GAAE", ["2.58 ± 0.03", "141.71 ± 0.32"]),
    ("3", "1 %", ["6.94 ± 0.04", "24.21 ± 0.16", "2.48 ± 0.08", "145.89 ± 1.32"]),
    ("3", "2 %", ["7.06 ± 0.03", "23.89 ± 0.11", "2.53 ± 0.07", "144.21 ± 0.65"]),
    ("3", "3 %", ["7.12 ± 0.04", "23.15 ± 0.10", "2.56 ± 0.05", "143.01 ± 0.43"]),
    ("3", "4 %", ["7.19 ± 0.02", "22.91 ± 0.08", "2.57 ± 0.04", "142.46 ± 0.38"]),
    ("3", "5 %", ["7.28 ± 0.01", "22.60 ± 0.07", "2.58 ± 0.03", "141.71 ± 0.32"]),
    ("3", "100 %", ["7.45 ± 0.03", "19.31 ± 0.01", "2.67 ± 0.02", "137.65 ± 0.02"]),
    ("4", "Train Data", ["95.52 ± 0.50"]),
    ("4", "Supervised BigGAN", ["86.58 ± 0.56"]),
    ("4", "GGAN", ["86.72 ± 0.47"]),
    ("4", "GAAE", ["91.14 ± 0.17"]),
    ("4", "GAAE + Train Data", ["97.33 ± 0.19"]),
    ("5", "Train Data", ["92.01 ± 0.94"]),
    ("5", "Supervised BigGAN", ["83.50 ± 0.62"]),
    ("5", "GGAN", ["81.40 ± 0.48"]),
    ("5", "GAAE", ["86.80 ± 0.23"]),
    ("5", "GAAE + Train Data", ["94.56 ± 0.09"]),
    ("6", "Train Data", ["1.92 ± 0.04", ""]),
    ("6", "Test Data", ["1.91 ± 0.05", ""]),
    ("6", "Unsupervised BigGAN", ["1.13 ± 0.89", "56.01 ± 0.85"]),
    ("6", "Supervised BigGAN", ["1.48 ± 0.56", "35.22 ± 0.50"]),
    ("6", "GGAN (Digit Guided)", ["1.58 ± 0.05", "37.75 ± 0.10"]),
    ("6", "GAAE (Digit Guided)", ["1.61 ± 0.17", "29.84 ± 0.43"]),
    ("6", "GAAE (Gender Guided)", ["1.78 ± 0.03", "20.21 ± 0.01"]),
    ("7", "1 %", ["", "82.21 ± 1.2", "73.01 ± 1.02", "84.21 ± 2.24", "90.21 ± 0.16"]),
    ("7", "2 %", ["", "83.04 ± 0.34", "75.56 ± 0.41", "85.39 ± 1.24", "91.45 ± 0.12"]),
    ("7", "3 %", ["", "83.78 ± 0.23", "78.33 ± 0.07", "88.25 ± 0.10", "92.67 ± 0.06"]),
    ("7", "4 %", ["", "84.11 ± 0.34", "80.03 ± 0.01", "91.02 ± 0.50", "93.70 ± 0.05"]),
    ("7", "5 %", ["", "84.50 ± 1.02", "80.84 ± 1.72", "92.00 ± 0.87", "94.59 ± 0.03"]),
    ("7", "100 %", ["", "95.52 ± 0.50", "86.77 ± 2.61", "96.51 ± 0.07", "97.68 ± 0.01"]),
    ("8", "1 %", ["", "85.76 ± 1.10", "82.21 ± 0.84", "88.52 ± 0.32", "90.26 ± 0.09"]),
    ("8", "2 %", ["", "89.79 ± 0.51", "86.65 ± 0.57", "91.69 ± 0.24", "92.96 ± 0.07"]),
    ("8", "3 %", ["", "89.83 ± 0.49", "87.21 ± 0.46", "91.95 ± 0.20", "93.12 ± 0.05"]),
    ("8", "4 %", ["", "90.52 ± 0.25", "87.59 ± 0.41", "92.16 ± 0.19", "93.73 ± 0.02"]),
    ("8", "5 %", ["", "91.07 ± 0.31", "87.95 ± 0.39", "92.45 ± 0.14", "94.23 ± 0.02"]),
    ("8", "100 %", ["", "92.01 ± 0.94", "88.09 ± 0.24", "93.56 ± 0.09", "94.89 ± 0.01"]),
]


def with_frozen(setting):
    return [setting, *(with_frozen(setting.frozen) if setting.frozen else [])]


@pytest.mark.parametrize(("table", "row", "printed"), PRINTED)
def test_published_figures_are_as_printed(table, row, printed):
    rows = dict(TABLES[table].rows)
    assert [cell.published for cell in rows[row]] == printed


def test_no_row_of_the_papers_tables_is_unchecked():
    rows = [(name, row) for name, table in TABLES.items() for row, _ in table.rows]
    assert rows == [(name, row) for name, row, _ in PRINTED]


@pytest.mark.parametrize(("table", "rows"), [*zip(TABLES, (9, 6, 6, 5, 5, 7, 6, 6), strict=True)])
def test_a_table_has_the_papers_rows_and_every_figure_a_form_and_ours_beside(table, rows):
    table = TABLES[table]
    assert len(table.rows) == rows
    for _, cells in table.rows:
        for cell, column in zip(cells, table.columns, strict=True):
            if cell.published:
                assert re.fullmatch(r"\d+\.\d+( ± \d\.\d+)?", cell.published)
                assert cell.setting
                assert cell.measure
                assert column.published_by


def test_figures_lie_where_evaluations_put_them():
    keys = {
        ".".join(cell.measure.key)
        for table in ALL.values()
        if isinstance(table, Table)
        for cell in table.cells
        if cell.measure
    }
    assert keys == {
        "details.samples.inception_score",
        "details.samples.against_real_test.frechet_logits",
        "details.real_train.inception_score",
        "details.real_test.inception_score",
        "details.classifier_test_accuracy",
        "details.usefulness.samples",
        "details.usefulness.samples_and_real_clips",
        "details.usefulness.real_clips",
    }


@pytest.mark.parametrize("scale", SCALES)
def test_equal_settings_are_one_run_and_others_are_not(scale):
    by_name, by_flags = {}, {}
    for at, top in EVERY_SETTING:
        for setting in with_frozen(top) if at.name == scale else ():
            run = Run(at, Path("out"), setting, 0)
            trained = run.scale.data[setting.data].flags(setting)
            assert by_name.setdefault(run.name, trained) == trained
            assert by_flags.setdefault(trained, run.name) == run.name
    names = dict(by_name)
    corpus = {"cpu": "fsdd", "paper": "s09"}[scale]
    # Table I's, III's, IV's and VII's GAAE, and of each sweep the row of the flag file's weights.
    assert f"{corpus}-gaae-5" in names
    omega_1, alpha = {"cpu": (0.5, 0.2), "paper": (0.6, 0.5)}[scale]
    for weight, other, own in (("omega_1", "omega_2", omega_1), ("alpha", "beta", alpha)):
        swept = {name for name in names if weight in name}
        values = [tenths / 10 for tenths in range(1, 10) if tenths / 10 != own]
        expected = {f"{corpus}-gaae-5-{weight}_{value}-{other}_{1 - value:.1f}" for value in values}
        assert swept == expected


def test_a_sweep_goes_from_a_tenth_to_nine_and_its_weights_sum_to_one():
    for name, other in (("omega_1", "omega_2"), ("alpha", "beta")):
        rows = FIGURES[name].rows
        assert [row for row, _ in rows] == [f"0.{tenths}" for tenths in range(1, 10)]
        for row, (cell, *_) in rows:
            weights = dict(cell.setting.overrides)
            assert not weights or weights[name] == row
            assert not weights or float(weights[name]) + float(weights[other]) == pytest.approx(1.0)


def test_bigan_stands_on_the_unsupervised_biggan():
    models = [s.model for s in with_frozen(Setting("digits", "bigan_classifier", 5))]
    assert models == ["bigan_classifier", "bigan", "unsupervised_biggan"]


@pytest.mark.parametrize(("model", "percent"), [("gaae", None), ("biggan", 100)])
def test_a_setting_with_a_share_of_labels_that_does_not_fit_is_refused(model, percent):
    with pytest.raises(ValueError, match=f"{model} on digits takes .* share"):
        Setting("digits", model, percent)


def test_every_flag_file_exists():
    named = {
        flag.removeprefix("--flagfile=")
        for scale, top in EVERY_SETTING
        for setting in with_frozen(top)
        for flag in scale.data[setting.data].flags(setting)
        if flag.startswith("--flagfile=")
    }
    assert "configs/fsdd.flags" in named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("scale", SCALES)
def test_every_setting_is_a_training_that_train_py_takes(scale, monkeypatch):
    monkeypatch.chdir(ROOT)
    refused = []
    for at, top in EVERY_SETTING:
        for setting in with_frozen(top) if at.name == scale else ():
            try:
                config = Run(at, Path("out"), setting, 2).config()
            except ValueError as error:
                refused.append(str(error))
                continue
            assert (config.model, config.seed) == (setting.model, 2)
            if setting.labelled_percent is not None:
                assert config.labelled_percent == setting.labelled_percent
            for name, value in setting.overrides:
                assert getattr(config, name) == float(value)
    assert refused == []


def test_the_gender_guided_run_is_guided_by_librispeech_at_both_scales(monkeypatch):
    monkeypatch.chdir(ROOT)
    for scale in SCALES.values():
        config = Run(scale, Path("out"), Setting("gender", "gaae"), 0).config()
        assert config.dataset == "datasets/s09"
        assert config.guidance_dataset == "datasets/librispeech_gender"
        assert config.guidance_speakers_per_class == 10

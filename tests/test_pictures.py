import dataclasses
import types

import numpy as np
import pytest

from gaae_tf.evaluation.pictures import _codes, pictures
from gaae_tf.ops.log_magnitude import LogMagnitudeScaling, LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.report.page import (
    ClassSounds,
    Curve,
    PageContents,
    PointSet,
    Sound,
    Strip,
    StyleMatrix,
)

RATE_HZ, SAMPLES = 8000, 1024
STFT = StftSettings(window_samples=64, hop_samples=32, fft_size=64)
STATISTICS = LogMagnitudeStatistics(maximum=2.0, mean=-3.0, deviation=2.0)


def run_of(classes):
    """A run whose classes are tones, higher and higher."""
    path = SignalPath(STFT, LogMagnitudeScaling(statistics=STATISTICS, dynamic_range_nepers=10.0))
    return types.SimpleNamespace(
        classes=tuple(classes),
        sample_rate_hz=RATE_HZ,
        signal_path=path,
        generate=lambda name, count, seed: np.stack(
            [tone(classes.index(name), style) for style in range(count)]
        ),
    )


def tone(label, style=0):
    time_s = np.arange(SAMPLES) / RATE_HZ
    wave = np.sin(2 * np.pi * (400 + 600 * label) * time_s) * np.exp(-style * time_s * 10)
    return (0.1 * wave).astype(np.float32)


def contents_of(run, points=40, labels=None):
    def sound(label, style=0):
        audio = tone(label, style)
        spectrogram = run.signal_path.spectrogram(audio[np.newaxis]).numpy()[0, ..., 0]
        return Sound(run.classes[label], audio, spectrogram)

    indices = range(len(run.classes))
    rng = np.random.default_rng(0)
    labels = {"class": [run.classes[i % len(run.classes)] for i in range(points)]} | (labels or {})
    three = [[sound(i, style) for style in range(3)] for i in indices]
    return PageContents(
        title="a run",
        sample_rate_hz=RATE_HZ,
        curves=[
            Curve("loss/G", np.arange(0, 3000, 10), np.cos(np.arange(300) / 40)),
            Curve("loss/R", np.arange(0, 3000, 10), np.exp(-np.arange(300) / 90)),
            Curve("speed/steps_per_second", np.arange(5), np.ones(5)),
        ],
        classes=[
            ClassSounds(run.classes[i], three[i][:1], three[i][:1], three[i]) for i in indices
        ],
        matrix=StyleMatrix(
            [sound(0), "drawn style 1"],
            run.classes,
            [[sound(i, s) for i in indices] for s in (1, 4)],
        ),
        strips=[Strip(run.classes[i], three[i], ["0.00", "0.50", "1.00"]) for i in indices],
        points=[
            PointSet(
                name,
                *rng.normal(size=(2, points)),
                [sound(0)] * points,
                labels,
                f"t-SNE of {points} test clips",
            )
            for name in ("z, the guided code", "z′, the style code")
        ],
    )


def scores_of(size, clips=3):
    counts = (clips * np.eye(size, dtype=int)).tolist()
    return {
        "details": {"confusion": {"samples": counts, "classifier": counts}},
        "provenance": {"classes": [f"class {i}" for i in range(size)]},
    }


def drawn(run, contents, scores=None):
    """The figures by name, and the lines of the log."""
    lines = []
    scores = scores or scores_of(len(run.classes))
    found = pictures(run, contents, scores, log=lines.append)
    return {picture.name: picture for picture in found}, lines


@pytest.fixture(scope="module")
def run():
    return run_of(["low", "middle", "high"])


@pytest.fixture(scope="module")
def all_drawn(run):
    labels = {"Speaker (name)": ["ann", "bob"] * 20, "pitch": np.arange(40.0)}
    found, lines = drawn(run, contents_of(run, labels=labels))
    assert not lines
    return found


def images(picture):
    return [axes.images[0] for axes in picture.figure.axes if axes.images]


def loudest_hz(image):
    """Frequency of the loudest bin of a spectrogram's picture."""
    levels = np.asarray(image.get_array())
    return np.argmax(levels.mean(axis=1)) / len(levels) * image.get_extent()[3]


def test_every_figure_is_there(all_drawn):
    assert list(all_drawn) == [
        "samples",
        "styles_in_classes",
        "class_across_styles",
        "interpolations",
        "codes_by_class",
        "codes_by_speaker_name",
        "codes_by_pitch",
        "training_curves",
        "confusion_samples",
        "confusion_classifier",
    ]


def test_samples_stand_in_the_row_of_their_class_and_missing_ones_stay_blank(all_drawn):
    panels = np.reshape(images(all_drawn["samples"])[:18], (3, 6))
    titles = [axes.get_title() for axes in all_drawn["samples"].figure.axes[:6]]
    assert titles == [
        *("real 1", "reconstructed 1", "real 2", "reconstructed 2"),
        *("generated 1", "generated 2"),
    ]
    for label in range(3):
        for column in (0, 1, 4, 5):
            hertz = loudest_hz(panels[label, column])
            assert hertz == pytest.approx(400 + 600 * label, abs=RATE_HZ / 64)
        for column in (2, 3):  # one real clip alone
            assert np.ma.masked_invalid(panels[label, column].get_array()).mask.all()


def test_axes_are_in_hertz_seconds_and_decibels(all_drawn):
    image = images(all_drawn["interpolations"])[0]
    assert image.get_extent() == pytest.approx((0.0, SAMPLES / RATE_HZ, 0.0, RATE_HZ / 2))
    # Ten nepers are 86.9 dB.
    assert image.get_clim() == pytest.approx((-200 / np.log(10), 0.0))
    texts = [text.get_text() for text in all_drawn["interpolations"].figure.texts]
    assert {"frequency (Hz)", "time (s)"} <= set(texts)


def test_styles_are_rows_in_one_figure_and_columns_in_the_other(all_drawn):
    matrix = np.reshape(images(all_drawn["styles_in_classes"])[:6], (2, 3))
    across = np.reshape(images(all_drawn["class_across_styles"])[:24], (3, 8))
    for label in range(3):
        expected = pytest.approx(400 + 600 * label, abs=RATE_HZ / 64)
        assert loudest_hz(matrix[1, label]) == expected
        assert loudest_hz(across[label, 7]) == expected
    # Later styles die away sooner.
    levels = [image.get_array().mean(axis=1).max() for image in across[1]]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > levels[-1]


def test_curves_are_the_loss_terms_alone(all_drawn):
    axes = all_drawn["training_curves"].figure.axes
    assert [panel.get_title() for panel in axes] == ["G", "R"]
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), np.exp(-np.arange(300) / 90))
    assert axes[0].lines[0].get_xdata()[-1] == 2990


def test_codes_of_both_kinds_stand_side_by_side_under_one_legend(all_drawn):
    figure = all_drawn["codes_by_speaker_name"].figure
    assert [axes.get_title() for axes in figure.axes] == [
        "z, the guided code",
        "z′, the style code",
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ann", "bob"]
    assert "pitch" in [axes.get_ylabel() for axes in all_drawn["codes_by_pitch"].figure.axes]


def test_what_cannot_be_drawn_is_left_out_and_said(run):
    bare = PageContents("a run", RATE_HZ, classes=contents_of(run).classes)
    found, lines = drawn(run, bare, scores_of(3, clips=0))
    assert list(found) == ["samples", "class_across_styles"]
    assert len(lines) == 4
    assert any("t-SNE cannot be had" in line for line in lines)
    assert any("its logs hold none" in line for line in lines)


def test_of_many_classes_the_first_are_shown_and_the_title_says_so(run, monkeypatch):
    monkeypatch.setattr("gaae_tf.evaluation.pictures._MOST_CLASSES", 2)
    found, _ = drawn(run, contents_of(run))
    assert found["samples"].title.endswith("; 2 of 3 classes")
    assert len(images(found["styles_in_classes"])) == 2 * 2
    assert len(found["confusion_samples"].figure.axes[0].get_xticks()) == 3


def test_labels_of_like_names_are_kept_apart(run):
    labels = {name: ["a", "b"] * 20 for name in ("Class", "männlich", "m nnlich", "é", "/")}
    names = [picture.name for picture in _codes(contents_of(run, labels=labels), print)]
    assert len(names) == len(set(names)) == 6


def test_sounds_of_no_class_stand_in_rows_of_their_own(run):
    """Four columns: a recording of one class after the other, then what was generated."""
    contents = contents_of(run)
    generated = [sound for sounds in contents.classes for sound in sounds.generated][:6]
    classes = [dataclasses.replace(sounds, generated=()) for sounds in contents.classes]
    classes.append(ClassSounds("of no class", generated=generated))
    contents = dataclasses.replace(contents, classes=classes, matrix=None, strips=[])
    classless = types.SimpleNamespace(**vars(run) | {"classes": ()})
    (name, samples), *_ = drawn(classless, contents, scores_of(3))[0].items()
    assert name == "samples"
    texts = [text.get_text() for axes in samples.figure.axes for text in axes.texts]
    texts += [text.get_text() for text in samples.figure.texts]
    assert {"recordings 1 to 3", "generated 1 to 4", "generated 5 to 6"} <= set(texts)
    panels = images(samples)[:12]
    hertz = [loudest_hz(panel) for panel in (*panels[:3], *panels[4:10])]
    labels = (0, 1, 2, 0, 0, 0, 1, 1, 1)
    assert hertz == pytest.approx([400 + 600 * label for label in labels], abs=RATE_HZ / 64)
    for blank in (panels[3], *panels[10:]):
        assert np.ma.masked_invalid(blank.get_array()).mask.all()

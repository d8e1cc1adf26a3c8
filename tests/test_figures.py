import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from gaae_tf.report import figures
from gaae_tf.report.figures.paper import short

RATE_HZ, HOP, BINS, FRAMES = 16_000, 128, 64, 32


def grid(spectrograms, dynamic_range_db=80.0, title=""):
    rows, columns = spectrograms.shape[:2]
    return figures.spectrogram_grid(
        spectrograms,
        [f"row {i}" for i in range(rows)],
        [f"column {i}" for i in range(columns)],
        sample_rate_hz=RATE_HZ,
        hop_samples=HOP,
        dynamic_range_db=dynamic_range_db,
        title=title,
    )


def silence(rows=1, columns=1):
    return np.full((rows, columns, BINS, FRAMES), -1.0, np.float32)


def panels(figure, rows, columns):
    """The panels in reading order; the colour bar comes after them."""
    return np.reshape(figure.axes[: rows * columns], (rows, columns))


def test_axes_span_the_clip_in_seconds_and_half_the_sample_rate_in_hertz():
    (panel,) = panels(grid(silence()), 1, 1).flat
    seconds = 32 * 128 / 16_000
    assert panel.images[0].get_extent() == pytest.approx((0.0, seconds, 0.0, 8000.0))
    assert panel.get_xlim() == pytest.approx((0.0, seconds))
    assert panel.get_ylim() == pytest.approx((0.0, 8000.0))
    assert panel.get_xlabel() == "time (s)"
    assert panel.get_ylabel() == "frequency (Hz)"


def test_a_low_tone_is_drawn_near_the_bottom_and_an_onset_at_its_time():
    spectrograms = silence()
    spectrograms[0, 0, 8:10, 24:] = 1.0  # 1000 to 1250 Hz, from 0.192 s to the end
    figure = grid(spectrograms)
    pixels = figures.figure_to_rgb(figure).sum(axis=-1).astype(int)
    (panel,) = panels(figure, 1, 1).flat

    def at(seconds, hertz):
        x, y = panel.transData.transform((seconds, hertz))
        return pixels[len(pixels) - 1 - int(y), int(x)]

    bright, dark = at(0.22, 1125.0), at(0.22, 6875.0)
    assert bright > 600  # of 3 × 255: the map's light end
    assert dark < 30
    assert at(0.05, 1125.0) == dark  # before the onset


def test_colours_are_decibels_below_the_peak():
    spectrograms = silence()
    spectrograms[0, 0, 3, 5] = 1.0
    spectrograms[0, 0, 3, 6] = 0.5
    figure = grid(spectrograms, dynamic_range_db=60.0)
    image = figure.axes[0].images[0]
    assert image.get_array()[3, 5] == pytest.approx(0.0)
    assert image.get_array()[3, 6] == pytest.approx(-15.0)  # a quarter of the way down
    assert image.get_array()[0, 0] == pytest.approx(-60.0)
    assert image.get_clim() == (-60.0, 0.0)
    assert "dB" in figure.axes[-1].get_ylabel()


def test_colour_map_gets_steadily_lighter():
    colours = grid(silence()).axes[0].images[0].get_cmap()(np.linspace(0.0, 1.0, 64))[:, :3]
    luminance = colours @ [0.2126, 0.7152, 0.0722]  # Rec. 709
    assert np.all(np.diff(luminance) > 0.0)


def test_each_panel_stands_under_its_titles():
    spectrograms = silence(3, 6)
    spectrograms[2, 4] = 0.0
    figure = grid(spectrograms, title="step 5")
    axes = panels(figure, 3, 6)
    assert np.all(axes[2, 4].images[0].get_array() == -40.0)
    assert np.all(axes[1, 4].images[0].get_array() == -80.0)
    assert [axis.get_title() for axis in axes[0]] == [f"column {i}" for i in range(6)]
    assert [axis.texts[0].get_text() for axis in axes[:, 0]] == ["row 0", "row 1", "row 2"]
    assert figure.get_suptitle() == "step 5"
    assert len(figure.axes) == 3 * 6 + 1  # one colour bar for all


def texts_of(figure):
    """All texts that are seen, as (text, box in pixels)."""
    figures.figure_to_rgb(figure)
    renderer = figure.canvas.get_renderer()
    texts = list(figure.texts)
    for panel in figure.axes:
        texts += [panel.title, panel.xaxis.label, panel.yaxis.label, *panel.texts]
        for axis in (panel.xaxis, panel.yaxis):
            low, high = axis.get_view_interval()
            for tick in axis.get_major_ticks():
                if low <= tick.get_loc() <= high:
                    texts += [tick.label1, tick.label2]
    texts = [text for text in texts if text.get_visible() and text.get_text()]
    return [(text, text.get_window_extent(renderer)) for text in texts]


def check_texts(figure, texts):
    """That no text overlaps another or leaves the figure."""
    for i, (text, box) in enumerate(texts):
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text
        for other, its_box in texts[:i]:
            assert not box.overlaps(its_box), (text, other)


def test_no_text_overlaps_another_or_leaves_the_figure():
    figure = grid(silence(3, 8), title="step 60,000")
    check_texts(figure, texts_of(figure))


def plate(spectrograms, row_titles, column_titles, sample_rate_hz=RATE_HZ):
    return figures.spectrogram_plate(
        spectrograms,
        row_titles,
        column_titles,
        sample_rate_hz=sample_rate_hz,
        hop_samples=HOP,
        dynamic_range_db=80.0,
    )


DIGITS = [str(i) for i in range(10)]
LONG = ["acoustic guitar", "string", "a name beyond all measure"]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(DIGITS[:2], DIGITS), (DIGITS, DIGITS[:2]), (LONG, LONG * 2), (["one"], ["a", "b"])],
    ids=["2×10", "10×2", "long names", "one row"],
)
def test_a_plate_is_as_wide_as_a_papers_text_with_letters_to_read(rows, columns):
    figure = plate(silence(len(rows), len(columns)), rows, columns)
    width, height = 2.54 * figure.get_size_inches()
    assert width == pytest.approx(17.6)
    assert height < 22.01
    texts = texts_of(figure)
    assert min(text.get_fontsize() for text, _ in texts) >= 6.0
    # The boxes of slanting texts overlap though their letters do not.
    check_texts(figure, [(text, box) for text, box in texts if text.get_rotation() in (0, 90)])
    for _, box in texts:
        assert 0.0 <= box.x0 <= box.x1 <= figure.bbox.x1
        assert 0.0 <= box.y0 <= box.y1 <= figure.bbox.y1


def test_a_plates_panels_are_those_of_the_grid():
    spectrograms = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 3, BINS, FRAMES))
    spectrograms[1, 1] = np.nan
    titles = ["a$b$", "c"], ["d", "e", "$f$"]
    drawn = plate(spectrograms, *titles)
    expected = grid(spectrograms)
    for panel, other in zip(drawn.axes[:6], expected.axes[:6], strict=True):
        image, its_image = panel.images[0], other.images[0]
        np.testing.assert_array_equal(image.get_array(), its_image.get_array())
        assert image.get_extent() == its_image.get_extent()
        assert image.get_clim() == its_image.get_clim()
    assert [panel.get_title() for panel in drawn.axes[:3]] == titles[1]
    assert drawn.axes[0].texts[0].get_text() == "a$b$"
    figures.figure_to_rgb(drawn)  # no formula fails


def test_a_name_keeps_its_beginning():
    assert short("guitar") == "guitar"
    assert short("x" * 25) == "x" * 23 + "…"
    assert short("\udcff.wav") == "?.wav"


def test_a_panel_that_is_not_finite_stays_blank():
    spectrograms = silence(1, 2)
    spectrograms[0, 1, 0, 0] = np.nan
    left, right = panels(grid(spectrograms), 1, 2)[0]
    assert np.isfinite(left.images[0].get_array()).all()
    assert np.ma.masked_invalid(right.images[0].get_array()).mask.all()
    assert [text.get_text() for text in right.texts] == ["none"]


def test_picture_has_the_figures_size():
    figure = grid(silence(2, 3))
    picture = figures.figure_to_rgb(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert picture.dtype == np.uint8
    assert picture.shape == (int(height), int(width), 3)


def test_saved_file_holds_the_picture_and_nothing_else_is_left(tmp_path):
    figure = grid(silence())
    figures.save(figure, tmp_path / "grid.png")
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
    picture = matplotlib.image.imread(tmp_path / "grid.png")
    width, height = figure.get_size_inches() * 150
    assert picture.shape[:2] == (int(height), int(width))


SAVE_ONE = """
import sys, numpy as np
from gaae_tf.report import figures
panels = np.zeros((1, 1, 8, 8))
figure = figures.spectrogram_plate(
    panels, ["a"], ["b"], sample_rate_hz=8000, hop_samples=64, dynamic_range_db=80.0
)
for suffix in ("png", "pdf"):
    figures.save(figure, f"{sys.argv[1]}.{suffix}")
"""


def test_equal_figures_are_equal_files_in_every_process(tmp_path):
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", SAVE_ONE, str(tmp_path / seed)],
            check=True,
            cwd=Path(__file__).parents[1],
            env={"PYTHONHASHSEED": seed},
        )
    for suffix in ("png", "pdf"):
        one, two = (tmp_path / f"{seed}.{suffix}" for seed in ("1", "2"))
        assert one.read_bytes() == two.read_bytes()


def test_a_pdf_embeds_truetype_letters_and_tells_no_time(tmp_path):
    figures.save(plate(silence(), ["a"], ["b"]), tmp_path / "plate.pdf")
    content = (tmp_path / "plate.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/CIDFontType2" in content or b"/TrueType" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content


def test_unknown_suffix_is_an_error_and_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="wav"):
        figures.save(grid(silence()), tmp_path / "grid.wav")
    assert not list(tmp_path.iterdir())


def test_shape_that_does_not_fit_the_titles_is_named():
    with pytest.raises(ValueError, match=r"1 row_titles, 2 column_titles.*\(1, 1, 64, 32\)"):
        figures.spectrogram_grid(
            silence(),
            ["a"],
            ["b", "c"],
            sample_rate_hz=RATE_HZ,
            hop_samples=HOP,
            dynamic_range_db=80.0,
        )


def test_dynamic_range_must_be_positive():
    with pytest.raises(ValueError, match="dynamic_range_db must be positive, got 0"):
        grid(silence(), dynamic_range_db=0.0)

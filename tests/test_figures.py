import matplotlib.image
import numpy as np
import pytest

from gaae_tf.report import figures

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


def test_no_text_overlaps_another_or_leaves_the_figure():
    figure = grid(silence(3, 8), title="step 60,000")
    figures.figure_to_rgb(figure)
    renderer = figure.canvas.get_renderer()
    axes = panels(figure, 3, 8)
    texts = [axes[0, i].title for i in range(8)] + [axes[i, 0].texts[0] for i in range(3)]
    texts += [axes[i, 0].yaxis.label for i in range(3)] + [axes[2, i].xaxis.label for i in range(8)]
    texts += [figure.axes[-1].yaxis.label, figure._suptitle]
    for panel in (axes[0, 0], axes[2, 0], axes[2, 1], figure.axes[-1]):
        for axis in (panel.xaxis, panel.yaxis):
            low, high = axis.get_view_interval()
            texts += [
                tick.label1 if tick.label1.get_visible() else tick.label2
                for tick in axis.get_major_ticks()
                if low <= tick.get_loc() <= high
            ]
    texts = [text for text in texts if text.get_visible() and text.get_text()]
    boxes = [text.get_window_extent(renderer) for text in texts]
    for i, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, texts[i]
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, texts[i]
        for j in range(i):
            assert not box.overlaps(boxes[j]), (texts[i], texts[j])


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

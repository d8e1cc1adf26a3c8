"""Figures for TensorBoard, the run folder, the report and papers: arrays in, pictures out."""

from gaae_tf.report.figures.charts import confusion_matrix, curves
from gaae_tf.report.figures.histogram import histogram_figure
from gaae_tf.report.figures.paper import figure_to_rgb, save
from gaae_tf.report.figures.points import scatter
from gaae_tf.report.figures.spectrograms import spectrogram_grid, spectrogram_plate

__all__ = [
    "confusion_matrix",
    "curves",
    "figure_to_rgb",
    "histogram_figure",
    "save",
    "scatter",
    "spectrogram_grid",
    "spectrogram_plate",
]

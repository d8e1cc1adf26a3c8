"""What is trained, on which clips, guided by which labels, seen through which transform."""

from __future__ import annotations

import dataclasses

from gaae_tf.config.setting import setting
from gaae_tf.ops.settings import SCALINGS, WINDOWS

CLASS_WEIGHTS = ("equal", "balanced")


@dataclasses.dataclass(frozen=True)
class DataSettings:
    """The settings of what is trained on what."""

    # What and where.
    dataset: str = setting(
        "", "Data set folder made by gaae_tf.data.prepare, or 'notes', the embedded one."
    )
    run_dir: str = setting("", "Run folder: made if absent, continued if it holds a run.")
    model: str = setting("gaae", "Which system to train.")
    frozen_run: str = setting(
        "",
        "Run folder whose trained networks this run takes as they are; docs/SYSTEMS.md says of "
        "which system.",
        group="frozen",
    )
    start_from: str = setting(
        "",
        "Run folder of a trained run: networks of equal name and shapes begin with its weights.",
    )
    seed: int = setting(0, "Seed of weights, guidance draw, data order and noise.", least=0)

    # Guidance (paper V-A, V-C).
    labelled_percent: float = setting(
        5.0,
        "Share of each class's training labels that guides training, in (0, 100]; 100 for a "
        "system that learns from all of them.",
        within="(0, 100]",
        group="labels",
    )
    labelled_per_class: int = setting(
        0,
        "Clips of each class whose labels guide training; 0: go by --labelled_percent.",
        least=0,
        group="guidance",
    )
    guidance_speakers_per_class: int = setting(
        0,
        "Speakers of each class, all of whose labels guide training; 0: go by the flags above.",
        least=0,
        group="guidance",
    )
    guidance_dataset: str = setting(
        "",
        "Data set folder whose classes and labels guide training; its guiding clips join the "
        "unlabelled ones. Empty: --dataset's own.",
        group="guidance",
    )
    class_weights: str = setting(
        "equal",
        "What a labelled clip weighs in Cl, or in a classifier's loss: equal, or balanced, the "
        "inverse of how often its class is among the clips that guide.",
        choices=CLASS_WEIGHTS,
        group="guidance",
    )

    lower_by_semitones: int = setting(
        0,
        "Also learns from every training clip lowered by 1, 2, … so many semitones, as if played "
        "slower.",
        within="[0, 12]",
    )

    # Spectrogram (paper IV-B).
    sample_rate_hz: int = setting(
        0, "Rate at which --dataset=notes is prepared; else 0 or the data set's own rate.", least=0
    )
    clip_samples: int = setting(
        0,
        "Clip length at which --dataset=notes is prepared; else 0 or the data set's own.",
        least=0,
    )
    window: str = setting("hamming", "Analysis window.", choices=WINDOWS)
    window_samples: int = setting(512, "Window length in samples.")
    hop_samples: int = setting(128, "Hop in samples.")
    fft_size: int = setting(512, "FFT length; spectrograms have fft_size / 2 bins.")
    scaling: str = setting(
        "dataset_peak", "What log-magnitudes are clipped and scaled against.", choices=SCALINGS
    )
    dynamic_range_nepers: float = setting(
        10.0,
        "r: log-magnitudes below the maximum by more than this are clipped (paper: 10, NSynth 15); "
        "--scaling=standardised and per_bin count it in deviations (SpecGAN: 3).",
        within="(0, 60]",
    )

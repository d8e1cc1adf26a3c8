"""The training configuration: frozen, validated dataclasses, to and from flags.

Every field is one flag of the same name; a run folder keeps the resolved configuration as
`config.flags`, which `train.py --flagfile=` reads again.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from absl import flags

from gaae_tf.networks.geometry import (
    AXES,
    POOLINGS,
    WIDTH_SCHEDULES,
    base_size,
    check_classifier_size,
    check_non_local_bins,
    dcgan_base,
    wavegan_base,
)
from gaae_tf.ops.settings import SCALINGS, WINDOWS, StftSettings
from gaae_tf.systems.settings import Additions, LossWeights

MODELS = (
    "gaae",
    "ggan",
    "biggan",
    "unsupervised_biggan",
    "bigan",
    "bigan_classifier",
    "wavegan",
    "specgan",
    "tifgan",
    "classifier",
    "augmented_classifier",
)
# What a model with frozen networks needs: a trained run of this one.
FROZEN_MODELS = {"bigan": "unsupervised_biggan", "bigan_classifier": "bigan"}
# They make no sounds.
CLASSIFIERS = ("bigan_classifier", "classifier", "augmented_classifier")
# Those that learn from labels, and have classes; biggan from all labels, the others from a share.
GUIDED = ("gaae", "ggan", *CLASSIFIERS)
LABELLED_MODELS = (*GUIDED, "biggan")
_ADVERSARIAL = tuple(model for model in MODELS if model not in CLASSIFIERS)
_GAAE = ("gaae",)
_GAAE_LOSSES = ("gaae", "ggan")
# Networks of METHOD §4, and those of them that have a decoder.
_BIGGAN_BLOCKS = ("gaae", "ggan", "biggan", "unsupervised_biggan", "bigan", "bigan_classifier")
_DECODERS = _BIGGAN_BLOCKS[:-1]
PRECISIONS = ("auto", "float32", "mixed_float16", "mixed_bfloat16")
DECAYS = ("constant", "linear")
STRATEGIES = ("auto", "one", "mirrored", "multi_worker")


def _setting(
    default: Any,
    help_text: str,
    choices: Iterable[str] | None = None,
    models: tuple[str, ...] = MODELS,
) -> Any:
    if models != MODELS:
        help_text += f" Only for --model={', '.join(models)}."
    return dataclasses.field(
        default=default,
        metadata={
            "help": help_text,
            "choices": tuple(choices) if choices else None,
            "models": models,
        },
    )


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training; the defaults are the paper's for GAAE.

    A field that only some models use must be left at its default for the others.

    Raises:
        ValueError: a value is out of its range or does not fit another; the message names the flag.
    """

    # What and where.
    dataset: str = _setting(
        "", "Data set folder made by gaae_tf.data.prepare, or 'notes', the embedded one."
    )
    run_dir: str = _setting("", "Run folder: made if absent, continued if it holds a run.")
    model: str = _setting("gaae", "Which system to train.", MODELS)
    frozen_run: str = _setting(
        "",
        "Run folder whose trained networks stay frozen in this run: for bigan that of an "
        "unsupervised_biggan, for bigan_classifier that of a bigan.",
        models=tuple(FROZEN_MODELS),
    )
    start_from: str = _setting(
        "",
        "Run folder of a trained run: networks of equal name and shapes begin with its weights.",
    )
    seed: int = _setting(0, "Seed of weights, guidance draw, data order and noise.")

    # Guidance (paper V-A, V-C).
    labelled_percent: float = _setting(
        5.0,
        "Share of each class's training labels that guides training, in (0, 100]; biggan: 100.",
        models=LABELLED_MODELS,
    )
    labelled_per_class: int = _setting(
        0,
        "Clips of each class whose labels guide training; 0: go by --labelled_percent.",
        models=GUIDED,
    )
    guidance_speakers_per_class: int = _setting(
        0,
        "Speakers of each class, all of whose labels guide training; 0: go by the flags above.",
        models=GUIDED,
    )
    guidance_dataset: str = _setting(
        "",
        "Data set folder whose classes and labels guide training; its guiding clips join the "
        "unlabelled ones. Empty: --dataset's own.",
        models=GUIDED,
    )

    class_weights: str = _setting(
        "equal",
        "What a labelled clip weighs in Cl, or in a classifier's loss: equal, or balanced, the "
        "inverse of how often its class is among the clips that guide.",
        ("equal", "balanced"),
        GUIDED,
    )

    # Spectrogram (paper IV-B).
    sample_rate_hz: int = _setting(
        0, "Rate at which --dataset=notes is prepared; else 0 or the data set's own rate."
    )
    clip_samples: int = _setting(
        0, "Clip length at which --dataset=notes is prepared; else 0 or the data set's own."
    )
    window: str = _setting("hamming", "Analysis window.", WINDOWS)
    window_samples: int = _setting(512, "Window length in samples.")
    hop_samples: int = _setting(128, "Hop in samples.")
    fft_size: int = _setting(512, "FFT length; spectrograms have fft_size / 2 bins.")
    scaling: str = _setting(
        "dataset_peak", "What log-magnitudes are clipped and scaled against.", SCALINGS
    )
    dynamic_range_nepers: float = _setting(
        10.0,
        "r: log-magnitudes below the maximum by more than this are clipped (paper: 10, NSynth 15); "
        "--scaling=standardised and per_bin count it in deviations (SpecGAN: 3).",
    )

    # Networks (paper appendix A).
    channels: int = _setting(
        16,
        "ch, the base width of all convolutional networks (WaveGAN, SpecGAN, TiFGAN: 64); the "
        "simple classifiers have their own.",
    )
    width_schedule: str = _setting(
        "biggan",
        "Widths of the decoder, a BigGAN's generator.",
        WIDTH_SCHEDULES,
        _DECODERS,
    )
    encoder_channels: int = _setting(0, "ch of E alone; 0: as --channels.", models=_GAAE)
    non_local_bins: int = _setting(
        128,
        "Bins at which the non-local block stands, 0 for none (paper: half the spectrogram's).",
        models=_BIGGAN_BLOCKS,
    )
    guided_dim: int = _setting(128, "Length of the guided code z.", models=_GAAE)
    style_dim: int = _setting(
        128,
        "Length of the style code z', of a generator's z, or of the one code of GGAN and BiGAN.",
    )

    # Loss (paper VI, equation 6).
    alpha: float = _setting(
        0.5, "Weight of generation and reconstruction; alpha + beta = 1.", models=_GAAE_LOSSES
    )
    beta: float = _setting(
        0.5, "Weight of classification and latent matching.", models=_GAAE_LOSSES
    )
    omega_1: float = _setting(0.6, "Weight of G; omega_1 + omega_2 = 1.", models=_GAAE)
    omega_2: float = _setting(0.4, "Weight of lambda * R.", models=_GAAE)
    omega_3: float = _setting(
        0.25, "Weight of Cl; omega_3 + omega_4 + omega_5 = 1.", models=_GAAE_LOSSES
    )
    omega_4: float = _setting(0.25, "Weight of Cg.", models=_GAAE_LOSSES)
    omega_5: float = _setting(0.5, "Weight of Lg.", models=_GAAE_LOSSES)
    reconstruction_lambda: float = _setting(20.0, "lambda, the factor of R.", models=_GAAE)
    condition: str = _setting(
        "soft", "Form of the predicted class as a condition.", ("soft", "hard"), _GAAE_LOSSES
    )
    stop_condition_gradient: bool = _setting(
        True,
        "Whether the predicted class conditions D without gradient.",
        models=_GAAE_LOSSES,
    )

    # What may be added to the paper's algorithm (systems/additions.py).
    start_steps: int = _setting(
        0,
        "Iterations at the beginning without adversaries: E, D and C learn from R, Cl and what is "
        "added alone.",
        models=_GAAE_LOSSES,
    )
    alter_labelled: bool = _setting(
        False,
        "Whether Cl sees altered clips, as the augmented classifier does.",
        models=_GAAE_LOSSES,
    )
    generated_class_ramp_steps: int = _setting(
        0,
        "Iterations after the start over which the weight of Cg grows from 0; 0: all at once.",
        models=_GAAE_LOSSES,
    )
    generated_class_teaches_decoder: bool = _setting(
        False,
        "Whether Cg moves D too; the paper holds the generated clips constant there.",
        models=_GAAE_LOSSES,
    )
    hold_generated_style: bool = _setting(
        False,
        "Whether clips generated from random labels move D alone, their style codes being held "
        "constant.",
        models=_GAAE_LOSSES,
    )
    pseudo_labels: float = _setting(
        0.0,
        "Weight of learning the classes that the averaged E and C find in unlabelled clips.",
        models=_GAAE_LOSSES,
    )
    pseudo_label_confidence: float = _setting(
        0.95,
        "How sure of the class the averaged E and C must be, in [0, 1].",
        models=_GAAE_LOSSES,
    )
    pseudo_label_balance: float = _setting(
        0.0,
        "How fast those classes are brought to the shares that they have among labelled clips; 0: "
        "not at all.",
        models=_GAAE_LOSSES,
    )
    sliced_wasserstein: float = _setting(
        0.0,
        "Weight of the sliced Wasserstein distance of the style codes from the prior.",
        models=_GAAE_LOSSES,
    )
    class_independence: float = _setting(
        0.0,
        "Scale of the class in that distance, so that style codes do not tell it; 0: without.",
        models=_GAAE_LOSSES,
    )
    whitening: float = _setting(
        0.0,
        "Weight of the style codes' deviation from mean 0 and covariance I.",
        models=_GAAE_LOSSES,
    )
    recent_codes: int = _setting(
        0,
        "How many recent style codes the distance, the whitening and L see beside the batch's.",
        models=_GAAE_LOSSES,
    )
    latent_spectral_norm: bool = _setting(
        False, "Whether L is spectrally normalised, as S is.", models=_GAAE_LOSSES
    )
    latent_condition: bool = _setting(
        False,
        "Whether L sees the class beside the style code, so that codes do not tell it.",
        models=_GAAE_LOSSES,
    )
    balance_losses: bool = _setting(
        False,
        "Whether the gradient of each term at the outputs of E and D has the norm that its weight "
        "says.",
        models=_GAAE_LOSSES,
    )
    pair_confidence: float = _setting(
        0.0,
        "S takes an unlabelled clip for a real one of its class only if C is this sure of it, in "
        "[0, 1].",
        models=_GAAE_LOSSES,
    )
    orthogonal_class_biases: bool = _setting(
        False,
        "Whether D's class biases start orthogonal; else at zero.",
        models=("gaae", "ggan", "biggan"),
    )
    style_pooling: str = _setting(
        "sum",
        "What the style code is read from: the tower's sum over all places (the paper's), or over "
        "frames alone, which keeps where on the frequency axis a feature was.",
        POOLINGS,
        _GAAE,
    )
    frequency_axis: str = _setting(
        "linear",
        "The frequency axis inside E and D: linear (the paper's), or log, on which a note of "
        "another pitch is the same picture, moved.",
        AXES,
        _GAAE,
    )
    reconstruction_emphasis: float = _setting(
        0.0, "How much more loud bins weigh in R; 0: all alike.", models=_GAAE
    )
    magnitude_error: float = _setting(
        0.0,
        "Weight of the spectral convergence of reconstructed magnitudes, in which loud bins alone "
        "count.",
        models=_GAAE,
    )

    # Optimisation (paper V).
    steps: int = _setting(60_000, "Iterations: k discriminator updates and one of the rest.")
    max_minutes: float = _setting(
        0.0, "Stop cleanly after this many minutes of training if steps are not done; 0: no limit."
    )
    batch_size: int = _setting(128, "Global batch of each draw of unlabelled and labelled clips.")
    discriminator_steps: int = _setting(
        2, "k, discriminator updates an iteration.", models=_ADVERSARIAL
    )
    autoencoder_learning_rate: float = _setting(
        5e-5, "Adam's rate for E, D and C, a generator, BiGAN's features, or a classifier."
    )
    discriminator_learning_rate: float = _setting(
        2e-4, "Adam's rate for S and L, or a discriminator.", models=_ADVERSARIAL
    )
    weight_decay: float = _setting(
        2.5e-5,
        "L2 penalty of the kernels of BiGAN's features and discriminator.",
        models=("bigan",),
    )
    learning_rate_decay: str = _setting(
        "constant",
        "constant, or linear: to a hundredth over the second half of the training, by --steps or "
        "--max_minutes, whichever comes first.",
        DECAYS,
    )
    adam_beta_1: float = _setting(0.0, "Adam's beta 1.")
    autoencoder_adam_beta_1: float = _setting(
        -1.0,
        "Adam's beta 1 for E, D and C, or a generator; negative: --adam_beta_1.",
        models=_ADVERSARIAL,
    )
    adam_beta_2: float = _setting(0.999, "Adam's beta 2.")
    average_decay: float = _setting(
        0.9999,
        "Decay of the moving average of E, D and C, a generator, features, or a classifier, which "
        "are used once training is over; 0: none.",
    )
    reestimate_batches: int = _setting(
        16,
        "Batches from which batch statistics are measured again before sampling; 0 for none.",
        models=_DECODERS,
    )

    # Running.
    precision: str = _setting(
        "auto",
        "auto: mixed_float16 on GPUs, the faster of bfloat16 and float32 on CPUs.",
        PRECISIONS,
    )
    max_rollbacks: int = _setting(
        3,
        "How often a run may go back to its last checkpoint, and on with other noise, because a "
        "loss or gradient was not finite; 0: stop at once.",
    )
    strategy: str = _setting(
        "auto",
        "One device, all GPUs mirrored, or multi_worker: all of several processes, as TF_CONFIG "
        "tells; auto: mirrored with two GPUs or more.",
        STRATEGIES,
    )
    steps_per_call: int = _setting(10, "Iterations inside one compiled call.")
    checkpoint_every: int = _setting(1000, "Steps between checkpoints.")
    keep_checkpoints: int = _setting(3, "Rolling checkpoints kept beside the best one.")
    summary_every: int = _setting(1000, "Steps between TensorBoard pictures and sounds.")

    def __post_init__(self):
        self._check_choices_and_types()
        for name in (
            "channels",
            "guided_dim",
            "style_dim",
            "steps",
            "batch_size",
            "discriminator_steps",
            "steps_per_call",
            "checkpoint_every",
            "keep_checkpoints",
            "summary_every",
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"--{name} must be at least 1, got {getattr(self, name)}")
        for name in (
            "sample_rate_hz",
            "clip_samples",
            "max_minutes",
            "max_rollbacks",
            "weight_decay",
            "reestimate_batches",
            "seed",
            "labelled_per_class",
            "guidance_speakers_per_class",
            "encoder_channels",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name} must not be negative, got {getattr(self, name)}")
        for name in ("autoencoder_learning_rate", "discriminator_learning_rate"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"--{name} must be in (0, 1), got {getattr(self, name)}")
        for name in ("adam_beta_1", "adam_beta_2", "average_decay"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"--{name} must be in [0, 1), got {getattr(self, name)}")
        if not -1.0 <= self.autoencoder_adam_beta_1 < 1.0:
            raise ValueError(
                "--autoencoder_adam_beta_1 must be in [0, 1), or -1 for --adam_beta_1, got "
                f"{self.autoencoder_adam_beta_1}"
            )
        if not 0.0 < self.labelled_percent <= 100.0:
            raise ValueError(f"--labelled_percent must be in (0, 100], got {self.labelled_percent}")
        if self.model == "biggan" and self.labelled_percent != 100.0:
            raise ValueError(
                "--model=biggan learns from all training labels: --labelled_percent must be 100, "
                f"got {self.labelled_percent}"
            )
        if self.labelled_per_class and self.guidance_speakers_per_class:
            raise ValueError(
                f"--labelled_per_class={self.labelled_per_class} and "
                f"--guidance_speakers_per_class={self.guidance_speakers_per_class} exclude each "
                "other; give one of them"
            )
        if not 0.0 < self.dynamic_range_nepers < 100.0:
            raise ValueError(
                f"--dynamic_range_nepers must be in (0, 100), got {self.dynamic_range_nepers}"
            )
        if self.model in FROZEN_MODELS and not self.frozen_run:
            raise ValueError(
                f"--model={self.model} needs --frozen_run, the run folder of a trained "
                f"{FROZEN_MODELS[self.model]}"
            )
        if not self.dataset:
            raise ValueError(
                "--dataset is missing; give a folder made by `python -m gaae_tf.data.prepare`, "
                "or --dataset=notes"
            )
        if not self.run_dir:
            raise ValueError("--run_dir is missing; give the folder that shall hold this run")
        if self.start_from and Path(self.start_from).resolve() == Path(self.run_dir).resolve():
            raise ValueError(
                f"--start_from={self.start_from} is --run_dir itself, which goes on where it "
                "stands; drop the flag, or name another --run_dir"
            )
        if self.magnitude_error and self.scaling not in ("dataset_peak", "clip_peak"):
            raise ValueError(
                f"--magnitude_error={self.magnitude_error} needs --scaling=dataset_peak or "
                f"clip_peak, whose units are the same in all bins and clips; got {self.scaling}"
            )
        # Each validates itself.
        _ = self.loss_weights, self.additions, self.stft

    def _check_choices_and_types(self):
        for field, type_ in _fields():
            value = getattr(self, field.name)
            if not isinstance(value, (int, float) if type_ is float else type_) or (
                isinstance(value, bool) and type_ is not bool
            ):
                raise ValueError(f"--{field.name} must be of type {type_.__name__}, got {value!r}")
            models = field.metadata["models"]
            if self.model not in models and value != field.default:
                raise ValueError(
                    f"--{field.name} is only for --model={', '.join(models)}; leave it at "
                    f"{field.default!r} for --model={self.model}, got {value!r}"
                )
            choices = field.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(
                    f"--{field.name} must be one of {', '.join(choices)}; got {value!r}"
                )

    @property
    def loss_weights(self) -> LossWeights:
        """The weights of equation (6)."""
        names = (field.name for field in dataclasses.fields(LossWeights))
        return LossWeights(**{name: getattr(self, name) for name in names})

    @property
    def additions(self) -> Additions:
        """What is added to the paper's algorithm."""
        names = (field.name for field in dataclasses.fields(Additions))
        return Additions(**{name: getattr(self, name) for name in names})

    @property
    def uses_labels(self) -> bool:
        """Whether the model learns from labels, and so has classes."""
        return self.model in LABELLED_MODELS

    @property
    def uses_unlabelled(self) -> bool:
        """Whether the model learns from clips of all, whatever their labels."""
        return self.model not in ("biggan", *CLASSIFIERS)

    @property
    def draws(self) -> int:
        """Batches of an iteration: k + 1, or one for a model without discriminator."""
        return 1 if self.model in CLASSIFIERS else self.discriminator_steps + 1

    @property
    def stft(self) -> StftSettings:
        """The transform's settings."""
        return StftSettings(
            window=self.window,
            window_samples=self.window_samples,
            hop_samples=self.hop_samples,
            fft_size=self.fft_size,
        )

    def check_clip(self, sample_rate_hz: int, clip_samples: int) -> None:
        """Raises ValueError unless the data set's clips fit this configuration."""
        for name, actual in (("sample_rate_hz", sample_rate_hz), ("clip_samples", clip_samples)):
            asked = getattr(self, name)
            if asked and asked != actual:
                raise ValueError(
                    f"--{name}={asked}, but the data set {self.dataset} has {actual}; prepare it "
                    f"with `python -m gaae_tf.data.prepare … --{name}={asked}` or drop the flag"
                )
        if clip_samples % self.hop_samples:
            raise ValueError(
                f"--hop_samples={self.hop_samples} does not divide the data set's clips of "
                f"{clip_samples} samples"
            )
        if self.model == "wavegan":
            wavegan_base(clip_samples)  # raises
            return
        frames = clip_samples // self.hop_samples
        if self.model in ("specgan", "tifgan"):
            dcgan_base(self.stft.bins, frames)  # raises
            return
        if self.model in ("classifier", "augmented_classifier"):
            check_classifier_size(self.stft.bins, frames)  # raises
            return
        try:
            _, _, doublings = base_size(self.stft.bins, frames)
            check_non_local_bins(self.non_local_bins, self.stft.bins, doublings)
        except ValueError as error:
            raise ValueError(f"{error} (--fft_size, --hop_samples, --non_local_bins)") from None

    def to_flags(self) -> str:
        """The text of a flag file that gives this configuration."""
        lines = []
        for field, type_ in _fields():
            value = getattr(self, field.name)
            if "\n" in str(value):
                raise ValueError(f"--{field.name} must be one line, got {value!r}")
            lines.append(f"--{field.name}={str(value).lower() if type_ is bool else value}")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_flags(cls, values: flags.FlagValues) -> TrainConfig:
        """The configuration of parsed flags.

        Raises:
            ValueError: a value is not allowed.
        """
        return cls(**{field.name: getattr(values, field.name) for field, _ in _fields()})

    @classmethod
    def load(cls, path: str | Path) -> TrainConfig:
        """Reads a `config.flags` file.

        Raises:
            ValueError: the file has an unknown flag or a bad value; the file is named.
            FileNotFoundError: there is no such file.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; is {path.parent} a run folder?")
        values = flags.FlagValues()
        define_flags(values)
        try:
            values([str(path), f"--flagfile={path}"])
            return cls.from_flags(values)
        except (flags.Error, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error
        except RecursionError as error:  # absl looks for flags of a like name
            raise ValueError(f"{path} has a flag whose name is too long to be one") from error


def define_flags(values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one flag for each field of TrainConfig, with its default."""
    for field, type_ in _fields():
        help_text, choices = field.metadata["help"], field.metadata["choices"]
        kwargs = {"flag_values": values}
        if choices:
            flags.DEFINE_enum(field.name, field.default, choices, help_text, **kwargs)
        elif type_ is bool:
            flags.DEFINE_bool(field.name, field.default, help_text, **kwargs)
        elif type_ is int:
            flags.DEFINE_integer(field.name, field.default, help_text, **kwargs)
        elif type_ is float:
            flags.DEFINE_float(field.name, field.default, help_text, **kwargs)
        else:
            flags.DEFINE_string(field.name, field.default, help_text, **kwargs)


def _fields() -> list[tuple[dataclasses.Field, type]]:
    types = typing.get_type_hints(TrainConfig)
    return [(field, types[field.name]) for field in dataclasses.fields(TrainConfig)]

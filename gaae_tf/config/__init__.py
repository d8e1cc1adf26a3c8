"""The training configuration: a frozen dataclass that checks itself, to and from flags.

Every field is one flag of the same name; a run folder keeps the resolved configuration as
`config.flags`, which `train.py --flagfile=` reads again.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from pathlib import Path

from absl import flags

from gaae_tf import systems
from gaae_tf.config.data import DataSettings
from gaae_tf.config.setting import check, takers
from gaae_tf.config.system import SystemSettings
from gaae_tf.config.training import TrainingSettings
from gaae_tf.networks.geometry import check_sizes
from gaae_tf.ops.settings import StftSettings
from gaae_tf.systems.settings import Additions, LossWeights
from gaae_tf.systems.spec import Spec


@dataclasses.dataclass(frozen=True)
class TrainConfig(TrainingSettings, SystemSettings, DataSettings):
    """Everything that decides a training; the defaults are the paper's for GAAE.

    A field that only some systems take must be left at its default for the others.

    Raises:
        ValueError: a value is out of its range or does not fit another; the message names the flag.
    """

    def __post_init__(self):
        system = systems.find(self.model)
        for field, type_ in _fields():
            check(field, type_, getattr(self, field.name), system)
        if not -1.0 <= self.autoencoder_adam_beta_1 < 1.0:
            raise ValueError(
                "--autoencoder_adam_beta_1 must be in [0, 1), or -1 for --adam_beta_1, got "
                f"{self.autoencoder_adam_beta_1}"
            )
        self._check_guidance()
        if system.frozen and not self.frozen_run:
            raise ValueError(
                f"--model={self.model} needs --frozen_run, the run folder of a trained "
                f"{system.frozen}"
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
        _ = self.loss_weights, self.stft
        if self.takes("condition"):
            _ = self.additions

    def _check_guidance(self):
        if self.system.labels == "all" and self.labelled_percent != 100.0:
            raise ValueError(
                f"--model={self.model} learns from all training labels: --labelled_percent must be "
                f"100, got {self.labelled_percent}"
            )
        if self.labelled_per_class and self.guidance_speakers_per_class:
            raise ValueError(
                f"--labelled_per_class={self.labelled_per_class} and "
                f"--guidance_speakers_per_class={self.guidance_speakers_per_class} exclude each "
                "other; give one of them"
            )

    @property
    def system(self) -> Spec:
        """What the system to be trained needs and can do."""
        return systems.find(self.model)

    def takes(self, flag: str) -> bool:
        """Whether the system takes the flag of that name."""
        (field,) = (field for field, _ in _fields() if field.name == flag)
        return self.system.takes(field.metadata["group"])

    @property
    def loss_weights(self) -> LossWeights:
        """The weights of equation (6)."""
        return LossWeights(**self._values_of(LossWeights))

    @property
    def additions(self) -> Additions:
        """What else GAAE's algorithm can be asked for."""
        return Additions(**self._values_of(Additions))

    def _values_of(self, settings: type) -> dict:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(settings)}

    @property
    def uses_labels(self) -> bool:
        """Whether the system learns from labels, and so has classes."""
        return self.system.labels != "none"

    @property
    def draws(self) -> int:
        """Batches of an iteration: k + 1, or one for a system without discriminator."""
        return self.discriminator_steps + 1 if self.takes("discriminator_steps") else 1

    @property
    def stft(self) -> StftSettings:
        """The transform's settings."""
        return StftSettings(**self._values_of(StftSettings))

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
        bins, frames = self.stft.bins, clip_samples // self.hop_samples
        try:
            check_sizes(self.system.sizes, clip_samples, bins, frames, self.non_local_bins)
        except ValueError as error:
            if not self.takes("non_local_bins"):
                raise
            told = "--fft_size, --hop_samples, --non_local_bins"
            raise ValueError(f"{error} ({told})") from None

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


_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_flags(values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines one flag for each field of TrainConfig, with its default."""
    for field, type_ in _fields():
        help_text, choices = field.metadata["help"], field.metadata["choices"]
        if field.metadata["group"] is not None:
            help_text += f" Only for --model={', '.join(takers(field))}."
        if field.name == "model":  # as they are now: one may have joined since this was imported
            choices = tuple(systems.specs())
        if choices:
            flags.DEFINE_enum(field.name, field.default, choices, help_text, flag_values=values)
        else:
            _DEFINE[type_](field.name, field.default, help_text, flag_values=values)


@functools.cache
def _fields() -> list[tuple[dataclasses.Field, type]]:
    types = typing.get_type_hints(TrainConfig)
    return [(field, types[field.name]) for field in dataclasses.fields(TrainConfig)]

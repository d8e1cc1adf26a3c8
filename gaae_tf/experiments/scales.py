"""How the settings of the paper's tables are trained: `SCALES`.

`paper` is the paper's own size, `cpu` replaces it on two cores, with other recordings.
"""

from __future__ import annotations

import dataclasses
import functools

from absl import flags as absl_flags

from gaae_tf import systems
from gaae_tf.config import define_flags


@dataclasses.dataclass(frozen=True)
class Setting:
    """What is trained, at any scale and from any seed.

    Attributes:
        data: a key of each of `SCALES`.
        model: what train.py's --model says.
        labelled_percent: of the labels, for a system that is guided by a share of them; else None.
        overrides: further flags of train.py, as (name, value).

    Raises:
        ValueError: the model takes a share of the labels and there is none, or the reverse.
    """

    data: str
    model: str
    labelled_percent: int | None = None
    overrides: tuple[tuple[str, str], ...] = ()

    def __post_init__(self):
        some = systems.find(self.model).labels == "some"
        shared = some and self.data != "gender"  # which guides by its speakers, by all labels
        if shared != (self.labelled_percent is not None):
            raise ValueError(
                f"{self.model} on {self.data} {'takes a' if shared else 'takes no'} share of the "
                f"labels, got {self.labelled_percent}"
            )

    @property
    def frozen(self) -> Setting | None:
        """The setting whose trained networks this one takes and leaves as they are."""
        model = systems.find(self.model).frozen
        return None if model is None else Setting(self.data, model)


@dataclasses.dataclass(frozen=True)
class Data:
    """Recordings, as train.py is told of them.

    Attributes:
        name: in the names of run folders.
        gaae: flags that train GAAE on them.
        others: flags that train another system, "{model}" in them for its name.
        scorer: evaluate.py's --scorer for its sounds.
    """

    name: str
    gaae: tuple[str, ...]
    others: tuple[str, ...]
    scorer: str = "simple"

    def flags(self, setting: Setting) -> tuple[str, ...]:
        """Flags of train.py for a setting, but for --seed, --run_dir and --frozen_run."""
        flags = list(self._base(setting))
        if setting.labelled_percent is not None:
            flags.append(f"--labelled_percent={setting.labelled_percent}")
        return (*flags, *(f"--{name}={value}" for name, value in self._changes(setting)))

    def run_name(self, setting: Setting) -> str:
        """The name of a setting's runs, but for the seed; settings of equal flags have one name."""
        parts = [self.name, setting.model]
        if setting.labelled_percent is not None:
            parts.append(str(setting.labelled_percent))
        return "-".join([*parts, *(f"{name}_{value}" for name, value in self._changes(setting))])

    def _base(self, setting: Setting) -> tuple[str, ...]:
        base = self.gaae if setting.model == "gaae" else self.others
        return tuple(flag.format(model=setting.model) for flag in base)

    def _changes(self, setting: Setting) -> tuple[tuple[str, str], ...]:
        """Overrides of the setting that are not what its flag file says anyway."""
        own = _parsed_once(self._base(setting)) if setting.overrides else {}
        return tuple(
            (name, value) for name, value in setting.overrides if str(own[name].value) != value
        )


def parsed(flags: tuple[str, ...]) -> absl_flags.FlagValues:
    """What train.py reads in its flags.

    Raises:
        absl.flags.Error: a flag file is missing, or a flag is unknown or of another type.
    """
    values = absl_flags.FlagValues()
    define_flags(values)
    values(["train.py", *flags])
    return values


_parsed_once = functools.cache(parsed)


@dataclasses.dataclass(frozen=True)
class Scale:
    """How large everything is.

    Attributes:
        name: what --scale says.
        stands_for: how its recordings relate to the paper's, in a sentence.
        data: by key.
        count: sounds that are scored of each run.
        evaluate_flags: further flags of evaluate.py.
    """

    name: str
    stands_for: str
    data: dict[str, Data]
    count: int
    evaluate_flags: tuple[str, ...] = ()


# Of evaluate.py, for a system whose authors' vocoder is not the default (arXiv 1802.04208).
VOCODER_FLAGS = {"specgan": ("--vocoder=griffin_lim", "--refine=16")}

_GENDER = ("--guidance_dataset=datasets/librispeech_gender", "--guidance_speakers_per_class=10")
_S09 = Data(
    "s09",
    ("--flagfile=configs/s09.flags",),
    ("--flagfile=configs/s09/{model}.flags",),
    scorer="wavegan",  # the network that the published scores are of, trained here
)
_SMALL_S09 = ("--dataset=datasets/s09",)
SCALES = {
    "paper": Scale(
        "paper",
        "The paper's recordings and sizes.",
        {
            "digits": _S09,
            "instruments": Data(
                "nsynth",
                ("--flagfile=configs/nsynth.flags",),
                (
                    "--flagfile=configs/s09/{model}.flags",
                    "--dataset=datasets/nsynth",
                    "--dynamic_range_nepers=15",
                ),
            ),
            "voices": _S09,
            "gender": Data("s09_by_gender", ("--flagfile=configs/librispeech_gender.flags",), ()),
        },
        count=50_000,
        evaluate_flags=("--usefulness_steps=0",),  # a GPU's: as long as the scorer's training
    ),
    "cpu": Scale(
        "cpu",
        "Small networks, minutes of training, and other recordings: FSDD stands for S09 and the "
        "embedded notes for NSynth, but in Table VI, which takes S09 and LibriSpeech.",
        {
            "digits": Data(
                "fsdd",
                ("--flagfile=configs/fsdd.flags",),
                ("--flagfile=configs/fsdd/{model}.flags",),
            ),
            "instruments": Data(
                "notes",
                ("--flagfile=configs/quickstart.flags",),
                ("--flagfile=configs/notes/{model}.flags",),
            ),
            # The notes' files are for clips of a second at 16 kHz, as S09 and LibriSpeech are.
            "voices": Data(
                "s09",
                ("--flagfile=configs/quickstart.flags", *_SMALL_S09),
                ("--flagfile=configs/notes/{model}.flags", *_SMALL_S09),
            ),
            "gender": Data(
                "s09_by_gender",
                ("--flagfile=configs/quickstart.flags", *_SMALL_S09, *_GENDER),
                (),
            ),
        },
        count=2_000,
    ),
}

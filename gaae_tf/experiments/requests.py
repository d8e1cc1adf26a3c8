"""What is asked for, which runs that takes, and what these have already.

A run's folder is `<out>/<scale>/<name>-seed<seed>`; equal settings of several tables have one name,
and so are trained once.
"""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

from absl import flags

from gaae_tf.config import TrainConfig
from gaae_tf.experiments.published import FIGURES, TABLES
from gaae_tf.experiments.scales import SCALES, Scale, Setting, parsed
from gaae_tf.experiments.tables import Pictures, Table
from gaae_tf.run.checkpoints import progress
from gaae_tf.scores import read_file

SCORES_BY_GENDER = "scores_by_gender.json"  # of Table VI, in the folder of a run guided by digits


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        table: number of a table, 1 to 8, or None.
        figure: name of a figure, or None; one of the two is given.
        scale: a key of `SCALES`.
        seeds: draws of each setting, from seed 0 on; pictures are of seed 0 alone.
        count: sounds that are scored of each run; None takes the scale's.
        out: folder of all runs.

    Raises:
        ValueError: a value is out of its range; the message names the flag.
    """

    table: int | None = None
    figure: str | None = None
    scale: str = "cpu"
    seeds: int = 3
    count: int | None = None
    out: Path = Path("runs/experiments")

    def __post_init__(self):
        if (self.table is None) == (self.figure is None):
            given = "neither" if self.table is None else f"{self.table} and {self.figure}"
            raise ValueError(f"give either --table or --figure, got {given}")
        if self.table is not None and str(self.table) not in TABLES:
            raise ValueError(f"--table must be a number from 1 to 8, got {self.table}")
        if self.figure is not None and self.figure not in FIGURES:
            raise ValueError(f"--figure must be one of {', '.join(FIGURES)}; got {self.figure!r}")
        if self.scale not in SCALES:
            raise ValueError(f"--scale must be one of {', '.join(SCALES)}; got {self.scale!r}")
        if self.seeds < 1:
            raise ValueError(f"--seeds must be at least 1, got {self.seeds}")
        if self.count is not None and self.count < 1:
            raise ValueError(f"--count must be at least 1, got {self.count}")

    @property
    def experiment(self) -> Table | Pictures:
        """The table or figure."""
        return TABLES[str(self.table)] if self.table is not None else FIGURES[self.figure]

    @property
    def size(self) -> Scale:
        """The scale."""
        return SCALES[self.scale]

    @property
    def sounds(self) -> int:
        """Sounds that are scored of each run."""
        return self.size.count if self.count is None else self.count

    @property
    def usefulness_seeds(self) -> int:
        """Trainings of each classifier that sounds teach."""
        return 0 if isinstance(self.experiment, Pictures) else self.experiment.usefulness_seeds

    def runs(self, setting: Setting) -> tuple[Run, ...]:
        """The runs of a setting, one for each draw."""
        draws = 1 if isinstance(self.experiment, Pictures) else self.seeds
        return tuple(Run(self.size, self.out, setting, seed) for seed in range(draws))


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of a setting.

    Attributes:
        scale: of the training.
        out: folder of all runs.
        setting: what is trained.
        seed: of the training, which draws the guiding clips too.
    """

    scale: Scale
    out: Path
    setting: Setting
    seed: int

    @property
    def name(self) -> str:
        """The setting's name at this scale."""
        return self.scale.data[self.setting.data].run_name(self.setting)

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.out / self.scale.name / f"{self.name}-seed{self.seed}"

    @property
    def frozen(self) -> Run | None:
        """The run of the same seed whose networks this one takes."""
        setting = self.setting.frozen
        return None if setting is None else dataclasses.replace(self, setting=setting)

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags of train.py."""
        own = [*self.scale.data[self.setting.data].flags(self.setting)]
        if self.frozen is not None:
            own.append(f"--frozen_run={self.frozen.folder}")
        return (*own, f"--seed={self.seed}", f"--run_dir={self.folder}")

    def config(self) -> TrainConfig:
        """The configuration that train.py makes of the flags.

        Raises:
            ValueError: a flag file is missing, or a flag is unknown or out of its range.
        """
        try:
            return TrainConfig.from_flags(parsed(self.flags))
        except (flags.Error, ValueError) as error:
            raise ValueError(f"train.py {shlex.join(self.flags)}: {error}") from error

    def trained_seconds(self) -> float | None:
        """How long it was trained if it is, else None."""
        step, seconds = progress(self.folder)
        if step == 0:
            return None
        config = self.config()
        in_time = config.max_minutes and seconds >= 60.0 * config.max_minutes
        return seconds if step >= config.steps or in_time else None


def read_scores(path: Path) -> dict[str, Any] | None:
    """What an evaluation wrote, None where there is none.

    Raises:
        ValueError: the file is no JSON object with `details` and `provenance`; it is named.
    """
    if not path.is_file():
        return None
    again = "delete it, and --run evaluates that run anew"
    return read_file(path, ("details", "provenance"), again)


def lacking(scores: dict[str, Any] | None, sounds: int, usefulness_seeds: int) -> str:
    """What scores lack of an evaluation of so many sounds, "" where they suffice."""
    if scores is None:
        return "not evaluated yet"
    details = scores["details"]
    if "samples" not in details:  # a classifier makes none
        return ""
    provenance = scores["provenance"]
    # Of files, some may be too quiet to be scored.
    scored = provenance.get("samples_are", {}).get("files", provenance.get("samples"))
    if scored != sounds:
        return f"evaluated with --count={scored}, asked for {sounds}"
    taught = details.get("usefulness", {}).get("samples", {"trainings": 0})
    # One that cannot be had has a reason, and no trainings.
    if taught.get("trainings", usefulness_seeds) < usefulness_seeds:
        return f"evaluated with fewer than --usefulness_seeds={usefulness_seeds}"
    return ""

"""From a table to the commands that fill it, and which of them are still to run.

A run's folder is `<out>/<scale>/<name>-seed<seed>`; equal settings of several tables have one name,
and so are trained once. What is done is read from the folders alone, so that commands typed by hand
count as those that `run` starts:

    trained     the checkpoint stands at the asked step, or has trained the minutes allowed
    evaluated   scores.json is of the asked number of sounds, and has the trainings of classifiers
                that the table needs
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from absl import flags

from gaae_tf.config import CLASSIFIERS, TrainConfig, define_flags
from gaae_tf.experiments.tables import (
    FIGURES,
    SCALES,
    TABLES,
    VOCODER_FLAGS,
    Pictures,
    Scale,
    Setting,
    Table,
    unique,
)
from gaae_tf.run.checkpoints import progress
from gaae_tf.run.names import SCORES

SCORES_BY_GENDER = "scores_by_gender.json"  # of Table VI, in the folder of a run guided by digits
_PAPER_HOURS = "the paper's GAAE took about 21 hours on two Nvidia P100"
# Measured phases of an evaluation at CPU scale.
_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "fsdd.json"


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
        values = flags.FlagValues()
        define_flags(values)
        try:
            values(["train.py", *self.flags])
            return TrainConfig.from_flags(values)
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


@dataclasses.dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        command: behind the interpreter's name.
        seconds: estimated; None where nothing measured tells.
        estimate: the same in words, and where it is from.
        done: whether the command has left what it should.
    """

    command: tuple[str, ...]
    seconds: float | None
    estimate: str
    done: Callable[[], bool] = dataclasses.field(compare=False)

    @property
    def text(self) -> str:
        """The command as it is typed."""
        return shlex.join(("python", *self.command))


def read_scores(path: Path) -> dict[str, Any] | None:
    """What an evaluation wrote, None where there is none.

    Raises:
        ValueError: the file is no JSON object with `details` and `provenance`; it is named.
    """
    if not path.is_file():
        return None
    again = "delete it, and --run evaluates that run anew"
    try:
        scores = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}; {again}") from error
    for name in ("details", "provenance"):
        if not isinstance(scores, dict) or not isinstance(scores.get(name), dict):
            raise ValueError(f"{path} has no object `{name}`, as evaluate.py writes it; {again}")
    return scores


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


def missing(request: Request) -> list[Step]:
    """Commands still to run, in an order in which each finds what it needs; draw after draw.

    Raises:
        ValueError: a flag file, or a file of a run, cannot be read; it is named.
    """
    steps: dict[tuple[str, ...], Step] = {}
    for goal in _goals(request):
        for step in goal:
            steps.setdefault(step.command, step)
    return list(steps.values())


def unprepared(request: Request) -> list[str]:
    """Data set folders that the runs of a request need and that do not exist.

    Raises:
        ValueError: as `Run.config`.
    """
    needed: dict[str, None] = {}
    for setting in settings(request.experiment):
        config = request.runs(setting)[0].config()
        needed |= dict.fromkeys((config.dataset, config.guidance_dataset))
    return [name for name in needed if name not in ("", "notes") and not Path(name).exists()]


def settings(experiment: Table | Pictures) -> tuple[Setting, ...]:
    """All settings of an experiment whose scores or pictures it shows."""
    if isinstance(experiment, Pictures):
        return experiment.settings
    cells = [cell for cell in experiment.cells if cell.setting is not None]
    return unique(
        setting
        for cell in cells
        for setting in (cell.setting, cell.scored_by)
        if setting is not None
    )


def _goals(request: Request) -> Iterator[Iterator[Step]]:
    """For each run, what is missing until it is evaluated."""
    experiment = request.experiment
    scored_by: dict[Setting, Setting | None] = dict.fromkeys(settings(experiment))
    if isinstance(experiment, Table):
        scored_by |= {cell.setting: cell.scored_by for cell in experiment.cells if cell.setting}
    by_seed = zip(*(request.runs(setting) for setting in scored_by), strict=True)
    for runs in by_seed:
        for run in runs:
            scorer = scored_by[run.setting]
            if scorer is None:
                yield _evaluation(request, run)
            else:
                yield _evaluation_by(request, run, dataclasses.replace(run, setting=scorer))


def _training(run: Run) -> Iterator[Step]:
    if run.trained_seconds() is not None:
        return
    if run.frozen is not None:
        yield from _training(run.frozen)
    yield Step(
        ("train.py", *run.flags), *_training_time(run), lambda: run.trained_seconds() is not None
    )


def _evaluation(request: Request, run: Run) -> Iterator[Step]:
    path = run.folder / SCORES

    def lacks() -> str:
        return lacking(read_scores(path), request.sounds, request.usefulness_seeds)

    if not lacks():
        return
    yield from _training(run)
    command = (
        "evaluate.py",
        f"--run_dir={run.folder}",
        f"--count={request.sounds}",
        f"--usefulness_seeds={request.usefulness_seeds}",
        f"--scorer={run.scale.data[run.setting.data].scorer}",
        *run.scale.evaluate_flags,
        *VOCODER_FLAGS.get(run.setting.model, ()),
    )
    yield Step(command, *_evaluation_time(request, run, SCORES), lambda: not lacks())


def _evaluation_by(request: Request, run: Run, scorer: Run) -> Iterator[Step]:
    """Sounds of a run as files, scored by the labels that guided another run."""
    path, sounds = run.folder / SCORES_BY_GENDER, run.folder / f"sounds-{request.sounds}"

    def scored() -> bool:
        return not lacking(read_scores(path), request.sounds, 0)

    def made() -> bool:
        return len(list(sounds.glob("*.wav"))) == request.sounds

    if scored():
        return
    yield from _training(run)
    yield from _training(scorer)
    if not made():
        yield Step(
            (
                *("-m", "gaae_tf.generate", f"--run_dir={run.folder}"),
                *(f"--count={request.sounds}", f"--out={sounds}"),
            ),
            None,
            f"no measured time; {request.sounds:,} sounds",
            made,
        )
    command = (
        *("evaluate.py", f"--run_dir={scorer.folder}", f"--samples={sounds}"),
        *(f"--scores_out={path}", "--usefulness_seeds=0"),
    )
    yield Step(command, *_evaluation_time(request, run, SCORES_BY_GENDER), scored)


def _siblings(run: Run) -> Iterator[Run]:
    """Runs of the same setting and other seeds that have a folder, by seed."""
    pattern = re.compile(re.escape(run.name) + r"-seed(\d+)")
    for folder in sorted(run.folder.parent.glob(f"{run.name}-seed*")):
        found = pattern.fullmatch(folder.name)
        if found and folder != run.folder:
            yield dataclasses.replace(run, seed=int(found[1]))


def _training_time(run: Run) -> tuple[float | None, str]:
    already = progress(run.folder)[1]
    for sibling in _siblings(run):
        seconds = sibling.trained_seconds()
        if seconds is not None:
            left = max(seconds - already, 0.0)
            return left, f"about {_minutes(left)}, as long as {sibling.folder} was trained"
    config = run.config()
    if config.max_minutes:
        left = max(60.0 * config.max_minutes - already, 0.0)
        after = f", {_minutes(already)} of it done" if already else ""
        return left, (
            f"at most {_minutes(left)}, --max_minutes={config.max_minutes:g}{after}; compiling and "
            "exporting not counted"
        )
    work = f"no measured time; {config.steps:,} iterations × batch {config.batch_size}"
    return None, work + (f"; {_PAPER_HOURS}" if config.model == "gaae" else "")


def _evaluation_time(request: Request, run: Run, scores_name: str) -> tuple[float | None, str]:
    seeds = request.usefulness_seeds
    for sibling in _siblings(run):
        scores = read_scores(sibling.folder / scores_name)
        if not lacking(scores, request.sounds, seeds) and "seconds" in scores["provenance"]:
            seconds = float(scores["provenance"]["seconds"])
            return seconds, f"about {_minutes(seconds)}, as {sibling.folder / scores_name} took"
    if run.setting.model in CLASSIFIERS:
        return None, "no measured time; real clips alone, no sounds"
    if run.scale.name != "cpu":
        return None, f"no measured time; {request.sounds:,} sounds"
    phases = json.loads(_BENCHMARK.read_text(encoding="utf-8"))["phases"]
    (generating,) = (phase for phase in phases if phase["name"].startswith("generating"))
    rest = sum(phase["seconds"] for phase in phases if phase is not generating)
    rate = generating["sounds_per_second"]
    seconds = request.sounds / rate + rest
    words = (
        f"about {_minutes(seconds)}: {request.sounds:,} sounds at {rate:g} a second and {rest:.0f} "
        "s of the rest, as benchmarks/fsdd.json measured"
    )
    if seeds:
        words += f"; not counted: {seeds} × 3 trainings of a simple classifier"
    return seconds, words


def _minutes(seconds: float) -> str:
    return f"{seconds / 60.0:.0f} min" if seconds >= 90.0 else f"{seconds:.0f} s"


def plan_text(request: Request) -> str:
    """The commands still to run, each with its estimated time above it, and the sum.

    Raises:
        ValueError: as `missing`.
    """
    steps = missing(request)
    title = f"# {request.experiment.title}, scale {request.scale}"
    if not steps:
        return f"{title}: nothing is left to run; --show shows it"
    lines = [title, f"# {request.size.stands_for}"]
    lines += [
        f"# {name} is not there yet: python -m gaae_tf.data.prepare --help tells how it is made"
        for name in unprepared(request)
    ]
    for step in steps:
        lines += [f"# {step.estimate}", step.text]
    known = [step.seconds for step in steps if step.seconds is not None]
    total = f"# {len(steps)} commands"
    if known:
        total += f"; {sum(known) / 3600.0:.1f} hours estimated"
        if len(known) < len(steps):
            total += f" for {len(known)} of them, unknown for the rest"
    else:
        total += "; how long they take has not been measured"
    return "\n".join([*lines, total])


class Stopped(Exception):
    """A signal asked to stop, and the command that ran was told.

    Attributes:
        signal_number: the signal.
    """

    def __init__(self, signal_number: int):
        super().__init__(f"stopped by {signal.Signals(signal_number).name}")
        self.signal_number = signal_number


def run_steps(steps: Iterable[Step], log: Callable[[str], None] = print) -> None:
    """Runs commands one after the other in the current folder, their output passed through.

    SIGINT and SIGTERM are passed on to the command that runs; when it ends, no further one begins.

    Raises:
        RuntimeError: a command failed, or did not leave what it should; it is named.
        Stopped: a signal came.
    """
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        for step in steps:
            if received:
                raise Stopped(received[0])
            log(f"$ {step.text}")
            code = _run((sys.executable, *step.command), received)
            if received:
                raise Stopped(received[0])
            if code:
                raise RuntimeError(f"exit code {code} of: {step.text}")
            if not step.done():
                raise RuntimeError(f"exit code 0, but it did not finish its work: {step.text}")
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _run(command: Sequence[str], received: list[int]) -> int:
    """Exit code of a command, which is sent every signal that is received."""
    # A group of its own: a terminal's Ctrl-C would reach it beside what is passed on, and a second
    # signal makes train.py stop without saving.
    process = subprocess.Popen(command, process_group=0)
    passed = 0
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            for number in received[passed:]:
                process.send_signal(number)
                passed += 1

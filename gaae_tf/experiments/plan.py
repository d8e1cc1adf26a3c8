"""From a table to the commands that fill it, and which of them are still to run.

What is done is read from the run folders alone, so that commands typed by hand count as those that
`execute` starts:

    trained     the checkpoint stands at the asked step, or has trained the minutes allowed
    evaluated   the scores are of the asked number of sounds, and have the trainings of classifiers
                that the table needs
"""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from gaae_tf import systems
from gaae_tf.experiments.requests import SCORES_BY_GENDER, Request, Run, lacking, read_scores
from gaae_tf.experiments.scales import VOCODER_FLAGS, Setting
from gaae_tf.experiments.tables import Table
from gaae_tf.run.checkpoints import progress
from gaae_tf.run.names import SCORES

_PAPER_HOURS = "the paper's GAAE took about 21 hours on two Nvidia P100"
# Measured phases of an evaluation at CPU scale.
_BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "fsdd.json"


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
    for setting in request.experiment.settings:
        config = request.runs(setting)[0].config()
        needed |= dict.fromkeys((config.dataset, config.guidance_dataset))
    return [name for name in needed if name not in ("", "notes") and not Path(name).exists()]


def _goals(request: Request) -> Iterator[Iterator[Step]]:
    """For each run, what is missing until it is evaluated."""
    experiment = request.experiment
    scored_by: dict[Setting, Setting | None] = dict.fromkeys(experiment.settings)
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
    if not systems.find(run.setting.model).can("generate"):
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

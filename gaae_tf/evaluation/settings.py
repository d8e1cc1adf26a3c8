"""What an evaluation is asked for; checked, and without TensorFlow."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gaae_tf.run.names import SCORERS, SOUNDS

PRECISIONS = ("float32", "mixed_bfloat16")
MOST_STEPS = {"simple": 3000, "wavegan": 1500}  # of a scorer's training


@dataclasses.dataclass(frozen=True)
class ScorerSettings:
    """How a scorer is trained: enough for a CPU, and independent of a run.

    Training runs `passes` times over the clips, but at least `min_steps`, which a hundred clips
    need, and at most `max_steps`, for exactly so many steps: the learning rate of Adam falls to
    zero along a cosine, so the last weights are the settled ones and no clip is kept for choosing
    among them.

    Attributes:
        name: One of SCORERS.
        passes: Over the labelled training clips.
        min_steps: Of `batch_size` clips.
        max_steps: None takes 3,000 for "simple", 1,500 for "wavegan", whose step takes 6 times as
            long (one to two hours in all on two cores).
        batch_size: Clips a step.
        learning_rate: At the start; ten times the paper's, for these are hundreds of steps.
        seed: Of the initial weights and of the order of clips.
        precision: One of PRECISIONS, of training; scoring is always float32. "mixed_bfloat16"
            trains in less than half the time on a CPU that has bfloat16 instructions.

    Raises:
        ValueError: A value is out of range.
    """

    name: str = "simple"
    passes: int = 12
    min_steps: int = 200
    max_steps: int | None = None
    batch_size: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    precision: str = "float32"

    def __post_init__(self):
        for name, value, known in (
            ("scorer", self.name, SCORERS),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; received {value!r}.")
        if self.max_steps is None:
            object.__setattr__(self, "max_steps", MOST_STEPS[self.name])
        for name in ("passes", "min_steps", "max_steps", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive; received {getattr(self, name)!r}.")

    def steps(self, clips: int) -> int:
        """Training steps on `clips` clips, at least 1."""
        wanted = self.passes * -(-clips // self.batch_size)
        return min(max(wanted, self.min_steps), self.max_steps)


@dataclasses.dataclass(frozen=True)
class EvaluateSettings:
    """What to measure, and how.

    Attributes:
        count: sounds to generate, over all classes.
        seed: of the sounds and of all draws.
        samples: a folder of sound files to score in place of the run's own; None for these.
        scores_out: file for the scores of `samples`; None takes the run folder's.
        scorer: which is trained, and how; the simple classifiers, which are compared with the
            run's and taught by sounds, are trained as a simple one is, whichever scores.
        scorer_checkpoint: the WaveGAN authors' own classifier in place of a trained one.
        usefulness_seeds: trainings of the simple classifier on samples, on these with real clips,
            and on real clips, each, for Tables IV and V; the paper's are three; 0 leaves them out.
        usefulness_sounds: samples that teach, `count` at most; 0 takes as many as there are real
            training clips.
        usefulness_steps: of each of these trainings, at most; 0 takes as many as a simple scorer
            of the real clips has. One of 32 spectrograms of 256×128 takes 2.7 s of a core.
        vocoder, refine: what makes sounds of spectrograms, as in `gaae_tf.load`.

    Raises:
        ValueError: a number is out of range.
    """

    count: int = SOUNDS
    seed: int = 0
    samples: Path | None = None
    scores_out: Path | None = None
    scorer: ScorerSettings = dataclasses.field(default_factory=ScorerSettings)
    scorer_checkpoint: Path | None = None
    usefulness_seeds: int = 1
    usefulness_sounds: int = 0
    usefulness_steps: int = 300
    vocoder: str | None = None
    refine: int | None = None

    def __post_init__(self):
        for name, least in (
            ("count", 1),
            ("seed", 0),
            ("usefulness_seeds", 0),
            ("usefulness_sounds", 0),
            ("usefulness_steps", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"--{name} must be at least {least}; got {getattr(self, name)}.")
        if self.samples is None and self.usefulness_sounds > self.count:
            raise ValueError(
                f"--usefulness_sounds={self.usefulness_sounds} is more than the --count="
                f"{self.count} sounds that are made."
            )
        if self.scores_out is not None:
            if self.samples is None:
                raise ValueError(f"--scores_out={self.scores_out} is for --samples alone; drop it.")
            if not self.scores_out.parent.is_dir():  # told now, not when all is scored
                raise ValueError(f"--scores_out={self.scores_out}: its folder does not exist.")

    @property
    def simple(self) -> ScorerSettings:
        """How simple classifiers are trained: as the scorer of that name."""
        if self.scorer.name == "simple":
            return self.scorer
        return dataclasses.replace(self.scorer, name="simple", max_steps=None)

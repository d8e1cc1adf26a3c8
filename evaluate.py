"""Scores a training run: its sounds, its codes, its classifier, its reconstructions.

python evaluate.py --run_dir=runs/quickstart [--count=2000] [--seed=0]
python evaluate.py --run_dir=runs/quickstart --samples=DIR [--scores_out=FILE]

Writes <run_dir>/scores.json and prints the figures. The first evaluation on a data set trains a
scorer and keeps it in <data set>/scorers; scored sounds are kept in <run_dir>/evaluation, and an
interrupted evaluation takes both again. Where another data set guided the run, that one's labels
train the scorer, and its test part is for all figures but those of reconstruction.
"""

import signal
import sys
from pathlib import Path
from typing import Any

from absl import app, flags, logging

from gaae_tf.evaluation import EvaluateSettings, evaluate, format_table
from gaae_tf.ops.settings import VOCODERS
from gaae_tf.run.names import REPORT, SCORERS, SCORES, SCORES_OF_SAMPLES, SOUNDS
from gaae_tf.scorers import ScorerSettings

_RUN_DIR = flags.DEFINE_string("run_dir", None, "Folder of the training run.", required=True)
_COUNT = flags.DEFINE_integer("count", SOUNDS, "Sounds to generate, over all classes.")
_SAMPLES = flags.DEFINE_string(
    "samples", None, "Folder of sound files to score in place of generated sounds."
)
_SCORES_OUT = flags.DEFINE_string(
    "scores_out",
    None,
    f"File for the scores of --samples; default <run_dir>/{SCORES_OF_SAMPLES}.",
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the generated sounds.", lower_bound=0)
_DATASET = flags.DEFINE_string(
    "dataset", None, "Data set folder, if not where it was when the run was trained."
)
_GUIDANCE_DATASET = flags.DEFINE_string(
    "guidance_dataset", None, "Folder of the data set that guided the run, likewise."
)
_SCORER = flags.DEFINE_enum("scorer", "simple", SCORERS, "Classifier that scores the sounds.")
_SCORER_CHECKPOINT = flags.DEFINE_string(
    "scorer_checkpoint", None, "The WaveGAN authors' own digit classifier, to score with it."
)
_USEFULNESS_SEEDS = flags.DEFINE_integer(
    "usefulness_seeds",
    1,
    "Trainings of a simple classifier on the sounds, on these with real clips, and on real clips, "
    "each; the paper's are 3, 0 leaves them out.",
)
_USEFULNESS_STEPS = flags.DEFINE_integer(
    "usefulness_steps",
    300,
    "Steps, at most, of each of these trainings; 0 takes as many as a simple scorer has.",
)
_VOCODER = flags.DEFINE_enum(
    "vocoder",
    None,
    VOCODERS,
    "What makes sounds of spectrograms; default pghi_fgla, or none for audio made directly.",
)
_REFINE = flags.DEFINE_integer(
    "refine", None, "Its iterations; default as in gaae_tf.generate.", lower_bound=0
)


def main(argv: list[str]) -> int:
    """The command; 1 on an error, 128 and the signal's number when interrupted."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)  # fontTools tells of every glyph in a PDF
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, _interrupt)
    sys.stdout.reconfigure(errors="backslashreplace")  # file names may be of any bytes
    sys.stderr.reconfigure(errors="backslashreplace")
    try:
        settings = EvaluateSettings(
            count=_COUNT.value,
            seed=_SEED.value,
            samples=Path(_SAMPLES.value) if _SAMPLES.value else None,
            scores_out=Path(_SCORES_OUT.value) if _SCORES_OUT.value else None,
            scorer=ScorerSettings(name=_SCORER.value),
            scorer_checkpoint=Path(_SCORER_CHECKPOINT.value) if _SCORER_CHECKPOINT.value else None,
            usefulness_seeds=_USEFULNESS_SEEDS.value,
            usefulness_steps=_USEFULNESS_STEPS.value,
            vocoder=_VOCODER.value,
            refine=_REFINE.value,
        )
        scores = evaluate(
            _RUN_DIR.value,
            settings,
            dataset_dir=_DATASET.value,
            guidance_dataset_dir=_GUIDANCE_DATASET.value,
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print(
            "interrupted: finished blocks of generated sounds and a finished scorer are kept; the "
            "same command takes them, and begins all other measures anew",
            file=sys.stderr,
        )
        return 128 + interrupt.args[0]
    print(format_table(scores))
    run_dir = Path(_RUN_DIR.value)
    if settings.samples is None:
        print(f"written to {run_dir / SCORES}; to listen, open {run_dir / REPORT / 'index.html'}")
    else:
        print(f"written to {settings.scores_out or run_dir / SCORES_OF_SAMPLES}")
    return 0


def _interrupt(number: int, _: Any) -> None:
    raise KeyboardInterrupt(number)


if __name__ == "__main__":
    app.run(main)

"""Scores a training run: its sounds, its codes, its classifier, its reconstructions.

    gaae evaluate --run_dir=runs/quickstart [--count=2000] [--seed=0]
    gaae evaluate --run_dir=runs/quickstart --samples=DIR [--scores_out=FILE]

Writes <run_dir>/scores.json and prints the figures. The first evaluation on a data set trains a
scorer and keeps it in <data set>/scorers; scored sounds are kept in <run_dir>/evaluation, and an
interrupted evaluation takes both again. Where another data set guided the run, that one's labels
train the scorer, and its test part is for all figures but those of reconstruction.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.evaluation.settings import EvaluateSettings, ScorerSettings
from gaae_tf.ops.settings import VOCODERS
from gaae_tf.run.look import check_data, check_run, find_run
from gaae_tf.run.names import REPORT, SCORERS, SCORES, SCORES_OF_SAMPLES, SOUNDS

INTERRUPTED = (
    "interrupted: finished blocks of generated sounds and a finished scorer are kept; the same "
    "command takes them, and begins all other measures anew"
)


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    text = {"flag_values": values}
    flags.DEFINE_string("run_dir", None, "Folder of the training run.", **text)
    flags.DEFINE_integer("count", SOUNDS, "Sounds to generate, over all classes.", **text)
    flags.DEFINE_string(
        "samples", None, "Folder of sound files to score in place of generated sounds.", **text
    )
    flags.DEFINE_string(
        "scores_out",
        None,
        f"File for the scores of --samples; default <run_dir>/{SCORES_OF_SAMPLES}.",
        **text,
    )
    flags.DEFINE_integer("seed", 0, "Seed of the generated sounds.", lower_bound=0, **text)
    flags.DEFINE_string(
        "dataset", None, "Data set folder, if not where it was when the run was trained.", **text
    )
    flags.DEFINE_string(
        "guidance_dataset", None, "Folder of the data set that guided the run, likewise.", **text
    )
    flags.DEFINE_enum("scorer", "simple", SCORERS, "Classifier that scores the sounds.", **text)
    flags.DEFINE_string(
        "scorer_checkpoint",
        None,
        "The WaveGAN authors' own digit classifier, to score with it.",
        **text,
    )
    flags.DEFINE_integer(
        "usefulness_seeds",
        1,
        "Trainings of a simple classifier on the sounds, on these with real clips, and on real "
        "clips, each; the paper's are 3, 0 leaves them out.",
        **text,
    )
    flags.DEFINE_integer(
        "usefulness_sounds",
        0,
        "Sounds that teach it, at most --count; 0 takes as many as there are real training clips.",
        **text,
    )
    flags.DEFINE_integer(
        "usefulness_steps",
        300,
        "Steps, at most, of each of these trainings; 0 takes as many as a simple scorer has.",
        **text,
    )
    flags.DEFINE_enum(
        "vocoder",
        None,
        VOCODERS,
        "What makes sounds of spectrograms; default pghi_fgla, or none for audio made directly.",
        **text,
    )
    flags.DEFINE_integer(
        "refine", None, "Its iterations; default as in gaae generate.", lower_bound=0, **text
    )
    flags.mark_flags_as_required(["run_dir"], values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Measures, prints the figures and writes them."""
    no_arguments(arguments, values)
    settings = _settings(values)
    config = check_run(values.run_dir)
    shipped = find_run(values.run_dir)
    if shipped != Path(values.run_dir):
        raise ValueError(
            f"--run_dir={values.run_dir} is a model that comes with the package, whose figures are "
            f"in {shipped / SCORES}; to evaluate it anew, give a copy of {shipped}"
        )
    check_data(config, values.dataset, values.guidance_dataset)
    load_tensorflow()
    from gaae_tf.evaluation.evaluate import evaluate
    from gaae_tf.evaluation.table import format_table

    scores = evaluate(
        values.run_dir,
        settings,
        dataset_dir=values.dataset,
        guidance_dataset_dir=values.guidance_dataset,
    )
    print(format_table(scores))
    run_dir = Path(values.run_dir)
    if settings.samples is None:
        print(f"written to {run_dir / SCORES}; to listen, open {run_dir / REPORT / 'index.html'}")
    else:
        print(f"written to {settings.scores_out or run_dir / SCORES_OF_SAMPLES}")
    return 0


def _settings(values: flags.FlagValues) -> EvaluateSettings:
    def path(name: str) -> Path | None:
        return Path(values[name].value) if values[name].value else None

    return EvaluateSettings(
        count=values.count,
        seed=values.seed,
        samples=path("samples"),
        scores_out=path("scores_out"),
        scorer=ScorerSettings(name=values.scorer),
        scorer_checkpoint=path("scorer_checkpoint"),
        usefulness_seeds=values.usefulness_seeds,
        usefulness_sounds=values.usefulness_sounds,
        usefulness_steps=values.usefulness_steps,
        vocoder=values.vocoder,
        refine=values.refine,
    )

"""Makes one of the trained models that come with the package from an evaluated run.

    python scripts/ship.py --run_dir=runs/fsdd_hour --name=digits

The model is a run folder with the lasting networks alone, in `gaae_tf/shipped/NAME`, and replaces
what is there: config.flags, data.json, scores.json, a checkpoint with its SHA-256, and CARD.md,
whose figures are those of scores.json. Of notes also the scorer, which is used by every evaluation
on these notes.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path

from absl import app, flags

_RUN_DIR = flags.DEFINE_string("run_dir", None, "An evaluated run folder.", required=True)
_NAME = flags.DEFINE_enum("name", None, ("notes", "digits"), "Of the model.", required=True)

LARGEST_MIB = 6.0

ABOUT = {
    "notes": (
        "Single notes of guitar, string and mallet instruments, 1 second at 16 kHz.",
        "The embedded notes (`--dataset=notes`): sampled instruments of the SoundFont "
        "FluidR3Mono_GM, rendered to single notes. MIT licence, `gaae_tf/data/notes/LICENSE`.",
        "Three families of instruments, and no other was tried. Generated notes are less periodic "
        "than real ones (`harmonicity` in scores.json).",
    ),
    "digits": (
        "Spoken English digits, half a second at 8 kHz.",
        "The Free Spoken Digit Dataset: 2,500 recordings of zero to nine by five speakers. "
        "CC BY-SA 4.0, Zohar Jackson and contributors, "
        "https://github.com/Jakobovski/free-spoken-digit-dataset.",
        "Five speakers, and no other was tried. Sounds are of telephone quality.",
    ),
}


def main(_) -> None:
    """Writes the folder, whole or not at all."""
    from gaae_tf.evaluation.scorers.kept import FOLDER
    from gaae_tf.files import move_folder
    from gaae_tf.run import loading
    from gaae_tf.run.checkpoints import progress, save_for_sampling
    from gaae_tf.run.names import CARD, CHECKPOINTS, CONFIG, DATA, SCORES, SHIPPED

    source, target = Path(_RUN_DIR.value), SHIPPED / _NAME.value
    run = loading.load(source)
    scores = json.loads((source / SCORES).read_text())
    scored = scores["provenance"]["step"]
    if scored != run.step:
        raise ValueError(f"{source / SCORES} is of step {scored}, the run has {run.step}")
    unfinished = SHIPPED / f".{_NAME.value}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name in (CONFIG, DATA, SCORES):
        shutil.copyfile(source / name, unfinished / name)
    if _NAME.value == "notes":  # whose scorer nobody need train anew
        weights = Path(scores["provenance"]["scorer"]["kept_at"])
        record = weights.with_name(weights.name.replace(".weights.h5", ".json"))
        (unfinished / FOLDER).mkdir()
        for file in (weights, record):
            shutil.copyfile(file, unfinished / FOLDER / file.name)
    save_for_sampling(run.model, unfinished)
    (unfinished / CARD).write_text(
        card(_NAME.value, run, scores, progress(source)[1] / 60.0), encoding="utf-8"
    )
    size = sum(file.stat().st_size for file in unfinished.rglob("*")) / 2**20
    if size > LARGEST_MIB:
        raise ValueError(f"{unfinished} has {size:.1f} MiB, more than {LARGEST_MIB}")
    move_folder(unfinished, target)
    files = sum(1 for _ in (target / CHECKPOINTS).iterdir())
    print(f"{target}: {size:.1f} MiB, {files} files of the checkpoint, step {run.step:,}")


def card(name: str, run, scores: dict, minutes: float) -> str:
    """The model card, in Markdown."""
    title, data, limits = ABOUT[name]
    config, versions = run.config, scores["provenance"]["versions"]
    rows = [
        ("requested class found in generated sounds", percent(scores["requested_class_accuracy"])),
        ("classifier C on test clips", percent(scores["classifier_test_accuracy"])),
        (
            "a CNN; an augmented CNN on the same labels",
            f"{percent(scores['simple_classifier_same_labels_accuracy'])}; "
            f"{percent(scores['augmented_classifier_same_labels_accuracy'])}",
        ),
        ("Inception Score", f"{scores['inception_score']:.2f}"),
        (
            "spectral convergence of reconstructions",
            f"{scores['reconstruction_spectral_convergence_db']:.1f} dB".replace("-", "−"),
        ),
    ]
    table = "\n".join(f"| {what} | {figure} |" for what, figure in rows)
    about = (
        f"{title} A Guided Adversarial Autoencoder (GAAE) that generates sounds of a class and "
        "represents recordings by a guided code and a style code:"
    )
    facts = "\n".join(
        textwrap.fill(f"- **{what}.** {text}", 100, subsequent_indent="  ", break_on_hyphens=False)
        for what, text in (
            ("Data", data),
            (
                "Licence",
                "The code is Apache-2.0; the weights are given on the terms of their data.",
            ),
            (
                "Training",
                f"{run.step:,} iterations of {config.batch_size} clips in {minutes:.0f} minutes on "
                f"two CPU cores, with {config.labelled_percent:g} % of the training labels and "
                f"seed {config.seed}; TensorFlow {versions['tensorflow']}, Keras "
                f"{versions['keras']}. The settings are in `config.flags`.",
            ),
            ("Limits", limits),
            ("Integrity", "The checkpoint's SHA-256 is checked whenever the model is loaded."),
        )
    )
    return f"""\
# {name}

{textwrap.fill(about, 100)}

```
gaae generate --run_dir={name} --label={run.classes[0]} --count=8 --seed=1 --out=sounds
```

| measured on {scores["provenance"]["samples"]:,} sounds and the data set's test part | |
|---|---|
{table}

All figures, with intervals, scorer and seed, are in `scores.json`; the commands are in
`docs/RESULTS.md`.

{facts}
"""


def percent(share: float) -> str:
    """A share as percent with one decimal."""
    return f"{100.0 * share:.1f} %"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    app.run(main)

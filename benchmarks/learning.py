"""What each addition to Algorithm 1 is worth: trainings with each alone, all, and all but one.

    python -m benchmarks.learning --steps=600
    python -m benchmarks.learning --steps=600 --variants=paper,all,all_but_start

    python -m benchmarks.learning --group=pitch --steps=600

Trains configs/fsdd.flags and its variants by train.py, in runs/learning, and measures each on the
data set's validation clips, never on its test clips. The group `pitch` is of
configs/quickstart.flags without adversaries: to which of its settings reconstructions owe the pitch
of notes. What is finished is not done again. Adds to benchmarks/learning.json, where a run of the
same name is replaced, and prints the table of docs.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import app, flags

import gaae_tf
from benchmarks.in_turn import machine
from benchmarks.result import add_run
from benchmarks.systems import call
from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import load_dataset, read_clips
from gaae_tf.evaluation.scorers import trained_scorer
from gaae_tf.metrics import codes as of_codes
from gaae_tf.metrics.inception_score import inception_score
from gaae_tf.metrics.intervals import wilson_interval
from gaae_tf.metrics.pitch import semitones, strongest_harmonic_hz
from gaae_tf.run import names as run_names
from gaae_tf.run.checkpoints import progress

FLAGS = flags.FLAGS
REPOSITORY = Path(__file__).resolve().parents[1]
RESULT = REPOSITORY / "benchmarks" / "learning.json"
BASES = {"digits": "configs/fsdd.flags", "pitch": "configs/quickstart.flags"}
SOUNDS = 500

NO_BALANCE = {
    "pseudo_label_balance": "0",
    "pseudo_label_balance_steps": "0",
    "pseudo_label_groups": "1",
}

# What configs/fsdd.flags adds to configs/fsdd/small.flags, and the flags that take it away.
PARTS = {
    "start": {"start_steps": "0", "start_reconstruction_lambda": "0"},
    "altered": {"alter_labelled": "false", "alter_channel": "false"},
    "pseudo_labels": {"pseudo_labels": "0", **NO_BALANCE},
    "wide_encoder": {"encoder_channels": "0"},
    "distance": {"sliced_wasserstein": "0", "class_independence": "0"},
    "class_teaches_decoder": {"generated_class_teaches_decoder": "false"},
    "held_styles": {"hold_generated_style": "false"},
    "class_biases": {"orthogonal_class_biases": "false"},
    "one_update_of_s": {"discriminator_steps": "2"},
    "beta_1": {"autoencoder_adam_beta_1": "-1"},
    "weights": {
        "alpha": "0.5",
        "beta": "0.5",
        "omega_1": "0.6",
        "omega_2": "0.4",
        "omega_3": "0.25",
        "omega_4": "0.25",
        "omega_5": "0.5",
        "reconstruction_lambda": "20",
    },
}
# Means nothing alone: taken away from the rest.
DEPENDENT = {
    "label_balance": NO_BALANCE,
    "channel": {"alter_channel": "false"},
    "start_lambda": {"start_reconstruction_lambda": "0"},
}
# Not in configs/fsdd.flags: each added to it.
OTHERS = {
    "class_not_in_distance": {"class_independence": "0"},
    "recent_codes": {"recent_codes": "128"},
    "balance_losses": {"balance_losses": "true", "start_reconstruction_lambda": "0"},
    "whitening": {"whitening": "0.1", "recent_codes": "128"},
    "latent_spectral_norm": {"latent_spectral_norm": "true"},
    "latent_condition": {"latent_condition": "true"},
    "pair_confidence": {"pair_confidence": "0.9"},
    "ramp": {"generated_class_ramp_steps": "200"},
    "log_frequency_axis": {"frequency_axis": "log"},
    "style_of_frames": {"style_pooling": "frames"},
}
# Without Cg teaching D, what the paper's rules leave to bring the class to it.
WITHIN_THE_RULES = {
    "rules_more_g": {"omega_1": "0.8", "omega_2": "0.2", "reconstruction_lambda": "50"},
    "rules_latent_condition": {"latent_condition": "true"},
    "rules_pair_confidence": {"pair_confidence": "0.9"},
    "rules_two_updates_of_s": {"discriminator_steps": "2"},
}


# Of configs/quickstart.flags, what has to do with pitch.
PITCH = {
    "log_frequency_axis": {"frequency_axis": "linear"},
    "style_of_frames": {"style_pooling": "sum"},
    "emphasis": {"reconstruction_emphasis": "0"},
    "magnitude_error": {"magnitude_error": "0"},
}


def variants(group: str, steps: int) -> dict[str, dict[str, str]]:
    """Flags beside those of the group's flag file, by the name of the variant.

    A third of so few steps is the start, where there is one: the flag file's own may be longer.
    """
    if group == "pitch":
        start = {"start_steps": str(steps)}
        off = {flag: value for part in PITCH.values() for flag, value in part.items()}
        found = {"pitch_paper": start | off, "pitch_all": start}
        for name, part in PITCH.items():
            kept = {key: value for key, value in off.items() if key not in part}
            found |= {f"pitch_only_{name}": start | kept, f"pitch_all_but_{name}": start | part}
        return found
    off = {flag: value for part in PARTS.values() for flag, value in part.items()}
    found = {"paper": off, "all": {}}
    for name, part in PARTS.items():
        found[f"only_{name}"] = {key: value for key, value in off.items() if key not in part}
        found[f"all_but_{name}"] = part
    found |= {f"all_but_{name}": part for name, part in DEPENDENT.items()}
    found |= {f"all_and_{name}": added for name, added in OTHERS.items()}
    untaught = {"generated_class_teaches_decoder": "false"}
    found |= {name: untaught | added for name, added in WITHIN_THE_RULES.items()}
    start = {"start_steps": str(steps // 3)}
    return {name: start | added for name, added in found.items()}


def main(argv: list[str]) -> None:
    """Trains and measures what is asked for."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected argument {argv[1]!r}")
    known = variants(FLAGS.group, FLAGS.steps)
    for name in FLAGS.variants or known:
        if name not in known:
            raise app.UsageError(f"--variants={name} is none of {', '.join(known)}")
        for seed in range(FLAGS.seeds):
            run_dir = Path(FLAGS.runs) / f"{name}_{FLAGS.steps}_{seed}"
            added = [f"--{key}={value}" for key, value in known[name].items()]
            settings = [f"--seed={seed}", f"--steps={FLAGS.steps}", "--max_minutes=0"]
            if not (run_dir / run_names.EXPORT).exists():
                base = f"--flagfile={BASES[FLAGS.group]}"
                train = [base, f"--run_dir={run_dir}", *added, *settings]
                call("train.py", *train)
            row = {"flags": added + settings, "seed": seed} | measured(run_dir)
            add_run(RESULT, run_dir.name, row)
            print(json.dumps({run_dir.name: row}, indent=1), flush=True)
    print(table(json.loads(RESULT.read_text())["runs"]))


def measured(run_dir: Path) -> dict:
    """Figures on validation clips, and of sounds from the prior."""
    run = gaae_tf.load(run_dir)
    dataset = load_dataset(run.config.dataset)
    scorer = trained_scorer(dataset)
    clips = read_clips(dataset, "valid")
    clips = clips.subset(np.flatnonzero(clips.labels >= 0))
    spectrograms = np.concatenate(
        [
            run.signal_path.spectrogram(tf.cast(audio, tf.float32) / 32768.0).numpy()
            for audio in np.array_split(clips.audio, max(1, len(clips.audio) // 64))
        ]
    )
    right = run.class_probabilities(spectrograms).argmax(axis=1) == clips.labels
    style = run.codes(spectrograms)["style"]
    made = run.reconstruct_spectrograms(spectrograms)
    error = (made - spectrograms) ** 2
    hz = [
        strongest_harmonic_hz(audio, run.sample_rate_hz)
        for audio in (clips.audio.astype(np.float32) / 32768.0, run.to_audio(made))
    ]
    kept = np.abs(semitones(hz[1], hz[0])) <= 1.0
    asked = np.arange(SOUNDS) % len(dataset.classes)
    found, _ = scorer.score(
        run.generate_each([dataset.classes[i] for i in asked], seed=0),
        sample_rate_hz=run.sample_rate_hz,
    )
    classes = len(dataset.classes)
    others = (clips.labels + 1 + np.arange(len(clips.labels)) % (classes - 1)) % classes
    restyled, _ = scorer.score(
        run.restyle_each(
            clips.audio.astype(np.float32) / 32768.0, [dataset.classes[i] for i in others]
        ),
        sample_rate_hz=run.sample_rate_hz,
    )
    distance, of_draws = of_codes.distance_from_prior(style)
    return {
        "step": run.step,
        "minutes": round(progress(run_dir)[1] / 60.0, 1),
        "precision": TrainConfig.load(run_dir / run_names.CONFIG).precision,
        "validation_clips": len(clips.labels),
        "c_accuracy": float(right.mean()),
        "c_accuracy_interval_95": list(wilson_interval(int(right.sum()), len(right))),
        "requested_class_found": float((found.argmax(axis=1) == asked).mean()),
        "restyled_class_found": float((restyled.argmax(axis=1) == others).mean()),
        "inception_score": float(
            inception_score(tf.nn.softmax(found).numpy().astype(np.float64), splits=2)[0]
        ),
        "reconstruction_mse": float(error.mean()),
        "pitch_within_a_semitone": float(kept.mean()),
        "effective_rank": of_codes.effective_rank(style),
        "share_within_3": of_codes.share_within(style),
        "distance_from_prior": distance,
        "distance_of_draws": of_draws,
        "machine": machine(),
        "versions": {"tensorflow": tf.__version__, "python": platform.python_version()},
    }


def table(runs: dict[str, dict]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| variant | steps | C | asked class | restyled | IS | MSE | pitch | rank | distance |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in runs.items():
        percent = (row["c_accuracy"], row["requested_class_found"], row["restyled_class_found"])
        cells = [name, str(row["step"]), *(f"{100 * value:.1f} %" for value in percent)]
        cells += [f"{row['inception_score']:.2f}", f"{row['reconstruction_mse']:.4f}"]
        cells += [f"{100 * row['pitch_within_a_semitone']:.1f} %"]
        cells += [f"{row['effective_rank']:.1f}", f"{row['distance_from_prior']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    flags.DEFINE_enum("group", "digits", list(BASES), "Which variants there are.")
    flags.DEFINE_list("variants", [], "Names of variants; all without.")
    flags.DEFINE_integer("steps", 600, "Iterations of each training.", lower_bound=1)
    flags.DEFINE_integer("seeds", 1, "Trainings of each variant, from seed 0 on.", lower_bound=1)
    flags.DEFINE_string("runs", "runs/learning", "Folder of the runs.")
    app.run(main)

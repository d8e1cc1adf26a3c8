r"""How much memory a training takes, beside what `--dry_run` estimates.

    python -m benchmarks.memory --result=benchmarks/memory.json [--only=quickstart]

Each configuration trains a few steps in a process of its own, with a start, a validation, pictures
and a checkpoint, as a real training has them. Measured is the peak of its resident memory, as Linux
counts it, above that of a process that has loaded TensorFlow and made one multiplication. Writes
the figures to --result and prints them as a Markdown table.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from absl import app, flags

from benchmarks.in_turn import processor
from gaae_tf.config import TrainConfig
from gaae_tf.files import write_text

FLAGS = flags.FLAGS
CONFIGS = Path(__file__).resolve().parents[1] / "configs"
MEBIBYTE = 2**20
# Flag file and what differs from it, from the smallest to the largest.
CONFIGURATIONS = {
    "tiny": ("notes/small.flags", {"channels": 2, "batch_size": 8, "style_dim": 8}),
    "digits": ("fsdd.flags", {}),
    "digits with a non-local block": ("fsdd.flags", {"non_local_bins": 32, "batch_size": 32}),
    "quickstart": ("quickstart.flags", {}),
    "quickstart at batch 48": ("quickstart.flags", {"batch_size": 48}),
    "the paper's at batch 8": (
        "s09.flags",
        {"dataset": "notes", "batch_size": 8, "non_local_bins": 0},
    ),
}
SHORT = {"steps": 3, "checkpoint_every": 3, "summary_every": 3, "precision": "float32"}


def configuration(name: str, run_dir: str) -> TrainConfig:
    """A configuration that trains few steps, of them one of a start if it has one."""
    path, changed = CONFIGURATIONS[name]
    config = TrainConfig.load(CONFIGS / path)
    start = {"start_steps": min(config.start_steps, 1)}
    return dataclasses.replace(config, run_dir=run_dir, **SHORT, **start, **changed)


def resident(name: str) -> int:
    """Bytes of a line of /proc/self/status: VmRSS, resident now, or VmHWM, the most so far."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024


def measure(name: str) -> dict:
    """Trains a configuration in this process; gives its figures in bytes."""
    import tensorflow as tf

    import gaae_tf  # noqa: F401 - loads all that a training needs
    from gaae_tf.training import fit, memory
    from gaae_tf.training.resolve import resolve

    (tf.ones([64, 64]) @ tf.ones([64, 64])).numpy()
    baseline = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what is now
    with tempfile.TemporaryDirectory() as run_dir:
        config = configuration(name, run_dir)
        fit.train(config)
        peak = resident("VmHWM")
        resolved = resolve(config)
        clips = sum(resolved.dataset.counts.values())
        estimate = memory.estimate(resolved.config, resolved.data, clips)
    return {"baseline": baseline, "peak": peak - baseline, "estimate": estimate.total}


def row(name: str) -> dict:
    """Figures of a configuration, measured in a process of its own, in MiB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", f"--measure={name}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    in_mebibytes = {key: round(value / MEBIBYTE) for key, value in figures.items()}
    return in_mebibytes | {"estimate_of_peak": round(figures["estimate"] / figures["peak"], 3)}


def main(_: list[str]) -> int:
    """Measures all configurations, or one."""
    if FLAGS.measure:
        print(json.dumps(measure(FLAGS.measure)))
        return 0
    import keras
    import tensorflow as tf

    names = FLAGS.only or list(CONFIGURATIONS)
    print("| configuration | peak, MiB | estimated | estimate of peak |\n|---|---|---|---|")
    rows = {}
    for name in names:
        rows[name] = row(name)
        peak, estimate, share = (rows[name][k] for k in ("peak", "estimate", "estimate_of_peak"))
        print(f"| {name} | {peak:,} | {estimate:,} | {100.0 * share:.0f} % |", flush=True)
    result = {
        "command": "python -m benchmarks.memory",
        "processor": processor(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "mebibytes": rows,
    }
    if FLAGS.result:
        write_text(Path(FLAGS.result), json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    flags.DEFINE_list("only", None, "Configurations to measure; default: all.")
    flags.DEFINE_string("measure", None, "Configuration to measure in this process.")
    flags.DEFINE_string("result", None, "JSON file to write.")
    app.run(main)

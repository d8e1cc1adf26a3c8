"""The non-local block's attention in parts beside the whole map, forward and backward.

    python -m benchmarks.attention [--rounds=5] [--json=benchmarks/attention.json]

Sizes are those of S at the paper's 128 × 64 and ch 16: 8,192 queries of 2 numbers, 2,048 keys of
2, values of 8, float32. Each batch and form has a process of its own; they take turns, and seconds
are the median of the rounds. Memory is the peak above that before the first run. At the paper's
batch of 128, S sees 512 rows at once. What they take follows from what 16 do: a whole map grows
with the rows; a part does not, but inputs, results, their gradients and one copy of each do.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from importlib import metadata
from pathlib import Path

from benchmarks.in_turn import (
    Worker,
    answer,
    machine,
    resident_after_rest,
    resident_mebibytes,
    timed,
)
from gaae_tf.files import write_text

QUERIES, KEYS, D, V = 8192, 2048, 2, 8
BATCHES, PAPERS_ROWS = (8, 16), 512
FORMS = ("whole", "in parts")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work.split(","))
        return
    load_average = os.getloadavg()[0]  # other work on the machine slows all of this
    workers = {
        (form, batch): Worker("benchmarks.attention", f"{form},{batch}")
        for batch in BATCHES
        for form in FORMS
    }
    for worker in workers.values():
        worker.ask("run")
    runs = {key: [] for key in workers}
    for _ in range(arguments.rounds):
        for key, worker in workers.items():
            runs[key].append(worker.ask("run")["seconds"])
    figures = {}
    for (form, batch), worker in workers.items():
        seconds = round(statistics.median(runs[form, batch]), 3)
        figures.setdefault(batch, {})[form] = {
            "seconds": seconds,
            "peak_mebibytes": round(worker.ask("peak")),
        }
        worker.end()
    measured = {form: figures[BATCHES[-1]][form]["peak_mebibytes"] for form in FORMS}
    numbers_a_row = 2 * (QUERIES + KEYS) * (D + V)
    added = (PAPERS_ROWS - BATCHES[-1]) * 2 * 4 * numbers_a_row / 2**20
    expected = {
        "whole": round(measured["whole"] * PAPERS_ROWS / BATCHES[-1]),
        "in parts": round(measured["in parts"] + added),
    }
    show(figures, expected)
    if arguments.json:
        from gaae_tf.networks.attention import LARGEST_PART

        result = {
            "command": " ".join(["python", "-m", "benchmarks.attention", *sys.argv[1:]]),
            "machine": machine(),
            "load_average_before": round(load_average, 1),
            "versions": {name: metadata.version(name) for name in ("tensorflow", "keras")},
            "largest_part": LARGEST_PART,
            "by_batch": figures,
            f"expected_mebibytes_of_{PAPERS_ROWS}_rows": expected,
        }
        write_text(arguments.json, json.dumps(result, indent=2) + "\n")


def work(form: str, batch: str) -> None:
    import keras
    import numpy as np
    import tensorflow as tf

    from gaae_tf.networks.attention import attend

    rng = np.random.default_rng(0)
    sizes = [(QUERIES, D), (KEYS, D), (KEYS, V), (QUERIES, V)]
    values = [tf.constant(rng.normal(size=(int(batch), *size)), tf.float32) for size in sizes]

    def whole(theta, phi, g):
        scores = keras.ops.matmul(theta, keras.ops.transpose(phi, (0, 2, 1)))
        return keras.ops.matmul(keras.ops.softmax(scores, axis=-1), g)

    attention = whole if form == "whole" else attend

    @tf.function
    def run(theta, phi, g, upstream):
        with tf.GradientTape() as tape:
            tape.watch([theta, phi, g])
            mixture = attention(theta, phi, g)
        gradients = tape.gradient(mixture, [theta, phi, g], output_gradients=upstream)
        return [tf.reduce_sum(x) for x in (mixture, *gradients)]

    run.get_concrete_function(*values)
    before = resident_after_rest()
    answer(
        {
            "run": lambda: timed(lambda: [x.numpy() for x in run(*values)]),
            "peak": lambda: resident_mebibytes("VmHWM") - before,
        }
    )


def show(figures: dict, expected: dict) -> None:
    print(f"{'batch':>6}{'form':>10}{'seconds':>10}{'MiB':>9}")
    for batch, forms in figures.items():
        for form, row in forms.items():
            print(f"{batch:6}{form:>10}{row['seconds']:10.3f}{row['peak_mebibytes']:9,}")
        whole, parts = (forms[form] for form in FORMS)
        print(
            f"{batch:6}{'ratio':>10}{parts['seconds'] / whole['seconds']:10.2f}"
            f"{parts['peak_mebibytes'] / whole['peak_mebibytes']:9.3f}"
        )
    for form, mebibytes in expected.items():
        print(f"{PAPERS_ROWS} rows, {form}: {mebibytes:,} MiB expected")


if __name__ == "__main__":
    main()

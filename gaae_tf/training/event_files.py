"""What TensorBoard reads beside curves and pictures: starts, configuration, the projector."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb

from gaae_tf.config import TrainConfig
from gaae_tf.files import write_text

# Tags whose last points the HParams tab shows beside the flags.
ACCURACY, RECONSTRUCTION = "validation/accuracy", "validation/reconstruction_error"
COMPARED = {ACCURACY: "C on validation clips", RECONSTRUCTION: "error of their reconstructions"}
# Flags that make no difference to what is learnt.
_HOW_IT_RUNS = ("strategy", "steps_per_call", "keep_checkpoints", "summary_every")

_GRADIENT_NORM = "gradient_norm_"
_PROJECTOR = "projector"


def tag_of(name: str, loss_names: tuple[str, ...]) -> str:
    """The TensorBoard tag of a log, its group before the slash."""
    if name in loss_names:
        return f"loss/{name}"
    if name.startswith(_GRADIENT_NORM):
        return f"gradient_norm/{name.removeprefix(_GRADIENT_NORM)}"
    if name.endswith("_per_second") or name == "waiting_share":
        return f"speed/{name}"
    return f"training/{name}"


def mark_start(log_dir: Path, step: int) -> None:
    """Tells TensorBoard to drop what earlier event files hold from `step` on.

    That is a session log in an event file of its own, for `tf.summary` writes none. TensorBoard
    reads event files in the order of their names: this one's follows that of the last one so far,
    and precedes that of the next writer, which has the time in it. TensorBoard heeds a start only
    after a first one, so every start of a run is marked.
    """
    earlier = sorted(path.name for path in log_dir.glob("*tfevents*"))
    name = f"{earlier[-1]}.0" if earlier else "events.out.tfevents.0"
    session = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
    with tf.io.TFRecordWriter(str(log_dir / name)) as file:
        for event in (
            tf.compat.v1.Event(wall_time=time.time(), file_version="brain.Event:2"),
            tf.compat.v1.Event(wall_time=time.time(), step=step, session_log=session),
        ):
            file.write(event.SerializeToString())


def markdown(config: TrainConfig) -> str:
    """The configuration's flags as a table."""
    rows = ["| flag | value |", "|:---|:---|"]
    for line in config.to_flags().splitlines():
        flag, value = line.split("=", 1)
        rows.append(f"| {flag} | {value} |")
    return "\n".join(rows)


def write_flags(config: TrainConfig) -> None:
    """Begins a session of the HParams tab, by which runs are compared by their flags.

    Writes to the default summary writer.
    """
    own = {"run_dir", *_HOW_IT_RUNS}
    fields = [field.name for field in dataclasses.fields(config) if field.name not in own]
    metrics = [hparams.Metric(name, display_name=shown) for name, shown in COMPARED.items()]
    hparams.hparams_config([hparams.HParam(name) for name in fields], metrics)
    hparams.hparams({name: getattr(config, name) for name in fields})


def write_end() -> None:
    """Ends the session of the HParams tab, with success, in the default summary writer."""
    end = session_end_pb(api_pb2.STATUS_SUCCESS).SerializeToString()
    tf.summary.experimental.write_raw_pb(end, step=0)


def write_projector(
    log_dir: Path, codes: Mapping[str, np.ndarray], class_names: Sequence[str]
) -> None:
    """Writes codes [clips, dimensions] by name, with each clip's class, as the projector reads."""
    folder = log_dir / _PROJECTOR
    folder.mkdir(exist_ok=True)
    write_text(folder / "classes.tsv", "".join(f"{name}\n" for name in class_names))
    entries = []
    for name, code in codes.items():
        text = io.StringIO()
        np.savetxt(text, code, fmt="%.6g", delimiter="\t")
        write_text(folder / f"{name}.tsv", text.getvalue())
        entries.append(
            f'embeddings {{\n  tensor_name: "{name}"\n'
            f'  tensor_path: "{_PROJECTOR}/{name}.tsv"\n'
            f'  metadata_path: "{_PROJECTOR}/classes.tsv"\n}}\n'
        )
    write_text(log_dir / "projector_config.pbtxt", "".join(entries))

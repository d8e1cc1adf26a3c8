"""The flags that name a trained run, of all verbs that take one of its checkpoints."""

from __future__ import annotations

from absl import flags

from gaae_tf.run.names import CHECKPOINT_NAMES


def define_run_flags(values: flags.FlagValues) -> None:
    """Defines --run_dir, which is required, and --checkpoint in `values`."""
    flags.DEFINE_string("run_dir", None, "Folder of the training run.", flag_values=values)
    flags.DEFINE_enum(
        "checkpoint",
        "latest",
        CHECKPOINT_NAMES,
        "Which checkpoint; best is by accuracy on validation clips.",
        flag_values=values,
    )
    flags.mark_flag_as_required("run_dir", values)

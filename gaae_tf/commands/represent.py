"""Codes and classes of recordings, by a trained run.

    gaae represent --run_dir=runs/quickstart --source=FILE_OR_FOLDER --out=codes.npz

Reads whatever libsndfile reads, of any length, rate and channel count; recordings are mixed to
mono, resampled, and cut into consecutive clips, the last zero-padded. The result holds one row a
clip, recording after recording:

    guided, style   codes z and z′, float32 [rows, …]; those of other systems by their names
    probabilities   of the classes, float32 [rows, classes]; where the system tells any
    classes         their names, in the order of `probabilities`; likewise
    sources         the recording of each row, relative to --source
    start_s         where in it the clip starts, seconds
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.commands.run_flags import define_run_flags
from gaae_tf.run.look import check_run


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    define_run_flags(values)
    flags.DEFINE_string("source", None, "Audio file, or folder of such.", flag_values=values)
    flags.DEFINE_string("out", None, "The .npz file to write.", flag_values=values)
    flags.mark_flags_as_required(["source", "out"], values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Writes the codes."""
    no_arguments(arguments, values)
    out = Path(values.out)
    if out.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, got {values.out}")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"--out={out}: there is no folder {out.parent}")
    if not Path(values.source).exists():
        raise FileNotFoundError(f"source {values.source} does not exist")
    config = check_run(values.run_dir)
    if not config.system.can("represent"):
        raise ValueError(
            f"{values.run_dir} holds a {config.model}, which has no encoder: it cannot "
            "represent recordings"
        )
    load_tensorflow()
    from gaae_tf.run import loading
    from gaae_tf.run.recordings import represent_files, write_codes

    loaded = loading.load(values.run_dir, values.checkpoint)
    arrays = represent_files(
        loaded, values.source, lambda line: print(line, file=sys.stderr, flush=True)
    )
    write_codes(out, arrays)
    print(f"codes of {len(arrays['sources']):,} clips in {out}")
    return 0

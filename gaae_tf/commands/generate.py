"""Sounds of a trained run as WAV files.

    gaae generate --run_dir=runs/quickstart --label=guitar --count=8 --out=sounds

Without --label, the --count sounds are of all classes in turn. A file's name tells what it is:
guitar_seed1_003.wav is number 3 of seed 1, always the same sound, and numbered alike in every
class the same style code; sound_seed1_003.wav is of a system without classes. Files of the same
name are replaced.
"""

from __future__ import annotations

from absl import flags

from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.commands.run_flags import define_run_flags
from gaae_tf.ops.settings import VOCODERS
from gaae_tf.run.look import check_run


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    define_run_flags(values)
    flags.DEFINE_string("out", None, "Folder for the WAV files.", flag_values=values)
    flags.DEFINE_string(
        "label", None, "Class of the sounds; default: all classes in turn.", flag_values=values
    )
    flags.DEFINE_integer("count", 8, "Sounds in all.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer(
        "seed", 0, "Equal seeds give equal sounds.", lower_bound=0, flag_values=values
    )
    flags.DEFINE_enum(
        "vocoder",
        None,
        VOCODERS,
        "pghi: PGHI alone. pghi_fgla: PGHI, then --refine iterations of fast Griffin-Lim. "
        "griffin_lim: --refine iterations of classic Griffin-Lim from random phase. Default: "
        "pghi_fgla, or none for a system that makes audio directly.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "refine",
        None,
        "Iterations of Griffin-Lim; default 32 for pghi_fgla, 100 for griffin_lim.",
        lower_bound=0,
        flag_values=values,
    )
    flags.mark_flags_as_required(["out"], values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Writes the sounds."""
    no_arguments(arguments, values)
    config = check_run(values.run_dir, values.label)
    if not config.system.can("generate"):
        raise ValueError(f"{values.run_dir} holds a {config.model}, which makes no sound")
    load_tensorflow()
    from gaae_tf.run import loading
    from gaae_tf.run.sounds import write_samples

    loaded = loading.load(values.run_dir, values.checkpoint, values.vocoder, values.refine)
    paths = write_samples(loaded, values.out, values.count, values.label, values.seed, print)
    print(f"{len(paths)} sounds of step {loaded.step:,} in {values.out}")
    return 0

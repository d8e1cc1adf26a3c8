"""A trained run as a TensorFlow SavedModel that needs neither this package nor Keras.

    gaae export --run_dir=runs/quickstart --out=export

Statistics, classes and the vocoder are inside. The vocoder is fast Griffin-Lim from random phase,
which graph operations can express; `gaae_tf.load` has the better one that starts from PGHI. The
style codes of a seed are the same in both. README.txt in the folder tells how to use it.
"""

from __future__ import annotations

from absl import flags

from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.commands.run_flags import define_run_flags
from gaae_tf.run.look import check_run


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    define_run_flags(values)
    flags.DEFINE_string("out", None, "Folder for the SavedModel.", flag_values=values)
    flags.DEFINE_integer(
        "refine",
        32,
        "Iterations of fast Griffin-Lim inside the SavedModel.",
        lower_bound=0,
        flag_values=values,
    )
    flags.mark_flags_as_required(["out"], values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Writes the SavedModel."""
    no_arguments(arguments, values)
    check_run(values.run_dir)
    load_tensorflow()
    from gaae_tf.run.export import export

    out = export(values.run_dir, values.out, values.checkpoint, values.refine)
    print(f"SavedModel in {out}; {out / 'README.txt'} tells how to use it")
    return 0

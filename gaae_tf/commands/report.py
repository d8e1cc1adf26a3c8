"""Compares evaluated runs: tables in Markdown, CSV and LaTeX, and pictures.

    gaae report --runs=runs/a,runs/b --out=comparison
    gaae report --runs=gaae=runs/s0+runs/s1+runs/s2,cnn=runs/x --out=comparison

Reads each run's scores.json, which evaluate.py wrote. Commas part rows; + joins runs of one
setting, say of other seeds, in one row with their mean ± sample standard deviation; a name and =
before them name the row, which else is called after its folders. A folder that exists as it is
written is taken as written, whatever signs but a comma are in it.

Writes comparison.md with all tables and pictures, and quality, class_accuracy, classification,
representations and reconstruction as .md, .csv, .tex, .png and .pdf, as far as a run was measured
so. Files of these names in --out are replaced, others are left alone. Runs of different scorers,
data sets or numbers of sounds come into blocks of their own and are not compared.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from gaae_tf.commands.opening import no_arguments


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    flags.DEFINE_list(
        "runs",
        None,
        "Folders of evaluated runs, [name=]folder[+folder…] for each row, parted by commas.",
        flag_values=values,
    )
    flags.DEFINE_string("out", None, "Folder to write.", flag_values=values)
    flags.mark_flags_as_required(["runs", "out"], values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Writes the comparison."""
    no_arguments(arguments, values)
    from gaae_tf.report.compare.runs import read_systems
    from gaae_tf.report.compare.write import INDEX, write_comparison

    out = Path(values.out)
    written = write_comparison(read_systems(values.runs), out)
    print(f"{len(written)} files in {out}; to read, open {out / INDEX}")
    return 0

"""The paper's tables and figures: what is still to run, running it, ours beside the published.

    gaae experiments --table=3 --scale=cpu --plan
    gaae experiments --table=3 --scale=cpu --run
    gaae experiments --table=3 --scale=cpu --show
    gaae experiments --figure=omega_1 --plan

Type it where train.py and configs/ are. Tables are numbered 1 to 8; --scale=paper is the paper's
full setting, --scale=cpu a small one on other recordings. --plan prints commands, which may as well
be typed one by one. --run runs them one after the other; stopped, the same command goes on. Runs
lie in <out>/<scale>, and tables that need the same run share it.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.experiments.published import FIGURES
from gaae_tf.experiments.scales import SCALES


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    flags.DEFINE_integer("table", None, "Table of the paper, 1 to 8.", flag_values=values)
    flags.DEFINE_enum(
        "figure", None, tuple(FIGURES), "Figure, or sweep of a weight.", flag_values=values
    )
    flags.DEFINE_enum("scale", "cpu", tuple(SCALES), "How large everything is.", flag_values=values)
    flags.DEFINE_bool(
        "plan", False, "Print the commands still to run, with estimated times.", flag_values=values
    )
    flags.DEFINE_bool("run", False, "Run them.", flag_values=values)
    flags.DEFINE_bool(
        "show", False, "Print our figures beside the published ones.", flag_values=values
    )
    flags.DEFINE_integer(
        "seeds", 3, "Draws of each setting, seeds 0, 1 and so on.", flag_values=values
    )
    counts = ", ".join(f"{scale.count:,} at scale {scale.name}" for scale in SCALES.values())
    flags.DEFINE_integer(
        "count", None, f"Sounds that are scored of each run; default: {counts}.", flag_values=values
    )
    flags.DEFINE_string("out", "runs/experiments", "Folder of all runs.", flag_values=values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Plans, runs or shows."""
    no_arguments(arguments, values)
    modes = [name for name in ("plan", "run", "show") if getattr(values, name)]
    if len(modes) != 1:
        given = " and ".join(f"--{mode}" for mode in modes) or "none"
        raise ValueError(f"give one of --plan, --run and --show, got {given}")
    if modes != ["show"] and not Path("train.py").is_file():
        raise FileNotFoundError(
            f"no train.py in {Path.cwd()}; type this in the folder that holds it"
        )
    load_tensorflow()
    from gaae_tf.experiments import execute, plan, requests, show

    request = requests.Request(
        table=values.table,
        figure=values.figure,
        scale=values.scale,
        seeds=values.seeds,
        count=values.count,
        out=Path(values.out),
    )
    if modes == ["show"]:
        print(show.show_text(request))
        return 0
    if modes == ["plan"]:
        print(plan.plan_text(request))
        return 0
    steps = plan.missing(request)
    try:
        execute.run_steps(steps, lambda line: print(line, flush=True))
    except execute.Stopped as stop:
        print(f"{stop}; to go on, type the same command again")
        return 128 + stop.signal_number
    except RuntimeError as error:
        raise ValueError(error) from error
    print(f"{len(steps)} commands were run; nothing is left, --show shows it")
    return 0

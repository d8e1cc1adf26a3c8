"""A first look at a run folder, without TensorFlow: a wrong name is told before it loads."""

from __future__ import annotations

import json
import numbers
import unicodedata
from pathlib import Path

from gaae_tf.config import TrainConfig
from gaae_tf.data.terms import DESCRIPTION, DataError, no_dataset
from gaae_tf.files import no_run_folder
from gaae_tf.run.names import CONFIG, DATA, SHIPPED


def check_run(
    run_dir: str | Path, label: str | None = None, flag: str = "--run_dir"
) -> TrainConfig:
    """Raises what loading the run would raise for another folder, or another class.

    Args:
        run_dir: the run folder, or the name of a shipped model.
        label: a class by its name, if one is asked for.
        flag: the flag that named the folder.

    Returns:
        The run's configuration, whose `system` tells what it can do.

    Raises:
        FileNotFoundError: there is no such folder, or no run in it.
        ValueError: its configuration cannot be read, or it has no such class.
    """
    run_dir = find_run(run_dir)
    if not run_dir.is_dir():
        raise FileNotFoundError(no_run(run_dir, flag))
    config = TrainConfig.load(run_dir / CONFIG)
    if label is None:
        return config
    try:
        classes = json.loads((run_dir / DATA).read_text())["classes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return config  # loading tells what is wrong with the file
    if isinstance(classes, list) and classes:
        class_index(label, classes)
    return config


def check_data(config: TrainConfig, dataset: str | None, guidance_dataset: str | None) -> None:
    """Raises DataError unless the data sets that a run was trained on are there.

    Args:
        config: the run's.
        dataset: where its data set is now; None for where it was.
        guidance_dataset: the same of the one that guided it, if another did.
    """
    for flag, before, now in (
        ("dataset", config.dataset, dataset),
        ("guidance_dataset", config.guidance_dataset, guidance_dataset),
    ):
        folder = Path(now or before)
        if not before or (folder / DESCRIPTION).is_file():
            continue
        if now:
            raise DataError(f"--{flag}: {no_dataset(folder)}")
        raise DataError(
            f"the run's data set is not at {folder}"
            + ("" if folder.is_absolute() else f" below {Path.cwd()}")
            + f"; --{flag}=FOLDER says where it is now. Else {no_dataset(folder)}"
        )


def shipped_models() -> tuple[str, ...]:
    """Names of the trained models that come with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}")))


def find_run(run_dir: str | Path) -> Path:
    """The folder of a run: the folder itself, or that of the shipped model of this name.

    A run folder of the same name comes first.
    """
    run_dir = Path(run_dir)
    if not (run_dir / CONFIG).is_file() and str(run_dir) in shipped_models():
        return SHIPPED / run_dir
    return run_dir


def no_run(run_dir: Path, flag: str = "--run_dir") -> str:
    """The words for a run folder that is not there, which a flag has named."""
    models = " or ".join(f"'{name}'" for name in shipped_models())
    return no_run_folder(f"{flag}={run_dir}") + (
        f", or {models}, which come with the package" if models else ""
    )


def class_index(label: object, classes: list[str] | tuple[str, ...]) -> int:
    """The index of a class given by its name, however its accents are encoded, or by its index.

    Raises:
        ValueError: there is no such class; those that there are are named.
    """
    if isinstance(label, str):
        for form in ("NFC", "NFD"):
            if (name := unicodedata.normalize(form, label)) in classes:
                return classes.index(name)
        if label in classes:
            return classes.index(label)
        if label.isascii() and label.isdecimal() and int(label) < len(classes):
            return int(label)
    elif isinstance(label, numbers.Integral) and 0 <= label < len(classes):
        return int(label)
    raise ValueError(
        f"label must be one of {', '.join(map(str, classes))} (or 0 to {len(classes) - 1}), "
        f"got {label!r}"
    )

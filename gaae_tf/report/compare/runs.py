"""Evaluated runs to compare: their scores, and what these rest on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gaae_tf.files import no_run_folder
from gaae_tf.scores import SCORES_FILE, figure, read_file
from gaae_tf.scores.catalogue import Key


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """One evaluated run.

    Attributes:
        name: how notes call it, say its folder.
        scores: what its `scores.json` holds; sections may be missing.
    """

    name: str
    scores: Mapping[str, Any]

    def at(self, key: Key) -> Any:
        """What lies under a key, None where a part of the key is missing.

        Raises:
            ValueError: something on the way is not an object.
        """
        return figure.at(self.scores, key, self.name)


@dataclasses.dataclass(frozen=True, eq=False)
class System:
    """A row: one run, or several of one setting, say of other seeds.

    Attributes:
        name: of the row.
        runs: one at least.
    """

    name: str
    runs: tuple[Run, ...]


def read_systems(items: Sequence[str]) -> list[System]:
    """Reads the runs that --runs names.

    Args:
        items: one a row: "[name=]folder[+folder…]".

    Raises:
        FileNotFoundError: a folder or its scores.json is missing.
        ValueError: an item is empty, a run stands twice, rows have equal names, a scores.json
            cannot be read, or the runs of a row cannot be averaged.
    """
    seen: dict[Path, str] = {}
    systems = []
    for item in items:
        name, folders = _parse(item)
        runs = []
        for folder in folders:
            place = Path(folder).resolve()
            if place in seen:
                raise ValueError(f"--runs names {folder} twice, first as {seen[place]}")
            seen[place] = folder
            runs.append(Run(folder, read_scores(Path(folder))))
        systems.append(System(name or "+".join(Path(f).resolve().name for f in folders), (*runs,)))
    if not systems:
        raise ValueError("--runs names no run; give folders of evaluated runs")
    check_systems(systems)
    return systems


def _parse(item: str) -> tuple[str, list[str]]:
    """The name, "" where none is given, and the folders of an item."""
    name, rest = "", item.strip()
    if "=" in rest and not Path(rest).is_dir():
        before, after = rest.split("=", 1)
        if "/" not in before:  # else the sign belongs to a folder's name
            name, rest = before.strip(), after.strip()
            if not name:
                raise ValueError(f"--runs: {item!r} has no name before its =")
    folders = [rest] if Path(rest).is_dir() else [folder.strip() for folder in rest.split("+")]
    if not all(folders):
        raise ValueError(f"--runs: {item!r} must be folder, name=folder or name=folder+folder")
    return name, folders


def read_scores(folder: Path) -> dict[str, Any]:
    """The `scores.json` of a run.

    Raises:
        FileNotFoundError: the folder or its scores are missing.
        ValueError: the scores are no JSON, or not of `evaluate`'s form.
    """
    path = folder / SCORES_FILE
    if not folder.is_dir():
        raise FileNotFoundError(no_run_folder(f"--runs: {folder}"))
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; python evaluate.py --run_dir={folder} makes it"
        )
    again = f"python evaluate.py --run_dir={folder} makes it anew"
    return read_file(path, ("details",), again)


def check_systems(systems: Sequence[System]) -> None:
    """Raises ValueError unless the runs of each row can be averaged and rows have other names."""
    names = [system.name for system in systems]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f"{names.count(name)} rows are called {name!r}; give them names of their own, as "
                "in --runs=first=runs/a,second=runs/b"
            )
    for system in systems:
        first, *others = system.runs
        for other in others:
            for what, of_run in (
                ("scorer", scorer_id),
                ("data set", lambda run: text_of(run, "dataset", "id")),
                ("guiding data set", lambda run: text_of(run, "guidance_dataset", "id")),
                ("number of sounds", lambda run: text_of(run, "samples")),
            ):
                if not of_run(first) or of_run(first) != of_run(other):
                    raise ValueError(
                        f"row {system.name!r} averages {first.name} and {other.name}, but their "
                        f"{what} is not the same: {of_run(first) or 'unknown'} and "
                        f"{of_run(other) or 'unknown'}; give them rows of their own"
                    )


def scored_by(run: Run) -> tuple[str, dict[str, str]]:
    """What scored a run's sounds, how well it does so, and on what.

    Returns:
        It for reading; and the same by name, with the number of sounds.

    Raises:
        ValueError: the scores are malformed.
    """
    scorer = ("provenance", "scorer")
    name = text_of(run, "scorer", "name") or "unknown"
    value = run.at((*scorer, "test_accuracy", "value")) if run.at(scorer) else None
    accuracy = "unknown share"
    if value is not None:
        checked = figure.number(value, f"{run.name}: scorer accuracy")
        accuracy = f"{100.0 * checked:.1f} %"
    dataset, dataset_id = _dataset(run, "guidance_dataset")
    test, sounds = text_of(run, "test_clips"), text_of(run, "samples")
    title = (
        f"scorer {name}{_short(scorer_id(run))}, "
        f"{accuracy} right on {thousands(test)} real test clips of {dataset}{_short(dataset_id)}"
    )
    context = {
        "scorer": name,
        "scorer_id": scorer_id(run),
        "scorer_accuracy": "" if value is None else repr(value),
        "dataset": dataset,
        "dataset_id": dataset_id,
        "sounds": sounds,
        "test_clips": test,
    }
    return title, context


def on_dataset(run: Run, which: str) -> tuple[str, dict[str, str]]:
    """The run's data set, for reading and by name; `which` is its entry in the provenance."""
    name, identity = _dataset(run, which)
    return f"{name}{_short(identity)}", {"dataset": name, "dataset_id": identity}


def scorer_id(run: Run) -> str:
    """Digest of a scorer's weights and what they depend on; "" where unknown.

    Scores without a digest of the weights have its accuracy: another tells of other weights.
    """
    scorer = run.at(("provenance", "scorer")) if run.at(("provenance",)) else None
    if not isinstance(scorer, Mapping) or "description" not in scorer:
        return ""
    known = [scorer.get("name"), scorer["description"], scorer.get("test_accuracy")]
    if "weights_sha256" in scorer:
        known.append(scorer["weights_sha256"])
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def _dataset(run: Run, which: str) -> tuple[str, str]:
    return text_of(run, which, "name") or "an unknown data set", text_of(run, which, "id")


def text_of(run: Run, *key: str) -> str:
    """An entry of a run's provenance as text, "" where it is missing."""
    value = run.at(("provenance", *key))
    return "" if value is None else str(value)


def about(runs: Sequence[Run]) -> dict[str, str]:
    """Seed, vocoder, step and labels of a row, each value once; as many as differ."""
    entries = {
        "step": ("step",),
        "checkpoint": ("checkpoint",),
        "seed of the sounds": ("seed",),
        "vocoder": ("samples_are", "vocoder"),
        "refinements": ("samples_are", "refine"),
        "labels": ("labels_of_the_run",),
    }
    about = {"runs": ", ".join(run.name for run in runs)}
    for name, key in entries.items():
        values = dict.fromkeys(text_of(run, *key) for run in runs)
        text = "/".join(value for value in values if value)
        if text:
            about[name] = text
    return about


def _short(identity: str) -> str:
    return f" ({identity[:8]})" if identity else ""


def thousands(count: str) -> str:
    """A number of clips or sounds for reading, "" and what is no number included."""
    return f"{int(count):,}" if count.isdecimal() else count or "an unknown number of"

"""A field of the configuration, which is a flag, and the check of its value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from gaae_tf import systems
from gaae_tf.systems.spec import Spec


def setting(
    default: Any,
    help_text: str,
    *,
    choices: Iterable[str] | None = None,
    least: int | None = None,
    within: str | None = None,
    group: str | None = None,
) -> Any:
    """A field that is the flag of the same name.

    Args:
        default: its value where none is given.
        help_text: a sentence or two.
        choices: the values that it can have.
        least: its smallest value, 0 or 1.
        within: the interval of its values, "[0, 1)" say.
        group: of `spec.FLAG_GROUPS`, or "labels", "guidance", "frozen" or the name of a system:
            only systems that take this group take the flag. None for all.
    """
    metadata = {
        "help": help_text,
        "choices": tuple(choices) if choices else None,
        "least": least,
        "within": within,
        "group": group,
    }
    return dataclasses.field(default=default, metadata=metadata)


def takers(field: dataclasses.Field) -> tuple[str, ...]:
    """The systems that take a flag."""
    group = field.metadata["group"]
    return tuple(name for name, spec in systems.specs().items() if spec.takes(group))


def check(field: dataclasses.Field, type_: type, value: Any, system: Spec) -> None:
    """Raises ValueError, which names the flag and the value, for a value that it cannot have.

    Args:
        field: made by `setting`.
        type_: of its values.
        value: the one to check.
        system: the SPEC of the system to be trained.
    """
    name, known = field.name, field.metadata
    if not isinstance(value, (int, float) if type_ is float else type_) or (
        isinstance(value, bool) and type_ is not bool
    ):
        raise ValueError(f"--{name} must be of type {type_.__name__}, got {value!r}")
    if value != field.default and not system.takes(known["group"]):
        raise ValueError(
            f"--{name} is only for --model={', '.join(takers(field))}; leave it at "
            f"{field.default!r} for --model={system.name}, got {value!r}"
        )
    if known["choices"] and value not in known["choices"]:
        raise ValueError(f"--{name} must be one of {', '.join(known['choices'])}; got {value!r}")
    if known["least"] is not None and value < known["least"]:
        told = (
            "must not be negative" if known["least"] == 0 else f"must be at least {known['least']}"
        )
        raise ValueError(f"--{name} {told}, got {value}")
    if known["within"] and not _is_within(value, known["within"]):
        raise ValueError(f"--{name} must be in {known['within']}, got {value}")


def _is_within(value: float, interval: str) -> bool:
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = value > low if interval[0] == "(" else value >= low
    below = value < high if interval[-1] == ")" else value <= high
    return above and below

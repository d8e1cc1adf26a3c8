"""What is known of a figure of `scores.json` before it is measured."""

from __future__ import annotations

import dataclasses

Key = tuple[str, ...]  # where in a `scores.json` a figure lies

PERCENT = "%"


@dataclasses.dataclass(frozen=True)
class Measure:
    """What is known of a figure before it is measured.

    Attributes:
        key: where it lies in `scores.json`.
        title: its name in words, which stands alone.
        header: its name as the head of a column, short.
        better: "higher", "lower", or "" where neither is better as such.
        unit: "" for none; "%" of a share, which lies in [0, 1] in the file and is shown in per
            cent.
        decimals: that are shown, of what is shown.
        counted: whether its value depends on numbers of clips, which are then told with it.
        explanation: a sentence for a reader who does not know it; "" where the title says all.
    """

    key: Key
    title: str
    header: str
    better: str = ""
    unit: str = ""
    decimals: int = 2
    counted: bool = False
    explanation: str = ""

    @property
    def percent(self) -> bool:
        """Whether it is a share, shown in per cent."""
        return self.unit == PERCENT

    @property
    def factor(self) -> float:
        """By which the value in the file is multiplied to be shown."""
        return 100.0 if self.percent else 1.0

    def at(self, *key: str) -> Measure:
        """The same measure at another place."""
        return dataclasses.replace(self, key=key)

    def of(self, part: str) -> Measure:
        """A measure of samples, of another of these parts: "real_test", "real_train"."""
        return self.at(self.key[0], part, *self.key[2:])

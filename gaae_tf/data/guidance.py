"""The training clips whose labels guide a training: so many of each class, seeded and nested.

Source: paper IV-A, V-A: a random 1 to 5 % or 100 % of the training labels, another draw for each
run; V-C: the clips of ten speakers of each class of another data set; METHOD §6.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from gaae_tf.data.again import prepare_command
from gaae_tf.data.shards import Clips, Dataset
from gaae_tf.data.terms import DataError


@dataclasses.dataclass(frozen=True)
class Guidance:
    """The clips that guide.

    Attributes:
        indices: sorted int64, among the clips that they were drawn from.
        speakers: for each class the names of its drawn speakers, sorted; empty where none were
            drawn.
    """

    indices: np.ndarray
    speakers: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class GuidanceRule:
    """How many of each class's labelled clips guide; its text is the flag that says so.

    For one seed, a smaller number chooses a subset of what a larger one chooses.

    Attributes:
        percent: share of each class's labelled clips, in (0, 100], rounded to the nearest clip.
        clips_per_class: that many of each class; 0 to go by `percent`.
        speakers_per_class: all labelled clips of that many speakers of each class; 0 for other
            rules. A speaker may have clips in several classes: each class draws among its own.
    """

    percent: float = 5.0
    clips_per_class: int = 0
    speakers_per_class: int = 0

    def __str__(self) -> str:
        if self.speakers_per_class:
            return f"--guidance_speakers_per_class={self.speakers_per_class}"
        if self.clips_per_class:
            return f"--labelled_per_class={self.clips_per_class}"
        return f"--labelled_percent={self.percent:g}"

    def draw(self, clips: Clips, classes: Sequence[str], seed: int) -> Guidance:
        """Chooses the clips that guide, class by class.

        Args:
            clips: training clips; those without a label are never chosen.
            classes: names, in label order.
            seed: another seed draws other clips.

        Raises:
            DataError: a class has fewer labelled clips or speakers than it shall give, or its
                share is no clip at all.
        """
        if not classes:
            raise DataError(
                "no clip has a label; label some and prepare them again, or name a data set that "
                "guides: --guidance_dataset"
            )
        chosen, speakers = [], {}
        of_class = [np.flatnonzero(clips.labels == label) for label in range(len(classes))]
        if not self.speakers_per_class:
            counts = self.counts(dict(zip(classes, map(len, of_class), strict=True)))
        for label, (name, members) in enumerate(zip(classes, of_class, strict=True)):
            rng = np.random.default_rng([seed, label])
            if self.speakers_per_class:
                of_members = np.array([clips.speakers[i] for i in members], dtype=object)
                drawn = self._draw_speakers(name, of_members, rng)
                speakers[name] = tuple(sorted(drawn))
                chosen.append(members[np.isin(of_members, drawn)])
            else:
                chosen.append(rng.permutation(members)[: counts[name]])
        return Guidance(np.sort(np.concatenate(chosen)), speakers)

    def counts(self, labelled: Mapping[str, int]) -> dict[str, int]:
        """Clips of each class that guide, of its labelled ones; not for speakers.

        Raises:
            DataError: as `count`, of the class with the fewest, so that its advice serves all.
        """
        return {
            name: self.count(name, labelled[name]) for name in sorted(labelled, key=labelled.get)
        }

    def count(self, name: str, labelled: int) -> int:
        """Clips of class `name` that guide, of `labelled` ones; not for speakers.

        Raises:
            DataError: there are too few, or the share of them is no clip at all.
        """
        if not labelled:
            raise _no_labels(name)
        if self.clips_per_class > labelled:
            raise DataError(
                f"{self}, but class {name} has {labelled} labelled training clips; give "
                f"{labelled} or less"
            )
        if self.clips_per_class:
            return self.clips_per_class
        count = int(np.floor(labelled * self.percent / 100.0 + 0.5))
        if not count:
            least = math.ceil(50_000.0 / labelled) / 1000.0  # half a clip is rounded to one
            raise DataError(
                f"{self} of the {labelled} labelled training clips of class {name} is no clip; "
                f"every class needs at least one: give --labelled_percent={least:g} or more, or "
                "--labelled_per_class=1"
            )
        return count

    def _draw_speakers(self, name: str, of_members: np.ndarray, rng) -> list[str]:
        if not len(of_members):
            raise _no_labels(name)
        known = sorted(set(of_members) - {""})
        if self.speakers_per_class > len(known):
            raise DataError(
                f"{self}, but the labelled training clips of class {name} name {len(known)} "
                "speakers; "
                + (
                    f"give {len(known)} or less"
                    if known
                    else "give --labelled_per_class or --labelled_percent instead"
                )
            )
        order = rng.permutation(len(known))[: self.speakers_per_class]
        return [known[i] for i in order]


def check_same_clips(dataset: Dataset, guiding: Dataset) -> None:
    """Checks that the clips of two data sets can be merged.

    Raises:
        DataError: they differ in rate or length; the message has the command that prepares the
            guiding one like the other.
    """
    if (dataset.sample_rate_hz, dataset.clip_samples) == (
        guiding.sample_rate_hz,
        guiding.clip_samples,
    ):
        return
    out = f"{guiding.path}_{dataset.sample_rate_hz}hz_{dataset.clip_samples}"
    raise DataError(
        f"--guidance_dataset={guiding.path} has clips of {guiding.clip_samples} samples at "
        f"{guiding.sample_rate_hz} Hz, --dataset={dataset.path} of {dataset.clip_samples} samples "
        f"at {dataset.sample_rate_hz} Hz. Prepare the guidance's recordings likewise:\n"
        f"  {prepare_command(guiding, out, like=dataset)}\n"
        f"and give --guidance_dataset={out}"
    )


def _no_labels(name: str) -> DataError:
    return DataError(
        f"there is no labelled training clip of class {name}; every class needs at least one"
    )

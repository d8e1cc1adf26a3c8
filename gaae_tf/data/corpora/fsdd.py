"""The Free Spoken Digit Dataset: five speakers or more in English, 8 kHz, half a second on average.

Z. Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset.
"""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar

from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    check_percents,
    draw_splits,
    found,
    is_licence,
    licence_text,
)
from gaae_tf.data.corpora.speech_commands import DIGITS
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import DataError

LICENCE = (
    "Free Spoken Digit Dataset: Creative Commons Attribution-ShareAlike 4.0 International "
    "(CC BY-SA 4.0)."
)

_TEST_INDICES = 5  # of each speaker and digit: "0 to 4 are the test set", says the publisher
_NAME = re.compile(r"(?:.*/)?(([0-9])_([^_/]+)_([0-9]+)\.wav)")


@dataclasses.dataclass(frozen=True)
class FsddReader(Reader):
    """Reads `recordings/DIGIT_SPEAKER_INDEX.wav`.

    Indices 0 to 4 are for testing, as the publisher says; validation recordings are drawn from the
    others, class by class. Classes are zero to nine, as those of `SpeechCommandsReader`.

    Attributes:
        valid_percent: share of each class's other recordings for validation.
        seed: of that draw.
        test_speakers: speakers whose recordings are all for testing, and those of nobody else are:
            strangers to what is trained.

    Raises:
        DataError: the share is out of range.
    """

    corpus: ClassVar[str] = "fsdd"
    expects: ClassVar[str] = "the folder free-spoken-digit-dataset or its .zip or .tar.gz"

    valid_percent: float = 10.0
    seed: int = 0
    test_speakers: tuple[str, ...] = ()

    def __post_init__(self):
        check_percents(self.valid_percent)

    def wanted(self, name: str) -> bool:
        """Whether it is a recording or the licence."""
        return _NAME.fullmatch(name) is not None or is_licence(name)

    def read(self, source: Source) -> Corpus:
        """The recordings in `source`.

        Raises:
            DataError: there are none, or none of a speaker of `test_speakers`.
        """
        train, test = [], []
        for name in source.names:
            if match := _NAME.fullmatch(name):
                file, digit, speaker, index = match.groups()
                is_test = self._is_test(speaker, int(index))
                part, split = (test, "test") if is_test else (train, "train")
                label = DIGITS[int(digit)]
                part.append(Recording(name, f"recordings/{file}", label, speaker, split))
        if not train and not test:
            raise DataError(
                f"{source.name} has no recording of FSDD; looked for "
                f"recordings/DIGIT_SPEAKER_INDEX.wav, found {found(source)}"
            )
        speakers = {recording.speaker for recording in (*train, *test)}
        if unknown := sorted(set(self.test_speakers) - speakers):
            raise DataError(
                f"{source.name} has no recording of {', '.join(unknown)} (test_speakers); it has "
                f"those of {', '.join(sorted(speakers))}"
            )
        return Corpus(
            name=self.corpus,
            classes=DIGITS,
            recordings=(*draw_splits(train, self.valid_percent, 0.0, self.seed), *test),
            own_splits=False,
            ignored_files=source.other_files + len(source.names) - len(train) - len(test),
            licence=licence_text(source, (train or test)[0].file, LICENCE),
        )

    def _is_test(self, speaker: str, index: int) -> bool:
        if self.test_speakers:
            return speaker in self.test_speakers
        return index < _TEST_INDICES

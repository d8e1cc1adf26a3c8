"""NSynth: notes of instruments, 4 s at 16 kHz.

J. Engel and others, "Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders", ICML 2017,
arXiv:1704.01279.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from typing import Any, ClassVar

from gaae_tf.data.corpora.recording import (
    Corpus,
    Reader,
    Recording,
    check_percents,
    draw_splits,
    found,
    is_licence,
    licence_text,
    listed,
)
from gaae_tf.data.sources import Source
from gaae_tf.data.terms import SPLITS, DataError, Skipped

FAMILIES = (
    *("bass", "brass", "flute", "guitar", "keyboard", "mallet"),
    *("organ", "reed", "string", "synth_lead", "vocal"),
)
INSTRUMENT_SOURCES = ("acoustic", "electronic", "synthetic")
LICENCE = "NSynth, Google: Creative Commons Attribution 4.0 International (CC BY 4.0)."

_PART = re.compile(r"(?:.*/)?nsynth-(train|valid|test)(?:\.jsonwav)?/(.+)")


@dataclasses.dataclass(frozen=True)
class NSynthReader(Reader):
    """Reads `nsynth-{train,valid,test}/audio/NOTE.wav` and their `examples.json`.

    A clip is the beginning of a note. Its family, instrument, pitch and velocity are what
    `examples.json` says; the instrument stands for the speaker. The publisher's parts are the
    splits. Where the source is one part alone, valid and test are drawn from it, note by note.

    Attributes:
        families: the classes, in the order of their labels, out of `FAMILIES`.
        instrument_sources: what kinds of instruments to take, out of `INSTRUMENT_SOURCES`.
        valid_percent: share of each family for validation, where the source is one part alone.
        test_percent: the same for testing; both together below 100.
        seed: of that draw.

    Raises:
        DataError: no such family or source, one named twice, or a share out of range.
    """

    corpus: ClassVar[str] = "nsynth"
    expects: ClassVar[str] = "nsynth-train.jsonwav.tar.gz and so on, or the folder of these"

    families: tuple[str, ...] = ("guitar", "string", "mallet")
    instrument_sources: tuple[str, ...] = ("acoustic",)
    valid_percent: float = 10.0
    test_percent: float = 10.0
    seed: int = 0

    def __post_init__(self):
        for field, known in (("families", FAMILIES), ("instrument_sources", INSTRUMENT_SOURCES)):
            values = getattr(self, field)
            if not values or len(set(values)) < len(values) or not set(values) <= set(known):
                raise DataError(
                    f"{field} must be different ones of {', '.join(known)}, "
                    f"not {', '.join(values) or 'none'}"
                )
        check_percents(self.valid_percent, self.test_percent)

    def wanted(self, name: str) -> bool:
        """Whether it is a note of the families and sources, a description or the licence."""
        file = name.rpartition("/")[2]
        if not file.endswith(".wav"):
            return file == "examples.json" or is_licence(name)
        # Notes are called guitar_acoustic_010-060-075.wav: instrument, pitch, velocity.
        kinds = (f"{f}_{source}_" for f in self.families for source in self.instrument_sources)
        return file.startswith(tuple(kinds))

    def read(self, source: Source) -> Corpus:
        """The notes in `source`.

        Raises:
            DataError: another layout, a damaged examples.json, or no part for training.
        """
        audio: dict[str, dict[str, str]] = {}  # split -> note -> file
        descriptions: dict[str, str] = {}  # split -> file
        for name in source.names:
            match = _PART.fullmatch(f"{source.name}/{name}")  # the source may be the part itself
            split, path = match.groups() if match else ("", "")
            if path == "examples.json":
                if split in descriptions:
                    raise DataError(
                        f"{descriptions[split]} and {name} of {source.name} both describe "
                        f"nsynth-{split}; give each part once"
                    )
                descriptions[split] = name
            elif path.startswith("audio/") and path.endswith(".wav"):
                note = path.removeprefix("audio/").removesuffix(".wav")
                audio.setdefault(split, {})[note] = name
        self._check_parts(source, audio.keys() | descriptions.keys(), descriptions)
        recordings, skipped = [], []
        for split, description in descriptions.items():
            files = audio.get(split, {})
            for note, entry in self._entries(source, description).items():
                if entry is None:
                    continue
                path = f"nsynth-{split}/audio/{note}.wav"
                if note not in files:
                    skipped.append(Skipped(path, "no such file, though examples.json names it"))
                    continue
                family, instrument, *extra = entry
                recordings.append(
                    Recording(files[note], path, family, instrument, split, extra=tuple(extra))
                )
        own_splits = len(descriptions) > 1
        if not own_splits:
            recordings = [dataclasses.replace(r, split="train") for r in recordings]
            recordings = draw_splits(recordings, self.valid_percent, self.test_percent, self.seed)
        return Corpus(
            name=self.corpus,
            classes=self.families,
            recordings=tuple(recordings),
            own_splits=own_splits,
            ignored_files=source.other_files + len(source.names) - len(recordings),
            licence=licence_text(source, next(iter(descriptions.values())), LICENCE),
            extra_labels=("pitch", "velocity"),
            skipped=tuple(skipped),
        )

    def _check_parts(self, source: Source, present: set[str], descriptions: dict[str, str]) -> None:
        looked_for = "looked for nsynth-train/, nsynth-valid/ and nsynth-test/"
        if not present:
            raise DataError(f"{source.name} is not NSynth; {looked_for}, found {found(source)}")
        parts = [f"nsynth-{split}" for split in SPLITS if split in present]
        if absent := [part for part in parts if part.removeprefix("nsynth-") not in descriptions]:
            raise DataError(f"{source.name}: {listed(absent)} has no examples.json")
        if len(parts) > 1 and "train" not in present:
            raise DataError(
                f"{source.name} has no nsynth-train; {looked_for}, found {listed(parts)} "
                "(of one part alone, splits are drawn)"
            )

    def _entries(self, source: Source, description: str) -> dict[str, tuple[str, ...] | None]:
        """(family, instrument, pitch, velocity) of each note; None for those not asked for."""

        def slim(entry: dict[str, Any]) -> dict[str, Any] | tuple[str, ...] | None:
            if "instrument_family_str" not in entry:  # the whole of them
                return entry
            family, instrument = entry["instrument_family_str"], entry["instrument_str"]
            if (
                family not in self.families
                or entry["instrument_source_str"] not in self.instrument_sources
            ):
                return None
            values = (family, instrument, str(entry["pitch"]), str(entry["velocity"]))
            return tuple(map(sys.intern, values))

        where = f"{source.name}/{description}"
        try:
            # 289,205 dictionaries would take gigabytes, so each is slimmed as it is parsed.
            entries = json.loads(source.read_bytes(description), object_hook=slim)
        except KeyError as error:
            raise DataError(f"{where}: an entry lacks {error}") from error
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(f"{where} is damaged: {error}") from error
        if not isinstance(entries, dict):
            raise DataError(f"{where} must hold an object with an entry for each note")
        for note, entry in entries.items():
            if entry is not None and not isinstance(entry, tuple):
                raise DataError(f"{where}: {note} is no note of NSynth, which has a family")
        return entries

"""What a preparation can be asked for; no TensorFlow: a wrong value is told at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.notes import NotesReader
from gaae_tf.data.corpora.recording import Reader
from gaae_tf.data.terms import DataError
from gaae_tf.ops.settings import StftSettings

CORPORA = ("folder", "csv", "s09", "nsynth", "librispeech", "fsdd", "notes")


@dataclasses.dataclass(frozen=True)
class PrepareConfig:
    """What to prepare, and how.

    Attributes:
        out: the data set folder to make.
        reader: of the corpus, with its settings.
        sources: folders, archives or, for `TableReader`, the table; none for `NotesReader`.
        sample_rate_hz: of the clips, 1,000 to 192,000.
        clip_samples: length of the clips, a multiple of the hop.
        stft: the transform whose log-magnitude statistics are stored.
        dynamic_range_nepers: r, marked in the histogram's picture; above 0.
        min_level_dbfs: clips whose loudest 50 ms are below this RMS level are left out; None keeps
            all.
        max_bad_percent: more unusable recordings than this are an error.
        workers: threads that decode; 0 for one a core.
        overwrite: whether to replace a data set at `out`.

    Raises:
        DataError: a field is out of range.
    """

    out: Path
    reader: Reader = dataclasses.field(default_factory=FolderReader)
    sources: tuple[Path, ...] = ()
    sample_rate_hz: int = 16_000
    clip_samples: int = 16_384
    stft: StftSettings = dataclasses.field(default_factory=StftSettings)
    dynamic_range_nepers: float = 10.0
    min_level_dbfs: float | None = None
    max_bad_percent: float = 1.0
    workers: int = 0
    overwrite: bool = False

    def __post_init__(self):
        if isinstance(self.reader, NotesReader) == bool(self.sources):
            raise DataError(
                "corpus notes is embedded and takes no source"
                if self.sources
                else f"corpus {self.reader.corpus} needs a source: --source={self.reader.expects}"
            )
        if not 1_000 <= self.sample_rate_hz <= 192_000:
            raise DataError(
                f"sample_rate_hz must be from 1,000 to 192,000, not {self.sample_rate_hz}"
            )
        if self.clip_samples < 1 or self.clip_samples % self.stft.hop_samples:
            raise DataError(
                f"clip_samples must be a positive multiple of hop_samples "
                f"({self.stft.hop_samples}), not {self.clip_samples}"
            )
        if not 0.0 < self.dynamic_range_nepers < 100.0:
            raise DataError(
                f"dynamic_range_nepers must be in (0, 100), not {self.dynamic_range_nepers}"
            )
        if self.min_level_dbfs is not None and not -120.0 <= self.min_level_dbfs < 0.0:
            raise DataError(f"min_level_dbfs must be in [-120, 0), not {self.min_level_dbfs}")
        if not 0.0 <= self.max_bad_percent <= 100.0:
            raise DataError(f"max_bad_percent must be from 0 to 100, not {self.max_bad_percent}")
        if self.workers < 0:
            raise DataError(f"workers must be 0 (one a core) or more, not {self.workers}")

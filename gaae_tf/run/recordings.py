"""Codes and classes of recordings, by a trained run.

The result holds one row a clip, recording after recording:

    guided, style   codes z and z′, float32 [rows, …]; those of other systems by their names
    probabilities   of the classes, float32 [rows, classes]; where the system tells any
    classes         their names, in the order of `probabilities`; likewise
    sources         the recording of each row, relative to the folder
    start_s         where in it the clip starts, seconds
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from gaae_tf.data.audio import BadAudio, decode_mono
from gaae_tf.data.formats import EXTENSIONS, FOREIGN_EXTENSIONS
from gaae_tf.data.progress import Progress
from gaae_tf.files import written_whole
from gaae_tf.run.loaded.reading import LoadedEncoder
from gaae_tf.run.loaded.tables import Representation

_CLIPS_AT_ONCE = 256  # short recordings share the networks' batches


def represent_files(
    loaded: LoadedEncoder,
    source: str | Path,
    log: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Codes of an audio file, or of all those in a folder and below, in the order of their paths.

    Broken, empty, silent and non-finite files are skipped, named and counted.

    Args:
        loaded: the run.
        source: a file or a folder.
        log: receives what is told of recordings, and how many there were; None also hides the
            progress on stderr.

    Returns:
        The arrays of the module's description, by name.

    Raises:
        FileNotFoundError: `source` does not exist.
        ValueError: it holds no usable recording.
    """
    source = Path(source)
    paths = _recordings(source)
    meter = Progress(len(paths), "recordings", shown=log is not None)
    log = log or (lambda line: None)
    root = source if source.is_dir() else source.parent
    rows, skipped = _Rows(loaded), 0
    for path in paths:
        meter.step()
        try:
            audio, length = decode_mono(path, loaded.sample_rate_hz)
            clips = loaded.cut(audio[np.newaxis])
        except (BadAudio, OSError) as error:
            skipped += 1
            log(f"skipped {path}: {error}")
            continue
        if not length.is_told:
            log(f"{path} {length}")
        rows.add(path.relative_to(root).as_posix(), clips)
    meter.close()
    if skipped == len(paths):
        raise ValueError(f"source {source} holds no usable recording: all {skipped} were skipped")
    arrays = rows.arrays()
    log(
        f"{len(paths) - skipped:,} recordings, {len(rows.sources):,} clips; {skipped} files skipped"
    )
    return arrays


class _Rows:
    """The rows of the result, one a clip; clips wait until there are enough for a batch."""

    def __init__(self, loaded: LoadedEncoder):
        self.sources: list[str] = []
        self._loaded = loaded
        self._starts_s: list[np.ndarray] = []
        self._waiting: list[np.ndarray] = []  # clips [n, clip_samples]
        self._results: list[Representation] = []

    def add(self, source: str, clips: np.ndarray) -> None:
        """Takes the clips of a recording; encodes those that wait if there are enough."""
        seconds = self._loaded.clip_samples / self._loaded.sample_rate_hz
        self.sources += [source] * len(clips)
        self._starts_s.append(np.arange(len(clips)) * seconds)
        self._waiting.append(clips)
        if sum(map(len, self._waiting)) >= _CLIPS_AT_ONCE:
            self._encode()

    def arrays(self) -> dict[str, np.ndarray]:
        """All rows, as the module's description has them."""
        self._encode()
        results = self._results
        arrays = {
            name: np.concatenate([result.codes[name] for result in results])
            for name in results[0].codes
        }
        if self._loaded.can("classify"):
            arrays["probabilities"] = np.concatenate([result.probabilities for result in results])
            arrays["classes"] = np.array(self._loaded.classes)
        return arrays | {
            "sources": np.array(self.sources),
            "start_s": np.concatenate(self._starts_s),
        }

    def _encode(self):
        if self._waiting:
            self._results.append(self._loaded.represent(np.concatenate(self._waiting)))
            self._waiting.clear()


def _recordings(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise FileNotFoundError(f"source {source} does not exist")
    paths = sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in EXTENSIONS | FOREIGN_EXTENSIONS
        and path.is_file()
        and not path.name.startswith(".")
    )
    if not paths:
        raise ValueError(f"source {source} holds no audio file ({', '.join(sorted(EXTENSIONS))})")
    return paths


def write_codes(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes an .npz file whole or not at all."""
    with written_whole(path) as temporary:
        np.savez(temporary, **arrays)

"""Sounds to score: generated block by block, or read from a folder; memory stays flat.

Each block of generated sounds is a function of (weights, vocoder, seed, block) and is written
when it is done, so an interrupted evaluation goes on, and one of more sounds adds to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import soundfile

import gaae_tf
from gaae_tf.data.audio import BadAudio, decode_clip, to_int16
from gaae_tf.data.formats import EXTENSIONS
from gaae_tf.data.progress import Progress
from gaae_tf.evaluation.measures.quality import Scored
from gaae_tf.evaluation.scorers import Scorer
from gaae_tf.files import written_whole

BLOCK_SOUNDS = 250

# Decoding, PGHI, Griffin-Lim and scoring each leave cores idle at times, others of their kind in
# another block do not. Blocks are independent, so it changes no sound.
_BLOCKS_AT_ONCE = min(os.cpu_count() or 1, 4)

# What NumPy and zipfile raise where a byte of an archive is not what it was.
_DAMAGES = (
    zipfile.BadZipFile,
    EOFError,
    KeyError,
    MemoryError,  # of an array that claims more than any has
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Generator(Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it."""

    classes: tuple[str, ...]  # none of a system without classes
    sample_rate_hz: int
    clip_samples: int
    checkpoint: str
    step: int
    vocoder: str | None
    refine: int | None
    weights_id: str  # digest of the weights, so that sounds of others are not taken for theirs

    def generate(self, label: str, count: int, seed: int) -> np.ndarray:
        """Gives `count` sounds of a class, float32 [count, clip_samples].

        A system without classes takes no label.
        """


class Sounds(NamedTuple):
    """Sounds that were scored.

    Attributes:
        scored: what the scorer says of them.
        first: gives the first so many, int16 [n, clip_samples].
        source: what to say of where they come from.
    """

    scored: Scored
    first: Callable[[int], np.ndarray]
    source: dict[str, Any]


def generated(
    run: Generator,
    scorer: Scorer,
    count: int,
    seed: int,
    folder: Path,
    progress: bool = True,
    log: Callable[[str], None] = print,
) -> Sounds:
    """Generates sounds of all classes alike, or of none, and scores them.

    At most four blocks of sounds are held at a time; of those done, logits, features and labels
    alone, about 1 KB a sound.

    Args:
        run: what generates.
        scorer: what scores.
        count: sounds, over all classes.
        seed: of the sounds.
        folder: where finished blocks are kept: scores, and sounds in 16 bits.
        progress: whether to show progress on stderr.
        log: receives a line for each damaged block, which is made anew.

    Returns:
        The sounds. Their source tells the vocoder, its refinement, and how many of them were made
        now, the others being kept from before.

    Raises:
        ValueError: the sounds are not finite or of another length.
    """
    folder = folder / _identity(run, scorer, seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"block-{index:05d}.npz" for index in range(-(-count // BLOCK_SOUNDS))]
    finished = {path for path in paths if path.exists() and _is_whole(path, log)}
    done = len(finished) * BLOCK_SOUNDS
    meter = Progress(len(paths) * BLOCK_SOUNDS, "sounds", progress, done=done)
    stopped = threading.Event()
    with ThreadPoolExecutor(_BLOCKS_AT_ONCE) as pool:
        blocks = [
            pool.submit(_make_block, path, run, scorer, seed, index, stopped)
            for index, path in enumerate(paths)
            if path not in finished
        ]
        try:
            for block in as_completed(blocks):
                block.result()  # raises what it raised
                meter.step(BLOCK_SOUNDS)
        finally:
            stopped.set()  # who interrupts this waits for one class's sounds, not for whole blocks
    meter.close()
    joined = _joined(paths, "logits", "features", "labels")
    made = len(paths) * BLOCK_SOUNDS - done
    return Sounds(
        Scored("generated", **{name: values[:count] for name, values in joined.items()}),
        lambda wanted: _joined(paths[: -(-wanted // BLOCK_SOUNDS)], "audio")["audio"][:wanted],
        {"vocoder": run.vocoder, "refine": run.refine, "generated_now": made},
    )


def _identity(run: Generator, scorer: Scorer, seed: int) -> str:
    """A digest of all that a block of sounds and its scores depend on."""
    identity = {
        "weights": run.weights_id,
        "vocoder": [run.vocoder, run.refine],
        "seed": seed,
        "block_sounds": BLOCK_SOUNDS,
        "scorer": scorer.identity,
        "version": gaae_tf.__version__,
    }
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _joined(paths: Sequence[Path], *names: str) -> dict[str, np.ndarray]:
    """Arrays of all blocks by name; one block is open at a time."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for path in paths:
        with np.load(path) as block:
            for name, values in parts.items():
                values.append(block[name])
    return {name: np.concatenate(values) for name, values in parts.items()}


def _block(
    run: Generator, seed: int, index: int, stopped: threading.Event
) -> tuple[np.ndarray, np.ndarray]:
    """Sounds int16 [BLOCK_SOUNDS, clip_samples] with classes in turn, and their labels.

    Without classes, all labels are -1.
    """
    if not run.classes:
        sounds = _made(run, (), BLOCK_SOUNDS, [seed, index], stopped)
        return sounds, np.full([BLOCK_SOUNDS], -1)
    labels = np.arange(index * BLOCK_SOUNDS, (index + 1) * BLOCK_SOUNDS) % len(run.classes)
    audio = np.empty([BLOCK_SOUNDS, run.clip_samples], np.int16)
    for label, name in enumerate(run.classes):
        chosen = labels == label
        if chosen.any():
            # A seed for each class, lest all share their style codes and samples depend.
            audio[chosen] = _made(run, (name,), int(chosen.sum()), [seed, index, label], stopped)
    return audio, labels


def _made(
    run: Generator,
    label: tuple[str, ...],
    count: int,
    words: list[int],
    stopped: threading.Event,
) -> np.ndarray:
    """Sounds of a class, or of none, int16 [count, clip_samples], whose seed is of `words`.

    Raises:
        CancelledError: all is stopped.
    """
    if stopped.is_set():
        raise CancelledError
    word = np.random.SeedSequence(words).generate_state(1)[0]
    sounds = np.asarray(run.generate(*label, count, int(word >> 1)))
    if sounds.shape != (count, run.clip_samples) or not np.isfinite(sounds).all():
        raise ValueError(
            f"the run's sounds{''.join(f' of class {name}' for name in label)} must be finite and "
            f"of shape {(count, run.clip_samples)}; received shape {sounds.shape}, "
            f"{int(np.sum(~np.isfinite(sounds)))} values not finite"
        )
    return to_int16(sounds)


def _is_whole(path: Path, log: Callable[[str], None]) -> bool:
    """Whether a kept block can be read to its end, where checksums are told."""
    # Opened here, for NumPy leaves a file open that is no archive.
    with path.open("rb") as file:
        try:
            with np.load(file) as block:
                for name in ("audio", "labels", "logits", "features"):
                    if len(block[name]) != BLOCK_SOUNDS:
                        raise ValueError(f"{name} of {len(block[name])} sounds")
        except _DAMAGES as error:
            log(f"{path} is damaged ({error!r}); its sounds are made anew")
            return False
    return True


def _make_block(
    path: Path,
    run: Generator,
    scorer: Scorer,
    seed: int,
    index: int,
    stopped: threading.Event,
) -> None:
    """Generates, scores and writes a block, unless all is stopped meanwhile."""
    audio, labels = _block(run, seed, index, stopped)
    logits, features = scorer.score(audio, sample_rate_hz=scorer.sample_rate_hz)
    with written_whole(path) as temporary:
        np.savez(temporary, audio=audio, labels=labels, logits=logits, features=features)


def from_folder(
    folder: Path, scorer: Scorer, max_bad_percent: float = 1.0, progress: bool = True
) -> Sounds:
    """Reads and scores all sound files below a folder.

    They are mixed to mono, resampled, cut or padded as training clips are. A file in a folder of a
    class's name is a sample of that class; others have no label.

    Args:
        folder: any depth of folders.
        scorer: what scores.
        max_bad_percent: more files that cannot be used than this are an error.
        progress: whether to show progress on stderr.

    Returns:
        The sounds. Their source tells the files, which were skipped and why, and how many were
        resampled.

    Raises:
        ValueError: no such folder, no sound in it, or too many files that cannot be used.
    """
    source = _Folder(folder, scorer)
    meter = Progress(len(source.files), "files", progress)
    try:
        logits, features = scorer.score(
            source.batches(source.files, meter), sample_rate_hz=scorer.sample_rate_hz
        )
    except ValueError:
        if len(source.skipped) < len(source.files):
            raise
        raise ValueError(
            f"--samples={folder}: no file can be used; {_listed(source.skipped)}"
        ) from None
    meter.close()
    if len(source.skipped) > len(source.files) * max_bad_percent / 100:
        raise ValueError(
            f"--samples={folder}: {len(source.skipped)} of {len(source.files)} files cannot be "
            f"used, more than {max_bad_percent:g} %: {_listed(source.skipped)}"
        )
    labels = np.array([source.labels[path] for path in source.usable])
    return Sounds(
        Scored("samples", logits, features, labels),
        lambda wanted: np.concatenate(list(source.batches(source.usable[:wanted]))),
        {
            "folder": str(folder),
            "files": len(source.files),
            "skipped": source.skipped,
            "resampled": source.resampled,
        },
    )


class _Folder:
    """Sound files below a folder, and what was found of them when they were read.

    Attributes:
        files: in an order that does not go class by class, so that the first are of all classes.
        skipped: names of files that cannot be used, and why.
        labels: of those that were read with a meter, by path.
        resampled: how many of these had another rate.
    """

    def __init__(self, folder: Path, scorer: Scorer) -> None:
        if not folder.is_dir():
            raise ValueError(f"--samples={folder} is no folder; give one of sound files")
        files = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
        )
        if not files:
            raise ValueError(
                f"--samples={folder} has no sound file; looked for {', '.join(sorted(EXTENSIONS))}"
            )
        self.files = [files[i] for i in np.random.default_rng(0).permutation(len(files))]
        self.skipped: dict[str, str] = {}
        self.labels: dict[Path, int] = {}
        self.resampled = 0
        self._folder, self._scorer = folder, scorer

    @property
    def usable(self) -> list[Path]:
        """Files that were read and not skipped."""
        return [path for path in self.files if path in self.labels]

    def batches(self, paths: Sequence[Path], meter: Progress | None = None) -> Iterator[np.ndarray]:
        """Sounds int16 [up to BLOCK_SOUNDS, clip_samples]; with a meter, labels are kept."""
        scorer, waiting = self._scorer, []
        for path in paths:
            try:
                clip = decode_clip(path, scorer.sample_rate_hz, scorer.clip_samples)
            except BadAudio as error:
                self.skipped[path.relative_to(self._folder).as_posix()] = str(error)
                continue
            waiting.append(to_int16(clip))
            if meter is not None:
                self.labels[path] = _label(path.relative_to(self._folder), scorer.classes)
                rate_hz = soundfile.info(os.fsencode(path)).samplerate
                self.resampled += rate_hz != scorer.sample_rate_hz
                meter.step()
            if len(waiting) == BLOCK_SOUNDS:
                yield np.stack(waiting)
                waiting = []
        if waiting:
            yield np.stack(waiting)


def _label(path: Path, classes: Sequence[str]) -> int:
    found = [classes.index(part) for part in path.parts[:-1] if part in classes]
    return found[-1] if found else -1


def _listed(skipped: dict[str, str], most: int = 5) -> str:
    listed = [f"{name}: {reason}" for name, reason in list(skipped.items())[:most]]
    return "; ".join(listed) + (f"; and {len(skipped) - most} more" if len(skipped) > most else "")

"""Sounds of a trained run as WAV files."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from gaae_tf.data.audio import to_int16
from gaae_tf.files import safe_name, written_whole
from gaae_tf.run.loaded.sampling import LoadedClassGenerator, LoadedGenerator

_SOUNDS_AT_ONCE = 64  # written before the next are made


def write_samples(
    loaded: LoadedClassGenerator | LoadedGenerator,
    out_dir: str | Path,
    count: int,
    label: str | int | None = None,
    seed: int = 0,
    log: Callable[[str], None] | None = None,
) -> list[Path]:
    """Generates sounds and writes each as a 16-bit WAV file at the run's rate.

    Args:
        loaded: the run.
        out_dir: folder for the files `<class>_seed<seed>_<number>.wav`, "sound" for a class where
            there are none; made if absent. What a file's name cannot hold is replaced.
        count: sounds in all.
        label: their class, by name or index; None for all classes in turn.
        seed: sound i depends on (its class, seed, i) alone.
        log: receives each file's path as it is written, and how many sounds were clipped.

    Returns:
        The files, in order.

    Raises:
        ValueError: there is no such class, or none at all, or `count` or `seed` is out of range.
        OSError: a file cannot be written.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    classes = _classes(loaded, label)
    names = [classes[i % len(classes)] for i in range(count)]
    out_dir = Path(out_dir)
    paths, loud = [], {}
    for start in range(0, count, _SOUNDS_AT_ONCE):
        part = names[start : start + _SOUNDS_AT_ONCE]
        if loaded.can("choose_class"):
            sounds = loaded.generate_each(part, seed, first=start)
        else:
            sounds = loaded.generate_from(start, len(part), seed)
        out_dir.mkdir(parents=True, exist_ok=True)
        for i, (name, sound) in enumerate(zip(part, sounds, strict=True), start):
            paths.append(out_dir / f"{safe_name(name)}_seed{seed}_{i:03d}.wav")
            write_wav(paths[-1], sound, loaded.sample_rate_hz)
            if (peak := float(np.abs(sound).max())) > 1.0:
                loud[paths[-1].name] = peak
            if log:
                log(str(paths[-1]))
    if loud and log:
        loudest = max(loud, key=loud.__getitem__)
        log(
            f"note: {len(loud)} of {count} sounds go beyond full scale and were clipped there; "
            f"{loudest} has a peak of {loud[loudest]:.2f}, full scale is 1"
        )
    return paths


def _classes(loaded, label):
    """Names of the classes that sounds are made of in turn."""
    if loaded.can("choose_class"):
        return loaded.classes if label is None else [loaded.classes[loaded.label_index(label)]]
    if label is not None:
        raise ValueError(
            f"the run holds a {loaded.config.model}, which has no classes: it takes no label, got "
            f"{label!r}"
        )
    return ["sound"]


def write_wav(path: Path, audio, sample_rate_hz: int) -> None:
    """Writes audio [samples] in [-1, 1] as 16-bit WAV, whole or not at all; beyond is clipped."""
    wav = io.BytesIO()  # libsndfile would not tell a full disk
    soundfile.write(wav, to_int16(audio), sample_rate_hz, format="WAV", subtype="PCM_16")
    with written_whole(path) as temporary:
        temporary.write_bytes(wav.getvalue())

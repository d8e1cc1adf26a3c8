"""Renders the embedded data set `notes` from a General MIDI sound font.

    pip install --no-deps tinysoundfont==0.3.7
    apt install fluidr3mono-gm-soundfont
    python scripts/render_notes.py

Plays guitars, strings and mallet instruments note by note, the way NSynth was made: one held note
a file, over the pitches that an instrument really has and three velocities. Keeps the first 1.024 s
as 16 kHz mono Ogg Vorbis under gaae_tf/data/notes, sorted into train, valid and test such that no
(program, pitch) pair is in two of them, with SHA256SUMS. The same sound font and the same versions
of soundfile, soxr and tinysoundfont give the same files, byte for byte.
"""

import argparse
import hashlib
import io
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
import tinysoundfont

SOUND_FONT = Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3")
SOUND_FONT_SHA256 = "cda013d8c370a48ae8dad271e761078d2e77455488dabdedbfbe5fc76a38c682"
OUT = Path(__file__).resolve().parent.parent / "gaae_tf/data/notes"

SAMPLE_RATE_HZ = 16_000
CLIP_SAMPLES = 16_384
# The synthesiser interpolates linearly and so aliases; at three times the rate that stays small.
RENDER_RATE_HZ = 48_000
VELOCITIES = (50, 85, 120)
PEAK = 0.8  # of a program's loudest note; Vorbis may overshoot by some per cent
VORBIS_QUALITY = 0.3  # libvorbis -q3, about 6 KB a note of which 3.5 KB are headers
VALID_SHARE, TEST_SHARE = 0.08, 0.12


class Program(NamedTuple):
    """A General MIDI program (counted from 0), its natural range and how many pitches to take."""

    label: str
    name: str
    number: int
    lowest: int
    highest: int
    pitches: int


# 160 pitches a class. Nothing above MIDI 103 (3,136 Hz): at 8 kHz its fundamental would be lost.
PROGRAMS = (
    Program("guitar", "nylon_guitar", 24, 40, 83, 32),
    Program("guitar", "steel_guitar", 25, 40, 84, 32),
    Program("guitar", "jazz_guitar", 26, 40, 86, 32),
    Program("guitar", "clean_guitar", 27, 40, 86, 32),
    Program("guitar", "muted_guitar", 28, 40, 84, 32),
    Program("string", "violin", 40, 55, 100, 27),
    Program("string", "viola", 41, 48, 88, 27),
    Program("string", "cello", 42, 36, 76, 27),
    Program("string", "contrabass", 43, 28, 60, 25),
    Program("string", "tremolo_strings", 44, 36, 96, 27),
    Program("string", "string_ensemble", 48, 36, 96, 27),
    Program("mallet", "celesta", 8, 60, 103, 27),
    Program("mallet", "glockenspiel", 9, 79, 103, 25),
    Program("mallet", "music_box", 10, 60, 96, 27),
    Program("mallet", "vibraphone", 11, 53, 89, 27),
    Program("mallet", "marimba", 12, 45, 96, 27),
    Program("mallet", "xylophone", 13, 65, 103, 27),
)


def main() -> None:
    """Renders, checks and writes all notes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sound_font", type=Path, default=SOUND_FONT)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    checksum = hashlib.sha256(arguments.sound_font.read_bytes()).hexdigest()
    if checksum != SOUND_FONT_SHA256:
        raise SystemExit(
            f"--sound_font={arguments.sound_font}: SHA-256 is {checksum}, not {SOUND_FONT_SHA256}"
        )

    synth = tinysoundfont.Synth(samplerate=RENDER_RATE_HZ)
    font = synth.sfload(str(arguments.sound_font))
    for split in ("train", "valid", "test"):
        shutil.rmtree(arguments.out / split, ignore_errors=True)
    sums, size = [], 0
    for program in PROGRAMS:
        synth.program_select(0, font, 0, program.number)
        for name, data in render_program(synth, program):
            path = arguments.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
            size += len(data)
    sums.sort(key=lambda line: line.split("  ")[1])
    (arguments.out / "SHA256SUMS").write_text("".join(sums))
    print(f"{len(sums):,} notes, {size / 1e6:.2f} MB in {arguments.out}")


def render_program(synth: tinysoundfont.Synth, program: Program) -> Iterator[tuple[str, bytes]]:
    """All notes of a program: (file name below the data set's folder, Ogg Vorbis file).

    One gain a program, so that its notes keep their loudness relative to each other.
    """
    pitches = np.linspace(program.lowest, program.highest, program.pitches).round().astype(int)
    splits = split_pitches(program, pitches.tolist())
    notes = {(p, v): render_note(synth, p, v) for p in splits for v in VELOCITIES}
    gain = PEAK / max(np.abs(note).max() for note in notes.values())
    for (pitch, velocity), note in notes.items():
        name = f"{program.label}/{program.name}_p{pitch:03d}_v{velocity:03d}.ogg"
        data = encode(gain * note, serial=program.number << 16 | pitch << 8 | velocity)
        check(name, gain * note, soundfile.read(io.BytesIO(data), dtype="float32")[0])
        yield f"{splits[pitch]}/{name}", data


def split_pitches(program: Program, pitches: list[int]) -> dict[int, str]:
    """The split of each pitch, drawn by the order of a hash."""
    drawn = sorted(pitches, key=lambda p: hashlib.sha256(f"{program.number} {p}".encode()).digest())
    test = round(TEST_SHARE * len(drawn))
    valid = round(VALID_SHARE * len(drawn))
    names = ["test"] * test + ["valid"] * valid + ["train"] * (len(drawn) - test - valid)
    return dict(sorted(zip(drawn, names, strict=True)))


def render_note(synth: tinysoundfont.Synth, pitch: int, velocity: int) -> np.ndarray:
    """The first CLIP_SAMPLES of a held note, float32, at the sound font's own level."""
    synth.sounds_off()
    synth.generate_simple(RENDER_RATE_HZ // 10)  # lets the voice before fade to its end
    synth.noteon(0, pitch, velocity)
    seconds = CLIP_SAMPLES / SAMPLE_RATE_HZ + 0.1  # spare for the resampler's filter
    stereo = np.frombuffer(synth.generate_simple(int(seconds * RENDER_RATE_HZ)), np.float32)
    mono = stereo.reshape(-1, 2).mean(axis=1)
    return soxr.resample(mono, RENDER_RATE_HZ, SAMPLE_RATE_HZ, quality="VHQ")[:CLIP_SAMPLES]


def encode(note: np.ndarray, serial: int) -> bytes:
    """Ogg Vorbis file of a note; libsndfile draws the stream's serial at random, this sets it."""
    file = io.BytesIO()
    soundfile.write(
        file, note, SAMPLE_RATE_HZ, "VORBIS", format="OGG", compression_level=1 - VORBIS_QUALITY
    )
    return with_serial(file.getvalue(), serial)


def with_serial(ogg: bytes, serial: int) -> bytes:
    """The same Ogg stream under another serial number (RFC 3533, section 6)."""
    data, start = bytearray(ogg), 0
    while start < len(data):
        segments = data[start + 26]
        end = start + 27 + segments + sum(data[start + 27 : start + 27 + segments])
        struct.pack_into("<I", data, start + 14, serial)
        struct.pack_into("<I", data, start + 22, 0)  # the checksum counts as zero in itself
        struct.pack_into("<I", data, start + 22, ogg_crc(data[start:end]))
        start = end
    return bytes(data)


def ogg_crc(page: bytes) -> int:
    """Checksum of an Ogg page whose checksum field is zero: CRC-32, 0x04c11db7, not reflected."""
    crc = 0
    for byte in page:
        crc = (crc << 8 & 0xFFFFFFFF) ^ OGG_CRC_TABLE[crc >> 24 ^ byte]
    return crc


def _ogg_crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x104C11DB7 if crc & 0x80000000 else 0)
        table.append(crc)
    return table


OGG_CRC_TABLE = _ogg_crc_table()


def check(name: str, note: np.ndarray, decoded: np.ndarray) -> None:
    """Raises SystemExit unless the decoded note is whole, audible, unclipped and starts cleanly."""
    if decoded.shape != (CLIP_SAMPLES,) or not np.isfinite(decoded).all():
        raise SystemExit(f"{name}: {decoded.shape} samples, or some of them not finite")
    magnitude = np.abs(decoded)
    peak = magnitude.max()
    if not 0.005 < peak < 0.99:
        raise SystemExit(f"{name}: peak is {peak:.4f}, want 0.005 to 0.99 (audible, unclipped)")
    onset_s = np.argmax(magnitude > 0.1 * peak) / SAMPLE_RATE_HZ
    if onset_s > 0.1 or magnitude[0] > 0.25 * peak:
        raise SystemExit(
            f"{name}: a tenth of the peak is reached after {onset_s * 1e3:.0f} ms (want at most "
            f"100), first sample at {magnitude[0] / peak:.2f} of the peak (want at most 0.25)"
        )
    coding_error_db = 10 * np.log10(np.mean((decoded - note) ** 2) / np.mean(note**2))
    if coding_error_db > -10:
        raise SystemExit(f"{name}: coding error is {coding_error_db:.1f} dB, want at most -10")


if __name__ == "__main__":
    main()

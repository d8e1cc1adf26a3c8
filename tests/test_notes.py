"""The embedded notes, read file by file with soundfile."""

import re
from collections import Counter

import numpy as np
import pytest
import soundfile

from gaae_tf.data.corpora.notes import NOTES, NotesReader

NAME = re.compile(r"(train|valid|test)/(guitar|mallet|string)/([a-z_]+)_p(\d{3})_v(\d{3})\.ogg")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    with NotesReader().open([], tmp_path_factory.mktemp("scratch")) as source:
        return NotesReader().read(source).recordings


def parts(recording):
    """(split, class, program, pitch, velocity)."""
    split, label, program, pitch, velocity = NAME.fullmatch(recording.source).groups()
    return split, label, program, int(pitch), int(velocity)


def test_there_are_at_least_a_thousand_notes_balanced_over_classes_in_under_ten_megabytes(
    recordings,
):
    assert Counter(r.label for r in recordings) == {"guitar": 480, "mallet": 480, "string": 480}
    assert Counter(r.split for r in recordings) == {"train": 1155, "valid": 117, "test": 168}
    assert sum(path.stat().st_size for path in NOTES.rglob("*") if path.is_file()) < 9.5e6


def test_no_pitch_of_a_program_is_in_two_splits(recordings):
    pairs = {split: set() for split in ("train", "valid", "test")}
    for recording in recordings:
        split, _, program, pitch, _ = parts(recording)
        assert split == recording.split
        pairs[split].add((program, pitch))
    assert not pairs["train"] & pairs["valid"]
    assert not pairs["train"] & pairs["test"]
    assert not pairs["valid"] & pairs["test"]
    every_program = {program for program, _ in pairs["train"]}
    assert {program for program, _ in pairs["test"]} == every_program
    assert len(every_program) == 17


def test_every_note_is_whole_audible_unclipped_and_starts_at_once(recordings):
    for recording in recordings:
        audio, rate_hz = soundfile.read(NOTES / recording.file)
        magnitude = np.abs(audio)
        assert (rate_hz, audio.shape) == (16_000, (16_384,)), recording.source
        assert 0.01 < magnitude.max() < 0.99, recording.source
        assert np.argmax(magnitude > 0.1 * magnitude.max()) < 0.1 * rate_hz, recording.source


def test_harder_played_notes_are_louder(recordings):
    loudness = {}
    for recording in recordings:
        _, _, program, pitch, velocity = parts(recording)
        audio, _ = soundfile.read(NOTES / recording.file)
        loudness[program, pitch, velocity] = np.sqrt(np.mean(audio**2))
    for program, pitch, velocity in loudness:
        if velocity > 50:
            softer = {85: 50, 120: 85}[velocity]
            assert loudness[program, pitch, velocity] > 1.2 * loudness[program, pitch, softer]


@pytest.mark.parametrize("program", ["nylon_guitar", "viola", "celesta"])
def test_notes_have_the_pitch_of_their_name(recordings, program):
    for recording in recordings:
        _, _, name, pitch, velocity = parts(recording)
        if name != program or velocity != 85:
            continue
        audio, _ = soundfile.read(NOTES / recording.file)
        spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 4 * len(audio)))
        frequency_hz = 440.0 * 2 ** ((pitch - 69) / 12)  # equal temperament, A4 = MIDI 69
        semitone = 2 ** (1 / 12)
        bins_a_hz = 4 * len(audio) / 16_000
        first = round(frequency_hz / semitone * bins_a_hz)
        last = round(frequency_hz * semitone * bins_a_hz)
        peak_hz = (first + np.argmax(spectrum[first : last + 1])) / bins_a_hz
        # Within half a semitone, as vibrato goes; and the partial is there, not only its skirts.
        assert semitone**-0.5 < peak_hz / frequency_hz < semitone**0.5, recording.source
        assert spectrum[first : last + 1].max() > 0.02 * spectrum.max(), recording.source

"""NSynth as its publisher lays it out; the sounds hold nothing, as they are not looked at."""

import json
import shutil
from collections import Counter

import pytest

from gaae_tf.data.corpora.nsynth import NSynthReader
from gaae_tf.data.terms import DataError, Skipped

INSTRUMENTS = (
    *("guitar_acoustic_010", "string_acoustic_012", "mallet_acoustic_062"),
    *("guitar_electronic_022", "synth_lead_synthetic_011"),
)


def entry(instrument, pitch, velocity):
    family, source, _ = instrument.rsplit("_", 2)
    return {
        "note": 201034,
        "sample_rate": 16000,
        "instrument_family": 3,
        "pitch": pitch,
        "note_str": f"{instrument}-{pitch:03}-{velocity:03}",
        "instrument_source": 0,
        "velocity": velocity,
        "instrument_str": instrument,
        "instrument": 417,
        "instrument_source_str": source,
        "qualities": [0, 1],
        "qualities_str": ["dark"],
        "instrument_family_str": family,
    }


def part(folder, pitches):
    """A part with each instrument at these pitches."""
    entries = [entry(instrument, pitch, 75) for instrument in INSTRUMENTS for pitch in pitches]
    (folder / "audio").mkdir(parents=True)
    for note in entries:
        (folder / f"audio/{note['note_str']}.wav").touch()
    text = json.dumps({note["note_str"]: note for note in entries})
    (folder / "examples.json").write_text(text)
    return folder


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "nsynth"
    for name, pitches in (("train", [60, 61, 62]), ("valid", [63]), ("test", [64])):
        part(folder / f"nsynth-{name}", pitches)
    return folder


def read(*paths, **settings):
    reader = NSynthReader(**settings)
    with reader.open(paths, paths[0].parent / "scratch") as source:
        return reader.read(source)


def facts(corpus):
    return [(r.source, r.label, r.speaker, r.split, r.extra) for r in corpus.recordings]


def test_notes_have_the_parts_splits_and_what_examples_json_says(folder):
    corpus = read(folder)
    assert (corpus.classes, corpus.own_splits) == (("guitar", "string", "mallet"), True)
    assert corpus.extra_labels == ("pitch", "velocity")
    assert Counter((r.label, r.split) for r in corpus.recordings) == {
        (family, split): count
        for family in ("guitar", "string", "mallet")
        for split, count in (("train", 3), ("valid", 1), ("test", 1))
    }
    assert facts(corpus)[0] == (
        *("nsynth-train/audio/guitar_acoustic_010-060-075.wav", "guitar"),
        *("guitar_acoustic_010", "train", ("60", "75")),
    )
    assert corpus.ignored_files == 2 * 5 + 3  # other notes and examples.json
    assert "CC BY 4.0" in corpus.licence


def test_families_and_sources_are_chosen_in_the_order_of_labels(folder):
    corpus = read(
        folder, families=("synth_lead", "guitar"), instrument_sources=("electronic", "synthetic")
    )
    assert corpus.classes == ("synth_lead", "guitar")
    assert {r.speaker for r in corpus.recordings} == {
        *("guitar_electronic_022", "synth_lead_synthetic_011"),
    }


def test_archives_of_the_parts_give_what_their_folder_gives(folder):
    archives = [
        folder.parent
        / shutil.make_archive(str(folder.parent / f"{name}.jsonwav"), "gztar", folder, name)
        for name in ("nsynth-train", "nsynth-valid", "nsynth-test")
    ]
    together = shutil.make_archive(str(folder.parent / "all"), "zip", folder.parent, "nsynth")
    expected = read(folder)
    for paths in (archives, [folder.parent / together], sorted(folder.iterdir())):
        assert facts(read(*paths)) == facts(expected)
        assert read(*paths).ignored_files == expected.ignored_files


def test_splits_are_drawn_from_one_part_alone(folder):
    part(folder.parent / "nsynth-test", range(40, 60))
    drawn = read(folder.parent / "nsynth-test", valid_percent=20.0, test_percent=10.0)
    assert not drawn.own_splits
    assert Counter((r.label, r.split) for r in drawn.recordings) == {
        (family, split): count
        for family in ("guitar", "string", "mallet")
        for split, count in (("train", 14), ("valid", 4), ("test", 2))
    }
    assert all(r.source.startswith("nsynth-test/audio/") for r in drawn.recordings)


def test_notes_without_sound_are_skipped_and_sounds_without_entry_ignored(folder):
    ignored = read(folder).ignored_files
    audio = folder / "nsynth-train/audio"
    (audio / "guitar_acoustic_010-060-075.wav").rename(audio / "guitar_acoustic_099-060-075.wav")
    corpus = read(folder)
    source = "nsynth-train/audio/guitar_acoustic_010-060-075.wav"
    assert corpus.skipped == (Skipped(source, "no such file, though examples.json names it"),)
    assert corpus.ignored_files == ignored + 1
    assert len(corpus.recordings) == 14


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"families": ("guitar", "drums")},
            "families must be .* synth_lead, vocal, not guitar, drums",
        ),
        ({"families": ()}, "families must be .*, not none"),
        ({"families": ("bass", "bass")}, "families must be different .* not bass, bass"),
        ({"instrument_sources": ("real",)}, "instrument_sources must be .* acoustic, .* not real"),
    ],
)
def test_wrong_settings_name_the_flag(settings, message):
    with pytest.raises(DataError, match=message):
        NSynthReader(**settings)


def test_missing_parts_are_named(folder):
    shutil.rmtree(folder / "nsynth-train")
    with pytest.raises(DataError, match=r"no nsynth-train; .* found nsynth-valid, nsynth-test"):
        read(folder)
    (folder / "nsynth-valid/examples.json").unlink()
    with pytest.raises(DataError, match=r"nsynth-valid has no examples\.json"):
        read(folder)
    with pytest.raises(DataError, match=r"not NSynth; looked for nsynth-train/, .* found audio/"):
        read((folder / "nsynth-test").rename(folder.parent / "other"))


def test_a_family_without_training_notes_is_named(folder):
    for path in (folder / "nsynth-train/audio").glob("string*"):
        path.unlink()
    with pytest.raises(
        DataError, match="no training recording of string; skipped were nsynth-train"
    ):
        read(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "nsynth-train/examples.json is damaged"),
        ("[]", "must hold an object"),
        ('{"a": 1}', "a is no note of NSynth"),
        ('{"a": {"instrument_family_str": "guitar"}}', "an entry lacks 'instrument_str'"),
    ],
)
def test_a_damaged_description_is_named(folder, text, message):
    (folder / "nsynth-train/examples.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read(folder)

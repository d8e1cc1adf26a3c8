import dataclasses
import itertools
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from absl import flags

from gaae_tf.commands import prepare
from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.fsdd import FsddReader
from gaae_tf.data.corpora.librispeech import LibriSpeechReader
from gaae_tf.data.corpora.notes import NotesReader
from gaae_tf.data.corpora.nsynth import NSynthReader
from gaae_tf.data.corpora.speech_commands import SpeechCommandsReader
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.guidance import GuidanceRule, check_same_clips
from gaae_tf.data.shards import Clips, load_dataset
from gaae_tf.data.terms import DataError

CLASSES = ("dog", "cat", "fox")
LABELS = np.repeat([0, 1, -1, 2], [200, 100, 50, 40])


def clips_of(labels, speakers=None):
    labels = np.asarray(labels, np.int32)
    names = tuple(speakers or [""] * len(labels))
    sources = tuple(f"{i}.wav" for i in range(len(labels)))
    return Clips(np.zeros((len(labels), 4), np.int16), labels, names, sources)


def drawn(seed=0, labels=LABELS, speakers=None, classes=CLASSES, **rule):
    return GuidanceRule(**rule).draw(clips_of(labels, speakers), classes, seed)


def assert_nested(sets):
    for smaller, larger in itertools.pairwise(sets):
        assert smaller < larger


def spoken():
    """Clips of 3 classes by 12 speakers: all speak dog and cat, 4 of them fox; some unlabelled."""
    rows = [(label, f"s{number}") for label in (0, 1) for number in range(12) for _ in range(3)]
    rows += [(2, f"s{number}") for number in (1, 4, 7, 11) for _ in range(2)]
    rows += [(-1, "s1"), (2, "")]
    rows = [rows[i] for i in np.random.default_rng(5).permutation(len(rows))]
    labels, speakers = zip(*rows, strict=True)
    return {"labels": np.array(labels), "speakers": speakers}


def test_each_class_gives_its_share():
    assert np.bincount(LABELS[drawn(percent=5.0).indices]).tolist() == [10, 5, 2]


def test_a_share_is_rounded_to_the_nearest_clip():
    # 1.4 % of 200, 100 and 40 clips are 2.8, 1.4 and 0.56.
    assert np.bincount(LABELS[drawn(percent=1.4).indices]).tolist() == [3, 1, 1]


def test_all_labelled_clips_and_no_other_are_chosen_at_100_percent():
    assert np.array_equal(drawn(percent=100.0).indices, np.flatnonzero(LABELS >= 0))


def test_the_draw_of_a_percentage_stays_what_it_was():
    # Runs are continued with the clips that they began with.
    assert drawn(3, percent=5.0).indices.tolist() == [
        *(6, 81, 84, 99, 117, 119, 128, 135, 142, 190),
        *(207, 230, 231, 275, 281),
        *(351, 372),
    ]


@pytest.mark.parametrize("seed", [0, 7])
def test_a_larger_percentage_contains_all_smaller_ones(seed):
    assert_nested([set(drawn(seed, percent=p).indices.tolist()) for p in (2, *range(3, 101))])


def test_more_clips_a_class_contain_fewer():
    chosen = [drawn(3, clips_per_class=n).indices for n in range(1, 41)]
    assert_nested([set(indices.tolist()) for indices in chosen])
    for number, indices in enumerate(chosen, 1):
        assert np.bincount(LABELS[indices]).tolist() == [number] * 3


def test_clips_a_class_overrule_the_percentage():
    chosen = drawn(percent=50.0, clips_per_class=4).indices
    assert np.bincount(LABELS[chosen]).tolist() == [4, 4, 4]


@pytest.mark.parametrize("rule", [{"percent": 5.0}, {"clips_per_class": 3}])
def test_equal_seeds_choose_alike_and_others_do_not(rule):
    assert np.array_equal(drawn(1, **rule).indices, drawn(1, **rule).indices)
    assert not np.array_equal(drawn(1, **rule).indices, drawn(2, **rule).indices)


def test_all_labelled_clips_of_the_drawn_speakers_guide_class_by_class():
    material = spoken()
    chosen = drawn(speakers_per_class=2, **material)
    expected = [
        i
        for i, (label, speaker) in enumerate(zip(*material.values(), strict=True))
        if label >= 0 and speaker in chosen.speakers[CLASSES[label]]
    ]
    assert chosen.indices.tolist() == expected
    assert np.bincount(material["labels"][chosen.indices]).tolist() == [6, 6, 4]
    assert {name: len(set(names)) for name, names in chosen.speakers.items()} == dict.fromkeys(
        CLASSES, 2
    )
    assert "" not in chosen.speakers["fox"]


def test_speakers_are_drawn_for_each_class_by_itself():
    speakers = drawn(speakers_per_class=2, **spoken()).speakers
    assert speakers["dog"] != speakers["cat"]  # one of 66 pairs each


def test_more_speakers_contain_fewer_and_other_seeds_draw_others():
    material = spoken()
    chosen = [drawn(2, speakers_per_class=n, **material) for n in range(1, 5)]
    assert_nested([set(guidance.indices.tolist()) for guidance in chosen])
    for name in CLASSES:
        assert_nested([set(guidance.speakers[name]) for guidance in chosen])
    pairs = {drawn(seed, speakers_per_class=2, **material).speakers["dog"] for seed in range(8)}
    assert len(pairs) > 4


def test_the_order_of_clips_does_not_matter_to_the_draw_of_speakers():
    material = spoken()
    turned = {"labels": material["labels"][::-1], "speakers": material["speakers"][::-1]}
    assert (
        drawn(speakers_per_class=3, **material).speakers
        == drawn(speakers_per_class=3, **turned).speakers
    )


def test_a_share_of_no_clip_is_refused_with_class_flag_and_what_is_needed():
    with pytest.raises(
        DataError,
        match=r"--labelled_percent=1 of the 40 labelled training clips of class fox is no clip; "
        r".* give --labelled_percent=1\.25 or more",
    ):
        drawn(percent=1.0)


def test_the_percentage_that_is_named_serves_every_class():
    rule = GuidanceRule(percent=1.0)
    with pytest.raises(DataError, match=r"of class rare is no clip; .*=5 or more"):
        rule.counts({"few": 40, "rare": 10, "many": 900})
    counts = GuidanceRule(percent=5.0).counts({"few": 40, "rare": 10, "many": 900})
    assert counts == {"few": 2, "rare": 1, "many": 45}


def test_the_least_percentage_that_is_named_gives_one_clip():
    for labelled in (*range(1, 200), 18_620, 49_999, 100_001):
        with pytest.raises(DataError) as refused:
            GuidanceRule(percent=1e-9).count("dog", labelled)
        least = float(re.search(r"give --labelled_percent=(\S+) or more", str(refused.value))[1])
        assert GuidanceRule(percent=least).count("dog", labelled) >= 1


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"clips_per_class": 41},
            "--labelled_per_class=41, but class fox has 40 labelled training clips; give 40 or",
        ),
        (
            {"speakers_per_class": 1},
            "--guidance_speakers_per_class=1, but the labelled training clips of class dog name 0 "
            "speakers; give --labelled_per_class or --labelled_percent instead",
        ),
    ],
)
def test_too_few_clips_or_no_speakers_are_named_with_the_class(rule, message):
    with pytest.raises(DataError, match=re.escape(message)):
        drawn(**rule)


def test_too_few_speakers_are_named_with_their_number():
    with pytest.raises(DataError, match=r"per_class=5, .* class fox name 4 speakers; give 4 or le"):
        drawn(speakers_per_class=5, **spoken())


@pytest.mark.parametrize(
    "rule", [{"percent": 50.0}, {"clips_per_class": 1}, {"speakers_per_class": 1}]
)
def test_a_class_without_a_labelled_clip_is_named(rule):
    with pytest.raises(DataError, match="no labelled training clip of class cat"):
        drawn(labels=[0, 2, -1, 0], speakers="abcd", **rule)


def test_a_rule_is_told_by_its_flag():
    assert str(GuidanceRule(2.5)) == "--labelled_percent=2.5"
    assert str(GuidanceRule(2.5, clips_per_class=3)) == "--labelled_per_class=3"
    assert str(GuidanceRule(2.5, speakers_per_class=3)) == "--guidance_speakers_per_class=3"


def refused_command(dataset, reader):
    """Text and command of the error for a guidance data set of other clips that `reader` read."""
    other = dataclasses.replace(
        dataset,
        path=Path("sets/of gender"),
        sample_rate_hz=8000,
        clip_samples=4096,
        settings={
            "corpus": reader.corpus,
            **dataclasses.asdict(reader),
            "min_level_dbfs": None,
            "max_bad_percent": 2.5,
            "own_splits": True,
        },
    )
    with pytest.raises(DataError) as refused:
        check_same_clips(dataset, other)
    text = str(refused.value)
    (command,) = (line for line in text.splitlines() if "python -m" in line)
    return text, shlex.split(command)


def test_other_clips_are_refused_with_both_and_the_command_that_mends_it(tiny_dataset):
    dataset = load_dataset(tiny_dataset)
    check_same_clips(dataset, dataset)
    reader = LibriSpeechReader(subsets=("train-clean-100",), chunks="all", clip_s=0.512)
    text, command = refused_command(dataset, reader)
    assert "--guidance_dataset=sets/of gender has clips of 4096 samples at 8000 Hz" in text
    assert f"--dataset={tiny_dataset} of 512 samples at 1000 Hz" in text
    assert command == [
        *("python", "-m", "gaae_tf.data.prepare", "--corpus=librispeech", "--source=RECORDINGS"),
        *("--sample_rate_hz=1000", "--clip_samples=512"),
        *("--window_samples=64", "--hop_samples=32", "--fft_size=64"),
        *("--subsets=train-clean-100", "--chunks=all", "--draw=0"),
        *("--valid_percent=10.0", "--test_percent=10.0", "--seed=0", "--max_bad_percent=2.5"),
        "--out=sets/of gender_1000hz_512",
    ]
    assert text.endswith("give --guidance_dataset=sets/of gender_1000hz_512")


@pytest.mark.parametrize(
    "reader",
    [
        FolderReader(valid_percent=20, seed=3),
        TableReader(test_percent=0.0),
        SpeechCommandsReader(),
        NSynthReader(families=("bass", "organ"), seed=4),
        LibriSpeechReader(subsets=("dev-clean", "test-clean"), draw=2, clip_s=0.512),
        FsddReader(valid_percent=5.0),
        NotesReader(),
    ],
    ids=lambda reader: reader.corpus,
)
def test_the_command_reads_as_the_guidance_was_read(tiny_dataset, reader):
    _, command = refused_command(load_dataset(tiny_dataset), reader)
    values = flags.FlagValues()
    prepare.define_flags(values)
    values(command[2:])
    assert prepare._reader(values) == reader
    assert (values.sample_rate_hz, values.clip_samples) == (1000, 512)
    assert values.source == ([] if reader.corpus == "notes" else ["RECORDINGS"])

"""The data set folder: TFRecord shards of clips and `dataset.json` that describes them.

A record is a `tf.train.Example` of
    audio    bytes, clip_samples little-endian 16-bit integers; value / 32,768 is the sample
    label    int64, index into `classes`, or -1 without a label
    speaker  bytes, "" where unknown
    source   bytes, the recording's path below the source folder, with "/"
    split    bytes, "train", "valid" or "test"
    extra    bytes, one value for each of the data set's `extra_labels`
Shards are named `train-00000-of-00002.tfrecord` and hold their clips in the order of the corpus.
"""

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from gaae_tf.data.statistics import LogMagnitudeHistogram
from gaae_tf.data.terms import DESCRIPTION, SPLITS, UNLABELLED, DataError, Skipped, no_dataset
from gaae_tf.files import sha256
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.ops.settings import StftSettings

FORMAT_VERSION = 2
_LONGEST_NAME = 255  # of a file, bytes


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file: its name, split, and number of clips; its size and checksum."""

    file: str
    split: str
    clips: int
    bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class Dataset:
    """What a data set folder's `dataset.json` says.

    Attributes:
        path: the folder.
        name: of the corpus or the source folder.
        sample_rate_hz: of all clips.
        clip_samples: length of all clips.
        classes: names; a label is an index into them.
        counts: clips of each split, with and without label.
        counts_by_class: for each split, labelled clips of each class.
        unlabelled: clips without label; all are in train.
        speakers: for each split, how many speakers its clips name.
        extra_labels: what else is known of each clip, by name: pitch, velocity.
        stft: the transform that `statistics` were taken with.
        statistics: of the training split's log-magnitudes.
        histogram: of the same.
        suggested_dynamic_range_nepers: r that the histogram suggests.
        levels_dbfs: for each whole dB relative to full scale, clips of that RMS level.
        licence: text of the recordings' licence, "" where the source has none.
        skipped: recordings that could not be used.
        quiet: recordings left out because they are near silent, where that was asked for.
        ignored_files: number of files in the source that are no recording of the corpus.
        settings: what else the data set was prepared with.
        shards: the files, in reading order.
        absent_files: number of recordings that the corpus's own lists name and the source lacks.
    """

    path: Path
    name: str
    sample_rate_hz: int
    clip_samples: int
    classes: tuple[str, ...]
    counts: Mapping[str, int]
    counts_by_class: Mapping[str, Mapping[str, int]]
    unlabelled: int
    speakers: Mapping[str, int]
    extra_labels: tuple[str, ...]
    stft: StftSettings
    statistics: LogMagnitudeStatistics
    histogram: LogMagnitudeHistogram
    suggested_dynamic_range_nepers: float
    levels_dbfs: Mapping[str, int]
    licence: str
    skipped: tuple[Skipped, ...]
    quiet: tuple[Skipped, ...]
    ignored_files: int
    settings: Mapping[str, object]
    shards: tuple[Shard, ...]
    absent_files: int = 0


@dataclasses.dataclass(frozen=True)
class Clips:
    """Clips in memory.

    Attributes:
        audio: int16 [n, clip_samples]; value / 32,768 is the sample.
        labels: int32 [n], index of the class, or UNLABELLED.
        speakers: n names, "" where unknown.
        sources: n paths below the source folder; "path@3.25" begins at 3.25 s.
        extra: n values for each of the data set's `extra_labels`.
    """

    audio: np.ndarray
    labels: np.ndarray
    speakers: tuple[str, ...]
    sources: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def subset(self, indices: np.ndarray) -> "Clips":
        """The clips at `indices`, in that order."""
        return Clips(
            self.audio[indices],
            self.labels[indices],
            tuple(self.speakers[i] for i in indices),
            tuple(self.sources[i] for i in indices),
            {name: tuple(values[i] for i in indices) for name, values in self.extra.items()},
        )


def shard_name(split: str, index: int, count: int) -> str:
    """File name of a split's shard `index` of `count`."""
    return f"{split}-{index:05d}-of-{count:05d}.tfrecord"


def write_shard(
    path: Path, split: str, clips: Iterable[tuple[np.ndarray, int, str, str, Sequence[str]]]
) -> Shard:
    """Writes clips to a new TFRecord file.

    Args:
        path: the file.
        split: the clips' split.
        clips: (audio int16 [clip_samples], label, speaker, source, extra labels) of each.

    Returns:
        The shard's description.
    """
    count = 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for audio, label, speaker, source, extra in clips:
            writer.write(_example(audio, label, speaker, source, split, extra))
            count += 1
    return Shard(path.name, split, count, path.stat().st_size, sha256(path))


def write_description(dataset: Dataset) -> None:
    """Writes `dataset.json` into the data set's folder. Equal data sets give equal bytes."""
    text = {"format_version": FORMAT_VERSION, **dataclasses.asdict(dataset)}
    del text["path"]
    (dataset.path / DESCRIPTION).write_text(json.dumps(text, indent=2) + "\n", encoding="ascii")


def load_dataset(path: str | Path) -> Dataset:
    """Reads a data set folder's description and checks that its shards are there, whole.

    Raises:
        DataError: no data set there, of another format version, damaged, or a shard is missing or
            of another size.
    """
    path = Path(path)
    description = path / DESCRIPTION
    try:
        text = json.loads(description.read_text(encoding="ascii"))
        version = text.pop("format_version")
    except FileNotFoundError as error:
        raise DataError(no_dataset(path)) from error
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(f"{description} cannot be read: {error!r}") from error
    if version != FORMAT_VERSION:
        raise DataError(
            f"{description} has format_version {version}, this program reads {FORMAT_VERSION}; "
            "prepare the data set again"
        )
    try:
        dataset = Dataset(
            path=path,
            classes=tuple(text.pop("classes")),
            extra_labels=tuple(text.pop("extra_labels")),
            stft=StftSettings(**text.pop("stft")),
            statistics=LogMagnitudeStatistics(**text.pop("statistics")),
            histogram=LogMagnitudeHistogram(**text.pop("histogram")),
            skipped=tuple(Skipped(**skipped) for skipped in text.pop("skipped")),
            quiet=tuple(Skipped(**quiet) for quiet in text.pop("quiet")),
            shards=tuple(Shard(**shard) for shard in text.pop("shards")),
            **text,
        )
        _check_types(dataset)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise DataError(f"{description} is damaged: {error}") from error
    for shard in dataset.shards:
        file = path / shard.file
        size = file.stat().st_size if file.is_file() else None
        if size != shard.bytes:
            found = "is missing" if size is None else f"has {size} bytes"
            raise DataError(
                f"{file} {found}, {DESCRIPTION} says {shard.bytes} bytes; "
                "prepare the data set again or copy it whole"
            )
    for split in SPLITS:
        # Else room would be made for clips that cannot be there.
        there = sum(shard.bytes for shard in dataset.shards if shard.split == split)
        if 2 * dataset.counts[split] * dataset.clip_samples > there:
            raise DataError(
                f"{description} is damaged: {dataset.counts[split]} {split} clips of "
                f"{dataset.clip_samples} samples are more than their shards' {there} bytes"
            )
    return dataset


def _check_types(dataset: Dataset) -> None:
    """Raises ValueError unless every value is of its kind, as JSON itself does not tell."""
    for name in ("counts", "speakers", "counts_by_class", "levels_dbfs", "settings"):
        if not isinstance(getattr(dataset, name), dict):
            raise ValueError(f"{name} must be an object, not {getattr(dataset, name)!r:.80}")
    for shard in dataset.shards:
        named = (
            Path(shard.file).name == shard.file and len(os.fsencode(shard.file)) <= _LONGEST_NAME
        )
        if shard.split not in SPLITS or not named:
            raise ValueError(
                f"no shard has the split {shard.split!r:.80} or name {shard.file!r:.80}"
            )
    if type(dataset.suggested_dynamic_range_nepers) not in (int, float):
        raise ValueError("suggested_dynamic_range_nepers must be a number")
    values = {
        str: [
            *(dataset.name, dataset.licence, *dataset.classes, *dataset.extra_labels),
            *(record.source for record in (*dataset.skipped, *dataset.quiet)),
            *(record.reason for record in (*dataset.skipped, *dataset.quiet)),
            *(text for shard in dataset.shards for text in (shard.file, shard.sha256)),
        ],
        int: [
            *(dataset.sample_rate_hz, dataset.clip_samples, dataset.unlabelled),
            *(dataset.ignored_files, dataset.absent_files),
            *(dataset.counts[split] for split in SPLITS),
            *(dataset.speakers[split] for split in SPLITS),
            *(clips for split in SPLITS for clips in dataset.counts_by_class[split].values()),
            *(count for count in dataset.levels_dbfs.values()),
            *(number for shard in dataset.shards for number in (shard.clips, shard.bytes)),
        ],
    }
    for kind, those in values.items():
        for value in those:
            if type(value) is not kind or (kind is int and value < 0):
                wanted = "a text" if kind is str else "a whole number, not negative"
                raise ValueError(f"{value!r:.80} stands where {wanted} should")


def verify_checksums(dataset: Dataset) -> None:
    """Reads every shard and compares its checksum with `dataset.json`.

    Raises:
        DataError: one differs.
    """
    for shard in dataset.shards:
        checksum = sha256(dataset.path / shard.file)
        if checksum != shard.sha256:
            raise DataError(
                f"{dataset.path / shard.file} is damaged: SHA-256 is {checksum}, "
                f"{DESCRIPTION} says {shard.sha256}"
            )


def read_clips(dataset: Dataset, split: str) -> Clips:
    """Reads a whole split into memory, in the order of its shards.

    Args:
        dataset: an opened data set.
        split: one of SPLITS; one without clips gives n = 0.

    Raises:
        DataError: no such split, or a shard is damaged.
    """
    if split not in SPLITS:
        raise DataError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
    count = dataset.counts[split]
    audio = np.empty([count, dataset.clip_samples], np.int16)
    labels = np.empty([count], np.int32)
    speakers: list[str] = []
    sources: list[str] = []
    extra: list[np.ndarray] = []
    files = [str(dataset.path / shard.file) for shard in dataset.shards if shard.split == split]
    for file in files:
        _check_lengths(file)
    records = (
        tf.data.TFRecordDataset(files)
        .batch(256)
        .map(lambda batch: _parse(batch, dataset), num_parallel_calls=2)
    )
    end = 0
    try:
        for batch in records.as_numpy_iterator() if files else ():
            start, end = end, end + len(batch["label"])
            audio[start:end] = batch["audio"]
            lowest, highest = batch["label"].min(), batch["label"].max()
            if lowest < UNLABELLED or highest >= len(dataset.classes):
                raise ValueError(
                    f"labels from {lowest} to {highest}, classes are {len(dataset.classes)}"
                )
            labels[start:end] = batch["label"]
            speakers += map(os.fsdecode, batch["speaker"])
            sources += map(os.fsdecode, batch["source"])
            extra.append(batch["extra"])
    except (tf.errors.OpError, ValueError) as error:
        altered = [
            str(dataset.path / shard.file)
            for shard in dataset.shards
            if shard.split == split and sha256(dataset.path / shard.file) != shard.sha256
        ]
        raise DataError(
            f"{' and '.join(altered) or f'a {split} shard of {dataset.path}'} is damaged: {error}; "
            "prepare the data set again or copy it whole"
        ) from error
    if end != count:
        raise DataError(f"{dataset.path} holds {end} {split} clips, {DESCRIPTION} says {count}")
    columns = {
        name: tuple(os.fsdecode(value) for values in extra for value in values[:, index])
        for index, name in enumerate(dataset.extra_labels)
    }
    return Clips(audio, labels, tuple(speakers), tuple(sources), columns)


def _check_lengths(file: str) -> None:
    """Raises DataError if a record claims more than the file has: TensorFlow would reserve it."""
    with open(file, "rb", buffering=0) as content:
        size, end = os.fstat(content.fileno()).st_size, 0
        while end < size:
            start = content.seek(end)
            length = int.from_bytes(content.read(8), "little")
            end += length + 16  # the length, its checksum, the record, its checksum
            if end > size:
                raise DataError(
                    f"{file} is damaged: the record at byte {start} claims {length} bytes, the "
                    f"file has {size}"
                )


def _parse(batch: tf.Tensor, dataset: Dataset) -> dict[str, tf.Tensor]:
    features = tf.io.parse_example(
        batch,
        {
            "audio": tf.io.FixedLenFeature([], tf.string),
            "label": tf.io.FixedLenFeature([], tf.int64),
            "speaker": tf.io.FixedLenFeature([], tf.string),
            "source": tf.io.FixedLenFeature([], tf.string),
            "extra": tf.io.FixedLenFeature([len(dataset.extra_labels)], tf.string),
        },
    )
    audio = tf.io.decode_raw(features["audio"], tf.int16)
    return features | {"audio": tf.ensure_shape(audio, [None, dataset.clip_samples])}


def _example(
    audio: np.ndarray, label: int, speaker: str, source: str, split: str, extra: Sequence[str]
) -> bytes:
    example = tf.train.Example()
    features = example.features.feature  # filled in place: a third of the time of composing it
    features["audio"].bytes_list.value.append(audio.astype("<i2", copy=False).tobytes())
    features["label"].int64_list.value.append(label)
    for name, values in (
        ("speaker", (speaker,)),
        ("source", (source,)),
        ("split", (split,)),
        ("extra", extra),
    ):
        texts = features[name].bytes_list
        texts.SetInParent()  # so that no values are a list of none
        texts.value.extend(map(os.fsencode, values))
    return example.SerializeToString(deterministic=True)  # else the map's order is not fixed

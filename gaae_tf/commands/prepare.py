"""Corpus to data set folder: decode, resample and write all clips, and take their statistics.

    gaae prepare --corpus=folder --source=DIR --out=datasets/mine
    gaae prepare --corpus=s09 --source=speech_commands_v0.01.tar.gz --out=…
    gaae prepare --corpus=s09 --download --out=datasets/s09
    gaae prepare --describe=datasets/s09

The folder is written under a temporary name beside --out and renamed when it is whole; stopped and
started again, the same command goes on with what is missing. Equal input gives equal files, byte
for byte, whatever the number of workers and however often it was stopped.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from absl import flags

from gaae_tf.commands.opening import load_tensorflow, no_arguments
from gaae_tf.data.archives import FSDD, LIBRISPEECH, NSYNTH, SPEECH_COMMANDS, Archive
from gaae_tf.data.corpora.chunks import CHUNKS
from gaae_tf.data.corpora.folder import FolderReader
from gaae_tf.data.corpora.fsdd import FsddReader
from gaae_tf.data.corpora.librispeech import LibriSpeechReader
from gaae_tf.data.corpora.notes import NotesReader
from gaae_tf.data.corpora.nsynth import NSynthReader
from gaae_tf.data.corpora.recording import Reader
from gaae_tf.data.corpora.speech_commands import SpeechCommandsReader
from gaae_tf.data.corpora.table import TableReader
from gaae_tf.data.download import download
from gaae_tf.data.prepare.config import CORPORA, PrepareConfig
from gaae_tf.data.terms import DataError
from gaae_tf.ops.settings import StftSettings

INTERRUPTED = "interrupted: the same command goes on from here"


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    for kind, name, default, *arguments in (*_source_flags(), *_clip_flags(), *_corpus_flags()):
        kind(name, default, *arguments, flag_values=values)


def _source_flags() -> list[tuple]:
    """Where recordings come from and where the data set goes."""
    return [
        (flags.DEFINE_enum, "corpus", "folder", CORPORA, "how the source is laid out"),
        (
            flags.DEFINE_multi_string,
            "source",
            [],
            "the corpus's folder or archive (csv: the table); may be given several times",
        ),
        (flags.DEFINE_string, "out", None, "data set folder to make"),
        (
            flags.DEFINE_string,
            "describe",
            None,
            "data set folder to print a summary of; makes nothing",
        ),
        (
            flags.DEFINE_bool,
            "download",
            False,
            "fetch the official archives and take them as source",
        ),
        (flags.DEFINE_string, "download_dir", "downloads", "where fetched archives are kept"),
        (flags.DEFINE_enum, "version", "v0.01", list(SPEECH_COMMANDS), "of s09, for --download"),
    ]


def _clip_flags() -> list[tuple]:
    """What clips are, which are left out, and how the work is done."""
    config, stft = PrepareConfig(out=Path(), reader=NotesReader()), StftSettings()
    return [
        (flags.DEFINE_integer, "sample_rate_hz", config.sample_rate_hz, "of the clips"),
        (flags.DEFINE_integer, "clip_samples", config.clip_samples, "length of the clips"),
        (flags.DEFINE_string, "window", stft.window, "for the statistics"),
        (flags.DEFINE_integer, "window_samples", stft.window_samples, "for the statistics"),
        (flags.DEFINE_integer, "hop_samples", stft.hop_samples, "for the statistics"),
        (flags.DEFINE_integer, "fft_size", stft.fft_size, "for the statistics"),
        (
            flags.DEFINE_float,
            "dynamic_range_nepers",
            config.dynamic_range_nepers,
            "r of histogram.png",
        ),
        (
            flags.DEFINE_float,
            "min_level_dbfs",
            None,
            "leave clips out whose loudest 50 ms are below it",
        ),
        (
            flags.DEFINE_float,
            "max_bad_percent",
            config.max_bad_percent,
            "more bad files are an error",
        ),
        (flags.DEFINE_integer, "workers", config.workers, "decoding threads; 0: one a core"),
        (flags.DEFINE_boolean, "overwrite", config.overwrite, "replace a data set that is there"),
    ]


def _corpus_flags() -> list[tuple]:
    """How splits are drawn, and what of a corpus is taken."""
    nsynth, librispeech = NSynthReader(), LibriSpeechReader()
    without = "where the source has no such part"
    return [
        (flags.DEFINE_float, "valid_percent", 10.0, f"for validation, {without}"),
        (flags.DEFINE_float, "test_percent", 10.0, f"for testing, {without}"),
        (flags.DEFINE_integer, "seed", 0, "of the parts drawn here"),
        (
            flags.DEFINE_list,
            "families",
            list(nsynth.families),
            "nsynth: instrument families, the classes",
        ),
        (
            flags.DEFINE_list,
            "instrument_sources",
            list(nsynth.instrument_sources),
            "nsynth: of these sources",
        ),
        (
            flags.DEFINE_list,
            "subsets",
            list(librispeech.subsets),
            "librispeech: subsets to read",
        ),
        (
            flags.DEFINE_enum,
            "chunks",
            librispeech.chunks,
            CHUNKS,
            "clips of a recording: one (folder: its beginning; librispeech: drawn), or all",
        ),
        (flags.DEFINE_integer, "draw", librispeech.draw, "librispeech: seed of the drawn clips"),
        (
            flags.DEFINE_list,
            "test_speakers",
            list(FsddReader().test_speakers),
            "fsdd: test on all recordings of these speakers and no others, who are kept from "
            "training",
        ),
    ]


def _reader(values: flags.FlagValues) -> Reader:
    draw = {name: getattr(values, name) for name in ("valid_percent", "test_percent", "seed")}
    clip_s = values.clip_samples / max(values.sample_rate_hz, 1)  # 0 is refused later
    match values.corpus:
        case "folder":
            return FolderReader(**draw, chunk_s=clip_s if values.chunks == "all" else 0.0)
        case "csv":
            return TableReader(**draw)
        case "s09":
            return SpeechCommandsReader()
        case "nsynth":
            return NSynthReader(tuple(values.families), tuple(values.instrument_sources), **draw)
        case "librispeech":
            return LibriSpeechReader(
                subsets=tuple(values.subsets),
                chunks=values.chunks,
                draw=values.draw,
                clip_s=clip_s,
                **draw,
            )
        case "fsdd":
            return FsddReader(values.valid_percent, values.seed, tuple(values.test_speakers))
        case "notes":
            return NotesReader()
    raise ValueError(values.corpus)


def _archives(values: flags.FlagValues) -> list[Archive]:
    """The official archives that --download fetches; none without it."""
    if not values.download:
        return []
    if values.source:
        raise DataError("--download fetches the source; drop --source, or --download")
    match values.corpus:
        case "s09":
            return [SPEECH_COMMANDS[values.version]]
        case "nsynth":
            return list(NSYNTH.values())
        case "librispeech":
            subsets = values.subsets or ["train-clean-100"]
            if unknown := [subset for subset in subsets if subset not in LIBRISPEECH]:
                raise DataError(
                    f"--subsets={','.join(unknown)} is not published; there are "
                    f"{', '.join(LIBRISPEECH)}"
                )
            return [LIBRISPEECH[subset] for subset in subsets]
        case "fsdd":
            return [FSDD]
    raise DataError(f"--download: corpus {values.corpus} has no official archive; give --source")


def _config_of(values: flags.FlagValues, sources: Iterable[str | Path]) -> PrepareConfig:
    if values.out is None:
        raise DataError("--out is missing; give the data set folder to make, say datasets/mine")
    return PrepareConfig(
        out=Path(values.out),
        reader=_reader(values),
        sources=tuple(map(Path, sources)),
        sample_rate_hz=values.sample_rate_hz,
        clip_samples=values.clip_samples,
        stft=StftSettings(
            window=values.window,
            window_samples=values.window_samples,
            hop_samples=values.hop_samples,
            fft_size=values.fft_size,
        ),
        dynamic_range_nepers=values.dynamic_range_nepers,
        min_level_dbfs=values.min_level_dbfs,
        max_bad_percent=values.max_bad_percent,
        workers=values.workers,
        overwrite=values.overwrite,
    )


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Prepares, or describes what is prepared."""
    no_arguments(arguments, values)
    if values.describe is not None:
        load_tensorflow()
        from gaae_tf.data.shards import load_dataset
        from gaae_tf.data.summary import summary

        print(summary(load_dataset(values.describe)))
        return 0
    archives, folder = _archives(values), Path(values.download_dir)
    config = _config_of(values, [folder / a.file for a in archives] or values.source)
    load_tensorflow()
    from gaae_tf.data.prepare.folder import check_out, prepare

    check_out(config.out, config)
    for archive in archives:
        download(archive, folder)
    prepare(config)
    return 0

"""Throws the phase of a recording away and rebuilds it from the STFT magnitudes alone.

    gaae resynthesize IN.wav OUT.wav [--vocoder=pghi_fgla] [--refine=32]

What a perfect generator would sound like through this package's signal path: the difference that
remains is the vocoder's. Reads whatever libsndfile reads, of any length, rate and channel count,
and writes the same rate, length and channels, in the format that OUT's suffix names. Channels are
rebuilt one by one, so the phase between them is lost as well. The window is counted in samples
and made for 16 kHz: give a longer one (`--window_samples=1024 --hop_samples=256 --fft_size=1024`)
for music at 44.1 kHz. The recording is worked on whole: about 0.25 GB of memory a minute at
16 kHz, 0.7 GB at 44.1 kHz, for one channel at a time.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from gaae_tf.commands.opening import Usage, load_tensorflow
from gaae_tf.ops.settings import VOCODERS, WINDOWS, StftSettings


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags in `values`."""
    stft_defaults = StftSettings()
    flags.DEFINE_enum(
        "vocoder",
        None,
        VOCODERS,
        "pghi: PGHI alone. pghi_fgla: PGHI, then --refine iterations of fast Griffin-Lim. "
        "griffin_lim: --refine iterations of classic Griffin-Lim from random phase. "
        "Default: pghi, or pghi_fgla where --refine is given.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "refine",
        None,
        "iterations of Griffin-Lim; default 32 for pghi_fgla, 100 for griffin_lim; "
        "--vocoder=pghi has none",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_enum("window", stft_defaults.window, WINDOWS, "window", flag_values=values)
    for name in ("window_samples", "hop_samples", "fft_size"):
        default = getattr(stft_defaults, name)
        flags.DEFINE_integer(name, default, "of the transform", flag_values=values)
    flags.DEFINE_integer("seed", 0, "of random phase", flag_values=values)


def main(arguments: list[str], values: flags.FlagValues) -> int:
    """Resynthesizes the first argument to the second."""
    if len(arguments) != 2:
        raise Usage(f"IN and OUT are needed, {len(arguments)} arguments were given")
    source, target = map(Path, arguments)
    settings = StftSettings(
        values.window, values.window_samples, values.hop_samples, values.fft_size
    )
    vocoder = values.vocoder or ("pghi" if values.refine is None else "pghi_fgla")
    if not source.exists():
        raise FileNotFoundError(f"{source}: No such file")
    load_tensorflow()
    from gaae_tf.data.resynthesis import resynthesize_file

    convergence_db = resynthesize_file(
        source, target, settings, vocoder, values.refine, values.seed
    )
    print(f"spectral convergence: {convergence_db:.1f} dB")
    return 0

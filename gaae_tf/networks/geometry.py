"""Sizes and widths that networks can have. No Keras: a configuration is checked before it loads.

Source: paper Tables X, XI, XIII; METHOD §4. `down_channels` and `up_channels` are the widths that
the tables print, for the paper's 256×128 and for any other size that doubles up from its base.
"""

from __future__ import annotations

WIDTH_SCHEDULES = ("biggan", "table")
POOLINGS = ("sum", "frames")  # of E's style code
AXES = ("linear", "log")  # inside E and D
WAVEGAN_STRIDE = 4
# What decides which clips networks can have: towers that double up and down, DCGAN's, WaveGAN's,
# and the simple classifier.
SIZE_RULES = ("doubling", "dcgan", "quadrupling", "pooling")
CLASSIFIER_CHANNELS = (32, 64, 128, 256)  # of the simple classifier; each is pooled once

_SMALLEST_WAVEGAN_BASE, _LARGEST_WAVEGAN_BASE = 8, 31
_SMALLEST_DCGAN_SIDE = 4


def check_sizes(
    rule: str | None, samples: int, bins: int, frames: int, non_local_bins: int
) -> None:
    """Raises ValueError for clips, or their spectrograms, that networks of this rule cannot have.

    Args:
        rule: one of SIZE_RULES, or None for networks of any clips.
        samples: of a clip.
        bins: of its spectrogram.
        frames: likewise.
        non_local_bins: of the non-local block, which "doubling" networks alone have.
    """
    if rule == "doubling":
        _, _, doublings = base_size(bins, frames)
        check_non_local_bins(non_local_bins, bins, doublings)
    elif rule == "dcgan":
        dcgan_base(bins, frames)
    elif rule == "quadrupling":
        wavegan_base(samples)
    elif rule == "pooling":
        check_classifier_size(bins, frames)
    elif rule is not None:
        raise ValueError(f"rule must be one of {', '.join(SIZE_RULES)}; got {rule!r}")


def base_size(bins: int, frames: int) -> tuple[int, int, int]:
    """The base that a spectrogram doubles up from: (base bins, base frames, doublings).

    256×128 gives (4, 2, 6), the paper's. The base keeps the spectrogram's own ratio and has at
    least 4 bins and 2 frames.

    Raises:
        ValueError: the size cannot be halved at least twice.
    """
    doublings = 0
    base_bins, base_frames = bins, frames
    while base_bins % 2 == 0 and base_frames % 2 == 0 and base_bins >= 8 and base_frames >= 4:
        base_bins, base_frames, doublings = base_bins // 2, base_frames // 2, doublings + 1
    if doublings < 2:
        raise ValueError(
            f"a spectrogram of {bins} bins × {frames} frames cannot be halved twice down to at "
            "least 4 bins × 2 frames; choose fft_size, hop_samples and clip_samples so that both "
            "are multiples of a power of two, such as 256 × 128 or 128 × 64"
        )
    return base_bins, base_frames, doublings


def down_channels(channels: int, doublings: int) -> list[int]:
    """Output channels of each halving block, (1, 1, 2, 4, 8, 16)·channels for six (Table XIII)."""
    return [channels * max(1, 16 >> (doublings - i)) for i in range(1, doublings + 1)]


def up_channels(channels: int, doublings: int, schedule: str) -> list[int]:
    """Output channels of each doubling block of a decoder.

    Args:
        channels: ch.
        doublings: number of blocks.
        schedule: "biggan" is (16, 8, 8, 4, 2, 1)·ch for six blocks, as BigGAN-256; "table" is what
            the
            paper's Table XII prints, 16·ch in every block but the last.

    Raises:
        ValueError: unknown schedule.
    """
    if schedule == "table":
        return [16 * channels] * (doublings - 1) + [channels]
    if schedule == "biggan":
        multipliers = (16, 8, 4, 2, 1)[:doublings] if doublings < 6 else (16, 8, 8, 4, 2, 1)
        return [channels * m for m in multipliers] + [channels] * (doublings - len(multipliers))
    raise ValueError(f"width_schedule must be one of {WIDTH_SCHEDULES}, got {schedule!r}")


def check_non_local_bins(non_local_bins: int, bins: int, doublings: int) -> None:
    """Raises ValueError unless `non_local_bins` is 0 or the height of a block's output.

    That is bins / 2, bins / 4, … down to the base, as Tables XII and XIII place the block.
    """
    allowed = [bins >> i for i in range(1, doublings + 1)]
    if non_local_bins and non_local_bins not in allowed:
        raise ValueError(
            f"non_local_bins must be 0 (none) or one of {allowed} for {bins} bins, "
            f"got {non_local_bins}"
        )


def wavegan_base(samples: int) -> tuple[int, int]:
    """The length that a clip quadruples up from, and how often: 16,384 gives (16, 5), the paper's.

    Raises:
        ValueError: the length is not between 8 and 31 times a power of four, at least two fold.
    """
    base, quarterings = samples, 0
    while base % WAVEGAN_STRIDE == 0 and base // WAVEGAN_STRIDE >= _SMALLEST_WAVEGAN_BASE:
        base, quarterings = base // WAVEGAN_STRIDE, quarterings + 1
    if quarterings < 2 or base > _LARGEST_WAVEGAN_BASE:
        raise ValueError(
            f"a clip of {samples} samples is not 8 to 31 samples times a power of four, at least "
            "4²; WaveGAN needs such a length, 8192 or 16384 say"
        )
    return base, quarterings


def dcgan_base(bins: int, frames: int) -> tuple[int, int, int]:
    """The base that a spectrogram doubles up from: (bins, frames, doublings).

    Both sides are halved as long as they are even and none falls below 4: 128×128 gives (4, 4, 5),
    256×128 gives (8, 4, 5), the papers'.

    Raises:
        ValueError: the size cannot be halved at least twice.
    """
    doublings = 0
    while bins % 2 == 0 and frames % 2 == 0 and min(bins, frames) // 2 >= _SMALLEST_DCGAN_SIDE:
        bins, frames, doublings = bins // 2, frames // 2, doublings + 1
    if doublings < 2:
        raise ValueError(
            f"a spectrogram of {bins << doublings} bins × {frames << doublings} frames cannot be "
            "halved twice down to at least 4 × 4; choose fft_size, hop_samples and clip_samples so "
            "that both are multiples of a power of two, such as 128 × 128"
        )
    return bins, frames, doublings


def check_classifier_size(bins: int, frames: int) -> None:
    """Raises ValueError for spectrograms too small to be pooled four times."""
    smallest = 2 ** len(CLASSIFIER_CHANNELS)
    if min(bins, frames) < smallest:
        raise ValueError(
            f"spectrograms must have at least {smallest} bins and frames; received {bins} × "
            f"{frames}."
        )

"""Phase-gradient heap integration: a phase for STFT magnitudes, without iterations.

Průša, Balazs and Søndergaard, "A noniterative method for reconstruction of phase from STFT
magnitude", 2017; the constants and both passes as METHOD section 5 states them. For a Gaussian
window the derivatives of the phase are those of the log-magnitude, crosswise; other windows come
close. Integrating them from loud bins to soft ones keeps errors where they are least heard.
"""

import concurrent.futures

import numba
import numpy as np

from gaae_tf.ops.compiled import compiled
from gaae_tf.ops.settings import StftSettings


def pghi(
    magnitude: np.ndarray,
    settings: StftSettings,
    seed: int = 0,
    tolerances: tuple[float, ...] = (1e-1, 1e-10),
    threads: int | None = None,
) -> np.ndarray:
    """Phase such that `inverse_stft(magnitude * exp(1j * phase))` sounds like the magnitudes.

    Args:
        magnitude: [batch, fft_size // 2 + 1, frames], finite, not negative.
        settings: the circular transform that `magnitude` belongs to.
        seed: of the random phase below the last tolerance. A clip's phase depends on the clip and
            the seed only, not on the rest of the batch.
        tolerances: relative to each clip's largest magnitude, falling: a pass integrates the bins
            above its tolerance, starting from what earlier passes reached. What the last one leaves
            gets random phase; zeros there would be heard as a click train.
        threads: clips worked on at once; by default one thread a core (NUMBA_NUM_THREADS).

    Returns:
        float64 [batch, fft_size // 2 + 1, frames], radians in [-π, π], counted from the window's
        left edge as `stft` does.

    Raises:
        ValueError: the shape does not fit `settings`, a magnitude is negative or not finite, or
            the tolerances do not fall within (0, 1).
    """
    magnitude = np.asarray(magnitude)
    bins = settings.fft_size // 2 + 1
    if magnitude.ndim != 3 or magnitude.shape[1] != bins or magnitude.shape[2] < 1:
        raise ValueError(f"magnitude must be [batch, {bins}, frames], not {magnitude.shape}")
    if not np.all(np.isfinite(magnitude)) or np.any(magnitude < 0.0):
        raise ValueError("magnitude must be finite and not negative everywhere")
    limits = np.asarray(tolerances, np.float64)
    if limits.ndim != 1 or not limits.size or np.any(np.diff(np.r_[1.0, limits, 0.0]) >= 0.0):
        raise ValueError(f"tolerances must fall within (0, 1), not {tolerances!r}")
    batch, _, frames = magnitude.shape
    # Frame after frame, with a border of one: neighbours lie close, and need no test for the edge.
    phase = np.empty((batch, frames + 2, bins + 2))
    # γ on the lattice: 1 where a step in time and one in frequency weigh the same.
    ratio = settings.gamma / (settings.hop_samples * settings.fft_size)
    turn = 2.0 * np.pi / settings.fft_size

    def work(clip: int) -> None:
        _integrate_clip(
            np.ascontiguousarray(magnitude[clip].T, np.float64),
            phase[clip],
            ratio,
            turn * settings.hop_samples,
            turn * (settings.window_samples // 2),
            np.log(limits),
            np.uint64(seed % 2**64),
        )

    # Threads rather than numba's prange, whose fallback layer dies when two threads call it.
    with concurrent.futures.ThreadPoolExecutor(threads or numba.config.NUMBA_NUM_THREADS) as pool:
        list(pool.map(work, range(batch)))
    return phase[:, 1:-1, 1:-1].swapaxes(1, 2)


@compiled
def _push(keys, places, size, key, place):
    """Put a place on the heap of `size` entries: four children a node, the largest key on top."""
    hole = size
    while hole > 0:
        parent = (hole - 1) >> 2
        if keys[parent] >= key:
            break
        keys[hole] = keys[parent]
        places[hole] = places[parent]
        hole = parent
    keys[hole] = key
    places[hole] = place
    return size + 1


@compiled
def _remove_top(keys, places, size):
    """Take the largest key off the heap; its place was places[0]."""
    size -= 1
    key, place = keys[size], places[size]
    hole, child = 0, 1
    while child < size:
        largest, largest_key = child, keys[child]
        for sibling in range(child + 1, min(child + 4, size)):
            if keys[sibling] > largest_key:
                largest, largest_key = sibling, keys[sibling]
        if largest_key <= key:
            break
        keys[hole] = largest_key
        places[hole] = places[largest]
        hole, child = largest, 4 * largest + 1
    keys[hole] = key
    places[hole] = place
    return size


@compiled
def _integrate_above(limit, level, done, phase, stride, ratio, hop_turn):
    """One pass over the bins whose level is above the limit; arrays flat, with their border."""
    rows_end = level.size - stride
    wrap = rows_end - stride
    waiting = 0
    size = 0
    # As large as it can get; memory that the heap never reaches is never touched.
    keys = np.empty(wrap)
    places = np.empty(wrap, np.int64)
    for row in range(stride, rows_end, stride):
        before = row - stride if row > stride else rows_end - stride
        after = row + stride if row + stride < rows_end else stride
        for m in range(1, stride - 1):
            p = row + m
            if not done[p]:
                waiting += level[p] > limit
            elif not (done[p - 1] and done[p + 1] and done[before + m] and done[after + m]):
                size = _push(keys, places, size, level[p], p)
    by_level = np.empty(0, np.int64)
    next_seed = 0
    while waiting > 0:
        if size == 0:
            if by_level.size == 0:
                seeds = np.flatnonzero((level > limit) & ~done)
                seeds = seeds[(seeds >= stride) & (seeds < rows_end)]
                by_level = seeds[np.argsort(-level[seeds])]
            while done[by_level[next_seed]]:
                next_seed += 1
            p = by_level[next_seed]
            phase[p] = 0.0
            done[p] = True
            waiting -= 1
            size = _push(keys, places, size, level[p], p)
        p = places[0]
        size = _remove_top(keys, places, size)
        turn = hop_turn * (p % stride - 1)
        slope = level[p + 1] - level[p - 1]
        for side in (-1, 1):
            # Over time: Δ_time = (s(m+1) - s(m-1)) / (2 ratio) + 2π hop m / M, trapezoid rule.
            q = p + side * stride
            step = turn + (slope + level[q + 1] - level[q - 1]) / (4.0 * ratio)
            if q < stride:
                q += wrap
            elif q >= rows_end:
                q -= wrap
            if not done[q] and level[q] > limit:
                phase[q] = phase[p] + side * step
                done[q] = True
                waiting -= 1
                size = _push(keys, places, size, level[q], q)
            # Over frequency: Δ_freq = -ratio (s(n+1) - s(n-1)) / 2.
            q = p + side
            if not done[q] and level[q] > limit:
                rise = level[p + stride] - level[p - stride] + level[q + stride] - level[q - stride]
                phase[q] = phase[p] - side * 0.25 * ratio * rise
                done[q] = True
                waiting -= 1
                size = _push(keys, places, size, level[q], q)


@compiled
def _uniform(seed, index):
    """Uniform in [0, 1), a pure function of two uint64 (splitmix64)."""
    z = seed + (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return float((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@compiled
def _integrate_clip(magnitude, phase, ratio, hop_turn, edge_turn, limits, seed):
    """Fill phase [frames + 2, bins + 2] but for its border, from magnitude [frames, bins]."""
    frames, bins = magnitude.shape
    stride = bins + 2
    peak = magnitude.max()
    done = np.zeros((frames + 2, stride), np.bool_)
    if peak > 0.0:
        level = np.empty((frames + 2, stride))
        for n in range(frames):
            for m in range(bins):
                # Clamped: an exact zero would give its neighbours an infinite slope.
                level[n + 1, m + 1] = max(np.log(magnitude[n, m] / peak), limits[-1])
        # Mirrored bins make the slope 0 at the first and the last; frames wrap around.
        level[:, 0] = level[:, 2]
        level[:, -1] = level[:, -3]
        level[0] = level[-2]
        level[-1] = level[1]
        done[:, 0] = True
        done[:, -1] = True
        for limit in limits:
            _integrate_above(
                limit, level.ravel(), done.ravel(), phase.ravel(), stride, ratio, hop_turn
            )
    for n in range(1, frames + 1):
        for m in range(1, bins + 1):
            if done[n, m]:
                turns = (phase[n, m] - edge_turn * (m - 1)) / (2.0 * np.pi)
                phase[n, m] = 2.0 * np.pi * (turns - np.rint(turns))
            else:
                index = np.uint64(n * stride + m)
                phase[n, m] = np.pi * (2.0 * _uniform(seed, index) - 1.0)

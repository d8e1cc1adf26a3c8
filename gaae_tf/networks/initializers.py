"""The initializers that networks share: orthogonal, with the gain that a ReLU behind them needs.

Source: BigGAN's habit (METHOD §4) for the orthogonal ones; He et al. 2015 (arXiv 1502.01852) for
the gain: a ReLU halves the mean square of what passes it, and √2 makes up for that. Without it a
signal loses half of its power at each layer that neither normalises nor is normalised: through
twelve such layers of the encoder, recordings differed by 0.03 in a code that the prior spreads by
1. Layers with spectral normalisation have no use for it, since their scale is taken out.
"""

from __future__ import annotations

import math

import keras


def orthogonal_for_relu() -> keras.initializers.Initializer:
    """An orthogonal kernel of gain √2, for a layer with a ReLU before or behind it."""
    return keras.initializers.Orthogonal(gain=math.sqrt(2.0))

"""What every loaded system has."""

from __future__ import annotations

import hashlib

from gaae_tf.config import TrainConfig
from gaae_tf.run.folder import DataDescription
from gaae_tf.systems.system import System


class Loaded:
    """What every loaded system has; `load` makes it.

    Audio is float32 in [-1, 1] at `sample_rate_hz`; spectrograms are float32
    [clips, bins, frames, 1] in [-1, 1]. Equal seeds give equal results.

    Attributes:
        classes: names, in label order; empty for a system without classes.
        config: of the training.
        data: what the run knows of its data set.
        sample_rate_hz, clip_samples: of every clip.
        signal_path: audio to spectrogram, and spectrogram to magnitude.
        step: iterations that the checkpoint has seen.
        weights_id: digest of the weights that sample, and of their batch statistics.
        checkpoint, vocoder, refine: as loaded; no vocoder where the system needs none.
        model: the networks.
    """

    def __init__(
        self,
        model: System,
        config: TrainConfig,
        data: DataDescription,
        checkpoint: str,
        vocoder: str | None,
        refine: int | None,
    ):
        self.model = model
        self.config = config
        self.data = data
        self.checkpoint = checkpoint
        self.vocoder = vocoder
        self.refine = refine
        self.classes = () if model.classes is None else data.classes
        self.sample_rate_hz = data.sample_rate_hz
        self.clip_samples = data.clip_samples
        self.signal_path = data.signal_path(
            config.stft, config.scaling, config.dynamic_range_nepers
        )
        self.step = int(model.step.numpy())
        self.weights_id = _weights_id(model)

    def can(self, ability: str) -> bool:
        """Whether the system has one of `systems.spec.ABILITIES`, and this object its methods.

        Raises:
            ValueError: there is no such ability.
        """
        return self.config.system.can(ability)


def _weights_id(model: System) -> str:
    digest = hashlib.sha256()
    for network in model.lasting_networks:
        for weight in network.get_weights():
            digest.update(weight.tobytes())
    return digest.hexdigest()[:16]

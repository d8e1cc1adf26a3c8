"""The run folder: everything of one training, enough to sample from it with no data set present.

config.flags     the resolved configuration, which train.py --flagfile= reads again
data.json        sample rate, clip length, classes, log-magnitude statistics, licence, data sets
guidance.json    the clips whose labels guide training, and the rule that chose them
checkpoints/     rolling checkpoints of the whole training state; best/ holds the best one
validation.json  what was measured on validation clips at every checkpoint
logs/            TensorBoard
samples/         sounds made at the end of training
export/          SavedModel, written at the end
lock             names the process that trains in the folder; gone once it has ended
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from gaae_tf.files import write_text
from gaae_tf.ops.log_magnitude import (
    BinStatistics,
    LogMagnitudeScaling,
    LogMagnitudeStatistics,
)
from gaae_tf.ops.settings import StftSettings
from gaae_tf.ops.signal_path import SignalPath
from gaae_tf.run.names import DATA


@dataclasses.dataclass(frozen=True)
class DataDescription:
    """What a run must know of its data set once the data set is gone.

    Attributes:
        dataset: the data set folder that trained the run.
        sample_rate_hz: rate of all its audio.
        clip_samples: length of every clip.
        classes: names of the classes, in label order.
        statistics: of the training clips' log-magnitudes, for the run's own transform.
        licence: of the recordings, as far as it is known.
        guidance_dataset: the data set folder that gave classes and labels, "" for `dataset`.
        bins: statistics of each bin, where the run's scaling needs them.
        recordings: digest of the training clips' files, to know them again; "" in older runs.
    """

    dataset: str
    sample_rate_hz: int
    clip_samples: int
    classes: tuple[str, ...]
    statistics: LogMagnitudeStatistics
    licence: str = ""
    guidance_dataset: str = ""
    bins: BinStatistics | None = None
    recordings: str = ""

    def signal_path(self, stft: StftSettings, scaling: str, dynamic_range_nepers: float):
        """The run's way from audio to spectrogram and back."""
        return SignalPath(
            stft=stft,
            scaling=LogMagnitudeScaling(
                mode=scaling,
                dynamic_range_nepers=dynamic_range_nepers,
                statistics=self.statistics,
                bins=self.bins,
            ),
        )

    def save(self, run_dir: Path) -> None:
        """Writes data.json."""
        write_text(run_dir / DATA, json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, run_dir: Path) -> DataDescription:
        """Reads data.json.

        Raises:
            ValueError: the file is missing or not what `save` writes; it is named.
        """
        path = Path(run_dir) / DATA
        try:
            values = json.loads(path.read_text())
            values["statistics"] = LogMagnitudeStatistics(**values["statistics"])
            if not isinstance(values["classes"], list):
                raise ValueError("classes must be a list")
            values["classes"] = tuple(values["classes"])
            if values.get("bins") is not None:
                values["bins"] = BinStatistics(**values["bins"])
            data = cls(**values)
            texts = (data.dataset, data.licence, data.guidance_dataset, data.recordings)
            for value in (*texts, *data.classes):
                if type(value) is not str:
                    raise ValueError(f"{value!r:.80} stands where a text should")
            for value in (data.sample_rate_hz, data.clip_samples):
                if type(value) is not int or value < 1:
                    raise ValueError(f"{value!r:.80} stands where a whole number above 0 should")
            return data
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path} is not a readable run description: {error}") from error


def read_validation(path: Path) -> list[dict]:
    """The rows of `validation.json`: `step`, and the figures that were measured at it.

    Raises:
        ValueError: the file is not what a training writes; it is named.
    """
    try:
        rows = json.loads(Path(path).read_text())
        if not isinstance(rows, list) or not all(type(row["step"]) is int for row in rows):
            raise ValueError("it must be a list of rows with a step each")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} holds no figures of validation clips: {error!r}; remove it to go on without"
        ) from error
    return rows

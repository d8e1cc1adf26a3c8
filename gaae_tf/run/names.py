"""Every name in a run folder, and what can be asked of one; without TensorFlow."""

from pathlib import Path

from gaae_tf.scores import SCORES_FILE

CONFIG = "config.flags"
DATA = "data.json"
GUIDANCE = "guidance.json"
CHECKPOINTS = "checkpoints"
VALIDATION = "validation.json"
LOGS = "logs"
SAMPLES = "samples"
EXPORT = "export"
LOCK = "lock"
SCORES = SCORES_FILE
SCORES_OF_SAMPLES = "scores_of_samples.json"  # of --samples, which leaves the run's own alone
REPORT = "report"  # in the run folder

CHECKPOINT_NAMES = ("latest", "best")
SCORERS = ("simple", "wavegan")
SOUNDS = 50_000  # the paper's

# Trained models that come with the package, each a run folder of this name.
SHIPPED = Path(__file__).parents[1] / "shipped"
CARD = "CARD.md"

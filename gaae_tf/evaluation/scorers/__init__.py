"""Scorers: classifiers that tell what class generated sounds are of (METHOD §7; paper IV-C).

`simple` is the paper's spectrogram classifier (Table XXIV), its scorer for NSynth. `wavegan` is the
network of the WaveGAN authors' digit classifier, the paper's scorer for S09. Both are trained here,
on all labelled training clips of a data set, and kept beside it in `scorers`:
`NAME-ID.weights.h5`, and `NAME-ID.json` with all that a figure's source needs. The WaveGAN authors'
own weights can be read where a user has them. Figures of different scorers never compare.

A scorer depends on its data set and its own settings alone, on nothing of a run: `simple` takes the
transform that the data set was prepared with, `dataset_peak` scaling and the dynamic range that the
data set's histogram suggests. So all runs on a data set are measured by one scorer, and its figures
for real clips stand once, whatever a run's own spectrograms are, or if it makes waveforms.
"""

from gaae_tf.evaluation.scorers.authors import checkpoint_scorer
from gaae_tf.evaluation.scorers.kept import dataset_id
from gaae_tf.evaluation.scorers.scorer import Scorer
from gaae_tf.evaluation.scorers.trained import labelled_clips, trained_scorer
from gaae_tf.evaluation.settings import ScorerSettings

__all__ = [
    "Scorer",
    "ScorerSettings",
    "checkpoint_scorer",
    "dataset_id",
    "labelled_clips",
    "trained_scorer",
]

"""What a training says of the model that comes with the package and learnt from the same clips.

A quarter of an hour of a CPU is then not taken for what the method can do. Without TensorFlow.
"""

from __future__ import annotations

import shlex

from gaae_tf.run.folder import DataDescription
from gaae_tf.run.look import shipped_models
from gaae_tf.run.names import SCORES, SHIPPED
from gaae_tf.scores import read_file


def shipped_for(data: DataDescription) -> str | None:
    """The name of the shipped model that learnt from the same training clips, if there is one."""
    for name in shipped_models():
        if data.recordings and DataDescription.load(SHIPPED / name).recordings == data.recordings:
            return name
    return None


def reached(name: str) -> str:
    """What a shipped model reaches on test clips, in words, with its steps and labels."""
    scores = read_file(SHIPPED / name / SCORES, ("provenance",), "install the package anew")
    return (
        f"{scores['provenance']['step']:,} steps, {scores['provenance']['labels_of_the_run']:,} "
        "labels; the class asked for is found in "
        f"{100.0 * scores['requested_class_accuracy']:.1f} % of its sounds, and its C is right on "
        f"{100.0 * scores['classifier_test_accuracy']:.1f} % of test clips"
    )


def before_training(data: DataDescription) -> str | None:
    """The line before a training on the clips of a shipped model, which can be heard at once."""
    name = shipped_for(data)
    if name is None:
        return None
    label = shlex.quote(data.classes[0])
    return (
        f"A model of these clips comes with the package ({reached(name)}). To hear it now: "
        f"python -m gaae_tf generate --run_dir={name} --label={label} --count=8 --out=sounds"
    )

"""Makes the listening page of a trained model that comes with the package, for static hosting.

    python scripts/listen.py --name=digits --dataset=datasets/fsdd

Writes docs/listen/NAME, or replaces it: the sounds and scores of the page that `gaae evaluate`
makes of a run, without the map of codes and the figures, which are most of its size. Scores are
those that came with the model; sounds are FLAC.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from absl import app, flags

_NAME = flags.DEFINE_enum("name", None, ("notes", "digits"), "Of the model.", required=True)
_DATASET = flags.DEFINE_string("dataset", None, "Its prepared data set.", required=True)

PAGES = Path(__file__).parents[1] / "docs" / "listen"
LARGEST_MIB = 4.0  # of one page
STRIPS = 3  # interpolations, of as many classes


def main(_) -> None:
    """Writes the page."""
    import gaae_tf
    from gaae_tf.data.shards import load_dataset
    from gaae_tf.evaluation.context import Context
    from gaae_tf.evaluation.listening import contents_of
    from gaae_tf.evaluation.phases import Phases
    from gaae_tf.evaluation.settings import EvaluateSettings
    from gaae_tf.report.page import write_page
    from gaae_tf.run.names import SCORES, SHIPPED
    from gaae_tf.scores import read_file

    folder = SHIPPED / _NAME.value
    run, dataset = gaae_tf.load(folder), load_dataset(Path(_DATASET.value))
    scores = read_file(folder / SCORES, ("details", "provenance"), "make it by scripts/ship.py")
    if tuple(scores["provenance"]["classes"]) != dataset.classes:
        raise ValueError(
            f"--dataset={_DATASET.value} has the classes {', '.join(dataset.classes)}, and the "
            f"model {', '.join(scores['provenance']['classes'])}"
        )
    clips = Context(run, folder, dataset, dataset, EvaluateSettings(), Phases())
    contents = contents_of(run, folder, scores, clips.known_test, clips.encoded_known_test)
    contents = dataclasses.replace(contents, strips=contents.strips[:STRIPS])
    page = write_page(PAGES / _NAME.value, contents, small=True)
    size = sum(file.stat().st_size for file in page.parent.rglob("*")) / 2**20
    print(f"{page}: {size:.1f} MiB")
    if size > LARGEST_MIB:
        raise ValueError(f"{page.parent} has {size:.1f} MiB, more than {LARGEST_MIB}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    app.run(main)

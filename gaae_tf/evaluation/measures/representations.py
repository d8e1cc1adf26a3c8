"""What codes know: probes of class, speaker and any other label in z, in z′ and in both.

Source: paper V-D to V-F. A guided code should tell the class and little else, a style code
everything else and little of the class; the table of both says how far that is so.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gaae_tf.data.shards import Clips, Dataset
from gaae_tf.metrics.intervals import wilson_interval

if typing.TYPE_CHECKING:
    from gaae_tf.evaluation.context import Context

NEIGHBOURS = 5
FOLDS = 5
MOST_VALUES = 50  # of a label; the most frequent ones
FEWEST_CLIPS = 10  # of a value
_KNOWN_SHARE = 0.9  # of test clips, whose values training clips have too
_MOST_CODES = 10_000  # that are probed, of either part
_MOST_CLIPS = 5_000  # that a probe learns from
_INTERVAL_IS = {
    "test": "Wilson, clips independent; what the probe learnt from is fixed",
    "folds": "Wilson, clips independent, which folds are not quite: rather too narrow",
}


class TooFew(ValueError):
    """A probe or picture cannot be had of so few clips or values; the message says of how many."""


@dataclasses.dataclass(frozen=True)
class Probe:
    """How well a label is recognised from a code.

    Attributes:
        linear: accuracy of multinomial logistic regression, in [0, 1].
        neighbours: accuracy of the vote of `NEIGHBOURS` neighbours, in [0, 1].
        chance: share of the most frequent value, which a probe that sees nothing would reach.
        values: how many values the label has here.
        clips: how many clips were tested.
        protocol: "test": learnt from training clips, tested on test clips; "folds": of the training
            clips alone, each fifth tested on what the others taught, for labels such as speakers
            that training and test do not share.
        linear_interval_95: Wilson's, of `linear` over `clips`.
        neighbours_interval_95: likewise, of `neighbours`.
        interval_is: what the two take for granted. Folds learn from shared clips, so their right
            answers depend a little on one another; no unbiased variance of theirs can be had
            (Bengio & Grandvalet 2004), and Wilson's is rather too narrow.
    """

    linear: float
    neighbours: float
    chance: float
    values: int
    clips: int
    protocol: str
    linear_interval_95: tuple[float, float]
    neighbours_interval_95: tuple[float, float]
    interval_is: str


def applies(context: Context) -> bool:
    """The run gives codes."""
    return context.can("represent")


def phase(context: Context) -> str:
    """What is done."""
    return "probes of the codes"


def measure(context: Context) -> dict[str, Any]:
    """Tables of the guiding data set, and of the run's own if that is another one."""
    parts = {"guiding": context.guiding}
    if not context.guided_by_itself:
        parts["dataset"] = context.dataset
    return {"representations": {name: _table(context, of) for name, of in parts.items()}}


def _table(context: Context, dataset: Dataset) -> dict[str, Any]:
    """What codes tell of a data set's clips: class, speaker and every further label; JSON."""
    train, test = (context.clips(dataset, split) for split in ("train", "test"))
    of_train, of_test = probed_clips(context, dataset)
    if of_train is not None:
        train = train.subset(of_train)
    train_codes = context.encoded(train.audio, "training clips").joined()
    encoded = context.encoded_test(dataset)
    if of_test is not None:
        test, encoded = test.subset(of_test), encoded.subset(of_test)
    test_codes = encoded.joined()
    found = probes(
        train_codes,
        _labels(train, dataset),
        test_codes,
        _labels(test, dataset),
        context.seed,
        context.phases.say,
    )
    told = {
        label: {
            code: {"reason": one} if isinstance(one, str) else _plain(one)
            for code, one in by_code.items()
        }
        for label, by_code in found.items()
    }
    return {"dataset": dataset.name, "probes": told}


def probed_clips(context: Context, dataset: Dataset) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Indices of the training clips and of the test clips whose codes are probed; None for all."""
    rng = np.random.default_rng(context.seed)
    chosen = []
    for split in ("train", "test"):
        count = len(context.clips(dataset, split).labels)
        draw = np.sort(rng.permutation(count)[:_MOST_CODES]) if count > _MOST_CODES else None
        chosen.append(draw)
    return chosen[0], chosen[1]


def _labels(clips: Clips, dataset: Dataset) -> dict[str, Sequence[str]]:
    """Values of each clip by the label's name, "" for none."""
    named = [dataset.classes[label] if label >= 0 else "" for label in clips.labels]
    return {"class": named, "speaker": clips.speakers, **clips.extra}


def _plain(found: Probe) -> dict[str, Any]:
    """A probe as JSON has it, without tuples."""
    fields = dataclasses.asdict(found)
    return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


def probe(
    train_codes: np.ndarray,
    train_values: Sequence[str],
    test_codes: np.ndarray,
    test_values: Sequence[str],
    seed: int = 0,
) -> Probe:
    """Probes one label in one kind of code; codes are standardised by their training clips.

    Clips without a value are left out; so are values of fewer than `FEWEST_CLIPS` training clips,
    and all but the `MOST_VALUES` most frequent ones. Of more than 5,000 training clips, a seeded
    draw is taken.

    Args:
        train_codes: float [clips, dimensions].
        train_values: the label's value of each clip, "" where it has none.
        test_codes: float [clips, dimensions].
        test_values: likewise.
        seed: of draw and folds.

    Raises:
        TooFew: fewer than two values are left.
        ValueError: a code is not finite.
    """
    train_codes, test_codes = np.asarray(train_codes, float), np.asarray(test_codes, float)
    if not (np.isfinite(train_codes).all() and np.isfinite(test_codes).all()):
        raise ValueError("codes must be finite")
    train_values, test_values = np.asarray(train_values, str), np.asarray(test_values, str)
    known, train = _learnt(train_values, seed)
    x, y = train_codes[train], train_values[train]
    shared = _shared(test_values, known)
    if shared is not None:
        linear, neighbours = _right(x, y, test_codes[shared], test_values[shared])
        return _result(linear, neighbours, test_values[shared], len(known), "test")
    linear, neighbours = np.zeros(len(x), bool), np.zeros(len(x), bool)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for learnt, tested in folds.split(x, y):
        linear[tested], neighbours[tested] = _right(x[learnt], y[learnt], x[tested], y[tested])
    return _result(linear, neighbours, y, len(known), "folds")


def probes(
    train_codes: Mapping[str, np.ndarray],
    train_labels: Mapping[str, Sequence[str]],
    test_codes: Mapping[str, np.ndarray],
    test_labels: Mapping[str, Sequence[str]],
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, Probe | str]]:
    """The table: for each label and kind of code a `Probe`, or why there is none.

    Args:
        train_codes: float [clips, dimensions] by the code's name.
        train_labels: values of each clip by the label's name, "" for none.
        test_codes: likewise.
        test_labels: likewise.
        seed: as in `probe`.
        say: receives each label's name before it is probed.
    """
    table: dict[str, dict[str, Probe | str]] = {}
    for label, values in train_labels.items():
        say(f"what codes tell of the {label}")
        table[label] = {}
        for code in train_codes:
            try:
                table[label][code] = probe(
                    train_codes[code], values, test_codes[code], test_labels[label], seed
                )
            except TooFew as error:
                table[label][code] = str(error)
    return table


@dataclasses.dataclass(frozen=True, eq=False)
class Told:
    """How well a label is told of several versions of the same test clips, by one probe.

    Attributes:
        right: by version, whether logistic regression is right, bool [clips].
        chance: share of the most frequent value among these clips.
        values: how many values the label has in training.
    """

    right: Mapping[str, np.ndarray]
    chance: float
    values: int


def told(
    train_features: np.ndarray,
    train_values: Sequence[str],
    versions: Mapping[str, np.ndarray],
    test_values: Sequence[str],
    seed: int = 0,
) -> Told:
    """Learns a label from training clips once, and asks for it of each version of test clips.

    Clips and values are left out, and features standardised, as in `probe`.

    Args:
        train_features: float [clips, dimensions].
        train_values: the label's value of each clip, "" where it has none.
        versions: features of the test clips by version, float [test clips, dimensions] each.
        test_values: of each test clip.
        seed: of the draw.

    Raises:
        TooFew: fewer than two values are left, or test clips have too many other values.
    """
    train_values, test_values = np.asarray(train_values, str), np.asarray(test_values, str)
    known, train = _learnt(train_values, seed)
    shared = _shared(test_values, known)
    if shared is None:
        raise TooFew("test clips have other values than the training clips that teach the probe")
    model = _linear().fit(np.asarray(train_features)[train], train_values[train])
    expected = test_values[shared]
    right = {name: model.predict(x[shared]) == expected for name, x in versions.items()}
    _, counts = np.unique(expected, return_counts=True)
    return Told(right, float(counts.max() / counts.sum()), len(known))


def tsne(codes: np.ndarray, seed: int = 0) -> np.ndarray:
    """Places codes in a plane by t-SNE: float32 [clips, dimensions] to float32 [clips, 2].

    Raises:
        TooFew: fewer than ten different codes, or codes of one dimension.
        ValueError: a code is not finite.
    """
    different = len(np.unique(codes, axis=0))
    if different < 10:
        raise TooFew(f"t-SNE needs ten different codes, there are {different}")
    if codes.shape[1] < 2:
        raise TooFew("t-SNE needs codes of two dimensions at least, these have one")
    perplexity = min(30.0, (len(codes) - 1) / 3)
    plane = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return plane.fit_transform(np.asarray(codes, np.float32))


def _learnt(values: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The values that a probe learns, and indices of the training clips that teach it."""
    known, counts = np.unique(values[values != ""], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    known = known[order[counts[order] >= FEWEST_CLIPS]]
    if len(known) < 2:
        raise TooFew(
            f"a probe needs two values of {FEWEST_CLIPS} training clips each, there are "
            f"{len(known)}"
        )
    train = np.flatnonzero(np.isin(values, known))
    if len(train) > _MOST_CLIPS:
        train = np.sort(np.random.default_rng(seed).permutation(train)[:_MOST_CLIPS])
    return known, train


def _shared(values: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """Which test clips have a known value, bool [clips]; None where too few of those named do."""
    named, shared = values != "", np.isin(values, known)
    return shared if named.any() and shared.sum() >= _KNOWN_SHARE * named.sum() else None


def _linear():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))


def _right(x, y, tested, expected) -> tuple[np.ndarray, np.ndarray]:
    """Whether logistic regression and neighbours are right, bool [tested clips] each."""
    near = make_pipeline(StandardScaler(), KNeighborsClassifier(min(NEIGHBOURS, len(x))))
    return tuple(model.fit(x, y).predict(tested) == expected for model in (_linear(), near))


def _result(linear, neighbours, tested, values: int, protocol: str) -> Probe:
    _, counts = np.unique(tested, return_counts=True)
    return Probe(
        linear=float(linear.mean()),
        neighbours=float(neighbours.mean()),
        chance=float(counts.max() / counts.sum()),
        values=values,
        clips=len(tested),
        protocol=protocol,
        linear_interval_95=wilson_interval(int(linear.sum()), len(linear)),
        neighbours_interval_95=wilson_interval(int(neighbours.sum()), len(neighbours)),
        interval_is=_INTERVAL_IS[protocol],
    )

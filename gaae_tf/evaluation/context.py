"""What measures share: a run, its clips, what scores them, and what its networks say of them.

Each split is read once, and each clip encoded once.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from gaae_tf.config import TrainConfig
from gaae_tf.data.shards import Clips, Dataset, load_dataset, read_clips
from gaae_tf.evaluation.encoded import Encoded, Encoder, encode
from gaae_tf.evaluation.measures.hearing import Heard
from gaae_tf.evaluation.measures.interpolations import Interpolator
from gaae_tf.evaluation.measures.quality import Scored
from gaae_tf.evaluation.measures.reconstructions import Autoencoder
from gaae_tf.evaluation.measures.restyling import Restyler
from gaae_tf.evaluation.phases import Phases
from gaae_tf.evaluation.samples import Generator, Sounds, from_folder, generated
from gaae_tf.evaluation.scorers import (
    Scorer,
    checkpoint_scorer,
    labelled_clips,
    trained_scorer,
)
from gaae_tf.evaluation.settings import EvaluateSettings
from gaae_tf.run.guidance import read_guidance

EVALUATION = "evaluation"  # in the run folder: blocks of scored sounds


class Run(Generator, Interpolator, Encoder, Autoencoder, Restyler, Protocol):
    """What is asked of a trained run, as `gaae_tf.load` gives it.

    It has the methods of what it can do; what the others would give is not measured.
    """

    config: TrainConfig  # names its data sets

    def can(self, ability: str) -> bool:
        """Whether it has one of `systems.spec.ABILITIES`."""


@dataclasses.dataclass(frozen=True, eq=False)
class RealClips:
    """Real clips as the scorer sees them.

    Attributes:
        train: labelled training clips of the guiding data set.
        test: labelled test clips of it.
        seen: features of every clip that the run was trained on, float32 [clips, d]: all of its
            data set, without labels too, and behind them those that guided from another one.
        seen_are: how many of `seen` are of which.
    """

    train: Scored
    test: Scored
    seen: np.ndarray
    seen_are: dict[str, int]


class Context:
    """What a measure may ask for.

    Args:
        run: the trained run.
        run_dir: its folder, which keeps scored sounds.
        dataset: the data set it was trained on; its test part is reconstructed.
        guiding: the data set whose labels guided it, perhaps the same; it has the run's classes.
        settings: what to measure.
        phases: receives what is timed, and logs it.

    Attributes:
        scorer: tells classes; there once `prepare` is done, as are:
        real: real clips, scored.
        sounds: sounds of the run or of a folder, scored; None of a run that makes none.
        heard: what is heard of the reconstructions of `own_test`, which the measure of these
            leaves here; None before.
    """

    scorer: Scorer
    real: RealClips
    sounds: Sounds | None

    def __init__(
        self,
        run: Run,
        run_dir: Path,
        dataset: Dataset,
        guiding: Dataset,
        settings: EvaluateSettings,
        phases: Phases,
    ) -> None:
        self.run, self.run_dir, self.settings, self.phases = run, run_dir, settings, phases
        self.dataset, self.guiding = dataset, guiding
        self.heard: Heard | None = None
        self._read: dict[tuple[Path, str], Clips] = {}
        self._encoded: dict[Path, Encoded] = {}

    @property
    def seed(self) -> int:
        """Of all draws."""
        return self.settings.seed

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in label order."""
        return self.guiding.classes

    @property
    def guided_by_itself(self) -> bool:
        """Whether the data set that it was trained on guided the run, too, if any did."""
        return self.guiding is self.dataset

    @property
    def generates(self) -> bool:
        """Whether sounds of the run are measured, and not those of a folder."""
        return self.settings.samples is None and self.can("generate")

    @property
    def measures_sounds(self) -> bool:
        """Whether sounds are measured, the run's or a folder's."""
        return self.settings.samples is not None or self.generates

    def can(self, ability: str) -> bool:
        """Whether the run has one of `systems.spec.ABILITIES`."""
        return self.run.can(ability)

    def clips(self, dataset: Dataset, split: str) -> Clips:
        """The clips of a split, read once."""
        key = dataset.path, split
        if key not in self._read:
            self._read[key] = read_clips(dataset, split)
        return self._read[key]

    @property
    def train(self) -> Clips:
        """The training part of the guiding data set."""
        return self.clips(self.guiding, "train")

    @property
    def test(self) -> Clips:
        """The test part of the guiding data set."""
        return self.clips(self.guiding, "test")

    @property
    def own_train(self) -> Clips:
        """The training part of the data set that the run was trained on."""
        return self.clips(self.dataset, "train")

    @property
    def own_test(self) -> Clips:
        """The test part of the data set that the run was trained on."""
        return self.clips(self.dataset, "test")

    @cached_property
    def known(self) -> Clips:
        """Labelled training clips of the guiding data set.

        Raises:
            ValueError: a class has none.
        """
        return labelled_clips(self.train, self.guiding, "train")

    @cached_property
    def known_test(self) -> Clips:
        """Labelled test clips of the guiding data set.

        Raises:
            ValueError: a class has none.
        """
        return labelled_clips(self.test, self.guiding, "test")

    @cached_property
    def known_test_indices(self) -> np.ndarray:
        """Which of the test clips have a label, int64 [labelled clips]."""
        return np.flatnonzero(self.test.labels >= 0)

    @cached_property
    def guidance(self) -> np.ndarray | None:
        """Which of the training clips guided the run, int64 [clips]; None if it used no labels.

        Raises:
            FileNotFoundError, ValueError: as `read_guidance`.
        """
        if not self.run.config.uses_labels:
            return None
        return read_guidance(self.run_dir, self.train.sources, self.guiding.path)

    def encoded_test(self, dataset: Dataset) -> Encoded:
        """What the run's networks say of the test clips of a data set, asked once."""
        if dataset.path not in self._encoded:
            self._encoded[dataset.path] = self.encoded(
                self.clips(dataset, "test").audio, "test clips"
            )
        return self._encoded[dataset.path]

    @property
    def encoded_known_test(self) -> Encoded | None:
        """What the networks say of labelled test clips; None of a run that reads none."""
        if not (self.can("represent") or self.can("classify")):
            return None
        return self.encoded_test(self.guiding).subset(self.known_test_indices)

    def encoded(self, audio: np.ndarray, what: str) -> Encoded:
        """What the run's networks say of int16 clips [clips, samples]; `what` they are."""
        return encode(self.run, audio, self.can("represent"), what)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The classes that the run tells of labelled test clips, int64 [clips]."""
        return self.encoded_known_test.probabilities.argmax(axis=1)

    def prepare(self) -> None:
        """Gets the scorer, and has it score real clips and sounds; then the networks test clips.

        Raises:
            ValueError: there are too few clips, or sounds cannot be used.
        """
        phases = self.phases
        with phases.phase("scorer"):
            self.scorer = self._the_scorer()
        with phases.phase("scoring real clips"):
            self.real = self._real_clips()
        self.sounds = self._sounds()
        if self.can("represent") or self.can("classify"):
            with phases.phase("codes of test clips"):
                self.encoded_test(self.guiding)
                if self.can("represent"):
                    self.encoded_test(self.dataset)

    def _the_scorer(self) -> Scorer:
        settings, say = self.settings, self.phases.say
        if settings.scorer_checkpoint is None:
            return trained_scorer(self.guiding, settings.scorer, log=say, read=self.clips)
        return checkpoint_scorer(settings.scorer_checkpoint, self.guiding, log=say, read=self.clips)

    def _sounds(self) -> Sounds | None:
        settings, phases = self.settings, self.phases
        if settings.samples is not None:
            with phases.phase(f"scoring the sounds in {settings.samples}"):
                sounds = from_folder(settings.samples, self.scorer)
                phases.count(len(sounds.scored))
            return sounds
        if not self.generates:
            return None
        with phases.phase(f"generating and scoring {settings.count} sounds"):
            folder = self.run_dir / EVALUATION
            sounds = generated(
                self.run, self.scorer, settings.count, self.seed, folder, log=phases.say
            )
            phases.count(sounds.source.pop("generated_now"))
        return sounds

    def _real_clips(self) -> RealClips:
        train, seen, seen_are = score_training(
            self.scorer, self.train, self.own_train, self.guidance
        )
        test = score("real test", self.scorer, self.known_test)
        count = len(seen) + len(test)
        if not self.guided_by_itself:
            count += len(train) - len(self.guidance)
        self.phases.count(count)
        return RealClips(train, test, seen, seen_are)


def opened(
    run: Run,
    run_dir: Path,
    settings: EvaluateSettings,
    dataset_dir: str | Path | None,
    guidance_dataset_dir: str | Path | None,
    phases: Phases,
) -> Context:
    """Opens a run's data sets, and reads what there must be for any measure.

    Args:
        run: the trained run.
        run_dir: its folder.
        settings: what to measure.
        dataset_dir: data set folder; None takes the one that the run was trained on.
        guidance_dataset_dir: folder of the data set that guided the run; None takes the one that
            did.
        phases: receives what is timed.

    Raises:
        FileNotFoundError: the guidance file is missing.
        ValueError: a data set is missing or does not fit the run.
    """
    dataset = load_dataset(run.config.dataset if dataset_dir is None else dataset_dir)
    guiding = _guiding(run, dataset, guidance_dataset_dir)
    _check_fit(run, dataset, guiding)
    context = Context(run, run_dir, dataset, guiding, settings, phases)
    _ = context.train, context.test, context.guidance
    return context


def _guiding(run: Run, dataset: Dataset, folder: str | Path | None) -> Dataset:
    """The data set that guided the run, which may be the one that it was trained on."""
    if run.config.guidance_dataset:
        return load_dataset(run.config.guidance_dataset if folder is None else folder)
    if folder is not None:
        raise ValueError(
            f"--guidance_dataset={folder}, but the run was guided by its own data set's labels; "
            "drop the flag, or give --dataset for where that one is."
        )
    return dataset


def _check_fit(run: Run, dataset: Dataset, guiding: Dataset) -> None:
    for name, part, flag in (
        ("classes", guiding, "--dataset" if guiding is dataset else "--guidance_dataset"),
        ("sample_rate_hz", dataset, "--dataset"),
        ("clip_samples", dataset, "--dataset"),
        ("sample_rate_hz", guiding, "--guidance_dataset"),
        ("clip_samples", guiding, "--guidance_dataset"),
    ):
        of_run, of_dataset = getattr(run, name), getattr(part, name)
        if of_run != of_dataset and of_run != ():  # a system without classes fits all
            raise ValueError(
                f"The run was trained with {name} {of_run}, but the data set {part.path} has "
                f"{of_dataset}; give {flag} the folder that it was trained on."
            )


def score(name: str, scorer: Scorer, clips: Clips) -> Scored:
    """Scores real clips; `name` is what figures call them."""
    scores = scorer.score(clips.audio, sample_rate_hz=scorer.sample_rate_hz, progress=True)
    return Scored(name, *scores, clips.labels)


def score_training(
    scorer: Scorer, train: Clips, own: Clips, guidance: np.ndarray | None
) -> tuple[Scored, np.ndarray, dict[str, int]]:
    """Scores labelled training clips, and all that the run was trained on, each clip once.

    Args:
        scorer: What scores.
        train: The training part of the data set that guided the run.
        own: The training part of the data set that it was trained on, perhaps the very same.
        guidance: Indices into `train` of the clips that guided.

    Returns:
        Labelled clips of `train`; and `RealClips.seen` and `seen_are`.
    """
    if own is train:
        every = score("real train", scorer, train)
        chosen = train.labels >= 0
        parts = (every.logits[chosen], every.features[chosen], every.labels[chosen])
        return Scored("real train", *parts), every.features, {"data_set": len(every)}
    chosen = np.flatnonzero(train.labels >= 0)
    labelled = score("real train", scorer, train.subset(chosen))
    added = labelled.features[np.searchsorted(chosen, guidance)]
    seen = score("real train", scorer, own).features
    counts = {"data_set": len(seen), "guidance": len(added)}
    return labelled, np.concatenate([seen, added]), counts

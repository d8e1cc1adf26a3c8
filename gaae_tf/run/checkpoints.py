"""Checkpoints of the whole training state; restored to go on training, or to sample.

A checkpoint holds all networks (spectral vectors and batch statistics with them), their moving
averages, the optimizers (loss scale with them), the step, what else training remembers from step to
step, and the progress figures. Data order and noise are functions of (seed, step), so nothing else
is needed to go on exactly.

Its files are written in a folder beside, then renamed: step-N.data-…, step-N.index, and last
step-N.sha256, which `sha256sum --check` reads. A kill at any moment leaves either all of it or
nothing that would be taken for it, and the one before stays until the new one is whole.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from gaae_tf.files import sha256, without_patterns, write_text
from gaae_tf.networks.latent_classifier import LatentClassifier
from gaae_tf.run import names as run_names
from gaae_tf.systems.system import System

_BEST = "best"  # below the folder of the rolling ones
_START = "start"
_UNFINISHED = ".unfinished"
_LASTING = "lasting_networks_alone"  # a variable that only such a checkpoint has
_FILE = re.compile(r"step-(\d+)\.(?:sha256|index|data-\d+-of-\d+)")
# What TensorFlow raises of files that are cut off, altered, or not of one checkpoint; of one that
# claims to be larger than any memory, too.
_DAMAGE = (tf.errors.OpError, IndexError, MemoryError)


class Checkpoints:
    """Rolling checkpoints of a compiled model, and the best one.

    Args:
        run_dir: the run folder.
        model: the compiled model.
        keep: how many rolling checkpoints stay.
        writes: whether this process saves; of several, one does.
    """

    def __init__(self, run_dir: Path, model: System, keep: int, writes: bool = True):
        self.model = model
        self.best_accuracy = tf.Variable(-1.0, name="best_accuracy")
        self.trained_seconds = tf.Variable(0.0, dtype=tf.float64, name="trained_seconds")
        variables = {
            **_network_variables(model),
            **_optimizer_variables(model),
            "best_accuracy": self.best_accuracy,
            "trained_seconds": self.trained_seconds,
        }
        # What older versions wrote lacks the first of these, or both.
        later = {"rollbacks": model.rollbacks, **model.memory}
        self._checkpoint = tf.train.Checkpoint(**variables, **later)
        self._before_rates = tf.train.Checkpoint(**variables, rollbacks=model.rollbacks)
        self._before_rollbacks = tf.train.Checkpoint(**variables)
        # Made here, for each process must make its variables in the same order.
        for checkpoint in (self._checkpoint, self._before_rates, self._before_rollbacks):
            _ = checkpoint.save_counter
        self._folder = run_dir / run_names.CHECKPOINTS
        self._keep = keep
        self._writes = writes

    def restore(self) -> int:
        """Restores the latest good checkpoint, if there is any; returns the step to go on from.

        Where no rolling one is good, the best one is taken. What is broken is printed.

        Raises:
            ValueError: there are checkpoints, and all are broken; each is named. Or the newest good
                one is of another structure than the model.
        """
        prefixes = self._prefixes()
        if prefixes:
            _restore_newest(prefixes, self._read)
        return int(self.model.step.numpy())

    def _read(self, prefix: str) -> None:
        held = _held(prefix)
        if _LASTING in held:
            raise ValueError(
                f"{prefix} holds the networks that make sounds and codes, and no training state: "
                "it can be loaded, not trained on; give another --run_dir"
            )
        checkpoint = self._checkpoint
        if "rollbacks" not in held:
            checkpoint = self._before_rollbacks
        elif "rate_scale" not in held:
            checkpoint = self._before_rates
        try:
            checkpoint.restore(prefix).assert_consumed()
        except (AssertionError, ValueError) as error:  # other variables, other shapes
            raise ValueError(
                f"{prefix} is of another structure than this version of the model: {error}; train "
                "anew in another --run_dir, or continue with the version that began"
            ) from error
        if "rollbacks" not in held:
            self.model.rollbacks.assign(0)
        if "rate_scale" not in held:
            self.model.rate_scale.assign(1.0)

    def save_start(self) -> None:
        """Saves the state before the first step, for `roll_back` until there is a checkpoint."""
        if self._writes:
            _save(self._checkpoint, self._folder / _START, step=0, keep=1)

    def roll_back(self) -> int:
        """Goes back to the latest good checkpoint, or the start; returns its step.

        Counts that as one more rollback, from which on the model's noise is another.

        Raises:
            ValueError: nothing good is there to go back to; what is broken is named.
        """
        rollbacks = int(self.model.rollbacks.numpy()) + 1
        _restore_newest(self._prefixes() or _saved(self._folder / _START), self._read)
        self.model.rollbacks.assign(rollbacks)
        self.model.part_in_divergence.assign(0.0)
        return int(self.model.step.numpy())

    def _prefixes(self) -> list[Path]:
        return _saved(self._folder) + _saved(self._folder / _BEST)

    def save(self, accuracy: float | None = None) -> None:
        """Saves the state, also as the best if validation `accuracy` has never been higher."""
        if not self._writes:
            return
        step = int(self.model.step.numpy())
        if accuracy is not None and accuracy > float(self.best_accuracy.numpy()):
            self.best_accuracy.assign(accuracy)
            _save(self._checkpoint, self._folder / _BEST, step, keep=1)
        _save(self._checkpoint, self._folder, step, self._keep)
        shutil.rmtree(self._folder / _START, ignore_errors=True)


def save_for_sampling(model: System, run_dir: Path) -> None:
    """Writes a checkpoint of the lasting networks alone: to sample from, not to train on.

    Args:
        model: restored by `restore_for_sampling`, which has measured the sampler's statistics; they
            are kept.
        run_dir: a run folder without checkpoints.
    """
    checkpoint = tf.train.Checkpoint(
        **_network_variables(model, lasting=True), **{_LASTING: tf.Variable(True)}
    )
    _save(checkpoint, run_dir / run_names.CHECKPOINTS, int(model.step.numpy()), keep=1)


def restore_for_sampling(
    model: System, run_dir: Path, which: str = "latest", reestimate_batches: int = 0
) -> int:
    """Restores the networks of a run into an uncompiled model; returns their step.

    The sampler's batch statistics are measured again if that is asked for, unless they were before
    `save_for_sampling`. A broken checkpoint is printed, and the newest good one before it taken.

    Args:
        model: built by `build_model` from the run's own configuration.
        run_dir: the run folder.
        which: "latest" or "best".
        reestimate_batches: over how many batches the statistics are measured; 0 leaves them.

    Raises:
        ValueError: `which` is neither, or all such checkpoints are broken; each is named.
        FileNotFoundError: the run has no such checkpoint.
    """
    if which not in ("latest", "best"):
        raise ValueError(f"checkpoint must be 'latest' or 'best', got {which!r}")
    folder = Path(run_dir) / run_names.CHECKPOINTS
    if which == "best":
        folder = folder / _BEST
    prefixes = _saved(folder)
    if not prefixes:
        raise FileNotFoundError(
            f"{folder} holds no checkpoint; has training saved one yet (--checkpoint_every)?"
        )

    measured = False

    def read(prefix):
        nonlocal measured
        held = _held(prefix)
        measured = _LASTING in held
        variables = _network_variables(model, lasting=measured)
        older = not held.issuperset(variables)
        if older:
            variables = _network_variables(model, standardising=False)
        status = tf.train.Checkpoint(**variables).restore(prefix)
        status.assert_existing_objects_matched().expect_partial()
        if older:
            _standardise_nothing(model)

    _restore_newest(prefixes, read)
    if reestimate_batches and not measured:
        model.reestimate_statistics(reestimate_batches)
    return int(model.step.numpy())


def is_for_sampling_alone(run_dir: Path) -> bool:
    """Whether the newest checkpoint of a run is one of `save_for_sampling`; it has one."""
    with without_patterns(_saved(Path(run_dir) / run_names.CHECKPOINTS)[0]) as prefix:
        return _LASTING in _held(prefix)


def _held(prefix: str) -> set[str]:
    """The names under which a checkpoint was given its variables."""
    return {name.split("/")[0] for name, _ in tf.train.list_variables(prefix)}


def progress(run_dir: Path) -> tuple[int, float]:
    """Step and trained seconds of a run's latest checkpoint, without its weights; 0 without one.

    Raises:
        ValueError: the checkpoint cannot be read; it is named.
    """
    folder = Path(run_dir) / run_names.CHECKPOINTS
    with without_patterns(folder / "checkpoint") as state:
        return _progress(Path(state).parent)


def _progress(folder: Path) -> tuple[int, float]:
    try:
        path = tf.train.latest_checkpoint(str(folder))
    except (*_DAMAGE, ValueError) as error:
        raise ValueError(f"{folder / 'checkpoint'} cannot be read: {error}") from error
    if path is None:
        return 0, 0.0
    try:
        reader = tf.train.load_checkpoint(path)
        step, seconds = (
            reader.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE")
            for name in ("step", "trained_seconds")
        )
        return int(step), float(seconds)
    except (*_DAMAGE, RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{path} is no readable checkpoint of a training: {error}") from error


def _save(checkpoint: tf.train.Checkpoint, folder: Path, step: int, keep: int) -> None:
    """Writes a checkpoint; leaves it and the newest `keep` - 1 before it in the folder."""
    unfinished = folder / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)  # a kill left it
    unfinished.mkdir(parents=True)
    checkpoint.save_counter.assign_add(1)
    with without_patterns(unfinished / f"step-{step}") as prefix:
        checkpoint.write(prefix)
    written = sorted(unfinished.iterdir())  # the data before their index
    sums = "".join(f"{sha256(file)}  {file.name}\n" for file in written)
    (folder / f"step-{step}.sha256").unlink(missing_ok=True)  # of the same step, saved before
    for file in written:
        file.replace(folder / file.name)
    unfinished.rmdir()
    write_text(folder / f"step-{step}.sha256", sums)
    # Later ones that are there could not be restored, else this one would be later still.
    before = [prefix for prefix in _saved(folder) if _step(prefix) < step]
    kept = [folder / f"step-{step}", *before[: keep - 1]]
    # For `tf.train.latest_checkpoint` and whatever else reads TensorFlow's own state file.
    state = f'model_checkpoint_path: "{kept[0].name}"\n'
    state += "".join(f'all_model_checkpoint_paths: "{one.name}"\n' for one in reversed(kept))
    write_text(folder / "checkpoint", state)
    others = [file for file in _files(folder) if _step(file) not in map(_step, kept)]
    # First the checksums, then the index: what a kill leaves is whole, or is no checkpoint.
    for file in sorted(others, key=lambda file: file.name, reverse=True):
        file.unlink()


def _files(folder: Path) -> list[Path]:
    """Every file of a checkpoint in the folder."""
    if not folder.is_dir():
        return []
    return [file for file in folder.iterdir() if _FILE.fullmatch(file.name)]


def _step(path: Path) -> int:
    return int(re.match(r"step-(\d+)", path.name)[1])


def _saved(folder: Path) -> list[Path]:
    """Prefixes of the checkpoints in a folder, good or not, the newest first."""
    marks = {file.with_suffix("") for file in _files(folder) if ".data-" not in file.name}
    return sorted(marks, key=_step, reverse=True)


def _restore_newest(prefixes: list[Path], read: Callable[[str], None]) -> None:
    """Restores the first checkpoint that is good by `read`; prints those before it."""
    broken = []
    for prefix in prefixes:
        problem = ""
        if prefix.with_name(f"{prefix.name}.sha256").exists():
            problem = _problem(prefix)
        else:
            print(
                f"Note: checkpoint {prefix} has no checksums (an older version wrote it, or a kill "
                "came just before them); it is taken as it is.",
                file=sys.stderr,
                flush=True,
            )
        if not problem:
            try:
                with without_patterns(prefix) as path:
                    read(path)
            except _DAMAGE as error:  # checksums can be as wrong as what they are of
                problem = f"TensorFlow cannot read it: {error!r}"
        if not problem:
            if broken:
                print(f"Using {prefix} in its place.", file=sys.stderr, flush=True)
            return
        broken.append(f"{prefix} ({problem})")
        print(f"WARNING: checkpoint {broken[-1]} is broken.", file=sys.stderr, flush=True)
    raise ValueError(f"no checkpoint can be used, all are broken: {'; '.join(broken)}")


def _problem(prefix: Path) -> str:
    """What is wrong with a checkpoint's files by their checksums, "" if nothing."""
    sums = prefix.with_name(f"{prefix.name}.sha256")
    try:
        lines = sums.read_text().splitlines()
    except (OSError, ValueError) as error:
        return f"{sums.name} cannot be read: {error}"
    expected = dict(line.split("  ", 1)[::-1] for line in lines if "  " in line)
    if f"{prefix.name}.index" not in expected:
        return f"{sums.name} does not name the index"
    for name, digest in expected.items():
        if not _FILE.fullmatch(name):
            return f"{sums.name} names {name!r}, which is no checkpoint's file"
        try:
            if sha256(prefix.with_name(name)) != digest:
                return f"{name} is not as it was written: its SHA-256 differs"
        except FileNotFoundError:
            return f"{name} is missing"
        except OSError as error:
            return f"{name} cannot be read: {error}"
    return ""


def _network_variables(
    model: System, standardising: bool = True, lasting: bool = False
) -> dict[str, tf.Variable]:
    """Every variable of the model but the optimizers', by a name that is the same in all processes.

    Without `standardising` they are those of older versions, whose GAAE had a C that read its codes
    as they were. With `lasting` they are those of the networks that sampling needs.

    Each is named here because object tracking does not follow Keras layers kept in lists, and
    would leave their weights out without a word.

    Raises:
        AssertionError: the model has a weight that is in none of its networks.
    """
    variables, left_out = {"step": model.step.value}, 0
    for name, network in model.all_networks.items():
        weights = network.weights
        if lasting and network not in model.lasting_networks:
            left_out += len(weights)
            continue
        if not standardising and isinstance(network, LatentClassifier):
            own = {weight.path for weight in network.standardise.weights}
            weights = [weight for weight in weights if weight.path not in own]
            left_out += len(own)
        variables |= _named(weights, name)
    whole = len(variables) + left_out == len(model.weights)
    assert whole, "a weight of the model is in none of its networks"
    return variables


def _standardise_nothing(model: System) -> None:
    """Has every C read codes as they are."""
    for network in model.all_networks.values():
        if isinstance(network, LatentClassifier):
            network.standardise.moving_mean.assign(tf.zeros_like(network.standardise.moving_mean))
            ones = tf.ones_like(network.standardise.moving_variance)
            network.standardise.moving_variance.assign(ones - network.standardise.epsilon)


def _optimizer_variables(model: System) -> dict[str, tf.Variable]:
    variables = {}
    for name in model.OPTIMIZERS:
        variables |= _named(model.optimizer_of(name).variables, f"{name}_optimizer")
    return variables


def _named(variables, prefix: str) -> dict[str, tf.Variable]:
    return {f"{prefix}_{i:04}": variable.value for i, variable in enumerate(variables)}

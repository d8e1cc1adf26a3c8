import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import test_gaae
from test_gaae import batches, tiny_model
from test_ggan import ggan

from gaae_tf.run import checkpoints as module
from gaae_tf.run.checkpoints import (
    Checkpoints,
    _network_variables,
    _optimizer_variables,
    _save,
    progress,
    restore_for_sampling,
)


def all_values(model):
    optimizers = (model.autoencoder_optimizer, model.sample_optimizer, model.latent_optimizer)
    variables = model.weights + [v for optimizer in optimizers for v in optimizer.variables]
    return [variable.numpy() for variable in variables]


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory):
    """A model of one step, and its run folder."""
    model = tiny_model()
    model.train_step(batches())
    run_dir = tmp_path_factory.mktemp("trained")
    Checkpoints(run_dir, model, keep=2).save(accuracy=0.5)
    return model, run_dir


@pytest.fixture
def trained(trained_once, tmp_path):
    """The model as it was saved, in `tmp_path`."""
    model, run_dir = trained_once
    shutil.copytree(run_dir, tmp_path, dirs_exist_ok=True)
    Checkpoints(tmp_path, model, keep=2).restore()
    return model


def test_every_variable_of_networks_and_optimizers_comes_back(trained, tmp_path):
    other = tiny_model()
    for weight in other.weights:
        weight.assign(tf.cast(tf.ones_like(weight.value) * 7, weight.dtype))
    assert Checkpoints(tmp_path, other, keep=2).restore() == 1
    for a, b in zip(all_values(trained), all_values(other), strict=True):
        assert np.array_equal(a, b)


def test_names_and_shapes_are_those_of_the_first_checkpoints(trained, tmp_path):
    older = as_older(trained, tmp_path / "older")
    variables = sorted(
        (name, shape)
        for name, shape in tf.train.list_variables(str(older))
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    )
    assert len(variables) == 386
    # Of what version 0.1.0 wrote for this model: older runs must stay readable.
    digest = hashlib.sha256(json.dumps(variables).encode()).hexdigest()
    assert digest == "ea249b78d1c979d843b681c856982e18a10f008311df8d7d31c9156c747119b3"


def as_older(model, run_dir):
    """Writes a checkpoint as version 0.1.0 had it before C standardised its codes."""
    folder = run_dir / "checkpoints"
    checkpoints = Checkpoints(run_dir, model, keep=1)
    checkpoint = tf.train.Checkpoint(
        **_network_variables(model, standardising=False),
        **_optimizer_variables(model),
        best_accuracy=checkpoints.best_accuracy,
        trained_seconds=checkpoints.trained_seconds,
    )
    _save(checkpoint, folder, step=1, keep=1)
    return folder


def test_an_older_run_can_be_sampled_and_its_c_reads_codes_as_they_are(trained, tmp_path):
    as_older(trained, tmp_path / "older")
    other = tiny_model()
    assert restore_for_sampling(other, tmp_path / "older") == 1
    codes = np.random.default_rng(0).normal(2.0, 3.0, (6, 5)).astype("float32")
    expected = trained.averaged_classifier.stack(codes).numpy()
    found = other.averaged_classifier(codes).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_an_older_run_is_not_continued(trained, tmp_path):
    as_older(trained, tmp_path / "older")
    with pytest.raises(ValueError, match="is of another structure than this version"):
        Checkpoints(tmp_path / "older", tiny_model(), keep=1).restore()


@pytest.mark.parametrize("other", [ggan, tiny_model])
def test_a_checkpoint_of_another_structure_is_named(trained, tmp_path, other, monkeypatch):
    monkeypatch.setattr(test_gaae, "CLASSES", 4)
    checkpoints = Checkpoints(tmp_path, other(), keep=2)
    named = r"(?s)checkpoints/step-1 is of another structure .*another --run_dir"
    with pytest.raises(ValueError, match=named):
        checkpoints.restore()


@pytest.mark.parametrize("which", ["latest", "best"])
def test_sampling_needs_no_optimizer_and_gets_every_weight(trained, tmp_path, which):
    other = tiny_model()
    for weight in other.weights:
        weight.assign(tf.cast(tf.ones_like(weight.value) * 7, weight.dtype))
    assert restore_for_sampling(other, tmp_path, which) == 1
    for a, b in zip(trained.weights, other.weights, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_only_a_better_accuracy_makes_a_new_best(trained, tmp_path):
    checkpoints = Checkpoints(tmp_path, trained, keep=2)
    checkpoints.restore()
    trained.step.assign(2)
    checkpoints.save(accuracy=0.4)
    trained.step.assign(3)
    checkpoints.save(accuracy=0.6)
    best = sorted(path.name for path in (tmp_path / "checkpoints" / "best").glob("*.index"))
    assert best == ["step-3.index"]


def test_rolling_checkpoints_keep_the_newest(trained, tmp_path):
    checkpoints = Checkpoints(tmp_path, trained, keep=2)
    for step in (2, 3, 4):
        trained.step.assign(step)
        checkpoints.save()
    kept = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.index"))
    assert kept == ["step-3.index", "step-4.index"]


def test_progress_is_told_without_a_model(tmp_path):
    assert progress(tmp_path) == (0, 0.0)
    model = tiny_model()
    checkpoints = Checkpoints(tmp_path, model, keep=2)
    model.step.assign(5)
    checkpoints.trained_seconds.assign(12.5)
    checkpoints.save()
    assert progress(tmp_path) == (5, 12.5)
    (tmp_path / "checkpoints" / "step-5.index").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"step-5 is no readable checkpoint"):
        progress(tmp_path)


@pytest.mark.parametrize("name", ["lr=[1e-4]", "a*b?", "back\\slash", "[", "plain"])
def test_a_folder_of_any_name_is_saved_to_and_read_again(trained, tmp_path, name):
    """TensorFlow takes some of these signs for patterns."""
    run_dir = tmp_path / name / "run"
    checkpoints = Checkpoints(run_dir, trained, keep=2)
    checkpoints.trained_seconds.assign(12.5)
    checkpoints.save(accuracy=0.5)
    expected = all_values(trained)
    for weight in trained.weights:
        weight.assign(tf.cast(tf.ones_like(weight.value) * 7, weight.dtype))
    assert checkpoints.restore() == 1
    for a, b in zip(expected, all_values(trained), strict=True):
        assert np.array_equal(a, b)
    assert restore_for_sampling(trained, run_dir, "best") == 1
    assert progress(run_dir) == (1, 12.5)


def test_a_run_without_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        restore_for_sampling(tiny_model(), tmp_path)


def test_an_unknown_checkpoint_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'latest' or 'best', got 'first'"):
        restore_for_sampling(tiny_model(), tmp_path, "first")


class Counter:
    """A training state of one number, checkpointed in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.value = tf.Variable(0)
        self.checkpoint = tf.train.Checkpoint(value=self.value)

    def save(self, step, keep=2):
        self.value.assign(step)
        module._save(self.checkpoint, self.folder, step, keep)

    def restored(self):
        """The number of the newest good checkpoint."""
        self.value.assign(-1)
        module._restore_newest(
            module._saved(self.folder), lambda path: self.checkpoint.restore(path).assert_consumed()
        )
        return int(self.value.numpy())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class Killed(BaseException):
    """No handler meets it, as none meets SIGKILL."""


@pytest.mark.parametrize(("again", "keep"), [(3, 1), (3, 2), (2, 2)])
def test_a_kill_at_any_file_operation_leaves_a_good_checkpoint(again, keep, tmp_path, monkeypatch):
    """Also where a step is saved `again` (2) over its own files."""
    moments = 0
    while True:
        counter = Counter(tmp_path / str(moments))
        counter.save(1, keep)
        counter.save(2, keep)
        left = moments

        def killed(original, *arguments, **keywords):
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            return original(*arguments, **keywords)

        with monkeypatch.context() as patch:
            for name in ("replace", "unlink", "mkdir", "rmdir", "write_text"):
                original = getattr(Path, name)
                patch.setattr(
                    Path, name, lambda *a, original=original, **k: killed(original, *a, **k)
                )
            try:
                counter.save(again, keep)
                break
            except Killed:
                pass
        assert counter.restored() in (1, 2, 3)[2 - keep :]
        counter.save(4, keep)
        assert counter.restored() == 4
        assert not (counter.folder / ".unfinished").exists()
        assert len(list(counter.folder.glob("step-*.index"))) == keep
        moments += 1
    assert moments >= 8


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


DAMAGE = [
    (cut, ".data-00000-of-00001", "SHA-256 differs"),
    (flip, ".data-00000-of-00001", "SHA-256 differs"),
    (Path.unlink, ".data-00000-of-00001", "is missing"),
    (flip, ".index", "SHA-256 differs"),
    (Path.unlink, ".index", "is missing"),
    (lambda path: path.write_bytes(b"\xff\xfe"), ".sha256", "cannot be read"),
    (lambda path: path.write_text(""), ".sha256", "does not name the index"),
    (lambda path: path.write_text(f"0  ../x\n0  {path.stem}.index\n"), ".sha256", "'../x'"),
]


@pytest.mark.parametrize(("damage", "suffix", "problem"), DAMAGE)
def test_a_broken_checkpoint_is_named_and_the_one_before_it_used(
    damage, suffix, problem, tmp_path, capsys
):
    counter = Counter(tmp_path)
    counter.save(1)
    counter.save(2)
    damage(tmp_path / f"step-2{suffix}")
    assert counter.restored() == 1
    warning, used = capsys.readouterr().err.splitlines()
    assert warning.startswith(f"WARNING: checkpoint {tmp_path / 'step-2'} (step-2{suffix} ") or (
        suffix == ".sha256" and problem in warning
    )
    assert problem in warning
    assert used == f"Using {tmp_path / 'step-1'} in its place."


def test_damage_without_checksums_is_what_tensorflow_finds(tmp_path, capsys):
    counter = Counter(tmp_path)
    counter.save(1)
    for change in (cut, flip):
        for suffix in (".data-00000-of-00001", ".index"):
            counter.save(2)
            (tmp_path / "step-2.sha256").unlink()
            change(tmp_path / f"step-2{suffix}")
            assert counter.restored() == 1
    assert capsys.readouterr().err.count("TensorFlow cannot read it") == 4


def test_training_and_sampling_pass_over_a_broken_checkpoint(trained, tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path, trained, keep=2)
    trained.step.assign(5)
    checkpoints.save()
    flip(tmp_path / "checkpoints" / "step-5.data-00000-of-00001")
    assert checkpoints.restore() == 1
    trained.step.assign(9)
    assert restore_for_sampling(trained, tmp_path) == 1
    assert capsys.readouterr().err.count("step-5.data-00000-of-00001 is not as it was") == 2


def test_training_goes_on_from_the_best_if_no_other_is_good(trained, tmp_path, capsys):
    cut(tmp_path / "checkpoints" / "step-1.index")
    trained.step.assign(9)
    assert Checkpoints(tmp_path, trained, keep=2).restore() == 1
    assert "best/step-1 in its place" in capsys.readouterr().err


def test_if_all_are_broken_all_are_named(trained, tmp_path):
    for folder in ("checkpoints", "checkpoints/best"):
        cut(tmp_path / folder / "step-1.index")
    with pytest.raises(ValueError, match=r"all are broken: .*step-1 \(.*; .*best/step-1 \("):
        Checkpoints(tmp_path, trained, keep=2).restore()
    with pytest.raises(ValueError, match=r"all are broken: .*best/step-1"):
        restore_for_sampling(trained, tmp_path, "best")


def test_a_rollback_goes_to_the_latest_good_checkpoint_and_is_counted_in_the_next(
    trained, tmp_path, capsys
):
    checkpoints = Checkpoints(tmp_path, trained, keep=2)
    trained.step.assign(5)
    checkpoints.save()
    flip(tmp_path / "checkpoints" / "step-5.index")
    trained.step.assign(7)
    for rollbacks in (1, 2):
        assert checkpoints.roll_back() == 1
        assert trained.rollbacks.numpy() == rollbacks
    checkpoints.save()
    trained.rollbacks.assign(0)
    checkpoints.restore()
    assert trained.rollbacks.numpy() == 2


def test_before_the_first_checkpoint_a_rollback_goes_to_the_start(trained_once, tmp_path):
    model, _ = trained_once
    checkpoints = Checkpoints(tmp_path, model, keep=2)
    model.step.assign(0)
    checkpoints.save_start()
    before = all_values(model)
    for weight in model.weights:
        weight.assign(tf.cast(tf.ones_like(weight.value) * 7, weight.dtype))
    assert checkpoints.roll_back() == 0
    for a, b in zip(before, all_values(model), strict=True):
        assert np.array_equal(a, b)
    # It is nothing to go on from, nor to sample from, and goes with the first checkpoint.
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        restore_for_sampling(model, tmp_path)
    assert (tmp_path / "checkpoints" / "start" / "step-0.index").is_file()
    checkpoints.save()
    assert not (tmp_path / "checkpoints" / "start").exists()


def test_a_checkpoint_of_the_first_version_has_no_rollbacks(trained, tmp_path, capsys):
    checkpoints = Checkpoints(tmp_path, trained, keep=2)
    manager = tf.train.CheckpointManager(
        checkpoints._before_rollbacks, str(tmp_path / "checkpoints"), 3, checkpoint_name="step"
    )
    trained.step.assign(4)
    manager.save(checkpoint_number=4)
    trained.rollbacks.assign(3)
    assert checkpoints.restore() == 4
    assert trained.rollbacks.numpy() == 0
    assert "step-4 has no checksums" in capsys.readouterr().err


def test_what_is_left_of_later_broken_checkpoints_goes_with_the_next_save(tmp_path, capsys):
    counter = Counter(tmp_path)
    for step in (1, 2, 4):
        counter.save(step, keep=3)
    flip(tmp_path / "step-4.index")
    assert counter.restored() == 2
    counter.save(3, keep=2)
    assert [name for name in names(tmp_path) if name.endswith("index")] == [
        "step-2.index",
        "step-3.index",
    ]
    assert counter.restored() == 3


def test_checksums_are_in_the_form_of_sha256sum(tmp_path):
    Counter(tmp_path).save(7)
    lines = (tmp_path / "step-7.sha256").read_text().splitlines()
    assert lines == [
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}"
        for name in ("step-7.data-00000-of-00001", "step-7.index")
    ]


def test_a_folder_of_the_first_version_is_read_with_a_note_and_continued(tmp_path, capsys):
    counter = Counter(tmp_path)
    manager = tf.train.CheckpointManager(
        counter.checkpoint, str(tmp_path), max_to_keep=3, checkpoint_name="step"
    )
    for step in (2, 10):
        counter.value.assign(step)
        manager.save(checkpoint_number=step)
    assert counter.restored() == 10
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith(f"Note: checkpoint {tmp_path / 'step-10'} has no checksums")
    counter.save(11)
    assert [name for name in names(tmp_path) if name.endswith("index")] == [
        "step-10.index",
        "step-11.index",
    ]
    assert counter.restored() == 11
    assert capsys.readouterr().err == ""


def test_tensorflow_finds_the_latest_checkpoint_also_of_a_moved_folder(tmp_path):
    counter = Counter(tmp_path / "a")
    for step in (9, 10):
        counter.save(step)
    shutil.move(tmp_path / "a", tmp_path / "b")
    assert tf.train.latest_checkpoint(str(tmp_path / "b")) == str(tmp_path / "b" / "step-10")

import numpy as np
import pytest
import tensorflow as tf
from test_gaae import batches, tiny_model

from gaae_tf.training.checkpoints import Checkpoints, restore_for_sampling


def all_values(model):
    optimizers = (model.autoencoder_optimizer, model.sample_optimizer, model.latent_optimizer)
    variables = model.weights + [v for optimizer in optimizers for v in optimizer.variables]
    return [variable.numpy() for variable in variables]


@pytest.fixture
def trained(tmp_path):
    model = tiny_model()
    model.train_step(batches())
    checkpoints = Checkpoints(tmp_path, model, keep=2)
    checkpoints.save(accuracy=0.5)
    return model


def test_every_variable_of_networks_and_optimizers_comes_back(trained, tmp_path):
    other = tiny_model()
    for weight in other.weights:
        weight.assign(tf.cast(tf.ones_like(weight.value) * 7, weight.dtype))
    assert Checkpoints(tmp_path, other, keep=2).restore() == 1
    for a, b in zip(all_values(trained), all_values(other), strict=True):
        assert np.array_equal(a, b)


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


def test_a_run_without_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no checkpoint"):
        restore_for_sampling(tiny_model(), tmp_path)


def test_an_unknown_checkpoint_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'latest' or 'best', got 'first'"):
        restore_for_sampling(tiny_model(), tmp_path, "first")

"""A system in a file of its own, which nothing else in the package knows, goes the whole road."""

import dataclasses
import sys

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from test_fit import assert_same_state

import gaae_tf
from gaae_tf import systems
from gaae_tf.config import TrainConfig, define_flags
from gaae_tf.evaluation.evaluate import EvaluateSettings, evaluate
from gaae_tf.evaluation.scorers import ScorerSettings
from gaae_tf.run.export import save
from gaae_tf.training import fit
from gaae_tf.training.dry_run import describe

TOY = '''
"""A generator that learns the mean spectrogram of the clips of each class."""

import keras
import tensorflow as tf

from gaae_tf.networks.saving import Saved
from gaae_tf.systems.arguments import averaged
from gaae_tf.systems.batches import batch_mean, over_replicas
from gaae_tf.systems.spec import Spec
from gaae_tf.systems.system import System


class Generator(Saved, keras.Model):
    """One dense layer of code and class."""

    def __init__(self, bins, frames, style_dim, classes, **kwargs):
        super().__init__(**kwargs)
        self.bins, self.frames, self.style_dim, self.classes = bins, frames, style_dim, classes
        self.dense = keras.layers.Dense(bins * frames, activation="tanh")
        self.dense.build((None, style_dim + classes))
        self.built = True

    def call(self, style, condition, training=False):
        """Spectrograms [batch, bins, frames, 1]."""
        flat = self.dense(tf.concat([style, condition], axis=1))
        return tf.reshape(flat, [-1, self.bins, self.frames, 1])

    @property
    def input_shapes(self):
        """Of one example."""
        return (self.style_dim,), (self.classes,)


class Toy(System):
    """One generator, whose sounds of a class shall be near the clips of that class."""

    NETWORKS = {"generator": "generator"}
    AVERAGED = ("generator",)
    SAMPLER = "generator"
    OPTIMIZERS = {"generator": ("generator",)}
    LOSS_NAMES = ("distance",)
    LOG_NAMES = ("distance", "gradient_norm")
    PASSES = ({"generator": 1},)

    def train_step(self, batches):
        """One update."""
        ((x, y),) = batches
        z, _ = self._noise(x, draw=0)
        with tf.GradientTape() as tape:
            made = self.generator(z, y, training=True)
            distance = batch_mean(tf.reduce_mean((made - x) ** 2, axis=[1, 2, 3]))
            scaled = self.generator_optimizer.scale_loss(distance)
        norm = self._apply(tape, scaled, "generator")
        self._finish_step()
        return over_replicas({"distance": distance}) | {"gradient_norm": norm}


def build(config, data):
    """The generator of a configuration."""
    generator = Generator(
        config.stft.bins,
        config.stft.frames(data.clip_samples),
        config.style_dim,
        len(data.classes),
        name="generator",
    )
    return Toy(
        {"generator": generator}, config.style_dim, len(data.classes), **averaged(config)
    )


SPEC = Spec(
    name="toy",
    labels="all",
    unlabelled=False,
    does=("generate", "choose_class"),
    build=build,
)
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toy's name, while its file is among the systems'."""
    folder = tmp_path / "systems"
    folder.mkdir()
    (folder / "toy.py").write_text(TOY)
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(folder)])
    yield "toy"
    sys.modules.pop("gaae_tf.systems.toy", None)
    vars(systems).pop("toy", None)


def from_arguments(*arguments):
    values = flags.FlagValues()
    define_flags(values)
    values(["train.py", *arguments])
    return TrainConfig.from_flags(values)


def test_it_has_the_flags_that_its_spec_names(toy):
    config = from_arguments(
        "--dataset=d", "--run_dir=r", "--model=toy", "--labelled_percent=100", "--seed=5"
    )
    assert (config.model, config.draws, config.system.can("generate")) == (toy, 1, True)
    with pytest.raises(ValueError, match=r"--omega_1 is only for --model=gaae; leave it at 0.6"):
        dataclasses.replace(config, omega_1=0.5)
    with pytest.raises(ValueError, match="--labelled_percent must be 100, got 5"):
        dataclasses.replace(config, labelled_percent=5.0)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    # Keras 3.15 saves weights in a way that NumPy 2 announces the end of.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_it_goes_the_whole_road(toy, tiny_dataset, tmp_path):
    config = TrainConfig(
        dataset=str(tiny_dataset),
        run_dir=str(tmp_path / "run"),
        model=toy,
        labelled_percent=100.0,
        window_samples=64,
        hop_samples=32,
        fft_size=64,
        style_dim=5,
        steps=40,
        batch_size=4,
        autoencoder_learning_rate=1e-2,
        average_decay=0.9,
        steps_per_call=2,
        checkpoint_every=20,
        summary_every=40,
        precision="float32",
    )
    assert "  generator " in describe(config)
    # Trained, and interrupted and continued: to the same state.
    run_dir = fit.train(config)
    broken = dataclasses.replace(config, run_dir=str(tmp_path / "broken"))
    fit.train(dataclasses.replace(broken, steps=13, steps_per_call=1))
    fit.train(broken)
    assert_same_state(run_dir, broken.run_dir)
    # Loaded, it can do what its SPEC says and no more.
    run = gaae_tf.load(run_dir)
    assert (run.step, run.can("choose_class"), run.can("represent")) == (40, True, False)
    assert not hasattr(run, "represent")
    sounds = run.generate("high", count=3, seed=1)
    assert sounds.shape == (3, 512)
    assert (
        np.abs(np.fft.rfft(sounds[0])).argmax()
        > np.abs(np.fft.rfft(run.generate("low", seed=1)[0])).argmax()
    )
    np.testing.assert_array_equal(
        run.generate("high", 3, 1), gaae_tf.load(run_dir).generate("high", 3, 1)
    )
    # Exported, and scored.
    exported = tf.saved_model.load(str(save(run, tmp_path / "export")))
    assert set(exported.signatures) == {"generate", "decode", "describe"}
    settings = EvaluateSettings(
        count=20, scorer=ScorerSettings(passes=1, min_steps=1, batch_size=8), usefulness_seeds=0
    )
    scores = evaluate(run_dir, settings, log=lambda _: None)
    assert scores["details"]["samples"]["class_accuracy"]["value"] is not None
    assert "classifier_test_accuracy" not in scores["details"]

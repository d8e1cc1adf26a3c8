import os

import pytest

import gaae_tf  # first: it settles how TensorFlow runs

import tensorflow as tf  # isort: skip

# Two devices for the tests of distribution; must be set before TensorFlow looks at any.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session")
def mirrored():
    """Two replicas; one object for all tests, for two of them in one process can collide."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def tiny_run_dir(tmp_path_factory):
    """A run folder of an untrained model: two classes, 1 kHz, clips of 512 samples, 32×16.

    Its statistics are made up; batch statistics and class gains are disturbed, so that classes and
    codes make a difference that a test can see.
    """
    import numpy as np

    from gaae_tf.config import TrainConfig
    from gaae_tf.files import write_text
    from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
    from gaae_tf.run import folder as run_folder
    from gaae_tf.run import names as run_names
    from gaae_tf.run.build import build_model, compile_model
    from gaae_tf.run.checkpoints import Checkpoints

    run_dir = tmp_path_factory.mktemp("tiny_run")
    config = TrainConfig(
        dataset="gone",
        run_dir=str(run_dir),
        seed=3,
        window_samples=64,
        hop_samples=32,
        fft_size=64,
        channels=2,
        non_local_bins=0,
        guided_dim=6,
        style_dim=5,
        reestimate_batches=2,
        precision="mixed_bfloat16",
    )
    data = run_folder.DataDescription(
        dataset="gone",
        sample_rate_hz=1000,
        clip_samples=512,
        classes=("low", "high"),
        statistics=LogMagnitudeStatistics(maximum=2.0, mean=-3.0, deviation=2.0),
        licence="CC0-1.0",
    )
    model = build_model(config, data)
    compile_model(model, config)
    rng = np.random.default_rng(0)
    for network in (model.averaged_encoder, model.averaged_decoder, model.averaged_classifier):
        for weight in network.weights:
            if weight.path.rsplit("/", 1)[-1] != "left_vector":
                weight.assign_add(0.1 * rng.normal(size=weight.shape))
    for weight in model.averaged_decoder.weights:
        if weight.path.endswith("moving_variance"):
            weight.assign(abs(weight))
    model.step.assign(7)
    Checkpoints(run_dir, model, keep=1).save(accuracy=0.5)
    write_text(run_dir / run_names.CONFIG, config.to_flags())
    data.save(run_dir)
    return run_dir


@pytest.fixture(scope="session")
def tiny_run(tiny_run_dir):
    """The tiny run, loaded."""
    return gaae_tf.load(tiny_run_dir)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory):
    """A data set folder of 2 classes × 15 short tones, 1 kHz, clips of 512 samples."""
    import numpy as np
    import soundfile

    from gaae_tf.data.corpora.folder import FolderReader
    from gaae_tf.data.prepare.config import PrepareConfig
    from gaae_tf.data.prepare.folder import prepare
    from gaae_tf.ops.settings import StftSettings

    folder = tmp_path_factory.mktemp("tiny_data")
    rng = np.random.default_rng(0)
    time_s = np.arange(512) / 1000
    for name, lowest_hz in (("low", 40), ("high", 250)):
        (folder / "source" / name).mkdir(parents=True)
        for i in range(15):
            tone = 0.3 * np.sin(2 * np.pi * (lowest_hz + 10 * i) * time_s)
            tone += 0.01 * rng.normal(size=512)
            soundfile.write(folder / "source" / name / f"{i:02}.wav", tone, 1000)
    config = PrepareConfig(
        out=folder / "prepared",
        sources=(folder / "source",),
        sample_rate_hz=1000,
        clip_samples=512,
        stft=StftSettings("hamming", 64, 32, 64),
        reader=FolderReader(valid_percent=20, test_percent=20),
    )
    prepare(config, progress=False)
    return folder / "prepared"

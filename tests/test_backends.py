"""The networks give the same under another Keras backend."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from backends import NETWORKS, main, outputs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Weights of every network in a file, and what each gives under TensorFlow."""
    folder = tmp_path_factory.mktemp("backends")
    keras.utils.set_random_seed(0)
    weights = {}
    for name, make in NETWORKS.items():
        for i, weight in enumerate(make().weights):
            weights[f"{name} {i}"] = weight.numpy()
    np.savez(folder / "weights.npz", **weights)
    main(folder / "weights.npz", folder / "tensorflow.npz")
    return folder


def test_what_is_compared_depends_on_the_weights(here):
    network = NETWORKS["encoder"]()
    kept = np.load(here / "tensorflow.npz")
    other = outputs("encoder", network)
    assert all(not np.allclose(kept[name], values, rtol=1e-2) for name, values in other.items())


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_networks_give_the_same_under_another_backend(here, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, "tests/backends.py", here / "weights.npz", here / f"{backend}.npz"],
        env=os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": paths},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    expected, made = np.load(here / "tensorflow.npz"), np.load(here / f"{backend}.npz")
    assert set(made.files) == set(expected.files)
    for name in expected.files:
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(made[name], expected[name], atol=1e-4 * scale, err_msg=name)

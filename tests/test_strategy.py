import pytest
import tensorflow as tf

from gaae_tf.config import TrainConfig
from gaae_tf.training import strategy


def config(precision):
    return TrainConfig(dataset="d", run_dir="r", precision=precision)


def test_an_explicit_precision_is_kept():
    assert strategy.resolve_precision(config("mixed_float16")) == "mixed_float16"


@pytest.mark.parametrize(
    ("bfloat16_seconds", "expected"), [(0.5, "mixed_bfloat16"), (0.9, "float32"), (2.0, "float32")]
)
def test_auto_takes_bfloat16_on_a_cpu_only_if_it_is_clearly_faster(
    monkeypatch, bfloat16_seconds, expected
):
    seconds = {tf.float32: 1.0, tf.bfloat16: bfloat16_seconds}
    monkeypatch.setattr(strategy, "_convolution_seconds", seconds.__getitem__)
    assert strategy.resolve_precision(config("auto")) == expected


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_the_timing_runs_in_either_precision(dtype):
    assert 0.0 < strategy._convolution_seconds(dtype) < 10.0


def test_mirrored_without_gpus_says_how_many_there_are():
    with pytest.raises(ValueError, match="needs at least 2 GPUs, found 0"):
        strategy.make_strategy("mirrored")


def test_one_device_is_the_default_strategy():
    assert strategy.make_strategy("one").num_replicas_in_sync == 1

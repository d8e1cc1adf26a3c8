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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "needs the environment variable TF_CONFIG"),
        ("{", "TF_CONFIG cannot be read .*got '{'"),
        ('{"cluster": {"worker": ["a:1"]}}', "TF_CONFIG cannot be read"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "name one of them as this task",
        ),
        (
            '{"cluster": {"chief": ["a:1"], "worker": ["b:1"]}, '
            '"task": {"type": "worker", "index": 0}}',
            "must have workers alone",
        ),
    ],
)
def test_a_cluster_that_is_not_told_is_asked_for(monkeypatch, text, message):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=message):
        strategy.make_strategy("multi_worker")


def test_a_worker_knows_its_place_and_the_first_one_is_chief(monkeypatch):
    cluster = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}'
    monkeypatch.setenv("TF_CONFIG", cluster)
    assert strategy.this_worker("multi_worker") == strategy.Worker(index=1, count=2)
    assert not strategy.this_worker("multi_worker").is_chief
    assert strategy.this_worker("auto").is_chief

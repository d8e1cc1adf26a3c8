import pytest

from gaae_tf.config import TrainConfig
from gaae_tf.training import strategy


def config(precision):
    return TrainConfig(dataset="d", run_dir="r", precision=precision)


def test_an_explicit_precision_is_kept():
    assert strategy.resolve_precision(config("mixed_float16")) == "mixed_float16"


@pytest.mark.parametrize(("able", "expected"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_auto_on_a_cpu_goes_by_what_the_processor_can(monkeypatch, able, expected):
    monkeypatch.setattr(strategy, "computes_in_bfloat16", lambda: able)
    assert strategy.resolve_precision(config("auto")) == expected


@pytest.mark.parametrize(
    ("flags", "able"),
    [
        ("fpu avx512f avx512_bf16", True),
        ("fpu amx_bf16 amx_tile", True),
        ("fpu avx2 avx512f", False),
        ("fpu avx512_bf16x", False),
    ],
)
def test_linux_lists_processors_that_compute_in_bfloat16(monkeypatch, tmp_path, flags, able):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbogomips\t: 1\n")
    assert strategy.computes_in_bfloat16(cpuinfo) is able
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels are what computes in bfloat16
    assert strategy.computes_in_bfloat16(cpuinfo) is False


def test_a_system_without_that_list_computes_in_float32(tmp_path):
    assert strategy.computes_in_bfloat16(tmp_path / "cpuinfo") is False


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

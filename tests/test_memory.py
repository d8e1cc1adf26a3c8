"""How much memory a training is said to take, and how much there is said to be."""

import dataclasses
from pathlib import Path

import pytest

from gaae_tf.config import TrainConfig
from gaae_tf.ops.log_magnitude import LogMagnitudeStatistics
from gaae_tf.run.build import build_model
from gaae_tf.run.folder import DataDescription
from gaae_tf.training import memory

GIBIBYTE = 2**30
STATISTICS = LogMagnitudeStatistics(0.0, 0.0, 1.0)
CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture(scope="module")
def config():
    return TrainConfig(
        dataset="d",
        run_dir="r",
        sample_rate_hz=1000,
        clip_samples=512,
        window_samples=64,
        hop_samples=32,
        fft_size=64,
        channels=2,
        non_local_bins=0,
        precision="float32",
        batch_size=1,
    )


@pytest.fixture(scope="module")
def model(config):
    return build_model(config, DataDescription("d", 1000, 512, ("a", "b"), STATISTICS))


def test_activations_grow_with_the_batch_and_clips_with_their_number(model, config):
    one = memory.estimate_of(model, config, clips=0)
    ten = memory.estimate_of(model, dataclasses.replace(config, batch_size=10), clips=100)
    assert (ten.state, ten.program) == (one.state, one.program)
    assert ten.activations == 10 * one.activations
    assert ten.clips - one.clips == pytest.approx(100 * 512 * 2 * memory._CLIP_COPIES)
    # Four spectrograms of 32×16 in float32 are the least that S's update holds.
    assert one.activations > 4 * 32 * 16 * 4
    assert ten.total == ten.state + ten.activations + ten.clips + ten.program


def test_the_state_is_weights_averages_two_moments_and_gradients(model, config):
    trained = sum(weight.shape.num_elements() for weight in model.trainable_weights)
    kept = sum(weight.numpy().size for weight in model.weights)
    assert memory.estimate_of(model, config, clips=0).state == 4 * (kept + 3 * trained)


def test_a_training_that_fits_is_started_without_a_word(model, config):
    assert memory.shortage(model, config, 30, 64 * GIBIBYTE) is None
    assert memory.shortage(model, config, 30, None) is None  # not known
    needed = memory.estimate_of(model, config, 30).total
    assert memory.shortage(model, config, 30, needed) is None


def test_a_training_too_large_for_the_machine_is_told_in_one_line_with_a_command(model, config):
    needed = memory.estimate_of(model, config, 30).total
    line = memory.shortage(model, config, 30, needed - 1)
    assert "\n" not in line
    assert f"needs about {needed / GIBIBYTE:.1f} GiB of memory" in line
    assert "`gaae train --flagfile=fsdd --dataset=d --run_dir=r-small`" in line
    faster = dataclasses.replace(config, sample_rate_hz=16_000)
    small = "--flagfile=quickstart --frequency_axis=linear --style_pooling=sum --dataset=d --run_d"
    assert small in memory.shortage(model, faster, 30, 1000)


@pytest.mark.parametrize(
    ("name", "samples", "needed"), [("quickstart", 16_384, 2.0e9), ("fsdd", 8_192, 1.5e9)]
)
def test_the_flag_file_that_is_named_needs_what_is_said(name, samples, needed):
    path = CONFIGS / f"{name}.flags"
    config = dataclasses.replace(
        TrainConfig.load(path), clip_samples=samples, precision="float32", run_dir="r"
    )
    data = DataDescription("d", config.sample_rate_hz or 16_000, samples, tuple("abc"), STATISTICS)
    assert memory.estimate(config, data, clips=2_000).total == pytest.approx(needed, rel=0.2)


def test_the_paper_s_setting_needs_more_than_a_desktop_has():
    config = dataclasses.replace(
        TrainConfig.load(CONFIGS / "s09.flags"), clip_samples=16_384, precision="float32"
    )
    data = DataDescription("d", 16_000, 16_384, tuple(map(str, range(10))), STATISTICS)
    assert memory.estimate(config, data, clips=23_666).total > 16 * GIBIBYTE


MEMINFO = "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable:    800 kB\n"


def machine(root, cgroup=None, files=()):
    files = {
        "proc/meminfo": MEMINFO,
        **({"proc/self/cgroup": cgroup} if cgroup else {}),
        **dict(files),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_free_memory_is_the_machines_without_a_control_group(tmp_path):
    assert memory.available(machine(tmp_path)) == 800 * 1024


def test_free_memory_is_not_known_where_the_system_does_not_tell(tmp_path):
    assert memory.available(tmp_path) is None


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [("500000", "200000", 350_000), ("max", "200000", 800 * 1024), ("900000000", "1", 800 * 1024)],
)
@pytest.mark.parametrize("place", ["sys/fs/cgroup/job/7", "sys/fs/cgroup"])  # its own, or the top
def test_a_control_groups_limit_counts_and_its_cache_is_free(tmp_path, place, limit, used, free):
    files = {
        f"{place}/memory.max": f"{limit}\n",
        f"{place}/memory.current": f"{used}\n",
        f"{place}/memory.stat": "anon 1\ninactive_file 50000\nactive_file 7\n",
    }
    assert memory.available(machine(tmp_path, "0::/job/7\n", files)) == free


def test_the_least_limit_of_the_groups_above_counts(tmp_path):
    files = {}
    for place, limit in (("a/b", "max"), ("a", "300000")):
        files[f"sys/fs/cgroup/{place}/memory.max"] = limit
        files[f"sys/fs/cgroup/{place}/memory.current"] = "100000"
        files[f"sys/fs/cgroup/{place}/memory.stat"] = "inactive_file 0"
    assert memory.available(machine(tmp_path, "0::/a/b\n", files)) == 200_000


def test_a_control_group_of_the_first_version_counts_too(tmp_path):
    place = "sys/fs/cgroup/memory/docker/a"
    files = {
        f"{place}/memory.limit_in_bytes": "500000\n",
        f"{place}/memory.usage_in_bytes": "100000\n",
        f"{place}/memory.stat": "inactive_file 9\ntotal_inactive_file 20000\n",
    }
    cgroup = "5:cpu,cpuacct:/docker/a\n4:memory:/docker/a\n"
    assert memory.available(machine(tmp_path, cgroup, files)) == 420_000

"""A long training keeps to its memory and its open files."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_fit import tiny_config

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
STEPS = int(os.environ.get("GAAE_TF_SOAK_STEPS", "400"))
CHECKPOINT_EVERY = 50  # steps
SETTLED = min(500, STEPS // 2)  # from here on nothing may grow


def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_and_open_files_do_not_grow(tiny_dataset, tmp_path):
    """Pictures, sounds, codes, validation and checkpoints all along."""
    config = tiny_config(
        tiny_dataset,
        tmp_path / "run",
        steps=STEPS,
        steps_per_call=10,
        checkpoint_every=CHECKPOINT_EVERY,
        summary_every=CHECKPOINT_EVERY,
    )
    command = [sys.executable, "train.py", *config.to_flags().split()]
    log = tmp_path / "log"
    seen = {}  # steps of the newest checkpoint -> [(resident MiB, open files)]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                written = tmp_path.glob("run/checkpoints/step-*.index")
                step = max((int(of.stem.removeprefix("step-")) for of in written), default=0)
                try:
                    now = resident_mib(process.pid), open_files(process.pid)
                except (OSError, TypeError):  # it ends just now
                    break
                seen.setdefault(step, []).append(now)
                time.sleep(0.05)
            process.wait(60)
        finally:
            process.kill()
    assert process.returncode == 0, log.read_text()[-2000:]
    early, late = seen.get(SETTLED), seen.get(STEPS - CHECKPOINT_EVERY)
    assert early
    assert late
    # Of each part the least: what pictures and checkpoints take for a moment is given back.
    memory, files = ([min(now[i] for now in part) for part in (early, late)] for i in (0, 1))
    print(f"resident {memory[0]:.0f} and {memory[1]:.0f} MiB, open files {files}")
    assert memory[1] <= 1.05 * memory[0]
    assert files[1] <= files[0]

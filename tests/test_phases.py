"""Time and memory by phase."""

import json
import time

import numpy as np
import pytest

from gaae_tf.evaluation import phases
from gaae_tf.evaluation.phases import Phases

on_linux = pytest.mark.skipif(not phases._STATM.exists(), reason="no /proc here")


def test_a_phase_has_its_seconds_and_its_sounds_a_second():
    lines = []
    timed = Phases(lines.append)
    with timed.phase("waiting"):
        time.sleep(0.1)
        timed.count(20)
    with timed.phase("nothing"):
        pass
    waiting, nothing = timed.records()
    assert [waiting["name"], nothing["name"]] == ["waiting", "nothing"]
    assert 0.1 <= waiting["seconds"] <= timed.seconds + 0.01
    assert waiting["sounds_per_second"] == pytest.approx(20 / waiting["seconds"], rel=0.1)
    assert "sounds_per_second" not in nothing
    assert [line.partition("] ")[2] for line in lines] == ["waiting", "nothing"]
    assert json.loads(json.dumps(timed.records())) == timed.records()


@on_linux
def test_memory_that_a_phase_gave_back_is_in_its_peak_alone():
    timed = Phases()
    with timed.phase("large"):
        block = np.ones(200 << 17)  # 200 MiB, touched
        time.sleep(0.3)
        del block
    with timed.phase("small"):
        pass
    large, small = timed.records()
    assert 190 <= large["peak_rss_mib"] - small["peak_rss_mib"] <= 230


def test_without_proc_the_peak_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(phases, "_STATM", tmp_path / "absent")
    timed = Phases()
    with timed.phase("anywhere"):
        pass
    assert timed.records()[0]["peak_rss_mib"] is None


def test_a_phase_that_fails_is_not_kept():
    timed = Phases()
    with pytest.raises(ValueError, match="no"), timed.phase("broken"):
        raise ValueError("no")
    assert timed.records() == []

"""Speedups together under eight threads: no wrong row, no leaked connection, no deadlock.

``ENDURANCE_SECONDS=60 pytest tests/speedups/test_endurance.py`` does it for a minute.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.programs import environment

from nutrace.speedups import SPEEDUPS

SECONDS = float(os.environ.get("ENDURANCE_SECONDS", "3"))
PROGRAM = Path(__file__).with_name("endurance.py")
WAYS = ("whole", "half", "abandoned", "interleaved", "thrown", "failing", "one", "keep")


#: One connection: that it is in use must happen, and often.
PAIR = "traffic_light_cache:entries=8,connection_pool:pool_size=1:max_overflow=0:timeout_s=0.001"
ALL = f"all,{PAIR}"


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("speedups", [PAIR, ALL] if len(SPEEDUPS) > 2 else [PAIR], ids=lambda text: text[:3])
def test_eight_threads(tmp_path: Path, speedups: str) -> None:
    path = os.pathsep.join(filter(None, (str(PROGRAM.parents[2]), os.environ.get("PYTHONPATH"))))
    # The warning of 3.12 about a fork beside threads is what this is about.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(PROGRAM), str(SECONDS), speedups]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(PYTHONPATH=path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    print(json.dumps(saw, indent=1))  # with pytest -s
    assert saw["wrong"] == []
    assert saw["hanging"] == 0
    assert saw["open_files"] == 0
    counts, pool, cache = (
        saw["counts"],
        saw["figures"]["connection_pool"],
        saw["figures"]["traffic_light_cache"],
    )
    assert saw["least"] > 0
    assert min(counts[way] for way in WAYS) > 0
    assert saw["logs"] > 5
    assert counts["killed"] > 2
    assert (pool["in_use"], pool["pending"]) == (0, 0)
    assert pool["open"] <= 1
    assert pool["checkouts"] == pool["reused"] + pool["connections"]
    if speedups == ALL:
        return  # what others answer, these two are not asked
    assert min(pool["reused"], pool["replaced"], pool["waits"]) > 0
    assert min(cache["hits"], cache["misses"], cache["evictions"]) > 0
    # All that may be said is that the pool was out; a child that was forked before says it as well.
    lines = done.stderr.splitlines()
    assert len(lines) <= 1 + counts["children"]
    for line in set(lines):
        assert "connection_pool: " in line
        assert line.endswith("such queries open connections of their own")

"""What the samples of a real program say is what it has measured itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.sampling_truth import run, shares

from nutrace.intervals import FEWEST_SAMPLES
from nutrace.sampling.pyspy import find


@pytest.mark.skipif(find() is None, reason="needs py-spy")
def test_known_parts_of_known_spans(tmp_path: Path) -> None:
    ended = run(tmp_path, seconds=0.7, seed=1, hz=150)
    if "py-spy" not in ended.err or "samples" not in ended.err:
        pytest.skip(f"py-spy cannot sample here: {ended.err[-300:]}")
    found = shares(ended)
    assert len(found) == 19
    # A sampler that waits for a processor misses moments, and with it what it says becomes worse. How often
    # the truth is inside in general is counted by tests/benchmarks/sampling_truth.py.
    busy = float(ended.out.splitlines()[1]) < 0.8
    assert sum(share.samples >= FEWEST_SAMPLES // 2 for share in found) >= (14 if busy else 16), found
    assert sum(share.is_inside for share in found) >= (9 if busy else 15), found

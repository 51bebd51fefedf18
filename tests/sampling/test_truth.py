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
    # On a busy machine a sampler misses moments: tests/benchmarks/sampling_truth.py counts them all.
    assert [share for share in found if share.samples < FEWEST_SAMPLES // 2] == []
    outside = [share for share in found if not share.is_inside]
    assert len(outside) <= 5, outside
    assert max(abs(share.said - share.true) for share in found) < 0.25

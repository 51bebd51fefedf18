"""What the folder of a benchmark holds, besides a folder for each variant."""

from __future__ import annotations

#: The record of the benchmark.
RECORD = "bench.json"
#: Folders of runs that do not count.
FAILED, WARM_UP = "failed", "warmup"
#: Names that no variant may have.
RESERVED = (FAILED, WARM_UP)

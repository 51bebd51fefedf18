"""The names in the folder of a benchmark, by which commands that read run files know one."""

from __future__ import annotations

from typing import Final

#: The record of the benchmark.
NAME: Final = "bench.json"
#: Folders beside those of the variants.
WARM_UP: Final = "warmup"
FAILED: Final = "failed"
RESERVED: Final = (FAILED, WARM_UP)

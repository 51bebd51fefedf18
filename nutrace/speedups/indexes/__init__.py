"""The indexes: what a log's statements lack is made, in the log or in a copy."""

from nutrace.speedups.indexes.log_indexes import LogIndexes
from nutrace.speedups.indexes.options import Options
from nutrace.speedups.indexes.part import build

__all__ = ["LogIndexes", "Options", "build"]

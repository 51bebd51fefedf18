"""The row cache: a query that was run before is answered from memory while the log is unchanged."""

from nutrace.speedups.row_cache.cache import Options, RowCache
from nutrace.speedups.row_cache.part import build

__all__ = ["Options", "RowCache", "build"]

"""The row cache on the devkit: between its queries and their connections."""

from __future__ import annotations

from typing import Any, Mapping

from nutrace.speedups import queries
from nutrace.speedups.rows import Options, RowCache

__all__ = ["Options", "Part", "RowCache", "build"]


class Part:
    """The cache, and where it stands."""

    def __init__(self, options: Options) -> None:
        self.cache = RowCache(options)
        self.replacements = queries.replacements(queries.ROWS, self._connect)

    def stats(self) -> Mapping[str, int]:
        """The cache's figures."""
        return self.cache.stats()

    def close(self) -> None:
        """Forget everything."""
        self.cache.clear()
        queries.tidy()

    def _connect(self, file: Any, following: queries.Open) -> Any:
        return self.cache.connect(file, following)


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)

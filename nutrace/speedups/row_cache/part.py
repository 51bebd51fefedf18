"""The row cache as a speedup."""

from __future__ import annotations

from typing import Mapping

from nutrace.speedups.queries import seam
from nutrace.speedups.row_cache.cache import Options, RowCache


class RowCachePart:
    """The cache, and where it stands."""

    def __init__(self, options: Options) -> None:
        self.cache = RowCache(options)
        self.replacements = seam.replacements(seam.ROWS, self.cache.answer)

    def stats(self) -> Mapping[str, int]:
        """The cache's figures."""
        return self.cache.stats()

    def close(self) -> None:
        """Stop answering, and drop everything."""
        seam.leave(self.cache.answer)
        self.cache.clear()


build = RowCachePart

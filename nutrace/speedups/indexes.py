"""Indexes on the devkit: its queries read the log, or the copy of it that has what they lack.

They stand between what keeps rows by the log's name and the pool, which has connections to both files.
Engines of ``SessionManager``, which a simulation does not use, read the log.
"""

from __future__ import annotations

from typing import Mapping

from nutrace.speedups import queries
from nutrace.speedups.index_options import Options
from nutrace.speedups.log_indexes import LogIndexes

__all__ = ["LogIndexes", "Options", "Part", "build"]


class Part:
    """The indexes, and where the speedup stands."""

    def __init__(self, options: Options) -> None:
        self.indexes = LogIndexes(options)
        self.replacements = queries.replacements(queries.INDEXES, self.indexes.connect)

    def stats(self) -> Mapping[str, int]:
        """See :meth:`LogIndexes.stats`."""
        return self.indexes.stats()

    def close(self) -> None:
        """Forget what was found out; indexes and copies stay, for the next run."""
        self.indexes.clear()
        queries.tidy()


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)

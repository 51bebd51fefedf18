"""The indexes as a speedup.

Engines of ``SessionManager``, which a simulation does not use, read the log.
"""

from __future__ import annotations

import functools
from typing import Mapping

from nutrace.speedups.indexes.log_indexes import LogIndexes
from nutrace.speedups.indexes.options import Options
from nutrace.speedups.queries import seam


class IndexesPart:
    """The indexes, and where the speedup stands."""

    def __init__(self, options: Options) -> None:
        self.indexes = LogIndexes(options, functools.partial(seam.after, seam.INDEXES))
        self.replacements = seam.replacements(seam.INDEXES, self.indexes.answer)

    def stats(self) -> Mapping[str, int]:
        """See :meth:`LogIndexes.stats`."""
        return self.indexes.stats()

    def close(self) -> None:
        """Stop answering, and forget what is known of logs; indexes and copies stay for the next run."""
        seam.leave(self.indexes.answer)
        self.indexes.clear()


build = IndexesPart

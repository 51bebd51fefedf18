"""Options of the connection pool; known without SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nutrace.speedups import options
from nutrace.speedups.options import DAY_S, option


@dataclass(frozen=True)
class Options(options.Options):
    """Options of the pool, named as SQLAlchemy's."""

    speedup: ClassVar[str] = "connection_pool"

    pool_size: int = option(
        5, "connections to a file that stay open; 0 opens one for each query, as without a pool", least=0
    )
    max_overflow: int = option(10, "connections to a file beyond those, closed when they come back", least=0)
    timeout_s: float = option(
        5.0, "how long a query waits for a connection to come back, in seconds", above=0, most=DAY_S
    )
    recycle_s: float = option(3600.0, "after how many seconds a connection is opened anew", above=0)
    pre_ping: int = option(
        1, "1 opens a connection anew if its file was replaced or changed; 0 does not look", least=0, most=1
    )
    files: int = option(
        16, "how many files have pools; the pool not used for the longest time goes first", least=1
    )

    @property
    def most(self) -> int:
        """The most connections to a file."""
        return self.pool_size + self.max_overflow

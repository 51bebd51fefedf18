"""Options of the connection pool; known without SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass

from nutrace.speedups.bounds import DAY_S, above, at_least, at_most

NAME = "connection_pool"


@dataclass(frozen=True)
class Options:
    """Options of the pool, named as SQLAlchemy's.

    Parameters
    ----------
    pool_size:
        Connections to a file that stay open; 0 opens one for each query, as without a pool.
    max_overflow:
        Connections to a file beyond those, closed when they come back.
    timeout_s:
        How long a checkout waits for one to come back, in seconds; at most a day.
    recycle_s:
        After how many seconds a connection is opened anew.
    pre_ping:
        1 looks at each checkout whether the connection's file is still the one of that name,
        unchanged; 0 does not.
    files:
        How many files have pools; the pool not asked for the longest goes first.

    Raises
    ------
    SettingsError
        If a bound is too low or too high.
    """

    pool_size: int = 5
    max_overflow: int = 10
    timeout_s: float = 5.0
    recycle_s: float = 3600.0
    pre_ping: int = 1
    files: int = 16

    def __post_init__(self) -> None:
        at_least(NAME, "pool_size", self.pool_size, 0)
        at_least(NAME, "max_overflow", self.max_overflow, 0)
        above(NAME, "timeout_s", self.timeout_s, 0)
        at_most(NAME, "timeout_s", self.timeout_s, DAY_S)
        above(NAME, "recycle_s", self.recycle_s, 0)
        at_least(NAME, "pre_ping", self.pre_ping, 0)
        at_most(NAME, "pre_ping", self.pre_ping, 1)
        at_least(NAME, "files", self.files, 1)

    @property
    def most(self) -> int:
        """How many connections to a file there are at most."""
        return self.pool_size + self.max_overflow

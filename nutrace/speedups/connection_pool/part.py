"""The connection pool as a speedup."""

from __future__ import annotations

import atexit
from typing import Mapping, Tuple

from nutrace.errors import MissingDependencyError
from nutrace.speedups.connection_pool.options import Options
from nutrace.speedups.queries import seam
from nutrace.speedups.speedup import Replacement


class PoolPart:
    """The pool, and where it stands: in the query functions, and where sessions make engines."""

    def __init__(self, options: Options) -> None:
        try:  # SQLAlchemy comes with the devkit, and is no dependency of ours
            from nutrace.speedups.connection_pool import engines, pool
        except ImportError as error:
            raise MissingDependencyError(f"connection_pool needs SQLAlchemy 1.4 or 2: {error}") from error
        self.pool = pool.ConnectionPool(options)
        self._engines = engines.Engines(options)
        atexit.register(self.pool.close)  # Python warns of connections that were not closed
        self.replacements: Tuple[Replacement, ...] = (
            *seam.replacements(seam.POOL, self.pool.answer),
            Replacement(
                f"{engines.SESSIONS}:sqlalchemy", self._engines.replace, distribution="nuplan-devkit"
            ),
        )

    def stats(self) -> Mapping[str, int]:
        """The pool's figures, and how many engines were made with a pool of their own."""
        return {**self.pool.stats(), **self._engines.figures.as_dict()}

    def close(self) -> None:
        """Stop answering, and close the connections that are not in use."""
        seam.leave(self.pool.answer)
        atexit.unregister(self.pool.close)
        self.pool.close()


build = PoolPart

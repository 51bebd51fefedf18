"""The connection pool on the devkit: where its queries connect, and its engines.

The functions that query stay the devkit's own, and close connections when a query is at its end or a
generator is dropped, which is when they go back.
"""

from __future__ import annotations

import atexit
import sqlite3
import sys
from typing import Any, Mapping, Tuple

from nutrace import semconv
from nutrace.errors import MissingDependencyError
from nutrace.patching import Replacement, Switch
from nutrace.recording.faults import say
from nutrace.speedups import queries
from nutrace.speedups.module_view import ModuleView
from nutrace.speedups.noting import note
from nutrace.speedups.own_faults import fault
from nutrace.speedups.pool_options import Options
from nutrace.speedups.speedup import Misfit

__all__ = ["Options", "Part", "build"]

_LONGEST = 400  # characters of a reason
_SESSIONS = "nuplan.database.common.db"


class Part:
    """The pool, and where it stands."""

    def __init__(self, options: Options) -> None:
        try:  # SQLAlchemy is no dependency of ours: whoever has the devkit has it
            from nutrace.speedups import pool
        except ImportError as error:
            raise MissingDependencyError(f"connection_pool needs SQLAlchemy 1.4 or 2.0: {error}") from error
        self.options = options
        self.pool = pool.ConnectionPool(options)
        self._module = pool
        atexit.register(self.pool.close)  # Python warns of connections that nobody closed
        self._engines = 0
        self._said = False
        self.replacements: Tuple[Replacement, ...] = (
            *queries.replacements(queries.POOL, self._connect),
            Replacement(f"{_SESSIONS}:sqlalchemy", self._sessions, distribution="nuplan-devkit"),
        )

    def stats(self) -> Mapping[str, int]:
        """The pool's figures, and how many engines were made with one of their own."""
        return {**self.pool.stats(), "engines": self._engines}

    def close(self) -> None:
        """Close what is not in use."""
        atexit.unregister(self.pool.close)
        self.pool.close()
        queries.tidy()

    def _connect(self, file: Any, following: queries.Open) -> Any:
        try:
            connection = self.pool.connect(file)
        except self._module.PoolExhaustedError as error:
            self._say(str(error))
            return following()
        except sqlite3.Error:
            raise
        except Exception:  # law 1: a pool that fails is no reason for the query to
            own = following()
            fault("taking a connection out of the pool")
            return own
        if not connection.reused:  # the rare case: spans with attributes of their own are not merged
            note("database", semconv.POOL_REUSED, False)
        return connection

    def _say(self, reason: str) -> None:
        if not self._said:
            self._said = True
            reason = " ".join(reason.split())
            if len(reason) > _LONGEST:  # a path may be that long
                reason = f"{reason[: _LONGEST // 2]}...{reason[-_LONGEST // 2 :]}"
            say(f"connection_pool: {reason}; such queries open connections of their own")

    def _sessions(self, original: Any, switch: Switch) -> ModuleView:
        engine = getattr(getattr(sys.modules[_SESSIONS], "SessionManager", None), "engine", None)
        code = getattr(getattr(engine, "fget", None), "__code__", None)
        if code is None:
            raise Misfit(f"{_SESSIONS} has no property SessionManager.engine")
        if "create_engine" not in queries.names(code):
            raise Misfit(f"{_SESSIONS}.SessionManager.engine makes no engine by sqlalchemy.create_engine")

        def create_engine(*args: Any, **kwargs: Any) -> Any:
            if not switch or {"poolclass", "pool"} & set(kwargs):
                return original.create_engine(*args, **kwargs)
            self._engines += 1
            options = self._module.engine_options(self.options)
            engine = original.create_engine(*args, **{**options, **kwargs})
            if self.options.pre_ping:
                self._module.notice_changes(engine.pool)
            return engine

        return ModuleView(original, create_engine=create_engine)


def build(options: Options) -> Part:
    """Make the speedup."""
    return Part(options)

"""The connection pool on the devkit: where its queries connect, and its engines.

Queries connect in two functions of one module, by ``sqlite3.connect``. That module sees a ``sqlite3``
whose ``connect`` gives connections out of a pool; the functions stay the devkit's own, and close them
when a query is at its end or a generator is dropped, which is when they go back.
"""

from __future__ import annotations

import atexit
import functools
import os
import sqlite3
import sys
from types import CodeType, ModuleType
from typing import Any, Iterator, Mapping, Tuple

from nutrace import semconv
from nutrace.components.component import Misfit
from nutrace.components.module_view import ModuleView
from nutrace.components.noting import note
from nutrace.components.pool_options import Options
from nutrace.errors import MissingDependencyError
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch
from nutrace.recording.faults import say
from nutrace.recording.span import home

__all__ = ["Options", "Part", "build"]

_QUERIES = (
    ("nuplan.database.nuplan_db.query_session", "nuplan-devkit"),
    ("nutrace.demo.miniature.query_session", "nutrace"),
)
_FUNCTIONS = ("execute_many", "execute_one")
_LONGEST = 400
_SESSIONS = "nuplan.database.common.db"


class Part:
    """The pool, and where it stands."""

    def __init__(self, options: Options) -> None:
        try:  # SQLAlchemy is no dependency of ours: whoever has the devkit has it
            from nutrace.components import pool
        except ImportError as error:
            raise MissingDependencyError(f"connection_pool needs SQLAlchemy 1.4 or 2.0: {error}") from error
        self.options = options
        self.pool = pool.ConnectionPool(options)
        self._module = pool
        atexit.register(self.pool.close)  # Python warns of connections that nobody closed
        self._engines = 0
        self._said = False
        self.probes: Tuple[Probe, ...] = (
            *(
                Probe(
                    f"{module}:sqlite3",
                    "database",
                    stand_in=functools.partial(self._queries, module),
                    distribution=distribution,
                )
                for module, distribution in _QUERIES
            ),
            Probe(
                f"{_SESSIONS}:sqlalchemy",
                "database",
                stand_in=self._sessions,
                distribution="nuplan-devkit",
            ),
        )

    def stats(self) -> Mapping[str, int]:
        """The pool's figures, and how many engines were made with one of their own."""
        return {**self.pool.stats(), "engines": self._engines}

    def close(self) -> None:
        """Close what is not in use."""
        atexit.unregister(self.pool.close)
        self.pool.close()

    def _queries(self, name: str, original: Any, switch: Switch) -> ModuleView:
        module = sys.modules[name]
        for function in _FUNCTIONS:
            code = getattr(getattr(module, function, None), "__code__", None)
            if code is None:
                raise Misfit(f"{name} has no function {function}")
            if not {"sqlite3", "connect"} <= set(_names(code)):
                raise Misfit(f"{name}.{function} does not connect by sqlite3.connect")
        if not isinstance(original, ModuleType) or original.__name__ != "sqlite3":
            raise Misfit(f"{name}.sqlite3 is not Python's sqlite3")
        return ModuleView(original, connect=functools.partial(self._connect, switch))

    def _connect(self, switch: Switch, *args: Any, **kwargs: Any) -> Any:
        if not switch or kwargs or len(args) != 1 or not _is_file(args[0]):
            return sqlite3.connect(*args, **kwargs)
        try:
            connection = self.pool.connect(args[0])
        except self._module.PoolExhaustedError as error:
            self._say(str(error))
            return sqlite3.connect(args[0])
        except sqlite3.Error:
            raise
        except Exception:  # law 1: a pool that fails is no reason for the query to
            own = sqlite3.connect(args[0])
            home.fault("taking a connection out of the pool")
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
        if "create_engine" not in _names(code):
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


def _is_file(database: Any) -> bool:
    if not isinstance(database, (str, bytes, os.PathLike)):
        return False
    return os.fsdecode(database) not in ("", ":memory:")


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function's code looks up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def build(options: Options) -> Part:
    """Make the component."""
    return Part(options)

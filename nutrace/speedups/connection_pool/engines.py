"""SQLAlchemy engines of the devkit's ``SessionManager``, given a pool with the same options."""

from __future__ import annotations

import sys
from typing import Any, Dict

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool, Pool, QueuePool

from nutrace.log_file import identity
from nutrace.speedups.connection_pool.module_view import ModuleView
from nutrace.speedups.connection_pool.options import Options
from nutrace.speedups.figures import Figures
from nutrace.speedups.known_code import mentioned
from nutrace.speedups.speedup import Misfit, Switch

SESSIONS = "nuplan.database.common.db"
_IDENTITY = "nutrace.identity"


class Engines:
    """What the devkit's module of sessions sees as ``sqlalchemy``.

    Parameters
    ----------
    options:
        Of the pool.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self.figures = Figures("engines")

    def replace(self, original: Any, switch: Switch) -> ModuleView:
        """The module with a ``create_engine`` that makes engines with a pool."""
        engine = getattr(getattr(sys.modules[SESSIONS], "SessionManager", None), "engine", None)
        code = getattr(getattr(engine, "fget", None), "__code__", None)
        if code is None:
            raise Misfit(f"{SESSIONS} has no property SessionManager.engine")
        if "create_engine" not in mentioned(code):
            raise Misfit(f"{SESSIONS}.SessionManager.engine makes no engine by sqlalchemy.create_engine")

        def create_engine(*args: Any, **kwargs: Any) -> Any:
            if not switch or {"poolclass", "pool"} & set(kwargs):
                return original.create_engine(*args, **kwargs)
            self.figures.add(engines=1)
            engine = original.create_engine(*args, **{**self._engine_options(), **kwargs})
            if self._options.pre_ping:
                _notice_changes(engine.pool)
            return engine

        return ModuleView(original, create_engine=create_engine)

    def _engine_options(self) -> Dict[str, Any]:
        options = self._options
        if not options.pool_size:
            return {"poolclass": NullPool}
        return {
            "poolclass": QueuePool,
            "pool_pre_ping": bool(options.pre_ping),
            "pool_size": options.pool_size,
            "pool_timeout": options.timeout_s,
            "pool_recycle": options.recycle_s,
            "max_overflow": options.max_overflow,
        }


def _notice_changes(pool: Pool) -> None:
    """Make a pool open its connections anew when their file is replaced or written to.

    The program makes the connections, so each is asked for its file.
    """

    def connected(connection: Any, record: Any) -> None:
        file = next((row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main"), "")
        record.info[_IDENTITY] = file, identity(file)

    def checked_out(connection: Any, record: Any, fairy: Any) -> None:
        file, known = record.info[_IDENTITY]
        if file and identity(file) != known:
            raise DisconnectionError(f"{file} is not what it was")

    event.listen(pool, "connect", connected)
    event.listen(pool, "checkout", checked_out)

"""The connection pool: queries run on connections that stay open."""

from typing import TYPE_CHECKING, Any

from nutrace.speedups.connection_pool.options import Options
from nutrace.speedups.connection_pool.part import build

if TYPE_CHECKING:
    from nutrace.speedups.connection_pool.pool import ConnectionPool

__all__ = ["ConnectionPool", "Options", "build"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: it needs SQLAlchemy, and the options are shown without.
    if name == "ConnectionPool":
        from nutrace.speedups.connection_pool.pool import ConnectionPool

        return ConnectionPool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Probes on SQLAlchemy 1.4 and 2.0: statements, fetches, the pool, and what lies above them."""

from __future__ import annotations

from typing import Any

from nutrace import semconv
from nutrace.probes.probe import Make, Probe
from nutrace.probes.sqlalchemy import fetches, pool, statements


def _probe(target: str, name: str, make: Make | None = None, **more: Any) -> Probe:
    return Probe(f"sqlalchemy.{target}", "database", name, make=make, distribution="SQLAlchemy", **more)


_RECORD = "pool.base:_ConnectionRecord"
_DIALECT = "engine.default:DefaultDialect"

PROBES = (
    # Dialects override these. An override that calls the inherited method makes no second span.
    _probe(f"{_DIALECT}.do_execute", "sqlalchemy.statement", statements.executing(4), subclasses=True),
    _probe(f"{_DIALECT}.do_executemany", "sqlalchemy.statement", statements.executing(4), subclasses=True),
    _probe(
        f"{_DIALECT}.do_execute_no_params", "sqlalchemy.statement", statements.executing(3), subclasses=True
    ),
    *(
        _probe(f"engine.cursor:{strategy}.{method}", semconv.ALCHEMY_FETCH_SPAN, fetches.replacement)
        for strategy in ("CursorFetchStrategy", "BufferedRowCursorFetchStrategy")
        for method in ("fetchone", "fetchmany", "fetchall")
    ),
    _probe("pool.base:_ConnectionFairy._checkout", semconv.CHECKOUT_SPAN, pool.checkout),
    _probe(f"{_RECORD}._ConnectionRecord__connect", semconv.ALCHEMY_CONNECT_SPAN, pool.connect),
    _probe(f"{_RECORD}.checkin", semconv.CHECKIN_SPAN, pool.checkin),
    _probe(f"{_RECORD}.invalidate", "sqlalchemy.invalidate", note=pool.note_invalidate),
    # The stock instrumentation leaves these out: building statements, and making objects of rows.
    _probe("engine.base:Connection.execute", "sqlalchemy.execute"),
    _probe("orm.session:Session.execute", "sqlalchemy.session_execute"),
    _probe("orm.session:Session.flush", "sqlalchemy.session_flush"),
    _probe("orm.session:Session.commit", "sqlalchemy.session_commit"),
)

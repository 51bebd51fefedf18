"""Fetches from drivers without a probe of their own: how long SQLAlchemy waits for rows.

OpenTelemetry's stock instrumentation times the execution only. The probe on sqlite3 records sqlite3's
rows, so they are not counted again here.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Tuple

from nutrace import semconv
from nutrace.probes.blocks import timed
from nutrace.probes.notes import Args, Kwargs, Wrapped
from nutrace.probes.sqlalchemy.statements import system_of
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around
from nutrace.recording.composites import tally
from nutrace.recording.span import CallSite, process_state
from nutrace.sql.text import statement_of

_MOST = 10_000  # statements with a call site of their own
_CLIENT = 3  # OTLP's kind of span
_sites: Dict[Tuple[str, str], CallSite] = {}


def replacement(original: Any, switch: Switch) -> Any:
    """The replacement of a cursor strategy's fetchone, fetchmany or fetchall."""
    return put_around(original, _fetch, switch)


def _fetch(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
    cursor = args[2] if len(args) > 2 else kwargs.get("dbapi_cursor")
    sqlite3 = sys.modules.get("sqlite3")
    if sqlite3 is not None and isinstance(cursor, sqlite3.Cursor):
        return wrapped(*args, **kwargs)
    result, span = timed(_site(args[1] if len(args) > 1 else None), wrapped, args, kwargs)
    try:
        rows = len(result) if isinstance(result, (list, tuple)) else int(result is not None)
        if wrapped.__name__ == "fetchone":
            rows = int(result is not None)
        tally(span, numbers={semconv.DB_ROWS: rows, semconv.SQL_FETCH_NS: span.ended - span.started})
    except Exception:  # rows are the driver's, and their methods may raise anything
        process_state.fault("recording a fetch by SQLAlchemy")
    return result


def _site(result: Any) -> CallSite:
    """The call site of the statement whose result is fetched."""
    try:
        context = result.context
        statement = statement_of(context.statement) if context.statement else None
        key = (system_of(context.dialect), statement.digest if statement else "")
    except Exception:  # the program may have its own class of results
        statement, key = None, ("", "")
    site = _sites.get(key)
    if site is None:
        attributes = {semconv.DB_SYSTEM: key[0]} if key[0] else {}
        if statement is not None:
            attributes[semconv.SQL_STATEMENT] = statement.digest
        site = CallSite(semconv.ALCHEMY_FETCH_SPAN, "database", kind=_CLIENT, attributes=attributes)
        if len(_sites) < _MOST:
            _sites[key] = site
    return site

"""Probes on the standard library's ``sqlite3``: how a program connects, and makes cursors."""

from __future__ import annotations

import sys
from typing import Any

from nutrace import semconv
from nutrace.patching import MissingTarget
from nutrace.patching.switch import Switch
from nutrace.probes.probe import Probe
from nutrace.probes.sqlite.call_sites import call_sites
from nutrace.probes.wrapped import put_around

# The modules that record are imported when they are needed: most programs that are traced never import
# sqlite3, and must not because of us.


def _connect(original: Any, switch: Switch) -> Any:
    from nutrace.probes.sqlite import connections

    _check(connections.connections.base)
    call_sites.renew()
    return put_around(original, connections.connect, switch)


def _connection(original: Any, switch: Switch) -> Any:
    from nutrace.probes.sqlite.connections import connections

    _check(connections.base)
    return connections.renew(switch, program_has_some=_is_imported())


def _cursor(original: Any, switch: Switch) -> Any:
    from nutrace.probes.sqlite.cursors import cursors

    _check(cursors.base)
    return cursors.renew(switch, program_has_some=_is_imported())


def _check(base: type) -> None:
    present = getattr(sys.modules.get("sqlite3"), base.__name__, base)
    if not (isinstance(present, type) and issubclass(present, base)):  # pysqlite3 under the name of sqlite3
        raise MissingTarget("the module sqlite3 was replaced by another one")


def _is_imported() -> bool:
    """Whether the program may have used sqlite3: while it is being imported, it has no names yet."""
    return hasattr(sys.modules.get("sqlite3"), "connect")


# sqlite3 takes its names from sqlite3.dbapi2, which a program may import alone.
PROBES = tuple(
    Probe(f"{module}:{name}", "database", span, make=make, distribution="Python")
    for module in ("sqlite3", "sqlite3.dbapi2")
    for name, span, make in (
        ("connect", semconv.CONNECT_SPAN, _connect),
        ("Connection", semconv.CONNECT_SPAN, _connection),
        ("Cursor", semconv.STATEMENT_SPAN, _cursor),
    )
)

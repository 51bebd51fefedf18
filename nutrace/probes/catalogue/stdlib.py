"""Probes on the standard library's database."""

from __future__ import annotations

from typing import Any

from nutrace import semconv
from nutrace.probes.probe import Probe
from nutrace.probes.switch import Switch


def _connect(original: Any, switch: Switch) -> Any:
    from nutrace.probes.sqlite.connections import stand_in  # only where sqlite3 is imported anyway

    return stand_in(original, switch)


# The second is where the first comes from; a program may import it alone.
PROBES = tuple(
    Probe(f"{module}:connect", "database", semconv.CONNECT_SPAN, stand_in=_connect, distribution="Python")
    for module in ("sqlite3", "sqlite3.dbapi2")
)

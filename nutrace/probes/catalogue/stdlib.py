"""Probes on the standard library's database."""

from __future__ import annotations

from typing import Any, List

from nutrace import semconv
from nutrace.probes.notes import Args, Kwargs, Wrapped, Wrapper
from nutrace.probes.probe import Probe
from nutrace.probes.sqlite.call_sites import call_sites
from nutrace.probes.switch import Switch
from nutrace.probes.wrapped import put_around


def _connect(original: Any, switch: Switch) -> Any:
    ours: List[Wrapper] = []

    def connect(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        if not ours:
            # Only when it is called: while sqlite3.dbapi2 is imported, sqlite3 is not whole yet.
            from nutrace.probes.sqlite import connections

            ours.append(connections.connect)
        return ours[0](wrapped, instance, args, kwargs)

    call_sites.renew()
    return put_around(original, connect, switch)


# The second is where the first comes from; a program may import it alone.
PROBES = tuple(
    Probe(f"{module}:connect", "database", semconv.CONNECT_SPAN, stand_in=_connect, distribution="Python")
    for module in ("sqlite3", "sqlite3.dbapi2")
)

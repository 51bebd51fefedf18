"""Probes on the standard library's ``sqlite3``: how a program connects."""

from __future__ import annotations

from typing import Any, List

from nutrace import semconv
from nutrace.patching.switch import Switch
from nutrace.probes.notes import Args, Kwargs, Wrapped, Wrapper
from nutrace.probes.probe import Probe
from nutrace.probes.sqlite.call_sites import call_sites
from nutrace.probes.wrapped import put_around


def _connect(original: Any, switch: Switch) -> Any:
    recording: List[Wrapper] = []

    def connect(wrapped: Wrapped, instance: Any, args: Args, kwargs: Kwargs) -> Any:
        if not recording:
            # Imported at the first call: while sqlite3.dbapi2 is imported, sqlite3 has no names yet.
            from nutrace.probes.sqlite import connections

            recording.append(connections.connect)
        return recording[0](wrapped, instance, args, kwargs)

    call_sites.renew()
    return put_around(original, connect, switch)


# sqlite3 takes connect from sqlite3.dbapi2, which a program may import alone.
PROBES = tuple(
    Probe(f"{module}:connect", "database", semconv.CONNECT_SPAN, make=_connect, distribution="Python")
    for module in ("sqlite3", "sqlite3.dbapi2")
)

"""How SQLite executes statements, and which indexes would avoid full scans.

Databases are opened read-only. An index is advised only if SQLite's own planner uses it, on an empty clone
of the schema with the statistics of the original. :mod:`nutrace.plans.findings` examines a whole run, and
is not imported here: a process that only makes indexes does not need what reads runs.
"""

from __future__ import annotations

from nutrace.plans.advice import Advice, Explained, Scan, explain
from nutrace.plans.log import Log, open_log
from nutrace.plans.make import drop, make

__all__ = [
    "Advice",
    "Explained",
    "Log",
    "Scan",
    "drop",
    "explain",
    "make",
    "open_log",
]

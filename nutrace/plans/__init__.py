"""How SQLite carries statements out, and which index would spare it a full scan.

Databases are opened read-only. An index is advised only if SQLite's own planner takes it, on an empty
clone of the schema that has the original's statistics. What looks at a whole run is in
:mod:`nutrace.plans.findings`: a process that only makes indexes does not load what reads runs.
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

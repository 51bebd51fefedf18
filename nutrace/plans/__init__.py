"""How SQLite carries statements out, and which index would spare it a full scan.

Databases are opened read-only. An index is advised only if SQLite's own planner takes it, on an empty
clone of the schema that has the original's statistics.
"""

from __future__ import annotations

from nutrace.plans.advice import Advice, Explained, Scan, explain
from nutrace.plans.findings import Findings, Index, Plan, examine
from nutrace.plans.log import Log, open_log
from nutrace.plans.make import drop, make

__all__ = [
    "Advice",
    "Explained",
    "Findings",
    "Index",
    "Log",
    "Plan",
    "Scan",
    "drop",
    "examine",
    "explain",
    "make",
    "open_log",
]

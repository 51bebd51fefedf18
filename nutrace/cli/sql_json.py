"""The document of ``nutrace sql --json``."""

from __future__ import annotations

from typing import Any, Dict, Optional

from nutrace.analysis.database import Database, Executions, Statement
from nutrace.analysis.origins import Origin
from nutrace.cli.json_output import per_step, pick
from nutrace.plans.findings import Findings, Index


def as_json(database: Database, findings: Optional[Findings] = None) -> Dict[str, Any]:
    """The work with databases as a JSON document.

    Numbers are null if they were not recorded, and those for each step in a run without steps. ``plan``,
    ``full_scan`` and ``advice`` are null unless `findings` know them.
    """
    steps, inside = database.steps, database.in_steps
    return {
        "totals": {
            **_executions(database.all),
            **pick(database, "repeated", "repeated_ms", "repeated_in_step", "repeated_in_step_ms"),
        },
        "per_step": {
            "executions": per_step(inside.count, steps),
            "connections": _connections(database)["per_step"],
            "rows": None if inside.rows is None else per_step(inside.rows, steps),
            "ms": per_step(inside.total_ns / 1e6, steps),
        },
        "steps": steps,
        "connections": _connections(database),
        "transactions": pick(database.transactions, "commits", "rollbacks", "total_ms"),
        "statements": [_statement(statement, steps, findings) for statement in database.statements],
        "loops": [
            {
                "statement": loop.text or loop.statement,
                "caller": _caller(loop.origin),
                **pick(loop, "steps", "executions", "saved_ms"),
            }
            for loop in database.loops
        ],
        "advice": None if findings is None else [_index(index, database) for index in findings.indexes],
        "notes": () if findings is None else findings.notes,
    }


def _connections(database: Database) -> Dict[str, Any]:
    keys = "opened", "closed", "peak_open", "connect_ms", "close_ms"
    opened = database.connections
    if opened is None:
        return {**dict.fromkeys(keys), "per_step": None, "opened_by": None}
    return {
        **pick(opened, *keys),
        "per_step": per_step(opened.opened_in_steps, database.steps),
        "opened_by": [{**_caller(origin), "connections": count} for origin, count in opened.origins],
    }


def _statement(statement: Statement, steps: int, findings: Optional[Findings]) -> Dict[str, Any]:
    plans = () if findings is None else findings.of(statement)
    indexes = () if findings is None else findings.advised(statement)
    scans = [
        {
            "database": plan.use.database,
            "table": scan.table,
            "rows": scan.rows,
            "automatic_index": scan.automatic,
        }
        for plan in plans
        for scan in plan.explained.scans
    ]
    return {
        "statement": statement.text or statement.statement,
        "hash": statement.statement,
        "databases": [use.database for use in statement.uses],
        "callers": [
            {**_caller(origin), "executions": count, "total_ms": took_ns / 1e6}
            for (origin, count), took_ns in zip(statement.origins, statement.origins_ns)
        ],
        "component": statement.component,
        **_executions(statement.all),
        **pick(statement, "distinct", "repeated", "repeated_ms", "repeated_in_step"),
        **pick(statement, "execute_ms", "fetch_ms"),
        "failures": [{"error": error, "executions": count} for error, count in statement.failures],
        "per_step": per_step(statement.in_steps.count, steps),
        "ms_per_step": per_step(statement.in_steps.total_ns / 1e6, steps),
        "plan": plans[0].explained.plan if plans else None,
        "full_scan": bool(scans) if plans else None,
        "scans": scans,
        "advice": "; ".join(dict.fromkeys(index.advice.ddl for index in indexes)) or None,
        "note": next((plan.explained.note for plan in plans if plan.explained.note), ""),
    }


def _index(index: Index, database: Database) -> Dict[str, Any]:
    whole_ns = database.steps_ns
    return {
        "ddl": index.advice.ddl,
        "database": index.database,
        **pick(index.advice, "table", "columns", "rows", "rows_after"),
        **pick(index, "statements", "saved_ms"),
        "saved_ms_per_step": per_step(index.saved_in_steps_ns / 1e6, database.steps),
        "share_of_steps": index.saved_in_steps_ns / whole_ns if whole_ns else None,
    }


def _executions(executions: Executions) -> Dict[str, Any]:
    return {
        "executions": executions.count,
        "rows": executions.rows,
        "total_ms": executions.total_ns / 1e6,
    }


def _caller(origin: Origin) -> Dict[str, Any]:
    return {
        **pick(origin.caller, "function", "file", "line"),
        **pick(origin, "path", "component"),
    }

"""``nutrace sql --json``. Later tools depend on these keys: add, never rename."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from nutrace.analysis.asked_by import Caller
from nutrace.analysis.database import Database, Executions, Statement
from nutrace.plans.findings import Findings, Index

_MS = 1e6


def as_json(found: Database, findings: Optional[Findings] = None) -> Dict[str, Any]:
    """A dict for :func:`json.dumps`.

    ``per_step`` is null in a run without steps; ``plan``, ``full_scan`` and ``advice`` are null
    unless `findings` know them.
    """
    steps = found.steps
    connections, transactions = found.connections, found.transactions
    return {
        "totals": {
            **_executions(found.all),
            "repeated": found.repeated,
            "repeated_ms": found.repeated_ns / _MS,
            "repeated_in_step": found.repeated_in_step,
            "repeated_in_step_ms": found.repeated_in_step_ns / _MS,
        },
        "per_step": {
            "executions": _per_step(found.in_steps.count, steps),
            "connections": _per_step(connections.opened_in_steps, steps),
            "rows": _per_step(found.in_steps.rows, steps),
            "ms": _per_step(found.in_steps.total_ns / _MS, steps),
        },
        "steps": steps,
        "connections": {
            "opened": connections.opened,
            "closed": connections.closed,
            "peak_open": connections.peak_open,
            "connect_ms": connections.connect_ns / _MS,
            "close_ms": connections.close_ns / _MS,
            "per_step": _per_step(connections.opened_in_steps, steps),
        },
        "transactions": {
            "commits": transactions.commits,
            "rollbacks": transactions.rollbacks,
            "total_ms": transactions.total_ns / _MS,
        },
        "statements": [_statement(statement, steps, findings) for statement in found.statements],
        "loops": [
            {
                "statement": loop.text or loop.statement,
                "caller": _caller(loop.caller),
                "steps": loop.steps,
                "executions": loop.executions,
                "saved_ms": loop.saved_ns / _MS,
            }
            for loop in found.loops
        ],
        "advice": None if findings is None else [_index(index, found) for index in findings.indexes],
        "notes": [] if findings is None else list(findings.notes),
    }


def _statement(statement: Statement, steps: int, findings: Optional[Findings]) -> Dict[str, Any]:
    plans = () if findings is None else findings.of(statement)
    indexes = () if findings is None else findings.advised(statement)
    scans: List[Dict[str, Any]] = [
        {
            "database": plan.use.database,
            "table": scan.table,
            "rows": scan.rows,
            "automatic_index": list(scan.automatic),
        }
        for plan in plans
        for scan in plan.explained.scans
    ]
    return {
        "statement": statement.text or statement.statement,
        "hash": statement.statement,
        "databases": [use.database for use in statement.uses],
        "callers": [
            {**_caller(caller), "executions": executions} for caller, executions in statement.callers
        ],
        "component": statement.component,
        **_executions(statement.all),
        "distinct": statement.distinct,
        "repeated": statement.repeated,
        "repeated_ms": statement.repeated_ns / _MS,
        "repeated_in_step": statement.repeated_in_step,
        "execute_ms": statement.execute_ns / _MS,
        "fetch_ms": statement.fetch_ns / _MS,
        "per_step": _per_step(statement.in_steps.count, steps),
        "ms_per_step": _per_step(statement.in_steps.total_ns / _MS, steps),
        "plan": list(plans[0].explained.plan) if plans else None,
        "full_scan": bool(scans) if plans else None,
        "scans": scans,
        "advice": "; ".join(dict.fromkeys(index.advice.ddl for index in indexes)) or None,
        "note": next((plan.explained.note for plan in plans if plan.explained.note), ""),
    }


def _index(index: Index, found: Database) -> Dict[str, Any]:
    return {
        "ddl": index.advice.ddl,
        "database": index.database,
        "table": index.advice.table,
        "columns": list(index.advice.columns),
        "rows": index.advice.rows,
        "rows_after": index.advice.rows_after,
        "statements": list(index.statements),
        "saved_ms": index.saved_ns / _MS,
        "saved_ms_per_step": _per_step(index.saved_in_steps_ns / _MS, found.steps),
        "share_of_steps": index.saved_in_steps_ns / found.steps_ns if found.steps_ns else None,
    }


def _executions(executions: Executions) -> Dict[str, Any]:
    return {
        "executions": executions.count,
        "rows": executions.rows,
        "total_ms": executions.total_ns / _MS,
    }


def _caller(caller: Caller) -> Dict[str, Any]:
    return {
        "function": caller.function,
        "file": caller.file,
        "line": caller.line,
        "path": list(caller.path),
        "component": caller.component,
    }


def _per_step(number: float, steps: int) -> Optional[float]:
    return number / steps if steps else None

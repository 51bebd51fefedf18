"""``nutrace deepcopy --json``. Later tools depend on these keys: add, never rename."""

from __future__ import annotations

from typing import Any, Dict

from nutrace.analysis.deepcopies import Amount, Caller, DeepCopies

_MS = 1e6


def as_json(found: DeepCopies) -> Dict[str, Any]:
    """A dict for :func:`json.dumps`; ``share`` is of ``total_ms``."""
    whole = found.amount.total_ns
    return {
        **_amount(found.amount),
        "in_steps": _amount(found.in_steps),
        "beside_steps": _amount(found.beside_steps),
        "steps": found.steps,
        "sources": [
            {
                "caller": _caller(source.caller),
                "root_type": source.root_type,
                "component": source.component,
                "root_calls": source.amount.root_calls,
                "root_calls_in_steps": source.in_steps.root_calls,
                "objects": source.amount.objects,
                "total_ms": source.amount.total_ns / _MS,
                "share": source.amount.total_ns / whole if whole else 0.0,
                "nested": {
                    "calls": source.nested_calls,
                    "objects": source.nested_objects,
                    "depth": source.depth,
                },
                "types": [
                    {"type": inside.type, "objects": inside.objects, "bytes": inside.bytes}
                    for inside in source.types
                ],
            }
            for source in found.sources
        ],
        "others": [
            {
                "call": other.kind,
                "caller": _caller(other.caller),
                "type": other.root_type,
                "component": other.component,
                "calls": other.calls,
                "calls_in_steps": other.calls_in_steps,
                "total_ms": other.total_ns / _MS,
            }
            for other in found.others
        ],
    }


def _amount(amount: Amount) -> Dict[str, Any]:
    return {
        "root_calls": amount.root_calls,
        "objects": amount.objects,
        "total_ms": amount.total_ns / _MS,
    }


def _caller(caller: Caller) -> Dict[str, Any]:
    return {"function": caller.function, "file": caller.file, "line": caller.line}

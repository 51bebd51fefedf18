"""The document of ``nutrace deepcopy --json``."""

from __future__ import annotations

from typing import Any, Dict

from nutrace.analysis.deepcopies import Amount, DeepCopies, OtherCopies, Source
from nutrace.cli.json_output import pick


def as_json(copies: DeepCopies) -> Dict[str, Any]:
    """All copies of a run as a JSON document; ``share`` is of ``total_ms``."""
    return {
        **_amount(copies.amount),
        "in_steps": _amount(copies.in_steps),
        "beside_steps": _amount(copies.beside_steps),
        "steps": copies.steps,
        "sources": [_source(source, copies.amount.total_ns) for source in copies.sources],
        "others": [_other(other) for other in copies.others],
    }


def _source(source: Source, whole_ns: int) -> Dict[str, Any]:
    return {
        "caller": pick(source.caller, "function", "file", "line"),
        "root_type": source.root_type,
        "component": source.component,
        "root_calls": source.amount.root_calls,
        "root_calls_in_steps": source.in_steps.root_calls,
        "objects": source.amount.objects,
        "total_ms": source.amount.total_ns / 1e6,
        "share": source.amount.total_ns / whole_ns if whole_ns else 0.0,
        "nested": {
            "calls": source.nested_calls,
            "objects": source.nested_objects,
            "depth": source.depth,
        },
        "types": [pick(inside, "type", "objects", "bytes") for inside in source.types],
    }


def _other(other: OtherCopies) -> Dict[str, Any]:
    return {
        "call": other.kind,
        "caller": pick(other.caller, "function", "file", "line"),
        "type": other.root_type,
        **pick(other, "component", "calls", "calls_in_steps", "total_ms"),
    }


def _amount(amount: Amount) -> Dict[str, Any]:
    return pick(amount, "root_calls", "objects", "total_ms")

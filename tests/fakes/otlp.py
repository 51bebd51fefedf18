"""Write run files for tests in a short notation.

A span is a tuple ``(name, start, end)``, optionally followed by a list of children, a dict of
attributes, or both. Times are in microseconds after :data:`EPOCH_NS`::

    document(("simulation.run", 0, 100, [("simulation.step", 10, 20, {"nutrace.step.index": 0})]))
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from nutrace.prices import Price, dump
from nutrace.sketch import Sketch
from nutrace.trace import Trace, load

EPOCH_NS = 1_700_000_000_000_000_000
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"

RESOURCE = {
    "service.name": "nutrace",
    "host.name": "testhost",
    "process.pid": 100,
    "process.command_args": ["python", "run_simulation.py"],
    "nutrace.run.id": "run1",
    "nutrace.run.complete": True,
}


def priced(**outside_ns: float) -> Dict[str, Any]:
    """:data:`RESOURCE` with the prices of events, by their kinds."""
    prices = {kind: Price(ns, 0, 1.5) for kind, ns in outside_ns.items()}
    return {**RESOURCE, "nutrace.own.prices": dump(prices)}


def value(item: Any) -> Dict[str, Any]:
    """An AnyValue."""
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, (list, tuple)):
        return {"arrayValue": {"values": [value(part) for part in item]}}
    if isinstance(item, dict):
        return {"kvlistValue": {"values": attributes(item)}}
    return {"stringValue": item}


def attributes(items: Dict[str, Any]) -> List[Dict[str, Any]]:
    """A list of KeyValue."""
    return [{"key": key, "value": value(item)} for key, item in items.items()]


def spans(*tree: Any, first_id: int = 1, parent: str = "", trace_id: str = TRACE_ID) -> List[Dict[str, Any]]:
    """OTLP spans of nested tuples, with ascending ids in preorder.

    Children do not inherit attributes. ``thread.id`` is 1 unless it is given; None leaves it out.
    """
    ids = iter(range(first_id, 10**9))
    return list(_spans(tree, ids, parent, trace_id))


def _spans(tree: Any, ids: Iterator[int], parent: str, trace_id: str) -> Iterator[Dict[str, Any]]:
    for name, start, end, *more in tree:
        children: List[Any] = next((part for part in more if isinstance(part, list)), [])
        given = {"thread.id": 1, **next((part for part in more if isinstance(part, dict)), {})}
        given = {key: item for key, item in given.items() if item is not None}
        span_id = f"{next(ids):016x}"
        span = {
            "traceId": trace_id,
            "spanId": span_id,
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(EPOCH_NS + int(start * 1000)),
            "endTimeUnixNano": str(EPOCH_NS + int(end * 1000)),
            "attributes": attributes(given),
        }
        if parent:
            span["parentSpanId"] = parent
        yield span
        yield from _spans(children, ids, span_id, trace_id)


def merged(times_ns: Sequence[int]) -> Dict[str, Any]:
    """What a composite span has of calls that took so long."""
    sketch = Sketch().plus(times_ns)
    pairs = sketch.pairs()
    return {
        "nutrace.busy_ns": sketch.sum_ns,
        "nutrace.composite.count": sketch.calls,
        "nutrace.composite.min_ns": sketch.min_ns,
        "nutrace.composite.max_ns": sketch.max_ns,
        **({"nutrace.composite.times": pairs} if pairs else {}),
    }


def envelope(
    content: List[Dict[str, Any]], resource: Optional[Dict[str, Any]] = None, scope: str = "nutrace"
) -> Dict[str, Any]:
    """A TracesData of OTLP spans."""
    described = RESOURCE if resource is None else resource
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes(described)},
                "scopeSpans": [{"scope": {"name": scope, "version": "0"}, "spans": content}],
            }
        ]
    }


def document(*tree: Any, resource: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """A TracesData of nested tuples; `resource` replaces :data:`RESOURCE`."""
    return envelope(spans(*tree), resource)


def compact(content: Any) -> bytes:
    """JSON as nutrace writes it: no blanks."""
    return json.dumps(content, separators=(",", ":")).encode()


def write(path: Path, *documents: Union[Dict[str, Any], bytes]) -> Path:
    """Write documents as JSON lines."""
    lines = [item if isinstance(item, bytes) else compact(item) for item in documents]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def trace_of(path: Path, *tree: Any, resource: Optional[Dict[str, Any]] = None) -> Trace:
    """Write nested tuples to a file in the directory `path` and load it."""
    return load(write(path / "run.json", document(*tree, resource=resource)))

"""What ``--json`` prints. Programs depend on the keys of every command: add, never rename."""

from __future__ import annotations

import json
import math
from typing import Any, Dict, Optional

from nutrace.trace import Trace


def print_json(document: Any) -> None:
    """Print what ``--json`` asks for."""
    print(json.dumps(_finite(document), indent=2, allow_nan=False))


def _finite(document: Any) -> Any:
    """JSON has no infinity and no NaN, which a run file may have: they become null."""
    if isinstance(document, float):
        return document if math.isfinite(document) else None
    if isinstance(document, dict):
        return {key: _finite(item) for key, item in document.items()}
    if isinstance(document, (list, tuple)):
        return [_finite(item) for item in document]
    return document


def run_state(trace: Trace) -> Dict[str, Any]:
    """Keys of a JSON document: whether the run came to its end, whether it goes on, and its kind of times.

    ``times`` is one of the states in :mod:`nutrace.trace.correction`.
    """
    return {
        "complete": trace.diagnostics.complete,
        "running": trace.diagnostics.running,
        "times": trace.correction.state,
    }


def pick(item: object, *keys: str) -> Dict[str, Any]:
    """Attributes of `item` as a part of a JSON document, under the names of its keys.

    Times are kept in nanoseconds: a key that ends in ``_ms`` or ``_us`` is the attribute of that name that
    ends in ``_ns``, converted.
    """
    return {key: _value(item, key) for key in keys}


def _value(item: object, key: str) -> Any:
    divisor = {"_ms": 1e6, "_us": 1e3}.get(key[-3:])
    if divisor is None:
        return getattr(item, key)
    time_ns = getattr(item, f"{key[:-3]}_ns")
    return None if time_ns is None else time_ns / divisor


def per_step(number: float, steps: int) -> Optional[float]:
    """A number for each step; None in a run without steps."""
    return number / steps if steps else None

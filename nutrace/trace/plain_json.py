"""Attributes and events as the JSON that tables hold, and back as OTLP/JSON, which the rest of a trace reads.

A table's reader wants ``{"code.line.number": 12}`` instead of OTLP's lists of keys and typed values. JSON has
all types of attributes but three numbers: NaN and the two infinities.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Sequence

import msgspec

from nutrace.trace.span import Event

_encode = msgspec.json.Encoder().encode
_NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def plain_attributes(attributes: Mapping[str, Any]) -> bytes:
    """Attributes as a JSON object; null stands for numbers that JSON does not have."""
    return _encode(dict(attributes))


def plain_events(events: Sequence[Event]) -> bytes:
    """Events as a JSON list of objects."""
    return _encode(
        [
            {"name": each.name, "time_unix_nano": each.time_ns, "attributes": dict(each.attributes)}
            for each in events
        ]
    )


def is_plain(value: Any) -> bool:
    """Whether a value comes back from JSON as what it was."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(is_plain, value.values()))
    return all(map(is_plain, value)) if isinstance(value, (list, tuple)) else True


def otlp_attributes(attributes: Mapping[str, Any]) -> bytes:
    """Attributes as an OTLP/JSON list of KeyValue, the text that nutrace itself writes."""
    return _encode(_key_values(attributes)) if attributes else b""


def otlp_events(events: Sequence[Mapping[str, Any]], add_ns: int = 0) -> bytes:
    """Events, from what :func:`plain_events` has written; `add_ns` is added to their times."""
    return _encode(
        [
            {
                "name": each["name"],
                "timeUnixNano": str(each["time_unix_nano"] + add_ns),
                "attributes": _key_values(each["attributes"]),
            }
            for each in events
        ]
    )


def otlp_status(code: int, message: str) -> bytes:
    """A status as an OTLP/JSON object."""
    return _encode({"code": code, "message": message})


def _key_values(attributes: Mapping[str, Any]) -> List[Dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: Any) -> Dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else _NAMES[str(value)]}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _key_values(value)}}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    return {}

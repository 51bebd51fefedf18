"""OTLP/JSON values as Python values.

Source: opentelemetry-proto, ``common/v1/common.proto`` (AnyValue, KeyValue) in its JSON
mapping: 64-bit integers are decimal strings (numbers are accepted), ``NaN`` and ``Infinity``
are strings, unknown fields are ignored.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Tuple

import msgspec

from nutrace.trace.span import Event, Status

_SURROGATE = re.compile("[\ud800-\udfff]")
_WHITE_SPACE = re.compile(r"[ \t\r\n]*")
_json = json.JSONDecoder(strict=False)
_NOTHING: Mapping[str, Any] = MappingProxyType({})

#: Replaces attributes that no parser reads (nested thousands of levels deep).
UNREADABLE: Mapping[str, Any] = MappingProxyType({"nutrace.unreadable": True})


def loose_json(data: bytes) -> Any:
    """Parse JSON that msgspec may refuse: lone surrogates, bad UTF-8, NaN.

    Lone surrogates become U+FFFD, so that every text in a trace can be encoded.

    Raises
    ------
    ValueError
        If it is not JSON.
    RecursionError
        If it nests deeper than the interpreter allows.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = data.decode("utf-8", "replace")
        return _without_surrogates(json.loads(text, strict=False))


def loose_json_values(data: bytes) -> List[Any]:
    """Parse JSON values that follow each other.

    Raises
    ------
    ValueError
        If what is left is not JSON, or there is nothing.
    RecursionError
        If it nests deeper than the interpreter allows.
    """
    text = data.decode("utf-8", "replace").rstrip()
    values: List[Any] = []
    end = 0
    while end < len(text) or not values:
        value, end = _json.raw_decode(text, _WHITE_SPACE.match(text, end).end())  # type: ignore[union-attr]
        values.append(_without_surrogates(value))
    return values


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def integer(value: Any) -> int:
    """A 64-bit integer that is written as a string or as a number; 0 if it is neither."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def any_value(value: Any) -> Any:
    """The Python value of a decoded AnyValue; ``None`` if it is empty."""
    if not isinstance(value, dict):
        return None
    for kind, content in value.items():
        if kind in ("stringValue", "bytesValue", "boolValue"):
            return content
        if kind == "intValue":
            return integer(content)
        if kind == "doubleValue":
            try:
                return float(content)
            except (TypeError, ValueError):
                return None
        if kind == "arrayValue":
            items = content.get("values") if isinstance(content, dict) else None
            return [any_value(item) for item in items] if isinstance(items, list) else []
        if kind == "kvlistValue":
            return key_values(content.get("values") if isinstance(content, dict) else None)
    return None


def key_values(items: Any) -> Dict[str, Any]:
    """The dict of a decoded list of KeyValue; other items are left out."""
    if not isinstance(items, list):
        return {}
    return {
        str(item["key"]): any_value(item.get("value"))
        for item in items
        if isinstance(item, dict) and "key" in item
    }


@lru_cache(maxsize=4096)
def parse_attributes(raw: bytes) -> Mapping[str, Any]:
    """Attributes from the bytes of a JSON list of KeyValue; cached, as the spans of a probe repeat them."""
    if not raw:
        return _NOTHING
    try:
        return MappingProxyType(key_values(loose_json(raw)))
    except (ValueError, RecursionError):
        return UNREADABLE


def parse_events(raw: bytes) -> Tuple[Event, ...]:
    """Events from the bytes of a JSON list of Span.Event."""
    try:
        items = loose_json(raw) if raw else []
        return tuple(
            Event(
                str(item.get("name", "")),
                integer(item.get("timeUnixNano")),
                key_values(item.get("attributes")),
            )
            for item in (items if isinstance(items, list) else ())
            if isinstance(item, dict)
        )
    except (ValueError, RecursionError):
        return ()


def parse_status(raw: bytes) -> Status:
    """A Status from the bytes of its JSON object; its code may be a number or a name."""
    try:
        item = loose_json(raw) if raw else None
    except (ValueError, RecursionError):
        return Status()
    if not isinstance(item, dict):
        return Status()
    names = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
    code = item.get("code", 0)
    message = item.get("message")
    return Status(names.get(code) or integer(code), message if isinstance(message, str) else "")

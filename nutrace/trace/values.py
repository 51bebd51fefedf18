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
from typing import Any, Dict, FrozenSet, List, Mapping, Tuple

import msgspec

from nutrace.trace.bounds import DEEPEST_VALUE, MOST_LOOSE_VALUES, text
from nutrace.trace.span import ERROR, Event, Status

_SURROGATE = re.compile("[\ud800-\udfff]")
#: A byte order mark occurs where files were put together.
_WHITE_SPACE = re.compile("[ \t\r\n\ufeff]*")
_json = json.JSONDecoder(strict=False)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_INT64 = 2**63
_LONGEST_CACHED = 8192  # bytes; the cache holds parsed attributes, which take some 20 times their text
_CODES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}

#: Replaces attributes that no parser reads (nested thousands of levels deep).
UNREADABLE: Mapping[str, Any] = MappingProxyType({"nutrace.unreadable": True})


class TooLargeError(ValueError):
    """A document has more values than :data:`nutrace.trace.bounds.MOST_LOOSE_VALUES`."""


def loose_json(data: bytes) -> Any:
    """Parse JSON that msgspec may refuse: lone surrogates, bad UTF-8, NaN.

    Lone surrogates become U+FFFD, so that every text in a trace can be encoded.

    Raises
    ------
    TooLargeError
        If it holds more values than fit into memory.
    ValueError
        If it is not JSON.
    RecursionError
        If it nests deeper than the interpreter allows.
    """
    _check_size(data)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _without_surrogates(json.loads(data.decode("utf-8", "replace"), strict=False))


def loose_json_values(data: bytes) -> List[Any]:
    """Parse JSON values that follow each other.

    Raises
    ------
    ValueError, RecursionError
        As :func:`loose_json` does; also if there is nothing.
    """
    _check_size(data)
    content = data.decode("utf-8", "replace").rstrip()
    values: List[Any] = []
    end = 0
    while end < len(content) or not values:
        value, end = _json.raw_decode(content, _WHITE_SPACE.match(content, end).end())  # type: ignore[union-attr]
        values.append(_without_surrogates(value))
    return values


def _check_size(data: bytes) -> None:
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_LOOSE_VALUES:
        raise TooLargeError


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
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if -_INT64 <= number < _INT64 else 0


def any_value(value: Any, depth: int = 0) -> Any:
    """The Python value of a decoded AnyValue.

    ``None`` if it is empty, not of the type that it names, or nested too deeply.
    """
    if not isinstance(value, dict):
        return None
    for kind, content in value.items():
        if kind in ("stringValue", "bytesValue"):
            return content if isinstance(content, str) else None
        if kind == "boolValue":
            return content if isinstance(content, bool) else None
        if kind == "intValue":
            return integer(content)
        if kind == "doubleValue":
            try:
                return float(content)
            except (TypeError, ValueError, OverflowError):
                return None
        if kind in ("arrayValue", "kvlistValue"):
            if depth == DEEPEST_VALUE:
                return None
            items = content.get("values") if isinstance(content, dict) else None
            if kind == "kvlistValue":
                return key_values(items, depth + 1)
            return [any_value(item, depth + 1) for item in items] if isinstance(items, list) else []
    return None


def key_values(items: Any, depth: int = 0) -> Dict[str, Any]:
    """The dict of a decoded list of KeyValue; other items are left out."""
    if not isinstance(items, list):
        return {}
    return {
        item["key"]: any_value(item.get("value"), depth)
        for item in items
        if isinstance(item, dict) and isinstance(item.get("key"), str)
    }


def parse_attributes(raw: bytes) -> Mapping[str, Any]:
    """Attributes from the bytes of a JSON list of KeyValue; cached, as the spans of a probe repeat them."""
    return _cached_attributes(raw) if len(raw) <= _LONGEST_CACHED else _attributes(raw)


def _attributes(raw: bytes) -> Mapping[str, Any]:
    if not raw:
        return _NOTHING
    try:
        return MappingProxyType(key_values(loose_json(raw)))
    except (ValueError, RecursionError):
        return UNREADABLE


_cached_attributes = lru_cache(maxsize=4096)(_attributes)


def parse_events(raw: bytes) -> Tuple[Event, ...]:
    """Events from the bytes of a JSON list of Span.Event."""
    try:
        items = loose_json(raw) if raw else []
        return tuple(
            Event(
                text(item.get("name")),
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
    code = item.get("code")
    named = _CODES.get(code) if isinstance(code, str) else None
    return Status(integer(code) if named is None else named, text(item.get("message")))


def failed_spans(status: Mapping[int, bytes]) -> FrozenSet[int]:
    """The spans that an error left, of those that have a status."""
    return frozenset(span for span, raw in status.items() if parse_status(raw).code == ERROR)

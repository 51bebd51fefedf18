"""Attributes of spans in types that are quick to decode: texts, whole numbers, booleans and lists of these.

Who reads a million spans asks for a few attributes of each. :meth:`nutrace.trace.Trace.attributes` has all of
them, in every type that OTLP knows, and takes three times as long.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

import msgspec

from nutrace.trace.bounds import whole
from nutrace.trace.values import key_values, loose_json

_NO_LIST = msgspec.Raw(b"")


class Value(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An AnyValue. A list stays JSON until somebody asks for it."""

    stringValue: Optional[str] = None
    intValue: Optional[int] = None
    boolValue: Optional[bool] = None
    arrayValue: msgspec.Raw = _NO_LIST


_NOTHING = Value()


class KeyValue(msgspec.Struct, gc=False):
    """An attribute."""

    key: str
    value: Value = _NOTHING


class _Items(msgspec.Struct, gc=False):
    values: List[Value] = []


# Not strict: 64-bit integers come as strings or as numbers.
_attributes = msgspec.json.Decoder(List[KeyValue], strict=False)
_items = msgspec.json.Decoder(_Items, strict=False)


def typed_attributes(raw: bytes) -> List[KeyValue]:
    """The attributes in a JSON list of KeyValue, in its order; those of other types have an empty value."""
    if not raw:
        return []
    try:
        return _attributes.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        attributes = key_values(loose_json(raw))
    except (ValueError, RecursionError):
        return []
    return [KeyValue(key, _value(value)) for key, value in attributes.items()]


def by_key(raw: bytes) -> Dict[str, Value]:
    """The same by key; of equal keys the last one counts."""
    return {item.key: item.value for item in typed_attributes(raw)}


def items_of(value: Value) -> List[Value]:
    """The items of a list; none if the value is no list."""
    if value.arrayValue is _NO_LIST:
        return []
    try:
        return _items.decode(value.arrayValue).values
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _value(value: Any) -> Value:
    if isinstance(value, list):
        items = {"values": [_value(item) for item in value]}
        return Value(arrayValue=msgspec.Raw(msgspec.json.encode(items)))
    return Value(
        stringValue=value if isinstance(value, str) else None,
        intValue=value if isinstance(value, int) and not isinstance(value, bool) else None,
        boolValue=value if isinstance(value, bool) else None,
    )


def number(told: Mapping[str, Value], key: str) -> int:
    """An attribute that counts something, 0 or more; -1 if it is missing or out of bounds."""
    value = told.get(key)
    return -1 if value is None else whole(value.intValue)


def text(told: Mapping[str, Value], key: str) -> str:
    """An attribute that is a text; "" if it is not."""
    value = told.get(key)
    return "" if value is None else value.stringValue or ""

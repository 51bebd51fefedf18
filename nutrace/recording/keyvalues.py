"""Attributes as OTLP/JSON text: objects of a key and a value."""

from __future__ import annotations

from typing import Any, Callable, List, Mapping, Union

import msgspec

from nutrace.recording.values import INT64, Values

dumps: Callable[[Any], bytes] = msgspec.json.Encoder().encode

_MOST_NAMES = 1000  # programs may make up names of attributes


def inside(values: Values, attributes: Mapping[str, Any]) -> str:
    """`attributes` as the inside of a JSON array of KeyValue."""
    return ",".join([key_value(values, key, value) for key, value in attributes.items()])


def key_value(values: Values, key: Any, value: Any) -> str:
    """One KeyValue; numbers and short texts, which is nearly all there is, without a detour."""
    kind = type(value)
    if kind is str and len(value) <= values.limit and value.isascii():
        content = f'{{"stringValue":{dumps(value).decode()}}}'
    elif kind is int and -INT64 <= value < INT64:
        content = f'{{"intValue":"{value}"}}'
    else:
        plain = _plain_items(values, value[:]) if kind is list else ""  # its owner may go on writing
        content = (
            f'{{"arrayValue":{{"values":[{plain}]}}}}' if plain else dumps(values.any_value(value)).decode()
        )
    name = values.names.get(key) if type(key) is str else None
    if name is None:
        name = dumps(values.text(key)).decode()
        if len(values.names) < _MOST_NAMES and type(key) is str:
            values.names[key] = name
    return f'{{"key":{name},"value":{content}}}'


def _plain_items(values: Values, entries: List[Any]) -> str:
    """Numbers and hashes, which statements list; empty if it is anything else that must be looked at."""
    if len(entries) == 1:
        entry = entries[0]
        if type(entry) is int and -INT64 <= entry < INT64:
            return f'{{"intValue":"{entry}"}}'
        if type(entry) is str and len(entry) <= values.limit and entry.isalnum() and entry.isascii():
            return f'{{"stringValue":"{entry}"}}'
        return ""
    kinds = set(map(type, entries))
    if kinds == {int} and len(entries) <= values.limit and -INT64 <= min(entries) <= max(entries) < INT64:
        return ",".join([f'{{"intValue":"{entry}"}}' for entry in entries])
    if kinds == {str}:
        text = "".join(entries)
        if len(text) <= values.limit and text.isalnum() and text.isascii():
            return ",".join([f'{{"stringValue":"{entry}"}}' for entry in entries])
    return ""


def number(key: str, value: Union[int, str]) -> str:
    """An attribute, with the comma before it; `key` is one of ours.

    With ``"%d"`` as its value, and likewise ``"%s"`` of :func:`listed`, it is a form to be filled in.
    """
    return f',{{"key":"{key}","value":{{"intValue":"{value}"}}}}'


def listed(key: str, kind: str, value: Union[int, str]) -> str:
    """Likewise, a list with one number (``intValue``), or one hash (``stringValue``)."""
    return f',{{"key":"{key}","value":{{"arrayValue":{{"values":[{{"{kind}":"{value}"}}]}}}}}}'

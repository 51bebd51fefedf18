"""Attribute values as OTLP's AnyValue: whatever a program puts on a span becomes bounded, valid JSON.

Source: opentelemetry-proto, ``common/v1/common.proto``, in its JSON mapping: 64-bit integers are
decimal strings, ``NaN`` and ``Infinity`` are strings.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Dict, Iterable, List, Mapping

import msgspec

#: Anything plain as JSON.
dumps: Callable[[Any], bytes] = msgspec.json.Encoder().encode

UNPRINTABLE = "<unprintable>"
_INT64 = 1 << 63
_DEEPEST = 16  # levels of lists and mappings; what lies deeper becomes text
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` as UTF-8 can hold it: lone surrogates become U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Values:
    """Makes AnyValues of bounded size.

    Parameters
    ----------
    limit:
        Most characters of a text, and most items in a value that holds others; the rest is cut off.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.cut = 0  # texts and lists that were cut

    def key_values(self, attributes: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """A list of KeyValue."""
        return [{"key": self.text(key), "value": self.any_value(value)} for key, value in attributes.items()]

    def as_json(self, attributes: Mapping[str, Any]) -> str:
        """The same as JSON text, without the brackets of the array: texts can be joined with commas."""
        return dumps(self.key_values(attributes))[1:-1].decode()

    def any_value(self, value: Any) -> Dict[str, Any]:
        """An AnyValue. Bytes become hex digits, and objects that are no attribute values their ``str()``."""
        return _Value(self).of(value, 0)

    def text(self, value: Any) -> str:
        """A string, bounded; never raises, whatever the object's ``__str__`` does."""
        try:
            string = str(value)
            if type(string) is not str:
                string = str.__str__(string)
        except Exception:  # an object of the program's may fail in any way
            string = UNPRINTABLE
        if len(string) > self.limit:
            self.cut += 1
            string = string[: self.limit]
        return clean(string)


class _Value:
    """One attribute's value. It may hold others, and their number is bounded in all."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.left = values.limit

    def of(self, value: Any, depth: int) -> Dict[str, Any]:
        try:
            return self._of(value, depth)
        except Exception:  # numbers, mappings and sequences may be classes of the program's
            return {"stringValue": self.values.text(value)}

    def _of(self, value: Any, depth: int) -> Dict[str, Any]:
        if isinstance(value, str):
            return {"stringValue": self.values.text(value)}
        if isinstance(value, bool):
            return {"boolValue": value}
        if isinstance(value, int):
            number = int(value)
            if -_INT64 <= number < _INT64:
                return {"intValue": str(number)}
            return {"stringValue": self.values.text(number)}
        if isinstance(value, float):
            real = float(value)
            if math.isfinite(real):
                return {"doubleValue": real}
            return {"doubleValue": "NaN" if math.isnan(real) else "Infinity" if real > 0 else "-Infinity"}
        if isinstance(value, (bytes, bytearray)):
            most = self.values.limit // 2
            self.values.cut += len(value) > most
            return {"stringValue": bytes(value[:most]).hex()}
        if depth < _DEEPEST and isinstance(value, (list, tuple)):
            return {"arrayValue": {"values": [self.of(item, depth + 1) for item in self._some(value)]}}
        if depth < _DEEPEST and isinstance(value, Mapping):
            return {"kvlistValue": {"values": self._pairs(value, depth)}}
        if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):  # numpy's scalars
            item = value.item()
            if type(item) is not type(value):
                return self.of(item, depth + 1)
        return {"stringValue": self.values.text(value)}

    def _pairs(self, value: Mapping[Any, Any], depth: int) -> List[Dict[str, Any]]:
        return [
            {"key": self.values.text(key), "value": self.of(value[key], depth + 1)}
            for key in self._some(list(value))
        ]

    def _some(self, items: Iterable[Any]) -> Iterable[Any]:
        for item in items:
            if self.left <= 0:
                self.values.cut += 1
                return
            self.left -= 1
            yield item

"""Read files of cProfile (``python -m cProfile -o``, ``Profile.dump_stats``) without trusting them.

Such a file is one ``marshal`` dump: ``{(file, line, name): (primitive calls, calls, own seconds,
cumulative seconds, callers)}``. Python's own reader may crash on a damaged or hostile file, and builds
code objects if the file holds any. This reader knows numbers, strings, tuples and dictionaries only.
Source of the format: CPython's ``Python/marshal.c``, versions 2 to 5.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any, Dict, List, NoReturn, Tuple

from nutrace.errors import InputError
from nutrace.trace.opening import Input

_DEEPEST = 8  # a dictionary of tuples of dictionaries of tuples of numbers
_LARGEST = 1 << 27  # bytes; a profile of 100,000 functions has some 30 million
_NULL = object()
_CONSTANTS = {"N": None, "T": True, "F": False, "0": _NULL}
_TEXTS = {"u": "utf-8", "t": "utf-8", "a": "ascii", "A": "ascii"}  # after a length of four bytes


@dataclass(frozen=True)
class Counted:
    """One row of a profile.

    Attributes
    ----------
    file, line, name:
        Where the code begins, and its name; for functions written in C the file is "~".
    count:
        How often the function was entered, cProfile's ``ncalls``. A generator is entered at each
        resumption.
    primitive:
        How often it was entered from outside itself.
    own_s, cumulative_s:
        Seconds in the function itself, and with everything that it called; recursion counts once.
    """

    file: str
    line: int
    name: str
    count: int
    primitive: int
    own_s: float
    cumulative_s: float


class _Bad(Exception):
    """The file is not a profile; the message says why."""


def read_profile(path: str) -> Tuple[Counted, ...]:
    """The rows of a profile, in the file's order.

    Raises
    ------
    InputError
        If the file cannot be read, or is not a complete profile of cProfile's.
    """
    with Input(path, "profile") as file:
        data = file.read(_LARGEST + 1)
    if not data:
        raise InputError(f"{path} is empty: cProfile writes it when the program ends")
    if len(data) > _LARGEST:
        raise InputError(f"{path} is larger than {_LARGEST >> 20} MB: not a profile of cProfile's")
    try:
        rows = _rows(_Decoder(data).whole())
    except _Bad as bad:
        raise InputError(f"{path} is not a profile of cProfile's ({bad}): make one with {_HOW}") from None
    if not rows:
        raise InputError(f"{path} is a profile without any function")
    return rows


_HOW = "python -m cProfile -o FILE.prof PROGRAM"


def _rows(table: Any) -> Tuple[Counted, ...]:
    if not isinstance(table, dict):
        raise _Bad("no table of functions")
    return tuple(_row(key, value) for key, value in table.items())


def _row(key: Any, value: Any) -> Counted:
    if not (isinstance(key, tuple) and [type(part) for part in key] == [str, int, str]):
        raise _Bad("a function without file, line and name")
    if not (isinstance(value, tuple) and len(value) == 5 and isinstance(value[4], dict)):
        raise _Bad("a function without its figures")
    primitive, count, own, cumulative, _ = value
    whole = type(primitive) is int and type(count) is int and 0 <= primitive <= count < 1 << 63
    if not whole or not all(type(time) in (int, float) and _finite(time) for time in (own, cumulative)):
        raise _Bad("a figure out of bounds")
    file, line, name = key
    return Counted(file, line, name, count, primitive, float(own), float(cumulative))


def _finite(time: Any) -> bool:
    return abs(time) < 1e15 and math.isfinite(time)


class _Decoder:
    """Decodes the part of marshal that profiles consist of; it never runs code."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._shared: List[Any] = []  # objects that later ones refer to by number

    def whole(self) -> Any:
        """The one object in the file."""
        table = self._object(0)
        if self._at != len(self._data):
            raise _Bad(f"{len(self._data) - self._at:,} bytes after its end")
        return table

    def _object(self, depth: int) -> Any:
        byte = self._take(1)[0]
        kind, shared = chr(byte & 0x7F), byte & 0x80
        if depth > _DEEPEST:
            raise _Bad("nested too deeply")
        if kind == "r":
            return self._reference()
        place = len(self._shared)
        if shared:
            self._shared.append(_NULL)  # it has its number before its parts are read
        value = self._of_kind(kind, depth)
        if shared:
            self._shared[place] = value
        return value

    def _of_kind(self, kind: str, depth: int) -> Any:
        if kind == "i":
            return int.from_bytes(self._take(4), "little", signed=True)
        if kind == "g":
            return struct.unpack("<d", self._take(8))[0]
        if kind in "zZ":
            return self._text(self._take(1)[0], "ascii")
        if kind in _TEXTS:
            return self._text(self._size(), _TEXTS[kind])
        if kind == ")":
            return self._tuple(self._take(1)[0], depth)
        if kind == "(":
            return self._tuple(self._size(), depth)
        if kind == "{":
            return self._dictionary(depth)
        if kind == "l":
            return self._long()
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        return _refuse(kind)

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise _Bad("cut short")
        part = self._data[self._at : end]
        self._at = end
        return part

    def _size(self) -> int:
        size = int.from_bytes(self._take(4), "little", signed=True)
        if not 0 <= size <= len(self._data) - self._at:
            raise _Bad("cut short")
        return size

    def _reference(self) -> Any:
        number = int.from_bytes(self._take(4), "little")
        if number >= len(self._shared) or self._shared[number] is _NULL:
            raise _Bad("a reference to nothing")
        return self._shared[number]

    def _text(self, size: int, encoding: str) -> str:
        try:
            return self._take(size).decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
        except UnicodeDecodeError:
            raise _Bad("undecodable text") from None

    def _tuple(self, size: int, depth: int) -> Tuple[Any, ...]:
        parts = tuple(self._object(depth + 1) for _ in range(size))
        if any(part is _NULL for part in parts):
            raise _Bad("an incomplete tuple")
        return parts

    def _dictionary(self, depth: int) -> Dict[Any, Any]:
        entries: Dict[Any, Any] = {}
        while True:
            key = self._object(depth + 1)
            if key is _NULL:
                return entries
            value = self._object(depth + 1)
            if value is _NULL:
                raise _Bad("an incomplete dictionary")
            try:
                entries[key] = value
            except TypeError:  # a dictionary in the key
                raise _Bad("a key that cannot be one") from None

    def _long(self) -> int:
        size = int.from_bytes(self._take(4), "little", signed=True)
        if abs(size) > 5:  # digits of 15 bits: no count and no time needs more than 63
            raise _Bad("a number out of bounds")
        digits = (int.from_bytes(self._take(2), "little") for _ in range(abs(size)))
        value = sum(digit << (15 * place) for place, digit in enumerate(digits))
        return -value if size < 0 else value


def _refuse(kind: str) -> NoReturn:
    if kind == "c":
        raise _Bad("it holds code")
    raise _Bad("not a marshal dump of numbers and strings")

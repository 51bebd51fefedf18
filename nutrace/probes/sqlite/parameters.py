"""What tells one set of parameters from another, without keeping any: a hash under the run's key.

No code of the program's runs for it, neither adapters nor ``repr``: parameters of classes that are
not known are told apart by what they hold, and where that cannot be seen they count as different.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import hashlib
import itertools
import marshal
import os
import uuid
from typing import Any, Callable, Dict, List, Tuple

from nutrace.recording.span import process_state

_DEEPEST = 4  # objects within objects
_LONGEST = 64 * 1024  # bytes hashed at a time
_TOLD_BY_REPR = frozenset(
    {datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID}
)
# Version 2 writes equal values as equal bytes; later ones depend on who else refers to them.
PACKING = 2

_unknown = itertools.count()


class _Keyed:
    """A hash that has taken in the key, to be copied: that is faster than beginning anew."""

    def __init__(self) -> None:
        self.key = b""
        self.begun = hashlib.blake2b(digest_size=8)


_keyed = _Keyed()


def _begin() -> Any:
    if _keyed.key is not process_state.secret:
        _keyed.begun = hashlib.blake2b(digest_size=8, key=process_state.secret)
        _keyed.key = process_state.secret
    return _keyed.begun.copy()


def digest(literals: bytes, parameters: Any) -> str:
    """16 hex digits for the values of one execution.

    Parameters
    ----------
    literals:
        What was folded away in the statement's text.
    parameters:
        As the program gave them.
    """
    hashed = _keyed.begun.copy() if _keyed.key is process_state.secret else _begin()
    if literals:
        hashed.update(literals)
    try:
        # `_bytes_of` written out for the two kinds that most parameters come in.
        kind = type(parameters)
        plain = parameters if kind is tuple else tuple(parameters) if kind is list else None
        hashed.update(_bytes_of(parameters) if plain is None else marshal.dumps(plain, PACKING))
    except ValueError:
        hashed.update(_bytes_of(parameters))
    return str(hashed.hexdigest())


class Passing:
    """Hashes the sets of parameters of an ``executemany`` while they pass; holds no more than a few."""

    def __init__(self, literals: bytes) -> None:
        self.sets = 0
        self._hashed = _begin()
        self._hashed.update(literals)

    def tap(self, parameters: Any) -> Any:
        """Take one set in and give it back; for :func:`map`, which adds no frame to the program's."""
        try:
            self.sets += 1
            self._hashed.update(_bytes_of(parameters))
        except Exception:  # law 1
            process_state.fault("hashing parameters")
        return parameters

    def digest(self) -> str:
        """16 hex digits for all that passed."""
        return str(self._hashed.hexdigest())


def _bytes_of(parameters: Any) -> bytes:
    kind = type(parameters)
    if kind is list:
        parameters = tuple(parameters)
    elif kind is dict:
        parameters = _sorted(parameters)
    try:
        return marshal.dumps(parameters, PACKING)
    except ValueError:  # something inside that is not of a built-in type
        return marshal.dumps(_plain(parameters, 0), PACKING)


def _sorted(parameters: Dict[Any, Any]) -> Tuple[Any, ...]:
    # Names are texts, all of them, or SQLite does not find them.
    try:
        return ("dict", *sorted(parameters.items(), key=_name))
    except TypeError:
        return ("dict", *parameters.items())


def _name(item: Tuple[Any, Any]) -> Any:
    return item[0]


def _plain(value: Any, depth: int) -> Any:
    """`value` in built-in types, as SQLite or an adapter of the program's would see it."""
    for kind, convert in _CONVERT:
        if isinstance(value, kind):
            return convert(value, depth)
    if type(value) in _TOLD_BY_REPR:
        return (type(value).__name__, repr(value))
    return _held(value, depth)


def _held(value: Any, depth: int) -> Any:
    """What an object of a class of the program's holds, without asking it."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    fields: List[Any] = []
    if depth < _DEEPEST:
        try:
            fields += sorted(object.__getattribute__(value, "__dict__").items())
        except (AttributeError, TypeError):
            pass
        for base in kind.__mro__:
            slots = vars(base).get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else tuple(slots):
                try:
                    fields.append((slot, object.__getattribute__(value, slot)))
                except AttributeError:
                    continue
    if not fields:
        return ("object", name, os.getpid(), next(_unknown))
    return ("object", name, *((field, _plain(inner, depth + 1)) for field, inner in fields))


def _items(values: Any, depth: int) -> Any:
    if depth >= _DEEPEST:
        return ("deep", os.getpid(), next(_unknown))
    return tuple(_plain(value, depth + 1) for value in values)


_CONVERT: Tuple[Tuple[Any, Callable[[Any, int], Any]], ...] = (
    (type(None), lambda value, depth: None),
    (
        enum.Enum,
        lambda value, depth: ("enum", type(value).__qualname__, object.__getattribute__(value, "_name_")),
    ),
    (int, lambda value, depth: int.__add__(value, 0)),
    (float, lambda value, depth: float.__add__(value, 0.0)),
    (str, lambda value, depth: str.__str__(value)),
    ((bytes, bytearray, memoryview), lambda value, depth: bytes(value)),
    (tuple, lambda value, depth: _items(tuple.__iter__(value), depth)),
    (list, lambda value, depth: _items(list.__iter__(value), depth)),
    (dict, lambda value, depth: _items(_sorted_items(value), depth)),
)


def _sorted_items(value: Dict[Any, Any]) -> Any:
    kind = type(value)
    marker: Tuple[Any, ...] = ("dict",)
    if any("__missing__" in vars(base) for base in kind.__mro__ if base is not object):
        marker = ("dict", os.getpid(), next(_unknown))  # it makes values up
    plain = {str.__str__(name) if isinstance(name, str) else name: inner for name, inner in dict.items(value)}
    try:
        return (*marker, *sorted(plain.items(), key=_name))
    except TypeError:
        return (*marker, *plain.items())

"""Hash the parameters of statements under the run's key, so that equal executions can be counted.

No parameter is kept, and no code of the program runs, neither adapters nor ``repr``. Parameters of
unknown classes are compared by their fields; where those cannot be seen, they count as different.
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
_COMPARED_BY_REPR = frozenset(
    {datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID}
)
# marshal's version: 2 writes equal values as equal bytes, later ones depend on reference counts.
_MARSHAL_VERSION = 2

_unknown = itertools.count()


class _Keyed:
    """A hash that has taken in the key. Copying it is faster than beginning anew."""

    def __init__(self) -> None:
        self.key = b""
        self.begun = hashlib.blake2b(digest_size=8)


_keyed = _Keyed()


def _begin() -> Any:
    if _keyed.key is not process_state.secret:
        _keyed.begun = hashlib.blake2b(digest_size=8, key=process_state.secret)
        _keyed.key = process_state.secret
    return _keyed.begun.copy()


def parameters_hash(literals: bytes, parameters: Any) -> str:
    """16 hex digits for the values of one execution.

    Parameters
    ----------
    literals:
        What was folded away in the statement's text.
    parameters:
        As the program gave them.
    """
    hashed = _begin()
    hashed.update(literals)
    hashed.update(_bytes_of(parameters))
    return str(hashed.hexdigest())


class ParameterSets:
    """Counts and hashes the sets of parameters of an ``executemany`` as sqlite3 takes them."""

    def __init__(self, literals: bytes) -> None:
        self.count = 0
        self._hashed = _begin()
        self._hashed.update(literals)

    def watch(self, sets: Any) -> Any:
        """`sets` for sqlite3 to iterate over; :func:`map` adds no frame to the program's tracebacks."""
        try:
            return map(self._take, sets)
        except TypeError:  # not iterable, as sqlite3 will say
            return sets

    def hash(self) -> str:
        """16 hex digits for all sets that were taken."""
        return str(self._hashed.hexdigest())

    def _take(self, parameters: Any) -> Any:
        try:
            self.count += 1
            self._hashed.update(_bytes_of(parameters))
        except Exception:
            process_state.fault("hashing parameters")
        return parameters


def _bytes_of(parameters: Any) -> bytes:
    kind = type(parameters)
    if kind is list:
        parameters = tuple(parameters)
    elif kind is dict:
        parameters = _sorted(parameters)
    try:
        return marshal.dumps(parameters, _MARSHAL_VERSION)
    except ValueError:  # something inside is not of a built-in type
        return marshal.dumps(_plain(parameters, 0), _MARSHAL_VERSION)


def _sorted(parameters: Dict[Any, Any]) -> Tuple[Any, ...]:
    # Names that are no texts cannot be sorted, and sqlite3 does not find them either.
    try:
        return ("dict", *sorted(parameters.items(), key=_name))
    except TypeError:
        return ("dict", *parameters.items())


def _name(item: Tuple[Any, Any]) -> Any:
    return item[0]


def _plain(value: Any, depth: int) -> Any:
    """`value` in built-in types."""
    for kind, convert in _CONVERT:
        if issubclass(type(value), kind):  # isinstance might ask `value` for its __class__
            return convert(value, depth)
    if type(value) in _COMPARED_BY_REPR:
        return (type(value).__name__, repr(value))
    return _fields_of(value, depth)


def _fields_of(value: Any, depth: int) -> Any:
    """The fields of an object of the program's class, read without running any of its code."""
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
        marker = ("dict", os.getpid(), next(_unknown))  # it makes up values
    plain = {str.__str__(name) if isinstance(name, str) else name: inner for name, inner in dict.items(value)}
    try:
        return (*marker, *sorted(plain.items(), key=_name))
    except TypeError:
        return (*marker, *plain.items())

"""How values of each type are written; the forms are listed in :mod:`nutrace.verify.canonical`.

numpy, shapely and torch are recognised by the names of their types and modules, so that none of them has to
be imported.
"""

from __future__ import annotations

import functools
import json
import os
from collections import Counter, deque
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Callable, Dict, List, Protocol, Tuple


class Writer(Protocol):
    """What handlers use of :class:`~nutrace.verify.canonical.Canonical`."""

    values: int
    opaque: Counter[str]

    def plain(self, value: Any) -> Any:
        """Return a part as JSON has it."""

    def leaf(self, written: Any) -> Any:
        """Count a leaf, and return it."""

    def inside(self, value: Any, write: Callable[[], Any]) -> Any:
        """Call `write` for the content of `value`, unless `value` is a part of itself."""

    def string(self, text: str) -> str:
        """Return `text` with the run's own folder replaced."""


Handler = Callable[[Writer, Any], Any]

#: Classes whose instances the program uses, and does not compute: only their name is written.
BY_NAME = frozenset(
    {"AbstractScenario", "AbstractMap", "AbstractMapFactory", "AbstractPlanner", "RoadMap", "Logger"}
)
_NAMED = (FunctionType, BuiltinFunctionType, MethodType, type)


def handler_of(kind: type) -> Handler:
    """Return the function that writes values of a type."""
    module = kind.__module__.partition(".")[0]
    names = {base.__name__ for base in kind.__mro__}
    if issubclass(kind, Enum):
        return _enum
    if issubclass(kind, _NAMED) or kind is functools._lru_cache_wrapper:
        return _by_name
    network = any(
        base.__name__ == "Module" and base.__module__.startswith("torch.nn") for base in kind.__mro__
    )
    if issubclass(kind, ModuleType) or names & BY_NAME or network:
        return _by_class
    if module == "numpy":
        return _array if "ndarray" in names else _scalar if "generic" in names else _object_of(kind)
    if "ndarray" in names:
        return _array
    if module == "shapely" and hasattr(kind, "wkb_hex"):
        return lambda to, value: to.leaf(f"g{value.wkb_hex}")
    if module == "torch" and kind.__name__ in ("Tensor", "Parameter"):
        return lambda to, value: ["torch", to.plain(value.detach().cpu().numpy())]
    if issubclass(kind, os.PathLike) and kind.__module__.partition(".")[0] == "pathlib":
        return lambda to, value: [kind.__qualname__, to.plain(os.fspath(value))]
    for base, write in _BUILT_IN.items():
        if issubclass(kind, base):
            return write if kind is base else _derived(kind, base, write)
    return _object_of(kind)


def _enum(to: Writer, value: Any) -> Any:
    return to.leaf(f"e{type(value).__qualname__}.{value.name or value.value}")  # several flags have no name


def _by_name(to: Writer, value: Any) -> Any:
    return to.leaf(f"q{getattr(value, '__qualname__', type(value).__qualname__)}")


def _by_class(to: Writer, value: Any) -> Any:
    return to.leaf(f"q{type(value).__qualname__}")


def _float(to: Writer, value: float) -> Any:
    return to.leaf(f"f{value.hex()}")


def _complex(to: Writer, value: complex) -> Any:
    return to.leaf(f"z{value.real.hex()} {value.imag.hex()}")


def _bytes(to: Writer, value: Any) -> Any:
    return to.leaf(f"b{bytes(value).hex()}")


def _items(to: Writer, value: Any) -> Any:
    return to.inside(value, lambda: [type(value).__qualname__, *map(to.plain, value)])


def _set(to: Writer, value: Any) -> Any:
    return to.inside(value, lambda: [type(value).__qualname__, *sorted(map(to.plain, value), key=json.dumps)])


def _mapping(to: Writer, value: Any) -> Any:
    return to.inside(
        value,
        lambda: [type(value).__qualname__, *([to.plain(key), to.plain(each)] for key, each in value.items())],
    )


_BUILT_IN: Dict[type, Handler] = {
    type(None): lambda to, value: to.leaf(None),
    bool: lambda to, value: to.leaf(value),
    int: lambda to, value: to.leaf(value),
    float: _float,
    complex: _complex,
    str: lambda to, value: to.leaf(to.string(value)),
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    list: _items,
    tuple: _items,
    deque: _items,
    set: _set,
    frozenset: _set,
    dict: _mapping,
}


def _derived(kind: type, base: type, write: Handler) -> Handler:
    """Write a subclass of a built-in type: its value like one of the base, then its attributes."""
    convert: Callable[[Any], Any] = base if base in (int, float, complex, str) else lambda value: value

    def derived(to: Writer, value: Any) -> Any:
        content = write(to, convert(value))
        attributes = getattr(value, "__dict__", None)
        if not attributes:
            return [kind.__qualname__, content]
        return to.inside(attributes, lambda: [kind.__qualname__, content, to.plain(dict(attributes))])

    return derived


def _scalar(to: Writer, value: Any) -> Any:
    return to.leaf(_item(f"n{value.dtype.str} ", value.item(), value))


def _item(prefix: str, item: Any, value: Any) -> str:
    if isinstance(item, float):
        return f"{prefix}{item.hex()}"
    if isinstance(item, (bool, int, str)):
        return f"{prefix}{item}"
    return f"{prefix}{value.tobytes().hex()}"  # long doubles, times, records


def _array(to: Writer, value: Any) -> Any:
    def write() -> Any:
        flat = value.ravel()
        if value.dtype.kind in "biu" or (value.dtype.kind == "f" and value.dtype.itemsize <= 8):
            items: List[Any] = flat.tolist()
            if value.dtype.kind == "f":
                items = [f"f{item.hex()}" for item in items]
            to.values += len(items)
        else:  # objects, texts, times, records and long doubles, one by one
            items = [to.plain(item) for item in flat]
        return {
            "": type(value).__qualname__,
            "dtype": value.dtype.str,
            "shape": list(value.shape),
            "values": items,
        }

    return to.inside(value, write)


def _object_of(kind: type) -> Handler:
    """Write an object by its attributes and slots; without these, by what it would be pickled as."""
    slots = [
        f"_{base.__name__.lstrip('_')}{slot}" if _private(slot) else slot
        for base in kind.__mro__
        for slot in _as_tuple(vars(base).get("__slots__", ()))
        if slot not in ("__dict__", "__weakref__")
    ]
    # A cached property follows from the other attributes. Whether it was read before says nothing.
    cached = {
        name
        for base in kind.__mro__
        for name, each in vars(base).items()
        if isinstance(each, functools.cached_property)
    }
    name = kind.__qualname__
    if _pickles_itself(kind):
        return lambda to, value: _reduced(to, value, name)

    def write(to: Writer, value: Any) -> Any:
        state = getattr(value, "__dict__", None)
        attributes = {each: item for each, item in state.items() if each not in cached} if state else {}
        for slot in slots:
            try:
                attributes[slot] = object.__getattribute__(value, slot)
            except AttributeError:
                continue
        if not attributes:
            return _reduced(to, value, name)
        return to.inside(
            value, lambda: {"": name, **{key: to.plain(attributes[key]) for key in sorted(attributes)}}
        )

    return write


def _pickles_itself(kind: type) -> bool:
    """Whether a type written in C says itself how to pickle it: its parts are no attributes."""
    for name in ("__reduce__", "__reduce_ex__"):
        method = getattr(kind, name)
        if method is not getattr(object, name) and not isinstance(method, FunctionType):
            return True
    return False


def _reduced(to: Writer, value: Any, name: str) -> Any:
    try:
        reduced = value.__reduce_ex__(2)
    except Exception:  # a connection, a lock, a generator: nothing to compare
        to.opaque[name] += 1
        return to.leaf(f"q{name}")
    if isinstance(reduced, str):
        return to.leaf(f"q{reduced}")
    made, *rest = (
        list(part) if index > 2 and part is not None else part for index, part in enumerate(reduced)
    )
    return to.inside(value, lambda: {"": name, "made by": to.plain(made), "from": to.plain(rest)})


def _as_tuple(slots: Any) -> Tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")

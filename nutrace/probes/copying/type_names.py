"""Names of types, worked out once for each type and without keeping it alive."""

from __future__ import annotations

import weakref
from typing import Any, Dict, Tuple

_MOST = 10_000

# By id(); the weak reference tells whether the id still belongs to the same type.
_known: Dict[int, Tuple[str, weakref.ref[Any]]] = {}


def type_name(cls: type) -> str:
    """``module.QualifiedName``, without the module for built-in types; exceptions are named alike.

    Raises whatever the attributes of the program's class raise.
    """
    known = _known.get(id(cls))
    if known is not None and known[1]() is cls:
        return known[0]
    module, name = str(cls.__module__), str(cls.__qualname__)
    if module != "builtins":
        name = f"{module}.{name}"
    if len(_known) >= _MOST:
        _known.clear()
    _known[id(cls)] = (name, weakref.ref(cls))
    return name

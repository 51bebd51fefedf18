"""Where the devkit's queries connect, and which speedup answers first.

Queries connect in two functions of one module, by ``sqlite3.connect``. That module sees a ``sqlite3``
whose ``connect`` goes through the speedups that are on, in the order of their ranks, whatever the
order that they were switched on in. The functions stay the devkit's own.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
from types import CodeType, ModuleType
from typing import Any, Callable, Iterator, List, NamedTuple, Tuple, cast

from nutrace.patching import Replacement, Switch
from nutrace.speedups.module_view import ModuleView
from nutrace.speedups.speedup import Misfit

#: Ranks: who is asked first. The prefetch knows its frames best; what it does not have may have been
#: asked before; and only what has not needs a connection, to the log or to a copy with indexes: who
#: keeps something by the log's name never sees the copy's.
PREFETCH, ROWS, INDEXES, POOL = range(4)

#: Opens a connection, as the ranks that follow do; to another file than was asked for if one is given.
Open = Callable[..., Any]
#: What a speedup makes of ``sqlite3.connect(file)``.
Connect = Callable[[str, Open], Any]

_MODULES = (
    ("nuplan.database.nuplan_db.query_session", "nuplan-devkit"),
    ("nutrace.demo.miniature.query_session", "nutrace"),
)
_FUNCTIONS = ("execute_many", "execute_one")


class Layer(NamedTuple):
    """A speedup among those that queries go through."""

    rank: int
    switch: Switch  # holds something while the speedup is on
    connect: Connect


class QueriesView(ModuleView):
    """``sqlite3`` as the queries' module sees it."""

    def __init__(self, original: ModuleType, layer: Layer) -> None:
        layers = [layer, *getattr(original, "layers", ())]
        layers.sort(key=lambda each: each.rank)
        super().__init__(original, connect=functools.partial(_connect, layers), layers=layers)

    @property
    def is_on(self) -> bool:
        """Whether any of its speedups is."""
        return any(layer.switch for layer in vars(self)["layers"])

    @property
    def original(self) -> ModuleType:
        """What was there before it."""
        return cast(ModuleType, vars(self)["_nutrace_module"])


def replacements(rank: int, connect: Connect) -> Tuple[Replacement, ...]:
    """Where a speedup of that rank stands; `connect` is what it makes of a connection to a file."""
    return tuple(
        Replacement(
            f"{module}:sqlite3",
            functools.partial(_view, module, rank, connect),
            distribution=distribution,
        )
        for module, distribution in _MODULES
    )


def tidy() -> None:
    """Take away views that a speedup left behind because another one's stood around it."""
    for name, _ in _MODULES:
        bound = vars(sys.modules[name]) if name in sys.modules else {}
        held = bound.get("sqlite3")
        while isinstance(held, QueriesView) and not held.is_on:
            held = bound["sqlite3"] = held.original


def _view(name: str, rank: int, connect: Connect, original: Any, switch: Switch) -> QueriesView:
    module = sys.modules[name]
    for function in _FUNCTIONS:
        code = getattr(getattr(module, function, None), "__code__", None)
        if code is None:
            raise Misfit(f"{name} has no function {function}")
        if not {"sqlite3", "connect"} <= set(names(code)):
            raise Misfit(f"{name}.{function} does not connect by sqlite3.connect")
    if not isinstance(original, ModuleType) or original.__name__ != "sqlite3":
        raise Misfit(f"{name}.sqlite3 is not Python's sqlite3")
    return QueriesView(original, Layer(rank, switch, connect))


def _connect(layers: List[Layer], *args: Any, **kwargs: Any) -> Any:
    if kwargs or len(args) != 1 or not _is_file(args[0]):
        return sqlite3.connect(*args, **kwargs)
    return _descend(layers, 0, args[0])


def _descend(layers: List[Layer], depth: int, file: Any) -> Any:
    for place in range(depth, len(layers)):
        if layers[place].switch:
            return layers[place].connect(file, functools.partial(_follow, layers, place + 1, file))
    return sqlite3.connect(file)


def _follow(layers: List[Layer], depth: int, file: Any, instead: Any = None) -> Any:
    return _descend(layers, depth, file if instead is None else instead)


def _is_file(database: Any) -> bool:
    if not isinstance(database, (str, bytes, os.PathLike)):
        return False
    return os.fsdecode(database) not in ("", ":memory:")


def names(code: CodeType) -> Iterator[str]:
    """The names that a function's code looks up."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names(constant)

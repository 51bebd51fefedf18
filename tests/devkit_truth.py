"""Run a devkit script and count what it does, without nutrace.

``devkit_truth.py OUT SCRIPT ARGUMENTS...`` runs SCRIPT as ``__main__`` under cProfile and with SQLite's trace
hook on every connection, and writes JSON to OUT:

- ``statements`` and ``rows``: numbers by the name of the query function;
- ``distinct``: the number of different statements, with their parameters filled in by SQLite;
- ``connections`` and ``open``: how many were opened, and the most that were open at a time;
- ``calls``: of functions, by ``file:line``. cProfile counts each resumption of a generator as a call;
- ``methods``: which of these functions is, or overrides, which method;
- ``empty``: which of these methods do nothing.
"""

from __future__ import annotations

import ast
import cProfile
import inspect
import json
import runpy
import sqlite3
import sys
import textwrap
from collections import Counter
from types import FunctionType
from typing import Any, Dict, Iterator, List, Set, Tuple

_SHORT = 16  # bytes of code
SESSION = "query_session.py"  # its functions run queries; the query function is their caller

statements: Counter[str] = Counter()
rows: Counter[str] = Counter()
texts: Counter[str] = Counter()  # statements, with their parameters filled in
opened: Counter[str] = Counter()
connect = sqlite3.connect


class Cursor(sqlite3.Cursor):
    """Counts the rows that it returns."""

    def __next__(self) -> Any:
        row = super().__next__()
        rows[self.connection.asker] += 1
        return row

    def fetchone(self) -> Any:
        row = super().fetchone()
        rows[self.connection.asker] += row is not None
        return row


class Connection(sqlite3.Connection):
    """Counts the statements that SQLite reports, by the query function."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        frame: Any = sys._getframe(1)
        while frame.f_code.co_filename in (__file__, sqlite3.__file__) or frame.f_code.co_filename.endswith(
            SESSION
        ):
            frame = frame.f_back
        self.asker = frame.f_code.co_name
        self.set_trace_callback(self.count)
        opened["ever"] += 1
        opened["now"] += 1
        opened["most"] = max(opened["most"], opened["now"])

    def count(self, statement: str) -> None:
        statements[self.asker] += 1
        texts[statement] += 1

    def close(self) -> None:
        super().close()
        opened["now"] -= 1

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        return super().cursor(Cursor)


def counted(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    """``sqlite3.connect``, with connections that count."""
    return connect(*args, factory=Connection, **kwargs)


def calls(profile: cProfile.Profile) -> Dict[str, int]:
    """How often each Python function was called or resumed, by ``file:line``."""
    return {
        f"{entry.code.co_filename}:{entry.code.co_firstlineno}": entry.callcount
        for entry in profile.getstats()
        if not isinstance(entry.code, str)
    }


def methods(called: Set[str]) -> List[Tuple[str, str, bool]]:
    """For each called method: ``module:Class.method``, ``file:line``, and whether the class defines it."""
    targets: Set[Tuple[str, str, bool]] = set()
    for kind in set(subclasses(object)):
        for name, value in vars(kind).items():
            value = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
            if not isinstance(value, FunctionType):
                continue
            code = getattr(inspect.unwrap(value), "__code__", None)
            where = f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""
            if where not in called:
                continue
            for base in kind.__mro__:
                if name in vars(base):
                    targets.add((f"{base.__module__}:{base.__qualname__}.{name}", where, base is kind))
    return sorted(targets)


def empty(called: Set[str]) -> List[str]:
    """``file:line`` of the called methods whose source has no statement that does anything."""
    places: Set[str] = set()
    for kind in set(subclasses(object)):
        for value in vars(kind).values():
            if not isinstance(value, FunctionType):
                continue
            code = value.__code__
            where = f"{code.co_filename}:{code.co_firstlineno}"
            # Only of short ones, because finding a source takes long.
            if where in called and where not in places and len(code.co_code) <= _SHORT:
                try:
                    (function,) = ast.parse(textwrap.dedent(inspect.getsource(code))).body
                except (OSError, SyntaxError):  # made at run time, or a lambda's line
                    continue
                if isinstance(function, ast.FunctionDef) and all(map(is_idle, function.body)):
                    places.add(where)
    return sorted(places)


def is_idle(statement: ast.stmt) -> bool:
    """``pass``, a docstring or ``...``, ``return`` or ``return None``."""
    if isinstance(statement, ast.Return):
        value = statement.value
        return value is None or (isinstance(value, ast.Constant) and value.value is None)
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def subclasses(kind: type) -> Iterator[type]:
    """All direct and indirect subclasses of `kind`."""
    for below in type.__subclasses__(kind):
        yield below
        yield from subclasses(below)


if __name__ == "__main__":
    out = sys.argv[1]
    del sys.argv[:2]
    sqlite3.connect = counted  # type: ignore[assignment]
    profile = cProfile.Profile()
    try:
        profile.enable()
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        profile.disable()
        called = calls(profile)
        counts = {
            "statements": statements,
            "rows": rows,
            "distinct": len(texts),
            "connections": opened["ever"],
            "open": opened["most"],
            "calls": called,
            "methods": methods(set(called)),
            "empty": empty(set(called)),
        }
        with open(out, "w", encoding="utf-8") as file:
            json.dump(counts, file)

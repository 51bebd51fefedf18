"""The seam of all query speedups: ``answer(query, parameters, file)``, asked in order.

A speedup returns rows, a :class:`Learner` if it wants to know the rows that somebody else will give, or
``None``. If nobody has rows, the program's own function runs the query, so that its frames, errors and
laziness are what they are without speedups.
"""

from __future__ import annotations

import functools
import os
import sqlite3
from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

from nutrace.recording.clock import now_ns
from nutrace.speedups.own_faults import fault
from nutrace.speedups.queries.readers import readers
from nutrace.speedups.queries.rows import Row, Rows, size_of

_TOGETHER = 256  # rows whose size is looked at together, because this runs for each row of the program


@dataclass(frozen=True)
class Learner:
    """A speedup that has no rows for a query and wants to learn them.

    Parameters
    ----------
    learned:
        Called when all rows have come, with them and the time that the query took in nanoseconds. The rows
        are ``None`` if they take more than `most_bytes`.
    most_bytes:
        0 to learn the time only.
    """

    learned: Callable[[Optional[Rows], int], None]
    most_bytes: int = 0


Answer = Callable[[str, Any, Any], Union[Rows, Learner, None]]
_Waiting = Tuple[Learner, int]  # and since when, in nanoseconds


class Chain:
    """Speedups in the order in which they are asked.

    Parameters
    ----------
    answers:
        The speedups' ``answer`` methods.
    """

    def __init__(self, answers: Sequence[Answer] = ()) -> None:
        #: Replaced as a whole: another thread may be asking.
        self.answers: Tuple[Answer, ...] = tuple(answers)

    def ask(self, query: Any, parameters: Any, file: Any) -> Tuple[Optional[Rows], List[_Waiting]]:
        """The rows, or ``None``; and the speedups that wait for the rows of the program's own function."""
        waiting: List[_Waiting] = []
        if type(query) is not str or not _is_file(file):
            return None, waiting
        for answer in self.answers:
            try:
                given = answer(query, parameters, file)
            except sqlite3.Error:  # the program's own function raises it again
                continue
            except Exception:  # a fault of ours must not reach the program
                fault("answering a query")
                continue
            if type(given) is Rows:
                _tell(waiting, given, 0)
                return given, []
            if type(given) is Learner:
                waiting.append((given, now_ns()))
        return None, waiting

    def answer(self, query: str, parameters: Any, file: Any) -> Optional[Rows]:
        """The rows, or ``None`` if no speedup has them."""
        return self.ask(query, parameters, file)[0]

    def execute_many(self, original: Any) -> Any:
        """A function like the devkit's ``execute_many``, which calls `original` if nobody has the rows."""

        @functools.wraps(original)
        def execute_many(query_text: Any, query_parameters: Any, db_file: Any) -> Iterator[Any]:
            rows, waiting = self.ask(query_text, query_parameters, db_file)
            if rows is not None:
                yield from rows.fresh()
                return
            reader = _begin_reading(db_file)
            try:
                own = original(query_text, query_parameters, db_file)
                yield from _observed(own, waiting) if waiting else own
            finally:
                if reader is not None:
                    readers.end(reader)

        return execute_many

    def execute_one(self, original: Any) -> Any:
        """A function like the devkit's ``execute_one``, which calls `original` if nobody has the row.

        It also calls `original` if there are more rows than one: `original` raises its own error then.
        """

        @functools.wraps(original)
        def execute_one(query_text: Any, query_parameters: Any, db_file: Any) -> Any:
            rows, waiting = self.ask(query_text, query_parameters, db_file)
            if rows is not None and len(rows.rows) <= 1:
                return next(rows.fresh(), None)
            reader = _begin_reading(db_file)
            try:
                began = now_ns()
                row = original(query_text, query_parameters, db_file)
            finally:
                if reader is not None:
                    readers.end(reader)
            if waiting:
                _tell(waiting, _rows_of([] if row is None else [row]), now_ns() - began)
            return row

        return execute_one


def _is_file(database: Any) -> bool:
    """Whether it is the name of a file; what sqlite3 opens for other names belongs to one connection."""
    if not isinstance(database, (str, bytes, os.PathLike)):
        return False
    return os.fsdecode(database) not in ("", ":memory:")


def _begin_reading(file: Any) -> Any:
    return readers.begin(file) if _is_file(file) else None


def _observed(source: Any, waiting: List[_Waiting]) -> Iterator[Any]:
    """The rows of `source`, one by one as they are asked for; those who wait learn them if all came."""
    most_bytes = max(learner.most_bytes for learner, _ in waiting)
    kept: Optional[List[Any]] = [] if most_bytes else None
    size = spent_ns = 0
    began = now_ns()
    try:
        for row in source:
            spent_ns += now_ns() - began
            if kept is not None:
                kept.append(row)
                if not len(kept) % _TOGETHER:
                    size += size_of(list(map(tuple, kept[-_TOGETHER:])))
                    kept = kept if size <= most_bytes else None
            yield row
            began = now_ns()
    finally:
        source.close()
    _tell(waiting, None if kept is None else _rows_of(kept), spent_ns + now_ns() - began)


def _rows_of(rows: Sequence[Any]) -> Optional[Rows]:
    """Rows of the program's own function; ``None`` if they are not as sqlite3 makes them."""
    if any(type(row) is not sqlite3.Row for row in rows):
        return None
    plain: List[Row] = list(map(tuple, rows))
    return Rows(tuple(rows[0].keys()) if rows else (), plain)


def _tell(waiting: List[_Waiting], rows: Optional[Rows], took_ns: int) -> None:
    """Let those who wait learn the rows; without `took_ns` the query took the time that they have waited."""
    for learner, since in waiting:
        try:
            learner.learned(rows, took_ns or now_ns() - since)
        except Exception:  # the program has its rows already
            fault("keeping the rows of a query")

"""A connection that is opened when its first statement is known: to the file that has what that lacks."""

from __future__ import annotations

import os
from typing import Any, List, Optional, Protocol, Sequence, Tuple

from nutrace.speedups.asked import AskedConnection
from nutrace.speedups.asked_cursor import Answer
from nutrace.speedups.queries import Open

#: Whose reading it is: a file and a thread.
Reader = Tuple[str, int]


class Chooser(Protocol):
    """What knows which file is to be read."""

    def file_for(self, file: str, text: str) -> str:
        """The file that a statement is to read instead of `file`, or `file`."""

    def begin_reading(self, file: str) -> Optional[Reader]:
        """A log is read from now on."""

    def end_reading(self, reader: Reader) -> None:
        """Not any more."""


class IndexedConnection(AskedConnection):
    """What :meth:`~nutrace.speedups.log_indexes.LogIndexes.connect` returns.

    One statement is asked of each of the devkit's connections; the first one of a connection chooses
    its file. If that is the copy, it is left for the log, for good, by the next one that is not to read
    the copy, or is no query.
    """

    def __init__(self, chooser: Chooser, file: Any, following: Open) -> None:
        # No method of its own among its attributes: it is to go, and its rows with it, as soon as nobody
        # has it, as sqlite3's do; not when the garbage collector comes.
        super().__init__(file, following, _choose)
        set_own = object.__setattr__
        set_own(self, "_chooser", chooser)
        set_own(self, "_instead", None)
        set_own(self, "_reader", None)
        set_own(self, "_left", [])
        set_own(self, "_stays", False)

    _chooser: Chooser
    _instead: Optional[str]  # the copy, if that is read
    _reader: Optional[Reader]
    _stays: bool  # with the log
    _left: List[Any]  # connections to the copy, of which rows may be still to come

    def ask(self, row_factory: Any, sql: str, args: Tuple[Any, ...]) -> Answer:
        """Choose the file; memory there is none."""
        copy = self._instead
        if copy is None or self._real is None:
            return super().ask(row_factory, sql, args)
        object.__setattr__(self, "_instead", None)
        answer = super().ask(row_factory, sql, args)
        if self._instead == copy:
            return answer
        self._leave()
        return answer

    def plainly(self) -> Any:
        """A real connection to the log, for something that is no query."""
        if self._instead is not None:
            self._leave()
        return super().plainly()

    def _leave(self) -> None:
        """Read the log from now on."""
        set_own = object.__setattr__
        if self._real is not None:
            self._left.append(self._real)
        set_own(self, "_real", None)
        set_own(self, "_instead", None)
        set_own(self, "_stays", True)

    def close(self) -> None:
        """Close what was opened; closing it again does nothing."""
        super().close()
        while self._left:
            self._left.pop().close()
        self._end()

    def choose(self, sql: str) -> None:
        """Choose the file for a query."""
        if not self._stays:
            file = os.fsdecode(self.file)
            found = self._chooser.file_for(file, sql)
            object.__setattr__(self, "_instead", None if found == file else found)

    def _opened(self) -> Any:
        if self._instead is not None:
            return self.open(self._instead)
        object.__setattr__(self, "_stays", True)
        object.__setattr__(self, "_reader", self._chooser.begin_reading(os.fsdecode(self.file)))
        return self.open()

    def _end(self) -> None:
        reader = self._reader
        if reader is not None:
            object.__setattr__(self, "_reader", None)
            self._chooser.end_reading(reader)

    def __del__(self) -> None:
        if self.__dict__.get("_reader") is not None:
            self._end()


def _choose(connection: Any, sql: str, parameters: Sequence[object]) -> None:
    connection.choose(sql)

"""A connection that is opened when its first statement is known: to the file that has what that lacks."""

from __future__ import annotations

import os
from typing import Any, Optional, Protocol, Sequence, Tuple

from nutrace.components.asked import AskedConnection
from nutrace.components.queries import Open

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
    """What :meth:`~nutrace.components.log_indexes.LogIndexes.connect` returns.

    One statement is asked of each of the devkit's connections; the first one of a connection chooses
    its file.
    """

    def __init__(self, chooser: Chooser, file: Any, following: Open) -> None:
        super().__init__(file, self._open, self._choose)
        set_own = object.__setattr__
        set_own(self, "_chooser", chooser)
        set_own(self, "_following", following)
        set_own(self, "_instead", None)
        set_own(self, "_reader", None)

    _chooser: Chooser
    _following: Open
    _instead: Optional[str]
    _reader: Optional[Reader]

    def close(self) -> None:
        """Close what was opened; closing it again does nothing."""
        super().close()
        self._end()

    def _choose(self, connection: AskedConnection, sql: str, parameters: Sequence[object]) -> None:
        if self._real is None:
            file = os.fsdecode(self.file)
            found = self._chooser.file_for(file, sql)
            object.__setattr__(self, "_instead", None if found == file else found)

    def _open(self) -> Any:
        if self._instead is not None:
            return self._following(self._instead)
        object.__setattr__(self, "_reader", self._chooser.begin_reading(os.fsdecode(self.file)))
        return self._following()

    def _end(self) -> None:
        reader = self._reader
        if reader is not None:
            object.__setattr__(self, "_reader", None)
            self._chooser.end_reading(reader)

    def __del__(self) -> None:
        if self.__dict__.get("_reader") is not None:
            self._end()

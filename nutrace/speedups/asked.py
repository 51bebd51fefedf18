"""A connection that is opened when somebody's memory does not have the answer."""

from __future__ import annotations

import sqlite3
from typing import Any, Callable, Sequence, Tuple

from nutrace.speedups.asked_cursor import Answer, AskedCursor
from nutrace.speedups.kept_rows import is_known
from nutrace.speedups.own_faults import fault
from nutrace.speedups.queries import Open
from nutrace.speedups.statements import verdict

Ask = Callable[["AskedConnection", str, Sequence[object]], Answer]


class AskedConnection:
    """Stands for ``sqlite3.connect(file)``, for as long as it is asked only what `ask` knows.

    It has the attributes and methods of :class:`sqlite3.Connection`. What is neither a query nor a
    row factory that sqlite3 has itself goes to a real connection, and so does everything after it: a
    connection with a function, a temporary table or a change of its own is asked itself.

    Parameters
    ----------
    file:
        As it is given to ``connect``.
    open:
        Opens the real connection.
    ask:
        Called with this connection, a query and its parameters, each time that one is executed.
    """

    def __init__(self, file: Any, open: Open, ask: Ask) -> None:
        set_own = super().__setattr__
        set_own("file", file)
        set_own("open", open)
        set_own("row_factory", None)
        set_own("_ask", ask)
        set_own("_real", None)
        set_own("_alone", False)
        set_own("_closed", False)

    file: Any
    open: Open
    row_factory: Any
    _ask: Ask
    _real: Any
    _alone: bool
    _closed: bool

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """A cursor; a real one if it is to be of a class of the program's."""
        if args or kwargs:
            return self.plainly().cursor(*args, **kwargs)
        self.check()
        return AskedCursor(self)

    def execute(self, sql: str, *args: Any) -> Any:
        """Run a statement on a new cursor."""
        return self.cursor().execute(sql, *args)

    def close(self) -> None:
        """Close what was opened; closing it again does nothing."""
        super().__setattr__("_closed", True)
        real = self._real
        if real is not None:
            real.close()

    def real(self) -> Any:
        """The real connection, opened now if it was not."""
        self.check()
        real = self._real
        if real is None:
            real = self._opened()
            super().__setattr__("_real", real)
            if self.row_factory is not None:
                real.row_factory = self.row_factory
        return real

    def _opened(self) -> Any:
        return self.open()

    def plainly(self) -> Any:
        """The real connection, for something that is no query: from now on `ask` is not called."""
        super().__setattr__("_alone", True)
        return self.real()

    def check(self) -> None:
        """Raise what sqlite3 does if it is closed."""
        if self._closed:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")

    def ask(self, row_factory: Any, sql: str, args: Tuple[Any, ...]) -> Answer:
        """What memory says to a statement."""
        self.check()
        if self._alone:
            return None
        try:
            if type(sql) is not str or not verdict(sql).reads:
                super().__setattr__("_alone", True)
                return None
            if not is_known(row_factory) or len(args) > 1:
                return None
            return self._ask(self, sql, *(args or ((),)))
        except Exception:  # law 1: then the database answers
            fault("answering a query from memory")
            return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plainly(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "row_factory":
            super().__setattr__(name, value)
            if self._real is not None:
                self._real.row_factory = value
        else:
            setattr(self.plainly(), name, value)

    def __enter__(self) -> AskedConnection:
        self.plainly().__enter__()
        return self

    def __exit__(self, *args: Any) -> Any:
        return self.plainly().__exit__(*args)

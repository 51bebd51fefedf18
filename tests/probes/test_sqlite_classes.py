"""Connections and cursors made by calling a class; SQLite's trace hook says which statements there were."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sqlite3
import subprocess
import sys
import warnings
import weakref
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from fakes.tracing import Tracing

from nutrace import semconv
from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.probes.sqlite.classes import SLOT
from nutrace.probes.sqlite.connections import ConnectionMethods

STATEMENT, CONNECT, CLOSE = semconv.STATEMENT_SPAN, semconv.CONNECT_SPAN, semconv.CLOSE_SPAN
#: As they are untraced: a name in a module is bound to the class that records.
PLAIN = (sqlite3.connect, sqlite3.Connection, sqlite3.Cursor)


class Early(sqlite3.Connection):
    """Made before tracing is switched on."""

    def rows(self, sql: str) -> List[Any]:
        return self.execute(sql).fetchall()


class Overriding(sqlite3.Connection):
    """Hands everything on to sqlite3's methods."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def execute(self, *args: Any) -> Any:
        return super().execute(*args)

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        return super().cursor(*args, **kwargs)


class ByName(sqlite3.Connection):
    """Calls sqlite3's methods by name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        sqlite3.Connection.__init__(self, *args, **kwargs)

    def execute(self, *args: Any) -> Any:
        return sqlite3.Connection.execute(self, *args)


class OfEarly(Early):
    """A subclass of a subclass."""


class EarlyCursor(sqlite3.Cursor):
    """Made before tracing is switched on."""

    def __next__(self) -> Any:
        return super().__next__()


def late(file: str) -> sqlite3.Connection:
    class Late(sqlite3.Connection):
        pass

    return Late(file)


def late_with_slots(file: str) -> sqlite3.Connection:
    class Late(sqlite3.Connection):
        __slots__ = ()

    return Late(file)


def with_new(file: str) -> sqlite3.Connection:
    made = sqlite3.Connection.__new__(sqlite3.Connection)
    sqlite3.Connection.__init__(made, file)
    return made


CONNECTIONS: Dict[str, Callable[[str], sqlite3.Connection]] = {
    "connect": lambda file: sqlite3.connect(file),
    "by keyword": lambda file: sqlite3.connect(database=file),
    "dbapi2": lambda file: sqlite3.dbapi2.Connection(file),
    "Connection": lambda file: sqlite3.Connection(file),
    "early": Early,
    "of early": OfEarly,
    "overriding": Overriding,
    "by name": ByName,
    "late": late,
    "late with slots": late_with_slots,
    "new and init": with_new,
    "factory": lambda file: sqlite3.connect(file, factory=Early),
    "factory of late": lambda file: sqlite3.connect(file, factory=lambda file, factory: late(file)),
    "partial": lambda file: sqlite3.connect(file, factory=functools.partial(Early, timeout=1)),
    "plain factory": lambda file: sqlite3.connect(file, factory=PLAIN[1]),
}

CURSORS: Dict[str, Callable[[sqlite3.Connection], sqlite3.Cursor]] = {
    "cursor": lambda connection: connection.cursor(),
    "factory": lambda connection: connection.cursor(sqlite3.Cursor),
    "plain factory": lambda connection: connection.cursor(PLAIN[2]),
    "early factory": lambda connection: connection.cursor(factory=EarlyCursor),
    "Cursor": lambda connection: sqlite3.Cursor(connection),
    "early": lambda connection: EarlyCursor(connection),
    "late": lambda connection: type("Late", (sqlite3.Cursor,), {})(connection),  # type: ignore[no-any-return]
}


@pytest.mark.parametrize("way", sorted(CONNECTIONS))
def test_connections_are_recorded_once(recorded: Tracing, tmp_path: Path, way: str) -> None:
    seen: List[str] = []
    with recorded(*PROBES):
        connection = CONNECTIONS[way](str(tmp_path / "a.db"))
        connection.set_trace_callback(seen.append)
        connection.execute("SELECT 1 UNION SELECT 2").fetchall()
        list(connection.execute("SELECT 3"))
        connection.cursor().execute("SELECT 4").fetchone()
        with connection:
            connection.execute("SELECT 5")
        assert isinstance(connection, sqlite3.Connection)
        connection.close()
    assert len(seen) == 4
    statements = recorded.spans(STATEMENT)
    assert sum(span.calls for span in statements) == len(seen)
    assert sum(span.attributes[semconv.DB_ROWS] for span in statements) == 4
    assert (recorded.calls(CONNECT), recorded.calls(CLOSE)) == (1, 1)
    assert {span.attributes[semconv.DB_NAMESPACE] for span in statements} == {str(tmp_path / "a.db")}
    assert not recorded.faults


@pytest.mark.parametrize("connect", [sqlite3.connect, Early], ids=["connect", "early"])
@pytest.mark.parametrize("way", sorted(CURSORS))
def test_cursors_are_recorded_once(recorded: Tracing, way: str, connect: Any) -> None:
    connect = (lambda: Early(":memory:")) if connect is Early else (lambda: sqlite3.connect(":memory:"))
    with recorded(*PROBES):
        connection = connect()
        cursor = CURSORS[way](connection)
        assert isinstance(cursor, sqlite3.Cursor)
        assert [row for row in cursor.execute("SELECT 1 UNION SELECT 2")] == [(1,), (2,)]  # noqa: C416
        assert cursor.execute("SELECT 3").fetchone() == (3,)
        connection.close()
    statements = recorded.spans(STATEMENT)
    assert sum(span.calls for span in statements) == 2
    assert sum(span.attributes[semconv.DB_ROWS] for span in statements) == 3


def test_everything_is_put_back(recorded: Tracing) -> None:
    before = {cls: cls.__mro__ for cls in (Early, OfEarly, Overriding, ByName, EarlyCursor)}
    with recorded(*PROBES):
        assert ConnectionMethods in Early.__mro__
        early = Early(":memory:")
        made = sqlite3.connect(":memory:")
    assert (sqlite3.connect, sqlite3.Connection, sqlite3.Cursor) == PLAIN
    assert sqlite3.dbapi2.Connection is PLAIN[1]
    assert {cls: cls.__mro__ for cls in before} == before
    assert not [cls for cls in type.__subclasses__(ConnectionMethods) if SLOT not in vars(cls)]
    assert early.execute("SELECT 1").fetchall() == made.execute("SELECT 1").fetchall() == [(1,)]
    with recorded(*PROBES):
        assert early.rows("SELECT 2") == [(2,)]  # it is traced again
        early.close()
        made.close()
    assert recorded.calls(STATEMENT) == 1


def test_what_the_program_has_already_remains_what_it_is(recorded: Tracing) -> None:
    connection, early = sqlite3.connect(":memory:"), Early(":memory:")
    cursor = connection.cursor()
    with recorded(*PROBES):
        assert isinstance(connection, sqlite3.Connection)
        assert isinstance(cursor, sqlite3.Cursor)
        assert isinstance(early, sqlite3.Connection)
        assert issubclass(Early, sqlite3.Connection)
        assert not isinstance(early, type("Late", (sqlite3.Connection,), {}))
        assert early.rows("SELECT 1") == connection.execute("SELECT 1").fetchall() == [(1,)]
        assert vars(early) == {}
        with contextlib.closing(sqlite3.connect(":memory:")) as made:
            assert type(made) is sqlite3.Connection
            assert type(made.cursor()) is sqlite3.Cursor
        with contextlib.closing(Early(":memory:")) as another:
            assert (type(another), vars(another)) == (Early, {})
    connection.close()
    early.close()


def test_classes_and_connections_are_freed(recorded: Tracing) -> None:
    class Gone(sqlite3.Connection):
        pass

    with recorded(*PROBES):
        early = Early(":memory:")
        early.execute("SELECT 1")
        freed = weakref.ref(early)
        early.close()
        del early
        assert freed() is None
        Gone(":memory:").close()
        cls = weakref.ref(Gone)
        del Gone
        gc.collect()
        assert cls() is None


def test_a_row_factory_that_raises_stop_iteration_ends_no_statement(recorded: Tracing) -> None:
    def stops(cursor: Any, row: Any) -> Any:
        if row[0] == 2 and not stopped:
            stopped.append(True)
            raise StopIteration
        return row

    rows = 0
    with recorded(*PROBES), contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = stops
        for method in ("fetchone", "__next__", "fetchmany"):
            stopped: List[bool] = []
            cursor = connection.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
            assert cursor.fetchone() == (1,)
            with pytest.raises(StopIteration):
                getattr(cursor, method)()
            left = cursor.fetchall()  # with the second row before Python 3.10
            assert left[-1] == (3,)
            rows += 1 + len(left)
    assert sum(span.attributes[semconv.DB_ROWS] for span in recorded.spans(STATEMENT)) == rows
    assert not recorded.faults


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sqlite3 warns of its adapters since 3.12")
def test_warnings_of_sqlite3_are_about_the_program(recorded: Tracing) -> None:
    import datetime

    with recorded(*PROBES), contextlib.closing(sqlite3.connect(":memory:")) as connection:
        for run in (connection.execute, connection.cursor().execute):
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                run("SELECT ?", (datetime.date(2020, 1, 2),))
            assert [warning.filename for warning in said] == [__file__]


def program(tmp_path: Path, source: str) -> str:
    """What a program prints that is traced from its start."""
    file = tmp_path / "program.py"
    file.write_text(source, encoding="utf-8")
    environment = {**os.environ, "NUTRACE": "1", "NUTRACE_OUTPUT": str(tmp_path / "run.json")}
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_that_is_traced_from_its_start_may_use_any_metaclass(tmp_path: Path) -> None:
    printed = program(
        tmp_path,
        "import sqlite3\n"
        "class Meta(type): pass\n"
        "class Single(sqlite3.Connection, metaclass=Meta): pass\n"
        "print(type(sqlite3.Connection), type(Single), Single(':memory:').execute('SELECT 1').fetchall())\n",
    )
    assert printed == "<class 'type'> <class '__main__.Meta'> [(1,)]\n"


def test_another_module_under_the_name_of_sqlite3_is_left_alone(tmp_path: Path) -> None:
    printed = program(
        tmp_path,
        "import sqlite3, sys, types, nutrace\n"
        "other = types.ModuleType('sqlite3')\n"
        "class Connection: pass\n"
        "other.Connection, other.Cursor, other.connect = Connection, type('Cursor', (), {}), Connection\n"
        "nutrace.uninstrument()\n"
        "sys.modules['sqlite3'] = other\n"
        "nutrace.instrument()\n"
        "print(other.Connection is Connection, other.connect() is not None)\n",
    )
    assert printed == "True True\n"

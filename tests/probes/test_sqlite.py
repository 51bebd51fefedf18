"""Raw sqlite3, traced: the same results and errors, and the counts that SQLite itself gives."""

from __future__ import annotations

import contextlib
import copy
import datetime
import enum
import functools
import gc
import os
import pickle
import shutil
import sqlite3
import sys
import threading
import weakref
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from fakes.clock import FakeClock
from fakes.tracing import Tracing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nutrace
from nutrace import semconv
from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.probes.sqlite import connections
from nutrace.sql.text import normalise

assert connections  # imported, before a clock is faked
STATEMENT = semconv.STATEMENT_SPAN


class Plain:
    """sqlite3 as it is. A global of this module would be replaced by the traced function."""

    connect = sqlite3.connect


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A database with a table of ten rows."""
    name = str(tmp_path / "t.db")
    connection = Plain.connect(name)
    connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
    connection.executemany(
        "INSERT INTO t VALUES (?, ?)", [(n, None if n == 3 else f"b{n}") for n in range(10)]
    )
    connection.commit()
    connection.close()
    return name


def total(recorded: Tracing, attribute: str) -> int:
    return sum(span.attributes.get(attribute, 0) for span in recorded.spans(STATEMENT))


FORMS: Dict[str, Callable[[sqlite3.Cursor], Any]] = {
    "loop": lambda cursor: [row for row in cursor],  # noqa: C416
    "list": list,
    "next": lambda cursor: [next(cursor), next(cursor, None)],
    "fetchone": lambda cursor: list(iter(cursor.fetchone, None)),
    "fetchmany": lambda cursor: [cursor.fetchmany(), cursor.fetchmany(4), cursor.fetchmany(size=100)],
    "fetchall": lambda cursor: [cursor.fetchall(), cursor.fetchall(), cursor.fetchone()],
    "some and all": lambda cursor: [cursor.fetchone(), cursor.fetchmany(2), next(cursor), cursor.fetchall()],
    "none": lambda cursor: [],
}


def rows_in(result: Any) -> int:
    if isinstance(result, list):
        return sum(map(rows_in, result))
    return int(result is not None)


class Text(str):
    """A text that would rather be another one."""

    __slots__ = ()

    def __str__(self) -> str:
        return "SELECT 0"

    def __len__(self) -> int:
        return 0


class Query(str, enum.Enum):
    """Statements with names."""

    ALL = "SELECT a FROM t WHERE a > 5"


@pytest.mark.parametrize("statement", [Text("SELECT a FROM t WHERE a > 5"), Query.ALL], ids=["class", "enum"])
def test_a_statement_may_be_of_any_class_of_texts(recorded: Tracing, file: str, statement: str) -> None:
    with recorded(*PROBES), closing(sqlite3.connect(file)) as connection:
        assert len(connection.execute(statement).fetchall()) == 4
    (span,) = recorded.spans(STATEMENT)
    assert span.attributes[semconv.DB_ROWS] == 4
    assert span.attributes[semconv.DB_TEXT] == "SELECT a FROM t WHERE a > ?"


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("factory", [None, sqlite3.Row, lambda cursor, row: list(row)])
@pytest.mark.parametrize("compress_us", [0, 1e6])
def test_every_way_to_fetch(
    recorded: Tracing, file: str, form: str, factory: Any, compress_us: float
) -> None:
    def run() -> Any:
        connection = sqlite3.connect(file)
        connection.row_factory = factory
        try:
            return FORMS[form](connection.cursor().execute("SELECT a, b FROM t"))
        finally:
            connection.close()

    expected = run()
    with recorded(*PROBES, compress_us=compress_us), nutrace.span("around"):
        result = run()
    assert _tuples(result) == _tuples(expected)
    assert recorded.calls(STATEMENT) == 1
    assert total(recorded, semconv.DB_ROWS) == rows_in(_tuples(expected))
    assert recorded.span(STATEMENT).parent == recorded.span("around")
    assert not recorded.faults


def _tuples(value: Any) -> Any:
    if isinstance(value, list) and not (value and not isinstance(value[0], (list, tuple, sqlite3.Row))):
        return [_tuples(item) for item in value]
    return tuple(value) if isinstance(value, (list, sqlite3.Row)) else value


def test_a_row_factory_may_make_none_of_a_row(recorded: Tracing, file: str) -> None:
    with recorded(*PROBES):
        connection = sqlite3.connect(file)
        cursor = connection.execute("SELECT b FROM t")
        cursor.row_factory = lambda cursor, row: row[0]  # after execute, and the fourth is NULL
        assert list(cursor) == [None if n == 3 else f"b{n}" for n in range(10)]
        cursor = connection.execute("SELECT b FROM t")
        cursor.row_factory = lambda cursor, row: row[0]
        assert [cursor.fetchone() for _ in range(11)][3:5] == [None, "b4"]
        connection.close()
    assert total(recorded, semconv.DB_ROWS) == 20


@pytest.mark.parametrize("over", [False, True])
def test_a_row_factory_that_fails_is_called_once(recorded: Tracing, file: str, over: bool) -> None:
    """While it is recorded, and after the recording is over."""

    def make(cursor: Any, row: Any) -> Any:
        made.append(row)
        raise AttributeError("no")

    made: List[Any] = []
    with recorded(*PROBES):
        connection = sqlite3.connect(file)
        cursor = connection.execute("SELECT a FROM t")
        cursor.row_factory = make
        if over:
            nutrace.uninstrument()
        with pytest.raises(AttributeError, match="no"):
            next(cursor)
        connection.close()
    assert made == [(0,)]


# -- what SQLite says itself -----------------------------------------------------------------


Step = Tuple[str, int, int]
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "execute",
                "again",
                "one",
                "many",
                "all",
                "next",
                "insert",
                "close",
                "drop",
                "span",
                "bad",
                "rollback",
            ]
        ),
        st.integers(0, 2),
        st.integers(0, 4),
    ),
    max_size=40,
)


def play(steps: List[Step], connection: Any, seen: Counter[str]) -> List[Any]:
    """Run a program over three cursors of `connection`; count its rows, and return results and errors."""
    cursors: Dict[int, Any] = {}
    results: List[Any] = []

    def note(rows: List[Any]) -> None:
        seen["rows"] += len(rows)
        results.append(rows)

    with contextlib.ExitStack() as spans:
        for what, which, number in steps:
            cursor = cursors.get(which)
            if cursor is None:
                cursor = cursors[which] = connection.cursor()
            try:
                if what == "execute":
                    cursor.execute("SELECT a FROM t WHERE a < ?", (number,))
                elif what == "again":
                    cursor = cursors[which] = connection.execute(f"SELECT a, b FROM t LIMIT {number}")
                elif what == "one":
                    note([row for row in [cursor.fetchone()] if row is not None])
                elif what == "many":
                    note(cursor.fetchmany(number))
                elif what == "all":
                    note(cursor.fetchall())
                elif what == "next":
                    note([next(cursor)])
                elif what == "insert":
                    cursor.executemany("UPDATE t SET b = b WHERE a = ?", ((n,) for n in range(number)))
                elif what == "close":
                    cursor.close()
                    del cursors[which]
                elif what == "drop":
                    del cursors[which]
                elif what == "span":
                    spans.enter_context(nutrace.span(f"span {number}"))
                elif what == "bad":
                    cursor.execute("SELECT nope FROM t")
                else:
                    connection.rollback()
            except (sqlite3.Error, StopIteration) as error:
                results.append((type(error), str(error)))
            cursor = None
    return results


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=_STEPS)
def test_statements_and_rows_are_those_that_sqlite_saw(
    recorded: Tracing, file: str, steps: List[Step]
) -> None:
    with contextlib.closing(Plain.connect(file, isolation_level=None)) as plain:
        expected = play(steps, plain, Counter())
    seen: Counter[str] = Counter()
    traced: List[str] = []
    with recorded(*PROBES), nutrace.span("around"):
        connection = sqlite3.connect(file, isolation_level=None)
        connection.set_trace_callback(traced.append)
        assert play(steps, connection, seen) == expected
        connection.close()
    spans = recorded.spans(STATEMENT)
    failed = sum(span.attributes[semconv.SQL_STATEMENT] == _digest("SELECT nope FROM t") for span in spans)
    many = [span for span in spans if span.attributes[semconv.DB_OPERATION] == "UPDATE"]
    runs = sum(span.attributes.get(semconv.SQL_RUNS, 0) for span in many)
    selects = recorded.calls(STATEMENT) - sum(span.calls for span in many) - failed
    assert Counter(text.split()[0] for text in traced if text not in ("ROLLBACK",)) == +Counter(
        SELECT=selects, UPDATE=runs
    )
    assert total(recorded, semconv.DB_ROWS) == seen["rows"]
    for span in spans:
        numbers = span.attributes
        assert span.total_ns == numbers[semconv.SQL_EXECUTE_NS] + numbers[semconv.SQL_FETCH_NS]
        assert sum(numbers[semconv.SQL_TOOK_NS]) == span.total_ns
    root = recorded.span("around")
    assert sum(recorded.trace.self_ns) == root.total_ns
    assert recorded.trace.diagnostics.unfinished == recorded.trace.diagnostics.busy_clamped == 0
    assert not recorded.faults


def _digest(sql: str) -> str:
    return normalise(sql).digest


# -- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fetched_below_another", [False, True])
@pytest.mark.parametrize("how", ["list", "fetchone", "fetchmany", "fetchall"])
def test_time_is_charged_where_it_was_spent(
    recorded: Tracing, clock: FakeClock, file: str, how: str, fetched_below_another: bool
) -> None:
    """With a clock that advances in a SQL function only, so times are exact on a loaded machine too."""
    spent = {"executing": 0, "fetching": 0}
    doing = "executing"

    def burn(milliseconds: int) -> int:
        clock.advance(milliseconds * 1_000_000)
        spent[doing] += milliseconds * 1_000_000
        return 1

    with recorded(*PROBES):
        connection = sqlite3.connect(file)
        connection.create_function("burn", 1, burn)
        with nutrace.span("executing"):
            connection.execute("SELECT sum(burn(a)) FROM t").close()  # closed before its only row
            assert spent.pop("executing") == 45_000_000
            spent["executing"] = 0
            cursor = connection.execute("SELECT burn(a) FROM t")
            if not fetched_below_another:
                doing = "fetching"
                FORMS[how](cursor)
        doing = "fetching"
        with nutrace.span("fetching"):
            cursor.fetchall()
        connection.close()
    aggregate, *parts = recorded.spans(STATEMENT)
    assert aggregate.attributes[semconv.SQL_EXECUTE_NS] == aggregate.total_ns == 45_000_000
    assert aggregate.attributes[semconv.SQL_FETCH_NS] == 0
    assert sum(part.attributes[semconv.SQL_EXECUTE_NS] for part in parts) == spent["executing"]
    assert sum(part.attributes[semconv.SQL_FETCH_NS] for part in parts) == spent["fetching"] > 40_000_000
    assert sum(part.attributes[semconv.DB_ROWS] for part in parts) == 10
    parents = [part.parent.name for part in parts if part.parent]
    if fetched_below_another:
        assert parents == ["executing", "fetching"]
        assert parts[1].calls == 0
        assert parts[1].attributes[semconv.CONTINUES] == recorded.trace.span_id(parts[0].index)
        assert parts[1].total_ns == spent["fetching"]
    else:
        assert parents == ["executing"]


def test_what_sqlite_calls_back_is_below_the_statement(recorded: Tracing, file: str) -> None:
    @nutrace.probe
    def inner(value: Any) -> Any:
        return value

    with recorded(*PROBES, compress_us=1e6), nutrace.span("around"):
        connection = sqlite3.connect(file)
        cursor = connection.execute("SELECT a FROM t")
        next(cursor)
        connection.create_function("passed", 1, inner)  # while another statement is open
        for _ in connection.execute("SELECT passed(a) FROM t"):
            pass
        cursor.close()
        connection.close()
    parents = {span.parent.name for span in recorded.spans(inner.__qualname__) if span.parent}
    assert parents == {STATEMENT}
    assert recorded.calls(inner.__qualname__) == 10


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="sqlite3 itself crashes")
def test_a_statement_used_by_its_own_function_is_refused_as_ever(recorded: Tracing, file: str) -> None:
    def run() -> Tuple[List[str], int]:
        said: List[str] = []
        connection = sqlite3.connect(file)
        cursor = connection.cursor()

        def again(value: Any) -> Any:
            try:
                cursor.execute("SELECT 1")
            except sqlite3.ProgrammingError as error:
                said.append(str(error))
            return value

        connection.create_function("again", 1, again)
        rows = cursor.execute("SELECT again(a) FROM t LIMIT 3").fetchall()
        connection.close()
        return said, len(rows)

    expected = run()
    with recorded(*PROBES):
        assert run() == expected
    assert recorded.calls(STATEMENT) == 1
    assert total(recorded, semconv.DB_ROWS) == expected[1]


# -- endings ---------------------------------------------------------------------------------


def abandon(connection: Any) -> Iterator[Any]:
    yield from connection.execute("SELECT a FROM t")


def test_abandoned_generators_and_cursors(recorded: Tracing, file: str) -> None:
    with recorded(*PROBES):
        connection = sqlite3.connect(file)
        rows = abandon(connection)
        next(rows), next(rows)
        del rows
        cursor = connection.execute("SELECT a FROM t")
        cursor.fetchone()
        cursor = None  # type: ignore[assignment]
        open_one = connection.execute("SELECT b FROM t")
        open_one.fetchone()
    assert total(recorded, semconv.DB_ROWS) == 4
    assert [span.unfinished for span in recorded.spans(STATEMENT)] == [False, False, True]
    assert len(open_one.fetchall()) == 9  # after the recording the program goes on
    connection.close()


def test_a_failed_fetch_is_said_and_more_can_be_fetched(recorded: Tracing, file: str) -> None:
    def fail(value: int) -> int:
        if value == 2:
            raise ValueError("no")
        return value

    rows = 0
    with recorded(*PROBES):
        connection = sqlite3.connect(file)
        connection.create_function("fail", 1, fail)
        cursor = connection.execute("SELECT fail(a) FROM t")
        with contextlib.suppress(sqlite3.OperationalError):
            for _ in cursor:
                rows += 1
        assert cursor.fetchall() == []
        connection.close()
    first = recorded.spans(STATEMENT)[0]
    assert first.status.code == 2
    assert recorded.calls(STATEMENT) == 1
    assert total(recorded, semconv.DB_ROWS) == rows > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_counts_nothing_twice(recorded: Tracing, file: str) -> None:
    with recorded(*PROBES):
        connection = sqlite3.connect(file)
        cursor = connection.execute("SELECT a FROM t")
        cursor.fetchmany(3)
        child = os.fork()
        if not child:
            cursor.fetchmany(2)
            other = sqlite3.connect(":memory:")
            other.execute("SELECT 1", ()).fetchall()
            other.execute("SELECT 1").fetchall()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        cursor.fetchall()
        connection.execute("SELECT 1", ()).fetchall()
        connection.close()
    spans = recorded.spans(STATEMENT)
    assert recorded.calls(STATEMENT) == 4
    assert total(recorded, semconv.DB_ROWS) == 10 + 2 + 3
    hashes = {h for span in spans for h in span.attributes[semconv.SQL_PARAMETERS] if _literal(span)}
    assert len(hashes) == 1  # both processes have the key


def _literal(span: Any) -> bool:
    return str(span.attributes[semconv.DB_TEXT]) == "SELECT ?"


def test_threads(recorded: Tracing, file: str) -> None:
    def work() -> None:
        connection = sqlite3.connect(file, check_same_thread=False)
        cursors.append(connection.execute("SELECT a FROM t"))
        cursors[-1].fetchone()

    cursors: List[Any] = []
    with recorded(*PROBES):
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for cursor in cursors:  # each begun in a thread that has ended
            assert len(cursor.fetchall()) == 9
            cursor.connection.close()
        connection = sqlite3.connect(file)
        with pytest.raises(sqlite3.ProgrammingError, match="created in a thread"):
            _in_thread(connection.execute, "SELECT 1")
        connection.close()
    assert total(recorded, semconv.DB_ROWS) == 30
    assert len({span.thread for span in recorded.spans(STATEMENT) if span.calls}) >= 3


def query(file: str, sql: str, *parameters: Any) -> List[Any]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql, parameters).fetchall()


def _in_thread(function: Callable[..., Any], *args: Any) -> None:
    caught: List[BaseException] = []

    def run() -> None:
        try:
            function(*args)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if caught:
        raise caught[0]


def test_a_forked_child_has_the_key_and_the_next_recording_another(recorded: Tracing, file: str) -> None:
    """The key is in the process's memory only, so that nobody can try parameters against the hashes."""
    with recorded(*PROBES):
        query(file, "SELECT a FROM t WHERE a = ?", 7)
        child = os.fork()
        if child == 0:
            try:
                query(file, "SELECT a FROM t WHERE a = ?", 7)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    one, other = (span.attributes[semconv.SQL_PARAMETERS] for span in recorded.spans(STATEMENT))
    assert one == other
    with recorded(*PROBES):
        query(file, "SELECT a FROM t WHERE a = ?", 7)
    assert recorded.span(STATEMENT).attributes[semconv.SQL_PARAMETERS] != one


# -- what a span says ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "uri", "name"),
    [
        ("file:/logs/a%20b.db?key=hunter2#hunter2", True, "/logs/a b.db"),
        ("file://host/logs/a.db?key=hunter2", True, "/logs/a.db"),
        ("file:/logs/a.db?key=hunter2", False, os.path.abspath("file:/logs/a.db")),
        (":memory:", False, ":memory:"),
    ],
)
def test_a_database_is_named_without_the_options_of_its_uri(file: str, uri: bool, name: str) -> None:
    assert connections.namespace_of((file,), {"uri": uri}) == name


def test_attributes(recorded: Tracing, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(file).parent)
    with recorded(*PROBES):
        connection = sqlite3.connect("t.db")
        connection.execute("select a from t where a in (1, 2,3) -- hunter2")
        with connection:
            connection.execute("INSERT INTO t VALUES (?, ?)", (1, "hunter2"))
        connection.close()
        connection.close()
    select, _ = recorded.spans(STATEMENT)
    assert select.attributes[semconv.DB_TEXT] == "select a from t where a in (?)"
    assert select.attributes[semconv.DB_NAMESPACE] == os.path.realpath(file)
    assert select.attributes[semconv.DB_OPERATION] == "SELECT"
    assert select.function == f"{__name__}.test_attributes"
    assert select.file == __file__
    assert recorded.trace.kind(select.index) == 3
    assert select.component == "database"
    for name in (semconv.CONNECT_SPAN, semconv.COMMIT_SPAN, semconv.CLOSE_SPAN):
        assert recorded.calls(name) == 1, name
    (opened,) = recorded.span(semconv.CONNECT_SPAN).attributes[semconv.SQL_OPEN]
    assert recorded.span(semconv.CLOSE_SPAN).attributes[semconv.SQL_OPEN] == [opened - 1]
    assert recorded.path is not None
    assert "hunter2" not in recorded.path.read_text(encoding="utf-8")


def test_without_texts(recorded: Tracing, file: str) -> None:
    hashes = []
    for sql_text in (True, False):
        with recorded(*PROBES, sql_text=sql_text):
            query(file, "SELECT a AS quaint FROM t")
        assert recorded.path is not None
        assert ("quaint" in recorded.path.read_text(encoding="utf-8")) == sql_text
        hashes.append(recorded.span(STATEMENT).attributes[semconv.SQL_STATEMENT])
    assert len(set(hashes)) == 1


# -- as before -------------------------------------------------------------------------------


class Mine(sqlite3.Connection):
    """A program's own connection."""

    made = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute("PRAGMA cache_size = 100")

    def cursor(self, factory: Any = None) -> Any:
        self.made += 1
        return super().cursor(factory or MyCursor)


class MyCursor(sqlite3.Cursor):
    """A program's own cursor."""

    def fetchone(self) -> Any:
        row = super().fetchone()
        return row and ("mine", *row)


@pytest.mark.parametrize(
    "connect",
    [
        lambda file: sqlite3.connect(file, factory=Mine),
        lambda file: sqlite3.connect(file, 5.0, 0, "", True, Mine),
        lambda file: sqlite3.connect(file, factory=functools.partial(Mine, timeout=3)),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_factory_of_the_programs(recorded: Tracing, file: str, connect: Callable[[str], Any]) -> None:
    with recorded(*PROBES):
        connection = connect(file)
        assert isinstance(connection, Mine)
        assert (type(connection).__name__, type(connection).__module__) == ("Mine", __name__)
        cursor = connection.cursor()
        assert isinstance(cursor, MyCursor)
        assert cursor.execute("SELECT a FROM t") is cursor
        assert cursor.fetchone() == ("mine", 0)
        assert connection.cursor(sqlite3.Cursor).execute("SELECT 1").fetchone() == (1,)
        connection.anything = weakref.ref(connection)
        connection.close()
    assert recorded.calls(STATEMENT) == 3
    assert total(recorded, semconv.DB_ROWS) == 2


def behaviour(file: str) -> List[str]:
    """What a program can see of connections and cursors, errors included."""
    seen: List[str] = []

    def see(act: Callable[[], Any]) -> None:
        try:
            seen.append(str(act()).split(" at 0x")[0])
        except Exception as error:
            # A class made in Python cannot have a dot in the name that C's messages give.
            seen.append(f"{type(error)}: {error}".replace("'sqlite3.C", "'C"))

    c: Any = sqlite3.connect(file, detect_types=sqlite3.PARSE_COLNAMES)
    k: Any = c.cursor()
    for thing in (c, k):
        for act in (repr, vars, weakref.ref, pickle.dumps, copy.copy, copy.deepcopy, type, hash, iter, len):
            if act is not hash:
                see(lambda act=act, thing=thing: act(thing))  # type: ignore[misc]
        see(lambda thing=thing: setattr(thing, "foo", 1))  # type: ignore[misc]
        see(lambda thing=thing: thing.execute())  # type: ignore[misc]
        see(lambda thing=thing: thing.execute(1))  # type: ignore[misc]
        see(lambda thing=thing: thing.execute("SELECT 1", 1))  # type: ignore[misc]
        see(lambda thing=thing: thing.execute("SELECT ?"))  # type: ignore[misc]
        see(lambda thing=thing: thing.execute("SELECT 1; SELECT 2"))  # type: ignore[misc]
        see(lambda thing=thing: thing.execute(sql="SELECT 1"))  # type: ignore[misc]
        see(lambda thing=thing: thing.executemany("SELECT ?", [(1,)]))  # type: ignore[misc]
        see(lambda thing=thing: thing.executemany("INSERT INTO t VALUES (?, ?)", 5))  # type: ignore[misc]
        see(lambda thing=thing: thing.executemany("DELETE FROM t WHERE a = ?", [(1,), (1, 2)]))  # type: ignore[misc]
        see(lambda thing=thing: thing.executescript("SELECT 1; SELECT nope"))  # type: ignore[misc]
    see(lambda: iter(k) is k)
    see(lambda: k.execute("SELECT 1") is k)
    see(lambda: k.connection is c)
    see(lambda: k.fetchmany("x"))
    see(lambda: k.fetchone(1))
    see(lambda: k.execute("SELECT :a", {"a": 1}).fetchall())
    see(lambda: k.execute("SELECT ? AS 'd [timestamp]'", (datetime.datetime(2020, 1, 2, 3),)).fetchall())
    see(lambda: next(c.cursor()))
    see(lambda: c.cursor(None))
    see(lambda: c.cursor(int))
    see(lambda: c.cursor(factory=MyCursor).execute("SELECT 1").fetchone())
    see(lambda: list(c.iterdump())[:3])
    see(lambda: c.backup(sqlite3.connect(":memory:")))
    see(lambda: c.backup(Plain.connect(":memory:")))
    see(lambda: (c.in_transaction, c.isolation_level, c.total_changes))
    c.rollback()
    k.close()
    see(k.fetchone)
    see(lambda: k.execute("SELECT 1"))
    c.close()
    see(lambda: c.execute("SELECT 1"))
    see(c.commit)
    see(c.cursor)
    see(c.close)
    see(lambda: c.__enter__())
    see(lambda: sqlite3.connect())  # type: ignore[call-arg]
    see(lambda: sqlite3.connect(5.5))  # type: ignore[arg-type]
    see(lambda: sqlite3.connect(file, nonsense=1))  # type: ignore[call-overload]
    see(lambda: sqlite3.connect(file + "/nope/x"))
    see(lambda: sqlite3.connect(file, factory=dict))  # type: ignore[type-var]
    see(lambda: sqlite3.connect(f"file:{file}?mode=ro", uri=True).execute("DELETE FROM t"))
    see(lambda: (sqlite3.connect.__name__, sqlite3.connect.__module__, sqlite3.connect.__doc__))
    see(lambda: repr(sqlite3.connect))
    see(lambda: pickle.loads(pickle.dumps(sqlite3.connect)) is sqlite3.connect)
    see(lambda: type("X", (), {"connect": sqlite3.connect})().connect(":memory:"))
    return seen


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_a_program_sees_is_the_same(recorded: Tracing, file: str) -> None:
    shutil.copy(file, file + "2")
    expected = behaviour(file)
    os.replace(file + "2", file)
    with recorded(*PROBES):
        assert behaviour(file) == expected
    gc.collect()  # collect what it did not close while the warnings about that are ignored
    assert not recorded.faults


def test_parameters_pass_as_they_are(recorded: Tracing) -> None:
    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

        def __conform__(self, protocol: Any) -> Any:
            asked.append(self.x)
            return str(self.x)

        def __repr__(self) -> str:
            raise AssertionError("asked")

        __hash__ = None  # type: ignore[assignment]

    def sets() -> Iterator[Any]:
        for number in range(3):
            taken.append(number)
            yield (Point(number),)

    asked: List[int] = []
    taken: List[int] = []
    with recorded(*PROBES):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE p (x)")
        connection.executemany("INSERT INTO p VALUES (?)", sets())
        for x in (5, 5, 6):
            connection.execute("INSERT INTO p VALUES (?)", [Point(x)])
        assert connection.execute("SELECT x FROM p").fetchall() == [(c,) for c in "012556"]
        connection.close()
    assert (taken, asked) == ([0, 1, 2], [0, 1, 2, 5, 5, 6])
    hashes = [h for s in recorded.spans(STATEMENT) for h in s.attributes[semconv.SQL_PARAMETERS]]
    assert hashes[2] == hashes[3] != hashes[4]
    assert all(len(h) == 16 and int(h, 16) >= 0 for h in hashes)
    assert not recorded.faults


def test_after_the_recording_all_is_plain(recorded: Tracing, file: str) -> None:
    with recorded(*PROBES):
        assert sqlite3.connect is not Plain.connect
        bound = sqlite3.connect
        connection = sqlite3.connect(file)
        cursor = connection.execute("SELECT a FROM t")
    assert sqlite3.connect is sqlite3.dbapi2.connect is Plain.connect
    with contextlib.closing(bound(":memory:")) as other:
        assert type(other) is sqlite3.Connection
    assert len(cursor.fetchall()) == 10
    assert len(list(connection.execute("SELECT a FROM t"))) == 10
    connection.commit()
    with recorded(*PROBES):
        assert len(list(connection.execute("SELECT a FROM t"))) == 10  # traced again
        connection.close()
    assert total(recorded, semconv.DB_ROWS) == 10
    gc.collect()

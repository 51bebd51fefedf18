"""Query functions traced from inside: what is recorded is what sqlite3's own classes record, call by call."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sqlite3
import threading
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Tuple

import pytest
from fakes import query_session
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.probes.catalogue.stdlib import PROBES
from nutrace.probes.probe import Probe
from nutrace.probes.sqlite import connections, queries, shape, visit
from nutrace.recording import recorder
from nutrace.recording.buffers import LIMIT, local

assert connections
ALL = "SELECT a, b FROM t WHERE a < ? ORDER BY a"
ONE = "SELECT b FROM t WHERE a = ?"
OVERFLOW = "abs(CASE a WHEN 3 THEN -9223372036854775808 ELSE a END)"
_TIMES = (
    *(semconv.SQL_EXECUTE_NS, semconv.SQL_FETCH_NS, semconv.SQL_TOOK_NS, semconv.BUSY_NS),
    *(semconv.COMPOSITE_COUNT, semconv.COMPOSITE_MIN_NS, semconv.COMPOSITE_MAX_NS),
)


class Plain:
    """sqlite3 itself: a name of the module's would be bound to the traced one while that is on."""

    connect = sqlite3.connect


INSIDE = tuple(
    Probe(f"fakes.query_session:{name}", "database", semconv.STATEMENT_SPAN, stand_in=queries.stand_in)
    for name in ("all_rows", "only_row")
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A database with a table of ten rows."""
    name = str(tmp_path / "t.db")
    with contextlib.closing(sqlite3.connect(name)) as connection, connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, f"b{n}") for n in range(10)])
    return name


def plain(rows: Any) -> List[Tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def every(file: str) -> Any:
    with nutrace.span("asking"):
        return plain(query_session.all_rows(ALL, (4,), file)), query_session.only_row(ONE, (3,), file)["b"]


def nothing(file: str) -> Any:
    asked = query_session.all_rows(ALL, (1,), file)
    assert (asked.__name__, asked.__qualname__) == ("all_rows", "all_rows")  # type: ignore[attr-defined]
    return plain(query_session.all_rows(ALL, [-1], file)), query_session.only_row(ONE, [99], file)


def repeated(file: str) -> Any:
    with nutrace.span("asking"):
        return [query_session.only_row(ONE, (n % 3,), file)["b"] for n in range(20)]


def abandoned(file: str) -> Any:
    rows = query_session.all_rows(ALL, (9,), file)
    first = tuple(next(rows))
    rows.close()
    unstarted = query_session.all_rows(ALL, (9,), file)
    del unstarted
    return first


def collected(file: str) -> Any:
    return [tuple(next(query_session.all_rows(ALL, (9,), file))) for _ in range(2)]


def thrown_into(file: str) -> Any:
    rows = query_session.all_rows(ALL, (9,), file)
    next(rows)
    with pytest.raises(KeyError):
        rows.throw(KeyError("mine"))


def interleaved(file: str) -> Any:
    one, other = (query_session.all_rows(ALL, (most,), file) for most in (3, 5))
    return [tuple(row) for pair in zip(other, one) for row in pair]


def elsewhere(file: str) -> Any:
    with nutrace.span("first"):
        rows = query_session.all_rows(ALL, (6,), file)
        found = [next(rows)]
    for name in ("second", "third"):
        with nutrace.span(name):
            found += [next(rows), next(rows)]
    return plain(found + list(rows))


def refused(file: str) -> Any:
    said = []
    for ask in (
        lambda: list(query_session.all_rows("SELECT nothing", (), file)),
        lambda: query_session.only_row("SELECT nothing", (), file),
        lambda: list(query_session.all_rows(ALL, (), file)),
        lambda: query_session.only_row(ONE, (object(),), file),
        lambda: list(query_session.all_rows(ALL, (1,), file + "/none/t.db")),
        lambda: query_session.only_row(ONE, (1,), file + "/none/t.db"),
        lambda: query_session.only_row(ALL, (5,), file),
        lambda: query_session.only_row(f"SELECT {OVERFLOW} FROM t WHERE a = 3", (), file),
        lambda: list(query_session.all_rows(f"SELECT {OVERFLOW} FROM t ORDER BY a", (), file)),
        lambda: query_session.only_row(),  # type: ignore[call-arg]
        lambda: query_session.all_rows(ALL, nonsense=1),  # type: ignore[call-arg]
    ):
        with pytest.raises(Exception) as caught:
            ask()
        said.append((type(caught.value), str(caught.value)))
    return said


def odd(file: str) -> Any:
    """Calls that go the usual way."""
    found = [
        plain(query_session.all_rows("SELECT a FROM t WHERE a < :most", {"most": 3}, file)),
        plain(query_session.all_rows(sql=ALL, values=(2,), path=file)),
        plain(query_session.all_rows(ALL, (True,), file)),
        query_session.only_row("SELECT b FROM t WHERE a = :a", {"a": 3}, file)["b"],
        query_session.only_row(ONE, values=[3], path=file)["b"],
        tuple(query_session.only_row("SELECT ?, ?", (b"x", bytearray(b"y")), file)),
        tuple(query_session.only_row("SELECT typeof(?)", (Text("z"),), file)),
    ]
    found.append(tuple(query_session.only_row("SELECT 1", (), Path(file))))  # type: ignore[arg-type]
    with contextlib.ExitStack() as back:
        back.callback(os.chdir, os.getcwd())
        os.chdir(Path(file).parent)
        found += plain(query_session.all_rows(ALL, (2,), Path(file).name))
        os.chdir("/")
        found.append(query_session.only_row("SELECT 1", (), ":memory:")[0])
    return found


class Text(str):
    pass


PROGRAMS: Dict[str, Callable[[str], Any]] = {
    program.__name__: program
    for program in (
        *(every, nothing, repeated, abandoned, collected, thrown_into, interleaved, elsewhere, refused),
        odd,
    )
}


def told(recorded: Tracing) -> List[Any]:
    """All that a trace says of its database spans, but for times; hashes by their first appearance."""
    seen: Dict[str, int] = {}
    found: Dict[str, List[Any]] = {}
    for span in recorded.trace:
        if not span.name.startswith("sqlite3."):
            continue
        attributes = dict(span.attributes)
        hashes = attributes.pop(semconv.SQL_PARAMETERS, [])
        summed = (
            *(span.calls, attributes.pop(semconv.DB_ROWS, 0)),
            [seen.setdefault(each, len(seen)) for each in hashes],
            attributes.pop(semconv.SQL_OPEN, []),
            [(event.name, event.attributes["exception.message"]) for event in span.events],
        )
        for name in (*_TIMES, semconv.CONTINUES):
            attributes.pop(name, None)
        above = span.parent.name if span.parent is not None else ""
        key = repr((span.name, above, span.unfinished, sorted(attributes.items())))
        # How many spans say it depends on when they are written.
        before = found.get(key, (0, 0, [], [], []))
        found[key] = [one + other for one, other in zip(before, summed)]
    return sorted((key, *map(_sorted, sums)) for key, sums in found.items())


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


@pytest.mark.parametrize("compress_us", [0, 1_000_000])
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_the_trace_is_that_of_the_usual_way(
    recorded: Tracing, file: str, name: str, compress_us: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = PROGRAMS[name]
    expected = program(file)
    with recorded(*PROBES, compress_us=compress_us):
        assert program(file) == expected
    usual = told(recorded)
    made: List[Any] = []
    begin = visit.Visit.__init__
    monkeypatch.setattr(
        visit.Visit, "__init__", lambda self, *args: (made.append(self), begin(self, *args))[1]
    )
    with recorded(*PROBES, *INSIDE, compress_us=compress_us) as session:
        assert program(file) == expected
    assert len(made) == 2 if program is odd else made
    assert not session.engine.missing
    assert told(recorded) == usual
    for span in recorded.spans(semconv.STATEMENT_SPAN):
        noted = span.attributes
        spent = noted[semconv.SQL_EXECUTE_NS] + noted[semconv.SQL_FETCH_NS]
        assert span.total_ns == spent == sum(noted[semconv.SQL_TOOK_NS])
        assert noted[semconv.SQL_FETCH_NS] > 0 or not noted[semconv.DB_ROWS]
    figures = session.recorder.figures
    assert figures.spans == len(recorded.trace)
    assert figures.recorded == sum(span.calls for span in recorded.trace)
    database = [span for span in recorded.trace if span.name.startswith("sqlite3.")]
    assert figures.self_all_ns["database"] == sum(span.total_ns for span in database)
    assert not recorded.faults
    assert not visit.visits
    assert not connections.opened


def test_what_is_suspended_at_the_end_is_not_lost(recorded: Tracing, file: str) -> None:
    found = []
    for probes in (PROBES, PROBES + INSIDE):
        with recorded(*probes, compress_us=200) as session:
            with nutrace.span("first"):
                rows = query_session.all_rows(ALL, (6,), file)
                taken = [next(rows), next(rows)]
            moved = query_session.all_rows(ALL, (6,), file)
            next(moved)
            with nutrace.span("second"):
                next(moved)
        assert plain(taken + list(rows)) == [(n, f"b{n}") for n in range(6)]
        assert len(list(moved)) == 4
        assert session.recorder.unfinished == recorded.trace.diagnostics.unfinished == 2
        found.append(told(recorded))
    assert found[1] == found[0]
    assert not connections.opened


def test_another_threads_query_is_that_threads_at_the_end(recorded: Tracing, file: str) -> None:
    begun, over = threading.Event(), threading.Event()
    numbers = []

    def ask() -> None:
        with nutrace.span("asking"):
            rows = query_session.all_rows(ALL, (6,), file)
            next(rows)
            numbers.append(threading.get_native_id())
            begun.set()
            over.wait(20)
            assert len(list(rows)) == 5

    with recorded(*PROBES, *INSIDE):
        thread = threading.Thread(target=ask)
        thread.start()
        begun.wait(20)
    over.set()
    thread.join()
    for name in (semconv.CONNECT_SPAN, semconv.STATEMENT_SPAN):
        (span,) = recorded.spans(name)
        assert span.parent is not None
        assert (span.parent.name, span.thread.thread_id) == ("asking", numbers[0])


def test_pythons_adapters_go_the_usual_way(
    recorded: Tracing, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def adapt(value: bytes) -> str:
        with nutrace.span("adapting"):
            return value.decode()

    with recorded(*PROBES, *INSIDE):
        key = (bytes, sqlite3.PrepareProtocol)
        monkeypatch.setitem(sqlite3.adapters, key, adapt)  # type: ignore[attr-defined]
        found = query_session.only_row("SELECT ?", (b"x",), file)
    assert found is not None
    assert found[0] == "x"
    (adapting,) = recorded.spans("adapting")
    assert adapting.parent is not None
    assert adapting.parent.name == semconv.STATEMENT_SPAN


def test_a_forked_child_leaves_the_parents_query_alone(recorded: Tracing, file: str) -> None:
    with recorded(*PROBES, *INSIDE):
        rows = query_session.all_rows(ALL, (6,), file)
        next(rows)
        child = os.fork()
        if child == 0:
            try:
                next(rows)
                every(file)
                nutrace.uninstrument()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert len(list(rows)) == 5
    counts = {os.getpid(): 0, child: 0}
    for span in recorded.spans(semconv.STATEMENT_SPAN):
        counts[span.trace.resources[span.thread.resource].pid] += span.attributes[semconv.DB_ROWS]
    assert counts == {os.getpid(): 6, child: 6}  # one row of the parent's query, and its own five
    calls = {os.getpid(): 0, child: 0}
    for span in recorded.spans(semconv.STATEMENT_SPAN):
        calls[span.trace.resources[span.thread.resource].pid] += span.calls
    assert calls == {os.getpid(): 1, child: 2}
    assert not recorded.faults


def test_threads(recorded: Tracing, file: str) -> None:
    def ask() -> None:
        with nutrace.span("asking"):
            for _ in range(300):
                assert len(list(query_session.all_rows(ALL, (4,), file))) == 4
                assert query_session.only_row(ONE, (4,), file) is not None

    with recorded(*PROBES, *INSIDE, compress_us=1_000_000):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name in (semconv.CONNECT_SPAN, semconv.STATEMENT_SPAN, semconv.CLOSE_SPAN):
        assert recorded.calls(name) == 4 * 600
    assert all(span.parent is not None for span in recorded.spans(semconv.STATEMENT_SPAN))
    assert not connections.opened


def test_what_had_to_be_dropped_is_counted(
    recorded: Tracing, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_HARD_LIMIT", LIMIT)
    monkeypatch.setattr(recorder, "_PATIENCE_S", 0.01)
    with recorded(*PROBES, *INSIDE, flush_seconds=3600) as session:
        with session.recorder._lock:
            for _ in range(LIMIT):
                query_session.only_row(ONE, (3,), file)
        every(file)
    assert recorded.calls(semconv.STATEMENT_SPAN) == 2
    assert recorded.trace.diagnostics.dropped == 3 * LIMIT


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_in_another_thread_it_fails_as_it_does(recorded: Tracing, file: str) -> None:
    def resumed_elsewhere() -> List[str]:
        rows = query_session.all_rows(ALL, (4,), file)
        next(rows)
        said = []

        def resume() -> None:
            try:
                next(rows)
            except sqlite3.ProgrammingError as error:
                said.append(str(error).partition(". ")[0])

        thread = threading.Thread(target=resume)
        thread.start()
        thread.join()
        return said

    expected = resumed_elsewhere()
    assert expected
    with recorded(*PROBES, *INSIDE):
        assert resumed_elsewhere() == expected
    assert recorded.calls(semconv.STATEMENT_SPAN) == recorded.calls(semconv.CONNECT_SPAN) == 1
    assert not recorded.faults
    gc.collect()  # connections that could not be closed there go while nobody minds


def test_whoever_stands_before_sqlite3_is_asked(
    recorded: Tracing, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: List[str] = []

    class View(ModuleType):
        @staticmethod
        def connect(path: str) -> sqlite3.Connection:
            asked.append("view")
            return sqlite3.connect(path)

        Row = sqlite3.Row

    with recorded(*PROBES, *INSIDE):
        monkeypatch.setattr(query_session, "sqlite3", View("sqlite3"))
        every(file)
        monkeypatch.undo()
        own = sqlite3.connect

        def mine(path: str, **options: Any) -> sqlite3.Connection:
            asked.append("own")
            made: sqlite3.Connection = own(path, **options)
            return made

        for stands in (mine, functools.wraps(Plain.connect)(mine)):
            monkeypatch.setattr(sqlite3, "connect", stands)
            every(file)
            monkeypatch.undo()
        every(file)
    assert asked == ["view", "view", *["own"] * 4]
    assert recorded.calls(semconv.STATEMENT_SPAN) == 8


def test_a_module_that_lends_sqlite3s_connect_keeps_its_own_rows(
    recorded: Tracing, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Row(sqlite3.Row):
        pass

    with recorded(*PROBES, *INSIDE):
        every(file)  # seen once with sqlite3 itself
        lender = ModuleType("sqlite3")
        vars(lender).update(connect=sqlite3.connect, Row=Row)
        monkeypatch.setattr(query_session, "sqlite3", lender)
        assert {type(row) for row in query_session.all_rows(ALL, (4,), file)} == {Row}
        monkeypatch.undo()


def test_large_parameters_do_not_wait(recorded: Tracing, file: str) -> None:
    with recorded(*PROBES, *INSIDE, flush_seconds=3600) as session:
        session.recorder.flush()
        for _ in range(3):
            query_session.only_row("SELECT length(?)", ("x" * 10_000,), file)
            list(query_session.all_rows("SELECT length(?)", (b"x" * 10_000,), file))
        assert not [each for each in local.spans if isinstance(each, visit.Visit)]
    assert recorded.calls(semconv.STATEMENT_SPAN) == 6


def test_a_span_that_a_query_closed_in_is_not_merged_away(recorded: Tracing, file: str) -> None:
    @nutrace.probe(name="closer")
    def close(rows: Any) -> None:
        if rows is not None:
            rows.close()

    def run() -> None:
        with nutrace.span("outer"):
            for n in range(6):
                rows = query_session.all_rows(ALL, (4,), file) if n == 3 else None
                if rows is not None:
                    next(rows)
                close(rows)

    shapes = []
    for probes in (PROBES, PROBES + INSIDE):
        with recorded(*probes, compress_us=1_000_000):
            run()
        (closed,) = recorded.spans(semconv.CLOSE_SPAN)
        assert closed.parent is not None
        shapes.append((closed.parent.name, closed.parent.calls))
    assert shapes == [("closer", 1)] * 2


def test_another_function_is_left_to_sqlite3s_own_probes(
    recorded: Tracing, file: str, module: Callable[[str, str], str]
) -> None:
    source = Path(query_session.__file__).read_text(encoding="utf-8")
    name = module("changed_session", source.replace("asking.close()", "asking.close(); made.commit()"))
    probe = Probe(f"{name}:all_rows", "database", stand_in=queries.stand_in)
    with recorded(*PROBES, probe):
        changed = __import__(name)
        assert len(list(changed.all_rows(ALL, (4,), file))) == 4
    assert "the devkit's own" in recorded.missing[probe.target]
    assert recorded.calls(semconv.STATEMENT_SPAN) == recorded.calls(semconv.COMMIT_SPAN) == 1


def test_a_shape_is_told_by_what_is_done(module: Callable[[str, str], str]) -> None:
    known = shape.shape_of(query_session.all_rows)
    assert known is not None
    source = Path(query_session.__file__).read_text(encoding="utf-8")
    said = source.replace("each", "row").replace("asking", "cursor").replace(": Any", "").replace('"', "'")
    same = __import__(module("same_session", said)).all_rows
    assert shape.shape_of(same) == known
    for before, after in (("yield each", "yield (each)[0]"), ("sqlite3.Row", "tuple"), ("(sql,", "(path,")):
        other = __import__(module(f"other_{len(after)}", source.replace(before, after))).all_rows
        found = shape.shape_of(other)
        assert found is not None
        assert found.digest != known.digest
    assert shape.shape_of(eval("lambda: 0")) is None
    assert shape.shape_of(functools.wraps(query_session.all_rows)(lambda *args: 0)) is None
    text = "def keep(function): return function\n@keep\ndef"
    decorated = __import__(module("decorated", source.replace("def", text, 1)))
    assert shape.shape_of(decorated.all_rows) is None

"""The work with databases is added up once: repeats, callers, connections, loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import pytest
from fakes.otlp import trace_of

from nutrace import semconv
from nutrace.analysis.database import Executions, database
from nutrace.sql.text import statement_of

C = semconv.COMPONENT
STEP = {C: "simulation"}


def statement(
    begin: float,
    took: Sequence[float] = (10,),
    parameters: Sequence[str] = ("a",),
    *,
    rows: int = 1,
    digest: str = "s1",
    file: str = "/log.db",
    line: int = 21,
    **more: Any,
) -> Any:
    """A span of executions; times in microseconds."""
    nanoseconds = [int(time * 1000) for time in took]
    attributes: Dict[str, Any] = {
        C: "database",
        semconv.CODE_FUNCTION: "session.execute_many",
        semconv.CODE_FILE: "/session.py",
        semconv.CODE_LINE: line,
        semconv.DB_SYSTEM: "sqlite",
        semconv.DB_NAMESPACE: file,
        semconv.DB_TEXT: f"SELECT {digest}",
        semconv.DB_OPERATION: "SELECT",
        semconv.SQL_STATEMENT: digest,
        semconv.BUSY_NS: sum(nanoseconds),
        semconv.DB_ROWS: rows,
        semconv.SQL_EXECUTE_NS: sum(nanoseconds),
        semconv.SQL_FETCH_NS: 0,
        semconv.SQL_PARAMETERS: list(parameters),
        semconv.SQL_TOOK_NS: nanoseconds,
    }
    if len(nanoseconds) > 1:
        attributes[semconv.COMPOSITE_COUNT] = len(nanoseconds)
    attributes.update(more)
    return (semconv.STATEMENT_SPAN, begin, begin + sum(took), attributes)


def step(begin: float, *below: Any, length: float = 500) -> Any:
    return (semconv.STEP_SPAN, begin, begin + length, list(below), STEP)


def plain(name: str, begin: float, end: float, below: Optional[List[Any]] = None, **attributes: Any) -> Any:
    return (name, begin, end, below or [], {C: "database", **attributes})


def test_repeats_over_the_run_and_within_a_step(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        statement(0, [10], ["a"]),
        step(1000, statement(1010, [20, 30, 40], ["a", "b", "b"], rows=9)),
        step(2000, statement(2010, [50], ["b"], rows=2)),
    )
    result = database(trace)
    (only,) = result.statements
    assert (only.all, only.in_steps) == (Executions(5, 12, 150_000), Executions(4, 11, 140_000))
    assert (only.distinct, only.repeated, only.repeated_ns) == (2, 3, 110_000)
    assert (only.repeated_in_step, only.repeated_in_step_ns) == (1, 40_000)
    assert (result.steps, result.steps_ns, result.repeated, result.repeated_ns) == (2, 1_000_000, 3, 110_000)


def test_the_same_parameters_on_another_file_are_no_repeat(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, statement(0, [5]), statement(10, [70], file="/other.db"))
    (only,) = database(trace).statements
    assert (only.distinct, only.repeated) == (2, 0)
    assert [(use.database, use.all.count) for use in only.uses] == [("/other.db", 1), ("/log.db", 1)]


def test_callers_are_the_spans_around_up_to_the_step(tmp_path: Path) -> None:
    asked = ("scenario.get", 110, 190, [plain("database.get", 115, 180, [statement(120)])], {C: "scenario"})
    trace = trace_of(
        tmp_path, step(100, asked, statement(300, line=9)), ("scenario.build", 700, 800, [statement(710)])
    )
    (only,) = database(trace).statements
    assert {(origin.path, origin.caller.line, origin.component) for origin, _ in only.origins} == {
        (("scenario.get", "database.get"), 21, "scenario"),
        ((), 9, "simulation"),
        (("scenario.build",), 21, "other"),
    }


def test_a_fetch_below_another_span_goes_on_with_its_execution(tmp_path: Path) -> None:
    begun = statement(0, [10], ["a"], rows=1)
    later = statement(100, [25], ["a"], rows=4, **{semconv.CONTINUES: f"{1:016x}"})
    again = statement(200, [7], ["a"])
    (only,) = database(trace_of(tmp_path, begun, later, again)).statements
    assert only.all == Executions(2, 6, 42_000)
    assert (only.distinct, only.repeated, only.repeated_ns) == (1, 1, 7_000)


def test_the_first_execution_that_was_continued_counts_with_all_its_time(tmp_path: Path) -> None:
    # Spans are numbered in preorder: the second execution is 2, and its continuation names it.
    later = statement(200, [25], ["a"], rows=4, **{semconv.CONTINUES: f"{2:016x}"})
    (only,) = database(trace_of(tmp_path, statement(0, [3]), statement(100, [10], ["a"]), later)).statements
    assert (only.repeated, only.repeated_ns) == (1, 35_000)


def test_a_statement_of_sqlalchemys_counts_where_sqlite3_does_not_see_it(tmp_path: Path) -> None:
    both = plain("SELECT", 0, 50, [statement(10)], **{"db.system": "sqlite", "db.statement": "SELECT s1"})
    server = plain(
        "SELECT", 100, 130, **{"db.system": "postgresql", "db.statement": "SELECT 2", "db.name": "pg"}
    )
    digest = statement_of("SELECT 2").digest
    fetch = plain(semconv.ALCHEMY_FETCH_SPAN, 140, 145, **{semconv.SQL_STATEMENT: digest, semconv.DB_ROWS: 8})
    result = database(trace_of(tmp_path, both, server, fetch))
    texts = {one.text: one for one in result.statements}
    assert sorted(texts) == ["SELECT ?", "SELECT s1"]
    other = texts["SELECT ?"]
    assert other.all == Executions(1, 8, 35_000)
    assert (other.execute_ns, other.fetch_ns) == (30_000, 5_000)
    assert (other.distinct, other.repeated) == (None, None)  # its parameters were not recorded
    assert result.all.count == 2


def test_executemany_counts_each_set(tmp_path: Path) -> None:
    many = statement(0, [40], ["a"], **{semconv.SQL_RUNS: 10})
    again = statement(100, [40], ["a"], **{semconv.SQL_RUNS: 10})
    (only,) = database(trace_of(tmp_path, many, again)).statements
    assert (only.all.count, only.distinct, only.repeated, only.repeated_ns) == (20, 10, 10, 40_000)


def test_connections(tmp_path: Path) -> None:
    def opened(begin: float, number: int, *below: Any, **more: Any) -> Any:
        return plain(semconv.CONNECT_SPAN, begin, begin + 5, **{semconv.SQL_OPEN: [number], **more})

    pooled = plain(semconv.ALCHEMY_CONNECT_SPAN, 50, 60, [opened(52, 3)])
    server = plain(semconv.ALCHEMY_CONNECT_SPAN, 70, 90)
    closed = plain(semconv.CLOSE_SPAN, 95, 97, **{semconv.SQL_OPEN: [1, 0], semconv.COMPOSITE_COUNT: 2})
    commit = plain(semconv.COMMIT_SPAN, 98, 99)
    result = database(
        trace_of(tmp_path, opened(0, 1), pooled, server, closed, commit, step(100, opened(110, 2)))
    )
    connections = result.connections
    assert connections is not None
    assert (connections.opened, connections.closed, connections.opened_in_steps) == (4, 2, 1)
    assert connections.peak_open == 3
    assert (connections.connect_ns, connections.close_ns) == (35_000, 2_000)
    assert (result.transactions.commits, result.transactions.total_ns) == (1, 1_000)


@pytest.mark.parametrize(("parameters", "loops"), [("abcde", 1), ("abcd", 0), ("aaaaa", 0)])
def test_a_loop_is_one_caller_with_many_parameters_in_a_step(
    tmp_path: Path, parameters: str, loops: int
) -> None:
    took = [10 + number for number in range(len(parameters))]
    result = database(trace_of(tmp_path, step(0, statement(10, took, parameters))))
    assert len(result.loops) == loops
    for loop in result.loops:
        assert (loop.steps, loop.executions, loop.saved_ns) == (1, 5, 40_000)


def test_what_no_probe_wrote_is_no_fault(tmp_path: Path) -> None:
    odd = statement(0, **{semconv.SQL_PARAMETERS: "x", semconv.SQL_TOOK_NS: [None], semconv.DB_ROWS: -5})
    bare = plain(semconv.STATEMENT_SPAN, 50, 60)
    result = database(trace_of(tmp_path, odd, bare))
    assert result.all.count == 2
    assert (result.repeated, result.connections) == (None, None)
    assert database(trace_of(tmp_path, ("work", 0, 10))).recorded is False

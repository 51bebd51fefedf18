"""What advice says of statements is held against SQLite and the program itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import pytest
from advice.fakes_of_advice import advice_of, findings, span, step, traced
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.advice import Sureness
from nutrace.analysis.database import database
from nutrace.probes.catalogue.sqlite import PROBES

BOXES = "SELECT x FROM box WHERE frame = ?"
LIGHTS = "SELECT state FROM light WHERE frame = ?"
FRAMES, BOXES_A_FRAME, LIGHTS_A_FRAME = 300, 60, 15


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE box (token INTEGER PRIMARY KEY, frame INTEGER, x REAL)")
        connection.execute("CREATE TABLE light (token INTEGER PRIMARY KEY, frame INTEGER, state TEXT)")
        for table, count in (("box", BOXES_A_FRAME), ("light", LIGHTS_A_FRAME)):
            rows = [(frame, "1") for _ in range(count) for frame in range(FRAMES)]
            connection.executemany(f"INSERT INTO {table} VALUES (NULL, ?, ?)", rows)
        connection.commit()
    return path


def simulate(log: Path, steps: int = 8) -> None:
    """Ask in each step for its boxes once, and for its lights twice."""
    with closing(sqlite3.connect(log)) as connection:
        for frame in range(steps):
            with nutrace.span(semconv.STEP_SPAN, component="simulation"):
                for query in (BOXES, LIGHTS, LIGHTS):
                    connection.execute(query, (frame,)).fetchall()


def work_of(log: Path, query: str) -> int:
    """The instructions of SQLite's virtual machine for one query, whatever else the machine does."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with closing(sqlite3.connect(log)) as connection:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
        connection.set_progress_handler(count, 1)
        connection.execute(query, (7,)).fetchall()
    return counted[0]


def test_missing_indexes_come_first_and_save_what_sqlite_does_not_do_any_more(
    log: Path, recorded: Tracing
) -> None:
    with recorded(*PROBES):
        simulate(log)
    advice = advice_of(recorded.trace)
    # Which of the two saves more may differ on a busy machine.
    boxes, lights = sorted(advice.in_steps[:2], key=lambda each: each.finding.title)
    assert [each.finding.title for each in (boxes, lights)] == [
        "Make an index on box (frame)",
        "Make an index on light (frame)",
    ]
    assert {each.finding.sureness for each in (boxes, lights)} == {Sureness.VERIFIED}
    before = {query: work_of(log, query) for query in (BOXES, LIGHTS)}
    with closing(sqlite3.connect(log)) as connection:
        connection.execute("CREATE INDEX by_frame ON box (frame)")
        connection.execute("CREATE INDEX lights_by_frame ON light (frame)")
        connection.commit()
    for ranked, query in ((boxes, BOXES), (lights, LIGHTS)):
        (statement,) = [each for each in database(recorded.trace).statements if each.text == query]
        foretold = ranked.likely.run_ns / statement.all.total_ns
        assert foretold == pytest.approx(1 - work_of(log, query) / before[query], rel=0.2)
    with recorded(*PROBES):
        simulate(log)
    assert "indexes" not in findings(recorded.trace)


def test_an_index_saves_as_much_as_nutrace_sql_says(log: Path, recorded: Tracing) -> None:
    from nutrace.plans.findings import examine

    with recorded(*PROBES):
        simulate(log)
    said = examine(database(recorded.trace)).indexes
    for ranked, index in zip(advice_of(recorded.trace).in_steps, said):
        assert ranked.likely.run_ns == pytest.approx(index.saved_ns, rel=1e-6)
        assert ranked.likely.step_ns * 8 == pytest.approx(index.saved_in_steps_ns, rel=1e-6)


def test_what_an_index_leaves_is_all_that_a_cache_can_save(log: Path, recorded: Tracing) -> None:
    with recorded(*PROBES):
        simulate(log)
    advice = advice_of(recorded.trace, worth=0)
    (repeats,) = [each for each in (*advice.in_steps, *advice.small) if each.kind == "repeats"]
    assert repeats.alone.run_ns == pytest.approx(0.6 * (database(recorded.trace).repeated_ns or 0))
    assert repeats.likely.run_ns < 0.2 * repeats.alone.run_ns


def test_repeats_are_those_that_the_program_made(log: Path, recorded: Tracing) -> None:
    with recorded(*PROBES):
        simulate(log)
    (finding,) = findings(recorded.trace)["repeats"]
    assert finding.evidence[0] == ("3 statements a step, of which 1.00 have the parameters of an earlier one")
    assert sum(finding.saves.values()) == database(recorded.trace).repeated_ns


def test_a_log_that_is_gone_is_a_note(log: Path, recorded: Tracing) -> None:
    with recorded(*PROBES):
        simulate(log)
    log.unlink()
    advice = advice_of(recorded.trace)
    assert [note for note in advice.notes if "no such file" in note]
    assert "indexes" not in [each.kind for each in advice.in_steps]


SESSION = "nuplan.database.nuplan_db.query_session.execute_one"


def query(begin: float, parameters: Sequence[str], *, function: str = SESSION, digest: str = "s") -> Any:
    """A statement of 10 us for each of `parameters`, with a connection of its own that takes 5 us."""
    spans: List[Tuple[Any, ...]] = []
    for number, each in enumerate(parameters):
        at = begin + 20 * number
        attributes = {
            semconv.DB_SYSTEM: "sqlite",
            semconv.DB_NAMESPACE: "/gone.db",
            semconv.DB_TEXT: f"SELECT {digest} FROM t WHERE token = ?",
            semconv.DB_OPERATION: "SELECT",
            semconv.SQL_STATEMENT: digest,
            semconv.SQL_EXECUTE_NS: 10_000,
            semconv.SQL_FETCH_NS: 0,
            semconv.SQL_PARAMETERS: [each],
            semconv.SQL_TOOK_NS: [10_000],
        }
        own = {"function": function, "component": "database"}
        spans += [
            span(semconv.CONNECT_SPAN, at, at + 4, **own),
            span(semconv.STATEMENT_SPAN, at + 4, at + 14, **own, **attributes),
            span(semconv.CLOSE_SPAN, at + 14, at + 15, **own),
        ]
    return span("scenario.get", begin, begin + 20 * len(parameters), *spans, component="scenario")


def test_a_repeat_is_spared_with_its_connection(tmp_path: Path) -> None:
    trace = traced(tmp_path, step(0, 100, query(0, "aab")), step(200, 300, query(200, "cd")))
    (finding,) = findings(trace)["repeats"]
    assert sum(finding.saves.values()) == pytest.approx(15_000)
    assert "rows:row_cache" in finding.proof[0].short


def test_statements_for_each_frame_are_spared_with_their_connections(tmp_path: Path) -> None:
    trace = traced(tmp_path, step(0, 100, query(0, "ab")), step(200, 300, query(200, "cd")))
    found = findings(trace)
    assert sum(found["frames"][0].saves.values()) == pytest.approx(60_000)
    assert sum(found["connections"][0].saves.values()) == pytest.approx(20_000)
    ranked = advice_of(trace)
    assert [each.kind for each in ranked.in_steps] == ["frames"]  # no connection is left by that


def test_other_peoples_queries_are_not_promised_to_our_speedups(tmp_path: Path) -> None:
    asked = query(0, "aab", function="mine.ask")
    found = findings(traced(tmp_path, step(0, 100, asked)))
    assert "frames" not in found
    proofs = [proof.short for kind in ("repeats", "connections") for proof in found[kind][0].proof]
    assert not [proof for proof in proofs if "bench" in proof]


def test_a_loop_is_divided_among_its_executions(tmp_path: Path) -> None:
    trace = traced(tmp_path, step(0, 200, query(0, "abcdef", function="mine.ask")))
    (finding,) = findings(trace)["loops"]
    (loop,) = database(trace).loops
    assert sum(finding.saves.values()) == pytest.approx(loop.saved_ns) == pytest.approx(50_000)
    assert "ask" in finding.title


def test_indexes_are_advised_in_steps_of_a_part_as_well(log: Path, recorded: Tracing) -> None:
    from nutrace.advice import advise
    from nutrace.advice.facts import Facts
    from nutrace.trace import select

    with recorded(*PROBES):
        simulate(log)
    part = select(recorded.trace, steps="2:4")
    advice = advise(Facts("run.json", recorded.trace, part))
    assert advice.steps == 2
    assert advice.in_steps[0].kind == "indexes"

"""The ledger of nutrace's own cost, against sums that are made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from fakes.otlp import RESOURCE, document, envelope, spans, write
from fakes.priced import PRICES, C, clocked, priced, step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nutrace import prices, semconv
from nutrace.analysis import divide, report
from nutrace.analysis.own_cost import OwnCost, own_cost
from nutrace.analysis.own_rows import EventCost
from nutrace.prices import Price, dump
from nutrace.trace import load, select

US = 1000


def ledger(path: Path, **selection: Any) -> OwnCost:
    part = select(load(path), **selection)
    return own_cost(part, divide(part))


def simulation(*steps: Any) -> Any:
    return ("simulation.run", 0, 30_000, list(steps), {C: "simulation", "nuplan.scenario.token": "aa"})


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    """Ten steps, of which the eighth waited 50 us and returned 110 rows, and the clocked work around them."""
    own = clocked(start=80_000_000, writing=20_000_000, exit=10_000_000, error=3_000, step_ended=7_000_000)
    steps = [step(7, 50 * US, 110) if index == 7 else step(index) for index in range(10)]
    resource = priced(spans__recorded=270, **{key[len("nutrace.") :]: item for key, item in own.items()})
    return write(tmp_path / "run.json", document(simulation(*steps), resource=resource))


def test_every_event_has_its_price(run_file: Path) -> None:
    cost = ledger(run_file)
    assert [(event.kind, event.count, event.in_steps, round(event.total_ns)) for event in cost.events] == [
        ("merged", 200, 200, 200 * 550),
        ("resumption", 200, 200, 200 * 320),
        ("statement", 10, 10, 10 * 5000),
        ("row", 200, 200, 200 * 200),
        ("call", 31, 30, 31 * 1100),
    ]
    assert [(event.outside_ns, event.inside_ns, event.spread) for event in cost.events[:2]] == [
        (500, 50, 1.1),
        (300, 20, 1.5),
    ]


def test_what_was_clocked_is_added_but_for_waiting_for_the_writing(run_file: Path) -> None:
    cost = ledger(run_file)
    assert [(entry.what, entry.times, entry.spent_ns, entry.added) for entry in cost.clocked] == [
        ("start", 2, 80_000_000, True),
        ("writing", 2, 20_000_000, True),
        ("exit", 2, 10_000_000, True),
        ("error", 2, 3_000, True),
        ("step_ended", 2, 7_000_000, False),
    ]
    events_ns = 110_000 + 64_000 + 50_000 + 40_000 + 34_100
    assert cost.events_ns == pytest.approx(events_ns)
    assert cost.total_ns == pytest.approx(events_ns + 110_003_000)
    assert cost.start_and_end_ns == 90_000_000
    assert cost.share == pytest.approx((events_ns + 20_003_000) / 30_000_000)
    assert cost.spans == 270
    assert cost.unfinished == 0


def test_components_are_those_of_the_spans_recorded(run_file: Path) -> None:
    costs = {each.component: each for each in ledger(run_file).components}
    assert {name: (each.events, round(each.total_ns)) for name, each in costs.items()} == {
        "map": (200, 110_000),
        "database": (10 + 200 + 10 + 200, 11_000 + 64_000 + 50_000 + 40_000),
        "planner": (10, 11_000),
        "simulation": (11, 12_100),
    }
    assert costs["simulation"].in_steps_ns == pytest.approx(11_000)


def test_kinds_of_span(run_file: Path) -> None:
    assert [
        (each.name, each.component, each.events, round(each.total_ns), round(each.in_steps_ns))
        for each in ledger(run_file).kinds
    ] == [
        ("nearest", "map", 200, 110_000, 110_000),
        ("sqlite3.statement", "database", 210, 90_000, 90_000),
        ("query", "database", 210, 75_000, 75_000),
        ("plan", "planner", 10, 11_000, 11_000),
        ("simulation.step", "simulation", 10, 11_000, 11_000),
        ("simulation.run", "simulation", 1, 1_100, 0),
    ]


def test_steps(run_file: Path) -> None:
    steps = ledger(run_file).steps
    assert steps is not None
    usual, worst = 23_500, 23_500 + 100 * 520 + 50_000
    assert (steps.count, steps.p95_ns, steps.max_ns) == (10, worst, worst)
    assert steps.mean_ns == pytest.approx((9 * usual + worst) / 10)
    assert steps.share == pytest.approx((9 * usual + worst) / 10_000_000, rel=0.02)
    assert steps.worst == (1, 7)


def test_a_part_has_its_own_events_and_what_was_noted_on_its_spans(run_file: Path) -> None:
    cost = ledger(run_file, steps="7:9")
    assert {event.kind: event.count for event in cost.events} == {
        "call": 6,
        "merged": 40,
        "resumption": 120,
        "statement": 2,
        "row": 120,
    }
    assert [(entry.what, entry.spent_ns, entry.added) for entry in cost.clocked] == [
        ("in_spans", 50_000, True)
    ]
    assert cost.total_ns == pytest.approx(2 * 24_500 + 100 * 520 + 50_000)
    assert cost.share is None
    assert ledger(run_file, steps="0").clocked == ()


def test_what_spans_inside_each_other_have_noted_counts_once(tmp_path: Path) -> None:
    own = semconv.OWN_NS
    beside = ("thread", 30, 40, {own: 3_000, semconv.THREAD_ID: 2})
    inner: Any = ("inner", 10, 50, [("leaf", 20, 30, {own: 7_000}), beside])
    outer = ("simulation.step", 0, 90, [inner, ("other", 60, 70, {own: 2_000})], {own: 9_000})
    path = write(tmp_path / "run.json", document(("simulation.run", 0, 100, [outer]), resource=priced()))
    (entry,) = ledger(path, steps="0").clocked
    assert entry.spent_ns == 9_000 + 3_000


@pytest.mark.parametrize("rows", [{}, {semconv.DB_ROWS: 3}])
def test_what_was_clocked_of_a_continued_statement_is_the_statements(
    tmp_path: Path, rows: Dict[str, int]
) -> None:
    """In the ledger as in the report; the span that continues it counts no event of its own."""
    begun = ("sqlite3.statement", 10, 20, {semconv.CLOCKED_NS: 7_000})
    rest = {semconv.CONTINUES: "00000000000000aa", semconv.CLOCKED_NS: 5_000, **rows}
    elsewhere = ("elsewhere", 50, 90, [("sqlite3.statement", 60, 70, rest)])
    path = write(tmp_path / "run.json", document(("run", 0, 100, [begun, elsewhere]), resource=priced()))
    statement = {event.kind: event for event in ledger(path).events}[prices.STATEMENT]
    (taken,) = (each for each in load(path).correction.kinds if each.kind == prices.STATEMENT)
    assert (statement.count, statement.total_ns) == (1, 5_000 + 12_000)
    assert (taken.events, taken.outside_ns, taken.clocked_ns) == (1, 4_000 + 12_000, 12_000)


def test_each_process_has_its_prices(tmp_path: Path) -> None:
    def process(pid: int, of: Optional[Dict[str, Price]]) -> Dict[str, Any]:
        stated = {} if of is None else {semconv.OWN_PRICES: dump(of)}
        content = spans(("f", 0, 100), ("g", 200, 300), first_id=pid * 10)
        return envelope(content, {**RESOURCE, "process.pid": pid, **stated})

    dear = {prices.CALL: Price(3000.0, 300.0, 1.7)}
    files = process(1, PRICES), process(2, dear), process(3, None), process(4, {prices.ROW: PRICES["row"]})
    cost = ledger(write(tmp_path / "run.json", *files))
    assert cost.events == (EventCost("call", 6, 0, 2000.0, 200.0, 1.7, 2 * 1100.0 + 2 * 3300.0),)
    assert cost.unpriced == 2
    assert cost.unfinished == 3


def test_calls_of_processes_that_came_to_no_end_are_those_in_the_file(tmp_path: Path) -> None:
    """A pool terminates its workers."""
    many = {"nutrace.composite.count": 20, semconv.BUSY_NS: 50_000}
    worker = spans(("leaf", 0, 100, many), ("leaf", 200, 300), first_id=10)
    files = (
        envelope(spans(("f", 0, 100)), priced(spans__recorded=7)),
        envelope(worker, priced(run__id="other")),
    )
    assert ledger(write(tmp_path / "run.json", *files)).spans == 7 + 21


def test_errors_have_a_price(tmp_path: Path) -> None:
    made = spans(("f", 0, 100), ("g", 200, 300))
    made[1]["status"] = {"code": 2, "message": "ValueError"}
    cost = ledger(write(tmp_path / "run.json", envelope(made, priced())))
    assert {event.kind: event.count for event in cost.events} == {"call": 2, "error": 1}
    assert cost.total_ns == pytest.approx(2 * 1100 + 2000)


def test_rows_that_came_at_once_cost_nothing_each(tmp_path: Path) -> None:
    def statement(begin: int, **numbers: Any) -> Any:
        given = {"rows": semconv.DB_ROWS, "at_once": semconv.SQL_ROWS_AT_ONCE}
        told = {given[name]: item for name, item in numbers.items()}
        return ("sqlite3.statement", begin, begin + 10, told)

    told = {"rows": 12}, {"rows": 50, "at_once": 47}, {"rows": 9, "at_once": 9}, {"rows": 2, "at_once": 2**60}
    tree = [statement(100 * at, **numbers) for at, numbers in enumerate(told)]
    cost = ledger(write(tmp_path / "run.json", document(*tree, resource=priced())))
    assert {event.kind: event.count for event in cost.events} == {"statement": 4, "row": 12 + 3 + 2}


def test_spans_of_the_program_have_a_price_of_their_own(tmp_path: Path) -> None:
    made = spans(
        ("theirs", 0, 100), ("sqlite3.statement", 200, 300, {semconv.YIELDED: 3, semconv.DB_ROWS: 9})
    )
    stated = {**priced(), semconv.OWN_PRICES: dump({**PRICES, prices.API: Price(700.0, 70.0)})}
    cost = ledger(write(tmp_path / "run.json", envelope(made, stated, "theirs")))
    assert {event.kind: event.count for event in cost.events} == {"api": 2}
    assert cost.total_ns == pytest.approx(2 * 770)


def test_what_was_taken_out_is_where_reading_took_it(run_file: Path) -> None:
    for raw in (False, True):
        trace = load(run_file, raw=raw)
        cost = own_cost(trace, divide(trace))
        assert cost.total_ns == pytest.approx(ledger(run_file).total_ns)
        assert cost.steps == ledger(run_file).steps  # its share is of the recorded time
        taken = {each.component: each.taken_ns for each in cost.components}
        if raw:
            assert set(taken.values()) == {None}
        else:
            assert sum(taken.values()) == sum(trace.own_ns) == trace.correction.taken_ns  # type: ignore[arg-type]
            assert taken["planner"] == 10 * 20 * 500  # of the merged calls in it


def test_an_older_file_has_a_sum_and_a_foreign_one_nothing(tmp_path: Path) -> None:
    older = {**RESOURCE, semconv.OVERHEAD_NS: 5_000_000, semconv.SPANS_RECORDED: 900}
    cost = ledger(write(tmp_path / "older.json", document(("f", 0, 100_000), resource=older)))
    assert cost == OwnCost(priced=False, spans=900, total_ns=5_000_000, share=0.05)
    cost = ledger(write(tmp_path / "foreign.json", document(("GET /", 0, 100), resource={})))
    assert cost == OwnCost(priced=False, spans=1, total_ns=None, share=None)


def test_the_report_has_the_sum_of_the_ledger(run_file: Path) -> None:
    trace, cost = load(run_file), ledger(run_file)
    for part in (None, select(trace, steps="3")):
        overhead = report(trace, part).overhead
        assert overhead.estimated_ns == round(cost.total_ns or 0)
        assert (overhead.share, overhead.spans) == (cost.share, cost.spans)


_KINDS = st.sampled_from(["f", "g", "sqlite3.statement", "gc.collect", "simulation.step"])
_TREES: st.SearchStrategy[Any] = st.recursive(
    st.builds(lambda name: (name, []), _KINDS),
    lambda below: st.tuples(_KINDS, st.lists(below, max_size=4)),
    max_leaves=20,
)


def _placed(tree: List[Any], begin: int, end: int) -> List[Any]:
    """Spans one after the other in an interval, each with those below it."""
    made = []
    for at, (name, below) in enumerate(tree):
        first, width = begin + at * (end - begin) // len(tree), (end - begin) // len(tree)
        told = {C: "planner" if name == "f" else "database", semconv.DB_ROWS: 3}
        if name == "g":
            told[semconv.YIELDED] = 7
        made.append((name, first, first + width, _placed(below, first, first + width), told))
    return made


@given(tree=st.lists(_TREES, min_size=1, max_size=4))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_and_components_and_steps_agree(tmp_path: Path, tree: List[Any]) -> None:
    path = write(tmp_path / "run.json", document(*_placed(tree, 0, 2**40), resource=priced()))
    cost = ledger(path)
    assert sum(event.total_ns for event in cost.events) == pytest.approx(cost.events_ns)
    assert sum(each.total_ns for each in cost.components) == pytest.approx(cost.events_ns)
    assert sum(each.total_ns for each in cost.kinds) == pytest.approx(cost.events_ns)
    count = sum(event.count for event in cost.events)
    assert count == sum(each.events for each in cost.components) == sum(each.events for each in cost.kinds)
    if cost.steps is not None:
        outside = 1000 * cost.steps.count  # of the steps themselves
        in_steps = sum(each.in_steps_ns for each in cost.components)
        assert cost.steps.mean_ns * cost.steps.count == pytest.approx(
            in_steps - outside, abs=cost.steps.count
        )

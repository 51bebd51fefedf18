"""nutrace's own time is taken out of the spans in which it was spent."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import EPOCH_NS, RESOURCE, attributes, document, envelope, priced, spans, write
from hypothesis import given, settings
from hypothesis import strategies as st

from nutrace.prices import DEGREES, KINDS, Price, Prices, dump
from nutrace.trace import Trace, load, own_share, select
from nutrace.trace.correction import CORRECTED, RAW, UNCORRECTED
from nutrace.trace.layout import layout

OWN = "nutrace.own_ns"
CLOCKED = "nutrace.own.clocked_ns"
BUSY = "nutrace.busy_ns"
CALLS = {"call": Price(1000, 0, 1.5), "merged": Price(10, 0, 1.5)}


def trace_of(path: Path, *tree: Any, raw: bool = False, **outside_ns: float) -> Trace:
    return load(write(path / "run.json", document(*tree, resource=priced(**outside_ns))), raw=raw)


def test_a_call_is_taken_out_of_the_span_above(tmp_path: Path) -> None:
    tree = ("run", 0, 100, [("step", 10, 60, [("a", 20, 30), ("b", 40, 50)])])
    trace = trace_of(tmp_path, tree, call=1000)
    assert list(trace.own_ns) == [1000, 2000, 0, 0]
    assert list(trace.self_ns) == [49_000, 28_000, 10_000, 10_000]
    assert list(trace.busy_ns) == [97_000, 48_000, 10_000, 10_000]
    assert [start - EPOCH_NS for start in trace.start_ns] == [0, 10_000, 20_000, 40_000]
    assert [end - EPOCH_NS for end in trace.end_ns] == [100_000, 60_000, 30_000, 50_000]
    found = trace.correction
    assert (found.state, found.calibrated_ns, found.measured_ns, found.clipped_ns) == (CORRECTED, 3000, 0, 0)
    assert [(each.kind, each.events, each.price_ns) for each in found.kinds] == [("call", 3, 1000)]


def test_raw_times_are_those_that_were_recorded(tmp_path: Path) -> None:
    inner = ("wait", 20, 30, {BUSY: 4000, OWN: 6000})
    trace = trace_of(tmp_path, ("run", 0, 100, [inner], {BUSY: 90_000, OWN: 10_000}), raw=True, call=1000)
    assert list(trace.busy_ns) == [100_000, 10_000]
    assert list(trace.self_ns) == [90_000, 10_000]
    assert list(trace.own_ns) == [0, 0]
    assert (trace.correction.state, trace.correction.taken_ns) == (RAW, 0)


def test_time_that_was_clocked_counts_where_it_was_spent(tmp_path: Path) -> None:
    """What a span has of it includes that of the spans in it."""
    inner = ("wait", 20, 30, {BUSY: 4000, OWN: 6000})
    trace = trace_of(tmp_path, ("run", 0, 100, [inner], {BUSY: 90_000, OWN: 10_000}))
    assert list(trace.own_ns) == [4000, 6000]
    assert list(trace.busy_ns) == [90_000, 4000]
    assert list(trace.self_ns) == [86_000, 4000]
    assert (trace.correction.measured_ns, trace.correction.calibrated_ns) == (10_000, 0)
    assert trace.correction.state == CORRECTED


def test_a_span_that_did_not_end_has_no_time_of_the_spans_in_it(tmp_path: Path) -> None:
    inner = ("wait", 20, 30, {BUSY: 4000, OWN: 6000})
    trace = trace_of(tmp_path, ("run", 0, 100, [inner], {"nutrace.unfinished": True}))
    assert list(trace.own_ns) == [0, 6000]
    assert list(trace.busy_ns) == [94_000, 4000]
    assert list(trace.self_ns) == [90_000, 4000]


def test_each_kind_of_event_has_its_price(tmp_path: Path) -> None:
    below = [
        ("f", 1, 2),
        ("g", 3, 13, {BUSY: 5000, "nutrace.composite.count": 5}),
        ("rows", 20, 40, {BUSY: 3000, "nutrace.generator.yielded": 7}),
        ("sqlite3.statement", 50, 60, {"db.response.returned_rows": 11}),
        ("sqlite3.connect", 70, 80),
        ("copy.deepcopy", 85, 90),
        ("gc.collect", 95, 99),
        ("failing", 110, 115),
    ]
    made = spans(("run", 0, 1000, below))
    made[-1]["status"] = {"code": 2}
    prices = dict.fromkeys(KINDS, 0.0)
    prices.update(call=1, merged=10, resumption=100, statement=1e3, row=1e4, connection=2e3, copy=3e3)
    prices.update(collection=5e3, error=7e4, api=9e4)
    resource = priced(**prices)
    trace = load(write(tmp_path / "run.json", envelope(made, resource)))
    asked = 3 * 1 + 5 * 10 + 7 * 100 + 1e3 + 11 * 1e4 + 2e3 + 3e3 + 5e3 + 7e4
    assert trace.own_ns[0] == asked
    assert {each.kind: each.events for each in trace.correction.kinds} == {
        "call": 3,
        "merged": 5,
        "resumption": 7,
        "statement": 1,
        "row": 11,
        "connection": 1,
        "copy": 1,
        "collection": 1,
        "error": 1,
    }
    theirs = load(
        write(tmp_path / "api.json", envelope(spans(("a", 0, 1000, [("b", 1, 2)])), resource, "mine"))
    )
    assert list(theirs.own_ns) == [90_000, 0]
    assert theirs.by_api(1)


def test_what_was_clocked_around_a_span_is_taken_out_of_the_span_above(tmp_path: Path) -> None:
    """With the price of the rest; a composite has the sum; spans of the program's may say what they want."""
    below = [
        ("sqlite3.connect", 10, 20, {CLOCKED: 7000, BUSY: 5000, "nutrace.composite.count": 2}),
        ("sqlite3.statement", 30, 40, {CLOCKED: 3000}),
        ("thread", 50, 60, [("copy.deepcopy", 50, 60, {CLOCKED: 4000})], {"thread.id": 2}),
        ("parent", 70, 80, [("copy.deepcopy", 71, 79, {CLOCKED: 5000})]),
    ]
    tree = ("run", 0, 100, below)
    trace = trace_of(tmp_path, tree, connection=1000, statement=2000, copy=1000)
    own = dict(zip(trace.name, trace.own_ns))
    assert own["run"] == 7000 + 2 * 1000 + 3000 + 2000
    assert own["parent"] == 2000  # all that it has
    found = trace.correction
    assert {each.kind: (each.events, each.outside_ns, each.clocked_ns) for each in found.kinds} == {
        "connection": (2, 9000, 7000),
        "copy": (1, 6000, 5000),
        "statement": (1, 5000, 3000),
    }
    assert (found.calibrated_ns, found.clipped_ns, found.measured_ns) == (16_000, 4000, 0)
    assert trace.busy_ns[0] == 100_000 - 16_000
    content = envelope(spans(tree), priced(connection=1000), "mine")
    theirs = load(write(tmp_path / "theirs.json", content))
    assert not any(theirs.own_ns)


def test_calls_cost_more_where_the_program_ran_for_long(tmp_path: Path) -> None:
    """What counts is the time that no span below has: of a parent, and between merged calls."""
    below = [
        ("warm", 0, 10),
        ("cold", 100, 200),
        ("parent", 1000, 2000, [("child", 1000, 1990)]),
        ("close", 3000, 4000, {BUSY: 10_000, "nutrace.composite.count": 100}),
        ("apart", 5000, 9000, {BUSY: 10_000, "nutrace.composite.count": 10}),
    ]
    tree = ("run", 0, 10_000, below)
    told = {**RESOURCE, "nutrace.own.prices": dump(Prices(CALLS, (2, 3, 5, 7)))}
    trace = load(write(tmp_path / "run.json", document(tree, resource=told)))
    assert trace.own_ns[0] == 1000 * (1 + 2 + 1) + 10 * 100 + 3 * 10 * 10
    assert dict(zip(trace.name, trace.own_ns))["parent"] == 1000 * 5
    assert (trace.correction.cold_ns, trace.correction.clipped_ns) == (1000 + 4000 + 200, 0)
    told["nutrace.own.prices"] = dump(CALLS)
    older = load(write(tmp_path / "older.json", document(tree, resource=told)))
    assert older.own_ns[0] == 1000 * 3 + 10 * 110
    assert older.correction.cold_ns == 0


def test_only_what_was_taken_out_is_said_to_be_for_cold_caches(tmp_path: Path) -> None:
    """The first parent has 200 us of its own, half of what its child costs it; the second has enough."""
    tree = (
        *("run", 0, 10_000),
        [
            ("short", 0, 1000, [("child", 100, 900, [("leaf", 110, 115)])]),
            ("long", 2000, 9000, [("child", 2100, 2900, [("leaf", 2110, 2115)])]),
        ],
    )
    told = {**RESOURCE, "nutrace.own.prices": dump(Prices({"call": Price(100_000, 0, 1)}, (2, 2, 4, 4)))}
    trace = load(write(tmp_path / "run.json", document(tree, resource=told)))
    by_name = dict(zip(trace.name, trace.own_ns))
    assert (by_name["short"], by_name["long"]) == (200_000, 400_000)
    asked = {each.kind: each for each in trace.correction.kinds}["call"]
    assert trace.correction.clipped_ns == 200_000
    assert trace.correction.cold_ns == asked.cold_ns - 0.75 * 200_000


def test_no_self_time_falls_below_zero(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 100, [("step", 10, 60, [("a", 12, 58)])]), call=5000)
    assert list(trace.self_ns) == [45_000, 0, 46_000]
    assert list(trace.own_ns) == [5000, 4000, 0]
    assert (trace.correction.calibrated_ns, trace.correction.clipped_ns) == (9000, 1000)


def test_what_ran_on_another_thread_costs_its_parent_nothing(tmp_path: Path) -> None:
    beside = ("other", 10, 60, [("in it", 20, 30, {"thread.id": 2})], {"thread.id": 2})
    trace = trace_of(tmp_path, ("run", 0, 100, [beside, ("own", 70, 80)]), call=1000)
    assert dict(zip(trace.name, trace.own_ns)) == {"run": 1000, "other": 1000, "in it": 0, "own": 0}
    assert dict(zip(trace.name, trace.busy_ns)) == {
        "run": 99_000,
        "other": 49_000,
        "in it": 10_000,
        "own": 10_000,
    }


def test_overlapping_tasks_pay_for_their_own_spans(tmp_path: Path) -> None:
    tasks = [("task", 10, 60, [("in a", 20, 30)]), ("task", 40, 90, [("in b", 50, 55)])]
    trace = trace_of(tmp_path, ("run", 0, 100, tasks), call=1000)
    assert sorted(key.lane for key in trace.threads) == [0, 1]
    assert list(trace.own_ns) == [1000, 1000, 0, 1000, 0]


def test_a_span_that_waited_still_overlaps_its_siblings(tmp_path: Path) -> None:
    """It is no generator, though its cost is less than its duration."""
    waited = ("b", 40, 90, {BUSY: 30_000, OWN: 20_000})
    trace = trace_of(tmp_path, ("run", 0, 100, [("a", 10, 60), waited]))
    assert trace.diagnostics.overlapping == 1
    assert len(trace.threads) == 2


def test_each_process_has_its_own_prices(tmp_path: Path) -> None:
    def of(pid: int, first_id: int, **resource: Any) -> Dict[str, Any]:
        told = {**RESOURCE, "process.pid": pid, **resource}
        return envelope(spans(("run", 0, 100, [("a", 10, 20)]), first_id=first_id), told)

    prices = [dump({"call": Price(ns, 0, spread)}) for ns, spread in ((1000, 1.5), (3000, 2.0))]
    trace = load(
        write(
            tmp_path / "run.jsonl",
            of(1, 1, **{"nutrace.own.prices": prices[0]}),
            of(2, 11, **{"nutrace.own.prices": prices[1]}),
            of(3, 21),
        )
    )
    assert sorted(trace.own_ns) == [0, 0, 0, 0, 1000, 3000]
    (calls,) = trace.correction.kinds
    assert (calls.events, calls.price_ns, calls.uncertain_ns) == (2, 2000, 500 + 3000)
    assert (trace.correction.priced_processes, trace.correction.processes) == (2, 3)


def test_an_error_has_the_price_of_its_process(tmp_path: Path) -> None:
    lines = []
    for pid, price in (1, 1000), (2, 3000):
        made = spans(("run", 0, 100, [("failing", 10, 20)]), first_id=10 * pid)
        made[1]["status"] = {"code": 2}
        lines.append(envelope(made, {**priced(error=price), "process.pid": pid}))
    assert sorted(load(write(tmp_path / "run.jsonl", *lines)).own_ns) == [0, 0, 1000, 3000]


def test_shipped_prices_are_as_unsure_as_the_measured_ones(tmp_path: Path) -> None:
    prices = dump({"call": Price(1000, 0, 1.5), "connection": Price(2000, 0)})
    tree = ("run", 0, 100, [("a", 10, 20), ("sqlite3.connect", 30, 40)])
    trace = load(
        write(tmp_path / "run.json", document(tree, resource={**RESOURCE, "nutrace.own.prices": prices}))
    )
    assert {each.kind: each.uncertain_ns for each in trace.correction.kinds} == {
        "call": 500,
        "connection": 1000,
    }
    assert {each.kind: each.by_ratio for each in trace.correction.kinds} == {
        "call": False,
        "connection": True,
    }


def test_files_without_prices_stay_as_they_are(tmp_path: Path) -> None:
    file = write(tmp_path / "run.json", document(("run", 0, 100, [("a", 10, 20)])))
    for raw, state in ((False, UNCORRECTED), (True, RAW)):
        trace = load(file, raw=raw)
        assert list(trace.self_ns) == [90_000, 10_000]
        assert list(trace.own_ns) == [0, 0]
        assert trace.correction.state == state


@pytest.mark.parametrize(
    "prices",
    [
        *(7, True, "", "[", "[]", '{"call": 5}', '{"call": [1e400, 0, 1]}', '{"call": [-1, 0, 1]}'),
        *('{"call": [1e300, 0, 1]}', '{"call": ["1000", 0, 1]}', '{"work": [1000, 0, 1]}', "[" * 100_000),
    ],
    ids=lambda prices: repr(prices)[:30],
)
def test_hostile_prices_take_nothing(prices: Any, tmp_path: Path) -> None:
    told = {**RESOURCE, "nutrace.own.prices": prices}
    trace = load(write(tmp_path / "run.json", document(("run", 0, 100, [("a", 10, 20)]), resource=told)))
    assert list(trace.self_ns) == [90_000, 10_000]
    assert trace.correction.state == UNCORRECTED


def test_the_largest_prices_and_counts_leave_zero(tmp_path: Path) -> None:
    many = {BUSY: 1000, "nutrace.composite.count": 2**53, "db.response.returned_rows": 2**53}
    trace = trace_of(tmp_path, ("run", 0, 100, [("a", 10, 20, many)]), merged=1e9, row=1e9)
    assert list(trace.self_ns) == [0, 1000]
    assert trace.correction.clipped_ns > 1e24
    json.dumps(trace.correction.clipped_ns)


def test_more_is_clocked_than_a_span_lasted(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 100, [("a", 10, 20, {OWN: 2**53})], {OWN: 5000, BUSY: 2**60}))
    assert list(trace.self_ns) == [90_000, 0]
    assert list(trace.own_ns) == [0, 10_000]


def test_spans_of_any_number_of_sorts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of spans that all differ a few are kept at a time, and all are counted."""
    most: List[int] = []

    class Table(own_share._Table):
        def __missing__(self, key: Any) -> int:
            entry = super().__missing__(key)
            most.append(max(len(self), len(self.times), len(self.outside_ns), len(self._events)))
            return entry

    monkeypatch.setattr(own_share, "_MOST_KNOWN", 3)
    monkeypatch.setattr(own_share, "_Table", Table)
    calls = [(f"f{number}", number, number + 1) for number in range(0, 40, 2)]
    made = spans(("run", 0, 1000, calls))
    made[-1]["status"] = {"code": 2}
    trace = load(write(tmp_path / "run.json", envelope(made, priced(call=1000, error=3000))))
    assert trace.own_ns[0] == 20 * 1000 + 3000
    assert {each.kind: each.events for each in trace.correction.kinds} == {"call": 20, "error": 1}
    assert max(most) <= 3


def test_a_selected_part_has_its_own_share(tmp_path: Path) -> None:
    steps = [
        ("simulation.step", at, at + 40, [("a", at + 1, at + 2)] * (at // 50 + 1), {"nutrace.step.index": at})
        for at in (0, 50)
    ]
    trace = trace_of(tmp_path, ("run", 0, 100, steps), call=1000)
    part = select(trace, steps="50")
    assert list(part.own_ns) == [2000, 0, 0]
    assert list(part.own_inside_ns) == [2000, 0, 0]
    assert list(trace.own_inside_ns) == [5000, 1000, 0, 2000, 0, 0]
    assert part.correction == trace.correction


def test_what_runs_from_start_to_end_does_so_corrected(tmp_path: Path) -> None:
    tree = ("run", 0, 100, [("a", 10, 60, [("b", 20, 30)]), ("rows", 70, 80, {BUSY: 5000})])
    for raw in (False, True):
        trace = trace_of(tmp_path, tree, raw=raw, call=1000)
        assert {name: trace.runs_through(span) for span, name in enumerate(trace.name)} == {
            "run": True,
            "a": True,
            "b": True,
            "rows": False,
        }


def test_a_collection_in_merged_calls_leaves_their_times(tmp_path: Path) -> None:
    """Of three calls the one between the shortest and the longest is known from their sum."""
    noted = {"nutrace.composite.min_ns": 1000, "nutrace.composite.max_ns": 2000}
    told = {BUSY: 4500, "nutrace.composite.count": 3, **noted}
    for raw in (False, True):
        leaf = ("leaf", 10, 20, [("gc.collect", 11, 11.2)], told)
        trace = trace_of(tmp_path, ("run", 0, 100, [leaf]), raw=raw, collection=800)
        assert trace.own_ns[1] == (0 if raw else 800)
        assert trace.call_times(1) == [(1000, 1), (1500, 1), (2000, 1)]


NAMES = ("f", "g", "sqlite3.statement", "sqlite3.connect", "copy.deepcopy", "gc.collect")


@st.composite
def recorded(draw: st.DrawFn) -> List[Dict[str, Any]]:
    """Spans on two threads, some in their parents and some not, with anything that costs."""
    made: List[Dict[str, Any]] = []
    for number in range(1, draw(st.integers(1, 16)) + 1):
        start = draw(st.integers(0, 30)) * 500
        end = start + draw(st.integers(0, 40)) * 500
        above = draw(st.integers(0, number - 1))
        more: Dict[str, Any] = {"thread.id": draw(st.sampled_from((1, 1, 1, 2)))}
        if draw(st.integers(0, 2)) == 0:
            more[BUSY] = draw(st.integers(0, end - start))
            more[OWN] = draw(st.integers(0, end - start - more[BUSY]))
        for key in ("nutrace.composite.count", "nutrace.generator.yielded", "db.response.returned_rows"):
            if draw(st.integers(0, 4)) == 0:
                more[key] = draw(st.integers(1, 9))
        span: Dict[str, Any] = {
            "traceId": "0af7651916cd43dd8448eb211c80319c",
            "spanId": f"{number:016x}",
            "name": draw(st.sampled_from(NAMES)),
            "startTimeUnixNano": str(EPOCH_NS + start),
            "endTimeUnixNano": str(EPOCH_NS + end),
            "attributes": attributes(more),
        }
        if above:
            span["parentSpanId"] = f"{above:016x}"
        if draw(st.integers(0, 5)) == 0:
            span["status"] = {"code": 2}
        made.append(span)
    return made


@settings(max_examples=200, deadline=None)
@given(
    recorded(),
    st.dictionaries(st.sampled_from(KINDS), st.floats(0, 3000)),
    st.lists(st.floats(1, 30), max_size=DEGREES - 1),
    st.sampled_from((1, 100)),
)
def test_times_add_up_to_the_nanosecond(
    made: List[Dict[str, Any]], outside_ns: Dict[str, float], cold: List[float], scale: int
) -> None:
    for each in made:
        for key in ("startTimeUnixNano", "endTimeUnixNano"):
            each[key] = str(EPOCH_NS + (int(each[key]) - EPOCH_NS) * scale)
    told = Prices({kind: Price(ns, 0, 1.5) for kind, ns in outside_ns.items()}, cold)
    with tempfile.TemporaryDirectory() as directory:
        file = write(
            Path(directory) / "run.json", envelope(made, {**RESOURCE, "nutrace.own.prices": dump(told)})
        )
        trace, raw = load(file), load(file, raw=True)
    assert (list(trace.parent), list(trace.thread)) == (list(raw.parent), list(raw.thread))
    assert (list(trace.start_ns), list(trace.end_ns)) == (list(raw.start_ns), list(raw.end_ns))
    assert trace.diagnostics == raw.diagnostics
    assert min(trace.self_ns) >= 0
    assert min(trace.own_ns) >= 0
    # Nothing is lost, and nothing is taken twice.
    assert [a + b for a, b in zip(trace.self_ns, trace.own_ns)] == list(raw.self_ns)
    assert [a + b for a, b in zip(trace.busy_ns, trace.own_inside_ns)] == list(raw.busy_ns)
    for each in (trace, raw):
        for span in range(len(each)):
            nested = (child for child in each.children(span) if each.nested(child))
            assert each.busy_ns[span] - sum(each.busy_ns[child] for child in nested) == each.self_ns[span]
    assert sum(trace.own_ns) == trace.correction.taken_ns
    asked = sum(each.outside_ns for each in trace.correction.kinds)
    given_up = trace.correction.calibrated_ns + trace.correction.clipped_ns
    assert asked - len(trace) <= given_up <= asked + 1e-3
    cold_ns = sum(each.cold_ns for each in trace.correction.kinds)
    assert cold_ns - trace.correction.clipped_ns - 1e-3 <= trace.correction.cold_ns <= cold_ns + 1e-3
    assert trace.correction.cold_ns <= trace.correction.calibrated_ns + len(trace)
    left, right = layout(trace)
    assert [b - a for a, b in zip(left, right)] == list(trace.busy_ns)

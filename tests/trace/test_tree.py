"""The rules by which a tree is made of rows, one by one."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import EPOCH_NS, attributes, document, envelope, spans, trace_of, write

from nutrace.trace import Trace, load

BUSY = "nutrace.busy_ns"


def _us(trace: Trace, column: str) -> List[float]:
    values = getattr(trace, column)
    return [(value - EPOCH_NS if column in ("start_ns", "end_ns") else value) / 1000 for value in values]


def test_preorder_columns_of_a_small_tree(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, ("run", 0, 100, [("b", 50, 70, [("c", 55, 60)]), ("a", 10, 30)]), ("next", 200, 250)
    )
    assert trace.name == ["run", "a", "b", "c", "next"]
    assert list(trace.parent) == [-1, 0, 0, 2, -1]
    assert list(trace.depth) == [0, 1, 1, 2, 0]
    assert list(trace.subtree_end) == [4, 2, 4, 4, 5]
    assert _us(trace, "busy_ns") == [100, 20, 20, 5, 50]
    assert _us(trace, "self_ns") == [60, 20, 15, 5, 50]
    assert trace.roots == [0, 4]
    assert list(trace.children(0)) == [1, 2]


def test_a_span_view_shows_the_span_as_it_was_written(tmp_path: Path) -> None:
    made = spans(
        ("run", 0, 100), ("plan", 10, 20, {"nutrace.component": "planner", "code.function.name": "A.f"})
    )
    made[1].update(
        parentSpanId=made[0]["spanId"],
        kind=3,
        status={"code": 2, "message": "boom"},
        events=[
            {"name": "exception", "timeUnixNano": "5", "attributes": attributes({"exception.type": "E"})}
        ],
    )
    made[1]["attributes"] += attributes(
        {"code.file.path": "a.py", "code.line.number": 7, "list": [1, "x", True]}
    )
    span = load(write(tmp_path / "run.json", envelope(made)))[1]
    assert (span.name, span.component, span.total_ns, span.depth) == ("plan", "planner", 10_000, 1)
    assert (span.function, span.file, span.line) == ("A.f", "a.py", 7)
    assert span.parent is not None
    assert span.parent.name == "run"
    assert [child.name for child in span.parent.children] == ["plan"]
    assert (span.status.code, span.status.message, span.trace.kind(1)) == (2, "boom", 3)
    assert span.events[0].name == "exception"
    assert span.events[0].attributes == {"exception.type": "E"}
    assert span.attributes["list"] == [1, "x", True]
    assert span.trace.span_id(1) == made[1]["spanId"]
    assert span.trace.trace_id(1) == made[1]["traceId"]


def test_an_unknown_component_is_other(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("a", 0, 1, {"nutrace.component": "perception"}), ("b", 1, 2))
    assert trace.component == ["other", "other"]


def test_a_finished_span_replaces_its_announcement(tmp_path: Path) -> None:
    done = spans(("run", 0, 100))
    announced = spans(("run", 0, 7))
    for documents in itertools.permutations((envelope(done), envelope(announced, scope="nutrace.open"))):
        trace = load(write(tmp_path / "run.json.partial", *documents))
        assert _us(trace, "end_ns") == [100]
        assert not trace.unfinished(0)
        assert trace.diagnostics.duplicates == trace.diagnostics.unfinished == 0


def test_an_unfinished_span_ends_at_its_last_sign_of_life(tmp_path: Path) -> None:
    inside = spans(("step", 10, 60), first_id=2, parent=f"{1:016x}")
    announced = envelope(spans(("run", 0, 40)), scope="nutrace.open")
    trace = load(write(tmp_path / "run.json.partial", announced, envelope(inside)))
    assert _us(trace, "end_ns") == [60, 60]
    assert [trace.unfinished(span) for span in (0, 1)] == [True, False]
    assert trace.diagnostics.unfinished == 1
    assert list(trace.self_ns) == [10_000, 50_000]


def test_a_span_without_an_end_is_unfinished(tmp_path: Path) -> None:
    made = spans(("run", 0, 100, [("step", 10, 60)]))
    del made[0]["endTimeUnixNano"]
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.unfinished(0)
    assert _us(trace, "end_ns") == [60, 60]


def test_of_two_finished_spans_with_one_id_the_later_end_stays(tmp_path: Path) -> None:
    made = [*spans(("first", 0, 50)), *spans(("second", 10, 40))]
    for order in (made, made[::-1]):
        trace = load(write(tmp_path / "run.json", envelope(order)))
        assert trace.name == ["first"]
        assert trace.diagnostics.duplicates == 1


def test_equal_ids_of_different_traces_are_different_spans(tmp_path: Path) -> None:
    made = [*spans(("a", 0, 50, [("b", 1, 2)])), *spans(("c", 60, 90, [("d", 61, 62)]), trace_id="f" * 32)]
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.name == ["a", "b", "c", "d"]
    assert list(trace.parent) == [-1, 0, -1, 2]


def test_orphans_become_roots(tmp_path: Path) -> None:
    made = [*spans(("run", 0, 100)), *spans(("lost", 200, 300), first_id=9, parent="00000000000000ff")]
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.roots == [0, 1]
    assert trace.diagnostics.orphans == 1
    assert any("parent is not in the file" in note for note in trace.diagnostics.notes)


def test_a_cycle_is_cut_at_its_earliest_span(tmp_path: Path) -> None:
    made = spans(("b", 10, 50), ("a", 0, 100), ("c", 20, 40), ("hanging", 25, 30), ("self", 200, 300))
    b, a, c, _, own = (span["spanId"] for span in made)
    for span, parent in zip(made, (a, c, b, c, own)):
        span["parentSpanId"] = parent
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.name == ["a", "b", "c", "hanging", "self"]
    assert list(trace.parent) == [-1, 0, 1, 2, -1]
    assert trace.diagnostics.cycles == 2


def test_a_negative_duration_is_no_time(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 100, [("back", 50, 30)]))
    assert _us(trace, "busy_ns") == [100, 0]
    assert trace.diagnostics.negative_durations == 1


def test_a_missing_start_is_taken_from_the_ancestors(tmp_path: Path) -> None:
    made = spans(("run", 5, 100, [("outer", 0, 0, [("inner", 0, 0)])]), ("other", 200, 300))
    for span in made[1:3]:
        del span["startTimeUnixNano"], span["endTimeUnixNano"]
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert _us(trace, "start_ns") == [5, 5, 5, 200]
    assert trace.diagnostics.missing_times == 2


def test_spans_without_ids_are_kept(tmp_path: Path) -> None:
    made = spans(("a", 0, 1), ("b", 2, 3), ("c", 4, 5))
    del made[0]["spanId"], made[1]["spanId"]
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.name == ["a", "b", "c"]
    assert len({trace.span_id(span) for span in range(3)}) == 3


def test_odd_ids_come_back_as_they_were(tmp_path: Path) -> None:
    ids = ["span-1", "0xdeadbeefdeadbe", "AbCdEf0123456789", " 00000000000000f", "٣" * 16]
    made = spans(*((f"s{number}", number, number + 1) for number in range(len(ids))))
    for span, odd in zip(made, ids):
        span["spanId"] = odd
    made += spans(("child", 0.2, 0.4), first_id=99, parent="span-1")
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert [trace.span_id(span) for span in (0, 2, 3, 4, 5)] == [ids[0], ids[1], ids[2].lower(), *ids[3:]]
    assert trace.name[1] == "child"
    assert trace.parent[1] == 0


def test_another_thread_runs_beside_its_parent(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path, ("run", 0, 100, [("worker", 10, 90, [("job", 20, 30, {"thread.id": 2})], {"thread.id": 2})])
    )
    assert list(trace.parent) == [-1, 0, 1]
    assert [trace.nested(span) for span in range(3)] == [False, False, True]
    assert _us(trace, "self_ns") == [100, 70, 10]
    assert [trace.threads[thread].thread_id for thread in trace.thread] == [1, 2, 2]


def test_a_span_that_names_no_thread_is_on_its_parents(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 100, [("sql", 10, 90, {"thread.id": None})], {"thread.id": 5}))
    assert trace.thread[0] == trace.thread[1]
    assert _us(trace, "self_ns") == [20, 80]


def test_generators_and_composites_weigh_what_they_cost(tmp_path: Path) -> None:
    trace = trace_of(
        tmp_path,
        (
            "step",
            0,
            100,
            [
                ("rows", 0, 100, [("decode", 50, 52)], {BUSY: 30_000, "nutrace.generator.yielded": 23}),
                ("consume", 10, 40),
                ("leaf", 60, 90, {BUSY: 5_000, "nutrace.composite.count": 40}),
                ("rows", 91, 93, {BUSY: 1_000, "nutrace.generator.continues": f"{2:016x}"}),
            ],
        ),
    )
    assert trace.name == ["step", "rows", "decode", "consume", "leaf", "rows"]
    assert _us(trace, "busy_ns") == [100, 30, 2, 30, 5, 1]
    assert _us(trace, "self_ns") == [34, 28, 2, 30, 5, 1]
    assert list(trace.calls) == [1, 1, 1, 1, 40, 0]
    assert list(trace.yielded) == [0, 23, 0, 0, 0, 0]
    assert len(trace.threads) == 1


def test_nobody_claims_more_than_the_duration(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 10, {BUSY: 99_000}))
    assert _us(trace, "busy_ns") == [10]
    assert trace.diagnostics.busy_clamped == 1


@pytest.mark.parametrize(
    ("children", "counter"),
    [
        ([("early", -20, 30)], "outside_parent"),
        ([("late", 50, 130)], "outside_parent"),
        ([("elsewhere", 500, 530)], "outside_parent"),
        ([("task 1", 10, 50), ("task 2", 30, 60)], "overlapping"),
        ([("rows", 0, 80, {BUSY: 70_000}), ("more", 0, 90, {BUSY: 60_000})], "overlapping"),
    ],
)
def test_what_cannot_be_nested_gets_a_lane(tmp_path: Path, children: List[Any], counter: str) -> None:
    trace = trace_of(tmp_path, ("run", 0, 100, children))
    beside = [span for span in range(1, len(trace)) if not trace.nested(span)]
    assert len(beside) == 1
    assert trace.parent[beside[0]] == 0
    key = trace.threads[trace.thread[beside[0]]]
    assert (key.thread_id, key.lane) == (1, 1)
    assert trace.self_ns[0] == trace.busy_ns[0] - sum(
        trace.busy_ns[span] for span in range(1, len(trace)) if trace.nested(span)
    )
    assert getattr(trace.diagnostics, counter) == 1


def test_rounding_is_trimmed(tmp_path: Path) -> None:
    trace = trace_of(tmp_path, ("run", 0, 100, [("child", -0.5, 100.9)]))
    assert _us(trace, "busy_ns") == [100, 100]
    assert list(trace.self_ns) == [0, 100_000]
    assert trace.nested(1)


def test_lanes_are_used_again(tmp_path: Path) -> None:
    tasks = [(f"task {start}", start, start + 15) for start in range(0, 100, 10)]
    trace = trace_of(tmp_path, ("gather", 0, 200, tasks))
    assert sorted({key.lane for key in trace.threads}) == [0, 1]


def test_processes_are_told_apart_and_their_counts_kept(tmp_path: Path) -> None:
    def process(pid: int, **more: Any) -> Dict[str, Any]:
        return {"process.pid": pid, "nutrace.run.id": "r", "nutrace.run.complete": True, **more}

    documents = [
        document(("run", 0, 100), resource=process(1, **{"host.name": "h", "nutrace.spans.dropped": 1})),
        # Later lines of a .partial file need not describe the process again.
        envelope(spans(("more", 200, 300), first_id=7), process(1, **{"nutrace.spans.dropped": 4})),
        envelope(spans(("job", 50, 60), first_id=9), process(2, **{"nutrace.spans.dropped": 10})),
    ]
    for order in itertools.permutations(documents):
        trace = load(write(tmp_path / "run.jsonl", *order))
        assert [resource.pid for resource in trace.resources] == [1, 2]
        assert trace.diagnostics.dropped == 14
        assert [trace.threads[thread].resource for thread in trace.thread] == [0, 1, 0]


def test_five_thousand_levels(tmp_path: Path) -> None:
    made = []
    for level in range(5000):
        above = f"{level:016x}" if level else ""
        made += spans((f"level {level}", level, 20_000 - level), first_id=level + 1, parent=above)
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.depth[4999] == 4999
    assert sum(trace.self_ns) == trace.busy_ns[0]


def test_of_duplicates_that_differ_in_their_parent_only_the_same_stays(tmp_path: Path) -> None:
    made = [{**spans(("a", 0, 9))[0], "parentSpanId": parent} for parent in ("", "000000000000000f")]
    for order in (made, made[::-1]):
        trace = load(write(tmp_path / "run.json", envelope(order)))
        assert trace.diagnostics.duplicates == 1
        assert trace.diagnostics.orphans == 1

"""Parts of a trace: steps and components."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.otlp import envelope, spans, trace_of, write

from nutrace.errors import UsageError
from nutrace.trace import Trace, load, parse_steps, select
from nutrace.trace.layout import layout


def _step(index: int) -> Any:
    begin = 100 + 100 * index
    inner = [
        (
            "query",
            begin + 10,
            begin + 20,
            [("connect", begin + 11, begin + 12)],
            {"nutrace.component": "database"},
        )
    ]
    return ("simulation.step", begin, begin + 90, inner, {"nutrace.step.index": index})


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return trace_of(tmp_path, ("simulation.run", 0, 1000, [_step(index) for index in range(5)]))


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("10:20", range(10, 20)),
        ("5", range(5, 6)),
        ("10:", range(10, sys.maxsize)),
        (":3", range(3)),
        (":", range(sys.maxsize)),
        (" 1:2 ", range(1, 2)),
    ],
)
def test_steps_are_read(text: str, steps: range) -> None:
    assert parse_steps(text) == steps


@pytest.mark.parametrize("text", ["", "a", "3:2", "3:3", "-1", "1:2:3", "1,2", "1.5", "٣", "9" * 50, "1\x00"])
def test_bad_steps_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_steps(text)
    assert "--steps" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_selected_steps_become_roots(trace: Trace) -> None:
    part = select(trace, steps=range(1, 3))
    assert part.name == ["simulation.step", "query", "connect"] * 2
    assert list(part.parent) == [-1, 0, 1, -1, 3, 4]
    assert list(part.depth) == [0, 1, 2] * 2
    assert list(part.subtree_end) == [3, 3, 3, 6, 6, 6]
    assert [part.attributes(root)["nutrace.step.index"] for root in part.roots] == [1, 2]
    assert part.span_id(0) == trace.span_id(trace.step_indices[1])
    assert part.start_ns[0] == trace.start_ns[trace.step_indices[1]]
    assert list(layout(part)[0]) == [0, 10_000, 11_000, 100_000, 110_000, 111_000]


def test_a_component_is_selected_at_its_outermost_spans(trace: Trace) -> None:
    part = select(trace, steps=range(4, 5), component="database")
    assert part.name == ["query", "connect"]
    assert list(part.parent) == [-1, 0]
    whole = select(trace, component="other")
    assert len(whole) == len(trace)


def test_nothing_selected_is_everything(trace: Trace) -> None:
    assert select(trace) is trace


def test_events_and_status_stay_with_their_span(tmp_path: Path) -> None:
    made = spans(*(_step(index) for index in range(3)))
    made[4]["status"] = {"code": 2, "message": "in step 1"}
    made[7]["events"] = [{"name": "in step 2"}]
    part = select(load(write(tmp_path / "run.json", envelope(made))), steps=range(1, 3))
    assert [part.status(span).message for span in range(len(part))] == ["", "in step 1", "", "", "", ""]
    assert [span for span in range(len(part)) if part.events(span)] == [4]


def test_an_empty_selection_says_what_there_is(trace: Trace) -> None:
    with pytest.raises(UsageError, match=r"no step 7:9 .* steps 0 to 4"):
        select(trace, steps=range(7, 9))
    with pytest.raises(UsageError, match=r"database, other"):
        select(trace, component="planner")

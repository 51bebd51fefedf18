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
from nutrace.trace.scenario_choice import choose_scenarios


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


def _scenarios(tmp_path: Path, *tokens: str, kind: str = "turning") -> Trace:
    """A simulation of three steps for each token, and one of another type with two."""
    runs = []
    for place, token in enumerate((*tokens, "ffff")):
        last, start = place == len(tokens), 10_000 * place
        steps = [
            ("simulation.step", start + 100 * i, start + 100 * i + 90, {"nutrace.step.index": i})
            for i in range(2 if last else 3)
        ]
        says = {"nuplan.scenario.token": token, "nuplan.scenario.type": "stopping" if last else kind}
        runs.append(("simulation.run", start, start + 5000, steps, says))
    return trace_of(tmp_path, *runs)


def _chosen(trace: Trace) -> Any:
    return [scenario.number for scenario in trace.simulations]


@pytest.mark.parametrize(
    ("scenario", "numbers", "words"),
    [
        ("ab12", [1], "scenario ab12 (turning)"),
        ("ab", [1], "scenario ab12 (turning)"),
        (" 2 ", [2], "scenario cd34 (turning)"),
        (2, [2], "scenario cd34 (turning)"),
        ("turning", [1, 2], "2 scenarios of type turning"),
        ("stopping", [3], "scenario ffff (stopping)"),
    ],
)
def test_scenarios_are_selected_by_token_type_and_number(
    tmp_path: Path, scenario: Any, numbers: Any, words: str
) -> None:
    trace = _scenarios(tmp_path, "ab12", "cd34")
    part = select(trace, scenario=scenario)
    assert _chosen(part) == numbers
    assert part.selection == words
    assert [part.name[root] for root in part.roots] == ["simulation.run"] * len(numbers)
    assert {number for number, _ in part.step_addresses} == set(numbers)


def test_a_token_that_is_a_number_or_begins_like_one(tmp_path: Path) -> None:
    trace = _scenarios(tmp_path, "2", "9999")
    assert _chosen(select(trace, scenario="2")) == [1]
    assert _chosen(select(trace, scenario="99")) == [2]
    assert _chosen(select(trace, scenario="3")) == [3]


@pytest.mark.parametrize("kind", [int, "numpy"])
def test_an_integer_is_a_number_and_nothing_else(tmp_path: Path, kind: Any) -> None:
    number = pytest.importorskip("numpy").int64 if kind == "numpy" else kind
    trace = _scenarios(tmp_path, "2", "1", kind="3")
    assert [_chosen(select(trace, scenario=number(each))) for each in (1, 2, 3)] == [[1], [2], [3]]
    assert [_chosen(trace.step(number(each), 0)) for each in (1, 2, 3)] == [[1], [2], [3]]
    assert _chosen(select(trace, scenario="3")) == [1, 2]
    for absent in (0, -1, 4):
        with pytest.raises(UsageError, match=rf"no scenario {absent} in .*: it has 1: 2 \(3\), 2: 1 \(3\)"):
            select(trace, scenario=number(absent))


@pytest.mark.parametrize("wanted", [1.0, None, ["ab12"], b"ab12"])
def test_what_is_neither_text_nor_an_integer_is_no_scenario(tmp_path: Path, wanted: Any) -> None:
    trace = _scenarios(tmp_path, "ab12")
    with pytest.raises(UsageError, match="a scenario is a token, a type, or a number, and not "):
        choose_scenarios(trace, wanted)


def test_the_slowest_step_is_not_one_of_a_scenario_with_a_token_like_its_number(tmp_path: Path) -> None:
    runs = [
        ("simulation.run", start, start + 900, [("simulation.step", start, start + took)], says)
        for start, took, says in (
            (0, 50, {"nuplan.scenario.token": "2"}),
            (1000, 600, {"nuplan.scenario.token": "1"}),
        )
    ]
    trace = trace_of(tmp_path, *runs)
    (slowest,) = trace.slowest(1)
    assert (slowest.busy_ns[0], slowest.step_addresses) == (600_000, [(2, 0)])


def test_simulations_of_one_token(tmp_path: Path) -> None:
    trace = _scenarios(tmp_path, "ab12", "cd34", "ab12")
    for both in ("ab12", "ab"):
        part = select(trace, scenario=both)
        assert (_chosen(part), part.selection) == ([1, 3], "2 simulations of scenario ab12")
    part = select(trace, scenario="ab12#2")
    assert (_chosen(part), part.selection) == ([3], "scenario ab12#2 (turning)")
    assert _chosen(select(trace, scenario="ab12#1")) == [1]


@pytest.mark.parametrize(
    ("given", "words", "addresses"),
    [
        ({"steps": "1:3"}, "steps 1 to 2 of each of 3 scenarios", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]),
        ({"steps": "2:"}, "steps from 2 on of 2 of 3 scenarios", [(1, 2), (2, 2)]),
        ({"steps": 0, "scenario": "cd"}, "step 0 of scenario cd34 (turning)", [(2, 0)]),
        (
            {"steps": "2", "scenario": "turning"},
            "step 2 of each of 2 scenarios of type turning",
            [(1, 2), (2, 2)],
        ),
        ({"steps": ":", "scenario": 3}, "all steps of scenario ffff (stopping)", [(3, 0), (3, 1)]),
        (
            {"steps": range(0, 4, 2)},
            "steps 0 to 2 by 2 of each of 3 scenarios",
            [(1, 0), (1, 2), (2, 0), (2, 2), (3, 0)],
        ),
    ],
)
def test_steps_are_selected_in_each_scenario(tmp_path: Path, given: Any, words: str, addresses: Any) -> None:
    part = select(_scenarios(tmp_path, "ab12", "cd34"), **given)
    assert part.selection == words
    assert part.step_addresses == addresses
    assert len(part) == len(addresses)


def test_steps_of_a_run_of_one_scenario_need_no_scenario(trace: Trace) -> None:
    assert select(trace, steps="1:3").selection == "steps 1 to 2"


def test_a_part_of_a_part(tmp_path: Path) -> None:
    part = select(select(_scenarios(tmp_path, "ab12", "cd34"), steps="1:"), scenario=2)
    assert part.selection == "steps from 1 on of each of 3 scenarios, scenario cd34 (turning)"
    assert part.step_addresses == [(2, 1), (2, 2)]
    assert part.simulations[0].span is None
    assert part.name == ["simulation.step"] * 2


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        (
            "xyz",
            r"no scenario 'xyz' .*: it has 1: ab12 \(turning\), 2: ab99 \(turning\), 3: ffff \(stopping\)",
        ),
        ("7", "no scenario '7'"),
        ("0", "no scenario '0'"),
        ("ab", r"2 tokens begin with 'ab': write more of one of ab12, ab99"),
        ("  ", "bad --scenario"),
        ("#2", "no scenario '#2'"),
        ("\x1b[31m\n", r"no scenario '\\x1b\[31m'"),
        ("x" * 5000, "no scenario 'x{40}' in"),
    ],
)
def test_a_scenario_that_is_not_there_says_which_are(tmp_path: Path, scenario: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        select(_scenarios(tmp_path, "ab12", "ab99"), scenario=scenario)
    assert "\n" not in str(caught.value)


def test_of_many_scenarios_an_error_names_the_types(tmp_path: Path) -> None:
    trace = _scenarios(tmp_path, *(f"{number:04x}" for number in range(30)))
    with pytest.raises(
        UsageError,
        match="31 scenarios, numbers 1 to 31, of the types stopping, turning; the first token is 0000",
    ):
        select(trace, scenario="none")
    with pytest.raises(UsageError, match=r"16 tokens begin with '000': .* 0005, \.\.\."):
        select(trace, scenario="000")


def test_long_names_are_cut_where_they_are_shown(tmp_path: Path) -> None:
    trace = _scenarios(tmp_path, "a" * 5000, "b" * 16, kind="on_traffic_light_intersection")
    assert len(select(trace, scenario=1).selection) < 100
    with pytest.raises(UsageError, match=r"2: b{16} \(on_traffic_light_intersection\), 3: ") as caught:
        select(trace, scenario="none")
    assert len(str(caught.value)) < 500


def test_a_step_that_a_scenario_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no step 2 in scenario ffff \(stopping\) of .*: it has steps 0 to 1"
    ):
        select(_scenarios(tmp_path, "ab12"), scenario="ffff", steps=2)
    with pytest.raises(UsageError, match="it has no scenarios"):
        select(trace_of(tmp_path, ("request", 0, 1)), scenario="1")


def test_an_empty_selection_says_what_there_is(trace: Trace) -> None:
    with pytest.raises(UsageError, match=r"no step 7:9 .* steps 0 to 4"):
        select(trace, steps=range(7, 9))
    with pytest.raises(UsageError, match=r"database, other"):
        select(trace, component="planner")

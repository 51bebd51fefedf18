"""Parts of a trace by what their spans are, trees that are walked, and trees with fewer spans."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest
from fakes.otlp import trace_of

from nutrace.errors import UsageError
from nutrace.trace import Trace

_QUERY = {"nutrace.component": "database", "db.query.text": "SELECT 1", "code.file.path": "/code/queries.py"}


def _step(index: int) -> Any:
    """Of 60 us and more: the planner asks for traffic lights, which takes a statement."""
    begin = 1000 + 200 * index
    statement = ("sqlite3.statement", begin + 12, begin + 15 + index, _QUERY)
    lights = (
        "scenario.get_traffic_lights",
        begin + 11,
        begin + 20,
        [statement],
        {"nutrace.component": "scenario"},
    )
    score = ("planner.score", begin + 25, begin + 29, {"nutrace.component": "planner"})
    planner = ("planner.compute", begin + 10, begin + 50, [lights, score], {"nutrace.component": "planner"})
    close = ("sqlite3.close", begin + 52, begin + 53, {"nutrace.component": "database"})
    return ("simulation.step", begin, begin + 60 + index, [planner, close], {"nutrace.step.index": index})


def _simulation(token: str, *steps: Any) -> Any:
    about = {"nutrace.component": "simulation", "nuplan.scenario.token": token}
    return ("simulation.run", 0, 3000, list(steps), about)


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trace:
    monkeypatch.chdir(tmp_path)
    return trace_of(Path(), _simulation("token", *map(_step, range(5))))


def _names(part: Trace) -> List[str]:
    return [part.name[root] for root in part.roots]


def test_conditions_hold_together(trace: Trace) -> None:
    assert _names(trace.where(name="sqlite3.*")) == ["sqlite3.statement", "sqlite3.close"] * 5
    assert _names(trace.where(name=["sqlite3.close", "planner.score"], steps=2)) == [
        "planner.score",
        "sqlite3.close",
    ]
    assert (
        _names(trace.where(component="database", attributes={"db.query.text": "SELECT 1"}, steps="3:"))
        == ["sqlite3.statement"] * 2
    )
    early = trace.where(name="simulation.step", between_s=(0.0012, 0.0016))
    assert [early.attributes(step)["nutrace.step.index"] for step in early.roots] == [1, 2]
    assert early.selection == "name simulation.step, begun between 0.0012 and 0.0016 s"
    assert len(trace.where(component="database", at_least_ms=0.006).roots) == 2


def test_the_outermost_are_roots_and_the_rest_stays_below(trace: Trace) -> None:
    part = trace.where(component="planner", steps=0)
    assert part.name == [
        "planner.compute",
        "scenario.get_traffic_lights",
        "sqlite3.statement",
        "planner.score",
    ]
    assert list(part.parent) == [-1, 0, 1, 0]


def test_a_path_is_of_direct_parents(trace: Trace) -> None:
    assert len(trace.where(path="simulation.step > planner.compute").roots) == 5
    assert len(trace.where(path="simulation.* > * > scenario.*").roots) == 5
    with pytest.raises(UsageError, match="no span with path"):
        trace.where(path="simulation.step > sqlite3.statement")


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ({"name": "planner.compte"}, r"did you mean planner\.compute\?"),
        ({"component": "databse"}, r"did you mean database\?"),
        ({"at_least_ms": 5000}, "no span with of 5000 ms or more in run.json"),
        ({"failed": True}, "no span with left by an error"),
        ({"name": "["}, "no span of name"),
        ({"steps": 7}, "no step 7"),
        ({"scenario": "other"}, "no scenario 'other'"),
    ],
)
def test_what_there_is_not_is_said_in_one_line(conditions: Any, told: str, trace: Trace) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        trace.where(**conditions)
    assert "\n" not in str(caught.value)


def test_nothing_asked_for_is_everything(trace: Trace) -> None:
    assert trace.where() is trace


def test_paths_and_times_are_those_of_the_whole_trace(trace: Trace) -> None:
    """Also where only some of its steps are looked at."""
    path = "simulation.run > simulation.step"
    assert len(trace.where(path=path, steps="1:3").roots) == 2
    early = {"between_s": (0.0012, 0.0016)}
    found = [
        trace.where(name="simulation.step", **early, **more) for more in ({}, {"scenario": 1, "steps": "0:"})
    ]
    assert [len(part.roots) for part in found] == [2, 2]
    assert found[1].selection == (
        "all steps of scenario token, name simulation.step, begun between 0.0012 and 0.0016 s"
    )
    with pytest.raises(UsageError, match=r"no span of name 'simulation\.run' in all steps of "):
        trace.where(name="simulation.run", steps="0:")


def test_words_are_looked_for_where_the_page_looks(trace: Trace) -> None:
    assert _names(trace.find("SCORE planner")) == ["planner.score"] * 5
    assert _names(trace.find("queries.py")) == ["sqlite3.statement"] * 5
    for words in ("", "  ", "nothing like that"):
        with pytest.raises(UsageError):
            trace.find(words)


def test_a_step_is_found_by_its_address(tmp_path: Path) -> None:
    second = [(name, start + 5000, end + 5000, *more) for name, start, end, *more in map(_shifted, range(2))]
    about = {"nutrace.component": "simulation", "nuplan.scenario.token": "b"}
    several = trace_of(
        tmp_path, _simulation("a", _step(0), _step(1)), ("simulation.run", 5000, 8000, second, about)
    )
    assert several.step("b", 1).start_ns[0] - several.begin_ns == 6_200_000
    assert several.step(2, 0).selection == several.step((2, 0)).selection == "step 0 of scenario b"
    with pytest.raises(UsageError, match="is a step already"):
        several.step((2, 0), 1)
    with pytest.raises(UsageError, match=r"2 scenarios: say of which, as in step\('TOKEN', 1\)"):
        several.step(1)
    assert [each.selection for each in several.slowest(2)] == ["step 1 of scenario a", "step 1 of scenario b"]
    assert several.slowest(0) == []


def _shifted(index: int) -> Any:
    name, start, end, _children, attributes = _step(index)
    return name, start, end, attributes


def test_a_step_of_the_only_scenario_needs_no_token(trace: Trace) -> None:
    assert trace.step(2).name == trace.step("token", 2).name
    with pytest.raises(UsageError, match="which step of scenario 'token'"):
        trace.step("token")


def test_a_tree_is_walked(trace: Trace) -> None:
    statement = trace.where(steps=1)[3]
    assert statement.name == "sqlite3.statement"
    above = [span.name for span in statement.ancestors]
    assert above == ["scenario.get_traffic_lights", "planner.compute", "simulation.step"]
    assert statement.path == (*reversed(above), "sqlite3.statement")
    planner = statement.ancestors[1]
    assert [span.name for span in planner.walk()] == planner.subtree().name
    assert planner.subtree().self_ns[0] == planner.self_ns


def test_pruned_trees_add_up(trace: Trace) -> None:
    for part in (
        trace.pruned(at_least_ms=0.006),
        trace.pruned(depth=1),
        trace.pruned(without=["planner.compute", "database"]),
        trace.step(3).pruned(without=["scenario"]),
    ):
        assert 0 < len(part) < len(trace)
        total = sum(part.busy_ns[root] for root in part.roots)
        assert sum(part.self_ns) == total
        for span in range(len(part)):
            below = sum(part.busy_ns[child] for child in part.children(span))
            assert part.self_ns[span] == part.busy_ns[span] - below
            assert part.subtree_end[span] > span
    assert "database" not in trace.pruned(without=["database"]).component
    assert trace.pruned(without="database").name == trace.pruned(without=["database"]).name
    assert trace.pruned(depth=1).simulations[0].token == "token"
    assert len(trace.pruned(depth=1).step_indices) == 5
    assert len(trace.pruned(at_least_ms=1e9)) == 0


def test_a_trace_of_fewer_spans_is_a_part(trace: Trace) -> None:
    """It says so, as what is of whole runs only is not to be had of it."""
    step = trace.step(3)
    assert step.pruned(0.002, 4, ["gc", "map"]).selection == (
        "step 3, spans of 0.002 ms or more, down to depth 4, without gc, map"
    )
    assert step.merged().selection == "step 3, equal siblings merged"
    assert trace.pruned().selection == ""


def test_a_part_of_a_part_keeps_its_addresses(trace: Trace) -> None:
    part = trace.where(component="planner").where(name="planner.score", steps=None)
    assert part.selection == "component planner, name planner.score"
    assert set(part.addresses.iteration_of) == set(range(5))
    assert trace.select(steps="1:3").slowest(1)[0].selection == "steps 1 to 2, step 2 of scenario token"

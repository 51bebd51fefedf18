"""The merged tree of two sides against trees that were written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from hypothesis import given, settings
from made_up import traces
from two_sides import DATABASE, base_run, built, new_run, run, step

from nutrace.errors import UsageError
from nutrace.trace import Trace, select
from nutrace_exporters.difference import DifferenceBuilder, slowest_steps
from nutrace_exporters.diffmoves import mark_moved
from nutrace_exporters.difftree import BASE, BESIDE, INSIDE, NEW, OUTSIDE, DiffNode, DiffTree


@pytest.fixture
def base(tmp_path: Path) -> Trace:
    return base_run(tmp_path)


@pytest.fixture
def new(tmp_path: Path) -> Trace:
    return new_run(tmp_path)


def merged(*sides: Tuple[int, Trace], **options: Any) -> DiffTree:
    tree = DiffTree()
    for side, trace in sides:
        tree.add(side, trace, **options)
    tree.sum_up()
    return tree


def path_of(node: DiffNode) -> str:
    path: List[str] = []
    above: Any = node
    while above:
        path.insert(0, above.frame.name)
        above = above.parent
    return "/".join(path)


def selfs(tree: DiffTree) -> Dict[str, Tuple[float, float]]:
    """Self times (us) by path, base and new; a path that did not finish has a mark."""
    cut = {OUTSIDE: "", INSIDE: "", BESIDE: "beside "}
    times: Dict[str, Tuple[float, float]] = {}
    for _, node in tree.walk():
        key = cut[node.region] + path_of(node)
        if key in times:
            key += " (outside)"
        times[key] = (node.self_ns[BASE] / 1000, node.self_ns[NEW] / 1000)
    return times


def test_equal_paths_are_one_frame_with_the_self_times_of_both(base: Trace, new: Trace) -> None:
    tree = merged((BASE, base), (NEW, new))
    assert tree.steps == [2, 2]
    assert tree.units == [2, 2]
    run_, step_, plan = (
        "simulation.run",
        "simulation.run/simulation.step",
        "simulation.run/simulation.step/plan",
    )
    assert selfs(tree) == {
        run_: (10, 6),
        step_: (12, 20),
        plan: (22, 16),
        f"{plan}/rows": (50, 20),
        f"{step_}/rows": (8, 0),
        f"{step_}/once": (8, 0),
        f"{run_}/metrics": (90, 45),
        f"{plan}/cache": (0, 4),
        f"{step_} (outside)": (0, 0),
        f"{plan} (outside)": (0, 39),
    }


def test_a_step_that_did_not_finish_lies_outside_the_steps(base: Trace, new: Trace) -> None:
    tree = merged((BASE, base), (NEW, new))
    inside = [
        sum(node.self_ns[side] for _, node in tree.walk() if node.region == INSIDE) for side in (BASE, NEW)
    ]
    assert inside == [100_000, 60_000], "the times of the finished steps"


@settings(max_examples=100, deadline=None)
@given(base=traces(), new=traces())
def test_self_times_add_up_to_the_totals_of_both_sides(base: Trace, new: Trace) -> None:
    tree = merged((BASE, base), (NEW, new))
    for side, trace in ((BASE, base), (NEW, new)):
        nodes = [node for _, node in tree.walk()]
        assert sum(node.self_ns[side] for node in nodes) == sum(trace.self_ns)
        assert sum(node.total_ns[side] for node in nodes if node.parent is None) == sum(trace.self_ns)
        assert sum(node.calls[side] for node in nodes) == sum(trace.calls)
        for node in nodes:
            below = sum(child.total_ns[side] for child in node.children.values())
            assert node.total_ns[side] == node.self_ns[side] + below
    depths = [depth for depth, _ in tree.heaviest_first()]
    assert all(depth <= before + 1 for before, depth in zip(depths, depths[1:]))
    assert len(depths) == sum(1 for _ in tree.walk())


def test_what_runs_beside_a_step_is_not_in_its_time(tmp_path: Path) -> None:
    beside = ("worker.map", 10, 90, [("inner", 20, 30, {"thread.id": 2})], {"thread.id": 2})
    trace = run(tmp_path, "one", ("simulation.run", 0, 100, [step(0, 0, 50, beside)]))
    tree = merged((BASE, trace), (NEW, trace))
    assert selfs(tree) == {
        "simulation.run": (50, 50),
        "simulation.run/simulation.step": (50, 50),
        "beside worker.map": (70, 70),
        "beside worker.map/inner": (10, 10),
    }


def test_steps_count_where_a_component_is_selected(base: Trace, new: Trace) -> None:
    tree = merged((BASE, base), (NEW, new), component="database")
    assert tree.units == [2, 2]
    assert selfs(tree) == {"rows": (58, 20)}
    assert [node.region for _, node in tree.walk()] == [INSIDE]


def test_selected_steps_are_compared(base: Trace, new: Trace) -> None:
    tree = merged((BASE, select(base, steps=0)), (NEW, select(new, steps=0)))
    assert tree.units == [1, 1]
    assert selfs(tree)["simulation.step/plan"] == (10, 10)


def test_the_slowest_steps_against_the_others(tmp_path: Path) -> None:
    steps = [
        step(k, 100 * k, 100 * k + (90 if k in (7, 13) else 10), ("f", 100 * k, 100 * k + k / 2))
        for k in range(20)
    ]
    trace = run(tmp_path, "one", ("simulation.run", 0, 2000, steps))
    slow, usual = slowest_steps(trace, 0.1)
    assert [trace.attributes(span)["nutrace.step.index"] for span in slow] == [7, 13]
    assert len(usual) == 18
    builder = DifferenceBuilder(("usual", "slowest"))
    builder.add_slowest(trace, 0.1)
    difference = builder.build(("usual", "slowest"))
    tree = difference.tree
    assert dict(difference.sides[NEW].facts) == {"Times": "90 µs to 90 µs", "Steps": "7, 13"}
    assert difference.sides[NEW].name == "2 steps"
    assert tree.steps == [18, 2]
    # f takes half of 0 + 1 + ... + 19 us, of 7 and 13 in the slow steps.
    assert selfs(tree) == {"simulation.step": (95, 170), "simulation.step/f": (85, 10)}


def test_slow_steps_are_told_by_scenario(tmp_path: Path) -> None:
    def scenario(token: str, start: float) -> Any:
        steps = [step(k, start + 100 * k, start + 100 * k + (50 if k == 2 else 10)) for k in range(5)]
        return ("simulation.run", start, start + 500, steps, {"nuplan.scenario.token": token})

    builder = DifferenceBuilder(("", ""))
    builder.add_slowest(run(tmp_path, "one", scenario("5f3a", 0), scenario("77aa", 500)), 0.2)
    facts = builder.build(("usual", "slowest")).sides[NEW].facts
    assert dict(facts)["Steps"] == "5f3a: 2; 77aa: 2"


@pytest.mark.parametrize(("share", "slow"), [(0.001, 1), (0.05, 1), (0.25, 1), (0.5, 2), (0.99, 4)])
def test_one_step_at_least_is_slow(tmp_path: Path, share: float, slow: int) -> None:
    trace = run(tmp_path, "one", *(step(k, 100 * k, 100 * k + 10) for k in range(4)))
    assert [len(part) for part in slowest_steps(trace, share)] == [slow, 4 - slow]


def test_the_scatter_of_the_runs_is_kept(tmp_path: Path) -> None:
    tree = DiffTree()
    for name, side, times in (("1", BASE, (10, 30)), ("2", BASE, (50,)), ("3", NEW, (8,)), ("4", NEW, ())):
        steps = [step(k, 100 * k, 100 * k + 60, ("f", 100 * k, 100 * k + us)) for k, us in enumerate(times)]
        tree.add(side, run(tmp_path, name, *steps or [step(0, 0, 60)]))
    tree.sum_up()
    (f,) = (node for _, node in tree.walk() if node.frame.name == "f")
    # Means per step: 20 and 50 us in the base's runs; 8 and nothing in the new ones.
    assert (f.scatter.least_ns, f.scatter.most_ns) == ([20_000, 0], [50_000, 8_000])
    whole = tree.scatters[True, ""]
    assert (whole.least_ns, whole.most_ns) == ([60_000, 60_000], [60_000, 60_000])


# --- what moved -------------------------------------------------------------------------------------


def moves(base: Trace, new: Trace) -> Dict[str, str]:
    tree = merged((BASE, base), (NEW, new))
    mark_moved(tree)
    pairs = {}
    for _, node in tree.walk():
        if node.moved:
            assert node.moved.moved is node
            assert {node.only, node.moved.only} == {BASE, NEW}
            if node.only == BASE:
                pairs[path_of(node)] = path_of(node.moved)
    return pairs


def test_a_call_from_another_place_has_moved(tmp_path: Path) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("f", 0, 20, [("g", 0, 5)])]), ("b", 50, 90))
    new = run(tmp_path, "new", ("a", 0, 30), ("b", 30, 90, [("f", 40, 61, [("g", 40, 46)])]))
    assert moves(base, new) == {"a/f": "b/f", "a/f/g": "b/f/g"}


def test_a_renamed_frame_has_moved_with_what_it_calls(tmp_path: Path) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("old name", 0, 20, [("g", 0, 15)])]))
    new = run(tmp_path, "new", ("a", 0, 51, [("new name", 0, 21, [("g", 0, 15)])]))
    assert moves(base, new) == {"a/old name": "a/new name", "a/old name/g": "a/new name/g"}


@pytest.mark.parametrize(
    ("gained", "why"),
    [
        ([("h", 0, 5)], "much cheaper: the answer of a cache, not the same work"),
        ([("h", 0, 20), ("i", 20, 40)], "two frames can be it"),
        ([("h", 0, 10), ("h", 10, 20)], "twice as many calls"),
        ([("h", 0, 20, DATABASE)], "another component"),
        ([("h", 0, 20, [("inner", 0, 1)])], "it calls something else"),
    ],
)
def test_nothing_is_called_moved_that_may_be_something_else(tmp_path: Path, gained: Any, why: str) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("f", 0, 20)]))
    new = run(tmp_path, "new", ("a", 0, 50, gained))
    assert moves(base, new) == {}, why


def test_a_cache_around_a_call_is_new_and_the_call_has_moved(tmp_path: Path) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("rows", 0, 20)]))
    new = run(tmp_path, "new", ("a", 0, 50, [("cache", 0, 25, [("rows", 2, 22)])]))
    assert moves(base, new) == {"a/rows": "a/cache/rows"}


def test_a_call_of_the_same_name_that_costs_far_less_has_not_moved(tmp_path: Path) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("f", 0, 20)]), ("b", 50, 90))
    new = run(tmp_path, "new", ("a", 0, 30), ("b", 30, 90, [("f", 40, 42)]))
    assert moves(base, new) == {}


def test_a_collection_strikes_anywhere_and_does_not_move(tmp_path: Path) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("gc.collect", 0, 20)]), ("b", 50, 90))
    new = run(tmp_path, "new", ("a", 0, 30), ("b", 30, 90, [("gc.collect", 40, 60)]))
    assert moves(base, new) == {}


def test_many_calls_of_one_name_are_paired_in_bounded_time(tmp_path: Path) -> None:
    def deep(level: int) -> Any:
        tree: Any = ("f", level, 1000 - level)
        for above in range(level - 1, -1, -1):
            tree = ("f", above, 1000 - above, [tree])
        return tree

    base = run(tmp_path, "base", ("a", 0, 1000, [deep(300)]), ("b", 1000, 1001))
    new = run(tmp_path, "new", ("a", 0, 1), ("b", 1, 1001, [deep(300)]))
    assert len(moves(base, new)) == 301


def test_what_moved_with_its_caller_is_not_taken_for_another_call(tmp_path: Path) -> None:
    rows = ("rows", 0, 15)
    base = run(
        tmp_path,
        "base",
        ("a", 0, 50, [("cached", 0, 20, [rows])]),
        ("b", 50, 90, [("old", 50, 70, [("rows", 50, 60), ("gc.collect", 60, 61)])]),
    )
    new = run(
        tmp_path,
        "new",
        ("a", 0, 50, [("cached", 0, 20)]),
        ("b", 50, 90, [("fresh", 50, 70, [("rows", 50, 60), ("gc.collect", 60, 69)])]),
    )
    assert moves(base, new) == {
        "b/old": "b/fresh",
        "b/old/rows": "b/fresh/rows",
        "b/old/gc.collect": "b/fresh/gc.collect",
    }


def test_of_equal_names_the_one_below_the_moved_caller_is_it(tmp_path: Path) -> None:
    base = run(tmp_path, "base", ("a", 0, 50, [("f", 0, 20, [("g", 0, 15)])]), ("b", 50, 90), ("c", 90, 99))
    new = run(
        tmp_path,
        "new",
        ("a", 0, 30),
        ("b", 30, 90, [("f", 40, 60, [("g", 40, 50)])]),
        ("c", 90, 130, [("g", 100, 115)]),
    )
    assert moves(base, new) == {"a/f": "b/f", "a/f/g": "b/f/g"}


# --- what cannot be compared ------------------------------------------------------------------------


def test_a_run_on_both_sides(base: Trace) -> None:
    with pytest.raises(UsageError, match="are the same run: name it once"):
        built(base, base)


def test_sides_with_nothing_in_common(tmp_path: Path) -> None:
    base, new = run(tmp_path, "base", ("a", 0, 1)), run(tmp_path, "new", ("b", 0, 1))
    with pytest.raises(UsageError, match="old and fresh have no span in common"):
        built(base, new)


def test_steps_on_one_side_only(tmp_path: Path, base: Trace) -> None:
    with pytest.raises(UsageError, match="fresh has no finished step"):
        built(base, run(tmp_path, "other", ("simulation.run", 0, 10)))


def test_no_step_has_finished(tmp_path: Path) -> None:
    sides = [
        run(tmp_path, name, ("r", 0, 9, [step(0, 1, 2, **{"nutrace.unfinished": True})]))
        for name in ("a", "b")
    ]
    with pytest.raises(UsageError, match="old has no finished step"):
        built(sides[0], sides[1])


def test_a_component_that_one_side_lacks(base: Trace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fresh has no span of component 'planner'"):
        built(base, run(tmp_path, "other", ("simulation.run", 0, 10, [step(0, 0, 5)])), "planner")


def test_programs_without_steps_are_compared_per_run(tmp_path: Path) -> None:
    builder = DifferenceBuilder(("old", "fresh"))
    for side, name, end in ((BASE, "1", 10), (BASE, "2", 20), (NEW, "3", 8)):
        builder.add(side, run(tmp_path, name, ("GET /", 0, end)))
    tree = builder.build().tree
    assert not tree.per_step
    assert tree.units == [2, 1]
    assert selfs(tree) == {"GET /": (30, 8)}


def test_one_step_has_no_slowest(tmp_path: Path) -> None:
    trace = run(tmp_path, "one", step(0, 0, 10))
    with pytest.raises(UsageError, match="1 finished step in what is selected"):
        DifferenceBuilder(("usual", "slowest")).add_slowest(trace, 0.05)

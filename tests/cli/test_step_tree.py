"""`nutrace report --tree`: its figures are the report's, whatever it is cut to, and they add up."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.joined_samples import with_samples
from fakes.otlp import document, write
from fakes.terminal_session import in_terminal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nutrace.cli.fitting import shortened_apart
from nutrace.cli.main import main
from nutrace.cli.report_style import Style
from nutrace.cli.step_tree_text import as_text
from nutrace.trace import load
from nutrace_exporters.calltree import Node
from nutrace_exporters.steptree import LEAST_SHARE, LINES, Limits, cut, step_tree

C = "nutrace.component"


def _step(begin: int, number: int, **more: Any) -> Any:
    """A step of 10 ms, with recursion, a job on another thread, and many short calls."""
    at, where = begin, "observation"
    beside = {C: "worker", "thread.id": 9}
    inside: List[Any] = [
        ("planner.compute", at + 100, at + 6_100, [
            ("planner.walk", at + 200, at + 4_200, [
                ("planner.walk", at + 1_000, at + 3_000, [
                    ("copy.deepcopy", at + 1_100, at + 1_600, {C: "deepcopy"})], {C: "planner"}),
            ], {C: "planner"}),
            ("sqlite3.statement", at + 5_000, at + 5_500, {C: "database"}),
        ], {C: "planner"}),
        ("observation.update", at + 6_200, at + 9_200, [
            *((f"observation.part{each}", at + 6_300 + 20 * each, at + 6_310 + 20 * each, {C: where})
              for each in range(60)),
            ("job", at + 6_200, at + 9_000, [("job.inner", at + 6_300, at + 7_300, beside)], beside),
        ], {C: "observation"}),
    ]  # fmt: skip
    attributes = {
        C: "simulation",
        "nutrace.step.index": number,
        "nutrace.step.simulated_interval_s": 0.1,
        **more,
    }
    return ("simulation.step", begin, begin + 10_000, inside, attributes)


def _scenario(begin: int, token: str, thread: int) -> Any:
    steps = [_step(begin + 20_000 * number, number) for number in range(3)]
    run = ("simulation.run", begin, begin + 90_000, steps, {"nuplan.scenario.token": token, C: "simulation"})
    return _on_thread(run, thread)


def _on_thread(span: Any, thread: int) -> Any:
    """The span and those below it on another thread, but for those that have one."""
    name, start, end, *more = span
    children = next((part for part in more if isinstance(part, list)), [])
    attributes = next((part for part in more if isinstance(part, dict)), {})
    return (
        name,
        start,
        end,
        [_on_thread(child, thread) for child in children],
        {"thread.id": thread, **attributes},
    )


@pytest.fixture
def run_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cut_short = _step(200_000, 3, **{"nutrace.unfinished": True})
    return write(
        tmp_path / "run.json",
        document(
            _scenario(0, "aaaa", 1), _scenario(100_000, "bbbb", 2), cut_short, ("config", 300_000, 310_000)
        ),
    )


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Dict[str, Any]:
    capsys.readouterr()
    assert main(["report", *arguments, "--json"]) == 0
    answer: Dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


@pytest.mark.parametrize(
    "selection", [(), ("--steps", "1:"), ("--scenario", "bbbb"), ("--scenario", "1", "--steps", "2")]
)
def test_its_figures_are_the_reports(
    run_file: Path, capsys: pytest.CaptureFixture[str], selection: List[str]
) -> None:
    report = _json(capsys, "run.json", *selection)
    tree = _json(capsys, "run.json", "--tree", *selection)
    steps = report["steps"]["count"]
    assert tree["steps"] == {"count": steps, "mean_ms": report["steps"]["mean_ms"]}
    assert tree["selection"] == report["selection"]
    for part, components in (("tree", "components"), ("beside_steps", "concurrent")):
        own: Counter[str] = Counter()
        for row in tree[part]:
            own[row["component"]] += round(row["self_ms"] * 1e6)
            assert row["total_ms_per_step"] == pytest.approx(row["total_ms"] / steps)
        assert own == {row["component"]: round(row["self_ms"] * 1e6) for row in report[components]}
    top, *below = tree["tree"]
    assert (top["span"], top["calls"], top["share"]) == ("simulation.step", steps, 1)
    assert top["total_ms"] == pytest.approx(10 * steps)
    assert all(row["depth"] > 0 for row in below)
    # One path of a name has the figures of all its spans, if they are in steps only.
    rows = {row["span"]: row for row in tree["tree"]}
    for span in report["spans"]:
        if span["name"] == "copy.deepcopy" and "--scenario" in selection:
            row = rows["copy.deepcopy"]
            assert [row[key] for key in ("calls", "self_ms", "total_ms")] == [
                span[key] for key in ("calls", "self_ms", "total_ms")
            ]


def test_it_answers_in_twenty_lines(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--tree", "run.json"]) == 0
    title, steps, beside, *rest = [part.splitlines() for part in capsys.readouterr().out.split("\n\n")]
    assert title == ["run.json: a step takes 10.00 ms, the mean of 6; real-time factor 0.10x"]
    assert len(steps) <= LINES
    names = steps[0].index("span")
    assert [line[names:] for line in steps] == [
        "span",
        "simulation.step",
        "├─ planner.compute",
        "│  ├─ planner.walk",
        "│  │  └─ planner.walk",
        "│  │     └─ copy.deepcopy",
        "│  └─ sqlite3.statement",
        "└─ observation.update",
        "   └─ … 60 more",
    ]
    assert steps[3].split() == ["40.0", "%", "4.00", "2.00", "1.0", "│", "├─", "planner.walk"]
    assert steps[-1].split() == ["6.0", "%", "0.60", "└─", "…", "60", "more"]
    assert beside == ["Started in the steps, and ran beside them on other threads"]
    assert [line.split()[-1] for line in rest[0]] == ["span", "job", "job.inner"]
    assert main(["report", "--tree", "run.json", "--limit", "0"]) == 0
    assert "more" not in (whole := capsys.readouterr().out)
    assert whole.count("observation.part") == 60


@pytest.mark.parametrize("columns", [60, 100])
def test_it_is_as_wide_as_the_terminal(run_file: Path, columns: int) -> None:
    code, got = in_terminal(
        "report", "--tree", str(run_file), columns=columns, NO_COLOR="1", COLUMNS=str(columns)
    )
    assert code == 0
    lines = [
        re.sub(r"\x1b\[[\d;]*[mK]", "", line).rpartition("\r")[2]
        for line in got.replace("\r\n", "\n").split("\n")
    ]
    assert max(map(len, lines)) <= columns
    assert any("calls" in line for line in lines) is (columns > 72)
    assert any("planner.walk" in line for line in lines)


_READS = [f"scenario.get_{what}_at_iteration" for what in ("tracked_objects", "traffic_light_status")]


@pytest.mark.parametrize(
    ("columns", "term", "names"),
    [
        (60, "xterm", ["…tracked_objects_at_it…", "…traffic_light_status_…"]),
        (60, "xterm-256color", ["get_tracked…t_iteration", "get_traffic…t_iteration"]),
        (80, "xterm-256color", ["get_tracked_objects_at_iteration", "get_traffic_light_…atus_at_iteration"]),
        (110, "xterm", _READS),
    ],
)
def test_siblings_differ_where_names_are_cut(
    tmp_path: Path, columns: int, term: str, names: List[str]
) -> None:
    """And no name is cut for the sake of a bar, nor of a prefix that the colour says."""
    reads = [
        (name, 10_000 * at, 10_000 * at + 9_000, {C: "scenario"})
        for at, name in enumerate(reversed(_READS), 1)
    ]
    update = ("observation.update", 5_000, 90_000, reads, {C: "observation"})
    propagate = ("simulation.propagate", 2_000, 91_000, [update], {C: "simulation"})
    step = ("simulation.step", 0, 100_000, [propagate], {C: "simulation"})
    file = write(tmp_path / "run.json", document(step))
    code, got = in_terminal(
        "report", "--tree", str(file), columns=columns, COLUMNS=str(columns), TERM=term, COLORTERM=""
    )
    assert code == 0
    lines = re.sub(r"\x1b\[[\d;]*[mK]", "", got).splitlines()
    got_names = [line.split()[-1] for line in lines if re.search(r"(get_|…)tra\S+$", line)]
    assert sorted(got_names) == sorted(names)
    assert max(map(len, lines[2:])) <= columns
    assert ("█" in got) is (columns > 80)


def test_names_are_cut_apart() -> None:
    names = ["a.long_name_one_of_many", "a.long_name_two_of_many", "short", "a.long_name_one_of_many"]
    for width in range(8, 24):
        one, two, short, _ = shortened_apart(names, width, "…")
        assert one != two
        assert short == "short"
        assert max(len(one), len(two)) <= width


def test_without_steps_it_is_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "run.json", document(("a", 0, 10, [("b", 0, 4)]), ("c", 10, 20)))
    tree = _json(capsys, str(path), "--tree")
    assert tree["steps"] == {"count": 0, "mean_ms": None}
    assert [(row["depth"], row["span"], row["share"]) for row in tree["tree"]] == [
        (0, "a", 0.5),
        (1, "b", 0.2),
        (0, "c", 0.5),
    ]
    assert main(["report", "--tree", str(path)]) == 0
    assert "no finished steps, so this is all of it, 0.020 ms" in capsys.readouterr().out


def test_what_was_sampled_is_marked(run_file: Path) -> None:
    stacks = [((("solve", "/a.py", 7),), 90), ((), 10)]
    trace = with_samples(load(run_file), {"planner.compute": stacks})
    lines = as_text(step_tree(trace), trace, Style(), limit=20).splitlines()
    (row,) = (line for line in lines if "solve" in line)
    assert row.split()[0] + row.split()[1] == "~13.5%"
    assert "│  ├─ ~solve" in row
    assert "~ was seen by a sampler: an estimated part of the self time above it." in lines


def test_a_tree_of_any_depth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = document(*(("simulation.step" if not at else "level", at, 6_001 - at) for at in range(3_000)))
    spans = made["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for above, span in zip(spans, spans[1:]):
        span["parentSpanId"] = above["spanId"]
    path = write(tmp_path / "run.json", made)
    assert len(_json(capsys, str(path), "--tree")["tree"]) == 3_000
    for limit, lines in (("0", 3_000), ("20", 20)):
        assert main(["report", "--tree", str(path), "--limit", limit]) == 0
        assert capsys.readouterr().out.count("─ ") <= lines


_TREES = st.recursive(
    st.tuples(st.integers(0, 1_000), st.just([])),
    lambda below: st.tuples(st.integers(0, 1_000), st.lists(below, max_size=6)),
    max_leaves=60,
)


def _node(tree: Any, name: str = "n") -> Node:
    node = Node(name, "other")
    node.self_ns, below = tree
    node.total_ns = node.self_ns
    for at, each in enumerate(below):
        child = node.children[at] = _node(each, f"{name}{at}")
        node.total_ns += child.total_ns
    return node


@settings(deadline=None)
@example([(0, [(0, [(0, [(1, [])])])])], 3)
@given(st.lists(_TREES, min_size=1, max_size=3), st.integers(3, 30))
def test_a_cut_tree_adds_up(trees: List[Any], most: int) -> None:
    roots = [_node(tree, f"r{at}") for at, tree in enumerate(trees)]
    whole_ns = sum(root.total_ns for root in roots)
    part = cut(roots, whole_ns, Limits(most))
    assert len(part.lines) <= most
    shown_ns = sum(line.node.self_ns if line.node else line.hidden_ns for line in part.lines)
    assert shown_ns + part.left_out_ns == whole_ns
    for line in part.lines:
        total_ns = line.node.total_ns if line.node else line.hidden_ns
        assert total_ns >= round(LEAST_SHARE * whole_ns) or line.node in roots

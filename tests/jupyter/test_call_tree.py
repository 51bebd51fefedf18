"""The call tree in a notebook: the figures of `nutrace report --tree`, in rows that unfold by themselves."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
from fakes.joined_samples import with_samples
from fakes.otlp import document, trace_of, write

import nutrace
from nutrace.analysis import report
from nutrace.cli.main import main
from nutrace.errors import UsageError
from nutrace.jupyter import Tree, card, tree_of
from nutrace.trace import Trace, load, views

C = "nutrace.component"
HOSTILE = "<script>alert(1)</script>'&\0\"><img src=x onerror=alert(2)>"


def _step(index: int, *more: Any) -> Any:
    """A step of 1 ms in which the planner makes many short calls, and a job runs on another thread."""
    begin = 10_000 + 2_000 * index
    scores = [
        (f"planner.score{each}", begin + 20 + 10 * each, begin + 25 + 10 * each, {C: "planner"})
        for each in range(40)
    ]
    beside = {C: "worker", "thread.id": 9}
    planner = ("planner.compute", begin + 10, begin + 800, [*scores, *more], {C: "planner"})
    job = ("job", begin + 820, begin + 920, [("job.inner", begin + 830, begin + 840, beside)], beside)
    query = ("sqlite3.statement", begin + 810, begin + 820, {C: "database"})
    told = {C: "simulation", "nutrace.step.index": index, "nutrace.step.simulated_interval_s": 0.1}
    return ("simulation.step", begin, begin + 1_000, [planner, query, job], told)


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trace:
    monkeypatch.chdir(tmp_path)
    about = {C: "simulation", "nuplan.scenario.token": "token"}
    run = ("simulation.run", 5_000, 30_000, [_step(index) for index in range(4)], about)
    write(Path("run.json"), document(("config.compose", 0, 500, {C: "config"}), run))
    shown: Trace = nutrace.load("run.json")
    return shown


class Rows(HTMLParser):
    """The rows of the trees on a page: (depth, name, numbers), and what is open."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: List[Tuple[int, List[str]]] = []
        self.open: List[str] = []
        self.tags: List[str] = []
        self.unfolded: List[str] = []
        self._cell = 0
        self._is_open: List[bool] = []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        told = dict(attrs)
        assert not [key for key in told if key.startswith("on")]
        if tag == "details":
            self._is_open.append("open" in told)
        if "nt-row" in (told.get("class") or ""):
            self.rows.append((self.open.count("ul") - 1, []))
            self._cell = len(self.open)
        elif self.rows and self._cell and len(self.open) == self._cell + 1:
            self.rows[-1][1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if len(self.open) < self._cell:
            self._cell = 0
            if tag == "summary" and self._is_open[-1]:
                self.unfolded.append(self.rows[-1][1][0])
        if tag == "details":
            self._is_open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell and self.rows[-1][1]:
            self.rows[-1][1][-1] += data


def rows(page: str) -> Rows:
    parser = Rows()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def numbers(cell: str) -> float:
    (number,) = re.findall(r"\d[\d,]*(?:\.\d+)?", cell)
    return float(number.replace(",", ""))


def test_rows_are_those_of_the_report(trace: Trace, capsys: pytest.CaptureFixture[str]) -> None:
    """And a parent comes before its children, which are one level below it."""
    assert main(["report", "--tree", "run.json", "--json"]) == 0
    told: Dict[str, Any] = json.loads(capsys.readouterr().out)
    shown = [
        (depth, cells[0], *map(numbers, cells[1:4]))
        for depth, cells in rows(trace.tree()._repr_html_()).rows
        if depth >= 0 and "more" not in cells[0]
    ]
    steps = told["steps"]["count"]
    for part in ("tree", "beside_steps"):
        for row in told[part]:
            calls, own, total = row["calls"] / steps, row["self_ms_per_step"], row["total_ms_per_step"]
            (found,) = [each for each in shown if each[1].split(" ")[0] == row["span"]]
            assert found[0] == row["depth"]
            assert found[2:] == (calls, pytest.approx(own, abs=6e-4), pytest.approx(total, abs=6e-4))
    outside = {component.component: component for component in report(trace).outside_steps}
    (run,) = [each for each in shown if each[1].startswith("simulation.run")]
    assert run[3:] == (
        pytest.approx(outside["simulation"].self_ns / 1e6),
        pytest.approx(outside["simulation"].total_ns / 1e6),
    )
    assert {each[1].split(" ")[0] for each in shown} == {*trace.name}


def test_what_is_much_is_open_and_the_rest_is_folded(trace: Trace) -> None:
    page = rows(trace.tree()._repr_html_())
    assert page.unfolded == ["simulation.step", "job (worker)"]  # of planner.compute nothing is 1 % of a step
    assert "script" not in page.tags
    below = [cells[0] for depth, cells in page.rows if depth == 2]
    assert len(below) == 40


def test_siblings_that_are_not_much_are_folded_together(tmp_path: Path) -> None:
    calls = [(f"call.{each:02}", 100 * each, 100 * each + 1 + (each < 2) * 50) for each in range(40)]
    page = rows(trace_of(tmp_path, ("top", 0, 4_001, calls)).tree()._repr_html_())
    assert page.unfolded == ["top (other)"]
    names = [(depth, cells[0].split(" ")[0]) for depth, cells in page.rows[1:5]]
    assert names == [(0, "top"), (1, "call.00"), (1, "call.01"), (1, "…")]
    assert page.rows[4][1][0] == "… 38 more"
    assert numbers(page.rows[4][1][3]) == pytest.approx(0.038)
    assert [depth for depth, _ in page.rows[5:]] == [2] * 38


def test_words_are_the_same_tree(trace: Trace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--tree", "run.json"]) == 0
    printed = capsys.readouterr().out
    text = repr(trace.tree())
    title, steps, beside, outside = text.split("\n\n")
    assert title == "run.json: a step takes 1 ms, the mean of 4"
    assert steps.split("\nLeft out")[0] in printed
    assert beside.startswith("Started in the steps, and ran beside them on other threads: 0.1 ms\n")
    assert outside.startswith("Outside the steps, whose time is left out: 21.5 ms\n")
    assert isinstance(trace.tree(), Tree)


def test_of_a_single_step_it_is_that_step(trace: Trace) -> None:
    one = trace.step(2)
    assert repr(one.tree()).startswith("step 2 of run.json: the step took 1 ms\n")
    head, first, *_ = rows(one.tree()._repr_html_()).rows
    assert [cell.strip() for cell in head[1]] == ["span", "calls", "self ms", "total ms", "share"]
    assert first[1][1:4] == [": 1 call", ", 0.200 ms self", ", 1.000 ms total, "]


def test_levels_and_times_are_chosen(trace: Trace) -> None:
    shown = rows(trace.tree(depth=1)._repr_html_()).rows
    assert {cells[0].split(" ")[0] for depth, cells in shown if depth == 1} == {
        "planner.compute",
        "sqlite3.statement",
        "job.inner",
    }
    assert [cells[0] for depth, cells in shown if depth == 2] == ["… 40 more"]
    text = repr(trace.tree(at_least_ms=0.05))
    assert "planner.score" not in text
    assert "… 1 more" not in text.split("\n\n")[1] or "sqlite3" not in text
    assert "job.inner" not in text  # it takes 0.01 ms of a step
    assert "planner.score" in repr(trace.tree(at_least_ms=0.005))


@pytest.mark.parametrize(
    "wrong",
    [{"depth": -1}, {"depth": 1.5}, {"depth": True}, {"at_least_ms": -1}, {"at_least_ms": float("nan")},
     {"at_least_ms": "1"}],
)  # fmt: skip
def test_bad_numbers_are_refused(trace: Trace, wrong: Any) -> None:
    with pytest.raises(UsageError, match=f"bad {next(iter(wrong))}"):
        trace.tree(**wrong)


def test_hostile_names_are_text(tmp_path: Path) -> None:
    tree = trace_of(tmp_path, (HOSTILE, 0, 10, [(HOSTILE * 20, 0, 4)], {C: HOSTILE})).tree()
    page = rows(tree._repr_html_())
    assert not {"script", "img"} & set(page.tags)
    assert "<script>" in page.rows[1][1][0]
    assert "\0" not in tree._repr_html_() + repr(tree)


def test_a_large_tree_is_a_small_page(tmp_path: Path) -> None:
    """Whatever is left out is counted, with its time, and the page says how to see it."""
    many = [
        (f"call.{each:05}", 20 * each, 20 * each + 10, [(f"inner.{each:05}", 20 * each, 20 * each + 5)])
        for each in range(5_000)
    ]
    tree = trace_of(tmp_path, ("top", 0, 100_001, many)).tree()
    page = tree._repr_html_()
    assert len(page.encode()) < 300_000
    shown = rows(page).rows[1:]
    named = sum("call." in cells[0] for _, cells in shown)
    assert 100 < named < 1_000
    (cells,) = [cells for _, cells in shown if cells[0].startswith("…")]
    assert numbers(cells[0]) == 5_000 - named
    assert numbers(cells[3]) == pytest.approx(0.01 * (5_000 - named))
    assert ".find(&quot;top&quot;).tree()" in page
    chosen = tree_of(tree.trace, at_least_ms=0.001)._repr_html_()
    assert sum("call." in cells[0] for _, cells in rows(chosen).rows) > 3 * named


def test_a_tree_of_any_depth(tmp_path: Path) -> None:
    """Parsers of HTML flatten what is nested too deeply."""
    made = document(*(("level", at, 6_001 - at) for at in range(3_000)))
    spans = made["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for above, span in zip(spans, spans[1:]):
        span["parentSpanId"] = above["spanId"]
    tree = load(write(tmp_path / "run.json", made)).tree()
    page = rows(tree._repr_html_())
    assert max(depth for depth, _ in page.rows) < 100
    assert "… 1 more" in page.rows[-1][1][0]
    assert "level" in repr(tree)


def test_what_was_sampled_is_marked(trace: Trace) -> None:
    sampled = with_samples(trace, {"sqlite3.statement": [((("solve", "/a.py", 7),), 90), ((), 10)]})
    page = sampled.tree()._repr_html_()
    (cells,) = [cells for _, cells in rows(page).rows if "solve" in cells[0]]
    assert cells[0] == "~solve"
    assert "~0.009 ms total" in cells[3]
    assert "~ was seen by a sampler" in page
    assert "~ was seen by a sampler" in repr(sampled.tree(depth=5))


def test_a_single_span_among_sampled_functions_has_a_row(tmp_path: Path) -> None:
    """It is unfolded, as its name takes no more rows than its number; functions with more time are folded."""
    collection = ("gc.collect", 1_000, 19_000, {C: "gc"})
    begins = range(600_000, 996_000, 22_000)
    others = [(f"call.{begin}", begin, begin + 22_000, {C: "map"}) for begin in begins]
    step = [("planner.compute", 0, 600_000, [collection], {C: "planner"}), *others]
    trace = trace_of(tmp_path, ("simulation.step", 0, 1_000_000, step, {C: "simulation"}))
    samples: Dict[str, int] = {"fA": 200, "fB": 20, "fC": 19, "": 582 - 239}
    stacks = [(((name, "/a.py", 7),) if name else (), count) for name, count in samples.items()]
    page = rows(with_samples(trace, {"planner.compute": stacks}).tree()._repr_html_())
    below = [(depth, cells[0]) for depth, cells in page.rows if depth > 1 and "call." not in cells[0]]
    assert below == [(2, "~fA"), (2, "gc.collect"), (2, "… 2 more"), (3, "~fB"), (3, "~fC")]


def test_the_card_has_the_tree(trace: Trace) -> None:
    assert "<details><summary>Call tree of the mean step</summary>" in card(trace)
    assert '<details open="open"><summary>Call tree of the step</summary>' in card(trace.step(1))
    assert "planner.score39" in card(trace)
    assert "<summary>Call tree</summary>" in card(trace.where(component="config"))


def test_a_span_shows_itself_and_what_is_below(trace: Trace) -> None:
    span = trace.where(name="planner.compute")[0]
    assert repr(span) == "<Span 0 'planner.compute': planner, 0.790 ms, 40 below>"
    page = span._repr_html_()
    assert page is not None
    assert [cells[0] for _, cells in rows(page).rows[1:3]] == ["planner.compute", "planner.score0"]
    step = trace[trace.step_indices[0]]
    # From the span on: steps below it are not the mean of anything.
    assert repr(trace[1].tree()).splitlines()[0].endswith("25 ms in 181 spans")
    assert "nutrace.step.simulated_interval_s" in (step._repr_html_() or "")


def test_a_span_says_what_went_wrong(tmp_path: Path) -> None:
    made = document((HOSTILE, 0, 10, {C: "planner", HOSTILE: HOSTILE}))
    made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["status"] = {"code": 2, "message": HOSTILE}
    page = nutrace.load(str(write(tmp_path / "run.json", made)))[0]._repr_html_()
    assert "<img" not in page
    assert page.count("&lt;img") >= 4


def test_a_scenario_says_what_was_simulated(trace: Trace) -> None:
    page = trace.simulations[0]._repr_html_()
    assert page is not None
    assert "trace.select(scenario=1)<" in page
    assert "trace.select(scenario=1).slowest()<" in page


def test_a_scenario_is_asked_for_by_what_no_other_has(tmp_path: Path) -> None:
    about = {C: "simulation", "nuplan.scenario.token": "token"}
    failed = ("simulation.run", 0, 9_000, [], about)
    again = ("simulation.run", 10_000, 30_000, [_step(index) for index in (2, 3)], about)
    made = write(tmp_path / "run.json", document(failed, again))
    trace = nutrace.load(str(made))
    first, second = trace.simulations
    assert "slowest" not in (first._repr_html_() or "")
    shown = re.findall(r">(trace\.[^<]*)<", second._repr_html_() or "")
    assert shown == ["trace.select(scenario=2)", "trace.select(scenario=2).slowest()"]
    part, slowest = (eval(each, {"trace": trace}) for each in shown)
    assert [each.attempt for each in part.simulations] == [2]
    assert len(slowest) == 2


def test_without_views_they_show_themselves_as_text(trace: Trace) -> None:
    before = views.register(None)
    try:
        assert trace[0]._repr_html_() is None
        assert trace.simulations[0]._repr_html_() is None
        with pytest.raises(nutrace.NutraceError, match=r"nutrace\.load"):
            trace.tree()
    finally:
        views.register(before)


def test_each_row_reads_as_a_sentence_without_styles(trace: Trace) -> None:
    page = re.sub(r"<style>.*?</style>", "", trace.tree()._repr_html_(), flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", "", re.sub(r"</?(div|li|summary)[^>]*>", "\n", page))
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    assert "planner.compute: 1.0 calls, 0.590 ms self, 0.790 ms total, 79.0 %" in lines
    assert "sqlite3.statement (database): 1.0 calls, 0.010 ms self, 0.010 ms total, 1.0 %" in lines
    assert "run.json: a step takes 1 ms, the mean of 4" in lines

"""The summary card: the report's figures, with names escaped, and losses shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import List, Optional, Set, Tuple

import pytest
from fakes.otlp import RESOURCE, document, priced, trace_of, write

import nutrace
from nutrace.analysis import report
from nutrace.jupyter import VIEWS, card
from nutrace.trace import Trace, load, select, views

HOSTILE = "<script>alert(1)</script>'&\0\"><img src=x onerror=alert(2)>"
VOID = {"br", "img", "hr", "meta", "input"}


def step(index: int, start: float, planner: float, **more: object) -> Tuple[object, ...]:
    """A step of 100 ms of simulated time, `planner` microseconds of it in the planner and 10 in itself."""
    told = {
        "nutrace.component": "simulation",
        "nutrace.step.index": index,
        "nutrace.step.simulated_interval_s": 0.1,
        **more,
    }
    below = ("planner.compute", start, start + planner, {"nutrace.component": "planner"})
    return ("simulation.step", start, start + planner + 10, [below], told)


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    run = {
        "nutrace.component": "simulation",
        "nuplan.scenario.type": "on_ramp",
        "nuplan.planner.name": "MyPlanner",
    }
    setup = ("config.compose", 0, 500, {"nutrace.component": "config"})
    steps = [step(0, 1000, 3000), step(1, 6000, 1000)]
    return trace_of(tmp_path, setup, ("simulation.run", 900, 9000, steps, run))


class Cells(HTMLParser):
    """The rows of the first table, and the tags seen, each of which must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: List[List[str]] = []
        self.tags: List[str] = []
        self.open: List[str] = []
        self.attributes: Set[str] = set()

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.rows and "tr" in self.open:
            self.rows[-1][-1] += data


def parsed(page: str) -> Cells:
    cells = Cells()
    cells.feed(page)
    cells.close()
    assert cells.open == []
    return cells


def words(page: str) -> str:
    """What a reader sees."""
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


def test_table_holds_the_reports_components(trace: Trace) -> None:
    rows = parsed(card(trace)).rows
    result = report(trace)
    assert [row[0] for row in rows[1 : 1 + len(result.components)]] == ["planner", "simulation"]
    assert rows[1][1:5] == ["1.0", "2.000", "2.000", "99.5 %"]  # 3 and 1 ms over two steps
    assert rows[2][1:5] == ["1.0", "0.010", "2.010", "0.5 %"]
    assert rows[3][:3] == ["sum", "", "2.010"]


def test_figures_and_title(trace: Trace) -> None:
    text = words(card(trace))
    assert "on_ramp · MyPlanner" in text
    assert "2 steps" in text
    assert "2.01 ms mean step" in text
    assert "0.02× keeps up with real time" in text
    assert "Outside the steps: 4.58 ms, mostly simulation, config" in text
    assert "no span dropped, truncated or unfinished" in text


def test_a_good_mean_does_not_hide_slow_steps(tmp_path: Path) -> None:
    simulates = {"nutrace.step.simulated_interval_s": 0.1}
    steps = [step(k, 300_000 * k, time, **simulates) for k, time in enumerate((20_000, 30_000, 120_000))]
    assert "0.57× faster than real time, but for 1 step" in words(card(trace_of(tmp_path, *steps)))


def test_losses_are_said(tmp_path: Path) -> None:
    lossy = {
        **RESOURCE,
        "nutrace.run.complete": False,
        "nutrace.spans.dropped": 7,
        "nutrace.spans.truncated": 1,
    }
    trace = trace_of(tmp_path, step(0, 0, 5), step(1, 20, 5, **{"nutrace.unfinished": True}), resource=lossy)
    page = card(trace)
    assert "7 spans dropped, 1 span with attributes cut, 1 span unfinished" in words(page)
    assert "cut short" in words(page)
    assert "did not finish, counted outside the steps: 1" in words(page)
    assert "no span dropped" not in words(page)


def test_scenarios_that_did_not_go_as_they_should_are_said(tmp_path: Path, trace: Trace) -> None:
    assert "▲" not in card(trace)
    run = {"nuplan.scenario.token": "5f", "nuplan.planner.name": "MyPlanner"}
    tree = document(
        ("simulation.run", 0, 5000, [step(0, 0, 10)], {**run, "nutrace.unfinished": True}),
        ("simulation.run", 9000, 9900, [step(0, 9000, 10)], run),
    )
    page = card(load(write(tmp_path / "run.json", tree)))
    assert "2 scenarios: 1 cut short, 1 simulated again" in page
    assert "<strong>2 scenarios · MyPlanner</strong>" in page


def test_own_cost_is_said(tmp_path: Path) -> None:
    costly = {**RESOURCE, "nutrace.overhead.estimated_ns": 2_000_000}
    trace = trace_of(tmp_path, ("work", 0, 100_000), resource=costly)
    assert "nutrace itself cost at least 2 ms, 2.00 % of the wall time" in words(card(trace))


def test_waits_that_were_taken_out_are_not_in_the_own_cost(tmp_path: Path) -> None:
    costly = {**RESOURCE, "nutrace.overhead.estimated_ns": 2_000_000}
    waited = trace_of(tmp_path, ("work", 0, 100_000, {"nutrace.own_ns": 9_000_000}), resource=costly)
    told = "own time taken out of the spans"
    assert f"{told}, with waits for the writer, which the cost below leaves out" in words(card(waited))
    assert "cost below" not in words(card(waited.merged()))


def test_a_trace_made_from_another_claims_no_own_cost_of_the_run(tmp_path: Path) -> None:
    twice = ("work", 0, 100_000, [("a", 0, 10), ("a", 20, 30)])
    trace = trace_of(tmp_path, twice, resource=priced(call=1000))
    assert "nutrace itself cost" in card(trace)
    for made in (trace.merged(), trace.pruned(depth=0)):
        assert len(made) < len(trace)
        assert "nutrace itself cost" not in card(made)
        assert report(made).overhead.share is None


def test_selection_names_itself_and_claims_nothing_of_the_run(trace: Trace) -> None:
    text = words(card(select(trace, steps=0)))
    assert text.startswith("Step 0 of run.json")
    assert "1 step 3.01 ms the step took" in text
    assert "wall time" not in text
    assert "in the whole run" in text


def test_spans_from_inside_of_steps_have_a_card(trace: Trace) -> None:
    part = nutrace.load(trace.path).where(component="planner")
    assert words(card(part)).startswith("Component planner of run.json · 2 spans")
    assert part.scenarios().index.tolist() == [1]


def test_names_are_escaped(tmp_path: Path) -> None:
    run = {
        "nutrace.component": "simulation",
        "nuplan.scenario.type": HOSTILE,
        "nuplan.planner.name": HOSTILE,
    }
    resource = {**RESOURCE, "process.command_args": [HOSTILE]}
    folder = tmp_path / "<b>"
    folder.mkdir()
    content = document(("simulation.run", 0, 100, [step(0, 1, 50)], run), resource=resource)
    page = card(load(write(folder / "<script>x.json", content)))
    cells = parsed(page)
    assert not {"script", "img"} & set(cells.tags)
    assert cells.attributes <= {"class", "title", "style", "scope", "colspan", "open"}
    assert "\0" not in page
    page.encode("utf-8")


def test_trace_without_steps_or_time_has_a_card(tmp_path: Path) -> None:
    page = card(trace_of(tmp_path, ("GET /", 5, 5)))
    rows = parsed(page).rows
    assert rows[1][:2] == ["other", "1"]
    assert "mean step" not in words(page)


def test_public_load_shows_the_card(trace: Trace, tmp_path: Path) -> None:
    before = views.register(None)
    try:
        assert trace._repr_html_() is None
        shown = nutrace.load(trace.path)
        assert shown._repr_html_() == card(shown)
        assert repr(shown).startswith("<Trace ")
        assert "\n" not in repr(shown)
    finally:
        views.register(before)


def test_without_views_a_table_says_what_to_do(trace: Trace) -> None:
    before = views.register(None)
    try:
        with pytest.raises(nutrace.NutraceError, match=r"nutrace\.load"):
            trace.steps()
        assert views.register(VIEWS) is None
        assert len(trace.steps()) == 2
    finally:
        views.register(before)


def test_words_stand_apart_where_styles_are_stripped(trace: Trace) -> None:
    shown = card(trace)
    text = re.sub(r"<[^>]*>", "", re.sub(r"<(/?(div|tr|details|summary)|/th|/td)[^>]*>", "\n", shown))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert any(re.fullmatch(r"[\d,]+ steps?", line) for line in lines)
    assert any(re.fullmatch(r"\S.* run\.json · .*", line) for line in lines)

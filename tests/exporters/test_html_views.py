"""The flamegraph page's views in a real browser: inverted, callers and callees, the table of all spans."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from browsing import Opened, Shown, at, colour_at, press, text, visit, wait
from fakes.otlp import envelope, spans, trace_of, write
from two_sides import built, run, step

from nutrace.trace import Trace, load
from nutrace_exporters import diffpage

pytestmark = pytest.mark.browser

C = "nutrace.component"
DATABASE, PLANNER, OBSERVATION = {C: "database"}, {C: "planner"}, {C: "observation"}
UP, DOWN, PAGE_DOWN, ESCAPE, ENTER = "\ue013", "\ue015", "\ue00f", "\ue00c", "\ue007"

#: Names from the top of a tree to each item, its edges (us), and the calls that it stands for, by lane.
ITEMS = """
const s = nutrace.scene, t = nutrace.trace;
return Array.from(s.frame, (frame, item) => {
  const path = [];
  for (let i = item; i >= 0; i = s.parent[i]) path.unshift(t.frames[s.frame[i]].name);
  return [s.laneOf[item], path.join(" / "), s.left[item] / 1000, s.right[item] / 1000, s.nodes.calls[item]];
});
"""

#: Finds an item by its name.
ITEM_NAMED = "((name) => nutrace.scene.frame.findIndex((frame) => nutrace.trace.frames[frame].name === name))"

#: The names of the frames that are not faded, in time order.
LIT = """
const t = nutrace.trace;
return t.frames.flatMap(({ name }, frame) => (nutrace.faded(t.frame.indexOf(frame), frame) ? [] : [name]));
"""


@pytest.fixture
def connections(tmp_path: Path) -> Trace:
    """Two steps (us), a query that the planner and the observation make, and one on a thread of its own."""
    compute = (
        "planner.compute",
        0,
        60,
        [("connect", 10, 30, DATABASE), ("planner.compute_trajectory", 30, 50, PLANNER)],
        PLANNER,
    )
    look = (
        "look",
        60,
        90,
        [("connect", 62, 66, DATABASE), ("connect", 66, 72, [("open file", 67, 70, DATABASE)], DATABASE)],
        OBSERVATION,
    )
    index = {C: "simulation", "nutrace.step.index": 0}
    first = ("simulation.step", 0, 100, [compute, look], index)
    second = (
        "simulation.step",
        100,
        150,
        [("look", 100, 140, OBSERVATION)],
        {**index, "nutrace.step.index": 1},
    )
    beside = (
        "loader",
        0,
        80,
        [("connect", 20, 70, {**DATABASE, "thread.id": 2})],
        {C: "worker", "thread.id": 2},
    )
    return trace_of(tmp_path, ("simulation.run", 0, 160, [first, second], {C: "simulation"}), beside)


def items(browser: Any, lane: int = 0) -> Dict[str, Tuple[float, float, int]]:
    rows = browser.execute_script(ITEMS)
    return {path: (left, right, calls) for of, path, left, right, calls in rows if of == lane}


def rows_of(browser: Any) -> List[List[str]]:
    """The texts of the table's rows, without the button at their ends."""
    return [
        [cell.get_attribute("textContent") for cell in row.find_elements("css selector", "th, td")][:-1]
        for row in browser.find_elements("css selector", "#spans tbody tr")
    ]


def row_named(browser: Any, name: str) -> Any:
    rows = browser.find_elements("css selector", "#spans tbody tr")
    return next(row for row in rows if row.find_element("css selector", ".span-name").accessible_name == name)


def test_inverted_has_kinds_by_self_time_and_their_callers(connections: Trace, opened: Opened) -> None:
    browser = opened(connections)
    browser.find_element("id", "view-inverted").click()
    shown = items(browser)
    roots = sorted((left, path) for path, (left, _, _) in shown.items() if " / " not in path)
    # connect 20 + 4 + 3 + 50, look 20 + 40, loader 30, then 20 each.
    assert [path for _, path in roots][:3] == ["connect", "look", "loader"]
    assert shown["connect"] == (0, 77, 4)
    assert shown["connect / loader"] == (0, 50, 1)
    assert shown["connect / planner.compute"] == (50, 70, 1)
    assert shown["connect / look"] == (70, 77, 2)
    assert shown["connect / look / simulation.step / simulation.run"] == (70, 77, 2)
    assert shown["open file / connect / look"][2] == 1
    at(browser, 75, 1).click().perform()
    told = text(browser, "#details")
    assert told.startswith("look")
    assert "2 of 4 calls of connect" in told
    assert "7.00 µs · 9.1 % of connect, in these calls" in told
    # Crumbs lead from the calls to their callers, and say so.
    before = (
        "return getComputedStyle(document.querySelector('#crumbs .crumb:last-child'), '::before').content"
    )
    assert browser.execute_script(before) == '"‹"'
    # There and back: the kind keeps the focus, and the search marks callers too.
    press(browser, "v")
    assert browser.execute_script("return nutrace.scene.kind") == "time"
    assert "look" in text(browser, "#crumbs")
    press(browser, "i", "/", "file")
    matching = "return Array.from(nutrace.scene.frame, (_, item) => nutrace.matching(item))"
    marked = browser.execute_script(matching)
    paths = [path for _, path, *_ in browser.execute_script(ITEMS)]
    assert [path for path, found in zip(paths, marked) if found] == ["open file"]
    assert "view=inverted" in browser.execute_script("return nutrace.address.text")


def test_who_calls_this_is_one_click(connections: Trace, opened: Opened) -> None:
    browser = opened(connections, "#table=self")
    row_named(browser, "connect").find_element("css selector", ".span-callers").click()
    assert browser.execute_script("return nutrace.scene.lanes.map(({ name }) => name)") == [
        "Callers",
        "Callees",
    ]
    callers, callees = items(browser, 0), items(browser, 1)
    assert callers["connect"] == callees["connect"] == (0, 80, 4)
    assert callers["connect / look"] == (70, 80, 2)
    assert callees["connect / open file"] == (0, 3, 1)
    # Callers stand above the calls, callees below.
    row = "const s = nutrace.scene; return Array.from(s.row, (row) => nutrace.chart.rowTop[row])"
    tops = dict(
        zip([(lane, path) for lane, path, *_ in browser.execute_script(ITEMS)], browser.execute_script(row))
    )
    assert tops[0, "connect / look / simulation.step"] < tops[0, "connect / look"] < tops[0, "connect"]
    assert tops[0, "connect"] < tops[1, "connect"] < tops[1, "connect / open file"]
    details = text(browser, "#details").split("\n")
    called_by = details[details.index("Called by") + 1 : details.index("Calls", details.index("Called by"))]
    assert called_by == ["look", "2 calls", "loader", "1 call", "planner.compute", "1 call"]
    assert "callers and callees of connect, database, Calls 4" in text(browser, "#announcer")
    # By keyboard, up is towards the callers, and down from the calls is towards the callees.
    focused = "return nutrace.trace.frames[nutrace.scene.frame[nutrace.look.focus]].name"
    press(browser, DOWN)
    browser.execute_script("nutrace.choose(0)")
    press(browser, UP)
    assert browser.execute_script(focused) == "loader", "the costliest caller"
    press(browser, DOWN, DOWN, DOWN)
    assert browser.execute_script(focused) == "open file"
    press(browser, "k")
    assert text(browser, "#details").startswith("open file")
    browser.find_element("css selector", "#details button.cost-row").click()
    assert browser.execute_script("return nutrace.trace.kinds[nutrace.kind].name") == "connect", (
        "a caller is a link"
    )
    address = browser.execute_script("return nutrace.address.text")
    assert "view=sandwich&" in address
    assert "kind=connect" in address
    visit(browser, browser.current_url.split("#")[0] + address)
    assert items(browser, 0) == callers
    press(browser, ESCAPE)
    assert browser.execute_script("return [nutrace.scene.kind, nutrace.kind >= 0]") == ["merged", True]


def test_a_button_of_a_selected_span_leads_to_its_callers(connections: Trace, opened: Opened) -> None:
    browser = opened(connections)
    at(browser, 20, 5).click().perform()
    assert text(browser, "#details").startswith("connect")
    browser.find_element("css selector", "#details .callers-open").click()
    assert browser.execute_script("return nutrace.scene.kind") == "sandwich"
    assert items(browser, 0)["connect"] == (0, 80, 4)


def test_the_table_sorts_is_searched_and_picks_exactly_one_kind(connections: Trace, opened: Opened) -> None:
    browser = opened(connections)
    press(browser, "l")
    assert text(browser, "#spans-note") == "8 kinds of spans"
    assert browser.find_element("css selector", "th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert rows_of(browser)[0] == ["connect", "database", "4", "77.0 µs", "32.1 %", "80.0 µs", ""]
    browser.find_element("css selector", "th.of-calls button").click()
    assert browser.find_element("css selector", "th[aria-sort]").text.startswith("Calls")
    assert [row[0] for row in rows_of(browser)][:2] == ["connect", "look"]
    browser.find_element("css selector", "th.of-name button").click()
    names = [row[0] for row in rows_of(browser)]
    assert names == sorted(names), "names are sorted from A at first"
    press(browser, "/", "planner")
    assert text(browser, "#spans-note") == "2 of 8 kinds of spans match the search"
    assert [row[0] for row in rows_of(browser)] == ["planner.compute", "planner.compute_trajectory"]
    press(browser, ESCAPE)
    row_named(browser, "planner.compute").click()
    assert browser.execute_script(LIT) == ["planner.compute"], "and not planner.compute_trajectory"
    assert text(browser, "#details").startswith("planner.compute\nplanner\nCalls\n1\n")
    assert (
        row_named(browser, "planner.compute")
        .find_element("css selector", "button")
        .get_attribute("aria-pressed")
        == "true"
    )
    # Arrow keys go from row to row, and the keyboard's Enter picks.
    browser.execute_script(
        "document.activeElement.blur(); document.querySelector('#spans tr.picked .span-name').focus()"
    )
    press(browser, DOWN, ENTER)
    assert browser.execute_script(LIT) == ["planner.compute_trajectory"]
    # The row stays in focus while another view is drawn.
    press(browser, "k")
    assert browser.execute_script("return document.activeElement.ariaLabel") == "planner.compute_trajectory"
    press(browser, ESCAPE, "v")
    address = browser.execute_script("return nutrace.address.text")
    assert "kind=planner.compute_trajectory" in address
    assert "table=name:up" in address
    visit(browser, browser.current_url.split("#")[0] + address)
    assert [row[0] for row in rows_of(browser)] == names
    assert browser.execute_script(LIT) == ["planner.compute_trajectory"]
    browser.find_element("id", "spans-close").click()
    assert not browser.find_element("id", "spans").is_displayed()
    browser.find_element("css selector", "#costliest .cost-row[aria-pressed=true]").click()
    assert browser.execute_script("return nutrace.kind") == -1, "once more, and it is not picked"


def test_of_thousands_of_rows_those_in_sight_are_made(tmp_path: Path, opened: Opened) -> None:
    many = [(f"kind {k:04}", 10 * k, 10 * k + 5) for k in range(5000)]
    browser = opened(trace_of(tmp_path, *many))
    rows = (
        "return Array.from(document.querySelectorAll('#spans tbody tr[data-kind]'),"
        " (row) => Number(row.getAttribute('aria-rowindex')) - 2)"
    )
    press(browser, "l")
    assert browser.execute_script(rows)[0] == 0
    assert len(browser.execute_script(rows)) < 100
    assert text(browser, "#spans-note") == "5,000 kinds of spans"
    browser.execute_script("const list = document.getElementById('spans-list'); list.scrollTop = 65000")
    wait(lambda: 2400 < browser.execute_script(rows)[0] < 2500)
    assert len(browser.execute_script(rows)) < 100
    browser.execute_script("nutrace.spanTable.sortBy('name', true); nutrace.pickKind(4000)")
    picked = browser.find_element("css selector", "#spans tr.picked")
    assert picked.find_element("css selector", ".span-name").accessible_name == "kind 4000", (
        "what is picked is in sight"
    )
    browser.execute_script("arguments[0].focus()", picked.find_element("css selector", ".span-name"))
    press(browser, *[PAGE_DOWN] * 5)
    assert browser.execute_script("return document.activeElement.ariaLabel") == "kind 4050"
    took = browser.execute_script(
        "const began = performance.now();"
        "for (const key of ['name', 'self', 'name', 'calls']) {"
        "  nutrace.spanTable.sortBy(key); document.body.offsetHeight;"
        "}"
        "return (performance.now() - began) / 4"
    )
    assert took < 2000, "ms for a click on a head"


def test_a_thread_of_several_can_be_shown_alone(connections: Trace, opened: Opened) -> None:
    from selenium.webdriver.support.ui import Select

    browser = opened(connections)
    field = browser.find_element("id", "threads")
    options = [option.text for option in Select(field).options]
    assert [option.split(": ")[-1] for option in options] == ["All 2 threads", "80.0 µs", "160 µs"]
    lanes = "return nutrace.scene.lanes.map(({ number }) => number)"
    Select(field).select_by_index(1)
    assert browser.execute_script(lanes) == [0]
    assert "thread=0" in browser.execute_script("return nutrace.address.text")
    press(browser, "v")
    assert not field.is_displayed()
    tops = "return Array.from(nutrace.scene.parent).filter((above) => above < 0).length"
    assert browser.execute_script(tops) == 2, "what both threads did is merged"
    # What is chosen there is shown, whatever its thread is.
    browser.execute_script(f"nutrace.focusOn({ITEM_NAMED}('planner.compute'))")
    press(browser, "v")
    assert browser.execute_script(lanes) == [0, 1]


def test_lanes_that_work_come_first(tmp_path: Path, opened: Opened) -> None:
    work = {"nutrace.component": "planner"}
    lines = []
    for pid, start, end in ((100, 0, 20), (101, 5, 6), (102, 10, 90), (103, 7, 60)):
        main = {"thread.id": pid}
        tree = ("run", start, end, [("plan", start, end - 0.5, {**work, **main})], main)
        lines.append(envelope(spans(tree, first_id=10 * pid), {"process.pid": pid}))
    browser = opened(load(write(tmp_path / "run.json", *lines)))
    lanes = "return nutrace.scene.lanes.toSorted((a, b) => a.top - b.top).map(({ name }) => name)"
    expected = ["process 100", "process 102", "process 103", "process 101"]
    assert browser.execute_script(lanes) == expected
    busiest = browser.execute_script("return nutrace.scene.lanes[1].base")
    at(browser, 89.8, busiest).click().perform()
    chosen = browser.execute_script("return nutrace.scene.right[nutrace.look.focus]")
    assert chosen == 90_000, "a lane is where it is drawn"
    press(browser, "h")
    assert len(browser.execute_script("return [...nutrace.hidden]")) == 1
    assert browser.execute_script(lanes) == expected, "they stay where they are"


def test_equal_stacks_of_threads_and_processes_are_one(tmp_path: Path, opened: Opened) -> None:
    lines = []
    for process in range(3):
        trees: List[Any] = []
        for thread in range(2):
            work = ("work", 10, 50, {"thread.id": thread})
            trees.append(("task", 0, 100, [work], {"thread.id": thread}))
        lines.append(envelope(spans(*trees, first_id=1 + 100 * process), {"process.pid": 100 + process}))
    browser = opened(load(write(tmp_path / "run.json", *lines)), "#view=merged")
    assert browser.execute_script("return nutrace.timeScene.allLanes.length") == 6
    assert items(browser) == {"task": (0, 600, 6), "task / work": (0, 240, 6)}
    assert "6 threads together" in browser.execute_script("return nutrace.scene.lanes[0].name")


def test_sampled_functions_have_callers_too(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled, "#view=inverted")
    shown = items(browser)
    # As in the merged view: 205 us below plan, and 200 in norm.
    assert {path.split(" / ")[1] for path in shown if path.startswith("score / ")} == {"plan"}
    listed = text(browser, "#costliest").split("\n")
    left, right, calls = shown["score"]
    assert f"{(right - left) / 1760:.1%}".replace("%", " %") == listed[listed.index("score") + 1].replace(
        "≈ ", ""
    )
    assert calls == 0
    press(browser, "l")
    assert row_named(browser, "score").find_element("css selector", ".of-self").text.startswith("≈ ")
    row_named(browser, "score").find_element("css selector", ".span-callers").click()
    assert "score / plan" in items(browser, 0)
    assert "score / norm" in items(browser, 1)
    press(browser, "m")
    assert browser.execute_script("return nutrace.scene.kind") == "merged", "without samples it has no calls"


def test_two_sides_have_no_such_views(tmp_path: Path, shown: Shown) -> None:
    base = run(tmp_path, "base", step(0, 0, 100, ("plan", 0, 30)))
    new = run(tmp_path, "new", step(0, 0, 100, ("plan", 0, 50)))
    browser = partial(shown, diffpage)(built(base, new), "#view=sandwich&kind=plan&table=self&thread=1")
    for name in ("view-inverted", "view-sandwich", "spans-open", "spans", "threads"):
        assert not browser.find_element("id", name).is_displayed(), name
    press(browser, "i", "k", "l")
    assert browser.execute_script("return nutrace.scene.kind") == "merged"
    at(browser, 20, 1).click().perform()
    assert not browser.find_elements("css selector", "#details .callers-open")


def test_what_is_foreign_in_an_address_is_forgiven(connections: Trace, opened: Opened) -> None:
    browser = opened(connections, "#view=sandwich&kind=%3Cscript%3E&of=7&table=__proto__&thread=99999")
    assert browser.execute_script("return nutrace.scene.kind") == "sandwich"
    assert browser.execute_script("return nutrace.trace.kinds[nutrace.kind].name") == "connect", (
        "the costliest"
    )
    assert colour_at(browser, 40, 0)
    assert rows_of(browser)[0][0] == "connect"

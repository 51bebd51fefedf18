"""Components that are hidden, or shown alone, on the flamegraph page."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest
from browsing import Opened, press, text, visit, wait
from fakes.otlp import trace_of
from simulations import run_file
from test_html_samples import nodes_of_page

from nutrace.trace import Trace, load

pytestmark = pytest.mark.browser

ESCAPE = "\ue00c"

#: Of each span, the row in its lane, and the names around it, the outermost first; [] if it is not drawn.
DRAWN = """
const { scene, trace } = nutrace;
return Array.from(scene.row, (row, span) => {
  if (row < 0) return [];
  const path = [];
  for (let at = span; at >= 0; at = scene.parent[at]) path.unshift(trace.frames[trace.frame[at]].name);
  const lane = scene.allLanes.find(({ number }) => number === trace.thread[span]);
  return [row - lane.base, path.join(";")];
});
"""

ENDS = "return [nutrace.scene.left, nutrace.scene.right].map((edges) => Array.from(edges))"


@pytest.fixture
def run(tmp_path: Path) -> Trace:
    return load(run_file(tmp_path / "run.json", 3))


def visible_paths(trace: Trace, hidden: Set[str]) -> List[List[str]]:
    """By span, the names of the spans around it on its thread, and its own, without those that are hidden."""
    paths: List[List[str]] = []
    for span in range(len(trace)):
        parent = trace.parent[span]
        nested = parent >= 0 and trace.thread[parent] == trace.thread[span]
        around = paths[parent] if nested else []
        paths.append(around if trace.component[span] in hidden else [*around, trace.name[span]])
    return paths


def control(browser: Any, label: str) -> Any:
    return browser.find_element("css selector", f'#legend [aria-label="{label}"]')


def click(browser: Any, label: str) -> None:
    browser.execute_script("arguments[0].click()", control(browser, label))


def check(browser: Any, trace: Trace, hidden: Set[str]) -> None:
    """Both views show what is not hidden, below what is around it, and no other time."""
    paths = visible_paths(trace, hidden)
    expected = [
        [] if trace.component[span] in hidden else [len(paths[span]) - 1, ";".join(paths[span])]
        for span in range(len(trace))
    ]
    assert browser.execute_script(DRAWN) == expected
    press(browser, "v")
    of_page: Dict[str, List[int]] = defaultdict(lambda: [0, 0])
    for path, total, own, _ in nodes_of_page(browser):
        of_page[path] = [of_page[path][0] + total, of_page[path][1] + own]
    of_trace: Dict[str, List[int]] = defaultdict(lambda: [0, 0])
    for span, path in enumerate(paths):
        if trace.component[span] in hidden:
            continue
        for depth in range(1, len(path) + 1):
            of_trace[";".join(path[:depth])][0] += trace.self_ns[span]
        of_trace[";".join(path)][1] += trace.self_ns[span]
    assert dict(of_page) == dict(of_trace)
    press(browser, "v")


def self_times(trace: Trace) -> Dict[str, int]:
    times: Dict[str, int] = defaultdict(int)
    for component, own in zip(trace.component, trace.self_ns):
        times[component] += own
    return dict(times)


def test_hidden_components_leave_both_views(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    legend = text(browser, "#legend")
    assert not browser.find_element("id", "hidden-text").is_displayed()
    ends = browser.execute_script(ENDS)
    click(browser, "Hide planner")
    assert "Hidden: planner" in browser.execute_script(
        "return document.getElementById('announcer').textContent"
    )
    check(browser, run, {"planner"})
    # The figures are those of the run, and the legend says what no bar has.
    assert text(browser, "#legend") == legend
    share = 100 * self_times(run)["planner"] / sum(self_times(run).values())
    told = text(browser, "#hidden-text")
    assert told.startswith("Hidden: planner. Its self time, ")
    assert f"({share:.1f} %)" in told
    # In time, all stays where it was.
    assert browser.execute_script(ENDS) == ends
    click(browser, "Hide map")
    check(browser, run, {"planner", "map"})
    assert browser.execute_script("return location.hash") == "#hide=planner&hide=map"
    address = browser.current_url
    visit(browser, address)
    assert browser.current_url == address
    check(browser, run, {"planner", "map"})
    assert control(browser, "Hide map").get_attribute("aria-pressed") == "true"
    click(browser, "Hide map")
    # The browser goes back by what was done, and forward again.
    browser.back()
    wait(lambda: browser.execute_script("return nutrace.hidden.size") == 2)
    browser.forward()
    wait(lambda: browser.execute_script("return nutrace.hidden.size") == 1)
    check(browser, run, {"planner"})
    # What is hidden matches nothing that is drawn.
    browser.execute_script("nutrace.setView('merged'); nutrace.searchFor('/^(plan|score)$/')")
    count = sum(name in ("plan", "score") for name in run.name)
    assert text(browser, "#matches").endswith(f" · {count:,} spans, {count:,} hidden")
    assert browser.execute_script("return nutrace.finder.itemMatches.includes(1)") is False
    browser.execute_script("nutrace.searchFor(''); nutrace.setView('time')")
    browser.find_element("id", "show-all").click()
    check(browser, run, set())
    assert browser.execute_script("return location.hash") == ""


def test_a_component_alone(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    others = set(run.component) - {"database"}
    click(browser, "Show database alone")
    check(browser, run, others)
    assert control(browser, "Show database alone").get_attribute("aria-pressed") == "true"
    widths = browser.execute_script(
        "nutrace.setView('merged'); const s = nutrace.scene; nutrace.setView('time');"
        "return Array.from(s.parent).reduce((sum, parent, k) => parent < 0 ? sum + s.total[k] : sum, 0)"
    )
    assert widths == self_times(run)["database"]
    sums = browser.execute_script(
        "const sum = (scene, lane) => Array.from(scene.parent).reduce("
        "  (total, parent, k) => parent < 0 && scene.laneOf[k] === lane ? total + scene.total[k] : total, 0);"
        "nutrace.setView('inverted'); const inverted = sum(nutrace.scene, 0);"
        "nutrace.showCallers(nutrace.trace.kinds.findIndex(({ name }) => name === 'query'));"
        "const sandwich = [0, 1].map((lane) => sum(nutrace.scene, lane));"
        "nutrace.pickKind(nutrace.kind); nutrace.setView('time'); return [inverted, ...sandwich]"
    )
    assert sums[0] == self_times(run)["database"]
    assert sums[1] == sums[2] > 0, "callers and callees are as wide as one another"
    click(browser, "Show database alone")
    check(browser, run, set())
    for component in set(run.component):
        click(browser, f"Hide {component}")
    check(browser, run, set(run.component))  # nothing at all is left, and nothing throws
    press(browser, "0", "w", "d", "n", "v", "v", ESCAPE, ESCAPE)
    check(browser, run, set())


def test_keys_hide_and_isolate(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    press(browser, "h")
    assert "Choose a span" in browser.execute_script(
        "return document.getElementById('announcer').textContent"
    )
    span = next(i for i in range(len(run)) if run.component[i] == "planner" and run.subtree_end[i] > i + 2)
    browser.execute_script("nutrace.focusOn(arguments[0], false)", span)
    view = browser.execute_script("return nutrace.chart.view")
    press(browser, "h")
    check(browser, run, {"planner"})
    browser.execute_script(
        "nutrace.focusOn(-1, false); nutrace.focusOn(arguments[0], false)", run.parent[span]
    )
    press(browser, "h", "h")
    assert view != browser.execute_script("return nutrace.chart.view")
    browser.execute_script("nutrace.searchFor('plan')")
    assert text(browser, "#matches").endswith(" hidden")
    browser.execute_script(
        "nutrace.searchFor(''); nutrace.hidden.size && document.getElementById('show-all').click()"
    )
    row = next(row for row in browser.find_elements("css selector", ".legend-row") if "database" in row.text)
    row.click()
    press(browser, "H")
    check(browser, run, set(run.component) - {"database"})
    press(browser, "H")
    check(browser, run, set())


def test_zoom_and_focus_stay(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    state = "const { view } = nutrace.chart; return [nutrace.look.focus, view.from, view.to]"
    span = next(
        i
        for i in range(len(run))
        if run.component[i] == "database" and run.component[run.parent[i]] == "planner"
    )
    browser.execute_script("nutrace.focusOn(arguments[0], false)", span)
    before = browser.execute_script(state)
    click(browser, "Hide planner")
    assert browser.execute_script(state) == before
    browser.back()
    wait(lambda: browser.execute_script("return nutrace.hidden.size") == 0)
    assert browser.execute_script(state) == before
    browser.forward()
    wait(lambda: browser.execute_script("return nutrace.hidden.size") == 1)
    assert browser.execute_script(state) == before
    click(browser, "Hide database")
    around = browser.execute_script("return nutrace.look.focus")
    assert run.component[around] == "simulation", "what is around the span that was hidden"
    assert browser.execute_script(state)[1:] == before[1:]
    # The focus of a button that was clicked stays on it, for those who use the keyboard.
    control(browser, "Hide database").send_keys(" ")
    assert (
        browser.execute_script("return document.activeElement.getAttribute('aria-label')") == "Hide database"
    )


def test_small_components_are_folded(tmp_path: Path, opened: Opened) -> None:
    """Of six components, four have less than a hundredth of the self time: 50, 10, 5 and 2 of 10,000 us."""
    names = ("planner", "map", "database", "controller", "history")
    ends = (0, 9_000, 9_050, 9_060, 9_065, 9_067)
    children = [
        (name, start, end, {"nutrace.component": name}) for name, start, end in zip(names, ends, ends[1:])
    ]
    step = {"nutrace.component": "simulation", "nutrace.step.index": 0}
    browser = opened(trace_of(tmp_path, ("simulation.step", 0, 10_000, children, step)))

    def rows() -> List[str]:
        return [row.text for row in browser.find_elements("css selector", "#legend .legend-name")]

    def more() -> List[str]:
        return [button.text for button in browser.find_elements("css selector", "#legend .legend-more")]

    assert (rows(), more()) == (["planner", "simulation"], ["4 more"])
    # What is picked or hidden is in sight, and folded again when it is neither.
    pick = "nutrace.highlightComponent(nutrace.componentOrder[4])"
    browser.execute_script(pick)
    assert (rows(), more()) == (["planner", "simulation", "controller"], ["3 more"])
    press(browser, "h")
    browser.execute_script(pick)
    assert browser.execute_script("return [nutrace.highlight, nutrace.hidden.size]") == [-1, 1]
    assert (rows(), more()) == (["planner", "simulation", "controller"], ["3 more"])
    browser.find_element("id", "show-all").click()
    assert (rows(), more()) == (["planner", "simulation"], ["4 more"])

    button = browser.find_element("css selector", ".legend-more")
    assert button.get_attribute("aria-expanded") == "false"
    button.send_keys(" ")
    everything = ["planner", "simulation", "map", "database", "controller", "history"]
    assert (rows(), more()) == (everything, [])
    # Who uses the keyboard is at the first of them, and who listens is told.
    assert browser.execute_script("return document.activeElement.innerText").startswith("map")
    told = browser.execute_script("return document.getElementById('announcer').textContent")
    assert told == "4 more components: map, database, controller, history"
    # They stay, also when something else is selected.
    browser.execute_script("document.activeElement.blur(); nutrace.selectAllSteps()")
    assert (rows(), more()) == (everything, [])

"""Scenarios on the flamegraph page: their row above the steps, the picker, addresses and selections."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from browsing import Opened, go_to, press, text, visit, wait
from fakes.otlp import trace_of
from simulations import Simulated, benchmark_file, run_file
from test_html_samples import nodes_of_page

from nutrace.trace import Trace, load, select
from nutrace_exporters.calltree import merge, walk

pytestmark = pytest.mark.browser

ENTER, ESCAPE, DOWN = "\ue007", "\ue00c", "\ue015"

SELECTED = """
const { trace, selection } = nutrace;
return selection && selection.steps.map((position) => {
  const { scenario, iteration } = trace.steps[position];
  return [trace.scenarios[scenario].number, iteration];
});
"""


@pytest.fixture
def run(tmp_path: Path) -> Trace:
    """aaaa: steps 3 to 6. bbbb failed after 2 steps, bbbb#2 is slower; cccc failed before its first step."""
    return load(run_file(tmp_path / "scenarios.json", 1))


def selected(browser: Any) -> List[Tuple[int, int]]:
    return sorted(tuple(pair) for pair in browser.execute_script(SELECTED) or [])


def addresses(trace: Trace, **chosen: Any) -> List[Tuple[int, int]]:
    return sorted(select(trace, **chosen).step_addresses)


def drag(browser: Any, first: Tuple[str, int], last: Tuple[str, int]) -> None:
    """Drag over the strip from one step to another, each given by the scenario's name and iteration."""
    from selenium.webdriver.common.action_chains import ActionChains

    places = [
        browser.execute_script(
            "const [name, iteration] = arguments[0], { strip, trace } = nutrace;"
            "const order = strip.shown.findIndex((position) => trace.steps[position].iteration === iteration"
            "  && trace.scenarios[trace.steps[position].scenario].name === name);"
            "const box = strip.canvas.getBoundingClientRect();"
            "return [box.left + (order + 0.5) * box.width / strip.shown.length, box.top + 20]",
            where,
        )
        for where in (first, last)
    ]
    actions = ActionChains(browser)
    pointer = actions.w3c_actions.pointer_action
    pointer.move_to_location(*map(int, places[0]))
    pointer.pointer_down()
    pointer.move_to_location(*map(int, places[1]))
    pointer.pointer_up()
    actions.perform()


def test_the_picker_has_the_slowest_first_and_says_what_failed(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    press(browser, "p")
    rows = [row.text.split("\n") for row in browser.find_elements("css selector", "button.pick-row")]
    means = {each.name: [run.busy_ns[step] for step in each.steps] for each in run.simulations}
    means["dddd"] = means["dddd"][:-1]  # the last step did not end
    order = sorted(means, key=lambda name: -sum(means[name]) / (len(means[name]) or 1))
    assert [row[0] for row in rows] == order
    trouble = {row[0]: row[2] for row in rows}
    assert trouble["bbbb"] == trouble["cccc"] == "failed"
    assert trouble["bbbb#2"] == "attempt 2"
    assert trouble["dddd"] == "cut short"
    assert next(row for row in rows if row[0] == "cccc")[-1] == "0 steps"
    assert text(browser, "#picker-note") == (
        "5 of 5 scenarios; in the run 2 failed, 1 cut short, 1 simulated again."
    )


def test_the_picker_is_used_without_a_mouse(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    press(browser, "p", "failed")
    assert text(browser, "#picker-note").startswith("2 of 5 scenarios")
    press(browser, DOWN, DOWN, ENTER)
    assert not browser.execute_script("return document.getElementById('picker').open")
    assert text(browser, "#scenario-open") == "Scenario cccc, failed ▾"
    assert text(browser, "#steps-note") == "no finished step"
    press(browser, "p", "aaaa", ENTER)
    assert selected(browser) == addresses(run, scenario="aaaa")
    assert "scenario aaaa: 4 steps" in browser.execute_script(
        "return document.getElementById('announcer').textContent"
    )
    press(browser, "p", ESCAPE)
    assert not browser.execute_script("return document.getElementById('picker').open")
    press(browser, ESCAPE)
    assert browser.execute_script("return nutrace.selection") is None
    assert text(browser, "#scenario-open") == "All 5 scenarios ▾"
    assert text(browser, "#outcomes") == "2 failed, 1 cut short, 1 simulated again"


def test_the_field_counts_iterations_and_says_where(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    field = browser.find_element("id", "steps-field")
    field.send_keys("3", ENTER)
    assert selected(browser) == addresses(run, steps=3) == [(2, 3), (3, 3)]
    assert text(browser, "#steps-label").split() == ["Show", "steps", "of", "every", "scenario"]
    assert text(browser, "#crumbs") == "step 3 of every scenario"
    press(browser, "p", "aaaa", ENTER)
    assert selected(browser) == [(2, 3)], "the iteration stays"
    assert text(browser, "#steps-label").split() == ["Show", "steps", "of", "this", "scenario"]
    press(browser, "]")
    assert selected(browser) == [(2, 4)]
    press(browser, "p", "bbbb#2", ENTER)
    assert selected(browser) == addresses(run, scenario="bbbb#2"), "it has no step 4"
    field.send_keys("7", ENTER)
    assert text(browser, "#steps-problem") == "The scenario has no step 7."
    assert selected(browser) == addresses(run, scenario="bbbb#2")


def test_the_page_accepts_its_own_links(run: Trace, opened: Opened) -> None:
    browser = opened(run)

    def same_after_reload() -> Any:
        before = selected(browser), text(browser, "#crumbs"), text(browser, "#legend")
        address = browser.current_url
        visit(browser, address)
        assert (selected(browser), text(browser, "#crumbs"), text(browser, "#legend")) == before
        assert browser.current_url == address
        return address.partition("#")[2]

    drag(browser, ("bbbb#2", 1), ("bbbb#2", 2))
    assert selected(browser) == [(3, 1), (3, 2)]
    assert same_after_reload() == "scenario=bbbb%232&steps=1:3"
    press(browser, ESCAPE, ESCAPE)
    drag(browser, ("aaaa", 4), ("bbbb#2", 1))
    assert selected(browser) == addresses(run, scenario=2) + addresses(run, scenario=3), "whole scenarios"
    assert same_after_reload() == "scenario=2:4"
    browser.find_element("id", "clear-scenario").click()
    browser.find_element("id", "only-steps").click()
    assert same_after_reload() == "steps=0:7"
    drag(browser, ("dddd", 2), ("dddd", 2))
    assert same_after_reload() == "scenario=dddd&steps=2"
    press(browser, "v", ESCAPE)
    assert same_after_reload() == "view=merged&scenario=dddd"
    go_to(browser, "scenario=bbbb%231")
    assert selected(browser) == [(1, 0), (1, 1)]
    assert same_after_reload() == "scenario=bbbb%231"


def test_a_link_to_what_the_page_does_not_have_says_so(run: Trace, opened: Opened) -> None:
    browser = opened(run, "#scenario=eeee&steps=2")
    assert text(browser, "#steps-problem") == "This page has no scenario eeee."
    assert selected(browser) == addresses(run, steps=2)
    go_to(browser, "scenario=aaaa&steps=1")
    assert text(browser, "#steps-problem") == "The scenario has no step 1."
    assert selected(browser) == addresses(run, scenario="aaaa")
    go_to(browser, "scenario=aaaa&steps=x")
    assert text(browser, "#steps-problem").startswith("Write steps as A:B")
    go_to(browser, "scenario=aaaa&steps=4")
    assert text(browser, "#steps-problem") == ""


def test_the_row_of_scenarios_names_them_and_picks_one(run: Trace, opened: Opened) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser = opened(run)
    written = browser.execute_script(
        "const row = nutrace.scenarioStrip, texts = [], real = row.context.fillText;"
        "row.context.fillText = (text) => texts.push(text); row.paint();"
        "row.context.fillText = real; return texts"
    )
    assert written == ["failed · bbbb", "aaaa", "attempt 2 · bbbb#2", "cut short · dddd"]
    row = browser.find_element("id", "scenarios")
    assert "2 failed" in row.get_attribute("aria-label")
    width, steps = row.size["width"], 13
    ActionChains(browser).move_to_element_with_offset(
        row, int(width * 4 / steps - width / 2), 0
    ).click().perform()
    assert selected(browser) == addresses(run, scenario="aaaa")
    assert browser.execute_script("return nutrace.strip.shown.length") == 4
    ActionChains(browser).move_to_element_with_offset(row, 5, 0).perform()
    wait(lambda: "Scenario aaaa" in text(browser, "#tooltip"))
    ActionChains(browser).click().perform()
    assert selected(browser) == []


def test_one_scenario_needs_no_picker_but_says_that_it_failed(tmp_path: Path, opened: Opened) -> None:
    fine, failed = Simulated("aaaa", 1), Simulated("bbbb", 1, outcome="failed")
    browser = opened(load(run_file(tmp_path / "fine.json", 1, (fine,))))
    assert not browser.find_element("id", "scenarios").is_displayed()
    assert not browser.find_element("id", "scenario-open").is_displayed()
    browser = opened(load(run_file(tmp_path / "failed.json", 1, (failed,))))
    assert browser.find_element("id", "scenarios").is_displayed()
    assert text(browser, "#outcomes") == "1 failed"


def test_planners_of_one_scenario_are_told_apart(tmp_path: Path, opened: Opened) -> None:
    twice = Simulated("aaaa", 1, planner="IDM"), Simulated("aaaa", 2, planner="PDM")
    trace = load(run_file(tmp_path / "planners.json", 1, twice))
    browser = opened(trace)
    press(browser, "p", "pdm", ENTER)
    assert text(browser, "#scenario-open") == "Scenario aaaa PDM ▾"
    number = next(each.number for each in trace.simulations if each.planner == "PDM")
    assert browser.execute_script("return location.hash") == f"#scenario={number}"
    assert selected(browser) == addresses(trace, scenario=number)


def test_in_time_order_only_lanes_of_the_scenario_are_shown(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    lanes = "return nutrace.scene.lanes.map(({ name }) => name)"
    assert len(browser.execute_script(lanes)) == len(run.threads)
    go_to(browser, "scenario=aaaa")
    part = select(run, scenario="aaaa")
    assert len(browser.execute_script(lanes)) == len(set(part.thread))
    assert all("process 101" in name for name in browser.execute_script(lanes))


def test_the_line_of_memory_follows_the_scenario(run: Trace, opened: Opened) -> None:
    browser = opened(run)
    line = browser.find_element("css selector", "#strip .memory")
    wait(lambda: line.get_attribute("aria-label") == "memory at the steps' ends: 100 MB to 203 MB")
    go_to(browser, "scenario=bbbb%232")
    assert line.get_attribute("aria-label") == "memory at the steps' ends: 200 MB to 203 MB"
    go_to(browser, "scenario=cccc")
    assert not line.is_displayed(), "it has no step"


def test_merged_merges_threads(run: Trace, opened: Opened) -> None:
    browser = opened(run, "#view=merged")
    assert browser.execute_script("return nutrace.scene.lanes.map(({ name }) => name)") == [
        f"{len(set(run.thread))} threads together: their times are added up"
    ]

    of_page: Dict[str, List[int]] = defaultdict(lambda: [0, 0])
    for path, total, own, _ in nodes_of_page(browser):
        of_page[path] = [of_page[path][0] + total, of_page[path][1] + own]
    of_tree: Dict[str, List[int]] = defaultdict(lambda: [0, 0])
    names: List[str] = []
    for depth, node in walk(merge(run)):  # the first level are the threads
        names[depth:] = [node.name]
        path = ";".join(names[1:])
        of_tree[path] = [of_tree[path][0] + node.total_ns, of_tree[path][1] + node.self_ns]
    del of_tree[""]
    assert dict(of_page) == dict(of_tree)
    roots = browser.execute_script(
        "return Array.from(nutrace.scene.parent).filter((parent, k) => parent < 0"
        " && nutrace.trace.frames[nutrace.scene.frame[k]].name === 'simulation.run').length"
    )
    assert roots == 1


def test_a_page_of_one_component_has_scenarios_without_steps(run: Trace, opened: Opened) -> None:
    part = select(run, component="database")
    browser = opened(part)
    press(browser, "p", "aaaa", ENTER)
    assert browser.execute_script("return nutrace.summary.spans") == len(select(part, scenario="aaaa"))


def test_steps_without_scenarios(tmp_path: Path, opened: Opened) -> None:
    steps = [
        ("simulation.step", 10 * k, 10 * k + 5 + k, {"nutrace.step.index": k // 2, "thread.id": 1 + k % 2})
        for k in range(6)
    ]
    trace = trace_of(tmp_path, *steps)
    browser = opened(trace, "#scenario=2&steps=1:")
    assert selected(browser) == addresses(trace, scenario=2, steps="1:") == [(2, 1), (2, 2)]
    assert text(browser, "#scenario-open") == "Scenario 2 ▾"


def test_as_many_steps_as_a_benchmark_has(tmp_path: Path, opened: Opened) -> None:
    """1,100 scenarios of 150 steps: more than a function takes arguments."""
    count, steps = 1100, 150
    trace = load(benchmark_file(tmp_path / "benchmark.json", count, steps))
    browser = opened(trace)
    assert text(browser, "#figures").startswith(f"{count * steps:,}\nsteps")
    browser.find_element("id", "only-steps").click()
    assert browser.execute_script("return nutrace.selection.steps.length") == count * steps
    # Sorted by time, a step beside a usual one, a component alone, and all matches in turn.
    browser.find_element("id", "strip-by-time").click()
    assert (
        browser.execute_script(
            "const times = nutrace.strip.shown.map((position) => nutrace.table.times[position]);"
            "return times.every((time, k) => !k || times[k - 1] >= time) && times.length"
        )
        == count * steps
    )
    browser.find_element("id", "strip-in-order").click()
    browser.execute_script("nutrace.selectBy([7], [3, 4]); nutrace.usual.toggle()")
    assert "what is usual" in text(browser, "#usual-title").lower()
    browser.execute_script("nutrace.usual.toggle(); nutrace.selectBy(null, null)")
    browser.execute_script("nutrace.searchFor('/step$/')")
    press(browser, "n")
    assert text(browser, "#match-place") == f"1 of {count * steps:,}"
    browser.execute_script("nutrace.searchFor(''); document.querySelector('.legend-eye').click()")
    assert browser.execute_script("return nutrace.hidden.size") == 1
    browser.find_element("id", "show-all").click()
    browser.find_element("id", "only-steps").click()
    press(browser, "p")
    names = browser.execute_script(
        "return Array.from(document.querySelectorAll('.pick-name b'), (name) => name.textContent)"
    )
    assert names == [f"{number:04x}" for number in reversed(range(count))]
    press(browser, DOWN, DOWN, ENTER)
    assert browser.execute_script("return location.hash") == "#scenario=044a&steps=0:150"
    assert len(selected(browser)) == steps
    # A link, the field of the picker, and a click on the strip find one scenario of as many.
    go_to(browser, "#scenario=0203&steps=3:5")
    assert selected(browser) == [(0x203 + 1, 3), (0x203 + 1, 4)]
    press(browser, "p", "03e7")
    assert text(browser, "#picker-note").startswith("1 of 1,100 scenarios")
    press(browser, ENTER)
    assert browser.execute_script("return location.hash") == "#scenario=03e7&steps=3:5"
    press(browser, ESCAPE, ESCAPE)
    assert browser.execute_script("return location.hash") == ""
    drag(browser, ("01f4", 75), ("01f4", 75))
    number = browser.execute_script("return nutrace.trace.scenarios[nutrace.selection.places[0]].number")
    assert abs(number - (0x1F4 + 1)) <= 1  # a scenario is as wide as a pixel
    assert len(selected(browser)) == steps

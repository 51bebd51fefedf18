"""The strip of steps: its scale, its order, and a step beside a usual one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from browsing import Opened, go_to, press, text, visit, wait
from fakes.otlp import trace_of
from simulations import run_file
from test_html_numbers import report_of
from test_html_scenarios import selected

from nutrace.percentiles import percentile
from nutrace.trace import Trace, load

pytestmark = pytest.mark.browser

ENTER = "\ue007"

#: The texts that the strip writes when it is painted.
WRITTEN = """
const { strip } = nutrace, texts = [], real = strip.context.fillText;
strip.context.fillText = (text) => texts.push(text);
strip.paint();
delete strip.context.fillText;
return texts;
"""

#: Which bars are higher than the strip, and which have a red cap.
CUT = """
const { strip, table } = nutrace, { top } = strip.barsFor(strip.canvas.clientWidth);
return strip.shown.flatMap((position, k) => (table.times[position] > top ? [k] : []));
"""
RED = """
const { strip } = nutrace, { width } = strip.canvas;
strip.paint();
return strip.shown.map((_, k) => {
  const [red, green] = strip.context.getImageData(((k + 0.5) * width) / strip.shown.length, 1, 1, 1).data;
  return red > 150 && green < 90;
});
"""


def steps_of(path: Path, times_ms: Sequence[float], interval_s: float = 0.1) -> Trace:
    """A scenario whose steps take so long."""
    tree, at = [], 0.0
    for number, ms in enumerate(times_ms):
        given = {"nutrace.step.index": number, "nutrace.component": "simulation"}
        if interval_s:
            given["nutrace.step.simulated_interval_s"] = interval_s
        query = ("query", at, at + 250 * ms, {"nutrace.component": "database"})
        tree.append(("simulation.step", at, at + 1000 * ms, [query], given))
        at += 1000 * ms + 1
    return trace_of(path, *tree)


def height_of_median(browser: Any) -> float:
    """As a share of the strip."""
    share: float = browser.execute_script(
        "const { strip, table } = nutrace, sorted = table.times.slice().sort();"
        "return sorted[Math.ceil(sorted.length / 2) - 1] / strip.barsFor(1400).top"
    )
    return share


@pytest.mark.parametrize(
    ("times", "interval_s", "least", "written"),
    [
        ([5.0] * 148 + [90.0, 400.0], 0.1, 0.16, ["90.0 ms, 400 ms", "↑ real time 100 ms"]),
        ([5.0, 90.0] + [5.0] * 146 + [60.0], 0.0, 0.16, ["90.0 ms", "60.0 ms"]),
        ([90.0, 5.0, 5.0, 5.0, 5.0], 0.0, 0.16, ["90.0 ms"]),
        ([5.0] * 60 + [75.0] * 40, 0.0, 0.06, []),
        ([5.0, 6.0, 7.0] * 50, 0.01, 0.5, ["real time 10 ms"]),
        ([150.0, 160.0, 300.0] * 50, 0.1, 0.3, ["real time 100 ms"]),
        ([0.0] * 5, 0.0, 0.0, []),
    ],
)
def test_slow_steps_and_real_time_do_not_flatten_the_others(
    tmp_path: Path, opened: Opened, times: List[float], interval_s: float, least: float, written: List[str]
) -> None:
    browser = opened(steps_of(tmp_path, times, interval_s))
    assert height_of_median(browser) >= least
    assert browser.execute_script(WRITTEN) == written
    if not any(times):
        return
    # The red caps are on the bars that are cut off and no others.
    cut = browser.execute_script(CUT)
    assert cut == [k for k, red in enumerate(browser.execute_script(RED)) if red]
    slowest = max(range(len(times)), key=lambda k: times[k])
    label = browser.find_element("id", "steps").get_attribute("aria-label")
    assert f"The slowest is step {slowest} with" in label


def test_steps_by_time(tmp_path: Path, opened: Opened) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    trace = load(run_file(tmp_path / "run.json", 1))
    browser = opened(trace)
    in_order = browser.execute_script("return nutrace.strip.shown")
    browser.find_element("id", "strip-by-time").click()
    shown = browser.execute_script("return nutrace.strip.shown.map((at) => nutrace.table.times[at])")
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == len(in_order)
    assert not browser.find_element("id", "scenarios").is_displayed(), "scenarios do not lie side by side"
    assert not browser.find_element("css selector", ".memory").is_displayed()
    # A click, or a drag, chooses one step and its scenario.
    strip = browser.find_element("id", "steps")
    width = strip.size["width"]
    actions = (
        ActionChains(browser).move_to_element_with_offset(strip, -width // 2 + width // 3, 0).click_and_hold()
    )
    actions.move_to_element_with_offset(strip, -width // 2 + 5, 0).release().perform()
    slowest = max(range(len(trace.step_indices)), key=lambda step: trace.busy_ns[trace.step_indices[step]])
    assert selected(browser) == [trace.step_addresses[slowest]]
    address = browser.current_url
    assert "strip=time" in address
    visit(browser, address)
    assert selected(browser) == [trace.step_addresses[slowest]]
    assert browser.find_element("id", "strip-by-time").get_attribute("aria-pressed") == "true"
    press(browser, "\ue00c", "\ue00c", "o")
    assert browser.execute_script("return nutrace.strip.shown") == in_order
    assert browser.execute_script("return location.hash") == ""
    go_to(browser, "strip=nonsense")
    assert browser.execute_script("return nutrace.strip.shown") == in_order


def rows_of(browser: Any, table: int) -> Dict[str, List[str]]:
    """The rows of a table of the comparison, by their heads."""
    rows: List[Tuple[str, List[str]]] = browser.execute_script(
        "return Array.from(document.querySelectorAll('.compared')[arguments[0]].tBodies[0].rows, (row) => {"
        "  const [head, ...cells] = Array.from(row.cells, (cell) => cell.textContent); return [head, cells];"
        "})",
        table,
    )
    return dict(rows)


def shown_ns(told: str) -> float:
    """A time as the page writes it, such as "+12.3 ms", in ns."""
    number, unit = told.replace("−", "-").replace("±", "").split() if " " in told else ("0", "ns")
    return float(number) * {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]


def test_a_step_beside_a_usual_one(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run_file(tmp_path / "run.json", 2)
    trace = load(file)
    browser = opened(trace)
    button = browser.find_element("id", "compare-step")
    assert not button.is_displayed()
    press(browser, "x")
    assert "Choose one step" in browser.execute_script(
        "return document.getElementById('announcer').textContent"
    )
    go_to(browser, "scenario=aaaa&steps=3:5")
    assert not button.is_displayed(), "two steps"
    scenario = next(each for each in trace.simulations if each.name == "aaaa")
    by_time = sorted(scenario.steps, key=lambda step: trace.busy_ns[step])
    middle, slowest = by_time[1], by_time[-1]  # the median of four by nearest rank, as p50
    number = {span: address[1] for span, address in zip(trace.step_indices, trace.step_addresses)}
    go_to(browser, f"scenario=aaaa&steps={number[slowest]}")
    button.click()
    said = text(browser, "#usual-said")
    assert "against the median step time of" in said
    assert "the median of each component and kind of spans over 4 finished steps" in said
    # Both tables have what nutrace report says of the step, and the medians of what it says of each step.
    reports = {
        span: report_of(capsys, file, ("--scenario", "aaaa", "--steps", str(number[span])))
        for span in scenario.steps
    }
    own = {
        span: {row["component"]: round(row["self_ms"] * 1e6) for row in each["components"]}
        for span, each in reports.items()
    }
    names = {name for each in own.values() for name in each}
    usual = {name: percentile([each.get(name, 0) for each in own.values()], 50) for name in names}
    assert usual != {name: own[middle].get(name, 0) for name in names}, "no step is usual throughout"
    components = rows_of(browser, 0)
    assert set(components) == {name for name in names if own[slowest].get(name) or usual[name]}
    for name, (this, that, change) in components.items():
        here, there = own[slowest].get(name, 0), usual[name]
        assert shown_ns(this) == pytest.approx(here, rel=0.006)
        assert shown_ns(that) == pytest.approx(there, rel=0.006)
        assert shown_ns(change) == pytest.approx(here - there, rel=0.006, abs=1)
    spans = {
        span: {(row["name"], row["component"]): row for row in each["spans"]}
        for span, each in reports.items()
    }
    changes: Dict[str, Tuple[str, int]] = {}
    for kind in {kind for each in spans.values() for kind in each}:
        rows = {span: each.get(kind, {"calls": 0, "self_ms": 0}) for span, each in spans.items()}
        calls = rows[slowest]["calls"], percentile([row["calls"] for row in rows.values()], 50)
        selfs = [round(row["self_ms"] * 1e6) for row in rows.values()]
        difference = round(rows[slowest]["self_ms"] * 1e6) - percentile(selfs, 50)
        changes[kind[0]] = (" / ".join(f"{count:,}" for count in calls), difference)
    kinds = rows_of(browser, 1)
    largest = sorted(changes.items(), key=lambda row: -abs(row[1][1]))[: len(kinds)]
    assert len(kinds) >= 3
    assert list(kinds) == [name for name, _ in largest]
    for name, (calls_told, difference) in largest:
        assert kinds[name][0] == calls_told
        assert shown_ns(kinds[name][1]) == pytest.approx(difference, rel=0.006, abs=1)
    # It stays for the next step that is chosen, and in a link; the step of the median time is an example.
    assert "beside=usual" in browser.execute_script("return location.hash")
    visit(browser, browser.current_url)
    assert rows_of(browser, 0) == components
    browser.find_element("css selector", "#usual .chip").click()
    wait(lambda: ", the median step time." in text(browser, "#usual-said"))
    assert selected(browser)[0][1] == number[middle]
    assert not browser.find_elements("css selector", "#usual .chip")
    told = {name: shown_ns(row[0]) for name, row in rows_of(browser, 0).items()}
    assert told == pytest.approx({name: own[middle].get(name, 0) for name in told}, rel=0.006)
    press(browser, "x")
    assert not browser.find_element("id", "usual").is_displayed()
    go_to(browser, "scenario=bbbb%231&steps=1&beside=usual")
    assert not browser.find_element("id", "usual").is_displayed(), (
        "two steps are too few to say what is usual"
    )


def test_typed_steps_are_those_of_the_command_line(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    file = run_file(tmp_path / "run.json", 1)
    browser = opened(load(file))
    for typed in ("3", "2:5", ":2", "4:"):
        field = browser.find_element("id", "steps-field")
        field.clear()
        field.send_keys(typed, ENTER)
        expected = report_of(capsys, file, ("--steps", typed))
        assert browser.execute_script("return nutrace.summary.steps") == expected["steps"]["count"]
        again = browser.current_url
        visit(browser, again)
        assert text(browser, "#steps-problem") == ""
        assert browser.execute_script("return nutrace.summary.steps") == expected["steps"]["count"]
        assert json.loads(json.dumps(selected(browser)))  # the page takes its own link

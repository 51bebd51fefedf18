"""Links to what one sees of a flamegraph page, the browser's back and forward, units, and words."""

from __future__ import annotations

import html as escaping
import random
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
from browsing import Opened, Shown, at, go_to, press, text, view, visit, wait
from fakes.otlp import envelope, trace_of, write
from made_up import chain
from simulations import run_file
from two_sides import base_run, built, new_run

from nutrace.trace import Trace, load
from nutrace_exporters import diffpage

pytestmark = pytest.mark.browser

ENTER, ESCAPE, DOWN = "\ue007", "\ue00c", "\ue015"

STATE = """
const { scene, look, chart, search, selection, highlight, unit } = nutrace;
return {
  view: scene.kind, focus: look.focus,
  zoom: [chart.goal.from, chart.goal.to].map((edge) => Number(edge.toFixed(1))),
  query: search.query, field: nutrace.searchField.value, selection: selection?.text ?? "", highlight, unit,
  theme: document.documentElement.dataset.theme ?? "", scroll: chart.scroller.scrollTop,
  crumbs: document.getElementById("crumbs").textContent,
};
"""

#: What nobody's page has written: cut off, of another page, of an attacker.
FOREIGN = (
    "focus=99999999",
    "focus=-1&zoom=5:1&scroll=-3",
    "focus=simulation.run;simulation.step&view=time",
    "view=merged&focus=%25E0%25A4%25A",
    "view=merged&focus=%E0%A4%A;;~~&zoom=1:1e999",
    "view=merged&focus=nothing;of~9999999999;this",
    "view=__proto__&component=__proto__&unit=constructor&theme=<script>",
    "zoom=NaN:Infinity&scroll=99999999999999&steps=-1:-1&scenario=%00",
    "&&&===%%%",
)


@pytest.fixture
def opened_alone(opened: Opened, chromium: Any) -> Iterator[Opened]:
    """Opens a page in a tab of its own: a tab remembers fifty entries, and those of other tests are some."""
    other = chromium.current_window_handle
    chromium.switch_to.new_window("tab")
    yield opened
    chromium.close()
    chromium.switch_to.window(other)


def state(browser: Any) -> Any:
    return browser.execute_script(STATE)


def address(browser: Any) -> str:
    """What follows the page's #, once nothing waits to be written."""
    wait(lambda: not browser.execute_script("return nutrace.address.waiting"))
    return str(browser.execute_script("return location.hash")).lstrip("#")


def wait_for(told: Callable[[], Any], expected: Any) -> None:
    wait(lambda: told() == expected)


def leave_field(browser: Any) -> None:
    browser.execute_script("document.activeElement.blur()")


def button(browser: Any, selector: str, name: str) -> Any:
    return next(each for each in browser.find_elements("css selector", selector) if name in each.text)


def test_a_link_shows_exactly_what_was_seen(tmp_path: Path, opened: Opened) -> None:
    browser = opened(load(run_file(tmp_path / "run.json", 1)))
    go_to(browser, "scenario=dddd&steps=0:2")
    press(browser, DOWN, DOWN, DOWN, ENTER, "w", "w", "/", "pla", ENTER)
    leave_field(browser)
    press(browser, "w")
    button(browser, ".legend-row", "planner").click()
    press(browser, "u", "t")
    link = address(browser)
    before = state(browser)
    assert (before["query"], before["unit"], before["theme"]) == ("pla", "per step", "dark")
    assert before["focus"] >= 0
    assert before["highlight"] >= 0
    words = [word.split("=")[0] for word in link.split("&")]
    assert words == ["scenario", "steps", "q", "component", "theme", "focus", "zoom", "unit"]
    visit(browser, browser.current_url)
    assert state(browser) == before
    assert address(browser) == link
    # A page that was made anew has the same spans under the same numbers.
    again = load(run_file(tmp_path / "again.json", 1))
    assert state(opened(again)) != before
    assert state(opened(again, f"#{link}")) == before


def test_a_link_to_a_stack_names_its_callers(tmp_path: Path, opened: Opened) -> None:
    lines = [{"code.line.number": line} for line in (1, 2)]
    children = [("rows; ~all", 0, 30, lines[0]), ("rows; ~all", 40, 50, [("leaf", 41, 49)], lines[1])]
    browser = opened(trace_of(tmp_path, ("top", 0, 100, children)), "#view=merged")
    browser.execute_script("nutrace.focusOn(3)")
    assert address(browser) == "view=merged&focus=top;rows%253B%2520%257Eall~2;leaf"
    before = state(browser)
    visit(browser, browser.current_url)
    assert state(browser) == before
    press(browser, "0")
    go_to(browser, "view=merged&focus=top;rows%253B%2520%257Eall~3")
    assert state(browser)["focus"] == -1, "there is no third"


def test_links_to_every_view(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    more = (
        "return [nutrace.kind, nutrace.spanTable.open, nutrace.spanTable.key, nutrace.spanTable.ascending,"
        " nutrace.thread]"
    )
    for keys in ("v", "i", "k", "l"):
        go_to(browser, "steps=0:2&kind=db.rows")
        press(browser, *keys)
        browser.execute_script("nutrace.focusOn(nutrace.scene.count - 1)")
        link, before, others = address(browser), state(browser), browser.execute_script(more)
        assert before["focus"] == browser.execute_script("return nutrace.scene.count") - 1
        visit(browser, browser.current_url)
        assert (state(browser), browser.execute_script(more)) == (before, others), link
        assert address(browser) == link
    go_to(browser, "thread=1&zoom=450000:500000")
    before = state(browser)
    visit(browser, browser.current_url)
    assert state(browser) == before
    assert before["zoom"] == [450_000, 500_000]


def test_a_deep_stack_has_a_short_link_and_one_line(tmp_path: Path, opened: Opened) -> None:
    browser = opened(load(write(tmp_path / "run.json", envelope(chain(5000)))))
    top = "return document.getElementById('chart').getBoundingClientRect().top"
    above = browser.execute_script(top)
    browser.execute_script("nutrace.focusOn(4900)")
    assert browser.execute_script(top) == above, "the chart stays where it is"
    assert "… 4,894 more" in text(browser, "#crumbs")
    before = state(browser)
    assert before["scroll"] > 90_000
    link = address(browser)
    visit(browser, browser.current_url)
    assert state(browser) == before
    assert address(browser) == link
    browser.execute_script("nutrace.chart.scroller.scrollTop = 50000")
    wait(lambda: "scroll=50000" in address(browser))
    visit(browser, browser.current_url)
    assert (state(browser)["scroll"], state(browser)["focus"]) == (50_000, 4900)
    button(browser, ".crumb", "more").click()
    assert len(browser.find_elements("css selector", ".crumb")) == 4902
    assert browser.execute_script(top) == above
    press(browser, "v")
    assert len(address(browser)) < 100
    assert state(browser)["focus"] == 4900
    visit(browser, browser.current_url)
    assert state(browser)["focus"] == 4900


def test_back_and_forward_go_through_what_was_done(sample: Trace, opened_alone: Opened) -> None:
    browser = opened_alone(sample)
    seen: List[Any] = [state(browser)]

    def done() -> None:
        address(browser)
        view(browser)
        seen.append(state(browser))
        assert seen[-1] != seen[-2]

    at(browser, 500, 1).click().perform()
    done()
    press(browser, "/", "db")
    leave_field(browser)
    done()
    press(browser, "w", "w", "w")
    done()
    press(browser, "v")
    done()
    browser.find_element("id", "steps-field").send_keys("1", ENTER)
    done()
    press(browser, ESCAPE)
    done()
    for expected in reversed(seen[:-1]):
        browser.back()
        wait_for(lambda: state(browser), expected)
    for expected in seen[1:]:
        browser.forward()
        wait_for(lambda: state(browser), expected)
    # Going to the same place, and moving about, makes no entries.
    length = browser.execute_script("return history.length")
    press(browser, "0", "0", "d", "d", "u", "u", "u")
    assert address(browser)
    assert browser.execute_script("return history.length") == length


#: What is on the page besides STATE.
ELSE = """
const shown = (id) => (document.getElementById(id).hidden ? "" : document.getElementById(id).textContent);
const { scene, thread, kind, spanTable, hidden, strip, summary } = nutrace;
return [
  scene.kind === "time" && thread, scene.count, kind, spanTable.open, spanTable.key, [...hidden].sort(),
  strip.byTime, summary.all, ...["matches", "legend", "figures", "details"].map(shown),
];
"""

CLICKS = (".legend-row", ".legend-eye", ".legend-only", "#costliest button", "#details button", ".crumb")


def do_something(browser: Any, chance: random.Random) -> None:
    number = chance.randrange(10**6)
    kind = chance.randrange(10)
    if kind < 4:
        press(browser, chance.choice([*"viklwsda[]0n", ESCAPE, DOWN]))
    elif kind == 4:
        press(browser, "/", chance.choice(("plan", "qu", "map")))
        leave_field(browser)
    elif kind == 5:
        items = "nutrace.scene.rowItems"
        browser.execute_script(f"nutrace.focusOn({items}[arguments[0] % {items}.length])", number)
    elif kind == 6:
        browser.execute_script(f"nutrace.pickScenarios([{number} % nutrace.trace.scenarios.length])")
    elif kind == 7:
        browser.execute_script("nutrace.selectBy(null, [2, 5])")
    else:
        browser.execute_script(
            "const found = document.querySelectorAll(arguments[0]);"
            "if (found.length) found[arguments[1] % found.length].click()",
            chance.choice(CLICKS),
            number,
        )


def test_whatever_was_done_the_way_back_is_the_same(tmp_path: Path, opened_alone: Opened) -> None:
    browser = opened_alone(load(run_file(tmp_path / "run.json", 1)))
    chance = random.Random(7)

    def seen() -> Any:
        view(browser)
        address(browser)
        return state(browser), browser.execute_script(ELSE)

    def length() -> Any:
        return browser.execute_script("return history.length")

    entries, before = [seen()], length()
    for number in range(10):
        do_something(browser, chance)
        view(browser)
        now = seen()
        if length() > before:
            entries.append(now)
        else:
            entries[-1] = now
        before = length()
        if number % 5 == 4:
            browser.refresh()
            wait(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
            wait_for(seen, now)
    assert len(entries) > 5
    for expected in reversed(entries[:-1]):
        browser.back()
        wait(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
        wait_for(seen, expected)


def test_foreign_links_do_no_harm(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    plain = state(browser)
    for foreign in FOREIGN:
        go_to(browser, foreign)
        assert {**state(browser), "view": "time", "zoom": 0} == {**plain, "zoom": 0}, foreign
        assert text(browser, "#figures").startswith("2\nsteps")
        press(browser, ESCAPE)


def test_a_link_to_a_frame_of_two_sides(tmp_path: Path, shown: Shown) -> None:
    browser = shown(diffpage, built(base_run(tmp_path), new_run(tmp_path)))
    assert not browser.find_element("id", "units").is_displayed()
    browser.execute_script("nutrace.focusOn(3)")
    before, link = state(browser), address(browser)
    assert link.startswith("focus=simulation.step;")
    visit(browser, browser.current_url)
    assert state(browser) == before
    press(browser, "v")
    assert address(browser).startswith("side=base")
    browser.back()
    wait(lambda: state(browser) == before)


def test_the_link_is_copied_or_shown(sample: Trace, opened: Opened, tmp_path: Path) -> None:
    browser = opened(sample)

    def allow(setting: str) -> None:
        for permission in ("clipboard-read", "clipboard-write"):
            browser.execute_cdp_cmd(
                "Browser.setPermission", {"permission": {"name": permission}, "setting": setting}
            )

    copied = "return [document.activeElement.value, document.activeElement.selectionEnd]"
    allow("granted")
    try:
        press(browser, DOWN, DOWN, "c")
        wait(lambda: text(browser, "#copy-link") == "Copied")
        clipboard = "navigator.clipboard.readText().then(arguments[0], arguments[0])"
        assert browser.execute_async_script(clipboard) == browser.current_url
        assert "focus=4" in browser.current_url
        allow("denied")
        browser.find_element("id", "copy-link").click()
        wait(lambda: browser.execute_script("return document.getElementById('link').open"))
        assert browser.execute_script(copied) == [browser.current_url, len(browser.current_url)]
        assert "send the file" in text(browser, "#link-note")
        press(browser, ESCAPE)
    finally:
        browser.execute_cdp_cmd("Browser.resetPermissions", {})
    # In a notebook there is neither a clipboard nor an address.
    page = escaping.escape((tmp_path / "page.html").read_text())
    frame = f'<iframe sandbox="allow-scripts" width="1200" height="700" srcdoc="{page}"></iframe>'
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!DOCTYPE html><title>notebook</title>{frame}")
    browser.get(notebook.as_uri())
    browser.switch_to.frame(0)
    try:
        wait(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "true")
        at(browser, 500, 1)
        browser.execute_script("nutrace.focusOn(2)")
        browser.find_element("id", "copy-link").click()
        wait(lambda: browser.execute_script("return document.getElementById('link').open"))
        assert browser.execute_script(copied)[0].startswith("#focus=2")
        assert "inside another one" in text(browser, "#link-note")
    finally:
        browser.switch_to.default_content()


def test_units(sample: Trace, opened: Opened) -> None:
    browser = opened(sample, "#view=merged")
    details = (
        "const { look, scene, trace } = nutrace;"
        "const item = scene.frame.findIndex((frame) => trace.frames[frame].name === arguments[0]);"
        "return look.details(item, scene.total[item])[0]"
    )

    def told() -> List[str]:
        bars = [browser.execute_script(details, name) for name in ("simulation.step", "db.rows")]
        return [*bars, text(browser, "#legend").split("\n")[1], text(browser, "#legend-title")]

    press(browser, "/", "db", ESCAPE, "/", "db.rows", ENTER)
    leave_field(browser)
    # The database takes 140 us in two steps, of 1760 in two threads, and of 860 in these steps.
    assert told() == ["600 µs", "140 µs", "810 µs", "Self time"]
    assert "· 140 µs ·" in text(browser, "#matches")
    press(browser, "u")
    assert told() == ["300 µs/step", "70.0 µs/step", "205 µs", "Self time per step"]
    assert "· 70.0 µs/step ·" in text(browser, "#matches")
    press(browser, "u")
    assert told() == ["69.8 %", "16.3 %", "47.7 %", "Self time"]
    assert button(browser, "#units button", "%").get_attribute("aria-pressed") == "true"
    button(browser, "#units button", "Time").click()
    assert told()[0] == "600 µs"
    press(browser, "u", "v")
    step = "return nutrace.look.details(1, nutrace.trace.busy[1])[0]"
    assert browser.execute_script(step) == "200 µs", "in time order a bar is one span"


def test_times_per_step_are_times_of_the_steps(sample: Trace, opened_alone: Opened) -> None:
    browser = opened_alone(sample, "#view=merged")

    def seen() -> List[str]:
        now = state(browser)
        return [now["selection"], now["unit"]]

    def said() -> str:
        return str(browser.execute_script("return document.getElementById('announcer').textContent"))

    whole, steps = ["", "ms"], ["steps 0:2", "per step"]
    length = browser.execute_script("return history.length")
    button(browser, "#units button", "Per step").click()
    assert seen() == steps
    assert said() == "Times: Per step, of the steps only: steps 0:2"
    link = address(browser)
    assert link == "view=merged&steps=0:2&unit=per+step"
    assert browser.execute_script("return history.length") == length + 1
    browser.back()
    wait_for(seen, whole)
    browser.forward()
    wait_for(seen, steps)
    visit(browser, browser.current_url)
    assert seen() == steps
    # Outside the steps nothing is per step: times are sums again.
    press(browser, ESCAPE)
    assert seen() == whole
    assert said().endswith("; times are sums")
    # Steps that were chosen stay chosen, and a link that names no steps means all of them.
    go_to(browser, "steps=1")
    press(browser, "u")
    assert seen() == ["step 1", "per step"]
    go_to(browser, "view=merged&unit=per+step")
    assert seen() == steps
    assert address(browser) == link


#: By component, the shares that the legend has, and the sums of those that "Costliest" has in its colour.
SHARES = """
const [legend, sums] = [{}, {}], names = {};
const shareOf = (row) => parseFloat(row.querySelector(".legend-share").textContent.replace("≈", ""));
const colourOf = (row) => row.querySelector(".swatch").style.backgroundColor;
for (const row of document.querySelectorAll(".legend-row")) {
  const name = (names[colourOf(row)] = row.querySelector(".legend-name").textContent);
  if (shareOf(row)) legend[name] = shareOf(row);
}
for (const row of document.querySelectorAll("#costliest .cost-row")) {
  const name = names[colourOf(row)];
  sums[name] = (sums[name] ?? 0) + shareOf(row);
}
return [legend, sums];
"""


def test_the_costliest_have_shares_of_what_the_legend_has(
    tmp_path: Path, sampled: Trace, opened: Opened
) -> None:
    # The last step of the scenario dddd is unfinished: it is selected with the others, and no step.
    run = load(run_file(tmp_path / "steps.json", 1))
    for trace, addresses in ((run, ("", "scenario=dddd")), (sampled, ("view=merged",))):
        browser = opened(trace)
        for address_ in addresses:
            for unit in ("ms", "per step", "%"):
                go_to(browser, f"{address_}&unit={unit}")
                legend, costliest = browser.execute_script(SHARES)
                unlisted = 0.4 if trace is run else 5  # functions with too few samples
                for name, share in legend.items():
                    assert -0.4 <= share - costliest[name] <= unlisted, (address_, unit, name)


def test_the_header_tells_of_what_is_selected(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    assert text(browser, "#figures").split("\n")[-4:] == ["1.50 ms", "wall", "8", "spans"]
    go_to(browser, "steps=0")
    figures = text(browser, "#figures").split("\n")
    assert figures == [
        "1", "step", "0.20 ms", "step time", "0.00×", "real-time factor",
        "200 µs", "time, all threads", "3", "spans",
    ]  # fmt: skip
    label = "return document.getElementById('figures').getAttribute('aria-label')"
    assert browser.execute_script(label) == "Figures of step 0"


def test_one_thing_is_not_called_many(tmp_path: Path, opened: Opened) -> None:
    step = ("simulation.step", 0, 10, {"nutrace.component": "simulation", "nutrace.step.index": 2})
    browser = opened(trace_of(tmp_path, step))
    press(browser, "/", "step")
    at(browser, 5, 0).click().perform()
    for many in ("1 spans", "1 steps", "1 calls", "1\nspans", "1\nsteps"):
        assert many not in text(browser, "body")
    assert text(browser, "#figures").startswith("1\nstep\n")


def test_crumbs_begin_with_what_is_selected(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)

    def crumbs() -> List[str]:
        return text(browser, "#crumbs").split("\n")

    browser.execute_script("nutrace.focusOn(5)")
    assert crumbs() == ["whole run", "simulation.run", "step 1", "db.rows"]
    for scene in ("", "&view=merged"):
        go_to(browser, f"steps=1{scene}")
        press(browser, DOWN)
        assert crumbs() == ["step 1"], "the step is not named twice"
        press(browser, DOWN)
        assert crumbs() == ["step 1", "db.rows"]
    go_to(browser, "steps=0:2")
    press(browser, DOWN, DOWN)
    assert crumbs()[0] == "steps 0:2"
    assert crumbs()[1] in ("step 0", "step 1")
    assert len(crumbs()) == 3


def test_details_are_words_and_units(tmp_path: Path, opened: Opened) -> None:
    query = {
        "nutrace.sql.execute_ns": 521_894,
        "nutrace.sql.took_ns": [527_482, 1_200_000],
        "nutrace.pickle.bytes": 254,
        "http.duration_ms": "soon",
        "nutrace.block": True,
        "code.function.name": "there.look",
    }
    callback = {
        "nutrace.block": True,
        "code.function.name": "callback.on_step_start",
        "code.file.path": "/x/callback.py",
    }
    step = {**callback, "nutrace.step.simulated_interval_s": 0.1, "nutrace.step.index": 4}
    tree = ("simulation.step", 50_000, 60_000, [("q", 52_000, 53_000, query)], step)
    browser = opened(trace_of(tmp_path, ("before", 0, 50_000), tree))
    browser.execute_script("nutrace.focusOn(2)")
    details = text(browser, "#details")
    told = (
        "sql.execute",
        "522 µs",
        "sql.took",
        "527 µs, 1.20 ms",
        "pickle.bytes",
        "254 B",
        "http.duration_ms",
    )
    assert "\n".join(told) in details
    assert "in there.look" in details
    assert "block" not in details
    assert "Began at\n52.0 ms\n" in details
    names = browser.find_elements("css selector", "#details .attributes dt")
    assert names[0].get_attribute("title") == "nutrace.sql.execute_ns"
    press(browser, "/", "execute_ns 521894")
    assert "1 span" in text(browser, "#matches")
    press(browser, ESCAPE)
    go_to(browser, "steps=4&focus=2")
    assert "Began at\n2.00 ms on the axis, 52.0 ms into the run\n" in text(browser, "#details")
    go_to(browser, "focus=1")
    details = text(browser, "#details")
    assert "step.simulated_interval\n100 ms" in details
    assert "callback" not in details, "a step is no call of the callback by which it begins"
    press(browser, "/", "callback")
    assert text(browser, "#matches") == "no match"


def test_a_node_says_what_all_its_calls_take(tmp_path: Path, opened: Opened) -> None:
    callers = ("one", 0, 100, [("f", 0, 20)]), ("two", 100, 200, [("f", 100, 130)])
    browser = opened(trace_of(tmp_path, *callers), "#view=merged")
    browser.execute_script("nutrace.focusOn(1)")
    assert "Calls\n1\n" in text(browser, "#details")
    assert "All 2 calls\n50.0 µs, self 50.0 µs" in text(browser, "#details")


def test_a_range_of_many_steps_fits_into_its_field(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    fits = (
        "const field = document.getElementById('steps-field'); field.value = '12073:12102';"
        "return field.scrollWidth <= field.clientWidth"
    )
    assert browser.execute_script(fits)

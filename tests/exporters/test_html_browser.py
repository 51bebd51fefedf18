"""The flamegraph page in a real browser, used as people use it."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsing import Opened, at, colour_at, press, text, view, wait
from fakes.otlp import envelope, merged, priced, trace_of, write
from made_up import HOSTILE, chain

from nutrace.trace import Trace, load

pytestmark = pytest.mark.browser


def test_figures_and_legend(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    figures = text(browser, "#figures").replace("\n", " ")
    # Steps of 200 and 400 us that simulate 0.1 s each.
    assert figures.startswith("2 steps 0.20 ms p50 0.40 ms p95 0.40 ms max 0.00× real-time factor")
    legend = text(browser, "#legend").split("\n")
    assert legend[:3] == ["simulation", "810 µs", "46.0 %"]
    shares = [float(part[:-2]) for part in legend if part.endswith("%")]
    assert sum(shares) == pytest.approx(100, abs=0.3)


def test_bars_are_drawn_where_they_cost(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    blue, ground = colour_at(browser, 130, 2), colour_at(browser, 190, 2)
    assert blue[2] > blue[0] + 50, "the database is blue"
    assert max(ground) - min(ground) < 10, "beyond its cost the generator's bar has ended"


def test_a_chart_of_another_size_is_painted_at_once(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    pixel = browser.execute_script(
        "nutrace.chart.resize(); const c = nutrace.chart;"
        "return [...c.context.getImageData(c.canvas.width - 1, c.canvas.height - 1, 1, 1).data]"
    )
    assert min(pixel) > 200  # the light background; an empty canvas is black


def test_search_counts_nested_matches_once(tmp_path: Path, opened: Opened) -> None:
    inner = ("find inner", 10, 40, [("find leaf", 20, 30)])
    browser = opened(trace_of(tmp_path, ("top", 0, 100, [("find", 0, 50, [inner]), ("other", 60, 90)])))
    press(browser, "/", "find")
    assert text(browser, "#matches") == "50.0 % of the time · 50.0 µs · 3 spans"
    assert browser.execute_script("return nutrace.matching(1) && !nutrace.matching(0)")
    before = colour_at(browser, 70, 1)
    press(browser, "\ue00c")
    assert text(browser, "#matches") == ""
    assert colour_at(browser, 70, 1) != before, "what does not match is faded while searching"


def test_search_reads_attributes(tmp_path: Path, opened: Opened) -> None:
    browser = opened(trace_of(tmp_path, ("q", 0, 10, {"db.query.text": "SELECT 1"}), ("q", 10, 40)))
    press(browser, "/", "select")
    assert text(browser, "#matches").startswith("25.0 % of the time")


def test_click_zooms_and_crumbs_lead_back(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    assert view(browser) == [0, 1500]
    at(browser, 500, 1).click().perform()
    assert view(browser) == [294, 706]
    assert text(browser, "#crumbs").split() == ["whole", "run", "simulation.run", "step", "1"]
    assert "400 µs" in text(browser, "#details")
    browser.find_elements("css selector", ".crumb")[0].click()
    assert view(browser) == [0, 1500]


def test_tooltip_tells_what_the_span_is(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    at(browser, 130, 2).perform()
    wait(lambda: browser.execute_script("return !document.getElementById('tooltip').hidden"))
    told = text(browser, "#tooltip")
    assert "40.0 µs · 20.0 % of step 0" in told
    assert "23 values" in told
    assert "100 µs, of which inside 40.0 µs" in told
    assert "140 µs · 70.0 µs per step" in told
    assert "query_session.py:20" in told
    at(browser, 240, 2).perform()
    wait(lambda: "10 short ones" in text(browser, "#tooltip"))
    assert "2.00 µs to 9.00 µs, mean 5.00 µs" in text(browser, "#tooltip")
    assert "Percentiles\nmean only" in text(browser, "#tooltip")


def test_percentiles_of_merged_calls(tmp_path: Path, opened: Opened) -> None:
    many = merged([2_000] * 90 + [100_000] * 10)
    browser = opened(trace_of(tmp_path, ("leaf", 0, 2_000, many)))
    at(browser, 100, 0).perform()
    wait(lambda: "100 short ones" in text(browser, "#tooltip"))
    assert "Percentiles\np50 2.00 µs, p95 96.7 µs" in text(browser, "#tooltip")
    assert "nutrace.composite" not in text(browser, "#tooltip")


def test_what_was_taken_out_is_told(tmp_path: Path, opened: Opened) -> None:
    inside = [("called", 10, 20), ("called", 50, 60)]
    browser = opened(trace_of(tmp_path, ("top", 0, 100, inside), resource=priced(call=700)))
    at(browser, 5, 0).perform()
    wait(lambda: "top" in text(browser, "#tooltip"))
    shown = text(browser, "#tooltip")
    assert "nutrace\n1.40 µs of its own, taken out" in shown
    assert "Total\n98.6 µs" in shown
    assert "Open for" not in shown
    facts = browser.find_element("id", "facts").get_attribute("textContent")
    assert "1.4 µs of nutrace's own time taken out of the spans" in facts


def test_merged_view_sums_equal_stacks_heaviest_first(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    press(browser, "v")
    names = browser.execute_script(
        "const s = nutrace.scene; return Array.from(s.rowItems.subarray(s.rowStart[2], s.rowStart[3]),"
        " (node) => [nutrace.trace.frames[s.frame[node]].name, s.left[node] / 1000, s.right[node] / 1000])"
    )
    assert names == [["db.rows", 0, 140], ["map.distance", 140, 190]]
    at(browser, 70, 2).perform()
    wait(lambda: "140 µs" in text(browser, "#tooltip"))
    assert "70.0 µs, self 70.0 µs" in text(browser, "#tooltip")


def test_steps_are_chosen_by_field_drag_and_key(sample: Trace, opened: Opened) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser = opened(sample)
    field = browser.find_element("id", "steps-field")
    field.send_keys("1", "\ue007")
    assert view(browser) == [296, 704]
    assert text(browser, "#steps-note") == "1 step 0.40 ms, 0.00× real time"
    assert text(browser, "#legend").split("\n")[0:3] == ["simulation", "300 µs", "45.5 %"]
    press(browser, "[")
    assert field.get_attribute("value") == "0"
    strip = browser.find_element("id", "steps")
    width = strip.size["width"]
    drag = ActionChains(browser).move_to_element_with_offset(strip, -width // 4, 0).click_and_hold()
    drag.move_to_element_with_offset(strip, width // 4, 0).release().perform()
    assert field.get_attribute("value") == "0:2"
    browser.find_element("id", "clear-steps").click()
    assert browser.execute_script("return nutrace.selection") is None
    browser.find_element("id", "only-steps").click()
    assert field.get_attribute("value") == "0:2"
    press(browser, "\ue00c")
    assert browser.execute_script("return nutrace.selection") is None
    field.send_keys("9:12", "\ue007")
    assert field.get_attribute("aria-invalid") == "true"
    assert text(browser, "#steps-problem") == "This page has no step 9:12."


def test_keyboard_walks_the_tree(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)

    def focused() -> str:
        return str(browser.execute_script("return nutrace.trace.nameOf(nutrace.look.focus)"))

    up, down, left, enter, escape = "\ue013", "\ue015", "\ue012", "\ue007", "\ue00c"
    press(browser, down)
    assert focused() == "simulation.run"
    press(browser, down)
    assert focused() == "simulation.step 1", "the costliest child"
    press(browser, left)
    assert focused() == "simulation.step 0"
    press(browser, down, up, enter)
    assert view(browser) == [97, 303]
    assert "simulation.step 0, simulation" in browser.execute_script(
        "return document.getElementById('announcer').textContent"
    )
    press(browser, escape)
    assert view(browser) == [0, 1500]
    press(browser, "w")
    narrow = view(browser)
    assert narrow[1] - narrow[0] == pytest.approx(900, abs=1)
    press(browser, "d")
    assert view(browser)[0] > narrow[0]
    press(browser, "0", "?")
    assert browser.execute_script("return document.getElementById('help').open")
    press(browser, escape)
    assert not browser.execute_script("return document.getElementById('help').open")


def test_legend_highlights_a_component(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    row = next(e for e in browser.find_elements("css selector", ".legend-row") if "database" in e.text)
    before = colour_at(browser, 1200, 0)
    row.click()
    assert browser.find_element("css selector", "[aria-pressed=true].legend-row").text.startswith("database")
    assert colour_at(browser, 1200, 0) != before


def test_dark_and_light(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)

    def ground() -> int:
        return sum(colour_at(browser, 1400, 2))

    media = "Emulation.setEmulatedMedia"
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    assert ground() > 600
    browser.execute_cdp_cmd(media, dark)
    try:
        wait(lambda: ground() < 150)
        press(browser, "t")
        assert ground() > 600, "the key overrules the system"
    finally:
        browser.execute_cdp_cmd(media, {"features": []})


def test_address_keeps_view_steps_and_search(sample: Trace, opened: Opened) -> None:
    browser = opened(sample, "#view=merged&steps=1&q=db")
    state = "return [nutrace.scene.kind, nutrace.stepsField.value, nutrace.search.query]"
    assert browser.execute_script(state) == ["merged", "1", "db"]
    press(browser, "v", "\ue00c")
    assert browser.execute_script("return location.hash") == "#steps=1"


def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path, opened: Opened) -> None:
    spans = [(name, 10 * k, 10 * k + 9, {name: name}) for k, name in enumerate(HOSTILE)]
    browser = opened(trace_of(tmp_path, *spans), title=HOSTILE[1])
    assert browser.execute_script("return document.querySelector('h1').textContent") == HOSTILE[1]
    at(browser, 4, 0).click().perform()
    view(browser)
    assert "<script>alert(1)</script>" in text(browser, "#details")
    assert browser.execute_script("return document.scripts.length") == 3
    press(browser, "/", "<script>")
    assert "1 span" in text(browser, "#matches")


def test_warnings_are_shown(tmp_path: Path, opened: Opened) -> None:
    resource = {"nutrace.run.id": "r", "nutrace.run.complete": False}
    browser = opened(trace_of(tmp_path, ("f", 0, 1), resource=resource))
    assert "cut short" in text(browser, "#warnings")
    assert not browser.find_element("id", "strip").is_displayed(), "no steps, no strip"


def test_five_thousand_levels_scroll(tmp_path: Path, opened: Opened) -> None:
    browser = opened(load(write(tmp_path / "run.json", envelope(chain(5000)))))
    assert browser.execute_script("return nutrace.scene.rowCount") == 5000
    browser.execute_script("nutrace.focusOn(4900)")
    wait(lambda: browser.execute_script("return nutrace.chart.scroller.scrollTop") > 90_000)
    assert "more" in text(browser, "#crumbs")
    press(browser, "v")
    assert browser.execute_script("return nutrace.scene.rowCount") == 5000


def test_what_is_under_a_pixel_is_merged(tmp_path: Path, opened: Opened) -> None:
    leaves = [("leaf", 0.02 * k, 0.02 * k + 0.005) for k in range(50_000)]
    browser = opened(trace_of(tmp_path, ("top", 0, 1000, leaves)))
    calls = browser.execute_script(
        "const c = nutrace.chart; let calls = 0; const real = c.context.fillRect;"
        "c.context.fillRect = (...a) => { calls++; real.apply(c.context, a); }; c.paint();"
        "delete c.context.fillRect; return calls"
    )
    assert calls < 5000, "as many bars as there are pixels, not spans"
    full, pale = colour_at(browser, 500, 0), colour_at(browser, 500, 1)
    assert sum(pale) > sum(full), "a quarter of each pixel is covered, so it is paler"


def test_recursion_counts_once_at_its_root(tmp_path: Path, opened: Opened) -> None:
    browser = opened(trace_of(tmp_path, ("f", 0, 100, [("f", 10, 60, [("f", 20, 30)])])))
    at(browser, 5, 0).perform()
    wait(lambda: "Self\n50.0 µs" in text(browser, "#tooltip"))
    assert "calls" not in text(browser, "#tooltip")
    assert browser.execute_script("return nutrace.summary.kinds.total[0]") == 100_000
    assert browser.execute_script("return nutrace.summary.kinds.calls[0]") == 1
    other = "nutrace.trace.components.findIndex((component) => component.name === 'other')"
    assert browser.execute_script(f"return nutrace.summary.components.total[{other}]") == 100_000

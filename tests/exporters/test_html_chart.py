"""The flamegraph page's chart: what bars say, the minimap, measured ranges, fingers, tooltips."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from browsing import Opened, at, press, text, view, wait
from fakes.otlp import trace_of

from nutrace.semconv import COMPONENTS
from nutrace.trace import Trace

pytestmark = pytest.mark.browser

ENTER, ESCAPE, SHIFT = "\ue007", "\ue00c", "\ue008"


def drawn(browser: Any) -> List[Dict[str, Any]]:
    """What a frame writes onto the chart: text, x, y, ink, and the colours (r, g, b) that were under it."""
    result: List[Dict[str, Any]] = browser.execute_script(
        "const { context: c, ratio } = nutrace.chart, told = [], real = c.fillText;"
        "c.fillText = (text, x, y) => {"
        "  const edges = [-2, c.measureText(text).width / 2, c.measureText(text).width + 2];"
        "  const at = (edge) => [...c.getImageData((x + edge) * ratio, y * ratio, 1, 1).data].slice(0, 3);"
        "  told.push({ text, x, y, ink: c.fillStyle, under: edges.map(at) });"
        "  real.call(c, text, x, y);"
        "};"
        "nutrace.chart.paint(); delete c.fillText; return told"
    )
    return result


def on_bars(browser: Any) -> List[Dict[str, Any]]:
    return [each for each in drawn(browser) if each["y"] > 24]


def test_bars_leave_out_what_their_colour_says_and_cut_names_in_the_middle(
    tmp_path: Path, opened: Opened
) -> None:
    database = {"nutrace.component": "database"}
    long = "database.get_sampled_lidarpcs_from_db"
    browser = opened(
        trace_of(
            tmp_path,
            (long, 0, 4000, database),
            (long, 4000, 5000, database),
            ("planner.compute", 5000, 7000, {"nutrace.component": "planner"}),
            ("planner.compute", 7000, 7800, {"nutrace.component": "planner"}),
            ("sqlite3.statement", 7800, 10000, database),
            ("planner.x", 10000, 10001, {"nutrace.component": "planner"}),
        )
    )
    told = [each["text"] for each in on_bars(browser)]
    assert told[:2] == ["get_sampled_lidarpcs_from_db", "4.00 ms"]
    assert told[2].startswith("get_sa"), "a part of both ends"
    assert told[2].endswith("_db")
    assert "…" in told[2]
    assert told[3:] == ["planner.compute", "2.00 ms", "compute", "sqlite3.statement", "2.20 ms"]
    at(browser, 100, 0).click().perform()
    assert long in text(browser, "#details")
    view(browser)
    at(browser, 100, 0).perform()
    wait(lambda: long in text(browser, "#tooltip"))
    # Wherever it is cut, it stays within its bar.
    for width in range(20, 240, 3):
        fitted = browser.execute_script(
            "const { labels } = nutrace.chart; const text = labels.fitted(arguments[0], arguments[1]);"
            "return [text, nutrace.chart.context.measureText(text).width]",
            long,
            width,
        )
        assert fitted[1] <= width, fitted


def test_text_on_bars_can_be_read(tmp_path: Path, opened: Opened) -> None:
    spans = [
        (f"{each}.work", 100 * k, 100 * k + 100, {"nutrace.component": each})
        for k, each in enumerate(COMPONENTS)
    ]
    spans.append(("found", 100 * len(spans), 100 * len(spans) + 300))
    browser = opened(trace_of(tmp_path, *spans))
    for _theme in ("light", "dark"):
        for query in ("", "found"):
            browser.execute_script("nutrace.searchFor(arguments[0])", query)
            told = on_bars(browser)
            assert len(told) > len(COMPONENTS), "names, and times behind some"
            assert _poor(told) == []
            assert len({each["ink"] for each in told}) > 1, "times and faded names are softer"
        press(browser, "t")


def test_text_on_what_is_not_selected_can_be_read(sample: Trace, opened: Opened) -> None:
    browser = opened(sample, "#theme=dark&steps=1")
    told = on_bars(browser)
    assert _poor(told) == []
    edge = browser.execute_script(
        "const { chart, look } = nutrace; return (look.bounds[0] - chart.view.from) * chart.scale"
    )
    assert edge > 5
    outer = {each["text"]: each["x"] for each in told if each["text"] in ("simulation.run", "step 1")}
    assert outer == {"simulation.run": pytest.approx(edge + 5), "step 1": pytest.approx(edge + 5)}
    browser.execute_script("nutrace.chart.moveTo(0, 15e5, false)")
    told = on_bars(browser)
    assert {"step 0", "step 1"} <= {each["text"] for each in told}
    assert _poor(told) == []


def _poor(told: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    # 4.5, and pixels are rounded.
    return [each for each in told if min(_contrast(each["ink"], under) for under in each["under"]) < 4.4]


def _contrast(ink: str, under: List[int]) -> float:
    colours = [[int(ink[at : at + 2], 16) for at in (1, 3, 5)], under]
    low, high = sorted(_luminance(colour) for colour in colours)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: List[int]) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_pixels_with_several_spans_have_their_mixed_colour(tmp_path: Path, opened: Opened) -> None:
    spans: List[Any] = []
    for start in range(0, 120_000, 3):  # a third is one component's, and the rest another's
        spans.append(("planner.compute", start, start + 1, {"nutrace.component": "planner"}))
        spans.append(("propagate", start + 1, start + 3, {"nutrace.component": "propagate"}))
    browser = opened(trace_of(tmp_path, ("top", 0, 120_000, spans)))
    for wide in (1.05, 0.5, 0.03):  # px, of two spans together
        pixels, fills = browser.execute_script(
            "const { chart: c, trace, fills } = nutrace;"
            "c.moveTo(0, (c.width / arguments[0]) * 3000, false); c.paint();"
            "const { data } = c.context.getImageData(0, (c.rowTop[1] + 3) * c.ratio, c.width * c.ratio, 1);"
            "const pixels = [];"
            "for (let x = 5; x < c.width - 5; x++) pixels.push([...data.slice(4 * x, 4 * x + 3)]);"
            "const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));"
            "const fill = (name) => parts(fills[trace.frames.findIndex((frame) => frame.name === name)]);"
            "return [pixels, [fill('planner.compute'), fill('propagate')]]",
            wide,
        )
        mixed = [(one + 2 * other) / 3 for one, other in zip(*fills)]
        assert max(abs(one - other) for one, other in zip(*fills)) > 100
        near = 6  # px
        for x in range(len(pixels) - near):
            for channel, expected in enumerate(mixed):
                mean = sum(pixel[channel] for pixel in pixels[x : x + near]) / near
                assert mean == pytest.approx(expected, abs=25), (wide, x)


def test_the_axis_of_summed_time_is_no_timeline(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)

    def axis() -> List[str]:
        return [each["text"] for each in drawn(browser) if each["y"] < 24]

    assert axis()[0] == "0"
    assert not any("summed" in each for each in axis())
    press(browser, "v")
    view(browser)
    assert axis()[0] == "0"
    assert axis()[-1] == "1.76 ms summed"
    browser.execute_script("nutrace.chart.moveTo(500000, 940000, false)")
    assert axis()[0] == "0", "a ruler, whatever is in view"
    assert axis()[-1] == "440 µs of 1.76 ms summed"
    browser.execute_script("nutrace.setUnit('%')")
    assert axis() == ["0 %", "5 %", "10 %", "15 %", "20 %", "25.0 % of all"]
    browser.execute_script("nutrace.setUnit('per step')")
    view(browser)
    assert axis()[-1] == "430 µs per step", "of the steps only"


# --- minimap --------------------------------------------------------------------------------------


def minimap_drag(browser: Any, start: float, *ways: float) -> None:
    """Press in the minimap at a share of its width, move to others, release."""
    from selenium.webdriver.common.action_chains import ActionChains

    box = browser.execute_script("return document.getElementById('minimap').getBoundingClientRect().toJSON()")
    actions = ActionChains(browser, duration=20)
    pointer = actions.w3c_actions.pointer_action
    for number, share in enumerate((start, *ways)):
        pointer.move_to_location(round(box["x"] + share * box["width"]), round(box["y"] + box["height"] / 2))
        if not number:
            pointer.pointer_down()
    pointer.pointer_up()
    actions.perform()


def test_the_minimap_shows_and_moves_the_window(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    assert view(browser) == [0, 1500]
    minimap_drag(browser, 0.2, 0.3, 0.6)
    assert view(browser) == [pytest.approx(300, abs=3), pytest.approx(900, abs=3)], "chooses a part"
    minimap_drag(browser, 0.4, 0.5, 0.6)
    assert view(browser) == [pytest.approx(600, abs=5), pytest.approx(1200, abs=5)], "moves it"
    minimap_drag(browser, 0.8, 0.7, 0.6)
    assert view(browser) == [pytest.approx(600, abs=5), pytest.approx(900, abs=5)], "moves its right edge"
    minimap_drag(browser, 0.4, 0.3, 0.2)
    assert view(browser) == [pytest.approx(300, abs=5), pytest.approx(900, abs=5)], "moves its left edge"
    minimap_drag(browser, 0.75)
    assert view(browser) == [pytest.approx(825, abs=5), pytest.approx(1425, abs=5)], "goes where one clicks"

    def row_colours(canvas: str) -> List[List[int]]:
        colours: List[List[int]] = browser.execute_script(
            f"const canvas = {canvas}, c = canvas.getContext('2d'), y = 3 * nutrace.chart.ratio;"
            "nutrace.chart.paint();"
            "const at = (share) => [...c.getImageData(share * canvas.width, y, 1, 1).data].slice(0, 3);"
            "return [at(0.3), at(0.6), at(0.85)]"
        )
        return colours

    whole, shown = row_colours("nutrace.minimap.picture"), row_colours("nutrace.minimap.canvas")
    assert whole[0] == whole[1] != whole[2], "simulation, and metrics"
    assert shown[0] != whole[0], "paler outside the window"
    assert shown[1:] == whole[1:]


def test_a_frame_does_not_draw_the_minimap_anew(tmp_path: Path, opened: Opened) -> None:
    leaves = [("leaf", 0.02 * k, 0.02 * k + 0.005) for k in range(50_000)]
    browser = opened(trace_of(tmp_path, ("top", 0, 1000, leaves)))
    changed = "const map = nutrace.minimap, was = map.pictured; %s; nutrace.chart.paint(); return was"
    same = f"{changed} === map.pictured"
    assert browser.execute_script(same % "nutrace.chart.zoom(0.5)")
    assert browser.execute_script(same % "nutrace.chart.pan(200)")
    for change in (
        "searchFor('leaf')",
        "searchFor('')",
        "highlightComponent(0)",
        "pickKind(0)",
        "toggleTheme()",
        "setView('merged')",
    ):
        assert not browser.execute_script(same % f"nutrace.{change}"), change


# --- measured ranges ------------------------------------------------------------------------------


def drag_chart(browser: Any, start: float, end: float, y: int, shift: bool = False) -> None:
    """Drag over the chart from one time to another (us), at a height of the canvas."""
    from selenium.webdriver.common.action_chains import ActionChains

    places: Tuple[float, float, float] = browser.execute_script(
        "const c = nutrace.chart, box = c.canvas.getBoundingClientRect();"
        "const x = (us) => box.left + (us * 1000 - c.view.from) * c.width / (c.view.to - c.view.from);"
        "return [x(arguments[0]), x(arguments[1]), box.top + arguments[2]]",
        start,
        end,
        y,
    )
    x, until, top = (round(place) for place in places)
    actions = ActionChains(browser, duration=20)
    if shift:
        actions.key_down(SHIFT)
    pointer = actions.w3c_actions.pointer_action
    pointer.move_to_location(x, top).pointer_down().move_to_location((x + until) // 2, top)
    pointer.move_to_location(until, top).pointer_up()
    if shift:
        for _ in range(5):  # as many as the pointer's
            actions.w3c_actions.key_action.pause()
        actions.key_up(SHIFT)
    actions.perform()


def test_a_range_is_measured_and_zoomed_to(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    drag_chart(browser, 95, 295, y=12)
    assert view(browser) == [0, 1500], "nothing moves"
    measured = text(browser, "#measured-text")
    # The first step, and its two children.
    assert measured.endswith("3 spans begin in it"), measured
    length = float(measured.split()[0])
    assert length == pytest.approx(200, abs=3)
    assert f"Measured {measured}" in browser.execute_script(
        "return document.getElementById('announcer').textContent"
    )
    press(browser, ENTER)
    assert view(browser) == [pytest.approx(95, abs=2), pytest.approx(295, abs=2)]
    assert not browser.find_element("id", "measured").is_displayed()

    press(browser, "0")
    view(browser)
    drag_chart(browser, 1400, 1100, y=120, shift=True)
    assert view(browser) == [0, 1500]
    assert "300 µs · 0 spans begin" in text(browser, "#measured-text").replace("299", "300").replace(
        "301", "300"
    )
    press(browser, ESCAPE)
    assert not browser.find_element("id", "measured").is_displayed()
    assert view(browser) == [0, 1500]

    drag_chart(browser, 1000, 1300, y=120, shift=True)
    browser.find_element("id", "measured-zoom").click()
    assert view(browser) == [pytest.approx(1000, abs=2), pytest.approx(1300, abs=2)]
    drag_chart(browser, 1200, 1100, y=120)
    assert view(browser)[0] == pytest.approx(1100, abs=4), "a plain drag moves the picture"
    assert browser.execute_script("return nutrace.chart.range") is None


def test_keys_measure_spans(sample: Trace, opened: Opened) -> None:
    browser = opened(sample)
    press(browser, "r")
    assert (
        browser.execute_script("return document.getElementById('announcer').textContent")
        == "No span is chosen."
    )
    press(browser, "\ue015", "\ue015", "r")
    assert text(browser, "#measured-text") == "400 µs · 3 spans begin in it"
    press(browser, "\ue012", "r")
    assert text(browser, "#measured-text") == "600 µs · 6 spans begin in it"
    press(browser, "v")
    assert not browser.find_element("id", "measured").is_displayed(), "times of another view"
    press(browser, "r")
    assert text(browser, "#measured-text") == "600 µs summed · 34.1 % of the picture"


def test_a_double_click_zooms_to_what_it_hit(tmp_path: Path, opened: Opened) -> None:
    tree: Any = ("deepest", 400, 600)
    for level in range(40):
        tree = (f"level {level}", 0, 1000, [tree])
    browser = opened(trace_of(tmp_path, tree))
    # The first click scrolls, so that the pointer is over another span by the second.
    row = browser.execute_script("const c = nutrace.chart; return Math.floor((c.height - 60) / 22) + 1")
    name = browser.execute_script("return nutrace.trace.nameOf(nutrace.scene.at(arguments[0], 5e5, 0))", row)
    x, y = browser.execute_script(
        "const c = nutrace.chart, box = c.canvas.getBoundingClientRect();"
        "return [box.left + c.width / 2, box.top + c.rowTop[arguments[0]] + 10]",
        row,
    )
    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": count}
            browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    assert browser.execute_script("return nutrace.chart.scroller.scrollTop") > 0
    assert browser.execute_script("return nutrace.trace.nameOf(nutrace.look.focus)") == name


# --- tooltip --------------------------------------------------------------------------------------


def test_a_tooltip_stays_small_and_within_the_window(tmp_path: Path, opened: Opened) -> None:
    many = {f"key.{k}": "word " * 400 for k in range(20)}
    browser = opened(trace_of(tmp_path, ("n" * 3000, 0, 1000, many)))

    def stays_inside() -> None:
        wait(lambda: not browser.execute_script("return document.getElementById('tooltip').hidden"))
        box = browser.execute_script(
            "return document.getElementById('tooltip').getBoundingClientRect().toJSON()"
        )
        width, height = browser.execute_script("return [innerWidth, innerHeight]")
        assert 0 <= box["left"] < box["right"] <= width
        assert 0 <= box["top"] < box["bottom"] <= height
        assert box["height"] <= 440

    for place in (5, 500, 995):
        at(browser, place, 0).perform()
        stays_inside()
    assert "more: click" in text(browser, "#tooltip")
    small = {"width": 460, "height": 420, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
    try:
        browser.execute_script("nutrace.tooltip.hide(); nutrace.chart.scroller.scrollIntoView()")
        wait(lambda: browser.execute_script("return nutrace.chart.width < 460"))
        at(browser, 500, 0).perform()
        stays_inside()
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


# --- fingers --------------------------------------------------------------------------------------


@pytest.fixture
def phone(chromium: Any) -> Iterator[Any]:
    """The browser as a phone of 390 px."""
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    yield chromium
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def touch(browser: Any, *paths: List[Tuple[float, float]]) -> None:
    """Fingers that go along paths at the same time."""
    steps = len(paths[0])
    for step in range(steps):
        points = [{"x": path[step][0], "y": path[step][1], "id": finger} for finger, path in enumerate(paths)]
        kind = "touchStart" if step == 0 else "touchMove"
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def line(start: Tuple[float, float], end: Tuple[float, float], steps: int = 8) -> List[Tuple[float, float]]:
    parts = [step / steps for step in range(steps + 1)]
    return [(start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part) for part in parts]


def test_fingers_scroll_pan_and_zoom(sample: Trace, phone: Any, opened: Opened) -> None:
    browser = opened(sample)
    browser.execute_script(
        "document.getElementById('chart').scrollIntoView(); nutrace.chart.moveTo(4e5, 1e6, false)"
    )
    time_before = view(browser)
    box = browser.execute_script("return nutrace.chart.canvas.getBoundingClientRect().toJSON()")
    x, y = box["x"] + box["width"] / 2, box["y"] + 200
    before = browser.execute_script("return scrollY")
    touch(browser, line((x, y), (x, y + 120)))
    wait(lambda: browser.execute_script("return scrollY") < before)
    assert view(browser) == time_before, "up and down scrolls the page"
    box = browser.execute_script("return nutrace.chart.canvas.getBoundingClientRect().toJSON()")
    y = box["y"] + 100
    touch(browser, line((x, y), (x - 100, y)))
    moved = view(browser)
    assert moved[0] > time_before[0] + 50, "to the side moves the picture"
    assert moved[1] - moved[0] == pytest.approx(600, abs=1)
    touch(browser, line((x - 40, y), (x - 120, y)), line((x + 40, y), (x + 120, y)))
    zoomed = view(browser)
    assert zoomed[1] - zoomed[0] == pytest.approx(200, abs=30), "three times as far apart"
    assert sum(zoomed) == pytest.approx(sum(moved), abs=60)
    scale = browser.execute_script("return visualViewport.scale")
    assert scale == 1, "the chart, not the page"

"""The page on a phone, on narrow screens, on paper, and as the reader's system wants colours and contrast."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from browsing import Opened, Shown, press, wait
from fakes.commands import command
from fakes.runs import write_runs
from simulations import Simulated, run_file
from two_sides import base_run, built, new_run

from nutrace.trace import Trace, load
from nutrace_exporters import diffpage
from nutrace_exporters.palette import COLOURS, colour

pytestmark = pytest.mark.browser

#: Where the visible elements of a selector lie: [name, left, top, right, bottom].
BOXES = """
return Array.from(document.querySelectorAll(arguments[0]))
  .map((element) => [element, element.getBoundingClientRect()])
  .filter(([element, box]) => box.width && box.height && element.checkVisibility({visibilityProperty: true}))
  .map(([element, box]) => [
    element.id || element.className || element.textContent, box.left, box.top, box.right, box.bottom]);
"""


@pytest.fixture
def many(tmp_path: Path) -> Trace:
    """Several scenarios, some of which failed, of two processes."""
    return load(run_file(tmp_path / "many.json", 7))


@pytest.fixture
def screen(chromium: Any) -> Iterator[Callable[..., None]]:
    """Sets the screen's size, whether it is touched, and what the reader's system asks for."""

    def set_screen(width: int, height: int, touch: bool = False, media: str = "", **features: str) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})
        asked = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": asked})

    yield set_screen
    chromium.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _boxes(browser: Any, selector: str) -> List[List[Any]]:
    return list(browser.execute_script(BOXES, selector))


def _style(browser: Any, selector: str, *names: str) -> List[str]:
    return list(
        browser.execute_script(
            "const [selector, names] = arguments, style = getComputedStyle(document.querySelector(selector));"
            "return names.map((name) => style.getPropertyValue(name))",
            selector,
            names,
        )
    )


def _rgb(code: str) -> Tuple[int, ...]:
    return tuple(bytes.fromhex(code[1:]))


def _overflow(browser: Any) -> List[Any]:
    """By how many px the page is too wide, and what juts out."""
    wider = browser.execute_script("return Math.max(document.documentElement.scrollWidth - innerWidth, 0)")
    right = browser.execute_script("return innerWidth")
    return [wider, [box[0] for box in _boxes(browser, "body > *, body > * > *") if box[3] > right + 0.5]]


def test_a_phone_has_a_layout_of_its_own(many: Trace, opened: Opened, screen: Callable[..., None]) -> None:
    screen(390, 844, touch=True)
    browser = opened(many, title="following_lane_with_slow_lead · PDMClosedPlanner of mine")
    assert _overflow(browser) == [0, []]
    parts = _boxes(browser, "header, #strip, nav, #place, main")
    assert [box[0] for box in parts][1] == "strip"
    for above, below in zip(parts, parts[1:]):
        assert below[2] >= above[4], f"{below[0]} overlaps {above[0]}"
    small = [box for box in _boxes(browser, "button, input, select, summary") if box[4] - box[2] < 40]
    assert small == []
    ((_, _, top, _, bottom),) = _boxes(browser, "#chart")
    assert 200 <= bottom - top <= 0.65 * 844
    assert browser.execute_script("scrollTo(0, 300); return scrollY") == 300, "the page scrolls"

    # A span of the lowest row: its details are a sheet over the chart, above which the row can be seen.
    browser.execute_script(
        "scrollTo(0, 0); const s = nutrace.scene, row = s.lanes[0].base + s.lanes[0].rows - 1;"
        "nutrace.focusOn(s.rowItems[s.rowStart[row]])"
    )
    lowest = (
        "const c = nutrace.chart, y = c.rowTop[nutrace.scene.row[nutrace.look.focus]] - c.scroller.scrollTop;"
        "return c.scroller.getBoundingClientRect().top + y + 22"
    )
    wait(lambda: browser.execute_script(lowest) < _boxes(browser, "#sheet")[0][2])
    ((_, left, top, right, bottom),) = _boxes(browser, "#sheet")
    assert (left, right, bottom) == (0, 390, 844)
    assert 400 < top <= _boxes(browser, "#details")[0][2], "the details begin in sight"
    assert _overflow(browser) == [0, []]
    browser.find_element("id", "sheet-close").click()
    assert _boxes(browser, "#sheet") == []
    assert browser.execute_script("return nutrace.look.focus") >= 0, "what is chosen stays"
    press(browser, "\ue013")  # arrow up
    assert _boxes(browser, "#details") != [], "the next choice shows its details again"

    # The table of all spans, and the dialogs.
    browser.find_element("id", "sheet-close").click()
    browser.execute_script("document.getElementById('spans-open').click()")
    wait(lambda: _boxes(browser, "#spans tbody button"))
    assert _overflow(browser) == [0, []]
    assert [box for box in _boxes(browser, "button, select") if box[4] - box[2] < 40] == []
    for dialog in ("help", "about", "picker"):
        browser.execute_script("document.getElementById(arguments[0]).showModal()", dialog)
        ((_, left, _, right, _),) = _boxes(browser, f"#{dialog}")
        assert 0 <= left < right <= 390
        assert browser.execute_script(
            "const box = document.getElementById(arguments[0]);"
            "box.close(); return box.scrollWidth <= box.clientWidth",
            dialog,
        )


def test_a_phone_has_no_row_of_scenarios_without_names(
    many: Trace, opened: Opened, screen: Callable[..., None], tmp_path: Path
) -> None:
    screen(390, 844, touch=True)
    browser = opened(many)
    wait(lambda: _boxes(browser, "#scenarios") != [])
    crowd = load(
        run_file(tmp_path / "crowd.json", 7, tuple(Simulated(f"token-{k:02}", 1) for k in range(30)))
    )
    browser = opened(crowd)
    wait(lambda: _boxes(browser, "#scenarios") == [])
    browser.execute_script("nutrace.pickScenarios([3])")
    wait(lambda: _boxes(browser, "#scenarios") != [])
    browser.execute_script("nutrace.pickScenarios(null)")
    wait(lambda: _boxes(browser, "#scenarios") == [])
    screen(1440, 900)  # a wide screen shows their boundaries
    wait(lambda: _boxes(browser, "#scenarios") != [])


@pytest.mark.parametrize("width", [1440, 1080, 768])
def test_the_header_does_not_break(
    many: Trace, opened: Opened, screen: Callable[..., None], width: int
) -> None:
    screen(width, 900)
    browser = opened(many, title="following_lane_with_slow_lead · PDMClosedPlanner of mine")
    assert _overflow(browser) == [0, []]
    figures = _boxes(browser, ".figure")
    assert len(figures) >= 6
    lines = len({round(box[2]) for box in figures})
    assert lines == 1 if width > 800 else lines <= 2
    ((_, _, top, _, bottom),) = _boxes(browser, "h1")
    assert bottom - top < 30, "the title is one line"
    cut = browser.execute_script(
        "const h = document.querySelector('h1'); return h.scrollWidth > h.clientWidth"
    )
    assert not cut or width < 800, "the figures leave the title its room"
    assert browser.execute_script(
        "return [...document.querySelectorAll('#figures b, #figures span, .buttons button')].every("
        "  (each) => each.getClientRects().length === 1 && each.offsetHeight < 36)"
    ), "no name or number is broken"
    assert len(_boxes(browser, "#sheet-close")) == 0


def test_paper_has_the_whole_chart_in_light_colours(
    many: Trace, opened: Opened, screen: Callable[..., None]
) -> None:
    screen(1400, 500, prefers_color_scheme="dark")
    browser = opened(many)
    before = browser.execute_script("return nutrace.chart.scroller.clientHeight")
    browser.execute_cdp_cmd("Page.printToPDF", {"landscape": True, "printBackground": False})
    after = (
        "const {theme} = document.documentElement.dataset;"
        "return [theme ?? '', nutrace.dark, nutrace.chart.scroller.clientHeight]"
    )
    assert browser.execute_script(after) == ["", True, before], "on the screen everything is as it was"

    # All is painted when the event's listeners have run: the browser waits for no frame.
    corner, bar, shown, needed = browser.execute_script(
        "dispatchEvent(new Event('beforeprint'));"
        "const c = nutrace.chart, s = nutrace.strip.canvas;"
        "const pixel = (canvas, x, y) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];"
        "const corner = pixel(c.canvas, 3, c.canvas.height - 3);"
        "return [corner, pixel(s, 3, s.height - 2), c.height, c.contentHeight]"
    )
    screen(1032, 730, media="print", prefers_color_scheme="dark")  # A4 without its margins
    assert _overflow(browser) == [0, []]
    assert _boxes(browser, "input, header button, .strip-head button, .switch button") == []
    for selector in (".swatch", ".bar"):
        adjust, fill = _style(browser, selector, "print-color-adjust", "background-color")
        assert adjust == "exact"
        assert fill != "rgba(0, 0, 0, 0)"
    assert min(corner) > 200, "the chart is painted light"
    assert tuple(bar[:3]) in {_rgb(each.light) for each in COLOURS.values()}, "and so is the strip"
    assert shown >= needed > before - 200, "no row is left out"
    for width in (1032, 700):  # with a span chosen, and the table of all spans beside the chart, also upright
        browser.execute_script(
            "nutrace.focusOn(0, false); document.body.querySelector('main').className = 'with-table'"
        )
        screen(width, 730, media="print", prefers_color_scheme="dark")
        assert _overflow(browser) == [0, []]
        ((_, left, _, right, bottom),) = _boxes(browser, "#chart")
        assert right - left >= width - 20, "all but a scroll bar"
        assert bottom <= _boxes(browser, "#details")[0][2], "the details are below the chart"
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script("return nutrace.dark")


def test_forced_colours_keep_what_colours_mean(
    sample: Trace, opened: Opened, screen: Callable[..., None]
) -> None:
    screen(1400, 900, forced_colors="active")
    browser = opened(sample)
    browser.find_element("css selector", ".legend-row").click()
    r, g, b = _rgb(colour("simulation").light)
    for selector in ("#legend .swatch", "#legend .bar"):
        (fill,) = _style(browser, selector, "background-color")
        assert fill == f"rgb({r}, {g}, {b})", "the colour of the simulation"
    browser.execute_script("document.querySelector('h2').style.backgroundColor = 'Highlight'")
    pressed = _style(browser, "h2", "background-color")
    assert _style(browser, "#view-time", "background-color") == pressed, "as the system marks a choice"
    assert _style(browser, "#view-merged", "background-color") != pressed
    rows = _boxes(browser, ".legend-row")
    assert len(rows) > 1
    assert _style(browser, ".legend-row[aria-pressed=true]", "background-color") == pressed
    assert _style(browser, ".legend-row[aria-pressed=false]", "background-color") != pressed


def test_more_contrast_is_given_where_it_is_asked_for(
    sample: Trace, opened: Opened, screen: Callable[..., None]
) -> None:
    asked: Dict[str, str] = {"prefers_contrast": "more", "prefers_color_scheme": "dark"}
    screen(1400, 900, **asked)
    browser = opened(sample)
    themes = "const {muted, rule, text} = nutrace.look.theme; "
    assert browser.execute_script(themes + "return [muted, rule].every((each) => each === text)")
    screen(1400, 900)
    browser = opened(sample)
    assert browser.execute_script(themes + "return muted !== text")


def test_the_pages_of_two_sides_fit_a_phone(
    tmp_path: Path, shown: Shown, screen: Callable[..., None], chromium: Any
) -> None:
    screen(390, 844, touch=True, prefers_color_scheme="dark")
    browser = shown(diffpage, built(base_run(tmp_path), new_run(tmp_path)))
    assert _overflow(browser) == [0, []]
    assert [box for box in _boxes(browser, "button, input") if box[4] - box[2] < 40] == []

    times = (150, 151, 149, 152, 148)
    for side, shift in (("one", 0), ("other", 30)):
        write_runs(tmp_path / side, [time - shift for time in times], statements=1 + shift)
    file = tmp_path / "compared.html"
    assert command("compare", tmp_path / "one", "--against", tmp_path / "other", "--html", file).code == 0
    chromium.get(file.as_uri())
    assert _overflow(chromium) == [0, []]
    (panel,) = _style(chromium, "section", "background-color")
    assert panel == "rgb(24, 28, 34)", "it follows the theme"
    # A table that is wider scrolls, and its names stay in sight.
    lefts = chromium.execute_script(
        "const tables = Array.from(document.querySelectorAll('.scroll'));"
        "const table = tables.find((each) => each.scrollWidth > each.clientWidth);"
        "const name = table.querySelector('th[scope=row]'), before = name.getBoundingClientRect().left;"
        "table.scrollLeft = 200; return [before, name.getBoundingClientRect().left, table.scrollLeft]"
    )
    assert lefts[0] == lefts[1]
    assert lefts[2] > 0

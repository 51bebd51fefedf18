"""The dashboard in Chromium: it draws without a request, and works with keys, on a phone and in the dark."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest
from browsing import press, visit, wait
from fakes.series import HERE, history_run, noisy_series

from nutrace.comparison.changes import changes
from nutrace.comparison.circumstances import Circumstances
from nutrace.comparison.history import series_of
from nutrace.dashboard import History, JudgedSeries, Options, export

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='harmed'\"></script><b>x"


def _history(tmp_path: Path) -> History:
    series = noisy_series(random.Random(1), 3, 12, slower={6: 20.0}, disturbed=0.0)
    there = Circumstances(HOSTILE, HOSTILE, HERE.configuration)
    (other,) = series_of([history_run(900, HOSTILE, {HOSTILE: 3.0, "planner": 90.0}, circumstances=there)])
    links = {run.file: f"{place}.html" for place, run in enumerate(series.runs)}
    for link in links.values():
        (tmp_path / link).write_text("<title>a flamegraph</title>")
    judged = tuple(JudgedSeries(each, changes(each)) for each in (series, other))
    return History("runs", judged, (("bad.json", "no run"),), (), links)


@pytest.fixture
def page(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens the dashboard; in the end the console must be clean."""
    file = tmp_path / "dashboard.html"
    with file.open("wb") as out:
        export(_history(tmp_path), out, Options(title=HOSTILE))

    def show(width: int = 1280, scheme: str = "light") -> Any:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        visit(chromium, file.as_uri())
        return chromium

    chromium.get_log("browser")
    yield show
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert chromium.get_log("browser") == []


def _drawn(browser: Any) -> Dict[str, Any]:
    """By chart, what plotly draws: values of each trace, and texts of the annotations."""
    drawn: Dict[str, Any] = browser.execute_script(
        "const shown = 'section.series:not([hidden]) figure:not([hidden]) .chart';"
        "const charts = document.querySelectorAll(shown), count = (chart, what) =>"
        "  chart.querySelectorAll(what).length;"
        "return Object.fromEntries([...charts].map((chart) => [chart.dataset.chart, {"
        "  y: chart.data.map((trace) => [...trace.y]), names: chart.data.map((trace) => trace.name),"
        "  marks: chart.layout.annotations.map((each) => each.text),"
        "  bars: count(chart, '.bars .point'), points: count(chart, '.point')}]))"
    )
    return drawn


def test_the_charts_have_the_numbers_of_the_history(page: Callable[..., Any], tmp_path: Path) -> None:
    drawn = _drawn(page())
    series = _history(tmp_path).series[0]
    revisions = series.series.revisions
    assert set(drawn) == {"times", "components", "factor"}  # nothing was counted
    medians = [spread.middle for each in revisions for spread in [each.spread("steps.p50_ms")] if spread]
    assert drawn["times"]["y"][1] == pytest.approx(medians)
    assert drawn["times"]["y"][0] == pytest.approx(
        [run.figures["steps.p50_ms"] for run in series.series.runs]
    )
    stacked = [sum(column) for column in zip(*drawn["components"]["y"])]
    assert stacked == pytest.approx([sum(each.component_means().values()) for each in revisions])
    assert drawn["components"]["bars"] == 12 * len(drawn["components"]["names"])
    assert any(text.startswith("▲ +") for text in drawn["times"]["marks"])
    assert "▲ planner" in drawn["components"]["marks"]
    assert "1.0x: real time" in drawn["factor"]["marks"]


def test_nothing_is_requested(page: Callable[..., Any]) -> None:
    browser = page()
    asked: List[str] = browser.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert [name for name in asked if not name.startswith("data:")] == []


def test_hostile_texts_are_only_shown(page: Callable[..., Any]) -> None:
    browser = page()
    assert browser.title == HOSTILE
    browser.execute_script(
        "const p = document.getElementById('series'); p.value = '1'; p.dispatchEvent(new Event('change'))"
    )
    wait(lambda: _drawn(browser).get("components", {}).get("points"))
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert browser.title == HOSTILE


def test_keys_choose_a_revision_and_show_its_runs(page: Callable[..., Any]) -> None:
    browser = page()
    browser.execute_script("document.querySelector('.chart').focus()")
    press(browser, "\ue011", "\ue014")  # Home, arrow right
    card = browser.find_element("css selector", "section.series:not([hidden]) .chosen")
    wait(card.is_displayed)
    assert f"{1:040x}" in card.text
    assert [
        link.get_attribute("href").rpartition("/")[2] for link in card.find_elements("tag name", "a")
    ] == [
        "3.html",
        "4.html",
        "5.html",
    ]
    assert len(browser.find_elements("css selector", "tr.current")) == 1
    windows = len(browser.window_handles)
    press(browser, "\ue007")  # Enter
    wait(lambda: len(browser.window_handles) == windows + 1)
    browser.switch_to.window(browser.window_handles[-1])
    assert browser.current_url.endswith("/3.html")
    browser.close()
    browser.switch_to.window(browser.window_handles[0])
    press(browser, "\ue00c")  # Escape
    wait(lambda: not card.is_displayed())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_follows_the_theme(page: Callable[..., Any], scheme: str) -> None:
    browser = page(390, scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    colours = browser.execute_script(
        "const chart = document.querySelector('.chart');"
        "return [chart.layout.font.color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (
        colours
        == {
            "light": ["#1b2027", "rgb(244, 245, 247)"],
            "dark": ["#e6e9ee", "rgb(16, 19, 24)"],
        }[scheme]
    )
    patterns = browser.execute_script(
        "const chart = document.querySelector('[data-chart=components]');"
        "return chart.data.map((trace) => trace.marker.pattern.shape)"
    )
    assert len(set(patterns)) == len(patterns)  # told apart without colours

"""The page of two sides in a real browser: widths, colours, marks, the switch, and the way to a frame."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from browsing import Opened, Shown, at, colour_at, press, text, view
from two_sides import DATABASE, PLANNER, built, run, step

from nutrace.trace import Trace
from nutrace_exporters import diffpage
from nutrace_exporters.difference import Difference, DifferenceBuilder
from nutrace_exporters.difftree import BASE, NEW

pytestmark = pytest.mark.browser

FRAMES = """
const s = nutrace.scene, t = nutrace.trace;
const path = (node) => t.difference.pathOf(node).join("/");
return Array.from(s.nodes.of, (node, item) => [path(node), s.left[item], s.right[item]]);
"""


@pytest.fixture
def opened(shown: Shown) -> Opened:
    """Opens the page of a difference."""
    return partial(shown, diffpage)


@pytest.fixture
def sides(tmp_path: Path) -> Difference:
    """Steps of 100 and 120 us: plan is slower, look faster, cache is new, and help is called from there."""
    base = run(
        tmp_path,
        "base",
        (
            "simulation.run",
            0,
            200,
            [
                step(
                    0,
                    0,
                    100,
                    ("plan", 0, 30, [("help", 0, 10)], PLANNER),
                    ("look", 30, 70, DATABASE),
                    ("gone", 70, 90, DATABASE),
                ),
                ("metrics", 100, 200),
            ],
        ),
    )
    new = run(
        tmp_path,
        "new",
        (
            "simulation.run",
            0,
            300,
            [
                step(
                    0,
                    0,
                    120,
                    ("plan", 0, 60, PLANNER),
                    ("look", 60, 80, DATABASE),
                    ("cache", 80, 110, [("help", 80, 92)], DATABASE),
                ),
                ("metrics", 120, 300),
            ],
        ),
    )
    return built(base, new)


def frames(browser: Any) -> Dict[str, Tuple[float, float]]:
    """Where each frame lies (us), by the names of its path below the step."""
    found: List[Tuple[str, float, float]] = browser.execute_script(FRAMES)
    return {path.replace("simulation.step/", ""): (left / 1000, right / 1000) for path, left, right in found}


def test_bars_are_as_wide_as_on_the_side_that_is_shown(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    assert frames(browser) == {
        "simulation.step": (0, 120),
        "plan": (0, 60),
        "look": (60, 80),
        "cache": (80, 110),
        "cache/help": (80, 92),
    }
    browser.find_element("id", "side-base").click()
    # The order of the frames stays.
    assert frames(browser) == {
        "simulation.step": (0, 100),
        "plan": (0, 30),
        "plan/help": (0, 10),
        "look": (30, 70),
        "gone": (70, 90),
    }
    assert browser.find_element("id", "side-base").get_attribute("aria-pressed") == "true"
    press(browser, "v")
    assert "cache" in frames(browser)


def test_slower_is_orange_faster_is_blue_and_little_is_grey(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    step_, plan, look = (colour_at(browser, where, row) for where, row in ((115, 0), (30, 1), (70, 1)))
    assert plan[0] - plan[2] > 100, "40 us more in plan itself: orange"
    assert look[2] - look[0] > 100, "20 us less: blue"
    assert max(step_) - min(step_) < 10, "10 us in the step itself before and after: grey"
    # What moved is compared with what it was: 2 of 120 us more.
    moved = colour_at(browser, 91, 2)
    assert 20 < moved[0] - moved[2] < plan[0] - plan[2]


def test_marks_tell_what_is_different_without_colour(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    label = "return Array.from(nutrace.scene.nodes.of, (_, item) => nutrace.look.names(item)[0])"
    assert browser.execute_script(label) == ["simulation.step", "plan", "look", "+ cache", "⇄ help"]
    patterns = "return Array.from(nutrace.scene.nodes.of, (_, item) => nutrace.look.pattern(item))"
    assert browser.execute_script(patterns) == ["", "", "", "new", "moved"]
    press(browser, "v")
    assert "− gone" in browser.execute_script(label)
    assert "only in new" in text(browser, "#marks")
    press(browser, "v")
    # Twenty pixels at the upper edge of cache and of look, beyond their labels.
    drawn = browser.execute_script(
        "const c = nutrace.chart; c.paint(); const y = c.rowTop[1] * c.ratio;"
        "const x = (us) => (us * 1000 - c.view.from) * c.width / (c.view.to - c.view.from) * c.ratio;"
        "const pixels = (us) => new Uint32Array(c.context.getImageData(x(us), y + 2, 20, 4).data.buffer);"
        "return [106, 75].map((us) => new Set(pixels(us)).size);"
    )
    assert drawn[0] > 2, "a pattern"
    assert drawn[1] == 1, "none on what both sides have"


def test_the_legend_tells_times_and_the_figures_the_means(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    assert text(browser, "#scale").split("\n")[-1].endswith("of 120 µs per step")
    figures = text(browser, "#figures").split("\n")
    assert figures[::2] == ["100 µs", "120 µs", "+20.0 µs · +20.0 %"]
    components = text(browser, "#legend").split("\n")
    # look 40 and gone 20 before, look 20 and cache 18 now; the step has 10 on both sides, and help 10 and 12.
    rows = {components[at]: components[at + 1 : at + 3] for at in range(0, len(components), 3)}
    assert rows["planner"] == ["60.0 µs", "+40.0 µs"]
    assert rows["database"] == ["38.0 µs", "−22.0 µs"]
    assert rows["other"] == ["22.0 µs", "+2.00 µs"]


def test_the_whole_run_has_what_is_outside_the_steps(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    browser.find_element("id", "whole-run").click()
    found = frames(browser)
    assert found["simulation.run"] == (0, 300)
    assert found["simulation.run/metrics"] == (0, 180), (
        "180 us on one side, 100 on the other: the widest first"
    )
    press(browser, "b")
    assert "simulation.run" not in frames(browser)


def test_the_list_leads_to_a_frame_that_the_side_does_not_have(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    changes = text(browser, "#costliest").split("\n")
    assert changes[0:4] == ["Changed 5", "+ 1", "− 1", "⇄ 1"]
    assert changes[4:7] == ["plan", "+40.0 µs", "simulation.step"]
    browser.find_elements("css selector", ".chip")[2].click()
    assert "− gone" in text(browser, "#costliest")
    browser.find_element("css selector", ".cost-row").click()
    assert view(browser)[0] == pytest.approx(69.7, abs=0.2)
    details = text(browser, "#details").split("\n")
    assert details[0:2] == ["gone", "database"]
    assert "20.0 µs → none" in details
    assert browser.execute_script("return location.hash").startswith("#side=base")


def test_details_of_what_moved_and_its_callers(sides: Difference, opened: Opened) -> None:
    browser = opened(sides)
    at(browser, 86, 2).click().perform()
    details = text(browser, "#details")
    assert "Was\nsimulation.step › plan › help" in details
    assert "+2.00 µs per step · +20.0 %" in details
    callers = details.split("Callers of this frame")[1].split("\n")
    assert [line for line in callers if line in ("⇄ cache", "⇄ plan")] == ["⇄ cache", "⇄ plan"]
    press(browser, "v")
    assert text(browser, "#crumbs").split("\n")[-2:] == ["plan", "help"], "where it was"
    assert "Is now\nsimulation.step › cache › help" in text(browser, "#details")


def test_search_zoom_and_address(sides: Difference, opened: Opened) -> None:
    browser = opened(sides, "#side=base&part=run&q=look")
    assert text(browser, "#matches") == "20.0 % of the time · 40.0 µs · 1 frame"
    assert browser.execute_script("return location.hash") == "#side=base&part=run&q=look"
    faded, found = colour_at(browser, 105, 2), colour_at(browser, 140, 2)
    assert max(faded) - min(faded) < max(found) - min(found)
    press(browser, "n")
    start, end = view(browser)
    assert end - start == pytest.approx(41.2, abs=0.2)
    press(browser, "0")
    assert view(browser) == [0, 200]


def test_many_runs_that_overlap_have_no_colour(tmp_path: Path, opened: Opened) -> None:
    builder = DifferenceBuilder(("old", "fresh"))
    for side, times in ((BASE, (20, 40)), (NEW, (38, 60))):
        for number, us in enumerate(times):
            trace: Trace = run(
                tmp_path, f"{side}{number}", step(0, 0, 100, ("f", 0, us), ("g", us, us + 1 + 20 * side))
            )
            builder.add(side, trace)
    browser = opened(builder.build())
    names = browser.execute_script("return nutrace.trace.frames.map((frame) => frame.name)")
    levels = browser.execute_script(
        "return nutrace.scene.nodes.of.map((node) => nutrace.trace.difference.levelOf(node))"
    )
    assert dict(zip(names, levels))["f"] == 0, "30 to 49 us on average, but 38 lies between 20 and 40"
    assert dict(zip(names, levels))["g"] == 3
    figures = text(browser, "#figures").split("\n")
    assert figures[1] == "base, runs 100 µs to 100 µs"
    assert figures[5] == "change per step; runs overlap"
    at(browser, 20, 1).click().perform()
    assert "20.0 µs to 40.0 µs → 38.0 µs to 60.0 µs: they overlap, so no colour" in text(browser, "#details")


def test_slow_steps_of_one_run(tmp_path: Path, opened: Opened) -> None:
    steps = [
        step(k, 100 * k, 100 * k + (90 if k == 7 else 30), ("f", 100 * k, 100 * k + (70 if k == 7 else 10)))
        for k in range(20)
    ]
    builder = DifferenceBuilder(("", ""))
    builder.add_slowest(run(tmp_path, "one", ("simulation.run", 0, 2000, steps)), 0.05)
    browser = opened(builder.build(("usual", "slowest")))
    assert frames(browser) == {"simulation.step": (0, 90), "f": (0, 70)}
    assert text(browser, "#sides .switch").split("\n") == ["usual: 19 steps", "slowest: 1 step"]
    assert not browser.find_element("id", "whole-run").is_displayed(), "there is nothing outside the steps"
    assert "moved" not in text(browser, "#marks")
    assert text(browser, "#figures").split("\n")[::2] == ["30.0 µs", "90.0 µs", "+60.0 µs · +200 %"]

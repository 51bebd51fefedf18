"""Sampled functions and memory on the flamegraph page, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from browsing import Opened, at, colour_at, press, text, view, visit, wait
from fakes.otlp import document, trace_of, write

from nutrace.cli.main import main
from nutrace.sampling.attached import with_samples
from nutrace.trace import Trace, load, select
from nutrace_exporters.calltree import SampledNode, merge, walk

pytestmark = pytest.mark.browser

NODES = """
const s = nutrace.scene, t = nutrace.trace;
return Array.from(s.frame, (frame, item) => {
  const path = [];
  for (let i = item; i >= 0; i = s.parent[i]) path.unshift(t.frames[s.frame[i]].name);
  return [path.join(";"), s.total[item], (s.nodes.own ?? s.nodes.self)[item], s.nodes.seen?.[item] ? 1 : 0];
})
"""


def nodes_of_page(browser: Any) -> List[Tuple[str, int, int, bool]]:
    return sorted((path, total, own, bool(seen)) for path, total, own, seen in browser.execute_script(NODES))


def nodes_of_tree(trace: Trace, samples: bool = True) -> List[Tuple[str, int, int, bool]]:
    rows, path = [], []  # type: List[Tuple[str, int, int, bool]], List[str]
    for depth, node in walk(merge(trace, samples)):
        del path[depth:]
        path.append(node.name)
        if node.calls or isinstance(node, SampledNode):  # the page has threads as lanes
            names = path[1:] if path[0].startswith("thread ") else path
            rows.append((";".join(names), node.total_ns, node.own_ns, isinstance(node, SampledNode)))
    return sorted(rows)


def test_the_merged_view_is_the_tree_of_the_other_formats(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled, "#view=merged")
    assert nodes_of_page(browser) == nodes_of_tree(sampled)
    assert sum(seen for *_, seen in nodes_of_page(browser)) == 9
    press(browser, "m")
    assert nodes_of_page(browser) == nodes_of_tree(sampled, samples=False)


def test_a_choice_of_steps_scales_the_samples(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled, "#view=merged&steps=1")
    assert nodes_of_page(browser) == nodes_of_tree(select(sampled, steps=1))


def test_samples_can_be_switched_off(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled)

    def pressed() -> Dict[str, str]:
        names = ("only-measured", "with-samples", "view-time", "view-merged")
        elements = {name: browser.find_element("id", name) for name in names}
        return {name: element.get_attribute("aria-pressed") for name, element in elements.items()}

    assert pressed() == {
        "only-measured": "true", "with-samples": "false", "view-time": "true", "view-merged": "false"
    }  # fmt: skip
    assert "not drawn in time order" in text(browser, "#key")
    browser.find_element("id", "with-samples").click()
    assert pressed() == {
        "only-measured": "false", "with-samples": "true", "view-time": "false", "view-merged": "true"
    }  # fmt: skip
    assert text(browser, "#key").endswith("hatched: sampled, 289 samples at 100 Hz by py-spy 0.4.3")
    browser.find_element("id", "only-measured").click()
    assert pressed()["only-measured"] == pressed()["view-merged"] == "true"
    address = browser.current_url
    assert "samples=off" in address
    visit(browser, address)
    assert pressed()["only-measured"] == "true"
    assert nodes_of_page(browser) == nodes_of_tree(sampled, samples=False)


def test_without_samples_there_is_no_switch(sample: Trace, opened: Opened) -> None:
    browser = opened(sample, "#view=merged")
    assert not browser.find_element("id", "samples").is_displayed()
    before = nodes_of_page(browser)
    press(browser, "m")
    assert nodes_of_page(browser) == before == nodes_of_tree(sample)


def test_sampled_bars_are_lighter_and_hatched(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled, "#view=merged")
    # Below simulation.run (0 to 1000), the step is 0 to 600, and plan 600 to 960, of its self time.
    measured = {tuple(colour_at(browser, 100 + 7 * k, 1)) for k in range(12)}
    hatched = {tuple(colour_at(browser, 850 + 7 * k, 1)) for k in range(12)}
    assert len(measured) == 1
    assert len(hatched) > 2, "the lines"
    assert max(sum(colour) for colour in hatched) > sum(next(iter(measured))) + 20


def test_a_sampled_function_says_that_it_is_an_estimate(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled, "#view=merged")
    at(browser, 800, 1).perform()
    wait(lambda: browser.execute_script("return !document.getElementById('tooltip').hidden"))
    told = text(browser, "#tooltip")
    assert told.startswith("plan\nsampled in simulation: an estimate")
    assert "about 90 % (85 to 93) of the self time of simulation.run" in told
    assert "180 of 200" in told
    assert "about 360 µs" in told
    assert "/home/me/planner.py:10" in told
    at(browser, 800, 1).click().perform()
    assert view(browser) == [594.6, 965.4]
    said = browser.execute_script("return document.getElementById('announcer').textContent")
    assert said.startswith("plan, simulation, Sampled about 90 % (85 to 93)")


def test_details_of_a_span_list_what_is_inside(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled)
    at(browser, 500, 1).click().perform()
    told = text(browser, "#details")
    assert "Inside, from 200 samples: estimated shares of the self time" in told
    rows = told[told.index("plan") :].split("\n")[:7]
    # norm is called in two places, and what has fewer than ten samples is left out.
    assert rows == [
        "plan",
        "90 % (85 to 93)",
        "score",
        "70 % (63 to 76)",
        "norm",
        "20 % (15 to 26)",
        "step.simulated_interval",
    ]
    press(browser, "0")
    assert view(browser) == [0, 1500]
    at(browser, 1200, 0).click().perform()
    assert text(browser, "#details").startswith("metrics; all")
    assert "Inside" not in text(browser, "#details"), "nine samples say nothing"


def test_arrows_and_search_reach_sampled_functions(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled, "#view=merged")
    press(browser, "/", "scorer.py")
    # score (with norm in it) in run and steps, and norm in the statements.
    assert text(browser, "#matches") == "about 34.2 % of the time · 602 µs · sampled in 5 places"
    press(browser, "\ue007")
    focus = "return nutrace.trace.frames[nutrace.scene.frame[nutrace.look.focus]].name"
    assert browser.execute_script(focus) == "score"
    press(browser, "\ue00c", "\ue00c", "\ue015", "\ue015", "\ue015", "\ue015")
    assert browser.execute_script(focus) == "score", "four levels down, always the costliest child"
    press(browser, "v")
    assert browser.execute_script("return nutrace.trace.nameOf(nutrace.look.focus)") == "simulation.step 1"
    press(browser, "m")
    assert browser.execute_script(focus) == "simulation.step"


def test_costliest_counts_sampled_functions_in_the_merged_view(sampled: Trace, opened: Opened) -> None:
    browser = opened(sampled)
    names = [row.split("\n")[0] for row in text(browser, "#costliest").split("\n") if "%" not in row]
    assert "score" not in names
    press(browser, "v")
    rows = text(browser, "#costliest").split("\n")
    assert rows[rows.index("score") + 1] == "≈ 23.0 %"  # (205 + 200) of 1760 us


RUN = {"code.function.name": "Runner.run", "code.file.path": "/x/run.py", "code.line.number": 1}
PLAN = {"code.function.name": "One.plan", "code.file.path": "/x/one.py", "code.line.number": 10}
OTHER_PLAN = {"code.function.name": "Two.plan", "code.file.path": "/x/two.py", "code.line.number": 20}
STACKS = """\
run (/x/run.py:1);plan (/x/one.py:10) 17
run (/x/run.py:1);plan (/x/one.py:10);score (/x/s.py:5) 40
run (/x/run.py:1);plan (/x/one.py:10);score (/x/s.py:5);norm (/x/s.py:9);score (/x/s.py:5) 23
run (/x/run.py:1);plan (/x/one.py:10);norm (/x/s.py:9) 4
run (/x/run.py:1);plan (/x/two.py:20);score (/x/s.py:5) 6
run (/x/run.py:1);plan (/x/two.py:20);norm (/x/s.py:9) 61
run (/x/run.py:1) 12
"""


FIGURES = """
const { scene, trace } = nutrace;
return Array.from(scene.frame, (frame, node) => {
  const groups = scene.nodes.groups[node] ?? new Map();
  const rows = trace.inside.functionsIn(groups).map((row) => {
    const interval = trace.inside.intervalOf(row.total, trace.inside.wholeOf(groups));
    return [row.name, row.file, row.line, row.samples, row.own / 1e6, row.total / 1e6, ...interval];
  });
  return [trace.frames[frame].name, rows];
});
"""


def test_the_page_says_what_the_report_says(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    plans = [("planner.compute", 0, 300, PLAN), ("planner.initialize", 300, 900, OTHER_PLAN)]
    run_file = write(tmp_path / "run.json", document(("simulation.run", 0, 1000, plans, RUN)))
    stacks = tmp_path / "stacks.txt"
    stacks.write_text(STACKS)
    assert main(["report", str(run_file), "--json", "--samples", str(stacks)]) == 0
    figures = "total_samples", "own_ms", "total_ms", "total_low", "total_high"
    said = {
        kind["span"]: {
            (row["function"], row["file"], row["line"]): pytest.approx(
                [row[figure] for figure in figures],
                rel=1e-4,  # the report divides into whole nanoseconds
            )
            for row in kind["functions"]
            if not row["itself"]
        }
        for kind in json.loads(capsys.readouterr().out)["inside"]
    }
    assert {span: len(rows) for span, rows in said.items()} == {
        "simulation.run": 0, "planner.compute": 2, "planner.initialize": 1
    }  # fmt: skip
    browser = opened(with_samples(load(run_file), [str(stacks)]), "#view=merged")
    shown = {
        span: {(name, file, line): row for name, file, line, *row in rows}
        for span, rows in browser.execute_script(FIGURES)
        if span in said
    }
    assert shown == said
    at(browser, 150, 1).click().perform()
    row = said["planner.initialize"]["norm", "/x/s.py", 9].expected
    assert f"norm\n{100 * 61 / 67:.1f} % ({100 * row[3]:.1f} to {100 * row[4]:.1f})" in text(
        browser, "#details"
    )


def test_memory_of_many_steps_is_drawn_from_the_least_to_the_most_of_a_pixel(
    tmp_path: Path, opened: Opened
) -> None:
    """Where a pixel has ten steps, which end with little and much memory in turn, all of it is filled."""
    steps = [
        (
            "simulation.step",
            10 * step,
            10 * step + 9,
            {
                "nutrace.step.index": step,
                "nutrace.memory.rss": (10**9 if step < 7_000 and step % 2 else 5 * 10**8),
            },
        )
        for step in range(14_000)
    ]
    browser = opened(trace_of(tmp_path, ("simulation.run", 0, 140_000, steps)))
    filled = browser.execute_script(
        "const line = nutrace.memoryLines[0]; line.draw();"
        "const { canvas } = line, c = canvas.getContext('2d');"
        "return [0.4, 0.9].map((part) => {"
        "  const x = Math.floor(part * canvas.width), data = c.getImageData(x, 0, 1, canvas.height).data;"
        "  const rows = Array.from({ length: canvas.height }, (_, y) => data[4 * y + 3] > 128);"
        "  return rows.filter(Boolean).length / rows.length;"
        "});"
    )
    assert filled[0] > 0.6
    assert 0 < filled[1] < 0.15


def test_memory_is_a_line_below_the_steps(tmp_path: Path, opened: Opened) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    spans = [
        (
            "simulation.step",
            10 * step,
            10 * step + 9,
            {"nutrace.step.index": step, "nutrace.memory.rss": 500_000_000 + 20_000_000 * step},
        )
        for step in range(5)
    ]
    browser = opened(trace_of(tmp_path, *spans))
    line = browser.find_element("css selector", "#strip .memory")
    assert line.get_attribute("aria-label") == "memory at the steps' ends: 500 MB to 580 MB"
    ActionChains(browser).move_to_element(line).perform()
    wait(lambda: browser.execute_script("return !document.getElementById('tooltip').hidden"))
    assert "Memory\n540 MB at its end" in text(browser, "#tooltip")


def test_the_text_of_memory_can_be_read_where_the_line_passes(tmp_path: Path, opened: Opened) -> None:
    spans = [
        (
            "simulation.step",
            10 * step,
            10 * step + 9,
            {"nutrace.step.index": step, "nutrace.memory.rss": 580_000_000 if step % 2 else 500_000_000},
        )
        for step in range(200)
    ]
    browser = opened(trace_of(tmp_path, *spans))
    # The line goes up and down everywhere. Drawn without its text, it is faint where the text lies.
    below, beside = browser.execute_script(
        "const [line] = nutrace.memoryLines, c = line.canvas.getContext('2d');"
        "c.fillText = (text, x, middle) => { c.place = [x, middle, c.measureText(text).width]; };"
        "line.draw(); delete c.fillText;"
        "const [x, middle, width] = c.place, ratio = devicePixelRatio;"
        "const darkest = (from) => {"
        "  const part = [from, middle - 5, width, 10].map((px) => px * ratio);"
        "  const { data } = c.getImageData(...part);"
        "  const red = (k) => 255 + ((data[k] - 255) * data[k + 3]) / 255;"  # on white
        "  return Math.min(...Array.from({ length: data.length / 4 }, (_, k) => red(4 * k)));"
        "};"
        "return [darkest(x), darkest(x + width + 20)]"
    )
    assert beside < 140
    assert below > 200

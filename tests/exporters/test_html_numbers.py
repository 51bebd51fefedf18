"""Every number of the page is that of ``nutrace report --json``, on runs that are hard to count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from browsing import Opened, at, go_to, text, wait
from fakes.otlp import trace_of
from simulations import run_file

from nutrace.cli.main import main
from nutrace.trace import load

pytestmark = pytest.mark.browser

Costs = Dict[Any, Tuple[int, float, float]]

#: What is selected by address, and the same on the command line.
SELECTIONS = (
    ("", ()),
    ("steps=1", ("--steps", "1")),
    ("steps=1:5", ("--steps", "1:5")),
    ("steps=2:", ("--steps", "2:")),
    ("scenario=aaaa", ("--scenario", "aaaa")),
    ("scenario=bbbb", ("--scenario", "bbbb")),
    ("scenario=bbbb%232", ("--scenario", "bbbb#2")),
    ("scenario=stopping", ("--scenario", "stopping")),
    ("scenario=5", ("--scenario", "5")),
    ("scenario=5&steps=2", ("--scenario", "5", "--steps", "2")),
    ("scenario=starting_left_turn&steps=:4", ("--scenario", "starting_left_turn", "--steps", ":4")),
)

PAGE = """
const { trace, summary } = nutrace;
const rows = (names, { calls, total, self, yielded }) => names
  .map((name, k) => [name, calls[k], total[k], self[k], yielded[k]])
  .filter(([, ...numbers]) => numbers.some(Boolean));
const components = trace.components.map(({ name }) => name);
const kinds = trace.kinds.map(({ name, component }) => `${name} ${components[component]}`);
return {
  kinds: rows(kinds, summary.kinds),
  regions: summary.regions.map((costs) => rows(components, costs)),
  components: rows(components, summary.components),
  all: summary.all,
};
"""

#: The figures of the table, of the inverted view, and of callers and callees of each kind that was called.
VIEWS = """
const { trace } = nutrace;
const components = trace.components.map(({ name }) => name);
const nameOf = (kind) => `${trace.kinds[kind].name} ${components[trace.kinds[kind].component]}`;
nutrace.setView("inverted");
const { roots, total, nodes } = nutrace.scene;
const inverted = [...roots].map(([kind, item]) => [nameOf(kind), nodes.calls[item], total[item]]);
nutrace.spanTable.toggle(true);
const table = nutrace.spanTable.sorted.map((row) => {
  return [nameOf(row.kind), row.calls, row.total, row.self, row.share, row.step];
});
const sandwich = [];
const { calls, total: totals } = nutrace.summary.kinds;
trace.kinds.forEach((_, kind) => {
  if (!calls[kind] && !totals[kind]) return;
  nutrace.showCallers(kind);
  const { scene } = nutrace;
  const { callers } = nutrace.summary.nextTo.get(kind);
  const sum = (key) => callers.reduce((all, row) => all + row[key], 0);
  const lanes = scene.starts.map((item) => [scene.nodes.calls[item], scene.total[item]]);
  sandwich.push([nameOf(kind), ...lanes, [sum("calls"), sum("time")]]);
});
nutrace.spanTable.toggle(false);
nutrace.kind = -1;
nutrace.setView("time");
return { inverted, table, sandwich };
"""


def report_of(capsys: pytest.CaptureFixture[str], file: Path, arguments: Sequence[str]) -> Any:
    capsys.readouterr()
    assert main(["report", str(file), "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def costs(rows: List[Any], key: str = "component") -> Costs:
    """Calls, total and self time in ns."""
    return {
        row[key] if key == "component" else f"{row['name']} {row['component']}": (
            row["calls"],
            round(row["total_ms"] * 1e6),
            round(row["self_ms"] * 1e6),
        )
        for row in rows
        if row["calls"] or row["total_ms"] or row["self_ms"]
    }


def of_page(rows: List[Any]) -> Costs:
    return {name: (calls, total, own) for name, calls, total, own, _ in rows}


def compare(browser: Any, expected: Any) -> None:
    page = browser.execute_script(PAGE)
    outside, inside, beside = page["regions"]
    assert of_page(inside) == costs(expected["components"])
    assert of_page(beside) == costs(expected["concurrent"])
    assert of_page(outside) == costs(expected["outside_steps"])
    assert of_page(page["kinds"]) == costs(expected["spans"], "name")
    yielded = {name: number for name, _, _, _, number in page["kinds"] if number}
    assert yielded == {
        f"{s['name']} {s['component']}": s["yielded"] for s in expected["spans"] if s["yielded"]
    }
    sums: Dict[str, List[float]] = {}
    for part in ("components", "concurrent", "outside_steps"):
        for component, numbers in costs(expected[part]).items():
            sums[component] = [a + b for a, b in zip(sums.get(component, [0, 0, 0]), numbers)]
    assert {name: list(numbers) for name, numbers in of_page(page["components"]).items()} == sums
    # What shares are shares of, and what the header has of a part of the run.
    assert page["all"] == sum(own for _, _, own in sums.values())
    compare_header(browser, expected["steps"], expected["run"])
    compare_views(browser, expected)


def compare_views(browser: Any, expected: Any) -> None:
    """The table, the inverted view, and callers and callees."""
    views = browser.execute_script(VIEWS)
    kinds = costs(expected["spans"], "name")
    whole = sum(own for _, _, own in kinds.values()) or 1
    steps = expected["steps"]["count"]
    assert {name: (calls, total, own) for name, calls, total, own, _, _ in views["table"]} == kinds
    for name, _, total, own, share, step in views["table"]:
        assert share == pytest.approx(own / whole, rel=1e-9)
        assert step == (-1 if step < 0 else pytest.approx(total / steps, rel=1e-9)), name
    inverted = {name: (calls, own) for name, calls, own in views["inverted"] if calls or own}
    assert inverted == {name: (calls, own) for name, (calls, _, own) in kinds.items() if calls or own}
    called = {name: [calls, total] for name, (calls, total, _) in kinds.items() if calls or total}
    for place in (1, 2, 3):  # the callers' lane, the callees' lane, and the list of direct callers
        assert {row[0]: row[place] for row in views["sandwich"]} == called


def compare_header(browser: Any, steps: Any, run: Any) -> None:
    """What the header says of the steps, as the page rounds it."""

    def ms(number: float) -> str:
        return f"{number:.{0 if number >= 100 else 1 if number >= 1 else 2}f} ms"

    rows = text(browser, "#figures").split("\n")
    told = dict(zip(rows[1::2], rows[0::2]))
    assert told["step" if steps["count"] == 1 else "steps"] == f"{steps['count']:,}"
    if steps["count"] == 1:
        assert (told["step time"], told.get("p50"), told.get("max")) == (ms(steps["max_ms"]), None, None)
    elif steps["count"]:
        assert [told[name] for name in ("p50", "p95", "max")] == [
            ms(steps[f"{name}_ms"]) for name in ("p50", "p95", "max")
        ]
    if steps["count"]:
        assert ms(steps["mean_ms"]) in text(browser, "#steps-note")
    factor = steps["realtime_factor"]
    assert told.get("real-time factor") == (f"{factor:.2f}×" if factor else None)
    over = [number for name, number in told.items() if name.startswith("over ")]
    count = steps["over_real_time"] if steps["count"] > 1 else 0
    assert over == ([f"{count:,}"] if count else [])
    assert browser.execute_script("return nutrace.trace.run.wall") == round(run["wall_seconds"] * 1e9)


@pytest.mark.parametrize("seed", range(4))
def test_a_run_with_everything(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    file = run_file(tmp_path / "made-up.json", seed)
    browser = opened(load(file))
    for address, arguments in SELECTIONS:
        if address:
            go_to(browser, address)
        compare(browser, report_of(capsys, file, arguments))


def test_generators_that_go_on_in_another_step(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up = [
        (
            "simulation.step",
            0,
            50,
            [("rows", 0, 20, {"nutrace.busy_ns": 9_000, "nutrace.generator.yielded": 3})],
        ),
        ("simulation.step", 60, 90, [("rows", 60, 65, {"nutrace.generator.continues": f"{2:016x}"})]),
    ]
    file = tmp_path / "run.json"
    browser = opened(trace_of(tmp_path, *made_up))
    compare(browser, report_of(capsys, file, ()))
    browser.find_element("id", "steps-field").send_keys("1", "\ue007")
    compare(browser, report_of(capsys, file, ("--steps", "1")))


def test_a_step_within_a_step_and_another_thread_in_between(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    planner = {"nutrace.component": "planner"}
    back = ("plan", 22, 30, planner)
    elsewhere = ("plan", 20, 40, [back], {**planner, "thread.id": 2})
    inner = ("simulation.step", 50, 60, [("plan", 51, 59, planner)])
    outer = (
        "simulation.step",
        0,
        100,
        [("plan", 10, 90, [elsewhere, inner, ("plan", 70, 80, planner)], planner)],
    )
    file = tmp_path / "run.json"
    browser = opened(trace_of(tmp_path, ("plan", 0, 200, [outer], planner)))
    expected = report_of(capsys, file, ())
    assert costs(expected["components"])["planner"][0] == 1
    compare(browser, expected)


def test_one_name_in_two_components_counts_at_the_outermost(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name below itself counts no second time, whatever the component: so has the report."""
    inner = ("load", 20, 60, {"nutrace.component": "database"})
    outer = ("load", 0, 90, [inner], {"nutrace.component": "map"})
    browser = opened(trace_of(tmp_path, ("simulation.step", 0, 100, [outer])))
    expected = report_of(capsys, tmp_path / "run.json", ())
    assert costs(expected["spans"], "name")["load database"] == (0, 0, 40_000)
    compare(browser, expected)


def test_steps_that_take_longer_than_they_simulate_are_counted(
    tmp_path: Path, opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    simulates = {"nutrace.step.simulated_interval_s": 0.1}
    times = 20_000, 100_000, 100_001, 30_000, 130_000
    steps = [("simulation.step", 400_000 * k, 400_000 * k + time, simulates) for k, time in enumerate(times)]
    browser = opened(trace_of(tmp_path, *steps))
    compare(browser, report_of(capsys, tmp_path / "run.json", ()))
    assert "2\nover 100 ms\n0.76×\nreal-time factor" in text(browser, "#figures")
    assert browser.find_elements("css selector", ".figure.fast") == []  # the mean alone is no good news
    go_to(browser, "steps=:2")
    compare(browser, report_of(capsys, tmp_path / "run.json", ("--steps", ":2")))
    assert "0.60×" in text(browser, ".figure.fast")
    go_to(browser, "steps=4")
    compare(browser, report_of(capsys, tmp_path / "run.json", ("--steps", "4")))
    assert "over" not in text(browser, "#figures")


def test_a_component_says_its_calls_and_times(tmp_path: Path, opened: Opened) -> None:
    # 10 calls of a planner, each of which calls itself 29 times.
    planner = {"nutrace.component": "planner"}
    calls = []
    for k in range(10):
        inner: List[Any] = []
        for level in range(29, -1, -1):
            inner = [("plan", 1000 * k + level, 1000 * k + 100 - level, inner, planner)]
        calls.extend(inner)
    browser = opened(
        trace_of(tmp_path, ("simulation.step", 0, 10_000, calls, {"nutrace.component": "simulation"}))
    )
    rows = browser.find_elements("css selector", ".legend-row")
    title = next(row for row in rows if "planner" in row.text).get_attribute("title")
    assert title == "planner\nself 1.00 ms, total 1.00 ms, 10 calls"
    at(browser, 50, 1).perform()
    wait(lambda: "All 10 calls\n1.00 ms, self 1.00 ms" in text(browser, "#tooltip"))

"""The rows of scenarios, from runs whose times, workers and memory are known."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any, Dict, List

import pytest
from fakes.chosen_scenarios import DRIVER, Simulated, evaluation_of, write_evaluation
from fakes.otlp import document, trace_of, write

from nutrace import semconv
from nutrace.analysis import report
from nutrace.analysis.evaluation.scenario_rows import ORDERS, in_order, scenario_rows
from nutrace.cli.main import main
from nutrace.trace import load, select

FIELDS = [
    *("scenario", "type", "log", "steps", "step_mean_ms", "step_p95_ms", "realtime_factor", "wall_s"),
    *("worker", "start_s", "memory_start_mb", "memory_end_mb", "outcome"),
]
QUICK, SLOW = [10.0] * 20, [10.0] * 18 + [200.0, 300.0]


def _evaluation() -> List[Simulated]:
    """Two workers; one is killed in its second scenario, which the other one then simulates."""
    return [
        Simulated("aa11", 201, QUICK, 5, memory_mb=[100, *[110.0] * 20, 120], peak_mb=125),
        Simulated("bb22", 202, SLOW, 5, kind="stopping", memory_mb=[100, *[400.0] * 20, 130]),
        Simulated("cc33", 201, [10.0] * 3, 300, memory_mb=[120, 500, 900, None, None], unfinished=True),
        Simulated("dd44", 202, [20.0], 1000, failed=True),
        Simulated("cc33", 202, QUICK, 1200, memory_mb=[130, *[131.0] * 20, 132]),
    ]


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["scenarios", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_rows_have_what_was_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_evaluation(tmp_path / "run.json", _evaluation())
    said = _json(capsys, str(path), "--sort", "number")
    assert (said["complete"], said["running"]) == (True, False)
    rows = {(row["scenario"], row["outcome"]): row for row in said["scenarios"]}
    assert all(list(row) == FIELDS for row in said["scenarios"])
    first = rows["aa11", "finished"]
    assert (first["type"], first["log"], first["worker"], first["steps"]) == (
        "turning",
        "log of aa11",
        "201",
        20,
    )
    assert first["step_mean_ms"] == first["step_p95_ms"] == 10
    assert first["realtime_factor"] == pytest.approx(0.1)
    assert (first["wall_s"], first["start_s"]) == (pytest.approx(0.22), pytest.approx(0.005))
    assert (first["memory_start_mb"], first["memory_end_mb"]) == (100, 120)
    slow = rows["bb22", "finished"]
    assert slow["step_mean_ms"] == pytest.approx((18 * 10 + 500) / 20)
    assert slow["step_p95_ms"] == 200  # by nearest rank the 19th of 20
    # The scenario of the killed worker goes as far as it came; its last step did not end.
    cut = rows["cc33", "cut short"]
    assert (cut["worker"], cut["steps"], cut["memory_start_mb"], cut["memory_end_mb"]) == ("201", 2, 120, 900)
    assert rows["dd44", "failed"]["memory_end_mb"] is None
    again = rows["cc33#2", "finished"]
    assert (again["worker"], again["steps"], again["memory_end_mb"]) == ("202", 20, 132)


def test_rows_are_the_numbers_of_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = evaluation_of(tmp_path, _evaluation())
    rows = scenario_rows(trace)
    whole = report(trace)
    assert sum(row.steps for row in rows) == whole.steps.count
    total_ns = sum(row.steps * (row.step_mean_ns or 0) for row in rows)
    assert total_ns == pytest.approx(whole.steps.total_ns)
    remarkable = {each.number: len(each.steps) for each in whole.scenarios.remarkable}
    assert remarkable == {row.scenario.number: row.steps for row in rows if row.scenario.number in remarkable}
    for row in rows:
        part = report(trace, select(trace, scenario=row.scenario.name))
        if row.scenario.token == "cc33":
            part = report(trace, select(trace, scenario=row.scenario.number))
        assert (part.steps.count, part.steps.p95_ns) == (row.steps, row.step_p95_ns or 0)
        assert part.steps.mean_ns == (row.step_mean_ns or 0)
        assert part.steps.realtime_factor == row.realtime_factor


def test_steps_of_one_scenario_among_several_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each scenario's steps take another time, so that one of another would show."""
    many = [
        Simulated(f"{at}{at}token", 201 + at % 3, [10.0 + at + step / 1000 for step in range(60)], 700 * at)
        for at in range(9)
    ]
    path = str(write_evaluation(tmp_path / "run.json", many))
    for at in range(9):
        assert main(["report", path, "--json", "--scenario", f"{at}{at}to", "--steps", "40:50"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["selection"] == f"steps 40 to 49 of scenario {at}{at}token (turning)"
        assert said["steps"]["count"] == 10
        assert said["steps"]["mean_ms"] == pytest.approx(10 + at + 0.0445)
        assert said["steps"]["max_ms"] == pytest.approx(10 + at + 0.049)
        assert {row["component"]: row["calls"] for row in said["components"]} == {
            "simulation": 10,
            "planner": 10,
        }
        assert said["outside_steps"] == []
    assert main(["report", path, "--scenario", "44", "--steps", "40:50"]) == 0
    text = capsys.readouterr().out
    assert "Only steps 40 to 49 of scenario 44token (turning) of the run:" in text
    assert "Evaluation" not in text


def test_text_lists_and_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_evaluation(tmp_path / "run.json", _evaluation()))
    assert main(["scenarios", path, "--limit", "3"]) == 0
    text = capsys.readouterr().out
    assert "5 scenarios: 3 finished, 1 failed, 1 cut short; 1 of them simulated again." in text
    assert "63 finished steps, 2 workers; the longest first." in text
    rows = text[text.index("number") :].splitlines()
    assert [row.split()[1] for row in rows[1:4]] == ["bb22", "aa11", "cc33#2"]
    assert "100.0 > 120.0" in rows[2]
    assert "and 2 more: --limit 0 shows all" in text
    named = (
        "cc33 was cut short: worker 201 was killed, or it crashed, after 2 finished steps and with 900.0 MB"
    )
    assert f"{named} at the last reading" in text
    assert main(["report", path]) == 0
    assert named in capsys.readouterr().out


@pytest.mark.parametrize(
    ("order", "first"),
    [("wall", "bb22"), ("step", "bb22"), ("p95", "bb22"), ("memory", "cc33"), ("start", "aa11")],
)
def test_orders(tmp_path: Path, order: str, first: str) -> None:
    rows = in_order(scenario_rows(evaluation_of(tmp_path, _evaluation())), order)
    assert rows[0].scenario.token == first
    assert len(rows) == 5


def test_what_is_not_known_comes_last(tmp_path: Path) -> None:
    rows = scenario_rows(evaluation_of(tmp_path, _evaluation()))
    assert in_order(rows, "memory")[-1].scenario.token == "dd44"
    for order in ORDERS:
        assert sorted(row.scenario.number for row in in_order(rows, order)) == [1, 2, 3, 4, 5]


def test_rows_of_a_part_are_those_of_the_whole(tmp_path: Path) -> None:
    """A scenario's number is not its place in a part."""
    trace = evaluation_of(tmp_path, _evaluation())
    for whole in scenario_rows(trace):
        (row,) = scenario_rows(select(trace, scenario=whole.scenario.number))
        figures = [(each.scenario.number, each.outcome, each.killed, each.steps) for each in (row, whole)]
        assert figures[0] == figures[1]
    turning = scenario_rows(select(trace, scenario="turning"))
    assert [(row.scenario.number, row.killed) for row in turning] == [
        *((1, False), (3, True), (4, False), (5, False)),
    ]


def test_two_planners_on_one_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [Simulated("aa11", 201, QUICK, 300 * at, planner=name) for at, name in enumerate(("IDM", "PDM"))]
    path = str(write_evaluation(tmp_path / "run.json", both))
    assert main(["scenarios", path]) == 0
    text = capsys.readouterr().out
    assert "2 scenarios: all finished." in text
    assert [line.split()[3] for line in text.splitlines() if " aa11 " in line] == ["IDM", "PDM"]


def test_threads_and_hosts_tell_workers_apart(tmp_path: Path) -> None:
    threads = [Simulated(token, DRIVER, QUICK, 5, thread=at) for at, token in enumerate(("aa", "bb"), 2)]
    rows = scenario_rows(evaluation_of(tmp_path, threads))
    assert sorted(row.worker for row in rows) == [f"{DRIVER}/2", f"{DRIVER}/3"]
    apart = [Simulated("aa", 201, QUICK), Simulated("bb", 202, QUICK)]
    hosts = {201: {"host.name": "one"}, 202: {"host.name": "two"}}
    rows = scenario_rows(evaluation_of(tmp_path, apart, resources=hosts))
    assert sorted(row.worker for row in rows) == ["one:201", "two:202"]


def test_no_scenario_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = [Simulated(token, 201 + at, [10.0], unfinished=True) for at, token in enumerate(("aa", "bb"))]
    path = str(write_evaluation(tmp_path / "run.json", cut))
    assert [row["step_mean_ms"] for row in _json(capsys, path)["scenarios"]] == [None, None]
    assert main(["scenarios", path]) == 0
    text = capsys.readouterr().out
    assert "2 scenarios: 2 cut short, none finished." in text
    assert "bb was cut short: worker 202 was killed, or it crashed, after 0 finished steps" in text
    assert main(["report", path]) == 0
    assert "2 scenarios: 2 cut short, none finished. 0 steps." in capsys.readouterr().out


def test_a_run_that_was_killed_as_a_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = [Simulated(token, 201 + at, [10.0], unfinished=True) for at, token in enumerate(("aa", "bb"))]
    path = str(write_evaluation(tmp_path / "run.json", cut, driver={semconv.RUN_COMPLETE: False}))
    assert main(["scenarios", path]) == 0
    assert "aa was cut short in worker 201, after 0 finished steps" in capsys.readouterr().out


def test_no_scenarios_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(tmp_path / "run.json", document(("a", 0, 10))))
    assert _json(capsys, path)["scenarios"] == []
    assert main(["scenarios", path]) == 0
    assert "no scenarios: it has neither a span simulation.run nor a step" in capsys.readouterr().out


def test_steps_that_nothing_runs_around(tmp_path: Path) -> None:
    """navsim: a step says its token itself, and the scenario lasts from its first to its last step."""
    says: Dict[str, Any] = {semconv.SCENARIO_TOKEN: "aa"}
    trace = trace_of(tmp_path, *((semconv.STEP_SPAN, begin, begin + 100, says) for begin in (0, 1000, 2000)))
    (row,) = scenario_rows(trace)
    assert (row.steps, row.wall_ns, row.step_mean_ns, row.worker) == (3, 2_100_000, 100_000, "100")
    assert row.memory_end is None


def test_a_thousand_scenarios_are_fast(tmp_path: Path) -> None:
    many = [Simulated(f"{at:04x}", 201 + at % 8, [1.0] * 10, 100 * at) for at in range(1_100)]
    trace = load(write_evaluation(tmp_path / "run.json", many))
    begin = process_time()
    rows = in_order(scenario_rows(trace), "wall")
    assert len(rows) == 1_100
    assert process_time() - begin < 2

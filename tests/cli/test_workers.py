"""``nutrace workers`` and ``nutrace whatif --workers`` on runs with known lanes, and on bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest
from fakes.commands import command
from fakes.evaluations import Worker, evaluation
from fakes.otlp import document, write

from nutrace import semconv

_LANE = {"process", "thread", "scenarios", "startup_s", "busy_s", "idle_s", "share_busy"}


def _run(folder: Path) -> Path:
    return evaluation(
        folder,
        Worker([(23, 33), (34, 44)], created=5, imports=[(8, 10), (21, 22)], cpu=6.0),
        Worker([(30, 50)], created=25, imports=[(26, 29)], cpu=3.0),
        **{semconv.PROCESSORS: 4},
    )


def _json(*words: object) -> Dict[str, Any]:
    done = command(*words, "--json")
    assert (done.code, done.err) == (0, "")
    answer: Dict[str, Any] = json.loads(done.out)
    return answer


def test_the_fields_that_programs_read(tmp_path: Path) -> None:
    said = _json("workers", _run(tmp_path))
    assert {"workers", "makespan", "memory", "complete", "running"} <= said.keys()
    for lane in said["workers"]:
        assert lane.keys() >= _LANE
        wall = said["makespan"]["measured_s"]
        assert lane["startup_s"] + lane["busy_s"] + lane["idle_s"] == pytest.approx(wall)
        parts = ("absent_s", "waiting_s", "nothing_left_s", "driving_s", "unaccounted_s")
        assert sum(lane[part] for part in parts) == pytest.approx(lane["idle_s"])
        assert lane["share_busy"] == pytest.approx(lane["busy_s"] / wall)
    assert [lane["process"] for lane in said["workers"]] == [101, 102]
    assert [lane["scenarios"] for lane in said["workers"]] == [2, 1]
    span = said["makespan"]
    assert (span["measured_s"], span["serial_s"]) == (52.0, 22.0)
    assert [each["workers"] for each in span["predicted"]] == [1, 2, 3, 4, 8]
    for each in span["predicted"]:
        assert span["bound_s"] <= each["bound_s"] <= each["seconds"] + 1e-9
    parts = said["driver"]["serial"]
    assert sum(part["seconds"] for part in parts) == pytest.approx(22.0)


def test_the_picture_has_a_line_for_each_lane(tmp_path: Path) -> None:
    done = command("workers", _run(tmp_path))
    assert (done.code, done.err) == (0, "")
    lanes = {line.split()[0]: line.partition("|")[2] for line in done.out.splitlines() if line.endswith("|")}
    assert {name: len(drawn) for name, drawn in lanes.items()} == {"100": 79, "101": 79, "102": 79}
    second = 78 / 52
    first = lanes["101"]
    for at, mark in ((2, "."), (9, "s"), (15, "-"), (28, "#"), (39, "="), (48, " ")):
        assert first[int(at * second)] == mark, at
    assert lanes["100"][int(5 * second)] == "d"
    assert lanes["100"][int(30 * second)] == "-"
    assert "3 scenarios, 2 workers in processes of their own; the run took 52.0 s" in done.out
    assert "The driver by itself: 22.0 s" in done.out
    assert "2 (now)" in done.out


def test_the_table_is_limited(tmp_path: Path) -> None:
    file = evaluation(tmp_path, *[Worker([(22 + at, 40)], created=20) for at in range(5)])
    done = command("workers", file, "--limit", "2")
    assert "  and 3 more: --limit 0 shows all" in done.out
    assert "\n  105 " not in done.out
    assert "\n  105 " in command("workers", file, "--limit", "0").out


def test_stragglers_are_named(tmp_path: Path) -> None:
    long, short = Worker([(20, 30), (30, 60)], created=5, cpu=1.0), Worker([(20, 35)], created=5, cpu=1.0)
    done = command("workers", evaluation(tmp_path, long, short))
    line = (
        "at the end workers had nothing left for up to 25.0 s, 25.0 s together, until 101 had simulated 0002"
    )
    assert line in done.out
    assert "nothing left for" not in command("workers", evaluation(tmp_path / "even", long)).out


def test_scenarios_that_wait_are_noticed(tmp_path: Path) -> None:
    of_a_gpu = Worker([(20, 30), (30, 60)], created=5, cpu=1.0, cpu_share=0.3)
    done = command("workers", evaluation(tmp_path, of_a_gpu))
    assert "used 0.30 processors: scenarios waited, for a GPU or a disk" in done.out
    busy = command("workers", evaluation(tmp_path / "busy", Worker([(20, 30)], created=5, cpu=1.0)))
    assert "scenarios waited" not in busy.out


def test_a_killed_worker_is_named(tmp_path: Path) -> None:
    killed = Worker([(22, 25), (25, 28)], created=20, unfinished=True)
    file = evaluation(tmp_path, killed, Worker([(22, 40)], created=20), Worker([(32, 40)], created=29))
    done = command("workers", file)
    assert "process 101 ended in scenario 0002, after 2 steps, at 28.0 s: it was killed" in done.out
    assert "1 scenario that did not finish" in done.out
    assert "3 workers in processes of their own, 2 at a time" in done.out
    assert "2 (now)" in done.out
    said = _json("workers", file)
    assert said["makespan"]["workers"] == 2
    assert [lane["ended_in_scenario"] for lane in said["workers"]] == ["0002", None, None]
    assert said["makespan"]["left_out"] == 1


def test_no_finished_scenario(tmp_path: Path) -> None:
    file = evaluation(tmp_path, Worker([(22, 25)], created=20, unfinished=True))
    assert "No scenario finished: there is nothing to predict from." in command("workers", file).out
    assert _json("workers", file)["makespan"] is None
    done = command("whatif", file, "--workers", "4")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no scenario of this run finished" in done.err


def test_a_foreign_trace(tmp_path: Path) -> None:
    file = write(tmp_path / "run.json", document(("GET /", 0, 10, [("db", 2, 3)]), resource={}))
    done = command("workers", file)
    assert (done.code, done.err) == (0, "")
    assert "This trace has no scenarios" in done.out
    said = _json("workers", file)
    assert (said["workers"], said["makespan"]) == ([], None)


def test_one_process(tmp_path: Path) -> None:
    file = evaluation(tmp_path, main=[(20, 30), (30, 40)])
    done = command("workers", file)
    assert (done.code, done.err) == (0, "")
    assert "2 scenarios, 1 worker in the driver, one scenario after the other" in done.out
    (lane,) = _json("workers", file)["workers"]
    assert lane["startup_s"] + lane["busy_s"] + lane["idle_s"] == pytest.approx(42.0)
    assert lane["driving_s"] == pytest.approx(2.0)


def test_whatif_predicts_what_workers_does(tmp_path: Path) -> None:
    file = _run(tmp_path)
    said = _json("whatif", file, "--workers", "3")["with_workers"]
    predicted = {each["workers"]: each for each in _json("workers", file)["makespan"]["predicted"]}
    assert said["seconds"] == predicted[3]["seconds"]
    assert (said["workers"], said["workers_now"], said["likely"]) == (3, 2, None)
    done = command("whatif", file, "--workers", "3")
    assert (done.code, done.err) == (0, "")
    assert "with 3 workers" in done.out


def test_whatif_with_changes_and_workers(tmp_path: Path) -> None:
    """Steps are all of a scenario here, and all self time: at half of it scenarios take half."""
    file = evaluation(tmp_path, Worker([(20, 30), (30, 50)], created=20, cpu=1.0))
    said = _json("whatif", file, "span:simulation.step=0.5", "--workers", "1")
    assert said["changes"][0]["name"] == "simulation.step"
    assert said["with_workers"]["seconds"] == pytest.approx(52)
    assert said["with_workers"]["stretch"]["seconds"] == pytest.approx(22 + 15)
    assert said["with_workers"]["likely"]["seconds"] == pytest.approx(22 + 30 * 0.7)
    done = command("whatif", file, "span:simulation.step=0.5", "--workers", "1")
    assert done.out.index("What follows") < done.out.index("Workers")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--workers", "0"),
        ("--workers", "-1"),
        ("--workers", "many"),
        ("--workers", "99999999999"),
        ("--workers", "2", "--steps", "1:2"),
        ("--workers", "2", "--scenario", "1"),
    ],
)
def test_what_cannot_be_asked_is_one_line(tmp_path: Path, words: Any) -> None:
    done = command("whatif", _run(tmp_path), *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1

"""What ``nutrace report`` prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, List

import pytest
from fakes.otlp import RESOURCE, compact, document, envelope, spans, write

from nutrace.cli.main import main

C = "nutrace.component"


def _step(index: int) -> Any:
    begin = index * 200_000
    return (
        "simulation.step",
        begin,
        begin + 174_500,
        [
            ("planner.compute", begin + 1_000, begin + 21_000, {C: "planner"}),
            (
                "rows",
                begin + 30_000,
                begin + 110_000,
                {C: "database", "nutrace.busy_ns": 70_000_000, "nutrace.generator.yielded": 23},
            ),
            ("job", begin + 1_000, begin + 2_000, {C: "worker", "thread.id": 9}),
        ],
        {C: "simulation", "nutrace.step.index": index, "nutrace.step.simulated_interval_s": 0.1},
    )


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    resource = {
        **RESOURCE,
        "nutrace.spans.dropped": 3,
        "nutrace.spans.recorded": 900,
        "nutrace.overhead.estimated_ns": 5_000_000,
    }
    tree = ("simulation.run", 0, 2_000_000, [_step(index) for index in range(10)], {C: "simulation"})
    return write(tmp_path / "run.json", document(tree, resource=resource))


def _json(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    assert main(["report", str(path), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_keys(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report_json = _json(run_file, capsys)
    component = ["component", "calls", "total_ms", "self_ms", "own_ms", "self_ms_per_step", "share"]
    assert list(report_json["run"]) == [
        "file",
        "command",
        "wall_seconds",
        "processes",
        "complete",
        "running",
        "in_no_span_ms",
    ]
    assert list(report_json["steps"]) == [
        *(
            "count",
            "mean_ms",
            "p50_ms",
            "p95_ms",
            "p99_ms",
            "max_ms",
            "simulated_interval_s",
            "realtime_factor",
            "over_real_time",
        )
    ]
    assert all(
        list(row) == component
        for row in report_json["components"] + report_json["outside_steps"] + report_json["concurrent"]
    )
    assert all(
        list(row)
        == [
            *("name", "component", "calls", "yielded", "total_ms", "self_ms"),
            *("mean_us", "p50_us", "p95_us", "own_ms"),
        ]
        for row in report_json["spans"]
    )
    assert list(report_json["lost"]) == ["dropped", "truncated", "unfinished"]
    assert list(report_json["overhead"]) == ["spans", "in_file", "estimated_ms", "start_and_end_ms", "share"]
    assert list(report_json["correction"]) == [
        *("state", "taken_ms", "in_steps_ms", "concurrent_ms", "outside_steps_ms", "run")
    ]


def test_json_numbers(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report_json = _json(run_file, capsys)
    assert report_json["run"] == {
        "file": str(run_file),
        "command": "python run_simulation.py",
        "wall_seconds": 2.0,
        "processes": 1,
        "complete": True,
        "running": False,
        "in_no_span_ms": None,  # a thread beside the steps
    }
    assert report_json["steps"]["count"] == 10
    assert report_json["steps"]["p95_ms"] == 174.5
    assert report_json["steps"]["realtime_factor"] == pytest.approx(1.745)
    assert report_json["steps"]["over_real_time"] == 10
    database = next(row for row in report_json["components"] if row["component"] == "database")
    assert (database["calls"], database["self_ms"], database["self_ms_per_step"]) == (10, 700, 70)
    assert sum(row["self_ms"] for row in report_json["components"]) == pytest.approx(1745)
    assert sum(row["share"] for row in report_json["components"]) == pytest.approx(1)
    assert [row["component"] for row in report_json["concurrent"]] == ["worker"]
    assert report_json["outside_steps"][0]["total_ms"] == pytest.approx(2000 - 1745)
    assert next(row for row in report_json["spans"] if row["name"] == "rows")["yielded"] == 230
    assert report_json["lost"] == {"dropped": 3, "truncated": 0, "unfinished": 0}
    overhead = {"spans": 900, "in_file": 41, "estimated_ms": 5.0, "start_and_end_ms": 0.0, "share": 0.0025}
    assert report_json["overhead"] == overhead


def test_selected_steps(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report_json = _json(run_file, capsys, "--steps", "2:5")
    assert report_json["steps"]["count"] == 3
    assert report_json["outside_steps"] == []
    assert report_json["run"]["wall_seconds"] == 2.0
    assert main(["report", str(run_file), "--steps", "2:5"]) == 0
    assert "Only steps 2 to 4 of the run" in capsys.readouterr().out


def test_text(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run_file)]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0] == f"nutrace report: {run_file}"
    assert "1.75x: slower than real time" in text or "1.74x: slower than real time" in text
    assert "  10 of 10 steps took longer than the time that they simulate\n" in text
    assert "Self times add up to the time of the steps, 1,745.0 ms; totals overlap." in text
    table = lines[lines.index("Components in the steps") + 2 :]
    assert table[0].split() == [
        "component",
        "calls",
        "calls/step",
        "self/step",
        "ms",
        "total/step",
        "ms",
        "share",
    ]
    assert table[1].split() == ["simulation", "10", "1.0", "84.50", "174.50", "48.4", "%"]
    assert table[5].split() == ["sum", "of", "self", "174.50", "100.0", "%"]
    assert len({len(line) for line in table[:6]}) == 1
    assert "3 spans dropped" in text
    assert "at least 5.00 ms, 0.25 % of the wall time" in text
    assert lines[-1] == "--explain says what the columns mean."
    assert main(["report", str(run_file), "--explain"]) == 0
    explained = capsys.readouterr().out
    assert explained.startswith(text.rpartition("\n\n")[0] + "\n\nColumns\n")
    for column in ("calls", "self", "total", "share", "yields", "mean, p50, p95"):
        assert f"\n  {column} " in explained, column


def _simulated(path: Path, *times_us: int) -> Path:
    """A run of steps that simulate 100 ms each, on one thread, between 30 ms in no span and 20 ms outside."""
    simulates = {C: "simulation", "nutrace.step.simulated_interval_s": 0.1}
    steps = [
        ("simulation.step", 50_000 + k * 400_000, 50_000 + k * 400_000 + time_us, simulates)
        for k, time_us in enumerate(times_us)
    ]
    end = 50_000 + len(times_us) * 400_000
    run = ("simulation.run", 50_000, end, steps, {C: "simulation"})
    resource = {**RESOURCE, "nutrace.run.id": "r"}
    return write(path / "run.json", document(("load", 0, 20_000), run, resource=resource))


def test_a_good_mean_does_not_hide_slow_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _simulated(tmp_path, 20_000, 100_000, 100_001, 30_000, 130_000)
    assert _json(path, capsys)["steps"]["over_real_time"] == 2
    assert main(["report", str(path)]) == 0
    text = capsys.readouterr().out
    assert "Real-time factor 0.76x: faster than real time on average (76.00 ms a step" in text
    assert "  2 of 5 steps took longer than the time that they simulate\n" in text
    _simulated(tmp_path, 20_000, 100_000)
    assert _json(path, capsys)["steps"]["over_real_time"] == 0
    assert main(["report", str(path)]) == 0
    text = capsys.readouterr().out
    assert "Real-time factor 0.60x: every step keeps up with real time (60.00 ms a step" in text
    assert "took longer" not in text


def test_the_time_that_no_span_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _simulated(tmp_path, 20_000, 30_000)
    found = _json(path, capsys)
    assert found["run"]["in_no_span_ms"] == 30
    spans_ms = sum(row["self_ms"] for part in ("components", "outside_steps") for row in found[part])
    assert spans_ms + 30 == pytest.approx(1000 * found["run"]["wall_seconds"])
    said = "\n  in no span (imports, start-up, what no probe sees)  30.00 ms of 850.0 ms wall time\n"
    assert main(["report", str(path)]) == 0
    assert said in capsys.readouterr().out
    assert main(["report", str(path), "--markdown"]) == 0
    assert "\n\nin no span (imports" in capsys.readouterr().out
    assert main(["report", str(path), "--steps", "1:"]) == 0  # a part has no wall time of its own
    assert "in no span" not in capsys.readouterr().out


def test_limit(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["report", str(run_file), "--limit", "2"])
    text = capsys.readouterr().out
    assert "and 3 more kinds" in text
    assert "\n  planner.compute " not in text
    main(["report", str(run_file), "--limit", "0"])
    assert "\n  planner.compute " in capsys.readouterr().out


def test_markdown(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run_file), "--markdown"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# nutrace report: ")
    assert (
        "| component | calls | calls/step | self/step ms | total/step ms | share |\n| :--- | ---: |" in text
    )
    assert "| planner | 10 | 1.0 | 20.00 | 20.00 | 11.5 % |" in text
    assert "\n\n\n" not in text


def test_a_trace_without_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "trace.json", document(("GET /", 0, 100, [("select", 10, 50)]), resource={}))
    assert main(["report", str(path)]) == 0
    text = capsys.readouterr().out
    assert "no finished simulation steps" in text
    assert "\nComponents\n" in text
    assert "does not say what recording cost" in text
    report_json = _json(path, capsys)
    assert report_json["components"] == []
    assert report_json["outside_steps"][0]["self_ms"] == pytest.approx(0.1)
    assert report_json["outside_steps"][0]["self_ms_per_step"] is None
    assert report_json["steps"]["realtime_factor"] is None
    assert report_json["overhead"]["estimated_ms"] is None


def test_a_run_that_was_cut_short_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resource = {"nutrace.run.id": "r"}
    line = envelope(spans(_step(0), first_id=5, parent=f"{1:016x}"), resource)
    opened = envelope(
        spans(("simulation.run", 0, 10), ("simulation.step", 200_000, 200_001)), resource, "nutrace.open"
    )
    path = write(tmp_path / "run.json.partial", opened, line, b'{"resourceSp')
    assert main(["report", str(path)]) == 0
    text = capsys.readouterr().out
    assert "CUT SHORT" in text
    assert "2 unfinished" in text
    assert "steps that did not finish, counted outside the steps: 1" in text
    report_json = _json(path, capsys)
    assert report_json["run"]["complete"] is False
    assert report_json["lost"]["unfinished"] == 2
    assert report_json["steps"]["count"] == 1


@pytest.mark.parametrize("options", [[], ["--markdown"]])
def test_hostile_names_stay_on_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: List[str]
) -> None:
    names = [
        "<script>",
        "a|b`c",
        "nul\0",
        "\x1b[31mred",
        "two\nlines",
        "\u202eback",
        "x" * 10_000_000,
        "\ud800",
    ]
    path = write(tmp_path / "run.json", document(*((name, i, i + 1) for i, name in enumerate(names))))
    assert main(["report", str(path), "--limit", "0", *options]) == 0
    text = capsys.readouterr().out
    assert all(char == "\n" or char.isprintable() for char in text)
    assert max(map(len, text.splitlines())) < 300
    text.encode()
    if options:
        assert "<script>" not in text
        assert "a\\|b\\`c" in text


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        (None, [], 3),
        (b"", [], 3),
        (b"\x00\x01", [], 3),
        (b"{}", [], 3),
        (b'{"resourceSpans":[{"res', [], 3),
        (compact({"resourceSpans": []}), [], 4),
        (compact(document(("a", 0, 1))), ["--steps", "x"], 2),
        (compact(document(("a", 0, 1))), ["--steps", "1:2"], 2),
        (compact(document(("a", 0, 1))), ["--limit", "-1"], 2),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, options: List[str], code: int
) -> None:
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    assert main(["report", str(path), *options]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("nutrace: error: ")
    assert captured.err.count("\n") == 1


def test_a_terminal_that_knows_ascii_only(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(("caf\u00e9 \u2192", 0, 1)))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-m", "nutrace.cli.main", "report", str(path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "caf\\xe9 \\u2192" in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(("a", 0, 1)))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "nutrace.cli.main", "report", str(path)],
            env={**os.environ, "PYTHONPATH": os.getcwd()},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 5
    assert done.stderr == "nutrace: error: cannot write the output: the disk is full\n"

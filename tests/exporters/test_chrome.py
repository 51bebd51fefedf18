from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from fakes.otlp import RESOURCE, compact, document, merged, trace_of, write
from hypothesis import given, settings
from made_up import sampled_traces

from nutrace.cli.main import main
from nutrace.sketch import ERROR
from nutrace.trace import Trace, load
from nutrace_exporters import chrome


def events(content: bytes) -> List[Dict[str, Any]]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    result: List[Dict[str, Any]] = json.loads(content, parse_constant=refuse)["traceEvents"]
    return result


def test_names_processes_and_threads(sample: Trace, rendered: Callable[..., bytes]) -> None:
    result = {
        (e["name"], e["tid"]): e["args"]["name"] for e in events(rendered(chrome, sample)) if e["ph"] == "M"
    }
    assert result[("process_name", 0)] == "python run_simulation.py"
    assert len([key for key in result if key[0] == "thread_name"]) == 2


def test_a_process_is_called_as_its_program_without_folders(
    tmp_path: Path, rendered: Callable[..., bytes]
) -> None:
    words = ["/usr/bin/python", "-u", "/opt/ray/default_worker.py", "--dir=/tmp/ray"]
    trace = trace_of(tmp_path, ("f", 0, 1), resource={**RESOURCE, "process.command_args": words})
    assert events(rendered(chrome, trace))[0]["args"]["name"] == "python -u default_worker.py --dir=/tmp/ray"


def test_costs_calls_and_attributes_are_arguments(sample: Trace, rendered: Callable[..., bytes]) -> None:
    query = next(e for e in events(rendered(chrome, sample)) if e["name"] == "db.rows")
    assert query["dur"] == 40
    assert query["args"]["yielded"] == 23
    assert query["args"]["code.function.name"] == "execute_many"
    composite = next(e for e in events(rendered(chrome, sample)) if e["name"] == "map.distance")
    assert (composite["dur"], composite["args"]["calls"]) == (50, 10)


def test_percentiles_of_merged_calls_are_arguments(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    trace = trace_of(tmp_path, ("leaf", 0, 2_000, merged([2_000] * 90 + [100_000] * 10)))
    args = events(rendered(chrome, trace))[-1]["args"]
    assert (args["p50_us"], args["p95_us"]) == (pytest.approx(2, rel=ERROR), pytest.approx(100, rel=ERROR))
    assert "nutrace.composite.times" not in args


def test_simulations_and_steps_have_their_address(
    two_scenarios: Trace, rendered: Callable[..., bytes]
) -> None:
    made = [event for event in events(rendered(chrome, two_scenarios)) if event["ph"] == "X"]
    assert [(event["name"], event["args"]["scenario"], event["args"].get("step")) for event in made] == [
        ("simulation.run of scenario 1", 1, None),
        ("simulation.step 5 of scenario 1", 1, 5),
        ("simulation.run of scenario 2", 2, None),
        ("simulation.step 5 of scenario 2", 2, 5),
    ]


def test_numbers_that_json_has_not(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    content = compact(document(("f", 0, 1, {"x": 0.25, "y": 0.5}))).replace(b"0.25", b'"Infinity"')
    args = events(rendered(chrome, load(write(tmp_path / "run.json", content))))[-1]["args"]
    assert (args["x"], args["y"]) == ("inf", 0.5)


STEP = {"nutrace.component": "simulation"}
ROWS = {"nutrace.component": "database", "db.query.text": "SELECT 1", "db.response.returned_rows": 23}


def test_counters_of_steps_and_memory(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    steps = [
        ("simulation.step", 10, 20, [("q", 11, 12, ROWS), ("q", 13, 14, ROWS)], STEP),
        ("simulation.step", 30, 60, {**STEP, "nutrace.memory.rss": 750_000_000}),
    ]
    memory = {"nutrace.memory.rss_start": 500_000_000, "nutrace.memory.rss": 800_123_456}
    trace = trace_of(tmp_path, ("simulation.run", 0, 100, steps, {**memory, "nutrace.memory.gpu": 2_000_000}))
    counted: Dict[str, List[Tuple[float, float]]] = {}
    for event in events(rendered(chrome, trace)):
        if event["ph"] == "C":
            assert event["pid"] == 100
            ((unit, value),) = event["args"].items()
            counted.setdefault(f"{event['name']} {unit}", []).append((event["ts"], value))
    assert counted == {
        "step time ms": [(10, 0.01), (20, 0), (30, 0.03), (60, 0)],
        "database queries in the step": [(10, 2), (20, 0), (30, 0), (60, 0)],
        "database rows in the step": [(10, 46), (20, 0), (30, 0), (60, 0)],
        "memory MB": [(0, 500), (100, 800.123), (60, 750)],
        "GPU memory MB": [(100, 2)],
    }


def test_queries_and_rows_are_those_of_the_report(
    tmp_path: Path, rendered: Callable[..., bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    database = {"nutrace.component": "database", "db.response.returned_rows": 4}
    many = {**database, "nutrace.composite.count": 5, "nutrace.sql.runs": 3}  # 5 times executemany
    outer = {**database, "db.statement": "SELECT 2"}  # SQLAlchemy's own span, around that of the driver
    alone = {**database, "db.statement": "SELECT 3", "db.operation.batch.size": 2}
    continued = {**database, "nutrace.generator.continues": f"{3:016x}"}

    driver = ("sqlite3.statement", 11, 19, database)
    beside = {**database, "thread.id": 2}

    def step(start: int, *below: Any) -> Any:
        return ("simulation.step", start, start + 90, list(below), STEP)

    trace = trace_of(
        tmp_path,
        step(0, ("sqlite3.statement", 1, 9, many), ("select", 10, 20, [driver], outer)),
        step(100, ("select", 101, 109, alone), ("sqlalchemy.fetch", 110, 119, database)),
        step(200, ("sqlite3.statement", 201, 209, continued), ("sqlite3.statement", 210, 219, beside)),
        step(300, ("sqlite3.connect", 301, 302, {"nutrace.component": "database"})),
        ("sqlite3.statement", 400, 409, database),
    )
    sums: Dict[str, float] = {}
    for event in events(rendered(chrome, trace)):
        if event["ph"] == "C":
            sums[event["name"]] = sums.get(event["name"], 0) + sum(event["args"].values())
    assert main(["report", trace.path, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sums["database queries"] == told["per_step"]["queries"] * 4 == 15 + 1 + 2 + 1
    assert sums["database rows"] == told["per_step"]["rows"] * 4 == 6 * 4
    assert sums["step time"] == pytest.approx(told["steps"]["mean_ms"] * 4)


def test_threads_that_simulate_at_once_have_their_own_counters(
    tmp_path: Path, rendered: Callable[..., bytes]
) -> None:
    trace = trace_of(tmp_path, ("simulation.step", 0, 9), ("simulation.step", 1, 5, {"thread.id": 2}))
    counters = {event["name"] for event in events(rendered(chrome, trace)) if event["ph"] == "C"}
    assert counters == {"step time, thread 1", "step time, thread 2"}


@settings(max_examples=100, deadline=None)
@given(trace=sampled_traces())
def test_complete_events_nest_on_each_thread(trace: Trace) -> None:
    out = io.BytesIO()
    chrome.export(trace, out)
    made = events(out.getvalue())
    merged = {event["pid"] for event in made if event.get("args", {}).get("name") == chrome.MERGED}
    complete = [event for event in made if event["ph"] == "X"]
    measured = [event for event in complete if event["pid"] not in merged]
    assert sorted(round(event["dur"] * 1000) for event in measured) == sorted(trace.busy_ns)
    for lane in {(event["pid"], event["tid"]) for event in complete}:
        ends: List[int] = []
        begin = 0
        for event in (event for event in complete if (event["pid"], event["tid"]) == lane):
            left = round(event["ts"] * 1000)
            right = left + round(event["dur"] * 1000)
            assert left >= begin, "events of a thread are in order"
            begin = left
            while ends and ends[-1] <= left and not (ends[-1] == left == right):
                ends.pop()
            assert not ends or right <= ends[-1], "events of a thread nest"
            ends.append(right)

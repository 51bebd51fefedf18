from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Callable, Dict, List

from fakes.otlp import compact, document, write
from hypothesis import given, settings
from made_up import traces

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


def test_costs_calls_and_attributes_are_arguments(sample: Trace, rendered: Callable[..., bytes]) -> None:
    query = next(e for e in events(rendered(chrome, sample)) if e["name"] == "db.rows")
    assert query["dur"] == 40
    assert query["args"]["yielded"] == 23
    assert query["args"]["code.function.name"] == "execute_many"
    composite = next(e for e in events(rendered(chrome, sample)) if e["name"] == "map.distance")
    assert (composite["dur"], composite["args"]["calls"]) == (50, 10)


def test_numbers_that_json_has_not(tmp_path: Path, rendered: Callable[..., bytes]) -> None:
    content = compact(document(("f", 0, 1, {"x": 0.25, "y": 0.5}))).replace(b"0.25", b'"Infinity"')
    args = events(rendered(chrome, load(write(tmp_path / "run.json", content))))[-1]["args"]
    assert (args["x"], args["y"]) == ("inf", 0.5)


@settings(max_examples=60, deadline=None)
@given(trace=traces())
def test_complete_events_nest_on_each_thread(trace: Trace) -> None:
    out = io.BytesIO()
    chrome.export(trace, out)
    complete = [event for event in events(out.getvalue()) if event["ph"] == "X"]
    assert sorted(round(event["dur"] * 1000) for event in complete) == sorted(trace.busy_ns)
    for thread in {event["tid"] for event in complete}:
        ends: List[int] = []
        begin = 0
        for event in (event for event in complete if event["tid"] == thread):
            left = round(event["ts"] * 1000)
            right = left + round(event["dur"] * 1000)
            assert left >= begin, "events of a thread are in order"
            begin = left
            while ends and ends[-1] <= left and not (ends[-1] == left == right):
                ends.pop()
            assert not ends or right <= ends[-1], "events of a thread nest"
            ends.append(right)

"""Tens of thousands of spans inside each other: the time grows with their number, not with its square."""

from __future__ import annotations

import io
import json
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from fakes.otlp import EPOCH_NS, attributes, compact

from nutrace.analysis import divide, each_step, report
from nutrace.analysis.database import database
from nutrace.analysis.deepcopies import deep_copies
from nutrace.jupyter import span_table, step_table
from nutrace.trace import Trace, load
from nutrace_exporters import FORMATS, collapsed

#: With a quadratic loop, each of these takes longer.
_DEEP = 16_000
_SECONDS = 10

_KINDS: Dict[str, Any] = {
    "simulation.step": {"nutrace.component": "simulation"},
    "simulation.run": {"nuplan.scenario.token": "x"},
    "copy.deepcopy": {"nutrace.component": "deepcopy"},
    "sqlite3.statement": {"nutrace.component": "database", "nutrace.sql.statement": "ab"},
    "sqlalchemy.connect": {"nutrace.component": "database"},
    "SELECT": {"db.system": "postgresql", "db.statement": "SELECT 1"},
}


@contextmanager
def _bounded() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise AssertionError(f"no end after {_SECONDS} s of this process's time")

    earlier = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, earlier)


def _chain(path: Path, names: List[str], leaves: List[str], *, timed: bool = True) -> Trace:
    """Spans inside each other, and others beside each other in the innermost."""
    spans = []
    last = EPOCH_NS + 10_000 * len(names) * 3
    known = {
        name: attributes({"thread.id": 1, **_KINDS.get(name, {}), "code.function.name": "f"})
        for name in {*names, *leaves}
    }
    for number, name in enumerate([*names, *leaves], 1):
        inner = number - len(names)
        begin = EPOCH_NS + 5_000 * number
        end = last - 5_000 * number if inner <= 0 else begin + 1_000
        spans.append(
            {
                "traceId": "1" * 32,
                "spanId": f"{number:016x}",
                "parentSpanId": f"{min(number - 1, len(names)):016x}",
                "name": name,
                "startTimeUnixNano": begin if timed else 0,
                "endTimeUnixNano": end if timed else 0,
                "attributes": known[name],
            }
        )
    path.write_bytes(compact({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    return load(path)


def _everything(trace: Trace) -> None:
    report(trace)
    database(trace)
    deep_copies(trace)
    each_step(trace, divide(trace))
    span_table(trace)
    step_table(trace)


@pytest.mark.parametrize("kind", _KINDS)
def test_many_of_one_kind_inside_each_other_and_inside_many_others(tmp_path: Path, kind: str) -> None:
    with _bounded():
        _everything(_chain(tmp_path / "inside.json", [kind] * _DEEP, []))
        _everything(_chain(tmp_path / "below.json", ["f"] * (_DEEP // 2), [kind] * (_DEEP // 2)))


def test_spans_without_times(tmp_path: Path) -> None:
    with _bounded():
        trace = _chain(tmp_path / "run.json", ["f"] * _DEEP, [], timed=False)
    assert trace.diagnostics.missing_times == _DEEP
    assert max(trace.depth) == _DEEP - 1


@pytest.mark.parametrize("row", FORMATS, ids=[row.name for row in FORMATS])
def test_drawings(tmp_path: Path, row: Any) -> None:
    trace = _chain(tmp_path / "run.json", ["f"] * _DEEP, [])
    out = io.BytesIO()
    with _bounded():
        row.load().export(trace, out)
    assert len(out.getvalue()) < 50_000_000
    if row.name in ("chrome", "speedscope"):
        json.loads(out.getvalue())


def test_a_deep_stack_is_collapsed_and_loses_no_time(tmp_path: Path) -> None:
    trace = _chain(tmp_path / "run.json", ["f"] * 3_000, [])
    out = io.BytesIO()
    collapsed.export(trace, out)
    lines = out.getvalue().decode().splitlines()
    assert len(lines) == collapsed.MOST_FRAMES + 1
    assert lines[-1].count(";") == collapsed.MOST_FRAMES
    assert ";(deeper) " in lines[-1]
    assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == sum(trace.self_ns) // 1000

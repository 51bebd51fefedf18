"""What a killed run says of the spans that were open."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from fakes.programs import counts, finish, start, write
from fakes.tracing import Tracing

import nutrace
from nutrace import semconv
from nutrace.recording.clock import now_ns
from nutrace.recording.context import current
from nutrace.recording.open_spans import OpenSpans
from nutrace.recording.span import CallSite, Span, ids
from nutrace.trace import load


def _open(name: str, parent: object = None) -> Span:
    span = Span(CallSite(name, "other"), parent)  # type: ignore[arg-type]
    span.started = now_ns()
    return span


def _ended(name: str, parent: object = None) -> Span:
    span = _open(name, parent)
    ids.assign(span)
    span.ended = now_ns()
    return span


def test_open_spans_last_until_the_last_sign_of_life(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        [
            write(
                tmp_path,
                """
                import nutrace, time
                with nutrace.span("outer"):
                    with nutrace.span("middle"):
                        with nutrace.span("inner"):
                            pass
                        print("ready", flush=True)
                        time.sleep(30)
                """,
            ).name
        ],
        variables={"NUTRACE_FLUSH_SECONDS": "0.1"},
    )
    assert process.stdout.readline() == "ready\n"  # type: ignore[union-attr]
    partial = tmp_path / "run.json.partial"
    until = time.monotonic() + 20
    while partial.read_bytes().count(b"\n") < 12:
        assert time.monotonic() < until, "no sign of life"
        time.sleep(0.05)
    process.kill()
    assert finish(tmp_path, process).code == -signal.SIGKILL

    trace = load(partial)
    latest = 0
    lines = partial.read_text().splitlines()
    for line in lines:
        for scope in json.loads(line)["resourceSpans"][0]["scopeSpans"]:
            if scope["scope"]["name"] == semconv.OPEN_SCOPE:
                latest = max(latest, *(int(span["endTimeUnixNano"]) for span in scope["spans"]))
    spans = {span.name: span for span in trace}
    assert spans["outer"].end_ns == spans["middle"].end_ns == latest
    # The first announcement was within the first two flushes; at least eight more have passed.
    assert latest - spans["inner"].end_ns > 0.5e9
    assert trace.diagnostics.unfinished == 2
    assert trace.diagnostics.duplicates == 0
    assert max(len(line) for line in lines[2:]) < 1000  # the innermost one only


def test_only_the_innermost_are_announced_again() -> None:
    known = OpenSpans(0, every_ns=10)
    outer = _open("outer")
    middle, other = _open("middle", outer), _open("other", outer)
    known.written([_ended("leaf", middle)])
    known.written([_ended("leaf", other)])
    now = now_ns()
    assert set(known.due(now)) == {outer, middle, other}
    assert known.due(now + 9) == []
    assert set(known.due(now + 10)) == {middle, other}
    assert known.due(now + 11) == []
    middle.ended = now_ns()
    known.written([middle])
    assert known.due(now + 20) == [other]
    other.ended = now_ns()
    assert known.due(now + 30) == [outer]


def test_signs_of_life_stay_few_however_many_are_open() -> None:
    known = OpenSpans(0, every_ns=10)
    for number in range(1000):
        known.written([_ended("leaf", _open(f"suspended {number}"))])
    now = now_ns()
    assert len(known.due(now)) == 1000
    again = known.due(now + 10)
    assert {span.site.name for span in again} == {f"suspended {number}" for number in range(936, 1000)}


def test_spans_of_before_are_none_of_ours() -> None:
    before = _open("before")
    known = OpenSpans(now_ns(), every_ns=10)
    known.written([_ended("leaf", before)])
    assert known.due(now_ns() + 100) == []
    assert known.known() == set()


def test_a_span_that_a_handler_kept_from_starting(recorded: Tracing) -> None:
    """It is current, has no start, and stays so: what comes below it is written, and the file finished."""
    with recorded():
        before = current.get()
        span: Span = object.__new__(Span)
        span.site, span.parent, span.ended, span.id, span.details = (
            CallSite("half", "other"),
            None,
            0,
            0,
            None,
        )
        current.set(span)
        for name in ("one", "two"):
            with nutrace.span(name):
                pass
    current.set(before)
    assert not recorded.faults
    assert counts(recorded.trace) == {"one": 1, "two": 1}

"""nutrace's own cost, as the process that was traced estimates it and as its run file is read."""

from __future__ import annotations

import copy
import gc
import json
import re
import sqlite3
from contextlib import closing, suppress
from typing import Iterator

import pytest
from fakes.commands import command
from fakes.tracing import Tracing
from opentelemetry import trace as otel

import nutrace
from nutrace import semconv
from nutrace.probes.catalogue import copies, garbage, sqlite


@nutrace.probe(component="planner")
def leaf() -> None:
    """A call without anything in it."""


@nutrace.probe(component="planner")
def plan(calls: int) -> None:
    """Calls with a span each, or merged ones."""
    for _ in range(calls):
        leaf()


@nutrace.probe(component="scenario")
def values(number: int) -> Iterator[int]:
    """A generator."""
    yield from range(number)


@nutrace.probe(component="planner")
def fail() -> None:
    """A call that an error leaves."""
    raise ValueError("no such path")


def work(step: int) -> None:
    """Events of every kind."""
    with nutrace.span(semconv.STEP_SPAN, component="simulation", **{semconv.STEP_INDEX: step}):
        plan(3)
        plan(40)
        for _ in values(20):
            pass
        first = values(5)
        next(first)
        del first
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE TABLE lights (light)")
            connection.executemany("INSERT INTO lights VALUES (?)", [(light,) for light in range(30)])
            connection.commit()
            assert len(list(connection.execute("SELECT light FROM lights"))) == 30
            assert len(connection.execute("SELECT light FROM lights").fetchall()) == 30
            assert connection.execute("SELECT light FROM lights").fetchone() == (0,)
        copy.deepcopy([[1], [2]])
        with otel.get_tracer("theirs").start_as_current_span("theirs"):
            leaf()
        with suppress(ValueError):
            fail()
        gc.collect()


@pytest.mark.parametrize("compress_us", [0, 200])
def test_exit_report_and_ledger_have_one_sum(
    recorded: Tracing, capsys: pytest.CaptureFixture[str], compress_us: int
) -> None:
    with recorded(*sqlite.PROBES, *copies.PROBES, *garbage.PROBES, summary=True, compress_us=compress_us):
        for step in range(5):
            work(step)
    line = next(line for line in capsys.readouterr().err.splitlines() if "own cost" in line)
    ledger = json.loads(command("overhead", recorded.path, "--json").out)
    report = json.loads(command("report", recorded.path, "--json").out)["overhead"]
    estimated = recorded.trace.resources[0].attributes[semconv.OVERHEAD_NS] / 1e6
    running = estimated - report["start_and_end_ms"]
    said = re.search(
        r"about ([\d.]+) ms, (.*) % .* \((\d+) recording, (\d+) writing\); (\d+) ms to start, (\d+) ", line
    )
    assert said is not None
    share, parts = float(said[2]) / 100, [int(each) for each in said.groups()[2:]]
    assert share == pytest.approx(report["share"], abs=0.00006)
    assert float(said[1]) == pytest.approx(running, abs=0.06)
    spent_ms = {row["what"]: row["spent_ms"] for row in ledger["clocked"]}
    assert parts[1:] == pytest.approx([spent_ms[what] for what in ("writing", "start", "exit")], abs=0.6)
    assert sum(parts) == pytest.approx(estimated, abs=2.1)
    # Reading takes the same events out of the spans above them: all but the steps are inside of one.
    taken = {each.kind: each.events for each in recorded.trace.correction.kinds}
    counted = {row["kind"]: row["count"] for row in ledger["events"]}
    assert taken.pop("collection") <= counted.pop("collection")  # one may strike between the steps
    assert taken == {**counted, "call": counted["call"] - 5}
    assert {"api", "connection", "copy", "error", "resumption", "statement"} <= set(counted)
    assert (counted["row"], "merged" in counted) == (5 * 31, compress_us > 0)
    # A price in the file is rounded to a tenth of a nanosecond.
    assert ledger["total_ms"] == pytest.approx(estimated, rel=1e-4)
    assert report["estimated_ms"] == pytest.approx(ledger["total_ms"], abs=1e-6)
    assert (report["share"], report["spans"]) == (ledger["share"], ledger["recorded"])

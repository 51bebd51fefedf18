"""What is added up while spans are written: events by kind, and times without what recording them costs."""

from __future__ import annotations

import contextlib
import copy
import gc
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any, Iterator

import pytest
from fakes.tracing import Tracing
from opentelemetry import trace as otel

import nutrace
from nutrace import semconv
from nutrace.prices import (
    API,
    CALL,
    COLLECTION,
    CONNECTION,
    COPY,
    ERROR,
    MERGED,
    RESUMPTION,
    ROW,
    STATEMENT,
    Calibration,
    Price,
    Prices,
    cost_ns,
    events,
    parse,
)
from nutrace.probes.catalogue.copies import PROBES as OF_COPIES
from nutrace.probes.catalogue.garbage import PROBES as OF_GARBAGE
from nutrace.probes.catalogue.sqlite import PROBES as OF_SQLITE
from nutrace.recording.runfile import Finished
from nutrace.semconv import STEP_SPAN
from nutrace.summary import lines


@nutrace.probe(name="one")
def one() -> None:
    pass


@nutrace.probe(name="values")
def values(number: int) -> Iterator[int]:
    yield from range(number)


@nutrace.probe(name="fails")
def fails() -> None:
    raise ValueError


class Thing:
    """Has a method."""

    @nutrace.probe(name="method")
    def method(self) -> None:
        pass


def everything() -> None:
    """Events of all kinds."""
    for _ in range(20):
        one()
    for _ in values(7):
        pass
    with contextlib.suppress(ValueError):
        fails()
    with otel.get_tracer("theirs").start_as_current_span("theirs") as span:
        span.set_attribute(semconv.DB_ROWS, 50)
        span.set_attribute(semconv.YIELDED, 50)
    with nutrace.span("ours") as ours:
        ours.set_attribute(semconv.YIELDED, "many")
    copy.deepcopy([[1], [2]])
    gc.collect()
    connection = sqlite3.connect(":memory:")
    select = "SELECT 1 UNION SELECT 2 UNION SELECT 3"
    assert connection.execute(select).fetchone() == (1,)
    assert len(connection.execute(select).fetchall()) == 3
    assert len(connection.execute(select).fetchmany(2)) == 2
    assert len(list(connection.execute(select))) == 3
    connection.close()


@pytest.mark.parametrize("compress_us", [0, 1e6])
def test_events_are_counted_by_the_readers_rule(recorded: Tracing, compress_us: float) -> None:
    gc.collect()
    gc.disable()
    try:
        probes = *OF_COPIES, *OF_GARBAGE, *OF_SQLITE
        with recorded(*probes, compress_us=compress_us) as session, nutrace.span("outer"):
            everything()
    finally:
        gc.enable()
    totals, trace = session.recorder.totals, recorded.trace
    counted: Counter[str] = Counter()
    for event in totals.events():
        counted[event.kind] += event.number
    read: Counter[str] = Counter()
    for span in trace:
        attributes = span.attributes
        by_api = span.name == "theirs"
        rows = attributes.get(semconv.DB_ROWS, 0) - attributes.get(semconv.SQL_ROWS_AT_ONCE, 0)
        failed = span.status.code == 2
        for kind, number, _ in events(
            span.name, span.calls, yielded=span.yielded, rows=rows, failed=failed, by_api=by_api
        ):
            read[kind] += number
    assert counted == read
    # One of outer, values, fails and ours each; of the rows, the first select's, and all of the last one's.
    calls = {MERGED: 20, CALL: 4} if compress_us else {CALL: 24}
    some = {RESUMPTION: 7, ERROR: 1, API: 1, COPY: 1, STATEMENT: 4, ROW: 4, CONNECTION: 2, COLLECTION: 1}
    assert read == {**calls, **some}


def test_the_estimate_prices_events_and_adds_what_was_clocked(recorded: Tracing) -> None:
    with recorded(*OF_SQLITE) as session, nutrace.span("outer"):
        everything()
    attributes = recorded.trace.resources[0].attributes
    clocked = sum(
        attributes[f"{semconv.OWN_SPENT_NS}.{what}"] for what in ("start", "exit", "error", "writing")
    )
    priced = cost_ns(session.recorder.totals.events(), parse(attributes[semconv.OWN_PRICES]))
    assert clocked > 0
    assert priced > 0
    clocked += sum(recorded.trace.clocked_ns)
    assert attributes[semconv.OVERHEAD_NS] == pytest.approx(clocked + priced, rel=0.001)


@pytest.mark.parametrize("methods", [0, 30, 10])
def test_the_price_of_a_call_is_the_mean_of_functions_and_methods(recorded: Tracing, methods: int) -> None:
    calibration = Calibration(Prices({CALL: Price(1000.0, 100.0), ROW: Price(10.0, 1.0)}), of_method_ns=200.0)
    thing = Thing()
    with recorded() as session:
        session.recorder.price_events(calibration)
        for _ in range(methods):
            thing.method()
        for _ in range(30 - methods):
            one()
    prices = parse(recorded.trace.resources[0].attributes[semconv.OWN_PRICES])
    assert prices[CALL].outside_ns == pytest.approx(1000 + 200 * methods / 30, abs=0.1)
    assert prices == {CALL: Price(prices[CALL].outside_ns, 100.0), ROW: Price(10.0, 1.0)}


def test_times_are_without_what_recording_costs(recorded: Tracing, clock: Any) -> None:
    """Child by child, and never below zero."""
    with recorded() as session:
        session.recorder.price_events(Calibration(Prices({CALL: Price(1_000.0, 0.0)})))
        with nutrace.span(STEP_SPAN, component="simulation"):
            clock.advance(10_000)
            for _ in range(3):
                with nutrace.span("parent", component="planner"):
                    clock.advance(1_500)
                    with nutrace.span("child", component="map"):
                        clock.advance(500)
                    with nutrace.span("child", component="map"):
                        clock.advance(500)
    totals = session.recorder.totals
    step = recorded.span(STEP_SPAN)
    recorded_ns = step.end_ns - step.start_ns
    assert recorded_ns == 10_000 + 3 * 2_500
    # Of each parent's 1,500 ns two children have cost more than there is.
    assert totals.self_ns == {"simulation": 10_000 - 3 * 1_000, "map": 3_000, "planner": 0}
    assert list(totals.step_ns) == [recorded_ns - 3 * 1_000 - 3 * 1_500] == [sum(totals.self_ns.values())]


def test_the_line_at_exit_says_which_steps_were_slower_than_real_time(recorded: Tracing, clock: Any) -> None:
    """A good mean does not hide them."""
    with recorded() as session:
        session.recorder.price_events(Calibration(Prices({CALL: Price(0.0, 0.0)})))
        for time_ms in (20, 100, 101, 30):
            with nutrace.span(STEP_SPAN, component="simulation", **{semconv.STEP_INTERVAL_S: 0.1}):
                clock.advance(time_ms * 1_000_000)
    line = lines(session.recorder, Finished(Path("run.json"), 0, []))[1]
    assert line.startswith("4 steps, 62.8 ms each ")
    assert line.endswith(", real-time factor 0.63x (faster than real time; 1 step slower)")

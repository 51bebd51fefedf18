"""Caches are cold where the program itself ran for long: whoever writes and whoever reads tell it alike."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any, Dict, Iterator, Tuple

import pytest
from fakes.tracing import Tracing

import nutrace
import nutrace.probes.sqlite.connections  # before a test replaces the clocks of all modules
from nutrace.analysis import divide
from nutrace.analysis.own_events import OwnEvents
from nutrace.prices import KINDS, WARM_NS, Calibration, Price, Prices, coldness, duration
from nutrace.probes.catalogue.sqlite import PROBES as OF_SQLITE
from nutrace.recording.failures import OWN
from nutrace.semconv import STEP_SPAN

#: Whole numbers, at every degree, so that no sum is rounded.
COLD = (2.0, 4.0, 8.0, 16.0)
PRICES = Prices({kind: Price(100.0 * (1 + place), 7.0) for place, kind in enumerate(KINDS)}, COLD)


class Program:
    """Does what a seed says, and lets a clock go on instead of working."""

    def __init__(self, clock: Any, session: Any, seed: int) -> None:
        self.clock = clock
        self.own_time = session.recorder.own_time
        self.random = random.Random(seed)

        @nutrace.probe(name="leaf", component="map")
        def leaf() -> None:
            self.run()

        @nutrace.probe(name="values", component="scenario")
        def values(number: int) -> Iterator[int]:
            for each in range(number):
                self.run()
                yield each

        @nutrace.probe(name="calls", component="planner")
        def calls(depth: int) -> None:
            self.some(depth)
            if self.random.random() < 0.2:
                raise ValueError

        self.leaf, self.values, self.calls = leaf, values, calls
        self.connection = sqlite3.connect(":memory:")

    def run(self) -> None:
        """For nothing to ten milliseconds."""
        self.clock.advance(self.random.choice((0, 1, 20, 33, 70, 300, 1200, 10_000)) * 1000)

    def some(self, depth: int) -> None:
        for _ in range(self.random.randrange(5)):
            self.run()
            {0: self.leaves, 1: self.rows, 2: self.loop, 3: self.wait}.get(
                self.random.randrange(6), lambda: self.call(depth)
            )()
        self.run()

    def leaves(self) -> None:
        between = self.random.choice((0, 0, 50_000, 3_000_000))
        for _ in range(self.random.choice((1, 2, 40))):
            self.clock.advance(between)
            self.leaf()

    def rows(self) -> None:
        select = "SELECT 1 UNION SELECT 2 UNION SELECT 3"
        for _ in self.connection.execute(select):
            self.run()

    def loop(self) -> None:
        for _ in self.values(self.random.choice((1, 8))):
            self.run()

    def wait(self) -> None:
        began = self.clock()
        self.run()
        self.own_time.spent(OWN, began)

    def call(self, depth: int) -> None:
        if depth:
            with contextlib.suppress(ValueError):
                self.calls(depth - 1)


@pytest.mark.parametrize("compress_us", [0, 1e6])
@pytest.mark.parametrize("seed", range(25))
def test_writing_and_reading_agree(recorded: Tracing, clock: Any, seed: int, compress_us: float) -> None:
    with recorded(*OF_SQLITE, compress_us=compress_us) as session:
        session.recorder.price_events(Calibration(PRICES))
        program = Program(clock, session, seed)
        with closing(program.connection), nutrace.span("outer", component="simulation"):
            for _ in range(4):
                with nutrace.span(STEP_SPAN, component="simulation"):
                    program.some(3)
    totals, trace = session.recorder.totals, recorded.trace
    found = OwnEvents(trace, divide(trace))
    read: Counter[Tuple[str, int]] = Counter()
    for sort, number in found.counts.items():
        read[sort.kind, sort.degree] += number
    assert {(event.kind, event.degree): event.number for event in totals.events()} == read
    assert len({degree for _, degree in read}) > 2
    for raw in (False, True):
        other = nutrace.load(recorded.path or "", raw=raw)
        assert OwnEvents(other, divide(other)).counts == found.counts
    spent: Dict[str, int] = dict.fromkeys(totals.self_all_ns, 0)
    for component, self_ns in zip(trace.component, trace.self_ns):
        spent[component] += self_ns
    assert totals.self_all_ns == spent
    assert list(totals.step_ns) == [trace.busy_ns[step] for step in trace.step_indices]
    assert trace.correction.cold_ns > 0


def test_degrees() -> None:
    """From one to the next it takes four times as long; an edge may lie at half of that."""
    for count in (1, 2, 3, 10, 1000):
        for ran_us, least, most in (
            *((0, 0, 0), (1, 0, 0), (16, 0, 0), (33, 0, 1), (66, 1, 1), (132, 1, 2), (263, 2, 2)),
            *((1_050, 3, 3), (4_200, 4, 4), (1_000_000, 4, 4), (2**53, 4, 4)),
        ):
            degree = coldness(duration(ran_us * 1000 * count), count)
            assert least <= degree <= most, (ran_us, count)
    assert duration(WARM_NS - 1) == 0
    assert coldness(duration(WARM_NS), 1) == 1

"""What tracing a statement and a row costs: nutrace beside plain sqlite3 and the stock instrumentation.

    python tests/benchmarks/sqlite_cost.py

Microseconds of CPU above plain sqlite3, per execute (with its cursor and its end), per row in a loop
and per connection (connect, one statement, close); the rounds are interleaved, the best of each is
taken. nutrace includes all that it does with the spans up to the file. The peer, if it is installed, is
opentelemetry-instrumentation-sqlite3 with a BatchSpanProcessor, which does not look at rows. Fails
(exit code 1) beyond 15 us per statement or 1.2 us per row.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import nutrace
from nutrace.probes.catalogue.sqlite import PROBES

try:
    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
except ImportError:
    SQLite3Instrumentor = None

STATEMENT_US, ROW_US = 15.0, 1.2
ROWS = 1_000
KINDS = ("statement", "row", "connection")


class Discard(SpanExporter):
    """Discards batches."""

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def statements(file: str, times: int) -> None:
    connection = sqlite3.connect(file)
    for number in range(times):
        connection.cursor().execute("SELECT b FROM t WHERE a = ?", (number,)).fetchone()
    connection.close()


def rows(file: str, times: int) -> None:
    connection = sqlite3.connect(file)
    for _ in range(times // ROWS):
        for _ in connection.cursor().execute("SELECT a, b FROM t"):
            pass
    connection.close()


def connections(file: str, times: int) -> None:
    for number in range(times):
        connection = sqlite3.connect(file)
        connection.cursor().execute("SELECT b FROM t WHERE a = ?", (number,)).fetchone()
        connection.close()


_LOOPS: Dict[str, Callable[[str, int], None]] = dict(zip(KINDS, (statements, rows, connections)))


def measure_one(file: str, scale: float) -> Iterator[float]:
    """Microseconds of CPU per item, over all threads, for each of :data:`KINDS`."""
    for kind, times in zip(KINDS, (4_000, 100_000, 500)):
        times = int(times * scale) // ROWS * ROWS or ROWS
        began = time.process_time_ns()
        _LOOPS[kind](file, times)
        yield (time.process_time_ns() - began) / times / 1000


def measure(rounds: int, scale: float) -> Dict[str, Dict[str, float]]:
    """Best of `rounds`, by tool and kind."""
    best: Dict[str, Dict[str, float]] = {}
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Discard()))

    def note(tool: str, file: str) -> None:
        known = best.setdefault(tool, {})
        for kind, value in zip(KINDS, measure_one(file, scale)):
            known[kind] = min(known.get(kind, float("inf")), value)

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "t.db"))
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
            connection.executemany("INSERT INTO t VALUES (?, ?)", ((n, f"text {n}") for n in range(ROWS)))
        connection.close()
        for number in range(rounds):
            note("plain", file)
            settings = nutrace.Settings(output=str(Path(folder, f"run-{number}.json")), summary=False)
            session = nutrace.instrument(settings, probes=PROBES)
            note("nutrace, one span", file)
            with nutrace.span("outer"):
                note("nutrace", file)
            assert session.recorder.diagnostics.dropped == 0
            nutrace.uninstrument()
            if SQLite3Instrumentor is not None:
                SQLite3Instrumentor().instrument(tracer_provider=provider)
                note("stock instrumentation", file)
                SQLite3Instrumentor().uninstrument()
    return best


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    best = measure(arguments.rounds, arguments.scale)
    plain = best.pop("plain")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; microseconds above plain sqlite3")
    print(f"{'':24s}" + "".join(f"{kind:>22s}" for kind in KINDS))
    print(f"{'plain':24s}" + "".join(f"{plain[kind]:22.2f}" for kind in KINDS))
    for tool, costs in best.items():
        cells = (f"{costs[k] - plain[k]:12.2f} (x {costs[k] / plain[k]:5.2f})" for k in KINDS)
        print(f"{tool:24s}" + "".join(f"{cell:>22s}" for cell in cells))
    statement, row = (best["nutrace"][kind] - plain[kind] for kind in KINDS[:2])
    print(f"budget: {statement / STATEMENT_US:.2f} of {STATEMENT_US} us, {row / ROW_US:.2f} of {ROW_US} us")
    return 0 if statement <= STATEMENT_US and row <= ROW_US else 1


if __name__ == "__main__":
    sys.exit(main())

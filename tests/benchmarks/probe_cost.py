"""What one probe costs: nutrace beside the OpenTelemetry SDK and other tools, in one process.

    python tests/benchmarks/probe_cost.py

Each row is an empty function called in a loop under one tool, in nanoseconds of CPU per call above
the bare call; the rounds are interleaved and the best of each is taken. nutrace includes everything
that it does with the spans: merging, encoding and writing them to a file. Fails (exit code 1) if
the SDK's span costs less than 12 times as much as a probe.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict

import wrapt
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import nutrace
from nutrace.probes.catalogue.garbage import PROBES
from nutrace.session import Session

TARGET = 12.0
CALLS = {"sdk": 4_000}


class Discard(SpanExporter):
    """Discards batches, so that only the SDK's cost is measured and not the disk's."""

    def export(self, spans: object) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def empty() -> None:
    pass


@nutrace.probe
def probed() -> None:
    pass


@nutrace.probe
def alternate() -> None:
    pass


@wrapt.decorator
def _through(wrapped, instance, args, kwargs):  # type: ignore[no-untyped-def]
    return wrapped(*args, **kwargs)


@_through
def proxied() -> None:
    pass


def loop(function: Callable[[], None], calls: int) -> float:
    """Nanoseconds of CPU a call, over all threads: background work counts as well."""
    began = time.process_time_ns()
    for _ in range(calls):
        function()
    return (time.process_time_ns() - began) / calls


def sdk_function(batch: bool) -> Callable[[], None]:
    provider = TracerProvider(shutdown_on_exit=False)
    if batch:
        provider.add_span_processor(BatchSpanProcessor(Discard()))
    tracer = provider.get_tracer("peer")

    def traced() -> None:
        with tracer.start_as_current_span("empty"):
            empty()

    return traced


def varied() -> None:
    # Two probes in turn: nothing can be merged, every span is encoded and written on its own.
    probed()
    alternate()


def collect() -> None:
    gc.collect(0)


def measure(rounds: int) -> Dict[str, float]:
    """Best of `rounds`, nanoseconds a call over the bare one."""
    batch, plain = sdk_function(True), sdk_function(False)
    best: Dict[str, float] = {}

    def note(name: str, value: float) -> None:
        best[name] = min(best.get(name, float("inf")), value)

    for _ in range(rounds):
        note("bare call", loop(empty, 200_000))
        note("wrapt wrapper alone", loop(proxied, 100_000))
        note("nutrace probe, off", loop(probed, 200_000))
        collection = loop(collect, 20_000)
        profile = cProfile.Profile()
        profile.enable()
        note("cProfile", loop(empty, 50_000))
        profile.disable()
        note("OpenTelemetry SDK, no processor", loop(plain, CALLS["sdk"]))
        note("OpenTelemetry SDK, BatchSpanProcessor", loop(batch, CALLS["sdk"]))
        with tempfile.TemporaryDirectory() as folder:
            settings = nutrace.Settings(output=str(Path(folder, "run.json")), summary=False)
            session: Session = nutrace.instrument(settings, probes=())
            note("nutrace probe", loop(probed, 100_000))
            note("nutrace probe, nothing merged", loop(varied, 50_000) / 2)
            with nutrace.span("outer"):
                note("nutrace probe, inside a span", loop(probed, 100_000))
            assert session.recorder.diagnostics.dropped == 0
            nutrace.uninstrument()
            settings = nutrace.Settings(output=str(Path(folder, "gc.json")), summary=False)
            nutrace.instrument(settings, probes=[each for each in PROBES if each.level == "coarse"])
            with nutrace.span("outer"):
                traced = loop(collect, 20_000)
            nutrace.uninstrument()
            note("garbage collection, watched", traced - collection + loop(empty, 20_000))
    bare = best.pop("bare call")
    return {"bare call": bare, **{name: value - bare for name, value in best.items()}}


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    costs = measure(parser.parse_args().rounds)
    sdk = costs["OpenTelemetry SDK, BatchSpanProcessor"]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; nanoseconds above the bare call")
    for name, cost in costs.items():
        ratio = "" if name == "bare call" else f"   1/{sdk / max(cost, 1):.1f} of the SDK's span"
        print(f"{name:40s}{cost:10.0f}{ratio}")
    ratio = sdk / costs["nutrace probe"]
    print(f"ratio: {ratio:.1f} (at least {TARGET:.0f})")
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())

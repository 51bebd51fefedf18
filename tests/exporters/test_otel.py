"""The formats as OpenTelemetry exporters, in programs without nutrace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest
from fakes.otlp import EPOCH_NS
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from speedscope_format import check, widths

from nutrace.trace import load
from nutrace_exporters import FORMATS
from nutrace_exporters.otel import CollapsedExporter, FileSpanExporter, SpeedscopeExporter
from nutrace_exporters.otlp import encode

PROGRAM = """
from opentelemetry import trace
tracer = trace.get_tracer("program")
with tracer.start_as_current_span("outer"):
    with tracer.start_as_current_span("inner", attributes={"k": "<b>"}):
        pass
"""


def provider(exporter: FileSpanExporter) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made


def record(path: Path, *names: str) -> None:
    made = provider(CollapsedExporter(str(path)))
    tracer = made.get_tracer("t")
    for name in names:
        span = tracer.start_span(name, start_time=EPOCH_NS)
        span.end(EPOCH_NS + 5_000)
    made.shutdown()


def test_nested_spans_are_drawn_at_shutdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "app.speedscope.json"
    made = provider(SpeedscopeExporter(str(path)))
    tracer = made.get_tracer("t")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
        pass
    assert not path.exists()
    made.shutdown()
    document = json.loads(path.read_text())
    check(document)
    assert [name for name, _ in widths(document)] == ["inner", "outer"]
    assert capsys.readouterr().err == f"nutrace: 2 spans in {path}\n"
    assert os.listdir(tmp_path) == [path.name]


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "app.collapsed.txt"
    for name in ("first", "second", "third"):
        record(path, name)
    result = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert result == {
        "app.collapsed.txt": "first 5\n",
        "app-1.collapsed.txt": "second 5\n",
        "app-2.collapsed.txt": "third 5\n",
    }


def test_without_spans_there_is_no_file(tmp_path: Path) -> None:
    record(tmp_path / "out.txt")
    assert os.listdir(tmp_path) == []


def test_a_killed_program_leaves_what_it_had(tmp_path: Path) -> None:
    made = provider(CollapsedExporter(str(tmp_path / "out.txt")))
    made.get_tracer("t").start_span("half").end()
    assert load(str(tmp_path / "out.txt.partial")).name == ["half"]
    made.shutdown()


def test_a_place_that_cannot_be_written_is_said_not_raised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "missing" / "out.txt", "a", "b")
    assert capsys.readouterr().err.count("1 spans lost") == 2


def test_all_that_a_span_says_is_kept(tmp_path: Path) -> None:
    made = TracerProvider(shutdown_on_exit=False)
    given: Dict[str, Any] = {
        "s": "x",
        "b": True,
        "i": 2**40,
        "d": 0.5,
        "list": ["a", "b"],
        "nan": float("nan"),
    }
    span = made.get_tracer("t").start_span("f", kind=SpanKind.CLIENT, attributes=given, start_time=EPOCH_NS)
    span.add_event("tick", {"k": 1}, timestamp=EPOCH_NS + 1)
    span.set_status(Status(StatusCode.ERROR, "no"))
    span.end(EPOCH_NS + 9)
    (tmp_path / "x.json").write_bytes(encode([span]))  # type: ignore[list-item]
    trace = load(str(tmp_path / "x.json"))
    attributes = dict(trace.attributes(0))
    assert str(attributes.pop("nan")) == "nan"
    given.pop("nan")
    assert attributes == given
    assert (trace.start_ns[0], trace.busy_ns[0], trace.kind(0)) == (EPOCH_NS, 9, 3)
    assert (trace.status(0).code, trace.status(0).message) == (2, "no")
    assert [(event.name, event.time_ns, dict(event.attributes)) for event in trace.events(0)] == [
        ("tick", EPOCH_NS + 1, {"k": 1})
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_draws_its_own_spans(tmp_path: Path) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        """
import os, sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from nutrace_exporters.otel import CollapsedExporter
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(CollapsedExporter("out.txt")))
tracer = provider.get_tracer("t")
tracer.start_span("parent", start_time=1000).end(9000)
pid = os.fork()
tracer.start_span("child" if pid == 0 else "after", start_time=9000).end(17000)
if pid:
    os.waitpid(pid, 0)
provider.shutdown()
"""
    )
    subprocess.run([sys.executable, str(program)], cwd=tmp_path, check=True, timeout=60)
    result = sorted(file.read_text() for file in tmp_path.glob("*.txt"))
    assert result == ["child 8\n", "parent 8\nafter 8\n"]


@pytest.mark.parametrize("name", ["speedscope", "flamegraph", "collapsed", "svg", "chrome"])
def test_chosen_by_environment_variable(name: str, tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.instrumentation.auto_instrumentation")
    (tmp_path / "app.py").write_text(PROGRAM)
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": name, "OTEL_METRICS_EXPORTER": "none"}
    environment["OTEL_LOGS_EXPORTER"] = "none"
    environment[f"OTEL_EXPORTER_{name.upper()}_FILE"] = "drawn"
    script = Path(sys.executable).parent / "opentelemetry-instrument"
    done = subprocess.run(
        [str(script), sys.executable, "app.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert "2 spans in" in done.stderr, done.stderr
    assert (tmp_path / "drawn").stat().st_size > 10
    assert name in {"flamegraph", *(row.name for row in FORMATS)}

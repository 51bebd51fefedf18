"""The OpenTelemetry SDK, with a BatchSpanProcessor as its documentation advises."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, List, Sequence

from truth.tools.nesting import Interval, functions
from truth.tools.nutrace_report import statement_name
from truth.tools.tool import Said, Tool


class OpenTelemetry(Tool):
    """Functions are decorated with ``start_as_current_span``; sqlite3 has the stock instrumentation."""

    name = "opentelemetry"
    title = "OpenTelemetry SDK"
    meaning = (
        "Wall time of a span, without the spans below it. Spans that come faster than the "
        "BatchSpanProcessor exports are dropped, and their time is then their parent's. The span of a "
        "decorated generator is its creation, that of a statement its execute."
    )
    modules = ("opentelemetry.sdk",)

    def __init__(self) -> None:
        self._provider: Any = None
        self._spans: List[Any] = []

    def probe(self, component: str = "other") -> Callable[[Any], Any]:
        from opentelemetry.sdk.trace import TracerProvider

        if self._provider is None:
            self._provider = TracerProvider()
        tracer = self._provider.get_tracer("laboratory")
        return lambda function: tracer.start_as_current_span(function.__name__)(function)

    @contextmanager
    def around(self, folder: Path) -> Iterator[Any]:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

        kept = self._spans

        class Keep(SpanExporter):
            def export(self, spans: Sequence[Any]) -> SpanExportResult:
                kept.extend(spans)
                return SpanExportResult.SUCCESS

        provider = self._provider = self._provider or TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(Keep()))
        trace.set_tracer_provider(provider)
        self._instrument()
        try:
            yield
        finally:
            provider.shutdown()
            spans = [
                # A thread's outermost span begins a trace, so that the spans of a trace lie in each other.
                (span.context.trace_id, span.start_time, span.end_time, _name(span))
                for span in kept
            ]
            (folder / "spans.json").write_text(json.dumps(spans), encoding="utf-8")

    def _instrument(self) -> None:
        try:
            from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
        except ImportError:
            return
        SQLite3Instrumentor().instrument(tracer_provider=self._provider)

    def read(self, folder: Path, program: str) -> Said:
        spans = json.loads((folder / "spans.json").read_text(encoding="utf-8"))
        seen = functions(Interval(thread, start, end, name, True) for thread, start, end, name in spans)
        facts = {name: of.total_ns for name, of in seen.items() if name.startswith("statement: ")}
        return Said(seen, {name: total for name, total in facts.items() if total is not None})


def _name(span: Any) -> str:
    text = span.attributes.get("db.statement") or span.attributes.get("db.query.text")
    return f"statement: {statement_name(text)}" if text else str(span.name)


TOOL = OpenTelemetry()

"""OpenTelemetry, both ways: with no provider, with the program's own before and after us, and undone."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List

import opentelemetry.trace as otel
import pytest
from fakes import query_session
from fakes.programs import counts, losses, path_to, run
from fakes.tracing import Tracing
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

import nutrace
from nutrace.probes.catalogue.sqlite import PROBES
from nutrace.semconv import STATEMENT_SPAN

ORIGINALS = (otel.set_tracer_provider, otel._set_tracer_provider, context._RUNTIME_CONTEXT)


@pytest.fixture(autouse=True)
def fresh_globals() -> Iterator[None]:
    """No provider before the test, none after it, and whatever we touch as it was."""

    def reset() -> None:
        otel._TRACER_PROVIDER = None
        otel._TRACER_PROVIDER_SET_ONCE = Once()

    reset()
    yield
    assert (otel.set_tracer_provider, otel._set_tracer_provider, context._RUNTIME_CONTEXT) == ORIGINALS
    reset()


class Program:
    """A program's own SDK, exporting to memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def spans(self) -> Dict[str, Any]:
        finished = self.exporter.get_finished_spans()
        assert len({span.name for span in finished}) == len(finished), "something was exported twice"
        return {span.name: span for span in finished}


@pytest.fixture
def program() -> Iterator[Program]:
    made = Program()
    yield made
    made.provider.shutdown()


def _interleave() -> None:
    tracer = otel.get_tracer("theirs")
    with nutrace.span("ours 1"), tracer.start_as_current_span("theirs 2"):
        with nutrace.span("ours 3", n=1):
            with tracer.start_as_current_span("theirs 4"):
                assert otel.get_current_span().get_span_context().is_valid
            with nutrace.span("ours 4"):
                pass
        with tracer.start_as_current_span("theirs 3"):
            pass


EXPECTED = {
    "ours 1": ["ours 1"],
    "theirs 2": ["ours 1", "theirs 2"],
    "ours 3": ["ours 1", "theirs 2", "ours 3"],
    "theirs 4": ["ours 1", "theirs 2", "ours 3", "theirs 4"],
    "ours 4": ["ours 1", "theirs 2", "ours 3", "ours 4"],
    "theirs 3": ["ours 1", "theirs 2", "theirs 3"],
}


def _check_file(recorded: Tracing) -> None:
    trace = recorded.trace
    assert {name: path_to(trace, name) for name in counts(trace)} == EXPECTED
    assert set(counts(trace).values()) == {1}
    assert not losses(trace)


def _check_program(program: Program) -> None:
    spans = program.spans
    assert set(spans) == set(EXPECTED)
    assert len({span.context.trace_id for span in spans.values()}) == 1
    for name, path in EXPECTED.items():
        parent = spans[name].parent
        above = spans[path[-2]].context.span_id if len(path) > 1 else None
        assert (parent.span_id if parent else None) == above, name
        assert spans[name].end_time >= spans[name].start_time > 1_600_000_000_000_000_000
    assert spans["ours 3"].attributes["n"] == 1
    assert spans["ours 3"].instrumentation_scope.name == "nutrace"


def test_without_a_provider(recorded: Tracing) -> None:
    with recorded():
        _interleave()
    _check_file(recorded)
    assert otel._TRACER_PROVIDER is None


def test_a_provider_that_was_there_before(recorded: Tracing, program: Program) -> None:
    otel.set_tracer_provider(program.provider)
    with recorded():
        assert otel.get_tracer_provider() is program.provider
        _interleave()
    _check_file(recorded)
    _check_program(program)
    assert otel.get_tracer_provider() is program.provider


def test_a_provider_that_comes_later(recorded: Tracing, program: Program) -> None:
    from opentelemetry.trace import set_tracer_provider  # bound before us, as some programs do

    early = otel.get_tracer("early")
    with recorded():
        with early.start_as_current_span("ours first"):
            pass
        set_tracer_provider(program.provider)
        assert otel.get_tracer_provider() is program.provider
        _interleave()
        with early.start_as_current_span("through the provider now"):
            pass
    calls = counts(recorded.trace)
    assert calls.pop("ours first") == calls.pop("through the provider now") == 1
    assert set(calls) == set(EXPECTED)
    assert set(calls.values()) == {1}
    assert not losses(recorded.trace)
    assert {"through the provider now", *EXPECTED} <= set(program.spans)
    assert otel.get_tracer_provider() is program.provider


def test_after_us_the_programs_provider_is_its_own_again(recorded: Tracing, program: Program) -> None:
    otel.set_tracer_provider(program.provider)
    processors = program.provider._active_span_processor._span_processors
    for _ in range(2):
        with recorded(), nutrace.span("ours"):
            pass
        assert counts(recorded.trace) == {"ours": 1}
        assert program.provider._active_span_processor._span_processors == processors
    program.exporter.clear()
    with otel.get_tracer("x").start_as_current_span("after"):
        pass
    assert set(program.spans) == {"after"}


def test_tracers_that_were_made_under_us_serve_the_next_provider(recorded: Tracing, program: Program) -> None:
    before = otel.get_tracer("proxy")
    with recorded():
        during = otel.get_tracer("ours")
        before.start_span("one").end()
        during.start_span("two").end()
    assert not during.start_span("nobody listens").is_recording()
    otel.set_tracer_provider(program.provider)
    before.start_span("three").end()
    during.start_span("four").end()
    assert set(program.spans) == {"three", "four"}


def test_our_spans_reach_a_flush_and_a_shutdown(recorded: Tracing, program: Program) -> None:
    ends: List[str] = []

    class Watching(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            ends.append(span.name)

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    program.provider.add_span_processor(Watching())
    otel.set_tracer_provider(program.provider)
    with recorded(flush_seconds=3600):
        with nutrace.span("flushed"):
            pass
        assert program.provider.force_flush()
        assert set(program.spans) == {"flushed"}
        with nutrace.span("at shutdown"):
            pass
        program.provider.shutdown()
        assert set(program.spans) == {"flushed", "at shutdown"}
        with nutrace.span("too late"):
            pass
    assert set(counts(recorded.trace)) == {"flushed", "at shutdown", "too late"}
    assert set(program.spans) == {"flushed", "at shutdown"}
    assert ends == ["flushed", "at shutdown"]  # processors that are shut down complain of more


def test_what_the_programs_exporter_gets_is_clean(
    recorded: Tracing, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    otel.set_tracer_provider(program.provider)
    with recorded(compress_us=1e6):
        with nutrace.span("odd", odd=Path("/a"), mixed=[1, "a", [Path("/b")]], fine=[1, 2]) as span:
            span.add_link(otel.SpanContext(1, 2, is_remote=True), {"odd": Path("/a"), "fine": 2})
            span.add_event("event", {"odd": Path("/a"), "fine": 3.5})
        with pytest.raises(KeyError), nutrace.span("fails"):
            raise KeyError("x")

        @nutrace.probe(name="leaf")
        def leaf() -> None:
            pass

        for _ in range(4):
            leaf()
    spans = program.spans
    assert spans["odd"].attributes["odd"] == "/a"
    assert spans["odd"].attributes["fine"] == (1, 2)
    assert "/b" in spans["odd"].attributes["mixed"]
    assert dict(spans["odd"].links[0].attributes) == {"odd": "/a", "fine": 2}
    assert dict(spans["odd"].events[0].attributes) == {"odd": "/a", "fine": 3.5}
    assert not caplog.records
    assert spans["leaf"].attributes["nutrace.composite.count"] == 4
    assert spans["fails"].status.status_code is otel.StatusCode.ERROR
    assert spans["fails"].events[0].name == "exception"
    for span in spans.values():
        span.to_json()


@pytest.mark.parametrize("compress_us", [0, 1e6])
def test_the_programs_exporter_gets_what_the_file_says(
    recorded: Tracing, program: Program, tmp_path: Path, compress_us: float
) -> None:
    otel.set_tracer_provider(program.provider)
    file = str(tmp_path / "t.db")
    with recorded(*PROBES, compress_us=compress_us):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE t (a)")
            for number in range(3):
                connection.execute("INSERT INTO t VALUES (?)", [number])
            connection.commit()
        for most in (1, 2):
            assert len(list(query_session.all_rows("SELECT a FROM t WHERE a < ?", (most,), file))) == most
    spans = {span.context.span_id: span for span in program.exporter.get_finished_spans()}
    assert len(spans) == len(recorded.trace)
    statements = 0
    for span in recorded.trace:
        theirs = spans[int(recorded.trace.span_id(span.index), 16)].attributes
        said = {key: tuple(value) if type(value) is list else value for key, value in span.attributes.items()}
        assert said.items() <= theirs.items()
        assert theirs["thread.id"] == span.thread.thread_id
        statements += span.name == STATEMENT_SPAN and "db.query.text" in theirs
    assert statements >= 3


def test_the_programs_events_links_and_status_reach_the_file(recorded: Tracing, program: Program) -> None:
    otel.set_tracer_provider(program.provider)
    with recorded():
        link = otel.Link(otel.SpanContext(1, 2, is_remote=True))
        tracer = otel.get_tracer("theirs", "3")
        with tracer.start_as_current_span("query", attributes={"db.system": "sqlite"}, links=[link]) as span:
            span.add_event("row", {"n": 1})
            span.set_status(otel.StatusCode.ERROR, "slow")
    (span,) = recorded.trace
    assert (span.component, span.status.code, span.status.message) == ("database", 2, "slow")
    assert [(event.name, dict(event.attributes)) for event in span.events] == [("row", {"n": 1})]


def test_a_databases_error_in_a_span_of_the_programs_provider(recorded: Tracing, program: Program) -> None:
    otel.set_tracer_provider(program.provider)
    with recorded(*PROBES), contextlib.closing(sqlite3.connect(":memory:")) as connection:
        with pytest.raises(sqlite3.Error), otel.get_tracer("theirs").start_as_current_span("theirs"):
            connection.execute("SELECT json_extract('{}', ?)", ("hunter2",))
        with pytest.raises(KeyError), otel.get_tracer("theirs").start_as_current_span("own"):
            raise KeyError("as it is")
    # The program's own exporter gets what the program wrote.
    assert "hunter2" in str(program.spans["theirs"].events[0].attributes)
    assert recorded.path is not None
    assert "hunter2" not in recorded.path.read_text(encoding="utf-8")
    theirs, own = recorded.span("theirs"), recorded.span("own")
    assert theirs.status.message.endswith("OperationalError")
    assert theirs.events[0].attributes["exception.type"].endswith("OperationalError")
    assert "test_opentelemetry.py" in theirs.events[0].attributes["exception.stacktrace"]
    assert "as it is" in own.events[0].attributes["exception.stacktrace"]


@pytest.mark.parametrize("sql_text", [True, False])
def test_statements_of_other_instrumentations_lose_their_values(recorded: Tracing, sql_text: bool) -> None:
    attributes = {
        "db.system": "postgresql",
        "db.statement": "SELECT a FROM t WHERE b = 'hunter2'",
        "db.query.text": "SELECT a FROM t WHERE b = 'hunter2'",
        "db.statement.parameters": "('hunter2',)",
        "db.query.parameter.b": "hunter2",
    }
    with recorded(sql_text=sql_text):
        otel.get_tracer("psycopg2").start_span("SELECT", attributes=attributes).end()
    assert recorded.path is not None
    assert "hunter2" not in recorded.path.read_text(encoding="utf-8")
    (span,) = recorded.trace
    folded = "SELECT a FROM t WHERE b = ?" if sql_text else None
    assert span.attributes.get("db.statement") == span.attributes.get("db.query.text") == folded


def test_an_exporter_that_fails_is_not_ours_to_show(recorded: Tracing, program: Program) -> None:
    class Failing(SimpleSpanProcessor):
        def on_end(self, span: Any) -> None:
            raise ZeroDivisionError

    program.provider.add_span_processor(Failing(program.exporter))
    otel.set_tracer_provider(program.provider)
    with recorded(), nutrace.span("ours"):
        pass
    assert counts(recorded.trace) == {"ours": 1}
    assert losses(recorded.trace) == {"faults": 1}


def test_another_kind_of_provider_is_said(recorded: Tracing, capsys: pytest.CaptureFixture[str]) -> None:
    otel.set_tracer_provider(otel.NoOpTracerProvider())
    with recorded():
        _interleave()
    assert "it and nutrace share no spans" in capsys.readouterr().err
    assert set(counts(recorded.trace)) == {name for name in EXPECTED if name.startswith("ours")}


def test_baggage_survives_our_spans(recorded: Tracing) -> None:
    outside = context.attach(baggage.set_baggage("before", "0"))
    try:
        with recorded():
            assert baggage.get_baggage("before") == "0"
            with nutrace.span("one"):
                assert baggage.get_baggage("before") == "0"
                token = context.attach(baggage.set_baggage("key", "1"))
                with nutrace.span("two"):
                    assert dict(baggage.get_all()) == {"before": "0", "key": "1"}
                    inner = context.attach(baggage.set_baggage("key", "2"))
                    with nutrace.span("three"), nutrace.span("four"):
                        assert baggage.get_baggage("key") == "2"
                    context.detach(inner)
                    assert baggage.get_baggage("key") == "1"
                context.detach(token)
                assert baggage.get_baggage("key") is None
        assert baggage.get_baggage("before") == "0"
    finally:
        context.detach(outside)
    assert path_to(recorded.trace, "four") == ["one", "two", "three", "four"]


def test_uninstrument_within_a_span(recorded: Tracing) -> None:
    with nutrace.span("before"):  # nothing is traced yet
        pass
    with recorded():
        block = nutrace.span("open")
        block.__enter__()
    block.__exit__(None, None, None)
    assert losses(recorded.trace) == {"unfinished": 1}
    with recorded(), nutrace.span("next"):
        pass
    assert path_to(recorded.trace, "next") == ["next"]
    assert not losses(recorded.trace)


def test_the_current_span_is_ours_to_write_on(recorded: Tracing) -> None:
    @nutrace.probe
    def work() -> None:
        otel.get_current_span().set_attribute("key", "value")

    with recorded():
        work()
    assert recorded.trace[0].attributes["key"] == "value"


def test_stock_threading_instrumentation(recorded: Tracing) -> None:
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    def work(name: str) -> None:
        with nutrace.span(name):
            pass

    instrumentor = ThreadingInstrumentor()
    with recorded():
        instrumentor.instrument()
        try:
            with nutrace.span("outer"):
                thread = threading.Thread(target=work, args=("in a thread",))
                thread.start()
                thread.join()
                with ThreadPoolExecutor(1) as executor:
                    executor.submit(work, "in a pool").result()
        finally:
            instrumentor.uninstrument()
    trace = recorded.trace
    assert path_to(trace, "in a thread") == ["outer", "in a thread"]
    assert path_to(trace, "in a pool") == ["outer", "in a pool"]
    assert len({span.thread for span in trace}) == 3
    assert not losses(trace)


def test_asyncio(recorded: Tracing) -> None:
    tracer: List[otel.Tracer] = []

    async def work(name: str) -> None:
        with tracer[0].start_as_current_span(f"theirs {name}"):
            await asyncio.sleep(0.001)
            with nutrace.span(f"ours {name}"):
                await asyncio.sleep(0.001)

    async def main() -> None:
        with nutrace.span("outer"):
            await asyncio.gather(*[work(str(number)) for number in range(5)])
            await asyncio.create_task(work("task"))

    with recorded():
        tracer.append(otel.get_tracer("theirs"))
        asyncio.run(main())
    for name in ("0", "4", "task"):
        assert path_to(recorded.trace, f"ours {name}") == ["outer", f"theirs {name}", f"ours {name}"]
    assert set(counts(recorded.trace).values()) == {1}
    assert set(losses(recorded.trace)) <= {"overlapping"}


def test_stock_sqlalchemy_instrumentation(recorded: Tracing) -> None:
    import sqlalchemy
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    conflict = SQLAlchemyInstrumentor()._check_dependency_conflicts()
    if conflict:
        pytest.skip(f"the stock instrumentation refuses: {conflict}")
    engine = sqlalchemy.create_engine("sqlite://")
    with recorded():
        SQLAlchemyInstrumentor().instrument(engine=engine)
        try:
            with nutrace.span("outer"), engine.connect() as connection:
                connection.execute(sqlalchemy.text("select 1")).fetchall()
        finally:
            SQLAlchemyInstrumentor().uninstrument()
            engine.dispose()
    query = next(span for span in recorded.trace if span.name.startswith("select"))
    assert query.component == "database"
    assert query.parent is not None
    assert path_to(recorded.trace, query.name)[0] == "outer"
    assert not losses(recorded.trace)


def test_at_exit_the_programs_batches_still_take_our_spans(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        """
        import sys
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
        import nutrace
        provider = TracerProvider()
        exporter = ConsoleSpanExporter(formatter=lambda span: span.name + "\\n")
        provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        with nutrace.span("ours"):
            with trace.get_tracer("x").start_as_current_span("theirs"):
                pass
        """,
        variables={"NUTRACE_FLUSH_SECONDS": "60"},
    )
    assert ended.code == 0
    # A garbage collection may strike.
    assert sorted(name for name in ended.out.split() if name != "gc.collect") == ["ours", "theirs"]
    assert all(line.startswith("nutrace: ") for line in ended.err.splitlines()), ended.err
    assert counts(ended.trace) == {"ours": 1, "theirs": 1}
    assert not losses(ended.trace)


def test_below_a_parent_of_another_trace_it_is_that_trace(recorded: Tracing) -> None:
    remote = otel.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=otel.TraceFlags(1))
    with recorded():
        token = context.attach(otel.set_span_in_context(otel.NonRecordingSpan(remote)))
        with nutrace.span("below"):
            pass
        context.detach(token)
    assert recorded.path is not None
    assert f'"traceId":"{0xABC:032x}","parentSpanId":"{0xDEF:016x}"' in recorded.path.read_text()

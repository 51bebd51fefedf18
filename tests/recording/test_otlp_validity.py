"""Run files against the real protobuf definition, whatever a program puts on its spans."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy
import pytest
from fakes.programs import losses
from fakes.protobuf import parsed
from fakes.tracing import Tracing
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace as otel
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

import nutrace
from nutrace.anyvalue import UNPRINTABLE, Values
from nutrace.probes.probe import Probe
from nutrace.recording import encoding
from nutrace.trace import load


def proto(text: str) -> TracesData:
    """What a run file's text holds."""
    return parsed(text, TracesData())


def spans_of(data: TracesData) -> Iterator[ProtoSpan]:
    for resource in data.resource_spans:
        for scope in resource.scope_spans:
            yield from scope.spans


def by_name(path: Path) -> Dict[str, ProtoSpan]:
    return {span.name: span for span in spans_of(proto(path.read_text(encoding="utf-8")))}


def attributes(span: Any) -> Dict[str, Any]:
    return {item.key: _python(item.value) for item in span.attributes}


def _python(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_python(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _python(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind)


class Unprintable:
    """An object that fails whatever is asked of it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")


def test_every_part_of_a_span(recorded: Tracing) -> None:
    with recorded():
        tracer = otel.get_tracer("theirs", "2.0")
        link = otel.Link(otel.SpanContext(5, 6, is_remote=True), {"why": "because"})
        with nutrace.span("outer", component="planner", text="t", number=1, real=0.5, yes=True) as outer:
            outer.add_event("happened", {"n": 2}, timestamp=1_700_000_000_000_000_000)
            outer.set_status(otel.StatusCode.ERROR, "broken")
            outer.add_link(otel.SpanContext(7, 8, is_remote=True), {"late": True})
            for _ in range(5):
                with nutrace.span("leaf"):
                    pass
            with tracer.start_as_current_span("client", kind=otel.SpanKind.CLIENT, links=[link]):
                pass
    spans = by_name(recorded.path)
    outer_span, client, leaf = spans["outer"], spans["client"], spans["leaf"]
    noted = attributes(outer_span)
    assert {key: noted[key] for key in ("text", "number", "real", "yes", "nutrace.component")} == {
        "text": "t",
        "number": 1,
        "real": 0.5,
        "yes": True,
        "nutrace.component": "planner",
    }
    assert [(event.name, event.time_unix_nano, attributes(event)) for event in outer_span.events] == [
        ("happened", 1_700_000_000_000_000_000, {"n": 2})
    ]
    assert (outer_span.status.code, outer_span.status.message) == (2, "broken")
    assert [(item.trace_id, item.span_id, attributes(item)) for item in outer_span.links] == [
        ((7).to_bytes(16, "big"), (8).to_bytes(8, "big"), {"late": True})
    ]
    assert client.kind == ProtoSpan.SPAN_KIND_CLIENT
    assert client.links[0].span_id == (6).to_bytes(8, "big")
    assert client.parent_span_id == outer_span.span_id == leaf.parent_span_id
    assert len(outer_span.trace_id) == 16
    assert outer_span.trace_id == client.trace_id
    assert outer_span.start_time_unix_nano <= client.start_time_unix_nano <= client.end_time_unix_nano
    (resource,) = proto(recorded.path.read_text()).resource_spans
    assert {scope.scope.name for scope in resource.scope_spans} == {"nutrace", "theirs"}
    assert not losses(recorded.trace)


def test_generators_and_composites(recorded: Tracing, module: Any) -> None:
    name = module(
        "rows_", "def rows(n):\n    for i in range(n):\n        yield leaf(i)\ndef leaf(i): return i\n"
    )
    with recorded(Probe(f"{name}:rows", "database"), Probe(f"{name}:leaf", "map"), compress_us=1e6):
        import rows_  # type: ignore[import-not-spans]

        assert list(rows_.rows(4)) == [0, 1, 2, 3]
    spans = by_name(recorded.path)
    assert attributes(spans["rows"])["nutrace.generator.yielded"] == 4
    assert attributes(spans["rows"])["nutrace.busy_ns"] > 0
    composite = attributes(spans["leaf"])
    assert composite["nutrace.composite.count"] == 4
    assert composite["nutrace.busy_ns"] >= 2 * composite["nutrace.composite.min_ns"]
    assert spans["leaf"].parent_span_id == spans["rows"].span_id


def _hostile() -> List[Any]:
    deep: List[Any] = []
    for _ in range(5000):
        deep = [deep]
    cyclic: Dict[str, Any] = {}
    cyclic["again"] = [cyclic, cyclic, cyclic]
    return [
        "\0",
        "\ud800 lone",
        '"quoted\\" <script>\u2028',
        "x" * 10_000_000,
        b"\xff" * 10_000_000,
        2**63 - 1,
        2**63,
        -(2**63),
        10**5000,
        math.nan,
        math.inf,
        -math.inf,
        None,
        numpy.float64(1.5),
        numpy.float32("nan"),
        numpy.longdouble(1.5),
        numpy.int64(7),
        numpy.bool_(True),
        numpy.datetime64("2020-01-01"),
        numpy.arange(100_000),
        {"a": {1: [True, {"b": "\udfff"}]}, "\ud800": ()},
        [1, "two", [3.0]],
        list(range(1_000_000)),
        deep,
        cyclic,
        {1, 2},
        Unprintable(),
        {Unprintable(): Unprintable()},
        object(),
    ]


def test_hostile_values_and_names_are_valid_and_bounded(recorded: Tracing) -> None:
    values = _hostile()
    names = ["\0", "\ud800", '"]},{"scope":', "<script>", "n" * 10_000_000, ""]
    with recorded():
        for index, value in enumerate(values):
            with nutrace.span(f"value {index}", value=value) as span:
                span.add_event("event", {"value": value})
        for name in names:
            with nutrace.span(name) as span:
                span.set_attribute(name, name)
                span.add_event(name, {name: name})
                span.set_status(otel.StatusCode.ERROR, name)
                span.update_name(name)
    spans = by_name(recorded.path)
    assert len(spans) == len(values) + len(names)
    kept = [attributes(spans[f"value {index}"])["value"] for index in range(len(values))]
    assert kept[:3] == ["\0", "\ufffd lone", '"quoted\\" <script>\u2028']
    assert kept[3] == "x" * 4096
    assert kept[5:8] == [2**63 - 1, str(2**63), -(2**63)]
    assert math.isnan(kept[9])
    assert kept[10:12] == [math.inf, -math.inf]
    assert kept[13] == 1.5
    assert kept[16:18] == [7, True]
    assert kept[20] == {"a": {"1": [True, {"b": "\ufffd"}]}, "\ufffd": []}
    assert kept[21] == [1, "two", [3.0]]
    assert kept[26] == UNPRINTABLE
    assert recorded.path.stat().st_size < 1_500_000
    trace = recorded.trace
    assert trace.diagnostics.truncated > 5
    assert set(losses(trace)) == {"truncated"}
    assert len(trace) == len(spans)


def test_odd_arguments_of_the_api_reach_no_caller(recorded: Tracing) -> None:
    with recorded():
        tracer = otel.get_tracer("theirs")
        with tracer.start_as_current_span(
            7,  # type: ignore[arg-type]
            attributes={3: 4},  # type: ignore[dict-item]
            start_time=1_700_000_000_000_000_000.5,  # type: ignore[arg-type]
        ) as span:
            span.update_name(8)  # type: ignore[arg-type]
            span.record_exception(
                ValueError("x"), {"more": 1}, timestamp=1_700_000_000_000_000_001, escaped=True
            )
            span.end(end_time=1)
            span.set_attribute("late", 1)
            span.add_event("late")
    (span,) = spans_of(proto(recorded.path.read_text()))
    assert span.name == "8"
    assert attributes(span)["3"] == 4
    assert "late" not in attributes(span)
    assert span.start_time_unix_nano == span.end_time_unix_nano
    (event,) = span.events
    assert event.time_unix_nano == 1_700_000_000_000_000_001
    assert attributes(event)["exception.message"] == "x"
    assert attributes(event)["more"] == 1


def test_an_exception_whose_text_fails_goes_on_unchanged(recorded: Tracing) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    error = Odd()
    with recorded(), pytest.raises(Odd) as caught, nutrace.span("fails"):
        raise error
    assert caught.value is error
    (span,) = recorded.trace
    assert span.status.code == 2
    assert UNPRINTABLE in span.status.message
    assert not losses(recorded.trace)


def test_each_error_is_written_with_its_stack_once(recorded: Tracing) -> None:
    error = ValueError("again")  # one object: the next error often lives where the last one did

    def fail() -> None:
        with nutrace.span("outer"), nutrace.span("inner"):
            raise error

    with recorded():
        for _ in range(20):
            try:
                fail()
            except ValueError:
                pass
    stacks = [(span.name, "exception.stacktrace" in span.events[0].attributes) for span in recorded.trace]
    assert stacks == [("outer", False), ("inner", True)] * 20


def test_the_partial_file_is_valid_line_by_line(tmp_path: Path) -> None:
    from nutrace import session
    from nutrace.settings import Settings

    made = session.instrument(Settings(output=str(tmp_path / "run.json"), summary=False), probes=[])
    try:
        with nutrace.span("outer"):
            with nutrace.span("inner", number=1):
                pass
            made.recorder.flush()
            lines = made.file.partial.read_text().splitlines()
            trace = load(made.file.partial)
    finally:
        session.uninstrument()
    assert [span.name for line in lines for span in spans_of(proto(line))] == ["inner", "outer"]
    assert {span.name: span.unfinished for span in trace} == {"outer": True, "inner": False}
    assert [span.name for span in spans_of(proto((tmp_path / "run.json").read_text()))] == ["inner", "outer"]


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=20)
    | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters()), json_like, max_size=4), st.text(st.characters()))
def test_any_attributes_make_a_valid_line(noted: Dict[str, Any], name: str) -> None:
    resource = encoding.resource(noted)
    scope = encoding.scope(name, name)
    line = encoding.line(resource, [(scope, [])])
    assert line.count(b"\n") == 1
    data = proto(line.decode())
    assert data.resource_spans[0].scope_spans[0].scope.name == "".join(
        "\ufffd" if "\ud800" <= char <= "\udfff" else char for char in name
    )
    assert len(data.resource_spans[0].resource.attributes) == len(noted)


def test_what_is_cut_is_counted() -> None:
    values = Values(16)
    assert values.any_value("x" * 16) == {"stringValue": "x" * 16}
    assert values.cut == 0
    assert values.any_value("x" * 17) == {"stringValue": "x" * 16}
    assert values.cut == 1
    assert len(values.any_value(list(range(17)))["arrayValue"]["values"]) == 16
    assert values.cut == 2
    assert values.any_value(b"\0" * 9) == {"stringValue": "00" * 8}
    assert values.cut == 3
    assert len(values.text(10**4000 if sys.version_info >= (3, 11) else "x" * 99)) == 16

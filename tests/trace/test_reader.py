"""Every kind of file that is a trace."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import zlib
from pathlib import Path
from typing import Any, Dict, List

import pytest
from fakes.otlp import EPOCH_NS, attributes, compact, document, envelope, spans, write
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from nutrace.errors import InputError
from nutrace.trace import Trace, load, phases
from nutrace.trace import reader as reader_module

TREE = ("run", 0, 100, [("a", 10, 20), ("b", 30, 60, [("c", 31, 32)])])
NAMES = ["run", "a", "b", "c"]


def _names(path: Path) -> List[str]:
    return load(path).name


def test_one_line(tmp_path: Path) -> None:
    trace = load(write(tmp_path / "run.json", document(TREE)))
    assert trace.name == NAMES
    assert trace.diagnostics.complete
    assert trace.diagnostics.notes == ()


def test_lines_with_and_without_an_end(tmp_path: Path) -> None:
    lines = [compact(envelope([span])) for span in spans(TREE)]
    (tmp_path / "run.jsonl").write_bytes(b"\r\n\n".join(lines))
    assert _names(tmp_path / "run.jsonl") == NAMES


@pytest.mark.parametrize("indent", [None, 2])
def test_one_document_spread_over_lines(tmp_path: Path, indent: int) -> None:
    path = tmp_path / "trace.json"
    path.write_text("\n" + json.dumps(document(TREE), indent=indent) + "\n\n")
    assert _names(path) == NAMES


def test_an_array_of_documents(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps([envelope([span]) for span in spans(TREE)], indent=1))
    assert _names(path) == NAMES


@pytest.mark.parametrize("name", ["run.json.gz", "run.jsonl.gz", "misnamed.json"])
def test_gzip_by_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"\n".join(compact(envelope([span])) for span in spans(TREE))))
    assert _names(path) == NAMES


def test_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(b"\xef\xbb\xbf" + compact(document(TREE)))
    assert _names(path) == NAMES


def test_a_killed_run_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    lines = [compact(envelope([span], {"nutrace.run.id": "r"})) for span in spans(TREE)]
    path = tmp_path / "run.json.partial"
    path.write_bytes(b"\n".join(lines)[:-40])
    trace = load(path)
    assert trace.name == ["run", "a", "b"]
    assert not trace.diagnostics.complete
    assert "cut short" in trace.diagnostics.notes[0]
    assert trace.diagnostics.bad_lines == 0


def test_a_gzip_stream_that_ends_early(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl.gz"
    lines = b"\n".join(compact(envelope(spans((f"span {i}", i, i + 1), first_id=i))) for i in range(1, 2000))
    path.write_bytes(gzip.compress(lines)[:-200])
    trace = load(path)
    assert 100 < len(trace) < 2000
    assert not trace.diagnostics.complete


def _zipped_lines(count: int) -> List[bytes]:
    """Lines of a run file as nutrace writes them into run.json.gz, each a gzip stream of its own."""
    made = spans(*((f"span {i}", i, i + 1) for i in range(1, count + 1)))
    return [gzip.compress(compact(envelope([span])) + b"\n", 3, mtime=0) for span in made]


def test_every_place_at_which_the_last_of_many_gzip_streams_may_end(tmp_path: Path) -> None:
    *lines, last = _zipped_lines(20)
    path = tmp_path / "run.json.gz.partial"
    for size in range(1, len(last)):
        path.write_bytes(b"".join(lines) + last[:size])
        trace = load(path)
        text = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(last[:size])
        assert len(trace) == (20 if text.rstrip().endswith(b"]}]}]}") else 19)
        assert not trace.diagnostics.complete
        assert any("ends in the middle of its gzip data" in note for note in trace.diagnostics.notes)
    path.write_bytes(b"".join(lines) + last)
    assert (len(load(path)), load(path).diagnostics.notes) == (20, ())


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1000, 1 << 16])
def test_a_gzip_stream_for_each_line_is_read_in_pieces_of_any_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("nutrace.trace.source._ZIPPED", size)
    path = tmp_path / "run.json.gz"
    path.write_bytes(b"".join(_zipped_lines(100)) + bytes(3000))
    trace = load(path)
    assert len(trace) == 100
    assert trace.diagnostics.complete
    assert trace.diagnostics.notes == ()


@pytest.mark.parametrize(
    "harm",
    [
        lambda line: b"\0" * len(line),
        lambda line: line[: len(line) // 2] + b"\0" * (len(line) - len(line) // 2),
        lambda line: line[:-5] + bytes([line[-5] ^ 1]) + line[-4:],
        lambda line: line[:60] + line[100:],
        lambda line: b"xy" + line[2:],
        lambda line: line[:2] + b"xy" + line[4:],
        lambda line: line[: len(line) // 2],
    ],
    ids=["zeros", "half zeros", "checksum", "hole", "no sign", "no method", "cut"],
)
@pytest.mark.parametrize("place", [1, 25, 48])
def test_damaged_lines_of_a_gzip_file_are_left_out_and_said(tmp_path: Path, harm: Any, place: int) -> None:
    lines = _zipped_lines(50)
    lines[place] = harm(lines[place])
    path = tmp_path / "run.json.gz"
    path.write_bytes(b"".join(lines))
    trace = load(path)
    expected = [f"span {i}" for i in range(1, 51) if i != place + 1]
    assert trace.name == expected
    assert sum("damaged gzip data in a place" in note for note in trace.diagnostics.notes) == 1


def test_bad_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = [envelope([span]) for span in spans(TREE)]
    path = write(tmp_path / "run.jsonl", lines[0], b'{"resourceSpans":[{"sco', lines[1], b"[1,2", *lines[2:])
    trace = load(path)
    assert trace.name == NAMES
    assert trace.diagnostics.bad_lines == 2


def test_what_other_tools_write(tmp_path: Path) -> None:
    span: Dict[str, Any] = {
        "traceId": "0AF7651916CD43DD8448EB211C80319C",
        "spanId": "00F067AA0BA902B7",
        "parentSpanId": None,
        "name": "GET /",
        "kind": "SPAN_KIND_SERVER",
        "startTimeUnixNano": EPOCH_NS,
        "endTimeUnixNano": EPOCH_NS + 5000,
        "flags": 256,
        "attributes": [
            {"key": "n", "value": {"intValue": 5}},
            {"key": "x", "value": {"doubleValue": "NaN"}},
            {"key": "m", "value": {"kvlistValue": {"values": attributes({"k": "v"})}}},
            {"key": "none"},
        ],
        "status": {"code": "STATUS_CODE_ERROR"},
        "droppedAttributesCount": 1,
    }
    child = {
        "spanId": "b7ad6b7169203331",
        "traceId": span["traceId"],
        "parentSpanId": "00f067aa0ba902b7",
        "name": "q",
    }
    child.update(startTimeUnixNano=EPOCH_NS + 1000, endTimeUnixNano=EPOCH_NS + 2000)
    body = {
        "resourceSpans": [
            {
                "resource": {},
                "schemaUrl": "x",
                "scopeSpans": [{"spans": [span]}, {"scope": None, "spans": []}],
            },
            {"instrumentationLibrarySpans": [{"instrumentationLibrary": {"name": "old"}, "spans": [child]}]},
            {"resource": {"attributes": []}, "scopeSpans": []},
        ],
        "partialSuccess": {},
    }
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(body))
    trace = load(path)
    assert trace.name == ["GET /", "q"]
    assert trace.kind(0) == 2
    assert trace.status(0).code == 2
    assert trace.attributes(0)["n"] == 5
    assert trace.attributes(0)["m"] == {"k": "v"}
    assert trace.attributes(0)["x"] != trace.attributes(0)["x"]
    assert trace.attributes(0)["none"] is None
    assert trace.component == ["other", "other"]
    assert trace.step_indices == []


@pytest.mark.parametrize(
    "damage",
    [
        {"startTimeUnixNano": "soon"},
        {"startTimeUnixNano": 10**30},
        {"startTimeUnixNano": str(-(2**63))},
        {"name": 5},
        {"name": None},
        {"kind": {}},
        {"kind": 10**12},
        {"attributes": {}},
        {
            "attributes": [
                None,
                1,
                {"value": 1},
                {"key": 5, "value": 7},
                {"key": "thread.id", "value": {"intValue": "x"}},
            ]
        },
        {"attributes": [{"key": "nutrace.busy_ns", "value": {"intValue": "9" * 30}}]},
        {"events": "none", "status": 3},
        {"events": [1, {"timeUnixNano": "x"}]},
        {"spanId": 17},
    ],
)
def test_a_damaged_span_spoils_nothing_else(tmp_path: Path, damage: Dict[str, Any]) -> None:
    made = spans(TREE)
    made[3].update(damage)
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert len(trace) == 4
    assert set(NAMES[:3]) <= set(trace.name)
    for span in trace:
        assert isinstance(span.name, str)
        assert (span.attributes, span.events, span.status) is not None


def test_hostile_text_comes_through(tmp_path: Path) -> None:
    names = [
        "<script>alert(1)</script>",
        'quote " \\',
        "nul \0",
        "\ud800 lone",
        "x" * 10_000_000,
        "\x1b[31mred",
        "]},{",
    ]
    made = spans(*((name, number, number + 0.5, {"k": name}) for number, name in enumerate(names)))
    trace = load(write(tmp_path / "run.json", envelope(made)))
    assert trace.name == [name.replace("\ud800", "\ufffd") for name in names]
    assert [trace.attributes(span)["k"] for span in range(len(trace))] == trace.name
    "".join(trace.name).encode()


def test_raw_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(compact(document(("caf#", 0, 1, {"k": "#"}))).replace(b"#", b"\xe9"))
    trace = load(path)
    assert trace.name == ["caf\ufffd"]
    assert trace.attributes(0)["k"] == "\ufffd"


def test_attributes_nested_too_deep_are_called_unreadable(tmp_path: Path) -> None:
    deep = '{"arrayValue":{"values":[' * 20_000 + "]}}" * 20_000
    text = json.dumps(document(("a", 0, 1))).replace(
        '"attributes": [{"key": "thread.id"',
        f'"attributes": [{{"key":"x","value":{deep}}},{{"key": "thread.id"',
    )
    path = tmp_path / "run.json"
    path.write_text(text)
    with contextlib.suppress(InputError):
        assert load(path).attributes(0) == {"nutrace.unreadable": True}


def test_shards_beside_the_file_are_read_with_it(tmp_path: Path) -> None:
    job = document(("job", 5, 9), resource={"process.pid": 200, "nutrace.run.id": "run1"})
    write(tmp_path / "run.json.shard-200-run1ab.partial", job)
    write(tmp_path / "run.json.shard-201-run2ab.partial", document(("another run's", 5, 9)))
    write(tmp_path / "other.json.shard-1-run1ab.partial", document(("another file's", 5, 9)))
    (tmp_path / "run.json.shard-300-run1cd.partial").write_bytes(b"\x00broken")
    for name in ("run.json", "run.json.partial"):
        made = envelope(spans(TREE, first_id=50))
        trace = load(write(tmp_path / name, made))
        assert sorted(trace.name) == sorted([*NAMES, "job"])
        assert any("shard-300" in note for note in trace.diagnostics.notes)
    for name in ("run.json", "run.json.partial"):
        (tmp_path / name).unlink()
    (tmp_path / "run.json.shard-201-run2ab.partial").unlink()
    assert load(tmp_path / "run.json").name == ["job"]


@pytest.mark.parametrize(
    "text",
    [
        '{"batches": %s}',
        '{"trace": {"resourceSpans": %s}}',
        '{"resourceSpans": %s}{"resourceSpans": []}',
        '{"resourceSpans": []}\n\n{"resourceSpans":\n%s}\n',
        '{"resource_spans": %s}',
        '{"trace": {"batches": %s}}',
        '\ufeff{"resourceSpans": %s}\n\ufeff{"resourceSpans": []}',
        '{"resourceMetrics": []}\r\n{"resourceSpans": %s}\r\n{"resourceLogs": []}\r\n',
    ],
)
def test_documents_of_other_programs(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.json"
    entries = document(TREE)["resourceSpans"]
    path.write_text(text % json.dumps(entries, indent=1 if "\n" in text and "\r" not in text else None))
    assert _names(path) == NAMES


def _snake(value: Any) -> Any:
    """A document with the names of protobuf's fields."""
    if isinstance(value, list):
        return [_snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("[A-Z]", lambda m: "_" + m[0].lower(), key): _snake(item) for key, item in value.items()}


def test_names_as_protobuf_has_them(tmp_path: Path) -> None:
    """As json_format.MessageToJson writes them with preserving_proto_field_name."""
    made = document(TREE, resource={"process.pid": 7})
    span = made["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    span["status"] = {"code": 2, "message": "no"}
    span["events"] = [{"name": "e", "timeUnixNano": "5", "attributes": attributes({"a": [1, {"b": 2.5}]})}]
    span["attributes"] += attributes({"nutrace.component": "planner", "nutrace.busy_ns": 5})
    plain = load(write(tmp_path / "plain.json", made))
    snake = load(write(tmp_path / "snake.json", _snake(made)))
    for column in ("name", "component", "start_ns", "end_ns", "busy_ns", "parent"):
        assert list(getattr(snake, column)) == list(getattr(plain, column))
    assert [snake.attributes(i) for i in range(len(snake))] == [
        plain.attributes(i) for i in range(len(plain))
    ]
    assert snake[0].events == plain[0].events
    assert snake[0].status == plain[0].status
    assert snake.resources == plain.resources


def test_ids_in_base64(tmp_path: Path) -> None:
    """As json_format.MessageToJson writes bytes; also the ends of the kinds and the status."""
    message = TracesData()
    inner = message.resource_spans.add().scope_spans.add().spans
    for number, parent in ((1, 0), (2, 1)):
        span = inner.add()
        span.trace_id, span.span_id = bytes(range(16)), (number + 2**60).to_bytes(8, "big")
        span.parent_span_id = (parent + 2**60).to_bytes(8, "big") if parent else b""
        span.name, span.kind = f"s{number}", 2
        span.start_time_unix_nano, span.end_time_unix_nano = EPOCH_NS + number, EPOCH_NS + 10 - number
        span.status.code = 2
        span.attributes.add(key="n").value.int_value = 2**62
    for keep_names in (False, True):
        path = tmp_path / f"{keep_names}.json"
        path.write_text(json_format.MessageToJson(message, preserving_proto_field_name=keep_names))
        trace = load(path)
        assert (trace.name, list(trace.parent)) == (["s1", "s2"], [-1, 0])
        assert [trace.span_id(i) for i in range(2)] == [f"{2**60 + 1:016x}", f"{2**60 + 2:016x}"]
        assert (trace.kind(0), trace.status(0).code, trace.attributes(0)["n"]) == (2, 2, 2**62)


def test_a_document_that_is_cut_short_after_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(document(TREE), indent=1) + '\n{"resourceSp')
    with pytest.raises(InputError, match="truncated"):
        load(path)


def test_progress_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(TREE))
    calls: List[Any] = []
    load(path, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (path.stat().st_size, path.stat().st_size)


def test_phases_are_told_when_they_begin(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(TREE))
    told: List[str] = []
    load(path, progress=lambda done, total: told.append("reading"), phase=told.append)
    assert told == ["reading", phases.TREE, phases.CORRECTING]
    del told[:]
    load(path, raw=True, phase=told.append)
    assert told == [phases.TREE]


def _in_batches(*sizes: int, resources: int = 1) -> bytes:
    """A finished run file: several resources, several batches each."""
    entries = []
    number = 1
    for pid in range(1, resources + 1):
        scopes = []
        for size in sizes:
            made = spans(*((f"span {i}", i, i + 1) for i in range(number, number + size)), first_id=number)
            for span in made:
                span["links"] = [{"traceId": "0" * 32, "spanId": "1"}, {"traceId": "1" * 32, "spanId": "2"}]
            number += size
            scopes.append({"scope": {"name": "nutrace", "version": "0"}, "spans": made})
        resource = {"attributes": attributes({"process.pid": pid, "text": ']},{"scope":'})}
        entries.append({"resource": resource, "scopeSpans": scopes})
    return compact({"resourceSpans": entries})


@pytest.mark.parametrize(
    ("sizes", "resources"),
    [((400,), 1), ((7, 1, 30, 2, 50), 1), ((3, 9), 7), ((1,), 60), ((120,), 3)],
)
def test_long_lines_are_read_in_parts(
    tmp_path: Path, sizes: Any, resources: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(_in_batches(*sizes, resources=resources))
    whole = load(path)
    decoded: List[int] = []
    decode = reader_module.decode_document

    def note(data: bytes) -> Any:
        decoded.append(len(data))
        return decode(data)

    monkeypatch.setattr(reader_module, "_LONG_LINE", 4000)
    monkeypatch.setattr("nutrace.trace.source._BLOCK", 3000)
    monkeypatch.setattr(reader_module, "decode_document", note)
    parts = load(path)
    assert _same(whole, parts)
    assert len(whole) == sum(sizes) * resources
    assert max(decoded) < path.stat().st_size / 2
    assert [resource.attributes for resource in parts.resources] == [r.attributes for r in whole.resources]


def _same(one: Trace, other: Trace) -> bool:
    return all(
        list(getattr(one, column)) == list(getattr(other, column))
        for column in ("name", "start_ns", "end_ns", "parent", "thread", "threads")
    )

"""Files that are not traces: one line says what is wrong and what to do."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fakes.otlp import compact, document, envelope, write

from nutrace.errors import EmptyTraceError, InputError
from nutrace.trace import load, reader


def _message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    assert len(message) < 400
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in _message(tmp_path / "run.json")
    for name in ("run.json.gz.partial", "run.json.gz"):
        (tmp_path / name).write_bytes(b"")
        assert "run.json.gz does" in _message(tmp_path / "run.json")
        (tmp_path / name).unlink()


def test_a_run_that_was_killed_before_its_first_span(tmp_path: Path) -> None:
    (tmp_path / "run.json.partial").write_bytes(b"")
    for name in ("run.json", "run.json.partial"):
        assert "before its first span" in _message(tmp_path / name)


def test_a_directory(tmp_path: Path) -> None:
    assert "directory" in _message(tmp_path)


def test_devices_and_pipes_do_not_hang(tmp_path: Path) -> None:
    device = tmp_path / "zero"
    device.symlink_to("/dev/zero")
    assert "device" in _message(device)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "nobody writes to" in _message(pipe)
    (tmp_path / "run.json").write_bytes(compact(document(("a", 0, 1))))
    os.mkfifo(tmp_path / "run.json.shard-1-0.partial")
    assert len(load(tmp_path / "run.json")) == 1


def test_a_pipe_whose_writer_comes_a_little_later(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Timer(0.2, lambda: pipe.write_bytes(compact(document(("a", 0, 1)))))
    writer.start()
    assert len(load(pipe)) == 1
    writer.join()


def test_standard_input(tmp_path: Path) -> None:
    path = write(tmp_path / "run.json", document(("a", 0, 1)))
    code = "import nutrace; print(len(nutrace.load('-')))"
    for command in (f"cat {path} | {sys.executable} -c", f"<{path} {sys.executable} -c"):
        output = subprocess.check_output(f'{command} "{code}"', shell=True, text=True, timeout=60)
        assert output.strip() == "1"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert "- is standard input, where no run file is" in done.stderr


def test_a_pipe_that_is_written_to(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, compact(document(("a", 0, 1))))
    os.close(writing)
    try:
        assert len(load(f"/dev/fd/{reading}")) == 1
    finally:
        os.close(reading)


def test_zipped_data_through_a_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, gzip.compress(compact(document(("a", 0, 1)))))
    os.close(writing)
    try:
        assert len(load(f"/dev/fd/{reading}")) == 1
    finally:
        os.close(reading)


def test_a_pipe_whose_first_byte_comes_alone(tmp_path: Path) -> None:
    """What kind of data it is takes more than that to tell."""
    data = gzip.compress(compact(document(("a", 0, 1))))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = os.open(pipe, os.O_RDWR)
    os.write(writing, data[:1])

    def write_rest() -> None:
        os.write(writing, data[1:])
        os.close(writing)

    writer = threading.Timer(0.2, write_rest)
    writer.start()
    assert len(load(pipe)) == 1
    writer.join()


def test_a_line_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LONGEST_DOCUMENT", 1 << 21)
    path = tmp_path / "bomb.json.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"' + b"x" * (1 << 23))
    assert "write it as JSON lines" in _message(path)


_HEAD = b'{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":['


@pytest.mark.parametrize(
    ("head", "repeated"),
    [
        (_HEAD, b"{},"),
        (_HEAD + b'{"attributes":[', b"{},"),
        (_HEAD + b'{"name":"', b"x"),
        (b'{"batches":[{"a":[', b"[],"),
        (b"", b" "),
        (b"", compact(document(("a", 0, 1))) + b"\n"),
    ],
    ids=["spans", "attributes", "name", "other", "blanks", "lines"],
)
def test_little_that_stands_for_much_is_refused_in_bounded_memory(
    tmp_path: Path, head: bytes, repeated: bytes
) -> None:
    """4 GB of gzip."""
    path = tmp_path / "bomb.json"
    block = repeated * ((1 << 22) // len(repeated))
    path.write_bytes(gzip.compress(head + block) + gzip.compress(block) * 1024)
    code = (
        "import resource, sys, nutrace\n"
        "try: nutrace.load(sys.argv[1])\n"
        "except nutrace.NutraceError as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    output = subprocess.check_output([sys.executable, "-c", code, str(path)], text=True, timeout=100)
    message, peak_kb = output.splitlines()
    assert "unzips to over 64 MB" in message
    assert int(peak_kb) < 1_000_000


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(compact(document(("a", 0, 1))))
    path.chmod(0)
    assert "permission" in _message(path)


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(InputError):
        load("run\0.json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "not JSON"),
        (b"hello", "not JSON"),
        (b"\x1f\x8b\x08\x00trash", "gzip"),
        (b"\x80\x04\x95....", "pickle"),
        (b"PK\x03\x04....", "zip"),
        ("{}".encode("utf-16"), "UTF-16"),
        ('{"resourceSpans":[]}'.encode("utf-16-le"), "UTF-16"),
        ('{"resourceSpans":[]}'.encode("utf-16-be"), "UTF-16"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        (b"BZh9....", "bzip2"),
        (b"\xfd7zXZ\0...", "xz"),
        (b"\x04\x22\x4d\x18....", "lz4"),
        (b"\x00\x01\x02\x03" * 999, "binary"),
        (b'{"a": [1, 2', "not JSON"),
        (b"[]", "not a trace"),
        (b"[1, 2]", "not a trace"),
        (b'"text"', "not a trace"),
        (b"{}", "not a trace"),
        (b'{"resourceSpans": 5}', "not a trace"),
        (b'{"name": "x",\n"version": "1.0.0"}\n', "not a trace"),
        (b'{"a":1}\n{"a":2}\n', "not a trace"),
        (
            json.dumps({"$schema": "https://www.speedscope.app/file-format-schema.json"}).encode(),
            "speedscope",
        ),
        (b'{"traceEvents": []}', "Chrome"),
        (b'[{"ph":"X","ts":1,"dur":2,"name":"a","pid":1,"tid":1}]', "Chrome"),
        (b'{"data":[{"traceID":"a","spans":[{"operationName":"x"}]}]}', "Jaeger"),
        (b'[{"traceId":"a","id":"b","name":"c","timestamp":1,"duration":2}]', "Zipkin"),
        (b'{"name":"a","context":{"trace_id":"0x1"},"start_time":"2023-01-01"}\n', "console exporter"),
        (b'{"resourceMetrics": []}', "metrics"),
        (compact(document(("a", 0, 1)))[:-30], "truncated"),
        (json.dumps(document(("a", 0, 1)), indent=2).encode()[:-30], "truncated"),
        (b"[" * 100_000, ""),
        (b'{"resourceSpans":' + b"[" * 100_000, ""),
    ],
)
def test_content_that_is_no_trace(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    assert words in _message(path)


def test_a_database(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
    connection.close()
    assert "SQLite" in _message(path)


@pytest.mark.parametrize("content", [compact({"resourceSpans": []}), compact(envelope([]))])
def test_a_trace_without_spans(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(EmptyTraceError, match="without spans"):
        load(path)


def test_a_run_killed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.json.partial"
    path.write_bytes(b'{"resourceSpans":[{"reso')
    with pytest.raises(EmptyTraceError, match="cut short"):
        load(path)


def test_a_gigantic_file_of_something_else_is_given_up_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nutrace.trace.reader._STUBBORN_LINE", 1 << 22)
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.write(b'{"data":"')
        file.truncate(1 << 27)
    read = []
    with pytest.raises(InputError):
        load(path, progress=lambda done, total: read.append(done))
    assert max(read) < 1 << 24

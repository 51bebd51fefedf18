"""What arrives at a collector that takes everything, and how it is addressed."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from fakes.collector import Collector, Handler, request_of, running
from fakes.commands import command
from fakes.otlp import compact, document, envelope, spans, write
from fakes.programs import environment

from nutrace import semconv
from nutrace.push.endpoint import find_endpoint
from nutrace.trace import load

#: Values that a careless way through floats, or through another encoder, would change.
ODD = {
    "large": 2**63 - 1,
    "negative": -(2**63),
    "tenth": 0.1,
    "small": 5e-324,
    "list": [1, "two", 3.0, True],
    "map": {"inner": {"deep": 1}},
    "text": 'quotes " and \\ and },{"traceId": and ü',
    "thread.id": 7,
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with running(Collector()) as collector:
        yield collector


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENDPOINT", "HEADERS", "CERTIFICATE", "TRACES_ENDPOINT", "TRACES_HEADERS"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)


def tree(steps: int) -> Any:
    inside = [("simulation.step", n, n + 1, [("work", n, n + 0.5, {**ODD, "n": n})]) for n in range(steps)]
    return ("simulation.run", 0, steps, inside)


def one_line(path: Path, steps: int) -> Path:
    """A finished run file: one line, with batches of 100 spans, of two processes."""
    entries = []
    for pid in (1, 2):
        made = spans(tree(steps), first_id=pid * 10**6)
        entry = envelope(made, {"process.pid": pid, "nutrace.run.id": "run1"})["resourceSpans"][0]
        scope = entry["scopeSpans"][0]["scope"]
        entry["scopeSpans"] = [
            {"scope": scope, "spans": made[at : at + 100]} for at in range(0, len(made), 100)
        ]
        entries.append(entry)
    path.write_bytes(compact({"resourceSpans": entries}) + b"\n")
    return path


def expected(*files: Path) -> List[Any]:
    """The spans of files in their order, as protobuf reads them."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    entries = [entry for line in lines for entry in request_of(line).resource_spans]
    return [span for entry in entries for scope in entry.scope_spans for span in scope.spans]


def test_what_arrives_is_what_the_file_holds(tmp_path: Path, collector: Collector) -> None:
    file = write(tmp_path / "run.json", document(tree(5)))
    done = command("push", file, "--endpoint", collector.url)
    assert (done.code, done.err) == (0, "")
    assert collector.spans == expected(file)
    assert collector.paths == ["/v1/traces"]
    assert collector.requests == [request_of(file.read_text())]
    assert "11 spans sent to" in done.out


def test_the_bytes_of_spans_are_those_of_the_file(tmp_path: Path, collector: Collector) -> None:
    file = one_line(tmp_path / "run.json", 300)
    assert command("push", file, "--endpoint", collector.url, "--batch-mb", "0.1").code == 0
    whole = file.read_bytes()
    for body in collector.bodies:
        spans_of_body = body[body.index(b'"spans":[') + 9 : body.index(b"]}]}")]
        assert spans_of_body.split(b',{"traceId"')[0] in whole


@pytest.mark.parametrize("batch_mb", ["0.001", "0.02", "1", "100"])
def test_pieces_hold_each_span_once_and_no_more_bytes_than_asked_for(
    tmp_path: Path, collector: Collector, batch_mb: str
) -> None:
    file = one_line(tmp_path / "run.json", 1000)
    assert file.stat().st_size > 2 << 20  # it is read in parts
    done = command("push", file, "--endpoint", collector.url, "--batch-mb", batch_mb, "--json")
    assert done.code == 0
    assert collector.spans == expected(file)
    sizes = [len(body) for body in collector.bodies]
    of_one = [len(request.resource_spans[0].scope_spans[0].spans) for request in collector.requests]
    limit = float(batch_mb) * 1e6
    assert all(size <= limit or count == 1 for size, count in zip(sizes, of_one))
    summary = json.loads(done.out)
    assert (summary["sent"], summary["pieces"], summary["bytes"]) == (4002, len(sizes), sum(sizes))
    assert summary["arrived"] is True
    # Each process keeps its own resource, wherever a piece begins.
    for request in collector.requests:
        for entry in request.resource_spans:
            pid = entry.resource.attributes[0].value.int_value
            assert {int.from_bytes(span.span_id, "big") // 10**6 for span in entry.scope_spans[0].spans} == {
                pid
            }


def test_lines_gzip_pipes_and_indented_documents(tmp_path: Path, collector: Collector) -> None:
    file = write(tmp_path / "lines.json", document(tree(3)), document(tree(4)))
    zipped = tmp_path / "lines.json.gz"
    zipped.write_bytes(gzip.compress(file.read_bytes()))
    indented = tmp_path / "indented.json"
    indented.write_text(json.dumps(document(tree(3)), indent=2))
    for name in (file, zipped):
        collector.requests.clear()
        assert command("push", name, "--endpoint", collector.url).code == 0
        assert collector.spans == expected(file)
    collector.requests.clear()
    assert command("push", indented, "--endpoint", collector.url).code == 0
    assert len(collector.spans) == 7
    collector.requests.clear()
    words = [sys.executable, "-m", "nutrace.cli.main", "push", "-", "--endpoint", collector.url]
    subprocess.run(words, input=file.read_bytes(), check=True, capture_output=True, env=environment())
    assert collector.spans == expected(file)


def test_gzipped_requests(tmp_path: Path, collector: Collector) -> None:
    file = one_line(tmp_path / "run.json", 100)
    assert command("push", file, "--endpoint", collector.url, "--gzip").code == 0
    assert collector.spans == expected(file)
    assert len(collector.bodies[0]) < file.stat().st_size / 5
    assert collector.headers[0]["Content-Encoding"] == "gzip"


def test_a_killed_run_sends_open_spans_once_and_all_shards(tmp_path: Path, collector: Collector) -> None:
    resource = {"process.pid": 1, "nutrace.run.id": "0123456789abcdef"}
    made = spans(("simulation.run", 0, 90, [("simulation.step", 0, 9), ("simulation.step", 10, 20)]))
    opened = json.loads(json.dumps(made[:2]))
    for span in opened:
        span["endTimeUnixNano"] = span["startTimeUnixNano"]
    again = [{**made[0], "endTimeUnixNano": made[2]["endTimeUnixNano"]}]
    file = write(
        tmp_path / "run.json.partial",
        envelope(opened, resource, semconv.OPEN_SCOPE),
        envelope(made[1:], resource),
        envelope(again, resource, semconv.OPEN_SCOPE),
    )
    with file.open("ab") as partial:
        partial.write(b'{"resourceSpans":[{"resource":{"attr')
    other = {"process.pid": 2, "nutrace.run.id": "0123456789abcdef"}
    worker = spans(("worker", 0, 9), first_id=1000)
    write(tmp_path / "run.json.shard-2-01234567aa.partial", envelope(worker, other))
    write(tmp_path / "run.json.shard-3-ffffffffaa.partial", document(("other run", 0, 9)))
    done = command("push", tmp_path / "run.json", "--endpoint", collector.url)
    assert done.code == 0
    names = [span.name for span in collector.spans]
    assert names == ["simulation.step", "simulation.step", "worker", "simulation.run"]
    assert str(collector.spans[-1].end_time_unix_nano) == made[2]["endTimeUnixNano"]
    assert "cut short" in done.out


def test_a_program_that_was_traced(tmp_path: Path, collector: Collector) -> None:
    path = tmp_path / "run.json"
    code = "import copy\nfor _ in range(300): copy.deepcopy([[1]] * 20)"
    variables = {"NUTRACE": "1", "NUTRACE_OUTPUT": str(path), "NUTRACE_COMPRESS_US": "0"}
    subprocess.run([sys.executable, "-c", code], env=environment(**variables), check=True, cwd=tmp_path)
    assert command("push", path, "--endpoint", collector.url).code == 0
    assert collector.spans == expected(path)
    assert len(collector.spans) == len(load(path)) >= 300


def test_headers_and_variables(tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "run.json", document(tree(1)))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url + "/base/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret, X-Tenant = a%2Cb")
    done = command("push", file, "--header", "x-tenant=c=d", "--header", "More=1")
    assert done.code == 0
    sent = {key.lower(): value for key, value in collector.headers[0].items()}
    assert (sent["authorization"], sent["x-tenant"], sent["more"]) == ("Bearer secret", "c=d", "1")
    assert sent["content-type"] == "application/json"
    assert collector.paths == ["/base/v1/traces"]
    assert "secret" not in done.out + done.err


@pytest.mark.parametrize(
    ("address", "variables", "url"),
    [
        (None, {}, "http://localhost:4318/v1/traces"),
        ("http://host", {}, "http://host/v1/traces"),
        ("https://host/", {"ENDPOINT": "http://other"}, "https://host/v1/traces"),
        ("http://[::1]:4318/v1/traces", {}, "http://[::1]:4318/v1/traces"),
        ("http://host/otlp?key=1", {}, "http://host/otlp/v1/traces?key=1"),
        (None, {"ENDPOINT": "http://host:80/x/"}, "http://host/x/v1/traces"),
        (None, {"TRACES_ENDPOINT": "http://host/own", "ENDPOINT": "http://other"}, "http://host/own"),
        (None, {"TRACES_ENDPOINT": "http://host"}, "http://host/"),
    ],
)
def test_addresses(address: str, variables: Dict[str, str], url: str) -> None:
    named = {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()}
    assert find_endpoint(address, [], named).url == url


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--endpoint", "localhost:4318"], "write an address such as http://localhost:4318"),
        (["--endpoint", "ftp://host"], "write an address"),
        (["--endpoint", "http://host:99999"], "write an address"),
        (["--endpoint", "http://me:pass@host"], "--header 'Authorization=Basic ...'"),
        (["--header", "secret-without-sign"], "write KEY=VALUE"),
        (["--header", "a b=1"], "write KEY=VALUE"),
        (["--header", "a=1\r\nb: 2"], "characters"),
        (["--header", "Content-Length=3"], "leave it out"),
        (["--batch-mb", "0"], "write megabytes"),
        (["--batch-mb", "nan"], "write megabytes"),
        (["--timeout", "-1"], "write seconds"),
    ],
)
def test_bad_arguments_are_one_line(tmp_path: Path, words: List[str], said: str) -> None:
    done = command("push", tmp_path / "run.json", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert "secret" not in done.err
    assert "pass@" not in done.err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, 3),
        (b"", 3),
        (b"{}", 3),
        (b"\x89PNG", 3),
        (b'{"resourceSpans":[', 3),
        (b'{"resourceSpans":[]}', 4),
    ],
)
def test_files_that_are_no_runs(tmp_path: Path, collector: Collector, content: Any, code: int) -> None:
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    done = command("push", tmp_path / "run.json", "--endpoint", collector.url)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert collector.headers == []


def test_what_was_sent_of_a_damaged_file_is_said(tmp_path: Path, collector: Collector) -> None:
    lines = write(tmp_path / "lines.json", *(document((f"span {n}", n, n + 1)) for n in range(20_000)))
    zipped = bytearray(gzip.compress(lines.read_bytes()))
    zipped[len(zipped) // 2 : len(zipped) // 2 + 50] = bytes(50)
    (tmp_path / "run.json.gz").write_bytes(zipped)
    done = command("push", tmp_path / "run.json.gz", "--endpoint", collector.url, "--batch-mb", "0.5")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "damaged gzip data" in done.err
    assert f"{len(collector.spans):,} spans sent" in done.out
    assert 1_000 < len(collector.spans) < 20_000


_PEAK = """
import sys
from nutrace.cli.main import main
code = main(sys.argv[1:])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
sys.exit(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc has the peak of memory")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A line of 150 MB is sent in pieces of 2 MB."""
    made = spans(tree(50))
    scope = compact({"scope": {"name": "nutrace"}, "spans": made})
    file = tmp_path / "run.json"
    with file.open("wb") as out:
        out.write(b'{"resourceSpans":[{"resource":{"attributes":[]},"scopeSpans":[')
        count = 150_000_000 // len(scope)
        out.writelines(b"," * (number > 0) + scope for number in range(count))
        out.write(b"]}]}\n")
    sizes: List[int] = []

    def count_only(handler: Handler, number: int) -> bool:
        sizes.append(len(handler.rfile.read(int(handler.headers["Content-Length"]))))
        handler.body = b"read"
        handler.answer(200)
        return True

    with running(Collector(count_only)) as collector:
        words = ["push", str(file), "--endpoint", collector.url, "--batch-mb", "2"]
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, *words], check=True, capture_output=True, env=environment()
        )
    assert f"{count * len(made):,} spans sent" in done.stdout.decode()
    assert max(sizes) <= 2_000_000
    assert sum(sizes) > 140_000_000
    assert int(done.stdout.split()[-1]) < 90_000  # kB

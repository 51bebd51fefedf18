"""Servers that refuse, are busy, break off, or are no servers for traces."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any, Callable, Iterator, List, Tuple

import pytest
from fakes.collector import Collector, Handler, running
from fakes.commands import Done, command
from fakes.otlp import document, write

from nutrace.push import delivery

SPANS = 200

Behaviour = Callable[[Handler, int], bool]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_FIRST_WAIT_S", 0.05)
    for name in ("HEADERS", "CERTIFICATE", "TRACES_HEADERS"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    inside = [(f"span {n}", n, n + 1) for n in range(SPANS - 1)]
    return write(tmp_path / "run.json", document(("simulation.run", 0, SPANS, inside)))


def pushed(file: Path, behave: Behaviour, *words: str) -> Tuple[Collector, Done]:
    with running(Collector(behave)) as collector:
        return collector, command("push", file, "--endpoint", collector.url, "--timeout", "3", *words)


def answering(status: int, text: str = "", first: int = 10**9, **headers: str) -> Behaviour:
    """Answer the first requests with that, and take the others."""

    def behave(handler: Handler, number: int) -> bool:
        if number < first:
            handler.answer(status, text, **headers)
        return number < first

    return behave


def failure(done: Done) -> str:
    """The one line on stderr of a failed push, without the lines on what is tried again."""
    lines = [line for line in done.err.splitlines() if "trying again" not in line]
    assert done.code == 1
    assert len(lines) == 1
    assert "Traceback" not in done.err
    return lines[0]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_is_retried(file: Path, status: int) -> None:
    collector, done = pushed(file, answering(status, "busy", first=2))
    assert done.code == 0
    assert len(collector.headers) == 3
    assert len(collector.spans) == SPANS
    assert "2 requests had to be sent again" in done.out
    assert ("may be there twice" in done.out) == (status in (502, 504))


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_obeyed(file: Path, as_date: bool) -> None:
    asked = formatdate(time.time() + 2, usegmt=True) if as_date else "1"
    began = time.monotonic()
    collector, done = pushed(file, answering(429, "slower", first=1, Retry_After=asked))
    assert done.code == 0
    assert time.monotonic() - began >= 1
    assert len(collector.headers) == 2
    assert "HTTP 429" in done.err


def test_a_wait_that_is_too_long_ends_at_once(file: Path) -> None:
    began = time.monotonic()
    collector, done = pushed(file, answering(503, "", Retry_After="3600"))
    assert "asks to wait 3600 s, longer than --timeout" in failure(done)
    assert time.monotonic() - began < 10
    assert len(collector.headers) == 1


def test_retries_end_with_the_timeout(file: Path) -> None:
    began = time.monotonic()
    collector, done = pushed(file, answering(503, '{"message": "not today"}'))
    assert "HTTP 503 Service Unavailable: not today (tried for 3 s" in failure(done)
    assert 1 < time.monotonic() - began < 8
    assert 4 <= len(collector.headers) <= 9


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (400, '{"code":3,"message":"bad span"}', "HTTP 400 Bad Request: bad span"),
        (400, "no\x1b[31m colours", "HTTP 400 Bad Request"),
        (401, "", "HTTP 401 Unauthorized: send what it asks for with --header"),
        (404, "<html>lost</html>", "HTTP 404 Not Found: this is no OTLP/HTTP endpoint"),
        (415, "", "does not take OTLP as JSON"),
        (500, "oops " * 400, "HTTP 500 Internal Server Error: oops"),
        (307, "", "the server redirects to http://elsewhere/"),
    ],
)
def test_what_is_not_retried(file: Path, status: int, text: str, said: str) -> None:
    collector, done = pushed(
        file, answering(status, text, Location="http://elsewhere/"), "--batch-mb", "0.01"
    )
    assert said in failure(done)
    assert "\x1b" not in done.err
    assert len(done.err) < 500
    assert len(collector.headers) == 1
    assert "0 spans sent" in done.out


def test_a_refused_piece_does_not_stop_the_others(file: Path) -> None:
    def behave(handler: Handler, number: int) -> bool:
        if number == 1:
            handler.answer(400, "a bad one")
        return number == 1

    collector, done = pushed(file, behave, "--batch-mb", "0.01", "--json")
    assert "the server rejected" in failure(done)
    summary = json.loads(done.out)
    assert summary["sent"] == len(collector.spans)
    assert summary["sent"] + summary["rejected"] == SPANS
    assert summary["rejected"] > 1
    assert summary["reasons"] == {"HTTP 400 Bad Request: a bad one": summary["rejected"]}
    assert summary["arrived"] is False


def test_partial_success_is_counted_and_said(file: Path) -> None:
    def behave(handler: Handler, number: int) -> bool:
        handler.take({"rejectedSpans": "7", "errorMessage": "too old"})
        return True

    _, done = pushed(file, behave)
    assert failure(done).endswith("the server rejected 7 spans")
    assert f"{SPANS - 7} spans sent" in done.out
    assert "7 spans rejected: too old" in done.out


def test_a_remark_is_no_failure(file: Path) -> None:
    def behave(handler: Handler, number: int) -> bool:
        handler.take({"errorMessage": "deprecated"})
        return True

    _, done = pushed(file, behave)
    assert (done.code, done.err) == (0, "")
    assert "the server remarked: deprecated (1 request)" in done.out


@pytest.mark.parametrize(
    "answer", ["", "no JSON", "[1]", '{"partialSuccess": null}', '{"partialSuccess": {"rejectedSpans": "x"}}']
)
def test_odd_answers_to_what_was_taken(file: Path, answer: str) -> None:
    def behave(handler: Handler, number: int) -> bool:
        handler.answer(200, answer)
        return True

    _, done = pushed(file, behave)
    assert done.code == 0
    assert f"{SPANS} spans sent" in done.out


def test_a_piece_that_is_too_large_is_halved(file: Path) -> None:
    limit = 9_000

    def behave(handler: Handler, number: int) -> bool:
        too_large = int(handler.headers["Content-Length"]) > limit
        if too_large:
            handler.answer(413, "too large")
        return too_large

    collector, done = pushed(file, behave)
    assert done.code == 0
    names = ["simulation.run", *(f"span {n}" for n in range(SPANS - 1))]
    assert [span.name for span in collector.spans] == names
    assert [span.span_id for span in collector.spans] == sorted(span.span_id for span in collector.spans)
    assert "sent again, or smaller" in done.out


def test_pieces_stay_small_after_one_that_was_too_large(tmp_path: Path) -> None:
    inside = [(f"span {n}", n, n + 1) for n in range(2000)]
    file = write(tmp_path / "run.json", *(document(part) for part in inside))
    refused: List[int] = []

    def behave(handler: Handler, number: int) -> bool:
        size = int(handler.headers["Content-Length"])
        if size > 40_000:
            refused.append(size)
            handler.answer(413)
        return size > 40_000

    collector, done = pushed(file, behave, "--batch-mb", "0.1")
    assert done.code == 0
    assert len(collector.spans) == 2000
    assert len(refused) <= 3


def test_a_single_span_that_is_too_large_is_rejected_and_the_rest_goes_on(tmp_path: Path) -> None:
    tree = [("small", 0, 1), ("large", 1, 2, {"text": "x" * 5000}), ("small", 2, 3)]
    file = write(tmp_path / "run.json", *(document(part) for part in tree))

    def behave(handler: Handler, number: int) -> bool:
        if int(handler.headers["Content-Length"]) > 3000:
            handler.answer(413)
            return True
        return False

    collector, done = pushed(file, behave)
    assert "rejected 1 span" in failure(done)
    assert [span.name for span in collector.spans] == ["small", "small"]
    assert "HTTP 413" in done.out


def test_a_server_that_refuses_before_it_has_read_all(tmp_path: Path) -> None:
    """It answers and closes while the body is still on its way."""
    file = write(
        tmp_path / "run.json", *(document((f"span {n}", n, n + 1, {"x": "y" * 900})) for n in range(4000))
    )

    def behave(handler: Handler, number: int) -> bool:
        handler.rfile.read(1000)
        handler.wfile.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_WR)
        handler.close_connection = True
        return True

    _, done = pushed(file, behave)
    line = failure(done)
    assert "401" in line or "closed the connection in the middle of a request" in line


def test_a_server_that_never_answers(file: Path) -> None:
    def behave(handler: Handler, number: int) -> bool:
        handler.read()
        handler.collector.released.wait(20)
        return True

    began = time.monotonic()
    with running(Collector(behave)) as collector:
        done = command("push", file, "--endpoint", collector.url, "--timeout", "1")
    assert "gave no answer in 1 s" in failure(done)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("part", [b"", b"HTTP/1", b"HTTP/1.1 "])
def test_a_server_that_closes_in_the_middle_is_asked_again(file: Path, part: bytes) -> None:
    def behave(handler: Handler, number: int) -> bool:
        if number:
            return False
        handler.read()
        handler.wfile.write(part)
        handler.close_connection = True
        return True

    collector, done = pushed(file, behave)
    assert done.code == 0
    assert len(collector.spans) == SPANS
    assert f"{SPANS} spans may be there twice" in done.out


def test_a_connection_that_an_idle_server_closed(file: Path) -> None:
    def behave(handler: Handler, number: int) -> bool:
        handler.take()
        handler.close_connection = True  # without saying so
        return True

    collector, done = pushed(file, behave, "--batch-mb", "0.02")
    assert done.code == 0
    assert len(collector.spans) == SPANS


@pytest.fixture
def not_http() -> Iterator[str]:
    """A server that sends what a gRPC server sends first."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"\0\0\x06\x04\0\0\0\0\0\0\x05\0\0@\0")
                connection.recv(1 << 16)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_something_that_is_no_http_server(file: Path, not_http: str) -> None:
    done = command("push", file, "--endpoint", not_http, "--timeout", "3")
    assert "does not speak HTTP" in failure(done)
    assert "4318" in done.err


def test_nobody_listens(file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = command("push", file, "--endpoint", f"http://127.0.0.1:{port}", "--timeout", "1")
    assert f"nothing listens at 127.0.0.1:{port}" in failure(done)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid"])
def test_no_such_host(file: Path, host: str) -> None:
    done = command("push", file, "--endpoint", f"http://{host}:4318", "--timeout", "1")
    assert "there is no host called" in failure(done)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that its own key has signed, with the key in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    names: List[Any] = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(["openssl", *words.split(), *names], check=True, capture_output=True)
    return folder / "cert.pem"


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.parent / "key.pem")
    return context


def test_a_bad_certificate(file: Path, certificate: Path) -> None:
    with running(Collector(), tls_of(certificate)) as collector:
        done = command("push", file, "--endpoint", collector.url, "--timeout", "3")
    assert "certificate that is not trusted" in failure(done)
    assert collector.headers == []


def test_a_good_certificate(file: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate))
    with running(Collector(), tls_of(certificate)) as collector:
        assert command("push", file, "--endpoint", collector.url).code == 0
    assert len(collector.spans) == SPANS


def test_https_to_a_server_without_it(file: Path) -> None:
    with running(Collector()) as collector:
        done = command("push", file, "--endpoint", collector.url.replace("http:", "https:"), "--timeout", "3")
    assert "is it http://?" in failure(done) or "closed the connection" in done.err


def test_a_file_of_certificates_that_is_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (file, "/nowhere"):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(name))
        done = command("push", file, "--endpoint", "https://127.0.0.1:1", "--timeout", "1")
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "is no file of certificates" in done.err

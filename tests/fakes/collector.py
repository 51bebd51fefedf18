"""A collector on loopback. It reads requests by the official protobuf definition, or misbehaves as told."""

from __future__ import annotations

import contextlib
import gzip
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional

from fakes.protobuf import parsed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Takes requests, or does what `behave` says instead.

    Attributes
    ----------
    behave:
        Called with (handler, number of the request from 0); returns whether it has answered.
    requests:
        What was taken.
    bodies, headers, paths:
        Of all requests, in the order of their ends.
    """

    def __init__(self, behave: Optional[Callable[[Handler, int], bool]] = None) -> None:
        self.behave = behave
        self.requests: List[ExportTraceServiceRequest] = []
        self.bodies: List[bytes] = []
        self.headers: List[Dict[str, str]] = []
        self.paths: List[str] = []
        self.released = threading.Event()  # lets those end that never answer
        self.url = ""

    @property
    def spans(self) -> List[Span]:
        """All spans taken, in their order."""
        return [
            span
            for request in self.requests
            for entry in request.resource_spans
            for scope in entry.scope_spans
            for span in scope.spans
        ]


class Handler(BaseHTTPRequestHandler):
    """One connection of the collector."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    collector: Collector
    body: bytes

    def do_POST(self) -> None:
        collector = self.collector
        number = len(collector.headers)
        collector.headers.append(dict(self.headers))
        collector.paths.append(self.path)
        self.body = b""
        if collector.behave is not None and collector.behave(self, number):
            return
        self.take()

    def read(self) -> bytes:
        """The request's body."""
        if not self.body:
            self.body = self.rfile.read(int(self.headers["Content-Length"]))
            self.collector.bodies.append(self.body)
        return self.body

    def take(self, partial: Optional[Dict[str, Any]] = None) -> None:
        """Take the request, as a server that follows the standard does."""
        body = self.read()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.collector.requests.append(request_of(body.decode("utf-8")))
        self.answer(200, json.dumps({"partialSuccess": partial} if partial else {}))

    def answer(self, status: int, text: str = "", **headers: str) -> None:
        """Answer the request, whose body is read before."""
        self.read()
        content = text.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


def request_of(text: str) -> ExportTraceServiceRequest:
    """A request from its JSON."""
    return parsed(text, ExportTraceServiceRequest())


@contextlib.contextmanager
def running(collector: Collector, tls: Optional[ssl.SSLContext] = None) -> Iterator[Collector]:
    """Run a collector at ``collector.url`` for a block."""
    handler = type("Bound", (Handler,), {"collector": collector})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign, assignment]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    collector.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield collector
    finally:
        collector.released.set()
        server.shutdown()
        server.server_close()
        thread.join()

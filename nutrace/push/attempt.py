"""One request to the server, and what came of it.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

from __future__ import annotations

import enum
import http.client
import json
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Mapping, Optional

from nutrace.printable import printable
from nutrace.push.endpoint import Endpoint

_RETRIED = frozenset((429, 502, 503, 504))
_LONGEST_ANSWER = 1 << 16
_LONGEST_WORDS = 200
_MOST_WAIT_S = 86_400.0


class Outcome(enum.Enum):
    """What a request came to."""

    TAKEN = enum.auto()
    LATER = enum.auto()  # the same request may succeed
    TOO_LARGE = enum.auto()
    REFUSED = enum.auto()  # this request; others may be taken
    HOPELESS = enum.auto()  # no request will be taken


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes
    ----------
    outcome:
        What it came to.
    reason:
        Why it was not taken, or what the server said of the spans that it rejected.
    rejected:
        Spans that the server did not take of a request that it took.
    wait_s:
        Seconds that the server asked to wait; None if it did not say.
    unclear:
        Whether the server may have taken the spans, although no answer says so.
    """

    outcome: Outcome
    reason: str = ""
    rejected: int = 0
    wait_s: Optional[float] = None
    unclear: bool = False


class Sender:
    """Sends requests over one connection, which is made anew when it is lost."""

    def __init__(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._headers = {**headers, **endpoint.headers}
        self._tls = endpoint.tls()
        self._connection: Optional[http.client.HTTPConnection] = None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def send(self, body: bytes, timeout_s: float) -> Answer:
        """Send one request, and wait `timeout_s` seconds for each of its parts and the answer's."""
        sent = False
        try:
            connection = self._connected(timeout_s)
            try:
                connection.request("POST", self._endpoint.path, body, self._headers)
            except (BrokenPipeError, ConnectionResetError):
                # A server that will not read all of it answers first, and closes: its answer says why.
                self._connection = None
                answer = _early_answer(connection)
                if answer is None:
                    raise
                return answer
            sent = True
            response = connection.getresponse()
            content = response.read(_LONGEST_ANSWER)
            if not response.isclosed():  # there is more of it, or its end never came
                self.close()
            return _read(response, content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return _failed(error, sent, self._endpoint, timeout_s)

    def _connected(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._connection is None:
            host, port = self._endpoint.host, self._endpoint.port
            if self._tls is None:
                connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
            else:
                connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._tls)
            connection.connect()
            self._connection = connection
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(timeout_s)
        return self._connection


def _early_answer(connection: http.client.HTTPConnection) -> Optional[Answer]:
    try:
        response = connection.getresponse()
        answer = _read(response, response.read(_LONGEST_ANSWER))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return answer if answer.outcome is not Outcome.TAKEN else None


def _read(response: http.client.HTTPResponse, content: bytes) -> Answer:
    """What a response says."""
    status = response.status
    if 200 <= status < 300:
        return _taken(content)
    words = _words(content)
    reason = f"HTTP {status} {http.client.responses.get(status, '')}".rstrip() + (
        f": {words}" if words else ""
    )
    if 300 <= status < 400:
        place = printable(response.getheader("Location") or "nowhere", _LONGEST_WORDS)
        return Answer(Outcome.HOPELESS, f"the server redirects to {place}: give that address as --endpoint")
    if status in _RETRIED:
        wait_s = _wait_s(response.getheader("Retry-After"))
        return Answer(Outcome.LATER, reason, wait_s=wait_s, unclear=status in (502, 504))
    if status == 413:
        return Answer(Outcome.TOO_LARGE, reason)
    if status in (401, 403, 407):
        return Answer(Outcome.HOPELESS, f"{reason}: send what it asks for with --header KEY=VALUE")
    if status in (404, 405):
        return Answer(Outcome.HOPELESS, f"{reason}: this is no OTLP/HTTP endpoint for traces")
    if status == 415:
        return Answer(Outcome.HOPELESS, f"{reason}: the server does not take OTLP as JSON")
    return Answer(Outcome.REFUSED, reason)


def _taken(content: bytes) -> Answer:
    """What a response to a request that was taken says of its spans; servers may leave it empty."""
    try:
        partial = json.loads(content)["partialSuccess"]
        rejected = max(int(partial.get("rejectedSpans", 0)), 0)
        said = partial.get("errorMessage", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Answer(Outcome.TAKEN)
    reason = printable(said, _LONGEST_WORDS) if isinstance(said, str) else ""
    return Answer(Outcome.TAKEN, reason or ("the server did not say why" if rejected else ""), rejected)


def _words(content: bytes) -> str:
    """The message of an error: of a ``google.rpc.Status``, or the beginning of a text; pages are left out."""
    text = content.decode("utf-8", "replace").strip()
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        message = document.get("message") or document.get("error")
        return printable(" ".join(message.split()), _LONGEST_WORDS) if isinstance(message, str) else ""
    if text.startswith("<") or not text.replace("\n", " ").replace("\t", " ").isprintable():
        return ""
    return printable(" ".join(text[: 4 * _LONGEST_WORDS].split()), _LONGEST_WORDS)


def _wait_s(value: Optional[str]) -> Optional[float]:
    """``Retry-After``: seconds, or a date."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _MOST_WAIT_S)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return min(max(until - time.time(), 0.0), _MOST_WAIT_S)


def _failed(error: Exception, sent: bool, endpoint: Endpoint, timeout_s: float) -> Answer:
    """What an exception means."""
    place = f"{endpoint.host}:{endpoint.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        said = printable(error.verify_message, _LONGEST_WORDS)
        return Answer(
            Outcome.HOPELESS,
            f"{place} has a certificate that is not trusted ({said}): name a file with the certificate of "
            "its authority in OTEL_EXPORTER_OTLP_CERTIFICATE",
        )
    if isinstance(error, ssl.SSLError):
        return Answer(
            Outcome.HOPELESS,
            f"{place} does not speak TLS with us ({printable(error.reason or str(error))}): is it http://?",
        )
    if isinstance(error, (socket.gaierror, UnicodeError)):  # UnicodeError: a name that DNS cannot have
        later = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        reason = f"there is no host called {printable(endpoint.host)}"
        return Answer(Outcome.LATER if later else Outcome.HOPELESS, reason)
    if isinstance(error, (TimeoutError, socket.timeout)):
        doing = "gave no answer" if sent else "did not take the connection or the request"
        return Answer(Outcome.LATER, f"{place} {doing} in {timeout_s:.0f} s", unclear=sent)
    if isinstance(error, http.client.RemoteDisconnected):
        return Answer(Outcome.LATER, f"{place} closed the connection without an answer", unclear=True)
    if isinstance(error, http.client.IncompleteRead) or _is_begun(error):
        return Answer(Outcome.LATER, f"{place} closed the connection in an answer", unclear=True)
    if isinstance(error, (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)):
        doing = "before its answer" if sent else "in the middle of a request: perhaps it takes smaller ones"
        return Answer(Outcome.LATER, f"{place} closed the connection {doing}", unclear=sent)
    if isinstance(error, ConnectionRefusedError):
        return Answer(Outcome.LATER, f"nothing listens at {place}")
    if isinstance(error, OSError):
        return Answer(Outcome.LATER, f"{place}: {error.strerror or error}", unclear=sent)
    return Answer(
        Outcome.HOPELESS,
        f"{place} does not speak HTTP: OTLP over HTTP is mostly on port 4318, over gRPC on 4317",
    )


def _is_begun(error: Exception) -> bool:
    """Whether the connection ended in the first line of an answer."""
    return isinstance(error, http.client.BadStatusLine) and str(error).startswith("HTTP/")

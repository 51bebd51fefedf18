"""Where spans are sent: what the user said, or else OpenTelemetry's variables.

Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Dict, Mapping, Optional, Sequence, Tuple
from urllib.parse import unquote, urlsplit

from nutrace.errors import UsageError
from nutrace.printable import printable

_DEFAULT = "http://localhost:4318"
_PATH = "/v1/traces"
_ANY = "OTEL_EXPORTER_OTLP_"
_TRACES = "OTEL_EXPORTER_OTLP_TRACES_"
_OURS = ("content-encoding", "content-length", "content-type", "transfer-encoding")
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True)
class Endpoint:
    """A server's address, and what each request has beside the spans.

    Attributes
    ----------
    secure:
        Whether it speaks https.
    host, port, path:
        As in its address; the path is that for traces, with the query.
    headers:
        Of each request. They may be secret, so they are in no message.
    certificates:
        A file of certificates of authorities that sign the server's, "" for the system's.
    """

    secure: bool
    host: str
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificates: str = ""

    @property
    def url(self) -> str:
        """The address that requests go to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        return f"http{'s' * self.secure}://{host}{'' if usual else f':{self.port}'}{self.path}"

    def tls(self) -> Optional[ssl.SSLContext]:
        """What checks the server's certificate; None for http.

        Raises
        ------
        UsageError
            If the file of certificates cannot be read.
        """
        if not self.secure:
            return None
        try:
            return ssl.create_default_context(cafile=self.certificates or None)
        except OSError as error:
            name, reason = printable(self.certificates), error.strerror or error
            raise UsageError(f"{_ANY}CERTIFICATE: {name} is no file of certificates ({reason})") from None


def find_endpoint(address: Optional[str], headers: Sequence[str], environment: Mapping[str, str]) -> Endpoint:
    """Make the endpoint of ``--endpoint`` and ``--header``; what is not given comes from the environment.

    Parameters
    ----------
    address:
        Such as ``http://localhost:4318``; ``/v1/traces`` is appended unless it ends with that.
    headers:
        ``KEY=VALUE`` each. They replace those of the environment that have the same key.
    environment:
        ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``_HEADERS`` and ``_CERTIFICATE``, and before these
        ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``, whose path is taken as it is, ``_HEADERS`` and
        ``_CERTIFICATE``.

    Raises
    ------
    UsageError
        If the address or a header is none.
    """

    def named(name: str) -> str:
        return environment.get(_TRACES + name) or environment.get(_ANY + name) or ""

    for_traces = environment.get(f"{_TRACES}ENDPOINT")
    if address:
        said, what, as_it_is = address, "--endpoint", False
    elif for_traces:
        said, what, as_it_is = for_traces, f"{_TRACES}ENDPOINT", True
    else:
        said, what, as_it_is = environment.get(f"{_ANY}ENDPOINT") or _DEFAULT, f"{_ANY}ENDPOINT", False
    secure, host, port, path = _parts(said, what)
    if not as_it_is and not path.partition("?")[0].endswith(_PATH):
        base, mark, query = path.partition("?")
        path = base.rstrip("/") + _PATH + mark + query
    given: Dict[str, str] = {}
    for pair in filter(str.strip, named("HEADERS").split(",")):
        _add_header(given, pair, f"{_ANY}HEADERS", decode=True)
    for pair in headers:
        _add_header(given, pair, "--header", decode=False)
    return Endpoint(secure, host, port, path or "/", given, named("CERTIFICATE"))


def _parts(address: str, what: str) -> Tuple[bool, str, int, str]:
    example = f"write an address such as {_DEFAULT}"
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"bad {what} {printable(address)}: {example}") from None
    if parts.scheme not in ("http", "https") or not host or not (parts.netloc + parts.path).isprintable():
        raise UsageError(f"bad {what} {printable(address)}: {example}")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"{what} holds a user or a password: send it with --header 'Authorization=Basic ...'"
        )
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or " " in path:
        raise UsageError(f"bad {what} {printable(address)}: write what is no plain letter in its path as %XX")
    secure = parts.scheme == "https"
    return secure, host, port or (443 if secure else 80), path


def _add_header(headers: Dict[str, str], pair: str, what: str, *, decode: bool) -> None:
    key, equals, value = pair.partition("=")
    key, value = key.strip(), value.strip()
    if decode:
        key, value = unquote(key), unquote(value)
    # Neither the key nor the value is shown: where the sign is missing, the key may be the secret.
    if not equals or not key or not _TOKEN.issuperset(key):
        raise UsageError(f"a bad header in {what}: write KEY=VALUE, such as Authorization='Bearer ...'")
    if not value.isprintable() or not _is_latin(value):
        raise UsageError(f"{what}: the value of {key} has characters that a header cannot have")
    if key.lower() in _OURS:
        raise UsageError(f"{what}: {key} follows from what is sent: leave it out")
    for known in [known for known in headers if known.lower() == key.lower()]:
        del headers[known]
    headers[key] = value


def _is_latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True

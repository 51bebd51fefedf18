"""Cut a long JSON line into documents of bounded size, without parsing it.

A finished run file is one line of any length. It is cut where one batch of spans, one process or one span
ends and the next begins::

    {"resourceSpans":[{"resource":R,"scopeSpans":[{"scope":S,"spans":[A,B]},{"scope":S,"spans":[C]}]}]}
                                                                    ^ here

and each part is completed with the heads and the brackets that it lacks. The byte sequences that mark a
cut hold a quote after a brace, which would be escaped inside a JSON string. Even so, a cut is used only if
the part before it decodes without error.
"""

from __future__ import annotations

from typing import Iterator, NamedTuple

_RESOURCE = b'{"resource":'
_SCOPES = b'"scopeSpans":['
_SCOPE = b'{"scope":'
_SPANS = b'"spans":['
_START = b'{"resourceSpans":['

_NEXT_RESOURCE = b']}]},{"resource":'
_NEXT_SCOPE = b']},{"scope":'
_NEXT_SPAN = b'},{"traceId":'


class Cut(NamedTuple):
    """A document to decode, where the rest begins, and the heads that the rest needs."""

    document: bytes
    rest: int
    heads: bytes


def cuts(heads: bytes, data: bytes) -> Iterator[Cut]:
    """Ways to cut ``heads + data``, the best first; ``rest`` counts bytes of `data`."""
    at = data.rfind(_NEXT_SCOPE)
    after = data.rfind(_NEXT_RESOURCE)
    if after >= 0 and after >= at:
        yield Cut(_joined(heads, data, after, b"]}]}]}"), after + len(b"]}]},"), _START)
    if at >= 0:
        # Most parts hold no new resource: theirs is in the heads.
        head = _head(heads if heads and after < 0 else data[:at], _RESOURCE, _SCOPES)
        if head:
            yield Cut(_joined(heads, data, at, b"]}]}]}"), at + len(b"]},"), _START + head)
    # All spans may be in one batch. Links begin as spans do: as a cut between links does not decode, a few
    # earlier places are yielded as well.
    at = len(data)
    for _ in range(8):
        at = data.rfind(_NEXT_SPAN, 0, at)
        if at < 0:
            return
        before = heads + data[:at]
        resource, scope = _head(before, _RESOURCE, _SCOPES), _head(before, _SCOPE, _SPANS)
        if resource and scope:
            yield Cut(before + b"}]}]}]}", at + len(b"},"), _START + resource + scope)


def _head(data: bytes, opening: bytes, closing: bytes) -> bytes:
    """From the last `opening` to the end of the next `closing`; empty if there is none."""
    start = data.rfind(opening)
    end = data.find(closing, start) if start >= 0 else -1
    return data[start : end + len(closing)] if end >= 0 else b""


def _joined(heads: bytes, data: bytes, end: int, tail: bytes) -> bytes:
    return b"".join((heads, memoryview(data)[:end], tail))

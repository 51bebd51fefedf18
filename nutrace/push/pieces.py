"""Put spans together into requests of bounded size."""

from __future__ import annotations

from typing import Iterable, Iterator, List, Tuple

from nutrace.push.spans import Group

_HEAD = b'{"resourceSpans":['
_END = b"]}"


class Piece:
    """The spans of one request (``ExportTraceServiceRequest``).

    Attributes
    ----------
    spans:
        How many.
    size:
        Bytes of the body.
    """

    def __init__(self, groups: Iterable[Group] = ()) -> None:
        self._groups: List[Group] = []
        self.spans = 0
        self.size = len(_HEAD) + len(_END)
        for group in groups:
            self.add(group, group.spans)

    def add(self, group: Group, spans: List[bytes]) -> None:
        """Add some of a group's spans."""
        last = self._groups[-1] if self._groups else None
        if last is not None and last[:2] == group[:2]:
            last.spans.extend(spans)
        else:
            self._groups.append(group._replace(spans=list(spans)))
            self.size += heads_size(group)
        self.spans += len(spans)
        self.size += sum(map(len, spans)) + len(spans)

    def body(self) -> bytes:
        """The request's JSON."""
        parts = [_HEAD]
        for number, (resource, scope, spans) in enumerate(self._groups):
            parts += (b",{" if number else b"{", resource, b'"scopeSpans":[{', scope, b'"spans":[')
            parts += (b",".join(spans), b"]}]}")
        parts.append(_END)
        return b"".join(parts)

    def halves(self) -> Tuple[Piece, Piece]:
        """The first and the second half of the spans; there must be two at least."""
        first, second = Piece(), Piece()
        left = self.spans // 2
        for group in self._groups:
            for piece, spans in ((first, group.spans[:left]), (second, group.spans[left:])):
                if spans:
                    piece.add(group, spans)
            left = max(left - len(group.spans), 0)
        return first, second


def heads_size(group: Group) -> int:
    """Bytes that a group takes besides its spans."""
    return len(group.resource) + len(group.scope) + 40


class Cutter:
    """Cuts groups of spans into pieces.

    Attributes
    ----------
    most:
        Bytes of a piece, at most; a single span may be larger. It may be lowered while pieces are made.
    """

    def __init__(self, most: int) -> None:
        self.most = most

    def pieces(self, groups: Iterable[Group]) -> Iterator[Piece]:
        """Yield pieces that hold all spans in their order."""
        piece = Piece()
        for group in groups:
            begin, size = 0, piece.size + heads_size(group)
            for at, span in enumerate(group.spans):
                size += len(span) + 1
                if size > self.most and (piece.spans or at > begin):
                    if at > begin:
                        piece.add(group, group.spans[begin:at])
                    yield piece
                    piece, begin = Piece(), at
                    size = piece.size + heads_size(group) + len(span) + 1
            if begin < len(group.spans):
                piece.add(group, group.spans[begin:])
        if piece.spans:
            yield piece

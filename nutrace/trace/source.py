"""Read the bytes of a file in blocks, unzipped if it is gzip."""

from __future__ import annotations

import zlib
from typing import Iterator, List

from nutrace.errors import InputError
from nutrace.trace.bounds import MOST_UNZIPPED, MOST_UNZIPPED_RATIO
from nutrace.trace.foreign import binary_kind
from nutrace.trace.opening import Input

_BLOCK = 1 << 20
# What follows the end of a gzip stream is copied. A run file may have a stream for each line.
_ZIPPED = 1 << 16
_GZIP = b"\x1f\x8b"
_LINE = b"\x1f\x8b\x08" + bytes(5)  # what nutrace begins each of its streams with: no name, and no time
_GZIP_STREAM = 16 + zlib.MAX_WBITS  # tells zlib to expect gzip's header and to compare its checksum
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Source:
    """An open run file.

    Raises
    ------
    InputError
        If the file is missing, not a file, not readable, empty or binary; also while reading.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.truncated = False  # the gzip stream ended early
        self.damaged = 0  # places where gzip data could not be read, and was left out
        self.garbage = False  # something that is not gzip follows the gzip stream
        self._input = Input(name)
        self.size = self._input.size

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()

    @property
    def position(self) -> int:
        """Bytes read so far, of the file as it is on disk."""
        return self._input.position

    def blocks(self) -> Iterator[bytes]:
        """The content in blocks of 1 MB at most."""
        head = self._input.read(len(_GZIP))
        if not head:
            raise InputError(f"{self.name} is empty: was the program traced (NUTRACE=1)?")
        if head == _GZIP:
            yield from self._unzipped(head + self._input.read(_ZIPPED))
            return
        yield self._checked(head + self._input.read(_BLOCK - len(head)))
        while True:
            block = self._input.read(_BLOCK)
            if not block:
                return
            yield block

    def _unzipped(self, zipped: bytes) -> Iterator[bytes]:
        """The content of one gzip stream, or of several that follow each other, such as one for each line."""
        held: List[bytes] = []
        size = holding = 0
        for text in self._texts(zipped):
            self._check_growth(size + holding + len(text))
            held.append(text)
            holding += len(text)
            if holding >= _BLOCK:
                yield self._block(held, first=not size)
                held, size, holding = [], size + holding, 0
        if holding:
            yield self._block(held, first=not size)
        elif not size:
            what = "cut short" if self.truncated else "of nothing"
            raise InputError(f"{self.name} is a gzip file {what}: copy it again")

    def _block(self, texts: List[bytes], *, first: bool) -> bytes:
        block = b"".join(texts)
        return self._checked(block) if first else block

    def _texts(self, zipped: bytes) -> Iterator[bytes]:
        """The content in pieces of any length, and a line end where damaged data is left out."""
        stream = zlib.decompressobj(_GZIP_STREAM)
        begins, any_whole = True, False
        while True:
            try:
                text = stream.decompress(zipped, _BLOCK)
            except zlib.error as error:
                zipped = self._after_damage(zipped[begins:])
                if not zipped and not any_whole:
                    raise InputError(f"{self.name} is damaged gzip data ({error}): copy it again") from None
                self.damaged += 1
                yield b"\n"  # what follows is another line
                if not zipped:
                    return
                stream, begins = zlib.decompressobj(_GZIP_STREAM), True
                continue
            if text:
                yield text
            begins = False
            zipped = stream.unconsumed_tail
            if stream.eof:
                zipped = self._after_end(stream.unused_data)
                if not zipped:
                    return
                stream, begins, any_whole = zlib.decompressobj(_GZIP_STREAM), True, True
            elif not zipped:
                zipped = self._input.read(_ZIPPED)
                if not zipped and not text:  # some output may still wait inside zlib
                    self.truncated = True
                    return

    def _after_end(self, zipped: bytes) -> bytes:
        """The rest of the file from its next gzip stream on, after the end of one; empty if there is none."""
        rest = zipped.lstrip(b"\0")  # zeros at the end are padding
        while len(rest) < len(_GZIP):
            more = self._input.read(_ZIPPED)
            if not more:
                self.truncated = rest == _GZIP[:1]
                self.garbage = bool(rest) and not self.truncated
                return b""
            zipped = rest + more
            rest = zipped.lstrip(b"\0")
        if zipped.startswith(_GZIP):
            return zipped
        rest = self._after_damage(rest)
        if rest:
            self.damaged += 1
        else:
            self.garbage = True
        return rest

    def _after_damage(self, zipped: bytes) -> bytes:
        """The rest of the file, from the next gzip stream on that nutrace began; empty if there is none."""
        while True:
            at = zipped.find(_LINE)
            if at >= 0:
                return zipped[at:]
            more = self._input.read(_ZIPPED)
            if not more:
                return b""
            zipped = zipped[1 - len(_LINE) :] + more

    def _check_growth(self, size: int) -> None:
        if size > MOST_UNZIPPED and size > MOST_UNZIPPED_RATIO * self._input.position:
            raise InputError(
                f"{self.name} unzips to over {MOST_UNZIPPED >> 20} MB, more than {MOST_UNZIPPED_RATIO} "
                "times its own size, which no run file does: if it is one, unpack it first (gunzip)"
            )

    def _checked(self, block: bytes) -> bytes:
        if block.startswith(_BYTE_ORDER_MARK):
            block = block[len(_BYTE_ORDER_MARK) :]
        kind = binary_kind(block)
        if kind:
            raise InputError(f"{self.name} is {kind}, not a trace: nutrace reads OTLP/JSON such as run.json")
        return block

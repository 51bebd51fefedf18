"""Read the bytes of a file in blocks, unzipped if it is gzip."""

from __future__ import annotations

import zlib
from typing import Iterator

from nutrace.errors import InputError
from nutrace.trace.bounds import MOST_UNZIPPED, MOST_UNZIPPED_RATIO
from nutrace.trace.foreign import binary_kind
from nutrace.trace.opening import Input

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
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
        block = self._input.read(_BLOCK)
        if not block:
            raise InputError(f"{self.name} is empty: was the program traced (NUTRACE=1)?")
        if block.startswith(_GZIP):
            yield from self._unzipped(block)
            return
        yield self._checked(block)
        while True:
            block = self._input.read(_BLOCK)
            if not block:
                return
            yield block

    def _unzipped(self, zipped: bytes) -> Iterator[bytes]:
        """The content of one gzip stream, or of several that follow each other."""
        stream, size = zlib.decompressobj(_GZIP_STREAM), 0
        while True:
            try:
                block = stream.decompress(zipped, _BLOCK)
            except zlib.error as error:
                raise InputError(f"{self.name} is damaged gzip data ({error}): copy it again") from None
            if block:
                yield block if size else self._checked(block)
                size += len(block)
                self._check_growth(size)
            zipped = stream.unconsumed_tail
            if stream.eof:
                rest = stream.unused_data.lstrip(b"\0") or self._input.read(_BLOCK).lstrip(b"\0")
                if not rest.startswith(_GZIP):
                    self.garbage = bool(rest)
                    break
                stream, zipped = zlib.decompressobj(_GZIP_STREAM), rest
            elif not zipped:
                zipped = self._input.read(_BLOCK)
                if not zipped and not block:  # some output may still wait inside zlib
                    self.truncated = True
                    break
        if not size:
            what = "cut short" if self.truncated else "of nothing"
            raise InputError(f"{self.name} is a gzip file {what}: copy it again")

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

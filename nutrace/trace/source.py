"""Read the bytes of a file in blocks, unzipped if it is gzip."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from types import TracebackType
from typing import IO, Iterator, Optional, Type, cast

from nutrace.errors import InputError
from nutrace.trace.foreign import binary_kind

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
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
        self._file = self._open()

    def _open(self) -> IO[bytes]:
        name = self.name
        try:
            status = os.stat(name)
            if stat.S_ISDIR(status.st_mode):
                raise InputError(
                    f"{name} is a directory: name the run file in it, such as {name.rstrip('/')}/run.json"
                )
            if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
                raise InputError(f"{name} is a device, not a file: name a run file")
            self.size = status.st_size
            # Do not wait for a pipe to be opened for writing: a pipe without a writer is empty.
            fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
            os.set_blocking(fd, True)
            return open(fd, "rb")
        except FileNotFoundError:
            raise InputError(_missing(name)) from None
        except PermissionError:
            raise InputError(f"{name} cannot be read: permission denied; check its owner and mode") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{name!r} cannot be opened: {error}") from None

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes read so far, of the file as it is on disk."""
        return self._file.tell() if self._file.seekable() else 0

    def blocks(self) -> Iterator[bytes]:
        """The content in blocks of about 1 MB."""
        try:
            first = self._file.read(_BLOCK)
            if not first:
                raise InputError(f"{self.name} is empty: was the program traced (NUTRACE=1)?")
            if first.startswith(_GZIP):
                if not self._file.seekable():
                    raise InputError(f"{self.name} is a pipe of gzip data: unpack it on the way (zcat)")
                self._file.seek(0)
                yield from self._unzipped()
                return
            yield self._checked(first)
            while True:
                block = self._file.read(_BLOCK)
                if not block:
                    return
                yield block
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror or error}") from None

    def _unzipped(self) -> Iterator[bytes]:
        unzipped = cast("IO[bytes]", gzip.GzipFile(fileobj=self._file, mode="rb"))
        first = True
        try:
            while True:
                # read1 returns what it has: of a file that was cut short, everything up to there.
                block = cast("gzip.GzipFile", unzipped).read1(_BLOCK)
                if not block:
                    break
                yield self._checked(block) if first else block
                first = False
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if first or not isinstance(error, EOFError):
                raise InputError(f"{self.name} is damaged gzip data ({error}): copy it again") from None
            self.truncated = True
            return
        if first:
            raise InputError(f"{self.name} is a gzip file of nothing: copy it again")

    def _checked(self, block: bytes) -> bytes:
        if block.startswith(_BYTE_ORDER_MARK):
            block = block[len(_BYTE_ORDER_MARK) :]
        kind = binary_kind(block)
        if kind:
            raise InputError(f"{self.name} is {kind}, not a trace: nutrace reads OTLP/JSON such as run.json")
        return block


def _missing(name: str) -> str:
    if os.path.exists(name + ".gz"):
        return f"{name} does not exist, but {name}.gz does: read that"
    return f"{name} does not exist: check the path, or make one with NUTRACE=1 python ..."

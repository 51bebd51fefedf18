"""Run files whose names end in ``.gz``: they are written compressed, each line as a gzip member of its own.

gzip members that follow each other are one gzip file (RFC 1952, section 2.2). So the file of a killed process
is readable up to its last whole line, a line can be taken back as in a file that is not compressed, and the
files of a run's processes are joined by copying members.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, List, Tuple

ENDING = ".gz"
#: What each member begins with: deflate, no name, and no time.
HEAD = b"\x1f\x8b\x08" + bytes(5)
# Bytes and processor time of a span, in a run with IDM (1,001 bytes as JSON) and in one of the demo (850):
#     level 1   85 and 80 bytes, 2.9 us      level 4   70 and 66 bytes, 5.2 us
#     level 3   77 and 72 bytes, 3.0 us      level 6   59 and 57 bytes, 6.9 us
# A member for ten lines would be a tenth smaller than ten, and a killed process would lose ten lines.
_LEVEL = 3
_GZIP = 16 + 15  # tells zlib to write and to expect gzip, with a window of 32 kB
_BLOCK = 1 << 16
_LAST = 1 << 20  # the last member is looked for in so many bytes


def is_compressed(run: Path) -> bool:
    """Whether the files of a run are compressed, by the name of its run file."""
    return run.name.endswith(ENDING)


def packing(run: Path) -> Callable[[bytes], bytes]:
    """The function that makes of a line what is written of it to the files of `run`."""
    if not is_compressed(run):
        return _as_it_is
    # Here, and not when the first line is written: another thread may fork in the middle of an import.
    import zlib

    def compressed(line: bytes) -> bytes:
        stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        return stream.compress(line) + stream.flush()

    return compressed


def _as_it_is(line: bytes) -> bytes:
    return line


def members(file: BinaryIO) -> Iterator[Tuple[bytes, bytes]]:
    """The whole members of a file, each with its line; what is cut off at the end is left out.

    Raises
    ------
    OSError
        If there is something else in the file.
    """
    import zlib

    data = file.read(_BLOCK)
    while data:
        stream = zlib.decompressobj(_GZIP)
        member: List[bytes] = []
        line: List[bytes] = []
        while not stream.eof:
            if not data:
                return
            try:
                line.append(stream.decompress(data))
            except zlib.error:
                raise OSError(errno.EIO, f"{file.name} has damaged gzip data") from None
            rest = stream.unused_data
            member.append(data[: len(data) - len(rest)])
            data = rest or file.read(_BLOCK)
        yield b"".join(member), b"".join(line)


def last_line(file: BinaryIO) -> bytes:
    """The line of the last member of a file; empty if that is not whole."""
    import zlib

    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _LAST))
    data = file.read()
    file.seek(0)
    stream = zlib.decompressobj(_GZIP)
    try:
        line = stream.decompress(data[max(data.rfind(HEAD), 0) :])
    except zlib.error:
        return b""
    return line if stream.eof and not stream.unused_data else b""

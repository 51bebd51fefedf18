"""Write an output file whole or not at all.

It is written under a temporary name in its folder, and renamed when it is complete.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from typing import BinaryIO, Iterator

from nutrace.errors import OutputError

STDOUT = "-"
_BUFFER_BYTES = 1 << 20
_TEMPORARY = re.compile(r"\.nutrace-(\d+)-[0-9a-f]{8}\.tmp\Z")


@contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """Open `path` for writing; the file appears when the block ends without an exception.

    ``-`` is standard output. A device or a pipe is written to directly, instead of being replaced by a
    file. Of a symbolic link, the target is replaced.

    Raises
    ------
    OutputError
        If the file cannot be written or the disk is full; nothing is left behind.
    """
    if path == STDOUT:
        # Errors are passed on: the caller handles the BrokenPipeError of a reader that is gone.
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        target = os.path.realpath(path)
        if os.path.isdir(target):
            raise OutputError(f"cannot write {path}: it is a directory; name a file with -o")
        if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
            # Opening a pipe waits for a reader, unless it must not block.
            descriptor = os.open(target, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(descriptor, True)
            with open(descriptor, "wb", buffering=_BUFFER_BYTES) as out:
                yield out
            return
        with _renamed_when_whole(target) as out:
            yield out
    except OSError as error:
        reason = "nobody reads from this pipe" if error.errno == errno.ENXIO else error.strerror or error
        raise OutputError(f"cannot write {path}: {reason}; choose another place with -o") from error


@contextmanager
def _renamed_when_whole(target: str) -> Iterator[BinaryIO]:
    """A temporary file in the target's directory: a rename is atomic only within one file system."""
    remove_leftovers(os.path.dirname(target) or ".")
    temporary = os.path.join(os.path.dirname(target), f".nutrace-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    out = open(temporary, "xb", buffering=_BUFFER_BYTES)  # noqa: SIM115 - closed before the rename
    with suppress(OSError):  # a file system without locks
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        with out:
            yield out
        os.replace(temporary, target)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass  # the first exception matters more
        raise


def remove_leftovers(folder: str) -> None:
    """Remove what killed processes had not finished: nobody has its lock, nor the process id in its name."""
    with suppress(OSError):
        for name in os.listdir(folder):
            match = _TEMPORARY.match(name)
            if match and not _is_alive(int(match[1])):
                _remove(os.path.join(folder, name))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # another user's process
    return True


def _remove(temporary: str) -> None:
    with suppress(OSError), open(temporary, "rb", opener=_open_plain) as left:
        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(temporary)


def _open_plain(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

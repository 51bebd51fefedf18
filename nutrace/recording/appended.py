"""A file that this process appends to, whatever the program does to descriptors, files and folders."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path
from typing import Optional, Tuple

from nutrace.recording.locks import lock

# Programs count on low numbers for their descriptors: the next file that they open, or what they `dup2` to. A
# daemon that closes all descriptors opens files at low numbers afterwards, which must not be ours.
_NUMBERS = (512, 128)


class AppendedFile:
    """An open file, locked for as long as this process lives.

    A program may close our descriptor, and the next file that it opens may get its number. So the descriptor
    is compared with the file before each use. Somebody may rename the file or a folder above it: it is
    followed, where the system says where a descriptor's file is.

    Parameters
    ----------
    path:
        Where the file is.
    fd:
        Its descriptor, open for appending; it may be exchanged for another.

    Attributes
    ----------
    size:
        Bytes that were written.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.size = 0
        self._fd = _with_high_number(fd)
        self._inode = _identity(os.fstat(self._fd))
        lock(self._fd)

    def append(self, data: bytes) -> None:
        """Append all of `data`, or nothing.

        Raises
        ------
        OSError
            If the disk will not take it, or the file was deleted after the program had closed its descriptor.
        """
        fd = self._descriptor()
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(fd, view) :]
        except BaseException:  # Ctrl-C as well
            with contextlib.suppress(OSError):
                os.ftruncate(fd, self.size)
            raise
        self.size += len(data)

    def cut(self, size: int) -> None:
        """Shorten the file to `size` bytes.

        Raises
        ------
        OSError
            As :meth:`append`.
        """
        os.ftruncate(self._descriptor(), size)
        self.size = size

    def follow(self) -> bool:
        """Find out where the file is now, and put that into :attr:`path`; false if it was deleted.

        If that cannot be found out (this user may not look, say), :attr:`path` stays.
        """
        try:
            fd = self._descriptor()
            if _is_at(self._inode, self.path):
                return True
            if not os.fstat(fd).st_nlink:
                return False
            path = _path_of(fd)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        if path is not None and _is_at(self._inode, path):
            self.path = path
        return True

    def close(self) -> None:
        """Close the file, and let go of it."""
        if self.is_open():
            os.close(self._fd)

    def is_open(self) -> bool:
        """Whether our descriptor is still this file's."""
        try:
            return _identity(os.fstat(self._fd)) == self._inode
        except OSError:
            return False

    def _descriptor(self) -> int:
        if not self.is_open():  # the program has closed it: the number may be another file's
            fd = os.open(self.path, os.O_RDWR | os.O_APPEND)
            if _identity(os.fstat(fd)) != self._inode:
                os.close(fd)
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(self.path))
            self._fd = _with_high_number(fd)
            lock(self._fd)
        return self._fd


def _identity(status: os.stat_result) -> Tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_at(file: Tuple[int, int], path: Path) -> bool:
    try:
        return _identity(os.stat(path)) == file
    except OSError:
        return False


def _with_high_number(fd: int) -> int:
    for number in _NUMBERS:
        try:
            high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, number)
        except OSError:  # above the limit of descriptors, or none is free
            continue
        os.close(fd)
        return high
    return fd


def _path_of(fd: int) -> Optional[Path]:
    """Where the system says that the file is; ``None`` if it does not say."""
    if hasattr(fcntl, "F_GETPATH"):  # macOS
        return Path(os.fsdecode(fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))
    try:
        return Path(os.readlink(f"/proc/self/fd/{fd}"))
    except OSError:
        return None

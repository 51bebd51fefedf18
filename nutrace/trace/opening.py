"""Open a file that a user named, without waiting for what never comes."""

from __future__ import annotations

import os
import stat
import time
from itertools import islice
from typing import BinaryIO, List

from nutrace.errors import InputError, did_you_mean
from nutrace.trace.newest import newest_run

#: The name of standard input.
STDIN = "-"
_WRITER_S = 2.0  # how long a named pipe may wait for somebody to open it for writing
_POLL_S = 0.02
_MOST_BESIDE = 2000  # files whose names are compared with one that does not exist


class Input:
    """A file, a pipe or standard input, open for reading.

    A pipe, such as that of ``<(zcat run.json.gz)``, is read until its writer closes it. One that nobody
    writes to is an error after two seconds.

    Parameters
    ----------
    name:
        A path, or ``-`` for standard input.
    what:
        What the user should name, for messages.

    Attributes
    ----------
    size, position:
        Bytes of the file as it is on disk (0 for a pipe), and bytes read so far.

    Raises
    ------
    InputError
        If it is missing, a directory, a device, a pipe without a writer, or may not be read.
    """

    def __init__(self, name: str, what: str = "run file") -> None:
        self.name = name
        self.position = 0
        self._first = b""  # of a pipe: read in order to see whether somebody writes to it
        try:
            descriptor = os.dup(0) if name == STDIN else _opened(name, what)
        except FileNotFoundError:
            raise InputError(_missing(name, what)) from None
        except PermissionError:
            raise InputError(f"{name} cannot be read: permission denied; check its owner and mode") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{name} cannot be opened: {reason}; name a {what}") from None
        self._file: BinaryIO = open(descriptor, "rb")  # noqa: SIM115 - closed by __exit__
        try:
            status = os.fstat(descriptor)
            self.size = status.st_size
            _refuse(status.st_mode, name, what)
            if stat.S_ISFIFO(status.st_mode) and name != STDIN:
                self._first = _first_bytes(descriptor, name)
            os.set_blocking(descriptor, True)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Input:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, size: int) -> bytes:
        """The next bytes, `size` of them unless the file ends before that.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        data, self._first = self._first[:size], self._first[size:]
        try:
            data += self._file.read(size - len(data))
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{self.name} cannot be read: {reason}; copy it again") from None
        self.position += len(data)
        return data


def _opened(name: str, what: str) -> int:
    _refuse(os.stat(name).st_mode, name, what)  # opening a device may do something
    # Opening a pipe waits for a writer, unless it must not block.
    return os.open(name, os.O_RDONLY | os.O_NONBLOCK)


def _refuse(mode: int, name: str, what: str) -> None:
    if stat.S_ISDIR(mode):
        example = f", such as {name.rstrip('/')}/run.json" if what == "run file" else ""
        raise InputError(f"{name} is a directory: name the {what} in it{example}")
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        if name == STDIN:
            raise InputError(f"- is standard input, where no {what} is: redirect one (< FILE), or name it")
        raise InputError(f"{name} is a device, not a file: name a {what}")


def _first_bytes(descriptor: int, name: str) -> bytes:
    """What is in a pipe, nothing if its writer has not written yet."""
    end = time.monotonic() + _WRITER_S
    while True:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return b""
        if data:
            return data
        if time.monotonic() >= end:
            raise InputError(f"{name} is a pipe that nobody writes to, or that is empty: write to it first")
        time.sleep(_POLL_S)


def _missing(name: str, what: str) -> str:
    for suffix in (".gz", ".json", ".json.gz") if what == "run file" else (".gz",):
        if os.path.exists(name + suffix) or os.path.exists(
            f"{name}{suffix}.partial"
        ):  # which that name finds
            return f"{name} does not exist, but {name}{suffix} does: read that"
    otherwise = ": check the path"
    if what == "run file":
        newest = newest_run()
        otherwise += f"; {newest} is here" if newest else ", or make one with NUTRACE=1 python ..."
    return f"{name} does not exist{did_you_mean(name, _beside(name), otherwise)}"


def _beside(name: str) -> List[str]:
    """The paths of files in the folder that `name` would be in."""
    folder, _ = os.path.split(name)
    try:
        with os.scandir(folder or ".") as entries:
            return [os.path.join(folder, entry.name) for entry in islice(entries, _MOST_BESIDE)]
    except (OSError, ValueError):
        return []

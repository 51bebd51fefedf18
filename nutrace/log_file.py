"""Which file a name stands for now, and whether its rows may have changed.

This is the one definition of "the same log, unchanged": speedups compare :func:`identity` or :func:`state`
before each use of what they keep, and a copy of a log is named after :func:`fingerprint`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

#: Device, inode, size in bytes, times of the last change of its contents and of its inode, in ns.
Identity = Tuple[int, int, int, int, int]
#: Of the file, and of the write-ahead log beside it: inode, size, time of the last change.
State = Tuple[Identity, Optional[Tuple[int, int, int]]]


def identity(file: str) -> Optional[Identity]:
    """The identity of the file that `file` names now, or ``None`` if there is none.

    It changes if a file of equal size and date is copied over it; not if a change is still in a write-ahead
    log beside the file.
    """
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


_MOST = 1_000  # files that are remembered
_absolute: Dict[str, str] = {}  # by name, if that is absolute


def absolute(file: Union[str, bytes, os.PathLike[Any]]) -> str:
    """The absolute name of a file, which stays the same if the program changes its directory."""
    name = os.fsdecode(file)
    known = _absolute.get(name)
    if known is None:
        try:
            known = os.path.abspath(name)
        except OSError:  # the working directory is gone
            return name
        if os.path.isabs(name):
            if len(_absolute) >= _MOST:
                _absolute.clear()
            _absolute[name] = known
    return known


class Header(NamedTuple):
    """What a database's first bytes say: https://sqlite.org/fileformat.html#the_database_header.

    Attributes
    ----------
    has_wal:
        It is in write-ahead mode, and the other fields may be older than its rows.
    page_size, pages:
        Bytes of a page, and how many pages there are; 0 pages if the program that wrote last did not say.
    changes, valid_for:
        SQLite's counter of changes, and its value when `pages` was written.
    """

    has_wal: bool
    page_size: int
    pages: int
    changes: int
    valid_for: int


_HEADER = 100  # bytes
_MAGIC = b"SQLite format 3\0"


def header(file: str) -> Optional[Header]:
    """The header of a database, or ``None`` if it cannot be read.

    It is read through the descriptor of a connection. If this process opened and closed the file itself, all
    locks that it has on the file would be gone, those of the program's connections, too:
    https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    """
    first = _first_bytes(file)
    if len(first) < _HEADER or not first.startswith(_MAGIC):
        return None

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(first[at : at + size], "big")

    has_wal = first[18:20] != b"\1\1"
    page_size = number(16, 2)
    changes, valid_for = number(24), number(92)
    pages = number(28) if changes == valid_for else 0
    return Header(has_wal, 65_536 if page_size == 1 else page_size, pages, changes, valid_for)


def _first_bytes(file: str) -> bytes:
    try:
        status = os.stat(file)
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO would wait for its writer
            return b""
        with contextlib.closing(connect(uri_of(file, "mode=ro"))):
            for entry in os.listdir("/dev/fd"):
                with contextlib.suppress(OSError):  # closed meanwhile, or not open for reading
                    first = _read(int(entry), status)
                    # Meanwhile another thread may have closed the file, opened another one and this one
                    # again. The connection's own descriptor reads the same twice.
                    if first and first == _read(int(entry), status):
                        return first
    except (OSError, ValueError, sqlite3.Error):
        pass
    return b""


def _read(descriptor: int, status: os.stat_result) -> bytes:
    """The first bytes behind a descriptor, if it is of the file with this status before and after that."""
    if not os.path.samestat(os.fstat(descriptor), status):
        return b""
    first = os.pread(descriptor, _HEADER, 0)
    return first if os.path.samestat(os.fstat(descriptor), status) else b""


def uri_of(file: str, parameters: str) -> str:
    """A file as a URI for SQLite, whatever characters its name has."""
    return f"{Path(file).absolute().as_uri()}?{parameters}"


def connect(uri: str, **options: Any) -> sqlite3.Connection:
    """A connection of sqlite3's own class, which is the last but one whatever its name is bound to.

    Nutrace's own queries must not be among the statements of a traced program.
    """
    own: sqlite3.Connection = sqlite3.Connection.__mro__[-2](uri, uri=True, **options)
    return own


_has_wal: Dict[Identity, bool] = {}


def state(file: str) -> Optional[State]:
    """What changes whenever the rows of `file` do, or ``None`` if there is no file.

    Unlike :func:`identity` it sees changes that are still in a write-ahead log. A change that another machine
    makes on a network file system shows when this one asks for the file's dates again, on NFS after up to a
    minute.
    """
    own = identity(file)
    if own is None:
        return None
    has_wal = _has_wal.get(own)
    if has_wal is None:
        has_wal = _look_for_wal(file, own)
    return own, waiting_changes(file) if has_wal else None


def waiting_changes(file: str) -> Optional[Tuple[int, int, int]]:
    """Inode, size and date of the write-ahead log beside a database; ``None`` if there is nothing in it."""
    try:
        wal = os.stat(os.path.realpath(file) + "-wal")  # beside the file, not beside a link to it
    except (OSError, ValueError):
        return None
    # SQLite makes an empty log when it opens such a file to read, and removes it afterwards; and it sets the
    # owner of one that is there, which changes ctime.
    return (wal.st_ino, wal.st_size, wal.st_mtime_ns) if wal.st_size else None


def _look_for_wal(file: str, own: Identity) -> bool:
    """Whether the file's header says that it is in write-ahead mode; looked up once for each identity."""
    read = header(file)
    has_wal = read is None or read.has_wal
    if is_settled((own, None)):  # else the next change might not change the identity
        if len(_has_wal) >= _MOST:
            _has_wal.clear()
        _has_wal[own] = has_wal
    return has_wal


_SECOND_NS = 1_000_000_000
_TICK_NS = 100_000_000  # longer than a tick of the clocks from which local file systems take their times
_COARSE_TICK_NS = 2_100_000_000  # longer than that of file systems that keep whole seconds, or every other


def tick_ns(own: Identity) -> int:
    """How long a second change may be invisible after the last one, in ns."""
    return _TICK_NS if own[-1] % _SECOND_NS else _COARSE_TICK_NS


def is_settled(file_state: State) -> bool:
    """Whether a change from now on will change the state; one within a tick after the last might not.

    A date ahead of this clock is that of another machine's clock, or this one was set back: that is no proof.
    """
    now = time.time_ns()
    own, wal = file_state
    tick = tick_ns(own)
    return now - own[-1] > tick and (wal is None or now - wal[-1] > tick)


def fingerprint(file: str) -> str:
    """What a log and its copy have in common, for comparing them in another process, perhaps days later.

    Empty if the header cannot be read. The device is left out, because a reboot may give it another number.
    SQLite's counter of changes tells where dates do not: on file systems without a date of the inode, and
    where clocks were set back.
    """
    own, read = identity(file), header(file)
    if own is None or read is None:
        return ""
    return " ".join(map(str, (*own[1:], read.changes, read.valid_for)))

"""Make a copy of a log with indexes that the log lacks; page for page, it is the same otherwise."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
import sqlite3
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Optional, Sequence

from nutrace.errors import OutputError
from nutrace.log_file import connect, header, identity, tick_ns
from nutrace.plans.ddl import PREFIX, index_on
from nutrace.plans.log import existing, open_log, quoted
from nutrace.plans.log_copies import LOCK, PARTIAL, SUFFIX, about, copy_name, doubt, doubt_of_folder

#: Called with the number of bytes copied so far, and of all bytes.
Progress = Callable[[int, int], None]

_PAGES = 4096  # copied at a time
_BUSY = (5, 6)  # https://sqlite.org/rescode.html: SQLITE_BUSY, SQLITE_LOCKED
_PATIENCE_S = 5.0
# Indexes on two columns of tokens take an eighth of a log. Leave some room on the disk for others.
_GROWTH = 1.3
_LEFT = 64 * 2**20


@dataclass(frozen=True)
class Copied:
    """A copy: whether it was ``made`` now or there before, its size in bytes, the time in seconds."""

    path: str
    made: bool
    size: int
    seconds: float


def copy(
    log: str,
    folder: str,
    indexes: Mapping[str, str],
    *,
    wait_s: float = 60.0,
    most_bytes: Optional[float] = None,
    progress: Optional[Progress] = None,
) -> Copied:
    """Copy a log, and make indexes in the copy, which gets its name when it is complete.

    While another process makes a copy in the folder, this one waits, and then takes that copy. An existing
    copy that lacks some of the indexes is replaced by one that has its own indexes and these.

    Parameters
    ----------
    folder:
        The folder of the copy, made if it does not exist; "" if there is none.
    indexes:
        The statements that make the indexes, by name.
    wait_s:
        How long to wait for another process, in seconds.
    most_bytes:
        Bound on the size of all copies in the folder; ``None`` for no bound.
    progress:
        Called now and then.

    Raises
    ------
    InputError
        If the log is missing.
    OutputError
        If there is no room or no permission, or the log cannot be copied.
    """
    began = time.perf_counter()
    existing(log, "")
    if not folder:
        raise OutputError(f"{log}: no copy: this user has no home for it, and no folder is named")
    try:
        os.makedirs(folder, exist_ok=True)
        with _lock(folder, wait_s):
            path = os.path.join(folder, _name(log))
            reason = doubt_of_folder(folder, log)
            if reason:
                raise OutputError(f"{log}: no copy in {folder}: {reason}")
            usable = os.path.lexists(path) and not doubt(path, log)
            there = _indexes_of(path) if usable else {}
            made = not usable or not indexes.keys() <= there.keys()
            if made:
                for stale in about(log, folder):
                    if stale != path:
                        os.unlink(stale)
                _check_room(log, folder, most_bytes)
                _make(log, path, list({**there, **indexes}.values()), progress)
            return Copied(path, made, os.path.getsize(path), time.perf_counter() - began)
    except (OSError, sqlite3.Error) as error:
        raise OutputError(f"{log}: cannot be copied to {folder}: {error}") from None


def _name(log: str) -> str:
    read = header(log)
    if read is not None and read.has_wal:
        raise OutputError(f"{log}: is in write-ahead mode, where changes would go unnoticed: no copy")
    name = copy_name(log)
    if not name:
        raise OutputError(f"{log}: its header cannot be read: no copy")
    return name


def _indexes_of(path: str) -> Dict[str, str]:
    """The indexes in a copy that nutrace made: statements that make them, by name.

    They are composed anew: what a file says is not executed.
    """
    with open_log(path) as log:
        made = log.connection.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'")
        indexes = {}
        for name, table in made.fetchall():
            parts = log.connection.execute(f"PRAGMA index_info({quoted(name)})").fetchall()
            columns = [column for _, _, column in parts]
            if name.startswith(PREFIX) and all(columns):
                indexes[name] = index_on(name, table, columns)
        return indexes


def _make(log: str, path: str, ddl: Sequence[str], progress: Optional[Progress]) -> None:
    # With a random name, so that no process writes into the file of another even where locks do not work, as
    # on some network file systems.
    name, partial = os.path.basename(path), f"{path}.{secrets.token_hex(4)}{PARTIAL}"
    _wait_for_clock(log)
    try:
        # Until it is complete, only this user may read it: the log may be private.
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, stat.S_IRUSR | stat.S_IWUSR))
        with contextlib.closing(connect(existing(log, "mode=ro"), timeout=_PATIENCE_S)) as source:
            _copy_pages(source, partial, ddl, progress)
        status = os.stat(log)
        if _name(log) != name:
            raise OutputError(f"{log}: was written to while it was copied")
        os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns))
        os.chmod(partial, stat.S_IMODE(status.st_mode) & 0o555 | stat.S_IRUSR)
        os.replace(partial, path)
    except BaseException:
        for left in (partial, partial + "-journal"):
            with contextlib.suppress(OSError):
                os.unlink(left)
        raise
    reason = doubt(path, log)
    if reason:  # the folder does not keep files as they are made
        os.unlink(path)
        raise OutputError(f"{log}: no copy in {os.path.dirname(path)}: {reason}")


def _wait_for_clock(log: str) -> None:
    """Wait until every further change of the log changes its dates, and so the name of its copy."""
    own = identity(log)
    if own is not None:
        tick = tick_ns(own)
        time.sleep(min(tick, max(0, own[-1] + tick - time.time_ns())) / 1e9)


def _copy_pages(
    source: sqlite3.Connection, partial: str, ddl: Sequence[str], progress: Optional[Progress]
) -> None:
    size = source.execute("PRAGMA page_size").fetchone()[0]
    waiting_since: Optional[float] = None

    def look(status: int, remaining: int, total: int) -> None:
        nonlocal waiting_since
        if status not in _BUSY:
            waiting_since = None
        elif waiting_since is None:
            waiting_since = time.monotonic()
        elif time.monotonic() - waiting_since > _PATIENCE_S:
            raise sqlite3.OperationalError("database is locked")
        if progress is not None:
            progress((total - remaining) * size, total * size)

    target = connect(Path(partial).absolute().as_uri(), isolation_level=None)
    with contextlib.closing(target):
        # A copy that fails is thrown away, so it needs no journal, and one flush at the end.
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target, pages=_PAGES, progress=look)
        target.execute("PRAGMA trusted_schema = OFF")
        for sql in ddl:
            target.execute(sql)
    with open(partial, "rb+") as whole:
        os.fsync(whole.fileno())


def _check_room(log: str, folder: str, most_bytes: Optional[float]) -> None:
    needed = int(os.path.getsize(log) * _GROWTH)
    free = shutil.disk_usage(folder).free
    if free < needed + _LEFT:
        raise OutputError(
            f"{log}: no room for a copy in {folder}: {_mb(needed)} are needed, {_mb(free)} are free"
        )
    if most_bytes is not None:
        pattern = os.path.join(glob.escape(folder), "*" + SUFFIX)
        held = sum(os.path.getsize(each) for each in glob.glob(pattern))
        if held + needed > most_bytes:
            raise OutputError(
                f"{log}: not copied: with {_mb(needed)} more, the copies in {folder} would take more than "
                f"{_mb(most_bytes)}"
            )


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"


@contextlib.contextmanager
def _lock(folder: str, wait_s: float) -> Iterator[None]:
    """Hold a lock by SQLite, which works wherever SQLite does, and is released if the process is killed."""
    uri = Path(folder, LOCK).absolute().as_uri()
    with contextlib.closing(connect(uri, timeout=wait_s, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
        yield

"""Copies of logs with indexes that the logs lack; page for page, they are the same otherwise.

The name of a copy depends on the log's path and state, so that it is not found any more when the log has
been written to or replaced. It does not end in ``.db``, as the devkit would take the copy for a log.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import secrets
import shutil
import sqlite3
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence

from nutrace.errors import OutputError
from nutrace.plans.ddl import PREFIX
from nutrace.plans.log import connect, open_log, uri_of

#: Called with the number of bytes copied so far, and of all bytes.
Progress = Callable[[int, int], None]

_SUFFIX = ".nutrace"
_PARTIAL = ".partial"
_LOCK = ".nutrace-lock"  # one for each folder, in which copies are made one after the other
_PAGES = 4096  # copied at a time
_BUSY = (5, 6)  # https://sqlite.org/rescode.html: SQLITE_BUSY, SQLITE_LOCKED
_PATIENCE_S = 5.0
_TICK_S = 0.1  # longer than the resolution of a local file system's times
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


def cache_folder() -> str:
    """Where copies go if no folder is named: ``$XDG_CACHE_HOME/nutrace/logs``, or below ``~/.cache``.

    Empty for a user without a home. A relative ``XDG_CACHE_HOME`` is ignored, as
    https://specifications.freedesktop.org/basedir-spec/latest/ says.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    top = named if os.path.isabs(named) else os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(top, "nutrace", "logs") if os.path.isabs(top) else ""


def folders(log: str, more: str = "") -> List[str]:
    """The folders where a log's copies may be: beside it, in `more`, in the user's cache."""
    beside = os.path.dirname(os.path.realpath(log))
    return list(dict.fromkeys(filter(None, (beside, os.path.abspath(more) if more else "", cache_folder()))))


def find(log: str, within: Sequence[str]) -> Optional[str]:
    """The path of a copy of the log in its present state, if there is one."""
    name = _name(log)
    return next((path for path in (os.path.join(folder, name) for folder in within) if _is_file(path)), None)


def all_of(log: str, within: Sequence[str]) -> List[str]:
    """All files of a log's copies, also of copies of former states and unfinished ones."""
    return [path for folder in within for path in _about(log, folder)]


def remove(log: str, within: Sequence[str]) -> List[str]:
    """Remove a log's copies.

    Raises
    ------
    OutputError
        If one cannot be removed.
    """
    removed = all_of(log, within)
    for path in removed:
        try:
            os.unlink(path)
        except OSError as error:
            raise OutputError(f"{path}: cannot be removed ({error.strerror})") from None
    for folder in {os.path.dirname(path) for path in removed}:
        if not glob.glob(os.path.join(glob.escape(folder), "*" + _SUFFIX)):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, _LOCK))
    return [path for path in removed if path.endswith(_SUFFIX)]


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
    uri_of(log, "ro")
    if not folder:
        raise OutputError(f"{log}: no copy: this user has no home for it, and no folder is named")
    path = os.path.join(folder, _name(log))
    try:
        os.makedirs(folder, exist_ok=True)
        with _lock(folder, wait_s):
            there = _indexes_of(path) if _is_file(path) else {}
            made = not _is_file(path) or not indexes.keys() <= there.keys()
            if made:
                for stale in _about(log, folder):
                    if stale != path:
                        os.unlink(stale)
                _check_room(log, folder, most_bytes)
                _make(log, path, list({**there, **indexes}.values()), progress)
            return Copied(path, made, os.path.getsize(path), time.perf_counter() - began)
    except (OSError, sqlite3.Error) as error:
        raise OutputError(f"{log}: cannot be copied to {folder}: {error}") from None


def _indexes_of(path: str) -> Dict[str, str]:
    """The indexes in a copy that nutrace made: their statements by name."""
    with open_log(path) as log:
        return {
            name: sql
            for name, sql in log.connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
            )
            if name.startswith(PREFIX)
        }


def _make(log: str, path: str, ddl: Sequence[str], progress: Optional[Progress]) -> None:
    # With a random name, so that no process writes into the file of another even where locks do not work, as
    # on some network file systems.
    name, partial = os.path.basename(path), f"{path}.{secrets.token_hex(4)}{_PARTIAL}"
    _wait_for_clock(log)
    try:
        with contextlib.closing(connect(uri_of(log, "ro"), timeout=_PATIENCE_S)) as source:
            if source.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                raise OutputError(f"{log}: is in write-ahead mode, where changes would go unnoticed: no copy")
            _copy_pages(source, partial, ddl, progress)
        if _name(log) != name:
            raise OutputError(f"{log}: was written to while it was copied")
        os.chmod(partial, stat.S_IMODE(os.stat(log).st_mode) & 0o555 | stat.S_IRUSR)
        os.replace(partial, path)
    except BaseException:
        for left in (partial, partial + "-journal"):
            with contextlib.suppress(OSError):
                os.unlink(left)
        raise


def _wait_for_clock(log: str) -> None:
    """Wait until every further change of the log changes its date, and so the name of its copy."""
    time.sleep(min(_TICK_S, max(0.0, os.stat(log).st_mtime + _TICK_S - time.time())))


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
        pattern = os.path.join(glob.escape(folder), "*" + _SUFFIX)
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
    uri = Path(folder, _LOCK).absolute().as_uri()
    with contextlib.closing(connect(uri, timeout=wait_s, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
        yield


def _name(log: str) -> str:
    status = os.stat(log)
    return f"{_stem(log)}{_digest(f'{status.st_size} {status.st_mtime_ns}')}{_SUFFIX}"


def _stem(log: str) -> str:
    path = os.path.realpath(log)
    return f"{os.path.basename(path)}.{_digest(path)}-"


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]


def _about(log: str, folder: str) -> List[str]:
    stem = glob.escape(os.path.join(folder, _stem(log)))
    endings = ("", f".*{_PARTIAL}", f".*{_PARTIAL}-journal")
    return sorted(path for ending in endings for path in glob.glob(f"{stem}*{_SUFFIX}{ending}"))


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False

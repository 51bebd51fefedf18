"""Copies of logs, with indexes that the logs lack: page for page the same otherwise.

A copy's name says which log it is of, and of which state of it: once the log is written to or replaced,
the copy is not found any more. It does not end in ``.db``, or the devkit would take it for a log.
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

#: Called with the bytes done so far, and all.
Progress = Callable[[int, int], None]

_SUFFIX = ".nutrace"
_PARTIAL = ".partial"
_LOCK = ".nutrace-lock"  # one for a folder: copies are made one after the other
_PAGES = 4096  # between two looks at the log
_BUSY = (5, 6)  # https://sqlite.org/rescode.html: SQLITE_BUSY, SQLITE_LOCKED
_PATIENCE_S = 5.0
_TICK_S = 0.1  # longer than one of any clock that a local file system takes its times from
# Indexes of two columns of tokens take an eighth of a log; and something must be left for others.
_GROWTH = 1.3
_LEFT = 64 * 2**20


@dataclass(frozen=True)
class Copied:
    """A copy: ``made`` now, or found; sizes in bytes, times in seconds."""

    path: str
    made: bool
    size: int
    seconds: float


def cache_folder() -> str:
    """Where copies go if no folder is named: ``$XDG_CACHE_HOME/nutrace/logs``, or below ``~/.cache``.

    None, and so empty, for a user without a home; a relative name is none
    (https://specifications.freedesktop.org/basedir-spec/latest/).
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    top = named if os.path.isabs(named) else os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(top, "nutrace", "logs") if os.path.isabs(top) else ""


def folders(log: str, more: str = "") -> List[str]:
    """Where a log's copies may be: beside it, in `more`, in the user's cache."""
    beside = os.path.dirname(os.path.realpath(log))
    return list(dict.fromkeys(filter(None, (beside, os.path.abspath(more) if more else "", cache_folder()))))


def find(log: str, within: Sequence[str]) -> Optional[str]:
    """A copy of the log as it is now, if there is one."""
    name = _name(log)
    return next((path for path in (os.path.join(folder, name) for folder in within) if _is_file(path)), None)


def all_of(log: str, within: Sequence[str]) -> List[str]:
    """All that there is about copies of a log, of former states of it and unfinished ones as well."""
    return [path for folder in within for path in _about(log, folder)]


def remove(log: str, within: Sequence[str]) -> List[str]:
    """Remove a log's copies.

    Raises
    ------
    OutputError
        If one may not be removed.
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
    """Copy a log, and make indexes in the copy; it has its name when it is whole.

    Whoever comes while another process is at it waits, and takes that one's copy. A copy that is there
    and lacks one of the indexes is replaced by one that has both its own and these.

    Parameters
    ----------
    folder:
        Where to; made if it is not there. Empty if there is none.
    indexes:
        What makes them, by name.
    wait_s:
        How long to wait for another process, in seconds.
    most_bytes:
        What the copies in the folder may take together; ``None`` for no bound.
    progress:
        Called now and then.

    Raises
    ------
    InputError
        If the log is missing.
    OutputError
        If there is no room or no leave to write, or the log cannot be copied.
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
    """Nutrace's own, in a copy."""
    with open_log(path) as log:
        return {
            name: sql
            for name, sql in log.connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
            )
            if name.startswith(PREFIX)
        }


def _make(log: str, path: str, ddl: Sequence[str], progress: Optional[Progress]) -> None:
    # A name of its own: even where locks do not work, as on some network file systems, no process writes
    # into another's.
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
    """Wait until a change from now on shows in the log's date, and so in the name of its copy."""
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
        # What fails is thrown away whole: no journal, and one flush at the end.
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
    """SQLite's own lock: it works wherever SQLite does, and a killed process leaves none behind."""
    uri = Path(folder, _LOCK).absolute().as_uri()
    with contextlib.closing(connect(uri, timeout=wait_s, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
        yield


def _name(log: str) -> str:
    found = os.stat(log)
    return f"{_stem(log)}{_digest(f'{found.st_size} {found.st_mtime_ns}')}{_SUFFIX}"


def _stem(log: str) -> str:
    path = os.path.realpath(log)
    return f"{os.path.basename(path)}.{_digest(path)}-"


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]


def _about(log: str, folder: str) -> List[str]:
    stem = glob.escape(os.path.join(folder, _stem(log)))
    endings = ("", f".*{_PARTIAL}", f".*{_PARTIAL}-journal")
    found = [glob.glob(f"{stem}*{_SUFFIX}{ending}") for ending in endings]
    return sorted(path for paths in found for path in paths)


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False

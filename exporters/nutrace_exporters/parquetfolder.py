"""Put the tables of a run into a folder: all of them under the run's name, or nothing.

They are written into a hidden folder, ``OUT/.nutrace-NAME.tmp``, which its process keeps locked, and renamed
when all of them are whole. What killed processes have left is removed by the next one that writes into OUT.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Callable, Iterator
from urllib.parse import quote, unquote

from nutrace.errors import OutputError
from nutrace.trace.parquet_format import PART, PARTITION, SPANS, TABLES

_HIDDEN, _ENDING = ".nutrace-", ".tmp"
_BEFORE, _PUBLISHING = ".before", "publishing"
#: File systems allow 255 bytes in a name.
_LONGEST = 200

#: Whether the run in a folder of spans may be replaced.
Replaceable = Callable[[Path], bool]


class Staged:
    """A run whose tables are being written.

    Attributes
    ----------
    name:
        What the run is called: unique in its folder.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self._folder = folder
        self._partition = partition(name)
        self.hidden = folder / f"{_HIDDEN}{self._partition[len(PARTITION) :]}{_ENDING}"

    def file(self, table: str) -> Path:
        """Where to write the rows of a table."""
        path = self.hidden / table / PART
        path.parent.mkdir()
        return path

    def published(self, table: str) -> Path:
        """Where the table's folder is in the end."""
        return self._folder / table / self._partition

    def publish(self) -> None:
        """Rename all tables, and put back what was there if that fails."""
        (self.hidden / _PUBLISHING).touch()
        try:
            for table in TABLES:
                target = self.published(table)
                target.parent.mkdir(exist_ok=True)
                if os.path.lexists(target):
                    os.rename(target, self.hidden / (table + _BEFORE))
                os.rename(self.hidden / table, target)
        except BaseException:
            self.undo()
            raise

    def undo(self) -> None:
        """Put back what was there before publishing began, unless it came to its end."""
        if not (self.hidden / _PUBLISHING).exists() or not (self.hidden / SPANS).exists():
            return  # it has not begun, or all is published: spans come last
        for table in reversed(TABLES):
            target, before = self.published(table), self.hidden / (table + _BEFORE)
            if not (self.hidden / table).exists():
                os.rename(target, self.hidden / table)
            if before.exists():
                os.rename(before, target)


@contextmanager
def staged(folder: Path, run: str, replaceable: Replaceable) -> Iterator[Staged]:
    """A run to write; it appears in `folder` when the block ends without an exception.

    Parameters
    ----------
    run:
        What it should be called. If another run of that name is there or is being written, it is called
        ``run-2`` and so on.
    replaceable:
        Whether a run that has the name is the same one: then it is replaced.

    Raises
    ------
    OutputError
        If the tables cannot be written; nothing is left behind.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _remove_leftovers(folder)
            run = next(name for name in _names(run) if _is_free(Staged(folder, name), replaceable))
            stage = Staged(folder, run)
            stage.hidden.mkdir()
            lock = os.open(stage.hidden, os.O_RDONLY)
            _lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield stage
            with _locked(folder):
                stage.publish()
        finally:
            shutil.rmtree(stage.hidden, ignore_errors=True)
            os.close(lock)
            with _locked(folder):
                _remove_empty(folder)
            if made:
                with suppress(OSError):  # another run is in it
                    folder.rmdir()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno == errno.EEXIST:
            reason = "it is not a folder"
        raise OutputError(f"cannot write {folder}: {reason}; choose another folder with -o") from error


def partition(run: str) -> str:
    """The name of the folders of a run; a character that is unsafe in a path is written as ``%20`` is."""
    return PARTITION + _quoted(next(_names(run)))


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _names(run: str) -> Iterator[str]:
    """What the run may be called, in this order: as it should be, and with a number at the end."""
    run = run.encode("utf-8", "replace").decode() or "run"
    for number in count(1):
        end = f"-{number}" if number > 1 else ""
        while len(_quoted(run + end)) > _LONGEST:
            run = run[:-1]
        yield run + end


def _is_free(stage: Staged, replaceable: Replaceable) -> bool:
    if stage.hidden.exists():
        return False
    if not os.path.lexists(stage.published(SPANS)):
        return True  # spans come last: what else is there was cut short
    return replaceable(stage.published(SPANS))


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes have left in a folder of tables, and put back what they replaced."""
    with suppress(OSError), _locked(folder):
        _remove_leftovers(folder)
        _remove_empty(folder)


def _remove_leftovers(folder: Path) -> None:
    """Remove the hidden folders whose processes are gone."""
    for hidden in folder.glob(f"{_HIDDEN}*{_ENDING}"):
        with suppress(OSError):
            lock = os.open(hidden, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                Staged(folder, unquote(hidden.name[len(_HIDDEN) : -len(_ENDING)])).undo()
                shutil.rmtree(hidden, ignore_errors=True)
            finally:
                os.close(lock)


def _remove_empty(folder: Path) -> None:
    """Remove the tables' folders in which there is no run."""
    for table in TABLES:
        with suppress(OSError):
            (folder / table).rmdir()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, for the short time in which names are given and tables renamed."""
    lock = os.open(folder, os.O_RDONLY)
    try:
        _lock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _lock(descriptor: int, how: int) -> None:
    with suppress(OSError):  # a file system without locks
        fcntl.flock(descriptor, how)

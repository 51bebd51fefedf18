"""Copies of logs with indexes that the logs lack: their names, where they are, and whether to believe them.

The name of a copy depends on the log's path and on everything that tells that the log was not changed
(:func:`nutrace.log_file.fingerprint`), so that it is not found any more when the log has been written to or
replaced. It does not end in ``.db``, as the devkit would take the copy for a log.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import stat
from typing import Dict, List, Optional, Sequence

from nutrace.errors import OutputError
from nutrace.log_file import fingerprint, header, waiting_changes

SUFFIX = ".nutrace"
PARTIAL = ".partial"
LOCK = ".nutrace-lock"  # one for each folder, in which copies are made one after the other

_OF_OTHERS = stat.S_IWGRP | stat.S_IWOTH


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
    """The path of a copy of the log in its present state, if there is one that is beyond doubt."""
    name = copy_name(log)
    paths = [os.path.join(folder, name) for folder in within] if name else []
    return next((path for path in paths if os.path.lexists(path) and not doubt(path, log)), None)


def unused(log: str, within: Sequence[str]) -> Dict[str, str]:
    """The copies of a log that are not to be used, and why, as the end of a sentence."""
    name = copy_name(log)
    reasons = {}
    for path in filter(_is_copy, all_of(log, within)):
        if os.path.basename(path) != name:
            reasons[path] = "it is of another state of the log"
        elif doubt(path, log):
            reasons[path] = doubt(path, log)
    return reasons


def doubt(path: str, log: str) -> str:
    """Why a copy should not be taken for what its name says; "" if nothing is wrong with it.

    A copy has the date of its log, so that one which was written to, cut off, or put there by a program that
    knows nothing of this shows.
    """
    try:
        own, its_log = os.lstat(path), os.stat(log)
        of_folder = doubt_of_folder(os.path.dirname(path), log)
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    if not stat.S_ISREG(own.st_mode):
        return "it is no file"
    if own.st_uid not in (0, os.geteuid(), its_log.st_uid):
        return "it belongs to another user"
    # Where everybody may write everything, as on file systems without permissions, the log is no safer.
    if own.st_mode & _OF_OTHERS & ~its_log.st_mode:
        return "others may write to it"
    if of_folder:
        return of_folder
    if not _same_date(own, its_log):
        return "it was written to after it was made"
    if os.path.lexists(path + "-journal") or waiting_changes(path) is not None:
        return "a program that wrote to it has not finished"
    read, of_log = header(path), header(log)
    if read is None or read.page_size * read.pages != own.st_size:
        return "it is damaged"
    if of_log is None or of_log.page_size != read.page_size or of_log.pages > read.pages:
        return "it is of another log"
    return ""


def doubt_of_folder(folder: str, log: str) -> str:
    """Why a folder is no place for copies; "" if nothing is wrong with it, or if the log is in it as well.

    Raises
    ------
    OSError
        If there is no such folder.
    """
    for_all = os.stat(folder).st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
    if for_all and not os.path.samefile(folder, os.path.dirname(os.path.realpath(log))):
        return "everybody may replace files in its folder"
    return ""


def _same_date(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether dates are equal, as far as the first one's file system keeps them."""
    exact_ns = 1_000 if one.st_mtime_ns % 1_000_000_000 else 2_000_000_000
    return abs(one.st_mtime_ns - other.st_mtime_ns) < exact_ns


def all_of(log: str, within: Sequence[str]) -> List[str]:
    """All files of a log's copies, also of copies of former states and unfinished ones."""
    return [path for folder in within for path in about(log, folder)]


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
        if not glob.glob(os.path.join(glob.escape(folder), "*" + SUFFIX)):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, LOCK))
    return list(filter(_is_copy, removed))


def copy_name(log: str) -> str:
    """The file name of a copy of the log in its present state; "" if that cannot be told."""
    known = fingerprint(log)
    return f"{_stem(log)}{_digest(known)}{SUFFIX}" if known else ""


def about(log: str, folder: str) -> List[str]:
    """All files in a folder that are copies of the log, or parts of copies."""
    stem = glob.escape(os.path.join(folder, _stem(log)))
    endings = ("", f".*{PARTIAL}", f".*{PARTIAL}-journal")
    return sorted(path for ending in endings for path in glob.glob(f"{stem}*{SUFFIX}{ending}"))


def _is_copy(path: str) -> bool:
    return path.endswith(SUFFIX)


def _stem(log: str) -> str:
    path = os.path.realpath(log)
    return f"{os.path.basename(path)}.{_digest(path)}-"


def _digest(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:12]

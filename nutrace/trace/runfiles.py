"""Find the files that hold a run, under the name that the user gives.

A finished run is one file, ``run.json``. Until then each process of the run appends to a file of its own:
the first one to ``run.json.partial``, the others to shards, ``run.json.shard-<pid>@<host>-<tag>.partial``,
whose tag begins with eight digits of the run's id. The first process joins them when it ends. If it is
killed, its partial file and the shards stay; the shards of processes that outlive it stay as well.

Each process holds a lock (``flock``) on its file for as long as it lives.
"""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass
from typing import Collection, List, Tuple

from nutrace.trace.opening import STDIN

PARTIAL = ".partial"
_SHARD = ".shard-"
_TAG_LENGTH = 8


@dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes
    ----------
    main:
        The run file, or the partial file of its first process; "" if there are shards only.
    shards:
        Files of the run's other processes that were not joined.
    started_empty:
        The first process has a partial file, and has not written a line to it.
    """

    main: str
    shards: Tuple[str, ...]
    started_empty: bool = False

    def is_running(self) -> bool:
        """Whether a process of the run is alive."""
        return any(_is_locked(file) for file in (self.main, *self.shards) if file.endswith(PARTIAL))

    def shards_of(self, run_ids: Collection[str]) -> Tuple[str, ...]:
        """The shards of these runs; all of them if no run is known."""
        tags = tuple(run_id[:_TAG_LENGTH] for run_id in run_ids)
        return tuple(shard for shard in self.shards if not tags or _tag(shard).startswith(tags))


def exists(name: str) -> bool:
    """Whether there is a run called `name`, finished or not; standard input may always be one."""
    if name == STDIN:
        return True
    files = find_run(name)
    return bool(files.shards) or os.path.exists(files.main)


def find_run(name: str) -> RunFiles:
    """Find the files of the run called `name` (``run.json`` or ``run.json.partial``).

    If there is no such file, ``main`` is `name` all the same: opening it says what is wrong.
    """
    if name == STDIN:
        return RunFiles(name, ())
    base = name[: -len(PARTIAL)] if name.endswith(PARTIAL) else name
    shards = _shards(base)
    if os.path.exists(name):
        main = name
    elif os.path.exists(base + PARTIAL):
        main = base + PARTIAL
    else:
        return RunFiles("" if shards else name, shards)
    empty = main.endswith(PARTIAL) and os.path.isfile(main) and not os.path.getsize(main)
    return RunFiles(main, shards, empty)


def _shards(base: str) -> Tuple[str, ...]:
    directory, prefix = os.path.split(base + _SHARD)
    if _SHARD in os.path.basename(base):
        return ()
    try:
        entries: List[str] = sorted(os.listdir(directory or "."))
    except (OSError, ValueError):
        return ()
    return tuple(
        os.path.join(directory, entry)
        for entry in entries
        if entry.startswith(prefix)
        and entry.endswith(PARTIAL)
        # A pipe of that name is none: reading it might never end.
        and os.path.isfile(os.path.join(directory, entry))
    )


def _tag(shard: str) -> str:
    """What follows the process id in a shard's name; it begins with digits of the run's id."""
    return shard.rpartition(_SHARD)[2].partition("-")[2]


def _is_locked(file: str) -> bool:
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Shared, so that two readers do not take each other for the run.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(fd)
    return False

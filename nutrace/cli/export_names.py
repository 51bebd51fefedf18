"""What runs are called in the folder to which they are exported."""

from __future__ import annotations

import os
from typing import Dict, List, Sequence

from nutrace.cli.run_files import loaded_as
from nutrace.errors import UsageError
from nutrace.trace.opening import STDIN
from nutrace.trace.parquet_format import place_and_name

#: File systems allow 255 bytes, also for `run=NAME` and for NAME with the ending of a format.
_LONGEST = 200


def named(files: Sequence[str]) -> Dict[str, str]:
    """The name of each run, by the file that is to be loaded.

    A run is called as its file is, without endings. Of files that would be called the same, each has the
    names of the folders that it is in before it, as many as tell them apart: ``base-01`` and ``cache-01``.

    Parameters
    ----------
    files:
        As the user named them; several files of one run are one run.
    """
    runs = list({os.path.realpath(loaded_as(file)): loaded_as(file) for file in files}.values())
    groups: Dict[str, List[List[str]]] = {}
    for run in runs:
        parts = _parts(run)
        groups.setdefault(_name(parts, 1), []).append(parts)
    depth = {name: _depth(group) for name, group in groups.items()}
    names = [_name(parts, depth[_name(parts, 1)]) for parts in map(_parts, runs)]
    return dict(zip(runs, _different(names)))


def checked(name: str) -> str:
    """A name that a user gives to a run.

    Raises
    ------
    UsageError
        If no file or folder can have it.
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name or name != _short(name):
        raise UsageError(f"bad --name {name[:40]!r}: write a name of at most {_LONGEST} bytes, without '/'")
    return name


def _depth(group: Sequence[Sequence[str]]) -> int:
    """How many parts of their paths tell files apart; 1 if the paths do not, as a.json and a.json.gz."""
    for depth in range(1, max(map(len, group)) + 1):
        if len({_name(parts, depth) for parts in group}) == len(group):
            return depth
    return 1


def _parts(path: str) -> List[str]:
    """The folders that a file is in, and its name without endings."""
    if path == STDIN:
        return ["run"]
    folder, name = place_and_name(path)
    return [*folder.split(os.sep), name]


def _name(parts: Sequence[str], depth: int) -> str:
    return _short("-".join(parts[-depth:]))


def _short(name: str) -> str:
    while len(os.fsencode(name)) > _LONGEST:
        name = name[1:]
    return name


def _different(names: Sequence[str]) -> List[str]:
    """The names; those that are there before are numbered."""
    result: Dict[str, None] = {}
    for name in names:
        different, number = name, 1
        while different in result:
            number += 1
            different = f"{name}-{number}"
        result[different] = None
    return list(result)

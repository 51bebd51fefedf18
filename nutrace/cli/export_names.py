"""What runs are called in the folder to which they are exported."""

from __future__ import annotations

import os
import re
from typing import Dict, List, Sequence

from nutrace.cli.run_files import loaded_as
from nutrace.errors import UsageError
from nutrace.trace.opening import STDIN

_ENDING = re.compile(r"(\.(json|jsonl|ndjson))?(\.gz)?\Z")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
#: File systems allow 255 bytes; the name stands in a folder's or a drawing's name.
_LONGEST = 120


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


def _depth(group: Sequence[Sequence[str]]) -> int:
    """How many parts of their paths tell files apart; 1 if the paths do not, as a.json and a.json.gz."""
    for depth in range(1, max(map(len, group)) + 1):
        if len({_name(parts, depth) for parts in group}) == len(group):
            return depth
    return 1


def checked(name: str) -> str:
    """A name that a user gives to a run.

    Raises
    ------
    UsageError
        If it cannot be the name of a folder everywhere.
    """
    if not name or _safe(name) != name:
        raise UsageError(
            f"bad --name {name[:40]!r}: use letters, digits, '.', '_' and '-', at most {_LONGEST}, "
            "with a letter or a digit first"
        )
    return name


def _parts(path: str) -> List[str]:
    if path == STDIN:
        return ["run"]
    folder, file = os.path.split(os.path.abspath(path))
    return [*folder.split(os.sep), _ENDING.sub("", file)]


def _name(parts: Sequence[str], depth: int) -> str:
    return _safe("-".join(parts[-depth:]))


def _safe(text: str) -> str:
    """`text` as a name of a folder: hidden folders are not queried, and `=` stands before a run's name."""
    return _UNSAFE.sub("_", text)[-_LONGEST:].lstrip("._-") or "run"


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

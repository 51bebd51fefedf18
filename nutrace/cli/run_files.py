"""The run files that a user names, also by the folders that they are in."""

from __future__ import annotations

import os
import re
from typing import Dict, Iterator, List, Sequence, Union

from nutrace.errors import InputError
from nutrace_exporters.registry import FORMATS

_RUN_FILE = re.compile(r"(?P<name>.+\.(json|jsonl|ndjson)(\.gz)?)(\.partial)?\Z")
_SHARD = re.compile(r"\.shard-[^/]*\.partial\Z")
_NUMBER = re.compile(r"(\d+)")


def run_files(names: Sequence[str]) -> List[str]:
    """Files as they are, and the run files in folders, in the order of their names.

    Raises
    ------
    InputError
        If a folder has no run files, or cannot be read.
    """
    return [file for name in names for file in _files(name)]


def _files(name: str) -> Iterator[str]:
    if not os.path.isdir(name):
        yield name
        return
    try:
        entries = os.listdir(name)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None
    drawings = tuple(row.suffix for row in FORMATS)
    files: Dict[str, None] = {}
    for entry in sorted(entries, key=_natural):
        match = None if _SHARD.search(entry) or entry.endswith(drawings) else _RUN_FILE.match(entry)
        if match:
            files[os.path.join(name, match["name"])] = None
    if not files:
        raise InputError(f"{name} has no run files: name a folder with files such as run.json")
    yield from files


def _natural(name: str) -> List[Union[int, str]]:
    """Sort 2.json before 10.json."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBER.split(name))]

"""The run files that a user names, also by the folders that they are in."""

from __future__ import annotations

import os
import re
from typing import Dict, Iterator, List, Sequence

from nutrace.bench.record import NAME
from nutrace.errors import InputError
from nutrace_exporters.registry import FORMATS

_RUN_FILE = re.compile(r"(?P<name>.+\.(json|jsonl|ndjson)(\.gz)?)(\.partial)?\Z")
_SHARD = re.compile(r"\.shard-[^/]*\.partial\Z")
_NUMBER = re.compile(r"(\d+)")


def run_files(names: Sequence[str]) -> List[str]:
    """The run files that a user names: files as they are, and those in folders, in the order of their names.

    Raises
    ------
    InputError
        If a folder has no run files, or has several variants of a benchmark.
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
    if NAME in entries:
        variants = sorted(entry for entry in entries if os.path.isdir(os.path.join(name, entry)))
        examples = " or ".join(os.path.join(name, entry) for entry in variants[:2])
        raise InputError(
            f"{name} holds the runs of several variants: name the folder of one, such as {examples}"
        )
    found: Dict[str, None] = {}
    for entry in sorted(entries, key=_natural):
        match = None if _SHARD.search(entry) or entry.endswith(_drawings()) else _RUN_FILE.match(entry)
        if match:
            found[os.path.join(name, match["name"])] = None
    if not found:
        raise InputError(f"{name} has no run files: name a folder with files such as run.json")
    yield from found


def _drawings() -> tuple[str, ...]:
    return tuple(row.suffix for row in FORMATS)


def _natural(name: str) -> List[object]:
    """Sort 2.json before 10.json."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBER.split(name))]

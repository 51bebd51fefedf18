"""Find the run that a user most probably means who names none, or one that does not exist."""

from __future__ import annotations

import os
from itertools import islice
from typing import Iterator, Optional

#: Where ``nutrace demo`` writes its runs.
DEMO_FOLDER = "nutrace-demo"
_SUFFIXES = (".json", ".json.gz", ".json.partial", ".jsonl")
_HEAD_BYTES = 200  # what nutrace writes begins with the resource
_SIGNS = (b'{"resourceSpans"', b"\x1f\x8b")
_MOST_LOOKED_AT = 1000  # entries of a folder


def newest_run() -> Optional[str]:
    """The run file that was written last, in the current folder or, if there is none, in that of the demo."""
    return _newest_in(os.curdir) or _newest_in(DEMO_FOLDER)


def _newest_in(folder: str) -> Optional[str]:
    newest, written = None, 0.0
    for entry in _entries(folder):
        try:
            if entry.name.endswith(_SUFFIXES) and entry.is_file() and _is_run(entry.path):
                changed = entry.stat().st_mtime
                if newest is None or changed > written:
                    newest, written = os.path.normpath(entry.path), changed
        except OSError:
            continue
    return newest


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from islice(entries, _MOST_LOOKED_AT)
    except OSError:  # there is no such folder, it was deleted, or may not be read
        return


def _is_run(path: str) -> bool:
    """Whether a file begins as nutrace's do: of no more is read."""
    with open(path, "rb") as file:
        return file.read(_HEAD_BYTES).startswith(_SIGNS)

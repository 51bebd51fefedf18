"""The run files that a user names, also by the folders that they are in."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from typing import Iterator, List, Sequence

from nutrace.bench.folder import RECORD, RESERVED
from nutrace.errors import InputError
from nutrace.trace.parquet_format import exported_runs
from nutrace.trace.runfiles import PARTIAL

#: A finished run, the file of a process that still runs or was killed, or a shard of another process.
_FILES = re.compile(r"(?P<run>.+\.(json|jsonl|ndjson)(\.gz)?)((\.shard-[^/]*)?\.partial)?\Z")
_NUMBER = re.compile(r"(\d+)")
_HEAD_BYTES = 4096
_SIGN = b'"resourceSpans"'


def run_files(names: Sequence[str]) -> List[str]:
    """The run files that a user names: files as they are, and those in folders, in the order of their names.

    Of a folder that ``nutrace export`` wrote, they are the folders of its runs' spans.

    Raises
    ------
    InputError
        If a folder has no run files, or has several variants of a benchmark.
    """
    return [file for name in names for file in _files(name)]


def runs_in(folder: str) -> List[str]:
    """The runs whose files are in a folder, each under the name that loads all of its files.

    What a file is does not show in its name: drawings are JSON as well. Without run files it is the runs that
    ``nutrace export`` wrote into the folder; beside run files they would be the same runs again.

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    try:
        entries = sorted(os.listdir(folder), key=_natural)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from None
    paths = (os.path.join(folder, entry) for entry in entries if _FILES.match(entry))
    runs = list(dict.fromkeys(loaded_as(path) for path in paths if _is_run_file(path)))
    return runs or [run.path for run in exported_runs(folder)]


def loaded_as(path: str) -> str:
    """The name that loads a run, from the path of one of its files."""
    match = _FILES.match(path)
    return match["run"] if match else path


def _files(name: str) -> Iterator[str]:
    if not os.path.isdir(name):
        yield name
        return
    if os.path.exists(os.path.join(name, RECORD)):
        folders = sorted(entry for entry in os.listdir(name) if os.path.isdir(os.path.join(name, entry)))
        variants = [folder for folder in folders if folder not in RESERVED] or ["NAME"]
        examples = " or ".join(os.path.join(name, variant) for variant in variants[:2])
        raise InputError(
            f"{name} holds the runs of several variants: name the folder of one, such as {examples}"
        )
    files = runs_in(name)
    if not files:
        raise InputError(f"{name} has no run files: name a folder with files such as run.json")
    yield from files


def _is_run_file(path: str) -> bool:
    """Whether a file begins as OTLP/JSON does; one that cannot be read may be one, and is reported."""
    if not os.path.isfile(path):
        return False
    if path.endswith(PARTIAL):
        return True
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            head: bytes = file.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return True
    return _SIGN in head


def _natural(name: str) -> List[object]:
    """Sort 2.json before 10.json."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBER.split(name))]

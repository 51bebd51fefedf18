"""What is agreed on between the format ``parquet`` and :mod:`nutrace.trace.parquet_source`, which reads it.

A folder holds the tables of one or many runs, partitioned by run as Hive does it::

    OUT/spans/run=NAME/part-0.parquet
    OUT/steps/run=NAME/part-0.parquet
    ...

A character of a run's name that is unsafe in a path stands there as ``%20`` does for a blank; DuckDB and
pyarrow read it as what it was.
"""

from __future__ import annotations

import importlib
import os
import re
from typing import Any, List, NamedTuple, Optional, Tuple
from urllib.parse import unquote

from nutrace.errors import InputError, MissingDependencyError
from nutrace.extras import install

#: The version of the columns. Readers refuse files of another one.
SCHEMA = "1"
#: Keys of the metadata of each file.
SCHEMA_KEY, RUN_KEY, RUN_ID_KEY, COLUMNS_KEY = (
    b"nutrace.schema",
    b"nutrace.run",
    b"nutrace.run_id",
    b"nutrace.columns",
)
#: In the files of spans and processes: :mod:`nutrace.trace.parquet_facts`.
FACTS_KEY = b"nutrace.trace"

SPANS, PROCESSES = "spans", "processes"
#: In the order in which an export publishes them: whoever sees spans finds the rest.
TABLES = ("steps", "scenarios", "statements", "deepcopies", PROCESSES, SPANS)
PARTITION = "run="
PART = "part-0.parquet"

_NUMBER = re.compile(r"(\d+)")
_ENDING = re.compile(r"(\.(json|jsonl|ndjson))?(\.gz)?\Z")


def import_pyarrow(what: str) -> Any:
    """pyarrow, with ``pyarrow.parquet``; `what` needs it.

    Raises
    ------
    MissingDependencyError
        If it is not installed.
    """
    try:
        importlib.import_module("pyarrow.parquet")
        return importlib.import_module("pyarrow")
    except ImportError as error:
        raise MissingDependencyError(f"{what} needs pyarrow ({error}): {install('parquet')}") from None


class ExportedRun(NamedTuple):
    """One run in a folder of tables."""

    folder: str
    partition: str

    @property
    def name(self) -> str:
        """What the run is called."""
        return unquote(self.partition[len(PARTITION) :], errors="replace")

    @property
    def path(self) -> str:
        """The folder of its spans, by which it is loaded."""
        return os.path.join(self.folder, SPANS, self.partition)

    def file(self, table: str) -> str:
        """The file with its rows of a table."""
        return os.path.join(self.folder, table, self.partition, PART)


def exported_runs(path: str) -> List[ExportedRun]:
    """The exported runs that a path stands for, by name: those of a folder of tables, or one of them.

    Nothing if it is no export.
    """
    if path.endswith(os.sep + PART):
        path = os.path.dirname(path)
    path = path.rstrip(os.sep) or path
    above, name = os.path.split(path)
    if name.startswith(PARTITION) and os.path.basename(above) in TABLES:
        run = ExportedRun(os.path.dirname(above), name)
        return [run] if os.path.isfile(run.file(SPANS)) else []
    folder = above if name in TABLES else path
    try:
        entries = sorted(os.listdir(os.path.join(folder, SPANS)), key=_natural)
    except (OSError, ValueError):
        return []
    runs = (ExportedRun(folder, entry) for entry in entries if entry.startswith(PARTITION))
    return [run for run in runs if os.path.isfile(run.file(SPANS))]


def place_and_name(path: str) -> Tuple[str, str]:
    """The folder that a run is in, absolute, and what the run is called: as its file is, without endings."""
    exported = exported_runs(path)
    if exported:
        return os.path.abspath(exported[0].folder), exported[0].name
    folder, file = os.path.split(os.path.abspath(path))
    return folder, _ENDING.sub("", file) or "run"


def one_exported_run(path: str) -> Optional[ExportedRun]:
    """The run that a path stands for; None if it is no export.

    Raises
    ------
    InputError
        If there are several.
    """
    runs = exported_runs(path)
    if len(runs) > 1:
        raise InputError(f"{path} holds {len(runs):,} runs: name one, such as {runs[0].path}")
    return runs[0] if runs else None


def _natural(name: str) -> List[object]:
    """Sort run=2 before run=10."""
    return [int(part) if index % 2 else part for index, part in enumerate(_NUMBER.split(name))]

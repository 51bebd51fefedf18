"""Tables of many runs as Parquet, for DuckDB, Polars, pandas and Spark; :func:`nutrace.load` reads them, too.

The layout is that of :mod:`nutrace.trace.parquet_format`. In DuckDB::

    SELECT * FROM read_parquet('OUT/spans/*/*.parquet', hive_partitioning=true, union_by_name=true)
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, Optional, Sequence, Tuple

from nutrace import semconv
from nutrace.errors import UsageError
from nutrace.trace import Trace
from nutrace.trace.analysed import Row, analysed
from nutrace.trace.parquet_facts import facts_of
from nutrace.trace.parquet_format import (
    COLUMNS_KEY,
    FACTS_KEY,
    PART,
    PROCESSES,
    RUN_ID_KEY,
    RUN_KEY,
    SCHEMA,
    SCHEMA_KEY,
    SPANS,
    import_pyarrow,
)
from nutrace_exporters import parquetspans, parquettables
from nutrace_exporters.parquetcolumns import Column, bounded, schema
from nutrace_exporters.parquetfolder import Staged, staged

#: Rows that are in memory at a time, and in a row group of the file.
_ROWS = 1 << 16
_COMPRESSION = "zstd"
#: Every span has another one, so that a dictionary would be as long as the column.
_ALL_DIFFERENT = frozenset(("span_id", "parent_span_id"))

Progress = Callable[[int, int], None]


def export(
    trace: Trace, folder: Path, run: str, *, replace: bool = False, progress: Optional[Progress] = None
) -> Path:
    """Add the tables of a run to a folder; returns the folder of its spans, by which it can be loaded.

    Of a run that is in the folder already the tables are replaced. Another run of the same name stays: the
    new one is then called ``run-2``, and so on.

    Parameters
    ----------
    trace:
        A whole trace that :func:`nutrace.load` has read, with corrected times: the tables have both.
    folder:
        The folder of all runs; it is made if it does not exist.
    run:
        What the run is called.
    replace:
        Replace whatever run has the name.
    progress:
        Called now and then with (spans written, spans in all).

    Raises
    ------
    UsageError
        If it is a part of a trace, or times are as recorded.
    OutputError
        If the tables cannot be written; then nothing is left of them.
    MissingDependencyError
        If pyarrow is not installed.
    """
    if trace.selection:
        raise UsageError(
            f"{trace.path}: tables hold whole runs, and this is only {trace.selection}: "
            "write the whole trace, and select from it when it is loaded"
        )
    if trace.correction.raw:
        raise UsageError(
            f"{trace.path}: tables hold corrected times and what was taken out: load it without raw"
        )
    pa = import_pyarrow("--format parquet")
    run_id = _identity(trace)
    with staged(Path(folder), run, lambda there: replace or _run_id_of(pa, there) == run_id) as stage:
        writer = _Writer(pa, trace, stage, run_id)
        writer.write_all(progress)
        return stage.published(SPANS)


def _identity(trace: Trace) -> bytes:
    """What is the same in two readings of a run, and in no two runs."""
    ids = {resource.attributes.get(semconv.RUN_ID) for resource in trace.resources} - {None}
    if ids:
        return " ".join(sorted(map(str, ids))).encode()
    return f"{trace.trace_id(0)} {trace.begin_ns}".encode()


def _run_id_of(pa: Any, spans: Path) -> Optional[bytes]:
    try:
        metadata: Optional[Dict[bytes, bytes]] = pa.parquet.read_schema(spans / PART).metadata
    except (OSError, pa.ArrowException):
        return None
    return (metadata or {}).get(RUN_ID_KEY)


class _Writer:
    """Writes the tables of one run."""

    def __init__(self, pa: Any, trace: Trace, stage: Staged, run_id: bytes) -> None:
        self._pa = pa
        self._trace = trace
        self._stage = stage
        self._analysed = analysed(trace)
        self._metadata = {SCHEMA_KEY: SCHEMA.encode(), RUN_KEY: stage.name.encode(), RUN_ID_KEY: run_id}

    def write_all(self, progress: Optional[Progress]) -> None:
        told = self._analysed
        self._write_spans(progress)
        self._write_rows("steps", parquettables.STEPS, told.steps)
        self._write_rows("scenarios", parquettables.SCENARIOS, told.scenarios)
        self._write_rows("statements", parquettables.STATEMENTS, told.statements)
        self._write_rows("deepcopies", parquettables.DEEPCOPIES, told.deepcopies)
        self._write_rows(PROCESSES, parquettables.PROCESSES, parquettables.process_rows(self._trace))

    def _write_spans(self, progress: Optional[Progress]) -> None:
        columns = parquetspans.SpanColumns(self._pa, self._trace, self._analysed, self._stage.name)
        count = len(self._trace)
        with self._file(SPANS, parquetspans.COLUMNS, {FACTS_KEY: facts_of(self._trace)}) as (write, wanted):
            for first in range(0, count, _ROWS):
                last = min(first + _ROWS, count)
                made = columns.columns(first, last)
                nothing = {field.name: self._pa.nulls(last - first, field.type) for field in wanted}
                write(list({**nothing, **made}.values()))
                if progress is not None:
                    progress(last, count)

    def _write_rows(self, table: str, columns: Sequence[Column], rows: Iterable[Row]) -> None:
        rows = iter(rows)
        with self._file(table, columns, {}) as (write, wanted):
            while True:
                part = list(itertools.islice(rows, _ROWS))
                if not part:
                    return
                lists = parquettables.as_lists(columns, part, self._stage.name)
                write([self._pa.array(bounded(lists[field.name]), field.type) for field in wanted])

    @contextmanager
    def _file(
        self, table: str, columns: Sequence[Column], metadata: Mapping[bytes, bytes]
    ) -> Iterator[Tuple[Callable[[Sequence[Any]], None], Any]]:
        """A file to write: what writes a row group of Arrow arrays, and the schema that they have to have."""
        pa = self._pa
        wanted = schema(pa, columns, {**self._metadata, **metadata}, COLUMNS_KEY)
        alike = [each.name for each in columns if each.kind == "string" and each.name not in _ALL_DIFFERENT]

        def write(arrays: Sequence[Any]) -> None:
            writer.write_batch(pa.record_batch(arrays, schema=wanted))

        with pa.parquet.ParquetWriter(
            self._stage.file(table),
            wanted,
            version="2.6",  # the first that has nanoseconds
            compression=_COMPRESSION,
            use_dictionary=alike if not any(each.items for each in columns) else True,
            write_page_checksum=True,
        ) as writer:
            yield write, wanted

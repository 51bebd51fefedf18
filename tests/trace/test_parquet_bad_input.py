"""Folders that are no export, or a damaged one: one line says what is wrong, and nothing is half read."""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes.commands import command
from fakes.exported import everything, exported, pq, pyarrow
from fakes.otlp import document, write
from fakes.priced import priced, step

from nutrace.errors import EmptyTraceError, InputError, MissingDependencyError
from nutrace.trace import load


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The folder of the spans of an exported run."""
    tree = ("simulation.run", 0, 9000, [step(index) for index in range(4)])
    return exported(write(tmp_path / "run.json", document(tree, resource=priced())), tmp_path / "out")


def _rewritten(file: Path, **metadata: Any) -> None:
    """Write a file again, with other metadata."""
    table = pq.read_table(file)
    told = {key: value for key, value in table.schema.metadata.items() if key.decode() not in metadata}
    told.update({key.encode(): value for key, value in metadata.items() if value is not None})
    pq.write_table(table.replace_schema_metadata(told), file)


def _error(path: Path) -> str:
    """The line that ``nutrace report`` prints; its exit code is that of bad input."""
    done = command("report", path)
    assert (done.code, done.out) == (InputError.exit_code, "")
    assert done.err.count("\n") == 1
    return done.err


def test_another_schema_version(tables: Path) -> None:
    _rewritten(tables / "part-0.parquet", **{"nutrace.schema": "2"})
    assert _error(tables) == (
        f"nutrace: error: {tables}/part-0.parquet has schema version 2, and this nutrace reads version 1: "
        "export the run again, or read it with the nutrace that wrote it\n"
    )


def test_a_table_of_another_program(tables: Path) -> None:
    _rewritten(tables / "part-0.parquet", **{"nutrace.schema": None})
    assert "is no table of nutrace's: name a folder that nutrace export wrote" in _error(tables)


def test_folders_that_are_no_export(tmp_path: Path, tables: Path) -> None:
    (tmp_path / "empty" / "spans").mkdir(parents=True)
    (tmp_path / "half" / "spans" / "run=a").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "empty", tmp_path / "half", tmp_path / "half" / "spans" / "run=a"):
        assert f"{folder} is a directory: name the run file in it, such as {folder}/run.json" in _error(
            folder
        )


def test_a_part_of_an_export(tables: Path) -> None:
    processes = tables.parents[1] / "processes" / tables.name / "part-0.parquet"
    processes.rename(processes.with_name("elsewhere"))
    assert f"{processes} cannot be read: No such file or directory; copy the whole export" in _error(tables)


def test_fewer_rows_than_were_written(tables: Path) -> None:
    for table in ("spans", "processes"):
        file = tables.parents[1] / table / tables.name / "part-0.parquet"
        whole = file.read_bytes()
        pq.write_table(pq.read_table(file)[:-1], file)
        assert "is truncated or damaged" in _error(tables)
        file.write_bytes(whole)
    load(tables)


def test_rows_in_another_order(tables: Path) -> None:
    file = tables / "part-0.parquet"
    table = pq.read_table(file)
    pq.write_table(table.take(list(reversed(range(len(table))))), file)
    assert "is truncated or damaged" in _error(tables)


def test_a_thread_or_process_that_is_not_there(tables: Path) -> None:
    file = tables / "part-0.parquet"
    table = pq.read_table(file)
    at = table.schema.get_field_index("nutrace_thread")
    for number in (-1, 99):
        other = pyarrow.array([number] * len(table), "int32")
        pq.write_table(table.set_column(at, table.schema.field(at), other), file)
        assert "is truncated or damaged" in _error(tables)


@pytest.mark.parametrize("lost", [1, 7, 8, 9, 100, 5000, 20000])
def test_a_truncated_file(tables: Path, lost: int) -> None:
    file = tables / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:-lost])
    assert f"{file} is truncated or damaged: copy it again, or export the run again" in _error(tables)


def test_an_empty_file(tables: Path) -> None:
    (tables / "part-0.parquet").write_bytes(b"")
    assert "is truncated or damaged" in _error(tables)


def test_bytes_that_changed(tables: Path, tmp_path: Path) -> None:
    """Pages have checksums, so that no other number is read; the description of the file has none."""
    whole = everything(load(tables))
    for table in ("spans", "processes"):
        file = tables.parents[1] / table / tables.name / "part-0.parquet"
        content, footer = file.read_bytes(), pq.ParquetFile(file).metadata.serialized_size
        chance = random.Random(5)
        for _ in range(60):
            place = chance.randrange(len(content) - footer - 8)
            changed = bytearray(content)
            changed[place] ^= 1 << chance.randrange(8)
            file.write_bytes(changed)
            try:
                again = everything(load(tables))
            except InputError:
                continue
            assert again == whole  # a column that is not read
        for _ in range(60):
            changed = bytearray(content)
            changed[-1 - chance.randrange(footer + 8)] ^= 1 << chance.randrange(8)
            file.write_bytes(changed)
            with contextlib.suppress(InputError):
                load(tables)
        file.write_bytes(content)


def test_what_may_not_be_read(tables: Path) -> None:
    file = tables / "part-0.parquet"
    file.unlink()
    file.symlink_to("/proc/self/mem")  # root may read everything else
    assert _error(tables)


def test_without_pyarrow(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    done = command("report", tables)
    assert (done.code, done.out) == (MissingDependencyError.exit_code, "")
    assert done.err.startswith(f"nutrace: error: reading {tables}/part-0.parquet needs pyarrow (")
    assert done.err.endswith("): pip install 'pyarrow>=15'\n")


def test_a_run_without_spans(tables: Path) -> None:
    file = tables / "part-0.parquet"
    table = pq.read_table(file)
    facts = table.schema.metadata[b"nutrace.trace"].replace(b'"spans": %d,' % len(table), b'"spans": 0,')
    pq.write_table(
        table[:0].replace_schema_metadata({**table.schema.metadata, b"nutrace.trace": facts}), file
    )
    with pytest.raises(EmptyTraceError):
        load(tables)


def test_a_named_run_that_is_gone(tables: Path) -> None:
    shutil.rmtree(tables)
    assert f"{tables} does not exist" in _error(tables)

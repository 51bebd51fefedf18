"""Open the file of a table, and take its columns as Python has them."""

from __future__ import annotations

import os
from array import array
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, TypeVar

from nutrace.errors import InputError
from nutrace.trace.parquet_format import SCHEMA, SCHEMA_KEY, import_pyarrow

#: Rows that are decoded at a time.
_ROWS = 1 << 16

#: What reading damaged data raises, besides Arrow's own errors.
_ERRORS = (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError)

Batch = Dict[str, Any]
_T = TypeVar("_T")


class TableFile:
    """A file of an export.

    Parameters
    ----------
    path:
        Of the file.
    alike:
        Columns of texts that repeat: they are read as dictionaries.

    Attributes
    ----------
    rows:
        How many rows it has.
    size:
        Bytes on disk.

    Raises
    ------
    InputError
        If it cannot be read, is not of an export, or of another version; also while reading.
    MissingDependencyError
        If pyarrow is not installed.
    """

    def __init__(self, path: str, alike: Sequence[str] = ()) -> None:
        self._pa = import_pyarrow(f"reading {path}")
        self._path = path
        try:
            self.size = os.path.getsize(path)
            with open(path, "rb"):
                pass  # an error of Python's says what is wrong, and not where in C++
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}; copy the whole export") from None
        with self._damage():
            self._file = self._pa.parquet.ParquetFile(
                path, read_dictionary=list(alike), page_checksum_verification=True
            )
            self._metadata: Dict[bytes, bytes] = self._file.schema_arrow.metadata or {}
            self.rows: int = self._file.metadata.num_rows
        version = self._metadata.get(SCHEMA_KEY)
        if version is None:
            raise InputError(f"{path} is no table of nutrace's: name a folder that nutrace export wrote")
        if version != SCHEMA.encode():
            found = version.decode("utf-8", "replace")[:20]
            raise InputError(
                f"{path} has schema version {found}, and this nutrace reads version {SCHEMA}: "
                "export the run again, or read it with the nutrace that wrote it"
            )

    def __enter__(self) -> TableFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def text(self, key: bytes) -> bytes:
        """An entry of the file's metadata."""
        with self._damage():
            return self._metadata[key]

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Some columns, as Arrow arrays by name, of so many rows at a time."""
        with self._damage():
            for batch in self._file.iter_batches(_ROWS, columns=list(columns)):
                yield {name: batch.column(name) for name in columns}

    @property
    def pyarrow(self) -> Any:
        """The module."""
        return self._pa

    def made(self, make: Callable[[], _T]) -> _T:
        """What `make` makes of the file.

        Raises
        ------
        InputError
            If it fails because the file is damaged.
        """
        with self._damage():
            return make()

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """Turn the errors of a damaged file, and those of whoever makes something of it, into ours."""
        try:
            yield
        except MemoryError:
            raise
        except (self._pa.ArrowException, *_ERRORS):
            raise InputError(
                f"{self._path} is truncated or damaged: copy it again, or export the run again"
            ) from None


def numbers(column: Any, typecode: str) -> array[int]:
    """A column of integers or times; -1 for null."""
    if column.null_count:
        column = column.fill_null(-1)
    result = array(typecode)
    if result.itemsize * 8 != column.type.bit_width:
        raise TypeError(f"{column.type} is not {typecode}")
    begin, end = column.offset * result.itemsize, (column.offset + len(column)) * result.itemsize
    result.frombytes(memoryview(column.buffers()[1])[begin:end])
    return result


def flags(pa: Any, column: Any) -> bytearray:
    """A column of booleans, a byte each."""
    small = column.cast(pa.uint8())
    return bytearray(memoryview(small.buffers()[1])[small.offset : small.offset + len(small)])


def texts(column: Any) -> List[str]:
    """A column of texts that was read as a dictionary."""
    words = column.dictionary.to_pylist()
    return [words[index] for index in numbers(column.indices, "i")]


def some_texts(column: Any, first: int) -> Iterator[Tuple[int, str]]:
    """Of a column that is null nearly everywhere the texts, each with its row; the first row is `first`."""
    if column.null_count < len(column):
        for row, value in enumerate(column.to_pylist(), first):
            if value is not None:
                yield row, value

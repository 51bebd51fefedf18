"""Columns of pandas tables, made without a Python object for each row."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Iterable, List, Mapping, Optional, Sequence

from nutrace.jupyter.pandas_import import import_pandas
from nutrace_exporters.parquetcolumns import Column

if TYPE_CHECKING:
    from pandas import DataFrame

_MS = 1e6
_MB = 1e6
_S = 1e9
#: What a column's name in nanoseconds or bytes ends in, in a table, and by what its values are divided.
_UNITS = (("_ns", "_ms", _MS), ("_bytes", "_mb", _MB))


def numbers(column: array[int]) -> Any:
    """A column of a trace as numpy's 64-bit integers."""
    import numpy  # pandas brings it

    # A copy: the frame may be written to, and the trace may not.
    return (
        numpy.frombuffer(column, dtype=f"i{column.itemsize}").astype("int64")
        if column
        else numpy.empty(0, "int64")
    )


def categories(values: Sequence[Any], codes: Any = None) -> Any:
    """Values that repeat, each kept once.

    Parameters
    ----------
    values:
        The value of each row; with `codes`, the values that these number.
    """
    pandas = import_pandas()
    if codes is None:
        return pandas.Categorical(values)
    known = {value: number for number, value in enumerate(dict.fromkeys(values))}
    import numpy

    places = numpy.array([known[value] for value in values] or [0])
    return pandas.Categorical.from_codes(places[codes], list(known))


def floats(values: Sequence[Optional[float]]) -> Any:
    """A column of floats, NaN for None: of nothing but None pandas would make no numbers."""
    import numpy

    return numpy.array([float("nan") if value is None else value for value in values], dtype="float64")


def counts(values: Sequence[Optional[int]]) -> Any:
    """A column of integers; of floats if some are None."""
    import numpy

    if None in values:
        return floats(values)
    try:
        return numpy.array(values, dtype="int64")
    except OverflowError:  # sums over a damaged file
        return floats(values)


def span_numbers(values: Sequence[Optional[int]]) -> Any:
    """A column of spans, <NA> for None: floats are no numbers of spans."""
    return import_pandas().array(values, dtype="Int64")


def frame_of(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], begin_ns: int, index: Sequence[str]
) -> DataFrame:
    """A table of an analysis' rows: times in ms, their beginnings in seconds, sizes in millions of bytes.

    It has all columns, with their types, also if there are no rows, or none that have some column. Lists of
    records are left to ``nutrace sql --json`` and ``nutrace deepcopy --json``.

    Parameters
    ----------
    columns:
        The columns of such rows, declared for the formats of tables.
    begin_ns:
        When the trace began, Unix ns.
    index:
        The columns that label a row.
    """
    pandas = import_pandas()
    known = list(rows)
    frame: DataFrame = pandas.DataFrame(
        {
            _named(each): _typed(each, [row.get(each.name) for row in known], begin_ns)
            for each in columns
            if not each.items
        }
    )
    return frame.set_index(list(index))


def _named(column: Column) -> str:
    if column.kind == "timestamp":
        return "start_s"
    for ending, unit, _ in _UNITS:
        if column.name.endswith(ending):
            return column.name[: -len(ending)] + unit
    return column.name


def _typed(column: Column, values: List[Any], begin_ns: int) -> Any:
    """The values in the table's unit, of one type even where there are none."""
    if column.kind == "timestamp":
        return floats([None if value is None else (value - begin_ns) / _S for value in values])
    for ending, _, unit in _UNITS:
        if column.name.endswith(ending):
            return floats([None if value is None else value / unit for value in values])
    if column.name == "span":
        return span_numbers(values)
    if column.kind == "double":
        return floats(values)
    if column.kind in ("int32", "int64"):
        return counts(values)
    # pandas knows text and truth values by looking at them.
    return values or import_pandas().Series([], dtype=bool if column.kind == "bool" else str)

"""Columns of pandas tables, made without a Python object for each row."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Sequence

from nutrace.jupyter.pandas_import import import_pandas

if TYPE_CHECKING:
    from pandas import DataFrame

_MS = 1e6
_MB = 1e6
_S = 1e9


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


def frame_of(rows: Iterable[Mapping[str, Any]], begin_ns: int, index: Sequence[str]) -> DataFrame:
    """A table of an analysis' rows: times in ms, their beginnings in seconds, sizes in millions of bytes.

    Parameters
    ----------
    begin_ns:
        When the trace began, Unix ns.
    index:
        The columns that label a row.
    """
    pandas = import_pandas()
    known = list(rows)
    names = dict.fromkeys(name for row in known for name in row)
    columns: Dict[str, List[Any]] = {name: [row.get(name) for row in known] for name in names}
    frame: DataFrame = pandas.DataFrame(
        {_named(name): _scaled(name, values, begin_ns) for name, values in columns.items()}
    )
    return frame.set_index(list(index)) if columns else frame


def _named(name: str) -> str:
    if name == "start_time_unix_nano":
        return "start_s"
    for ending, unit in (("_ns", "_ms"), ("_bytes", "_mb")):
        if name.endswith(ending):
            return name[: -len(ending)] + unit
    return name


def _scaled(name: str, values: List[Any], begin_ns: int) -> List[Any]:
    if name == "start_time_unix_nano":
        return [_divided(value, _S, begin_ns) for value in values]
    if name.endswith("_ns"):
        return [_divided(value, _MS) for value in values]
    return [_divided(value, _MB) for value in values] if name.endswith("_bytes") else values


def _divided(value: Optional[float], unit: float, begin: float = 0) -> float:
    return float("nan") if value is None else (value - begin) / unit
